//! SYN cookies (RFC 4987 §3.6): when the SYN queue is full, what would stand in it goes into the
//! initial sequence number of the SYN,ACK, and comes back with the peer's ACK. A SYN then costs no
//! memory, and a forged one, whose SYN,ACK goes to somebody else, leads to nothing.
//!
//! As in Linux' `net/ipv4/syncookies.c`, the number is
//!
//! ```text
//! hash(4-tuple) + client's ISN + (minute << 24)
//!     + (hash(4-tuple, client's ISN, minute) + MSS index) mod 2^24
//! ```
//!
//! so that it grows with time, as RFC 9293 §3.4.1 wants it, and only who has seen it can send its
//! acknowledgment. The price: window scale, SACK and ECN only go with it if the peer uses
//! timestamps, whose low bits carry them; of the MSS four values are left; a lost SYN,ACK is not
//! sent again; and if the last ACK of the handshake is lost, this side knows nothing of a
//! connection that the peer believes in.

use bytes::Bytes;
use twomsl_wire::{Flags, Mss, Options, Segment, SeqNum, TcpOption};

use super::Stack;
use super::arrives::arrival;
use super::isn::keyed_tuple_and;
use crate::connection::{Connection, CookieOptions, Timestamps};
use crate::event::{Arrival, SocketId, SynTaken};
use crate::outbox::AcceptQueue;
use crate::profile::{Offer, SynCookies};
use crate::tuple::Tuple;
use crate::{Holder, Instant, Verdict};

/// How long a cookie's minute is in nanoseconds: `TCP_SYNCOOKIE_PERIOD`.
const MINUTE: u64 = 60_000_000_000;

/// A cookie is good in the minute it was made in and in the next one: `MAX_SYNCOOKIE_AGE`.
const MAX_AGE: u32 = 2;

/// After so long without an overflow no cookie is good any more, and an ACK need not be looked at:
/// `TCP_SYNCOOKIE_VALID`.
pub(super) const VALID: u64 = MAX_AGE as u64 * MINUTE;

/// The minute stands above so many bits: `COOKIEBITS`.
const BITS: u32 = 24;

/// What a cookie can say about the peer's MSS: `msstab` of Linux, for IPv4 and IPv6.
const MSS_V4: [u16; 4] = [536, 1300, 1440, 1460];
const MSS_V6: [u16; 4] = [1220, 1420, 1440, 8940];

impl Stack {
    /// Answers a SYN and forgets it.
    pub(super) fn answer_with_cookie(
        &mut self,
        now: Instant,
        listener: SocketId,
        tuple: &Tuple,
        syn: &Segment,
    ) -> Arrival {
        let Some(queue) = self.slots.listener_mut(listener) else {
            return arrival(None, Verdict::NoConnection.into());
        };
        queue.overflowed = Some(now);
        let options = queue.options.clone();
        let (iss, mss) =
            Cookie::new(&self.secret, tuple, syn.seq).number(now, announced_mss(tuple, syn));
        let (clock, holder) = (self.timestamp_clock(tuple), Holder::Listener);
        // A connection that lives as long as its SYN,ACK is made.
        let mut half = Connection::new(now, *tuple, iss, clock, options, holder, &self.profile);
        let (mut cx, _) = self.context(now, listener, AcceptQueue::Room);
        half.answer_statelessly(&mut cx, syn, mss);
        self.out.disown_newest();
        arrival(Some(listener), Verdict::SynCookie.into())
    }

