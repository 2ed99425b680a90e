//! The way of a packet: sent, judged by rules, boxes and impairments, delivered.

use twomsl_tcp::wire::{Body, Flags, Icmp, IcmpKind, Packet, Quote};
use twomsl_tcp::{Instant, Transmit, Verdict};
use twomsl_trace::{self as trace, Decider, Fate, HostId, PacketId};

use crate::Checks;
use crate::bits;
use crate::flight::{Flight, Via};
use crate::life::{Ends, Facts, LifeId};
use crate::link::{Befalls, Luck, Whose};
use crate::live::{Cable, Live, Pace, Power};
use crate::plan::{PathKind, Plan, Route};
use crate::queue::What;
use crate::rules::{Judgment, Treatment};

/// A packet that is being sent.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    pub(crate) packet: Packet,
    pub(crate) id: u64,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) via: Via,
    pub(crate) mark: LifeId,
    pub(crate) sent: Instant,
    /// What the path's random streams have in store for it.
    pub(crate) luck: Luck,
}

/// A packet that a rule holds back.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The rule, whose verdict has the name.
    pub(crate) rule: u32,
    pub(crate) sending: Sending,
}

impl Live {
    /// A stack sends a packet.
    pub(crate) fn transmit(&mut self, plan: &Plan, from: u32, transmit: Transmit) {
        let Transmit { packet, socket, reason } = transmit;
        let mark = socket.map_or(LifeId::NONE, |socket| self.life_of(from, socket));
        let id = self.number();
        self.record(|live| trace::Event::Sent {
            packet: PacketId(id),
            host: HostId(from as u16),
            socket: socket.map(|socket| live.socket_ref(from, socket)),
            reason,
            content: packet.clone(),
        });
        log_packet(plan, self.now, from, "send", &packet);
        let route = plan.route(from, packet.dst);
        let luck = self.draw(plan, route);
        let judgment = self.judge(plan, from, route.map(|route| route.to), mark, &packet);
        self.note_sent(from, mark, route, &packet);
        let Some(Route { to, via }) = route else { return self.no_route(from, id, packet) };
        let sent = self.now;
        let sending = Sending { packet, id, from, to, via, mark, sent, luck };
        match judgment {
            Judgment::Nothing => self.pass(plan, sending, &Treatment::NONE),
            Judgment::Drop(rule) => self.fate(id, Fate::Dropped, || rule_text(plan, rule)),
            Judgment::Hold(rule) => {
                self.fate(id, Fate::Held, || rule_text(plan, rule));
                self.held.push(Held { rule, sending });
            }
            Judgment::Treat(treatment) => self.treat(plan, sending, &treatment),
        }
    }

    /// A number for a packet.
    pub(crate) fn number(&mut self) -> u64 {
        self.next_packet += 1;
        self.next_packet
    }

    /// Writes down what becomes of a packet.
    pub(crate) fn fate(&mut self, id: u64, fate: Fate, by: impl FnOnce() -> Decider) {
        self.record(|_| trace::Event::Fate { packet: PacketId(id), fate, by: by() });
    }

    /// Draws from the streams of the path, if it has any. Before anything is decided: a rule
    /// that drops a packet leaves the luck of all others as it was.
    fn draw(&mut self, plan: &Plan, route: Option<Route>) -> Luck {
        match route {
            Some(Route { via: Via::Path(path), .. })
                if plan.paths[path as usize].kind == PathKind::Impaired =>
            {
                let place = path as usize;
                self.paths[place].luck(&plan.paths[place], path, self.seed, Whose::Original)
            }
            _ => Luck::default(),
        }
    }

    /// Remembers what a life has sent, and checks it (invariant 3).
    fn note_sent(&mut self, host: u32, mark: LifeId, route: Option<Route>, packet: &Packet) {
        let Some(segment) = packet.segment() else { return };
        let Some(life) = self.lives.get_mut(mark) else { return };
        if life.ends.is_none() {
            life.ends = Some(Ends {
                local_port: segment.src_port,
                remote_port: segment.dst_port,
                remote_host: route.map_or(u32::MAX, |route| route.to),
            });
        }
        let socket = life.socket;
        if let Err(wrong) = life.sequence.note_sent(segment) {
            self.violation(3, Some((host, socket)), wrong);
        }
    }

    /// A host without a route learns it from its own IP layer, as it would from a router.
    fn no_route(&mut self, from: u32, id: u64, packet: Packet) {
        self.fate(id, Fate::Dropped, || Decider::NoRoute);
        let Body::Tcp(segment) = packet.body else { return };
        if segment.flags.contains(Flags::RST) {
            return; // nobody is there to be told
        }
        let quote = Quote {
            src: packet.src,
            dst: packet.dst,
            src_port: segment.src_port,
            dst_port: segment.dst_port,
            seq: segment.seq,
        };
        let message = Icmp { kind: IcmpKind::HostUnreachable, quote };
        let answer = Packet {
            src: packet.src,
            dst: packet.src,
            hop_limit: Packet::DEFAULT_HOP_LIMIT,
            ecn: twomsl_tcp::wire::Ecn::NotEct,
            body: Body::Icmp(message),
        };
        self.inject(answer, None, from, Via::Loopback, self.now, usize::MAX);
    }

