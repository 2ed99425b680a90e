//! `twomsl run`: every file is run, whatever came of those before it.

use std::collections::BTreeMap;
use std::path::Path;

use twomsl::sim::spec::FaultVerdict;
use twomsl::tcp::Instant;
use twomsl::trace::{Decider, Event, HostId, Record, Trace, jsonl, ladder, ss, tcpdump};
use twomsl::{End, Outcome, Scenario};

use super::tally::Tally;
use super::{Verdict, library};
use crate::args::{Format, Run};
use crate::log;
use crate::output::{Output, complain, note};
use crate::story;

/// Runs every file, shows it, and says how it went.
pub(crate) fn run(args: &Run) -> Verdict {
    if args.verbose {
        log::follow();
    }
    let output = match prepare(args) {
        Ok(output) => output,
        Err(message) => {
            complain(&message);
            return Verdict::Unusable;
        }
    };
    let mut tally = Tally::default();
    for file in &args.files {
        // A ladder begins with its title. The others would follow each other without a sign.
        if args.files.len() > 1 && args.format != Format::Ladder && output == Output::Standard {
            note(&format!("==> {} <==", file.display()));
        }
        let verdict = one(args, file, &output).unwrap_or_else(|message| {
            complain(&message);
            Verdict::Unusable
        });
        tally.count(file, verdict);
    }
    if args.files.len() > 1 {
        note(&tally.summary());
    }
    tally.worst()
}

/// What the arguments mean together.
fn prepare(args: &Run) -> Result<Output, String> {
    if !args.at.is_empty() && args.format != Format::Ss {
        return Err("error: --at needs --format ss: only that shows socket tables\n".to_owned());
    }
    Output::new(args.out.as_deref(), &args.files, args.format)
}

/// One file: run with each of its seeds, then shown.
///
/// # Errors
/// Why it cannot be used, for the user.
fn one(args: &Run, file: &Path, output: &Output) -> Result<Verdict, String> {
    let scenario = resolve(args, file)?;
    let seeds = args.seed.map_or_else(|| scenario.seeds().to_vec(), |seed| vec![seed]);
    let with_story = tells_story(args, output);
    if with_story {
        note(&story::question(scenario.story(), output.columns()));
    }
    let mut reports = String::new();
    let mut shown: Option<Outcome> = None;
    let mut idle = all_rules(&scenario);
    for seed in &seeds {
        let outcome = run_to_end(args, &scenario.clone().with_seed(*seed))?;
        leave_out_used(&mut idle, &outcome.trace);
        reports.push_str(&outcome.report());
        // What somebody has to look at is the first run that fails.
        let worse = shown.as_ref().is_none_or(|shown| shown.holds() && !outcome.holds());
        if worse {
            shown = Some(outcome);
        }
    }
    if let Some(outcome) = &mut shown {
        shorten(args.format, outcome);
        show(args, &outcome.trace, file, output)?;
    }
    for (number, text) in &idle {
        note(&format!("{}: no packet ever met fault {number}: {text}", scenario.name()));
    }
    complain(&reports);
    if !reports.is_empty() {
        return Ok(Verdict::Fails);
    }
    // Where an expectation does not hold, the run does not show what the answer says.
    if with_story {
        note(&story::answer(scenario.story(), output.columns()));
    }
    note(&success(&scenario, seeds.len()));
    Ok(if scenario.expectations() == 0 { Verdict::Silent } else { Verdict::Holds })
}

/// The fault rules that do something to packets: their numbers, and their words. Where a file has variants,
/// rules may be for some of them only.
fn all_rules(scenario: &Scenario) -> BTreeMap<u32, String> {
    if scenario.variants().count() > 0 {
        return BTreeMap::new();
    }
    let rules = scenario.spec().faults.into_iter().zip(1..);
    let acts = rules.filter(|(rule, _)| rule.verdict != FaultVerdict::Pass);
    acts.map(|(rule, number)| (number, rule.text)).collect()
}

/// Those that decided about a packet are left out. One that never does is most often a mistake: it
/// counts to a seventh FIN, and there are two.
fn leave_out_used(rules: &mut BTreeMap<u32, String>, trace: &Trace) {
    for record in &trace.records {
        if let Event::Fate { by: Decider::Rule { number, .. }, .. } = &record.event {
            rules.remove(number);
        }
    }
}

/// How much is shown of a run that was given up: nobody reads the same rows a million times, and a
/// ladder of all of them would take gigabytes.
const SHOWN: usize = 2000;

/// Leaves the beginning of a run that was given up, and says so. JSON lines are for programs.
fn shorten(format: Format, outcome: &mut Outcome) {
    let all = outcome.trace.records.len();
    if outcome.end == End::TooMuch && format != Format::Jsonl && all > SHOWN {
        outcome.trace.records.truncate(SHOWN);
        note(&format!("only the first {SHOWN} of {all} events are shown: --format jsonl has all"));
    }
}