    /// LISTEN → SYN-RECEIVED → ESTABLISHED, if this ACK brings a cookie back; `None` if not.
    pub(super) fn open_from_cookie(
        &mut self,
        now: Instant,
        listener: SocketId,
        tuple: &Tuple,
        ack: &mut Segment,
    ) -> Option<Arrival> {
        let queue = self.slots.listener_mut(listener)?;
        let recent = queue.overflowed.is_some_and(|at| now.nanos_since(at) <= VALID);
        if !recent || self.profile.syn_cookies == SynCookies::Off || ack.has(Flags::SYN) {
            return None;
        }
        let (irs, iss) = (ack.seq - 1, ack.ack - 1);
        let mss = Cookie::new(&self.secret, tuple, irs).mss(now, iss)?;
        if queue.accept_queue_is_full(&self.profile) {
            // Linux' `tcp_get_cookie_sock`: the cookie is as good when it comes again.
            return Some(arrival(Some(listener), Verdict::AcceptQueueFull.into()));
        }
        queue.opening += 1;
        let options = queue.options.clone();
        let (clock, holder) = (self.timestamp_clock(tuple), Holder::Listener);
        let syn = self.syn_before(ack, mss, &clock);
        let connection = Connection::new(now, *tuple, iss, clock, options, holder, &self.profile);
        let socket = self.link(connection);
        clock.discard_echo(now, ack);
        self.with_connection(now, socket, |connection, cx| {
            connection.resume_from_cookie(cx, &syn, listener);
        })
        .ok()?;
        let taken = self
            .with_connection(now, socket, |connection, cx| connection.segment_arrives(cx, ack))
            .ok()?;
        Some(Arrival { syn: SynTaken::FromCookie, ..arrival(Some(socket), taken) })
    }

    /// The SYN that was answered with a cookie, as far as the ACK tells: it must have had the
    /// options that our timestamp, which comes back with it, carries.
    fn syn_before(&self, ack: &Segment, mss: u16, clock: &Timestamps) -> Segment {
        let mut flags = Flags::SYN;
        let mut options = Options::NONE;
        let mut push = |option| {
            // All of them together take 20 octets of 40.
            let _ = options.push(option);
        };
        push(TcpOption::MaximumSegmentSize(mss));
        if let Some((value, echo)) = ack.options.timestamps()
            && self.profile.timestamps == Offer::Yes
        {
            let carried = CookieOptions::from_echo(clock, echo);
            push(TcpOption::Timestamps { value, echo: 0 });
            if let Some(shift) = carried.scale {
                push(TcpOption::WindowScale(shift));
            }
            if carried.sack {
                push(TcpOption::SackPermitted);
            }
            if carried.ecn {
                flags |= Flags::ECE | Flags::CWR;
            }
        }
        let (seq, ack_number) = (ack.seq - 1, SeqNum::new(0));
        Segment { seq, ack: ack_number, flags, options, payload: Bytes::new(), ..ack.clone() }
    }
}

/// What the peer's SYN says about its MSS, or what is taken for granted (RFC 9293 §3.7.1).
fn announced_mss(tuple: &Tuple, syn: &Segment) -> u16 {
    let default = if tuple.local_addr.is_ipv4() { Mss::DEFAULT_V4 } else { Mss::DEFAULT_V6 };
    syn.options.mss().unwrap_or(default.0)
}

/// The cookies for one SYN.
struct Cookie<'a> {
    secret: &'a [u8; 16],
    tuple: &'a Tuple,
    irs: SeqNum,
}

impl<'a> Cookie<'a> {
    const fn new(secret: &'a [u8; 16], tuple: &'a Tuple, irs: SeqNum) -> Self {
        Self { secret, tuple, irs }
    }

    const fn table(&self) -> &'static [u16; 4] {
        if self.tuple.local_addr.is_ipv4() { &MSS_V4 } else { &MSS_V6 }
    }

    /// The number for a SYN that comes now (`secure_tcp_syn_cookie`), and the MSS that it stands
    /// for: rounded down, but not below the smallest there is.
    fn number(&self, now: Instant, mss: u16) -> (SeqNum, u16) {
        let index = self.table().iter().rposition(|known| *known <= mss).unwrap_or(0);
        let minute = minute(now);
        let low = self.of_minute(minute).wrapping_add(index as u32) % (1 << BITS);
        (self.base() + (minute << BITS) + low, self.table()[index])
    }

    /// The MSS that a number stands for, if it is one of ours and not too old
    /// (`check_tcp_syn_cookie`).
    fn mss(&self, now: Instant, number: SeqNum) -> Option<u16> {
        let rest = number.since(self.base());
        // Only the low eight bits of the minute fit in.
        let age = minute(now).wrapping_sub(rest >> BITS) % (1 << (u32::BITS - BITS));
        if age >= MAX_AGE {
            return None;
        }
        let hash = self.of_minute(minute(now).wrapping_sub(age));
        let index = rest.wrapping_sub(hash) % (1 << BITS);
        self.table().get(index as usize).copied()
    }

    /// What all cookies for this SYN have in common. No minute has this number.
    fn base(&self) -> SeqNum {
        self.irs + keyed_tuple_and(self.secret, self.tuple, u64::MAX) as u32
    }

    /// Linux leaves the client's number out of this one, so that an ACK whose number is off by a
    /// little is good for another MSS.
    fn of_minute(&self, minute: u32) -> u32 {
        let number = u64::from(minute) << 32 | u64::from(self.irs.value());
        keyed_tuple_and(self.secret, self.tuple, number) as u32
    }
}

