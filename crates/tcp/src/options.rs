//! Socket options, with Linux' names.

use core::time::Duration;

use twomsl_wire::Packet;

use crate::Profile;
use crate::profile::{CongestionControl, Offer};

/// One option with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketOption {
    /// `TCP_NODELAY`: the Nagle algorithm is off (RFC 9293 §3.7.4, MUST-17).
    NoDelay(bool),
    /// `SO_LINGER`: on with this time, or off. Zero makes `close` reset.
    Linger(Option<Duration>),
    /// `SO_REUSEADDR`: listening is allowed while connections of the port still exist.
    ReuseAddress(bool),
    /// `SO_KEEPALIVE` (RFC 9293 §3.8.4, MUST-24).
    KeepAlive(bool),
    /// `TCP_KEEPIDLE`: silence before the first probe (MUST-27).
    KeepIdle(Duration),
    /// `TCP_KEEPINTVL`: between probes.
    KeepInterval(Duration),
    /// `TCP_KEEPCNT`: unanswered probes that end the connection.
    KeepCount(u32),
    /// `TCP_USER_TIMEOUT`: how long text may stay unacknowledged. Zero is off.
    UserTimeout(Duration),
    /// `SO_SNDBUF` in octets of text.
    SendBuffer(u32),
    /// `SO_RCVBUF` in octets of text.
    ReceiveBuffer(u32),
    /// `TCP_FASTOPEN` of a listener: how many connections may be open before their handshake is
    /// over (RFC 7413). Zero is off.
    FastOpen(u32),
    /// `TCP_MAXSEG`: the largest segment to send and to announce, in octets of text: 88 to 32,767,
    /// or 0 for what the path allows.
    MaxSegment(u16),
    /// `IP_TTL`, `IPV6_UNICAST_HOPS`: how many routers a packet may pass (MUST-49). Not zero.
    HopLimit(u8),
    /// `IP_TOS`, `IPV6_TCLASS`: the six high bits are the DiffServ codepoint of all packets that
    /// are sent from now on (MUST-48, SHLD-21). The two low bits are ECN's, and ignored.
    TrafficClass(u8),
    /// `IP_RECVERR`: whether errors that do not end a connection are reported
    /// ([`Event::Report`](crate::Event::Report)) to its application (SHLD-20).
    ErrorReports(ErrorReports),
    /// `TCP_CONGESTION`: the congestion control algorithm, from then on. The window stays.
    Congestion(CongestionControl),
    /// `TCP_CORK`: nothing but full segments leaves, until it is off again or a retransmission
    /// timeout has passed.
    Cork(bool),
    /// `TCP_QUICKACK`: what is owed is acknowledged, and for sixteen acknowledgments none waits; or
    /// they wait from now on. No setting that lasts (tcp(7): "this flag is not permanent").
    QuickAck(bool),
    /// `TCP_NOTSENT_LOWAT`: there is room to write only while fewer octets than this were never
    /// sent; 0 for no such limit.
    NotSentLowWater(u32),
    /// `TCP_DEFER_ACCEPT` of a listener: for so long the bare ACK that ends a handshake is dropped,
    /// and text waited for. Zero is off.
    DeferAccept(Duration),
    /// `TCP_SYNCNT`: how often a SYN is sent again, or a listener's SYN,ACK: 1 to 127.
    SynCount(u8),
    /// `TCP_LINGER2`: how long an orphan may stay in FIN-WAIT-2.
    Linger2(Linger2),
    /// `TCP_FASTOPEN_NO_COOKIE`: whether Fast Open needs cookies.
    FastOpenCookies(Offer),
    /// `TCP_WINDOW_CLAMP`: the largest window to offer, in octets; 0 for what the buffer allows.
    WindowClamp(u32),
    /// `TCP_NOOPT` of FreeBSD: no TCP options, not even in a SYN. For connections that are opened
    /// from now on.
    NoOptions(bool),
}

/// Whether an application hears of errors that do not end its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorReports {
    /// It does.
    On,
    /// It does not.
    Off,
}

/// How long an orphan may stay in FIN-WAIT-2 (`TCP_LINGER2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linger2 {
    /// As long as the profile says.
    Default,
    /// So long, at most two minutes (`TCP_FIN_TIMEOUT_MAX`).
    For(Duration),
    /// Not at all: the connection is reset instead.
    Never,
}

