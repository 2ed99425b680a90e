//! Exploration: every way of placing a few faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Duration;

use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};
use twomsl_scenario::{Bound, RunError, Scenario, ScenarioError};
use twomsl_sim::{Plan, SpecError, WorldSpec};

use crate::counterexample::Counterexample;
use crate::key::Seen;
use crate::node::Node;
use crate::search::{Break, Rules, Search, Shared, Tally};

/// How much is spent on a search.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many searches go on at once; 0 for one per processor.
    pub jobs: usize,
    /// How many states are remembered at most. Each takes about 40 octets while it is searched.
    pub states: u64,
    /// Set by whoever has waited for long enough: the search ends soon after.
    pub stop: Arc<AtomicBool>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { jobs: 0, states: 100_000_000, stop: Arc::default() }
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
    /// What it was stopped in, if it was: searching schedules with so many faults.
    pub stopped_at: Option<u32>,
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
    // What is said about the run without faults is not said about others.
    let spec = WorldSpec { remarks: Vec::new(), ..scenario.spec() };
    let plan = Arc::new(Plan::new(spec)?);
    let (figures, found) = search(scenario, &plan, bound, limits);
    let (counterexample, stopped_at) = match found {
        Ok(()) => (None, None),
        Err((_, Break::Found(found))) => (Some(Counterexample::new(scenario, found)?), None),
        Err((faults, Break::Stopped)) => (None, Some(faults)),
    };
    Ok(Exploration { bound: bound.clone(), figures, counterexample, stopped_at })
}

/// The same for any plan with the hosts of the scenario. An error says with how many faults it
/// came.
fn search(
    scenario: &Scenario,
    plan: &Arc<Plan>,
    bound: &Bound,
    limits: &Limits,
) -> (Figures, Result<(), (u32, Break)>) {
    let explorer = Explorer::new(scenario, plan, bound, limits);
    let (mut figures, mut seen) = (Figures::default(), Seen::default());
    let mut levels = 0..=bound.faults;
    let found = levels.try_for_each(|faults| {
        explorer.level(faults, &mut seen, &mut figures).map_err(|found| (faults, found))
    });
    (figures, found)
}

/// A search through all schedules.
struct Explorer<'a> {
    root: Node,
    rules: Rules,
    limits: &'a Limits,
}

impl<'a> Explorer<'a> {
    fn new(scenario: &Scenario, plan: &Arc<Plan>, bound: &Bound, limits: &'a Limits) -> Self {
        let seed = scenario.seed();
        let root = Node::root(plan, seed, scenario.monitors());
        let lifetime = bound.lifetime.unwrap_or_else(|| default_lifetime(plan));
        let last = root.world.ends_by();
        Self { root, rules: Rules::new(bound, lifetime, last), limits }
    }

    /// All schedules with exactly so many faults. Those below each first fault are searched
    /// beside each other, and share nothing but what lower levels have seen: so that what is
    /// covered does not depend on who was faster.
    fn level(&self, faults: u32, seen: &mut Seen, figures: &mut Figures) -> Result<(), Break> {
        let shared = Shared {
            stop: &self.limits.stop,
            states: AtomicU64::new(figures.states),
            most: self.limits.states,
            best: AtomicUsize::new(usize::MAX),
        };
        let mut root = self.root.clone();
        root.left = faults;
        let mut first = Search::new(&self.rules, &shared, seen, 0);
        let parts =
            if faults == 0 { first.below(root).map(|()| Vec::new()) } else { first.parts(root) };
        figures.add(&first.tally);
        let first_seen = first.seen;
        let parts = parts?;
        let all = self.in_parallel(parts, &shared, seen);
        seen.extend(first_seen);
        let mut outcome = Ok(());
        for (result, tally, new) in all {
            figures.add(&tally);
            seen.extend(new);
            outcome = worse(outcome, result);
            // What those behind it have done in the meantime depends on who was faster.
            if matches!(outcome, Err(Break::Found(_))) {
                break;
            }
        }
        figures.states = seen.len() as u64;
        outcome
    }

    fn in_parallel(
        &self,
        parts: Vec<Node>,
        shared: &Shared<'_>,
        before: &Seen,
    ) -> Vec<(Result<(), Break>, Tally, Seen)> {
        let search = |(place, node): (usize, Node)| {
            let mut search = Search::new(&self.rules, shared, before, place + 1);
            let result = search.below(node);
            (result, search.tally, search.seen)
        };
        let run = || {
            let parts = parts.into_par_iter().with_max_len(1).enumerate();
            parts.map(search).collect()
        };
        match rayon::ThreadPoolBuilder::new().num_threads(self.limits.jobs).build() {
            Ok(pool) => pool.install(run),
            Err(_) => run(),
        }
    }
}

/// What counts of two parts, the first one coming first: what was found first. That one has
/// stopped says nothing if an earlier one has found something.
fn worse(before: Result<(), Break>, now: Result<(), Break>) -> Result<(), Break> {
    match (before, now) {
        (Err(found @ Break::Found(_)), _) | (_, Err(found @ Break::Found(_))) => Err(found),
        (Err(stopped), _) => Err(stopped),
        (Ok(()), now) => now,
    }
}

/// What the hosts' TIME-WAIT is made for: half of the shortest one.
fn default_lifetime(plan: &Plan) -> Duration {
    let times = plan.spec().hosts.iter().map(|host| host.profile.time_wait);
    times.min().unwrap_or_default() / 2
}

impl Figures {
    fn add(&mut self, tally: &Tally) {
        self.schedules += tally.schedules;
        self.transitions += tally.transitions;
        self.deepest = self.deepest.max(tally.deepest);
    }
}

impl Exploration {
    /// Whether every schedule was tried, and nothing broke.
    pub const fn is_clean(&self) -> bool {
        self.counterexample.is_none() && self.stopped_at.is_none()
    }

    /// What came of it, in a few lines.
    pub fn report(&self) -> String {
        let Figures { schedules, states, transitions, deepest } = self.figures;
        let kinds: Vec<&str> = self.bound.kinds.iter().map(|kind| kind.name()).collect();
        let s = |number: u64| if number == 1 { "" } else { "s" };
        let (faults, kinds) = (self.bound.faults, kinds.join(", "));
        let bound = format!("at most {faults} fault{} ({kinds})", s(faults.into()));
        let how = match (&self.counterexample, self.stopped_at) {
            (Some(found), _) => format!("{bound}: broken\n{}", found.report()),
            (None, Some(faults)) => format!(
                "{bound}: stopped early, while schedules with {faults} fault{} were searched; \
                 nothing broke until then\n",
                s(faults.into())
            ),
            (None, None) => format!("{bound}: nothing breaks; every schedule was tried\n"),
        };
        format!(
            "{how}{schedules} schedule{}, {states} state{}, {transitions} transition{}, \
             {deepest} event{} in the longest\n",
            s(schedules),
            s(states),
            s(transitions),
            s(deepest)
        )
    }
}

#[cfg(test)]
mod tests;
