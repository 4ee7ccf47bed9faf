//! KMS: a key with an alias encrypts, and decrypts only in the same context.

use aws_sdk_kms::{Client, primitives::Blob};

use super::{diagnose::Failure, run::Run};

/// Days until a key is gone, the fewest there are: a key cannot be deleted at once.
const PENDING_DAYS: i32 = 7;

pub(super) async fn check(run: &mut Run) -> Result<(), Failure> {
    let kms = Client::new(&run.sdk());
    let created = run.step("create_key", kms.create_key().description(run.name()).send()).await?;
    let key = run.present("KeyMetadata", created.key_metadata)?;
    let delete = kms.schedule_key_deletion().key_id(&key.key_id).pending_window_in_days(PENDING_DAYS);
    run.undo("schedule_key_deletion", delete.send());
    run.expect_account(key.arn().unwrap_or_default())?;
    let alias = format!("alias/{}", run.name());
    let create = kms.create_alias().alias_name(&alias).target_key_id(&key.key_id);
    run.step("create_alias", create.send()).await?;
    run.undo("delete_alias", kms.delete_alias().alias_name(&alias).send());

    let text = format!("hello from {}", run.name());
    let encrypt = kms.encrypt().key_id(&alias).plaintext(Blob::new(text.as_bytes()));
    let encrypted = run.step("encrypt", encrypt.encryption_context("colour", "blue").send()).await?;
    let secret = run.present("CiphertextBlob", encrypted.ciphertext_blob)?;
    let hidden = !secret.as_ref().windows(text.len()).any(|part| part == text.as_bytes());
    run.expect_eq("plaintext is hidden", &true, &hidden)?;

    let decrypt = |colour| kms.decrypt().ciphertext_blob(secret.clone()).encryption_context("colour", colour).send();
    let decrypted = run.step("decrypt", decrypt("blue")).await?;
    let plain = run.present("Plaintext", decrypted.plaintext())?;
    run.expect_eq("decrypted text", text.as_bytes(), plain.as_ref())?;
    run.expect_eq("key", &key.arn(), &decrypted.key_id())?;
    run.refused("decrypt_in_another_context", "InvalidCiphertextException", decrypt("red")).await
}
