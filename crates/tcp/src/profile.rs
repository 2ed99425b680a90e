//! Profiles: the parameters and policies of a stack, each with its source.

use core::time::Duration;

use crate::{ErrorReports, Linger2, SocketOptions, WhatIfs};

mod acknowledging;
mod big_ip;
mod congestion;
mod freebsd;
mod lineage;
mod linux;
mod many;
mod path;
mod recovery;
mod retrying;
pub use acknowledging::DelayedAcks;
pub use big_ip::{ProxyTimeouts, ResetOnTimeout};
pub use congestion::{CongestionControl, IdleRestart, WindowCounting, WindowReduction};
pub use lineage::{Blackhole, BsdSwitches, Lineage, Switch};
pub use many::{AcceptOverflow, ConnectReuse, PortSelection, SynCookies};
pub use path::{MtuProbing, UnknownMtu, Unreachable};
pub use recovery::{LossDetection, Repacketization, RttEstimator, Segmentation, SpuriousTimeouts};
pub use retrying::{RetryCounting, RetryLimit, RtoFloor};

/// The parameters of a stack. All of it is data: two stacks with equal profiles behave alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// `rfc9293`, `linux`, `freebsd`, `big-ip`.
    pub name: &'static str,
    /// Whose code is followed where no parameter says otherwise.
    pub lineage: Lineage,
    /// What only [`Lineage::Bsd`] asks for.
    pub bsd: BsdSwitches,
    /// What sockets start with.
    pub options: SocketOptions,
    /// The rules it is without, on purpose. No profile is without any.
    pub what_ifs: WhatIfs,
    /// The bug that is built in.
    #[cfg(feature = "mutations")]
    pub mutation: Option<crate::Mutation>,

    /// How long TIME-WAIT lasts: 2MSL.
    pub time_wait: Duration,
    /// How long an orphan may stay in FIN-WAIT-2; `None` for ever.
    pub fin_timeout: Option<Duration>,
    /// How long a connection may go on without its peer: what proxies have, and hosts do not.
    pub proxy: ProxyTimeouts,
    /// Whether a RST ends TIME-WAIT.
    pub time_wait_rst: TimeWaitRst,
    /// Which segments start 2MSL over.
    pub time_wait_restart: TimeWaitRestart,
    /// Whether a new SYN may take over a connection in TIME-WAIT (MAY-2).
    pub time_wait_reuse: TimeWaitReuse,
    /// Whether `connect` may take over a connection in TIME-WAIT that uses timestamps.
    pub connect_reuse: ConnectReuse,
    /// How long after it last heard from its peer, if the port is an ephemeral one.
    pub connect_reuse_delay: Duration,
    /// How many connections may be in TIME-WAIT; those that come on top are closed at once. `None`
    /// for any number.
    pub max_time_wait: Option<u32>,
    /// How many orphans there may be, those in TIME-WAIT not counted; a connection that is closed
    /// on top of them is reset. `None` for any number.
    pub max_orphans: Option<u32>,

    /// The retransmission timeout before the first round-trip sample.
    pub rto_initial: Duration,
    /// What keeps the timeout from becoming too small.
    pub rto_floor: RtoFloor,
    /// The largest timeout that back-off reaches.
    pub rto_max: Duration,
    /// How long an attempt to connect may take; `None` as long as its SYN is repeated.
    pub connect_timeout: Option<Duration>,
    /// When a SYN is given up.
    pub syn_retries: RetryLimit,
    /// How many repetitions of a SYN leave its timeout as it is. They do not count against
    /// `syn_retries`.
    pub syn_linear_timeouts: u32,
    /// When a SYN,ACK is given up.
    pub synack_retries: RetryLimit,
    /// When text or a FIN is given up.
    pub retries: RetryLimit,
    /// The same for an orphan.
    pub orphan_retries: RetryLimit,
    /// What a count of these retries stands for.
    pub retry_counting: RetryCounting,
    /// The shortest wait between zero-window probes.
    pub persist_min: Duration,
    /// The longest.
    pub persist_max: Duration,

    /// Whether `connect_with_text` uses TCP Fast Open (RFC 7413).
    pub fast_open_client: Offer,
    /// Whether listeners that ask for it do.
    pub fast_open_server: Offer,
    /// Whether TCP Fast Open needs cookies (RFC 7413 §4.1.2).
    pub fast_open_cookies: FastOpenCookies,
    /// Whether listeners that do not ask for it do, too, as many as their backlog.
    pub fast_open_everywhere: Offer,
    /// What makes the cookies of this host (`tcp_fastopen_key`); `None` for the secret of the stack.
    pub fast_open_key: Option<[u8; 16]>,
    /// The largest segment this host announces and sends, before the path's MTU (MUST-14).
    pub mss: u16,
    /// The congestion window at the start.
    pub initial_window: InitialWindow,
    /// Whether windows are scaled (RFC 7323 §2).
    pub window_scaling: WindowScaling,
    /// Whether receive buffers grow with what is read (`tcp_moderate_rcvbuf`).
    pub receive_growth: Offer,
    /// The smallest and the largest receive buffer that `SO_RCVBUF` can ask for, in octets of text.
    pub fixed_receive_buffer: (u32, u32),
    /// Whether timestamps are offered and accepted (RFC 7323 §3).
    pub timestamps: Offer,
    /// Whether selective acknowledgments are offered and accepted (RFC 2018).
    pub sack: Offer,
    /// Whether text that came twice is reported (RFC 2883).
    pub dsack: Offer,
    /// Whether ECN is asked for or agreed to (RFC 3168).
    pub ecn: EcnMode,
    /// Whether a SYN that is sent again asks for ECN, too (RFC 3168 §6.1.1.1 lets it).
    pub ecn_fallback: EcnFallback,
    /// The order in which a SYN has its options.
    pub option_order: OptionOrder,
    /// What becomes of segments without the timestamps that were agreed on.
    pub missing_timestamps: MissingTimestamps,
    /// What acknowledgments count for when the congestion window grows.
    pub window_counting: WindowCounting,
    /// What a congestion event takes its share of.
    pub window_reduction: WindowReduction,
    /// What becomes of the congestion window after idleness.
    pub idle_restart: IdleRestart,
    /// How many segments behind a hole are no proof of a loss yet, at first: duplicate
    /// acknowledgments that begin a recovery (RFC 5681 §3.2: 3).
    pub reordering: u32,
    /// How far that may grow when segments are seen to overtake each other.
    pub max_reordering: u32,
    /// What tells of losses when the peer SACKs.
    pub loss_detection: LossDetection,
    /// Whether the tail of a flight is probed before the retransmission timer fires
    /// (RFC 8985 §7), with [`LossDetection::Time`].
    pub tail_loss_probe: Offer,
    /// Whether the first duplicate acknowledgments let new text out (RFC 3042).
    pub limited_transmit: Offer,
    /// Whether the window comes down in proportion to what arrives (RFC 6937).
    pub proportional_rate: Offer,
    /// Whether timeouts and recoveries that prove needless are taken back.
    pub spurious_timeouts: SpuriousTimeouts,
    /// How the round-trip time is measured.
    pub rtt_estimator: RttEstimator,
    /// How text is cut into segments, and which of them carry PSH.
    pub segmentation: Segmentation,
    /// How many segments leave at once when that many may (`tcp_min_tso_segs`), with
    /// [`Segmentation::AsWritten`].
    pub least_burst: u32,
    /// What segments look like that are sent again.
    pub repacketization: Repacketization,
    /// What the window that is offered is rounded down to.
    pub window_rounding: WindowRounding,
    /// What a zero-window probe looks like.
    pub window_probe: WindowProbe,
    /// Which acknowledgments may wait.
    pub delayed_acks: DelayedAcks,
    /// How long an acknowledgment may wait (MUST-40: less than 0.5 s).
    pub delayed_ack: Duration,
    /// How many acknowledgments are sent at once when a connection is young; with
    /// [`DelayedAcks::Adaptive`] at most, and again after a pause.
    pub quick_acks: u8,
    /// When the peer's FIN is acknowledged while this side may still send.
    pub fin_ack: FinAck,

    /// Which segments are acceptable, and which of the others are answered.
    pub incoming: Incoming,
    /// Whether RST and SYN must prove themselves (RFC 5961).
    pub blind_attacks: BlindAttacks,
    /// How many challenge ACKs the whole stack may send per `challenge_period`.
    pub challenge_limit: u32,
    /// See `challenge_limit`.
    pub challenge_period: Duration,
    /// How far apart the challenge ACKs of one connection are at least.
    pub challenge_spacing: Duration,

    /// What happens when the accept queue is full.
    pub accept_overflow: AcceptOverflow,
    /// Whether a SYN may be answered without being remembered.
    pub syn_cookies: SynCookies,
    /// Without SYN cookies, three quarters of this are in SYN-RECEIVED at most, for each listener.
    pub max_syn_backlog: u32,
    /// Connections that may wait to be accepted, whatever `listen` asked for.
    pub max_backlog: u32,
    /// The first ephemeral port.
    pub first_port: u16,
    /// The last ephemeral port.
    pub last_port: u16,
    /// How an ephemeral port is chosen.
    pub port_selection: PortSelection,
    /// How initial sequence numbers are made.
    pub isn: IsnSource,
    /// What becomes of unread text when a RST arrives.
    pub unread_on_reset: UnreadOnReset,
    /// What CLOSE answers when it was already called.
    pub repeated_close: RepeatedClose,
    /// What an unreachable destination does to a connection attempt.
    pub unreachable: Unreachable,
    /// How long the path MTU that an ICMP message told is believed.
    pub mtu_expires: Duration,
    /// No path's MTU is believed to be smaller, in octets, for IPv4; for IPv6 it is 1280.
    pub min_pmtu: u16,
    /// What is tried when a router does not tell the MTU.
    pub unknown_mtu: UnknownMtu,
    /// How a black hole for large packets is found without ICMP.
    pub mtu_probing: MtuProbing,
    /// What the reset of an ABORT looks like.
    pub abort_reset: AbortReset,
}

