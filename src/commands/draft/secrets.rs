//! Secrets that an environment uses: the emulator's token, and those with which its image is pulled. Reads only.

use futures::future::try_join_all;
use serde_json::{Value, json};

use super::Asked;
use crate::cluster::{Cluster, Fault};
use crate::environment::token::TokenSource;
use crate::environment::{Environment, Tenure};
use crate::error::{CommandError, Result};
use crate::manifest::{Kind, ManifestSet, ObjectId};
use crate::plan::LiveState;
use crate::render::{self, names};

/// The annotation of the ServiceAccount that tells our pull secrets from those of others.
const OURS: &str = "lsdeploy.dev/pull-secrets";

/// What is there under the name of a Secret.
enum There {
    Yes(Value),
    No,
    /// The caller may not look.
    Unseen,
}

/// The emulator's token: puts our Secret among what is wanted, where the token was given, and else leaves it alone.
/// Returns what to say of it.
///
/// # Errors
/// The token is nowhere.
pub(super) async fn place_token(
    cluster: &Cluster,
    asked: &Asked<'_>,
    set: &mut ManifestSet,
    live: &mut LiveState,
) -> Result<Vec<String>> {
    let environment = asked.environment;
    match (&environment.token, asked.token) {
        (None, _) => Ok(Vec::new()),
        (Some(source), Some(token)) if source.is_own => {
            let secret = render::token_secret(environment, token)?;
            let note = live.objects.get(&secret.id).and_then(|there| renewed(environment, there, &secret.object));
            let place = set.manifests.partition_point(|manifest| manifest.id.kind < Kind::Secret);
            set.manifests.insert(place, secret);
            Ok(note.into_iter().collect())
        }
        (Some(source), _) if source.is_own => {
            let id = ObjectId::new(Kind::Secret, names::AUTH);
            // Kept as it is: an omitted flag keeps what was given before.
            live.objects.remove(&id).map(|_| Vec::new()).ok_or_else(|| {
                CommandError::new(format!(
                    "the token of {} is not there: no Secret {} in {}, or you may not see it",
                    environment.name, source.secret, environment.namespace
                ))
                .hint("give it again: --auth-token-from file:PATH, env:NAME or - (standard input)")
            })
        }
        (Some(source), _) => check_token(cluster, asked, source).await,
    }
}

/// A container reads its variables when it starts.
fn renewed(environment: &Environment, there: &Value, wanted: &Value) -> Option<String> {
    (there.get("data") != wanted.get("data")).then(|| {
        let namespace = &environment.namespace;
        format!(
            "the emulator takes the new token when it starts anew: kubectl -n {namespace} rollout restart deployment/{}",
            names::EMULATOR
        )
    })
}

/// A Secret that somebody else made must hold the token. Before the namespace is there, it cannot be.
async fn check_token(cluster: &Cluster, asked: &Asked<'_>, source: &TokenSource) -> Result<Vec<String>> {
    let environment = asked.environment;
    let TokenSource { secret, key, .. } = source;
    let namespace = &environment.namespace;
    let lacks = match look(cluster, environment, secret).await? {
        There::Unseen => return Ok(Vec::new()),
        There::Yes(object) if object.pointer("/data").and_then(|data| data.get(key)).is_some() => return Ok(Vec::new()),
        There::Yes(_) => format!("the Secret {secret} in {namespace} has no key {key}"),
        There::No => format!("there is no Secret {secret} in {namespace}"),
    };
    let way = format!("kubectl -n {namespace} create secret generic {secret} --from-file={key}=FILE");
    if !asked.token_source || environment.tenure != Tenure::Guest {
        return Ok(vec![format!("{lacks}: the emulator does not start before it is made: {way}")]);
    }
    Err(CommandError::new(format!("--auth-token-secret: {lacks}"))
        .hint(format!("make it: {way}"))
        .hint("or have lsdeploy make one: --auth-token-from file:PATH"))
}

/// Says which of the Secrets with which the image is pulled are not there: the node then pulls without.
pub(super) async fn missing_pulls(cluster: &Cluster, environment: &Environment) -> Result<Vec<String>> {
    let looks = environment.pull_secrets.iter().map(|name| async move {
        let note = || {
            let namespace = &environment.namespace;
            format!(
                "--pull-secret {name}: there is no such Secret in {namespace}; the image is pulled without it until \
                 `kubectl -n {namespace} create secret docker-registry {name} ...` makes it"
            )
        };
        Ok::<_, CommandError>(matches!(look(cluster, environment, name).await?, There::No).then(note))
    });
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

async fn look(cluster: &Cluster, environment: &Environment, name: &str) -> Result<There> {
    match cluster.get(Kind::Secret, environment.namespace.as_str(), name).await {
        Ok(Some(object)) => Ok(There::Yes(object)),
        Ok(None) => Ok(There::No),
        Err(fault) if fault.code() == Some(403) => Ok(There::Unseen),
        Err(fault) => Err(Fault::explain(&fault, &format!("look for the Secret {name}"))),
    }
}

/// Pull secrets that were ours and are wanted no more are to leave the ServiceAccount's list; those of others stay.
pub(super) fn take_back_pulls(account: &mut Value, live: &Value) {
    let listed = |name: &str| {
        let list = live.get("imagePullSecrets").and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|item| item["name"] == name))
    };
    let wanted = account.get("imagePullSecrets").and_then(Value::as_array).cloned().unwrap_or_default();
    let recorded = live.pointer("/metadata/annotations").and_then(|all| all.get(OURS)).and_then(Value::as_str);
    let stale = recorded.unwrap_or_default().split(',').filter(|name| !name.is_empty() && listed(name));
    let stale = stale.filter(|name| wanted.iter().all(|item| item["name"] != **name));
    let gone: Vec<Value> = stale.map(|name| json!({"$patch": "delete", "name": name})).collect();
    if !gone.is_empty() {
        account["imagePullSecrets"] = wanted.into_iter().chain(gone).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pull_secrets_that_were_ours_are_taken_back() {
        let live = json!({
            "metadata": {"annotations": {OURS: "mine,gone,kept"}},
            "imagePullSecrets": [{"name": "emulator-dockercfg-x"}, {"name": "mine"}, {"name": "kept"}],
        });
        let mut account = json!({"imagePullSecrets": [{"name": "kept"}]});
        take_back_pulls(&mut account, &live);
        assert_eq!(account["imagePullSecrets"], json!([{"name": "kept"}, {"$patch": "delete", "name": "mine"}]));
        let mut none = json!({});
        take_back_pulls(&mut none, &json!({"imagePullSecrets": [{"name": "emulator-dockercfg-x"}]}));
        assert_eq!(none, json!({}));
    }
}
