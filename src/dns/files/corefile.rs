//! A CoreDNS `Corefile`. Text in, server blocks out. Pure.
//!
//! Read as data: snippets and `import` are kept as they stand, and a plugin that is not known is kept with its words.

use std::net::{IpAddr, SocketAddr};

use crate::dns::chain::is_below;

/// Line number and what is wrong there.
type Problem = (usize, String);

/// A whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corefile {
    /// The server blocks, in their order.
    pub blocks: Vec<Block>,
    /// What could not be read.
    pub problems: Vec<(usize, String)>,
}

/// One server block: which zones it serves, and with what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// What stands before its brace.
    pub zones: Vec<Zone>,
    /// Its plugins, in their order.
    pub plugins: Vec<Plugin>,
}

/// A zone and the port it is served on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Without a last dot; `.` is everything.
    pub name: String,
    /// The port; 53 unless it says otherwise.
    pub port: u16,
}

/// One plugin with its words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// The line on which it stands, from 1.
    pub line: usize,
    /// What stands on the same line.
    pub arguments: Vec<String>,
    /// The lines between its braces, each as words; inner braces are left out.
    pub body: Vec<Vec<String>>,
}

/// A `forward` plugin: whom to ask for a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardTo {
    /// The zone, without a last dot; `.` is everything that the block serves.
    pub zone: String,
    /// Whom, in the order in which they stand.
    pub to: Vec<Upstream>,
    /// `random` unless it says otherwise; OpenShift writes `sequential`.
    pub policy: String,
    /// TCP whatever the client used.
    pub force_tcp: bool,
    /// The name that the upstreams' certificates must have.
    pub tls_server_name: Option<String>,
}

/// Where a `forward` plugin sends to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// A server; by TLS or plain.
    Server {
        /// Its address.
        address: SocketAddr,
        /// True for `tls://`.
        tls: bool,
    },
    /// The nameservers of a file such as `/etc/resolv.conf`.
    File(String),
    /// Something that is neither an address nor a path.
    Unknown(String),
}

impl Corefile {
    /// Reads the text of a Corefile.
    pub fn parse(text: &str) -> Self {
        let (lines, mut problems) = words(text);
        let mut blocks: Vec<Block> = Vec::new();
        let mut head: Vec<String> = Vec::new();
        let mut depth = 0_usize;
        for (number, line) in &lines {
            let number = *number;
            let opens = line.last().is_some_and(|word| word == "{");
            let rest = if opens { &line[..line.len() - 1] } else { &line[..] };
            if rest == ["}"] {
                if depth == 0 {
                    problems.push((number, "`}` without its `{`".to_owned()));
                }
                depth = depth.saturating_sub(1);
                continue;
            }
            match depth {
                0 => head.extend(rest.iter().cloned()),
                1 if !rest.is_empty() => add_plugin(&mut blocks, number, rest),
                _ if !rest.is_empty() => add_to_body(&mut blocks, rest),
                _ => {}
            }
            if opens {
                if depth == 0 {
                    blocks.push(Block { zones: zones(&head), plugins: Vec::new() });
                    head.clear();
                }
                depth += 1;
            }
        }
        if depth > 0 {
            problems.push((text.lines().count(), "the file ends inside of a block".to_owned()));
        }
        Self { blocks, problems }
    }

    /// The block that serves a name on a port: the one with the longest zone.
    pub fn block_for(&self, name: &str, port: u16) -> Option<&Block> {
        let serves = |zone: &&Zone| zone.port == port && is_below(name, &zone.name);
        let length =
            |block: &Block| block.zones.iter().filter(serves).map(|zone| zone.name.trim_matches('.').len()).max();
        // Of equal ones CoreDNS would not start; the first is as good as any.
        let best = self.blocks.iter().filter_map(length).max()?;
        self.blocks.iter().find(|block| length(block) == Some(best))
    }

    /// The port of the block that serves the root, else of the first one: where this CoreDNS listens for clients.
    pub fn port(&self) -> Option<u16> {
        let mut zones = self.blocks.iter().flat_map(|block| &block.zones);
        zones.clone().find(|zone| zone.name == ".").or_else(|| zones.next()).map(|zone| zone.port)
    }
}

