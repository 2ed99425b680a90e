//! `TCP_INFO`: what Linux tells of a connection (`struct tcp_info` in `include/uapi/linux/tcp.h`,
//! filled in by `tcp_get_info`).

/// The variables of a socket, with the names and the units that Linux has for them. Times are
/// microseconds unless a field says milliseconds; sizes of windows in the sender's direction are
/// segments, in the receiver's octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpInfo {
    /// The state, as Linux numbers it: 1 ESTABLISHED, 2 SYN-SENT, 3 SYN-RECEIVED, 4 FIN-WAIT-1,
    /// 5 FIN-WAIT-2, 6 TIME-WAIT, 7 CLOSED, 8 CLOSE-WAIT, 9 LAST-ACK, 10 LISTEN, 11 CLOSING. With
    /// [`Lineage::Bsd`](crate::profile::Lineage::Bsd) as FreeBSD does: 0 CLOSED, 1 LISTEN, 2 SYN-SENT,
    /// 3 SYN-RECEIVED, 4 ESTABLISHED, 5 CLOSE-WAIT, 6 FIN-WAIT-1, 7 CLOSING, 8 LAST-ACK,
    /// 9 FIN-WAIT-2, 10 TIME-WAIT; and windows are octets there.
    pub tcpi_state: u8,
    /// `enum tcp_ca_state`: 0 Open, 1 Disorder, 2 CWR, 3 Recovery, 4 Loss.
    pub tcpi_ca_state: u8,
    /// Timeouts since something was acknowledged.
    pub tcpi_retransmits: u8,
    /// Window probes and keepalives since the peer last answered.
    pub tcpi_probes: u8,
    /// How often the retransmission timeout is doubled.
    pub tcpi_backoff: u8,
    /// Which options are in use: see the constants `TCPI_OPT_…`.
    pub tcpi_options: u8,
    /// The shift of windows that the peer offers (RFC 7323 §2).
    pub tcpi_snd_wscale: u8,
    /// The shift of windows that this side offers.
    pub tcpi_rcv_wscale: u8,
    /// The retransmission timeout, with back-off.
    pub tcpi_rto: u32,
    /// How long the next delayed acknowledgment may wait; zero before the first text.
    pub tcpi_ato: u32,
    /// The largest text of a segment that is sent, in octets.
    pub tcpi_snd_mss: u32,
    /// What the segments of the peer are taken to be like, in octets of text.
    pub tcpi_rcv_mss: u32,
    /// Segments that are sent and not acknowledged (`packets_out`); of a listener, connections
    /// that wait to be accepted.
    pub tcpi_unacked: u32,
    /// Of these, what was SACKed; of a listener, the backlog.
    pub tcpi_sacked: u32,
    /// Of these, what counts as lost.
    pub tcpi_lost: u32,
    /// Of these, what was sent again and is under way (`retrans_out`).
    pub tcpi_retrans: u32,
    /// Since text was last sent, in milliseconds.
    pub tcpi_last_data_sent: u32,
    /// Since text last came, in milliseconds.
    pub tcpi_last_data_recv: u32,
    /// Since an acknowledgment last came, in milliseconds.
    pub tcpi_last_ack_recv: u32,
    /// The MTU of the path, in octets.
    pub tcpi_pmtu: u32,
    /// What the window may grow to before more text has come, in octets.
    pub tcpi_rcv_ssthresh: u32,
    /// The smoothed round-trip time.
    pub tcpi_rtt: u32,
    /// Its variation, as RFC 6298 has it: a quarter of what is added to the timeout.
    pub tcpi_rttvar: u32,
    /// The slow-start threshold in segments; 2,147,483,647 when there is none yet.
    pub tcpi_snd_ssthresh: u32,
    /// The congestion window in segments.
    pub tcpi_snd_cwnd: u32,
    /// The largest text that this side takes, as it has told, without options, in octets.
    pub tcpi_advmss: u32,
    /// How many segments behind a hole are no proof of a loss yet.
    pub tcpi_reordering: u32,
    /// The round-trip time by which the receive buffer grows.
    pub tcpi_rcv_rtt: u32,
    /// Octets that the application has read in the best round trip.
    pub tcpi_rcv_space: u32,
    /// Segments that were sent again, of the whole connection.
    pub tcpi_total_retrans: u32,
    /// Sequence numbers that the peer has acknowledged: SYN and FIN count.
    pub tcpi_bytes_acked: u64,
    /// Sequence numbers received in order after the SYN: the FIN counts.
    pub tcpi_bytes_received: u64,
    /// Segments sent, all of them.
    pub tcpi_segs_out: u32,
    /// Segments received, all of them.
    pub tcpi_segs_in: u32,
    /// Octets that were written and never sent.
    pub tcpi_notsent_bytes: u32,
    /// The shortest round-trip time; 4,294,967,295 before the first.
    pub tcpi_min_rtt: u32,
    /// Segments with text received.
    pub tcpi_data_segs_in: u32,
    /// Segments with text sent.
    pub tcpi_data_segs_out: u32,
    /// Segments that have arrived, as acknowledgments and SACKs say; SYN and FIN count.
    pub tcpi_delivered: u32,
    /// Of these, those whose acknowledgment echoed a congestion mark (RFC 3168).
    pub tcpi_delivered_ce: u32,
    /// Octets of text sent, those sent again included.
    pub tcpi_bytes_sent: u64,
    /// Octets of text sent again.
    pub tcpi_bytes_retrans: u64,
    /// Reports of the peer that something came twice (D-SACK, RFC 2883).
    pub tcpi_dsack_dups: u32,
    /// How often segments were seen to overtake each other.
    pub tcpi_reord_seen: u32,
    /// Segments with text that came out of order.
    pub tcpi_rcv_ooopack: u32,
    /// SND.WND, in octets.
    pub tcpi_snd_wnd: u32,
    /// RCV.WND, in octets.
    pub tcpi_rcv_wnd: u32,
}

