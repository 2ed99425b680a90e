//! User calls (RFC 9293 §3.10.1 to §3.10.6) on a connection.

use alloc::sync::Arc;
use bytes::Bytes;

use super::arrives::Taken;
use super::parts::Ending;
use super::receive::{PeerFin, Reading, Waiting};
use super::send::Writing;
use super::transmit_parts::Nagle;
use super::{Connection, FastOpen, Origin};
use crate::event::{Cause, Event, Readiness, Report, SendReason, SynTaken, TcpState, TimerKind};
use crate::outbox::Context;
use crate::profile::{Incoming, Offer, RepeatedClose, Segmentation};
use crate::{ErrorReports, Holder, Profile, Shutdown, SocketError, SocketOption, Verdict};
use twomsl_wire::Segment;

impl Connection {
    /// Active OPEN: sends the SYN.
    pub(crate) fn open(&mut self, cx: &mut Context<'_>) {
        self.transition(cx, TcpState::SynSent, Cause::Connect);
        self.send_syn(cx, SendReason::New);
        self.arm_timers(cx);
    }

    /// A listener becomes a connection: it starts from LISTEN.
    pub(crate) fn begin_in_listen(&mut self) {
        self.state = TcpState::Listen;
    }

    /// Whether an application holds it: it was opened or accepted, and not given back.
    pub(crate) fn is_held(&self) -> bool {
        self.holder == Holder::Application
    }

    /// A SYN arrived for a listener: answers it (RFC 9293 §3.10.7.2).
    pub(crate) fn open_for_syn(
        &mut self,
        cx: &mut Context<'_>,
        segment: &Segment,
        origin: Origin,
        fast_open: FastOpen,
    ) -> Taken {
        // The listener stays in LISTEN; this connection begins there.
        self.begin_in_listen();
        (self.origin, self.fast_open) = (origin, fast_open);
        self.synchronize(segment, cx);
        self.transition(cx, TcpState::SynReceived, Cause::Syn);
        let mut taken = Taken { verdict: Verdict::Accepted, text: 0, syn: SynTaken::Yes };
        if fast_open == FastOpen::Early {
            self.take_text_of_syn(segment, &mut taken);
        }
        self.send_syn(cx, SendReason::New);
        self.arm_timers(cx);
        // Neither FreeBSD's SYN cache nor Linux' `request_sock` keeps text or FIN.
        let kept = fast_open != FastOpen::Early && cx.profile.incoming == Incoming::Table6;
        let kept = kept && !cx.profile.is_bsd();
        if segment.seq_len() > 1 && kept {
            let mut rest = segment.clone();
            rest.seq += 1;
            self.hold_text_of_syn(&rest, &mut taken);
        }
        taken
    }

    /// SEND: how many octets from the front of `text` were taken.
    pub(crate) fn write(
        &mut self,
        cx: &mut Context<'_>,
        text: &mut Bytes,
        ending: Ending,
    ) -> Result<usize, SocketError> {
        self.check_writable(cx.profile)?;
        let octets = self.room(cx.profile).min(text.len());
        if octets < text.len() {
            self.send.waiting = Waiting::Yes;
            // FreeBSD does not begin with less than `sb_lowat` (`sosend`).
            let least = if cx.profile.is_bsd() { self.send.least_room() } else { 1 };
            if octets < least {
                return Err(SocketError::WouldBlock);
            }
        }
        let was_stuck = self.send.has_more() || !self.send.is_idle();
        if !was_stuck {
            self.waiting_since = cx.now;
        }
        // What did not fit follows, but nobody knows when.
        let ending = if text.len() > octets { Ending::Push } else { ending };
        self.queue(cx, text.split_to(octets), ending);
        if self.may_transmit() {
            let held = ending == Ending::More;
            self.transmit_by(cx, if held { Nagle::Cork } else { Nagle::AsSet });
        }
        Ok(octets)
    }

    /// Room for text, in octets.
    pub(crate) fn room(&self, profile: &Profile) -> usize {
        let as_written = profile.segmentation == Segmentation::AsWritten;
        self.send.room(as_written.then(|| self.part_goal()))
    }

    /// Puts text behind what waits already.
    pub(super) fn queue(&mut self, cx: &mut Context<'_>, text: Bytes, ending: Ending) {
        match cx.profile.segmentation {
            Segmentation::AsWritten => self.write_in_parts(cx, text, ending),
            Segmentation::Stream => self.send.push(text),
        }
    }

