//! Times that a person can read: a ladder shows microseconds at the finest.
//!
//! A delay that was drawn has nanoseconds, which nobody reads and which make columns wide. All
//! other renderings show times as they are.

use twomsl_tcp::{Instant, TimerChange};

use crate::model::{Event, Fate, Trace};

/// Nanoseconds in a microsecond.
const MICRO: u64 = 1_000;

/// The trace with every time cut to whole microseconds; none if they all are. What came later
/// never comes earlier by that, and durations stay what they were to the microsecond.
pub(super) fn cut(trace: &Trace) -> Option<Trace> {
    if trace.records.iter().all(|record| record.at == floor(record.at)) {
        return None;
    }
    let mut cut = trace.clone();
    for record in &mut cut.records {
        record.at = floor(record.at);
        match &mut record.event {
            Event::Fate { fate: Fate::Delivered { at }, .. }
            | Event::Timer { change: TimerChange::Set(at) | TimerChange::Restarted(at), .. } => {
                *at = floor(*at);
            }
            _ => {}
        }
    }
    Some(cut)
}

fn floor(at: Instant) -> Instant {
    Instant::from_nanos(at.as_nanos() / MICRO * MICRO)
}
