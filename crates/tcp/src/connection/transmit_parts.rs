//! What leaves when text is sent part by part, as Linux does it (`tcp_write_xmit`).

use bytes::Bytes;
use twomsl_wire::{Flags, SeqNum};

use super::Connection;
use super::parts::{Ending, Head, Parts, Place, Push, Write};
use super::recovery::Phase;
use super::send::Writing;
use crate::Profile;
use crate::event::{SendReason, TimerKind};
use crate::outbox::Context;
use crate::time::nanos;

/// `tcp_tso_win_divisor`: a third of the window is worth sending.
const WORTHWHILE_SHARE: u32 = 3;
/// A burst may wait for more acknowledgments only so shortly after the last one: a millisecond.
const BURST_GAP: u64 = 1_000_000;
/// `TCP_MSS_DEFAULT`: a window up to this size may be filled with one segment.
const SMALL_WINDOW: u32 = 536;

/// What has a say about segments that are not full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nagle {
    /// The socket's options.
    AsSet,
    /// They wait whatever the options say (`MSG_MORE`).
    Cork,
    /// They need not wait.
    Off,
}

/// How much is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Burst {
    /// All that may.
    All,
    /// What makes one packet for the network device (`tcp_push_one`).
    One,
    /// That, and one segment even beyond the congestion window (a tail loss probe).
    Probe,
}

impl Connection {
    /// SEND: puts text behind what waits already, and sends what may leave meanwhile
    /// (`tcp_sendmsg_locked`).
    pub(super) fn write_in_parts(&mut self, cx: &mut Context<'_>, mut text: Bytes, ending: Ending) {
        let mut write = Write::Begins;
        loop {
            let goal = self.part_goal();
            let (nxt, end) = (self.send.nxt, self.send.text_end());
            let room = self.send.parts.open(nxt, end, goal, write) as usize;
            self.send.push(text.split_to(room.min(text.len())));
            write = Write::GoesOn;
            if text.is_empty() {
                break;
            }
            self.push_full_part(cx);
        }
        let end = self.send.text_end();
        if ending == Ending::Record {
            self.send.parts.end_record();
        }
        if ending != Ending::More || self.is_push_due() {
            self.send.parts.push(end);
        }
    }

    /// A part is full, and more follows.
    fn push_full_part(&mut self, cx: &mut Context<'_>) {
        let (nxt, end) = (self.send.nxt, self.send.text_end());
        let due = self.is_push_due();
        if due {
            self.send.parts.push(end);
        }
        if !self.may_transmit() {
            return;
        }
        if due {
            self.send_what_may_leave(cx, Nagle::Off, Burst::All);
        } else if self.send.parts.head(nxt, end).place == Place::Last {
            self.send_what_may_leave(cx, Nagle::Off, Burst::One);
        }
    }

    fn is_push_due(&self) -> bool {
        self.send.parts.is_long_ago(self.send.text_end(), self.send.max_wnd / 2)
    }

    /// How much a part holds now.
    pub(super) fn part_goal(&self) -> u32 {
        let mss = self.segment_size();
        Parts::goal(mss, self.bounded_to_half_window(u32::MAX))
    }

    /// No packet is larger than half of the largest window that the peer has offered, or it could
    /// not be sent before all before it is acknowledged (`tcp_bound_to_half_wnd`).
    pub(super) fn bounded_to_half_window(&self, size: u32) -> u32 {
        /// Headers of IP and TCP in the smallest packet that everybody takes (RFC 791 §3.1).
        const LEAST: u32 = 68 - 20;
        let largest = match self.send.max_wnd {
            0 => return size,
            window if window > SMALL_WINDOW => window / 2,
            window => window,
        };
        size.min(largest.max(LEAST - self.agreement.overhead()))
    }

    /// Sends parts, or pieces of them (`tcp_write_xmit`). Whether anything waits although there
    /// would be room in the congestion window.
    pub(super) fn send_parts(&mut self, cx: &mut Context<'_>, nagle: Nagle, burst: Burst) -> Waits {
        while self.send.has_more() {
            let mss = self.segment_size();
            let head = self.send.parts.head(self.send.nxt, self.send.text_end());
            let small_end = self.ends_with_fin(head) && head.end.since(self.send.nxt) <= mss;
            let quota = match self.quota(cx.profile, mss) {
                // "Don't be strict about the congestion window for the final FIN."
                0 if burst == Burst::Probe || small_end => 1,
                0 => break,
                quota => quota,
            };
            if !self.fits_window(head, mss) {
                break;
            }
            let length = head.end.since(self.send.nxt);
            if length <= mss {
                if !self.may_be_small(head, length, mss, nagle) {
                    break;
                }
            } else if burst == Burst::All && self.is_deferred_burst(cx, head, quota, mss) {
                return Waits::ForMore;
            }
            let limit = self.cut(head, mss, quota, nagle).min(length);
            self.send_part(cx, head, limit, mss);
            if burst != Burst::All {
                break;
            }
        }
        Waits::No
    }

