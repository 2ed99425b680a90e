//! When text in order is acknowledged, and when that may wait.

/// Which text is acknowledged at once, and how long the acknowledgment of other text may wait.
///
/// Whatever it is, text out of order and text that closes a gap are acknowledged at once
/// (RFC 5681 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DelayedAcks {
    /// Two full segments (RFC 9293 §3.8.6.3, SHLD-19), counted in octets. Else it waits for as long
    /// as [`Profile::delayed_ack`](super::Profile::delayed_ack) says.
    Octets,
    /// The same, and whatever carries PSH (BIG-IP's `ack-on-push`).
    OctetsOrPush,
    /// Every second segment, whatever its size: the one that comes while an acknowledgment waits
    /// already (FreeBSD's `DELAY_ACK` in `tcp_do_segment`).
    EverySecond,
    /// More than the peer's usual segment, and everything while a connection is young, after a pause or
    /// after trouble (Linux' `tcp_event_data_recv` and `__tcp_ack_snd_check`). How long else
    /// follows what comes and what this side answers: `delayed_ack` is where it starts
    /// (`TCP_ATO_MIN`).
    Adaptive,
}
