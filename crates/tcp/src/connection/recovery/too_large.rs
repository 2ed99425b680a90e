//! What was too large for the path is sent again, in smaller segments (RFC 1191 §6.4): a loss that
//! says nothing about congestion.

use super::super::Connection;
use super::{Doubt, Phase};
use crate::event::{SendReason, TimerKind};
use crate::outbox::Context;

impl Connection {
    /// Everything that is larger than segments may be now counts as lost; what the window lets
    /// out goes at once. The window stays: Linux' `tcp_simple_retransmit`.
    pub(in super::super) fn repair_too_large(&mut self, cx: &mut Context<'_>) {
        let (size, nxt) = (self.send.mss, self.send.nxt);
        let before = self.send.board.lost().segments;
        // A FIN takes a number, but no octet.
        let fin = self.send.includes_fin(nxt);
        self.send
            .board
            .mark_too_large(|sent| sent.length - u32::from(fin && sent.end() == nxt) > size);
        if self.send.board.lost().segments == before {
            return;
        }
        if !matches!(self.recovery.phase, Phase::Loss(_)) {
            // Nobody will ask later whether it was lost: there is nothing to undo.
            self.recovery.undo.end();
            self.recovery.phase = Phase::Loss(Doubt::None);
            (self.recovery.prr, self.recovery.duplicates) = (None, 0);
        }
        self.recovery.point = self.send.nxt;
        self.forget_probe();
        self.timers.stop(cx, TimerKind::LossProbe);
        self.start_retransmission_timer(cx);
    }

    /// Why a segment is sent again that was too large before, or that a SYN carried in vain; `None`
    /// if it was neither.
    pub(in super::super) fn reason_to_repair(&self, index: usize) -> Option<SendReason> {
        let sent = self.send.board.get(index)?;
        if self.is_refused_text_of_syn(sent) {
            return Some(SendReason::SynText);
        }
        sent.was_too_large().then_some(SendReason::PathMtu)
    }
}
