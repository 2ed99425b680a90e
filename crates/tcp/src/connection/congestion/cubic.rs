//! CUBIC (RFC 9438; MAY-18): in congestion avoidance the window is a cubic function of the time since the
//! last reduction, flat around the window at which that happened.
//!
//! With windows counted in octets this is the RFC; with windows counted in segments it is what
//! Linux' `tcp_cubic.c` makes of it, in whole segments.

use super::hystart::{HyStart, Sample};
use super::{Ack, Algorithm, Growth, LARGEST, Window};
use crate::Instant;
use crate::profile::WindowCounting;

/// The first moment that is none: no epoch has begun, the clock of the curve does not stand still.
const NEVER: Instant = Instant::MAX;

/// What CUBIC remembers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cubic {
    curve: Curve,
    /// The curve before the last congestion event, for an undo (RFC 9438 §4.9.2).
    before: Curve,
    /// Since when the window was not used up, and so does not grow; `NEVER` when it is used.
    paused: Instant,
    hystart: HyStart,
}

/// The cubic function, and the window that Reno would have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Curve {
    /// `t_epoch`: when this congestion avoidance stage began.
    epoch: Instant,
    /// `W_max`, in octets: what the next congestion event is compared with. Zero when there was
    /// none yet, or a timeout since.
    w_max: u32,
    /// Where the curve is flat: `W_max`, or the window at the beginning if that is larger.
    origin: u32,
    /// K in units of 2^-20 s: when the curve gets there, after the epoch's beginning.
    k: u32,
    /// `W_est` in octets (RFC 9438 §4.3).
    estimate: u32,
    /// Octets acknowledged that have not made the estimate grow yet.
    credit: u32,
}

impl Cubic {
    pub(super) fn new() -> Self {
        let curve = Curve { epoch: NEVER, w_max: 0, origin: 0, k: 0, estimate: 0, credit: 0 };
        Self { before: curve.clone(), curve, paused: NEVER, hystart: HyStart::new() }
    }

    /// RFC 9438 §4.2: the time in which the window did not grow because it was not used must not
    /// count.
    fn resume(&mut self, now: Instant) {
        if self.paused != NEVER {
            self.curve.epoch = self.curve.epoch.plus_nanos(now.nanos_since(self.paused));
            self.paused = NEVER;
        }
    }

    fn pause(&mut self, since: Instant) {
        if self.curve.epoch != NEVER {
            self.paused = self.paused.min(since.max(self.curve.epoch));
        }
    }
}

impl Algorithm for Cubic {
    /// RFC 9438 §4.6 and §4.7: `beta_cubic` is 0.7, and a window that did not come up to the last
    /// maximum leaves some room for others. Linux has 717/1024.
    fn reduce(&mut self, window: &Window, base: u32) -> u32 {
        self.before = self.curve.clone();
        self.paused = NEVER;
        let (beta, one) = beta(window);
        let converges = window.size < self.curve.w_max;
        self.curve.w_max =
            if converges { window.fraction(window.size, one + beta, 2 * one) } else { window.size };
        self.curve.epoch = NEVER;
        window.reduced(base, beta, one)
    }

    fn growth(&mut self, window: &Window, ack: &Ack, acked: u32) -> Growth {
        self.resume(ack.now);
        if self.curve.epoch == NEVER {
            self.curve.begin(window, ack.now);
        }
        match window.counting {
            WindowCounting::Octets { .. } => self.curve.growth(window, ack, acked),
            WindowCounting::Segments => self.curve.growth_in_segments(window, ack, acked),
        }
    }

    /// RFC 9438 §4.8: K is zero and `W_max` the window when congestion avoidance begins again
    /// (`bictcp_reset`).
    fn on_timeout(&mut self) {
        self.curve.w_max = 0;
        self.curve.epoch = NEVER;
        self.paused = NEVER;
        self.hystart.start_over();
    }

