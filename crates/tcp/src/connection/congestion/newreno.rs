//! The algorithm of RFC 5681 §3.1 (MUST-19): a segment more per round trip, half on a congestion event.

use super::{Ack, Algorithm, Growth, Window};

/// It remembers nothing but the window itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewReno;

impl Algorithm for NewReno {
    /// ssthresh = max(FlightSize / 2, 2*SMSS): equation 4.
    fn reduce(&mut self, window: &Window, base: u32) -> u32 {
        window.reduced(base, 1, 2)
    }

    /// One segment per window of acknowledged octets: the recommended form of equation 3.
    fn growth(&mut self, window: &Window, _ack: &Ack, _acked: u32) -> Growth {
        Growth::SegmentPer(window.size)
    }
}
