//! `SELinux` labels of a pod or container.

use serde_json::Value;

use super::SeLinuxOptions;
use super::messages::{FieldError, Path, quote};
use super::pod;

/// Checks the labels in force against those demanded. Categories compare as a set; the rest must be equal.
pub(crate) fn check(demanded: &SeLinuxOptions, labels: &Value, path: &Path) -> Vec<FieldError> {
    if labels.is_null() {
        return vec![FieldError::required(path.clone())];
    }
    let level = pod::text(&labels["level"]);
    let mut errors = Vec::new();
    let mut expect = |field: &str, equal: bool, demanded: &str| {
        if !equal {
            let value = quote(pod::text(&labels[field]));
            errors.push(FieldError::invalid(
                path.child(field),
                value,
                format!("must be {demanded}"),
            ));
        }
    };
    expect("level", equal_levels(&demanded.level, level), &demanded.level);
    for (field, demanded) in [
        ("role", &demanded.role),
        ("type", &demanded.kind),
        ("user", &demanded.user),
    ] {
        expect(field, pod::text(&labels[field]) == demanded, demanded);
    }
    errors
}

fn equal_levels(one: &str, other: &str) -> bool {
    let parts = |level: &str| {
        let (sensitivity, categories) = level.split_once(':')?;
        let mut categories: Vec<String> = categories.split(',').map(str::to_owned).collect();
        categories.sort();
        Some((sensitivity.to_owned(), categories))
    };
    one == other || parts(one).is_some_and(|one| Some(one) == parts(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_a_set() {
        check("s0:c1,c2", "s0:c2,c1", true);
        check("s0:c1,c2", "s0:c1", false);
        check("s0:c1,c2", "s1:c1,c2", false);
        check("s0", "s0", true);
        check("s0", "s0:", false);
        check("", "", true);
    }

    #[track_caller]
    fn check(one: &str, other: &str, expected: bool) {
        assert_eq!(equal_levels(one, other), expected, "{one} and {other}");
    }
}
