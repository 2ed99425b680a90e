//! Boxes in the middle of a link: a table of flows that forgets the idle ones.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use twomsl_tcp::Instant;
use twomsl_tcp::wire::{Body, Flags, Packet, Segment};
use twomsl_trace::{Author, Decider};

use crate::flight::Via;
use crate::live::Live;
use crate::plan::{Plan, Side};
use crate::spec::{MiddleboxKind, MiddleboxSpec, UnknownFlow};

/// The flows a box knows.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Middlebox {
    flows: BTreeMap<FlowKey, Flow>,
    /// For a NAT: which inside end has which of its ports.
    ports: BTreeMap<(u16, SocketAddr), SocketAddr>,
}

/// A flow by its ends: the true inside one and the outside one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct FlowKey {
    inside: SocketAddr,
    outside: SocketAddr,
}

/// A flow.
#[derive(Clone, Copy, Debug, Hash)]
struct Flow {
    /// When its last packet passed.
    last: Instant,
    /// The port that stands for the inside one.
    port: u16,
}

/// What a box makes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Passage {
    /// It goes on as it is.
    Unchanged,
    /// It goes on with other addresses.
    Translated(Packet),
    /// It does not, and this is why.
    Refused(&'static str),
}

/// Whether a packet gets through a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passes {
    Yes,
    No,
}

impl Live {
    /// A packet reaches the box on its path.
    pub(crate) fn through_middlebox(
        &mut self,
        plan: &Plan,
        (number, side): (u32, Side),
        place: u32,
    ) -> Passes {
        let spec = &plan.spec.middleboxes[number as usize];
        let flight = self.flights.get_mut(place);
        let Some(packet) = &flight.packet else { return Passes::No };
        match self.middleboxes[number as usize].pass(spec, self.now, side, packet) {
            Passage::Unchanged => Passes::Yes,
            Passage::Translated(packet) => {
                flight.packet = Some(packet);
                self.rewritten(place, || name(spec, "translated"));
                Passes::Yes
            }
            Passage::Refused(why) => {
                let answer = match spec.unknown_flow {
                    UnknownFlow::Drop => None,
                    UnknownFlow::Reset => reset_for(packet),
                };
                let ends = (flight.from, flight.to);
                self.lose(place, || name(spec, why));
                if let Some(answer) = answer {
                    self.reset(plan, spec, ends, answer);
                }
                Passes::No
            }
        }
    }

    /// The box answers with a reset, in the name of the other end. It is half way: there and
    /// back takes as long as one way through.
    fn reset(&mut self, plan: &Plan, spec: &MiddleboxSpec, (from, to): (u32, u32), answer: Packet) {
        let (Some(there), Some(back)) = (plan.path(from, to), plan.path(to, from)) else { return };
        let delay = plan.paths[there as usize].delay / 2 + plan.paths[back as usize].delay / 2;
        let at = Instant::from_nanos(self.now.as_nanos().saturating_add(delay));
        let origin = (Author::Middlebox(spec.name.clone()), Some(to));
        self.inject(answer, origin, from, Via::Path(back), at);
    }
}

fn name(spec: &MiddleboxSpec, why: &str) -> Decider {
    Decider::Middlebox(format!("{}: {why}", spec.name))
}

impl Middlebox {
    pub(crate) fn clear(&mut self) {
        self.flows.clear();
        self.ports.clear();
    }

    /// What the box makes of a packet that reaches it from this side.
    fn pass(&mut self, spec: &MiddleboxSpec, now: Instant, side: Side, packet: &Packet) -> Passage {
        // Errors about packets pass: what they quote is not looked at.
        let Some(segment) = packet.segment() else { return Passage::Unchanged };
        let source = SocketAddr::new(packet.src, segment.src_port);
        let target = SocketAddr::new(packet.dst, segment.dst_port);
        match (spec.kind, side) {
            (MiddleboxKind::Transparent, Side::Inside) => {
                let key = FlowKey { inside: source, outside: target };
                self.watch(spec, now, key, segment)
            }
            (MiddleboxKind::Transparent, Side::Outside) => {
                let key = FlowKey { inside: target, outside: source };
                self.watch(spec, now, key, segment)
            }
            (MiddleboxKind::Nat { address }, Side::Inside) => {
                let key = FlowKey { inside: source, outside: target };
                self.translate_out(spec, now, key, address, packet, segment)
            }
            (MiddleboxKind::Nat { address }, Side::Outside) => {
                self.translate_in(spec, now, (source, target), address, packet)
            }
        }
    }

