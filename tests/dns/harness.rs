//! Runs `dns-debug` in a world, and says readably what it found where a test expects something else.

mod drive;
mod hops;

pub(crate) use drive::{Times, probe};

use std::fmt::Write as _;

use lsdeploy::dns::chain::{Kind, Place, PlaceKind, Target, is_below};
use lsdeploy::dns::classify::{Confidence, Finding, classify};
use lsdeploy::dns::evidence::Evidence;
use lsdeploy::dns::observation::{Observation, Transport};
use serde_json::{Value, json};

use crate::table::{self, Row};
use crate::world::World;

/// What a scenario tells the run beside names: objects that the API of a cluster would give, and from where it asks.
#[derive(Debug, Default)]
pub(crate) struct Setting {
    objects: Vec<(String, Value)>,
    places: Option<Vec<Place>>,
    expected: Vec<(String, String)>,
    apps: Option<String>,
    timeout_ms: Option<u64>,
}

impl World {
    /// An object as the API would give it, e.g. `services/default/kubernetes`. For what is not the guilty hop.
    pub(crate) fn object(&self, name: &str, object: Value) {
        self.setting.borrow_mut().objects.retain(|(known, _)| known != name);
        self.setting.borrow_mut().objects.push((name.to_owned(), object));
    }

    /// The domain of Routes, and the router's address.
    pub(crate) fn apps(&self, domain: &str, router: &str) {
        self.setting.borrow_mut().apps = Some(domain.to_owned());
        self.object("ingresses.config.openshift.io/cluster", json!({ "spec": { "domain": domain } }));
        let ingress = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": router }] } } });
        self.object("services/openshift-ingress/router-default", ingress);
    }

    /// The run asks from these members; else from those named `pod...`, `node...` and `workstation`.
    pub(crate) fn asks_from(&self, places: &[(&str, PlaceKind)]) {
        let places = places.iter().map(|(name, kind)| self.place(name, *kind)).collect();
        self.setting.borrow_mut().places = Some(places);
    }

    /// The address that a name should have, where no object says it.
    pub(crate) fn expects(&self, name: &str, address: &str) {
        self.setting.borrow_mut().expected.push((name.to_owned(), address.to_owned()));
    }

    /// Another time-out for each question than 2 s.
    pub(crate) fn time_out(&self, milliseconds: u64) {
        self.setting.borrow_mut().timeout_ms = Some(milliseconds);
    }

    /// Walks the path for these names: survey, chain, first round, second round, judgement.
    #[track_caller]
    pub(crate) fn debug(&self, names: &[&str]) -> Run {
        self.settle();
        let setting = self.setting.borrow();
        let places = setting.places.clone().unwrap_or_else(|| self.usual_places());
        let mut evidence = Evidence {
            label: table::label(),
            timeout_ms: setting.timeout_ms.unwrap_or(2000),
            targets: names.iter().map(|name| setting.target(name)).collect(),
            places,
            ..Evidence::default()
        };
        for (name, object) in &setting.objects {
            let mut seen = Observation::blank("api", name, "OBJECT", Transport::Api);
            seen.text = Some(object.to_string());
            evidence.observations.push(seen);
        }
        let (findings, times) = drive::drive(self, &mut evidence);
        Run { evidence, findings, times }
    }

    fn usual_places(&self) -> Vec<Place> {
        let kind = |name: &str| match name {
            "workstation" => Some(PlaceKind::Workstation),
            _ if name.starts_with("pod") => Some(PlaceKind::Pod),
            _ if name.starts_with("node") => Some(PlaceKind::Node),
            _ => None,
        };
        self.names().filter_map(|name| Some(self.place(name, kind(name)?))).collect()
    }

    fn place(&self, name: &str, kind: PlaceKind) -> Place {
        let pod = kind == PlaceKind::Pod;
        let node = if pod { self.parent(name).filter(|node| node.starts_with("node")) } else { None };
        Place {
            name: name.to_owned(),
            kind,
            how: format!("exec: {}", self.enter(name).join(" ")),
            pod: pod.then(|| format!("{}/{name}", if name.starts_with("coredns") { "openshift-dns" } else { "team1" })),
            node: node.or_else(|| (kind == PlaceKind::Node).then(|| name.to_owned())),
        }
    }
}

impl Setting {
    fn target(&self, name: &str) -> Target {
        let below = |zone: &str| is_below(name, zone);
        let kind = match name {
            _ if below("in-addr.arpa") || below("ip6.arpa") => Kind::Reverse,
            _ if below("cluster.local") || name.rsplit('.').next() == Some("svc") => Kind::Service,
            _ if !name.contains('.') => Kind::Bare,
            _ if name.starts_with("api.") || name.starts_with("api-int.") => Kind::Api,
            _ if self.apps.as_deref().is_some_and(below) => Kind::Route,
            _ => Kind::External,
        };
        let expected = self.expected.iter().filter(|(known, _)| known == name);
        let expected: Vec<_> = expected.map(|(_, address)| address.parse().unwrap()).collect();
        let because = (!expected.is_empty()).then(|| "the scenario".to_owned());
        Target { name: name.to_owned(), kind, expected, because }
    }
}

/// What a run found, and all it rests on.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) evidence: Evidence,
    pub(crate) findings: Vec<Finding>,
    pub(crate) times: Times,
}

impl Run {
    /// The first finding: the root cause.
    pub(crate) fn root(&self) -> Option<&Finding> {
        self.findings.first()
    }

    /// The codes of all other findings, with what each follows from.
    pub(crate) fn others(&self) -> Vec<String> {
        let others = self.findings.iter().skip(1).filter(|finding| finding.confidence > Confidence::Possible);
        others.map(|finding| format!("{} at {} ({})", finding.code, finding.hop, finding.confidence)).collect()
    }

