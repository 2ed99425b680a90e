//! What a failure leaves behind: files in a folder of its own.

use std::io;
use std::path::{Path, PathBuf};

/// Where failures go if nobody says otherwise.
const DEFAULT: &str = "twomsl-artefacts";

/// The folder of what was found in a scenario: `twomsl-artefacts/NAME-COMMAND`.
pub(crate) fn folder(scenario: &str, command: &str) -> PathBuf {
    let file = Path::new(scenario);
    let stem = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy();
    Path::new(DEFAULT).join(format!("{stem}-{command}"))
}

/// Writes a file into a folder, which is made if there is none. An error says which file it is about.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    let cannot =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    std::fs::create_dir_all(folder).map_err(cannot)?;
    std::fs::write(&path, text).map_err(cannot)?;
    Ok(path)
}
