//! `twomsl sweep`: one scenario, many seeds.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use indicatif::ProgressBar;
use twomsl::explore::{Coverage, Failed, Met, Spread, Sweep, Variety};
use twomsl::tcp::TcpState;
use twomsl::trace::ladder;

use super::progress::Bar;
use super::{Verdict, artefacts, resolve};
use crate::args;
use crate::output::{complain, many, print};

/// Sweeps over the seeds of one file.
pub(crate) fn sweep(args: &args::Sweep) -> Verdict {
    one(args).unwrap_or_else(|message| {
        complain(&message);
        Verdict::Unusable
    })
}

fn one(args: &args::Sweep) -> Result<Verdict, String> {
    let scenario = resolve(&args.scenario, &args.file)?;
    let seeds = match (&args.seeds, args.scenario.seed) {
        (Some(seeds), None) => seeds.clone(),
        (None, Some(seed)) => seed..seed.saturating_add(1),
        (None, None) => 0..1000,
        (Some(_), Some(_)) => return Err("error: --seed and --seeds exclude each other\n".into()),
    };
    if let Some(out) = &args.out {
        artefacts::prepare(out)?;
    }
    let variety = if args.swarm { Variety::Swarm } else { Variety::Streams };
    let done = Arc::new(AtomicU64::new(0));
    let (runs, count) = (seeds.end - seeds.start, Arc::clone(&done));
    let style = "{wide_bar} {pos}/{len} runs, {per_sec}, {eta} to go";
    let bar = Bar::show(ProgressBar::new(runs), style, move |bar| {
        bar.set_position(count.load(Ordering::Relaxed));
    });
    let jobs = args.jobs.unwrap_or(0);
    let swept = twomsl::explore::sweep(&scenario, seeds, variety, jobs, &done);
    if let Some(bar) = bar {
        bar.hide();
    }
    let swept = swept.map_err(|error| format!("error: {error}\n"))?;
    show(args, &swept)
}

fn show(args: &args::Sweep, swept: &Sweep) -> Result<Verdict, String> {
    print(&in_words(&args.file, swept))?;
    match &swept.first {
        None => Ok(Verdict::Holds),
        Some(failed) => failure(args, failed).map(|()| Verdict::Fails),
    }
}

fn in_words(file: &Path, swept: &Sweep) -> String {
    let Sweep { runs, failed, durations, packets, retransmissions, results, coverage, .. } = swept;
    let (file, runs) = (file.display(), many(*runs, "run"));
    let mut text = format!("{file}: {runs}, {} failed\n\n", failed.len());
    let mut table = plain();
    table.set_header(["", "min", "median", "90 %", "max"]);
    let seconds = |time: Duration| format!("{}.{:03} s", time.as_secs(), time.subsec_millis());
    table.add_row(row("duration", durations, seconds));
    table.add_row(row("packets", packets, |number| number.to_string()));
    table.add_row(row("sent again", retransmissions, |number| number.to_string()));
    let _ = writeln!(text, "{table}\n");
    let mut table = plain();
    table.set_header(["what became of roles", "runs"]);
    for (result, count) in results {
        table.add_row([result.clone(), count.to_string()]);
    }
    let pairs = many(coverage.len().into(), "pair");
    let _ = writeln!(text, "{table}\n\n{}{pairs} of state and event reached", grid(coverage));
    text
}

fn row<T: Copy>(name: &str, spread: &Spread<T>, show: impl Fn(T) -> String) -> Vec<String> {
    let Spread { min, median, p90, max } = *spread;
    let values = [min, median, p90, max].map(show);
    std::iter::once(name.to_owned()).chain(values).collect()
}

/// States and the events that they met.
pub(crate) fn grid(coverage: &Coverage) -> String {
    let events = coverage.events();
    let mut table = plain();
    let head = std::iter::once("state × event").chain(events.iter().map(|met| met.name()));
    table.set_header(head);
    for state in TcpState::ALL {
        let mark = |met: &Met| if coverage.has(state, *met) { "x" } else { "" };
        let marks: Vec<&str> = events.iter().map(mark).collect();
        if marks.contains(&"x") {
            table.add_row(std::iter::once(state.name()).chain(marks));
        }
    }
    format!("{table}\n")
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

/// Shows the first run that failed, and leaves it in a folder. The command that does it again comes
/// first: it is true even when nothing can be written.
fn failure(args: &args::Sweep, failed: &Failed) -> Result<(), String> {
    let drawn = ladder::plain(&failed.trace, ladder::Form::default());
    let folder = artefacts::folder(args.out.as_deref(), &args.file, "sweep");
    let Failed { seed, what, command, .. } = failed;
    // Places in what does not hold are places in the file that was run.
    let what = if args.swarm {
        let scenario =
            failed.scenario.clone().under(&folder.join("scenario.kdl").to_string_lossy());
        scenario.run().map_err(|error| format!("error: {error}\n"))?.failures_in_words()
    } else {
        what.clone()
    };
    print(&format!("the first that failed: seed {seed}\n\n{drawn}\n{what}"))?;
    print(&format!("to see it again: {command}\n"))?;
    let left = failed.leave(&folder).map_err(|error| format!("error: {error}\n"))?;
    let shrink = command.replacen("twomsl run", "twomsl shrink", 1);
    let shrink = shrink.replacen("twomsl sweep", "twomsl shrink", 1);
    print(&format!("as a scenario: twomsl run {}\n", artefacts::word(&left.scenario)))?;
    print(&format!("to make it small: {shrink}\nartefacts: {}\n", folder.display()))
}
