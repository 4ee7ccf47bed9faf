//! Secrets Manager: a secret, changed, and both of its versions read back.

use aws_sdk_secretsmanager::{Client, types::Tag};

use super::{diagnose::Failure, run::Run};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let secrets = Client::new(&run.sdk());
    let name = run.name();
    let arn = create_secret(run, &secrets, "first", None).await?;
    run.expect_account(&arn)?;
    let read = run.step("get_secret_value", secrets.get_secret_value().secret_id(&name).send()).await?;
    run.expect_eq("secret", &Some("first"), &read.secret_string())?;

    let update = secrets.update_secret().secret_id(&name).secret_string("second");
    run.step("update_secret", update.send()).await?;
    for (stage, value) in [("AWSCURRENT", "second"), ("AWSPREVIOUS", "first")] {
        let read = secrets.get_secret_value().secret_id(&name).version_stage(stage);
        let read = run.step("get_secret_value", read.send()).await?;
        run.expect_eq(&format!("secret of {stage}"), &Some(value), &read.secret_string())?;
    }
    Ok(())
}

/// Creates a secret with the run's name and gives its ARN; in the end it is deleted, without the usual days of grace.
pub(super) async fn create_secret(
    run: &mut Run,
    secrets: &Client,
    value: &str,
    tag: Option<Tag>,
) -> Result<String, Failure> {
    let name = run.name();
    let create = secrets.create_secret().name(&name).secret_string(value).set_tags(tag.map(|tag| vec![tag]));
    let created = run.step("create_secret", create.send()).await?;
    run.undo("delete_secret", secrets.delete_secret().secret_id(&name).force_delete_without_recovery(true).send());
    run.present("ARN", created.arn)
}