    /// Puts a packet that no host sent on its way: forged, or from the network itself.
    pub(crate) fn inject(
        &mut self,
        packet: Packet,
        pretended: Option<u32>,
        to: u32,
        via: Via,
        at: Instant,
        lane: usize,
    ) {
        let id = self.number();
        self.record(|_| trace::Event::Forged {
            packet: PacketId(id),
            from: pretended.map(|host| HostId(host as u16)),
            content: packet.clone(),
        });
        self.fate(id, Fate::Delivered { at }, || Decider::Link);
        let flight = Flight { packet, id, to, mark: LifeId::NONE, via, flipped: None };
        let place = self.flights.insert(flight);
        if lane == usize::MAX {
            self.queue.push(at, What::Arrival(place));
        } else {
            self.queue.push_arrival(at, lane, place);
        }
    }

    /// Does what a rule says, and lets the packet go on.
    fn treat(&mut self, plan: &Plan, mut sending: Sending, treatment: &Treatment) {
        let by = || rule_text(plan, treatment.rule);
        if let Some(rewrite) = &treatment.rewrite {
            bits::rewrite(&mut sending.packet, rewrite);
            let content = sending.packet.clone();
            self.fate(sending.id, Fate::Rewritten { content }, by);
        }
        if treatment.flip.is_some() {
            self.fate(sending.id, Fate::Corrupted, by);
        }
        if !treatment.delay.is_zero() || treatment.until > self.now {
            self.fate(sending.id, Fate::Delayed, by);
        }
        self.pass(plan, sending, treatment);
    }

    /// The packet sets out: links that are down, boxes, impairments.
    pub(crate) fn pass(&mut self, plan: &Plan, sending: Sending, treatment: &Treatment) {
        let Via::Path(path) = sending.via else {
            return self.arrive_once(plan, sending, self.now, treatment, || Decider::Link);
        };
        let ends = [sending.from, sending.to];
        if ends.iter().any(|host| self.hosts[*host as usize].cable == Cable::Down) {
            return self.fate(sending.id, Fate::Dropped, || Decider::Down);
        }
        let path = &plan.paths[path as usize];
        let sending = match path.middlebox {
            None => sending,
            Some(place) => match self.through_middlebox(plan, place, sending) {
                Some(sending) => sending,
                None => return,
            },
        };
        if bits::length(&sending.packet) > path.impairments.mtu as usize {
            return self.fate(sending.id, Fate::Dropped, || Decider::Impairment("mtu"));
        }
        match path.kind {
            PathKind::Plain => {
                let at = Instant::from_nanos(self.now.as_nanos().saturating_add(path.delay));
                self.arrive_once(plan, sending, at, treatment, || Decider::Link);
            }
            PathKind::Impaired => self.impaired(plan, sending, treatment),
        }
    }

    /// A packet on a path with impairments, and the copy that the path may make of it.
    fn impaired(&mut self, plan: &Plan, sending: Sending, treatment: &Treatment) {
        let copy = (sending.luck.duplicate == Befalls::Yes).then(|| {
            let copy = Sending { id: self.number(), ..sending.clone() };
            let fate = Fate::Duplicated { copy: PacketId(copy.id) };
            self.fate(sending.id, fate, || Decider::Impairment("duplicate"));
            copy
        });
        self.impaired_once(plan, sending, treatment);
        if let Some(mut copy) = copy
            && let Via::Path(path) = copy.via
        {
            let place = path as usize;
            copy.luck = self.paths[place].luck(&plan.paths[place], path, self.seed, Whose::Copy);
            self.impaired_once(plan, copy, &Treatment::NONE);
        }
    }

    fn impaired_once(&mut self, plan: &Plan, sending: Sending, treatment: &Treatment) {
        let Via::Path(place) = sending.via else { return };
        if sending.luck.loss == Befalls::Yes {
            return self.fate(sending.id, Fate::Dropped, || Decider::Impairment("loss"));
        }
        let path = &plan.paths[place as usize];
        let octets = bits::length(&sending.packet);
        let passage = self.paths[place as usize].pass(path, self.now, octets, &sending.luck);
        let Some(passage) = passage else {
            return self.fate(sending.id, Fate::Dropped, || Decider::Impairment("limit"));
        };
        if sending.luck.corrupt.is_some() {
            self.fate(sending.id, Fate::Corrupted, || Decider::Impairment("corrupt"));
        }
        let by = || passage.overtakes.map_or(Decider::Link, Decider::Impairment);
        self.arrive_once(plan, sending, passage.at, treatment, by);
    }

