//! F29: one search suffix fails instead of denying; musl stops there.

use super::coredns::outcome;
use super::lookups::Search;
use super::{Mode, Stage};
use crate::dns::chain::is_below;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::search::{End, Library, Lookup, Reply};
use crate::dns::seen::{At, Seen};

pub(super) static MODE: Mode = Mode {
    id: "F29",
    code: "search-suffix-fails",
    title: "the server of one search suffix fails, and musl (Alpine) stops the search there",
    shows: "below one suffix every label gets SERVFAIL, REFUSED or silence, while the name itself resolves. glibc passes over \
            SERVFAIL and tries the name itself in the end; musl gives up",
    mend: "take the suffix out of `search`, or mend the server of its zone so that it says NXDOMAIN",
    stage: Stage::Search,
    explains: &["search-amplification"],
    find,
    ask,
};

/// A lookup that takes longer than this ran into a time-out of the C library, in milliseconds.
const TIME_OUT: f64 = 2400.0;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    Search::all(seen).iter().filter_map(|search| sign(seen, search)).collect()
}

/// The candidate at which the search stops, itself.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let questions = |search: &Search<'_>| {
        let server = search.servers.first().and_then(|hop| Some((hop.id.clone(), hop.address?)));
        let names = stopped(seen, search).into_iter().map(|stopped| stopped.candidate);
        let ask = |(name, (hop, address)): (String, (String, _))| Question::new(&hop, address, &name, "A");
        let place = search.place.name.clone();
        names.zip(server.into_iter().cycle()).map(ask).map(|question| (place.clone(), question)).collect::<Vec<_>>()
    };
    Search::all(seen).iter().flat_map(questions).collect()
}

/// A name whose search ends at a failure although it, or a later candidate, resolves.
struct Stopped<'a> {
    name: &'a str,
    candidate: String,
    suffix: String,
    failure: At<'a>,
    itself: At<'a>,
}

fn stopped<'a>(seen: &Seen<'a>, search: &Search<'a>) -> Vec<Stopped<'a>> {
    seen.targets().filter_map(|target| stopped_name(seen, search, &target.name)).collect()
}

fn stopped_name<'a>(seen: &Seen<'a>, search: &Search<'a>, name: &'a str) -> Option<Stopped<'a>> {
    let Lookup { asked, end } = search.look_up(seen, Library::Musl, name);
    let (candidate, reply) = asked.last().filter(|_| end == End::TryAgain)?;
    let suffix = search.suffix_of(candidate).filter(|_| !candidate.eq_ignore_ascii_case(name))?;
    let fails =
        |at: &At<'_>| !matches!(Reply::of([&**at]), Some(Reply::Answer | Reply::NoData | Reply::NxDomain) | None);
    let failure = search.said(seen, candidate, "A").or_else(|| search.below(seen, suffix)).filter(fails)?;
    // Where that suffix was no trouble, the search would end well.
    let otherwise = Library::Glibc.look_up(&search.conf, name, |candidate| match search.suffix_of(candidate) {
        Some(of) if of == suffix => Reply::NxDomain,
        _ => search.reply(seen, candidate),
    });
    let (winner, _) = otherwise.asked.last().filter(|_| otherwise.end == End::Found)?;
    let itself = search.said(seen, winner, "A").filter(|at| at.has_answer())?;
    // Where the server fails for whatever does not exist, this suffix is not what is wrong.
    let elsewhere = search.said(seen, &seen.evidence.nowhere(), "A");
    let only_here = elsewhere.is_none_or(|at| Reply::of([&*at]) != Some(*reply));
    let sure = !failure.silent() || always_silent(seen, search, suffix);
    (only_here && sure).then(|| Stopped {
        name,
        candidate: candidate.clone(),
        suffix: suffix.to_owned(),
        failure,
        itself,
    })
}

/// Below the suffix every question was lost, and none elsewhere: a path that loses packets is another matter.
fn always_silent(seen: &Seen<'_>, search: &Search<'_>, suffix: &str) -> bool {
    let of_servers = |at: &At<'_>| search.servers.iter().any(|hop| hop.id == at.hop) && at.vantage == search.place.name;
    let (below, elsewhere): (Vec<At<'_>>, Vec<At<'_>>) =
        seen.queries().filter(of_servers).partition(|at| is_below(&at.name, suffix));
    below.len() > 1 && below.iter().all(|at| at.silent()) && !elsewhere.iter().any(|at| at.silent())
}

