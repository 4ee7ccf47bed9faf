//! Environments on this machine, without a cluster: what stands between `environment` and `endpoints` here in place of
//! `cluster`. Does IO: the file system, processes, loopback.
//!
//! ```text
//! runtime (installs the emulator) -> state (records) -> ports -> launch -> supervisor ( emulator | router ) -> watch
//! ```
//!
//! An environment is a directory of the user's state and, while it runs, a supervisor: `lsdeploy` itself in a session of
//! its own, with the emulator as its child and the router beside it. Linux only: processes are looked at in `/proc`.

mod files;
pub mod health;
pub mod init;
pub mod launch;
pub mod life;
pub mod ports;
pub mod processes;
pub mod router;
pub mod runtime;
pub mod state;
pub mod supervisor;
pub mod watch;
