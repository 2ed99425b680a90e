//! Congestion control (RFC 9293 §3.8.2): how much may be under way.
//!
//! [`Congestion`] has what every algorithm needs: the window, the threshold of slow start, how the
//! window grows and shrinks, what an undo restores. An [`Algorithm`] decides by how much.
//!
//! - [`newreno`]: RFC 5681
//! - [`cubic`]: RFC 9438, with [`hystart`] for the end of slow start
//! - [`usage`]: whether the window was used, and so may grow
//! - [`idle`]: what is left of it after idleness
//! - [`prr`]: how it comes down while losses are repaired (RFC 6937)

mod cubic;
mod hystart;
mod idle;
mod newreno;
pub(crate) mod prr;
#[cfg(test)]
mod tests;
mod usage;

use alloc::boxed::Box;

use crate::profile::{CongestionControl, IdleRestart, WindowCounting, WindowReduction};
use crate::{Instant, Profile};
use cubic::Cubic;
pub(crate) use hystart::Sample;
use newreno::NewReno;
pub(crate) use usage::Sent;
use usage::{Limited, Usage};

/// The largest window: that of window scaling (RFC 7323 §2.3), far below overflow.
const LARGEST: u32 = 1 << 30;

/// The congestion control of one connection. All windows are octets of text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Congestion {
    window: Window,
    /// Octets acknowledged that have not made the window grow yet (Linux' `snd_cwnd_cnt`).
    credit: u32,
    /// The threshold before the last reduction (Linux' `prior_ssthresh`).
    prior_threshold: u32,
    usage: Usage,
    algorithm: Chosen,
}

/// What every algorithm reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Window {
    /// cwnd.
    size: u32,
    /// ssthresh.
    threshold: u32,
    /// cwnd before the last reduction: `cwnd_prior` of RFC 9438, Linux' `prior_cwnd`.
    prior: u32,
    /// SMSS.
    mss: u32,
    /// IW (RFC 5681 §3.1).
    initial: u32,
    counting: WindowCounting,
    reduction: WindowReduction,
    idle: IdleRestart,
}

/// An acknowledgment of new text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ack {
    pub(crate) now: Instant,
    /// How many octets of text it acknowledges that nothing acknowledged before.
    pub(crate) acked: u32,
    /// SRTT in nanoseconds; zero before the first sample.
    pub(crate) srtt: u64,
    /// The shortest round-trip time seen, in nanoseconds.
    pub(crate) min_rtt: u64,
}

/// Whether a timeout is about text that already timed out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeated {
    Yes,
    No,
}

/// What differs between congestion control algorithms.
trait Algorithm {
    /// A congestion event: the new threshold, `base` being what it is a share of. Keeps what an
    /// undo needs.
    fn reduce(&mut self, window: &Window, base: u32) -> u32;

    /// How the window grows in congestion avoidance, `acked` octets being acknowledged there.
    fn growth(&mut self, window: &Window, ack: &Ack, acked: u32) -> Growth;

    /// The retransmission timer fired.
    fn on_timeout(&mut self) {}

    /// An acknowledgment came, but the window was not used up, so that it does not grow.
    fn on_unused(&mut self, _window: &Window, _now: Instant) {}

    /// Nothing was under way from `since` until `now`.
    fn on_idle(&mut self, _window: &Window, _since: Instant, _now: Instant) {}

    /// The last congestion event was none.
    fn undo(&mut self, _window: &Window) {}

    /// A round trip was timed in slow start: whether slow start is to end here.
    fn ends_slow_start(&mut self, _window: &Window, _sample: &Sample) -> bool {
        false
    }
}

/// How the window grows in congestion avoidance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    /// By one segment for so many octets acknowledged (Linux' `cnt`).
    SegmentPer(u32),
    /// To so many octets, if it is smaller.
    To(u32),
}

