//! Shrinking: a run that fails, made as small as it can be while it fails for the same reason.
//!
//! First what chance did is written down as explicit faults, and as many of them as possible are left
//! out. Then everything else is tried: hosts, nodes and steps fewer, numbers smaller, times
//! rounder. What is expected is never touched.
//!
//! An expectation could also be made to fail by asking less of the applications than it expects. So
//! a smaller scenario counts only if, without its faults, it does not fail for that reason;
//! unless that was so in the beginning.

mod explicit;
mod smaller;

use kdl::KdlDocument;
use twomsl_scenario::{Outcome, RunError, Scenario, ScenarioError};
use twomsl_trace::Event;

/// How many scenarios are tried at most.
const MOST_TRIALS: u32 = 5_000;

/// What came of shrinking.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The small scenario; its text is a file of its own.
    pub scenario: Scenario,
    /// What comes of running it.
    pub outcome: Outcome,
    /// Why both fail.
    pub reason: Reason,
    /// How many scenarios were tried.
    pub trials: u32,
}

/// Why a run fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An invariant of the world is broken.
    Invariant(u8),
    /// An expectation does not hold: its words.
    Expectation(String),
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

/// Makes a run that fails smaller.
///
/// # Errors
/// The run does not fail, or the world cannot be.
pub fn shrink(scenario: &Scenario) -> Result<Shrunk, ShrinkError> {
    let outcome = scenario.run()?;
    let reason = Reason::of(&outcome).ok_or(ShrinkError::Holds)?;
    let mut trial = Trial { name: scenario.name().to_owned(), reason, trials: 0, control: false };
    let mut best = Scenario::parse(scenario.name(), &scenario.written(&[]))?;
    trial.control = trial.is_fine_without_faults(best.text());
    if let Some(text) = explicit::smallest(scenario, &outcome, &mut trial) {
        best = Scenario::parse(scenario.name(), &text)?;
    }
    let text = smaller::smallest(best.text(), &mut trial);
    let scenario = Scenario::parse(scenario.name(), &text)?;
    let outcome = scenario.run()?;
    let Trial { reason, trials, .. } = trial;
    Ok(Shrunk { scenario, outcome, reason, trials })
}

impl Reason {
    fn of(outcome: &Outcome) -> Option<Self> {
        let first = outcome.failures.first()?;
        let violation = outcome.trace.records.iter().find_map(|record| match &record.event {
            Event::Violation { invariant, .. } => Some(Self::Invariant(*invariant)),
            _ => None,
        });
        let expected = Self::Expectation(first.expectation.clone());
        Some(violation.unwrap_or(expected))
    }

    /// Whether a run fails for this reason, be it among others.
    fn is_of(&self, outcome: &Outcome) -> bool {
        match self {
            Self::Invariant(_) => Self::of(outcome).as_ref() == Some(self),
            Self::Expectation(words) => {
                outcome.failures.iter().any(|failure| failure.expectation == *words)
            }
        }
    }
}

/// Trying scenarios.
struct Trial {
    name: String,
    reason: Reason,
    trials: u32,
    /// Whether a scenario has to be fine without its faults.
    control: bool,
}

/// What makes things go wrong, as opposed to what goes wrong then.
const FAULTS: [&str; 9] =
    ["fault", "crash", "reboot", "pause", "resume", "link-down", "link-up", "forge", "forge-icmp"];

impl Trial {
    /// Whether a text is a scenario that fails for the reason.
    fn fails(&mut self, text: &str) -> bool {
        if self.trials >= MOST_TRIALS {
            return false;
        }
        self.trials += 1;
        self.outcome(text).is_some_and(|outcome| self.reason.is_of(&outcome))
            && (!self.control || self.is_fine_without_faults(text))
    }

    fn outcome(&self, text: &str) -> Option<Outcome> {
        Scenario::parse(&self.name, text).ok()?.run().ok()
    }

    fn is_fine_without_faults(&self, text: &str) -> bool {
        let Ok(mut document) = text.parse::<KdlDocument>() else { return false };
        document.nodes_mut().retain(|node| !FAULTS.contains(&node.name().value()));
        explicit::without_chance(&mut document);
        self.outcome(&document.to_string()).is_some_and(|outcome| !self.reason.is_of(&outcome))
    }
}

#[cfg(test)]
mod tests;