    /// How many segments may leave in one packet (`tcp_cwnd_test`, `tcp_tso_segs`): half of the
    /// window at most.
    fn quota(&self, profile: &Profile, mss: u32) -> u32 {
        let unit = self.send.mss.max(1);
        let window = self.congestion.window() / unit;
        // The SYN,ACK of TCP Fast Open is not text, and on no list of its connection.
        let early = u32::from(self.is_open_early());
        let under_way = (self.in_flight(profile) / unit).saturating_sub(early);
        let free = window.saturating_sub(under_way);
        free.min((window / 2).max(1)).min(self.packet_segments(profile, mss))
    }

    /// `tcp_tso_autosize`: what is sent in a millisecond at this rate, more on short paths.
    fn packet_segments(&self, profile: &Profile, mss: u32) -> u32 {
        const LARGEST: u64 = 65_215;
        let (srtt, shortest) = (self.rtt.smoothed / 1000, self.rtt.shortest() / 1000);
        let window = u64::from(self.congestion.window());
        // `tcp_update_pacing_rate`: 200 % in slow start, else 120 %.
        let grows = window < u64::from(self.congestion.threshold() / 2);
        let share = if grows { 200 } else { 120 };
        let rate = (window * share * 10_000).checked_div(srtt).unwrap_or(u64::MAX);
        let near = u32::try_from(shortest >> 9).ok().and_then(|steps| LARGEST.checked_shr(steps));
        let octets = (rate >> 10).saturating_add(near.unwrap_or(0)).min(LARGEST);
        (octets as u32 / mss.max(1)).max(profile.least_burst)
    }

    /// The first segment fits into the peer's window (`tcp_snd_wnd_test`).
    fn fits_window(&self, head: Head, mss: u32) -> bool {
        let nxt = self.send.nxt;
        let fin = u32::from(self.ends_with_fin(head));
        let end = if head.end.since(nxt) > mss { nxt + mss } else { head.end + fin };
        end.at_or_before(self.send.una + self.send.wnd)
    }

    fn ends_with_fin(&self, head: Head) -> bool {
        head.place == Place::Last && self.send.writing == Writing::Ended
    }

    /// `tcp_nagle_test`, for a part that is one segment.
    fn may_be_small(&self, head: Head, length: u32, mss: u32, nagle: Nagle) -> bool {
        head.place == Place::Before
            || self.ends_with_fin(head)
            || self.send.urgent.is_some()
            || length >= mss
            || !self.is_held_back(nagle)
    }

    /// `tcp_nagle_check`: whether a segment that is not full has to wait. Minshall's variant: for
    /// another one that is not full, not for any.
    fn is_held_back(&self, nagle: Nagle) -> bool {
        match nagle {
            Nagle::Off => false,
            Nagle::Cork => true,
            Nagle::AsSet if self.options.cork => true,
            Nagle::AsSet if self.options.no_delay => false,
            Nagle::AsSet => {
                let small = self.send.small;
                !self.send.is_idle_but_for_syn()
                    && small.after(self.send.una)
                    && small.at_or_before(self.send.nxt)
            }
        }
    }

    /// How much of a part leaves (`tcp_mss_split_point`): whole segments, and the rest if that may
    /// be small.
    fn cut(&self, head: Head, mss: u32, quota: u32, nagle: Nagle) -> u32 {
        let nxt = self.send.nxt;
        let length = head.end.since(nxt);
        if length <= mss || self.send.urgent.is_some() {
            return mss;
        }
        let window = (self.send.una + self.send.wnd).since(nxt);
        let most = mss.saturating_mul(quota);
        let needed = length.min(window);
        if (most <= window && head.place == Place::Before) || most <= needed {
            return most;
        }
        let partial = needed % mss;
        if partial > 0 && self.is_held_back(nagle) { needed - partial } else { needed }
    }

    /// `tcp_tso_should_defer`: whether a burst waits for acknowledgments that will let more of it
    /// leave at once.
    fn is_deferred_burst(&self, cx: &Context<'_>, head: Head, quota: u32, mss: u32) -> bool {
        if matches!(self.recovery.phase(), Phase::Recovery | Phase::Loss(_))
            || cx.now.nanos_since(self.last_sent) > BURST_GAP
        {
            return false;
        }
        let (nxt, length) = (self.send.nxt, head.end.since(self.send.nxt));
        let window = self.congestion.window();
        let by_peer = (self.send.una + self.send.wnd).since(nxt);
        let by_network = window.saturating_sub(self.in_flight(cx.profile));
        let limit = by_peer.min(by_network);
        let segments = self.packet_segments(cx.profile, mss).max(quota);
        if limit >= segments.saturating_mul(self.send.mss)
            || (head.place == Place::Before && limit >= length)
            || limit >= self.send.wnd.min(window) / WORTHWHILE_SHARE
        {
            return false;
        }
        // The next acknowledgment is half a round trip away at least.
        let Some(first) = self.send.board.get(0) else { return false };
        if cx.now.nanos_since(first.at) < self.rtt.smoothed / 2 {
            return false;
        }
        limit <= length || !self.ends_with_fin(head)
    }

