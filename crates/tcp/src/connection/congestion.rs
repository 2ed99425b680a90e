//! Congestion control behind a small interface: what to do when text is acknowledged, when a
//! timeout says it was lost, and how much may be under way.

/// A congestion controller. All figures are octets of text.
pub(crate) trait Controller {
    /// `acked` octets of new text were acknowledged.
    fn on_ack(&mut self, acked: u32);
    /// The retransmission timer fired while `in_flight` octets were under way, for the first
    /// time since something new was acknowledged or again.
    fn on_timeout(&mut self, in_flight: u32, repeated: Repeated);
    /// How many octets may be under way.
    fn window(&self) -> u32;
    /// Where slow start ends.
    fn threshold(&self) -> u32;
}

/// Whether a timeout is about text that already timed out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeated {
    Yes,
    No,
}

/// The controllers there are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Congestion {
    Reno(Reno),
}

impl Congestion {
    pub(crate) fn new(mss: u32, initial_segments: u32) -> Self {
        Self::Reno(Reno::new(mss, initial_segments))
    }

    /// The connection is established, with this segment size.
    pub(crate) fn start(&mut self, mss: u32, initial_segments: u32) {
        *self = Self::new(mss, initial_segments);
    }

    fn controller(&self) -> &impl Controller {
        let Self::Reno(reno) = self;
        reno
    }

    fn controller_mut(&mut self) -> &mut impl Controller {
        let Self::Reno(reno) = self;
        reno
    }
}

impl Controller for Congestion {
    fn on_ack(&mut self, acked: u32) {
        self.controller_mut().on_ack(acked);
    }

    fn on_timeout(&mut self, in_flight: u32, repeated: Repeated) {
        self.controller_mut().on_timeout(in_flight, repeated);
    }

    fn window(&self) -> u32 {
        self.controller().window()
    }

    fn threshold(&self) -> u32 {
        self.controller().threshold()
    }
}

/// Slow start and congestion avoidance (RFC 5681 §3.1), with appropriate byte counting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reno {
    mss: u32,
    window: u32,
    threshold: u32,
    /// Octets acknowledged since the window last grew in congestion avoidance.
    acked: u32,
}

/// The largest window: far above anything without window scaling, far below overflow.
const LARGEST: u32 = 1 << 30;

impl Reno {
    fn new(mss: u32, initial_segments: u32) -> Self {
        // The threshold SHOULD be arbitrarily high at first (RFC 5681 §3.1).
        Self { mss, window: mss.saturating_mul(initial_segments), threshold: LARGEST, acked: 0 }
    }
}

impl Controller for Reno {
    fn on_ack(&mut self, acked: u32) {
        if self.window < self.threshold {
            // cwnd += min(N, SMSS): equation 2.
            self.window = (self.window + acked.min(self.mss)).min(LARGEST);
            return;
        }
        // One segment per window of acknowledged octets: the recommended form of equation 3.
        self.acked += acked;
        if self.acked >= self.window {
            self.acked -= self.window;
            self.window = (self.window + self.mss).min(LARGEST);
        }
    }

    fn on_timeout(&mut self, in_flight: u32, repeated: Repeated) {
        if repeated == Repeated::No {
            // ssthresh = max(FlightSize / 2, 2*SMSS): equation 4. Text that times out again
            // leaves it as it is.
            self.threshold = (in_flight / 2).max(2 * self.mss);
        }
        // The loss window is one segment.
        self.window = self.mss;
        self.acked = 0;
    }

    fn window(&self) -> u32 {
        self.window
    }

    fn threshold(&self) -> u32 {
        self.threshold
    }
}