    /// Delivers a packet, and the copies that a rule asks for.
    fn arrive_once(
        &mut self,
        plan: &Plan,
        sending: Sending,
        at: Instant,
        treatment: &Treatment,
        by: impl FnOnce() -> Decider,
    ) {
        let at = (at + treatment.delay).max(treatment.until);
        if treatment.copies == 0 {
            return self.deliver(plan, sending, at, treatment.flip, by);
        }
        let original = sending.clone();
        self.deliver(plan, sending, at, treatment.flip, by);
        let mut due = at;
        for _ in 0..treatment.copies {
            due += treatment.spacing;
            let copy = Sending { id: self.number(), ..original.clone() };
            let fate = Fate::Duplicated { copy: PacketId(copy.id) };
            self.fate(original.id, fate, || rule_text(plan, treatment.rule));
            self.deliver(plan, copy, due, None, || rule_text(plan, treatment.rule));
        }
    }

    /// Puts a packet into the queue, unless it would die of age on the way.
    fn deliver(
        &mut self,
        plan: &Plan,
        sending: Sending,
        at: Instant,
        flip: Option<u64>,
        by: impl FnOnce() -> Decider,
    ) {
        let Sending { packet, id, to, via, mark, sent, luck, .. } = sending;
        let lane = match via {
            Via::Path(path) => path as usize,
            Via::Loopback => plan.paths.len(),
        };
        let lifetime = plan.paths.get(lane).and_then(|path| path.impairments.lifetime);
        if lifetime.is_some_and(|lifetime| at.since(sent) > lifetime) {
            return self.fate(id, Fate::Dropped, || Decider::Impairment("lifetime"));
        }
        self.fate(id, Fate::Delivered { at }, by);
        let flipped = flip.or(luck.corrupt);
        let place = self.flights.insert(Flight { packet, id, to, mark, via, flipped });
        self.queue.push_arrival(at, lane, place);
    }

    /// A packet reaches its host.
    pub(crate) fn arrive(&mut self, plan: &Plan, place: u32) {
        let Flight { packet, id, to, mark, via, flipped, .. } = self.flights.take(place);
        let host = &mut self.hosts[to as usize];
        let unplugged = host.cable == Cable::Down && via != Via::Loopback;
        if host.power != Power::On || unplugged {
            return self.fate(id, Fate::Dropped, || Decider::Down);
        }
        let packet = match flipped {
            None => packet,
            // The flip is real: only a checksum that does not catch it lets the packet through.
            Some(draw) => match bits::flip_one(&packet, draw) {
                Some(packet) => packet,
                None => return self.arrived(id, to, None, Verdict::BadChecksum),
            },
        };
        log_packet(plan, self.now, to, "receive", &packet);
        let facts = Facts::of(&packet);
        let arrival = host.stack.on_packet(self.now, packet);
        if let Some(socket) = arrival.socket {
            let life = self.life_of(to, socket);
            if let Err(wrong) = self.lives.note_arrival(life, mark, facts, &arrival) {
                self.violation(4, Some((to, socket)), wrong);
            }
        }
        self.arrived(id, to, arrival.socket, arrival.verdict);
        self.drain(plan, to);
        if self.checks == Checks::Full
            && let Some(socket) = arrival.socket
        {
            self.check_variables(to, socket);
        }
    }

    fn arrived(
        &mut self,
        id: u64,
        to: u32,
        socket: Option<twomsl_tcp::SocketId>,
        verdict: Verdict,
    ) {
        self.record(|live| trace::Event::Arrived {
            packet: PacketId(id),
            host: HostId(to as u16),
            socket: socket.map(|socket| live.socket_ref(to, socket)),
            verdict,
        });
    }

    /// Whether a host stands still, so that what reaches it has to wait.
    pub(crate) fn is_paused(&self, host: u32) -> bool {
        self.hosts[host as usize].pace == Pace::Paused
    }
}

/// How the trace names a rule.
pub(crate) fn rule_text(plan: &Plan, rule: u32) -> Decider {
    let text = plan.spec.faults[rule as usize].text.clone();
    Decider::Rule { number: rule + 1, text }
}

/// For whoever follows a run as it goes. Costs a comparison when nobody does.
fn log_packet(plan: &Plan, now: Instant, host: u32, what: &'static str, packet: &Packet) {
    if !tracing::enabled!(target: "twomsl", tracing::Level::DEBUG) {
        return;
    }
    let host = &plan.spec.hosts[host as usize].name;
    match &packet.body {
        Body::Tcp(segment) => tracing::debug!(
            target: "twomsl",
            at = %now,
            host = %host,
            flags = %segment.flags,
            seq = %segment.seq,
            ack = %segment.ack,
            length = segment.payload.len(),
            "{what}"
        ),
        Body::Icmp(message) => {
            tracing::debug!(target: "twomsl", at = %now, host = %host, ?message, "{what}");
        }
    }
}
