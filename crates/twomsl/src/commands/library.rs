//! The library of scenarios, which the command carries with it (`build.rs`): `demo` works from any
//! folder.

use twomsl::Scenario;

/// Paths within `scenarios/`, and what the files say; in the order of their paths.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// A scenario of the library.
#[derive(Clone, Debug)]
pub(crate) struct Tale {
    /// The folder: `time-wait`.
    pub(crate) theme: &'static str,
    /// What `demo` calls it: `why-2msl`.
    pub(crate) name: &'static str,
    /// Where it is in the project: `scenarios/time-wait/why-2msl.kdl`.
    pub(crate) path: String,
    /// What it says and does.
    pub(crate) scenario: Scenario,
}

/// Theme and name of all of them.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().map(|(path, _)| parts(path))
}

fn parts(path: &'static str) -> (&'static str, &'static str) {
    let (theme, file) = path.split_once('/').unwrap_or(("", path));
    (theme, file.strip_suffix(".kdl").unwrap_or(file))
}

/// Those that are wanted: all of a theme, or one by its name, or by both with a slash.
///
/// # Errors
/// One cannot be read: for the user.
pub(crate) fn tales(wanted: impl Fn(&str, &str) -> bool) -> Result<Vec<Tale>, String> {
    let chosen = FILES.iter().filter(|(path, _)| {
        let (theme, name) = parts(path);
        wanted(theme, name)
    });
    chosen.map(|(path, text)| tale(path, text)).collect()
}

fn tale(path: &'static str, text: &str) -> Result<Tale, String> {
    let (theme, name) = parts(path);
    let path = format!("scenarios/{path}");
    let scenario = Scenario::parse(&path, text).map_err(|error| error.to_string())?;
    Ok(Tale { theme, name, path, scenario })
}