/// The algorithm in use. CUBIC remembers nothing before it is asked something for the first time,
/// and most connections are too short for that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Chosen {
    NewReno(NewReno),
    Cubic(Option<Box<Cubic>>),
}

impl Chosen {
    fn new(control: CongestionControl) -> Self {
        match control {
            CongestionControl::NewReno => Self::NewReno(NewReno),
            CongestionControl::Cubic => Self::Cubic(None),
        }
    }

    fn get(&mut self) -> &mut dyn Algorithm {
        match self {
            Self::NewReno(newreno) => newreno,
            Self::Cubic(cubic) => &mut **cubic.get_or_insert_with(|| Box::new(Cubic::new())),
        }
    }

    /// The same, if it remembers anything.
    fn known(&mut self) -> Option<&mut dyn Algorithm> {
        match self {
            Self::NewReno(newreno) => Some(newreno),
            Self::Cubic(cubic) => cubic.as_deref_mut().map(|cubic| cubic as &mut dyn Algorithm),
        }
    }
}

impl Window {
    fn is_in_slow_start(&self) -> bool {
        self.size < self.threshold
    }

    /// `part / whole` of `octets`, in whole segments if that is what counts.
    fn fraction(&self, octets: u32, part: u32, whole: u32) -> u32 {
        let share = |amount: u32| (u64::from(amount) * u64::from(part) / u64::from(whole)) as u32;
        match self.counting {
            WindowCounting::Octets { .. } => share(octets),
            WindowCounting::Segments => share(octets / self.mss) * self.mss,
        }
    }

    /// The same as a threshold: two segments at least (RFC 5681 §3.1, equation 4).
    fn reduced(&self, octets: u32, part: u32, whole: u32) -> u32 {
        self.fraction(octets, part, whole).max(2 * self.mss)
    }

    /// `tcp_current_ssthresh`: a threshold that remembers the window, to get near it again quickly
    /// (RFC 2861 §3.1).
    fn remembered_threshold(&self) -> u32 {
        self.threshold.max(self.size / 2 + self.size / 4)
    }
}

impl Congestion {
    /// For a connection that is being opened. `segments` is the initial window.
    pub(crate) fn new(
        control: CongestionControl,
        profile: &Profile,
        mss: u32,
        segments: u32,
    ) -> Self {
        let initial = mss.saturating_mul(segments).min(LARGEST);
        let window = Window {
            size: initial,
            // RFC 5681 §3.1: arbitrarily high at first.
            threshold: LARGEST,
            prior: initial,
            mss,
            initial,
            counting: profile.window_counting,
            reduction: profile.window_reduction,
            idle: profile.idle_restart,
        };
        Self {
            window,
            credit: 0,
            prior_threshold: LARGEST,
            usage: Usage::new(),
            algorithm: Chosen::new(control),
        }
    }

    /// The connection is established, with this segment size and this initial window.
    pub(crate) fn start(&mut self, mss: u32, segments: u32) {
        let size = mss.saturating_mul(segments).min(LARGEST);
        self.window.mss = mss;
        (self.window.size, self.window.prior) = (size, size);
        self.window.initial = size;
    }

    /// Segments have another size from now on. That is no sign of congestion: a window that
    /// counts octets stays, and one that counts segments has as many as before (Linux'
    /// `tcp_simple_retransmit`: "units changed").
    pub(crate) fn resize(&mut self, mss: u32) {
        let window = &mut self.window;
        let before = core::mem::replace(&mut window.mss, mss);
        if window.counting == WindowCounting::Segments && before != mss {
            let resized = |octets: u32| (octets / before.max(1)).max(1).saturating_mul(mss);
            window.size = resized(window.size).min(LARGEST);
            window.prior = resized(window.prior).min(LARGEST);
            if window.threshold < LARGEST {
                window.threshold = resized(window.threshold).min(LARGEST);
            }
        }
    }

