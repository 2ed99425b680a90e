//! The parameters of a profile by name, for scenario files and the command line.

mod sysctl;

use alloc::string::{String, ToString};
use core::time::Duration;

use crate::profile::{
    AbortReset, AcceptOverflow, BlindAttacks, CongestionControl, ConnectReuse, DelayedAcks,
    EcnFallback, EcnMode, FinAck, IdleRestart, Incoming, InitialWindow, IsnSource, LossDetection,
    MissingTimestamps, MtuProbing, Offer, OptionOrder, PortSelection, Profile, Repacketization,
    RepeatedClose, ResetOnTimeout, RetryCounting, RetryLimit, RtoFloor, RttEstimator, Segmentation,
    SpuriousTimeouts, SynCookies, TimeWaitRestart, TimeWaitReuse, TimeWaitRst, UnknownMtu,
    Unreachable, UnreadOnReset, WindowCounting, WindowProbe, WindowReduction, WindowRounding,
    WindowScaling,
};
use crate::{SocketOption, SocketOptions};

/// A parameter that could not be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// There is no parameter of this name.
    #[error("a profile has no parameter `{0}`")]
    Unknown(String),
    /// The value is not one of this parameter.
    #[error("`{value}` is no value for `{name}`: expected {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: String,
        /// What it takes: `a duration such as 60s`.
        expected: &'static str,
    },
}

/// How one parameter is set. Returns whether the value was understood.
type Setter = fn(&mut Profile, &str) -> bool;

