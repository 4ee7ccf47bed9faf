//! The `hosts:` line of `nsswitch.conf`. Text in, services and their actions out. Pure.

/// One `STATUS=action` in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// `SUCCESS`, `NOTFOUND`, `UNAVAIL`, `TRYAGAIN`.
    pub status: String,
    /// It stands for every other status: `!UNAVAIL`.
    pub negated: bool,
    /// `return`, `continue`, `merge`.
    pub action: String,
}

/// One service of the line, and what follows it in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `files`, `dns`, `resolve`, `mdns4_minimal`, `myhostname`.
    pub name: String,
    /// In their order.
    pub actions: Vec<Action>,
}

impl Service {
    /// True when the search ends here with this status: what stands behind is not asked.
    pub fn ends_at(&self, status: &str) -> bool {
        let fits = |action: &&Action| (action.status == status) != action.negated;
        let action = self.actions.iter().rev().find(fits).map(|action| action.action.as_str());
        action.map_or(status == "SUCCESS", |action| action == "return")
    }
}

/// Where the C library looks for hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nsswitch {
    /// The number of the `hosts:` line, from 1; `None`: there is none, and the library does as it was built.
    pub line: Option<usize>,
    /// In the order in which they are asked.
    pub services: Vec<Service>,
    /// Line number and words that are no service and no action.
    pub problems: Vec<(usize, String)>,
}

impl Nsswitch {
    /// Reads the text of an `nsswitch.conf`; its last `hosts:` line counts.
    pub fn parse(text: &str) -> Self {
        let mut conf = Self::default();
        for (line, text) in text.lines().enumerate().map(|(index, text)| (index + 1, text)) {
            let text = text.split('#').next().unwrap_or_default().trim_start();
            if let Some(rest) = text.strip_prefix("hosts").and_then(|rest| rest.trim_start().strip_prefix(':')) {
                conf = Self { line: Some(line), ..Self::default() };
                conf.add(line, rest);
            }
        }
        conf
    }

    /// The place of a service in the line.
    pub fn place(&self, service: &str) -> Option<usize> {
        self.services.iter().position(|other| other.name == service)
    }

    /// The service before `dns` that ends the search when it has found nothing; with it `resolv.conf` is not asked.
    pub fn ends_before_dns(&self, status: &str) -> Option<&Service> {
        let before = self.place("dns").unwrap_or(self.services.len());
        self.services[..before].iter().find(|service| service.ends_at(status))
    }

    fn add(&mut self, line: usize, rest: &str) {
        let mut rest = rest.trim();
        while !rest.is_empty() {
            let word;
            if let Some(inside) = rest.strip_prefix('[') {
                (word, rest) = inside.split_once(']').unwrap_or((inside, ""));
                self.add_actions(line, word);
            } else {
                let end = rest.find(|char: char| char.is_whitespace() || char == '[').unwrap_or(rest.len());
                (word, rest) = rest.split_at(end);
                self.services.push(Service { name: word.to_owned(), actions: Vec::new() });
            }
            rest = rest.trim_start();
        }
    }

    fn add_actions(&mut self, line: usize, inside: &str) {
        let inside = inside.split('=').map(str::trim).collect::<Vec<_>>().join("=").replace("! ", "!");
        for word in inside.split_whitespace() {
            let service = self.services.last_mut();
            let Some((service, (status, action))) = service.zip(word.split_once('=')) else {
                self.problems.push((line, word.to_owned()));
                continue;
            };
            let negated = status.starts_with('!');
            let status = status.trim_start_matches('!').to_ascii_uppercase();
            service.actions.push(Action { status, negated, action: action.to_ascii_lowercase() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(conf: &Nsswitch) -> Vec<&str> {
        conf.services.iter().map(|service| service.name.as_str()).collect()
    }

    #[test]
    fn a_desktop_asks_mdns_first_and_ends_there() {
        let conf = Nsswitch::parse(
            "passwd: files\nhosts:          files mdns4_minimal [NOTFOUND=return] dns myhostname # Debian\n",
        );
        assert_eq!(conf.line, Some(2));
        assert_eq!(names(&conf), ["files", "mdns4_minimal", "dns", "myhostname"]);
        assert_eq!(conf.ends_before_dns("NOTFOUND").map(|service| service.name.as_str()), Some("mdns4_minimal"));
        assert_eq!(conf.ends_before_dns("UNAVAIL"), None);
    }

    #[test]
    fn resolved_ends_the_search_unless_it_is_not_there() {
        let conf = Nsswitch::parse("hosts: files resolve [!UNAVAIL=return] dns\n");
        let resolve = &conf.services[1];
        assert!(resolve.ends_at("NOTFOUND") && resolve.ends_at("SUCCESS") && !resolve.ends_at("UNAVAIL"));
        assert!(!conf.services[0].ends_at("NOTFOUND"));
    }

    #[test]
    fn many_actions_stand_in_one_bracket_and_the_last_line_counts() {
        let conf = Nsswitch::parse("hosts: db\nhosts : files[SUCCESS=merge NOTFOUND = continue] dns\n");
        assert_eq!((conf.line, conf.services[0].actions.len()), (Some(2), 2));
        assert!(!conf.services[0].ends_at("SUCCESS"));
    }

    #[test]
    fn nonsense_is_no_error() {
        assert_eq!(Nsswitch::parse("passwd: files\n"), Nsswitch::default());
        let conf = Nsswitch::parse("hosts: [NOTFOUND=return] dns [what");
        assert_eq!((names(&conf), conf.problems.len()), (vec!["dns"], 2));
    }
}
