//! SES: a verified sender, a mail sent, and the statistics that count it.

use aws_sdk_ses::{
    Client,
    operation::get_send_statistics::GetSendStatisticsOutput,
    types::{Body, Content, Destination, Message, VerificationStatus},
};

use super::{cause::Cause, diagnose::Failure, run::Run, sweep::Sweep};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let ses = Client::new(&run.sdk());
    let sender = format!("{}@example.com", run.name());
    run.step("verify_email_identity", ses.verify_email_identity().email_address(&sender).send()).await?;
    run.undo("delete_identity", ses.delete_identity().identity(&sender).send());

    let attributes = || ses.get_identity_verification_attributes().identities(&sender).send();
    let verified = run
        .until("get_identity_verification_attributes", "the identity", attributes, |got| {
            got.verification_attributes.get(&sender).map(|identity| identity.verification_status.clone())
        })
        .await?;
    run.expect_eq("verification", &VerificationStatus::Success, &verified)?;

    let before = sent(&run.step("get_send_statistics", ses.get_send_statistics().send()).await?);
    let content = |text: &str| Content::builder().data(text).build();
    let body = Body::builder().text(run.built(content("hello"))?).build();
    let message = Message::builder().subject(run.built(content("smoke test"))?).body(body).build();
    let to = Destination::builder().to_addresses("nobody@example.com").build();
    let mail = run.step("send_email", ses.send_email().source(&sender).destination(to).message(message).send()).await?;
    run.expect_eq("message id is empty", &false, &mail.message_id().is_empty())?;

    let statistics = || ses.get_send_statistics().send();
    // Other runs may send at the same time, so the count grows by one at least.
    run.until("get_send_statistics", "the sent mail", statistics, |got| (sent(&got) > before).then_some(())).await
}

fn sent(statistics: &GetSendStatisticsOutput) -> i64 {
    statistics.send_data_points().iter().map(|point| point.delivery_attempts).sum()
}

/// What the check may leave: verified senders.
pub(super) async fn sweep(sweep: &mut Sweep) -> Result<(), Cause> {
    let ses = Client::new(&sweep.sdk());
    let identities = ses.list_identities().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for identity in identities {
        sweep.found("identity", &identity, ses.delete_identity().identity(&identity).send()).await;
    }
    Ok(())
}
