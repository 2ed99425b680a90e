//! Cuts the times of a trace before a ladder is made of it, so that gaps and durations are the
//! differences of the times that are shown.

use twomsl_tcp::TimerChange;

use crate::clock::cut as floor;
use crate::model::{Event, Fate, Trace};

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
