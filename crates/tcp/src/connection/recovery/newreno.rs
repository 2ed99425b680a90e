//! Fast retransmit and fast recovery without SACK (RFC 5681 §3.2, RFC 6582), and limited transmit
//! (RFC 3042).

use super::super::Connection;
use super::Phase;
use super::on_ack::Progress;
use crate::event::SendReason;
use crate::outbox::Context;
use crate::profile::Offer;

impl Connection {
    pub(super) fn newreno_on_ack(&mut self, cx: &mut Context<'_>, progress: &Progress) {
        if progress.is_duplicate() {
            self.newreno_on_duplicate(cx);
        } else if progress.acked {
            self.newreno_on_new(cx, progress);
        }
    }

    fn newreno_on_duplicate(&mut self, cx: &mut Context<'_>) {
        self.recovery.duplicates += 1;
        match self.recovery.phase {
            // RFC 5681 §3.2, step 4: each further one means that a segment has left the network.
            Phase::Recovery => self.inflate(self.send.mss),
            // Step 2: not for duplicates that an earlier recovery has made itself.
            Phase::Open | Phase::Reduction
                if self.recovery.duplicates == self.recovery.reordering
                    && self.send.una.after(self.recovery.point) =>
            {
                self.newreno_enter(cx);
            }
            Phase::Open | Phase::Reduction
                if self.recovery.duplicates < self.recovery.reordering =>
            {
                self.transmit_limited(cx);
            }
            _ => {}
        }
    }

    /// RFC 5681 §3.2, steps 2 and 3.
    fn newreno_enter(&mut self, cx: &mut Context<'_>) {
        self.congestion.enter_recovery(self.flight_size());
        self.ecn.owe_confirmation();
        self.recovery.phase = Phase::Recovery;
        self.recovery.prr = None;
        self.recovery.point = self.send.nxt;
        self.recovery.undo.end();
        self.on_recovery_begun(cx);
        self.send_first_again(cx);
        let inflated = self.congestion.threshold() + self.recovery.reordering * self.send.mss;
        self.congestion.set_window(inflated);
    }

    /// RFC 6582 §3.2, step 3: a full or a partial acknowledgment.
    fn newreno_on_new(&mut self, cx: &mut Context<'_>, progress: &Progress) {
        self.recovery.forget_duplicates();
        let done = self.send.una.at_or_after(self.recovery.point);
        match self.recovery.phase {
            Phase::Reduction if done => self.end_reduction(),
            Phase::Recovery if done => {
                // The first choice: no burst when little is under way.
                let in_flight = self.in_flight(cx.profile).max(self.send.mss) + self.send.mss;
                self.congestion.set_window(self.congestion.threshold().min(in_flight));
                self.recovery.phase = Phase::Open;
            }
            Phase::Recovery => {
                self.send_first_again(cx);
                let acked = progress.acked_octets;
                let kept = self.congestion.window().saturating_sub(acked);
                self.congestion.set_window(kept.max(self.send.mss));
                if acked >= self.send.mss {
                    self.inflate(self.send.mss);
                }
            }
            _ => {}
        }
    }

    fn inflate(&mut self, octets: u32) {
        self.congestion.set_window(self.congestion.window().saturating_add(octets));
    }

    fn send_first_again(&mut self, cx: &mut Context<'_>) {
        if self.send.board.len() > 0 {
            self.send.board.mark_lost(0);
            self.send_again(cx, 0, SendReason::FastRetransmission);
        }
    }

    /// RFC 3042 §2: the first two duplicate acknowledgments let a segment leave each, so that there
    /// may be a third. The window stays as it is.
    pub(super) fn transmit_limited(&mut self, cx: &mut Context<'_>) {
        let beyond = self.congestion.window().saturating_add(2 * self.send.mss);
        let fits = self.in_flight(cx.profile).saturating_add(self.send.mss) <= beyond;
        if cx.profile.limited_transmit == Offer::Yes && fits {
            let before = self.send.nxt;
            self.send_one_beyond_window(cx, SendReason::New);
            self.recovery.limited += self.send.nxt.since(before);
        }
    }
}
