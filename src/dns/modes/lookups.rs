//! How rules look at a search list: what the C library of a place makes of a name there. Pure.

use crate::dns::chain::{Hop, Place, is_below};
use crate::dns::files::resolv::ResolvConf;
use crate::dns::search::{Library, Lookup, Reply};
use crate::dns::seen::{At, Seen};

/// The resolver's side of one place: its `resolv.conf` and whom it asks.
#[derive(Debug)]
pub(super) struct Search<'a> {
    /// The place.
    pub(super) place: &'a Place,
    /// Its hop, where findings about its files belong.
    pub(super) client: &'a Hop,
    /// Where the file was read.
    pub(super) file: At<'a>,
    /// What it says.
    pub(super) conf: ResolvConf,
    /// The servers that it names, in their order.
    pub(super) servers: Vec<&'a Hop>,
}

impl<'a> Search<'a> {
    /// Every place whose `resolv.conf` was read.
    pub(super) fn all(seen: &Seen<'a>) -> Vec<Self> {
        let of = |place: &'a Place| {
            let (file, conf) = seen.resolv_conf(&place.name)?;
            let client = seen.client(&place.name)?;
            Some(Self { place, client, file, conf, servers: seen.asks_for(client, ".") })
        };
        seen.evidence.places.iter().filter_map(of).collect()
    }

    /// What the servers of the place said to a question that was asked here, the first that replied.
    pub(super) fn said(&self, seen: &Seen<'a>, name: &str, kind: &str) -> Option<At<'a>> {
        let all = || self.servers.iter().filter_map(|hop| seen.reply_at(&self.place.name, &hop.id, name, kind));
        all().find(|at| at.replied()).or_else(|| all().next())
    }

    /// What they said to a label that does not exist, below a suffix.
    pub(super) fn below(&self, seen: &Seen<'a>, suffix: &str) -> Option<At<'a>> {
        self.said(seen, &seen.evidence.below(suffix), "A")
    }

    /// The suffix with which a name became this candidate.
    pub(super) fn suffix_of(&self, candidate: &str) -> Option<&str> {
        let fits = |suffix: &&String| candidate.len() > suffix.len() && is_below(candidate, suffix);
        self.conf.search.iter().filter(fits).max_by_key(|suffix| suffix.len()).map(String::as_str)
    }

    /// What they say to a candidate: as it was asked, else as a label that does not exist is answered below its suffix.
    pub(super) fn reply(&self, seen: &Seen<'a>, candidate: &str) -> Reply {
        let asked: Vec<At<'_>> =
            ["A", "AAAA"].into_iter().filter_map(|kind| self.said(seen, candidate, kind)).collect();
        let below = || Reply::of([&*self.below(seen, self.suffix_of(candidate)?)?]);
        Reply::of(asked.iter().map(|at| &**at)).or_else(below).unwrap_or(Reply::NxDomain)
    }

    /// A lookup as a library makes it here.
    pub(super) fn look_up(&self, seen: &Seen<'a>, library: Library, name: &str) -> Lookup {
        library.look_up(&self.conf, name, |candidate| self.reply(seen, candidate))
    }
}
