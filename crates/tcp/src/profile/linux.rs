//! Linux 6 with its default sysctls.

use core::time::Duration;

use super::{
    AbortReset, CongestionControl, ConnectReuse, DelayedAcks, EcnFallback, EcnMode, FinAck,
    IdleRestart, Incoming, InitialWindow, IsnSource, LossDetection, MissingTimestamps, Offer,
    OptionOrder, PortSelection, Profile, Repacketization, RepeatedClose, RetryCounting, RetryLimit,
    RtoFloor, RttEstimator, Segmentation, SpuriousTimeouts, SynCookies, TimeWaitRestart,
    TimeWaitRst, UnknownMtu, Unreachable, UnreadOnReset, WindowCounting, WindowProbe,
    WindowReduction, WindowRounding, WindowScaling,
};
use crate::{ErrorReports, SocketOptions};

impl Profile {
    /// Linux 6.x with its default sysctls (Documentation/networking/ip-sysctl.rst).
    pub fn linux() -> Self {
        Self {
            name: "linux",
            options: linux_options(),
            time_wait: Duration::from_secs(60), // TCP_TIMEWAIT_LEN in include/net/tcp.h
            fin_timeout: Some(Duration::from_secs(60)), // tcp_fin_timeout
            time_wait_rst: TimeWaitRst::Honoured, // tcp_rfc1337 = 0
            time_wait_restart: TimeWaitRestart::AnyAck, // tcp_timewait_state_process
            connect_reuse: ConnectReuse::Loopback, // tcp_tw_reuse = 2
            connect_reuse_delay: Duration::from_secs(1), // tcp_tw_reuse_delay, before 6.14 fixed
            fast_open_client: Offer::Yes,       // tcp_fastopen = 1: bit 0 is the client's,
            fast_open_server: Offer::No,        // bit 1 the server's
            syn_cookies: SynCookies::WhenFull,  // tcp_syncookies = 1
            max_syn_backlog: 4096, // tcp_max_syn_backlog: 1/128 of the hash table, see next
            // tcp_max_tw_buckets and tcp_max_orphans: tcp_init sets both to half of the hash table
            // of connections, which has 524,288 places at most, from 64 GiB of memory on.
            max_time_wait: Some(262_144),
            max_orphans: Some(262_144),
            rto_floor: RtoFloor::Variance(Duration::from_millis(200)), // TCP_RTO_MIN
            rto_max: Duration::from_secs(120),                         // TCP_RTO_MAX
            syn_retries: RetryLimit::Count(6),                         // tcp_syn_retries
            syn_linear_timeouts: 4, // tcp_syn_linear_timeouts, since 6.5
            synack_retries: RetryLimit::Count(5), // tcp_synack_retries
            retries: RetryLimit::Count(15), // tcp_retries2
            orphan_retries: RetryLimit::Count(8), // tcp_orphan_retries = 0 means 8
            retry_counting: RetryCounting::ByTime, // retransmits_timed_out
            persist_max: Duration::from_secs(120), // tcp_probe0_when: TCP_RTO_MAX
            initial_window: InitialWindow::Segments(10), // TCP_INIT_CWND, RFC 6928
            // tcp_window_scaling; ilog2(tcp_rmem[2] = 6291456) - 15 is 7
            window_scaling: WindowScaling::ByBuffer,
            // SOCK_MIN_RCVBUF and net.core.rmem_max, which SO_RCVBUF doubles and text has half of.
            fixed_receive_buffer: (1152, 212_992),
            timestamps: Offer::Yes,                // tcp_timestamps = 1
            sack: Offer::Yes,                      // tcp_sack = 1
            ecn: EcnMode::Passive,                 // tcp_ecn = 2
            ecn_fallback: EcnFallback::WithoutEcn, // tcp_ecn_fallback = 1
            option_order: OptionOrder::Linux,      // tcp_options_write
            missing_timestamps: MissingTimestamps::Tolerated, // tcp_validate_incoming
            idle_restart: IdleRestart::Gradual,    // tcp_slow_start_after_idle = 1
            window_counting: WindowCounting::Segments, // snd_cwnd counts segments
            window_reduction: WindowReduction::Window, // tcp_init_cwnd_reduction
            max_reordering: 300,                   // tcp_max_reordering
            loss_detection: LossDetection::Time,   // tcp_recovery = 1
            tail_loss_probe: Offer::Yes,           // tcp_early_retrans = 3
            proportional_rate: Offer::Yes,         // tcp_cwnd_reduction
            spurious_timeouts: SpuriousTimeouts::Tested, // tcp_frto = 2
            rtt_estimator: RttEstimator::EveryAck, // tcp_rtt_estimator
            segmentation: Segmentation::AsWritten, // tcp_sendmsg, tcp_write_xmit
            least_burst: 2,                        // tcp_min_tso_segs
            repacketization: Repacketization::AsSent, // tcp_retrans_collapse = 1
            window_rounding: WindowRounding::Segments, // __tcp_select_window
            window_probe: WindowProbe::Empty,      // tcp_xmit_probe_skb
            delayed_acks: DelayedAcks::Adaptive,   // tcp_event_data_recv
            delayed_ack: Duration::from_millis(40), // TCP_ATO_MIN, TCP_DELACK_MIN
            quick_acks: 16,                        // TCP_MAX_QUICKACKS
            fin_ack: FinAck::MayWait,              // tcp_fin: "pingpong" mode from here on
            incoming: Incoming::Linux,             // tcp_validate_incoming
            challenge_limit: u32::MAX,             // tcp_challenge_ack_limit: unlimited
            challenge_spacing: Duration::from_millis(500), // tcp_invalid_ratelimit
            max_backlog: 4096,                     // net.core.somaxconn
            first_port: 32_768,                    // ip_local_port_range
            last_port: 60_999,
            port_selection: PortSelection::DoubleHash, // __inet_hash_connect
            isn: IsnSource::Clock(Duration::from_nanos(64)), // seq_scale() in secure_seq.c
            unread_on_reset: UnreadOnReset::Kept,
            repeated_close: RepeatedClose::Ok,
            unreachable: Unreachable::EndsAttempt, // tcp_v4_err in SYN-SENT
            min_pmtu: 552,                         // net.ipv4.route.min_pmtu
            unknown_mtu: UnknownMtu::Smallest,     // __ip_rt_update_pmtu
            abort_reset: AbortReset::WithAck,      // tcp_send_active_reset
            ..Self::rfc9293()
        }
    }
}

fn linux_options() -> SocketOptions {
    SocketOptions {
        keep_idle: Duration::from_secs(7200),   // tcp_keepalive_time
        keep_interval: Duration::from_secs(75), // tcp_keepalive_intvl
        keep_count: 9,                          // tcp_keepalive_probes
        congestion_control: CongestionControl::Cubic, // tcp_congestion_control
        send_buffer: 87_040,                    // tcp_sndbuf_expand() at the start
        send_buffer_max: 4_194_304,             // tcp_wmem[2]
        // tcp_rmem[1] and [2], 131072 and 6291456 octets: half of it is for text (tcp_win_from_space).
        receive_buffer: 65_536,
        receive_buffer_max: 3_145_728,
        error_reports: ErrorReports::Off, // IP_RECVERR is off
        ..super::rfc9293_options()
    }
}
