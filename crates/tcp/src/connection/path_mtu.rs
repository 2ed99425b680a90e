//! How large packets may be on the path (RFC 9293 §3.7.2): path MTU discovery by ICMP (RFC 1191,
//! RFC 8201), and what to do where no ICMP message comes through (RFC 4821, RFC 2923 §2.1).

use core::net::IpAddr;
use core::time::Duration;

use super::{Connection, own_mss};
use crate::event::TcpState;
use crate::outbox::Context;
use crate::profile::{MtuProbing, Profile, Segmentation, UnknownMtu};
use crate::tuple::Tuple;
use crate::{Instant, SocketError, SocketOptions};

/// MTUs that are common, the larger first (RFC 1191 §7.1, table 7-1).
const PLATEAUS: [u32; 11] =
    [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];

/// Every link of IPv6 carries packets of this size (RFC 8200 §5).
const SMALLEST_V6: u32 = 1280;

/// What nobody limits.
const UNLIMITED: u32 = u32::MAX;

/// Text of a segment when a black hole is suspected: `tcp_base_mss`, and what it is halved down to:
/// `tcp_mtu_probe_floor`.
const BASE: u32 = 1024;
const FLOOR: u32 = 48;

/// After so long without an acknowledgment a black hole is suspected: what `tcp_retries1`, three
/// retransmissions, take from the first on when the timeout is `TCP_RTO_MIN` (Linux'
/// `retransmits_timed_out`).
const STUCK: Duration = Duration::from_secs(3);

/// The segment sizes of FreeBSD's two steps: `pmtud_blackhole_mss` and `mssdflt`, without options.
const STEPS_V4: [u32; 2] = [1200, 536];
/// `v6pmtud_blackhole_mss`, which is `v6mssdflt` as well.
const STEPS_V6: [u32; 1] = [1220];

/// What is known of the path of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PathMtu {
    /// `SendMSS`: the largest segment that both ends allow, options included.
    limit: u32,
    /// The MTU that ICMP has told.
    mtu: u32,
    /// Until when that is believed.
    pub(super) expires: Instant,
    /// The largest segment that a suspected black hole lets through, options included.
    ceiling: u32,
    /// When text was sent again for the first time since something was acknowledged.
    pub(super) stuck_since: Instant,
}

impl PathMtu {
    /// Before the peer's SYN is known this host alone decides.
    pub(super) fn new(tuple: &Tuple, options: &SocketOptions, profile: &Profile) -> Self {
        Self {
            limit: own_mss(tuple, options, profile),
            mtu: UNLIMITED,
            expires: Instant::MAX,
            ceiling: UNLIMITED,
            stuck_since: Instant::MAX,
        }
    }

    /// Somebody else has learned this already.
    pub(crate) fn know(&mut self, mtu: u32, expires: Instant) {
        (self.mtu, self.expires) = (mtu, expires);
    }

    /// The peer's SYN tells what it takes (RFC 9293 §3.7.1).
    pub(super) const fn agree(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Eff.snd.MSS: the largest text of a segment next to `options` octets of options (MUST-16).
    pub(super) fn text(&self, header: u32, options: u32) -> u32 {
        let path = self.mtu.saturating_sub(header);
        self.limit.min(path).min(self.ceiling).saturating_sub(options).max(1)
    }
}

/// The headers of IP and TCP without options (RFC 6691 §2).
const fn header(address: &IpAddr) -> u32 {
    if address.is_ipv4() { 40 } else { 60 }
}

/// What to believe of an MTU that a router told, where packets of `used` octets were sent. None
/// if it is to be ignored.
fn believed(told: u32, used: u32, address: &IpAddr, profile: &Profile) -> Option<u32> {
    let mtu = match (address, told, profile.unknown_mtu) {
        // RFC 8201 §4: "MUST NOT reduce its estimate of the Path MTU below the IPv6 minimum
        // link MTU": such a message is discarded.
        (IpAddr::V6(_), ..SMALLEST_V6, _) => return None,
        (IpAddr::V6(_), ..) => told,
        // A router that does not know RFC 1191 leaves the field zero (RFC 1191 §5).
        (IpAddr::V4(_), 0, UnknownMtu::Plateau) => {
            let next = PLATEAUS.into_iter().find(|plateau| *plateau < used);
            next.unwrap_or(0).max(profile.min_pmtu.into())
        }
        (IpAddr::V4(_), ..) => told.max(profile.min_pmtu.into()),
    };
    // RFC 1191 §3, RFC 8201 §4: such a message never makes it larger.
    (mtu < used).then_some(mtu)
}

impl Connection {
    /// The MTU of the path as far as it is known: that of this host's own link at most.
    pub(super) fn path_mtu(&self, profile: &Profile) -> u32 {
        // The IPv6 header is 20 octets longer, and the segments so much smaller.
        self.path.mtu.min(u32::from(profile.mss) + 40)
    }

    /// The path's MTU as a router told it, if it is believed and is news.
    pub(crate) fn believe_mtu(&self, told: u32, profile: &Profile) -> Option<u32> {
        let address = &self.tuple.remote_addr;
        let used = self.path.mtu.min(self.path.limit.saturating_add(header(address)));
        believed(told, used, address, profile)
    }

