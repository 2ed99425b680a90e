//! `twomsl run`: every file is run, whatever came of those before it.

use std::io;
use std::path::Path;

use twomsl::trace::{Event, HostId, Record, Trace, jsonl, ladder, ss, tcpdump};
use twomsl::{Outcome, Scenario};

use super::Verdict;
use crate::args::{Format, Run};
use crate::log;
use crate::output::{Output, complain, note};

/// Runs every file, shows it, and says how it went.
pub(crate) fn run(args: &Run) -> Verdict {
    if args.verbose {
        log::follow();
    }
    let output = match Output::new(args.out.as_deref(), &args.files, args.format) {
        Ok(output) => output,
        Err(message) => {
            complain(&message);
            return Verdict::Unusable;
        }
    };
    let mut tally = Tally::default();
    for file in &args.files {
        tally.count(file, one(args, file, &output));
    }
    if args.files.len() > 1 {
        note(&tally.summary());
    }
    tally.worst()
}

/// One file. Everything wrong with it has been said when this returns.
fn one(args: &Run, file: &Path, output: &Output) -> Verdict {
    let scenario = match resolve(args, file) {
        Ok(scenario) => scenario,
        Err(message) => {
            complain(&message);
            return Verdict::Unusable;
        }
    };
    let seeds = args.seed.map_or_else(|| scenario.seeds().to_vec(), |seed| vec![seed]);
    let mut worst = Verdict::Holds;
    for (place, seed) in seeds.iter().enumerate() {
        // Every seed is held to the expectations; the first one is shown.
        let show = if place == 0 { Some(output) } else { None };
        worst = worst.max(with_seed(args, file, &scenario.clone().with_seed(*seed), show));
    }
    if worst == Verdict::Holds {
        note(&success(&scenario, seeds.len()));
    }
    worst
}

fn success(scenario: &Scenario, seeds: usize) -> String {
    let name = scenario.name();
    let seeds = if seeds > 1 { format!(" with each of {seeds} seeds") } else { String::new() };
    match scenario.expectations() {
        0 => format!("{name}: expects nothing"),
        1 => format!("{name}: its expectation holds{seeds}"),
        more => format!("{name}: all {more} expectations hold{seeds}"),
    }
}

/// The scenario as the arguments want it.
fn resolve(args: &Run, file: &Path) -> Result<Scenario, String> {
    let colour = crate::output::colour_of_messages();
    let mut scenario = Scenario::load(file).map_err(|error| error.render(colour))?;
    for (key, value) in &args.set {
        scenario = scenario.set(key, value).map_err(|error| format!("error: {error}\n"))?;
    }
    Ok(scenario.with_tables(&args.at))
}

/// One run: judged, and shown if there is an output for it.
fn with_seed(args: &Run, file: &Path, scenario: &Scenario, show: Option<&Output>) -> Verdict {
    let outcome = match run_to_end(args, scenario) {
        Ok(outcome) => outcome,
        Err(message) => {
            complain(&message);
            return Verdict::Unusable;
        }
    };
    let shown = show.map_or(Ok(()), |output| write(args, &outcome.trace, file, output));
    if let Err(error) = shown {
        complain(&format!("error: cannot write the output: {error}\n"));
        return Verdict::Unusable;
    }
    complain(&outcome.report());
    if outcome.holds() { Verdict::Holds } else { Verdict::Fails }
}

fn run_to_end(args: &Run, scenario: &Scenario) -> Result<Outcome, String> {
    let mut world = scenario.world().map_err(|error| format!("error: {error}\n"))?;
    let end = world.run();
    let mut outcome = scenario.judge(&world, end);
    let has_tables =
        outcome.trace.records.iter().any(|record| matches!(record.event, Event::Table { .. }));
    if args.format == Format::Ss && !has_tables {
        // Nobody asked for a moment, so the last one is shown.
        for host in 0..outcome.trace.about.hosts.len() {
            let sockets = world.stack(host).sockets().collect();
            let event = Event::Table { host: HostId(host as u16), sockets };
            outcome.trace.records.push(Record { at: outcome.ended_at, event });
        }
    }
    Ok(outcome)
}

/// Renders a trace in the format asked for.
fn write(args: &Run, trace: &Trace, file: &Path, output: &Output) -> io::Result<()> {
    let length = if args.full { ladder::Length::Full } else { ladder::Length::Folded };
    let form = ladder::Form { length, ..ladder::Form::default() };
    match args.format {
        Format::Ladder if output.takes_colours() => {
            output.write(file, &ladder::coloured(trace, form))
        }
        Format::Ladder => output.write(file, &ladder::plain(trace, form)),
        Format::Tcpdump => output.write(file, &tcpdump::render(trace)),
        Format::Jsonl => output.write(file, &jsonl::render(trace)),
        Format::Ss => output.write(file, &ss::render(trace)),
    }
}

/// How all files went.
#[derive(Debug, Default)]
struct Tally {
    holds: usize,
    fails: Vec<String>,
    unusable: Vec<String>,
}

impl Tally {
    fn count(&mut self, file: &Path, verdict: Verdict) {
        let name = file.display().to_string();
        match verdict {
            Verdict::Holds => self.holds += 1,
            Verdict::Fails => self.fails.push(name),
            Verdict::Unusable => self.unusable.push(name),
        }
    }

    fn worst(&self) -> Verdict {
        match (self.unusable.is_empty(), self.fails.is_empty()) {
            (false, _) => Verdict::Unusable,
            (true, false) => Verdict::Fails,
            (true, true) => Verdict::Holds,
        }
    }

    fn summary(&self) -> String {
        let all = self.holds + self.fails.len() + self.unusable.len();
        let others = [("do not", &self.fails), ("cannot be used", &self.unusable)];
        let others = others.iter().filter(|(_, names)| !names.is_empty());
        let others =
            others.map(|(what, names)| format!("{} {what}: {}", names.len(), names.join(" ")));
        let holds = format!("{all} scenarios: {} hold", self.holds);
        std::iter::once(holds).chain(others).collect::<Vec<_>>().join(", ")
    }
}
