//! How rules look at the evidence: short questions with one answer each. Pure.

pub mod node;

use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;

use serde_json::Value;

use super::chain::{Hop, Place, PlaceKind, Role, Target, is_below};
use super::evidence::Evidence;
use super::files::{dnsmasq::DnsmasqConf, resolv::ResolvConf};
use super::observation::{Observation, Transport, Trouble};

/// One observation and its index, which findings give as evidence.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// Its place in the list of all observations.
    pub index: usize,
    observation: &'a Observation,
}

impl<'a> At<'a> {
    /// The observation, for as long as the evidence lives.
    pub fn observation(&self) -> &'a Observation {
        self.observation
    }
}

impl Deref for At<'_> {
    type Target = Observation;

    fn deref(&self) -> &Observation {
        self.observation
    }
}

/// Indexes of observations, for [`super::classify::Sign::resting_on`].
pub fn indexes<'a>(seen: impl IntoIterator<Item = At<'a>>) -> Vec<usize> {
    seen.into_iter().map(|at| at.index).collect()
}

/// One upstream of a dnsmasq, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// `10.9.0.1#53`.
    pub server: String,
    /// Where it is.
    pub address: Option<SocketAddr>,
    /// Queries sent to it.
    pub sent: u64,
    /// Of these, the ones that failed.
    pub failed: u64,
}

/// The evidence of a run, as rules see it.
#[derive(Debug)]
pub struct Seen<'a> {
    /// All of it.
    pub evidence: &'a Evidence,
}

impl<'a> Seen<'a> {
    /// Looks at the evidence of a run.
    pub fn new(evidence: &'a Evidence) -> Self {
        Self { evidence }
    }

    /// Everything that was asked.
    pub fn all(&self) -> impl Iterator<Item = At<'a>> + use<'a> {
        self.evidence.observations.iter().enumerate().map(|(index, observation)| At { index, observation })
    }

    /// DNS queries of class IN, of all hops.
    pub fn queries(&self) -> impl Iterator<Item = At<'a>> + use<'a> {
        self.all().filter(|at| at.is_dns() && !at.chaos)
    }

