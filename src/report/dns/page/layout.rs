//! Where hops stand in the picture: layers from the clients outwards, rows within a layer. Takes a chain. Pure.
//!
//! A link that passes a layer takes a row there, so that no line runs through a hop.

use crate::dns::chain::{Chain, Role};

/// A place: the layer, and the row in it, in units of a hop's size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) layer: usize,
    pub(super) row: f64,
}

/// Somebody asks somebody.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Link {
    /// Index of the hop that asks.
    pub(super) from: usize,
    /// Index of the hop that is asked.
    pub(super) to: usize,
    /// Where it passes the layers between.
    pub(super) via: Vec<Place>,
    /// It leads back: the path is a circle.
    pub(super) is_back: bool,
}

/// The whole picture, without sizes.
pub(super) struct Layout {
    /// One place per hop, in the chain's order.
    pub(super) hops: Vec<Place>,
    pub(super) links: Vec<Link>,
    pub(super) layers: usize,
    /// Rows of the fullest layer.
    pub(super) rows: f64,
}

/// A hop, or a link that passes.
struct Node {
    layer: usize,
    row: f64,
    size: f64,
    /// Nodes of the layer before, and of the layer after.
    before: Vec<usize>,
    after: Vec<usize>,
}

/// How much room a passing link takes, compared with a hop.
const PASSING: f64 = 0.45;
/// How often rows are ordered by their neighbours.
const SWEEPS: usize = 6;

/// Finds a place for every hop.
pub(super) fn layout(chain: &Chain) -> Layout {
    let links = links(chain);
    let layers = layers(chain, &links);
    let mut nodes: Vec<Node> = layers
        .iter()
        .map(|layer| Node { layer: *layer, row: 0.0, size: 1.0, before: Vec::new(), after: Vec::new() })
        .collect();
    let passing: Vec<Vec<usize>> =
        links.iter().map(|(from, to, is_back)| pass(&mut nodes, *from, *to, *is_back)).collect();
    let count = layers.iter().max().map_or(0, |last| last + 1);
    let mut order: Vec<Vec<usize>> =
        (0..count).map(|layer| (0..nodes.len()).filter(|node| nodes[*node].layer == layer).collect()).collect();
    for sweep in 0..SWEEPS {
        rank(&mut order, &mut nodes, sweep % 2 == 0);
    }
    for layer in &order {
        set_rows(layer, &mut nodes);
    }
    let first = nodes.iter().map(|node| node.row - node.size / 2.0).fold(f64::INFINITY, f64::min);
    let last = nodes.iter().map(|node| node.row + node.size / 2.0).fold(0.0, f64::max);
    let first = if first.is_finite() { first } else { 0.0 };
    let place = |node: &Node| Place { layer: node.layer, row: node.row - first };
    let via = |passing: &Vec<usize>| passing.iter().map(|node| place(&nodes[*node])).collect();
    let link = |((from, to, is_back), passing): (&(usize, usize, bool), &Vec<usize>)| Link {
        from: *from,
        to: *to,
        via: via(passing),
        is_back: *is_back,
    };
    Layout {
        hops: nodes.iter().take(chain.hops.len()).map(place).collect(),
        links: links.iter().zip(&passing).map(link).collect(),
        layers: count,
        rows: (last - first).max(1.0),
    }
}

/// Who asks whom, each pair once; with `true` where that leads back.
fn links(chain: &Chain) -> Vec<(usize, usize, bool)> {
    let index = |id: &String| chain.hops.iter().position(|hop| hop.id == *id);
    let mut found: Vec<(usize, usize, bool)> = Vec::new();
    for (from, hop) in chain.hops.iter().enumerate() {
        for to in hop.forwards.iter().flat_map(|forward| &forward.to).filter_map(index) {
            if to != from && !found.iter().any(|(f, t, _)| (*f, *t) == (from, to)) {
                found.push((from, to, false));
            }
        }
    }
    for place in 0..found.len() {
        let (from, to, _) = found[place];
        // Links that were found to lead back are not walked: what is left has no circle.
        found[place].2 = reaches(&found[..place], to, from);
    }
    found
}

fn reaches(links: &[(usize, usize, bool)], start: usize, goal: usize) -> bool {
    let (mut seen, mut todo) = (vec![start], vec![start]);
    while let Some(at) = todo.pop() {
        if at == goal {
            return true;
        }
        for (_, to, _) in links.iter().filter(|(from, _, is_back)| *from == at && !is_back) {
            if !seen.contains(to) {
                seen.push(*to);
                todo.push(*to);
            }
        }
    }
    false
}

/// Each hop stands after all that ask it; upstreams stand last.
fn layers(chain: &Chain, links: &[(usize, usize, bool)]) -> Vec<usize> {
    let earliest = |role: Role| match role {
        Role::Client => 0,
        Role::Dnsmasq | Role::Workstation | Role::Coredns | Role::Upstream => 1,
        Role::Node => 2,
        Role::Master => 3,
    };
    let is_asked = |hop: usize| links.iter().any(|(_, to, is_back)| *to == hop && !is_back);
    let mut layers: Vec<usize> =
        (0..chain.hops.len()).map(|hop| if is_asked(hop) { 0 } else { earliest(chain.hops[hop].role) }).collect();
    for _ in 0..chain.hops.len() {
        for (from, to, is_back) in links {
            if !is_back {
                layers[*to] = layers[*to].max(layers[*from] + 1);
            }
        }
    }
    let of = |upstream: bool| {
        let all = chain.hops.iter().zip(&layers);
        all.filter(move |(hop, _)| (hop.role == Role::Upstream) == upstream).map(|(_, layer)| *layer).max()
    };
    let last = of(true).unwrap_or(0).max(of(false).map_or(0, |layer| layer + 1));
    for (hop, layer) in chain.hops.iter().zip(&mut layers) {
        let asks_nobody = hop.forwards.iter().all(|forward| forward.to.is_empty());
        if hop.role == Role::Upstream && asks_nobody {
            *layer = last;
        }
    }
    let mut used = layers.clone();
    used.sort_unstable();
    used.dedup();
    layers.iter().map(|layer| used.iter().position(|other| other == layer).unwrap_or(0)).collect()
}

