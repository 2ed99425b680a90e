//! The retransmission timer has fired (RFC 6298 §5.4 to §5.6), whether for nothing (F-RTO,
//! RFC 5682), and the timer of RACK.

use twomsl_wire::SeqNum;

use super::super::Connection;
use super::super::congestion::Repeated;
use super::super::congestion::prr::Safety;
use super::on_ack::Progress;
use super::{Doubt, Method, Phase};
use crate::Profile;
use crate::event::SendReason;
use crate::outbox::Context;
use crate::profile::SpuriousTimeouts;

impl Connection {
    /// Everything that is not known to have arrived counts as lost, and the first of it is sent
    /// again: `tcp_enter_loss`.
    pub(in super::super) fn enter_loss(&mut self, cx: &mut Context<'_>, repeated: Repeated) {
        let flight = self.flight_size();
        // A loss while the window comes down already is not another congestion event, but for text
        // that no timeout was about yet (RFC 5681 §3.1).
        let first = match self.recovery.phase {
            Phase::Open => true,
            Phase::Loss(_) if repeated == Repeated::No => true,
            _ => self.send.una.at_or_after(self.recovery.point),
        };
        let before = self.recovery.phase;
        if before == Phase::Open && self.send.board.sacked().segments >= cx.profile.reordering {
            // "The degree of reordering is over-estimated" (`tcp_enter_loss`).
            self.recovery.reordering = self.recovery.reordering.min(cx.profile.reordering);
        }
        self.forget_probe();
        if first {
            let copies = self.send.board.copies_under_way();
            self.recovery.undo.begin(self.send.una, copies);
        }
        let again = if first { repeated } else { Repeated::Yes };
        self.congestion.on_timeout(flight, again);
        self.ecn.owe_confirmation();
        self.mark_lost_by_timeout(cx);
        let doubt = self.doubt(cx, before);
        self.recovery.phase = Phase::Loss(doubt);
        self.recovery.prr = None;
        self.recovery.forget_duplicates();
        self.recovery.point = self.send.nxt;
        let left = self.in_flight(cx.profile);
        self.congestion.set_window(left.saturating_add(self.send.mss));
        if self.send.board.len() > 0 {
            self.send_again(cx, 0, SendReason::Retransmission);
        }
    }

    /// RFC 6675 §5.1, RFC 8985 §6.3: all of it; with RACK not what was sent a moment ago.
    fn mark_lost_by_timeout(&mut self, cx: &Context<'_>) {
        // RFC 2018 §8: a receiver that does not acknowledge what it has SACKed at the very front
        // has thrown it away.
        if self.send.board.get(0).is_some_and(super::super::scoreboard::Sent::is_sacked) {
            self.send.board.forget_sacks();
        }
        let (now, patience) = (cx.now, self.patience());
        let by_time = self.method(cx.profile) == Method::Time;
        let rack = &self.recovery.rack;
        self.send.board.mark_all_lost(|index, sent| {
            index == 0 || !by_time || rack.is_overdue(now, sent, &patience)
        });
    }

    /// RFC 5682 §2.1: not for a timeout within a recovery, unless it is about the same text again.
    fn doubt(&self, cx: &Context<'_>, before: Phase) -> Doubt {
        let asked = cx.profile.spurious_timeouts == SpuriousTimeouts::Tested;
        let new = matches!(before, Phase::Open | Phase::Reduction);
        if asked && (new || self.retransmissions > 1) { Doubt::Open } else { Doubt::None }
    }

    /// An acknowledgment after a timeout: `tcp_process_loss`.
    pub(super) fn after_timeout(&mut self, cx: &mut Context<'_>, progress: &Progress) {
        let Phase::Loss(doubt) = self.recovery.phase else { return };
        let undone = progress.acked && self.may_undo(cx.profile, progress);
        if undone || self.is_spurious(cx.profile, doubt, progress) {
            return self.undo_reduction();
        }
        let done = self.send.una.at_or_after(self.recovery.point);
        if doubt != Doubt::None {
            self.test_timeout(progress, doubt, done);
        }
        if done && progress.acked && self.recovery.phase != Phase::Loss(Doubt::Testing) {
            self.recovery.phase = Phase::Open;
            self.recovery.rack.on_recovered();
        }
    }

    /// RFC 5682 §3.1, step 3b: something arrived that was sent once only, and before the timeout.
    /// Without SACK it may have been there for long, and only the repair before it was missing:
    /// `tcp_clean_rtx_queue` drops `FLAG_ORIG_SACK_ACKED` then.
    fn is_spurious(&self, profile: &Profile, doubt: Doubt, progress: &Progress) -> bool {
        let hidden = self.method(profile) == Method::Duplicates && progress.delivery.repaired;
        let before = |end: SeqNum| end.at_or_before(self.recovery.point);
        doubt != Doubt::None && !hidden && progress.delivery.original.is_some_and(before)
    }

    /// Steps 2 and 3: after the first acknowledgment that moves SND.UNA new text is sent, if there
    /// is some; a duplicate acknowledgment after that means that the timeout was right.
    fn test_timeout(&mut self, progress: &Progress, doubt: Doubt, done: bool) {
        let duplicate = progress.is_duplicate() || progress.delivery.sacked.segments > 0;
        let next = match doubt {
            Doubt::Open if progress.acked && !done && self.has_new_to_send() => {
                self.recovery.point = self.send.nxt;
                Doubt::Testing
            }
            // Step 2 waits for an acknowledgment that moves something.
            Doubt::Open if !progress.acked => Doubt::Open,
            Doubt::Testing if !duplicate && !progress.acked => Doubt::Testing,
            _ => Doubt::None,
        };
        self.recovery.phase = Phase::Loss(next);
    }

    /// Whether there is text that was never sent, and room for it at the peer.
    fn has_new_to_send(&self) -> bool {
        let edge = self.send.una + self.send.wnd;
        self.send.has_more() && edge.after(self.send.nxt)
    }

    /// The timer of RACK (RFC 8985 §6.2, step 5): what was waited for has not come.
    pub(in super::super) fn on_reordering_timeout(&mut self, cx: &mut Context<'_>) {
        let lost = self.find_losses(cx, Method::Time);
        if lost > 0 {
            if matches!(self.recovery.phase, Phase::Open | Phase::Reduction) {
                self.enter_recovery(cx);
            }
            // Linux counts one segment as delivered here, to let the first repair out.
            let pipe = self.in_flight(cx.profile);
            self.allow(self.send.mss, pipe, Safety::Unsafe);
        }
        self.transmit(cx);
        self.count_timeout_from_front(cx);
    }
}