/// Whether a RST ends TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeWaitRst {
    /// As RFC 9293 §3.10.7.4 says: it does.
    Honoured,
    /// As RFC 1337 advises: it does not.
    Ignored,
}

/// Which segments start 2MSL over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeWaitRestart {
    /// The peer's FIN when it comes again, as RFC 9293 §3.10.7.4 says.
    Fin,
    /// Every segment with an ACK, old duplicates too, but no RST (Linux).
    AnyAck,
}

/// Whether a new SYN may take over a connection in TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeWaitReuse {
    /// When its sequence number is beyond all of the old incarnation (MAY-2, RFC 6191).
    BeyondOld,
    /// Never.
    Never,
}

/// Which segments are acceptable, and which of the others are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Incoming {
    /// RFC 9293 §3.10.7.4, table 6.
    Table6,
    /// Linux' `tcp_validate_incoming`: those that reach from the last acknowledgment to the right
    /// edge, the edge included. What has no text is answered once per `challenge_spacing`.
    Linux,
}

/// Whether a SYN that is sent again asks for ECN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EcnFallback {
    /// Not any more: something on the path may not like it (Linux' `tcp_ecn_fallback`).
    WithoutEcn,
    /// It does.
    None,
}

/// Whether TCP Fast Open needs cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FastOpenCookies {
    /// A client's SYN carries text only if there is one (`tcp_fastopen` without bit 2).
    pub client: Offer,
    /// A server takes the text of a SYN only with one (without bit 9).
    pub server: Offer,
}

