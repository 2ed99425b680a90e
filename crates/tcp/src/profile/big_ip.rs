//! The TCP of F5's BIG-IP, which is a proxy: two connections for each that goes through it.

use core::time::Duration;

use super::{
    AbortReset, DelayedAcks, EcnMode, InitialWindow, Offer, Profile, RetryLimit, RtoFloor,
    TimeWaitReuse,
};
use crate::SocketOptions;

/// How long a connection may go on without its peer: what a proxy has, because nobody sits in front
/// of it who would close. `None` for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProxyTimeouts {
    /// Without a segment of the peer, from ESTABLISHED on.
    pub idle: Option<Duration>,
    /// Whether the peer is told when that is over.
    pub reset_on_timeout: ResetOnTimeout,
    /// In FIN-WAIT-1 and CLOSING, without progress.
    pub fin_wait: Option<Duration>,
    /// In LAST-ACK, without progress.
    pub last_ack: Option<Duration>,
}

/// Whether the peer of a connection that was idle for too long is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResetOnTimeout {
    /// By a RST.
    Enabled,
    /// It is not: the connection is gone, and nobody else knows.
    Disabled,
}

impl ProxyTimeouts {
    /// None of them.
    pub const NONE: Self = Self {
        idle: None,
        reset_on_timeout: ResetOnTimeout::Enabled,
        fin_wait: None,
        last_ack: None,
    };
}

impl Profile {
    /// BIG-IP's `tcp` profile with its defaults. The names in brackets are tmsh's; the figures are
    /// those of "ltm profile tcp" in F5's TMSH reference
    /// (<https://clouddocs.f5.com/cli/tmsh-reference/latest/modules/ltm/ltm_profile_tcp.html>) and
    /// of the iControl REST reference, "`APIRef_tm_ltm_profile_tcp`"
    /// (<https://clouddocs.f5.com/api/icontrol-rest/APIRef_tm_ltm_profile_tcp.html>).
    ///
    /// What those pages do not say is as in [`rfc9293`](Self::rfc9293). Its congestion control is
    /// `high-speed` there; here it is `NewReno`.
    pub fn big_ip() -> Self {
        Self {
            name: "big-ip",
            options: big_ip_options(),
            time_wait: Duration::from_millis(2000), // time-wait-timeout
            time_wait_reuse: TimeWaitReuse::BeyondOld, // time-wait-recycle enabled
            fin_timeout: Some(Duration::from_secs(300)), // fin-wait-2-timeout
            proxy: ProxyTimeouts {
                idle: Some(Duration::from_secs(300)),      // idle-timeout
                reset_on_timeout: ResetOnTimeout::Enabled, // reset-on-timeout
                fin_wait: Some(Duration::from_secs(5)),    // fin-wait-timeout
                last_ack: Some(Duration::from_secs(5)), // close-wait-timeout: "in a LAST-ACK state"
            },
            rto_initial: Duration::from_secs(3), // syn-rto-base 3000
            rto_floor: RtoFloor::Total(Duration::from_millis(1000)), // minimum-rto
            syn_retries: RetryLimit::Count(3),   // syn-max-retrans
            synack_retries: RetryLimit::Count(3), // syn-max-retrans
            retries: RetryLimit::Count(8),       // max-retrans
            orphan_retries: RetryLimit::Count(8), // max-retrans
            mss: 1460,                           // max-segment-size
            initial_window: InitialWindow::Segments(10), // init-cwnd
            timestamps: Offer::Yes,              // timestamps enabled
            sack: Offer::Yes,                    // selective-acks enabled
            dsack: Offer::No,                    // dsack disabled
            // "ecn enabled" does not say whether its own SYNs ask for it.
            ecn: EcnMode::Passive,
            limited_transmit: Offer::Yes, // limited-transmit enabled
            delayed_acks: DelayedAcks::OctetsOrPush, // delayed-acks enabled, ack-on-push enabled
            abort_reset: AbortReset::WithAck,
            ..Self::rfc9293()
        }
    }
}

fn big_ip_options() -> SocketOptions {
    SocketOptions {
        no_delay: true,                           // nagle disabled
        keep_alive: true,                         // an interval of 0 would switch it off
        keep_idle: Duration::from_secs(1800),     // keep-alive-interval
        keep_interval: Duration::from_secs(1800), // keep-alive-interval
        send_buffer: 131_072,                     // send-buffer-size
        send_buffer_max: 131_072,
        receive_buffer: 65_535, // receive-window-size
        receive_buffer_max: 65_535,
        ..super::rfc9293_options()
    }
}
