//! What may be sent now, and the segments that carry it.

use bytes::Bytes;
use twomsl_wire::{Flags, Options, Scale, Segment, SeqNum, TcpOption};

use super::congestion::Sent;
use super::receive::{Owed, Reading};
use super::send::Writing;
use super::{Connection, own_mss};
use crate::event::{SendReason, TcpState, TimerKind};
use crate::outbox::Context;
use crate::profile::{AbortReset, WindowProbe};

/// A segment that may be sent.
struct Plan {
    seq: SeqNum,
    text: u32,
    fin: Fin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fin {
    Yes,
    No,
}

/// Whether Nagle and silly-window avoidance have a say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Yes,
    /// The override timeout of RFC 9293 §3.8.6.2.1 has passed.
    No,
}

impl Connection {
    /// Sends all that may be sent, then the acknowledgment that is owed if nothing carried it: one for
    /// all that was processed (MUST-58),
    /// and sets the timers that what is left needs.
    pub(super) fn transmit(&mut self, cx: &mut Context<'_>) {
        if self.has_work() {
            self.send_what_may_leave(cx);
        }
        if self.receive.owed != Owed::Nothing {
            self.acknowledge(cx);
        }
        self.arm_timers(cx);
    }

    // This and the next one are not inline: most segments that come need one of them at most.
    #[inline(never)]
    fn send_what_may_leave(&mut self, cx: &mut Context<'_>) {
        let before = self.send.in_flight();
        while let Some(plan) = self.next_segment(Patience::Yes) {
            self.send_planned(cx, &plan);
        }
        let (una, nxt, in_flight) = (self.send.una, self.send.nxt, self.send.in_flight());
        self.congestion.on_sent(&Sent { now: cx.now, una, nxt, before, in_flight });
    }

    #[inline(never)]
    fn acknowledge(&mut self, cx: &mut Context<'_>) {
        match self.receive.owed {
            Owed::Nothing => {}
            Owed::Quick | Owed::Now => self.send_ack(cx, SendReason::Ack),
            Owed::Delayed if self.timers.is_running(TimerKind::DelayedAck) => {}
            Owed::Delayed => {
                let deadline = cx.now + cx.profile.delayed_ack;
                self.timers.set(cx, TimerKind::DelayedAck, deadline);
            }
        }
    }

    /// Whether text or a FIN may leave in this state. Before the handshake is over only the SYN
    /// is sent.
    pub(super) fn may_transmit(&self) -> bool {
        self.state.is_synchronized() && self.state != TcpState::TimeWait
    }

    /// The next segment from the text and the FIN, if one may be sent now: the largest there can be
    /// (SHLD-27, SHLD-28), whatever the writes were (MAY-16). A window that has shrunk leaves no room
    /// for anything new (MUST-34, SHLD-15).
    fn next_segment(&self, patience: Patience) -> Option<Plan> {
        let send = &self.send;
        if !send.has_more() {
            return None;
        }
        if send.resumes_with_syn() {
            return Some(Plan { seq: send.iss, text: 0, fin: Fin::No });
        }
        let in_flight = send.in_flight();
        let left = send.text_end().since(send.resume);
        let room = send.wnd.saturating_sub(in_flight);
        let usable = room.min(self.congestion.window().saturating_sub(in_flight));
        let text = left.min(self.segment_size()).min(usable);
        let ends = text == left && send.writing == Writing::Ended && room > text;
        let plan = Plan { seq: send.resume, text, fin: if ends { Fin::Yes } else { Fin::No } };
        (ends || (text > 0 && (patience == Patience::No || self.is_worth_sending(text, left))))
            .then_some(plan)
    }

    /// Nagle's algorithm (RFC 9293 §3.7.4, SHLD-7) and the sender's side of silly-window avoidance
    /// (§3.8.6.2.1, MUST-38).
    fn is_worth_sending(&self, text: u32, left: u32) -> bool {
        let send = &self.send;
        let again = send.resume.before(send.nxt);
        let all_of_it = text == left;
        text >= self.segment_size()
            || again
            || (all_of_it && (self.options.no_delay || send.is_idle()))
            || (text >= send.max_wnd / 2 && send.max_wnd > 0)
    }

    fn send_planned(&mut self, cx: &mut Context<'_>, plan: &Plan) {
        if self.send.resumes_with_syn() {
            self.send_syn(cx, SendReason::Retransmission);
            return;
        }
        let new = self.send.resume == self.send.nxt;
        let offset = plan.seq.since(self.send.text_start());
        let payload = self.send.buffer.slice(offset as usize, plan.text as usize);
        let mut flags = Flags::ACK;
        // MUST-61: the last text there is carries PSH.
        if plan.text > 0 && plan.seq + plan.text == self.send.text_end() {
            flags |= Flags::PSH;
        }
        let mut end = plan.seq + plan.text;
        if plan.fin == Fin::Yes {
            flags |= Flags::FIN;
            end += 1;
        }
        let was_idle = self.send.is_idle();
        self.send.resume = end;
        self.send.nxt = self.send.nxt.later(end);
        let reason = if new {
            self.rtt.on_send(end, cx.now);
            SendReason::New
        } else {
            self.rtt.on_retransmit();
            SendReason::Retransmission
        };
        if was_idle {
            self.waiting_since = cx.now;
        }
        self.put_out(cx, plan.seq, flags, payload, reason);
    }

