//! What a failure leaves behind: files in a folder of its own.

use std::path::{Path, PathBuf};

/// Where failures go if nobody says otherwise.
const DEFAULT: &str = "twomsl-artefacts";

/// The folder of what a command found in a scenario file.
pub(crate) fn folder(out: Option<&Path>, file: &Path, command: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy();
    let name = format!("{stem}-{command}");
    out.map_or_else(|| Path::new(DEFAULT).join(name), Path::to_owned)
}

/// Makes the folder of `--out` before the work begins, so that none is done in vain.
///
/// # Errors
/// It cannot be made, for the user.
pub(crate) fn prepare(out: &Path) -> Result<(), String> {
    let cannot = |error: std::io::Error| {
        let shown = out.display();
        if out.exists() && !out.is_dir() {
            return format!("error: --out {shown}: this is a file, and a folder is needed\n");
        }
        format!("error: --out {shown}: {}\n", crate::output::plain(&error))
    };
    std::fs::create_dir_all(out).map_err(cannot)
}

/// Writes a file into a folder, which is made if there is none.
///
/// # Errors
/// It cannot be written, for the user.
pub(crate) fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf, String> {
    let path = folder.join(name);
    let cannot = |error: std::io::Error| format!("error: {}: {error}\n", path.display());
    std::fs::create_dir_all(folder).map_err(cannot)?;
    std::fs::write(&path, text).map_err(cannot)?;
    Ok(path)
}

/// A path as a word for a shell.
pub(crate) fn word(path: &Path) -> String {
    twomsl::scenario::shell_word(&path.display().to_string())
}
