//! Fifth: check the ACK field.

use bytes::Bytes;
use twomsl_wire::{Flags, Segment};

use super::super::congestion::Sample;
use super::super::negotiation::Use;
use super::super::receive::{Owed, Waiting};
use super::super::recovery::{News, Progress};
use super::super::rtt::Samples;
use super::super::scoreboard::Delivery;
use super::super::send::Writing;
use super::super::{Connection, Origin};
use super::Step;
use crate::event::{Cause, Readiness, TcpState, TimerKind};
use crate::mutation::Mutation;
use crate::outbox::{AcceptQueue, Context};
use crate::profile::{AcceptOverflow, Incoming, Segmentation, WindowRounding};
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
        self.take_ack_in_its_state(cx, segment)
    }

    /// A good acknowledgment, and what the acknowledgment of our FIN means.
    pub(in super::super) fn take_ack_in_its_state(
        &mut self,
        cx: &mut Context<'_>,
        segment: &Segment,
    ) -> Step {
        self.take_ack(cx, segment);
        match self.state {
            TcpState::Closing
                if self.send.fin_acknowledged()
                    && !cx.profile.is_mutated(Mutation::ClosingForgotten) =>
            {
                self.enter_time_wait(cx, Cause::AckOfFin);
                Err(Verdict::Accepted)
            }
            TcpState::LastAck
                if self.send.fin_acknowledged()
                    || cx.profile.is_mutated(Mutation::LastAckByAnyAck) =>
            {
                self.finish(cx, Cause::AckOfFin, None);
                Err(Verdict::Accepted)
            }
            _ => Ok(()),
        }
    }

    /// RFC 5961 §5.2 (MAY-12), and the check of RFC 9293 for what was never sent.
    fn check_ack_range(&mut self, cx: &mut Context<'_>, segment: &Segment) -> Step {
        let linux = cx.profile.incoming == Incoming::Linux;
        if segment.ack.after(self.send.nxt) {
            return Err(match self.state {
                // `tcp_ack` in `tcp_rcv_established`: not a word.
                TcpState::Established if linux => Verdict::AckOfUnsent,
                _ if linux => self.challenge(cx, Verdict::AckOfUnsent),
                _ => {
                    self.send_ack(cx, SendReason::DuplicateAck);
                    Verdict::AckOfUnsent
                }
            });
        }
        // "Do not accept ACK for bytes we never sent."
        // `bytes_acked` has the SYN only where it was sent by a full socket.
        let syn = u32::from(self.origin != Origin::Active);
        let acked = self.send.una.since(self.send.iss + syn);
        let most = if linux { self.send.max_wnd.min(acked) } else { self.send.max_wnd };
        let oldest = self.send.una - most;
        if segment.ack.before(oldest) && cx.profile.challenges() {
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
        let right = segment.ack.after(una) && segment.ack.at_or_before(nxt);
        if !right && !cx.profile.is_mutated(Mutation::AnyAckOpens) {
            self.answer_with_reset(cx, segment);
            return Err(Verdict::SynReceivedBadAck);
        }
        if matches!(origin, Origin::Passive { .. }) {
            self.defer_accept(cx, segment)?;
            self.check_accept_queue(cx, segment)?;
        }
        self.send.set_window(segment.seq, segment.ack, self.window_of(cx, segment));
        if cx.profile.segmentation == Segmentation::AsWritten {
            // `tcp_create_openreq_child`: what the SYN said does not count.
            self.send.max_wnd = self.send.wnd;
            self.fit_segments(cx.profile);
        }
        self.establish(cx, Cause::AckOfSyn);
        Ok(())
    }

    pub(in super::super) fn check_accept_queue(
        &mut self,
        cx: &mut Context<'_>,
        segment: &Segment,
    ) -> Step {
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
    pub(in super::super) fn answer_with_reset(&mut self, cx: &mut Context<'_>, segment: &Segment) {
        let reset = segment.answering_reset();
        let packet = cx.out.transmit(&self.tuple, reset, Some(cx.socket), SendReason::Reset);
        self.options.ip_fields().write(packet);
    }

    /// Enters ESTABLISHED, and goes on at once to what the application asked for before.
    pub(in super::super) fn establish(&mut self, cx: &mut Context<'_>, cause: Cause) {
        if cx.profile.is_bsd() {
            self.establish_as_bsd(cx.profile);
        } else {
            if self.lost_syns() > cx.profile.initial_window.forgiven_losses() {
                self.congestion.start(self.send.mss, 1);
            }
            if self.lost_syns() > 0 {
                self.rtt.after_lost_syn();
            }
        }
        if cx.profile.window_rounding == WindowRounding::Segments {
            let mss = self.advertised_mss(cx.profile);
            self.receive.settle(mss, self.agreement.receive_scale);
        }
        self.transition(cx, TcpState::Established, cause);
        if self.holder == Holder::Application {
            cx.out.ready(cx.socket, Readiness::Connected);
        }
        self.arm_keepalive(cx);
        self.arm_idle(cx);
        self.deliver_text_of_syn(cx);
        if self.send.writing == Writing::Ended {
            self.transition(cx, TcpState::FinWait1, Cause::Close);
        }
    }

    /// A SYN is as good as a handshake: a what-if.
    pub(crate) fn establish_at_once(&mut self, cx: &mut Context<'_>) {
        if self.is_half_open() {
            self.establish(cx, Cause::Syn);
            self.transmit(cx);
        }
    }

    /// What was queued "for processing after the ESTABLISHED state has been reached"
    /// (§3.10.7.3): the text that came with the SYN. Its FIN follows in the eighth step.
    fn deliver_text_of_syn(&mut self, cx: &mut Context<'_>) {
        let before = self.receive.nxt;
        self.receive.append(Bytes::new());
        if self.receive.nxt != before {
            self.owe_ack();
            self.wake_reader(cx);
        }
    }

    /// SND.UNA, SND.WND, and what hangs on them.
    pub(super) fn take_ack(&mut self, cx: &mut Context<'_>, segment: &Segment) {
        let mut progress = self.progress_of(cx, segment);
        let una = self.send.una;
        if self.agreement.sack == Use::Yes
            && let Some(blocks) = segment.options.sack_blocks()
        {
            progress.twice = self.take_blocks(segment, &blocks, &mut progress.delivery);
        }
        if cx.profile.is_bsd() && self.is_sack_without_news(segment, &progress) {
            progress.news = News::None;
        }
        if progress.acked {
            // The SYN is no text, and must not open the congestion window (RFC 5681 §3.1).
            progress.acked_octets = self.send.acknowledge(segment.ack);
            self.send.board.acknowledge(segment.ack, &mut progress.delivery);
        }
        self.counters.on_ack(self.send.una.since(una), &progress);
        self.measure(cx, &progress);
        if progress.acked {
            self.on_progress(cx);
        }
        self.take_window(cx, segment);
        if !segment.ack.before(self.send.una) {
            self.recover(cx, &progress);
        }
        if progress.acked {
            self.arm_probe(cx);
            self.wake_writer(cx);
        }
    }

    /// FreeBSD counts an acknowledgment with blocks, or while it knows of holes, as a duplicate only
    /// if the blocks say something new (`tcp_is_sack_recovery`, `SACK_NOCHANGE`).
    fn is_sack_without_news(&self, segment: &Segment, progress: &Progress) -> bool {
        let blocks = segment.options.sack_blocks().is_some();
        self.agreement.sack == Use::Yes
            && progress.news == News::Duplicate
            && progress.delivery.sacked.segments == 0
            && (blocks || self.send.board.sacked().segments > 0)
    }

    /// What can be said of an acknowledgment before anything is made of it.
    fn progress_of(&self, cx: &Context<'_>, segment: &Segment) -> Progress {
        let controls = Flags::SYN | Flags::FIN;
        let says_nothing = segment.ack == self.send.una
            && segment.payload.is_empty()
            && !segment.flags.intersects(controls)
            // FreeBSD does not look at the window when the peer SACKs.
            && (self.window_of(cx, segment) == self.send.wnd
                || (cx.profile.is_bsd() && self.agreement.sack == Use::Yes));
        Progress {
            acked: segment.ack.after(self.send.una),
            acked_octets: 0,
            news: match says_nothing {
                // An answer to a window probe is no duplicate: nothing can be missing behind a
                // closed window.
                true if self.send.is_idle() || self.send.wnd == 0 => News::None,
                true => News::Duplicate,
                false => News::Some,
            },
            twice: None,
            echo: segment.options.timestamps().map(|(_, echo)| echo),
            marked: self.agreement.ecn == Use::Yes
                && segment.has(Flags::ECE)
                && !segment.has(Flags::SYN),
            delivery: Delivery::default(),
        }
    }

    /// A round trip is measured by what was acknowledged, or SACKed.
    fn measure(&mut self, cx: &Context<'_>, progress: &Progress) {
        let delivery = &progress.delivery;
        if !progress.acked && delivery.sacked.segments == 0 {
            return;
        }
        let first = if delivery.repaired { None } else { delivery.first_sent };
        let sent = first.or(delivery.first_sacked).map(|sent| cx.now.nanos_since(sent));
        let echo = progress.echo.filter(|_| progress.acked);
        let clock = self.agreement.timestamps.as_ref();
        let echo = echo.zip(clock).and_then(|(echo, clock)| clock.round_trip(cx.now, echo));
        let (una, nxt) = (self.send.una, self.send.nxt);
        let samples = Samples { sent, echo };
        if let Some(rtt) = self.rtt.on_ack((una, nxt), cx.now, samples, cx.profile) {
            self.congestion.on_sample(&Sample {
                now: cx.now,
                rtt,
                shortest: self.rtt.shortest(),
                una,
                nxt,
            });
        }
    }

    /// The window in octets that a segment offers.
    pub(in super::super) fn window_of(&self, cx: &Context<'_>, segment: &Segment) -> u32 {
        cx.unscaled.unwrap_or_else(|| self.agreement.offered_by(segment))
    }

    fn take_window(&mut self, cx: &mut Context<'_>, segment: &Segment) {
        self.window_probes = 0;
        let largest = self.send.max_wnd;
        if segment.ack == self.send.una {
            let window = self.window_of(cx, segment);
            if cx.profile.is_bsd() && self.send.would_shrink(segment.seq, segment.ack, window) {
                return;
            }
            if cx.profile.incoming == Incoming::Linux {
                self.send.update_window_as_linux(segment.seq, segment.ack, window);
            } else {
                self.send.update_window(segment.seq, segment.ack, window);
            }
        }
        if self.send.max_wnd > largest && cx.profile.segmentation == Segmentation::AsWritten {
            // `tcp_ack_update_window`: segments are no larger than half of it.
            self.fit_segments(cx.profile);
        }
        match cx.profile.segmentation {
            Segmentation::AsWritten if self.send.is_idle() => self.on_ack_of_probe(cx),
            Segmentation::Stream if self.send.wnd > 0 => self.probe_backoff = 0,
            _ => {}
        }
    }

    /// SND.UNA has moved.
    fn on_progress(&mut self, cx: &mut Context<'_>) {
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
        if self.timers.is_running(TimerKind::Linger) && self.send.fin_acknowledged() {
            self.timers.stop(cx, TimerKind::Linger);
            cx.out.ready(cx.socket, Readiness::LingerOver);
        }
    }

    /// A writer that was told to wait goes on, if there is room enough.
    pub(super) fn wake_writer(&mut self, cx: &mut Context<'_>) {
        if self.send.waiting == Waiting::No {
            return;
        }
        // The buffer holds two congestion windows, or it would be what limits the sender (Linux'
        // `tcp_sndbuf_expand`).
        if cx.profile.is_bsd() {
            // `sowwakeup`: whoever waits needs no more than `sb_lowat`.
            if self.send.room(None) >= self.send.least_room() {
                self.send.waiting = Waiting::No;
                self.tell(cx, Readiness::Writable);
            }
            return;
        }
        let wanted = self.congestion.window().saturating_mul(2).min(self.options.send_buffer_max);
        self.send.capacity = self.send.capacity.max(wanted);
        if self.send.is_worth_waking() {
            self.send.waiting = Waiting::No;
            self.tell(cx, Readiness::Writable);
        }
    }

    /// An acknowledgment is owed at once.
    pub(in super::super) fn owe_ack(&mut self) {
        self.receive.owed = Owed::Now;
    }
}