    /// SEND with the urgent flag (MUST-30), for text of any length (MUST-31). SND.UP is set before
    /// anything leaves, so that the first segment carries it already.
    pub(crate) fn write_urgent(
        &mut self,
        cx: &mut Context<'_>,
        text: &mut Bytes,
    ) -> Result<usize, SocketError> {
        self.check_writable(cx.profile)?;
        let octets = self.room(cx.profile).min(text.len());
        if octets > 0 {
            self.send.urgent = Some(self.send.text_end() + octets as u32);
        }
        self.write(cx, text, Ending::Push)
    }

    fn check_writable(&mut self, profile: &Profile) -> Result<(), SocketError> {
        match self.state {
            TcpState::SynSent
            | TcpState::SynReceived
            | TcpState::Established
            | TcpState::CloseWait
                if self.send.writing == Writing::Open =>
            {
                Ok(())
            }
            // `sosend` looks at `SBS_CANTSENDMORE` before `so_error`, which stays for others.
            TcpState::Closed if profile.is_bsd() => Err(SocketError::BrokenPipe),
            TcpState::Closed => Err(self.error.take().unwrap_or(SocketError::BrokenPipe)),
            // "Error: connection closing."
            _ => Err(SocketError::BrokenPipe),
        }
    }

    /// RECEIVE when there is text: at most `limit` octets, handed over piece by piece; how many
    /// that was. However many pieces, the window is looked at once.
    pub(crate) fn read(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
        take: impl FnMut(Bytes),
    ) -> usize {
        let octets = self.receive.read_pieces(limit, take);
        if !cx.profile.is_bsd() {
            self.grow_receive_buffer(cx, octets as u32);
        }
        if octets > 0 {
            self.acknowledge_what_was_read(cx);
        }
        self.update_window(cx);
        octets
    }

    /// The buffer grows with what is read, unless its size is fixed.
    fn grow_receive_buffer(&mut self, cx: &Context<'_>, octets: u32) {
        let limit = self.options.receive_buffer_max;
        if self.receive.capacity >= limit || cx.profile.receive_growth == Offer::No {
            return;
        }
        let (round_trip, mss) = (self.rtt.smoothed, self.advertised_mss(cx.profile));
        let growth = &mut self.receive.growth;
        let Some(size) = growth.on_read(cx.now, octets, round_trip, mss) else { return };
        if size.min(limit) > self.receive.capacity {
            self.receive.capacity = size.min(limit);
            if self.options.window_clamp.is_none() {
                // "Make the window clamp follow along."
                self.receive.clamp = self.receive.clamp.max(self.receive.capacity);
            }
        }
    }

    /// RECEIVE when there is no text, or none is asked for: none at the end of the file.
    pub(crate) fn read_nothing(
        &mut self,
        limit: usize,
        profile: &Profile,
    ) -> Result<usize, SocketError> {
        match self.state {
            // `soreceive` looks at `so_error` before `SBS_CANTRCVMORE`.
            TcpState::Closed if profile.is_bsd() && self.error.is_some() => {
                self.error.take().map_or(Ok(0), Err)
            }
            // The end of the file was reached: an error that came later is for the writer.
            _ if self.receive.fin == PeerFin::Taken => Ok(0),
            // "Error: connection does not exist" (§3.10.3): it never did, so that an end of the
            // file, which speaks for the peer, would not be true.
            TcpState::Closed if self.send.is_opening() => {
                Err(self.error.take().unwrap_or(SocketError::NotConnected))
            }
            TcpState::Closed => self.error.take().map_or(Ok(0), Err),
            _ if self.receive.reading == Reading::Shut || limit == 0 => Ok(0),
            _ => {
                self.receive.waiting = Waiting::Yes;
                Err(SocketError::WouldBlock)
            }
        }
    }

    /// Whether there is text for the application.
    pub(crate) fn has_text(&self) -> bool {
        self.receive.unread() > 0 && self.can_read()
    }

    /// Text that came with a SYN is not the application's before the handshake is over, but with
    /// TCP Fast Open.
    pub(super) fn can_read(&self) -> bool {
        !matches!(self.state, TcpState::SynSent | TcpState::SynReceived) || self.is_open_early()
    }

