//! Packets in a few letters.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use twomsl_tcp::wire::{
    Body, Ecn, Flags, Icmp, IcmpKind, Options, Packet, Quote, Segment, SeqNum, TcpOption,
};

/// The stack under test.
pub(crate) const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
/// The peer, which the test plays.
pub(crate) const THEIRS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
/// The same hosts with IPv6.
pub(crate) const OURS_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
pub(crate) const THEIRS_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2));
/// Us and the peer, in either family.
pub(crate) const FAMILIES: [Ends; 2] =
    [Ends { ours: OURS, theirs: THEIRS }, Ends { ours: OURS_V6, theirs: THEIRS_V6 }];

/// Us and the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) ours: IpAddr,
    pub(crate) theirs: IpAddr,
}

impl Ends {
    /// The packet that brings a segment of the peer to us.
    pub(crate) fn packet(self, segment: Segment) -> Packet {
        Packet::tcp(self.theirs, self.ours, segment)
    }

    /// An ICMP error about a segment of ours.
    pub(crate) fn icmp(self, kind: IcmpKind, seq: u32) -> Packet {
        let quote = Quote {
            src: self.ours,
            dst: self.theirs,
            src_port: PORT,
            dst_port: PEER_PORT,
            seq: SeqNum::new(seq),
        };
        let body = Body::Icmp(Icmp { kind, quote });
        Packet { src: self.theirs, dst: self.ours, hop_limit: 64, dscp: 0, ecn: Ecn::NotEct, body }
    }
}

/// Our port.
pub(crate) const PORT: u16 = 80;
/// The peer's port.
pub(crate) const PEER_PORT: u16 = 4000;
/// What the peer offers unless a test says otherwise. It is MAX.SND.WND, too.
pub(crate) const PEER_WINDOW: u16 = 1000;

pub(crate) const SYN: Flags = Flags::SYN;
pub(crate) const ACK: Flags = Flags::ACK;
pub(crate) const FIN: Flags = Flags::FIN;
pub(crate) const RST: Flags = Flags::RST;
pub(crate) const PSH: Flags = Flags::PSH;

/// Our socket address.
pub(crate) fn ours() -> SocketAddr {
    SocketAddr::new(OURS, PORT)
}

/// The peer's socket address.
pub(crate) fn theirs() -> SocketAddr {
    SocketAddr::new(THEIRS, PEER_PORT)
}

/// A segment from the peer to us.
pub(crate) fn segment(flags: Flags, seq: u32, ack: u32) -> Segment {
    Segment {
        src_port: PEER_PORT,
        dst_port: PORT,
        seq: SeqNum::new(seq),
        ack: SeqNum::new(ack),
        flags,
        window: PEER_WINDOW,
        urgent: 0,
        options: Options::NONE,
        payload: Bytes::new(),
    }
}

/// What can be changed about a segment in passing.
pub(crate) trait Shape: Sized {
    /// With this text.
    fn text(self, text: &[u8]) -> Self;
    /// With this window field.
    fn window(self, window: u16) -> Self;
    /// With an MSS option.
    fn mss(self, mss: u16) -> Self;
    /// With URG and this pointer.
    fn urgent(self, pointer: u16) -> Self;
    /// From another port.
    fn sent_from(self, port: u16) -> Self;
}

impl Shape for Segment {
    fn text(mut self, text: &[u8]) -> Self {
        self.payload = Bytes::copy_from_slice(text);
        self
    }

    fn window(mut self, window: u16) -> Self {
        self.window = window;
        self
    }

    fn mss(mut self, mss: u16) -> Self {
        self.options.push(TcpOption::MaximumSegmentSize(mss)).expect("there is room");
        self
    }

    fn urgent(mut self, pointer: u16) -> Self {
        self.flags |= Flags::URG;
        self.urgent = pointer;
        self
    }

    fn sent_from(mut self, port: u16) -> Self {
        self.src_port = port;
        self
    }
}

/// The packet that brings a segment of the peer to us.
pub(crate) fn packet(segment: Segment) -> Packet {
    Packet::tcp(THEIRS, OURS, segment)
}

/// An ICMP error about a segment of ours.
pub(crate) fn icmp(kind: IcmpKind, seq: u32) -> Packet {
    FAMILIES[0].icmp(kind, seq)
}

/// `octets` octets of recognizable text.
pub(crate) fn text(octets: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(octets).collect()
}
