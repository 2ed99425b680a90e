//! Sweeps: one scenario, many seeds.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use twomsl_scenario::{Engine, RunError, Scenario};
use twomsl_sim::spec::HostIndex;
use twomsl_sim::{Coverage, MOST_RECORDS, Outcome, Plan, Recording, RoleResult, SpecError, World};
use twomsl_tcp::{Instant, SendReason};
use twomsl_trace::{Event, Trace, ladder};

use crate::artefacts;
use crate::levels::MOST_JOBS;
use crate::swarm;

/// What a sweep varies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variety {
    /// The random streams only. Every run is held to all that the scenario expects.
    #[default]
    Streams,
    /// The whole configuration: impairments, profiles, options, sizes, faults. A run is held to the
    /// invariants, and to what the node `explore` expects of every schedule.
    Swarm,
}

/// What came of a sweep. The same for every number of jobs.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// How many runs there were.
    pub runs: u64,
    /// The seeds whose runs failed, in order.
    pub failed: Vec<u64>,
    /// The first of them.
    pub first: Option<Failed>,
    /// How long runs lasted, in virtual time.
    pub durations: Spread<Duration>,
    /// How many packets hosts sent.
    pub packets: Spread<u64>,
    /// How many of them for a second time.
    pub retransmissions: Spread<u64>,
    /// What became of the roles, and how often: `client: read ECONNRESET`.
    pub results: BTreeMap<String, u64>,
    /// Which events were met in which states.
    pub coverage: Coverage,
}

/// A run that failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Its seed.
    pub seed: u64,
    /// What happened.
    pub trace: Trace,
    /// What does not hold.
    pub what: String,
    /// The command that does it again.
    pub command: String,
    /// What was run: the scenario with this seed, or with all that was drawn.
    pub scenario: Scenario,
    /// The text of a scenario file that does it again.
    pub text: String,
}

impl Failed {
    /// Leaves what there is to see in a folder: the ladder, what does not hold, and a scenario file
    /// that does it again.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn leave(&self, folder: &Path) -> std::io::Result<Left> {
        let drawn = ladder::plain(&self.trace, ladder::Form::default());
        let ladder = artefacts::write(folder, "ladder.txt", &drawn)?;
        let scenario = artefacts::write(folder, "scenario.kdl", &self.text)?;
        let report = format!("{self}to see it again: {}\n", self.command);
        artefacts::write(folder, "report.txt", &report)?;
        Ok(Left { ladder, scenario })
    }
}

/// What a run that failed has left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The ladder of the run.
    pub ladder: PathBuf,
    /// A scenario file that does it again.
    pub scenario: PathBuf,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = twomsl_scenario::shell_word(&self.scenario.display().to_string());
        write!(f, "as a scenario: twomsl run {file}\nladder: {}\n", self.ladder.display())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}:\n{}", self.seed, self.what)
    }
}

/// How numbers are distributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread<T> {
    /// The smallest.
    pub min: T,
    /// As many are smaller as are larger.
    pub median: T,
    /// Nine of ten are not larger.
    pub p90: T,
    /// The largest.
    pub max: T,
}

impl<T: Copy + Ord + Default> Spread<T> {
    fn of(mut all: Vec<T>) -> Self {
        all.sort_unstable();
        let at = |tenths: usize| {
            let place = (all.len().saturating_sub(1) * tenths).div_ceil(10);
            all.get(place).copied().unwrap_or_default()
        };
        Self { min: at(0), median: at(5), p90: at(9), max: at(10) }
    }
}

/// What is remembered of runs: of one, or of many that follow each other. Those who run beside each
/// other add up their own, so that little is left to do one after the other.
#[derive(Default)]
struct Sum {
    failed: Vec<u64>,
    durations: Vec<Duration>,
    packets: Vec<u64>,
    again: Vec<u64>,
    results: BTreeMap<(HostIndex, Outcome), u64>,
    coverage: Coverage,
}

/// Runs a scenario with each of these seeds. `done` counts the runs that are over, for whoever shows
/// how far it is.
///
/// # Errors
/// The scenario describes a world that cannot be.
pub fn sweep(
    scenario: &Scenario,
    seeds: Range<u64>,
    variety: Variety,
    jobs: usize,
    done: &AtomicU64,
) -> Result<Sweep, RunError> {
    let plan = Arc::new(
        Plan::new(scenario.spec())
            .map_err(|error| RunError { name: scenario.name().to_owned(), error })?,
    );
    let run_one = |mut sum: Sum, seed| {
        sum.note(&one(scenario, &plan, seed, variety)?);
        done.fetch_add(1, Ordering::Relaxed);
        Ok(sum)
    };
    let run = || {
        let parts = seeds.into_par_iter().try_fold(Sum::default, run_one);
        parts.try_reduce(Sum::default, |sum, next| Ok(sum.and(next)))
    };
    let sum: Sum = match rayon::ThreadPoolBuilder::new().num_threads(jobs.min(MOST_JOBS)).build() {
        Ok(pool) => pool.install(run),
        Err(_) => run(),
    }?;
    let first =
        sum.failed.first().map(|seed| again(scenario, &plan, *seed, variety)).transpose()?;
    Ok(Sweep::of(&plan, sum, first))
}

impl Sum {
    /// One run more.
    fn note(&mut self, run: &Ran) {
        let results = run.world.results().into_iter();
        for RoleResult { host, outcome, .. } in results {
            *self.results.entry((host, outcome)).or_default() += 1;
        }
        let (packets, again) = sent(run.world.trace());
        self.packets.push(packets);
        self.again.push(again);
        self.durations.push(run.world.now().since(Instant::ZERO));
        self.coverage.add(&run.world.coverage());
        if !run.what.is_empty() {
            self.failed.push(run.seed);
        }
    }