    /// Sends the SYN, with an ACK if the peer's is known.
    pub(super) fn send_syn(&mut self, cx: &mut Context<'_>, reason: SendReason) {
        let iss = self.send.iss;
        if self.send.nxt == iss {
            self.rtt.on_send(iss + 1, cx.now);
            self.waiting_since = cx.now;
        } else {
            self.rtt.on_retransmit();
        }
        self.send.resume = self.send.resume.later(iss + 1);
        self.send.nxt = self.send.nxt.later(iss + 1);
        let ack = if self.state == TcpState::SynSent { Flags::empty() } else { Flags::ACK };
        let ecn = self.syn_ecn(cx.profile);
        self.put_out(cx, iss, Flags::SYN | ack | ecn, Bytes::new(), reason);
    }

    /// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
    pub(super) fn send_ack(&mut self, cx: &mut Context<'_>, reason: SendReason) {
        self.put_out(cx, self.send.nxt, Flags::ACK, Bytes::new(), reason);
    }

    /// <SEQ=SND.NXT><CTL=RST> (RFC 9293 §3.10.5), or with an ACK as Linux has it.
    pub(super) fn send_reset(&mut self, cx: &mut Context<'_>) {
        let flags = match cx.profile.abort_reset {
            AbortReset::Bare => Flags::RST,
            AbortReset::WithAck => Flags::RST | Flags::ACK,
        };
        self.put_out(cx, self.send.nxt, flags, Bytes::new(), SendReason::Reset);
    }

    /// Asks the peer for its window (RFC 9293 §3.8.6.1). Whatever is said here again draws an
    /// ACK, which carries it.
    pub(super) fn send_window_probe(&mut self, cx: &mut Context<'_>) {
        let (una, text_end) = (self.send.una, self.send.text_end());
        if cx.profile.window_probe == WindowProbe::Empty {
            self.put_out(cx, una - 1, Flags::ACK, Bytes::new(), SendReason::WindowProbe);
            return;
        }
        let (flags, payload) = if una.before(text_end) {
            (Flags::ACK | Flags::PSH, self.send.buffer.slice(0, 1))
        } else {
            (Flags::ACK | Flags::FIN, Bytes::new())
        };
        // The octet counts as sent, since the peer may take it; sending goes on from SND.UNA.
        self.send.nxt = self.send.nxt.later(una + 1);
        self.put_out(cx, una, flags, payload, SendReason::WindowProbe);
    }

    /// An old sequence number and no text (SHLD-12): the peer has to answer (RFC 9293 §3.8.4).
    pub(super) fn send_keepalive(&mut self, cx: &mut Context<'_>) {
        self.put_out(cx, self.send.nxt - 1, Flags::ACK, Bytes::new(), SendReason::KeepAlive);
    }

    /// Sends what is held back although it is small (MUST-60; the override timeout of §3.8.6.2.1).
    /// Whether there was something that the window allows.
    pub(super) fn send_held_back(&mut self, cx: &mut Context<'_>) -> bool {
        let plan = self.next_segment(Patience::No);
        if let Some(plan) = &plan {
            self.send_planned(cx, plan);
        }
        plan.is_some()
    }

    /// Every segment of a connection is made here. One function, and not one for each part of the
    /// work, so that a segment is written once: to where it waits to be taken.
    #[inline(never)]
    fn put_out(
        &mut self,
        cx: &mut Context<'_>,
        seq: SeqNum,
        flags: Flags,
        payload: Bytes,
        reason: SendReason,
    ) {
        let mut ack = SeqNum::new(0);
        let syn = flags.contains(Flags::SYN);
        let scale = if syn { Scale::NONE } else { self.agreement.receive_scale };
        let mut window = self.receive.offer(self.send.mss, cx.profile.window_rounding, scale);
        if flags.contains(Flags::ACK) {
            ack = self.receive.nxt;
            self.receive.owed = Owed::Nothing;
            self.receive.acknowledged = self.receive.nxt;
            self.timers.stop(cx, TimerKind::DelayedAck);
        } else if flags.contains(Flags::RST) {
            window = 0;
        }
        let (urg, urgent) = match self.send.urgent {
            None => (Flags::empty(), 0),
            Some(urgent) => urgent_pointer(urgent, seq, flags),
        };
        let segment = Segment {
            src_port: self.tuple.local_port,
            dst_port: self.tuple.remote_port,
            seq,
            ack,
            flags: flags | urg,
            window,
            urgent,
            options: self.options_for(cx, flags),
            payload,
        };
        cx.out.transmit(&self.tuple, segment, Some(cx.socket), reason);
    }

