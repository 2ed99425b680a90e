//! The part of a world that changes while it runs.

use std::hash::{Hash as _, Hasher};
use std::net::IpAddr;

use tracing::level_filters::LevelFilter;
use twomsl_tcp::{
    Event, Instant, ObserveTimers, Readiness, SocketError, SocketId, Stack, StateChange, TcpState,
    TimerChange,
};
use twomsl_trace::{self as trace, HostId, SocketRef, Trace};

use crate::coverage::{Coverage, Met};
use crate::flight::Flights;
use crate::invariants;
use crate::life::{LifeId, Lives};
use crate::link::Path;
use crate::middlebox::Middlebox;
use crate::network::Held;
use crate::outside::Outside;
use crate::plan::{PathKind, Plan, Route};
use crate::queue::{Queue, What};
use crate::random::{Purpose, derive, mix};
use crate::tasks::{TaskId, Tasks};
use crate::{Checks, Recording, Totals, Violation};

/// Writes an event down, if anything is written down. A macro, because the event is made only
/// then: what a closure needs for it would be gathered in every run.
macro_rules! record {
    ($live:expr, $event:expr) => {
        if $live.recording == $crate::Recording::Trace {
            let event = $event;
            $live.write_down(event);
        }
    };
}
pub(crate) use record;

/// Everything that changes. The plan is handed to the methods: sharing it costs nothing.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) now: Instant,
    pub(crate) seed: u64,
    pub(crate) recording: Recording,
    pub(crate) checks: Checks,
    pub(crate) queue: Queue,
    pub(crate) flights: Flights,
    pub(crate) hosts: Vec<Host>,
    /// The changing part of each path; empty when all paths are plain.
    pub(crate) paths: Vec<Path>,
    pub(crate) middleboxes: Vec<Middlebox>,
    pub(crate) lives: Lives,
    pub(crate) tasks: Tasks,
    /// How many packets each fault rule has matched.
    pub(crate) matched: Vec<u32>,
    /// Packets that a rule holds back.
    pub(crate) held: Vec<Held>,
    /// How far each condition is.
    pub(crate) conditions: Vec<Progress>,
    pub(crate) next_packet: u64,
    /// Events so far.
    pub(crate) happened: u64,
    /// Events and operations since time last moved.
    pub(crate) busy: u32,
    pub(crate) trace: Trace,
    pub(crate) coverage: Coverage,
    pub(crate) violations: Vec<Violation>,
    /// For hosts that somebody else drives: see [`Network`](crate::Network).
    pub(crate) outside: Option<Box<Outside>>,
}

/// How far a condition is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Progress {
    /// Packets counted, for conditions about packets.
    pub(crate) count: u32,
    /// Whether it came true: once and for all.
    pub(crate) reached: Reached,
}

/// Whether a condition came true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Reached {
    #[default]
    NotYet,
    Yes,
}

/// A host.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) stack: Stack,
    /// How often it has crashed.
    pub(crate) boot: u32,
    pub(crate) power: Power,
    pub(crate) pace: Pace,
    pub(crate) cable: Cable,
    /// When the queue will look at its timers next; never is [`Instant::MAX`].
    pub(crate) armed: Instant,
    /// By the index of a socket.
    pub(crate) slots: Vec<Slot>,
    pub(crate) totals: Totals,
    /// How many tasks it has had.
    pub(crate) tasks: u32,
    /// How many packets it has sent.
    pub(crate) sent: u32,
    /// How often a connection entered each state.
    pub(crate) entered: [u32; TcpState::ALL.len()],
    /// What waits until a paused host goes on.
    pub(crate) inbox: Vec<What>,
    /// The last address it sent to, and the way there.
    route: Option<(IpAddr, Route)>,
}

/// Whether a host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Power {
    /// It runs.
    On,
    /// It crashed.
    Off,
    /// It is back, but keeps quiet (RFC 9293 §3.4.3).
    Quiet,
}

/// Whether a host stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pace {
    Going,
    Paused,
}

/// Whether a host's link is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cable {
    Up,
    Down,
}

/// What the world knows of a socket, by its index in its stack.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Slot {
    /// Which socket of this index: a new one has another number.
    number: u64,
    /// Its life.
    pub(crate) life: LifeId,
    /// The first of the tasks that wait for it.
    pub(crate) waiter: TaskId,
    /// Why it failed.
    pub(crate) failed: Option<SocketError>,
    /// Whether its `SO_LINGER` makes `close` wait.
    pub(crate) linger: Linger,
    /// How many calls wait for it: each keeps it open.
    pub(crate) calls: u32,
    /// Whether it is closed when they have returned.
    pub(crate) closing: Closing,
}

