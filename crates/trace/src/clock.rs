//! Times that a person can read: microseconds at the finest.
//!
//! A delay that was drawn has nanoseconds, which nobody reads and which make columns wide. The
//! ladder and socket tables cut them; tcpdump's lines and JSON have all of them.

use std::time::Duration;

use twomsl_tcp::Instant;

/// Nanoseconds in a microsecond.
const MICRO: u64 = 1_000;

/// Nanoseconds in a millisecond.
const MILLI: u64 = 1_000_000;

/// Writes all times of one picture with the same number of decimals, so that a time in a text is
/// found in the column of times letter by letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    /// 3, or 6 if some time is no whole millisecond.
    pub(crate) decimals: usize,
}

impl Clock {
    /// The clock for a picture with these times.
    pub(crate) fn of(mut times: impl Iterator<Item = Instant>) -> Self {
        let whole = times.all(|time| cut(time).as_nanos().is_multiple_of(MILLI));
        Self { decimals: if whole { 3 } else { 6 } }
    }

    /// Seconds: `0.071710`. A time finer than the picture's others keeps its decimals.
    pub(crate) fn time(self, at: Instant) -> String {
        let text = cut(at).to_string();
        let decimals = text.len() - text.find('.').map_or(text.len(), |point| point + 1);
        text + &"0".repeat(self.decimals.saturating_sub(decimals))
    }

    /// A time as long as a duration: for columns of durations.
    pub(crate) fn long(self, duration: Duration) -> String {
        self.time(instant(duration))
    }
}

/// A duration in a text, in seconds with at least three decimals: `59.990 s`. It is not looked up
/// in any column, so zeros at its end would say nothing.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{} s", cut(instant(duration)))
}

/// The time that is as far from the start.
fn instant(duration: Duration) -> Instant {
    Instant::from_nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

/// The last whole microsecond. What came later never comes earlier by that.
pub(crate) fn cut(at: Instant) -> Instant {
    Instant::from_nanos(at.as_nanos() / MICRO * MICRO)
}