    /// Path MTU discovery: segments are smaller from now on, and what was too large is sent again
    /// at once. That it was lost says nothing about congestion (RFC 8201 §5.4), so the congestion
    /// window stays, as many octets or as many segments (Linux' `tcp_simple_retransmit`).
    pub(crate) fn reduce_path_mtu(
        &mut self,
        cx: &mut Context<'_>,
        told: u32,
        mtu: u32,
        expires: Instant,
    ) {
        if told != 0 && told < mtu {
            // Smaller than is believed: nothing can get through there, which is worth knowing
            // when the connection times out.
            self.remember(cx, SocketError::MessageTooLong);
        }
        self.path.know(mtu, expires);
        let before = self.send.mss;
        self.fit_segments(cx.profile);
        if self.send.mss < before && self.may_transmit() && !self.send.is_idle() {
            self.repair_too_large(cx);
            self.transmit(cx);
        }
    }

    /// What was told is too old: perhaps the path is wider again (RFC 1191 §6.3).
    #[cold]
    pub(super) fn forget_path_mtu(&mut self, profile: &Profile) {
        self.path.know(UNLIMITED, Instant::MAX);
        self.fit_segments(profile);
    }

    /// Eff.snd.MSS follows from what is known of the path, and on Linux from how large the peer's
    /// window ever was (`tcp_sync_mss`).
    pub(super) fn fit_segments(&mut self, profile: &Profile) {
        let header = header(&self.tuple.remote_addr);
        let mut mss = self.path.text(header, self.agreement.overhead());
        if profile.segmentation == Segmentation::AsWritten {
            mss = self.bounded_to_half_window(mss);
        }
        self.send.mss = mss;
        self.congestion.resize(mss);
    }

    /// The retransmission timer has fired: perhaps packets of this size vanish, and so do the
    /// messages about them.
    pub(super) fn suspect_black_hole(&mut self, cx: &Context<'_>) {
        match cx.profile.mtu_probing {
            MtuProbing::Off => {}
            MtuProbing::Halving => self.halve_segments(cx),
            MtuProbing::TwoSteps => self.step_down(cx.profile),
        }
    }

    /// Linux' `tcp_mtu_probing`.
    fn halve_segments(&mut self, cx: &Context<'_>) {
        if cx.now.since(self.path.stuck_since) < STUCK {
            return;
        }
        let options = self.agreement.overhead();
        let text = match self.path.ceiling {
            UNLIMITED => BASE,
            ceiling => (ceiling.saturating_sub(options) / 2).clamp(FLOOR, BASE),
        };
        self.path.ceiling = text + options;
        self.fit_segments(cx.profile);
    }

    /// FreeBSD's `tcp_timer_rexmt`: each size gets two tries, and only if it is smaller than what
    /// was sent before; if none helps, it was no black hole.
    fn step_down(&mut self, profile: &Profile) {
        if !matches!(self.state, TcpState::Established | TcpState::FinWait1) {
            return;
        }
        let steps: &[u32] = if self.tuple.remote_addr.is_ipv4() { &STEPS_V4 } else { &STEPS_V6 };
        let whole =
            self.path.limit.min(self.path.mtu.saturating_sub(header(&self.tuple.remote_addr)));
        let mut smaller = steps.iter().filter(|step| **step < whole);
        let tries = self.retransmissions;
        self.path.ceiling = match smaller.nth((tries / 2).saturating_sub(1) as usize) {
            _ if tries < 2 => self.path.ceiling,
            Some(step) => self.path.ceiling.min(*step),
            None => UNLIMITED,
        };
        self.fit_segments(profile);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: IpAddr = IpAddr::V4(core::net::Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(core::net::Ipv6Addr::LOCALHOST);

    /// RFC 1191 §5 and §7.1: the next plateau below what was sent; Linux takes the smallest.
    #[test]
    fn an_mtu_that_is_not_told_is_guessed() {
        let (textbook, linux) = (Profile::rfc9293(), Profile::linux());
        for (used, guess) in [(1500, 1492), (1492, 1006), (1006, 508), (297, 296), (296, 68)] {
            assert_eq!(believed(0, used, &V4, &textbook), Some(guess), "below {used}");
        }
        assert_eq!(believed(0, 68, &V4, &textbook), None);
        assert_eq!(believed(0, 1500, &V4, &linux), Some(552));
        assert_eq!(believed(0, 552, &V4, &linux), None);
    }

    #[test]
    fn an_mtu_is_believed_if_it_is_smaller_and_not_absurd() {
        let linux = Profile::linux();
        let table = [
            (1400, 1500, V4, Some(1400)),
            (1500, 1500, V4, None),
            (9000, 1500, V4, None),
            (68, 1500, V4, Some(552)),
            (1400, 1500, V6, Some(1400)),
            (1280, 1500, V6, Some(1280)),
            (1279, 1500, V6, None),
            (0, 1500, V6, None),
            (1280, 1280, V6, None),
        ];
        for (told, used, address, expected) in table {
            assert_eq!(believed(told, used, &address, &linux), expected, "{told} {used} {address}");
        }
    }
}
