//! `TCP_DEFER_ACCEPT`: a listener that wants to hear of connections only when there is text.
//!
//! Linux keeps the request and drops the ACK (`tcp_check_req`). The timer of the SYN,ACK runs on
//! without sending it, and only at the end of the time sends it again: what comes in answer,
//! text or a bare ACK, ends the handshake (`syn_ack_recalc`).

use twomsl_wire::Segment;

use super::super::{Connection, Origin};
use super::Step;
use crate::Verdict;
use crate::outbox::Context;

impl Connection {
    /// The ACK that would end the handshake brings nothing, and the listener waits for text.
    pub(super) fn defer_accept(&mut self, cx: &Context<'_>, segment: &Segment) -> Step {
        let bare = segment.seq_end() == self.receive.irs + 1;
        if bare && self.retransmissions < self.deferred_retries(cx) {
            self.deferred = Deferred::Yes;
            return Err(Verdict::AcceptDeferred);
        }
        Ok(())
    }

    /// For how many timeouts of the SYN,ACK text is waited for.
    fn deferred_retries(&self, cx: &Context<'_>) -> u32 {
        self.options.deferred_retries(cx.profile.rto_initial, cx.profile.rto_max)
    }

    /// Whether the ACK of our SYN is known, and there is time left for text: then a timeout of the
    /// SYN,ACK passes in silence, and no limit to its repetitions counts.
    pub(in super::super) fn is_deferred(&self, cx: &Context<'_>) -> bool {
        self.deferred == Deferred::Yes
            && matches!(self.origin(), Some(Origin::Passive { .. }))
            && self.retransmissions < self.deferred_retries(cx)
    }

    /// How often the SYN or SYN,ACK was lost: timeouts that passed in silence say nothing.
    pub(super) fn lost_syns(&self) -> u32 {
        if self.deferred == Deferred::Yes { 0 } else { self.retransmissions }
    }
}

/// Whether the ACK that would have ended the handshake was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Deferred {
    Yes,
    No,
}
