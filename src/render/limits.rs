//! How much of the cluster an environment may take.

use serde_json::{Value, json};

use super::init;
use crate::environment::Environment;
use crate::error::{CommandError, Result};
use crate::quantity::milli;

/// So many pods like the emulator's have room: the one that runs, one that takes its place, one of the owner's.
const TIMES: u128 = 3;
/// Small pods beside them: jobs, probes.
const PODS: u32 = 10;
const MEBIBYTE: u128 = 1024 * 1024 * 1000;

/// The limits of the ResourceQuota. They do not depend on whether there are scripts: that may change at any time, and
/// the pod must fit before the change is known to the quota.
pub(super) fn quota(environment: &Environment) -> Result<Value> {
    let sum = |group: &str, name: &str| -> Result<u128> {
        let of_emulator = &environment.profile.resources;
        let of_emulator = if group == "requests" { &of_emulator.requests } else { &of_emulator.limits };
        let of_scripts = init::resources();
        let amounts = [of_emulator.get(name).map(String::as_str), of_scripts[group][name].as_str()];
        amounts.into_iter().flatten().map(amount).sum()
    };
    let cpu = |group: &str| Ok::<_, CommandError>(format!("{}m", TIMES * sum(group, "cpu")?));
    let memory =
        |group: &str| Ok::<_, CommandError>(format!("{}Mi", (TIMES * sum(group, "memory")?).div_ceil(MEBIBYTE)));
    Ok(json!({
        "pods": PODS.to_string(),
        "requests.cpu": cpu("requests")?,
        "requests.memory": memory("requests")?,
        "limits.cpu": cpu("limits")?,
        "limits.memory": memory("limits")?,
        "persistentvolumeclaims": "2",
        "services.nodeports": "0",
        "services.loadbalancers": "0",
    }))
}

fn amount(text: &str) -> Result<u128> {
    milli(text).ok_or_else(|| {
        CommandError::new(format!("the profile has `{text}` for an amount"))
            .hint("this is a fault of lsdeploy: please report it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::tests::environment;
    use crate::settings::Choices;

    #[test]
    fn three_pods_of_every_emulator_have_room() {
        let choices = Choices { emulator: Some("moto".into()), ..Choices::default() };
        let hard = quota(&environment("team1", choices).unwrap()).unwrap();
        assert_eq!((&hard["requests.cpu"], &hard["requests.memory"]), (&json!("90m"), &json!("960Mi")));
        assert_eq!((&hard["limits.cpu"], &hard["limits.memory"]), (&json!("6000m"), &json!("4608Mi")));
    }
}