    /// These runs, and those that come after them.
    fn and(mut self, next: Self) -> Self {
        self.failed.extend(next.failed);
        self.durations.extend(next.durations);
        self.packets.extend(next.packets);
        self.again.extend(next.again);
        self.coverage.add(&next.coverage);
        for (result, count) in next.results {
            *self.results.entry(result).or_default() += count;
        }
        self
    }
}

impl Sweep {
    /// For a test: that every run holds. What the first one that does not has done is left in a folder,
    /// `twomsl-artefacts/NAME-sweep` in the current one.
    ///
    /// # Panics
    /// A run does not hold: with its seed, what does not hold, the command that does it again, and the path
    /// of the ladder.
    #[track_caller]
    pub fn assert_holds(&self) {
        if let Some(failed) = &self.first {
            let (failures, runs) = (self.failed.len(), self.runs);
            let left = match failed.leave(&artefacts::folder(failed.scenario.name(), "sweep")) {
                Ok(left) => left.to_string(),
                Err(error) => format!("nothing could be left behind: {error}\n"),
            };
            let command = &failed.command;
            let left = format!("to see it again: {command}\n{left}");
            panic!("{failures} of {runs} runs failed, the first with {failed}{left}");
        }
    }

    fn of(plan: &Plan, sum: Sum, first: Option<Failed>) -> Self {
        let hosts = &plan.spec().hosts;
        let name = |host: HostIndex| hosts.get(host).map_or("?", |host| host.name.as_str());
        let mut results = BTreeMap::new();
        for ((host, how), count) in sum.results {
            // Errors of different calls may have the same words.
            *results.entry(format!("{}: {}", name(host), outcome(how))).or_default() += count;
        }
        Self {
            runs: sum.durations.len() as u64,
            failed: sum.failed,
            first,
            durations: Spread::of(sum.durations),
            packets: Spread::of(sum.packets),
            retransmissions: Spread::of(sum.again),
            results,
            coverage: sum.coverage,
        }
    }
}

/// A run that is over, and what does not hold in it.
struct Ran {
    seed: u64,
    world: World,
    what: String,
}

/// One run.
fn one(
    scenario: &Scenario,
    plan: &Arc<Plan>,
    seed: u64,
    variety: Variety,
) -> Result<Ran, RunError> {
    let (world, what) = match variety {
        Variety::Streams => {
            let mut world = World::from_plan(Arc::clone(plan), seed, Recording::Trace);
            let end = world.run();
            let what = scenario.judge(&world, end).failures_in_words();
            (world, what)
        }
        Variety::Swarm => swarmed(scenario, seed)?,
    };
    Ok(Ran { seed, world, what })
}

/// A run with everything drawn.
fn swarmed(scenario: &Scenario, seed: u64) -> Result<(World, String), RunError> {
    // Places in what does not hold are places in the file that a failure leaves.
    let drawn = drawn(scenario, seed)?.under("scenario.kdl");
    let mut world = drawn.world()?;
    let end = world.run();
    let what = drawn.judge(&world, end).failures_in_words();
    Ok((world, what))
}

fn drawn(scenario: &Scenario, seed: u64) -> Result<Scenario, RunError> {
    swarm::swarmed(scenario, seed).map_err(|error| RunError {
        name: scenario.name().to_owned(),
        error: SpecError(error.to_string()),
    })
}

/// How many events are shown of a run that was given up: two ends that answer each other's answers do
/// so a million times.
const SHOWN: usize = 2000;

/// A run that failed, once more.
fn again(
    scenario: &Scenario,
    plan: &Arc<Plan>,
    seed: u64,
    variety: Variety,
) -> Result<Failed, RunError> {
    let Ran { world, what, .. } = one(scenario, plan, seed, variety)?;
    let mut trace = world.into_trace();
    if trace.records.len() >= MOST_RECORDS {
        trace.records.truncate(SHOWN);
    }
    let seeded = scenario.clone().with_seed(seed);
    let run = seeded.command(Engine::Sim);
    let (scenario, text, command) = match variety {
        Variety::Streams => (seeded.clone(), seeded.written(&[]), run),
        Variety::Swarm => {
            let drawn = drawn(scenario, seed)?;
            let text = drawn.text().to_owned();
            let sweep = format!("{} --swarm", run.replacen("twomsl run", "twomsl sweep", 1));
            (drawn, text, sweep)
        }
    };
    Ok(Failed { seed, trace, what, command, scenario, text })
}

/// How many packets hosts sent, and how many of them again.
fn sent(trace: &Trace) -> (u64, u64) {
    let reasons = trace.records.iter().filter_map(|record| match &record.event {
        Event::Sent { reason, .. } => Some(*reason),
        _ => None,
    });
    let mut counts = (0, 0);
    for reason in reasons {
        counts.0 += 1;
        counts.1 += u64::from(matches!(
            reason,
            SendReason::Retransmission
                | SendReason::FastRetransmission
                | SendReason::LossProbe
                | SendReason::SynText
                | SendReason::SynAgain
        ));
    }
    counts
}

fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Running => "still waits".to_owned(),
        Outcome::Done => "done".to_owned(),
        Outcome::Failed { call, error } => format!("{call} {}", error.name()),
        Outcome::Crashed => "crashed".to_owned(),
    }
}
