//! What the checks of identities, keys and secrets may leave. Does network IO.

use aws_sdk_iam::types::PolicyScopeType;
use aws_sdk_kms::types::KeyState;
use aws_sdk_secretsmanager::operation::list_secrets::ListSecretsOutput;
use aws_sdk_ssm::operation::describe_parameters::DescribeParametersOutput;

use super::Sweep;
use crate::smoke::cause::Cause;

/// Certificates, which are told by their domain.
pub(super) async fn acm(sweep: &mut Sweep) -> Result<(), Cause> {
    let acm = aws_sdk_acm::Client::new(&sweep.sdk());
    let all = acm.list_certificates().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for certificate in all {
        let arn = certificate.certificate_arn().unwrap_or_default();
        let remove = acm.delete_certificate().certificate_arn(arn).send();
        sweep.found("certificate", certificate.domain_name().unwrap_or_default(), remove).await;
    }
    Ok(())
}

/// Roles and policies, detached from each other first.
pub(super) async fn iam(sweep: &mut Sweep) -> Result<(), Cause> {
    let iam = aws_sdk_iam::Client::new(&sweep.sdk());
    let roles = iam.list_roles().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for role in roles {
        let name = role.role_name();
        let remove = async {
            let attached = iam.list_attached_role_policies().role_name(name).send().await?;
            for arn in attached.attached_policies().iter().filter_map(|policy| policy.policy_arn()) {
                iam.detach_role_policy().role_name(name).policy_arn(arn).send().await?;
            }
            iam.delete_role().role_name(name).send().await.map_err(Cause::from)
        };
        sweep.found("role", name, remove).await;
    }
    let own = iam.list_policies().scope(PolicyScopeType::Local).into_paginator().items().send();
    for policy in own.collect::<Result<Vec<_>, _>>().await? {
        let remove = iam.delete_policy().policy_arn(policy.arn().unwrap_or_default()).send();
        sweep.found("policy", policy.policy_name().unwrap_or_default(), remove).await;
    }
    Ok(())
}

/// Aliases, and keys, which have no name but a description.
pub(super) async fn kms(sweep: &mut Sweep) -> Result<(), Cause> {
    let kms = aws_sdk_kms::Client::new(&sweep.sdk());
    let aliases = kms.list_aliases().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for alias in aliases {
        let name = alias.alias_name().unwrap_or_default();
        let remove = kms.delete_alias().alias_name(name).send();
        sweep.found("alias", name.trim_start_matches("alias/"), remove).await;
    }
    let keys = kms.list_keys().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for id in keys.iter().filter_map(|key| key.key_id()) {
        let Some(key) = kms.describe_key().key_id(id).send().await?.key_metadata else { continue };
        // A key is never deleted at once.
        if key.key_state() != Some(&KeyState::PendingDeletion) {
            let remove = kms.schedule_key_deletion().key_id(id).pending_window_in_days(7).send();
            sweep.found("key", key.description().unwrap_or_default(), remove).await;
        }
    }
    Ok(())
}

/// Secrets.
pub(super) async fn secretsmanager(sweep: &mut Sweep) -> Result<(), Cause> {
    let secrets = aws_sdk_secretsmanager::Client::new(&sweep.sdk());
    let pages = secrets.list_secrets().into_paginator().send().collect::<Result<Vec<_>, _>>().await?;
    for name in pages.iter().flat_map(ListSecretsOutput::secret_list).filter_map(|secret| secret.name()) {
        let remove = secrets.delete_secret().secret_id(name).force_delete_without_recovery(true).send();
        sweep.found("secret", name, remove).await;
    }
    Ok(())
}

/// Parameters below `/lsdeploy-...`.
pub(super) async fn ssm(sweep: &mut Sweep) -> Result<(), Cause> {
    let ssm = aws_sdk_ssm::Client::new(&sweep.sdk());
    let pages = ssm.describe_parameters().into_paginator().send().collect::<Result<Vec<_>, _>>().await?;
    for name in pages.iter().flat_map(DescribeParametersOutput::parameters).filter_map(|parameter| parameter.name()) {
        sweep.found("parameter", name.trim_start_matches('/'), ssm.delete_parameter().name(name).send()).await;
    }
    Ok(())
}
