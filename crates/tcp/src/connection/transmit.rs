//! What may be sent now, and the segments that carry it.
//!
//! Long because every segment of a connection, of whatever system, is made by one function here.

use core::time::Duration;

use bytes::Bytes;
use twomsl_wire::{Ecn, Flags, Options, Scale, Segment, SeqNum, TcpOption};

use super::congestion::Sent;
use super::ecn::Text;
use super::negotiation::Use;
use super::parts::Push;
use super::receive::{Owed, Reading};
use super::recovery::Phase;
use super::scoreboard::Count;
use super::send::Writing;
use super::transmit_parts::{Burst, Nagle, Waits};
use super::{Connection, own_mss};
use crate::event::{SendReason, TcpState, TimerKind};
use crate::mutation::Mutation;
use crate::outbox::Context;
use crate::profile::{
    AbortReset, EcnFallback, Incoming, Repacketization, Segmentation, WindowProbe, WindowRounding,
};
use crate::{Profile, WhatIf};

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

/// What bounds new text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// The peer's window and the congestion window.
    Both,
    /// The peer's window alone.
    Peer,
}

/// Whether Nagle and silly-window avoidance have a say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Yes,
    /// Nagle's algorithm has none: nothing was under way when the sending began, and BSD looks
    /// only then (`idle` in `tcp_output`).
    Idle,
    /// The override timeout of RFC 9293 §3.8.6.2.1 has passed.
    No,
}

impl Connection {
    /// Sends all that may be sent, then the acknowledgment that is owed if nothing carried it: one for
    /// all that was processed (MUST-58),
    /// and sets the timers that what is left needs.
    pub(super) fn transmit(&mut self, cx: &mut Context<'_>) {
        self.transmit_by(cx, Nagle::AsSet);
    }

    /// The same, with another say about small segments.
    pub(super) fn transmit_by(&mut self, cx: &mut Context<'_>, nagle: Nagle) {
        if self.has_work() {
            self.send_what_may_leave(cx, nagle, Burst::All);
        }
        if self.receive.owed != Owed::Nothing {
            self.acknowledge(cx);
        }
        self.arm_timers(cx);
    }

    // This and the next one are not inline: most segments that come need one of them at most.
    #[inline(never)]
    pub(super) fn send_what_may_leave(&mut self, cx: &mut Context<'_>, nagle: Nagle, burst: Burst) {
        if cx.now >= self.path.expires {
            self.forget_path_mtu(cx.profile);
        }
        let before = self.in_flight(cx.profile);
        if cx.profile.is_bsd() {
            self.grow_send_buffer();
        }
        self.restart_after_idle(cx);
        if !self.holds_repairs() {
            self.send_repairs(cx);
        }
        let nxt = self.send.nxt;
        let mut waits = Waits::No;
        if cx.profile.segmentation == Segmentation::AsWritten {
            waits = self.send_parts(cx, nagle, burst);
        } else {
            let idle = cx.profile.is_bsd() && self.send.is_idle_but_for_syn();
            let patience = if idle { Patience::Idle } else { Patience::Yes };
            while let Some(plan) = self.next_segment(cx.profile, patience, Bound::Both) {
                self.send_planned(cx, &plan, SendReason::New);
            }
        }
        if self.recovery.phase() == Phase::Recovery {
            self.send_doubtful(cx);
        }
        let (una, in_flight) = (self.send.una, self.in_flight(cx.profile));
        // A burst that waits for more room is limited by the window, too.
        let full = if waits == Waits::ForMore { self.congestion.window() } else { 0 };
        let in_flight = in_flight.max(full);
        self.congestion.on_sent(&Sent { now: cx.now, una, nxt: self.send.nxt, before, in_flight });
        if self.recovery.phase() == Phase::Open {
            self.congestion.shrink_unused(cx.now, self.rtt.timeout(cx.profile));
        }
        if self.send.nxt != nxt {
            self.arm_probe(cx);
        }
    }