/// Whether an application has closed a socket that calls still wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Closing {
    /// It has not, or nothing waits.
    No,
    /// It has: the socket is closed with the last of them.
    WithLastCall,
}

/// Whether a `close` waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Linger {
    /// It does not.
    Off,
    /// It does.
    On,
    /// It did, and is over.
    Over,
}

impl Slot {
    const EMPTY: Self = Self {
        number: u64::MAX,
        life: LifeId::NONE,
        waiter: TaskId::NONE,
        failed: None,
        linger: Linger::Off,
        calls: 0,
        closing: Closing::No,
    };
}

impl Host {
    /// A host that [`start`](Self::start) makes ready.
    pub(crate) fn new(plan: &Plan, place: usize, recording: Recording) -> Self {
        let mut stack = Stack::new(plan.spec.hosts[place].profile.clone(), [0; 16]);
        for address in &plan.hosts[place].addresses {
            stack.add_address(*address);
        }
        stack.observe(match recording {
            Recording::Trace => ObserveTimers::On,
            Recording::Coverage => ObserveTimers::Fired,
            Recording::Off => ObserveTimers::Off,
        });
        Self {
            stack,
            boot: 0,
            power: Power::On,
            pace: Pace::Going,
            cable: Cable::Up,
            armed: Instant::MAX,
            slots: Vec::new(),
            totals: Totals::default(),
            tasks: 0,
            sent: 0,
            entered: [0; TcpState::ALL.len()],
            inbox: Vec::new(),
            route: None,
        }
    }

    /// Puts the host at the start of time.
    pub(crate) fn start(&mut self, place: usize, seed: u64) {
        let Self {
            stack,
            boot,
            power,
            pace,
            cable,
            armed,
            slots,
            totals,
            tasks,
            sent,
            entered,
            inbox,
            route: _, // it does not depend on the seed
        } = self;
        stack.restart(secret(place, seed, 0));
        *boot = 0;
        (*power, *pace, *cable) = (Power::On, Pace::Going, Cable::Up);
        *armed = Instant::MAX;
        slots.clear();
        *totals = Totals::default();
        (*tasks, *sent) = (0, 0);
        *entered = [0; TcpState::ALL.len()];
        inbox.clear();
    }

    /// Its ways have changed.
    pub(crate) fn forget_route(&mut self) {
        self.route = None;
    }

    /// Somebody else looks at its timers: the queue is never to do so.
    pub(crate) fn drive_from_outside(&mut self) {
        self.armed = Instant::ZERO;
    }

    /// The way to an address, from memory if it is that of the last packet.
    #[inline]
    pub(crate) fn route(&mut self, plan: &Plan, from: u32, dst: &IpAddr) -> Option<Route> {
        match &self.route {
            Some((known, route)) if known == dst => Some(*route),
            _ => self.find_route(plan, from, dst),
        }
    }

    /// The way to an address, which is remembered.
    #[inline(never)]
    fn find_route(&mut self, plan: &Plan, from: u32, dst: &IpAddr) -> Option<Route> {
        let route = plan.route(from, *dst)?;
        self.route = Some((*dst, route));
        Some(route)
    }

    /// Feeds everything that can influence the future into `hasher`.
    pub(crate) fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.stack.fingerprint(hasher);
        (self.boot, self.power, self.pace, self.cable).hash(hasher);
        (&self.slots, self.totals, &self.entered, &self.inbox).hash(hasher);
    }

    /// Loses everything that a crash takes: the sockets, and what waited for them.
    pub(crate) fn crash(&mut self, place: usize, seed: u64) {
        self.power = Power::Off;
        self.boot += 1;
        self.stack.restart(secret(place, seed, self.boot));
        self.slots.clear();
        self.inbox.clear();
        self.armed = Instant::MAX;
        self.pace = Pace::Going;
    }
}

/// The secret of a host's stack: its own, and another one after each crash.
fn secret(place: usize, seed: u64, boot: u32) -> [u8; 16] {
    let prefix = derive(seed, Purpose::Secret, &[place as u64, u64::from(boot)]);
    let word = |n| mix(prefix, n);
    (u128::from(word(0)) << 64 | u128::from(word(1))).to_be_bytes()
}

impl Live {
    /// A world at the start of time.
    pub(crate) fn new(plan: &Plan, seed: u64, recording: Recording) -> Self {
        let hosts = 0..plan.spec.hosts.len();
        let impaired = plan.paths.iter().any(|path| path.kind == PathKind::Impaired);
        let mut live = Self {
            now: Instant::ZERO,
            seed,
            recording,
            checks: Checks::Cheap,
            // The last lane is that of packets that never leave their host.
            queue: Queue::new(plan.paths.len() + 1),
            flights: Flights::new(),
            hosts: hosts.map(|place| Host::new(plan, place, recording)).collect(),
            paths: if impaired { vec![Path::default(); plan.paths.len()] } else { Vec::new() },
            middleboxes: vec![Middlebox::default(); plan.spec.middleboxes.len()],
            lives: Lives::new(),
            tasks: Tasks::new(plan.spec.roles.len()),
            matched: vec![0; plan.spec.faults.len()],
            held: Vec::new(),
            conditions: vec![Progress::default(); plan.conditions.len()],
            next_packet: 0,
            happened: 0,
            busy: 0,
            trace: Trace::default(),
            coverage: Coverage::default(),
            violations: Vec::new(),
            outside: None,
        };
        live.start(plan, seed);
        live
    }

