//! Who gets a lock. A holder is alive while it renews, seen on our own clock: clocks that differ or jump mean nothing.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::record::Record;
use super::store::{Refusal, Seen, Store};
use super::{Wanted, explain, held_by};
use crate::cluster::Fault;
use crate::error::{CommandError, Result};
use crate::events::{Events, What};

/// How often a lock is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// No lock is waited for longer, whatever it says of itself.
const LONGEST: u64 = 60;

/// A run that wants the lock.
#[derive(Clone, Copy)]
pub(super) struct Contest<'a> {
    pub(super) wanted: Wanted<'a>,
    pub(super) events: &'a Events,
    pub(super) deadline: Instant,
}

/// Why it does not get it.
#[derive(Debug)]
pub(super) enum Lost {
    /// Somebody holds it who is alive.
    Held(Box<Record>),
    /// It cannot be kept there.
    NoPlace(Fault),
    /// The namespace is going.
    Ending,
    /// It cannot be known.
    Fault(Fault),
}

impl Lost {
    pub(super) fn explain(self, wanted: &Wanted<'_>) -> CommandError {
        match self {
            Self::Held(record) => held_by(wanted, &record),
            Self::Ending => CommandError::new(format!("the namespace {} is being deleted", wanted.namespace))
                .hint(format!("`lsdeploy down --env {}` waits until it is gone; then run this again", wanted.env)),
            Self::NoPlace(fault) | Self::Fault(fault) => explain(&fault, wanted),
        }
    }
}

/// What was seen of a holder, and since when on our clock.
struct Watched {
    holder: String,
    renewed: String,
    since: Instant,
}

/// What the record of another run means now.
enum Judged {
    /// It holds nobody off any more, for this reason.
    Dead(String),
    Alive,
    Unknown,
}

impl Contest<'_> {
    /// Takes the lock: makes it, or takes it over from a holder that is dead. `None` where nothing can carry it. What changes
    /// all the time, or a server that calls everything a conflict, is not followed beyond the deadline.
    pub(super) async fn win(&self, store: &Store) -> std::result::Result<Option<Seen>, Lost> {
        let holder = self.wanted.holder;
        let mut watched = None;
        let mut look = interval(LOOK_AGAIN);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A Lease is there only while it is held: making it is the usual way, and the shortest.
        let mut found = if store.is_lease() { None } else { self.read(store).await? };
        loop {
            look.tick().await;
            let attempt = match &found {
                None => store.create(&holder.record(None)).await,
                Some(seen) => match &seen.record {
                    None => store.write(seen, &holder.record(None)).await,
                    // An answer was lost on its way: it is ours already.
                    Some(record) if record.is_of(holder) => return Ok(Some(seen.clone())),
                    Some(record) => match self.judge(record, &mut watched) {
                        Judged::Alive => return Err(Lost::Held(Box::new(record.clone()))),
                        Judged::Dead(why) => {
                            let written = store.write(seen, &holder.record(None)).await;
                            if written.is_ok() {
                                self.tell_taken(record, &why);
                            }
                            written
                        }
                        Judged::Unknown => {
                            found = self.read(store).await?;
                            continue;
                        }
                    },
                },
            };
            match attempt {
                Ok(seen) => return Ok(Some(seen)),
                Err(Refusal::Changed(_)) if Instant::now() < self.deadline => found = self.read(store).await?,
                Err(Refusal::NoPlace(_)) if !store.is_lease() && self.wanted.inventory.is_none() => return Ok(None),
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }

    /// Waits until nobody alive holds a lock that is not to be ours, and gives what could carry it. One that cannot be read
    /// holds nobody off.
    pub(super) async fn outlive(&self, store: &Store) -> Result<Option<Seen>> {
        let mut watched = None;
        let mut look = interval(LOOK_AGAIN);
        loop {
            look.tick().await;
            let found = match store.read().await {
                Ok(found) => found,
                Err(Refusal::NoPlace(_)) => return Ok(None),
                Err(refusal) => return Err(Lost::from(refusal).explain(&self.wanted)),
            };
            let Some(record) = found.as_ref().and_then(|seen| seen.record.as_ref()) else { return Ok(found) };
            if record.is_of(self.wanted.holder) {
                return Ok(found);
            }
            match self.judge(record, &mut watched) {
                Judged::Dead(_) => return Ok(found),
                Judged::Alive => return Err(held_by(&self.wanted, record)),
                Judged::Unknown => {}
            }
        }
    }

    async fn read(&self, store: &Store) -> std::result::Result<Option<Seen>, Lost> {
        store.read().await.map_err(Lost::from)
    }

    fn judge(&self, record: &Record, watched: &mut Option<Watched>) -> Judged {
        if record.is_orphan(self.wanted.holder) {
            return Judged::Dead("its process is gone".to_owned());
        }
        if record.is_alive_here(self.wanted.holder) {
            return Judged::Alive;
        }
        let now = Instant::now();
        let Some(before) = watched else {
            self.events.send(What::Waiting(format!("a sign of life from {}, which holds the lock", record.holder)));
            *watched = Some(Watched { holder: record.holder.clone(), renewed: record.renewed.clone(), since: now });
            return Judged::Unknown;
        };
        if before.holder != record.holder || before.renewed != record.renewed {
            return Judged::Alive;
        }
        let seconds = record.seconds.clamp(1, LONGEST);
        if now.duration_since(before.since) > Duration::from_secs(seconds) {
            return Judged::Dead(format!("it was not renewed for {seconds} s"));
        }
        // Nothing is known for sure: who cannot wait takes it for alive.
        if now >= self.deadline { Judged::Alive } else { Judged::Unknown }
    }

    fn tell_taken(&self, record: &Record, why: &str) {
        let text = format!("note: the lock of {} was taken over from {}: {why}", self.wanted.env, record.holder);
        self.events.send(What::Note(crate::printable::printable(&text)));
    }
}

impl From<Refusal> for Lost {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoPlace(fault) => Self::NoPlace(fault),
            Refusal::Ending => Self::Ending,
            Refusal::Fault(fault) | Refusal::Changed(fault) => Self::Fault(fault),
        }
    }
}