    /// The options of a segment with these flags.
    #[inline]
    fn options_for(&mut self, cx: &Context<'_>, flags: Flags) -> Options {
        if flags.contains(Flags::SYN) {
            let mss = own_mss(&self.tuple, &self.options, cx.profile) as u16;
            return self.syn_options(cx.now, mss, cx.profile.option_order);
        }
        let mut options = match &self.agreement.timestamps {
            None => Options::NONE,
            Some(timestamps) => {
                let (value, echo) = timestamps.stamp(cx.now);
                Options::with_timestamps(value, echo)
            }
        };
        if !self.receive.sack.is_empty() && flags.contains(Flags::ACK) {
            self.add_sack(&mut options);
        }
        options
    }

    /// RFC 2018 §3: as many blocks as there is room for, after two octets of padding.
    #[cold]
    fn add_sack(&mut self, options: &mut Options) {
        let blocks = self.receive.sack.take(self.sack_room());
        // They fit: three next to timestamps, four alone.
        for option in [TcpOption::NoOperation, TcpOption::NoOperation, TcpOption::Sack(blocks)] {
            let _ = options.push(option);
        }
    }

    /// How many SACK blocks fit next to the other options (RFC 2018 §3).
    const fn sack_room(&self) -> usize {
        if self.agreement.timestamps.is_some() { 3 } else { 4 }
    }

    /// The largest text of the next segment: Eff.snd.MSS without what SACK blocks take of it
    /// (RFC 9293 §3.7.1, MUST-16).
    fn segment_size(&self) -> u32 {
        let blocks = self.receive.sack.len(self.sack_room()) as u32;
        let sack = if blocks == 0 { 0 } else { 4 + 8 * blocks };
        self.send.mss.saturating_sub(sack).max(1)
    }

    /// Starts and stops the timers that unacknowledged and unsendable octets need. A window that is
    /// closed, or has become so (MUST-35), is probed after one timeout (SHLD-29) and then ever more
    /// seldom (SHLD-30); what lies beyond it is not given up (SHLD-17).
    #[inline]
    pub(super) fn arm_timers(&mut self, cx: &mut Context<'_>) {
        let waits = !self.send.is_idle();
        if waits && (self.send.wnd > 0 || self.send.is_opening()) {
            self.timers.stop(cx, TimerKind::Persist);
            if !self.timers.is_running(TimerKind::Retransmission) {
                self.start_retransmission_timer(cx);
            }
        } else {
            self.timers.stop(cx, TimerKind::Retransmission);
            if !waits && !self.has_work() {
                self.timers.stop(cx, TimerKind::Persist);
            } else if !self.timers.is_running(TimerKind::Persist) {
                let wait = self.rtt.backed_off(self.probe_backoff, cx.profile);
                self.timers.set(cx, TimerKind::Persist, cx.now.plus_nanos(wait));
            }
        }
        self.arm_user_timeout(cx);
    }

    /// RFC 6298 §5.1 to §5.3: as long as the timeout from now on.
    pub(super) fn start_retransmission_timer(&mut self, cx: &mut Context<'_>) {
        let deadline = cx.now.plus_nanos(self.rtt.timeout(cx.profile));
        self.timers.set(cx, TimerKind::Retransmission, deadline);
    }

    /// Whether something is to be sent, if the window and its size allow it.
    fn has_work(&self) -> bool {
        self.send.has_more() && self.may_transmit()
    }

    /// RFC 5482: the clock runs from the last progress while something waits for one.
    fn arm_user_timeout(&mut self, cx: &mut Context<'_>) {
        match self.options.user_timeout {
            Some(limit) if !self.send.is_idle() || self.has_work() => {
                let deadline = self.waiting_since + limit;
                self.timers.set(cx, TimerKind::UserTimeout, deadline);
            }
            _ => self.timers.stop(cx, TimerKind::UserTimeout),
        }
    }

    /// After the application has read: tells the peer of the room there is, when it is worth it.
    pub(super) fn update_window(&mut self, cx: &mut Context<'_>) {
        let open =
            matches!(self.state, TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2);
        if open
            && self.receive.reading == Reading::Open
            && self.receive.has_news(
                self.send.mss,
                cx.profile.window_rounding,
                self.agreement.receive_scale,
            )
        {
            self.send_ack(cx, SendReason::WindowUpdate);
        }
    }
}

/// URG and the pointer when urgent text is still ahead (MUST-62: it points to the octet after the
/// urgent text; what is too far away is as far as the field can say).
#[cold]
fn urgent_pointer(urgent: SeqNum, seq: SeqNum, flags: Flags) -> (Flags, u16) {
    let ahead = urgent.offset_from(seq);
    if ahead > 0 && !flags.intersects(Flags::SYN | Flags::RST) {
        (Flags::URG, u16::try_from(ahead).unwrap_or(u16::MAX))
    } else {
        (Flags::empty(), 0)
    }
}
