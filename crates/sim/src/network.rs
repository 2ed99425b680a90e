//! The way of a packet: sent, judged by rules, boxes and impairments, delivered.

use tracing::level_filters::LevelFilter;
use twomsl_tcp::wire::{Body, Ecn, Packet};
use twomsl_tcp::{Instant, SendReason, SocketId, Verdict};
use twomsl_trace::{self as trace, Author, Decider, Fate, HostId, PacketId};

use crate::bits;
use crate::coverage::{Met, PacketKind};
use crate::flight::{Flight, Via};
use crate::life::{Ends, Facts, LifeId};
use crate::link::{Befalls, Luck, Whose};
use crate::live::record;
use crate::live::{Cable, Live, Pace, Power};
use crate::middlebox::Passes;
use crate::plan::{PathKind, Plan, Route};
use crate::queue::What;
use crate::rules::{Judgment, Seen, Treatment};
use crate::spec::{Choice, FaultVerdict};
use crate::{Checks, Recording};

/// A packet that a rule holds back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// The rule, whose verdict has the name.
    pub(crate) rule: u32,
    /// Where the packet is.
    pub(crate) place: u32,
    /// What was drawn for it when it was sent.
    pub(crate) luck: Luck,
}

/// Whether a packet bears the mark of congestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marked {
    Yes,
    No,
}

/// A path on which a packet only takes its time.
struct Unhindered {
    /// In nanoseconds.
    delay: u64,
    lane: usize,
}

impl Live {
    /// A stack sends a packet.
    #[inline(never)]
    pub(crate) fn transmit(
        &mut self,
        plan: &Plan,
        from: u32,
        place: u32,
        socket: Option<SocketId>,
        reason: SendReason,
    ) {
        let mark = socket.map_or(LifeId::NONE, |socket| self.life_of(from, socket));
        let id = self.number();
        self.hosts[from as usize].sent += 1;
        record!(
            self,
            trace::Event::Sent {
                packet: PacketId(id),
                host: HostId(from as u16),
                socket: self.socket_ref_of(from, socket),
                reason,
                content: self.flights.packet(place).clone(),
            }
        );
        let packet = self.flights.packet(place);
        log_packet(plan, self.now, from, "send", packet);
        let route = self.hosts[from as usize].route(plan, from, &packet.dst);
        if let Some(route) = route
            && let Some(Unhindered { delay, lane }) = self.unhindered(plan, from, route, packet)
        {
            self.note_sent(from, mark, Some(route), place);
            self.board(place, id, from, mark, route);
            let at = Instant::from_nanos(self.now.as_nanos().saturating_add(delay));
            return self.launch(place, lane, at, || Decider::Link);
        }
        self.transmit_hindered(plan, (from, id, mark), place, route);
    }

    /// The path of a packet that nothing but a delay befalls: the way of nearly all packets of a
    /// long transfer, which is to cost no look at rules, draws, boxes and queues that are not there.
    #[inline]
    fn unhindered(
        &self,
        plan: &Plan,
        from: u32,
        route: Route,
        packet: &Packet,
    ) -> Option<Unhindered> {
        let Route { to, via: Via::Path(number) } = route else { return None };
        let path = &plan.paths[number as usize];
        let unplugged = |host: u32| self.hosts[host as usize].cable == Cable::Down;
        let hindered = plan.looks_at_packets
            || path.middlebox.is_some()
            || bits::length(packet) > path.unhindered as usize
            || unplugged(from)
            || unplugged(to);
        (!hindered).then_some(Unhindered { delay: path.delay, lane: number as usize })
    }

