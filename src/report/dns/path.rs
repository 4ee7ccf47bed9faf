//! The path as it was found, in text: who asks whom, one line per hop. Takes evidence and findings. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::words;
use super::wrap::wrap;
use crate::dns::chain::{Forward, Hop, PlaceKind, Role};
use crate::dns::evidence::Evidence;

/// Draws the path from every client outwards. `mark` is added to the lines of hops that are wrong.
pub(super) fn path(evidence: &Evidence, mark: &dyn Fn(&str) -> Option<String>) -> String {
    let mut drawing = Drawing { evidence, mark, shown: BTreeSet::new(), text: String::new() };
    for client in evidence.chain.hops.iter().filter(|hop| hop.role == Role::Client) {
        drawing.line(1, &place(evidence, client), client);
        drawing.below(client, 2);
    }
    let rest = evidence.chain.hops.iter().filter(|hop| hop.role != Role::Client);
    let rest: Vec<&Hop> = rest.filter(|hop| !drawing.shown.contains(hop.id.as_str())).collect();
    if !rest.is_empty() {
        drawing.text.push_str("  asked too, though no client asks there:\n");
        for hop in rest {
            if !drawing.shown.contains(hop.id.as_str()) {
                drawing.hop(2, "", hop);
            }
        }
    }
    drawing.text
}

/// A client, and where it stands.
fn place(evidence: &Evidence, client: &Hop) -> String {
    let Some(place) = evidence.places.iter().find(|place| place.name == client.vantage) else {
        return client.id.clone();
    };
    let kind = match place.kind {
        PlaceKind::Workstation => "this machine",
        PlaceKind::Pod => place.pod.as_deref().unwrap_or("a pod"),
        PlaceKind::Node => "a node",
        PlaceKind::Other => place.how.as_str(),
    };
    match &place.node {
        Some(node) if *node != place.name => format!("{} ({kind} on {node})", client.id),
        _ if kind.is_empty() => client.id.clone(),
        _ => format!("{} ({kind})", client.id),
    }
}

struct Drawing<'a> {
    evidence: &'a Evidence,
    mark: &'a dyn Fn(&str) -> Option<String>,
    /// Hops that stand there already: a path may come together again, or lead in a circle.
    shown: BTreeSet<&'a str>,
    text: String,
}

impl<'a> Drawing<'a> {
    fn line(&mut self, depth: usize, text: &str, hop: &'a Hop) {
        let indent = "  ".repeat(depth);
        let mark = (self.mark)(&hop.id).map_or_else(String::new, |mark| format!("  <-- {mark}"));
        self.text.push_str(&wrap(&format!("{text}{mark}"), &indent, &format!("{indent}    ")));
        self.shown.insert(&hop.id);
    }

    fn hop(&mut self, depth: usize, lead: &str, hop: &'a Hop) {
        if self.shown.contains(hop.id.as_str()) {
            let text = format!("{}{lead}{} (see above)\n", "  ".repeat(depth), hop.id);
            self.text.push_str(&text);
            return;
        }
        self.line(depth, &format!("{lead}{}", words::hop(hop)), hop);
        self.below(hop, depth + 1);
    }

    fn below(&mut self, hop: &'a Hop, depth: usize) {
        let only_everything =
            hop.forwards.len() == 1 && hop.forwards[0].zones.iter().all(|zone| zone.trim_matches('.').is_empty());
        for forward in &hop.forwards {
            let what = if only_everything { String::new() } else { format!("for {} ", words::zones(&forward.zones)) };
            self.forward(forward, &what, depth);
        }
    }

    fn forward(&mut self, forward: &'a Forward, what: &str, depth: usize) {
        let known = |id: &String| self.evidence.chain.hop(id);
        let hops: Vec<&'a Hop> = forward.to.iter().filter_map(known).collect();
        match hops.as_slice() {
            [] => {}
            [one] => self.hop(depth, &format!("{what}asks "), one),
            many => {
                // Behind a Service stand equals; servers of a list have an order.
                let order =
                    if many.iter().all(|hop| hop.role == Role::Coredns) { "one of these" } else { "in this order" };
                let _ = writeln!(self.text, "{}{what}asks {order}:", "  ".repeat(depth));
                self.siblings(many, depth + 1);
            }
        }
    }

    /// Hops side by side; what siblings ask alike is drawn once, below the last of them.
    fn siblings(&mut self, hops: &[&'a Hop], depth: usize) {
        for (place, hop) in hops.iter().enumerate() {
            let repeats =
                hops[place + 1..].iter().any(|later| later.forwards == hop.forwards) && !hop.forwards.is_empty();
            if repeats && !self.shown.contains(hop.id.as_str()) {
                self.line(depth, &words::hop(hop), hop);
            } else {
                self.hop(depth, "", hop);
            }
        }
    }
}
