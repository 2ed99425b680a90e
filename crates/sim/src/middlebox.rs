//! Boxes in the middle of a link: a table of flows that forgets the idle ones.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use twomsl_tcp::Instant;
use twomsl_tcp::wire::{Body, Flags, Options, Packet, Segment, SeqNum};
use twomsl_trace::{Author, Decider};

use crate::flight::Via;
use crate::live::Live;
use crate::plan::{Plan, Side};
use crate::queue::What;
use crate::spec::{Beginning, MiddleboxKind, MiddleboxSpec, OnTimeout, UnknownFlow};

/// The flows a box knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Middlebox {
    flows: BTreeMap<FlowKey, Flow>,
    /// For a NAT: which inside end has which of its ports.
    ports: BTreeMap<(u16, SocketAddr), SocketAddr>,
    /// When the queue will look at its flows next, if its ends are told of timeouts.
    armed: Option<Instant>,
}

/// Without `armed`, which follows from the flows.
impl Hash for Middlebox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.flows, &self.ports).hash(state);
    }
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
    /// It is forgotten when this has passed without a packet.
    deadline: Instant,
    /// The port that stands for the inside one.
    port: u16,
    /// The inside, and the outside.
    sides: [Seen; 2],
}

/// What a box has seen of one side of a flow.
#[derive(Clone, Copy, Debug, Default, Hash)]
struct Seen {
    /// The number behind its last octet: a reset in its name needs that.
    next: Option<SeqNum>,
    /// Whether its FIN was seen.
    fin: Fin,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Fin {
    #[default]
    NotYet,
    Seen,
}

impl Flow {
    const fn new(port: u16) -> Self {
        let seen = Seen { next: None, fin: Fin::NotYet };
        Self { deadline: Instant::ZERO, port, sides: [seen; 2] }
    }

    /// A packet of one side passes.
    fn note(&mut self, spec: &MiddleboxSpec, now: Instant, side: Side, segment: &Segment) {
        let seen = &mut self.sides[side as usize];
        let end = segment.seq + segment.seq_len();
        if seen.next.is_none_or(|next| next.before(end)) {
            seen.next = Some(end);
        }
        if segment.flags.contains(Flags::FIN) {
            seen.fin = Fin::Seen;
        }
        let closed = spec.flows.close_timeout.filter(|_| self.is_closed());
        self.deadline = now + closed.unwrap_or(spec.flows.idle_timeout);
    }

    /// Whether both sides have said that they are done.
    fn is_closed(&self) -> bool {
        self.sides.iter().all(|seen| seen.fin == Fin::Seen)
    }