    /// DNS queries of class IN to one hop, from all vantages.
    pub fn asked<'b>(&self, hop: &'b str) -> impl Iterator<Item = At<'a>> + use<'a, 'b> {
        self.queries().filter(move |at| at.hop == hop)
    }

    /// Queries to one hop for one name and type: UDP, with validation, in the order in which they came back.
    pub fn for_name<'b>(
        &self,
        hop: &'b str,
        name: &'b str,
        kind: &'b str,
    ) -> impl Iterator<Item = At<'a>> + use<'a, 'b> {
        self.asked(hop)
            .filter(move |at| at.transport == Transport::Udp && at.kind == kind && !at.checking_disabled)
            .filter(move |at| at.name.eq_ignore_ascii_case(name))
    }

    /// The first reply of a hop for a name and type, from any vantage, else the first query without one.
    pub fn reply(&self, hop: &str, name: &str, kind: &str) -> Option<At<'a>> {
        self.for_name(hop, name, kind).find(|at| at.replied()).or_else(|| self.for_name(hop, name, kind).next())
    }

    /// The same from one vantage.
    pub fn reply_at(&self, vantage: &str, hop: &str, name: &str, kind: &str) -> Option<At<'a>> {
        let here = || self.for_name(hop, name, kind).filter(|at| at.vantage == vantage);
        here().find(|at| at.replied()).or_else(|| here().next())
    }

    /// What a server said of itself (class CH), e.g. `servers.bind`.
    pub fn about(&self, hop: &str, name: &str) -> Option<At<'a>> {
        self.all().find(|at| at.chaos && at.hop == hop && at.name == name && at.has_answer())
    }

    /// The upstreams that dnsmasq says it has (CH TXT `servers.bind`), as it said the last time.
    pub fn dnsmasq_servers(&self, hop: &str) -> Option<(At<'a>, Vec<Counted>)> {
        let at =
            self.all().filter(|at| at.chaos && at.hop == hop && at.name == "servers.bind" && at.has_answer()).last()?;
        // dnsmasq puts each server into a string of its own.
        let words: Vec<&str> =
            at.observation.answers.iter().flat_map(|record| record.data.split_whitespace()).collect();
        let counted = words.chunks_exact(3).filter_map(|three| {
            let server = three[0].to_owned();
            let (address, port) = server.split_once('#').unwrap_or((&server, "53"));
            let address = address.parse().ok().zip(port.parse().ok()).map(|(ip, port)| SocketAddr::new(ip, port));
            Some(Counted { address, sent: three[1].parse().ok()?, failed: three[2].parse().ok()?, server })
        });
        Some((at, counted.collect()))
    }

    /// A file at a vantage, when it could be read.
    pub fn file(&self, vantage: &str, path: &str) -> Option<(At<'a>, &'a str)> {
        let at = self.file_asked(vantage, path)?;
        Some((at, at.observation.text.as_deref()?))
    }

    /// A file at a vantage, readable or not.
    pub fn file_asked(&self, vantage: &str, path: &str) -> Option<At<'a>> {
        self.all().find(|at| at.transport == Transport::File && at.vantage == vantage && at.name == path)
    }

    /// The readable files of a directory at a vantage.
    pub fn files_below<'b>(
        &self,
        vantage: &'b str,
        directory: &'b str,
    ) -> impl Iterator<Item = (At<'a>, &'a str)> + use<'a, 'b> {
        let inside = move |at: &At<'a>| at.transport == Transport::File && at.vantage == vantage;
        self.all()
            .filter(move |at| inside(at) && at.name.starts_with(directory))
            .filter_map(|at| Some((at, at.observation.text.as_deref()?)))
    }

    /// The resolv.conf of a vantage.
    pub fn resolv_conf(&self, vantage: &str) -> Option<(At<'a>, ResolvConf)> {
        let (at, text) = self.file(vantage, "/etc/resolv.conf")?;
        Some((at, ResolvConf::parse(text)))
    }

    /// The configuration of dnsmasq at a vantage: its files and its arguments, and where each was seen.
    pub fn dnsmasq_conf(&self, vantage: &str) -> Option<(Vec<usize>, DnsmasqConf)> {
        let mut texts: Vec<(At<'a>, &'a str)> = self.file(vantage, "/etc/dnsmasq.conf").into_iter().collect();
        texts.extend(self.files_below(vantage, "/etc/dnsmasq.d/"));
        let process = self.process(vantage, "dnsmasq");
        let mut conf = DnsmasqConf::parse(texts.iter().map(|(_, text)| *text));
        if let Some((_, facts)) = &process {
            let arguments = facts["arguments"].as_array().into_iter().flatten();
            conf.add_arguments(arguments.filter_map(Value::as_str));
        }
        let rests: Vec<usize> = texts.iter().map(|(at, _)| at.index).chain(process.map(|(at, _)| at.index)).collect();
        (!rests.is_empty()).then_some((rests, conf))
    }

    /// The facts of a running process at a vantage: `pid`, `arguments`, `open_files`, `open_files_limit`.
    pub fn process(&self, vantage: &str, program: &str) -> Option<(At<'a>, Value)> {
        let mut processes = self.all().filter(|at| at.transport == Transport::Process);
        let at = processes.find(|at| at.vantage == vantage && at.name == program && at.error.is_none())?;
        Some((at, serde_json::from_str(at.observation.text.as_deref()?).ok()?))
    }

    /// A process at a vantage, running or not.
    pub fn process_asked(&self, vantage: &str, program: &str) -> Option<At<'a>> {
        let mut processes = self.all().filter(|at| at.transport == Transport::Process && at.vantage == vantage);
        processes.find(|at| at.name == program)
    }

    /// Whether a program runs at a vantage; `None` when it was not looked for, or could not be.
    pub fn runs(&self, vantage: &str, program: &str) -> Option<bool> {
        let at = self.process_asked(vantage, program)?;
        if at.met(Trouble::Absent) { Some(false) } else { at.error.is_none().then_some(true) }
    }

    /// True where an API server answered, whatever of it may be read: everybody may ask for its version.
    pub fn has_api(&self) -> bool {
        self.object("version").is_some()
    }

    /// An object of the API, e.g. `services/openshift-dns/dns-default` or `dnses.operator.openshift.io/default`.
    pub fn object(&self, name: &str) -> Option<(At<'a>, Value)> {
        let at = self.all().find(|at| at.transport == Transport::Api && at.name == name)?;
        Some((at, serde_json::from_str(at.observation.text.as_deref()?).ok()?))
    }

    /// Objects whose name starts with this, e.g. `events/` (each with its `metadata`).
    pub fn objects<'b>(&self, prefix: &'b str) -> impl Iterator<Item = (At<'a>, Value)> + use<'a, 'b> {
        let these = self.all().filter(move |at| at.transport == Transport::Api && at.name.starts_with(prefix));
        these.filter_map(|at| Some((at, serde_json::from_str(at.observation.text.as_deref()?).ok()?)))
    }

    /// What the C library of a vantage said for a name.
    pub fn libc(&self, vantage: &str, name: &str) -> Option<At<'a>> {
        let mut lookups = self.all().filter(|at| at.transport == Transport::Libc && at.vantage == vantage);
        lookups.find(|at| at.name.eq_ignore_ascii_case(name))
    }

    /// The names that were asked for.
    pub fn targets(&self) -> impl Iterator<Item = &'a Target> + use<'a> {
        self.evidence.targets.iter()
    }

    /// True for a name below the cluster's domain.
    pub fn is_cluster_name(&self, name: &str) -> bool {
        is_below(name, &self.evidence.chain.cluster_domain)
    }

    /// Targets and controls that a resolver must get from outside of the cluster.
    pub fn outside_names(&self) -> Vec<&'a str> {
        self.targets()
            .map(|target| target.name.as_str())
            .filter(|name| !self.is_cluster_name(name) && name.contains('.'))
            .collect()
    }

    /// All hops.
    pub fn hops(&self) -> impl Iterator<Item = &'a Hop> + use<'a> {
        self.evidence.chain.hops.iter()
    }

    /// The hops of one role.
    pub fn role(&self, role: Role) -> impl Iterator<Item = &'a Hop> + use<'a> {
        self.hops().filter(move |hop| hop.role == role)
    }

    /// The hop of this id.
    pub fn hop(&self, id: &str) -> Option<&'a Hop> {
        self.evidence.chain.hop(id)
    }

    /// The hops that this hop asks for a name.
    pub fn asks_for(&self, hop: &Hop, name: &str) -> Vec<&'a Hop> {
        hop.asks_for(name).iter().filter_map(|id| self.hop(id)).collect()
    }

    /// The hops that ask this one.
    pub fn askers<'b>(&self, id: &'b str) -> impl Iterator<Item = &'a Hop> + use<'a, 'b> {
        self.hops().filter(move |hop| hop.forwards.iter().any(|forward| forward.to.iter().any(|to| to == id)))
    }

    /// The vantages of one kind.
    pub fn places(&self, kind: PlaceKind) -> impl Iterator<Item = &'a Place> + use<'a> {
        self.evidence.places.iter().filter(move |place| place.kind == kind)
    }

    /// The client hop of a vantage: where findings about its files belong.
    pub fn client(&self, vantage: &str) -> Option<&'a Hop> {
        self.role(Role::Client).find(|hop| hop.vantage == vantage)
    }

    /// The hop that is asked at this address.
    pub fn at_address(&self, address: SocketAddr) -> Option<&'a Hop> {
        self.hops().find(|hop| hop.address == Some(address))
    }

    /// Every query of this vantage to this hop that got no reply at all, when there was none with a reply.
    pub fn unreached(&self, vantage: &str, hop: &str) -> Option<Vec<At<'a>>> {
        let here: Vec<At<'a>> = self.all().filter(|at| at.is_dns() && at.hop == hop && at.vantage == vantage).collect();
        (!here.is_empty() && here.iter().all(|at| !at.replied())).then_some(here)
    }

    /// The same, when every query met the same trouble. A kernel sends a few ICMP errors a second and no more, so silence beside
    /// them is theirs too.
    pub fn always(&self, vantage: &str, hop: &str, trouble: Trouble) -> Option<Vec<At<'a>>> {
        let here = self.unreached(vantage, hop)?;
        let fits = |at: &At<'_>| at.met(trouble) || (at.silent() && at.transport == Transport::Udp);
        (here.iter().all(fits) && here.iter().any(|at| at.met(trouble))).then_some(here)
    }

    /// A reply of this hop to anything, from any vantage.
    pub fn answers_somewhere(&self, hop: &str) -> Option<At<'a>> {
        self.all().find(|at| at.is_dns() && at.hop == hop && at.replied())
    }

    /// Right answers: for a name whose addresses of this kind are known, one of them; else any answer.
    pub fn is_right(&self, at: &Observation) -> bool {
        let target = self.targets().find(|target| target.name.eq_ignore_ascii_case(&at.name));
        let same_kind = |address: &&IpAddr| address.is_ipv4() == (at.kind == "A");
        let expected: Vec<&IpAddr> = target.iter().flat_map(|target| &target.expected).filter(same_kind).collect();
        at.has_answer() && (expected.is_empty() || at.addresses().iter().any(|address| expected.contains(&address)))
    }
}
