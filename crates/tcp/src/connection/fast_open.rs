//! TCP Fast Open (RFC 7413) on a connection: text in the SYN, and before the handshake is over.
//!
//! A client that has shown before that it is where it says it is has a cookie to prove it. A SYN
//! with this cookie may carry text, which the server's application can read and answer at once:
//! one round trip is saved. The price is that a copy of such a SYN is text that arrives twice.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use bytes::Bytes;
use twomsl_wire::{Flags, Mss, Options, Segment, SeqNum, TcpOption};

use super::Connection;
use super::acknowledging::LONGEST_DELAY;
use super::arrives::Taken;
use super::counters::SynText;
use super::parts::{Ending, Push};
use super::receive::{Owed, PeerFin};
use super::scoreboard::Sent;
use crate::event::{Cause, SendReason, TcpState, TimerKind};
use crate::outbox::Context;
use crate::profile::{Incoming, Offer};

/// How many cookies a client keeps.
const MOST_COOKIES: usize = 1024;

/// What one end does about TCP Fast Open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FastOpen {
    /// Nothing.
    Off,
    /// The client asks for a cookie.
    Request,
    /// The client's SYN has this cookie.
    Cookie(FastOpenCookie),
    /// The server's SYN,ACK gives the client this cookie, for the next time.
    Grant(FastOpenCookie),
    /// The server has not taken the text of the client's SYN, which ends here.
    Refused(SeqNum),
    /// The server has seen a good cookie: text goes both ways before the handshake is over.
    Early,
}

/// Whether a call that writes waits until the connection is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Writer {
    None,
    Waits,
}

/// A cookie: 4 to 16 octets (RFC 7413 §4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FastOpenCookie {
    octets: [u8; Self::MOST],
    length: u8,
    form: OptionForm,
}

/// How the option looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OptionForm {
    /// Kind 34.
    Assigned,
    /// Kind 254 with a number of its own, from before there was one (RFC 6994;
    /// `TCPOPT_FASTOPEN_MAGIC`).
    Experimental,
}

/// The number of the experimental option.
const MAGIC: [u8; 2] = [0xf9, 0x89];
/// The kind of experiments (RFC 4727).
const EXPERIMENT: u8 = 254;

impl FastOpenCookie {
    const MOST: usize = 16;

    /// `None` for a request, which is empty, and for what is no cookie.
    pub(crate) fn new(cookie: &[u8]) -> Option<Self> {
        let mut octets = [0; Self::MOST];
        octets.get_mut(..cookie.len())?.copy_from_slice(cookie);
        let form = OptionForm::Assigned;
        (!cookie.is_empty()).then_some(Self { octets, length: cookie.len() as u8, form })
    }

    /// The same in another option.
    pub(crate) const fn in_form(self, form: OptionForm) -> Self {
        Self { form, ..self }
    }

    /// The option with it: its kind and its data.
    pub(super) fn write(&self, put: impl FnOnce(TcpOption<'_>)) {
        match self.form {
            OptionForm::Assigned => put(TcpOption::FastOpen(self.as_bytes())),
            OptionForm::Experimental => {
                let mut data = [0; Self::MOST + MAGIC.len()];
                data[..MAGIC.len()].copy_from_slice(&MAGIC);
                data[MAGIC.len()..].copy_from_slice(&self.octets);
                let data = &data[..MAGIC.len() + usize::from(self.length)];
                put(TcpOption::Unknown { kind: EXPERIMENT, data });
            }
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }
}

/// The cookie of a segment, empty for a request, and how it stands there; `None` without the option.
pub(crate) fn cookie_of(options: &Options) -> Option<(&[u8], OptionForm)> {
    options.iter().find_map(|option| match option {
        Ok(TcpOption::FastOpen(cookie)) => Some((cookie, OptionForm::Assigned)),
        Ok(TcpOption::Unknown { kind: EXPERIMENT, data }) => {
            let cookie = data.strip_prefix(&MAGIC)?;
            let sound = cookie.is_empty() || (4..=16).contains(&cookie.len());
            (sound && cookie.len() % 2 == 0).then_some((cookie, OptionForm::Experimental))
        }
        _ => None,
    })
}

/// The cookies that servers have given to this host, and the MSS they announced (RFC 7413
/// §4.1.3.1).
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct FastOpenCache {
    known: BTreeMap<IpAddr, (FastOpenCookie, u16)>,
}

impl FastOpenCache {
    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }

    pub(crate) fn knows(&self, server: IpAddr) -> bool {
        self.known.contains_key(&server)
    }

    /// How much text a SYN to a server can carry, beside all the options there can be. Of a server
    /// without a cookie nothing is known but the least that there is (`tcp_v4_connect`).
    pub(crate) fn room(&self, server: IpAddr, mss: u32) -> u32 {
        let announced = self.get(server).map_or(Mss::DEFAULT_V4.0, |(_, announced)| announced);
        mss.min(announced.into()).saturating_sub(Options::MAX as u32)
    }

    fn get(&self, server: IpAddr) -> Option<(FastOpenCookie, u16)> {
        self.known.get(&server).copied()
    }

    fn insert(&mut self, server: IpAddr, cookie: FastOpenCookie, mss: u16) {
        if self.known.len() >= MOST_COOKIES && !self.known.contains_key(&server) {
            // Any will do: who loses its cookie asks for another one.
            self.known.pop_first();
        }
        self.known.insert(server, (cookie, mss));
    }
}

impl Connection {
    /// Active OPEN with text: in the SYN, if the server has given us a cookie (RFC 7413 §4.2.1).
    /// What does not fit follows after the handshake. Takes from `text` what the send buffer has
    /// room for.
    pub(crate) fn open_fast(&mut self, cx: &mut Context<'_>, text: &mut Bytes) {
        self.transition(cx, TcpState::SynSent, Cause::Connect);
        let octets = self.room(cx.profile).min(text.len());
        self.queue(cx, text.split_to(octets), Ending::Push);
        let known = cx.fast_open.get(self.tuple.remote_addr);
        let room = cx.fast_open.room(self.tuple.remote_addr, self.send.mss).min(octets as u32);
        let needless = cx.profile.fast_open_cookies.client == Offer::No
            || self.options.fast_open_cookies == Offer::No;
        if cx.profile.fast_open_client == Offer::No {
            self.send_syn(cx, SendReason::New);
        } else if needless {
            // `tcp_fastopen_cookie_check`: not even one that is known.
            self.send_syn_with_text(cx, room);
        } else if let Some((cookie, _)) = known {
            self.fast_open = FastOpen::Cookie(cookie);
            self.send_syn_with_text(cx, room);
        } else {
            self.fast_open = FastOpen::Request;
            self.send_syn(cx, SendReason::New);
        }
        self.arm_timers(cx);
    }