    /// A reset of one side, as it would abort the connection. `None` as long as it has said nothing.
    fn reset_by(&self, side: Side, from: SocketAddr, to: SocketAddr) -> Option<Packet> {
        let (own, other) = (self.sides[side as usize], self.sides[1 - side as usize]);
        let segment = Segment {
            src_port: from.port(),
            dst_port: to.port(),
            seq: own.next?,
            ack: other.next?,
            flags: Flags::RST | Flags::ACK,
            window: 0,
            urgent: 0,
            options: Options::NONE,
            payload: Bytes::new(),
        };
        Some(Packet::tcp(from.ip(), to.ip(), segment))
    }
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
            Passage::Unchanged => {
                self.arm_box(plan, number);
                Passes::Yes
            }
            Passage::Translated(packet) => {
                flight.packet = Some(packet);
                self.rewritten(place, || name(spec, "translated"));
                self.arm_box(plan, number);
                Passes::Yes
            }
            Passage::Refused(why) => {
                let answer = match spec.flows.unknown {
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

    /// The queue is to look at a box whose ends are told of timeouts when its first flow is over.
    fn arm_box(&mut self, plan: &Plan, number: u32) {
        let watched = &mut self.middleboxes[number as usize];
        if plan.spec.middleboxes[number as usize].flows.on_timeout == OnTimeout::Reset
            && watched.armed.is_none()
        {
            watched.armed = watched.next_timeout();
            if let Some(at) = watched.armed {
                self.queue.push(at, What::Flows(number));
            }
        }
    }

    /// Whether a flow is over at the time for which the queue has a box. If not, it will look again
    /// when one is. Looks at all flows of the box.
    pub(crate) fn flow_is_over(&mut self, at: Instant, number: u32) -> bool {
        let watched = &mut self.middleboxes[number as usize];
        let next = watched.next_timeout();
        if next.is_some_and(|next| next <= at) {
            return true;
        }
        watched.armed = next;
        if let Some(next) = next {
            self.queue.push(next, What::Flows(number));
        }
        false
    }

    /// Flows have been idle for too long: the box forgets them, and resets both ends.
    pub(crate) fn flows_are_over(&mut self, plan: &Plan, number: u32) {
        let spec = &plan.spec.middleboxes[number as usize];
        let now = self.now;
        while let Some((key, flow)) = self.middleboxes[number as usize].take_over(now) {
            let sides = (spec.inside as u32, spec.outside as u32);
            let inside = match spec.kind {
                MiddleboxKind::Transparent => key.inside,
                MiddleboxKind::Nat { address } => SocketAddr::new(address, flow.port),
            };
            if let Some(reset) = flow.reset_by(Side::Outside, key.outside, key.inside) {
                self.reset(plan, spec, sides, reset);
            }
            if let Some(reset) = flow.reset_by(Side::Inside, inside, key.outside) {
                self.reset(plan, spec, (sides.1, sides.0), reset);
            }
        }
        self.middleboxes[number as usize].armed = None;
        self.arm_box(plan, number);
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
        self.armed = None;
    }

    /// When the first flow is over whose ends do not know that themselves.
    fn next_timeout(&self) -> Option<Instant> {
        let open = self.flows.values().filter(|flow| !flow.is_closed());
        open.map(|flow| flow.deadline).min()
    }

    /// Takes out the first of these that is over by now.
    fn take_over(&mut self, now: Instant) -> Option<(FlowKey, Flow)> {
        let over = |(_, flow): &(&FlowKey, &Flow)| !flow.is_closed() && flow.deadline <= now;
        let (key, flow) = self.flows.iter().find(over).map(|(key, flow)| (*key, *flow))?;
        self.forget(key);
        Some((key, flow))
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
                self.watch(spec, now, (key, side), segment)
            }
            (MiddleboxKind::Transparent, Side::Outside) => {
                let key = FlowKey { inside: target, outside: source };
                self.watch(spec, now, (key, side), segment)
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
        (key, side): (FlowKey, Side),
        segment: &Segment,
    ) -> Passage {
        match self.known(now, key) {
            Ok(_) => {}
            Err(_) if begins(spec, segment) => {
                self.flows.insert(key, Flow::new(key.inside.port()));
            }
            Err(why) => return Passage::Refused(why),
        }
        self.note(spec, now, (key, side), segment);
        Passage::Unchanged
    }

    /// From the inside to the outside: the source becomes the box.
    fn translate_out(
        &mut self,
        spec: &MiddleboxSpec,
        now: Instant,
        key: FlowKey,
        address: IpAddr,
        packet: &Packet,
        segment: &Segment,
    ) -> Passage {
        let port = match self.known(now, key) {
            Ok(port) => port,
            Err(why) if !begins(spec, segment) => return Passage::Refused(why),
            Err(_) => match self.free_port(key) {
                Some(port) => {
                    self.flows.insert(key, Flow::new(port));
                    self.ports.insert((port, key.outside), key.inside);
                    port
                }
                None => return Passage::Refused("no port left"),
            },
        };
        self.note(spec, now, (key, Side::Inside), segment);
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
        if let Err(why) = self.known(now, key) {
            return Passage::Refused(why);
        }
        let mut packet = packet.clone();
        packet.dst = inside.ip();
        if let Body::Tcp(segment) = &mut packet.body {
            segment.dst_port = inside.port();
            let segment = segment.clone();
            self.note(spec, now, (key, Side::Outside), &segment);
        }
        Passage::Translated(packet)
    }

    /// Whether the box knows a flow, and under which port.
    fn known(&mut self, now: Instant, key: FlowKey) -> Result<u16, &'static str> {
        let flow = self.flows.get(&key).ok_or("unknown flow")?;
        if now > flow.deadline {
            self.forget(key);
            return Err("idle flow forgotten");
        }
        Ok(flow.port)
    }

    /// A packet of a flow passes: its idle time begins anew. A reset ends it.
    fn note(
        &mut self,
        spec: &MiddleboxSpec,
        now: Instant,
        (key, side): (FlowKey, Side),
        segment: &Segment,
    ) {
        if segment.flags.contains(Flags::RST) {
            self.forget(key);
        } else if let Some(flow) = self.flows.get_mut(&key) {
            flow.note(spec, now, side, segment);
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

/// Whether a segment begins a flow: a SYN, but not the answer to one; or anything that is no reset.
fn begins(spec: &MiddleboxSpec, segment: &Segment) -> bool {
    match spec.flows.beginning {
        Beginning::Syn => segment.flags.contains(Flags::SYN) && !segment.flags.contains(Flags::ACK),
        Beginning::AnySegment => !segment.flags.contains(Flags::RST),
    }
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
    use crate::spec::Flows;
    use std::time::Duration;

    const INSIDE: [u8; 4] = [192, 168, 0, 2];
    const BOX: [u8; 4] = [203, 0, 113, 1];
    const OUTSIDE: [u8; 4] = [198, 51, 100, 7];

    fn nat() -> MiddleboxSpec {
        MiddleboxSpec {
            name: "nat".to_owned(),
            inside: 0,
            outside: 1,
            kind: MiddleboxKind::Nat { address: BOX.into() },
            flows: Flows::forgotten_after(Duration::from_secs(5)),
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
