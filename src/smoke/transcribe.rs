//! Transcribe: a vocabulary, made ready and found. A transcription itself needs a speech model that emulators download.

use aws_sdk_transcribe::{
    Client,
    types::{LanguageCode, VocabularyInfo, VocabularyState},
};

use super::{diagnose::Failure, run::Run};

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let transcribe = Client::new(&run.sdk());
    let name = run.name();
    let create = transcribe.create_vocabulary().vocabulary_name(&name).language_code(LanguageCode::EnUs);
    run.step("create_vocabulary", create.phrases("OpenShift").phrases("LocalStack").send()).await?;
    run.undo("delete_vocabulary", transcribe.delete_vocabulary().vocabulary_name(&name).send());

    let get = || transcribe.get_vocabulary().vocabulary_name(&name).send();
    let made = run
        .until("get_vocabulary", "a finished vocabulary", get, |got| {
            (got.vocabulary_state != Some(VocabularyState::Pending)).then_some(got)
        })
        .await?;
    let reason = made.failure_reason().unwrap_or_default();
    run.expect_eq(&format!("state {reason}"), &Some(&VocabularyState::Ready), &made.vocabulary_state())?;
    run.expect_eq("language", &Some(&LanguageCode::EnUs), &made.language_code())?;
    let found = run.step("list_vocabularies", transcribe.list_vocabularies().name_contains(&name).send()).await?;
    let names: Vec<_> = found.vocabularies().iter().map(VocabularyInfo::vocabulary_name).collect();
    run.expect_eq("vocabularies of that name", &vec![Some(name.as_str())], &names)
}