    /// Looks after a flow without changing it. Either side may begin one.
    fn watch(
        &mut self,
        spec: &MiddleboxSpec,
        now: Instant,
        key: FlowKey,
        segment: &Segment,
    ) -> Passage {
        match self.known(spec, now, key) {
            Ok(()) => {}
            Err(_) if opens(segment) => {
                self.flows.insert(key, Flow { last: now, port: key.inside.port() });
            }
            Err(why) => return Passage::Refused(why),
        }
        self.forget_reset(key, segment);
        Passage::Unchanged
    }

    /// From the inside to the outside: the source becomes the box. Only a SYN begins a flow.
    fn translate_out(
        &mut self,
        spec: &MiddleboxSpec,
        now: Instant,
        key: FlowKey,
        address: IpAddr,
        packet: &Packet,
        segment: &Segment,
    ) -> Passage {
        let port = match self.known(spec, now, key) {
            Ok(()) => self.flows[&key].port,
            Err(why) if !opens(segment) => return Passage::Refused(why),
            Err(_) => match self.free_port(key) {
                Some(port) => {
                    self.flows.insert(key, Flow { last: now, port });
                    self.ports.insert((port, key.outside), key.inside);
                    port
                }
                None => return Passage::Refused("no port left"),
            },
        };
        self.forget_reset(key, segment);
        let mut packet = packet.clone();
        packet.src = address;
        if let Body::Tcp(segment) = &mut packet.body {
            segment.src_port = port;
        }
        Passage::Translated(packet)
    }

    /// From the outside to the inside: the destination becomes the true one. Nothing begins here.
    fn translate_in(
        &mut self,
        spec: &MiddleboxSpec,
        now: Instant,
        (source, target): (SocketAddr, SocketAddr),
        address: IpAddr,
        packet: &Packet,
    ) -> Passage {
        if target.ip() != address {
            return Passage::Refused("not its address");
        }
        let Some(&inside) = self.ports.get(&(target.port(), source)) else {
            return Passage::Refused("unknown flow");
        };
        let key = FlowKey { inside, outside: source };
        if let Err(why) = self.known(spec, now, key) {
            return Passage::Refused(why);
        }
        let mut packet = packet.clone();
        packet.dst = inside.ip();
        if let Body::Tcp(segment) = &mut packet.body {
            segment.dst_port = inside.port();
            let segment = segment.clone();
            self.forget_reset(key, &segment);
        }
        Passage::Translated(packet)
    }

    /// Whether the box knows a flow; if so, its idle time begins anew.
    fn known(
        &mut self,
        spec: &MiddleboxSpec,
        now: Instant,
        key: FlowKey,
    ) -> Result<(), &'static str> {
        let flow = self.flows.get_mut(&key).ok_or("unknown flow")?;
        if now.since(flow.last) > spec.idle_timeout {
            self.forget(key);
            return Err("idle flow forgotten");
        }
        flow.last = now;
        Ok(())
    }

    /// A reset ends a flow.
    fn forget_reset(&mut self, key: FlowKey, segment: &Segment) {
        if segment.flags.contains(Flags::RST) {
            self.forget(key);
        }
    }

    /// Gives up a flow, and its port for others.
    fn forget(&mut self, key: FlowKey) {
        if let Some(flow) = self.flows.remove(&key) {
            self.ports.remove(&(flow.port, key.outside));
        }
    }

    /// A port of the box that speaks to this outside end for nobody yet: the inside port itself
    /// if possible (RFC 4787 §4.2.1, port preservation), else the next free one.
    fn free_port(&self, key: FlowKey) -> Option<u16> {
        let wanted = key.inside.port();
        let above = wanted..=u16::MAX;
        let mut candidates = above.chain(1024..wanted);
        candidates.find(|port| !self.ports.contains_key(&(*port, key.outside)))
    }
}

/// Whether a segment begins a flow: a SYN, but not the answer to one.
fn opens(segment: &Segment) -> bool {
    segment.flags.contains(Flags::SYN) && !segment.flags.contains(Flags::ACK)
}

