//! Fifth: check the ACK field.

use bytes::Bytes;
use twomsl_wire::{Flags, Segment};

use super::super::congestion::Ack;
use super::super::receive::{Owed, Waiting};
use super::super::send::Writing;
use super::super::{Connection, Origin};
use super::{Step, is_challenged};
use crate::event::{Cause, Readiness, TcpState, TimerKind};
use crate::outbox::{AcceptQueue, Context};
use crate::profile::AcceptOverflow;
use crate::{Holder, SendReason, Verdict};

impl Connection {
    pub(super) fn check_ack(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        if !segment.has(Flags::ACK) {
            return Err(Verdict::NoAck);
        }
        if let Some(origin) = self.origin() {
            self.ack_in_syn_received(cx, segment, origin)?;
        } else {
            self.check_ack_range(cx, segment)?;
        }
        self.take_ack(cx, segment);
        match self.state {
            TcpState::Closing if self.send.fin_acknowledged() => {
                self.enter_time_wait(cx, Cause::AckOfFin);
                Err(Verdict::Accepted)
            }
            TcpState::LastAck if self.send.fin_acknowledged() => {
                self.finish(cx, Cause::AckOfFin, None);
                Err(Verdict::Accepted)
            }
            _ => Ok(()),
        }
    }

    /// RFC 5961 §5.2 (MAY-12), and the check of RFC 9293 for what was never sent.
    fn check_ack_range(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        if segment.ack.after(self.send.nxt) {
            self.send_ack(cx, SendReason::DuplicateAck);
            return Err(Verdict::AckOfUnsent);
        }
        let oldest = self.send.una - self.send.max_wnd;
        if is_challenged(cx) && segment.ack.before(oldest) {
            return Err(self.challenge(cx, Verdict::AckTooOld));
        }
        Ok(())
    }

    /// The handshake ends here, if there is room for the connection.
    ///
    /// A wrong acknowledgment is answered with a reset, as §3.10.7.4 says for this state, and not
    /// with the ACK of RFC 5961 §5: it comes from a peer that knows of another connection, and
    /// only a reset helps it.
    fn ack_in_syn_received(
        &mut self,
        cx: &mut Context<'_>,
        segment: &Segment,
        origin: Origin,
    ) -> Step {
        let (una, nxt) = (self.send.una, self.send.nxt);
        if !(segment.ack.after(una) && segment.ack.at_or_before(nxt)) {
            self.answer_with_reset(cx, segment);
            return Err(Verdict::SynReceivedBadAck);
        }
        if matches!(origin, Origin::Passive { .. }) {
            self.check_accept_queue(cx, segment)?;
        }
        self.send.set_window(segment.seq, segment.ack, self.agreement.offered_by(segment));
        self.establish(cx, Cause::AckOfSyn);
        Ok(())
    }

    fn check_accept_queue(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        match (cx.accept_queue, cx.profile.accept_overflow) {
            (AcceptQueue::Room, _) => Ok(()),
            (AcceptQueue::Full, AcceptOverflow::Drop) => Err(Verdict::AcceptQueueFull),
            (AcceptQueue::Full, AcceptOverflow::Reset) => {
                self.answer_with_reset(cx, segment);
                self.back_to_listen(cx, Cause::Abort);
                Err(Verdict::AcceptQueueFullReset)
            }
            (AcceptQueue::Gone, _) => {
                self.answer_with_reset(cx, segment);
                self.back_to_listen(cx, Cause::Abort);
                Err(Verdict::NoConnection)
            }
        }
    }

    /// <SEQ=SEG.ACK><CTL=RST>
    pub(super) fn answer_with_reset(&mut self, cx: &mut Context<'_>, segment: &Segment) {
        let reset = segment.answering_reset();
        cx.out.transmit(&self.tuple, reset, Some(cx.socket), SendReason::Reset);
    }

    /// Enters ESTABLISHED, and goes on at once to what the application asked for before.
    pub(super) fn establish(&mut self, cx: &mut Context<'_>, cause: Cause) {
        if self.retransmissions > cx.profile.initial_window.forgiven_losses() {
            self.congestion.start(self.send.mss, 1);
        }
        if self.retransmissions > 0 {
            self.rtt.after_lost_syn();
        }
        self.transition(cx, TcpState::Established, cause);
        if self.holder == Holder::Application {
            cx.out.ready(cx.socket, Readiness::Connected);
        }
        self.arm_keepalive(cx);
        self.deliver_text_of_syn(cx);
        if self.send.writing == Writing::Ended {
            self.transition(cx, TcpState::FinWait1, Cause::Close);
        }
    }

    /// What was queued "for processing after the ESTABLISHED state has been reached"
    /// (§3.10.7.3): the text that came with the SYN. Its FIN follows in the eighth step.
    fn deliver_text_of_syn(&mut self, cx: &mut Context<'_>) {
        let before = self.receive.nxt;
        self.receive.append(Bytes::new(), self.send.mss);
        if self.receive.nxt != before {
            self.owe_ack();
            self.wake_reader(cx);
        }
    }

    /// SND.UNA, SND.WND, and what hangs on them.
    pub(super) fn take_ack(&mut self, cx: &mut Context<'_>, segment: &Segment) {
        let new = segment.ack.after(self.send.una);
        if new {
            self.take_new_ack(cx, segment);
        }
        self.window_probes = 0;
        if segment.ack == self.send.una {
            let window = self.agreement.offered_by(segment);
            self.send.update_window(segment.seq, segment.ack, window);
        }
        if self.send.wnd > 0 {
            self.probe_backoff = 0;
        }
    }

    fn take_new_ack(&mut self, cx: &mut Context<'_>, segment: &Segment) {
        let text = self.send.acknowledge(segment.ack);
        self.rtt.on_ack(segment.ack, cx.now, self.echoed_round_trip(cx, segment), cx.profile);
        // RFC 5681 §3.1: acknowledging the SYN must not open the congestion window.
        if text > 0 {
            let srtt = self.rtt.smoothed;
            self.congestion.on_ack(&Ack { now: cx.now, acked: text, srtt, min_rtt: srtt });
        }
        self.retransmissions = 0;
        // Whatever an ICMP message complained about, it is over.
        self.soft_error = None;
        self.waiting_since = cx.now;
        // RFC 6298 §5.2 and §5.3.
        if self.send.is_idle() {
            self.timers.stop(cx, TimerKind::Retransmission);
        } else {
            self.start_retransmission_timer(cx);
        }
        self.wake_writer(cx);
        if self.timers.is_running(TimerKind::Linger) && self.send.fin_acknowledged() {
            self.timers.stop(cx, TimerKind::Linger);
            cx.out.ready(cx.socket, Readiness::LingerOver);
        }
    }

    /// The round-trip time by the timestamp that the segment echoes, in nanoseconds.
    fn echoed_round_trip(&self, cx: &Context<'_>, segment: &Segment) -> Option<u64> {
        let (_, echo) = segment.options.timestamps()?;
        self.agreement.timestamps.as_ref()?.round_trip(cx.now, echo)
    }

    /// A writer that was told to wait goes on when a third of the buffer is free, as Linux'
    /// `sk_stream_is_writeable` has it: not for every acknowledgment.
    fn wake_writer(&mut self, cx: &mut Context<'_>) {
        if self.send.waiting == Waiting::Yes
            && self.send.room() >= (self.send.capacity / 3).max(1) as usize
        {
            self.send.waiting = Waiting::No;
            self.tell(cx, Readiness::Writable);
        }
    }

    /// An acknowledgment is owed at once.
    pub(super) fn owe_ack(&mut self) {
        self.receive.owed = Owed::Now;
    }
}