/// One row: the name, a line about it, what it takes, how it is set.
type Row = (&'static str, &'static str, &'static str, Setter);

const DURATION: &str = "a duration such as 60s or 200ms";
const OPTIONAL: &str = "a duration such as 60s, or `off`";
const LIMIT: &str = "a count such as 6, or a duration such as 100s";
const NUMBER: &str = "a number";
const COUNT_OR_ANY: &str = "a number, or `any`";
const OFFER: &str = "`on` or `off`";

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("time-wait", "how long TIME-WAIT lasts: 2MSL", DURATION, |p, v| set(&mut p.time_wait, duration(v))),
    ("fin-timeout", "how long an orphan may stay in FIN-WAIT-2", OPTIONAL, |p, v| set(&mut p.fin_timeout, optional(v))),
    ("idle-timeout", "how long a connection may hear nothing of its peer (a proxy)", OPTIONAL, |p, v| set(&mut p.proxy.idle, optional(v))),
    ("reset-on-timeout", "whether the peer of an idle connection is told (a proxy)", OFFER, |p, v| set(&mut p.proxy.reset_on_timeout, choice(v, &[("on", ResetOnTimeout::Enabled), ("off", ResetOnTimeout::Disabled)]))),
    ("fin-wait-timeout", "how long FIN-WAIT-1 and CLOSING may last without progress (a proxy)", OPTIONAL, |p, v| set(&mut p.proxy.fin_wait, optional(v))),
    ("last-ack-timeout", "the same for LAST-ACK (a proxy)", OPTIONAL, |p, v| set(&mut p.proxy.last_ack, optional(v))),
    ("time-wait-rst", "whether a RST ends TIME-WAIT (RFC 1337)", "`honoured` or `ignored`", |p, v| set(&mut p.time_wait_rst, choice(v, &[("honoured", TimeWaitRst::Honoured), ("ignored", TimeWaitRst::Ignored)]))),
    ("time-wait-restart", "what starts TIME-WAIT over", "`fin` or `any-ack`", |p, v| set(&mut p.time_wait_restart, choice(v, &[("fin", TimeWaitRestart::Fin), ("any-ack", TimeWaitRestart::AnyAck)]))),
    ("time-wait-reuse", "whether a new SYN may take over TIME-WAIT", "`beyond-old` or `never`", |p, v| set(&mut p.time_wait_reuse, choice(v, &[("beyond-old", TimeWaitReuse::BeyondOld), ("never", TimeWaitReuse::Never)]))),
    ("connect-reuse", "whether connect may take over TIME-WAIT (tcp_tw_reuse)", "`never`, `bound`, `loopback` or `always`", |p, v| set(&mut p.connect_reuse, choice(v, &[("never", ConnectReuse::Never), ("bound", ConnectReuse::Bound), ("loopback", ConnectReuse::Loopback), ("always", ConnectReuse::Always)]))),
    ("connect-reuse-delay", "how old TIME-WAIT must be for that", DURATION, |p, v| set(&mut p.connect_reuse_delay, duration(v))),
    ("max-time-wait", "connections that may be in TIME-WAIT (tcp_max_tw_buckets)", COUNT_OR_ANY, |p, v| set(&mut p.max_time_wait, count_or_any(v))),
    ("max-orphans", "connections that nobody holds any more (tcp_max_orphans)", COUNT_OR_ANY, |p, v| set(&mut p.max_orphans, count_or_any(v))),
    ("rto-initial", "the retransmission timeout before the first sample", DURATION, |p, v| set(&mut p.rto_initial, duration(v))),
    ("rto-min", "the smallest retransmission timeout", DURATION, |p, v| set_floor(&mut p.rto_floor, duration(v))),
    ("rto-max", "the largest retransmission timeout", DURATION, |p, v| set(&mut p.rto_max, duration(v))),
    ("connect-timeout", "how long an attempt to connect may take (net.inet.tcp.keepinit)", OPTIONAL, |p, v| set(&mut p.connect_timeout, optional(v))),
    ("persist-min", "the shortest wait between zero-window probes", DURATION, |p, v| set(&mut p.persist_min, duration(v))),
    ("persist-max", "the longest wait between zero-window probes", DURATION, |p, v| set(&mut p.persist_max, duration(v))),
    ("syn-retries", "when a SYN is given up", LIMIT, |p, v| set(&mut p.syn_retries, limit(v))),
    ("syn-linear-timeouts", "repetitions of a SYN before its timeout doubles", NUMBER, |p, v| set(&mut p.syn_linear_timeouts, number(v))),
    ("synack-retries", "when a SYN,ACK is given up", LIMIT, |p, v| set(&mut p.synack_retries, limit(v))),
    ("retries", "when text or a FIN is given up", LIMIT, |p, v| set(&mut p.retries, limit(v))),
    ("orphan-retries", "the same for an orphan", LIMIT, |p, v| set(&mut p.orphan_retries, limit(v))),
    ("mss", "the largest segment, in octets of text", "a number from 64 to 65495", |p, v| set(&mut p.mss, number(v).filter(|mss| (64..=65_495).contains(mss)))),
    ("initial-window", "the congestion window at the start, in segments", "a number from 1 to 1000, or `by-size`", |p, v| set(&mut p.initial_window, initial_window(v))),
    ("window-scale", "the shift count of the windows offered (RFC 7323 §2)", "`off`, `by-buffer`, or a number from 0 to 14", |p, v| set(&mut p.window_scaling, window_scaling(v))),
    ("timestamps", "whether timestamps are offered and accepted (RFC 7323 §3)", OFFER, |p, v| set(&mut p.timestamps, offer(v))),
    ("sack", "whether selective acknowledgments are offered and accepted (RFC 2018)", OFFER, |p, v| set(&mut p.sack, offer(v))),
    ("ecn", "whether ECN is asked for (`on`) or only agreed to (`passive`) (RFC 3168)", "`off`, `passive` or `on`", |p, v| set(&mut p.ecn, choice(v, &[("off", EcnMode::Off), ("passive", EcnMode::Passive), ("on", EcnMode::Active)]))),
    ("option-order", "the order in which a SYN has its options", "`linux` or `bsd`", |p, v| set(&mut p.option_order, choice(v, &[("linux", OptionOrder::Linux), ("bsd", OptionOrder::Bsd)]))),
    ("missing-timestamps", "what becomes of segments without the timestamps agreed on", "`dropped` or `tolerated`", |p, v| set(&mut p.missing_timestamps, choice(v, &[("dropped", MissingTimestamps::Dropped), ("tolerated", MissingTimestamps::Tolerated)]))),
    ("congestion-control", "the congestion control algorithm (tcp_congestion_control)", "`newreno` or `cubic`", |p, v| set(&mut p.options.congestion_control, CongestionControl::by_name(v))),
    ("window-counting", "what acknowledgments count for when the congestion window grows", "`segments`, or a number of segments from 1 to 255 that one counts for at most", |p, v| set(&mut p.window_counting, window_counting(v))),
    ("window-reduction", "what a congestion event takes its share of", "`flight-size` or `window`", |p, v| set(&mut p.window_reduction, choice(v, &[("flight-size", WindowReduction::FlightSize), ("window", WindowReduction::Window)]))),
    ("loss-detection", "what tells of losses when the peer SACKs (tcp_recovery)", "`blocks` (RFC 6675) or `time` (RACK, RFC 8985)", |p, v| set(&mut p.loss_detection, choice(v, &[("blocks", LossDetection::Blocks), ("time", LossDetection::Time)]))),
    ("tail-loss-probe", "whether the tail of a flight is probed (RFC 8985 §7; tcp_early_retrans)", OFFER, |p, v| set(&mut p.tail_loss_probe, offer(v))),
    ("limited-transmit", "whether the first duplicate acknowledgments let new text out (RFC 3042)", OFFER, |p, v| set(&mut p.limited_transmit, offer(v))),
    ("proportional-rate", "whether the window comes down in proportion to what arrives (RFC 6937)", OFFER, |p, v| set(&mut p.proportional_rate, offer(v))),
    ("spurious-timeouts", "whether needless timeouts and recoveries are taken back", "`believed`, `by-timestamp` (RFC 3522, RFC 3708) or `tested` (RFC 5682; tcp_frto)", |p, v| set(&mut p.spurious_timeouts, choice(v, &[("believed", SpuriousTimeouts::Believed), ("by-timestamp", SpuriousTimeouts::ByTimestamp), ("tested", SpuriousTimeouts::Tested)]))),
    ("rtt-estimator", "how the round-trip time is measured", "`one-per-round-trip` (RFC 6298), `every-echo` (FreeBSD) or `every-ack` (Linux)", |p, v| set(&mut p.rtt_estimator, choice(v, &[("one-per-round-trip", RttEstimator::OnePerRoundTrip), ("every-echo", RttEstimator::EveryEcho), ("every-ack", RttEstimator::EveryAck)]))),
    ("reordering", "segments behind a hole that are no proof of a loss yet (tcp_reordering)", "a number from 1 to 300", |p, v| set(&mut p.reordering, number(v).filter(|count| (1..=300).contains(count)))),
    ("max-reordering", "what that may grow to (tcp_max_reordering)", NUMBER, |p, v| set(&mut p.max_reordering, number(v))),
    ("dsack", "whether text that came twice is reported (RFC 2883; tcp_dsack)", OFFER, |p, v| set(&mut p.dsack, offer(v))),
    ("ecn-fallback", "whether a SYN that is sent again does without ECN (tcp_ecn_fallback)", OFFER, |p, v| set(&mut p.ecn_fallback, choice(v, &[("on", EcnFallback::WithoutEcn), ("off", EcnFallback::None)]))),
    ("retry-counting", "what a count of retries stands for", "`each` or `by-time` (retransmits_timed_out)", |p, v| set(&mut p.retry_counting, choice(v, &[("each", RetryCounting::Each), ("by-time", RetryCounting::ByTime)]))),
    ("incoming", "which segments are acceptable, and which others are answered", "`table-6` (RFC 9293) or `linux` (tcp_validate_incoming)", |p, v| set(&mut p.incoming, choice(v, &[("table-6", Incoming::Table6), ("linux", Incoming::Linux)]))),
    ("fast-open-everywhere", "whether listeners that do not ask for TCP Fast Open use it (tcp_fastopen, bit 10)", OFFER, |p, v| set(&mut p.fast_open_everywhere, offer(v))),
    ("fast-open-client-cookie", "whether a SYN needs a cookie to carry text (tcp_fastopen, not bit 2)", OFFER, |p, v| set(&mut p.fast_open_cookies.client, offer(v))),
    ("fast-open-server-cookie", "whether the text of a SYN is taken only with a cookie (tcp_fastopen, not bit 9)", OFFER, |p, v| set(&mut p.fast_open_cookies.server, offer(v))),
    ("fast-open-key", "what makes cookies (tcp_fastopen_key)", "four words such as 00000000-11111111-22222222-33333333, or `secret`", |p, v| set(&mut p.fast_open_key, fast_open_key(v))),
    ("receive-growth", "whether receive buffers grow with what is read (tcp_moderate_rcvbuf)", OFFER, |p, v| set(&mut p.receive_growth, offer(v))),
    ("segmentation", "how text is cut into segments, and which of them carry PSH", "`stream` or `as-written`", |p, v| set(&mut p.segmentation, choice(v, &[("stream", Segmentation::Stream), ("as-written", Segmentation::AsWritten)]))),
    ("least-burst", "segments that leave at once when so many may (tcp_min_tso_segs)", "a number from 1 to 65535", |p, v| set(&mut p.least_burst, number(v).filter(|count| (1..=65_535).contains(count)))),
    ("repacketization", "what segments look like that are sent again", "`whole` or `as-sent`", |p, v| set(&mut p.repacketization, choice(v, &[("whole", Repacketization::Whole), ("as-sent", Repacketization::AsSent)]))),
    ("idle-restart", "what becomes of the congestion window after idleness (tcp_slow_start_after_idle)", "`never`, `at-once`, `at-once-remembering` or `gradual`", |p, v| set(&mut p.idle_restart, choice(v, &[("never", IdleRestart::Never), ("at-once", IdleRestart::AtOnce), ("at-once-remembering", IdleRestart::AtOnceRemembering), ("gradual", IdleRestart::Gradual)]))),
    ("window-rounding", "what the offered window is rounded down to", "`none`, `segments` or `scale`", |p, v| set(&mut p.window_rounding, choice(v, &[("none", WindowRounding::None), ("segments", WindowRounding::Segments), ("scale", WindowRounding::Scale)]))),
    ("window-probe", "what a zero-window probe looks like", "`one-octet` or `empty`", |p, v| set(&mut p.window_probe, choice(v, &[("one-octet", WindowProbe::OneOctet), ("empty", WindowProbe::Empty)]))),
    ("ack-policy", "which acknowledgments may wait", "`octets`, `octets-or-push`, `every-second` or `adaptive`", |p, v| set(&mut p.delayed_acks, choice(v, &[("octets", DelayedAcks::Octets), ("octets-or-push", DelayedAcks::OctetsOrPush), ("every-second", DelayedAcks::EverySecond), ("adaptive", DelayedAcks::Adaptive)]))),
    ("delayed-ack", "how long an acknowledgment may wait", "a duration below 500ms (MUST-40)", |p, v| set(&mut p.delayed_ack, duration(v).filter(|wait| *wait < Duration::from_millis(500)))),
    ("quick-acks", "acknowledgments sent at once at first, at most", "a number from 0 to 255", |p, v| set(&mut p.quick_acks, number(v))),
    ("fin-ack", "when the peer's FIN is acknowledged by a side that may still send", "`at-once` or `may-wait`", |p, v| set(&mut p.fin_ack, choice(v, &[("at-once", FinAck::AtOnce), ("may-wait", FinAck::MayWait)]))),
    ("blind-attacks", "whether RST and SYN must prove themselves (RFC 5961)", "`challenged` or `believed`", |p, v| set(&mut p.blind_attacks, choice(v, &[("challenged", BlindAttacks::Challenged), ("believed", BlindAttacks::Believed)]))),
    ("challenge-limit", "challenge ACKs per period, of the whole stack", NUMBER, |p, v| set(&mut p.challenge_limit, number(v))),
    ("challenge-period", "the period of the challenge limit", DURATION, |p, v| set(&mut p.challenge_period, duration(v))),
    ("challenge-spacing", "between challenge ACKs of one connection", DURATION, |p, v| set(&mut p.challenge_spacing, duration(v))),
    ("accept-overflow", "what a full accept queue does (tcp_abort_on_overflow)", "`drop` or `reset`", |p, v| set(&mut p.accept_overflow, choice(v, &[("drop", AcceptOverflow::Drop), ("reset", AcceptOverflow::Reset)]))),
    ("fast-open-client", "whether TCP Fast Open is used to connect (tcp_fastopen, bit 0)", "`on` or `off`", |p, v| set(&mut p.fast_open_client, choice(v, &[("on", Offer::Yes), ("off", Offer::No)]))),
    ("fast-open-server", "whether listeners may use TCP Fast Open (tcp_fastopen, bit 1)", "`on` or `off`", |p, v| set(&mut p.fast_open_server, choice(v, &[("on", Offer::Yes), ("off", Offer::No)]))),
    ("syn-cookies", "whether a SYN may be answered without being remembered (tcp_syncookies)", "`off`, `when-full` or `always`", |p, v| set(&mut p.syn_cookies, choice(v, &[("off", SynCookies::Off), ("when-full", SynCookies::WhenFull), ("always", SynCookies::Always)]))),
    ("max-syn-backlog", "connections that may be opening, without SYN cookies (tcp_max_syn_backlog)", NUMBER, |p, v| set(&mut p.max_syn_backlog, number(v))),
    ("max-backlog", "connections that may wait to be accepted", NUMBER, |p, v| set(&mut p.max_backlog, number(v))),
    ("first-port", "the first ephemeral port", "a port", |p, v| set(&mut p.first_port, number(v).filter(|port| *port > 0))),
    ("last-port", "the last ephemeral port", "a port", |p, v| set(&mut p.last_port, number(v).filter(|port| *port > 0))),
    ("port-selection", "how an ephemeral port is chosen (RFC 6056)", "`simple-hash`, `double-hash` or `random`", |p, v| set(&mut p.port_selection, choice(v, &[("simple-hash", PortSelection::SimpleHash), ("double-hash", PortSelection::DoubleHash), ("random", PortSelection::Random)]))),
    ("isn", "a fixed initial sequence number (what-if)", "a number below 2^32", |p, v| set(&mut p.isn, number(v).map(IsnSource::Fixed))),
    ("unread-on-reset", "what becomes of unread text when a RST arrives", "`flushed` or `kept`", |p, v| set(&mut p.unread_on_reset, choice(v, &[("flushed", UnreadOnReset::Flushed), ("kept", UnreadOnReset::Kept)]))),
    ("repeated-close", "what a second CLOSE answers", "`error` or `ok`", |p, v| set(&mut p.repeated_close, choice(v, &[("error", RepeatedClose::Error), ("ok", RepeatedClose::Ok)]))),
    ("unreachable", "what an ICMP error does to an attempt", "`soft`, `ends-attempt` or `insistent`", |p, v| set(&mut p.unreachable, choice(v, &[("soft", Unreachable::Soft), ("ends-attempt", Unreachable::EndsAttempt), ("insistent", Unreachable::Insistent)]))),
    ("mtu-expires", "how long the path MTU that an ICMP message told is believed", DURATION, |p, v| set(&mut p.mtu_expires, duration(v))),
    ("min-pmtu", "the smallest path MTU that is believed (IPv4)", "a number from 68 to 65535", |p, v| set(&mut p.min_pmtu, number(v).filter(|mtu| *mtu >= 68))),
    ("unknown-mtu", "what is tried when a router does not tell the MTU", "`plateau` or `smallest`", |p, v| set(&mut p.unknown_mtu, choice(v, &[("plateau", UnknownMtu::Plateau), ("smallest", UnknownMtu::Smallest)]))),
    ("mtu-probing", "how a black hole for large packets is found", "`off`, `halving` or `two-steps`", |p, v| set(&mut p.mtu_probing, choice(v, &[("off", MtuProbing::Off), ("halving", MtuProbing::Halving), ("two-steps", MtuProbing::TwoSteps)]))),
    ("abort-reset", "what the reset of an ABORT looks like", "`bare` or `with-ack`", |p, v| set(&mut p.abort_reset, choice(v, &[("bare", AbortReset::Bare), ("with-ack", AbortReset::WithAck)]))),
    ("send-buffer", "octets a socket may have unsent or unacknowledged", NUMBER, |p, v| buffer(&mut p.options, v, SocketOption::SendBuffer)),
    ("receive-buffer", "octets a socket may have unread", NUMBER, |p, v| buffer(&mut p.options, v, SocketOption::ReceiveBuffer)),
    ("hop-limit", "the time to live of packets (ip_default_ttl)", "a number from 1 to 255", |p, v| set(&mut p.options.hop_limit, number(v).filter(|hops| *hops > 0))),
    ("traffic-class", "the DiffServ codepoint of packets, in the high six bits (IP_TOS)", "a number from 0 to 255", |p, v| number(v).map(|class| p.options.set(SocketOption::TrafficClass(class))).is_some()),
    ("keepalive-idle", "silence before the first keepalive probe", DURATION, |p, v| set(&mut p.options.keep_idle, duration(v))),
    ("keepalive-interval", "between keepalive probes", DURATION, |p, v| set(&mut p.options.keep_interval, duration(v))),
    ("keepalive-count", "unanswered probes that end a connection", NUMBER, |p, v| set(&mut p.options.keep_count, number(v))),
    ("not-sent-low-water", "there is room to write only while fewer octets were never sent (tcp_notsent_lowat)", NUMBER, |p, v| number(v).map(|octets| p.options.set(SocketOption::NotSentLowWater(octets))).is_some()),
    ("user-timeout", "how long text may stay unacknowledged", OPTIONAL, |p, v| set(&mut p.options.user_timeout, optional(v).map(|time| time.filter(|time| !time.is_zero())))),
];

