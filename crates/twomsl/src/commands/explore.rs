//! `twomsl explore`: every way of placing a few faults.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;
use twomsl::explore::{
    Bound, Counterexample, Exploration, Frontier, Limits, OCTETS_PER_STATE, Reached,
    faults as faults_in_words,
};
use twomsl::scenario::Scenario;
use twomsl::trace::ladder;

use super::progress::Bar;
use super::sweep::grid;
use super::{Verdict, artefacts, resolve};
use crate::args::Explore;
use crate::output::{complain, print};

/// Explores every file, whatever came of those before it.
pub(crate) fn explore(args: &Explore) -> Verdict {
    let mut worst = Verdict::Silent;
    for file in &args.files {
        let verdict = one(args, file).unwrap_or_else(|message| {
            complain(&message);
            Verdict::Unusable
        });
        worst = worst.max(verdict);
    }
    worst
}

/// One file.
///
/// # Errors
/// Why it cannot be used, for the user.
fn one(args: &Explore, file: &Path) -> Result<Verdict, String> {
    let scenario = resolve(&args.scenario, file)?;
    let bound = bound(args, &scenario);
    let limits = limits(args);
    let folder = artefacts::folder(args.out.as_deref(), file, "explore");
    if let Some(out) = &args.out {
        artefacts::prepare(out)?;
    }
    let left = folder.join(LEFT);
    let begin =
        if args.go_on { left_behind(&left, &scenario, &bound)? } else { Frontier::default() };
    let bar = bar(&limits.reached);
    let found = twomsl::explore::resume(&scenario, &bound, &limits, begin);
    if let Some(bar) = bar {
        bar.hide();
    }
    let found = found.map_err(|error| format!("error: {}: {error}\n", scenario.name()))?;
    let verdict = show(file, &folder, &found)?;
    match &found.stopped {
        Some(frontier) => leave(&folder, &frontier.to_bytes(&scenario, &bound))?,
        // What it has gone on from is of no use any more.
        None if args.go_on => drop(std::fs::remove_file(&left)),
        None => {}
    }
    Ok(verdict)
}

/// How many schedules there are nobody knows before they were searched: so a count, and no bar.
fn bar(reached: &Arc<Reached>) -> Option<Bar> {
    let reached = Arc::clone(reached);
    let style = "{spinner} {msg}: {human_pos} states, {elapsed}";
    Bar::show(ProgressBar::new_spinner(), style, move |bar| {
        let faults = reached.faults.load(Ordering::Relaxed);
        bar.set_message(format!("schedules with {}", faults_in_words(faults)));
        bar.set_position(reached.states.load(Ordering::Relaxed));
    })
}

/// What a search that is stopped leaves behind.
const LEFT: &str = "search.bin";

/// Where the same search has stopped before.
///
/// # Errors
/// There is no such thing, or it is of another search.
fn left_behind(path: &Path, scenario: &Scenario, bound: &Bound) -> Result<Frontier, String> {
    let shown = path.display();
    let hint =
        "hint: a search that --max-time, --max-states or --max-memory stops can be continued";
    let bytes =
        std::fs::read(path).map_err(|error| format!("error: {shown}: {error}\n{hint}\n"))?;
    Frontier::from_bytes(&bytes, scenario, bound)
        .map_err(|error| format!("error: {shown}: {error}\n"))
}

/// Leaves a search behind, and says how to go on with it.
fn leave(folder: &Path, bytes: &[u8]) -> Result<(), String> {
    artefacts::write(folder, LEFT, bytes)?;
    let typed = std::env::args().skip(1).filter(|word| word != "--continue");
    let typed: Vec<String> = typed.map(|word| twomsl::scenario::shell_word(&word)).collect();
    let again = format!("twomsl {} --continue", typed.join(" "));
    let hint = "with a larger --max-states or --max-memory, if that has stopped it";
    print(&format!("artefacts: {}\nto go on: {again}\n  {hint}\n", folder.display()))
}

/// What the file says, unless the arguments say otherwise.
fn bound(args: &Explore, scenario: &Scenario) -> Bound {
    let mut bound = scenario.bound().cloned().unwrap_or_default();
    bound.faults = args.faults.unwrap_or(bound.faults);
    if !args.kinds.is_empty() {
        bound.kinds.clone_from(&args.kinds);
    }
    bound.lifetime = args.lifetime.or(bound.lifetime);
    bound
}

fn limits(args: &Explore) -> Limits {
    let default = Limits::default();
    let memory = args.max_memory.map(|octets| octets / OCTETS_PER_STATE);
    let states = args.max_states.into_iter().chain(memory).min().unwrap_or(default.states);
    let limits = Limits { jobs: args.jobs.unwrap_or(0), states, ..default };
    if let Some(time) = args.max_time {
        stop_after(time, &limits.stop);
    }
    limits
}

/// Raises the flag when the time is over; nobody waits for the thread.
fn stop_after(time: Duration, stop: &Arc<AtomicBool>) {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
    });
}

fn show(file: &Path, folder: &Path, found: &Exploration) -> Result<Verdict, String> {
    let name = file.display();
    print(&format!("{name}: {}", found.report()))?;
    let reached = grid(&found.figures.coverage);
    if let Some(counterexample) = &found.counterexample {
        let report = format!("{}\n{reached}", found.report());
        return counter(folder, &report, counterexample).map(|()| Verdict::Fails);
    }
    if found.bound.expectations() == 0 {
        let hint = "what it expects of every schedule, a file says in `explore { expect { … } }`";
        print(&format!("only the invariants of the world were held against them: {hint}\n"))?;
    }
    print(&format!("\n{reached}"))?;
    Ok(if found.stopped.is_some() { Verdict::Stopped } else { Verdict::Holds })
}

/// Shows a counterexample, and leaves it in a folder.
fn counter(folder: &Path, report: &str, found: &Counterexample) -> Result<(), String> {
    let trace = &found.outcome.trace;
    let drawn = ladder::plain(trace, ladder::Form::default());
    print(&format!("\n{drawn}\n{}", found.outcome.failures_in_words()))?;
    let path = artefacts::write(folder, "counterexample.kdl", found.text())?;
    artefacts::write(folder, "ladder.txt", &drawn)?;
    artefacts::write(folder, "report.txt", report)?;
    let again = format!("twomsl run {}", artefacts::word(&path));
    print(&format!("artefacts: {}\nto see it again: {again}\n", folder.display()))?;
    if !found.is_reproduced() {
        let why = "the file does not show what the search found: events of the same nanosecond \
                   came in another order";
        complain(&format!("error: {}: {why}\n", path.display()));
    }
    Ok(())
}
