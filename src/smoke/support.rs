//! Support: a case opened, read back and resolved. Cases cannot be deleted; they go with the emulator.

use aws_sdk_support::{
    Client,
    types::{CaseDetails, RecentCaseCommunications},
};

use super::{diagnose::Failure, run::Run};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let support = Client::new(&run.sdk());
    let name = run.name();
    let text = format!("hello from {name}");
    let create = support.create_case().subject(&name).communication_body(&text).service_code("amazon-sqs");
    let create = create.severity_code("low").category_code("general-info").language("en");
    let created = run.step("create_case", create.send()).await?;
    let case = run.present("caseId", created.case_id)?;
    run.undo("resolve_case", support.resolve_case().case_id(&case).send());

    let describe = support.describe_cases().case_id_list(&case).include_communications(true);
    let described = run.step("describe_cases", describe.send()).await?;
    let subjects: Vec<_> = described.cases().iter().map(CaseDetails::subject).collect();
    run.expect_eq("subjects", &vec![Some(name.as_str())], &subjects)?;
    let words = described.cases().iter().filter_map(CaseDetails::recent_communications);
    let words: Vec<_> = words.flat_map(RecentCaseCommunications::communications).map(|said| said.body()).collect();
    run.expect_eq("communications", &vec![Some(text.as_str())], &words)
}
