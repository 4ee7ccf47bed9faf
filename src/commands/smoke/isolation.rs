//! `smoke --isolation`: environments must not see each other's data.

use super::{Context, Outcome, refused};
use crate::cli::OutputFormat;
use crate::error::Result;
use crate::exit::ExitStatus;
use crate::report::{self, EnvReport};
use crate::smoke::{self, Tenant};

pub(super) async fn run(tenants: &[Tenant], context: &Context, colour: bool) -> Result<Outcome> {
    let names: Vec<&str> = tenants.iter().map(|tenant| tenant.name.as_str()).collect();
    let events = context.events(&names.join(","));
    let results = smoke::isolation(tenants, |_, result, tally| events.checked(result, tally)).await;
    let results = results.map_err(|error| refused(&names.join(" and "), &error))?;
    let by_env: Vec<_> = names.iter().copied().zip(&results).collect();
    let problems: String =
        by_env.iter().map(|(env, results)| report::text::failed_checks(env, results, colour)).collect();
    let status = if problems.is_empty() { ExitStatus::Success } else { ExitStatus::Failure };
    let text = match context.output {
        OutputFormat::Json => report::json::isolation(&by_env),
        OutputFormat::Text => {
            by_env.iter().map(|(env, results)| report::text::isolation(env, results)).collect::<Vec<_>>().join("\n")
        }
    };
    let reports = tenants.iter().zip(results).map(|(tenant, results)| EnvReport {
        smoke: Some(results),
        status,
        ..EnvReport::of_url(&tenant.name, &tenant.targets, &context.run_id)
    });
    Ok(Outcome { status, text, problems, reports: reports.collect(), dns: None })
}
