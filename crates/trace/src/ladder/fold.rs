//! Leaves out what says nothing new: idle time, and long runs of ordinary segments.

use twomsl_tcp::Instant;

use super::row::{Count, Fold, Kind, Row};
use crate::journeys::Order;

/// Idle time from which on a gap is shown, in nanoseconds: one second, so that the back-off of
/// a SYN (RFC 6298 §2.1 starts with one second) can be read off the ladder.
const GAP: u64 = 1_000_000_000;

/// Runs with more segments than this become one row: a request and its answer, each with its
/// acknowledgment, stay visible.
const HANDFUL: usize = 6;

/// Puts runs of ordinary rows into one row each.
pub(super) fn fold_runs(rows: Vec<Row>) -> Vec<Row> {
    let mut folded = Vec::with_capacity(rows.len());
    let mut run: Vec<Row> = Vec::new();
    for row in rows {
        let idle = run.last().is_some_and(|last| row.at.since(last.at).as_nanos() >= GAP.into());
        if row.fold.is_none() || idle {
            flush(&mut run, &mut folded);
        }
        if row.fold.is_some() { run.push(row) } else { folded.push(row) }
    }
    flush(&mut run, &mut folded);
    folded
}

/// Puts a row into every longer silence.
pub(super) fn insert_gaps(rows: Vec<Row>) -> Vec<Row> {
    let mut with_gaps = Vec::with_capacity(rows.len());
    let mut last: Option<Instant> = None;
    for row in rows {
        if let Some(last) = last
            && row.at.since(last).as_nanos() >= GAP.into()
        {
            with_gaps.push(Row { at: last, kind: Kind::Gap(row.at.since(last)), fold: None });
        }
        last = Some(match &row.kind {
            Kind::Folded { until, .. } => *until,
            _ => row.at,
        });
        with_gaps.push(row);
    }
    with_gaps
}

/// Moves a run on, as one row if it is long. What stands before its first segment and after
/// its last one, such as the call that started it, stays visible.
fn flush(run: &mut Vec<Row>, folded: &mut Vec<Row>) {
    let is_segment = |row: &Row| matches!(row.fold, Some(Fold::Segment { .. }));
    let segments = run.iter().filter(|row| is_segment(row)).count();
    let ends = (run.iter().position(is_segment), run.iter().rposition(is_segment));
    let (Some(first), Some(last)) = ends else { return folded.append(run) };
    if segments <= HANDFUL {
        return folded.append(run);
    }
    let after = run.split_off(last + 1);
    let middle = run.split_off(first);
    folded.append(run);
    folded.push(summary(&middle));
    folded.extend(after);
}

fn summary(rows: &[Row]) -> Row {
    let mut counts: Vec<Count> = Vec::new();
    for row in rows {
        let Some(Fold::Segment { from, to, octets, order }) = row.fold else { continue };
        let known = counts.iter().position(|count| (count.from, count.to) == (from, to));
        let index = known.unwrap_or_else(|| {
            counts.push(Count { from, to, ..Count::default() });
            counts.len() - 1
        });
        let count = &mut counts[index];
        count.octets += octets;
        count.overtaken += u64::from(order == Order::Overtaken);
        if octets == 0 { count.acks += 1 } else { count.segments += 1 }
    }
    // Left to right before right to left, whoever happened to begin.
    counts.sort_by_key(|count| (count.from > count.to, count.from, count.to));
    let at = rows.first().map_or(Instant::ZERO, |row| row.at);
    let until = rows.last().map_or(at, |row| row.at);
    Row { at, kind: Kind::Folded { counts, until }, fold: None }
}
