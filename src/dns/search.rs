//! Which names a C library really asks for: the search lists of glibc and of musl. Pure.
//!
//! Takes a `resolv.conf`, a name, and what the servers say to each candidate; returns what is asked, in order, and how it
//! ends. `tests/dns/search.rs` holds both against the libraries themselves.

use super::files::resolv::ResolvConf;
use super::observation::Observation;

/// Whose algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// glibc from 2.26 on: any number of suffixes.
    Glibc,
    /// glibc before 2.26: six suffixes, 256 characters (RHEL 7 has 2.17).
    OldGlibc,
    /// musl: all servers at once, and it stops where glibc goes on.
    Musl,
}

/// What the servers say to one candidate, A and AAAA together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// An address.
    Answer,
    /// The name exists, without an address.
    NoData,
    /// There is no such name.
    NxDomain,
    /// Every server failed.
    ServFail,
    /// Every server refused to say (REFUSED, NOTIMP).
    Refused,
    /// Nothing came within the time-outs.
    Silent,
    /// Nobody listens: ICMP port unreachable from every server.
    Closed,
}

/// How a lookup ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the addresses of the candidate that was asked last.
    Found,
    /// "Name or service not known", "No address associated with hostname".
    NotFound,
    /// "Temporary failure in name resolution".
    TryAgain,
}

/// One lookup as a library makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The names it asked for, in order, without last dots, and what was said.
    pub asked: Vec<(String, Reply)>,
    /// How it ended.
    pub end: End,
}

/// Servers past the third are never asked, by any of them.
pub const NAMESERVERS: usize = 3;

/// musl ignores a line of `resolv.conf` that does not fit in its buffer.
const MUSL_LINE: usize = 255;

/// What glibc kept of a search list before 2.26.
const OLD_SUFFIXES: usize = 6;
const OLD_CHARACTERS: usize = 256;

impl Library {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::OldGlibc => "glibc before 2.26",
            Self::Musl => "musl",
        }
    }

    /// The suffixes that it honours.
    pub fn suffixes(self, conf: &ResolvConf) -> &[String] {
        let joined = |suffixes: &[String]| suffixes.iter().map(|suffix| suffix.len() + 1).sum::<usize>();
        let all = &conf.search[..];
        match self {
            Self::Glibc => all,
            Self::OldGlibc => {
                let fits = |count: &usize| joined(&all[..*count]) <= OLD_CHARACTERS;
                &all[..(0..=all.len().min(OLD_SUFFIXES)).rev().find(fits).unwrap_or(0)]
            }
            Self::Musl if "search".len() + joined(all) < MUSL_LINE => all,
            Self::Musl => &[],
        }
    }

    /// The names that it asks for while each is denied, in order and without last dots.
    pub fn candidates(self, conf: &ResolvConf, name: &str) -> Vec<String> {
        self.look_up(conf, name, |_| Reply::NxDomain).asked.into_iter().map(|(name, _)| name).collect()
    }

    /// One lookup, with what the servers say to each candidate.
    pub fn look_up(self, conf: &ResolvConf, name: &str, reply: impl FnMut(&str) -> Reply) -> Lookup {
        let run = Run { asked: Vec::new(), reply };
        match self {
            Self::Glibc | Self::OldGlibc => run.glibc(conf.ndots, self.suffixes(conf), name),
            Self::Musl => run.musl(conf.ndots.min(15), self.suffixes(conf), name),
        }
    }
}