    fn on_unused(&mut self, window: &Window, now: Instant) {
        // Linux lets the time pass as long as anything is under way.
        if window.counting != WindowCounting::Segments {
            self.pause(now);
        }
    }

    /// RFC 9438 §5.8; `cubictcp_cwnd_event` with `CA_EVENT_TX_START`.
    fn on_idle(&mut self, window: &Window, since: Instant, now: Instant) {
        self.pause(since);
        if window.counting == WindowCounting::Segments {
            self.resume(now);
        }
    }

    /// RFC 9438 §4.9.2. Linux gives the window back but begins a new curve.
    fn undo(&mut self, window: &Window) {
        if window.counting != WindowCounting::Segments {
            self.curve = self.before.clone();
            self.paused = NEVER;
        }
    }

    fn ends_slow_start(&mut self, window: &Window, sample: &Sample) -> bool {
        // `cubictcp_acked`: what is timed right after a recovery is no measure.
        let fresh =
            self.curve.epoch == NEVER || sample.now.nanos_since(self.curve.epoch) >= 1_000_000_000;
        // Hystart is part of Linux' CUBIC; RFC 9438 §4.10 leaves the choice.
        fresh
            && window.counting == WindowCounting::Segments
            && self.hystart.on_sample(window.size / window.mss, sample)
    }
}

/// `beta_cubic` as a part of a whole.
fn beta(window: &Window) -> (u32, u32) {
    match window.counting {
        WindowCounting::Octets { .. } => (7, 10),
        WindowCounting::Segments => (717, 1024), // BICTCP_BETA_SCALE
    }
}

impl Curve {
    /// A congestion avoidance stage begins (RFC 9438 §4.2).
    fn begin(&mut self, window: &Window, now: Instant) {
        self.epoch = now;
        self.origin = self.w_max.max(window.size);
        self.k = time_to_grow(self.origin - window.size, window.mss);
        self.estimate = window.size;
        self.credit = 0;
    }

    /// RFC 9438 §4.3 to §4.5.
    fn growth(&mut self, window: &Window, ack: &Ack, acked: u32) -> Growth {
        self.grow_estimate(window, acked);
        let time = ack.now.nanos_since(self.epoch);
        if self.at(time, window.mss) < self.estimate {
            return Growth::To(self.estimate);
        }
        let soon = self.at(time.saturating_add(ack.srtt), window.mss);
        // The target is the window at least and half as much more at most: §4.2.
        let gap = soon.min(window.size.saturating_add(window.size / 2)).saturating_sub(window.size);
        if gap == 0 {
            return Growth::To(window.size);
        }
        // (target - cwnd) / cwnd segments per segment: §4.4 and §4.5.
        let price = u64::from(window.size) * u64::from(window.mss) / u64::from(gap);
        Growth::SegmentPer(u32::try_from(price).unwrap_or(u32::MAX))
    }

    /// `W_est` grows by `alpha_cubic` segments per window: 3 * (1 - 0.7) / (1 + 0.7) = 9/17, and by
    /// one where Reno would have been without the reduction (RFC 9438 §4.3).
    fn grow_estimate(&mut self, window: &Window, acked: u32) {
        let whole = self.estimate >= window.prior;
        let price = if whole { window.size } else { (u64::from(window.size) * 17 / 9) as u32 };
        self.pay_for_estimate(acked, price.max(1), window.mss);
    }

    fn pay_for_estimate(&mut self, acked: u32, price: u32, mss: u32) {
        self.credit = self.credit.saturating_add(acked);
        let segments = self.credit / price;
        self.credit %= price;
        self.estimate = self.estimate.saturating_add(segments.saturating_mul(mss)).min(LARGEST);
    }

