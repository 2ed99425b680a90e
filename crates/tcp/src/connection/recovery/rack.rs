//! RACK: what was sent long enough before something that has arrived is lost (RFC 8985 §6).

use twomsl_wire::SeqNum;

use super::super::scoreboard::{Delivery, Scoreboard, Sent, sent_after};
use crate::Instant;

/// What RACK knows of one connection. Times are nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rack {
    /// `RACK.xmit_ts`: when the segment was sent that was sent last of all that have arrived.
    sent_at: Instant,
    /// `RACK.end_seq`: the number after it.
    end: SeqNum,
    /// RACK.rtt: how long it took.
    round_trip: u64,
    reordering: Reordering,
    /// `RACK.reo_wnd_mult`.
    steps: u8,
    /// `RACK.reo_wnd_persist`: recoveries until the window is its smallest again.
    persist: u8,
    /// `RACK.dsack_round`: a D-SACK counts once in a round trip.
    round: Option<SeqNum>,
}

/// Whether packets were seen to overtake each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reordering {
    Seen,
    Unseen,
}

/// For how many recoveries a larger window stays (RFC 8985 §6.2, step 4).
const PERSIST: u8 = 16;

/// What decides how long a segment may be late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// The shortest round trip, in nanoseconds.
    pub(crate) min_rtt: u64,
    pub(crate) srtt: u64,
    pub(crate) hurry: Hurry,
}

/// Whether there is a reason not to wait, as long as no reordering was seen: losses are being
/// repaired, or as much was SACKed as three duplicate acknowledgments would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hurry {
    Yes,
    No,
}

/// What looking for losses has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Segments newly marked as lost.
    pub(crate) lost: u32,
    /// In how many nanoseconds another one may be.
    pub(crate) next: Option<u64>,
}

impl Rack {
    pub(crate) const fn new() -> Self {
        Self {
            sent_at: Instant::ZERO,
            end: SeqNum::new(0),
            round_trip: 0,
            reordering: Reordering::Unseen,
            steps: 1,
            persist: 0,
            round: None,
        }
    }

    /// Steps 1 to 3: something has arrived. `too_soon` says whether the acknowledgment of a
    /// segment that was sent twice must be that of its first copy.
    pub(crate) fn on_arrival(
        &mut self,
        now: Instant,
        delivery: &Delivery,
        too_soon: impl Fn(&Sent) -> bool,
    ) {
        if delivery.reordered.is_some() {
            self.reordering = Reordering::Seen;
        }
        // Which copy of what was sent twice has arrived is not certain: it may say nothing.
        let certain = |sent: &&Sent| !(sent.was_copied() && too_soon(sent));
        let newest = delivery.newest.as_ref().filter(certain);
        let Some(newest) = newest.or(delivery.newest_original.as_ref()) else { return };
        self.round_trip = now.nanos_since(newest.at);
        if sent_after(newest.at, newest.end(), self.sent_at, self.end) {
            (self.sent_at, self.end) = (newest.at, newest.end());
        }
    }

    /// Step 4: a D-SACK says that something was sent again in vain, so that there is more
    /// reordering than was thought. Once in a round trip.
    pub(crate) fn on_duplicate_report(&mut self, una: SeqNum, nxt: SeqNum) {
        if self.round.is_none_or(|end| una.at_or_after(end)) {
            self.round = Some(nxt);
            self.steps = self.steps.saturating_add(1);
            self.persist = PERSIST;
        }
    }

    /// A recovery is over.
    pub(crate) fn on_recovered(&mut self) {
        self.persist = self.persist.saturating_sub(1);
        if self.persist == 0 {
            self.steps = 1;
        }
    }

    /// Step 4: how long a segment may be late, in nanoseconds (`RACK_update_reo_wnd`).
    fn window(&self, patience: &Patience) -> u64 {
        if self.reordering == Reordering::Unseen && patience.hurry == Hurry::Yes {
            return 0;
        }
        (patience.min_rtt / 4 * u64::from(self.steps)).min(patience.srtt)
    }

    /// Step 5: marks what is lost (`RACK_detect_loss`).
    pub(crate) fn detect(
        &self,
        now: Instant,
        board: &mut Scoreboard,
        patience: &Patience,
    ) -> Found {
        let allowed = self.round_trip + self.window(patience);
        let mut found = Found { lost: 0, next: None };
        // Behind the last of them nothing before the highest SACKed is worth a look.
        let mut holes = board.holes();
        let mut index = 0;
        while let Some(sent) = board.get(index).copied() {
            if index < board.reach() && holes == 0 {
                index = board.reach();
                continue;
            }
            let place = index;
            index += 1;
            if sent.is_sacked() {
                continue;
            }
            holes = holes.saturating_sub(1);
            if sent.awaits_repair() {
                continue;
            }
            if !sent_after(self.sent_at, self.end, sent.at, sent.end()) {
                if sent.was_copied() {
                    continue;
                }
                // What follows was sent later still, unless it was sent again: later, too.
                break;
            }
            let late = now.nanos_since(sent.at);
            if late >= allowed {
                board.mark_lost(place);
                found.lost += 1;
            } else {
                let rest = allowed - late;
                found.next = Some(found.next.map_or(rest, |next| next.max(rest)));
            }
        }
        found
    }