    /// What counts as lost goes out before anything new (RFC 6675 §4, `NextSeg`).
    fn send_repairs(&mut self, cx: &mut Context<'_>) {
        let reason = match self.recovery.phase() {
            Phase::Loss(_) => SendReason::Retransmission,
            _ => SendReason::FastRetransmission,
        };
        while let Some(index) = self.send.board.next_repair() {
            let fits = self.in_flight(cx.profile) + self.send.mss <= self.congestion.window();
            let reason = self.reason_to_repair(index).unwrap_or(reason);
            if !fits || !self.send_again(cx, index, reason) {
                break;
            }
        }
    }

    /// Nothing was under way for a while: the window may be too large by now (RFC 5681 §4.1).
    fn restart_after_idle(&mut self, cx: &Context<'_>) {
        if self.send.is_idle() && self.send.has_more() {
            let rto = self.rtt.timeout(cx.profile);
            self.congestion.on_idle(cx.now, self.last_sent, rto);
        }
    }

    #[inline(never)]
    fn acknowledge(&mut self, cx: &mut Context<'_>) {
        match self.receive.owed {
            Owed::Nothing => {}
            Owed::Quick | Owed::Now => self.send_ack(cx, SendReason::Ack),
            Owed::Delayed if self.timers.is_running(TimerKind::DelayedAck) => {}
            Owed::Delayed => {
                let delay = self.ack_delay(cx.profile);
                let deadline = cx.now + Duration::from_nanos(delay);
                self.timers.set(cx, TimerKind::DelayedAck, deadline);
            }
        }
    }

    /// Whether text or a FIN may leave in this state. Before the handshake is over only the SYN
    /// is sent, but with TCP Fast Open.
    pub(super) fn may_transmit(&self) -> bool {
        (self.state.is_synchronized() && self.state != TcpState::TimeWait) || self.is_open_early()
    }

    /// The next segment of what was never sent, if one may be sent now: the largest there can be
    /// (SHLD-27, SHLD-28), whatever the writes were (MAY-16). A window that has shrunk leaves no room
    /// for anything new (MUST-34, SHLD-15).
    fn next_segment(&self, profile: &Profile, patience: Patience, bound: Bound) -> Option<Plan> {
        let send = &self.send;
        if !send.has_more() {
            return None;
        }
        let left = send.text_end().since(send.nxt);
        let room = send.wnd.saturating_sub(send.nxt.since(send.una));
        let usable = match bound {
            Bound::Both => {
                room.min(self.congestion.window().saturating_sub(self.in_flight(profile)))
            }
            Bound::Peer => room,
        };
        let text = left.min(self.segment_size()).min(usable);
        // FreeBSD counts text only (`tcp_output`).
        let fits = room > text || profile.is_bsd();
        let ends = text == left && send.writing == Writing::Ended && fits;
        let plan = Plan { seq: send.nxt, text, fin: if ends { Fin::Yes } else { Fin::No } };
        (ends || (text > 0 && self.is_worth_sending(text, left, patience))).then_some(plan)
    }

    /// Nagle's algorithm (RFC 9293 §3.7.4, SHLD-7) and the sender's side of silly-window avoidance
    /// (§3.8.6.2.1, MUST-38). A cork holds back what even Nagle would send (`tcp_nagle_check`).
    fn is_worth_sending(&self, text: u32, left: u32, patience: Patience) -> bool {
        let send = &self.send;
        let all_of_it = text == left;
        let small = || patience == Patience::Idle || self.is_sent_small();
        patience == Patience::No
            || text >= self.segment_size()
            || (all_of_it && !self.options.cork && small())
            || (text >= send.max_wnd / 2 && send.max_wnd > 0)
    }

    /// Whether a small segment may leave, by Nagle's algorithm.
    fn is_sent_small(&self) -> bool {
        self.options.no_delay || self.send.is_idle_but_for_syn()
    }