    /// Another algorithm takes over, and knows nothing yet; the window stays
    /// (`tcp_reinit_congestion_control`).
    pub(crate) fn choose(&mut self, control: CongestionControl) {
        let same = matches!(
            (&self.algorithm, control),
            (Chosen::NewReno(_), CongestionControl::NewReno)
                | (Chosen::Cubic(_), CongestionControl::Cubic)
        );
        if !same {
            self.algorithm = Chosen::new(control);
        }
    }

    /// How many octets may be under way: cwnd.
    pub(crate) fn window(&self) -> u32 {
        self.window.size
    }

    /// Where slow start ends: ssthresh.
    pub(crate) fn threshold(&self) -> u32 {
        self.window.threshold
    }

    /// Whether something has set ssthresh yet.
    pub(crate) fn has_threshold(&self) -> bool {
        self.window.threshold < LARGEST
    }

    /// New text was acknowledged, and nothing is lost: the window grows, if it was what limited
    /// the sender.
    pub(crate) fn on_ack(&mut self, ack: &Ack) {
        if self.usage.limited(&self.window) == Limited::ByApplication {
            if let Some(algorithm) = self.algorithm.known() {
                algorithm.on_unused(&self.window, ack.now);
            }
            return;
        }
        let left =
            if self.window.is_in_slow_start() { self.slow_start(ack.acked) } else { ack.acked };
        if left > 0 {
            self.avoid_congestion(ack, left);
        }
    }

    /// RFC 5681 §3.1, equation 2. Returns the octets that are left for congestion avoidance.
    fn slow_start(&mut self, acked: u32) -> u32 {
        let window = &mut self.window;
        match window.counting {
            WindowCounting::Octets { limit } => {
                // cwnd += min(N, L * SMSS): RFC 3465 §2.2.
                let growth = acked.min(window.mss.saturating_mul(u32::from(limit)));
                window.size = window.size.saturating_add(growth).min(LARGEST);
                0
            }
            WindowCounting::Segments => {
                // `tcp_slow_start`: up to the threshold, and what is left counts beyond it. Only
                // the part of a segment is taken from the credit: whole ones in it are of a
                // congestion avoidance before.
                let part = self.credit % window.mss;
                let acked = part.saturating_add(acked);
                let whole = acked - acked % window.mss;
                self.credit = self.credit - part + acked % window.mss;
                let grown = window.size.saturating_add(whole).min(window.threshold).min(LARGEST);
                let left = whole.saturating_sub(grown - window.size);
                window.size = grown;
                left
            }
        }
    }

    fn avoid_congestion(&mut self, ack: &Ack, acked: u32) {
        match self.algorithm.get().growth(&self.window, ack, acked) {
            Growth::SegmentPer(octets) => self.spend(octets.max(1), acked),
            Growth::To(octets) => {
                self.window.size = self.window.size.max(octets.min(LARGEST));
                self.credit = 0;
            }
        }
    }

    /// `tcp_cong_avoid_ai`: a segment for every `price` octets that were acknowledged. What was
    /// saved at a higher price is worth one segment, and no burst.
    fn spend(&mut self, price: u32, acked: u32) {
        let mut segments = 0;
        if self.credit >= price {
            self.credit = 0;
            segments = 1;
        }
        self.credit = self.credit.saturating_add(acked);
        segments += self.credit / price;
        self.credit %= price;
        let growth = segments.saturating_mul(self.window.mss);
        self.window.size = self.window.size.saturating_add(growth).min(LARGEST);
    }

    /// A loss was detected by acknowledgments while `in_flight` octets were under way: sets the
    /// threshold, and keeps what [`undo`](Self::undo) needs. The window stays for
    /// [`set_window`](Self::set_window) to bring down.
    pub(crate) fn enter_recovery(&mut self, in_flight: u32) {
        self.window.prior = self.window.size;
        self.prior_threshold = match self.window.counting {
            WindowCounting::Octets { .. } => self.window.threshold, // RFC 9438 §4.9.2
            WindowCounting::Segments => self.window.remembered_threshold(), // tcp_enter_recovery
        };
        let base = match self.window.reduction {
            WindowReduction::FlightSize => in_flight,
            WindowReduction::Window => self.window.size,
        };
        let threshold = self.algorithm.get().reduce(&self.window, base.min(LARGEST));
        self.window.threshold = threshold;
        self.credit = 0;
    }