/// `TCP_MIN_MSS` and `MAX_TCP_WINDOW`: what `TCP_MAXSEG` takes on Linux.
const SEGMENT_SIZES: core::ops::RangeInclusive<u16> = 88..=32_767;
/// `MAX_TCP_SYNCNT`.
const MOST_SYNS: u8 = 127;
/// `TCP_FIN_TIMEOUT_MAX`.
const LONGEST_LINGER2: Duration = Duration::from_secs(120);
/// Half of `SOCK_MIN_RCVBUF`, which `TCP_WINDOW_CLAMP` does not go below.
const LEAST_CLAMP: u32 = 1_152;

/// The options of a socket. A profile gives the defaults.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "setsockopt's switches are switches")]
pub struct SocketOptions {
    /// See [`SocketOption::NoDelay`].
    pub no_delay: bool,
    /// See [`SocketOption::Linger`].
    pub linger: Option<Duration>,
    /// See [`SocketOption::ReuseAddress`].
    pub reuse_address: bool,
    /// See [`SocketOption::KeepAlive`].
    pub keep_alive: bool,
    /// See [`SocketOption::KeepIdle`].
    pub keep_idle: Duration,
    /// See [`SocketOption::KeepInterval`].
    pub keep_interval: Duration,
    /// See [`SocketOption::KeepCount`].
    pub keep_count: u32,
    /// See [`SocketOption::UserTimeout`].
    pub user_timeout: Option<Duration>,
    /// See [`SocketOption::SendBuffer`].
    pub send_buffer: u32,
    /// See [`SocketOption::ReceiveBuffer`].
    pub receive_buffer: u32,
    /// What the send buffer may grow to, in octets (`tcp_wmem`). `SO_SNDBUF` ends its growth.
    pub send_buffer_max: u32,
    /// What the receive buffer may grow to, in octets (`tcp_rmem`). `SO_RCVBUF` ends its growth.
    pub receive_buffer_max: u32,
    /// See [`SocketOption::FastOpen`].
    pub fast_open: u32,
    /// See [`SocketOption::FastOpenCookies`].
    pub fast_open_cookies: Offer,
    /// See [`SocketOption::MaxSegment`].
    pub max_segment: Option<u16>,
    /// See [`SocketOption::NoOptions`].
    pub no_options: bool,
    /// See [`SocketOption::HopLimit`].
    pub hop_limit: u8,
    /// See [`SocketOption::TrafficClass`].
    pub traffic_class: u8,
    /// See [`SocketOption::ErrorReports`].
    pub error_reports: ErrorReports,
    /// See [`SocketOption::Congestion`].
    pub congestion_control: CongestionControl,
    /// See [`SocketOption::Cork`].
    pub cork: bool,
    /// See [`SocketOption::NotSentLowWater`]; `u32::MAX` is no limit.
    pub not_sent_low_water: u32,
    /// See [`SocketOption::DeferAccept`].
    pub defer_accept: Option<Duration>,
    /// See [`SocketOption::SynCount`].
    pub syn_count: Option<u8>,
    /// See [`SocketOption::Linger2`].
    pub linger2: Linger2,
    /// See [`SocketOption::WindowClamp`].
    pub window_clamp: Option<u32>,
}

impl SocketOption {
    /// Whether the value can be meant. Linux answers `EINVAL` to the others, too: probes need time
    /// between them, and there is at least one; segments have a smallest and a largest size.
    pub fn is_valid(self) -> bool {
        match self {
            Self::KeepIdle(time) | Self::KeepInterval(time) => !time.is_zero(),
            Self::KeepCount(count) => count > 0,
            Self::HopLimit(hops) => hops > 0,
            Self::MaxSegment(octets) => octets == 0 || SEGMENT_SIZES.contains(&octets),
            Self::SynCount(count) => (1..=MOST_SYNS).contains(&count),
            _ => true,
        }
    }
}

/// What the sockets of an application decide about the IP header of their packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct IpFields {
    hop_limit: u8,
    dscp: u8,
}

impl IpFields {
    /// Hands them to the IP layer as they are (SHLD-22).
    #[inline]
    pub(crate) const fn write(self, packet: &mut Packet) {
        packet.hop_limit = self.hop_limit;
        packet.dscp = self.dscp;
    }
}

impl SocketOptions {
    /// For the IP header.
    #[inline]
    pub(crate) const fn ip_fields(&self) -> IpFields {
        IpFields { hop_limit: self.hop_limit, dscp: self.traffic_class >> 2 }
    }