impl Profile {
    /// The names of all parameters, with a line about each and what it takes.
    pub fn parameters() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        TABLE.iter().map(|(name, about, takes, _)| (*name, *about, *takes))
    }

    /// Sets the parameter `name` to what `value` says: `time-wait` to `60s`. The name may also be
    /// one of [`system_names`](Self::system_names): `net.ipv4.tcp_fin_timeout`.
    ///
    /// # Errors
    /// The parameter is unknown, or the value is not one of its kind. The profile is unchanged.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ParameterError> {
        match self.set_by_system_name(name, value) {
            Some(result) => result,
            None => self.set_own(name, value),
        }
    }

    fn set_own(&mut self, name: &str, value: &str) -> Result<(), ParameterError> {
        let (name, _, expected, setter) = TABLE
            .iter()
            .find(|row| row.0 == name)
            .ok_or_else(|| ParameterError::Unknown(name.to_string()))?;
        if setter(self, value) {
            Ok(())
        } else {
            Err(ParameterError::Value { name, value: value.to_string(), expected })
        }
    }
}

fn set<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

fn set_floor(place: &mut RtoFloor, value: Option<Duration>) -> bool {
    let floor = match place {
        RtoFloor::Total(_) => value.map(RtoFloor::Total),
        RtoFloor::Variance(_) => value.map(RtoFloor::Variance),
        RtoFloor::Slop { slop, .. } => value.map(|least| RtoFloor::Slop { slop: *slop, least }),
    };
    set(place, floor)
}