impl TcpInfo {
    /// Timestamps are in use (RFC 7323).
    pub const TCPI_OPT_TIMESTAMPS: u8 = 1;
    /// SACK is in use (RFC 2018).
    pub const TCPI_OPT_SACK: u8 = 2;
    /// Windows are scaled (RFC 7323).
    pub const TCPI_OPT_WSCALE: u8 = 4;
    /// ECN was agreed on (RFC 3168).
    pub const TCPI_OPT_ECN: u8 = 8;
    /// A packet with a mark of a sender that knows ECN has come.
    pub const TCPI_OPT_ECN_SEEN: u8 = 16;
    /// The SYN carried text that was acknowledged (RFC 7413).
    pub const TCPI_OPT_SYN_DATA: u8 = 32;

    /// The fields that matter over time, by their names without the prefix: what a scenario can
    /// ask about. `None` for a name that is none of them.
    pub fn field(&self, name: &str) -> Option<u64> {
        FIELDS.iter().find(|(known, _)| *known == name).map(|(_, read)| read(self))
    }

    /// The names that [`field`](Self::field) knows.
    pub fn fields() -> impl Iterator<Item = &'static str> {
        FIELDS.iter().map(|(name, _)| *name)
    }
}

/// How a field is read.
type Read = fn(&TcpInfo) -> u64;

#[rustfmt::skip]
const FIELDS: &[(&str, Read)] = &[
    ("state", |info| info.tcpi_state.into()),
    ("ca_state", |info| info.tcpi_ca_state.into()),
    ("retransmits", |info| info.tcpi_retransmits.into()),
    ("probes", |info| info.tcpi_probes.into()),
    ("backoff", |info| info.tcpi_backoff.into()),
    ("options", |info| info.tcpi_options.into()),
    ("snd_wscale", |info| info.tcpi_snd_wscale.into()),
    ("rcv_wscale", |info| info.tcpi_rcv_wscale.into()),
    ("rto", |info| info.tcpi_rto.into()),
    ("ato", |info| info.tcpi_ato.into()),
    ("snd_mss", |info| info.tcpi_snd_mss.into()),
    ("rcv_mss", |info| info.tcpi_rcv_mss.into()),
    ("unacked", |info| info.tcpi_unacked.into()),
    ("sacked", |info| info.tcpi_sacked.into()),
    ("lost", |info| info.tcpi_lost.into()),
    ("retrans", |info| info.tcpi_retrans.into()),
    ("last_data_sent", |info| info.tcpi_last_data_sent.into()),
    ("last_data_recv", |info| info.tcpi_last_data_recv.into()),
    ("last_ack_recv", |info| info.tcpi_last_ack_recv.into()),
    ("pmtu", |info| info.tcpi_pmtu.into()),
    ("rcv_ssthresh", |info| info.tcpi_rcv_ssthresh.into()),
    ("rtt", |info| info.tcpi_rtt.into()),
    ("rttvar", |info| info.tcpi_rttvar.into()),
    ("snd_ssthresh", |info| info.tcpi_snd_ssthresh.into()),
    ("snd_cwnd", |info| info.tcpi_snd_cwnd.into()),
    ("advmss", |info| info.tcpi_advmss.into()),
    ("reordering", |info| info.tcpi_reordering.into()),
    ("rcv_rtt", |info| info.tcpi_rcv_rtt.into()),
    ("rcv_space", |info| info.tcpi_rcv_space.into()),
    ("total_retrans", |info| info.tcpi_total_retrans.into()),
    ("bytes_acked", |info| info.tcpi_bytes_acked),
    ("bytes_received", |info| info.tcpi_bytes_received),
    ("segs_out", |info| info.tcpi_segs_out.into()),
    ("segs_in", |info| info.tcpi_segs_in.into()),
    ("notsent_bytes", |info| info.tcpi_notsent_bytes.into()),
    ("min_rtt", |info| info.tcpi_min_rtt.into()),
    ("data_segs_in", |info| info.tcpi_data_segs_in.into()),
    ("data_segs_out", |info| info.tcpi_data_segs_out.into()),
    ("delivered", |info| info.tcpi_delivered.into()),
    ("delivered_ce", |info| info.tcpi_delivered_ce.into()),
    ("bytes_sent", |info| info.tcpi_bytes_sent),
    ("bytes_retrans", |info| info.tcpi_bytes_retrans),
    ("dsack_dups", |info| info.tcpi_dsack_dups.into()),
    ("reord_seen", |info| info.tcpi_reord_seen.into()),
    ("rcv_ooopack", |info| info.tcpi_rcv_ooopack.into()),
    ("snd_wnd", |info| info.tcpi_snd_wnd.into()),
    ("rcv_wnd", |info| info.tcpi_rcv_wnd.into()),
];
