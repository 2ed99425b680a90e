//! Leaves out what says nothing new: idle time, and long runs of ordinary segments.

use std::collections::BTreeSet;

use twomsl_tcp::Instant;

use super::row::{Again, Count, Fold, Kind, Ordinary, Row};
use crate::journeys::Order;
use crate::model::PacketId;

/// Idle time from which on a gap is shown, in nanoseconds: one second, so that the back-off of
/// a SYN (RFC 6298 §2.1 starts with one second) can be read off the ladder.
const GAP: u64 = 1_000_000_000;

/// Runs with more segments than this become one row: a request and its answer, each with its
/// acknowledgment, stay visible.
const HANDFUL: usize = 6;

/// Puts runs of ordinary rows into one row each.
pub(super) fn fold_runs(rows: Vec<Row>) -> Vec<Row> {
    let mut folder = Folder::default();
    for row in rows {
        folder.take(row);
    }
    folder.flush();
    folder.rows
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

/// Rows on their way into folds.
#[derive(Default)]
struct Folder {
    /// Ordinary rows that may become one.
    run: Vec<Row>,
    /// The segments among them.
    pending: BTreeSet<PacketId>,
    /// All segments that were folded: nothing more is told about them.
    folded: BTreeSet<PacketId>,
    rows: Vec<Row>,
}

impl Folder {
    /// A row goes on with the run, or ends it and may begin the next one.
    fn take(&mut self, row: Row) {
        if self.goes_on(&row) {
            if let Some(Fold::Segment(segment)) = row.fold {
                self.pending.insert(segment.packet);
            }
            self.run.push(row);
            return;
        }
        self.flush();
        if self.is_told(&row) {
            match row.fold {
                Some(Fold::Segment(_) | Fold::Silent) => self.take(row),
                Some(Fold::Part(_)) | None => self.rows.push(row),
            }
        }
    }

    /// Whether a row continues the run, or begins one.
    fn goes_on(&self, row: &Row) -> bool {
        let idle =
            self.run.last().is_some_and(|last| row.at.since(last.at).as_nanos() >= GAP.into());
        let ordinary = match row.fold {
            Some(Fold::Segment(_) | Fold::Silent) => true,
            // The arrow of a segment that is shown has told when it would arrive. Only a run that
            // is long enough to become one row takes that arrival with it.
            Some(Fold::Part(_)) => !self.pending.is_empty(),
            None => false,
        };
        ordinary && !idle
    }

    /// Whether a row is not a part of a segment that is gone.
    fn is_told(&self, row: &Row) -> bool {
        !matches!(row.fold, Some(Fold::Part(packet)) if self.folded.contains(&packet))
    }

    /// Moves a run on, as one row if it is long. What stands before its first segment and after
    /// its last one, such as the call that started it, stays visible.
    fn flush(&mut self) {
        let mut run = std::mem::take(&mut self.run);
        let mut pending = std::mem::take(&mut self.pending);
        let is_segment = |row: &Row| matches!(row.fold, Some(Fold::Segment(_)));
        let ends = (run.iter().position(is_segment), run.iter().rposition(is_segment));
        if let (Some(first), Some(last)) = ends
            && pending.len() > HANDFUL
        {
            self.folded.append(&mut pending);
            let after = run.split_off(last + 1);
            let middle = run.split_off(first);
            run.push(summary(&middle));
            run.extend(after);
        }
        run.retain(|row| self.is_told(row));
        self.rows.append(&mut run);
    }
}

/// One row instead of many: what each direction carried in the meantime.
fn summary(rows: &[Row]) -> Row {
    let mut counts: Vec<Count> = Vec::new();
    for row in rows {
        let Some(Fold::Segment(segment)) = row.fold else { continue };
        let (from, to) = (segment.from, segment.to);
        let known = counts.iter().position(|count| (count.from, count.to) == (from, to));
        let index = known.unwrap_or_else(|| {
            counts.push(Count { from, to, ..Count::default() });
            counts.len() - 1
        });
        counts[index].add(&segment);
    }
    // Left to right before right to left, whoever happened to begin.
    counts.sort_by_key(|count| (count.from > count.to, count.from, count.to));
    let at = rows.first().map_or(Instant::ZERO, |row| row.at);
    let until = rows.last().map_or(at, |row| row.at);
    Row { at, kind: Kind::Folded { counts, until }, fold: None }
}

impl Count {
    /// Segments without text are acknowledgments: nothing else is ordinary.
    fn add(&mut self, segment: &Ordinary) {
        self.octets += segment.octets;
        self.overtaken += u64::from(segment.order == Order::Overtaken);
        self.late += u64::from(segment.order == Order::Late);
        self.again += u64::from(segment.again == Again::Yes);
        if segment.octets == 0 { self.acks += 1 } else { self.segments += 1 }
    }
}