fn choice<T: Copy>(value: &str, choices: &[(&str, T)]) -> Option<T> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice)
}

fn number<T: core::str::FromStr>(value: &str) -> Option<T> {
    value.parse().ok()
}

fn offer(value: &str) -> Option<Offer> {
    choice(value, &[("on", Offer::Yes), ("off", Offer::No)])
}

/// `off`, or a shift count.
fn window_scaling(value: &str) -> Option<WindowScaling> {
    let shift = || number(value).filter(|shift| *shift <= 14);
    choice(value, &[("off", WindowScaling::Off), ("by-buffer", WindowScaling::ByBuffer)])
        .or_else(|| shift().map(WindowScaling::Shift))
}

/// The size of a buffer, which does not grow any more then.
fn buffer(options: &mut SocketOptions, value: &str, option: fn(u32) -> SocketOption) -> bool {
    let octets = number(value).filter(|octets| *octets > 0);
    octets.map(|octets| options.set(option(octets))).is_some()
}

/// `by-size`, or a number of segments.
fn initial_window(value: &str) -> Option<InitialWindow> {
    let segments = || number(value).filter(|segments| (1..=1000).contains(segments));
    choice(value, &[("by-size", InitialWindow::BySize)])
        .or_else(|| segments().map(InitialWindow::Segments))
}

