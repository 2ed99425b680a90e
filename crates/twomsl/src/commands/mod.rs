//! The commands.

mod artefacts;
pub(crate) mod demo;
pub(crate) mod drill;
pub(crate) mod explore;
mod library;
mod progress;
pub(crate) mod run;
mod scripts;
pub(crate) mod shrink;
pub(crate) mod states;
pub(crate) mod sweep;
mod tally;

use std::path::Path;
use std::process::ExitCode;

use twomsl::Scenario;

use crate::args::Chosen;

/// The scenario of a file as the arguments want it.
///
/// # Errors
/// Why it cannot be used, for the user.
pub(crate) fn resolve(args: &Chosen, file: &Path) -> Result<Scenario, String> {
    let mut scenario = library::load(file)?;
    if let Some(name) = &args.variant {
        scenario = scenario.variant(name).map_err(|error| format!("error: --{error}\n"))?;
    }
    if let Some(name) = &args.profile {
        scenario = scenario.with_profile(name).map_err(|error| format!("error: --{error}\n"))?;
    }
    for (key, value) in &args.set {
        scenario = scenario.set(key, value).map_err(|error| format!("error: {error}\n"))?;
    }
    for rule in &args.what_if {
        scenario = scenario.with_what_if(*rule);
    }
    Ok(match args.seed {
        Some(seed) => scenario.with_seed(seed),
        None => scenario,
    })
}

/// How a command ended, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It expects nothing, so nothing was shown to hold.
    Silent,
    /// Every expectation holds.
    Holds,
    /// It was stopped before it was through, and nothing failed until then.
    Stopped,
    /// An expectation does not hold.
    Fails,
    /// There was input that could not be used.
    Unusable,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Silent | Verdict::Holds => Self::SUCCESS,
            Verdict::Fails => Self::from(1),
            Verdict::Stopped => Self::from(3),
            Verdict::Unusable => Self::from(2),
        }
    }
}
