//! What another end says: its lines, and the last of its errors. Reads streams.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The longest line: a file's text in JSON fits.
const LONGEST: usize = 4 * 1024 * 1024;
/// So many bytes of errors are kept.
const KEPT: usize = 2048;
/// The last of them come soon after the end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The lines of a stream.
pub(super) struct Lines {
    stream: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    /// The part of a line that has come; a caller that stops waiting loses nothing.
    part: Vec<u8>,
}

impl Lines {
    pub(super) fn new(stream: Box<dyn AsyncRead + Send + Unpin>) -> Self {
        Self { stream: BufReader::new(stream), part: Vec::new() }
    }

    /// The next line, without its end. The error says why there is none.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, String> {
        loop {
            let ready = self.stream.fill_buf().await.map_err(|error| error.to_string())?;
            if ready.is_empty() {
                return Err("its output ended".to_owned());
            }
            let end = ready.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(ready.len(), |end| end + 1);
            self.part.extend_from_slice(&ready[..end.unwrap_or(used)]);
            self.stream.consume(used);
            if end.is_some() {
                return Ok(std::mem::take(&mut self.part));
            }
            if self.part.len() > LONGEST {
                return Err(format!("it sent a line of more than {LONGEST} bytes"));
            }
        }
    }
}

/// The last words on a stream of errors, which are read as they come.
#[derive(Debug, Default)]
pub(super) struct Tail {
    kept: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
}

impl Tail {
    /// Reads the stream until it ends.
    pub(super) fn of(mut stream: Box<dyn AsyncRead + Send + Unpin>) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keeping = kept.clone();
        let reading = tokio::spawn(async move {
            let mut room = [0; 512];
            while let Ok(size @ 1..) = stream.read(&mut room).await {
                let mut kept = keeping.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&room[..size]);
                let extra = kept.len().saturating_sub(KEPT);
                kept.drain(..extra);
            }
        });
        Self { kept, reading: Some(reading) }
    }

    /// Waits until the stream has ended, so that its last words are there; not for long.
    pub(super) async fn ended(&mut self) {
        if let Some(reading) = &mut self.reading
            && timeout(LAST_WORDS, reading).await.is_ok()
        {
            self.reading = None;
        }
    }

    /// What was kept, on one line and printable.
    pub(super) fn text(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        printable(&String::from_utf8_lossy(&kept))
    }
}

/// Text of others on one line.
pub(super) fn printable(text: &str) -> String {
    let spaced = text.replace(char::is_control, " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
