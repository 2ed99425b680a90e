//! `struct tcp_info` in octets, as Linux lays it out (`include/uapi/linux/tcp.h`).

use twomsl_tcp::TcpInfo;

/// Where a field is: its name without `tcpi_`, its offset in octets, and how wide it is.
type Place = (&'static str, usize, Width);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    U8,
    /// A bit field: from this bit on, so many.
    Bits(u8, u8),
    U16,
    U32,
    U64,
}

use Width::{Bits, U8, U16, U32, U64};

#[rustfmt::skip]
const PLACES: &[Place] = &[
    ("state", 0, U8), ("ca_state", 1, U8), ("retransmits", 2, U8), ("probes", 3, U8),
    ("backoff", 4, U8), ("options", 5, U8), ("snd_wscale", 6, Bits(0, 4)),
    ("rcv_wscale", 6, Bits(4, 4)), ("delivery_rate_app_limited", 7, Bits(0, 1)),
    ("fastopen_client_fail", 7, Bits(1, 2)),
    ("rto", 8, U32), ("ato", 12, U32), ("snd_mss", 16, U32), ("rcv_mss", 20, U32),
    ("unacked", 24, U32), ("sacked", 28, U32), ("lost", 32, U32), ("retrans", 36, U32),
    ("fackets", 40, U32),
    ("last_data_sent", 44, U32), ("last_ack_sent", 48, U32), ("last_data_recv", 52, U32),
    ("last_ack_recv", 56, U32),
    ("pmtu", 60, U32), ("rcv_ssthresh", 64, U32), ("rtt", 68, U32), ("rttvar", 72, U32),
    ("snd_ssthresh", 76, U32), ("snd_cwnd", 80, U32), ("advmss", 84, U32), ("reordering", 88, U32),
    ("rcv_rtt", 92, U32), ("rcv_space", 96, U32), ("total_retrans", 100, U32),
    ("pacing_rate", 104, U64), ("max_pacing_rate", 112, U64), ("bytes_acked", 120, U64),
    ("bytes_received", 128, U64), ("segs_out", 136, U32), ("segs_in", 140, U32),
    ("notsent_bytes", 144, U32), ("min_rtt", 148, U32), ("data_segs_in", 152, U32),
    ("data_segs_out", 156, U32), ("delivery_rate", 160, U64),
    ("busy_time", 168, U64), ("rwnd_limited", 176, U64), ("sndbuf_limited", 184, U64),
    ("delivered", 192, U32), ("delivered_ce", 196, U32), ("bytes_sent", 200, U64),
    ("bytes_retrans", 208, U64), ("dsack_dups", 216, U32), ("reord_seen", 220, U32),
    ("rcv_ooopack", 224, U32), ("snd_wnd", 228, U32), ("rcv_wnd", 232, U32), ("rehash", 236, U32),
    ("total_rto", 240, U16), ("total_rto_recoveries", 242, U16), ("total_rto_time", 244, U32),
];

/// How long the structure is, in octets.
pub(crate) const LENGTH: usize = 248;

/// What `getsockopt(…, TCP_INFO)` writes. Fields that nobody here knows are zero.
pub(crate) fn octets(info: &TcpInfo) -> Vec<u8> {
    let mut octets = vec![0; LENGTH];
    for (name, offset, width) in PLACES {
        let value = match (info.field(name), *name) {
            (Some(value), _) => value,
            // "no limit"
            (None, "max_pacing_rate") => u64::MAX,
            (None, _) => continue,
        };
        put(&mut octets[*offset..], *width, value);
    }
    octets
}

/// A field by its name, `tcpi_state` or `state`; `None` if there is none, or if the structure was
/// cut off before it.
pub(crate) fn field(octets: &[u8], name: &str) -> Option<u64> {
    let name = name.strip_prefix("tcpi_").unwrap_or(name);
    let (_, offset, width) = PLACES.iter().find(|(known, ..)| *known == name)?;
    get(octets.get(*offset..)?, *width)
}

impl Width {
    const fn octets(self) -> usize {
        match self {
            U8 | Bits(..) => 1,
            U16 => 2,
            U32 => 4,
            U64 => 8,
        }
    }
}

/// What does not fit is cut off.
fn put(octets: &mut [u8], width: Width, value: u64) {
    match width {
        Bits(from, bits) => octets[0] |= (value as u8 & ((1 << bits) - 1)) << from,
        width => {
            let length = width.octets();
            octets[..length].copy_from_slice(&value.to_le_bytes()[..length]);
        }
    }
}

fn get(octets: &[u8], width: Width) -> Option<u64> {
    let mut whole = [0; 8];
    whole[..width.octets()].copy_from_slice(octets.get(..width.octets())?);
    let value = u64::from_le_bytes(whole);
    Some(match width {
        Bits(from, bits) => value >> from & ((1 << bits) - 1),
        _ => value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_from_where_they_were_put() {
        let info = TcpInfo {
            tcpi_state: 1,
            tcpi_snd_wscale: 7,
            tcpi_rcv_wscale: 9,
            tcpi_snd_cwnd: 10,
            tcpi_bytes_acked: 1 << 40,
            tcpi_rcv_wnd: 65_535,
            ..TcpInfo::default()
        };
        let octets = octets(&info);
        let fields = ["tcpi_state", "snd_wscale", "tcpi_rcv_wscale", "tcpi_snd_cwnd"];
        let values = fields.map(|name| field(&octets, name));
        assert_eq!(values, [Some(1), Some(7), Some(9), Some(10)]);
        assert_eq!(field(&octets, "tcpi_bytes_acked"), Some(1 << 40));
        assert_eq!(field(&octets[..104], "tcpi_total_retrans"), Some(0));
        assert_eq!(field(&octets[..104], "tcpi_rcv_wnd"), None, "cut off");
        assert_eq!(field(&octets, "tcpi_nothing"), None);
    }

    /// What the stack tells has a place, but for what Linux does not have.
    #[test]
    fn places_follow_each_other_and_have_room_for_all_there_is() {
        let mut end = 0;
        for (name, offset, width) in PLACES {
            let begins = if matches!(width, Bits(from, _) if *from > 0) { end - 1 } else { end };
            assert_eq!(*offset, begins, "{name}");
            end = offset + width.octets();
        }
        assert_eq!(end, LENGTH);
        for name in TcpInfo::fields() {
            assert!(PLACES.iter().any(|(known, ..)| *known == name), "{name}");
        }
    }
}
