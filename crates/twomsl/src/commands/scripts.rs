//! Which files are meant.

use std::io;
use std::path::{Path, PathBuf};

/// What a script's name ends with, in a folder; a file that is named may end with anything.
const EXTENSION: &str = "pkt";

/// The files, and those of the folders, each folder's in the order of their names.
///
/// # Errors
/// What cannot be read, or has nothing in it, for the user.
pub(super) fn collect(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        let shown = path.display();
        if !path.is_dir() {
            // What it is, and whether it is there at all, is told when it is read.
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        walk(path, &mut files).map_err(|error| format!("error: {shown}: {error}\n"))?;
        if files.len() == before {
            return Err(format!("error: {shown}: no *.{EXTENSION} in this folder or below it\n"));
        }
    }
    Ok(files)
}

/// A folder's files and folders by name, with those of a folder where it stands among them.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        // A link to a folder above this one would never end.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(path);
        }
    }
    Ok(())
}
