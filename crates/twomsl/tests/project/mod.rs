//! The files of the project, for tests that read them.

use std::fs;
use std::path::{Path, PathBuf};

/// The directory of the whole project.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files with this extension below a directory, relative to it and in order.
pub(crate) fn files_below(directory: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = children(directory);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(entries(&path));
        } else if path.extension().is_some_and(|found| found == extension) {
            let base = project().join(directory);
            found.push(path.strip_prefix(base).expect("found below it").to_path_buf());
        }
    }
    found.sort();
    found
}

/// What is in a directory of the project; nothing if there is no such directory.
pub(crate) fn children(directory: &str) -> Vec<PathBuf> {
    let path = project().join(directory);
    if path.exists() { entries(&path) } else { Vec::new() }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory of the project can be read");
    entries.map(|entry| entry.expect("its entries can be read").path()).collect()
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
