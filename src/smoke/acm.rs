//! ACM: a certificate asked for by DNS, and the record that would prove the domain.

use aws_sdk_acm::{
    Client,
    types::{CertificateStatus, Tag, ValidationMethod},
};

use super::{diagnose::Failure, run::Run};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let acm = Client::new(&run.sdk());
    let domain = format!("{}.test", run.name());
    let second = format!("www.{domain}");
    let tag = run.built(Tag::builder().key("colour").value("blue").build())?;
    let request = acm.request_certificate().domain_name(&domain).subject_alternative_names(&second).tags(tag);
    let requested = run.step("request_certificate", request.validation_method(ValidationMethod::Dns).send()).await?;
    let arn = run.present("CertificateArn", requested.certificate_arn)?;
    run.undo("delete_certificate", acm.delete_certificate().certificate_arn(&arn).send());
    run.expect_account(&arn)?;

    let describe = acm.describe_certificate().certificate_arn(&arn);
    let described = run.step("describe_certificate", describe.send()).await?;
    let certificate = run.present("Certificate", described.certificate)?;
    run.expect_eq("domain", &Some(domain.as_str()), &certificate.domain_name())?;
    run.expect_eq("second name in the certificate", &true, &certificate.subject_alternative_names().contains(&second))?;
    // Emulators look at no DNS: sooner or later they take the domain for proved.
    let settled = [CertificateStatus::PendingValidation, CertificateStatus::Issued];
    let status = run.present("Status", certificate.status())?;
    run.expect_eq(&format!("status {status} is one of {settled:?}"), &true, &settled.contains(status))?;
    let proof = certificate.domain_validation_options().iter().find(|option| option.domain_name() == domain);
    let record = run.present("record to prove the domain", proof.and_then(|option| option.resource_record()))?;
    run.expect_eq("record is below the domain", &true, &record.name().trim_end_matches('.').ends_with(&domain))?;

    let tags = acm.list_tags_for_certificate().certificate_arn(&arn);
    let tags = run.step("list_tags_for_certificate", tags.send()).await?;
    let tags: Vec<_> = tags.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
    run.expect_eq("tags", &vec![("colour", Some("blue"))], &tags)
}