/// A learner at a terminal is told the question; a program that reads a pipe has not asked.
fn tells_story(args: &Run, output: &Output) -> bool {
    args.story || (args.format == Format::Ladder && output.is_terminal())
}

fn success(scenario: &Scenario, seeds: usize) -> String {
    let name = scenario.name();
    let seeds = if seeds > 1 { format!(" with each of {seeds} seeds") } else { String::new() };
    let others = match scenario.variants().count() {
        _ if scenario.chosen_variant().is_some() => String::new(),
        0 => String::new(),
        1 => " (its variant was not run: see --variant)".to_owned(),
        more => format!(" (its {more} variants were not run: see --variant)"),
    };
    match scenario.expectations() {
        0 => format!("{name}: expects nothing{others}"),
        1 => format!("{name}: its expectation holds{seeds}{others}"),
        more => format!("{name}: all {more} expectations hold{seeds}{others}"),
    }
}

/// The scenario as the arguments want it.
fn resolve(args: &Run, file: &Path) -> Result<Scenario, String> {
    let mut scenario = library::load(file)?;
    if let Some(name) = &args.variant {
        scenario = scenario.variant(name).map_err(|error| format!("error: --{error}\n"))?;
    }
    if let Some(name) = &args.profile {
        scenario = scenario.with_profile(name).map_err(|error| format!("error: --{error}\n"))?;
    }
    for rule in &args.what_if {
        scenario = scenario.with_what_if(*rule);
    }
    for (key, value) in &args.set {
        scenario = scenario.set(key, value).map_err(|error| format!("error: {error}\n"))?;
    }
    let until = scenario.spec().until.map(|until| Instant::ZERO + until);
    let late = args.at.iter().find(|at| until.is_some_and(|until| **at > until));
    if let (Some(end), Some(late)) = (until, late) {
        let name = scenario.name();
        return Err(format!("error: --at: {name} ends by {end}, so never comes to {late}\n"));
    }
    Ok(scenario.with_tables(&args.at))
}

/// One run, judged. A socket table is added where one is to be shown and none was asked for.
fn run_to_end(args: &Run, scenario: &Scenario) -> Result<Outcome, String> {
    let cannot = |error| format!("error: {error}\n");
    let mut outcome = twomsl::run_on(scenario, args.engine.into()).map_err(cannot)?;
    let shows_tables = args.format == Format::Ss && args.at.is_empty();
    let has_tables =
        outcome.trace.records.iter().any(|record| matches!(record.event, Event::Table { .. }));
    if shows_tables && !has_tables {
        // Nobody asked for a moment, so the last one is shown.
        for (host, sockets) in outcome.sockets.iter().enumerate() {
            let (host, sockets) = (HostId(host as u16), sockets.clone());
            let event = Event::Table { host, sockets };
            outcome.trace.records.push(Record { at: outcome.ended_at, event });
        }
    }
    Ok(outcome)
}

/// Renders a trace in the format asked for.
fn show(args: &Run, trace: &Trace, file: &Path, output: &Output) -> Result<(), String> {
    let length = if args.full { ladder::Length::Full } else { ladder::Length::Folded };
    let width = args.width.unwrap_or_else(|| output.ladder_columns());
    let form = ladder::Form { length, width };
    match args.format {
        Format::Ladder => {
            let plain = ladder::plain(trace, form);
            if let Some(warning) = output.columns().and_then(|columns| narrow(&plain, columns)) {
                note(&warning);
            }
            let coloured = output.takes_colours().then(|| ladder::coloured(trace, form));
            output.write(file, &coloured.unwrap_or(plain))
        }
        Format::Tcpdump => output.write(file, &tcpdump::render(trace)),
        Format::Jsonl => output.write(file, &jsonl::render(trace)),
        Format::Ss => {
            let columns = args.width.or_else(|| output.columns());
            let wide = || ss::render(trace);
            output.write(file, &columns.map_or_else(wide, |it| ss::render_within(trace, it)))
        }
    }
}

/// That a terminal is too narrow for a picture, whose lines it would break.
fn narrow(picture: &str, columns: usize) -> Option<String> {
    let needed = picture.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    (needed > columns).then(|| {
        format!(
            "the ladder needs {needed} columns, and this terminal has {columns}: try `| less -S`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::narrow;

    #[test]
    fn a_terminal_narrower_than_the_picture_is_told_so() {
        assert_eq!(narrow("──►\n─►", 3), None);
        assert!(narrow("──►\n─►", 2).is_some_and(|text| text.contains("needs 3 columns")));
    }
}
