//! Timestamps (RFC 7323): protection against wrapped sequence numbers (PAWS, §5), and a second
//! source of round-trip times (§4).

use crate::Instant;

/// Nanoseconds per tick. RFC 7323 §5.4 wants between 1 ms and 1 s; Linux and FreeBSD use 1 ms.
const TICK: u64 = 1_000_000;

/// After so long TS.Recent says nothing any more: a clock of one tick per millisecond comes half
/// way round in 24.8 days (RFC 7323 §5.5, which takes 24 days).
const VALID: u64 = 24 * 24 * 3600 * 1_000_000_000;

/// How many values the low bits of a timestamp can carry for a SYN cookie: Linux' `TSBITS`.
const CARRIED: u32 = 1 << 6;

/// The timestamps of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Timestamps {
    /// What our clock is ahead of the time, in ticks: hides how long this host is up (§7.1).
    offset: u32,
    /// TS.Recent: what is echoed.
    recent: u32,
    /// When TS.Recent was taken.
    recent_at: Instant,
}

impl Timestamps {
    /// A clock whose peer has said nothing yet.
    pub(crate) const fn new(offset: u32) -> Self {
        Self { offset, recent: 0, recent_at: Instant::ZERO }
    }

    /// The peer's SYN had this TSval.
    pub(crate) fn begin(&mut self, now: Instant, value: u32) {
        (self.recent, self.recent_at) = (value, now);
    }

    /// TSval and TSecr of a segment sent now. TSecr means nothing without an ACK: a first SYN
    /// has zero.
    pub(crate) fn stamp(&self, now: Instant) -> (u32, u32) {
        (self.clock(now), self.recent)
    }

    fn clock(&self, now: Instant) -> u32 {
        ((now.as_nanos() / TICK) as u32).wrapping_add(self.offset)
    }

    /// From now on the clock is up to 64 ticks late, so that its six lowest bits are these
    /// (`cookie_init_timestamp`).
    pub(super) fn carry(&mut self, now: Instant, bits: u32) {
        let ticks = self.clock(now).wrapping_sub(self.offset);
        let late = ticks.wrapping_sub(bits) % CARRIED;
        self.offset = self.offset.wrapping_sub(late);
    }

    /// The bits that were put in, from an echo.
    pub(super) const fn carried_by(&self, echo: u32) -> u32 {
        echo.wrapping_sub(self.offset) % CARRIED
    }

    /// PAWS: whether a segment with this TSval is an old duplicate (§5.3, R1).
    pub(crate) fn is_old(&self, now: Instant, value: u32) -> bool {
        let behind = value.wrapping_sub(self.recent).cast_signed() < 0;
        behind && now.nanos_since(self.recent_at) < VALID
    }

    /// The same for one that may be behind by so many ticks; before the peer has told any time
    /// nothing is old (`tcp_paws_check`).
    pub(crate) fn is_older(&self, now: Instant, value: u32, tolerance: u32) -> bool {
        if tolerance == 0 {
            return self.is_old(now, value);
        }
        let behind = self.recent.wrapping_sub(value).cast_signed();
        let much = i64::from(behind) > i64::from(tolerance);
        much && self.recent != 0 && self.is_old(now, value)
    }

    /// Whether a segment with this TSval was sent after all that this end has heard of.
    pub(crate) fn is_newer(&self, value: u32) -> bool {
        value.wrapping_sub(self.recent).cast_signed() > 0
    }

    /// TS.Recent.
    pub(crate) const fn recent(&self) -> u32 {
        self.recent
    }

    /// Takes TSval of an acceptable segment that contains the last octet acknowledged or what
    /// precedes it (§4.3, 2; §5.3, R3).
    pub(crate) fn take(&mut self, now: Instant, value: u32) {
        if !self.is_old(now, value) {
            (self.recent, self.recent_at) = (value, now);
        }
    }

    /// The round-trip time that an echo shows, in nanoseconds, a tick at least; `None` for an echo
    /// of something never sent.
    pub(crate) fn round_trip(&self, now: Instant, echo: u32) -> Option<u64> {
        let ticks = self.clock(now).wrapping_sub(echo).cast_signed();
        (ticks >= 0).then(|| u64::from(ticks.cast_unsigned().max(1)) * TICK)
    }

    /// Whether an echo is of something sent before `sent`, by a tick at least.
    pub(crate) fn echoes_before(&self, echo: u32, sent: Instant) -> bool {
        echo.wrapping_sub(self.clock(sent)).cast_signed() < 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(5000);

    #[test]
    fn old_means_behind_in_the_circle_for_24_days() {
        let mut timestamps = Timestamps::new(7);
        timestamps.begin(NOW, u32::MAX - 1);
        for (value, old) in [(u32::MAX - 2, true), (u32::MAX - 1, false), (3, false)] {
            assert_eq!(timestamps.is_old(NOW, value), old, "{value}");
        }
        let later = NOW.plus_nanos(VALID);
        assert!(!timestamps.is_old(later, u32::MAX - 2), "TS.Recent is not valid any more");
    }

    #[test]
    fn an_echo_tells_how_long_it_took() {
        let timestamps = Timestamps::new(u32::MAX - 4990);
        let (sent, _) = timestamps.stamp(NOW);
        let later = NOW.plus_nanos(20 * TICK + TICK / 2);
        assert_eq!(timestamps.round_trip(later, sent), Some(20 * TICK));
        assert_eq!(timestamps.round_trip(NOW, sent), Some(TICK), "less than a tick is one");
        assert_eq!(timestamps.round_trip(NOW, sent.wrapping_add(1)), None, "from the future");
        assert!(timestamps.echoes_before(sent, later) && !timestamps.echoes_before(sent, NOW));
    }
}
