//! A TCP segment (RFC 9293 §3.1).

use core::fmt;

use bytes::Bytes;

use crate::{Options, SeqNum};

bitflags::bitflags! {
    /// The control bits of a TCP header, with the ECN bits of RFC 3168 and AE of RFC 9768.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct Flags: u16 {
        /// No more data from the sender.
        const FIN = 0x001;
        /// Synchronize sequence numbers.
        const SYN = 0x002;
        /// Reset the connection.
        const RST = 0x004;
        /// Push function.
        const PSH = 0x008;
        /// The acknowledgment field is significant.
        const ACK = 0x010;
        /// The urgent pointer field is significant.
        const URG = 0x020;
        /// ECN echo.
        const ECE = 0x040;
        /// Congestion window reduced.
        const CWR = 0x080;
        /// Accurate ECN.
        const AE = 0x100;
    }
}

impl fmt::Display for Flags {
    /// `SYN,ACK`: the names in the order in which the field speaks of them; `none` when empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Flags, &str); 9] = [
            (Flags::SYN, "SYN"),
            (Flags::FIN, "FIN"),
            (Flags::RST, "RST"),
            (Flags::PSH, "PSH"),
            (Flags::ACK, "ACK"),
            (Flags::URG, "URG"),
            (Flags::ECE, "ECE"),
            (Flags::CWR, "CWR"),
            (Flags::AE, "AE"),
        ];
        let mut separator = "";
        for (flag, name) in NAMES {
            if self.contains(flag) {
                write!(f, "{separator}{name}")?;
                separator = ",";
            }
        }
        if self.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

/// A TCP segment: header fields in host order, options, and text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// The sender's port.
    pub src_port: u16,
    /// The receiver's port.
    pub dst_port: u16,
    /// SEG.SEQ: of the SYN if there is one, else of the first octet of text.
    pub seq: SeqNum,
    /// SEG.ACK: the next octet expected. Meaningful only with [`Flags::ACK`]; we send zero
    /// otherwise, and keep what others send.
    pub ack: SeqNum,
    /// The control bits.
    pub flags: Flags,
    /// SEG.WND as it stands in the header: not scaled.
    pub window: u16,
    /// SEG.UP as an offset from `seq`. Meaningful only with [`Flags::URG`].
    pub urgent: u16,
    /// The options.
    pub options: Options,
    /// The text.
    pub payload: Bytes,
}

impl Segment {
    /// Octets of a header without options.
    pub const FIXED_HEADER: usize = 20;

    /// Octets of the header, options and their padding included.
    pub fn header_len(&self) -> usize {
        Self::FIXED_HEADER + self.options.as_padded_bytes().len()
    }

    /// SEG.LEN: octets of text, and one each for SYN and FIN (RFC 9293 §3.4).
    pub fn seq_len(&self) -> u32 {
        let controls = self.flags.intersection(Flags::SYN.union(Flags::FIN)).bits().count_ones();
        self.payload.len() as u32 + controls
    }

    /// The sequence number after the last one this segment occupies.
    pub fn seq_end(&self) -> SeqNum {
        self.seq + self.seq_len()
    }

    /// The reset that answers this segment when it belongs to no connection (RFC 9293 §3.5.2):
    /// with the number its sender expects, or, when it said none, acknowledging all of it. A
    /// reset itself is never answered; that is for the caller to see to.
    #[must_use]
    pub fn answering_reset(&self) -> Self {
        let (seq, ack, flags) = if self.has(Flags::ACK) {
            (self.ack, SeqNum::new(0), Flags::RST)
        } else {
            (SeqNum::new(0), self.seq_end(), Flags::RST | Flags::ACK)
        };
        Self {
            src_port: self.dst_port,
            dst_port: self.src_port,
            seq,
            ack,
            flags,
            window: 0,
            urgent: 0,
            options: Options::NONE,
            payload: Bytes::new(),
        }
    }

    /// Whether all of `flags` are set.
    pub const fn has(&self, flags: Flags) -> bool {
        self.flags.contains(flags)
    }
}
