//! Reading the sentence in which SCC admission refuses a pod.

use super::words;

/// The lines about our SCC and the platform's restricted ones; the other SCCs are only counted.
///
/// The refusal lists every SCC of the cluster, most of them "not usable by user or serviceaccount".
pub(super) fn told_lines(refusal: &str, ours: Option<&str>) -> String {
    let Some((_, list)) = refusal.split_once('[') else {
        return refusal.to_owned();
    };
    let lines = lines(list.strip_suffix(']').unwrap_or(list));
    let told = |line: &&str| match provider(line) {
        Some(name) => Some(name) == ours || name == "restricted" || name == "restricted-v2",
        // Lines about volumes, seccomp and sysctls name no SCC.
        None => true,
    };
    let shown: Vec<&str> = lines.iter().copied().filter(|line| told(line)).collect();
    let mut text = shown.join("; ");
    match lines.len() - shown.len() {
        0 => {}
        others if shown.is_empty() => text = format!("none of {} fits", words::count(others, "SCC")),
        others => text = format!("{text}; and {} more", words::count(others, "SCC")),
    }
    if let Some(name) = ours.filter(|name| !lines.iter().any(|line| provider(line) == Some(name))) {
        text = format!("SCC {name} is not among those that were tried; {text}");
    }
    text
}

/// False where the refusal says that neither the user nor the service account may use this SCC, or does not name it.
pub(super) fn usable(refusal: &str, name: &str) -> bool {
    !refusal.contains(&format!("provider \"{name}\": Forbidden: not usable"))
        && refusal.contains(&format!("provider {name}:"))
}

/// Splits the list at the starts of its entries: an entry may itself hold commas.
fn lines(list: &str) -> Vec<&str> {
    const STARTS: [&str; 6] = [", provider ", ", spec.", ", .spec.", ", pod.", ", .containers", ", no access to "];
    let mut lines = Vec::new();
    let mut rest = list;
    while let Some(cut) = STARTS.iter().filter_map(|start| rest.find(start)).min() {
        lines.push(&rest[..cut]);
        rest = &rest[cut + ", ".len()..];
    }
    lines.push(rest);
    lines
}

/// The SCC that an entry is about: `provider restricted-v2: ...` or `provider "anyuid": ...`.
fn provider(line: &str) -> Option<&str> {
    let name = line.strip_prefix("provider ")?.split(':').next()?;
    Some(name.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, ours: Option<&str>, expected: &str) {
        assert_eq!(
            told_lines(&format!("unable to validate against any security context constraint: [{list}]"), ours),
            expected
        );
    }

    #[test]
    fn only_the_lines_about_our_scc_and_restricted_are_told() {
        check(
            "provider \"anyuid\": Forbidden: not usable by user or serviceaccount, \
             provider restricted-v2: .containers[0].runAsUser: Invalid value: 0: must be in the ranges: [1000, 1999], \
             provider \"lsdeploy-team1\": Forbidden: not usable by user or serviceaccount, \
             provider \"privileged\": Forbidden: not usable by user or serviceaccount",
            Some("lsdeploy-team1"),
            "provider restricted-v2: .containers[0].runAsUser: Invalid value: 0: must be in the ranges: [1000, 1999]; \
             provider \"lsdeploy-team1\": Forbidden: not usable by user or serviceaccount; and 2 SCCs more",
        );
    }

    #[test]
    fn a_line_that_names_no_scc_is_told() {
        check(
            "provider \"anyuid\": Forbidden: not usable by user or serviceaccount, \
             spec.volumes[0]: Invalid value: \"hostPath\": hostPath volumes are not allowed to be used",
            None,
            "spec.volumes[0]: Invalid value: \"hostPath\": hostPath volumes are not allowed to be used; and 1 SCC more",
        );
    }

    #[test]
    fn an_scc_that_was_not_tried_is_said_to_be_missing() {
        check(
            "provider \"anyuid\": Forbidden: not usable by user or serviceaccount",
            Some("lsdeploy-team1"),
            "SCC lsdeploy-team1 is not among those that were tried; none of 1 SCC fits",
        );
    }
}
