//! A handshake without memory on this side (RFC 4987 §3.6): a SYN,ACK for a connection that is
//! forgotten at once, and the same connection again when its ACK has come.

use bytes::Bytes;
use twomsl_wire::{Flags, Options, Scale, Segment};

use super::negotiation::{Agreement, Use};
use super::timestamps::Timestamps;
use super::{Connection, Origin};
use crate::Instant;
use crate::event::{Cause, SendReason, SocketId, TcpState};
use crate::outbox::Context;
use crate::profile::WindowRounding;

/// The options that the low bits of our timestamp carry to the peer and back: `TS_OPT_WSCALE_MASK`,
/// `TS_OPT_SACK` and `TS_OPT_ECN` of Linux' `cookie_init_timestamp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CookieOptions {
    /// The shift count of the windows that the peer offers.
    pub(crate) scale: Option<u8>,
    pub(crate) sack: bool,
    pub(crate) ecn: bool,
}

/// No shift count has this value (RFC 7323 §2.3: 14 at most).
const NO_SCALE: u32 = 0xf;
const SACK: u32 = 1 << 4;
const ECN: u32 = 1 << 5;

impl CookieOptions {
    fn of(agreement: &Agreement) -> Self {
        let scaled = agreement.scaling == Use::Yes;
        Self {
            scale: scaled.then_some(agreement.send_scale.shift()),
            sack: agreement.sack == Use::Yes,
            ecn: agreement.ecn == Use::Yes,
        }
    }

    fn bits(self) -> u32 {
        let flag = |on, bit| if on { bit } else { 0 };
        self.scale.map_or(NO_SCALE, u32::from) | flag(self.sack, SACK) | flag(self.ecn, ECN)
    }

    /// What a TSecr brings back.
    pub(crate) fn from_echo(clock: &Timestamps, echo: u32) -> Self {
        let bits = clock.carried_by(echo);
        let scale = bits & NO_SCALE;
        Self {
            scale: (scale != NO_SCALE).then_some(scale as u8),
            sack: bits & SACK != 0,
            ecn: bits & ECN != 0,
        }
    }
}

impl Agreement {
    /// Nobody will remember what was agreed on. It goes into the timestamp; without one, no option
    /// is in use.
    fn put_into_timestamp(&mut self, now: Instant) {
        let bits = CookieOptions::of(self).bits();
        if let Some(timestamps) = &mut self.timestamps {
            timestamps.carry(now, bits);
        } else {
            (self.scaling, self.sack, self.ecn) = (Use::No, Use::No, Use::No);
            (self.send_scale, self.receive_scale) = (Scale::NONE, Scale::NONE);
        }
    }
}

impl Connection {
    /// Answers a SYN, whose MSS the cookie rounds down to `mss`. What happens to this connection
    /// afterwards is nobody's business.
    pub(crate) fn answer_statelessly(&mut self, cx: &mut Context<'_>, syn: &Segment, mss: u16) {
        self.state = TcpState::SynReceived;
        self.synchronize(syn, cx);
        // The window depends on it, and must be the same when the cookie comes back.
        let rounded = u32::from(mss).saturating_sub(self.agreement.overhead()).max(1);
        self.send.mss = self.send.mss.min(rounded);
        self.agreement.put_into_timestamp(cx.now);
        let flags = Flags::SYN | Flags::ACK | self.syn_ecn(cx.profile);
        self.put_out(cx, self.send.iss, flags, Bytes::new(), SendReason::SynCookie);
    }

    /// The connection as it was when its SYN,ACK was sent, but that it has to do without the
    /// options that the cookie could not carry.
    pub(crate) fn resume_from_cookie(
        &mut self,
        cx: &mut Context<'_>,
        syn: &Segment,
        listener: SocketId,
    ) {
        self.begin_in_listen();
        self.origin = Origin::Passive { listener, supersedes: None };
        self.synchronize(syn, cx);
        self.transition(cx, TcpState::SynReceived, Cause::SynCookie);
        let iss = self.send.iss;
        self.send.nxt = iss + 1;
        // Nobody knows when it was sent: like something sent again, it tells nothing about time
        // (Karn's algorithm, RFC 6298 §3).
        self.send.board.push(iss, 1, cx.now);
        self.send.board.mark_lost(0);
        self.send.board.on_sent_again(0, cx.now);
        match (cx.profile.window_rounding, syn.options.mss()) {
            // `cookie_v4_check` counts whole segments as if they had no options, so that the window is
            // another one than that of the SYN,ACK.
            (WindowRounding::Segments, Some(mss)) => {
                self.receive.offer_first(mss.into());
            }
            _ => {
                self.offer_window(cx.profile, Flags::SYN | Flags::ACK);
            }
        }
        self.receive.acknowledged = self.receive.nxt;
        self.arm_timers(cx);
    }
}

impl Timestamps {
    /// Takes the echo out of an ACK that brings a cookie back: its low bits are no time, and the
    /// round trip would look up to 64 ms too long. An echo of the future counts for nothing.
    pub(crate) fn discard_echo(&self, now: Instant, ack: &mut Segment) {
        if let Some((value, _)) = ack.options.timestamps() {
            let (clock, _) = self.stamp(now);
            ack.options = Options::with_timestamps(value, clock.wrapping_add(1));
        }
    }
}
