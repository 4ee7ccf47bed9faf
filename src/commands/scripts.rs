//! Reads the scripts of `--init` from their directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::error::{CommandError, Result};

/// The files of a directory by name; none where the flag says `none`. Hidden files are left out.
pub(super) fn read(directory: &Path) -> Result<BTreeMap<String, String>> {
    if directory == Path::new("none") {
        return Ok(BTreeMap::new());
    }
    let shown = directory.display();
    let cannot = |what: &Path, error: &std::io::Error| {
        CommandError::new(format!("cannot read --init {}: {error}", what.display()))
            .hint("name a directory of text files: shell and Python scripts, CloudFormation templates")
    };
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(|error| cannot(directory, &error))? {
        let entry = entry.map_err(|error| cannot(directory, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let text = fs::read_to_string(entry.path()).map_err(|error| cannot(&entry.path(), &error))?;
        files.insert(name, text);
    }
    if files.is_empty() {
        return Err(CommandError::new(format!("--init {shown} holds no script"))
            .hint("put scripts into it, or give --init none to run none any more"));
    }
    Ok(files)
}
