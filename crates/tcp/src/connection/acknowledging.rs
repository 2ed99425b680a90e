//! When text is acknowledged: at once, or after a while, when text of this side may have taken the
//! acknowledgment along (RFC 9293 §3.8.6.3).
//!
//! Linux has two modes. In bulk mode it acknowledges at once whatever promises to help: while the
//! sender's window is small (a new connection, a pause, a loss), when more than one segment has
//! come, and when the application has read all there was. In interactive mode ("pingpong") it
//! expects an answer of this side to do it.
//!
//! Not modelled: acknowledgments of text that nobody reads do not wait for a reader when the window
//! could not stay as large (`__tcp_ack_snd_check`), duplicate acknowledgments are not compressed
//! (`tcp_comp_sack_nr`), and time is not counted in ticks.

use core::time::Duration;

use twomsl_wire::Flags;

use super::Connection;
use super::receive::Owed;
use super::receive_window::Grown;
use super::rtt::LEAST_WAIT;
use crate::event::{SendReason, TimerKind};
use crate::outbox::Context;
use crate::profile::{DelayedAcks, Profile};
use crate::time::nanos;

/// `TCP_MAX_QUICKACKS`, for profiles that have none of their own.
const MOST_QUICK_ACKS: u8 = 16;
/// What `__tcp_ecn_check_ce` asks for.
const QUICK_ACKS_FOR_MARK: u8 = 2;
/// `TCP_DELACK_MAX`, in nanoseconds.
pub(super) const LONGEST_DELAY: u64 = 200_000_000;
/// `TCP_MSS_DEFAULT` and `TCP_MIN_MSS`, in octets.
const USUAL_SEGMENT: u16 = 536;
const SMALLEST_SEGMENT: u16 = 88;

/// Linux' `icsk_ack`. Other policies need `quick` alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Acknowledging {
    /// `ato`: how long an acknowledgment may wait, in microseconds, before the round-trip time
    /// bounds it. Zero until text has come.
    micros: u32,
    /// `rcv_mss`: how large the peer's segments usually are, in octets of text.
    segment: u16,
    /// `last_seg_size`: a smaller size becomes the usual one when it is seen twice in a row.
    candidate: u16,
    /// Acknowledgments that are still sent at once.
    quick: u8,
    mode: Mode,
    pushed: Pushed,
}

/// What the connection seems to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mode {
    Bulk,
    /// `pingpong`: one side speaks, then the other.
    Interactive,
}

/// Segments, since the last acknowledgment, that look like the end of what the peer has to say:
/// `ICSK_ACK_PUSHED` and `ICSK_ACK_PUSHED2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Pushed {
    No,
    Once,
    Twice,
}

/// Whether text has closed a gap, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    Closed,
    None,
}

impl Acknowledging {
    pub(crate) const fn new(profile: &Profile) -> Self {
        let quick = match profile.delayed_acks {
            DelayedAcks::Octets | DelayedAcks::OctetsOrPush | DelayedAcks::EverySecond => {
                profile.quick_acks
            }
            // They are granted when text comes.
            DelayedAcks::Adaptive => 0,
        };
        Self {
            micros: 0,
            segment: USUAL_SEGMENT,
            candidate: 0,
            quick,
            mode: Mode::Bulk,
            pushed: Pushed::No,
        }
    }

    /// In nanoseconds.
    fn ato(&self) -> u64 {
        u64::from(self.micros) * 1000
    }

    fn set_ato(&mut self, nanos: u64) {
        self.micros = u32::try_from(nanos / 1000).unwrap_or(u32::MAX);
    }

    /// `rcv_mss`, in octets.
    #[inline]
    pub(super) fn segment(&self) -> u32 {
        self.segment.into()
    }

    /// The room for text is scarce (`__tcp_select_window`).
    pub(super) fn no_more_quick_ones(&mut self) {
        self.quick = 0;
    }

    /// `tcp_in_quickack_mode`.
    fn is_quick(&self) -> bool {
        self.quick > 0 && self.mode == Mode::Bulk
    }

    /// The peer has said all it had to say, or the application wants no quick acknowledgments
    /// (`tcp_fin`, `TCP_QUICKACK`).
    pub(super) fn expect_answer(&mut self) {
        self.mode = Mode::Interactive;
    }

    /// `tcp_incr_quickack`: enough for a window to open by slow start, at most `most`.
    fn grant(&mut self, window: u32, most: u8) {
        let granted = match window / (2 * u32::from(self.segment)) {
            0 => 2,
            segments => segments,
        };
        let granted = u8::try_from(granted).unwrap_or(u8::MAX).min(most);
        self.quick = self.quick.max(granted);
    }

