//! Files of the local target: written in one piece, locked by one run at a time. Does IO.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, interval};

use crate::error::{CommandError, Result};

/// A lock; dropping it gives it back.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// The same lock for a child: it is held until the child has ended too, even where this run is killed.
    pub(super) fn share(&self) -> io::Result<File> {
        self.0.try_clone()
    }
}

/// Locks a file for this run alone; `waits` is called where another one has it.
pub(super) async fn lock(file: File, path: &Path, patience: Duration, waits: impl FnOnce()) -> Result<Lock> {
    let mut waits = Some(waits);
    let began = Instant::now();
    let mut looks = interval(Duration::from_millis(50));
    loop {
        looks.tick().await;
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::Error(error)) => return Err(cannot("lock", path, &error)),
            Err(TryLockError::WouldBlock) if began.elapsed() > patience => {
                return Err(CommandError::new(format!(
                    "another lsdeploy holds {} for more than {patience:?}",
                    path.display()
                ))
                .hint("wait until it is done, or end it; `ps` shows it"));
            }
            Err(TryLockError::WouldBlock) => {
                if let Some(waits) = waits.take() {
                    waits();
                }
            }
        }
    }
}

/// Writes a file beside `path` and puts it in its place. Only this user may read it.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(&new)?.write_all(text)?;
    fs::rename(&new, path)
}

/// A directory that only this user may look into, with all above it.
pub(super) fn make_directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| cannot("make", path, &error))
}

pub(super) fn cannot(what: &str, path: &Path, error: &io::Error) -> CommandError {
    let error = CommandError::new(format!("cannot {what} {}: {error}", path.display()));
    error.hint("XDG_STATE_HOME and XDG_CACHE_HOME name other places for what the local target keeps")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_is_held_by_one_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let take = |patience| lock(File::open(directory.path()).unwrap(), directory.path(), patience, || ());
        let held = take(Duration::from_secs(1)).await.unwrap();
        assert!(take(Duration::from_millis(60)).await.is_err());
        drop(held);
        assert!(take(Duration::from_millis(60)).await.is_ok());
    }

    #[test]
    fn what_is_replaced_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        replace(&path, b"1").unwrap();
        replace(&path, b"22").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"22");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