/// The reset that answers a segment (RFC 9293 §3.5.2); none for a reset.
fn reset_for(packet: &Packet) -> Option<Packet> {
    let segment = packet.segment()?;
    if segment.flags.contains(Flags::RST) {
        return None;
    }
    Some(Packet::tcp(packet.dst, packet.src, segment.answering_reset()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::time::Duration;
    use twomsl_tcp::wire::{Options, SeqNum};

    const INSIDE: [u8; 4] = [192, 168, 0, 2];
    const BOX: [u8; 4] = [203, 0, 113, 1];
    const OUTSIDE: [u8; 4] = [198, 51, 100, 7];

    fn nat() -> MiddleboxSpec {
        MiddleboxSpec {
            name: "nat".to_owned(),
            inside: 0,
            outside: 1,
            kind: MiddleboxKind::Nat { address: BOX.into() },
            idle_timeout: Duration::from_secs(5),
            unknown_flow: UnknownFlow::Drop,
        }
    }

    fn packet(from: ([u8; 4], u16), to: ([u8; 4], u16), flags: Flags) -> Packet {
        let segment = Segment {
            src_port: from.1,
            dst_port: to.1,
            seq: SeqNum::new(100),
            ack: SeqNum::new(0),
            flags,
            window: 0,
            urgent: 0,
            options: Options::NONE,
            payload: Bytes::new(),
        };
        Packet::tcp(from.0.into(), to.0.into(), segment)
    }

    #[test]
    fn a_nat_translates_both_ways_and_forgets_the_idle() {
        let (spec, mut nat) = (nat(), Middlebox::default());
        let at = Instant::from_millis;
        let out = nat.pass(
            &spec,
            at(0),
            Side::Inside,
            &packet((INSIDE, 5000), (OUTSIDE, 80), Flags::SYN),
        );
        assert_eq!(out, Passage::Translated(packet((BOX, 5000), (OUTSIDE, 80), Flags::SYN)));
        let answer = packet((OUTSIDE, 80), (BOX, 5000), Flags::SYN | Flags::ACK);
        let inward = packet((OUTSIDE, 80), (INSIDE, 5000), Flags::SYN | Flags::ACK);
        assert_eq!(nat.pass(&spec, at(4_000), Side::Outside, &answer), Passage::Translated(inward));
        let late = nat.pass(&spec, at(9_001), Side::Outside, &answer);
        assert_eq!(late, Passage::Refused("idle flow forgotten"));
        let later = nat.pass(&spec, at(9_002), Side::Outside, &answer);
        assert_eq!(later, Passage::Refused("unknown flow"));
    }

    #[test]
    fn two_inside_ends_with_the_same_port_get_different_ones() {
        let (spec, mut nat) = (nat(), Middlebox::default());
        let other = [192, 168, 0, 3];
        nat.pass(
            &spec,
            Instant::ZERO,
            Side::Inside,
            &packet((INSIDE, 5000), (OUTSIDE, 80), Flags::SYN),
        );
        let second = packet((other, 5000), (OUTSIDE, 80), Flags::SYN);
        let out = nat.pass(&spec, Instant::ZERO, Side::Inside, &second);
        assert_eq!(out, Passage::Translated(packet((BOX, 5001), (OUTSIDE, 80), Flags::SYN)));
    }

    #[test]
    fn a_watching_box_lets_either_side_begin_and_a_reset_end_a_flow() {
        let spec = MiddleboxSpec { kind: MiddleboxKind::Transparent, ..nat() };
        let mut firewall = Middlebox::default();
        let mut pass = |side, packet: &Packet| firewall.pass(&spec, Instant::ZERO, side, packet);
        let ack = packet((INSIDE, 80), (OUTSIDE, 5000), Flags::ACK);
        assert_eq!(pass(Side::Inside, &ack), Passage::Refused("unknown flow"));
        let syn = packet((OUTSIDE, 5000), (INSIDE, 80), Flags::SYN);
        assert_eq!(pass(Side::Outside, &syn), Passage::Unchanged);
        assert_eq!(pass(Side::Inside, &ack), Passage::Unchanged);
        let rst = packet((INSIDE, 80), (OUTSIDE, 5000), Flags::RST);
        assert_eq!(pass(Side::Inside, &rst), Passage::Unchanged);
        assert_eq!(pass(Side::Inside, &ack), Passage::Refused("unknown flow"));
    }

    #[test]
    fn a_reset_is_what_the_other_end_would_have_sent() {
        let syn = packet((INSIDE, 5000), (OUTSIDE, 80), Flags::SYN);
        let answer = reset_for(&syn).unwrap();
        let segment = answer.segment().unwrap();
        assert_eq!((segment.src_port, segment.dst_port), (80, 5000));
        assert_eq!((segment.ack, segment.flags), (SeqNum::new(101), Flags::RST | Flags::ACK));
        assert_eq!(reset_for(&answer), None);
    }
}