/// The congestion window at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InitialWindow {
    /// 2, 3 or 4 segments, the fewer the larger they are (RFC 5681 §3.1).
    BySize,
    /// So many segments.
    Segments(u32),
}

impl InitialWindow {
    /// How many repetitions of a SYN leave it as it is; after more of them it is one segment. A
    /// lost SYN is enough for RFC 5681 §3.1; RFC 6928 §2 forgives the first.
    pub(crate) const fn forgiven_losses(self) -> u32 {
        match self {
            Self::BySize => 0,
            Self::Segments(_) => 1,
        }
    }

    /// The number of segments of `mss` octets.
    pub const fn segments(self, mss: u32) -> u32 {
        match self {
            Self::Segments(segments) => segments,
            Self::BySize if mss > 2190 => 2,
            Self::BySize if mss > 1095 => 3,
            Self::BySize => 4,
        }
    }
}

/// What the reset of an ABORT looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AbortReset {
    /// `<SEQ=SND.NXT><CTL=RST>` (RFC 9293 §3.10.5).
    Bare,
    /// With an ACK and a window (Linux).
    WithAck,
}

/// Whether an option is offered in our SYN, and accepted in the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offer {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// Whether windows are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowScaling {
    /// They are not: they end at 65,535 octets.
    Off,
    /// By this shift count, 0 to 14, as long as the receive buffer may grow.
    Shift(u8),
    /// By what the largest buffer needs, counted with all its memory, which is twice the text
    /// (Linux' `tcp_select_initial_window`).
    ByBuffer,
}

