//! Notices a reading that does not end: says which, and ends the process.

use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Nothing may take so long.
const HANGS: Duration = Duration::from_secs(30);

type Reading = Mutex<(Instant, &'static str, Vec<u8>)>;

/// What is being read, and since when.
pub(super) struct Watch(Arc<Reading>);

impl Watch {
    pub(super) fn start() -> Self {
        let reading = Arc::new(Mutex::new((Instant::now(), "nothing", Vec::new())));
        let watched: Weak<Reading> = Arc::downgrade(&reading);
        thread::spawn(move || {
            while let Some(reading) = watched.upgrade() {
                let (since, name, input) = &*reading.lock().unwrap();
                if since.elapsed() > HANGS {
                    eprintln!("{name} does not end: {:?}\n  as bytes: {input:?}", String::from_utf8_lossy(input));
                    std::process::abort();
                }
                thread::sleep(Duration::from_millis(200));
            }
        });
        Self(reading)
    }

    pub(super) fn reading(&self, name: &'static str, input: &[u8]) {
        *self.0.lock().unwrap() = (Instant::now(), name, input.to_vec());
    }
}
