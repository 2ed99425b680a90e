//! Second: check the RST bit. Fourth: check the SYN bit. (The third, security, left with RFC 793.)

use core::time::Duration;

use twomsl_wire::{Flags, Segment};

use super::super::Connection;
use super::Step;
use crate::event::{Cause, TcpState, TimerKind};
use crate::outbox::Context;
use crate::profile::{Incoming, UnreadOnReset};
use crate::{Holder, SocketError, Verdict};

/// `TCP_TIMEWAIT_LEN`.
const TIMEWAIT_LEN: Duration = Duration::from_secs(60);

impl Connection {
    pub(super) fn check_reset(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        if !segment.has(Flags::RST) {
            return Ok(());
        }
        // SHLD-2: whatever text comes with it is for people who look at the wire.
        // RFC 5961 §3.2: only the exact sequence number is believed.
        if !self.is_exact(cx, segment) && cx.profile.challenges() {
            return Err(self.challenge(cx, Verdict::RstChallenged));
        }
        // `tcp_reset` tells apart SYN-SENT and CLOSE-WAIT only.
        let linux = cx.profile.incoming == Incoming::Linux;
        match self.state {
            TcpState::SynReceived if self.is_half_open() => self.back_to_listen(cx, Cause::Rst),
            TcpState::SynReceived if !self.is_open_early() && !linux => {
                self.finish(cx, Cause::Rst, Some(SocketError::ConnectionRefused));
            }
            // Both sides have closed: the application has nothing to lose.
            TcpState::Closing | TcpState::LastAck if !linux => self.finish(cx, Cause::Rst, None),
            _ => self.reset_by_peer(cx, Cause::Rst),
        }
        Err(Verdict::Accepted)
    }

    /// Whether a reset has the number that only the peer knows. Linux also takes that of the peer's
    /// FIN, and the end of the last block that was SACKed, from which the peer may go on. Its
    /// connections in the SYN queue (`tcp_check_req`) and its orphans in FIN-WAIT-2 know nothing of
    /// RFC 5961.
    fn is_exact(&self, cx: &Context<'_>, segment: &Segment) -> bool {
        segment.seq == self.receive.nxt
            || (cx.profile.incoming == Incoming::Linux
                && (self.is_half_open()
                    || self.is_left_to_time_wait(cx)
                    || self.is_reset_behind_fin(segment)
                    || self.receive.sack.last_end() == Some(segment.seq)))
    }

    /// Whether it is an orphan in FIN-WAIT-2 that Linux keeps as a time-wait socket: for the last
    /// minute of its time (`tcp_time_wait(sk, TCP_FIN_WAIT2, …)`).
    pub(super) fn is_left_to_time_wait(&self, cx: &Context<'_>) -> bool {
        cx.profile.incoming == Incoming::Linux
            && (self.state, self.holder) == (TcpState::FinWait2, Holder::Orphan)
            && self
                .timers
                .deadline(TimerKind::FinWait2)
                .is_some_and(|end| end <= cx.now + TIMEWAIT_LEN)
    }

    pub(super) fn check_syn(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        if !segment.has(Flags::SYN) {
            return Ok(());
        }
        if self.is_half_open() {
            self.back_to_listen(cx, Cause::Syn);
            return Err(Verdict::SynBackToListen);
        }
        if self.is_left_to_time_wait(cx) && !segment.seq.before(self.receive.nxt) {
            // `TCP_TW_RST`
            self.finish(cx, Cause::Syn, None);
            self.answer_with_reset(cx, segment);
            return Err(Verdict::SynReset);
        }
        // "Otherwise, handle per the directions for synchronized states."
        if cx.profile.challenges() {
            return Err(self.challenge(cx, Verdict::SynChallenged));
        }
        // RFC 793: a SYN in the window is an error.
        self.reset_by_peer(cx, Cause::Syn);
        self.send_reset(cx);
        Err(Verdict::SynReset)
    }

    /// "All segment queues should be flushed. Users should also receive an unsolicited general
    /// 'connection reset' signal."
    pub(super) fn reset_by_peer(&mut self, cx: &mut Context<'_>, cause: Cause) {
        if cx.profile.unread_on_reset == UnreadOnReset::Flushed {
            self.receive.flush();
        }
        // A peer that resets while we are in CLOSE-WAIT has closed before: for Linux' tcp_reset
        // writing is what fails. The RFC knows one signal only.
        let kept = cx.profile.unread_on_reset == UnreadOnReset::Kept;
        let error = if kept && self.state == TcpState::CloseWait {
            SocketError::BrokenPipe
        } else {
            SocketError::ConnectionReset
        };
        self.finish(cx, cause, Some(error));
    }
}
