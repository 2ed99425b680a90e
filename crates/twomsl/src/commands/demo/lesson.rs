//! One lesson, from its question to what to try next.

use twomsl::Outcome;
use twomsl::scenario::{Scenario, Try};
use twomsl::trace::{Event, Trace, ladder};

use super::{Look, searches, tables};
use crate::{measures, story};

/// A lesson, ready to be told.
#[derive(Clone, Debug, Default)]
pub(super) struct Lesson {
    /// Whoever goes through it step by step stops behind each of them.
    pub(super) pieces: Vec<String>,
    /// Where it ended early: what does not hold.
    pub(super) failure: Option<String>,
}

impl Lesson {
    /// Runs what there is to run.
    ///
    /// # Errors
    /// Something cannot be run at all: for the user.
    pub(super) fn new(scenario: &Scenario, look: &Look) -> Result<Self, String> {
        let about = scenario.story();
        let mut lesson = Self::default();
        lesson.say(&heading(&about.title, scenario.name(), look));
        lesson.say("\n");
        lesson.say(&story::question(about, Some(look.columns)));
        let mut runs: Vec<(String, Outcome)> = Vec::new();
        for run in all_runs(scenario)? {
            let outcome = run.run().map_err(|error| format!("error: {error}\n"))?;
            lesson.say("\n");
            let before = runs.first().map(|(_, first)| &first.trace);
            lesson.show(&outcome.trace, before, Tail::Shown, look);
            lesson.failure = failure(&run, &outcome);
            if lesson.failure.is_some() {
                return Ok(lesson);
            }
            runs.push((name_of(&run), outcome));
        }
        if runs.len() > 1 {
            lesson.say(&format!("\n{}", measures::side_by_side(&runs, look.columns)));
        }
        let before = runs.first().map(|(_, first)| &first.trace);
        searches::all(scenario, before, look, &mut lesson)?;
        lesson.say(&story::answer(about, Some(look.columns)));
        lesson.next(&about.next);
        Ok(lesson)
    }

    /// More of the piece that is told.
    pub(super) fn say(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(piece) => piece.push_str(text),
            None => self.pieces.push(text.to_owned()),
        }
    }

    /// What comes now is a step of its own.
    pub(super) fn stop(&mut self) {
        self.pieces.push(String::new());
    }

    /// The ladder, cut at the remarks, each followed by the socket tables that belong to it. What
    /// it has in common with the one that was shown before is left out.
    pub(super) fn show(&mut self, trace: &Trace, before: Option<&Trace>, tail: Tail, look: &Look) {
        let tables = tables::of_remarks(trace, look);
        let mut parts = ladder::parts(trace, look.form(), look.colour);
        if let (Some(before), Some(first)) = (before, parts.first_mut()) {
            leave_out_common(first, before, look);
        }
        for (index, part) in parts.into_iter().enumerate() {
            match (tail, tables.get(index)) {
                (Tail::Cut, None) if index > 0 => self.say(&without_tail(&part)),
                _ => self.say(&without_middle(&part)),
            }
            if let Some(table) = tables.get(index) {
                self.say(table);
                self.stop();
            }
        }
    }

    fn next(&mut self, next: &[Try]) {
        if !next.is_empty() {
            self.say("Try next:\n");
        }
        for Try { command, exits } in next {
            let ends = match exits {
                0 => String::new(),
                code => format!("   (exit code {code}: something fails, and that is the point)"),
            };
            self.say(&format!("  {command}{ends}\n"));
        }
        self.say("\n");
    }
}

/// A title and where it is written; in two lines where one has no room.
pub(super) fn heading(title: &str, path: &str, look: &Look) -> String {
    let line = format!("{title}   ({path})");
    if line.chars().count() <= look.columns {
        return format!("{line}\n");
    }
    format!("{}({path})\n", story::indented(title, "", look.columns))
}

/// What does not hold of a run, or was not said although it is written: its moment never came.
fn failure(run: &Scenario, outcome: &Outcome) -> Option<String> {
    if !outcome.holds() {
        return Some(outcome.report());
    }
    unsaid(run, &outcome.trace)
}