    fn send_planned(&mut self, cx: &mut Context<'_>, plan: &Plan, reason: SendReason) {
        let length = plan.text + u32::from(plan.fin == Fin::Yes);
        let push = if plan.text > 0 { self.push_of(plan.seq + plan.text) } else { Push::No };
        self.send_segment(cx, length, push, reason);
    }

    /// MUST-61: the last text there is carries PSH.
    fn push_of(&self, end: SeqNum) -> Push {
        if end == self.send.text_end() { Push::Yes } else { Push::No }
    }

    /// Sends so many sequence numbers of what was never sent.
    pub(super) fn send_segment(
        &mut self,
        cx: &mut Context<'_>,
        length: u32,
        push: Push,
        reason: SendReason,
    ) {
        if self.send.is_idle() {
            self.waiting_since = cx.now;
        }
        let seq = self.send.nxt;
        self.send.board.push_segment(seq, length, cx.now, push);
        self.send.nxt = seq + length;
        self.rtt.on_send(self.send.nxt, cx.now);
        self.note_sent(cx, length);
        self.put_text_out(cx, (seq, length), push, reason);
    }

    /// Sends one segment of new text, whatever the congestion window says.
    pub(super) fn send_one_beyond_window(&mut self, cx: &mut Context<'_>, reason: SendReason) {
        if cx.profile.segmentation == Segmentation::AsWritten {
            self.send_parts(cx, Nagle::Off, Burst::Probe);
            return;
        }
        if let Some(plan) = self.next_segment(cx.profile, Patience::Yes, Bound::Peer) {
            self.send_planned(cx, &plan, reason);
        }
    }

    /// Sends a segment again, in the size that fits now. Whether the peer's window allows it.
    pub(super) fn send_again(
        &mut self,
        cx: &mut Context<'_>,
        index: usize,
        reason: SendReason,
    ) -> bool {
        if !self.fit_again(cx, index) {
            return false;
        }
        let Some(sent) = self.send.board.get(index).copied() else { return false };
        self.send.board.on_sent_again(index, cx.now);
        self.recovery.on_sent_again(cx.now);
        self.rtt.on_retransmit();
        self.note_sent(cx, sent.length);
        let push = match cx.profile.segmentation {
            Segmentation::AsWritten => sent.push(),
            Segmentation::Stream => {
                self.push_of(sent.end() - u32::from(self.send.includes_fin(sent.end())))
            }
        };
        self.put_text_out(cx, (sent.seq, sent.length), push, reason);
        if index == 0 {
            self.on_front_sent_again(cx);
        }
        true
    }

    /// Makes a segment that is sent again as large as it may be: cut to the window and to the
    /// segment size, which may have shrunk, or together with what follows it.
    fn fit_again(&mut self, cx: &Context<'_>, index: usize) -> bool {
        let Some(sent) = self.send.board.get(index).copied() else { return false };
        let size = self.segment_size();
        let mut edge = self.send.una + self.send.wnd;
        if sent.seq.at_or_after(edge) {
            if sent.seq != self.send.una || cx.profile.window_probe == WindowProbe::OneOctet {
                return false;
            }
            // "Our retransmit of one segment serves as a zero window probe"
            // (`__tcp_retransmit_skb`).
            edge = sent.seq + size;
        }
        let text = self.send.text_end().since(sent.seq).min(sent.length);
        let fits = text.min(size).min(edge.since(sent.seq));
        if fits < text {
            self.send.board.split(index, fits);
        } else if sent.awaits_repair() {
            self.send.board.collapse(index, size.min(edge.since(sent.seq)));
            if cx.profile.repacketization == Repacketization::Whole {
                self.extend_again(index, size.min(edge.since(sent.seq)));
            }
        }
        true
    }

