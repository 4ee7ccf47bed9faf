//! What a signal closes: writes under way are let through to their end, so that what was written can be said, and no other
//! begins.

use std::sync::Arc;

use tokio::sync::watch;

/// Lets writes pass until it is closed.
#[derive(Debug, Clone)]
pub struct Gate {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    under_way: usize,
}

impl Default for Gate {
    fn default() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::default())) }
    }
}

/// One write that is under way.
pub(crate) struct Passage {
    gate: Gate,
}

impl Gate {
    /// Waits until a write may begin: for ever once the gate is closed.
    pub(crate) async fn enter(&self) -> Passage {
        let mut states = self.state.subscribe();
        loop {
            let entered = self.state.send_if_modified(|state| {
                state.under_way += usize::from(!state.closed);
                !state.closed
            });
            if entered {
                return Passage { gate: self.clone() };
            }
            // The sender is `self`, so this ends only when the gate opens again.
            let _ = states.wait_for(|state| !state.closed).await;
        }
    }

    /// Lets no other write begin, and waits for those that are under way.
    pub async fn close(&self) {
        self.state.send_modify(|state| state.closed = true);
        let _ = self.state.subscribe().wait_for(|state| state.under_way == 0).await;
    }

    /// Lets writes begin again: what is to be cleared away after a signal.
    pub fn open(&self) {
        self.state.send_modify(|state| state.closed = false);
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.gate.state.send_modify(|state| state.under_way -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_closed_gate_waits_for_what_is_under_way_and_lets_nothing_else_begin() {
        let gate = Gate::default();
        let first = gate.enter().now_or_never().unwrap();
        let mut closing = Box::pin(gate.close());
        assert!(closing.as_mut().now_or_never().is_none());
        assert!(gate.enter().now_or_never().is_none());
        drop(first);
        assert!(closing.now_or_never().is_some());
        gate.open();
        assert!(gate.enter().now_or_never().is_some());
    }
}
