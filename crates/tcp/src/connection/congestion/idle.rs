//! The window after idleness: what it was measured against may have changed meanwhile.

use super::Window;
use crate::profile::IdleRestart;

/// Nothing was sent for `idle` nanoseconds; the retransmission timeout is `rto`.
pub(super) fn restart(window: &mut Window, idle: u64, rto: u64) {
    if idle <= rto {
        return;
    }
    // RW = min(IW, cwnd): RFC 5681 §4.1.
    let least = window.initial.min(window.size);
    let remembered = window.remembered_threshold();
    match window.idle {
        IdleRestart::Never => {}
        IdleRestart::AtOnce => window.size = least,
        IdleRestart::AtOnceRemembering => {
            window.threshold = remembered;
            window.size = least;
        }
        IdleRestart::Gradual => {
            window.threshold = remembered;
            window.size = decayed(window, idle.div_ceil(rto.max(1)) - 1).max(least);
        }
    }
}

/// The window halved so many times (`tcp_cwnd_restart`), in whole segments.
fn decayed(window: &Window, times: u64) -> u32 {
    let segments = window.size / window.mss;
    u32::try_from(times).ok().and_then(|times| segments.checked_shr(times)).unwrap_or(0)
        * window.mss
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::congestion::tests::{MSS, segments, with};
    use crate::{Instant, Profile};

    const RTO: u64 = 200_000_000;

    /// The window and the threshold, in segments, of a window of 40 with a threshold of 16 after
    /// so many nanoseconds of idleness.
    fn after(choice: IdleRestart, idle: u64) -> (u32, u32) {
        let profile = Profile { idle_restart: choice, ..Profile::linux() };
        let mut congestion = with(&profile, 10);
        congestion.window.size = 40 * MSS;
        congestion.window.threshold = 16 * MSS;
        let since = Instant::from_millis(5000);
        congestion.on_idle(since.plus_nanos(idle), since, RTO);
        (segments(congestion.window()), segments(congestion.threshold()))
    }

    #[test]
    fn a_timeout_of_idleness_is_allowed() {
        for choice in [IdleRestart::AtOnce, IdleRestart::AtOnceRemembering, IdleRestart::Gradual] {
            assert_eq!(after(choice, RTO), (40, 16), "{choice:?}");
        }
    }

    #[test]
    fn the_window_after_idleness_is_as_the_profile_says() {
        use IdleRestart::{AtOnce, AtOnceRemembering, Gradual, Never};
        let table = [
            (Never, RTO + 1, (40, 16)),
            (Never, 100 * RTO, (40, 16)),
            (AtOnce, RTO + 1, (10, 16)), // RFC 5681 §4.1
            (AtOnceRemembering, RTO + 1, (10, 30)),
            // RFC 2861: one halving per timeout, not below the restart window; the threshold
            // is three quarters of 40.
            (Gradual, RTO + 1, (20, 30)),
            (Gradual, 2 * RTO, (20, 30)),
            (Gradual, 2 * RTO + 1, (10, 30)),
            (Gradual, 3 * RTO + 1, (10, 30)),
            (Gradual, u64::MAX / 2, (10, 30)),
        ];
        for (choice, idle, expected) in table {
            assert_eq!(after(choice, idle), expected, "{choice:?} after {idle} ns");
        }
    }

    #[test]
    fn a_window_below_the_initial_one_stays() {
        let profile = Profile { idle_restart: IdleRestart::Gradual, ..Profile::linux() };
        let mut congestion = with(&profile, 10);
        congestion.window.size = 4 * MSS;
        congestion.on_idle(Instant::from_millis(60_000), Instant::ZERO, RTO);
        assert_eq!(segments(congestion.window()), 4);
    }
}
