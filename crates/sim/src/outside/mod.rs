//! Hosts that are driven by somebody else: applications, clocks and the last part of each way are
//! outside; stacks, rules, impairments, invariants and the trace are the same as in a world.

mod boxes;
mod calls;
mod parcels;
mod roles;
mod script;
mod setup;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use twomsl_tcp::{Instant, Readiness, SocketId};

pub use boxes::MiddleboxId;

use crate::live::{Host, Live};
use crate::plan::Plan;
use crate::queue::Queue;
use crate::spec::{HostIndex, WorldSpec};
use crate::world::about;
use crate::{Recording, SpecError};

/// The hosts and the network of a world without its applications and its clock, for drivers that
/// have their own: a simulator whose hosts run real programs.
///
/// The driver says what time it is at every call; time never goes back, so what is later for one
/// host is later for all. It works in turns:
///
/// - calls of applications go through [`send`](Self::send), [`receive`](Self::receive),
///   [`shutdown`](Self::shutdown), [`close`](Self::close), [`abort`](Self::abort) and, for
///   everything else, [`call`](Self::call);
/// - [`next_due`](Self::next_due) says when a host needs a turn without being called, and
///   [`turn`](Self::turn) gives it one: its timers run, and packets come out that set out now;
/// - the driver carries each of these [`Parcel`]s to its host, or loses it, and says with
///   [`arrive`](Self::arrive) that it is there;
/// - after each of these [`take_ready`](Self::take_ready) says who can go on.
#[derive(Debug)]
pub struct Network {
    plan: Plan,
    live: Live,
    /// Rules that were removed: the place of a rule is its name.
    removed: BTreeSet<FaultId>,
}

/// A fault rule of a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(u32);

/// What the time that a driver needs for a parcel means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// It is added to what links and rules take: the driver has latencies of its own.
    #[default]
    TakesTime,
    /// It counts as nothing: a parcel is handed over so long before it arrives, and waits there
    /// until then. If links and rules take no less time than that, and the driver no more, times
    /// are those of a world. Packets arrive one per turn, so that tasks can run in between.
    KeepsTime(Duration),
}

/// Whether the link of a host is plugged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plug {
    /// It is.
    In,
    /// It is not.
    Out,
}

/// A packet that sets out to its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parcel {
    /// What [`Network::arrive`] wants to hear when it is there.
    pub number: u64,
    /// Its host.
    pub to: HostIndex,
}

/// An application that can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ready {
    /// On which host.
    pub host: HostIndex,
    /// With which socket.
    pub socket: SocketId,
    /// Why.
    pub readiness: Readiness,
}

/// What [`Live`] keeps for a driver outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outside {
    /// Who can go on.
    ready: Vec<Ready>,
    hosts: Vec<Waiting>,
    carrier: Carrier,
    /// By its place in the slab: when a packet arrives, and who has it until then. For a carrier
    /// that keeps time.
    appointments: Vec<Appointment>,
    /// Parcels in the order in which they were handed over, for those that never arrive.
    carried: VecDeque<(u32, u64)>,
}

/// The arrival of a packet.
#[derive(Clone, Copy, Debug)]
struct Appointment {
    at: Instant,
    holder: Holder,
}

/// Who has a packet until it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// The host that sends it, or the carrier.
    Carrier,
    /// The host that gets it.
    Receiver,
}

/// What waits at a host for its turn.
#[derive(Clone, Debug)]
struct Waiting {
    /// Packets that set out from here.
    leaving: Queue,
    /// Packets that nobody has to carry: of the host to itself, those that no host sent, and those
    /// that are there early.
    coming: Queue,
    /// Its time, with a carrier that keeps time.
    clock: Clock,
}

/// The time of one host. A driver that looks at a host now and then gives it its turn a little
/// late: what was due happens at the time at which it was due, and so does what applications do
/// about it.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    /// The latest moment so far.
    last: Instant,
    /// What the driver's clock showed when something happened lately, and when that was due.
    moment: Option<(Instant, Instant)>,
}

impl Clock {
    /// When something happens that the driver says happens now.
    fn read(&mut self, now: Instant) -> Instant {
        let due = self.moment.filter(|(shown, _)| *shown == now).map_or(now, |(_, due)| due);
        self.last = self.last.max(due);
        self.last
    }

    /// Something was due at `due` that the driver lets happen now.
    fn set(&mut self, now: Instant, due: Instant) {
        self.moment = Some((now, due));
    }
}

impl Default for Waiting {
    fn default() -> Self {
        let lanes = parcels::LANE + 1;
        Self { leaving: Queue::new(lanes), coming: Queue::new(lanes), clock: Clock::default() }
    }
}

impl Outside {
    /// Somebody can go on.
    pub(crate) fn ready(&mut self, host: u32, socket: SocketId, readiness: Readiness) {
        self.ready.push(Ready { host: host as usize, socket, readiness });
    }
}

impl Network {
    /// A network without hosts.
    ///
    /// # Panics
    /// Never: an empty specification is sound.
    pub fn new(seed: u64, recording: Recording) -> Self {
        let spec = WorldSpec { seed, ..WorldSpec::default() };
        let mut plan = Plan::new(spec).expect("an empty specification is sound");
        plan.connect_all();
        Self::of(plan, seed, recording)
    }

    /// The network of a specification, with its hosts, links and rules; its roles stay outside.
    ///
    /// # Errors
    /// Those of [`Plan::new`].
    pub fn from_spec(
        spec: impl Into<Arc<WorldSpec>>,
        recording: Recording,
    ) -> Result<Self, SpecError> {
        let plan = Plan::new(spec)?;
        let seed = plan.spec.seed;
        Ok(Self::of(plan, seed, recording))
    }

    fn of(plan: Plan, seed: u64, recording: Recording) -> Self {
        let mut live = Live::new(&plan, seed, recording);
        let hosts = vec![Waiting::default(); plan.spec.hosts.len()];
        live.outside = Some(Box::new(Outside { hosts, ..Outside::default() }));
        // What is due at a time stays in the queue; roles do not start here.
        live.queue.clear();
        for (at, what) in &plan.timed {
            live.queue.push(*at, *what);
        }
        live.hosts.iter_mut().for_each(Host::drive_from_outside);
        let mut network = Self { plan, live, removed: BTreeSet::new() };
        network.write_heading();
        network
    }

    /// The time is `now`, unless somebody was later already.
    pub(super) fn advance(&mut self, now: Instant) -> Instant {
        // With a carrier that keeps time every host has a clock of its own.
        let keeps_time = self.lead().is_some();
        self.live.now = if keeps_time { now } else { self.live.now.max(now) };
        self.live.now
    }

    /// The time at a host, where it is `now`.
    pub(super) fn advance_at(&mut self, host: HostIndex, now: Instant) -> Instant {
        if self.lead().is_none() {
            return self.advance(now);
        }
        self.live.now = self.outside().hosts[host].clock.read(now);
        self.live.now
    }

    fn outside(&mut self) -> &mut Outside {
        self.live.outside.as_deref_mut().expect("the hosts of a network are outside")
    }

    fn write_heading(&mut self) {
        if self.live.recording == Recording::Trace {
            self.live.trace.about = about(&self.plan, self.live.seed);
        }
    }
}
