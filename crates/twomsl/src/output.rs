//! Where things are written: renderings to standard output or files, messages to standard error.
//!
//! Colours go to terminals only, and not where `NO_COLOR` is set. Whoever reads a pipe may stop
//! reading at any time (`| head`): that is no error.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use twomsl::scenario::Colour;

use crate::args::Format;

/// Where renderings go.
#[derive(Debug)]
pub(crate) enum Output {
    /// To standard output, one after the other.
    Standard,
    /// Into this file.
    File(PathBuf),
    /// Into files of this folder, named after their scenarios.
    Folder(PathBuf, &'static str),
}

impl Output {
    /// Resolves `--out`.
    ///
    /// # Errors
    /// What is wrong with it, for the user.
    pub(crate) fn new(
        out: Option<&Path>,
        files: &[PathBuf],
        format: Format,
    ) -> Result<Self, String> {
        let Some(out) = out else { return Ok(Self::Standard) };
        if files.len() == 1 && !out.is_dir() {
            return Ok(Self::File(out.to_owned()));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = files.iter().find(|file| !names.insert(name_of(file))) {
            let name = twice.display();
            return Err(format!("error: --out: two inputs are named like {name}\n"));
        }
        std::fs::create_dir_all(out)
            .map_err(|error| format!("error: --out {}: {error}\n", out.display()))?;
        Ok(Self::Folder(out.to_owned(), format.extension()))
    }

    /// Whether colours are understood there.
    pub(crate) fn takes_colours(&self) -> bool {
        matches!(self, Self::Standard) && AutoStream::choice(&io::stdout()) != ColorChoice::Never
    }

    /// Writes the rendering of a scenario file.
    ///
    /// # Errors
    /// It cannot be written. A reader that stopped reading is no error.
    pub(crate) fn write(&self, file: &Path, text: &str) -> io::Result<()> {
        match self {
            Self::Standard => {
                let mut out = io::stdout().lock();
                ignore_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
            }
            Self::File(path) => std::fs::write(path, text),
            Self::Folder(folder, extension) => {
                let mut name = name_of(file);
                name.push(".");
                name.push(extension);
                std::fs::write(folder.join(name), text)
            }
        }
    }
}

fn name_of(file: &Path) -> OsString {
    file.file_stem().unwrap_or(file.as_os_str()).to_owned()
}

fn ignore_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Whether messages are coloured.
pub(crate) fn colour_of_messages() -> Colour {
    match AutoStream::choice(&io::stderr()) {
        ColorChoice::Never => Colour::None,
        _ => Colour::Ansi,
    }
}

/// Writes a message that ends with its own newline, or is empty.
pub(crate) fn complain(message: &str) {
    // When even standard error is closed, there is nobody left to tell.
    let _ = io::stderr().lock().write_all(message.as_bytes());
}

/// Writes one line about how it went.
pub(crate) fn note(line: &str) {
    complain(&format!("{line}\n"));
}
