//! ICMP errors of the network: no route, and packets that are too large for a link.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use twomsl_tcp::Instant;
use twomsl_tcp::wire::{Body, Ecn, Flags, Icmp, IcmpKind, Packet, Quote};
use twomsl_trace::{self as trace, Author, Decider, Fate, PacketId};

use crate::flight::{Flight, Via};
use crate::live::{Live, record};
use crate::plan::Plan;
use crate::spec::TooBig;

/// Routers have no addresses here: this is the one that RFC 7600 §4.8 gives to those without.
const ROUTER_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 8));

/// There is none like it for IPv6; a local one (RFC 4193) stands in.
const ROUTER_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 8));

impl Live {
    /// A host without a route learns it from its own IP layer, as it would from a router.
    pub(crate) fn no_route(&mut self, from: u32, id: u64, place: u32) {
        let Some(packet) = self.flights.take(place) else { return };
        let (fate, by) = (Fate::Dropped, Decider::NoRoute);
        record!(self, trace::Event::Fate { packet: PacketId(id), fate, by });
        let own = packet.src;
        if let Some(error) = error(&packet, own, IcmpKind::HostUnreachable) {
            self.inject(error, (Author::Network, None), from, Via::Loopback, self.now);
        }
    }

    /// A packet is larger than the MTU of a path. The narrow place is half way, as middleboxes
    /// are: the error is with the sender after half the delay there and half the delay back.
    pub(crate) fn too_big(&mut self, plan: &Plan, via: u32, place: u32) {
        let path = &plan.paths[via as usize];
        let &Flight { from, to, .. } = self.flights.get(place);
        let kind = IcmpKind::PacketTooBig { mtu: path.impairments.mtu };
        let packet = self.flights.packet(place);
        let router = if packet.src.is_ipv4() { ROUTER_V4 } else { ROUTER_V6 };
        let told = path.impairments.too_big == TooBig::Told;
        let error = told.then(|| error(packet, router, kind)).flatten();
        self.lose(place, || Decider::Impairment("mtu"));
        let (Some(error), Some(back)) = (error, plan.path(to, from)) else { return };
        let delay = path.delay / 2 + plan.paths[back as usize].delay / 2;
        let at = Instant::from_nanos(self.now.as_nanos().saturating_add(delay));
        self.inject(error, (Author::Network, None), from, Via::Path(back), at);
    }
}

/// The error about a packet. None about a reset or another ICMP message: it would be an answer
/// to an answer (RFC 1122 §3.2.2), and nobody is there to be told.
fn error(packet: &Packet, src: IpAddr, kind: IcmpKind) -> Option<Packet> {
    let segment = packet.segment().filter(|segment| !segment.flags.contains(Flags::RST))?;
    let quote = Quote {
        src: packet.src,
        dst: packet.dst,
        src_port: segment.src_port,
        dst_port: segment.dst_port,
        seq: segment.seq,
    };
    Some(message(src, Icmp { kind, quote }))
}

/// An ICMP message to the sender of the packet that it is about.
pub(crate) const fn message(src: IpAddr, icmp: Icmp) -> Packet {
    Packet {
        src,
        dst: icmp.quote.src,
        hop_limit: Packet::DEFAULT_HOP_LIMIT,
        dscp: 0,
        ecn: Ecn::NotEct,
        body: Body::Icmp(icmp),
    }
}
