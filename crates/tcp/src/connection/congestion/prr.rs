//! Proportional Rate Reduction (RFC 6937, RFC 9937): while losses are repaired, segments leave in
//! proportion to those that arrive, so that what is under way comes down to the threshold within
//! a round trip and without a pause.

/// One recovery. All figures are octets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Prr {
    /// `RecoverFS`: what was under way when recovery began. Linux takes the window (`prior_cwnd`).
    flight: u32,
    /// `prr_delivered`.
    delivered: u32,
    /// `prr_out`.
    out: u32,
}

/// An acknowledgment during recovery.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// `DeliveredData`: octets that this acknowledgment says have arrived, in order or not.
    pub(crate) delivered: u32,
    /// Octets under way: RFC 6675's pipe, after this acknowledgment.
    pub(crate) pipe: u32,
    /// ssthresh.
    pub(crate) threshold: u32,
    pub(crate) mss: u32,
    pub(crate) safety: Safety,
}

/// Whether an acknowledgment says that repair goes well: SND.UNA advanced and nothing more is
/// lost (`safeACK` of RFC 9937 §6.2; Linux' `tcp_cwnd_reduction`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safety {
    /// As in slow start: a segment more than arrived (PRR-SSRB).
    Safe,
    /// As much as arrived (PRR-CRB).
    Unsafe,
}

impl Prr {
    /// Recovery begins with `flight` octets under way.
    pub(crate) fn new(flight: u32) -> Self {
        Self { flight: flight.max(1), delivered: 0, out: 0 }
    }

    /// How many octets may be sent now (`sndcnt`). The window is the pipe and these.
    pub(crate) fn on_ack(&mut self, progress: &Progress) -> u32 {
        let Progress { delivered, pipe, threshold, mss, safety } = *progress;
        if delivered == 0 {
            // It says nothing (RFC 9937 §6.2).
            return 0;
        }
        self.delivered = self.delivered.saturating_add(delivered);
        let allowed = if pipe > threshold {
            self.proportional(threshold, mss)
        } else {
            let banked = self.delivered.saturating_sub(self.out).max(delivered);
            let extra = if safety == Safety::Safe { mss } else { 0 };
            banked.saturating_add(extra).min(threshold - pipe)
        };
        // The fast retransmission itself always leaves.
        if self.out == 0 { allowed.max(mss) } else { allowed }
    }

    /// CEIL(`prr_delivered` * ssthresh / `RecoverFS`) - `prr_out`. Up to whole segments, as Linux
    /// and the RFC's figures have it: a part of one would wait for the rest.
    fn proportional(&self, threshold: u32, mss: u32) -> u32 {
        let share = u64::from(self.delivered) * u64::from(threshold);
        let due = share.div_ceil(u64::from(self.flight)).next_multiple_of(u64::from(mss.max(1)));
        u32::try_from(due.saturating_sub(u64::from(self.out))).unwrap_or(u32::MAX)
    }

    /// So many octets were sent, or sent again.
    pub(crate) fn on_sent(&mut self, octets: u32) {
        self.out = self.out.saturating_add(octets);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const MSS: u32 = 1000;

    /// What is sent for each of these acknowledgments of one segment, in segments, `pipe` being
    /// under way before the first and a bulk sender having always more.
    fn sent(prr: &mut Prr, mut pipe: u32, safety: Safety, acks: u32) -> Vec<u32> {
        let mut sent = Vec::new();
        for ack in 0..acks {
            // The first acknowledgment is the one that began recovery: it is in `pipe` already.
            pipe -= u32::from(ack > 0);
            let progress = Progress {
                delivered: MSS,
                pipe: pipe * MSS,
                threshold: 10 * MSS,
                mss: MSS,
                safety,
            };
            let segments = prr.on_ack(&progress) / MSS;
            prr.on_sent(segments * MSS);
            pipe += segments;
            sent.push(segments);
        }
        sent
    }

    /// RFC 6937 §3.1, the first figure: a window of 20, segment 0 lost, ssthresh 10. The
    /// acknowledgments of segments 3 to 16 send the retransmission and every other time a segment.
    #[test]
    fn a_single_loss_halves_the_rate_at_once() {
        let mut prr = Prr::new(20 * MSS);
        let expected = [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0];
        assert_eq!(sent(&mut prr, 18, Safety::Unsafe, 14), expected);
    }

    /// RFC 6937 §3.1, the second figure: segments 0 to 14 lost, the acknowledgments of 17 to 19.
    #[test]
    fn after_a_burst_of_losses_the_bound_decides() {
        let conserving = sent(&mut Prr::new(20 * MSS), 4, Safety::Unsafe, 3);
        assert_eq!(conserving, [1, 1, 1], "PRR-CRB: as many as arrived");
        let slow_start = sent(&mut Prr::new(20 * MSS), 4, Safety::Safe, 3);
        assert_eq!(slow_start, [2, 2, 2], "PRR-SSRB: one more each");
    }

    #[test]
    fn an_application_that_paused_may_catch_up() {
        let mut prr = Prr::new(20 * MSS);
        let progress = |pipe, safety| Progress {
            delivered: MSS,
            pipe: pipe * MSS,
            threshold: 10 * MSS,
            mss: MSS,
            safety,
        };
        let first = prr.on_ack(&progress(18, Safety::Unsafe));
        prr.on_sent(first);
        // Six arrive, and nothing is sent: five are in the bank, and one for this.
        for pipe in (4..10).rev() {
            prr.on_ack(&progress(pipe, Safety::Unsafe));
        }
        assert_eq!(prr.on_ack(&progress(3, Safety::Unsafe)), 7 * MSS);
        assert_eq!(prr.on_ack(&progress(2, Safety::Safe)), 8 * MSS, "up to the threshold");
    }

    #[test]
    fn the_window_ends_at_the_threshold_when_little_is_lost() {
        let mut prr = Prr::new(20 * MSS);
        let all: u32 = sent(&mut prr, 18, Safety::Safe, 20).iter().sum();
        // 18 were under way, 19 more acknowledgments took one each.
        assert_eq!(18 + all - 19, 10);
    }

    /// RFC 9937 §6.2: without the fast retransmission there would be nothing to go on from.
    #[test]
    fn the_first_segment_leaves_whatever_is_under_way() {
        let mut prr = Prr::new(20 * MSS);
        let progress = Progress {
            delivered: MSS,
            pipe: 10 * MSS,
            threshold: 10 * MSS,
            mss: MSS,
            safety: Safety::Unsafe,
        };
        assert_eq!(prr.on_ack(&progress), MSS);
        prr.on_sent(MSS);
        assert_eq!(prr.on_ack(&progress), 0);
    }

    #[test]
    fn an_acknowledgment_of_nothing_sends_nothing() {
        let mut prr = Prr::new(20 * MSS);
        let progress =
            Progress { delivered: 0, pipe: 0, threshold: MSS, mss: MSS, safety: Safety::Safe };
        assert_eq!(prr.on_ack(&progress), 0);
    }

    #[test]
    fn the_largest_windows_do_not_overflow() {
        let largest = 1 << 30;
        let mut prr = Prr::new(1);
        for (pipe, allowed) in [(0, largest), (largest, 0), (u32::MAX, u32::MAX)] {
            let progress = Progress {
                delivered: u32::MAX,
                pipe,
                threshold: largest,
                mss: 65_495,
                safety: Safety::Safe,
            };
            assert_eq!(prr.on_ack(&progress), allowed);
            prr.on_sent(65_495);
        }
    }
}
