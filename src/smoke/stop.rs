//! How a run is asked to stop early, and whether one is going on. Does no IO.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Clones share one request. Whoever holds it asks; the runs that were given it take back what they made and end.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    asked: watch::Sender<bool>,
    running: watch::Sender<usize>,
    left: Mutex<Vec<String>>,
}

/// Counts a run for as long as it lives.
pub(crate) struct Running(Stop);

impl Stop {
    /// Asks all runs to stop.
    pub fn ask(&self) {
        self.0.asked.send_replace(true);
    }

    /// Whether a run is going on, so that waiting for its end makes sense.
    pub fn is_running(&self) -> bool {
        *self.0.running.borrow() > 0
    }

    /// Done once no run is going on.
    pub async fn ended(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// What could not be taken back after all were asked to stop.
    pub fn left(&self) -> Vec<String> {
        self.0.left.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn leave(&self, name: &str) {
        self.0.left.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
    }

    pub(super) fn is_asked(&self) -> bool {
        *self.0.asked.borrow()
    }

    /// Done once somebody asks; never, if nobody does.
    pub(super) async fn asked(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.asked.subscribe().wait_for(|asked| *asked).await;
    }

    pub(crate) fn begin(&self) -> Running {
        self.0.running.send_modify(|running| *running += 1);
        Running(self.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.send_modify(|running| *running -= 1);
    }
}
