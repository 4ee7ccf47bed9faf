//! What a session uses at its vantage. Pure.

/// How questions are asked at a vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// By this process.
    Here,
    /// By the probe, which was sent there.
    Probe,
    /// By the programs that are there, as the probe could not run.
    Commands {
        /// Why it could not.
        why: String,
        /// Which of `dig`, `getent` and `nslookup` are there.
        have: Vec<String>,
    },
}

impl Stage {
    /// What cannot be seen from a vantage of this name: sentences; none where the probe runs.
    pub fn unseen(&self, vantage: &str) -> Vec<String> {
        let Self::Commands { why, have } = self else { return Vec::new() };
        let has = |program: &str| have.iter().any(|found| found == program);
        let mut unseen = vec![format!("{vantage}: the probe cannot run there: {why}")];
        unseen.push(if has("dig") {
            format!("{vantage}: `dig` of the place asked: questions that share a socket were asked from several")
        } else {
            format!("{vantage}: there is no `dig`: no server was asked from there")
        });
        if !has("getent") && has("nslookup") {
            unseen.push(format!(
                "{vantage}: there is no `getent`: `nslookup` answered for the C library, and reads less"
            ));
        } else if !has("getent") {
            unseen.push(format!("{vantage}: there is no `getent` and no `nslookup`: the C library was not asked"));
        }
        unseen
    }
}
