//! `smoke --clean`: removes what killed runs left.

use super::{Context, Outcome, refused};
use crate::cli::OutputFormat;
use crate::error::Result;
use crate::exit::ExitStatus;
use crate::report;
use crate::smoke::{self, Tenant};

pub(super) async fn run(tenants: &[Tenant], context: &Context, colour: bool) -> Result<Outcome> {
    let mut all = Vec::new();
    for tenant in tenants {
        let cleaned = smoke::clean(&tenant.targets, &tenant.options).await;
        all.push((tenant.name.clone(), cleaned.map_err(|error| refused(&tenant.name, &error))?));
    }
    let failed = all.iter().any(|(_, cleaned)| !cleaned.failed.is_empty());
    Ok(Outcome {
        status: if failed { ExitStatus::Error } else { ExitStatus::Success },
        text: match context.output {
            OutputFormat::Json => report::json::cleaned(&all),
            OutputFormat::Text => all.iter().map(|(env, cleaned)| report::text::cleaned(env, cleaned)).collect(),
        },
        problems: all.iter().map(|(env, cleaned)| report::text::not_cleaned(env, cleaned, colour)).collect(),
        reports: Vec::new(),
        dns: None,
    })
}
