//! S3 Control: the account's block of public access, set, read and put back as it was.
//!
//! It is the one thing here that belongs to the whole account: two runs at the same time may see each other's.

use aws_sdk_s3control::{
    Client, Config,
    config::{
        Builder,
        endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint},
    },
    types::PublicAccessBlockConfiguration,
};

use super::{cause::Cause, diagnose::Failure, run::Run, sts};

/// Sends every call to the service's own host. The SDK would put the account in front of it, and no Route has that name.
#[derive(Debug)]
struct OneHost(String);

impl ResolveEndpoint for OneHost {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).build()))
    }
}

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let config: Config = Builder::from(&run.sdk()).endpoint_resolver(OneHost(run.url().to_owned())).build();
    let control = Client::from_conf(config);
    let account = sts::account(run, &aws_sdk_sts::Client::new(&run.sdk_for("sts"))).await?;

    // The mildest of the four settings, should a killed run leave it behind.
    let ours = PublicAccessBlockConfiguration::builder().ignore_public_acls(true).block_public_acls(false);
    let ours = ours.block_public_policy(false).restrict_public_buckets(false).build();
    let before = run.step("get_public_access_block", current(&control, &account)).await?;
    let put = |wanted: &PublicAccessBlockConfiguration| {
        let put = control.put_public_access_block().account_id(&account);
        put.public_access_block_configuration(wanted.clone()).send()
    };
    run.step("put_public_access_block", put(&ours)).await?;
    match before.filter(|before| *before != ours) {
        Some(theirs) => run.undo("put_public_access_block", put(&theirs)),
        None => {
            run.undo("delete_public_access_block", control.delete_public_access_block().account_id(&account).send());
        }
    }
    let after = run.step("get_public_access_block", current(&control, &account)).await?;
    run.expect_eq("blocked access", &Some(ours), &after)
}

/// What is blocked now; an account that never blocked anything answers with an error.
async fn current(control: &Client, account: &str) -> Result<Option<PublicAccessBlockConfiguration>, Cause> {
    match control.get_public_access_block().account_id(account).send().await.map_err(Cause::from) {
        Ok(got) => Ok(got.public_access_block_configuration),
        Err(none) if none.code() == Some("NoSuchPublicAccessBlockConfiguration") => Ok(None),
        Err(other) => Err(other),
    }
}