    /// Sends this much of a part, segment by segment, and the FIN behind the last of them.
    fn send_part(&mut self, cx: &mut Context<'_>, head: Head, octets: u32, mss: u32) {
        let end = self.send.nxt + octets;
        let whole = end == head.end;
        let fin = u32::from(whole && self.ends_with_fin(head));
        // Since 5.4 what leaves as more than one segment is pushed, "to expedite GRO flush at
        // receiver" (`__tcp_transmit_skb`).
        let push =
            if octets > mss || whole && head.push == Push::Yes { Push::Yes } else { Push::No };
        loop {
            let length = end.since(self.send.nxt).min(mss);
            let last = self.send.nxt + length == end;
            let push = if last { push } else { Push::No };
            self.send_segment(cx, length + if last { fin } else { 0 }, push, SendReason::New);
            if last {
                break;
            }
        }
        if octets == 0 || !octets.is_multiple_of(mss) {
            self.send.small = end + fin;
        }
    }

    /// A closed or narrow window is probed (`tcp_write_wakeup`): with text, if it has room for
    /// some. Whether it had.
    pub(super) fn probe_with_text(&mut self, cx: &mut Context<'_>) -> bool {
        let nxt = self.send.nxt;
        let edge = self.send.una + self.send.wnd;
        if !self.send.has_more() || nxt.at_or_after(edge) {
            return false;
        }
        let head = self.send.parts.head(nxt, self.send.text_end());
        let fin = u32::from(self.ends_with_fin(head));
        let all = head.end.since(nxt) + fin;
        self.send.parts.push_at_least(head.end);
        let octets = all.min(edge.since(nxt)).min(self.segment_size() + fin);
        self.send_segment(cx, octets, Push::Yes, SendReason::New);
        true
    }

    /// When Linux stops probing: the limit of `tcp_retries2`, or `TCP_USER_TIMEOUT` since the first
    /// probe (`tcp_probe_timer`).
    pub(super) fn on_probe_timer(&mut self, cx: &mut Context<'_>) {
        if !self.send.is_idle() || !self.send.has_more() {
            (self.window_probes, self.probe_backoff) = (0, 0);
            return self.arm_timers(cx);
        }
        if self.is_probed_in_vain(cx) {
            return self.give_up(cx, TimerKind::Persist);
        }
        self.probes_since = self.probes_since.min(cx.now);
        if !self.probe_with_text(cx) {
            self.send_window_probe(cx);
        }
        if self.send.is_idle() {
            self.window_probes += 1;
            self.probe_backoff += 1;
        } else {
            self.forget_probes();
        }
        self.arm_timers(cx);
    }

    fn is_probed_in_vain(&self, cx: &Context<'_>) -> bool {
        let since = cx.now.nanos_since(self.probes_since);
        let by_user = self.options.user_timeout.is_some_and(|limit| since >= nanos(limit));
        by_user || self.is_hopeless_probe(cx)
    }

    /// The window has opened: probing is over.
    pub(super) fn forget_probes(&mut self) {
        (self.window_probes, self.probe_backoff) = (0, 0);
        self.probes_since = crate::Instant::MAX;
    }

    /// An acknowledgment has come while nothing is under way (`tcp_ack_probe`): the first part fits
    /// into the window now, or the wait for the next probe starts over.
    pub(super) fn on_ack_of_probe(&mut self, cx: &mut Context<'_>) {
        if !self.send.has_more() {
            return;
        }
        let head = self.send.parts.head(self.send.nxt, self.send.text_end());
        let end: SeqNum = head.end + u32::from(self.ends_with_fin(head));
        if end.at_or_before(self.send.una + self.send.wnd) {
            self.forget_probes();
            self.timers.stop(cx, TimerKind::Persist);
        } else if self.timers.is_running(TimerKind::Persist) {
            let wait = self.probe_wait(cx);
            self.timers.set(cx, TimerKind::Persist, cx.now.plus_nanos(wait));
        }
    }

    /// How long the next probe waits: not beyond the user timeout
    /// (`tcp_clamp_probe0_to_user_timeout`).
    pub(super) fn probe_wait(&self, cx: &Context<'_>) -> u64 {
        let wait = self.rtt.persist_wait(self.probe_backoff, cx.profile);
        match self.options.user_timeout {
            Some(limit) if self.probes_since < cx.now => {
                let left = nanos(limit).saturating_sub(cx.now.nanos_since(self.probes_since));
                wait.min(left.max(2_000_000))
            }
            _ => wait,
        }
    }

    /// PSH for text that is sent again or for the first time.
    pub(super) const fn push_flag(push: Push) -> Flags {
        match push {
            Push::Yes => Flags::PSH,
            Push::No => Flags::empty(),
        }
    }
}

/// Whether a burst was put off although the window has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    ForMore,
    No,
}