    /// The last segment takes new text along when it is sent again (RFC 9293 §3.10.8 knows only
    /// "the segment at the front of the retransmission queue", BSD sends from SND.UNA on).
    fn extend_again(&mut self, index: usize, size: u32) {
        let last = index + 1 == self.send.board.len();
        let Some(sent) = self.send.board.get(index) else { return };
        if last && !self.send.includes_fin(self.send.nxt) {
            let new = self.send.text_end().since(self.send.nxt);
            let more = new.min(size.saturating_sub(sent.length));
            self.send.board.extend_last(more);
            self.send.nxt += more;
        }
    }

    /// What follows from every segment with text or FIN.
    fn note_sent(&mut self, cx: &Context<'_>, length: u32) {
        self.last_sent = cx.now;
        let weight = self.weight(Count { segments: 1, octets: length }, cx.profile);
        self.recovery.note_sent(weight);
    }

    /// Puts out what lies in a stretch of sequence space: text, and the FIN behind it.
    fn put_text_out(
        &mut self,
        cx: &mut Context<'_>,
        (seq, length): (SeqNum, u32),
        push: Push,
        reason: SendReason,
    ) {
        let mut fin = self.send.includes_fin(seq + length);
        let text = length - u32::from(fin);
        if fin && reason != SendReason::New && cx.profile.what_ifs.has(WhatIf::NoFinRetransmit) {
            if text == 0 {
                return;
            }
            fin = false;
        }
        let more = (seq + text).before(self.send.text_end()) && reason != SendReason::New;
        let late = more && cx.profile.is_mutated(Mutation::WrongOctetsAgain);
        let offset = seq.since(self.send.text_start()) + u32::from(late);
        let payload = self.send.buffer.slice(offset as usize, text as usize);
        let mut flags = Flags::ACK;
        if text > 0 {
            flags |= Self::push_flag(push);
        }
        if fin {
            flags |= Flags::FIN;
        }
        self.put_out(cx, seq, flags, payload, reason);
    }

    /// Sends the SYN, with an ACK if the peer's is known.
    pub(super) fn send_syn(&mut self, cx: &mut Context<'_>, reason: SendReason) {
        let iss = self.send.iss;
        if self.send.nxt == iss {
            self.rtt.on_send(iss + 1, cx.now);
            self.waiting_since = cx.now;
            self.send.board.push(iss, 1, cx.now);
            self.send.nxt = iss + 1;
        } else {
            self.rtt.on_retransmit();
            self.give_up_fast_open_option();
            self.give_up_options(cx.profile);
            // One copy of it counts: the others are lost or answered.
            self.send.board.mark_lost(0);
            self.send.board.on_sent_again(0, cx.now);
        }
        self.last_sent = cx.now;
        let ack = if self.state == TcpState::SynSent { Flags::empty() } else { Flags::ACK };
        let mut ecn = self.syn_ecn(cx.profile);
        if reason == SendReason::Retransmission
            && self.state == TcpState::SynSent
            && cx.profile.ecn_fallback == EcnFallback::WithoutEcn
        {
            ecn = Flags::empty();
        }
        self.put_out(cx, iss, Flags::SYN | ack | ecn, Bytes::new(), reason);
    }

    /// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
    pub(super) fn send_ack(&mut self, cx: &mut Context<'_>, reason: SendReason) {
        if cx.profile.is_bsd() && !is_response(reason) && self.owes_fin() {
            // `tcp_outflags`: whatever leaves in these states has the FIN.
            let flags = Flags::ACK | Flags::FIN;
            return self.put_out(cx, self.send.nxt - 1, flags, Bytes::new(), reason);
        }
        self.put_out(cx, self.acceptable_number(cx.profile), Flags::ACK, Bytes::new(), reason);
    }

