//! What comes back against what was sent. Pure.

use std::fmt::{Debug, Display};

use super::Run;
use crate::finding::{Phase, code};
use crate::smoke::{cause::shortened, diagnose::Failure};

impl Run {
    /// Compares what was sent with what came back.
    #[expect(clippy::unused_self, reason = "every verb of a check reads `run.verb(..)`")]
    pub(in crate::smoke) fn expect_eq<T: PartialEq + Debug + ?Sized>(
        &self,
        what: &str,
        sent: &T,
        got: &T,
    ) -> Result<(), Failure> {
        if sent == got {
            return Ok(());
        }
        let (sent, got) = (shortened(&format!("{sent:?}")), shortened(&format!("{got:?}")));
        Err(mismatch(format!("{what}: expected {sent}, got {got}")))
    }

    /// Takes what an answer must have.
    #[expect(clippy::unused_self, reason = "every verb of a check reads `run.verb(..)`")]
    pub(in crate::smoke) fn present<T>(&self, what: &str, value: Option<T>) -> Result<T, Failure> {
        value.ok_or_else(|| mismatch(format!("the answer has no {what}")))
    }

    /// Takes what a builder of the SDK made; it refuses only what the check itself left out.
    #[expect(clippy::unused_self, reason = "every verb of a check reads `run.verb(..)`")]
    pub(in crate::smoke) fn built<T, E: Display>(&self, built: Result<T, E>) -> Result<T, Failure> {
        built.map_err(|error| mismatch(format!("the SDK refuses the request: {error}")))
    }

    /// Compares region and account in an ARN with those the run was given.
    pub(in crate::smoke) fn expect_account(&mut self, arn: &str) -> Result<(), Failure> {
        let region = arn.split(':').nth(3).unwrap_or_default();
        if !region.is_empty() && region != self.region() && !self.skips("region") {
            return Err(Failure::new(
                Phase::Data,
                code::WRONG_REGION,
                format!("asked in region {}, the emulator made `{arn}`", self.region()),
                "use a region that AWS has, or the one that the environment was made with (`lsdeploy up --region`)",
            ));
        }
        let Some(account) = self.options().account.clone().filter(|account| account != "test") else { return Ok(()) };
        if arn.split(':').nth(4) == Some(account.as_str()) || self.skips("account") {
            return Ok(());
        }
        Err(Failure::new(
            Phase::Data,
            code::WRONG_ACCOUNT,
            format!("asked as account {account}, the emulator made `{arn}`"),
            "this emulator does not take the account from the access key: leave `--account` out",
        ))
    }
}

/// Calls went through, and what came back is wrong.
pub(in crate::smoke) fn mismatch(message: String) -> Failure {
    let hint = "run it again with only this service; if it stays, the emulator behaves unlike AWS here";
    Failure::new(Phase::Data, code::DATA_MISMATCH, message, hint)
}