    /// Puts everything at the start of time, in the memory that is there.
    pub(crate) fn start(&mut self, plan: &Plan, seed: u64) {
        self.clear();
        self.seed = seed;
        for (place, host) in self.hosts.iter_mut().enumerate() {
            host.start(place, seed);
        }
        for (at, what) in &plan.timed {
            self.queue.push(*at, *what);
        }
        for (place, role) in plan.spec.roles.iter().enumerate() {
            self.queue.push(Instant::ZERO + role.start, What::Role(place as u32, 0));
        }
    }

    /// Forgets everything but the hosts.
    fn clear(&mut self) {
        // Field by field, so that a new one is not forgotten here.
        let Self {
            now,
            seed: _,
            recording: _,
            checks: _,
            queue,
            flights,
            hosts: _,
            paths,
            middleboxes,
            lives,
            tasks,
            matched,
            held,
            conditions,
            next_packet,
            happened,
            busy,
            trace,
            coverage,
            violations,
            outside: _,
        } = self;
        *now = Instant::ZERO;
        queue.clear();
        flights.clear();
        paths.iter_mut().for_each(Path::clear);
        middleboxes.iter_mut().for_each(Middlebox::clear);
        lives.clear();
        tasks.clear();
        matched.fill(0);
        held.clear();
        conditions.fill(Progress::default());
        (*next_packet, *happened, *busy) = (0, 0, 0);
        trace.records.clear();
        *coverage = Coverage::default();
        violations.clear();
    }

    /// Writes an event down: see [`record`].
    #[cold]
    pub(crate) fn write_down(&mut self, event: trace::Event) {
        self.trace.records.push(trace::Record { at: self.now, event });
    }

    /// How the trace names a socket.
    pub(crate) fn socket_ref(&self, host: u32, id: SocketId) -> SocketRef {
        SocketRef { host: HostId(host as u16), boot: self.hosts[host as usize].boot, id }
    }

    /// The same for what may have no socket.
    pub(crate) fn socket_ref_of(&self, host: u32, id: Option<SocketId>) -> Option<SocketRef> {
        id.map(|id| self.socket_ref(host, id))
    }

    /// The slot of a socket. A socket seen for the first time begins its life here; one whose
    /// index already has a newer socket has none.
    #[inline]
    pub(crate) fn slot(&mut self, host: u32, id: SocketId) -> Option<&mut Slot> {
        let slots = &self.hosts[host as usize].slots;
        match slots.get(index(id)) {
            Some(slot) if slot.number == id.number() => {
                Some(&mut self.hosts[host as usize].slots[index(id)])
            }
            _ => self.new_slot(host, id),
        }
    }

    /// The slot of a socket that was not seen before.
    #[inline(never)]
    fn new_slot(&mut self, host: u32, id: SocketId) -> Option<&mut Slot> {
        let owner = &mut self.hosts[host as usize];
        let index = index(id);
        if owner.slots.len() <= index {
            owner.slots.resize(index + 1, Slot::EMPTY);
        }
        let slot = &mut owner.slots[index];
        if slot.number != Slot::EMPTY.number && slot.number > id.number() {
            return None;
        }
        let life = self.lives.begin(host, owner.boot, id);
        *slot = Slot { number: id.number(), life, ..Slot::EMPTY };
        Some(slot)
    }

    /// The life of a socket.
    pub(crate) fn life_of(&mut self, host: u32, id: SocketId) -> LifeId {
        self.slot(host, id).map_or(LifeId::NONE, |slot| slot.life)
    }

    /// Takes all effects of a host's stack. To be called after every interaction with it.
    #[inline]
    pub(crate) fn drain(&mut self, plan: &Plan, host: u32) {
        let owner = &self.hosts[host as usize];
        if owner.stack.has_effects() {
            self.drain_all(plan, host);
        } else if owner.stack.next_timeout().is_some_and(|deadline| deadline < owner.armed) {
            self.arm(host);
        }
    }