    /// SND.NXT; on Linux the edge of the peer's window, if that has moved back before it, since the
    /// peer would not accept what lies beyond it (`tcp_acceptable_seq`).
    fn acceptable_number(&self, profile: &Profile) -> SeqNum {
        let (nxt, edge) = (self.send.nxt, self.send.una + self.send.wnd);
        let beyond = nxt.offset_from(edge);
        let rounding = match self.agreement.scaling {
            Use::Yes => 1 << self.agreement.receive_scale.shift(),
            Use::No => 0,
        };
        if profile.incoming == Incoming::Table6 || beyond <= 0 || beyond < rounding {
            return nxt;
        }
        edge
    }

    /// Whether our FIN is sent and not acknowledged.
    fn owes_fin(&self) -> bool {
        !self.send.is_idle() && self.send.includes_fin(self.send.nxt)
    }

    /// FreeBSD's window: none with a reset, what there is with what `tcp_respond` sends.
    fn window_of_bsd(&mut self, flags: Flags, scale: Scale, reason: SendReason) -> u16 {
        if flags.contains(Flags::RST) {
            0
        } else if is_response(reason) {
            self.receive.space_field(scale)
        } else {
            self.receive.offer_space(self.max_segment(), scale)
        }
    }

    /// <SEQ=SND.NXT><CTL=RST> (RFC 9293 §3.10.5), or with an ACK as Linux has it.
    pub(super) fn send_reset(&mut self, cx: &mut Context<'_>) {
        let flags = match cx.profile.abort_reset {
            AbortReset::Bare => Flags::RST,
            AbortReset::WithAck => Flags::RST | Flags::ACK,
        };
        let seq = self.acceptable_number(cx.profile);
        self.put_out(cx, seq, flags, Bytes::new(), SendReason::Reset);
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
            // FreeBSD pushes what is the last octet only (`tcp_output`).
            let last = una + 1 == text_end || !cx.profile.is_bsd();
            let push = if last { Flags::PSH } else { Flags::empty() };
            (Flags::ACK | push, self.send.buffer.slice(0, 1))
        } else {
            (Flags::ACK | Flags::FIN, Bytes::new())
        };
        if self.send.is_idle() {
            // The octet counts as sent, since the peer may take it, and as lost, since it need
            // not: sending goes on with it.
            self.send.board.push(una, 1, cx.now);
            self.send.board.mark_lost(0);
            self.send.nxt = una + 1;
        }
        self.put_out(cx, una, flags, payload, SendReason::WindowProbe);
    }

    /// An old sequence number and no text (SHLD-12): the peer has to answer (RFC 9293 §3.8.4).
    pub(super) fn send_keepalive(&mut self, cx: &mut Context<'_>) {
        self.put_out(cx, self.send.nxt - 1, Flags::ACK, Bytes::new(), SendReason::KeepAlive);
    }

    /// Sends what is held back although it is small (MUST-60; the override timeout of §3.8.6.2.1).
    /// Whether there was something that the window allows.
    pub(super) fn send_held_back(&mut self, cx: &mut Context<'_>) -> bool {
        if cx.profile.segmentation == Segmentation::AsWritten {
            let nxt = self.send.nxt;
            self.send_what_may_leave(cx, Nagle::Off, Burst::All);
            return self.send.nxt != nxt;
        }
        let plan = self.next_segment(cx.profile, Patience::No, Bound::Both);
        if let Some(plan) = &plan {
            self.send_planned(cx, plan, SendReason::New);
        }
        plan.is_some()
    }

    /// Every segment of a connection is made here. One function, and not one for each part of the
    /// work, so that a segment is written once: to where it waits to be taken.
    #[inline(never)]
    pub(super) fn put_out(
        &mut self,
        cx: &mut Context<'_>,
        seq: SeqNum,
        flags: Flags,
        payload: Bytes,
        reason: SendReason,
    ) {
        let mut ack = SeqNum::new(0);
        let syn = flags.contains(Flags::SYN);
        self.counters.on_sent(payload.len(), reason);
        let mut window = if cx.profile.is_bsd() {
            let scale = if syn { Scale::NONE } else { self.agreement.receive_scale };
            self.window_of_bsd(flags, scale, reason)
        } else {
            self.offer_window(cx.profile, flags)
        };
        if cx.profile.is_bsd() && is_response(reason) {
            // `tcp_send_challenge_ack`: what is owed is still owed.
            ack = self.receive.nxt;
            if reason == SendReason::ChallengeAck {
                self.receive.acknowledged = self.receive.nxt;
            }
        } else if flags.contains(Flags::ACK) {
            ack = self.receive.nxt;
            self.receive.acks.on_sent(self.receive.owed, cx.profile);
            self.receive.owed = Owed::Nothing;
            self.receive.acknowledged = self.receive.nxt;
            self.timers.stop(cx, TimerKind::DelayedAck);
        } else if flags.contains(Flags::RST) {
            window = 0;
        }
        if !payload.is_empty() {
            self.receive.acks.on_text_sent(cx.now.nanos_since(self.counters.text_heard));
        }
        let mut flags = flags;
        let mut mark = Ecn::NotEct;
        if self.agreement.ecn == Use::Yes && !syn && flags.contains(Flags::ACK) {
            let new = reason == SendReason::New && !payload.is_empty();
            flags |= self.ecn.flags(if new { Text::New } else { Text::Other });
            if new {
                mark = Ecn::Ect0;
            }
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
        let packet = cx.out.transmit(&self.tuple, segment, Some(cx.socket), reason);
        self.options.ip_fields().write(packet);
        packet.ecn = mark;
    }

    /// The window field of a segment with these flags: never scaled in a SYN (RFC 7323 §2.3).
    #[inline]
    pub(super) fn offer_window(&mut self, profile: &Profile, flags: Flags) -> u16 {
        let syn = flags.contains(Flags::SYN);
        match profile.window_rounding {
            WindowRounding::Segments if syn => {
                // What options take of a segment is known when the peer's SYN is.
                let options =
                    if flags.contains(Flags::ACK) { self.agreement.overhead() } else { 0 };
                let mss = own_mss(&self.tuple, &self.options, profile).saturating_sub(options);
                self.receive.offer_first(mss.max(1))
            }
            WindowRounding::Segments => {
                if self.receive.is_scarce() {
                    self.receive.acks.no_more_quick_ones();
                }
                let (usual, scale) = (self.receive.acks.segment(), self.agreement.receive_scale);
                self.receive.offer(usual, profile.window_rounding, scale)
            }
            WindowRounding::None | WindowRounding::Scale => {
                let scale = if syn { Scale::NONE } else { self.agreement.receive_scale };
                self.receive.offer(self.send.mss, profile.window_rounding, scale)
            }
        }
    }

    /// What the window is measured against: Linux takes what the peer's segments have.
    fn window_unit(&self, profile: &Profile) -> u32 {
        match profile.window_rounding {
            WindowRounding::None => self.send.mss,
            WindowRounding::Scale => self.max_segment(),
            WindowRounding::Segments => self.receive.acks.segment(),
        }
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
    pub(super) fn segment_size(&self) -> u32 {
        let blocks = self.receive.sack.len(self.sack_room()) as u32;
        let sack = if blocks == 0 { 0 } else { 4 + 8 * blocks };
        self.send.mss.saturating_sub(sack).max(1)
    }

    /// After the application has read: tells the peer of the room there is, when it is worth it.
    pub(super) fn update_window(&mut self, cx: &mut Context<'_>) {
        let open =
            matches!(self.state, TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2);
        if open
            && self.receive.reading == Reading::Open
            && self.receive.has_news(
                self.window_unit(cx.profile),
                cx.profile.window_rounding,
                self.agreement.receive_scale,
            )
        {
            self.send_ack(cx, SendReason::WindowUpdate);
        }
    }
}

/// Whether FreeBSD sends it with `tcp_respond`, beside all that `tcp_output` knows.
const fn is_response(reason: SendReason) -> bool {
    matches!(reason, SendReason::ChallengeAck | SendReason::KeepAlive)
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