    /// How long `close` waits: `None` when it does not, or resets.
    pub(crate) fn linger_time(&self) -> Option<Duration> {
        self.linger.filter(|time| !time.is_zero())
    }

    /// Sets one option.
    pub fn set(&mut self, option: SocketOption) {
        match option {
            SocketOption::NoDelay(on) => self.no_delay = on,
            SocketOption::Linger(time) => self.linger = time,
            SocketOption::ReuseAddress(on) => self.reuse_address = on,
            SocketOption::KeepAlive(on) => self.keep_alive = on,
            SocketOption::KeepIdle(time) => self.keep_idle = time,
            SocketOption::KeepInterval(time) => self.keep_interval = time,
            SocketOption::KeepCount(count) => self.keep_count = count,
            SocketOption::UserTimeout(time) => {
                self.user_timeout = (!time.is_zero()).then_some(time);
            }
            SocketOption::SendBuffer(octets) => {
                (self.send_buffer, self.send_buffer_max) = (octets, octets);
            }
            SocketOption::ReceiveBuffer(octets) => {
                (self.receive_buffer, self.receive_buffer_max) = (octets, octets);
            }
            SocketOption::FastOpen(most) => self.fast_open = most,
            SocketOption::HopLimit(hops) => self.hop_limit = hops,
            SocketOption::TrafficClass(class) => self.traffic_class = class & !0b11,
            SocketOption::ErrorReports(reports) => self.error_reports = reports,
            SocketOption::MaxSegment(octets) => self.max_segment = (octets > 0).then_some(octets),
            SocketOption::Congestion(choice) => self.congestion_control = choice,
            option => self.set_of_linux(option),
        }
    }

    /// The same for options that only Linux has, or had first.
    fn set_of_linux(&mut self, option: SocketOption) {
        match option {
            SocketOption::Cork(on) => self.cork = on,
            SocketOption::NoOptions(on) => self.no_options = on,
            SocketOption::NotSentLowWater(octets) => {
                self.not_sent_low_water = if octets == 0 { u32::MAX } else { octets };
            }
            SocketOption::DeferAccept(time) => {
                self.defer_accept = (!time.is_zero()).then_some(time);
            }
            SocketOption::SynCount(count) => self.syn_count = Some(count),
            SocketOption::Linger2(Linger2::For(time)) => {
                self.linger2 = match time {
                    Duration::ZERO => Linger2::Default,
                    time => Linger2::For(time.min(LONGEST_LINGER2)),
                };
            }
            SocketOption::Linger2(choice) => self.linger2 = choice,
            SocketOption::FastOpenCookies(choice) => self.fast_open_cookies = choice,
            SocketOption::WindowClamp(octets) => {
                self.window_clamp = (octets > 0).then_some(octets.max(LEAST_CLAMP));
            }
            // `QuickAck` is no setting but something that happens to a connection.
            _ => {}
        }
    }

    /// How much text the receive buffer holds. A size that the application has fixed is kept within
    /// what the profile allows (`SOCK_MIN_RCVBUF`, `net.core.rmem_max`).
    pub(crate) fn receive_space(&self, profile: &Profile) -> u32 {
        if self.is_receive_buffer_fixed() {
            let (least, most) = profile.fixed_receive_buffer;
            return self.receive_buffer.min(most).max(least);
        }
        self.receive_buffer
    }

    /// Whether `SO_RCVBUF` was set (`SOCK_RCVBUF_LOCK`).
    pub(crate) const fn is_receive_buffer_fixed(&self) -> bool {
        self.receive_buffer_max <= self.receive_buffer
    }

    /// The largest window to offer, in octets.
    pub(crate) fn clamp(&self) -> u32 {
        self.window_clamp.unwrap_or(u32::MAX)
    }

    /// How many repetitions of a SYN,ACK a listener waits for text: `secs_to_retrans`, for a first
    /// timeout that doubles up to a largest one.
    pub(crate) fn deferred_retries(&self, first: Duration, most: Duration) -> u32 {
        let Some(time) = self.defer_accept else { return 0 };
        let (mut timeout, mut period, mut retries) = (first, first, 1);
        while time > period && retries < 255 && !timeout.is_zero() {
            retries += 1;
            timeout = (timeout * 2).min(most);
            period += timeout;
        }
        retries
    }
}
