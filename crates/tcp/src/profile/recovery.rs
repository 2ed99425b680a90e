//! How losses are found out and repaired.

/// What tells of losses when the peer SACKs. Without SACK it is duplicate acknowledgments
/// (RFC 5681 §3.2, RFC 6582).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LossDetection {
    /// How much behind it was SACKed (RFC 6675 §4).
    Blocks,
    /// How long ago something was sent behind which others have arrived: RACK (RFC 8985;
    /// `tcp_recovery`).
    Time,
}

/// How the round-trip time is measured and smoothed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RttEstimator {
    /// One segment per round trip is timed (RFC 6298).
    OnePerRoundTrip,
    /// Every acknowledgment that echoes a timestamp gives a sample; without timestamps it is one
    /// per round trip (FreeBSD's `tcp_xmit_timer`).
    EveryEcho,
    /// Every acknowledgment gives a sample, and the variation is the largest of a round trip
    /// (Linux' `tcp_rtt_estimator`).
    EveryAck,
}

/// Whether timeouts and recoveries that prove needless are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpuriousTimeouts {
    /// They are not.
    Believed,
    /// When a timestamp or a D-SACK shows it (RFC 3522, RFC 3708).
    ByTimestamp,
    /// And when new text, sent to find out, is acknowledged (F-RTO, RFC 5682).
    Tested,
}

/// What segments look like that are sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repacketization {
    /// As large as the window and the text allow, with text that was never sent, too
    /// (RFC 9293 §3.10.8; BSD).
    Whole,
    /// As they were, several small ones together (Linux; `tcp_retrans_collapse`).
    AsSent,
}

/// How text is cut into segments that are sent for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Segmentation {
    /// It is one stream, whatever the writes were. The last segment there is to send carries PSH
    /// (RFC 9293 §3.9.1.2, MUST-61).
    Stream,
    /// As it was written: what one write leaves in one buffer of some ten segments is sent by
    /// itself, and its end carries PSH. The Nagle algorithm waits for segments that are not full
    /// only (Linux' `tcp_sendmsg_locked`, `tcp_write_xmit`, `tcp_minshall_check`).
    AsWritten,
}
