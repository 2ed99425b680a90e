//! FreeBSD 14 and 15 with their default sysctls, and their default stack (not RACK).

use core::time::Duration;

use super::{
    AbortReset, AcceptOverflow, CongestionControl, DelayedAcks, EcnMode, FinAck, IdleRestart,
    InitialWindow, IsnSource, Lineage, LossDetection, MissingTimestamps, MtuProbing, Offer,
    OptionOrder, PortSelection, Profile, Repacketization, RepeatedClose, RetryLimit, RtoFloor,
    RttEstimator, SpuriousTimeouts, SynCookies, TimeWaitRestart, TimeWaitRst, UnknownMtu,
    Unreachable, UnreadOnReset, WindowCounting, WindowProbe, WindowReduction, WindowRounding,
    WindowScaling,
};
use crate::SocketOptions;

impl Profile {
    /// FreeBSD 14 and 15. The names are those of sysctls without `net.inet.tcp.`, of tcp(4), or of
    /// constants and functions in `sys/netinet`.
    pub fn freebsd() -> Self {
        Self {
            name: "freebsd",
            lineage: Lineage::Bsd,
            options: freebsd_options(),
            time_wait: Duration::from_secs(60), // msl = 30000
            fin_timeout: Some(Duration::from_secs(60)), // finwait2_timeout
            time_wait_rst: TimeWaitRst::Ignored, // tcp_twcheck drops it
            time_wait_restart: TimeWaitRestart::Fin, // tcp_twcheck
            syn_cookies: SynCookies::WhenFull,  // syncookies = 1
            accept_overflow: AcceptOverflow::Reset, // syncache.rst_on_sock_fail = 1
            fast_open_client: Offer::Yes,       // fastopen.client_enable = 1; server_enable = 0
            rto_initial: Duration::from_secs(1), // rexmit_initial
            rto_floor: RtoFloor::Slop {
                slop: Duration::from_millis(200), // rexmit_slop
                least: Duration::from_millis(30), // rexmit_min
            },
            rto_max: Duration::from_secs(64), // TCPTV_REXMTMAX
            connect_timeout: Some(Duration::from_secs(75)), // keepinit
            syn_retries: RetryLimit::Count(12), // TCP_MAXRXTSHIFT
            synack_retries: RetryLimit::Count(3), // syncache.rexmtlimit
            retries: RetryLimit::Count(12),   // TCP_MAXRXTSHIFT
            orphan_retries: RetryLimit::Count(12),
            persist_min: Duration::from_secs(5),  // persmin
            persist_max: Duration::from_secs(60), // persmax
            initial_window: InitialWindow::Segments(10), // initcwnd_segments
            // The smallest that kern.ipc.maxsockbuf = 2 MiB needs (tcp_newtcpcb, syncache_add).
            window_scaling: WindowScaling::Shift(6),
            timestamps: Offer::Yes,                         // rfc1323 = 1
            sack: Offer::Yes,                               // sack.enable = 1
            ecn: EcnMode::Passive,                          // ecn.enable = 2
            option_order: OptionOrder::Bsd,                 // tcp_addoptions
            missing_timestamps: MissingTimestamps::Dropped, // tolerate_missing_ts = 0
            window_counting: WindowCounting::Octets { limit: 2 }, // abc_l_var
            window_reduction: WindowReduction::FlightSize,  // cubic_cong_signal
            idle_restart: IdleRestart::AtOnceRemembering,   // cc_after_idle
            loss_detection: LossDetection::Blocks,          // RFC 6675: rfc6675_pipe = 1
            tail_loss_probe: Offer::No,                     // only in the stack "rack"
            limited_transmit: Offer::Yes,                   // rfc3042 = 1
            proportional_rate: Offer::Yes,                  // do_prr = 1
            spurious_timeouts: SpuriousTimeouts::ByTimestamp, // t_badrxtwin, CC_RTO_ERR
            rtt_estimator: RttEstimator::EveryEcho,         // tcp_xmit_timer
            repacketization: Repacketization::Whole,        // tcp_output sends from SND.UNA on
            window_rounding: WindowRounding::Scale,         // tcp_output
            window_probe: WindowProbe::OneOctet,            // tcp_timer_persist: t_force
            delayed_acks: DelayedAcks::EverySecond,         // DELAY_ACK in tcp_do_segment
            delayed_ack: Duration::from_millis(40),         // delacktime
            quick_acks: 0,
            fin_ack: FinAck::AtOnce,                  // TH_FIN sets TF_ACKNOW
            challenge_limit: 5,                       // ack_war_cnt
            challenge_period: Duration::from_secs(1), // ack_war_timewindow
            max_syn_backlog: 15_360,                  // syncache.cachelimit
            max_backlog: 128,                         // kern.ipc.soacceptqueue
            first_port: 10_000,                       // net.inet.ip.portrange.first
            last_port: 65_535,                        // net.inet.ip.portrange.last
            port_selection: PortSelection::Random,    // net.inet.ip.portrange.randomized = 1
            isn: IsnSource::Clock(Duration::from_nanos(954)), // ISN_BYTES_PER_SECOND = 2^20
            unread_on_reset: UnreadOnReset::Kept,     // soreceive: text first, then so_error
            repeated_close: RepeatedClose::Ok,        // tcp_usr_shutdown
            abort_reset: AbortReset::WithAck,         // tcp_outflags[TCPS_CLOSED]
            unreachable: Unreachable::Insistent,      // icmp_may_rst = 1, tcp_notify
            mtu_expires: Duration::from_secs(3600),   // hostcache.expire
            min_pmtu: 256, // minmss = 216, and the headers (tcp_ctlinput)
            unknown_mtu: UnknownMtu::Plateau, // ip_next_mtu
            mtu_probing: MtuProbing::Off, // pmtud_blackhole_detection = 0
            ..Self::rfc9293()
        }
    }
}

fn freebsd_options() -> SocketOptions {
    SocketOptions {
        keep_idle: Duration::from_secs(7200),         // keepidle
        keep_interval: Duration::from_secs(75),       // keepintvl
        keep_count: 8,                                // keepcnt
        send_buffer: 32_768,                          // sendspace
        send_buffer_max: 2_097_152,                   // sendbuf_max
        receive_buffer: 65_536,                       // recvspace
        receive_buffer_max: 2_097_152,                // recvbuf_max
        congestion_control: CongestionControl::Cubic, // cc.algorithm, since 14
        ..super::rfc9293_options()
    }
}
