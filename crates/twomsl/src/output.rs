//! Where things are written: renderings to standard output or files, messages to standard error.
//!
//! Colours go to terminals only, and not where `NO_COLOR` is set. Whoever reads a pipe may stop
//! reading at any time (`| head`): that is no error.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use twomsl::scenario::Colour;
use twomsl::trace::ladder::Form;

use crate::args::Format;

/// Where renderings go.
#[derive(Debug, PartialEq, Eq)]
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
        let output = if files.len() == 1 && !out.is_dir() {
            Self::File(out.to_owned())
        } else {
            Self::folder(out, files, format)?
        };
        output.spares(files)?;
        Ok(output)
    }

    /// A folder, made if there is none.
    fn folder(out: &Path, files: &[PathBuf], format: Format) -> Result<Self, String> {
        let mut names = BTreeSet::new();
        if let Some(twice) = files.iter().find(|file| !names.insert(name_of(file))) {
            let name = twice.display();
            return Err(format!("error: --out: two inputs are named like {name}\n"));
        }
        let shown = out.display();
        if out.exists() && !out.is_dir() {
            let why = "several inputs need a folder, and this is a file";
            return Err(format!("error: --out {shown}: {why}\n"));
        }
        std::fs::create_dir_all(out)
            .map_err(|error| format!("error: --out {shown}: {}\n", plain(&error)))?;
        Ok(Self::Folder(out.to_owned(), format.extension()))
    }

    /// Refuses to write over an input: a scenario is somebody's work, a rendering is not.
    fn spares(&self, files: &[PathBuf]) -> Result<(), String> {
        // Under whatever name: links and `..` are followed. What does not exist is no input.
        let inputs: BTreeSet<PathBuf> =
            files.iter().filter_map(|file| file.canonicalize().ok()).collect();
        let targets = files.iter().filter_map(|file| self.target(file));
        let taken =
            |target: &PathBuf| target.canonicalize().is_ok_and(|target| inputs.contains(&target));
        targets.into_iter().find(taken).map_or(Ok(()), |target| {
            Err(format!("error: --out: {} is an input, and would be lost\n", target.display()))
        })
    }

    /// The file that the rendering of a scenario file goes to, if it goes to one.
    fn target(&self, file: &Path) -> Option<PathBuf> {
        match self {
            Self::Standard => None,
            Self::File(path) => Some(path.clone()),
            Self::Folder(folder, extension) => {
                let mut name = name_of(file);
                name.push(".");
                name.push(extension);
                Some(folder.join(name))
            }
        }
    }

    /// Whether it is read by somebody at a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Self::Standard) && io::stdout().is_terminal()
    }

    /// The columns of the terminal that it goes to.
    pub(crate) fn columns(&self) -> Option<usize> {
        let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
        self.is_terminal().then_some(usize::from(width.0))
    }

    /// The columns that a ladder may take: those of the terminal, but no more than it needs.
    pub(crate) fn ladder_columns(&self) -> usize {
        let most = Form::default().width;
        self.columns().map_or(most, |columns| columns.min(most))
    }

    /// Whether colours are understood there.
    pub(crate) fn takes_colours(&self) -> bool {
        matches!(self, Self::Standard) && AutoStream::choice(&io::stdout()) != ColorChoice::Never
    }

    /// Writes the rendering of a scenario file.
    ///
    /// # Errors
    /// It cannot be written, for the user. A reader that stopped reading is no error.
    pub(crate) fn write(&self, file: &Path, text: &str) -> Result<(), String> {
        if let Some(path) = self.target(file) {
            let cannot =
                |error: io::Error| format!("error: --out {}: {}\n", path.display(), plain(&error));
            return std::fs::write(&path, text).map_err(cannot);
        }
        self.print(text)
    }

    /// Writes to standard output.
    ///
    /// # Errors
    /// It cannot be written, for the user. A reader that stopped reading is no error.
    #[expect(clippy::unused_self, reason = "only who has an output prints")]
    pub(crate) fn print(&self, text: &str) -> Result<(), String> {
        let mut out = io::stdout().lock();
        ignore_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
            .map_err(|error| format!("error: cannot write to standard output: {error}\n"))
    }
}

/// What went wrong with a file that is written, in words that name the cause.
pub(crate) fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "the folder does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotADirectory => "a part of this path is no folder".to_owned(),
        _ => error.to_string(),
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

/// Writes to standard output. A reader that stopped reading is no error.
///
/// # Errors
/// It cannot be written, for the user.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    ignore_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
        .map_err(|error| format!("error: cannot write to standard output: {error}\n"))
}

/// `1 run`, `2 runs`.
pub(crate) fn many(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Writes one line about how it went.
pub(crate) fn note(line: &str) {
    complain(&format!("{line}\n"));
}