/// `segments`, or the limit of appropriate byte counting.
fn window_counting(value: &str) -> Option<WindowCounting> {
    let octets = || number(value).filter(|limit| *limit > 0);
    choice(value, &[("segments", WindowCounting::Segments)])
        .or_else(|| octets().map(|limit| WindowCounting::Octets { limit }))
}

/// Four words of eight digits, each as the machine has it: `proc_tcp_fastopen_key`, on a
/// little-endian one. What follows a comma is the key of before, which nobody needs.
#[expect(clippy::option_option, reason = "the outer one is whether it was understood")]
fn fast_open_key(value: &str) -> Option<Option<[u8; 16]>> {
    if value == "secret" {
        return Some(None);
    }
    let mut key = [0; 16];
    let mut words = value.split(',').next()?.split('-');
    for place in key.chunks_exact_mut(4) {
        let word = words.next().filter(|word| (1..=8).contains(&word.len()))?;
        place.copy_from_slice(&u32::from_str_radix(word, 16).ok()?.to_le_bytes());
    }
    words.next().is_none().then_some(Some(key))
}

fn limit(value: &str) -> Option<RetryLimit> {
    number(value).map(RetryLimit::Count).or_else(|| duration(value).map(RetryLimit::Time))
}

/// `any`, or a number.
#[expect(clippy::option_option, reason = "the outer one is whether it was understood")]
fn count_or_any(value: &str) -> Option<Option<u32>> {
    if value == "any" { Some(None) } else { number(value).map(Some) }
}

/// `off`, or a duration.
#[expect(clippy::option_option, reason = "the outer one is whether it was understood")]
fn optional(value: &str) -> Option<Option<Duration>> {
    if value == "off" { Some(None) } else { duration(value).map(Some) }
}

/// A whole number with a unit: `60s`, `200ms`, `2h`.
fn duration(value: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 6] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let digits = value.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = value.split_at(digits);
    let nanos = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    count.parse::<u64>().ok()?.checked_mul(nanos).map(Duration::from_nanos)
}