/// Whether ECN is used (`tcp_ecn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EcnMode {
    /// Never (0).
    Off,
    /// When the peer asks for it (2).
    Passive,
    /// Every SYN asks for it (1).
    Active,
}

/// The order in which a SYN has its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OptionOrder {
    /// MSS, SACK-permitted, timestamps, window scale (Linux' `tcp_options_write`).
    Linux,
    /// MSS, window scale, SACK-permitted, timestamps (FreeBSD's `tcp_addoptions`).
    Bsd,
}

/// What becomes of a segment without timestamps when they were agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MissingTimestamps {
    /// It is dropped (RFC 7323 §3.2).
    Dropped,
    /// It is taken (Linux).
    Tolerated,
}

/// What the window that is offered is rounded down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowRounding {
    /// Nothing.
    None,
    /// Whole segments.
    Segments,
    /// Nothing, but that it is rounded up to what the scale can say, and never less than before
    /// (FreeBSD's `tcp_output`).
    Scale,
}

/// What a zero-window probe looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowProbe {
    /// One octet of new text (RFC 9293 §3.8.6.1).
    OneOctet,
    /// Nothing, with an old sequence number, which draws an ACK all the same (Linux).
    Empty,
}

/// When the peer's FIN is acknowledged while this side may still send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FinAck {
    /// With the FIN's arrival (RFC 9293 §3.10.7.4: "send an acknowledgment for the FIN").
    AtOnce,
    /// Like text, as long as `delayed_ack`: often the application closes meanwhile, and this
    /// side's own FIN carries the acknowledgment (Linux).
    MayWait,
}

/// What is done about blind attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlindAttacks {
    /// RST and SYN in the window are challenged, and old ACKs too (RFC 5961).
    Challenged,
    /// RST and SYN in the window reset the connection (RFC 793).
    Believed,
}

/// How initial sequence numbers are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IsnSource {
    /// A clock of this tick plus a keyed hash of the 4-tuple (RFC 6528 §3).
    Clock(Duration),
    /// Always this one. For tests next to the wrap, and to show what goes wrong.
    Fixed(u32),
}

/// What becomes of text that was received but not read when a RST arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnreadOnReset {
    /// It is thrown away (RFC 9293 §3.10.7.4: "all segment queues should be flushed").
    Flushed,
    /// It can still be read, then comes the error (Linux).
    Kept,
}

