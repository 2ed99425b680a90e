//! Holding a run against its expectations.

use std::collections::BTreeMap;

use twomsl_sim::{End, MOST_RECORDS};
use twomsl_tcp::wire::{Body, Packet};
use twomsl_tcp::{Instant, SocketError, Verdict};
use twomsl_trace::{Event, HostId, Record};

use super::facts::Facts;
use super::states::Held;
use super::{
    Answer, Counts, EndsWanted, Expected, Failure, ResultWanted, Wanted, segments, states,
    variables,
};
use crate::diagnostic::Span;
use crate::language::names::{self, name_of};
use crate::source::Source;

/// Every expectation that does not hold, in the order of the file. That no invariant is broken is
/// always expected; a scenario that shows a disaster has to say so.
pub(crate) fn check_all(
    expected: &[&Expected],
    facts: &Facts<'_>,
    source: &Source,
) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for one in expected {
        if let Err(instead) = check(&one.wanted, facts, source) {
            failures.push(failure(one.span, instead, source));
        }
    }
    failures.extend(violations(expected, facts, source));
    failures.extend(endless(expected, facts, source));
    failures
}

/// A failure in the words of the file: white space between them does not matter.
fn failure(span: Span, instead: String, source: &Source) -> Failure {
    let (line, column) = span.line_and_column(&source.text);
    let place = format!("{}:{line}:{column}", source.name);
    let words: Vec<&str> = span.of(&source.text).split_whitespace().collect();
    Failure { place, expectation: words.join(" "), instead }
}

pub(super) fn check(wanted: &Wanted, facts: &Facts<'_>, source: &Source) -> Held {
    match wanted {
        Wanted::Path(path) => states::path(path, facts),
        Wanted::Segments(wanted) => segments::segments(wanted, facts),
        Wanted::Timer(timer) => states::timer(timer, facts),
        Wanted::Result(result) => self::result(result, facts),
        Wanted::Read { host, octets } => {
            let found = facts.totals.get(*host).map_or(0, |totals| totals.read);
            exactly(*octets, found, "octets were read")
        }
        Wanted::Written { host, octets } => {
            let found = facts.totals.get(*host).map_or(0, |totals| totals.written);
            exactly(*octets, found, "octets were written")
        }
        Wanted::State(state) => states::state(state, facts),
        Wanted::Table(table) => {
            states::table(table, facts, |socket| socket.span.of(&source.text).to_owned())
        }
        Wanted::Sockets { host, at, state, counts } => {
            states::sockets(*host, *at, *state, *counts, facts)
        }
        Wanted::Ends(ends) => self::ends(ends, facts),
        Wanted::Variable(wanted) => variables::variable(wanted, facts),
        Wanted::Drops(drops) => segments::drops(drops, facts),
        Wanted::Verdict { host, verdict, counts } => self::verdict(*host, *verdict, *counts, facts),
        Wanted::Violation { invariant, counts } => violation(*invariant, *counts, facts),
    }
}

fn exactly(wanted: u64, found: u64, what: &str) -> Held {
    if wanted == found { Ok(()) } else { Err(format!("{found} {what}")) }
}

/// A run that never would have ended proves nothing, unless that is what it shows.
fn endless(expected: &[&Expected], facts: &Facts<'_>, source: &Source) -> Option<Failure> {
    let shown = expected.iter().any(
        |one| matches!(&one.wanted, Wanted::Ends(EndsWanted { how: Some(how), .. }) if *how == facts.end),
    );
    let how = match facts.end {
        End::Stuck => "it went on and on without any time passing".to_owned(),
        End::TooMuch => too_much(facts),
        End::Quiet | End::TimeUp => return None,
    };
    (!shown).then(|| Failure {
        place: format!("{}:1:1", source.name),
        expectation: "the run comes to an end".to_owned(),
        instead: format!("at {} {how}", facts.ended_at),
    })
}

