//! Choices: what befalls packets and hosts, decided from outside while a world runs.
//!
//! Whoever searches through schedules clones a world in front of a choice and lets each of its
//! children go another way. Choices about a packet are made when it is about to arrive: until
//! then nobody has seen anything of it, so that losing it there is losing it anywhere on its way.
//! Each has its counterpart in a specification: a packet in its
//! [schedule](crate::WorldSpec::schedule), a crash in its incidents.

use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use twomsl_tcp::Instant;
use twomsl_trace::{About, Decider, Fate};

use crate::flight::Via;
use crate::live::{Cable, Live, Power};
use crate::queue::What;
use crate::random::{Purpose, derive};
use crate::spec::{Choice, HostIndex};
use crate::{Plan, Recording, World};

/// A packet that is about to arrive, and about which a choice can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arriving {
    /// The host that sent it.
    pub from: HostIndex,
    /// Which of all packets of that host it is, from 1, as in [`Choice::packet`].
    pub nth: u32,
    /// The host it is about to reach.
    pub to: HostIndex,
    /// When it arrives.
    pub at: Instant,
    /// When it was sent.
    pub sent: Instant,
    /// How long a packet lives on this link, if the link says so.
    pub lifetime: Option<Duration>,
    /// Whether the host is there to get it. If it is off, or its link is down, it may be back when a
    /// packet that is late arrives.
    pub host: Reachable,
}

/// Whether a host is there to get packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachable {
    /// It is.
    Yes,
    /// It is off, or its link is down.
    No,
}

/// A packet taken out of the network, to be [released](World::release) later. Good for the world
/// that gave it, and for clones made of that afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InHand(u32);

impl World {
    /// A world to be cloned a lot: as [`from_plan`](Self::from_plan), without the heading of its
    /// trace.
    pub fn for_search(plan: Arc<Plan>, seed: u64, recording: Recording) -> Self {
        let mut world = Self::from_plan(plan, seed, recording);
        world.live.trace.about = About::default();
        world
    }

    /// The packet whose arrival is the next thing to happen, if a choice can be made about it: a
    /// host has sent it over a link, its host is there to get it or may come back, and nothing was
    /// chosen before.
    pub fn arriving(&mut self) -> Option<Arriving> {
        let (at, What::Arrival(place)) = self.live.look_ahead()? else { return None };
        let flight = self.live.flights.get(place);
        let Via::Path(path) = flight.via else { return None };
        let host = &self.live.hosts[flight.to as usize];
        let there = host.power == Power::On && host.cable == Cable::Up;
        // Without incidents nobody who is gone comes back.
        if flight.nth == 0 || (!there && self.plan.spec.incidents.is_empty()) {
            return None;
        }
        Some(Arriving {
            from: flight.from as usize,
            nth: flight.nth,
            to: flight.to as usize,
            at,
            sent: flight.sent,
            lifetime: self.plan.paths[path as usize].impairments.lifetime,
            host: if there { Reachable::Yes } else { Reachable::No },
        })
    }

    /// The packet that is [about to arrive](Self::arriving) is lost.
    pub fn lose_next(&mut self) {
        if let Some(place) = self.live.take_arrival() {
            self.live.lose(place, || Decider::Carrier);
        }
    }

    /// A bit of the packet that is about to arrive flips.
    pub fn corrupt_next(&mut self) {
        if let Some(place) = self.live.next_arrival() {
            self.live.fate(place, || Fate::Corrupted, || Decider::Carrier);
            let flight = self.live.flights.get(place);
            let bit = self.live.bit(flight.from, flight.nth);
            let flight = self.live.flights.get_mut(place);
            (flight.flipped, flight.nth) = (Some(bit), 0);
        }
    }

    /// Takes the packet that is about to arrive into hand.
    pub fn hold_next(&mut self) -> Option<InHand> {
        let place = self.live.take_arrival()?;
        self.live.flights.get_mut(place).nth = 0;
        self.live.fate(place, || Fate::Held, || Decider::Carrier);
        Some(InHand(place))
    }

