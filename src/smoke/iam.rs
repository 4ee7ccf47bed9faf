//! IAM: a role, and a policy attached to it, both read back.

use aws_sdk_iam::Client;
use serde_json::{Value, json};

use super::{diagnose::Failure, run::Run};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let iam = Client::new(&run.sdk());
    let name = run.name();
    let role = create_role(run, &iam).await?;
    run.expect_account(&role)?;
    let read = run.step("get_role", iam.get_role().role_name(&name).send()).await?;
    let read = run.present("Role", read.role)?;
    run.expect_eq("role", role.as_str(), read.arn())?;
    run.expect_eq("trust policy", &Some(trust()), &document(read.assume_role_policy_document()))?;

    let statement = json!({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"});
    let wanted = json!({"Version": "2012-10-17", "Statement": [statement]});
    let create = iam.create_policy().policy_name(&name).policy_document(wanted.to_string());
    let created = run.step("create_policy", create.send()).await?;
    let policy = run.present("Arn", created.policy.and_then(|policy| policy.arn))?;
    run.undo("delete_policy", iam.delete_policy().policy_arn(&policy).send());
    let attach = iam.attach_role_policy().role_name(&name).policy_arn(&policy);
    run.step("attach_role_policy", attach.send()).await?;
    run.undo("detach_role_policy", iam.detach_role_policy().role_name(&name).policy_arn(&policy).send());

    let attached = iam.list_attached_role_policies().role_name(&name);
    let attached = run.step("list_attached_role_policies", attached.send()).await?;
    let arns: Vec<_> = attached.attached_policies().iter().map(|attached| attached.policy_arn()).collect();
    run.expect_eq("attached policies", &vec![Some(policy.as_str())], &arns)?;
    let read = iam.get_policy_version().policy_arn(&policy).version_id("v1");
    let read = run.step("get_policy_version", read.send()).await?;
    let read = read.policy_version().and_then(|version| document(version.document()));
    run.expect_eq("policy", &Some(wanted), &read)
}

/// Creates a role with the run's name that anyone of the account may take; in the end it is deleted.
pub(super) async fn create_role(run: &mut Run, iam: &Client) -> Result<String, Failure> {
    let name = run.name();
    let create = iam.create_role().role_name(&name).assume_role_policy_document(trust().to_string());
    let created = run.step("create_role", create.send()).await?;
    run.undo("delete_role", iam.delete_role().role_name(&name).send());
    run.present("Arn", created.role.map(|role| role.arn))
}

fn trust() -> Value {
    let statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}});
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// Answers carry policies in percent-encoding.
fn document(encoded: Option<&str>) -> Option<Value> {
    let mut bytes = Vec::new();
    let mut rest = encoded?.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => u8::from_str_radix(&String::from_utf8(vec![rest.next()?, rest.next()?]).ok()?, 16).ok()?,
            plain => plain,
        });
    }
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_encoded_and_plain() {
        for text in [r#"{"a b": "*"}"#, "%7B%22a%20b%22%3A%20%22%2A%22%7d"] {
            assert_eq!(document(Some(text)), Some(json!({"a b": "*"})), "{text}");
        }
        assert_eq!(document(Some("%7")), None);
    }
}
