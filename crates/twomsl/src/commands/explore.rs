//! `twomsl explore`: every way of placing a few faults.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use twomsl::explore::{Bound, Counterexample, Exploration, Limits};
use twomsl::scenario::Scenario;
use twomsl::trace::ladder;

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
    let found = twomsl::explore::explore(&scenario, &bound, &limits)
        .map_err(|error| format!("error: {}: {error}\n", scenario.name()))?;
    show(args, file, &found)
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
    let states = args.max_states.unwrap_or(default.states);
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

fn show(args: &Explore, file: &Path, found: &Exploration) -> Result<Verdict, String> {
    let name = file.display();
    print(&format!("{name}: {}", found.report()))?;
    match (&found.counterexample, found.stopped_at) {
        (Some(counterexample), _) => counter(args, file, counterexample).map(|()| Verdict::Fails),
        (None, Some(_)) => Ok(Verdict::Stopped),
        (None, None) => Ok(Verdict::Holds),
    }
}

/// Shows a counterexample, and leaves it in a folder.
fn counter(args: &Explore, file: &Path, found: &Counterexample) -> Result<(), String> {
    let trace = &found.outcome.trace;
    let drawn = ladder::plain(trace, ladder::Form::default());
    print(&format!("\n{drawn}\n{}", found.outcome.failures_in_words()))?;
    let folder = artefacts::folder(args.out.as_deref(), file, "explore");
    let path = artefacts::write(&folder, "counterexample.kdl", found.text())?;
    artefacts::write(&folder, "ladder.txt", &drawn)?;
    artefacts::write(&folder, "report.txt", &found.report())?;
    let again = format!("twomsl run {}", artefacts::word(&path));
    print(&format!("artefacts: {}\nto see it again: {again}\n", folder.display()))?;
    if !found.is_reproduced() {
        let why = "the file does not show what the search found: events of the same nanosecond \
                   came in another order";
        complain(&format!("error: {}: {why}\n", path.display()));
    }
    Ok(())
}
