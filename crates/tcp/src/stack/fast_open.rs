//! TCP Fast Open (RFC 7413) of a server: who has a good cookie, and who gets one.

use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use siphasher::sip::SipHasher24;
use twomsl_wire::Segment;

use super::Stack;
use super::listener::Listener;
use crate::connection::{FastOpen, FastOpenCookie, Writer, cookie_of};
use crate::event::SocketId;
use crate::profile::Offer;
use crate::tuple::{Tuple, bits};
use crate::{Instant, SocketError, SocketOptions};

impl Stack {
    /// Active OPEN with the first text, as `sendto` with `MSG_FASTOPEN`: the SYN carries it if the
    /// server has given this host a cookie before, else the SYN asks for one and the text follows
    /// the handshake. Takes from the front of `text` what the send buffer has room for.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn connect_with_text(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        options: Option<&SocketOptions>,
        text: &mut Bytes,
    ) -> Result<SocketId, SocketError> {
        let socket = self.begin_active(now, local, remote, options)?;
        self.with_connection(now, socket, |connection, cx| connection.open_fast(cx, text))?;
        Ok(socket)
    }

    /// The application that called [`connect_with_text`](Self::connect_with_text) waits until the
    /// connection is there. On Linux its next text then takes the acknowledgment of the SYN,ACK
    /// along (`sk_write_pending`).
    ///
    /// # Errors
    /// `BadSocket` for what is no connection.
    pub fn expect_writer(&mut self, now: Instant, socket: SocketId) -> Result<(), SocketError> {
        self.with_connection(now, socket, |connection, _| connection.writer = Writer::Waits)
    }

    /// Forgets the cookies that servers have given to this host (`ip tcp_metrics flush`).
    pub fn forget_cookies(&mut self) {
        self.fast_open.clear();
    }

    /// How many octets of text the SYN of [`connect_with_text`](Self::connect_with_text) can carry;
    /// `None` where it can carry none: there is no cookie of the server, and one is needed.
    pub fn room_in_syn(&self, server: IpAddr, options: &SocketOptions) -> Option<usize> {
        let needless = self.profile.fast_open_cookies.client == Offer::No
            || options.fast_open_cookies == Offer::No;
        let headers = if server.is_ipv4() { 0 } else { 20 };
        let mss = u32::from(self.profile.mss.saturating_sub(headers));
        let may = needless || self.fast_open.knows(server);
        may.then(|| self.fast_open.room(server, mss) as usize)
    }

    /// What a server does about the cookie of a SYN, or its wish for one (RFC 7413 §4.2.2, Linux'
    /// `tcp_try_fastopen`).
    pub(super) fn fast_open_for(&self, queue: &Listener, way: &Tuple, syn: &Segment) -> FastOpen {
        let (most, asked) = (self.fast_open_queue(queue), cookie_of(&syn.options));
        // §5.1: only so many may be opening like this, or they would be a SYN flood with a cookie.
        let off = self.profile.fast_open_server == Offer::No || queue.opening_fast >= most;
        if off || (asked.is_none() && syn.payload.is_empty()) {
            return FastOpen::Off;
        }
        if self.profile.fast_open_cookies.server == Offer::No
            || queue.options.fast_open_cookies == Offer::No
        {
            return FastOpen::Early;
        }
        let Some((cookie, form)) = asked else { return FastOpen::Off };
        let good = self.fast_open_cookie(way).in_form(form);
        if good.as_bytes() == cookie { FastOpen::Early } else { FastOpen::Grant(good) }
    }

    /// How many connections of a listener may be opening like this (`TFO_SERVER_WO_SOCKOPT1`).
    fn fast_open_queue(&self, queue: &Listener) -> u32 {
        match (queue.options.fast_open, self.profile.fast_open_everywhere) {
            (0, Offer::Yes) => queue.backlog,
            (most, _) => most,
        }
    }

    /// The cookie of a client: a keyed hash of both addresses, its own first, as they stand in its
    /// packets (§4.1.2, Linux' `__tcp_fastopen_cookie_gen_cipher`).
    fn fast_open_cookie(&self, way: &Tuple) -> FastOpenCookie {
        let key = self.profile.fast_open_key.unwrap_or(self.secret);
        let hasher = SipHasher24::new_with_key(&key);
        let hash = match (way.remote_addr, way.local_addr) {
            (IpAddr::V4(client), IpAddr::V4(server)) => {
                let both = u64::from(client.to_bits()) << 32 | u64::from(server.to_bits());
                hasher.hash(&both.to_be_bytes())
            }
            (client, server) => {
                let mut both = [0; 32];
                both[..16].copy_from_slice(&bits(client).to_be_bytes());
                both[16..].copy_from_slice(&bits(server).to_be_bytes());
                hasher.hash(&both)
            }
        };
        FastOpenCookie::new(&hash.to_le_bytes()).expect("eight octets are a cookie")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;

    /// What Linux answers with this key to a client 192.0.2.1 of a server 192.168.0.1.
    #[test]
    fn a_cookie_is_siphash_of_both_addresses_under_the_key() {
        let mut profile = Profile::linux();
        let key = "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4";
        profile.set("net.ipv4.tcp_fastopen_key", key).unwrap();
        let octets = |n: usize| [0xa1, 0xb2, 0xc3, 0xd4][n / 4];
        assert_eq!(profile.fast_open_key, Some(core::array::from_fn(octets)));
        let stack = Stack::new(profile, [0; 16]);
        let tuple = |local: &str, remote: &str| Tuple {
            local_addr: local.parse().unwrap(),
            remote_addr: remote.parse().unwrap(),
            local_port: 80,
            remote_port: 4000,
        };
        let cookie = stack.fast_open_cookie(&tuple("192.168.0.1", "192.0.2.1"));
        let message = [192, 0, 2, 1, 192, 168, 0, 1];
        let key = stack.profile.fast_open_key.unwrap();
        let expected = SipHasher24::new_with_key(&key).hash(&message);
        assert_eq!(cookie.as_bytes(), expected.to_le_bytes());
        let other = stack.fast_open_cookie(&tuple("192.0.2.1", "192.168.0.1"));
        assert_ne!(cookie, other, "the other way round");
    }

    #[test]
    fn a_key_is_four_words() {
        let mut profile = Profile::linux();
        for wrong in ["", "a1a1a1a1", "1-2-3-4-5", "g-2-3-4", "123456789-2-3-4"] {
            assert!(profile.set("fast-open-key", wrong).is_err(), "{wrong}");
        }
        profile.set("fast-open-key", "04030201-2-3-4,5-6-7-8").unwrap();
        let key = profile.fast_open_key.unwrap();
        assert_eq!(key, [1, 2, 3, 4, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0]);
    }
}
