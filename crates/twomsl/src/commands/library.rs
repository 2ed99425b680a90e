//! The library of scenarios, which the command carries with it (`build.rs`): what a name stands for
//! is the same in every folder.

use std::path::{Component, Path, PathBuf};

use twomsl::Scenario;

use crate::output::colour_of_messages;

/// A scenario of the library, unread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The folder: `time-wait`.
    pub(crate) theme: &'static str,
    /// What commands call it: `why-2msl`.
    pub(crate) name: &'static str,
    /// Where it is in the project: `scenarios/time-wait/why-2msl.kdl`.
    pub(crate) path: &'static str,
    /// What it asks.
    pub(crate) question: &'static str,
    /// What is said and is not so, if it is about that.
    pub(crate) claim: Option<&'static str>,
    /// What the file says.
    text: &'static str,
}

/// All of them, in the order of their paths.
pub(crate) const ENTRIES: &[Entry] = include!(concat!(env!("OUT_DIR"), "/library.rs"));

impl Entry {
    /// `time-wait/why-2msl`: no other has this name.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.theme, self.name)
    }

    /// Whether a word names it: `why-2msl`, `time-wait/why-2msl`, or its path in the project.
    pub(crate) fn is_called(&self, word: &str) -> bool {
        word == self.name || word == self.path || word == self.full_name()
    }

    /// Reads it.
    ///
    /// # Errors
    /// It cannot be read: for the user.
    pub(crate) fn scenario(&self) -> Result<Scenario, String> {
        Scenario::parse(self.path, self.text).map_err(|error| error.render(colour_of_messages()))
    }
}

/// The scenario that a word of the command line names: a file, or one of the library. A file goes
/// first; a folder does not stand in the way of a name.
///
/// # Errors
/// Why there is none, or why it cannot be read: for the user.
pub(crate) fn load(word: &Path) -> Result<Scenario, String> {
    let there = std::fs::metadata(word);
    if !there.as_ref().is_ok_and(std::fs::Metadata::is_file) {
        let name = word.to_string_lossy().replace('\\', "/");
        if let Some(entry) = one(&name)? {
            return entry.scenario();
        }
        if there.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Err(unknown(&name));
        }
    }
    Scenario::load(word).map_err(|error| error.render(colour_of_messages()))
}

/// The scenario of this name, if there is one.
///
/// # Errors
/// There are several.
fn one(word: &str) -> Result<Option<&'static Entry>, String> {
    let called: Vec<&Entry> = ENTRIES.iter().filter(|entry| entry.is_called(word)).collect();
    match called.as_slice() {
        [] => Ok(None),
        [entry] => Ok(Some(entry)),
        several => {
            let names: Vec<String> = several.iter().map(|entry| entry.full_name()).collect();
            Err(format!("error: `{word}` may be {}: say which\n", names.join(" or ")))
        }
    }
}

/// That a word names nothing, and what may have been meant.
fn unknown(word: &str) -> String {
    let known: Vec<String> = match word {
        path if path.starts_with("scenarios/") => {
            ENTRIES.iter().map(|it| it.path.to_owned()).collect()
        }
        name if name.contains('/') => ENTRIES.iter().map(Entry::full_name).collect(),
        _ => ENTRIES.iter().map(|it| it.name.to_owned()).collect(),
    };
    let hint = twomsl::scenario::hint(word, known.iter().map(String::as_str));
    let hint = hint.unwrap_or_else(|| {
        "give the path of a file, or a name of the library: `twomsl demo` lists them".to_owned()
    });
    format!(
        "{word}: error: there is no such file, and no such scenario in the library\n  help: {hint}\n"
    )
}

/// What a command line calls the scenario of this path: by its name, if that is enough.
pub(crate) fn short_name(path: &str) -> String {
    match ENTRIES.iter().find(|entry| entry.path == path) {
        Some(entry) if matches!(one(entry.name), Ok(Some(_))) => entry.name.to_owned(),
        Some(entry) => entry.full_name(),
        None => path.to_owned(),
    }
}

/// The path of a file that another one names: seen from the folder of that.
pub(crate) fn beside(of: &str, file: &str) -> PathBuf {
    let joined = Path::new(of).parent().unwrap_or_else(|| Path::new("")).join(file);
    let mut path = PathBuf::new();
    for part in joined.components() {
        // `a/b/../c` is `a/c` by name: the library has no folders to walk through.
        let back = part == Component::ParentDir
            && path.components().next_back().is_some_and(|it| matches!(it, Component::Normal(_)));
        if back {
            path.pop();
        } else if part != Component::CurDir {
            path.push(part);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::beside;

    #[test]
    fn a_file_beside_another_is_found_by_name() {
        let of = |of, file| beside(of, file);
        assert_eq!(of("scenarios/a/b.kdl", "../c/d.kdl"), Path::new("scenarios/c/d.kdl"));
        assert_eq!(of("b.kdl", "./d.kdl"), Path::new("d.kdl"));
        assert_eq!(of("b.kdl", "../d.kdl"), Path::new("../d.kdl"));
    }
}