    /// Takes a copy of the packet that is about to arrive into hand; the packet itself arrives.
    pub fn copy_next(&mut self) -> Option<InHand> {
        let place = self.live.next_arrival()?;
        self.live.flights.get_mut(place).nth = 0;
        let copy = self.live.duplicate(place, || Decider::Carrier);
        Some(InHand(copy))
    }

    /// Lets a packet that is in hand arrive at a time that is not over.
    pub fn release(&mut self, packet: InHand, at: Instant) {
        let at = at.max(self.live.now);
        self.live.fate(packet.0, || Fate::Delivered { at }, || Decider::Carrier);
        self.live.queue.push(at, What::Arrival(packet.0));
    }

    /// Time passes; nothing may be due before.
    fn pass_time(&mut self, to: Instant) {
        if to > self.live.now {
            (self.live.now, self.live.busy) = (to, 0);
        }
    }

    /// A host loses power at this time, before which nothing else happens.
    pub fn crash(&mut self, host: HostIndex, at: Instant) {
        self.pass_time(at);
        self.live.crash(&self.plan, host as u32);
        self.live.run_tasks(&self.plan);
    }

    /// A host loses power at this time and starts again.
    pub fn reboot(&mut self, host: HostIndex, at: Instant) {
        self.pass_time(at);
        self.live.reboot(&self.plan, host as u32);
        self.live.run_tasks(&self.plan);
    }

    /// The host that the next thing to happen happens to, if it happens to one.
    pub fn next_host(&mut self) -> Option<HostIndex> {
        let (_, what) = self.live.look_ahead()?;
        let host = match what {
            What::Arrival(place) => Some(self.live.flights.get(place).to),
            other => self.live.host_of(&self.plan, other),
        };
        host.map(|host| host as usize)
    }

    /// Whether a host runs.
    pub fn is_up(&self, host: HostIndex) -> bool {
        self.live.hosts[host].power == Power::On
    }

    /// When its runs end at the latest.
    pub fn ends_by(&self) -> Instant {
        self.end()
    }

    /// Whether nothing is left to happen, or only after the time that the specification gives:
    /// [`run`](Self::run) returns at once.
    pub fn is_over(&mut self) -> bool {
        let end = self.end();
        self.live.is_stuck() || self.live.look_ahead().is_none_or(|(at, _)| at > end)
    }

    /// Feeds a packet that is in hand into `hasher`, as [`fingerprint`](Self::fingerprint) does
    /// with those on their way.
    pub fn fingerprint_in_hand(&self, packet: InHand, hasher: &mut impl Hasher) {
        self.live.flight(packet.0, &mut self.live.relative(hasher));
    }
}

impl Live {
    /// What happens next, and when.
    pub(crate) fn look_ahead(&mut self) -> Option<(Instant, What)> {
        let entry = self.next()?;
        self.queue.put_back(entry);
        Some((entry.at, entry.what))
    }

    /// The packet whose arrival is next.
    fn next_arrival(&mut self) -> Option<u32> {
        match self.look_ahead()? {
            (_, What::Arrival(place)) => Some(place),
            _ => None,
        }
    }

    /// The same, taken out of the queue at its time.
    fn take_arrival(&mut self) -> Option<u32> {
        let place = self.next_arrival()?;
        let entry = self.next()?;
        if entry.at > self.now {
            (self.now, self.busy) = (entry.at, 0);
        }
        Some(place)
    }

    /// The draw for the bit that flips in the n-th packet of a host, whoever decides that it does.
    fn bit(&self, from: u32, nth: u32) -> u64 {
        derive(self.seed, Purpose::RuleBit, &[u64::from(from), u64::from(nth), 0])
    }

    /// The same for a choice of a schedule.
    pub(crate) fn bit_of(&self, choice: &Choice) -> u64 {
        self.bit(choice.from as u32, choice.packet)
    }
}