    /// The finding of this code, wherever it stands.
    pub(crate) fn finding(&self, code: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.code == code)
    }

    /// The root cause is this one, at this hop. Panics with everything that was seen there.
    #[track_caller]
    pub(crate) fn expect_root(&self, code: &str, hop: &str) -> &Finding {
        match self.root() {
            Some(root) if root.code == code && root.hop == hop => root,
            _ => panic!("expected {code} at {hop} as the root\n{}", self.story(hop)),
        }
    }

    /// The root is more than possible, and whatever else is blamed follows from it.
    #[track_caller]
    pub(crate) fn expect_alone(&self) -> &Self {
        let blamed = |finding: &&Finding| finding.confidence > Confidence::Possible && finding.follows_from.is_none();
        let roots: Vec<&Finding> = self.findings.iter().filter(blamed).collect();
        let first = self.evidence.chain.hops.iter().find(|hop| hop.address.is_some()).map_or("", |hop| hop.id.as_str());
        let hop = roots.last().map_or(first, |root| root.hop.as_str());
        assert_eq!(roots.len(), 1, "expected one root\n{}", self.story(hop));
        self
    }

    /// This is found too, at least this surely.
    #[track_caller]
    pub(crate) fn expect_also(&self, code: &str, hop: &str, confidence: Confidence) -> &Finding {
        let found = self.findings.iter().find(|finding| finding.code == code && finding.hop == hop);
        found
            .filter(|finding| finding.confidence >= confidence)
            .unwrap_or_else(|| panic!("expected {code} at {hop} ({confidence}) beside others\n{}", self.story(hop)))
    }

    /// Nothing is blamed.
    #[track_caller]
    pub(crate) fn expect_ok(&self) {
        if let Some(blamed) = self.findings.iter().find(|finding| finding.confidence > Confidence::Possible) {
            panic!("a healthy path is blamed: {} at {}\n{}", blamed.code, blamed.hop, self.story(&blamed.hop));
        }
    }

    /// The same verdict comes out of the saved run: what is judged is only what was observed.
    #[track_caller]
    pub(crate) fn expect_same_when_saved(&self) {
        let saved = serde_json::to_string(&self.evidence).unwrap();
        let read: Evidence = serde_json::from_str(&saved).unwrap();
        assert_eq!(classify(&read), self.findings);
    }

    /// The root is this mode, at this hop, and stands in the table from now on. `how` says which real part is guilty; where none
    /// is, it begins with `scripted:` and says why.
    #[track_caller]
    pub(crate) fn prove(&self, id: &str, code: &str, hop: &str, how: &str) {
        let root = self.expect_root(code, hop);
        assert_eq!(root.id, id);
        let least = if id == "F28" { Confidence::Possible } else { Confidence::Likely };
        assert!(root.confidence >= least, "{code} is only {}\n{}", root.confidence, self.story(hop));
        self.expect_same_when_saved();
        let confidence = root.confidence.to_string();
        table::record(&Row { id, how, code, hop, confidence: &confidence, others: &self.others() });
    }

    /// The path is healthy, every name has an answer, nothing is blamed; it stands in the table of healthy variants from now on.
    #[track_caller]
    pub(crate) fn prove_healthy(&self, what: &str) {
        let answered = |name: &str| {
            self.evidence.observations.iter().any(|seen| {
                let asked = seen.is_dns() || seen.transport == Transport::Libc;
                asked && seen.name.eq_ignore_ascii_case(name) && !seen.answers.is_empty()
            })
        };
        for target in &self.evidence.targets {
            assert!(answered(&target.name), "nobody answers {}\n{}", target.name, self.story("upstream-1"));
        }
        self.prove_not_blamed(what);
    }

    /// The same where a name has no answer, and nobody is to blame for it.
    #[track_caller]
    pub(crate) fn prove_not_blamed(&self, what: &str) {
        table::record_healthy(what, &self.blamed());
        self.expect_ok();
        self.expect_same_when_saved();
    }

    fn blamed(&self) -> Vec<String> {
        let blamed = self.findings.iter().filter(|finding| finding.confidence > Confidence::Possible);
        blamed.map(|finding| format!("{} at {}", finding.code, finding.hop)).collect()
    }

    /// The path, what was asked of one hop, and everything found: for the reader of a failed test.
    pub(crate) fn story(&self, hop: &str) -> String {
        let mut text = String::new();
        let vantage = self.evidence.chain.hop(hop).map_or(hop, |hop| hop.vantage.as_str());
        writeln!(text, "platform {:?}\n{}", self.evidence.chain.platform, hops::table(&self.evidence)).unwrap();
        writeln!(text, "observations of {hop} and of files at {vantage}:").unwrap();
        for (index, seen) in self.evidence.observations.iter().enumerate() {
            if seen.hop == hop || (seen.hop.is_empty() && seen.vantage == vantage && hops::matters(seen)) {
                writeln!(text, "  {index:4} {}", hops::line(seen)).unwrap();
            }
        }
        writeln!(text, "findings:").unwrap();
        for finding in &self.findings {
            let Finding { id, code, hop, confidence, message, evidence, .. } = finding;
            let after = finding.follows_from.as_ref().map_or_else(String::new, |cause| format!(" after {cause}"));
            writeln!(text, "  {id} {code} at {hop} ({confidence}){after}: {message} {evidence:?}").unwrap();
        }
        for unseen in &self.evidence.chain.unseen {
            writeln!(text, "unseen: {unseen}").unwrap();
        }
        text
    }
}