/// What CLOSE answers when it was already called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepeatedClose {
    /// "error: connection closing" in CLOSING, LAST-ACK and TIME-WAIT (RFC 9293 §3.10.4).
    Error,
    /// Nothing happens (Linux' `shutdown`).
    Ok,
}

impl Profile {
    /// The names [`by_name`](Self::by_name) knows.
    pub const NAMES: &'static [&'static str] = &["rfc9293", "linux", "freebsd", "big-ip"];

    /// The profile of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "rfc9293" => Some(Self::rfc9293()),
            "linux" => Some(Self::linux()),
            "freebsd" => Some(Self::freebsd()),
            "big-ip" => Some(Self::big_ip()),
            _ => None,
        }
    }

    /// The textbook: RFC 9293 with the RFCs it requires, and its own numbers.
    #[expect(clippy::too_many_lines, reason = "a line for each parameter")]
    pub fn rfc9293() -> Self {
        Self {
            name: "rfc9293",
            lineage: Lineage::Rfc,
            bsd: BsdSwitches::DEFAULT,
            options: rfc9293_options(),
            what_ifs: WhatIfs::NONE,
            #[cfg(feature = "mutations")]
            mutation: None,
            time_wait: Duration::from_secs(240), // §3.4.2: MSL is 2 minutes
            fin_timeout: None,                   // the RFC has no such timer
            proxy: ProxyTimeouts::NONE,          // nor these
            time_wait_rst: TimeWaitRst::Honoured,
            time_wait_restart: TimeWaitRestart::Fin,
            time_wait_reuse: TimeWaitReuse::BeyondOld,
            connect_reuse: ConnectReuse::Never,
            connect_reuse_delay: Duration::from_secs(1),
            max_time_wait: None, // not in the RFC: TIME-WAIT is not optional (MUST-13)
            max_orphans: None,   // not in the RFC
            rto_initial: Duration::from_secs(1), // RFC 6298 §2.1
            rto_floor: RtoFloor::Total(Duration::from_secs(1)), // RFC 6298 §2.4
            rto_max: Duration::from_secs(60), // RFC 6298 §2.5: at least 60 s
            connect_timeout: None,
            syn_retries: RetryLimit::Time(Duration::from_secs(180)), // §3.8.3, MUST-23: R2
            syn_linear_timeouts: 0, // RFC 6298 §5.5: every timeout doubles
            synack_retries: RetryLimit::Time(Duration::from_secs(180)),
            retries: RetryLimit::Time(Duration::from_secs(100)), // §3.8.3: R2 of data, SHLD-11
            orphan_retries: RetryLimit::Time(Duration::from_secs(100)),
            retry_counting: RetryCounting::Each,
            persist_min: Duration::ZERO, // §3.8.6.1: the first after a retransmission timeout
            persist_max: Duration::from_secs(60), // as RTO
            mss: 1460,
            initial_window: InitialWindow::BySize,
            window_scaling: WindowScaling::Off,
            receive_growth: Offer::Yes,
            fixed_receive_buffer: (1, u32::MAX),
            timestamps: Offer::No,
            sack: Offer::No,
            dsack: Offer::Yes, // RFC 2883: as soon as SACK is agreed on
            ecn: EcnMode::Off,
            ecn_fallback: EcnFallback::None,
            option_order: OptionOrder::Bsd,
            missing_timestamps: MissingTimestamps::Dropped, // RFC 7323 §3.2
            window_counting: WindowCounting::Octets { limit: 1 }, // RFC 5681 §3.1, equation 2
            window_reduction: WindowReduction::FlightSize,  // RFC 5681 §3.1, equation 4
            idle_restart: IdleRestart::AtOnce,              // RFC 5681 §4.1
            reordering: 3,                                  // RFC 5681 §3.2, RFC 6675 §2
            max_reordering: 3,
            loss_detection: LossDetection::Blocks, // RFC 6675
            tail_loss_probe: Offer::No,
            limited_transmit: Offer::Yes, // RFC 5681 §3.2, step 1, wants RFC 3042
            proportional_rate: Offer::No,
            spurious_timeouts: SpuriousTimeouts::Believed,
            rtt_estimator: RttEstimator::OnePerRoundTrip,
            segmentation: Segmentation::Stream, // MUST-61, MAY-16
            least_burst: 1,
            repacketization: Repacketization::Whole, // RFC 9293 §3.10.8
            window_rounding: WindowRounding::None,
            window_probe: WindowProbe::OneOctet,
            delayed_acks: DelayedAcks::Octets,       // SHLD-19
            delayed_ack: Duration::from_millis(200), // §3.8.6.3: less than 0.5 s
            quick_acks: 0,
            fin_ack: FinAck::AtOnce,
            incoming: Incoming::Table6,
            blind_attacks: BlindAttacks::Challenged,
            challenge_limit: 10, // RFC 5961 §7
            challenge_period: Duration::from_secs(5),
            challenge_spacing: Duration::ZERO,
            accept_overflow: AcceptOverflow::Drop,
            fast_open_client: Offer::No, // RFC 7413 is not part of RFC 9293
            fast_open_server: Offer::No,
            fast_open_cookies: FastOpenCookies { client: Offer::Yes, server: Offer::Yes },
            fast_open_everywhere: Offer::No,
            fast_open_key: None,
            syn_cookies: SynCookies::Off, // RFC 4987 is not part of RFC 9293
            max_syn_backlog: u32::MAX,
            max_backlog: u32::MAX,
            first_port: 49_152, // RFC 6335 §6
            last_port: 65_535,
            port_selection: PortSelection::SimpleHash,
            isn: IsnSource::Clock(Duration::from_micros(4)), // §3.4.1, MUST-8
            unread_on_reset: UnreadOnReset::Flushed,
            repeated_close: RepeatedClose::Error,
            unreachable: Unreachable::Soft,
            mtu_expires: Duration::from_secs(600), // RFC 1191 §6.3, RFC 8201 §4
            min_pmtu: 68,                          // RFC 1191 §3
            unknown_mtu: UnknownMtu::Plateau,      // RFC 1191 §7.1
            mtu_probing: MtuProbing::Off,          // RFC 4821 is not required
            abort_reset: AbortReset::Bare,
        }
    }

    /// How many ephemeral ports there are.
    pub fn ephemeral_ports(&self) -> u32 {
        u32::from(self.last_port.saturating_sub(self.first_port)) + 1
    }
}