    /// The same once there are some.
    #[inline(never)]
    fn drain_all(&mut self, plan: &Plan, host: u32) {
        loop {
            let stack = &mut self.hosts[host as usize].stack;
            if let Some(event) = stack.poll_event() {
                self.event(plan, host, event);
                continue;
            }
            if !stack.has_effects() {
                return self.arm(host);
            }
            // A packet moves once: from its stack to the place where it stays until it arrives.
            let place = self.flights.reserve();
            let packet = &mut self.flights.get_mut(place).packet;
            if let Some((socket, reason)) = stack.poll_packet(packet) {
                self.transmit(plan, host, place, socket, reason);
            }
        }
    }

    /// Something happened to a socket.
    fn event(&mut self, plan: &Plan, host: u32, event: Event) {
        match event {
            Event::Ready { socket, readiness } => self.ready(host, socket, readiness),
            Event::State(change) => self.changed(plan, host, change),
            Event::Timer { socket, timer, change } => {
                if change == TimerChange::Fired {
                    self.meet(host, Some(socket), Met::Fired(timer));
                }
                record!(
                    self,
                    trace::Event::Timer { socket: self.socket_ref(host, socket), timer, change }
                );
            }
            // Roles do not ask for reports, and there is one way only between two hosts.
            Event::Report { .. } | Event::NegativeAdvice { .. } => {}
        }
    }

    /// Makes sure that the queue looks at a host's timers when the next one is due. An entry
    /// that comes too early is put in again then: cheaper than to take entries out.
    #[inline]
    pub(crate) fn arm(&mut self, host: u32) {
        let owner = &mut self.hosts[host as usize];
        let Some(deadline) = owner.stack.next_timeout() else { return };
        // A host that stood still may have missed its deadline.
        let at = deadline.max(self.now);
        if at < owner.armed {
            owner.armed = at;
            self.queue.push_timer(at, host);
        }
    }

    /// The queue looks at a host's timers.
    pub(crate) fn timer(&mut self, plan: &Plan, host: u32) {
        let now = self.now;
        let owner = &mut self.hosts[host as usize];
        owner.armed = Instant::MAX;
        owner.stack.on_timeout(now);
        self.drain(plan, host);
    }

    /// Whether a host's timers really are due at `at`; if not, its entry is made anew.
    pub(crate) fn timer_is_due(&mut self, host: u32, at: Instant) -> Due {
        let owner = &mut self.hosts[host as usize];
        if owner.armed != at {
            return Due::No; // an entry that a crash or an earlier deadline has overtaken
        }
        match owner.stack.next_timeout() {
            Some(deadline) if deadline <= at => Due::Yes,
            _ => {
                owner.armed = Instant::MAX;
                self.arm(host);
                Due::No
            }
        }
    }

    /// A connection changed its state: noted, checked (invariant 2), and told to who waits for it.
    fn changed(&mut self, plan: &Plan, host: u32, change: StateChange) {
        if LevelFilter::current() >= LevelFilter::DEBUG {
            self.log_change(plan, host, change);
        }
        record!(self, trace::Event::State { socket: self.socket_ref(host, change.socket), change });
        self.hosts[host as usize].entered[change.to as usize] += 1;
        let life = self.life_of(host, change.socket);
        if let Some(life) = self.lives.get_mut(life) {
            let before = std::mem::replace(&mut life.state, change.to);
            if let Err(wrong) = invariants::arrow(before, change) {
                self.violation(2, Some((host, change.socket)), wrong);
            }
        }
        if plan.watched.states {
            self.check_states(plan, host);
        }
    }

    /// For whoever follows a run as it goes. Apart, so that others pay for a comparison only.
    #[cold]
    fn log_change(&self, plan: &Plan, host: u32, change: StateChange) {
        tracing::debug!(
            target: "twomsl",
            at = %self.now,
            host = %plan.spec.hosts[host as usize].name,
            from = change.from.name(),
            to = change.to.name(),
            "state"
        );
    }

    /// An application can go on: everybody who waits for the socket looks again. What lets them
    /// go on is asked of the stack, not of the event, so that a wake too many does no harm.
    pub(crate) fn ready(&mut self, host: u32, socket: SocketId, readiness: Readiness) {
        let Some(slot) = self.slot(host, socket) else { return };
        match readiness {
            Readiness::Failed(error) => {
                slot.failed = Some(error);
                slot.linger = Linger::Over;
            }
            Readiness::LingerOver | Readiness::Closed => slot.linger = Linger::Over,
            _ => {}
        }
        let first = std::mem::replace(&mut slot.waiter, TaskId::NONE);
        self.tasks.wake_list(first);
        if let Some(outside) = &mut self.outside {
            outside.ready(host, socket, readiness);
        }
    }
}

/// The index of a socket in its stack.
const fn index(id: SocketId) -> usize {
    (id.number() & u32::MAX as u64) as usize
}

/// Whether a timer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Yes,
    No,
}
