//! Holding a lock: renews it in the background, notices when it is lost, gives it back.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::record::Holder;
use super::store::{Refusal, Seen, Store};
use super::{RENEWED_EVERY, TRUSTED_FOR};
use crate::error::CommandError;

/// A lock that this run holds.
pub(super) struct Held {
    store: Store,
    holder: Holder,
    seen: Mutex<Seen>,
    state: watch::Sender<State>,
    renewing: std::sync::OnceLock<AbortHandle>,
}

#[derive(Debug, Clone)]
enum State {
    /// It was ours at that time.
    Ours(Instant),
    /// Somebody else has it, or has removed it.
    Lost(String),
}

impl Held {
    /// Renews the lock from now on.
    pub(super) fn keep(store: Store, seen: Seen, holder: Holder) -> Arc<Self> {
        let state = watch::Sender::new(State::Ours(Instant::now()));
        let held =
            Arc::new(Self { store, holder, seen: Mutex::new(seen), state, renewing: std::sync::OnceLock::new() });
        let renewed = Arc::clone(&held);
        let task = tokio::spawn(async move {
            let mut turns = interval(RENEWED_EVERY);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            turns.tick().await;
            loop {
                turns.tick().await;
                renewed.renew().await;
            }
        });
        let _ = held.renewing.set(task.abort_handle());
        held
    }

    /// Renews it; `false` where it is no longer ours, or where that cannot be known.
    pub(super) async fn renew(&self) -> bool {
        timeout(RENEWED_EVERY, self.try_renew()).await.unwrap_or(false)
    }

    async fn try_renew(&self) -> bool {
        let mut seen = self.seen.lock().await;
        for _ in 0..3 {
            let since = seen.record.as_ref().map(|record| record.since.clone());
            match self.store.write(&seen, &self.holder.record(since.as_deref())).await {
                Ok(written) => {
                    *seen = written;
                    self.state.send_replace(State::Ours(Instant::now()));
                    return true;
                }
                // The inventory was written by this run meanwhile, or the lock by another.
                Err(Refusal::Changed(_) | Refusal::NoPlace(_)) => match self.store.read().await {
                    Ok(Some(found)) if found.record.as_ref().is_some_and(|record| record.is_of(&self.holder)) => {
                        *seen = found;
                    }
                    Ok(Some(found)) => {
                        let by = found.record.map_or_else(|| "nobody".to_owned(), |record| record.holder);
                        self.state.send_replace(State::Lost(format!("it is held by {by} now")));
                        return false;
                    }
                    Ok(None) => {
                        self.state.send_replace(State::Lost("somebody has deleted it".to_owned()));
                        return false;
                    }
                    Err(_) => return false,
                },
                Err(_) => return false,
            }
        }
        false
    }

    /// Waits until the lock is lost, which may be never, and says why.
    pub(super) async fn lost(&self) -> CommandError {
        let mut states = self.state.subscribe();
        loop {
            let state = states.borrow_and_update().clone();
            let why = match state {
                State::Lost(why) => Some(why),
                State::Ours(last) => {
                    tokio::select! {
                        () = sleep_until(last + TRUSTED_FOR) => {
                            Some(format!("it could not be renewed for {} s", TRUSTED_FOR.as_secs()))
                        }
                        _ = states.changed() => None,
                    }
                }
            };
            if let Some(why) = why {
                return CommandError::new(format!("lost the lock of the environment: {why}"))
                    .hint("nothing more is written, so that two runs do not mix; run the same command again to go on");
            }
        }
    }

    /// Stops to renew it.
    pub(super) fn stop(&self) {
        if let Some(task) = self.renewing.get() {
            task.abort();
        }
    }

    /// Gives it back if it is still ours.
    pub(super) async fn release(&self) {
        self.stop();
        let mut seen = self.seen.lock().await;
        for _ in 0..3 {
            match self.store.clear(&seen).await {
                Err(Refusal::Changed(_)) => {}
                _ => return,
            }
            // A renewal was under way, or the inventory was written.
            match self.store.read().await {
                Ok(Some(found)) if found.record.as_ref().is_some_and(|record| record.is_of(&self.holder)) => {
                    *seen = found;
                }
                _ => return,
            }
        }
    }
}