impl Block {
    /// The first plugin of this name.
    pub fn plugin(&self, name: &str) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| plugin.name == name)
    }

    /// Whom this block asks.
    pub fn forwards(&self) -> Vec<ForwardTo> {
        self.plugins.iter().filter(|plugin| plugin.name == "forward").filter_map(Plugin::forward).collect()
    }

    /// The zones that its `kubernetes` plugin answers; empty without one.
    pub fn kubernetes_zones(&self) -> Vec<String> {
        let Some(plugin) = self.plugin("kubernetes") else { return Vec::new() };
        if plugin.arguments.is_empty() {
            return self.zones.iter().map(|zone| zone.name.clone()).collect();
        }
        plugin.arguments.iter().map(|zone| zone_name(zone)).collect()
    }

    /// How long `cache` keeps answers and denials, seconds; `None` without that plugin.
    pub fn cache(&self) -> Option<(u64, u64)> {
        let plugin = self.plugin("cache")?;
        let both = plugin.arguments.first().and_then(|word| word.parse().ok());
        let said = |what: &str| plugin.option(what)?.get(1)?.parse().ok();
        let kept = |what, default| said(what).or(both).unwrap_or(default);
        Some((kept("success", 3600), kept("denial", 1800)))
    }
}

impl Plugin {
    /// The words after an option of its body.
    pub fn option(&self, name: &str) -> Option<&[String]> {
        let line = self.body.iter().find(|line| line.first().is_some_and(|word| word == name))?;
        Some(&line[1..])
    }

    fn forward(&self) -> Option<ForwardTo> {
        let (zone, to) = self.arguments.split_first()?;
        let word = |option: &str| self.option(option).and_then(|words| words.first()).cloned();
        Some(ForwardTo {
            zone: zone_name(zone),
            to: to.iter().map(|to| upstream(to)).collect(),
            policy: word("policy").unwrap_or_else(|| "random".to_owned()),
            force_tcp: self.option("force_tcp").is_some(),
            tls_server_name: word("tls_servername"),
        })
    }
}

fn add_plugin(blocks: &mut [Block], line: usize, words: &[String]) {
    if let (Some(block), Some((name, arguments))) = (blocks.last_mut(), words.split_first()) {
        block.plugins.push(Plugin { name: name.clone(), line, arguments: arguments.to_vec(), body: Vec::new() });
    }
}

fn add_to_body(blocks: &mut [Block], words: &[String]) {
    if let Some(plugin) = blocks.last_mut().and_then(|block| block.plugins.last_mut()) {
        plugin.body.push(words.to_vec());
    }
}

/// `dns://cluster.local.:5353, .:53` and the like.
fn zones(head: &[String]) -> Vec<Zone> {
    head.iter()
        .flat_map(|word| word.split(','))
        .filter(|word| !word.is_empty())
        .map(|word| {
            let word = word.split_once("://").map_or(word, |(_, rest)| rest);
            let (name, port) = match word.rsplit_once(':') {
                Some((name, port)) if port.parse::<u16>().is_ok() => (name, port.parse().unwrap_or(53)),
                _ => (word, 53),
            };
            Zone { name: zone_name(name), port }
        })
        .collect()
}

fn zone_name(text: &str) -> String {
    match text.trim_end_matches('.') {
        "" => ".".to_owned(),
        name => name.to_ascii_lowercase(),
    }
}

/// `[dns://|tls://]ADDRESS[:PORT]`, or a path.
fn upstream(text: &str) -> Upstream {
    let (tls, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme == "tls", rest),
        None => (false, text),
    };
    let rest = rest.split('%').next().unwrap_or(rest);
    let bare = || rest.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let default = if tls { 853 } else { 53 };
    let address = rest.parse().ok().or_else(|| Some(SocketAddr::new(bare()?, default)));
    match address {
        Some(address) => Upstream::Server { address, tls },
        None if rest.starts_with('/') => Upstream::File(rest.to_owned()),
        None => Upstream::Unknown(text.to_owned()),
    }
}

/// The file as lines of words, and what could not be read. A word in quotes may hold spaces and line ends.
fn words(text: &str) -> (Vec<(usize, Vec<String>)>, Vec<Problem>) {
    let (mut lines, mut line, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let (mut number, mut quoted_since, mut comment) = (1, None, false);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' if quoted_since.is_some() && chars.peek() == Some(&'"') => {
                word.get_or_insert_default().extend(chars.next());
            }
            '"' if quoted_since.is_some() => quoted_since = None,
            '"' if word.is_none() && !comment => {
                quoted_since = Some(number);
                word = Some(String::new());
            }
            '\n' if quoted_since.is_none() => {
                line.extend(word.take());
                if !line.is_empty() {
                    lines.push((number, std::mem::take(&mut line)));
                }
                comment = false;
            }
            _ if comment => {}
            char if char.is_whitespace() && quoted_since.is_none() => line.extend(word.take()),
            '#' if word.is_none() => comment = true,
            char => word.get_or_insert_default().push(char),
        }
        number += usize::from(char == '\n');
    }
    line.extend(word);
    if !line.is_empty() {
        lines.push((number, line));
    }
    let problem = |since: usize| (since, "a quotation mark is never closed".to_owned());
    (lines, quoted_since.map(problem).into_iter().collect())
}

#[cfg(test)]
mod tests;
