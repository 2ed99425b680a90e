//! What several runs of one story came to, side by side.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use twomsl::Outcome;
use twomsl::tcp::{Instant, TcpState};
use twomsl::trace::query::{Query, Segments, Stay};
use twomsl::trace::{Event, HostId, Trace};

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
    let resets = sent.iter().filter(|sent| sent.segment.has(twomsl::wire::Flags::RST)).count();
    let again = sent.iter().filter(|sent| sent.reason.is_repetition()).count();
    let waits = hosts(&outcome.trace).flat_map(|host| query.stays(host, TcpState::TimeWait));
    let waits: Vec<Stay> = waits.collect();
    [
        query.connections().list().len().to_string(),
        sent.len().to_string(),
        again.to_string(),
        query.drops().len().to_string(),
        resets.to_string(),
        waits.len().to_string(),
        longest(&waits, outcome.ended_at),
        format!("{} s", applications_done(&outcome.trace)),
        format!("{} s", outcome.ended_at),
    ]
}

/// How long the longest stay was; one that the end of the run cut off counts up to there.
fn longest(stays: &[Stay], end: Instant) -> String {
    let times = stays.iter().map(|stay| stay.until.unwrap_or(end).since(stay.since));
    times.max().map_or_else(|| "-".to_owned(), |time| format!("{} s", Instant::ZERO + time))
}

/// When the last call of an application was made or returned.
fn applications_done(trace: &Trace) -> Instant {
    let mut records = trace.records.iter().rev();
    let is_call = |event: &Event| matches!(event, Event::Call { .. } | Event::Returned { .. });
    records.find(|record| is_call(&record.event)).map_or(Instant::ZERO, |record| record.at)
}

fn hosts(trace: &Trace) -> impl Iterator<Item = HostId> {
    (0..trace.about.hosts.len()).map(|host| HostId(host as u16))
}