fn sign(seen: &Seen<'_>, search: &Search<'_>) -> Option<Sign> {
    let stopped = stopped(seen, search);
    let place = search.place.name.as_str();
    // What the C library of the place does with these names tells whether it stops there.
    let suffers =
        |one: &&Stopped<'_>| seen.libc(place, one.name).filter(|libc| libc.answers.is_empty() || libc.ms >= TIME_OUT);
    let one = stopped.iter().find(|one| suffers(one).is_some_and(|libc| libc.text.is_some() || libc.silent()));
    let (one, libc) = match one {
        Some(one) => (one, suffers(&one)),
        None => (stopped.first()?, None),
    };
    let confidence = if libc.is_some() { Confidence::Likely } else { Confidence::Possible };
    let consequence = match libc {
        Some(libc) if libc.answers.is_empty() => format!("the C library there does not find `{}`", one.name),
        Some(libc) => format!("the C library there needs {:.0} ms for `{}`", libc.ms, one.name),
        None => format!("musl would not find `{}` there", one.name),
    };
    let message = format!(
        "below `{}`, a search suffix of {place}, names are answered with a failure ({}): {consequence}, although `{}` is there",
        one.suffix,
        outcome(&one.failure),
        one.itself.name,
    );
    let fix = format!("take `{}` out of `search`, or mend its server so that it says NXDOMAIN", one.suffix);
    let sign = Sign::new(&search.client.id, confidence, message)
        .about(stopped.iter().map(|one| one.name))
        .resting_on([search.file.index, one.failure.index, one.itself.index])
        .resting_on(libc.map(|at| at.index))
        .fix(fix);
    Some(sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, flags, openshift4};
    use crate::dns::observation::{Observation, ProbeError, Transport, Trouble};

    fn refused(rcode: &str) -> Evidence {
        let mut evidence = openshift4();
        let below = evidence.below("example.com");
        evidence.change("coredns", |at| at.name == below, |at| at.set_rcode(rcode, flags("ra")));
        evidence
    }

    fn libc(evidence: &mut Evidence, answer: Option<&str>) {
        let mut libc = Observation::blank("pod", OUTSIDE, "A", Transport::Libc);
        match answer {
            Some(address) => libc.set_answer(&[address], 0, flags("")),
            None => libc.error = Some(ProbeError { kind: Trouble::Other, detail: "not found".to_owned() }),
        }
        libc.text = Some(answer.unwrap_or_default().to_owned());
        evidence.put(libc);
    }

    #[test]
    fn a_refused_suffix_is_found_where_the_c_library_stops_at_it() {
        for rcode in ["REFUSED", "SERVFAIL"] {
            let mut evidence = refused(rcode);
            assert_eq!(evidence.signs("F29")[0].confidence, Confidence::Possible);
            let asked = (MODE.ask)(&Seen::new(&evidence));
            assert!(asked.iter().any(|(_, one)| one.name == "github.com.example.com"));
            libc(&mut evidence, Some("140.82.112.3"));
            assert_eq!(evidence.signs("F29")[0].confidence, Confidence::Possible, "glibc passes over it");
            libc(&mut evidence, None);
            let signs = evidence.signs("F29");
            assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("pod", Confidence::Likely));
            assert!(signs[0].names.contains(&OUTSIDE.to_owned()));
            assert!(signs[0].message.contains("example.com") && signs[0].message.contains(rcode));
        }
    }

    #[test]
    fn a_server_that_fails_for_everything_is_not_the_suffix() {
        let mut evidence = refused("SERVFAIL");
        libc(&mut evidence, None);
        let nowhere = evidence.nowhere();
        evidence.change("coredns", |at| at.name == nowhere, |at| at.set_rcode("SERVFAIL", flags("ra")));
        assert_eq!(evidence.signs("F29"), []);
        assert_eq!(openshift4().signs("F29"), []);
    }
}
