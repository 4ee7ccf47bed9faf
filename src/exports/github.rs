//! Lines for the file `$GITHUB_ENV` of GitHub Actions. Pure.

use std::collections::BTreeMap;

/// `NAME=value`, or a block between delimiters for a value of several lines.
pub(super) fn write(variables: &BTreeMap<String, String>) -> String {
    variables
        .iter()
        .map(
            |(name, value)| if value.contains(['\n', '\r']) { block(name, value) } else { format!("{name}={value}\n") },
        )
        .collect()
}

fn block(name: &str, value: &str) -> String {
    let mut delimiter = "lsdeploy_end".to_owned();
    while value.contains(&delimiter) {
        delimiter.push('_');
    }
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_several_lines_cannot_end_its_own_block() {
        let variables = BTreeMap::from([
            ("A".to_owned(), "1=2".to_owned()),
            ("B".to_owned(), "x\nlsdeploy_end\nPATH=/evil".to_owned()),
        ]);
        let wanted = "A=1=2\nB<<lsdeploy_end_\nx\nlsdeploy_end\nPATH=/evil\nlsdeploy_end_\n";
        assert_eq!(write(&variables), wanted);
    }
}
