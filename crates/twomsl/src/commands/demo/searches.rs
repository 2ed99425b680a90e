//! The searches that a lesson ends with.

use twomsl::explore::{
    Befalls, Bound, Counterexample, Exploration, Fault, FaultKind, Figures, Limits, explore,
};
use twomsl::scenario::{Finds, Own, Scenario, Search, shell_word};
use twomsl::tcp::Instant;
use twomsl::trace::Trace;

use super::Look;
use super::lesson::{Lesson, Tail, heading, unsaid};
use crate::commands::library;
use crate::story::indented;

/// All searches of a story, in the order of the file; `before` is the run that was shown of it.
pub(super) fn all(
    scenario: &Scenario,
    before: Option<&Trace>,
    look: &Look,
    lesson: &mut Lesson,
) -> Result<(), String> {
    for search in scenario.searches() {
        match search {
            Search::Own(own) => one(scenario, own, before, look, lesson)?,
            Search::Of { file, words } => {
                lesson.say("\n");
                say(words, "", look, lesson);
                let other = library::load(&library::beside(scenario.name(), file))?;
                for own in other.own_searches() {
                    one(&other, own, None, look, lesson)?;
                }
            }
        }
    }
    Ok(())
}

/// In front of everything that is said about one search.
const INDENT: &str = "  ";

fn say(words: &[String], indent: &str, look: &Look, lesson: &mut Lesson) {
    for text in words {
        lesson.say(&indented(text, indent, look.columns));
    }
}

/// One search: what is tried, what comes of it, and, if something breaks, how.
fn one(
    scenario: &Scenario,
    search: &Own,
    before: Option<&Trace>,
    look: &Look,
    lesson: &mut Lesson,
) -> Result<(), String> {
    if lesson.failure.is_some() {
        return Ok(());
    }
    let bound = scenario.bound().cloned().unwrap_or_default();
    let searched = scenario.searched(search).map_err(|error| format!("error: {error}\n"))?;
    let found = explore(&searched, &bound, &Limits::default())
        .map_err(|error| format!("error: {}: {error}\n", scenario.name()))?;
    lesson.say("\n");
    lesson.say(&heading(&format!("Search: {}", search.name), scenario.name(), look));
    say(&search.words, INDENT, look, lesson);
    lesson.say(&indented(&tried(&bound, &found), INDENT, look.columns));
    match &found.counterexample {
        None => lesson.say("  Found: nothing. In none of them anything broke.\n"),
        Some(counter) => disaster(counter, search, before, look, lesson)?,
    }
    lesson.say(&format!("  To do it again: {}\n", command(scenario, search)));
    lesson.stop();
    if finds(&found) != Some(search.finds) {
        let (name, report) = (scenario.name(), found.report());
        lesson.failure = Some(format!(
            "{name}: search \"{}\" was to find something else: {report}",
            search.name
        ));
    }
    Ok(())
}

/// How far the search went.
fn tried(bound: &Bound, found: &Exploration) -> String {
    let Figures { schedules, states, .. } = found.figures;
    let kinds: Vec<&str> = bound.kinds.iter().map(|kind| kind.name()).collect();
    let kinds = kinds.join(", ");
    let faults = match bound.faults {
        1 => "one fault".to_owned(),
        more => format!("{more} faults"),
    };
    let how = match found.counterexample {
        Some(_) => "those with the fewest faults first, until one broke something",
        None => "all of them",
    };
    format!(
        "Tried: schedules with at most {faults} ({kinds}), {how}. These were {schedules} schedules with \
         {states} different states."
    )
}

/// What breaks, and how it comes to that.
fn disaster(
    counter: &Counterexample,
    search: &Own,
    before: Option<&Trace>,
    look: &Look,
    lesson: &mut Lesson,
) -> Result<(), String> {
    let told = counter.scenario.clone().told_by(search);
    let outcome = told.run().map_err(|error| format!("error: {error}\n"))?;
    let instead = || outcome.failures.first().map_or_else(String::new, |it| it.instead.clone());
    let means = search.means.clone().unwrap_or_else(instead);
    let found = format!("Found: {means} All that it takes:");
    lesson.say(&indented(&found, INDENT, look.columns));
    let hosts = &outcome.trace.about.hosts;
    let name = |host: usize| hosts.get(host).map_or("?", |host| host.name.as_str());
    for fault in &counter.schedule {
        lesson.say(&indented(&in_words(fault, name), "    ", look.columns));
    }
    lesson.stop();
    lesson.say("\n");
    lesson.show(&outcome.trace, before, Tail::Cut, look);
    lesson.failure = unsaid(&told, &outcome.trace);
    Ok(())
}

/// A fault in a sentence.
fn in_words<'a>(fault: &Fault, name: impl Fn(usize) -> &'a str) -> String {
    let (from, nth, befalls) = match *fault {
        Fault::Host { host, kind: FaultKind::Crash, at } => {
            return format!("{} loses power at {at}", name(host));
        }
        Fault::Host { host, at, .. } => {
            return format!("{} loses power at {at}, and starts again", name(host));
        }
        Fault::Packet { from, nth, befalls } => (name(from), nth, befalls),
    };
    let packet = format!("packet {nth} of {from}");
    match befalls {
        Befalls::Dropped => format!("{packet} is lost"),
        Befalls::Corrupted => format!("{packet} is damaged"),
        Befalls::Duplicated(after) => {
            format!("{packet} is copied, and the copy comes {} s later", Instant::ZERO + after)
        }
        Befalls::Late(until) => format!("{packet} is late and comes at {until}"),
    }
}

/// What came of a search, as a story says it; nothing if it was stopped.
fn finds(found: &Exploration) -> Option<Finds> {
    match &found.counterexample {
        Some(counter) => Some(Finds::Disaster(counter.broken)),
        None => found.stopped.is_none().then_some(Finds::Nothing),
    }
}

/// The command that makes the search again.
fn command(scenario: &Scenario, search: &Own) -> String {
    let name = library::short_name(scenario.name());
    let mut words = vec![format!("twomsl explore {}", shell_word(&name))];
    words.extend(search.what_ifs().iter().map(|rule| format!("--what-if {rule}")));
    words.extend(
        search
            .settings()
            .map(|(key, value)| format!("--set {}", shell_word(&format!("{key}={value}")))),
    );
    words.join(" ")
}