    /// `tcp_measure_rcv_mss`, but of the text alone: the kernel counts headers with their options
    /// where it compares small segments.
    fn measure(&mut self, octets: u32, flags: Flags) {
        let octets = u16::try_from(octets).unwrap_or(u16::MAX);
        let last = core::mem::take(&mut self.candidate);
        if octets >= self.segment {
            self.segment = octets;
            if flags.contains(Flags::PSH) && self.pushed == Pushed::No {
                self.pushed = Pushed::Once;
            }
            return;
        }
        let ends = flags.intersects(Flags::PSH | Flags::FIN | Flags::URG);
        if octets >= USUAL_SEGMENT || (octets >= SMALLEST_SEGMENT && !ends) {
            self.candidate = octets;
            if octets == last {
                self.segment = octets;
                return;
            }
        }
        self.pushed = if self.pushed == Pushed::No { Pushed::Once } else { Pushed::Twice };
    }

    /// An acknowledgment leaves, alone or with text (`tcp_event_ack_sent`,
    /// `tcp_dec_quickack_mode`).
    #[inline]
    pub(super) fn on_sent(&mut self, owed: Owed, profile: &Profile) {
        self.pushed = Pushed::No;
        let adaptive = profile.delayed_acks == DelayedAcks::Adaptive;
        if adaptive && self.quick > 0 && owed != Owed::Nothing {
            self.quick -= 1;
            if self.quick == 0 {
                self.set_ato(nanos(profile.delayed_ack));
            }
        }
    }

    /// Text leaves so many nanoseconds after text came: soon enough, it is an answer
    /// (`tcp_event_data_sent`, with `tcp_pingpong_thresh` = 1).
    #[inline]
    pub(super) fn on_text_sent(&mut self, since: u64) {
        if since < self.ato() {
            self.mode = Mode::Interactive;
        }
    }

    /// What `tcpi_ato` and `tcpi_rcv_mss` say when they are known.
    pub(super) fn estimates(&self) -> Option<(u64, u32)> {
        (self.micros > 0).then(|| (self.ato(), self.segment.into()))
    }
}

impl Connection {
    /// MUST-40, SHLD-18, SHLD-19: an acknowledgment may wait, but not for more than two segments.
    pub(super) fn owe_for_text(
        &mut self,
        cx: &mut Context<'_>,
        octets: u32,
        flags: Flags,
        gap: Gap,
    ) {
        let policy = cx.profile.delayed_acks;
        if policy == DelayedAcks::Adaptive {
            self.learn_from_text(cx, octets, flags);
        }
        let mss = self.advertised_mss(cx.profile);
        let grown = self.receive.raise_threshold(octets, mss);
        if grown == Grown::Yes && policy == DelayedAcks::Adaptive {
            // `tcp_grow_window`: the peer is to hear of it.
            self.receive.acks.quick |= 1;
        }
        self.counters.text_heard = cx.now;
        let unacknowledged = self.receive.nxt.since(self.receive.acknowledged);
        let enough = match policy {
            DelayedAcks::Octets => unacknowledged >= 2 * self.send.mss,
            DelayedAcks::OctetsOrPush => {
                unacknowledged >= 2 * self.send.mss || flags.contains(Flags::PSH)
            }
            // After a closed window, too (`TF_RXWIN0SENT`).
            DelayedAcks::EverySecond => {
                octets > self.max_segment()
                    || self.timers.is_running(TimerKind::DelayedAck)
                    || self.receive.offered() == 0
                    || cx.profile.delayed_ack.is_zero()
            }
            DelayedAcks::Adaptive => unacknowledged > self.receive.acks.segment(),
        };
        let acks = &mut self.receive.acks;
        if gap == Gap::Closed || enough {
            self.owe_ack();
        } else if acks.is_quick() {
            if policy != DelayedAcks::Adaptive {
                acks.quick -= 1;
            }
            self.receive.owed = self.receive.owed.max(Owed::Quick);
        } else {
            self.receive.owed = self.receive.owed.max(Owed::Delayed);
            if policy == DelayedAcks::Adaptive {
                self.hasten_delayed_ack(cx);
            }
        }
    }

    /// `tcp_initialize_rcv_mss`: what `rcv_mss` is before text has come, in octets.
    pub(super) fn first_receive_mss(&self) -> u32 {
        let usual = self.send.mss.min(self.receive.offered() / 2).min(USUAL_SEGMENT.into());
        usual.max(SMALLEST_SEGMENT.into())
    }

    /// `tcp_event_data_recv`.
    fn learn_from_text(&mut self, cx: &Context<'_>, octets: u32, flags: Flags) {
        let (first, most) = (nanos(cx.profile.delayed_ack), cx.profile.quick_acks);
        let usual = self.first_receive_mss();
        let (window, acks) = (self.receive.offered(), &mut self.receive.acks);
        if acks.micros == 0 {
            acks.segment = usual as u16;
            acks.measure(octets, flags);
            acks.grant(window, most);
            acks.set_ato(first);
            return;
        }
        acks.measure(octets, flags);
        let gap = cx.now.nanos_since(self.counters.text_heard);
        if gap <= first / 2 {
            acks.set_ato(acks.ato() / 2 + first / 2);
            return;
        }
        let rto = self.rtt.timeout(cx.profile);
        if gap < acks.ato() {
            acks.set_ato((acks.ato() / 2 + gap).min(rto));
        } else if gap > rto {
            // "Too long gap. Apparently sender failed to restart window."
            acks.grant(window, most);
        }
    }

