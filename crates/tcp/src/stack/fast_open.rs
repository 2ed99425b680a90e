//! TCP Fast Open (RFC 7413) of a server: who has a good cookie, and who gets one.

use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use twomsl_wire::Segment;

use super::Stack;
use super::isn::keyed_tuple_and;
use super::listener::Listener;
use crate::connection::{FastOpen, FastOpenCookie, cookie_of};
use crate::event::SocketId;
use crate::profile::Offer;
use crate::tuple::Tuple;
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

    /// Forgets the cookies that servers have given to this host (`ip tcp_metrics flush`).
    pub fn forget_cookies(&mut self) {
        self.fast_open.clear();
    }

    /// Whether a server has given this host a cookie: then the SYN of
    /// [`connect_with_text`](Self::connect_with_text) carries text.
    pub fn has_cookie(&self, server: IpAddr) -> bool {
        self.fast_open.knows(server)
    }

    /// How many octets of text that SYN can carry; `None` without a cookie.
    pub fn room_in_syn(&self, server: IpAddr) -> Option<usize> {
        let headers = if server.is_ipv4() { 0 } else { 20 };
        let mss = u32::from(self.profile.mss.saturating_sub(headers));
        self.fast_open.room(server, mss).map(|octets| octets as usize)
    }

    /// What a server does about the cookie of a SYN, or its wish for one (RFC 7413 §4.2.2, Linux'
    /// `tcp_try_fastopen`).
    pub(super) fn fast_open_for(&self, queue: &Listener, way: &Tuple, syn: &Segment) -> FastOpen {
        let Some(cookie) = cookie_of(&syn.options) else { return FastOpen::Off };
        let most = queue.options.fast_open;
        if self.profile.fast_open_server == Offer::No || most == 0 {
            return FastOpen::Off;
        }
        let good = self.fast_open_cookie(way);
        if FastOpenCookie::new(cookie) != Some(good) {
            return FastOpen::Grant(good);
        }
        // §5.1: only so many may be opening like this, or they would be a SYN flood with a cookie.
        if queue.opening_fast < most { FastOpen::Early } else { FastOpen::Off }
    }

    /// The cookie of a client: a keyed hash of both addresses (§4.1.2, Linux'
    /// `__tcp_fastopen_cookie_gen_cipher`).
    fn fast_open_cookie(&self, way: &Tuple) -> FastOpenCookie {
        let addresses = Tuple { local_port: 0, remote_port: 0, ..*way };
        let octets = keyed_tuple_and(&self.secret, &addresses, 0).to_le_bytes();
        FastOpenCookie::new(&octets).expect("eight octets are a cookie")
    }
}
