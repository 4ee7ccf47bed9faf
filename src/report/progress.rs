//! Events on standard error: a spinner per environment on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::run::duration;
use super::{Level, Style};
use crate::events::{Event, What};
use crate::printable::printable;
use crate::smoke::Status;

/// Shows events.
pub(super) struct Display {
    style: Style,
    bars: Option<(MultiProgress, HashMap<String, ProgressBar>)>,
    last_waiting: HashMap<String, String>,
}

impl Display {
    /// A display for a terminal, or for a file or pipe.
    pub(super) fn new(style: Style, is_terminal: bool) -> Self {
        let bars = (is_terminal && style.level != Level::Quiet).then(|| (MultiProgress::new(), HashMap::new()));
        Self { style, bars, last_waiting: HashMap::new() }
    }

    /// Shows one event.
    pub(super) fn show(&mut self, event: &Event) {
        if let What::Warning(text) = &event.what {
            self.line(&event.env, &format!("warning: {}", printable(text)));
        }
        if self.style.level == Level::Quiet {
            return;
        }
        match &event.what {
            What::PhaseBegan(name) => self.now(&event.env, name),
            What::PhaseEnded(name, took) => self.line(&event.env, &format!("{name}: {}", duration(*took))),
            What::Object(id, action, changes) if self.style.level == Level::Verbose => {
                let paths = if changes.is_empty() { String::new() } else { format!(": {}", changes.join(", ")) };
                self.line(&event.env, &format!("  {action} {id}{}", printable(&paths)));
            }
            What::Detail(text) if self.style.level == Level::Verbose => self.line(&event.env, text),
            What::Object(..) | What::Detail(_) | What::Warning(_) | What::Begun | What::Advice(_) => {}
            What::Waiting(text) => self.waiting(&event.env, text),
            What::Note(text) | What::Process(text) => self.line(&event.env, text),
            What::Obstacle(finding) => {
                self.line(&event.env, &format!("waiting, but {} ({})", printable(&finding.message), finding.code));
            }
            What::Checked(result, tally) => {
                if self.style.level == Level::Verbose || result.status == Status::Failed {
                    let word = super::text::check_word(result.status);
                    self.line(&event.env, &format!("  {word} {} ({} ms)", result.service, result.ms));
                }
                self.now(&event.env, &format!("smoke: {} of {} services are checked", tally.done, tally.total));
            }
        }
    }

    /// Takes the spinners off the screen.
    pub(super) fn finish(&mut self) {
        if let Some((_, bars)) = &self.bars {
            bars.values().for_each(ProgressBar::finish_and_clear);
        }
    }

    /// What is being done now: the spinner's text; nothing where there is no spinner.
    fn now(&mut self, env: &str, text: &str) {
        let Some((all, bars)) = &mut self.bars else { return };
        let bar = bars.entry(env.to_owned()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_message(if self.style.many { format!("{env}: {text}") } else { text.to_owned() });
    }

    /// What is waited for: on a terminal the spinner's text, elsewhere a line whenever it changes.
    fn waiting(&mut self, env: &str, text: &str) {
        let text = format!("waiting for {}", printable(text));
        if self.bars.is_some() {
            self.now(env, &text);
        } else if self.last_waiting.insert(env.to_owned(), text.clone()).as_ref() != Some(&text)
            && self.style.level == Level::Verbose
        {
            self.line(env, &text);
        }
    }

    fn line(&mut self, env: &str, text: &str) {
        let line = if self.style.many && !env.is_empty() { format!("{env}: {text}") } else { text.to_owned() };
        match &self.bars {
            // A line that cannot be written stops nothing.
            Some((all, _)) => drop(all.println(line)),
            None => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }
}
