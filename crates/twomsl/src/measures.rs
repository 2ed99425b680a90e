//! What several runs of one story came to, side by side.

use std::collections::BTreeSet;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use twomsl::Outcome;
use twomsl::sim::End;
use twomsl::tcp::{Instant, TcpState};
use twomsl::trace::query::{Query, Segments, Stay};
use twomsl::trace::{Action, Author, Event, HostId, Trace};
use twomsl::wire::Flags;

use crate::story::indented;

const MEASURES: [&str; 9] = [
    "connections",
    "segments",
    "sent again",
    "lost",
    "resets",
    "TIME-WAITs",
    "longest TIME-WAIT",
    "applications done",
    "all over",
];

/// A table with a line for each run, and what is the same in all of them below it.
pub(crate) fn side_by_side(runs: &[(String, Outcome)], columns: usize) -> String {
    let rows: Vec<_> = runs.iter().map(|(_, outcome)| row(outcome)).collect();
    let differs = |place: &usize| rows.iter().any(|row| row[*place] != rows[0][*place]);
    let (different, same): (Vec<usize>, Vec<usize>) = (0..MEASURES.len()).partition(differs);
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
    table.set_header(std::iter::once("run").chain(different.iter().map(|place| MEASURES[*place])));
    for ((name, _), row) in runs.iter().zip(&rows) {
        table.add_row(
            std::iter::once(name.clone()).chain(different.iter().map(|place| row[*place].clone())),
        );
    }
    let alike = same.iter().map(|place| format!("{} {}", MEASURES[*place], rows[0][*place]));
    let alike: Vec<String> = alike.collect();
    let alike = format!("the same in all of them: {}", alike.join(", "));
    format!("Side by side:\n{}\n{}", table.trim_fmt(), indented(&alike, " ", columns))
}

fn row(outcome: &Outcome) -> [String; MEASURES.len()] {
    let query = Query::new(&outcome.trace);
    let sent = query.segments(Segments::default());
    let again = sent.iter().filter(|sent| sent.reason.is_repetition()).count();
    let waits: Vec<(HostId, Vec<Stay>)> = hosts(&outcome.trace)
        .map(|host| (host, query.stays(host, TcpState::TimeWait)))
        .filter(|(_, stays)| !stays.is_empty())
        .collect();
    [
        query.connections().list().len().to_string(),
        sent.len().to_string(),
        again.to_string(),
        query.drops().len().to_string(),
        resets(&outcome.trace).to_string(),
        by_host(&waits, &outcome.trace),
        longest(waits.iter().flat_map(|(_, stays)| stays), outcome.ended_at),
        applications_done(&outcome.trace),
        all_over(outcome),
    ]
}

/// Resets of hosts, and of boxes between them.
fn resets(trace: &Trace) -> usize {
    let is_reset = |event: &Event| match event {
        Event::Sent { content, .. } | Event::Injected { by: Author::Middlebox(_), content, .. } => {
            content.segment().is_some_and(|segment| segment.has(Flags::RST))
        }
        _ => false,
    };
    trace.records.iter().filter(|record| is_reset(&record.event)).count()
}

/// How many there are at which host: who has them is what people ask.
fn by_host(waits: &[(HostId, Vec<Stay>)], trace: &Trace) -> String {
    let name = |host: &HostId| trace.about.hosts[usize::from(host.0)].name.clone();
    let each = waits.iter().map(|(host, stays)| format!("{} {}", name(host), stays.len()));
    if waits.is_empty() { "none".to_owned() } else { each.collect::<Vec<_>>().join(", ") }
}

/// When nothing was left to happen, if it came to that.
fn all_over(outcome: &Outcome) -> String {
    let ended = outcome.ended_at;
    if outcome.end == End::Quiet { format!("{ended} s") } else { format!("cut off at {ended} s") }
}

/// How long the longest stay was; one that the end of the run cut off counts up to there.
fn longest<'a>(stays: impl Iterator<Item = &'a Stay>, end: Instant) -> String {
    let times = stays.map(|stay| stay.until.unwrap_or(end).since(stay.since));
    times.max().map_or_else(|| "-".to_owned(), |time| format!("{} s", Instant::ZERO + time))
}

/// When the last call of an application was made or returned, unless one still waits for its peer.
/// Only calls that had to wait return in a trace; who waits for new connections is a server.
fn applications_done(trace: &Trace) -> String {
    let (mut last, mut waiting) = (Instant::ZERO, BTreeSet::new());
    for record in &trace.records {
        match &record.event {
            Event::Call { host, task, call, .. } => {
                last = record.at;
                let waits = ["read", "connect"].iter().any(|name| call.starts_with(name));
                if waits {
                    waiting.insert((*host, *task));
                } else {
                    waiting.remove(&(*host, *task));
                }
            }
            Event::Returned { host, task, .. } => {
                last = record.at;
                waiting.remove(&(*host, *task));
            }
            Event::Incident { host, action: Action::Crashed } => {
                waiting.retain(|(of, _)| of != host);
            }
            _ => {}
        }
    }
    if waiting.is_empty() { format!("{last} s") } else { "never".to_owned() }
}

fn hosts(trace: &Trace) -> impl Iterator<Item = HostId> {
    (0..trace.about.hosts.len()).map(|host| HostId(host as u16))
}