/// Adds the nodes by which a link passes layers; returns them.
fn pass(nodes: &mut Vec<Node>, from: usize, to: usize, is_back: bool) -> Vec<usize> {
    let (start, end) = (nodes[from].layer, nodes[to].layer);
    if is_back || end <= start {
        return Vec::new();
    }
    let mut passing = Vec::new();
    let mut last = from;
    for layer in start + 1..end {
        nodes.push(Node { layer, row: 0.0, size: PASSING, before: vec![last], after: Vec::new() });
        let node = nodes.len() - 1;
        nodes[last].after.push(node);
        passing.push(node);
        last = node;
    }
    nodes[last].after.push(to);
    nodes[to].before.push(last);
    passing
}

/// Orders each layer by where its neighbours stand: those before it, or those after it.
fn rank(order: &mut [Vec<usize>], nodes: &mut [Node], outwards: bool) {
    for layer in order.iter() {
        for (place, node) in (0_u32..).zip(layer) {
            nodes[*node].row = f64::from(place);
        }
    }
    let count = order.len();
    for step in 0..count {
        let layer = if outwards { step } else { count - 1 - step };
        let wanted = |node: &usize| {
            let near = if outwards { &nodes[*node].before } else { &nodes[*node].after };
            mean(near.iter().map(|other| nodes[*other].row)).unwrap_or(nodes[*node].row)
        };
        let mut keyed: Vec<(f64, usize)> = order[layer].iter().map(|node| (wanted(node), *node)).collect();
        keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
        order[layer] = keyed.into_iter().map(|(_, node)| node).collect();
        for (place, node) in (0_u32..).zip(&order[layer]) {
            nodes[*node].row = f64::from(place);
        }
    }
}

/// Gives each node of a layer a row: near to those that ask it, without touching its neighbours.
fn set_rows(layer: &[usize], nodes: &mut [Node]) {
    let mut end = f64::NEG_INFINITY;
    let mut moved = Vec::new();
    for node in layer {
        let near = mean(nodes[*node].before.iter().map(|other| nodes[*other].row));
        let wanted = near.unwrap_or_else(|| if end.is_finite() { end } else { 0.0 });
        let half = nodes[*node].size / 2.0;
        let row = wanted.max(end + half);
        if near.is_some() {
            moved.push(row - wanted);
        }
        nodes[*node].row = row;
        end = row + half;
    }
    // Pushed down as a whole, they go back up as a whole.
    let back = mean(moved.into_iter()).unwrap_or(0.0);
    for node in layer {
        nodes[*node].row -= back;
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dns::chain::Forward;
    use crate::report::dns::examples::{broken, healthy, hop};

    fn no_two_touch(chain: &Chain) {
        let found = layout(chain);
        let via = found.links.iter().flat_map(|link| &link.via).map(|place| (*place, PASSING));
        let all: Vec<(Place, f64)> = found.hops.iter().map(|place| (*place, 1.0)).chain(via).collect();
        for (index, (one, size)) in all.iter().enumerate() {
            assert!(one.row.is_finite() && one.layer < found.layers && one.row <= found.rows);
            for (other, other_size) in &all[index + 1..] {
                let apart = (one.row - other.row).abs() + 1e-6 >= (size + other_size) / 2.0;
                assert!(one.layer != other.layer || apart, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn hops_stand_from_the_clients_to_the_upstreams() {
        let (evidence, _) = broken();
        let layers: Vec<usize> = layout(&evidence.chain).hops.iter().map(|place| place.layer).collect();
        assert_eq!(layers, [0, 0, 1, 2, 3, 3]);
        no_two_touch(&evidence.chain);
        no_two_touch(&healthy().chain);
        no_two_touch(&Chain::default());
    }

    #[test]
    fn a_circle_is_drawn_and_not_followed() {
        let mut chain = broken().0.chain;
        chain.hops[3].forwards = vec![Forward { zones: vec![".".to_owned()], to: vec!["dnsmasq".to_owned()] }];
        chain.hops[2].forwards[0].to.push("node".to_owned());
        chain.hops[2].forwards[0].to.push("dnsmasq".to_owned());
        let found = layout(&chain);
        assert_eq!(found.links.iter().filter(|link| link.is_back).count(), 1);
        no_two_touch(&chain);
    }

    proptest! {
        #[test]
        fn any_chain_has_a_layout(links in proptest::collection::vec((0_usize..12, 0_usize..12), 0..40)) {
            let roles = [Role::Client, Role::Dnsmasq, Role::Node, Role::Master, Role::Coredns, Role::Upstream];
            let mut chain = Chain::default();
            for index in 0..12 {
                let mut hop = hop(&format!("h{index}"), roles[index % 6], "10.0.0.1", "", "pod", "");
                let to = links.iter().filter(|(from, _)| *from == index).map(|(_, to)| format!("h{to}")).collect();
                hop.forwards = vec![Forward { zones: vec![".".to_owned()], to }];
                chain.hops.push(hop);
            }
            no_two_touch(&chain);
        }
    }
}
