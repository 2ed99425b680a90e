//! What several runs of one story came to, side by side.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use twomsl::Outcome;
use twomsl::tcp::TcpState;
use twomsl::trace::query::{Query, Segments};
use twomsl::trace::{HostId, Trace};

const HEAD: [&str; 7] =
    ["run", "segments", "sent again", "lost", "resets", "TIME-WAITs", "over after"];

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
        sent.len().to_string(),
        again.to_string(),
        query.drops().len().to_string(),
        resets.to_string(),
        waits.to_string(),
        format!("{} s", outcome.ended_at),
    ]
}

fn hosts(trace: &Trace) -> impl Iterator<Item = HostId> {
    (0..trace.about.hosts.len()).map(|host| HostId(host as u16))
}