    /// `bictcp_update`, but for its habit of looking at the curve only every 1/32 s when the window
    /// stays the same.
    fn growth_in_segments(&mut self, window: &Window, ack: &Ack, acked: u32) -> Growth {
        let mss = window.mss;
        let size = (window.size / mss).max(1);
        // The curve is looked at one round trip ahead, and that is the shortest one here.
        let time = ack.now.nanos_since(self.epoch).saturating_add(ack.min_rtt);
        let target = self.at_in_segments(time, mss);
        let mut price =
            if target > size { size / (target - size) } else { size.saturating_mul(100) };
        if self.w_max == 0 {
            // No loss yet: 5 % per round trip at least.
            price = price.min(20);
        }
        self.grow_estimate_in_segments(size, acked, mss);
        let estimate = self.estimate / mss;
        if estimate > size {
            price = price.min(size / (estimate - size));
        }
        // Half as much more per round trip at most.
        Growth::SegmentPer(price.max(2).saturating_mul(mss))
    }

    /// Linux' estimate grows by 8/15 of a segment per window, and by nothing before more than that
    /// was acknowledged (`beta_scale` is 15).
    fn grow_estimate_in_segments(&mut self, size: u32, acked: u32, mss: u32) {
        let price = (u64::from(size) * 15 / 8) as u32;
        self.credit = self.credit.saturating_add(acked);
        let segments = (self.credit / mss).saturating_sub(1) / price.max(1);
        self.credit -= segments * price * mss;
        self.estimate = self.estimate.saturating_add(segments.saturating_mul(mss)).min(LARGEST);
    }

    /// `W_cubic` in octets, `time` nanoseconds after the epoch's beginning: equation 1.
    fn at(&self, time: u64, mss: u32) -> u32 {
        let (side, octets) = self.distance(time, mss);
        self.moved(side, octets)
    }

    /// The same in segments. The distance is what is rounded down, as in `bictcp_update`.
    fn at_in_segments(&self, time: u64, mss: u32) -> u32 {
        let (side, octets) = self.distance(time, mss);
        self.moved(side, octets - octets % mss) / mss
    }

    fn moved(&self, side: Side, octets: u32) -> u32 {
        match side {
            Side::Before => self.origin.saturating_sub(octets),
            Side::After => self.origin.saturating_add(octets).min(LARGEST),
        }
    }

    /// How far the curve is from its flat part, in octets: C * |t - K|^3 segments.
    fn distance(&self, time: u64, mss: u32) -> (Side, u32) {
        let (time, k) = (ticks(time), u64::from(self.k));
        let side = if time < k { Side::Before } else { Side::After };
        let away = u128::from(time.abs_diff(k));
        let cubed = (away * away * away) >> 32; // at most 2^67, in units of 2^-28 s^3
        let octets = (cubed * u128::from(C_FIXED) * u128::from(mss)) >> (28 + 32);
        (side, u32::try_from(octets).unwrap_or(LARGEST).min(LARGEST))
    }
}

/// Which side of its flat part the curve is on: concave before it, convex after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// C = 0.4 segments per cubic second (RFC 9438 §5.1), times 2^32.
const C_FIXED: u64 = (4 << 32) / 10;

/// Nanoseconds as units of 2^-20 s, at most 2^33 of them: after two hours the curve is past every
/// window.
fn ticks(nanos: u64) -> u64 {
    // 10^9 = 2^9 * 1953125
    (nanos.min(1 << 43) << 11) / 1_953_125
}

/// K in units of 2^-20 s: the cube root of (`octets` / mss) / C seconds (RFC 9438 §4.2, equation
/// 2), rounded down. At most 1,390 s, for a GiB in segments of one octet.
fn time_to_grow(octets: u32, mss: u32) -> u32 {
    cube_root((u128::from(octets) << 60) * 5 / (2 * u128::from(mss)))
}

/// The largest number whose cube is no more than `n`, bit by bit. Once per epoch.
fn cube_root(n: u128) -> u32 {
    let mut root = 0_u128;
    for bit in (0..32).rev() {
        let larger = root | (1 << bit);
        if larger * larger * larger <= n {
            root = larger;
        }
    }
    root as u32
}

#[cfg(test)]
mod tests;