/// Minutes since the start.
const fn minute(now: Instant) -> u32 {
    (now.as_nanos() / MINUTE) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 16] = [3; 16];
    const IRS: SeqNum = SeqNum::new(u32::MAX - 1);

    fn tuple(local: &str, remote: &str) -> Tuple {
        let (local_addr, remote_addr) = (local.parse().unwrap(), remote.parse().unwrap());
        Tuple { local_addr, remote_addr, local_port: 80, remote_port: 4000 }
    }

    #[test]
    fn a_cookie_says_what_was_put_into_it() {
        let (v4, v6) = (tuple("10.0.0.1", "10.0.0.2"), tuple("fd00::1", "fd00::2"));
        let now = Instant::from_millis(123_456_789);
        for (tuple, mss, read) in [
            (&v4, 1, 536),
            (&v4, 1299, 536),
            (&v4, 1300, 1300),
            (&v4, 1459, 1440),
            (&v4, u16::MAX, 1460),
            (&v6, 1220, 1220),
            (&v6, 1440, 1440),
            (&v6, u16::MAX, 8940),
        ] {
            let cookie = Cookie::new(&SECRET, tuple, IRS);
            let (number, rounded) = cookie.number(now, mss);
            assert_eq!((rounded, cookie.mss(now, number)), (read, Some(read)), "{mss}");
        }
    }

    #[test]
    fn a_cookie_lasts_to_the_end_of_the_next_minute() {
        let tuple = tuple("10.0.0.1", "10.0.0.2");
        let cookie = Cookie::new(&SECRET, &tuple, IRS);
        // The last moment of a minute, at the end of the 256 that the number tells apart.
        let made = Instant::from_nanos(256 * MINUTE - 1);
        let (number, _) = cookie.number(made, 1460);
        for (later, good) in [(0, true), (1, true), (MINUTE, true), (MINUTE + 1, false)] {
            let now = made.plus_nanos(later);
            assert_eq!(cookie.mss(now, number).is_some(), good, "{later} ns later");
        }
    }

    #[test]
    fn a_cookie_is_good_for_its_own_syn_only() {
        let own = tuple("10.0.0.1", "10.0.0.2");
        let now = Instant::from_millis(5);
        let (number, _) = Cookie::new(&SECRET, &own, IRS).number(now, 1460);
        let other = tuple("10.0.0.1", "10.0.0.3");
        for (secret, tuple, irs) in
            [([4; 16], &own, IRS), (SECRET, &other, IRS), (SECRET, &own, IRS + 1)]
        {
            assert_eq!(Cookie::new(&secret, tuple, irs).mss(now, number), None);
        }
        // To guess one is a matter of 2^32 divided by four values of the MSS and two minutes.
        let cookie = Cookie::new(&SECRET, &own, IRS);
        let good = (0..1 << 16).filter(|n| cookie.mss(now, SeqNum::new(n << 16)).is_some());
        assert!(good.count() <= 1);
    }

    #[test]
    fn later_cookies_have_later_numbers() {
        // RFC 9293 §3.4.1: of incarnations that follow each other.
        let tuple = tuple("10.0.0.1", "10.0.0.2");
        let cookie = Cookie::new(&SECRET, &tuple, IRS);
        let number = |minute: u64| cookie.number(Instant::from_nanos(minute * MINUTE), 1460).0;
        for minute in 0..100 {
            assert!(number(minute + 2).after(number(minute)), "{minute}");
        }
    }
}