    /// How much urgent text is still to be read (MUST-33).
    pub(crate) fn urgent_ahead(&self) -> u32 {
        let position = self.receive.read_position();
        self.receive.urgent.map_or(0, |urgent| urgent.offset_from(position).max(0).cast_unsigned())
    }

    /// `shutdown`: of the sending side it is CLOSE of RFC 9293 §3.10.4.
    pub(crate) fn shut_down(
        &mut self,
        cx: &mut Context<'_>,
        how: Shutdown,
    ) -> Result<(), SocketError> {
        shut_down_allowed(self.state, how, cx.profile)?;
        if how != Shutdown::Write {
            self.receive.reading = Reading::Shut;
            if cx.profile.is_bsd() {
                self.receive.discard();
            }
            self.wake_reader_at_end(cx);
        }
        if how != Shutdown::Read {
            self.end_writing(cx);
        }
        if cx.profile.is_bsd() {
            self.arm_fin_timeout_of_bsd(cx);
        }
        Ok(())
    }

    fn wake_reader_at_end(&mut self, cx: &mut Context<'_>) {
        if self.receive.waiting == Waiting::Yes {
            self.receive.waiting = Waiting::No;
            self.tell(cx, Readiness::Readable);
        }
    }

    /// A FIN follows what was written.
    pub(super) fn end_writing(&mut self, cx: &mut Context<'_>) {
        if self.send.writing != Writing::Open {
            return;
        }
        match self.state {
            // `TF_NEEDFIN`: the FIN waits for the end of the handshake.
            TcpState::SynSent | TcpState::SynReceived
                if cx.profile.is_bsd() && !self.is_open_early() =>
            {
                return self.send.end();
            }
            // "Delete the TCB and return 'error: closing' responses to any queued SENDs."
            TcpState::SynSent => return self.finish(cx, Cause::Close, None),
            TcpState::SynReceived => {
                let early = self.is_open_early();
                self.send.end();
                // "If no SENDs have been issued and there is no pending data to send, then form a
                // FIN segment and send it; otherwise, queue for after ESTABLISHED."
                // With TCP Fast Open there is nothing to wait for (Linux' `new_state`).
                if early || self.send.buffer.len() == 0 {
                    self.transition(cx, TcpState::FinWait1, Cause::Close);
                }
            }
            TcpState::Established => {
                self.send.end();
                self.transition(cx, TcpState::FinWait1, Cause::Close);
            }
            TcpState::CloseWait => {
                self.send.end();
                self.transition(cx, TcpState::LastAck, Cause::Close);
            }
            _ => return,
        }
        if self.may_transmit() {
            self.transmit_by(cx, Nagle::Off);
        }
    }

    /// `close(2)`: the application gives the connection back, and reads no more (MAY-1).
    pub(crate) fn close(&mut self, cx: &mut Context<'_>) {
        if cx.profile.is_bsd() && self.close_as_bsd(cx) {
            // `tcp_disconnect`
        } else if self.options.linger.is_some_and(|time| time.is_zero()) || self.loses_text() {
            self.abort(cx);
        } else {
            self.holder = Holder::Orphan;
            self.receive.reading = Reading::Shut;
            self.end_writing(cx);
            self.arm_fin_timeout(cx);
        }
        if let Some(time) = self.options.linger_time() {
            let unfinished = self.state != TcpState::Closed && !self.send.fin_acknowledged();
            if unfinished {
                self.timers.set(cx, TimerKind::Linger, cx.now + time);
            } else {
                cx.out.ready(cx.socket, Readiness::LingerOver);
            }
        }
    }

    /// Whether closing now would throw away text that was acknowledged (SHLD-3).
    fn loses_text(&self) -> bool {
        self.receive.unread() > 0 && (self.state.is_synchronized() || self.is_open_early())
    }

    /// ABORT (RFC 9293 §3.10.5).
    pub(crate) fn abort(&mut self, cx: &mut Context<'_>) {
        self.holder = Holder::Orphan;
        match self.state {
            TcpState::Closed => {}
            TcpState::Closing | TcpState::LastAck if cx.profile.is_bsd() => {
                self.finish(cx, Cause::Abort, None);
                self.send_reset(cx);
            }
            TcpState::SynSent | TcpState::Closing | TcpState::LastAck => {
                self.finish(cx, Cause::Abort, None);
            }
            _ => {
                self.finish(cx, Cause::Abort, None);
                self.send_reset(cx);
            }
        }
    }

