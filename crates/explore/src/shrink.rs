//! Shrinking: a run that fails, made as small as it can be while it fails for the same reason.
//!
//! First what chance did is written down as explicit faults, and as many of them as possible are left
//! out. Then come fewer octets, fewer hosts and steps, and at last rounder times.
//!
//! Much smaller runs fail as well, but for want of what is expected of them. So whatever held in the
//! run that failed has to hold in a smaller one, and whatever held without any faults has to hold there
//! without faults.

mod explicit;
mod named;
mod smaller;
mod tidy;
mod trial;

use std::fmt;

use twomsl_scenario::{Outcome, RunError, Scenario, ScenarioError};

use trial::Trial;

/// What came of shrinking.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The small scenario; its text is a file of its own. Its name is `small.kdl`.
    pub scenario: Scenario,
    /// What comes of running it.
    pub outcome: Outcome,
    /// Why both fail.
    pub reason: Reason,
    /// How many runs it took.
    pub runs: u32,
}

/// Why a run fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An invariant of the world is broken.
    Invariant {
        /// From 1 to 6.
        number: u8,
        /// How, in words without numbers.
        text: String,
    },
    /// An expectation does not hold.
    Expectation {
        /// As it is written in the file.
        words: String,
        /// The manner in which it fails: see [`Scenario::manners`].
        manner: String,
    },
    /// The run never would end.
    Stuck,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invariant { number, text } => write!(f, "invariant {number} is broken: {text}"),
            Self::Expectation { words, manner } => write!(f, "not so: {words} ({manner})"),
            Self::Stuck => f.write_str("the run never would end"),
        }
    }
}

/// A scenario that cannot be shrunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShrinkError {
    /// It does not fail.
    #[error("nothing fails with this seed")]
    Holds,
    /// The world it describes cannot be made.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What was written cannot be read again.
    #[error("the scenario cannot be written down: {0}")]
    Written(#[from] ScenarioError),
}

/// A text that still fails, and which of the first expectations each of its own is.
#[derive(Clone, Debug)]
struct Best {
    text: String,
    ids: Vec<usize>,
}

/// Makes a run that fails smaller.
///
/// # Errors
/// The run does not fail, or the world cannot be.
pub fn shrink(scenario: &Scenario) -> Result<Shrunk, ShrinkError> {
    if scenario.run()?.holds() {
        return Err(ShrinkError::Holds);
    }
    // Everything that was set from outside is part of the text from here on.
    let whole = Scenario::parse(NAME, &scenario.written(&[]))?;
    let mut trial = Trial::new(&whole)?.ok_or(ShrinkError::Holds)?;
    let ids = (0..trial.expectations()).collect();
    let mut best = Best { text: whole.text().to_owned(), ids };
    tidy::tidy(&mut best, &mut trial);
    explicit::smallest(&mut best, &mut trial);
    smaller::smallest(&mut best, &mut trial);
    let scenario = Scenario::parse(NAME, &best.text)?;
    let outcome = scenario.run()?;
    Ok(Shrunk { scenario, outcome, reason: trial.reason, runs: trial.runs })
}

/// What the small scenario is called, as a file.
const NAME: &str = "small.kdl";

#[cfg(test)]
mod tests;
