//! The fields of `struct tcp_info`, read from what `getsockopt(TCP_INFO)` answers.

/// `IPPROTO_TCP`
pub(super) const LEVEL: i32 = 6;
/// `TCP_INFO`
pub(super) const NAME: i32 = 11;
/// Room for the structure of any kernel so far.
pub(super) const LENGTH: usize = 256;

/// Where a field is, and how many octets it has (`include/uapi/linux/tcp.h`).
#[rustfmt::skip]
const FIELDS: [(&str, usize, usize); 58] = [
    ("tcpi_state", 0, 1), ("tcpi_ca_state", 1, 1), ("tcpi_retransmits", 2, 1), ("tcpi_probes", 3, 1),
    ("tcpi_backoff", 4, 1), ("tcpi_options", 5, 1),
    ("tcpi_rto", 8, 4), ("tcpi_ato", 12, 4), ("tcpi_snd_mss", 16, 4), ("tcpi_rcv_mss", 20, 4),
    ("tcpi_unacked", 24, 4), ("tcpi_sacked", 28, 4), ("tcpi_lost", 32, 4), ("tcpi_retrans", 36, 4),
    ("tcpi_fackets", 40, 4),
    ("tcpi_last_data_sent", 44, 4), ("tcpi_last_ack_sent", 48, 4), ("tcpi_last_data_recv", 52, 4),
    ("tcpi_last_ack_recv", 56, 4),
    ("tcpi_pmtu", 60, 4), ("tcpi_rcv_ssthresh", 64, 4), ("tcpi_rtt", 68, 4), ("tcpi_rttvar", 72, 4),
    ("tcpi_snd_ssthresh", 76, 4), ("tcpi_snd_cwnd", 80, 4), ("tcpi_advmss", 84, 4), ("tcpi_reordering", 88, 4),
    ("tcpi_rcv_rtt", 92, 4), ("tcpi_rcv_space", 96, 4), ("tcpi_total_retrans", 100, 4),
    ("tcpi_pacing_rate", 104, 8), ("tcpi_max_pacing_rate", 112, 8), ("tcpi_bytes_acked", 120, 8),
    ("tcpi_bytes_received", 128, 8),
    ("tcpi_segs_out", 136, 4), ("tcpi_segs_in", 140, 4), ("tcpi_notsent_bytes", 144, 4), ("tcpi_min_rtt", 148, 4),
    ("tcpi_data_segs_in", 152, 4), ("tcpi_data_segs_out", 156, 4),
    ("tcpi_delivery_rate", 160, 8), ("tcpi_busy_time", 168, 8), ("tcpi_rwnd_limited", 176, 8),
    ("tcpi_sndbuf_limited", 184, 8),
    ("tcpi_delivered", 192, 4), ("tcpi_delivered_ce", 196, 4), ("tcpi_bytes_sent", 200, 8),
    ("tcpi_bytes_retrans", 208, 8), ("tcpi_dsack_dups", 216, 4), ("tcpi_reord_seen", 220, 4),
    ("tcpi_rcv_ooopack", 224, 4), ("tcpi_snd_wnd", 228, 4), ("tcpi_rcv_wnd", 232, 4), ("tcpi_rehash", 236, 4),
    ("tcpi_total_rto", 240, 2), ("tcpi_total_rto_recoveries", 242, 2), ("tcpi_total_rto_time", 244, 4),
    ("tcpi_received_ce", 248, 4),
];

/// The value of a field; `None` for what is none, or lies behind the end of the answer.
pub(super) fn field(octets: &[u8], name: &str) -> Option<i128> {
    match name {
        // Bit fields: the lower bits come first.
        "tcpi_snd_wscale" => return octets.get(6).map(|both| i128::from(both & 0xf)),
        "tcpi_rcv_wscale" => return octets.get(6).map(|both| i128::from(both >> 4)),
        "tcpi_delivery_rate_app_limited" => return octets.get(7).map(|bits| i128::from(bits & 1)),
        "tcpi_fastopen_client_fail" => return octets.get(7).map(|bits| i128::from(bits >> 1 & 3)),
        _ => {}
    }
    let (_, start, length) = FIELDS.iter().find(|(known, ..)| *known == name)?;
    let field = octets.get(*start..start + length)?;
    let value = field.iter().rev().fold(0_u64, |value, octet| value << 8 | u64::from(*octet));
    Some(i128::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_little_endian_where_the_kernel_has_them() {
        let mut octets = [0_u8; 104];
        octets[0] = 1;
        octets[6] = 0x7a;
        octets[80] = 10;
        octets[81] = 1;
        let table = [
            ("tcpi_state", Some(1)),
            ("tcpi_snd_wscale", Some(10)),
            ("tcpi_rcv_wscale", Some(7)),
            ("tcpi_snd_cwnd", Some(266)),
            ("tcpi_bytes_acked", None),
            ("elephant", None),
        ];
        for (name, value) in table {
            assert_eq!(field(&octets, name), value, "{name}");
        }
    }

    #[test]
    fn fields_lie_side_by_side() {
        for pair in FIELDS.windows(2) {
            let [(_, start, length), (name, next, _)] = pair else { unreachable!("two of them") };
            // The octets of the bit fields are not in the table.
            let gap = if *name == "tcpi_rto" { 2 } else { 0 };
            assert_eq!(start + length + gap, *next, "{name}");
        }
    }
}