/// How much happened, what goes back and forth at the end, and what to do about it.
fn too_much(facts: &Facts<'_>) -> String {
    /// So many segments at the end tell what goes on.
    const LAST: usize = 1000;
    let segment = |record: &Record| match &record.event {
        Event::Sent { host, content: Packet { body: Body::Tcp(segment), .. }, .. } => Some((
            facts.host_name(usize::from(host.0)),
            segment.flags.to_string(),
            !segment.payload.is_empty(),
        )),
        _ => None,
    };
    let mut kinds = BTreeMap::new();
    for kind in facts.trace.records.iter().rev().filter_map(segment).take(LAST) {
        *kinds.entry(kind).or_insert(0_usize) += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let one = |((host, flags, text), count): &((&str, String, bool), usize)| {
        let text = if *text { " with text" } else { "" };
        format!("{count} times {flags}{text} from {host}")
    };
    let last: Vec<String> = kinds.iter().take(3).map(one).collect();
    format!(
        "{MOST_RECORDS} things had happened, and the run was given up; the last segments: {}\n  \
         hint: `until` with an earlier time ends the run before; `ends \"too-much\"` expects this",
        last.join(", ")
    )
}

type Returned = Result<Option<u64>, SocketError>;

/// What the calls of one name returned.
fn result(wanted: &ResultWanted, facts: &Facts<'_>) -> Held {
    let host = HostId(wanted.host as u16);
    let results = facts.trace.records.iter().filter_map(|record| match &record.event {
        Event::Returned { host: of, call, result, .. } if *of == host && *call == wanted.call => {
            Some((record.at, *result))
        }
        _ => None,
    });
    let results: Vec<(Instant, Returned)> = results.collect();
    let fits = |(at, result): &(Instant, Returned)| {
        wanted.answer.is(result)
            && wanted.at.is_none_or(|wanted| wanted == *at)
            && wanted.by.is_none_or(|wanted| *at <= wanted)
    };
    // `nth` asks about one result only; otherwise those that fit are counted.
    let holds = match wanted.nth {
        Some(nth) => {
            let place = usize::try_from(nth).ok().and_then(|nth| nth.checked_sub(1));
            place.and_then(|place| results.get(place)).is_some_and(fits)
        }
        None => wanted.counts.hold(results.iter().filter(|result| fits(result)).count()),
    };
    if holds { Ok(()) } else { Err(describe_results(&wanted.call, &results)) }
}

impl Answer {
    pub(super) fn is(self, result: &Returned) -> bool {
        match (self, result) {
            (Self::Ok, Ok(_)) | (Self::EndOfFile, Ok(Some(0))) => true,
            (Self::Octets(wanted), Ok(Some(found))) => wanted == *found,
            (Self::Error(wanted), Err(found)) => wanted == *found,
            _ => false,
        }
    }
}

fn describe_results(call: &str, results: &[(Instant, Returned)]) -> String {
    let one = |(at, result): &(Instant, Returned)| match result {
        Ok(Some(0)) => format!("end of file ({at})"),
        Ok(Some(octets)) => format!("{octets} octets ({at})"),
        Ok(None) => format!("ok ({at})"),
        Err(error) => format!("{} ({at})", error.name()),
    };
    // The last ones tell how it ended.
    let skipped = results.len().saturating_sub(12);
    let shown: Vec<String> = results.iter().skip(skipped).map(one).collect();
    match (shown.is_empty(), skipped) {
        (true, _) => format!("no `{call}` returned"),
        (false, 0) => format!("`{call}` returned {}", shown.join(", ")),
        (false, more) => format!("`{call}` returned {more} times, then {}", shown.join(", ")),
    }
}

/// How and when the run ended.
fn ends(wanted: &EndsWanted, facts: &Facts<'_>) -> Held {
    let at = facts.ended_at;
    let holds = wanted.how.is_none_or(|how| how == facts.end)
        && wanted.at.is_none_or(|time| time == at)
        && wanted.by.is_none_or(|time| at <= time)
        && wanted.after.is_none_or(|time| at >= time);
    let how = match facts.end {
        End::Quiet => "nothing was left to happen",
        End::TimeUp => "the time was up",
        End::Stuck => "it went on and on without any time passing",
        End::TooMuch => "too much had happened",
    };
    if holds { Ok(()) } else { Err(format!("the run ended at {at}: {how}")) }
}

/// How often a host made this of a segment.
fn verdict(host: usize, wanted: Verdict, counts: Counts, facts: &Facts<'_>) -> Held {
    let host = HostId(host as u16);
    let arrivals = facts.trace.records.iter().filter_map(|record| match &record.event {
        Event::Arrived { host: at, verdict, .. } if *at == host => Some((record.at, *verdict)),
        _ => None,
    });
    let arrivals: Vec<(Instant, Verdict)> = arrivals.collect();
    let found = arrivals.iter().filter(|(_, verdict)| *verdict == wanted).count();
    if counts.hold(found) {
        return Ok(());
    }
    let others = arrivals.iter().filter(|(_, verdict)| *verdict != Verdict::Accepted);
    let others =
        others.map(|(at, verdict)| format!("{} ({at})", name_of(names::VERDICTS, verdict)));
    let others: Vec<String> = others.take(12).collect();
    let others = if others.is_empty() { "nothing else".to_owned() } else { others.join(", ") };
    Err(format!("{found} times; not simply accepted: {others}"))
}

fn violation(wanted: u8, counts: Counts, facts: &Facts<'_>) -> Held {
    let found = broken(facts).filter(|(invariant, _)| *invariant == wanted).count();
    let all: Vec<String> = broken(facts).take(3).map(|(_, text)| text).collect();
    let all = if all.is_empty() { "no invariant was broken".to_owned() } else { all.join("; ") };
    if counts.hold(found) { Ok(()) } else { Err(format!("{found} times; {all}")) }
}

/// Every violation of a trace: the invariant's number, and what happened when.
fn broken<'a>(facts: &Facts<'a>) -> impl Iterator<Item = (u8, String)> + use<'a> {
    facts.trace.records.iter().filter_map(|record| match &record.event {
        Event::Violation { invariant, text, .. } => {
            Some((*invariant, format!("invariant {invariant} at {}: {text}", record.at)))
        }
        _ => None,
    })
}

/// A failure for violations that no expectation speaks of.
fn violations(expected: &[&Expected], facts: &Facts<'_>, source: &Source) -> Option<Failure> {
    let spoken_of = |number: u8| {
        let of = |one: &&Expected| matches!(one.wanted, Wanted::Violation { invariant, .. } if invariant == number);
        expected.iter().any(of)
    };
    let unexpected: Vec<String> =
        broken(facts).filter(|(number, _)| !spoken_of(*number)).map(|(_, text)| text).collect();
    let instead = match unexpected.as_slice() {
        [] => return None,
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first}; and {} more", rest.len()),
    };
    let expectation = "no invariant of the world is broken".to_owned();
    Some(Failure { place: format!("{}:1:1", source.name), expectation, instead })
}