impl Reply {
    /// What A and AAAA of one candidate come to: an answer to either is an answer, a failure of either one is worse than a
    /// denial. `None` where neither was asked.
    pub fn of<'a>(observations: impl IntoIterator<Item = &'a Observation>) -> Option<Self> {
        let worst = |reply: &Self| match reply {
            Self::Answer => 6,
            Self::Silent => 5,
            Self::Closed => 4,
            Self::ServFail => 3,
            Self::Refused => 2,
            Self::NoData => 1,
            Self::NxDomain => 0,
        };
        observations.into_iter().map(Self::of_one).max_by_key(worst)
    }

    fn of_one(observation: &Observation) -> Self {
        use super::observation::Trouble;
        match observation.rcode.as_deref() {
            Some("NOERROR") if !observation.addresses().is_empty() => Self::Answer,
            Some("NOERROR") => Self::NoData,
            Some("NXDOMAIN") => Self::NxDomain,
            Some("SERVFAIL") => Self::ServFail,
            Some(_) => Self::Refused,
            None if observation.met(Trouble::Refused) => Self::Closed,
            None => Self::Silent,
        }
    }

    fn failure(self) -> End {
        match self {
            Self::Answer => End::Found,
            Self::NoData | Self::NxDomain => End::NotFound,
            Self::ServFail | Self::Refused | Self::Silent | Self::Closed => End::TryAgain,
        }
    }
}

struct Run<F> {
    asked: Vec<(String, Reply)>,
    reply: F,
}

impl<F: FnMut(&str) -> Reply> Run<F> {
    fn ask(&mut self, name: &str, suffix: &str) -> Reply {
        let name = name.trim_end_matches('.');
        let candidate = if suffix.is_empty() { name.to_owned() } else { format!("{name}.{suffix}") };
        let reply = (self.reply)(&candidate);
        self.asked.push((candidate, reply));
        reply
    }

    fn ends(self, end: End) -> Lookup {
        Lookup { asked: self.asked, end }
    }

    /// A denial and a failing server are passed over; another trouble ends the list. The name as it stands comes first when
    /// it has enough dots, else last, and then always.
    fn glibc(mut self, ndots: usize, suffixes: &[String], name: &str) -> Lookup {
        let absolute = name.ends_with('.');
        let as_is_first = absolute || dots(name) >= ndots;
        let first = as_is_first.then(|| self.ask(name, ""));
        match first {
            Some(Reply::Answer) => return self.ends(End::Found),
            Some(reply) if absolute => return self.ends(reply.failure()),
            _ => {}
        }
        let (mut no_data, mut failed, mut last) = (false, false, first);
        for suffix in suffixes {
            let reply = self.ask(name, suffix.trim_matches('.'));
            last = Some(reply);
            match reply {
                Reply::Answer => return self.ends(End::Found),
                Reply::Closed => return self.ends(End::TryAgain),
                Reply::NoData => no_data = true,
                Reply::NxDomain => {}
                Reply::ServFail => failed = true,
                Reply::Refused | Reply::Silent => break,
            }
        }
        if first.is_none() && !suffixes.iter().any(|suffix| suffix.trim_matches('.').is_empty()) {
            last = Some(self.ask(name, ""));
        }
        match (first, last) {
            (_, Some(Reply::Answer)) => self.ends(End::Found),
            (Some(reply), _) => self.ends(reply.failure()),
            (None, _) if no_data => self.ends(End::NotFound),
            (None, _) if failed => self.ends(End::TryAgain),
            (None, last) => self.ends(last.map_or(End::NotFound, Reply::failure)),
        }
    }

    /// Only a denial of the whole name leads to the next suffix; with enough dots there is no search at all.
    fn musl(mut self, ndots: usize, suffixes: &[String], name: &str) -> Lookup {
        let searched = !name.ends_with('.') && dots(name) < ndots;
        let suffixes = if searched { suffixes } else { &[] };
        for suffix in suffixes.iter().map(String::as_str).chain([""]) {
            let reply = self.ask(name, suffix.trim_matches('.'));
            if reply != Reply::NxDomain {
                return self.ends(reply.failure());
            }
        }
        self.ends(End::NotFound)
    }
}

