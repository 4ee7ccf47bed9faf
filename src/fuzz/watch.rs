//! Notices a reading that does not end: says which, and ends the process.

use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Nothing may take so long.
const HANGS: Duration = Duration::from_secs(30);

type Now = (Instant, &'static str, Vec<u8>);
type Reading = Mutex<Now>;

/// What is being read, and since when.
pub(super) struct Watch(Arc<Reading>);

impl Watch {
    pub(super) fn start() -> Self {
        let reading = Arc::new(Mutex::new((Instant::now(), "nothing", Vec::new())));
        let watched: Weak<Reading> = Arc::downgrade(&reading);
        thread::spawn(move || {
            while let Some(reading) = watched.upgrade() {
                // The lock is given back before this thread rests.
                look(&reading.lock().unwrap());
                thread::sleep(Duration::from_millis(200));
            }
        });
        Self(reading)
    }

    pub(super) fn reading(&self, name: &'static str, input: &[u8]) {
        *self.0.lock().unwrap() = (Instant::now(), name, input.to_vec());
    }
}

fn look((since, name, input): &Now) {
    if since.elapsed() > HANGS {
        eprintln!("{name} does not end: {:?}\n  as bytes: {input:?}", String::from_utf8_lossy(input));
        std::process::abort();
    }
}
