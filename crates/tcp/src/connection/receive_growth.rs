//! The receive buffer grows with what the application reads in a round trip, so that the window
//! never is what holds the sender back (Linux' "dynamic right-sizing", `tcp_rcv_space_adjust`).

use crate::Instant;

/// The segments beside twice the last round trip's octets that a window has room for: the sender
/// may have doubled meanwhile.
const SPARE_SEGMENTS: u32 = 16;

/// What was read since a round trip began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Growth {
    began: Instant,
    /// Octets since then.
    read: u32,
    /// Octets of the best round trip so far.
    most: u32,
}

impl Growth {
    /// Octets that were read in the best round trip.
    pub(crate) const fn most(&self) -> u32 {
        self.most
    }

    /// Octets came in order. How many did before, when the period is over (`rfbuf_cnt`).
    pub(crate) fn in_period(&mut self, now: Instant, octets: u32, period: u64) -> Option<u32> {
        if now.nanos_since(self.began) > period {
            self.began = now;
            return Some(core::mem::take(&mut self.read));
        }
        self.read = self.read.saturating_add(octets);
        None
    }

    /// So much is nothing special.
    pub(super) fn expect(&mut self, octets: u32) {
        self.most = self.most.max(octets);
    }

    /// The application has read. The size the buffer should have, when a round trip is over that
    /// was better than all before.
    pub(crate) fn on_read(
        &mut self,
        now: Instant,
        octets: u32,
        round_trip: u64,
        mss: u32,
    ) -> Option<u32> {
        self.read = self.read.saturating_add(octets);
        if now.nanos_since(self.began) < round_trip || round_trip == 0 {
            return None;
        }
        let read = core::mem::take(&mut self.read);
        let before = self.most.max(mss);
        (self.began, self.most) = (now, self.most.max(read));
        if read <= before {
            return None;
        }
        let window = u64::from(read) * 2 + u64::from(SPARE_SEGMENTS * mss);
        // In proportion to how much faster it has become, twice that.
        let ahead = window * u64::from(read - before) / u64::from(before) * 2;
        Some(u32::try_from(window + ahead).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: u64 = 10_000_000;

    #[test]
    fn it_asks_for_more_when_a_round_trip_brought_more_than_any_before() {
        let mut growth = Growth::default();
        let mut now = Instant::ZERO;
        let mut read = |octets: u32, growth: &mut Growth| {
            now = now.plus_nanos(ROUND_TRIP);
            growth.on_read(now, octets, ROUND_TRIP, 1000)
        };
        assert_eq!(read(1000, &mut growth), None, "a segment is nothing new");
        assert_eq!(read(10_000, &mut growth), Some(36_000 + 9 * 36_000 * 2));
        assert_eq!(read(10_000, &mut growth), None, "as much as before");
        assert_eq!(read(9_000, &mut growth), None);
        assert_eq!(read(20_000, &mut growth), Some(56_000 + 56_000 * 2));
    }

    #[test]
    fn within_a_round_trip_it_only_counts() {
        let mut growth = Growth::default();
        for millis in 1..10 {
            assert_eq!(growth.on_read(Instant::from_millis(millis), 5000, ROUND_TRIP, 1000), None);
        }
        let whole = growth.on_read(Instant::from_millis(10), 5000, ROUND_TRIP, 1000);
        assert_eq!(whole, Some(116_000 + 116_000 * 49 * 2));
    }
}