/// A sentence whose moment never came.
pub(super) fn unsaid(run: &Scenario, trace: &Trace) -> Option<String> {
    let said = |text: &str| {
        let is = |event: &Event| matches!(event, Event::Remark { text: told } if told == text);
        trace.records.iter().any(|record| is(&record.event))
    };
    let remarks = run.spec().remarks;
    let text = &remarks.iter().find(|remark| !said(&remark.text))?.text;
    let name = &trace.about.title;
    Some(format!("{}: {name}: the moment of this sentence never came: {text}\n", run.name()))
}

/// The file's own run, then its variants.
fn all_runs(scenario: &Scenario) -> Result<Vec<Scenario>, String> {
    let variants = scenario.variants().map(|name| scenario.variant(name));
    let variants = variants.collect::<Result<Vec<_>, _>>();
    let variants = variants.map_err(|error| format!("error: {error}\n"))?;
    Ok(std::iter::once(scenario.clone()).chain(variants).collect())
}

/// What a run is called beside the others.
fn name_of(run: &Scenario) -> String {
    let own = || run.story().case.clone().unwrap_or_else(|| "as it is".to_owned());
    run.chosen_variant().map_or_else(own, ToOwned::to_owned)
}

/// What becomes of what comes after the last remark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// It is shown.
    Shown,
    /// It has nothing to do with what was said, and is counted.
    Cut,
}

/// Fewer lines than this in common are shown again.
const COMMON: usize = 6;

/// Leaves out the lines with which a run begins as the one before it did. They are told from the
/// drawn lines: what is drawn alike was alike to the reader, too.
fn leave_out_common(part: &mut String, before: &Trace, look: &Look) {
    let silent = without_remarks(before);
    let drawn = match look.colour {
        ladder::Colour::Off => ladder::plain(&silent, look.form()),
        ladder::Colour::On => ladder::coloured(&silent, look.form()),
    };
    let (Some((head, body)), Some((_, known))) = (halves(part), halves(&drawn)) else { return };
    let alike = body.iter().zip(&known).take_while(|(a, b)| a == b).count();
    if alike < COMMON {
        return;
    }
    let rest = body.get(alike..).unwrap_or_default();
    let note = format!("          ┊ it begins as above: {alike} lines are left out");
    *part = [head, vec![&note], rest.to_vec()]
        .concat()
        .iter()
        .map(|line| line.to_string() + "\n")
        .collect();
}

fn without_remarks(trace: &Trace) -> Trace {
    let mut trace = trace.clone();
    let is_remark = |event: &Event| matches!(event, Event::Remark { .. });
    trace.records.retain(|record| !is_remark(&record.event));
    trace
}

/// A ladder's heading, up to the names of the hosts, and its body.
fn halves(drawn: &str) -> Option<(Vec<&str>, Vec<&str>)> {
    let lines: Vec<&str> = drawn.lines().collect();
    let blank = lines.iter().position(|line| line.is_empty())?;
    let (head, body) = lines.split_at_checked(blank + 2)?;
    Some((head.to_vec(), body.to_vec()))
}

/// More lines than this between two remarks are not a lesson: the first and the last are shown.
const LONGEST: usize = 120;

/// A tail of fewer lines is shown all the same.
const SHORT: usize = 3;

fn without_tail(part: &str) -> String {
    match part.lines().count() {
        lines if lines <= SHORT => part.to_owned(),
        lines => format!("          ┊ and so on, {lines} lines more\n"),
    }
}

fn without_middle(part: &str) -> String {
    let lines: Vec<&str> = part.lines().collect();
    if lines.len() <= LONGEST {
        return part.to_owned();
    }
    let (head, tail) = (&lines[..LONGEST / 2], &lines[lines.len() - LONGEST / 3..]);
    let left = lines.len() - head.len() - tail.len();
    let note = format!("          ┊ {left} lines left out: `twomsl run` has them");
    format!("{}\n{note}\n{}\n", head.join("\n"), tail.join("\n"))
}