    /// Every other packet.
    #[inline(never)]
    fn transmit_hindered(
        &mut self,
        plan: &Plan,
        (from, id, mark): (u32, u64, LifeId),
        place: u32,
        route: Option<Route>,
    ) {
        // What chance has in store is drawn before anything is decided, see `Luck`.
        let luck = self.draw(plan, route);
        let to = route.map(|route| route.to);
        let judgment = self.judge(plan, &Seen { from, to, mark, place });
        self.note_sent(from, mark, route, place);
        // A packet without a route was sent all the same: rules and conditions have counted it.
        let Some(route) = route else { return self.no_route(from, id, place) };
        self.board(place, id, from, mark, route);
        match judgment {
            Judgment::Nothing => self.pass(plan, place, &luck, &Treatment::NONE),
            Judgment::Drop(rule) => self.lose(place, || rule_text(plan, rule)),
            Judgment::Hold(rule) => {
                self.fate(place, || Fate::Held, || rule_text(plan, rule));
                self.held.push(Held { rule, place, luck });
            }
            Judgment::Treat(treatment) => self.treat(plan, place, &luck, &treatment),
        }
    }

    /// Notes whose a packet is, and where it goes.
    fn board(&mut self, place: u32, id: u64, from: u32, mark: LifeId, route: Route) {
        let flight = self.flights.get_mut(place);
        (flight.id, flight.from, flight.to) = (id, from, route.to);
        (flight.mark, flight.via, flight.sent) = (mark, route.via, self.now);
        (flight.flipped, flight.nth) = (None, self.hosts[from as usize].sent);
    }

    /// A number for a packet.
    pub(crate) fn number(&mut self) -> u64 {
        self.next_packet += 1;
        self.next_packet
    }

    /// Writes down what becomes of a packet.
    pub(crate) fn fate(
        &mut self,
        place: u32,
        fate: impl FnOnce() -> Fate,
        by: impl FnOnce() -> Decider,
    ) {
        record!(self, {
            let packet = PacketId(self.flights.get(place).id);
            trace::Event::Fate { packet, fate: fate(), by: by() }
        });
    }