    /// Whether a segment is so old at a timeout that it counts as lost (RFC 8985 §6.3).
    pub(crate) fn is_overdue(&self, now: Instant, sent: &Sent, patience: &Patience) -> bool {
        now.nanos_since(sent.at) >= self.round_trip + self.window(patience)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use twomsl_wire::SackBlocks;

    use super::*;

    const MILLI: u64 = 1_000_000;
    const BASE: SeqNum = SeqNum::new(u32::MAX - 2500);

    /// Ten segments, a millisecond apart, over a path of 20 ms, of which the receiver SACKs some.
    struct Path {
        board: Scoreboard,
        rack: Rack,
    }

    impl Path {
        fn new() -> Self {
            let mut board = Scoreboard::default();
            for n in 0..10 {
                board.push(BASE + 1000 * n, 1000, Instant::from_millis(u64::from(n)));
            }
            Self { board, rack: Rack::new() }
        }

        fn sack(&mut self, millis: u64, blocks: &[(u32, u32)]) {
            let blocks: Vec<_> =
                blocks.iter().map(|(from, to)| (BASE + 1000 * from, BASE + 1000 * to)).collect();
            let mut delivery = Delivery::default();
            self.board.sack(&SackBlocks::new(&blocks).unwrap(), &mut delivery);
            self.rack.on_arrival(Instant::from_millis(millis), &delivery, |_| false);
        }

        fn detect(&mut self, millis: u64, hurry: Hurry) -> Found {
            let patience = Patience { min_rtt: 20 * MILLI, srtt: 20 * MILLI, hurry };
            self.rack.detect(Instant::from_millis(millis), &mut self.board, &patience)
        }
    }

    #[test]
    fn a_segment_may_be_late_by_a_quarter_of_a_round_trip() {
        let mut path = Path::new();
        path.sack(21, &[(1, 2)]);
        assert_eq!(path.detect(21, Hurry::No), Found { lost: 0, next: Some(4 * MILLI) });
        assert_eq!(path.detect(25, Hurry::No), Found { lost: 1, next: None });
    }

    #[test]
    fn nobody_waits_when_there_is_no_reordering_and_three_have_arrived() {
        let mut path = Path::new();
        path.sack(23, &[(1, 4)]);
        assert_eq!(path.detect(23, Hurry::Yes), Found { lost: 1, next: None });
    }

    #[test]
    fn after_reordering_there_is_no_hurry() {
        let mut path = Path::new();
        path.sack(22, &[(2, 3)]);
        path.sack(23, &[(1, 4)]);
        assert_eq!(path.detect(23, Hurry::Yes).lost, 0);
    }

    #[test]
    fn a_lost_retransmission_is_found() {
        let mut path = Path::new();
        path.sack(23, &[(1, 4)]);
        path.detect(23, Hurry::Yes);
        path.board.on_sent_again(0, Instant::from_millis(23));
        // What was sent after it arrives, and it does not.
        path.board.push(BASE + 10_000, 1000, Instant::from_millis(24));
        path.sack(44, &[(10, 11), (1, 4)]);
        assert_eq!(path.detect(44, Hurry::Yes).lost, 7, "and all that was sent before it");
        assert_eq!(path.board.next_repair(), Some(0));
    }

    #[test]
    fn needless_repairs_make_it_patient_once_in_a_round_trip() {
        let mut path = Path::new();
        let patience = |hurry| Patience { min_rtt: 20 * MILLI, srtt: 20 * MILLI, hurry };
        path.rack.on_duplicate_report(BASE, BASE + 5000);
        path.rack.on_duplicate_report(BASE + 1000, BASE + 6000);
        assert_eq!(path.rack.window(&patience(Hurry::No)), 10 * MILLI);
        path.rack.on_duplicate_report(BASE + 5000, BASE + 9000);
        assert_eq!(path.rack.window(&patience(Hurry::No)), 15 * MILLI);
        for _ in 0..PERSIST {
            path.rack.on_recovered();
        }
        assert_eq!(path.rack.window(&patience(Hurry::No)), 5 * MILLI);
    }
}