    fn send_syn_with_text(&mut self, cx: &mut Context<'_>, octets: u32) {
        let iss = self.send.iss;
        self.rtt.on_send(iss + 1, cx.now);
        (self.waiting_since, self.last_sent) = (cx.now, cx.now);
        // On record by themselves: if the SYN has to be sent again, it goes alone.
        self.send.board.push(iss, 1, cx.now);
        if octets > 0 {
            let whole = iss + 1 + octets == self.send.text_end();
            let push = if whole { Push::Yes } else { Push::No };
            self.send.board.push_segment(iss + 1, octets, cx.now, push);
        }
        self.send.nxt = iss + 1 + octets;
        let payload = self.send.buffer.slice(0, octets as usize);
        let flags = Flags::SYN | self.syn_ecn(cx.profile);
        self.put_out(cx, iss, flags, payload, SendReason::New);
    }

    /// A SYN or SYN,ACK is sent again: without the option and without text, which a middlebox may
    /// not have liked (RFC 7413 §4.1.3.1, §7.1).
    pub(super) fn give_up_fast_open_option(&mut self) {
        if self.fast_open != FastOpen::Early {
            self.fast_open = FastOpen::Off;
        }
    }

    /// The SYN,ACK brings a cookie for the next time.
    pub(super) fn learn_cookie(&self, cx: &mut Context<'_>, syn_ack: &Segment) {
        let asked = matches!(self.fast_open, FastOpen::Request | FastOpen::Cookie(_));
        let cookie = cookie_of(&syn_ack.options);
        let cookie = cookie.and_then(|(octets, _)| FastOpenCookie::new(octets));
        if let Some(cookie) = cookie.filter(|_| asked) {
            let mss = syn_ack.options.mss().unwrap_or(Mss::DEFAULT_V4.0);
            cx.fast_open.insert(self.tuple.remote_addr, cookie, mss);
        }
    }

    /// What the SYN,ACK does not acknowledge of the text in our SYN was not taken, and is sent
    /// again at once (RFC 7413 §4.2.1).
    pub(super) fn repair_text_of_syn(&mut self) {
        if !self.send.is_idle() {
            self.fast_open = FastOpen::Refused(self.send.nxt);
            self.send.board.mark_all_lost(|_, _| true);
        } else if self.send.una.after(self.send.iss + 1) {
            self.counters.syn_text = SynText::Acknowledged;
            // "SYN-data is counted as two separate packets" (`tcp_rcv_fastopen_synack`).
            self.counters.delivered = self.counters.delivered.saturating_sub(1).max(1);
        }
    }

    /// Whether this is the text that the SYN carried in vain, and was not sent by itself yet.
    pub(super) fn is_refused_text_of_syn(&self, sent: &Sent) -> bool {
        matches!(self.fast_open, FastOpen::Refused(end) if sent.end().at_or_before(end))
            && !sent.was_copied()
    }

    /// A SYN,ACK is acknowledged at once, but not on Linux while a writer waits for the connection:
    /// its text takes the acknowledgment along, and nothing does for 200 ms if the SYN had all of it
    /// (`sk_write_pending` in `tcp_rcv_synsent_state_process`).
    pub(super) fn owe_ack_of_syn(&mut self, cx: &mut Context<'_>) {
        let waits = core::mem::replace(&mut self.writer, Writer::None) == Writer::Waits;
        let refused = matches!(self.fast_open, FastOpen::Refused(_));
        if !waits || refused || cx.profile.incoming != Incoming::Linux {
            return self.owe_ack();
        }
        self.receive.owed = Owed::Delayed;
        self.acknowledge_quickly(cx.profile);
        let deadline = cx.now.plus_nanos(LONGEST_DELAY);
        self.timers.set(cx, TimerKind::DelayedAck, deadline);
    }

    /// Text of a SYN with a good cookie, for the application at once. Its FIN waits for the end of
    /// the handshake.
    pub(super) fn take_text_of_syn(&mut self, segment: &Segment, taken: &mut Taken) {
        let room = self.receive.capacity as usize;
        let text = segment.payload.slice(..segment.payload.len().min(room));
        let whole = text.len() == segment.payload.len();
        taken.text = text.len() as u32;
        if !text.is_empty() {
            self.counters.syn_text = SynText::Acknowledged;
            self.counters.bytes_received += u64::from(taken.text);
            self.receive.append(text);
        }
        if whole && segment.has(Flags::FIN) {
            self.receive.fin = PeerFin::At(self.receive.nxt);
        }
    }

    /// Whether text goes both ways although the handshake is not over.
    pub(super) fn is_open_early(&self) -> bool {
        self.state == TcpState::SynReceived && self.fast_open == FastOpen::Early
    }
}
