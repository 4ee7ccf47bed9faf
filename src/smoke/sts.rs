//! STS: whose account this is, and a role taken and used.

use aws_sdk_sts::{
    Client,
    config::{Builder, Credentials},
};

use super::{diagnose::Failure, iam, run::Run};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let sts = Client::new(&run.sdk());
    account(run, &sts).await?;

    let roles = aws_sdk_iam::Client::new(&run.sdk_for("iam"));
    let role = iam::create_role(run, &roles).await?;
    let name = run.name();
    let assume = sts.assume_role().role_arn(&role).role_session_name(&name);
    let assumed = run.step("assume_role", assume.send()).await?;
    let user = run.present("AssumedRoleUser", assumed.assumed_role_user())?.arn().to_owned();
    let session = format!("assumed-role/{name}/{name}");
    run.expect_eq("session", &Some(session.as_str()), &user.rsplit(':').next())?;

    let keys = run.present("Credentials", assumed.credentials)?;
    let keys = Credentials::from_keys(keys.access_key_id, keys.secret_access_key, Some(keys.session_token));
    let as_role = Client::from_conf(Builder::from(&run.sdk()).credentials_provider(keys).build());
    let identity = run.step("get_caller_identity", as_role.get_caller_identity().send()).await?;
    run.expect_eq("caller with the role's keys", &Some(user.as_str()), &identity.arn())
}

/// The account of the run's keys; it is the one the run was given, if it was.
pub(super) async fn account(run: &mut Run, sts: &Client) -> Result<String, Failure> {
    let identity = run.step("get_caller_identity", sts.get_caller_identity().send()).await?;
    let arn = run.present("Arn", identity.arn)?;
    run.expect_account(&arn)?;
    let account = run.present("Account", identity.account)?;
    run.expect_eq("account in the ARN", &Some(account.as_str()), &arn.split(':').nth(4))?;
    Ok(account)
}
