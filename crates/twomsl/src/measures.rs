//! What several runs of one story came to, side by side.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use twomsl::Outcome;
use twomsl::tcp::{Instant, TcpState};
use twomsl::trace::query::{Query, Segments};
use twomsl::trace::{Event, HostId, Trace};

const HEAD: [&str; 9] = [
    "run",
    "connections",
    "segments",
    "sent again",
    "lost",
    "resets",
    "TIME-WAITs",
    "applications done",
    "all over",
];

/// A table with a line for each run.
pub(crate) fn side_by_side(runs: &[(String, Outcome)]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(HEAD);
    for (name, outcome) in runs {
        table.add_row(row(name, outcome));
    }
    format!("{}\n", table.trim_fmt())
}

fn row(name: &str, outcome: &Outcome) -> [String; HEAD.len()] {
    let query = Query::new(&outcome.trace);
    let sent = query.segments(Segments::default());
    let resets = sent.iter().filter(|sent| sent.segment.has(twomsl::wire::Flags::RST)).count();
    let again = sent.iter().filter(|sent| sent.reason.is_repetition()).count();
    let waits: usize =
        hosts(&outcome.trace).map(|host| query.stays(host, TcpState::TimeWait).len()).sum();
    [
        name.to_owned(),
        query.connections().list().len().to_string(),
        sent.len().to_string(),
        again.to_string(),
        query.drops().len().to_string(),
        resets.to_string(),
        waits.to_string(),
        format!("{} s", applications_done(&outcome.trace)),
        format!("{} s", outcome.ended_at),
    ]
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
