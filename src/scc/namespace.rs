//! What a namespace contributes: its ranges of ids, its `SELinux` level, and whether SCCs apply in it at all.

use std::collections::BTreeMap;

use super::IdRange;

const UID_RANGE: &str = "openshift.io/sa.scc.uid-range";
const MCS: &str = "openshift.io/sa.scc.mcs";
const SUPPLEMENTAL_GROUPS: &str = "openshift.io/sa.scc.supplemental-groups";
const RUN_LEVEL: &str = "openshift.io/run-level";
const SCC_DISABLED: &str = "security.openshift.io/disable-securitycontextconstraints";

/// Namespaces the platform starts from, before anything could label them.
const EXEMPT: [&str; 6] = [
    "default",
    "kube-public",
    "kube-system",
    "openshift",
    "openshift-infra",
    "openshift-node",
];

/// The parts of a namespace that SCC admission looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceFacts {
    /// Name of the namespace.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

impl NamespaceFacts {
    /// Whether SCC admission skips every pod of the namespace, as it does for run-levels 0 and 1.
    pub fn is_exempt(&self) -> bool {
        let label = |key: &str| self.labels.get(key).map(String::as_str);
        EXEMPT.contains(&self.name.as_str())
            || matches!(label(RUN_LEVEL), Some("0" | "1"))
            || label(SCC_DISABLED) == Some("true")
    }

    /// The server waits for both annotations, ten seconds long; then it refuses the pod with this text.
    pub(crate) fn not_ready(&self) -> Option<String> {
        let missing = [UID_RANGE, MCS]
            .into_iter()
            .find(|key| !self.annotations.contains_key(*key))?;
        Some(format!(
            "error fetching namespace \"{}\": unable to find annotation {missing}",
            self.name
        ))
    }

    pub(crate) fn uid_range(&self) -> Result<IdRange, String> {
        parse_block(self.annotation(UID_RANGE)?)
    }

    pub(crate) fn level(&self) -> Result<&str, String> {
        self.annotation(MCS)
    }

    /// The blocks of supplemental groups; where that annotation is missing, the range of uids serves.
    pub(crate) fn group_blocks(&self) -> Result<Vec<IdRange>, String> {
        let groups = self
            .annotations
            .get(SUPPLEMENTAL_GROUPS)
            .or_else(|| self.annotations.get(UID_RANGE));
        match groups.map(String::as_str) {
            None => Err(format!(
                "unable to find supplemental group or uid annotation for namespace {}",
                self.name
            )),
            Some("") => Err(format!(
                "unable to find groups using {SUPPLEMENTAL_GROUPS} and {UID_RANGE} annotations"
            )),
            Some(groups) => groups.split(',').map(parse_block).collect(),
        }
    }

    fn annotation(&self, key: &str) -> Result<&str, String> {
        match self.annotations.get(key).map(String::as_str) {
            None => Err(format!("unable to find annotation {key}")),
            Some("") => Err(format!("found annotation {key} but it was empty")),
            Some(value) => Ok(value),
        }
    }
}

/// Reads `start/size` or `start-end`, as lenient and with the same complaints as Go's `fmt.Sscanf`.
///
/// Text after the second number does not matter, and a size of 0 ends the block before its start.
fn parse_block(text: &str) -> Result<IdRange, String> {
    let is_size = text.contains('/');
    let (start, rest) = scan_number(text)?;
    let rest = scan_literal(rest, if is_size { '/' } else { '-' })?;
    let (second, _) = scan_number(rest)?;
    let end = if is_size {
        start.wrapping_add(second).wrapping_sub(1)
    } else {
        second
    };
    Ok(IdRange {
        min: start.into(),
        max: end.into(),
    })
}

fn scan_number(text: &str) -> Result<(u32, &str), String> {
    let text = text.trim_start_matches(|blank: char| blank.is_whitespace() && blank != '\n');
    if text.starts_with('\n') {
        return Err("unexpected newline".to_owned());
    }
    if text.is_empty() {
        return Err("EOF".to_owned());
    }
    let after = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let token = text.strip_suffix(after).unwrap_or_default();
    if token.is_empty() {
        return Err("expected integer".to_owned());
    }
    let number = token
        .parse::<u64>()
        .map_err(|_| format!("strconv.ParseUint: parsing \"{token}\": value out of range"))?;
    let number = u32::try_from(number).map_err(|_| format!("unsigned integer overflow on token {token}"))?;
    Ok((number, after))
}

fn scan_literal(text: &str, literal: char) -> Result<&str, String> {
    if text.is_empty() {
        return Err("unexpected EOF".to_owned());
    }
    text.strip_prefix(literal)
        .ok_or_else(|| "input does not match format".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expectations were printed by Go 1.26 from `Sscanf` with the two formats.
    #[test]
    fn blocks_are_read_as_go_reads_them() {
        block("1000/10", Ok((1000, 1009)));
        block("1000-1009", Ok((1000, 1009)));
        block(" 5/ 6abc", Ok((5, 10)));
        block("3000/0", Ok((3000, 2999)));
        block("4294967295/10", Ok((4_294_967_295, 8)));
        block("", Err("EOF"));
        block("many", Err("expected integer"));
        block("-5", Err("expected integer"));
        block("5", Err("unexpected EOF"));
        block("5/", Err("EOF"));
        block("5/x", Err("expected integer"));
        block("5 /6", Err("input does not match format"));
        block("5/\n6", Err("unexpected newline"));
        block("4294967296-1", Err("unsigned integer overflow on token 4294967296"));
        let huge = "strconv.ParseUint: parsing \"99999999999999999999\": value out of range";
        block("99999999999999999999/1", Err(huge));
    }

    #[test]
    fn some_namespaces_are_exempt() {
        exempt("default", &[], true);
        exempt("team1", &[], false);
        exempt("team1", &[("openshift.io/run-level", "1")], true);
        exempt("team1", &[("openshift.io/run-level", "2")], false);
        exempt(
            "team1",
            &[("security.openshift.io/disable-securitycontextconstraints", "true")],
            true,
        );
    }

    #[track_caller]
    fn block(text: &str, expected: Result<(i64, i64), &str>) {
        let parsed = parse_block(text).map(|range| (range.min, range.max));
        assert_eq!(parsed, expected.map_err(str::to_owned), "{text:?}");
    }

    #[track_caller]
    fn exempt(name: &str, labels: &[(&str, &str)], expected: bool) {
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let namespace = NamespaceFacts {
            name: name.to_owned(),
            labels,
            ..NamespaceFacts::default()
        };
        assert_eq!(namespace.is_exempt(), expected, "{namespace:?}");
    }
}
