//! Exploration: every way of placing a few faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use twomsl_scenario::{Bound, RunError, Scenario, ScenarioError};
use twomsl_sim::{Coverage, Plan, SpecError, WorldSpec};

use crate::counterexample::Counterexample;
use crate::frontier::Frontier;
use crate::levels::Explorer;
use crate::search::Break;

/// What remembering a state takes at most, in octets: 16 for its fingerprint, as much and a little more
/// for the free places of a table that has just grown, and the old table while it grows; and tables of
/// parts stand beside that of the whole until they are put into it. From 49 to 77 were measured. The
/// worlds that a search has in hand come on top of that: some hundred of them.
pub const OCTETS_PER_STATE: u64 = 96;

/// How much is spent on a search.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many searches go on at once; 0 for one per processor.
    pub jobs: usize,
    /// How many states are remembered at most: see [`OCTETS_PER_STATE`].
    pub states: u64,
    /// Set by whoever has waited for long enough: the search ends soon after.
    pub stop: Arc<AtomicBool>,
    /// For whoever shows how far it is.
    pub reached: Arc<Reached>,
}

/// How far a search is, while it goes on.
#[derive(Debug, Default)]
pub struct Reached {
    /// Schedules with so many faults are being searched.
    pub faults: AtomicU32,
    /// States that are remembered, some of them twice.
    pub states: AtomicU64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { jobs: 0, states: 100_000_000, stop: Arc::default(), reached: Arc::default() }
    }
}

/// What came of a search.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// How far it was to go.
    pub bound: Bound,
    /// What it covered.
    pub figures: Figures,
    /// The smallest schedule that breaks something.
    pub counterexample: Option<Counterexample>,
    /// How far it was when it was stopped, if it was.
    pub stopped: Option<Frontier>,
}

/// What a search covered. The same for every number of jobs, as long as nobody stopped it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Schedules that were played to their end; those that join one already seen are not counted.
    pub schedules: u64,
    /// Different states in front of a choice.
    pub states: u64,
    /// Events that happened.
    pub transitions: u64,
    /// Events of the longest schedule.
    pub deepest: u64,
    /// Which events connections met in which states.
    pub coverage: Coverage,
}

/// A scenario that cannot be explored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExploreError {
    /// The world it describes cannot be made.
    #[error(transparent)]
    World(#[from] SpecError),
    /// The same, when a counterexample was to be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The file of a counterexample cannot be read.
    #[error("the counterexample cannot be read again: {0}")]
    Counterexample(#[from] ScenarioError),
}

/// Tries every way of placing at most so many faults, those with few of them first.
///
/// # Errors
/// The scenario describes a world that cannot be.
pub fn explore(
    scenario: &Scenario,
    bound: &Bound,
    limits: &Limits,
) -> Result<Exploration, ExploreError> {
    resume(scenario, bound, limits, Frontier::default())
}

/// Goes on with a search that was stopped. It covers what is left to cover, and its figures are those of
/// both: only transitions that it was in the middle of count twice.
///
/// # Errors
/// The scenario describes a world that cannot be.
pub fn resume(
    scenario: &Scenario,
    bound: &Bound,
    limits: &Limits,
    mut frontier: Frontier,
) -> Result<Exploration, ExploreError> {
    // What is said about the run without faults is not said about others.
    let spec = WorldSpec { remarks: Vec::new(), ..scenario.spec() };
    let plan = Arc::new(Plan::new(spec)?);
    let end = Explorer::new(scenario, &plan, bound, limits).search(bound.faults, &mut frontier);
    let figures = frontier.figures();
    let (counterexample, stopped) = match end {
        Ok(()) => (None, None),
        Err(Break::Found(found)) => (Some(Counterexample::new(scenario, found)?), None),
        Err(Break::Stopped) => (None, Some(frontier)),
    };
    Ok(Exploration { bound: bound.clone(), figures, counterexample, stopped })
}

impl Exploration {
    /// Whether every schedule was tried, and nothing broke.
    pub const fn is_clean(&self) -> bool {
        self.counterexample.is_none() && self.stopped.is_none()
    }

    /// What came of it, in a few lines.
    pub fn report(&self) -> String {
        let Figures { schedules, states, transitions, deepest, coverage } = self.figures;
        let kinds: Vec<&str> = self.bound.kinds.iter().map(|kind| kind.name()).collect();
        let s = |number: u64| if number == 1 { "" } else { "s" };
        let bound = format!("at most {} ({})", faults(self.bound.faults), kinds.join(", "));
        let how = match (&self.counterexample, &self.stopped) {
            (Some(found), _) => format!("{bound}: broken\n{}", found.report()),
            (None, Some(frontier)) => format!(
                "{bound}: stopped early, while schedules with {} were searched; nothing broke \
                 until then\n",
                faults(frontier.faults())
            ),
            (None, None) => format!("{bound}: nothing breaks; every schedule was tried\n"),
        };
        format!(
            "{how}{schedules} schedule{}, {states} state{}, {transitions} transition{}, \
             {deepest} event{} in the longest, {} pair{} of state and event\n",
            s(schedules),
            s(states),
            s(transitions),
            s(deepest),
            coverage.len(),
            s(coverage.len().into()),
        )
    }
}

/// So many faults, in words: `1 fault`.
pub fn faults(number: u32) -> String {
    match number {
        1 => "1 fault".to_owned(),
        number => format!("{number} faults"),
    }
}

#[cfg(test)]
mod tests;