    /// There are too many orphans for this one: it is reset whatever it has still to send (Linux'
    /// `tcp_check_oom` in `tcp_close`).
    pub(crate) fn drop_orphan(&mut self, cx: &mut Context<'_>) {
        self.finish(cx, Cause::TooManyOrphans, None);
        self.send_reset(cx);
    }

    /// Somebody who may has said that it is over (FreeBSD's `tcp_drop` with `ECONNABORTED`, Linux'
    /// `tcp_abort`).
    pub(crate) fn drop_by_administrator(&mut self, cx: &mut Context<'_>) {
        let reset = !matches!(self.state, TcpState::Closed | TcpState::SynSent);
        match self.state {
            TcpState::Closed => return,
            _ if self.is_half_open() => self.back_to_listen(cx, Cause::Abort),
            _ => self.finish(cx, Cause::Abort, Some(SocketError::ConnectionAborted)),
        }
        if reset {
            self.send_reset(cx);
        }
    }

    pub(crate) fn set_option(&mut self, cx: &mut Context<'_>, option: SocketOption) {
        Arc::make_mut(&mut self.options).set(option);
        match option {
            SocketOption::SendBuffer(octets) => self.send.capacity = octets,
            SocketOption::QuickAck(true) => self.quick_acks_on(cx),
            SocketOption::QuickAck(false) => self.quick_acks_off(cx.profile),
            SocketOption::WindowClamp(_) => self.receive.set_clamp(self.options.clamp()),
            SocketOption::NotSentLowWater(_) => {
                self.send.low_water = self.options.not_sent_low_water;
            }
            // tcp(7): no-delay "forces an explicit flush of pending output, even if TCP_CORK is
            // currently set".
            SocketOption::NoDelay(true)
                if self.may_transmit()
                    && (self.options.cork
                        || cx.profile.segmentation == Segmentation::AsWritten) =>
            {
                self.send_held_back(cx);
            }
            SocketOption::ReceiveBuffer(_) => {
                self.receive.capacity = self.options.receive_space(cx.profile);
            }
            SocketOption::Congestion(choice) => self.congestion.choose(choice),
            _ => {}
        }
        self.arm_keepalive(cx);
        if self.may_transmit() {
            self.transmit(cx);
            self.update_window(cx);
        } else if self.state != TcpState::Closed {
            self.arm_timers(cx);
        }
    }

    /// An ICMP error that is only remembered, and reported.
    pub(crate) fn remember(&mut self, cx: &mut Context<'_>, error: SocketError) {
        self.soft_error = Some(error);
        self.report(cx, Report::Icmp(error));
    }

    /// `ERROR_REPORT` (RFC 9293 §3.9.1.8), for those who want it.
    pub(super) fn report(&self, cx: &mut Context<'_>, report: Report) {
        if self.holder == Holder::Application && self.options.error_reports == ErrorReports::On {
            cx.out.event(Event::Report { socket: cx.socket, report });
        }
    }

    /// The ICMP error that is remembered, which is forgotten by asking.
    pub(crate) fn take_soft_error(&mut self) -> Option<SocketError> {
        self.soft_error.take()
    }

    /// Whether an ICMP error is remembered.
    pub(crate) const fn was_warned(&self) -> bool {
        self.soft_error.is_some()
    }

    /// How often it was sent again since something was acknowledged.
    pub(crate) const fn tries(&self) -> u32 {
        self.retransmissions
    }

    /// An ICMP error that ends the attempt to connect. Of one that a listener began nobody hears.
    pub(crate) fn end_attempt(&mut self, cx: &mut Context<'_>, error: SocketError) {
        if self.is_half_open() {
            return self.back_to_listen(cx, Cause::Icmp);
        }
        self.finish(cx, Cause::Icmp, Some(error));
    }
}

/// Whether CLOSE makes sense in a state (RFC 9293 §3.10.4).
pub(crate) fn shut_down_allowed(
    state: TcpState,
    how: Shutdown,
    profile: &Profile,
) -> Result<(), SocketError> {
    let closing = matches!(state, TcpState::Closing | TcpState::LastAck | TcpState::TimeWait);
    match state {
        TcpState::Closed => Err(SocketError::NotConnected),
        _ if closing && how != Shutdown::Read && profile.repeated_close == RepeatedClose::Error => {
            Err(SocketError::NotConnected)
        }
        _ => Ok(()),
    }
}
