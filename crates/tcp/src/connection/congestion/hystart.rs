//! HyStart, the end of slow start before a loss, as in Linux' `tcp_cubic.c`: round trips grow
//! longer, or the acknowledgments of one flight take half a round trip to come.
//!
//! This is not HyStart++ (RFC 9406), which Linux does not have.

use twomsl_wire::SeqNum;

use crate::Instant;

/// A round trip that was timed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) now: Instant,
    /// How long it took, in nanoseconds.
    pub(crate) rtt: u64,
    /// The shortest round trip of the connection, in nanoseconds.
    pub(crate) shortest: u64,
    /// SND.UNA after the acknowledgment.
    pub(crate) una: SeqNum,
    /// SND.NXT.
    pub(crate) nxt: SeqNum,
}

/// Below this window, in segments, there is nothing to find out (`hystart_low_window`).
const LOW_WINDOW: u32 = 16;
/// Round trips that are looked at before their minimum counts (`HYSTART_MIN_SAMPLES`).
const MIN_SAMPLES: u8 = 8;
/// Acknowledgments closer together than this are one train (`hystart_ack_delta_us`).
const ACK_DELTA: u32 = 2_000;
/// How much longer round trips must be, at least and at most (`HYSTART_DELAY_MIN` and `_MAX`).
const DELAY: (u32, u32) = (4_000, 16_000);

/// What is known of this round trip. Times are microseconds, as Linux has them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct HyStart {
    stage: Stage,
    samples: u8,
    /// SND.NXT when the round began (`end_seq`).
    round_end: SeqNum,
    round_start: Instant,
    /// The last acknowledgment of the train, after the round's start.
    last_ack: u32,
    /// The shortest round trip of all.
    min_rtt: u32,
    /// The shortest of this round.
    round_rtt: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    /// The next sample begins the first round.
    New,
    Looking,
    /// Slow start was ended; what comes after is none of its business.
    Found,
}

impl HyStart {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::New,
            samples: 0,
            round_end: SeqNum::new(0),
            round_start: Instant::ZERO,
            last_ack: 0,
            min_rtt: u32::MAX,
            round_rtt: u32::MAX,
        }
    }

    /// A timeout: slow start begins again, and nothing is known.
    pub(super) fn start_over(&mut self) {
        *self = Self::new();
    }

    /// `cubictcp_acked` and `hystart_update`: whether slow start ends here, the window having so
    /// many segments.
    pub(super) fn on_sample(&mut self, window: u32, sample: &Sample) -> bool {
        let rtt = micros(sample.rtt).max(1);
        self.min_rtt = self.min_rtt.min(micros(sample.shortest).max(1));
        if self.stage == Stage::Found {
            return false;
        }
        if self.stage == Stage::New || sample.una.after(self.round_end) {
            self.begin_round(sample);
        }
        if window < LOW_WINDOW {
            return false;
        }
        let found = self.is_long_train(sample.now) || self.is_delayed(rtt);
        if found {
            self.stage = Stage::Found;
        }
        found
    }

    fn begin_round(&mut self, sample: &Sample) {
        self.stage = Stage::Looking;
        (self.round_start, self.last_ack) = (sample.now, 0);
        self.round_end = sample.nxt;
        self.round_rtt = u32::MAX;
        self.samples = 0;
    }

    /// Acknowledgments that come close together for more than half the shortest round trip: the
    /// flight fills half of the path, and twice as much would fill it all. Half, since segments
    /// are not paced here.
    fn is_long_train(&mut self, now: Instant) -> bool {
        let time = micros(now.nanos_since(self.round_start));
        if time.saturating_sub(self.last_ack) > ACK_DELTA {
            return false;
        }
        self.last_ack = time;
        time > self.min_rtt / 2
    }

    /// The shortest of some round trips is longer than the shortest of all by an eighth: a queue
    /// has formed.
    fn is_delayed(&mut self, rtt: u32) -> bool {
        self.round_rtt = self.round_rtt.min(rtt);
        if self.samples < MIN_SAMPLES {
            self.samples += 1;
            return false;
        }
        let allowed = (self.min_rtt / 8).clamp(DELAY.0, DELAY.1);
        self.round_rtt > self.min_rtt.saturating_add(allowed)
    }
}

/// At most 71 minutes: longer than any round trip.
fn micros(nanos: u64) -> u32 {
    u32::try_from(nanos / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Feeds one round of acknowledgments, `spacing` apart, each with this round-trip time, and
    /// answers at which of them slow start ended.
    fn round(
        hystart: &mut HyStart,
        number: u32,
        start: u64,
        spacing: u64,
        rtt: u64,
    ) -> Option<u64> {
        let base = SeqNum::new(number * 1000);
        (0..40).find(|index| {
            let sample = Sample {
                now: Instant::from_nanos(start + index * spacing),
                rtt,
                shortest: rtt,
                una: base + 1 + *index as u32,
                nxt: base + 1000,
            };
            hystart.on_sample(20, &sample)
        })
    }

    #[test]
    fn steady_round_trips_in_short_trains_end_nothing() {
        let mut hystart = HyStart::new();
        for number in 0..20 {
            // 40 acknowledgments in 39 ms of a round trip of 100 ms.
            let start = u64::from(number) * 100 * MS;
            assert_eq!(round(&mut hystart, number, start, MS, 100 * MS), None);
        }
    }

    #[test]
    fn a_train_of_more_than_half_a_round_trip_ends_slow_start() {
        let mut hystart = HyStart::new();
        // The 31st acknowledgment comes 30 ms after the first, and half of 60 ms are over at the
        // 32nd.
        assert_eq!(round(&mut hystart, 0, 0, MS, 60 * MS), Some(31));
    }

    #[test]
    fn acknowledgments_further_apart_are_no_train() {
        let mut hystart = HyStart::new();
        assert_eq!(round(&mut hystart, 0, 0, 2 * MS + 1000, 60 * MS), None);
    }

    #[test]
    fn longer_round_trips_end_slow_start_after_eight_samples() {
        // (shortest ever, of the second round, found at which sample)
        let table = [
            (100 * MS, 112 * MS, None), // an eighth of 100 ms is 12.5 ms
            (100 * MS, 113 * MS, Some(8)),
            (20 * MS, 24 * MS, None), // 4 ms at least
            (20 * MS, 24 * MS + 1000, Some(8)),
            (400 * MS, 416 * MS, None), // 16 ms at most
            (400 * MS, 416 * MS + 1000, Some(8)),
        ];
        for (shortest, later, expected) in table {
            let mut hystart = HyStart::new();
            assert_eq!(round(&mut hystart, 0, 0, 0, shortest), None);
            let found = round(&mut hystart, 1, 500 * MS, 0, later);
            assert_eq!(found, expected, "{shortest} then {later}");
        }
    }

    #[test]
    fn a_small_window_is_not_looked_at() {
        let mut hystart = HyStart::new();
        let sample = |at| Sample {
            now: Instant::from_nanos(at),
            rtt: 10 * MS,
            shortest: 10 * MS,
            una: SeqNum::new(1),
            nxt: SeqNum::new(1000),
        };
        assert!((0..30).all(|index| !hystart.on_sample(15, &sample(index * MS))));
    }

    #[test]
    fn it_ends_slow_start_once_until_a_timeout() {
        let mut hystart = HyStart::new();
        assert!(round(&mut hystart, 0, 0, MS, 60 * MS).is_some());
        assert!(round(&mut hystart, 1, 100 * MS, MS, 60 * MS).is_none());
        hystart.start_over();
        assert!(round(&mut hystart, 2, 200 * MS, MS, 60 * MS).is_some());
    }
}