    /// The peer has echoed a congestion mark (RFC 3168 §6.1.2): the same as a loss. The caller sees
    /// to it that this happens once per window, and then brings the window down, at once or by PRR.
    pub(crate) fn on_ecn_echo(&mut self, in_flight: u32) {
        self.enter_recovery(in_flight);
    }

    /// What loss recovery allows to be under way for now.
    pub(crate) fn set_window(&mut self, octets: u32) {
        self.window.size = octets.clamp(1, LARGEST);
    }

    /// What was lost is repaired: the window is the threshold (RFC 6582 §3.2, full acknowledgment).
    pub(crate) fn leave_recovery(&mut self) {
        self.window.size = self.window.threshold;
    }

    /// The retransmission timer fired while `in_flight` octets were under way, for the first
    /// time since something new was acknowledged or again. A caller whose threshold is lowered for
    /// this flight already says again, too (Linux' `tcp_enter_loss`).
    pub(crate) fn on_timeout(&mut self, in_flight: u32, repeated: Repeated) {
        if repeated == Repeated::No {
            // RFC 5681 §3.1: text that times out again leaves the threshold as it is.
            self.enter_recovery(in_flight);
        }
        if let Some(algorithm) = self.algorithm.known() {
            algorithm.on_timeout();
        }
        // LW, the loss window, is one segment.
        self.window.size = self.window.mss;
        self.credit = 0;
    }

    /// The last reduction answered no loss (RFC 9438 §4.9; Linux' `tcp_undo_cwnd_reduction`).
    pub(crate) fn undo(&mut self) {
        let window = &mut self.window;
        window.size = window.size.max(window.prior);
        window.threshold = window.threshold.max(self.prior_threshold);
        if let Some(algorithm) = self.algorithm.known() {
            algorithm.undo(&self.window);
        }
    }

    /// Text is to be sent and nothing is under way since `since`, when text was last sent. `rto` is
    /// the retransmission timeout, in nanoseconds.
    pub(crate) fn on_idle(&mut self, now: Instant, since: Instant, rto: u64) {
        if let Some(algorithm) = self.algorithm.known() {
            algorithm.on_idle(&self.window, since, now);
        }
        idle::restart(&mut self.window, now.nanos_since(since), rto);
        self.usage.start_over(now);
    }

    /// Segments were sent, or the window did not let them.
    pub(crate) fn on_sent(&mut self, sent: &Sent) {
        self.usage.on_sent(&self.window, sent);
    }

    /// A whole timeout (`rto`, in nanoseconds) passed without the window being used up: it shrinks
    /// towards what was used, if the profile says so. Not while losses are repaired.
    pub(crate) fn shrink_unused(&mut self, now: Instant, rto: u64) {
        self.usage.shrink(&mut self.window, now, rto);
    }

    /// A round trip was timed.
    pub(crate) fn on_sample(&mut self, sample: &Sample) {
        if !self.window.is_in_slow_start() {
            return;
        }
        // Who uses little of the window need not be looked at.
        let uses_it = sample.nxt.since(sample.una) >= self.window.size / 2;
        let algorithm = if uses_it { Some(self.algorithm.get()) } else { self.algorithm.known() };
        if algorithm.is_some_and(|algorithm| algorithm.ends_slow_start(&self.window, sample)) {
            self.window.threshold = self.window.size;
        }
    }

    /// The window before the last reduction.
    pub(crate) fn prior_window(&self) -> u32 {
        self.window.prior
    }
}