fn dots(name: &str) -> usize {
    name.matches('.').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\noptions ndots:5\n";

    fn names(lookup: &Lookup) -> Vec<&str> {
        lookup.asked.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Answers only the absolute name, and says `reply` below `corp.example`.
    fn run(library: Library, conf: &str, name: &str, reply: Reply) -> Lookup {
        library.look_up(&ResolvConf::parse(conf), name, |candidate| match candidate {
            "www.example.org" => Reply::Answer,
            name if name.ends_with(".corp.example") => reply,
            _ => Reply::NxDomain,
        })
    }

    #[test]
    fn a_short_name_goes_through_the_list_and_last_as_it_stands() {
        for library in [Library::Glibc, Library::OldGlibc, Library::Musl] {
            let lookup = run(library, POD, "www.example.org", Reply::NxDomain);
            assert_eq!(lookup.end, End::Found, "{library:?}");
            assert_eq!(lookup.asked.len(), 5, "{library:?}");
            assert_eq!(names(&lookup)[0], "www.example.org.shop.svc.cluster.local");
            assert_eq!(names(&lookup)[4], "www.example.org");
        }
    }

    #[test]
    fn a_last_dot_ends_the_search_for_both() {
        for library in [Library::Glibc, Library::Musl] {
            assert_eq!(names(&run(library, POD, "www.example.org.", Reply::NxDomain)), ["www.example.org"]);
            let lookup = run(library, POD, "nowhere.example.org.", Reply::NxDomain);
            assert_eq!((lookup.end, lookup.asked.len()), (End::NotFound, 1));
        }
    }

    #[test]
    fn with_enough_dots_glibc_searches_last_and_musl_never() {
        let conf = ResolvConf::parse("search a.example b.example\noptions ndots:1\n");
        assert_eq!(Library::Glibc.candidates(&conf, "x.y"), ["x.y", "x.y.a.example", "x.y.b.example"]);
        assert_eq!(Library::Musl.candidates(&conf, "x.y"), ["x.y"]);
        assert_eq!(Library::Musl.candidates(&conf, "x"), ["x.a.example", "x.b.example", "x"]);
    }

    #[test]
    fn a_failing_suffix_stops_musl_only() {
        for (reply, glibc) in [(Reply::ServFail, 5), (Reply::Refused, 5), (Reply::Silent, 5), (Reply::NoData, 5)] {
            let lookup = run(Library::Glibc, POD, "www.example.org", reply);
            assert_eq!((lookup.end, lookup.asked.len()), (End::Found, glibc), "{reply:?}");
            let lookup = run(Library::Musl, POD, "www.example.org", reply);
            assert_eq!((lookup.end, lookup.asked.len()), (reply.failure(), 4), "{reply:?}");
        }
    }

    #[test]
    fn glibc_passes_over_servfail_but_not_over_refused() {
        let conf = "search corp.example cluster.local\noptions ndots:5\n";
        let asked = |reply| run(Library::Glibc, conf, "db", reply).asked.len();
        assert_eq!(asked(Reply::NxDomain), 3);
        assert_eq!(asked(Reply::ServFail), 3);
        assert_eq!(asked(Reply::Refused), 2, "the rest of the list is left out, the name itself is not");
        assert_eq!(asked(Reply::Silent), 2);
        assert_eq!(asked(Reply::Closed), 1);
    }

    #[test]
    fn old_libraries_and_musl_cut_long_lists() {
        let conf = ResolvConf::parse("search a.x b.x c.x d.x e.x f.x g.x\n");
        assert_eq!(Library::Glibc.suffixes(&conf).len(), 7);
        assert_eq!(Library::OldGlibc.suffixes(&conf).len(), 6);
        assert_eq!(Library::Musl.suffixes(&conf).len(), 7);
        let long: Vec<String> = (0..5).map(|number| format!("{number}{}.example", "x".repeat(52))).collect();
        let conf = ResolvConf::parse(&format!("search {}\n", long.join(" ")));
        assert_eq!(Library::OldGlibc.suffixes(&conf).len(), 4);
        assert_eq!(Library::Musl.suffixes(&conf).len(), 0);
        assert_eq!(Library::Glibc.suffixes(&conf).len(), 5);
    }
}