    /// How long an acknowledgment may wait, in nanoseconds (`tcp_send_delayed_ack`).
    pub(super) fn ack_delay(&self, profile: &Profile) -> u64 {
        let usual = nanos(profile.delayed_ack);
        if profile.delayed_acks != DelayedAcks::Adaptive {
            return usual;
        }
        // Without any text `ato` is zero, and the timer fires with the kernel's next tick.
        let ato = self.receive.acks.ato().max(nanos(LEAST_WAIT));
        if ato <= usual {
            return ato;
        }
        let longest = match self.rtt.smoothed {
            0 => LONGEST_DELAY,
            smoothed => smoothed.min(LONGEST_DELAY),
        };
        ato.min(longest.max(usual))
    }

    /// More text has come, and the acknowledgment of the last still waits: the timer is brought forward
    /// if it would fire later than a new one, and not waited for if it is about to fire.
    fn hasten_delayed_ack(&mut self, cx: &mut Context<'_>) {
        let Some(deadline) = self.timers.deadline(TimerKind::DelayedAck) else { return };
        let delay = self.ack_delay(cx.profile);
        if deadline.nanos_since(cx.now) <= delay / 4 {
            self.owe_ack();
        } else {
            let at = cx.now + Duration::from_nanos(delay);
            self.timers.set(cx, TimerKind::DelayedAck, deadline.min(at));
        }
    }

    /// Nothing took the acknowledgment along in time (`tcp_delack_timer_handler`).
    pub(super) fn on_delayed_ack_timeout(&mut self, cx: &mut Context<'_>) {
        if cx.profile.delayed_acks == DelayedAcks::Adaptive {
            let rto = self.rtt.timeout(cx.profile);
            let acks = &mut self.receive.acks;
            if acks.mode == Mode::Interactive {
                acks.mode = Mode::Bulk;
                acks.set_ato(nanos(cx.profile.delayed_ack));
            } else {
                acks.set_ato((2 * acks.ato()).min(rto));
            }
        }
        self.send_ack(cx, SendReason::DelayedAck);
    }

    /// The application has read. When that was all there is, and the peer seems to have nothing
    /// more to say, the acknowledgment need not wait (`tcp_cleanup_rbuf`).
    pub(super) fn acknowledge_what_was_read(&mut self, cx: &mut Context<'_>) {
        let acks = &self.receive.acks;
        let ended = match acks.mode {
            Mode::Bulk => acks.pushed != Pushed::No,
            Mode::Interactive => acks.pushed == Pushed::Twice,
        };
        if ended && self.receive.owed == Owed::Delayed && !self.receive.holds_text() {
            self.send_ack(cx, SendReason::Ack);
        }
    }

    /// The peer shows that it misses acknowledgments (`tcp_enter_quickack_mode`).
    pub(super) fn acknowledge_quickly(&mut self, profile: &Profile) {
        self.enter_quick_mode(profile, profile.quick_acks);
    }

    /// A congestion mark has come: the peer's window may be very small from now on.
    pub(super) fn acknowledge_mark(&mut self, profile: &Profile) {
        self.owe_ack();
        self.enter_quick_mode(profile, QUICK_ACKS_FOR_MARK.min(profile.quick_acks));
    }

    fn enter_quick_mode(&mut self, profile: &Profile, most: u8) {
        if profile.delayed_acks == DelayedAcks::Adaptive {
            let window = self.receive.offered();
            let acks = &mut self.receive.acks;
            acks.grant(window, most);
            acks.mode = Mode::Bulk;
            // The first text sets up the rest, also when it is what brings the mark.
            if acks.micros > 0 {
                acks.set_ato(nanos(profile.delayed_ack));
            }
        }
    }

    /// `TCP_QUICKACK` is switched on (`__tcp_sock_set_quickack`): what is owed is sent. Linux leaves
    /// interactive mode and no more; for other policies it is what it was made for.
    pub(super) fn quick_acks_on(&mut self, cx: &mut Context<'_>) {
        let acks = &mut self.receive.acks;
        acks.mode = Mode::Bulk;
        if cx.profile.delayed_acks == DelayedAcks::Adaptive {
            acks.pushed = acks.pushed.max_once();
            self.acknowledge_what_was_read(cx);
        } else {
            acks.quick = acks.quick.max(MOST_QUICK_ACKS);
            if self.receive.owed == Owed::Delayed {
                self.receive.owed = Owed::Now;
            }
        }
    }

    /// `TCP_QUICKACK` is switched off.
    pub(super) fn quick_acks_off(&mut self, profile: &Profile) {
        match profile.delayed_acks {
            DelayedAcks::Adaptive => self.receive.acks.expect_answer(),
            DelayedAcks::Octets | DelayedAcks::OctetsOrPush | DelayedAcks::EverySecond => {
                self.receive.acks.quick = 0;
            }
        }
    }
}

impl Pushed {
    /// At least once.
    fn max_once(self) -> Self {
        if self == Self::No { Self::Once } else { self }
    }
}