fn rfc9293_options() -> SocketOptions {
    SocketOptions {
        no_delay: false,
        linger: None,
        reuse_address: false,
        keep_alive: false,                      // §3.8.4, MUST-25: off
        keep_idle: Duration::from_secs(7200),   // MUST-28: no less than two hours
        keep_interval: Duration::from_secs(75), // not in the RFC: as BSD and Linux
        keep_count: 9,                          // not in the RFC: as Linux
        user_timeout: None,                     // §3.8.3: R2 alone decides
        send_buffer: 65_535,
        receive_buffer: 65_535, // the largest window without scaling
        send_buffer_max: 65_535,
        receive_buffer_max: 65_535,
        fast_open: 0,
        fast_open_cookies: Offer::Yes, // RFC 7413 §4.1
        max_segment: None,
        no_options: false,
        hop_limit: 64,    // IANA's "IP Option Numbers" and ip_default_ttl
        traffic_class: 0, // RFC 2474 §4.1: default forwarding
        error_reports: ErrorReports::On, // §3.9.1.8: unless an application switches them off
        congestion_control: CongestionControl::NewReno, // RFC 5681 §3.1, RFC 6582
        cork: false,
        not_sent_low_water: u32::MAX, // no limit; tcp_notsent_lowat = UINT_MAX
        defer_accept: None,
        syn_count: None,
        linger2: Linger2::Default,
        window_clamp: None,
    }
}
