//! What ends the care for an emulator: its own end, or word to this process. Hears signals.

use std::future::pending;
use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::interval;

use super::emulator::Running;
use crate::error::{CommandError, Result};

/// Why nobody looks after an emulator any more.
pub(super) enum End {
    /// It has ended: how.
    Ended(String),
    /// It runs, and cannot be used: why.
    Unfit(String),
    /// This process is to end.
    Told,
}

/// Does something while the emulator runs and nobody wants it to end.
pub(super) async fn meanwhile<T>(
    running: &mut Running,
    stop: &mut Stop,
    directory: &Path,
    work: impl Future<Output = T>,
) -> std::result::Result<T, End> {
    tokio::select! {
        why = running.ended() => Err(End::Ended(why)),
        () = stop.asked(directory) => Err(End::Told),
        done = work => Ok(done),
    }
}

/// The ways to be told to end.
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
    /// Listened to so that it does not end the process.
    _hang_up: Signal,
}

impl Stop {
    pub(super) fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).map_err(|error| CommandError::new(format!("cannot hear signals: {error}")));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            _hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Returns when this process is to end: by a signal, or because nothing is left of the environment.
    pub(super) async fn asked(&mut self, directory: &Path) {
        let gone = async {
            let mut looks = interval(Duration::from_secs(2));
            loop {
                looks.tick().await;
                if !directory.exists() {
                    return;
                }
            }
        };
        tokio::select! {
            Some(()) = self.terminate.recv() => {}
            Some(()) = self.interrupt.recv() => {}
            () = gone => {}
            else => pending().await,
        }
    }
}