    /// A packet is gone.
    pub(crate) fn lose(&mut self, place: u32, by: impl FnOnce() -> Decider) {
        self.fate(place, || Fate::Dropped, by);
        self.flights.free(place);
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
    #[expect(clippy::inline_always, reason = "for every packet, and all it needs is at hand there")]
    #[inline(always)]
    fn note_sent(&mut self, host: u32, mark: LifeId, route: Option<Route>, place: u32) {
        let Some(segment) = self.flights.packet(place).segment() else { return };
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

    /// Puts a packet that no host sent on its way: forged, or from a box or the network itself.
    /// Nothing befalls it. `origin` is who made it, and the host whose address it bears.
    pub(crate) fn inject(
        &mut self,
        packet: Packet,
        origin: (Author, Option<u32>),
        to: u32,
        via: Via,
        at: Instant,
    ) {
        let id = self.number();
        let (by, pretended) = origin;
        record!(
            self,
            trace::Event::Injected {
                packet: PacketId(id),
                by,
                from: pretended.map(|host| HostId(host as u16)),
                content: packet.clone(),
            }
        );
        let place = self.flights.insert(Flight {
            packet: Some(packet),
            id,
            from: pretended.unwrap_or(to),
            to,
            mark: LifeId::NONE,
            via,
            flipped: None,
            sent: self.now,
            nth: 0,
        });
        if self.outside.is_some() {
            return self.hand_in(at, place);
        }
        self.fate(place, || Fate::Delivered { at }, || Decider::Link);
        self.queue.push(at, What::Arrival(place));
    }

    /// Does what a rule says, and lets the packet go on.
    fn treat(&mut self, plan: &Plan, place: u32, luck: &Luck, treatment: &Treatment) {
        let by = || rule_text(plan, treatment.rule);
        if let Some(rewrite) = &treatment.rewrite
            && let Some(packet) = &mut self.flights.get_mut(place).packet
        {
            bits::rewrite(packet, rewrite);
            self.rewritten(place, by);
        }
        if treatment.flip.is_some() {
            self.fate(place, || Fate::Corrupted, by);
        }
        if !treatment.delay.is_zero() || treatment.until > self.now {
            self.fate(place, || Fate::Delayed, by);
        }
        self.pass(plan, place, luck, treatment);
    }

    /// Writes down what a packet has become.
    pub(crate) fn rewritten(&mut self, place: u32, by: impl FnOnce() -> Decider) {
        record!(self, {
            let flight = self.flights.get(place);
            let content = flight.packet.clone().expect("a packet that is changed is on its way");
            let (packet, by) = (PacketId(flight.id), by());
            trace::Event::Fate { packet, fate: Fate::Rewritten { content }, by }
        });
    }

    /// The packet sets out: links that are down, boxes, impairments.
    pub(crate) fn pass(&mut self, plan: &Plan, place: u32, luck: &Luck, treatment: &Treatment) {
        let flight = self.flights.get(place);
        let Via::Path(via) = flight.via else {
            return self.deliver_all(plan, place, self.now, treatment, || Decider::Link);
        };
        // Both ends have to be plugged in: an incident names a host, not a link.
        let ends = [flight.from, flight.to];
        if ends.iter().any(|host| self.hosts[*host as usize].cable == Cable::Down) {
            return self.lose(place, || Decider::Down);
        }
        let path = &plan.paths[via as usize];
        let octets = self.flights.get(place).packet.as_ref().map_or(0, bits::length);
        if octets > path.impairments.mtu as usize {
            return self.too_big(plan, via, place);
        }
        if let Some(middlebox) = path.middlebox
            && self.through_middlebox(plan, middlebox, place) == Passes::No
        {
            return;
        }
        match path.kind {
            PathKind::Plain => {
                let at = Instant::from_nanos(self.now.as_nanos().saturating_add(path.delay));
                self.deliver_all(plan, place, at, treatment, || Decider::Link);
            }
            PathKind::Impaired => {
                let copy = self.copy(plan, via, place, luck);
                self.impaired(plan, (via, place), octets, luck, treatment);
                if let Some((copy, luck)) = copy {
                    self.impaired(plan, (via, copy), octets, &luck, &Treatment::NONE);
                }
            }
        }
    }

    /// The copy that a path makes of a packet, with luck of its own.
    fn copy(&mut self, plan: &Plan, via: u32, place: u32, luck: &Luck) -> Option<(u32, Luck)> {
        if luck.duplicate == Befalls::No {
            return None;
        }
        let copy = self.duplicate(place, || Decider::Impairment("duplicate"));
        let path = &plan.paths[via as usize];
        let luck = self.paths[via as usize].luck(path, via, self.seed, Whose::Copy);
        Some((copy, luck))
    }

    /// A packet becomes two.
    pub(crate) fn duplicate(&mut self, place: u32, by: impl FnOnce() -> Decider) -> u32 {
        let id = self.number();
        self.fate(place, || Fate::Duplicated { copy: PacketId(id) }, by);
        let copy = Flight { id, nth: 0, ..self.flights.get(place).clone() };
        self.flights.insert(copy)
    }

    /// A packet on a path with impairments.
    fn impaired(
        &mut self,
        plan: &Plan,
        (via, place): (u32, u32),
        octets: usize,
        luck: &Luck,
        treatment: &Treatment,
    ) {
        if luck.loss == Befalls::Yes {
            return self.lose(place, || Decider::Impairment("loss"));
        }
        if luck.mark == Befalls::Yes && self.mark(place, "mark") == Marked::No {
            return self.lose(place, || Decider::Impairment("mark"));
        }
        let path = &plan.paths[via as usize];
        let Some(passage) = self.paths[via as usize].pass(path, self.now, octets, luck) else {
            return self.lose(place, || Decider::Impairment("limit"));
        };
        if passage.congested == Befalls::Yes {
            self.mark(place, "mark-above");
        }
        if luck.corrupt.is_some() {
            self.fate(place, || Fate::Corrupted, || Decider::Impairment("corrupt"));
            self.flights.get_mut(place).flipped = luck.corrupt;
        }
        let by = || passage.overtakes.map_or(Decider::Link, Decider::Impairment);
        self.deliver_all(plan, place, passage.at, treatment, by);
    }

    /// Congestion marks a packet if its sender knows ECN (RFC 3168 §5).
    fn mark(&mut self, place: u32, by: &'static str) -> Marked {
        let Some(packet) = &mut self.flights.get_mut(place).packet else { return Marked::No };
        match packet.ecn {
            Ecn::NotEct => return Marked::No,
            Ecn::Ce => return Marked::Yes,
            Ecn::Ect0 | Ecn::Ect1 => packet.ecn = Ecn::Ce,
        }
        self.rewritten(place, || Decider::Impairment(by));
        Marked::Yes
    }

    /// Delivers a packet, and the copies that a rule asks for.
    fn deliver_all(
        &mut self,
        plan: &Plan,
        place: u32,
        at: Instant,
        treatment: &Treatment,
        by: impl FnOnce() -> Decider,
    ) {
        let at = (at + treatment.delay).max(treatment.until);
        let rule = || rule_text(plan, treatment.rule);
        // The copies are made first: the original may die on the way.
        let copies: Vec<_> = (0..treatment.copies).map(|_| self.duplicate(place, rule)).collect();
        if treatment.flip.is_some() {
            self.flights.get_mut(place).flipped = treatment.flip;
        }
        self.deliver(plan, place, at, by);
        let mut due = at;
        for copy in copies {
            due += treatment.spacing;
            self.deliver(plan, copy, due, rule);
        }
    }

    /// Delivers a packet, unless it would die of age on the way.
    fn deliver(&mut self, plan: &Plan, place: u32, at: Instant, by: impl FnOnce() -> Decider) {
        let flight = self.flights.get(place);
        let lane = match flight.via {
            Via::Path(path) => path as usize,
            Via::Loopback => plan.paths.len(),
        };
        let lifetime = plan.paths.get(lane).and_then(|path| path.impairments.lifetime);
        if lifetime.is_some_and(|lifetime| at.since(flight.sent) > lifetime) {
            return self.lose(place, || Decider::Impairment("lifetime"));
        }
        match plan.chosen(flight.from, flight.nth) {
            Some(choice) if via_network(flight) => self.befall(plan, (place, lane), at, choice),
            _ => self.launch(place, lane, at, by),
        }
    }

    /// What the schedule has in store for a packet befalls it, on top of all else: see
    /// [`WorldSpec::schedule`](crate::WorldSpec::schedule).
    #[cold]
    fn befall(
        &mut self,
        plan: &Plan,
        (place, lane): (u32, usize),
        at: Instant,
        (number, choice): (u32, &Choice),
    ) {
        let by = || Decider::Rule { number, text: choice.text.clone() };
        self.flights.get_mut(place).nth = 0;
        match choice.verdict {
            FaultVerdict::Drop => self.lose(place, by),
            FaultVerdict::Corrupt => {
                self.fate(place, || Fate::Corrupted, by);
                self.flights.get_mut(place).flipped = Some(self.bit_of(choice));
                self.launch(place, lane, at, || Decider::Link);
            }
            FaultVerdict::Delay(delay) => self.come_late(plan, (place, lane), at + delay, by),
            FaultVerdict::DelayUntil(until) => {
                self.come_late(plan, (place, lane), at.max(until), by);
            }
            FaultVerdict::Duplicate { copies, delay } => {
                let copies: Vec<_> = (0..copies).map(|_| self.duplicate(place, by)).collect();
                self.launch(place, lane, at, || Decider::Link);
                let mut due = at;
                for copy in copies {
                    due += delay;
                    self.deliver(plan, copy, due, by);
                }
            }
            // No schedule has others: see `check`.
            _ => self.launch(place, lane, at, || Decider::Link),
        }
    }

    /// A packet comes later than it would have.
    fn come_late(
        &mut self,
        plan: &Plan,
        (place, _): (u32, usize),
        at: Instant,
        by: impl Fn() -> Decider,
    ) {
        self.fate(place, || Fate::Delayed, &by);
        self.deliver(plan, place, at, by);
    }

    /// Puts a packet into the queue.
    fn launch(&mut self, place: u32, lane: usize, at: Instant, by: impl FnOnce() -> Decider) {
        if self.outside.is_some() {
            return self.hand_over(at, place);
        }
        self.fate(place, || Fate::Delivered { at }, by);
        self.queue.push_arrival(at, lane, place);
    }

    /// A packet reaches its host.
    pub(crate) fn arrive(&mut self, plan: &Plan, place: u32) {
        let &Flight { id, to, mark, via, flipped, .. } = self.flights.get(place);
        let host = &mut self.hosts[to as usize];
        let unplugged = host.cable == Cable::Down && via != Via::Loopback;
        if host.power != Power::On || unplugged {
            return self.lose(place, || Decider::Down);
        }
        if host.pace == Pace::Paused {
            return self.put_off(to, What::Arrival(place));
        }
        if let Some(draw) = flipped
            && self.caught(place, draw)
        {
            self.flights.free(place);
            return self.arrived(id, to, None, Verdict::BadChecksum);
        }
        let Some(packet) = &mut self.flights.get_mut(place).packet else { return };
        log_packet(plan, self.now, to, "receive", packet);
        // The stack empties the packet, so what the invariants need is remembered.
        let facts = Facts::of(packet);
        let kind = PacketKind::of(packet);
        let arrival = self.hosts[to as usize].stack.on_packet_in_place(self.now, packet);
        self.flights.free(place);
        if self.recording != Recording::Off {
            self.meet(to, arrival.socket, Met::Arrived(kind));
        }
        if let Some(socket) = arrival.socket {
            let life = self.life_of(to, socket);
            if let Err(wrong) = self.lives.note_arrival(life, mark, facts, &arrival) {
                self.violation(4, Some((to, socket)), wrong);
            }
        }
        self.arrived(id, to, arrival.socket, arrival.verdict);
        self.drain(plan, to);
        // Only on demand: it costs a look at all variables of the connection.
        if self.checks == Checks::Full
            && let Some(socket) = arrival.socket
        {
            self.check_variables(to, socket);
        }
    }

    /// Whether a checksum catches the bit that flipped on the way. The flip is real: only what
    /// no checksum covers lets the packet through, changed.
    #[cold]
    fn caught(&mut self, place: u32, draw: u64) -> bool {
        let flight = self.flights.get_mut(place);
        let changed = flight.packet.as_ref().and_then(|packet| bits::flip_one(packet, draw));
        flight.packet = changed;
        flight.packet.is_none()
    }

    /// Writes down what a host made of a packet.
    fn arrived(&mut self, id: u64, to: u32, socket: Option<SocketId>, verdict: Verdict) {
        record!(
            self,
            trace::Event::Arrived {
                packet: PacketId(id),
                host: HostId(to as u16),
                socket: self.socket_ref_of(to, socket),
                verdict,
            }
        );
    }

    /// Whether a host stands still, so that what reaches it has to wait.
    pub(crate) fn is_paused(&self, host: u32) -> bool {
        self.hosts[host as usize].pace == Pace::Paused
    }
}

/// Whether a packet leaves its host.
fn via_network(flight: &Flight) -> bool {
    flight.via != Via::Loopback
}

/// How the trace names a rule.
pub(crate) fn rule_text(plan: &Plan, rule: u32) -> Decider {
    let text = plan.spec.faults[rule as usize].text.clone();
    Decider::Rule { number: rule + 1, text }
}

/// For whoever follows a run as it goes. Costs a comparison when nobody does.
#[inline]
fn log_packet(plan: &Plan, now: Instant, host: u32, what: &'static str, packet: &Packet) {
    if LevelFilter::current() >= LevelFilter::DEBUG {
        log_packet_in_full(plan, now, host, what, packet);
    }
}

/// The same, once somebody follows.
#[cold]
fn log_packet_in_full(plan: &Plan, now: Instant, host: u32, what: &'static str, packet: &Packet) {
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
