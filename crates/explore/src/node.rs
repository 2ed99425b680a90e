//! A place in the search: a world, and what the search knows of it.

use std::hash::{Hash as _, Hasher};
use std::sync::Arc;
use std::time::Duration;

use siphasher::sip::SipHasher13;
use twomsl_scenario::{Broken, FaultKind, Monitors};
use twomsl_sim::spec::HostIndex;
use twomsl_sim::{Arriving, InHand, Plan, Reachable, Recording, World};
use twomsl_tcp::Instant;

use crate::fault::{Befalls, Fault, Schedule};

/// A world in the middle of a schedule.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) world: World,
    pub(crate) monitors: Monitors,
    /// Packets that were taken out of the network and have yet to arrive.
    hand: Vec<Hand>,
    /// How many more faults there will be.
    pub(crate) left: u32,
    pub(crate) schedule: Schedule,
    /// The hosts that something has happened to since a fault could last befall them, as bits.
    touched: u64,
}

/// A packet in hand.
#[derive(Clone, Copy, Debug)]
struct Hand {
    packet: InHand,
    to: HostIndex,
    /// When it would have arrived.
    due: Instant,
    /// When it dies.
    until: Instant,
    why: Why,
    /// Its fault, by its place in the schedule.
    fault: usize,
}

/// Why a packet is in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Why {
    Delayed,
    /// It waits for another one to overtake it.
    Behind,
    /// That has happened.
    Overtaken,
    Copied,
}

/// A moment between two events, with room for something to happen.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// Soon after the last event.
    soon: Option<Instant>,
    /// The next event; none if there is none.
    next: Option<Instant>,
}

impl Node {
    /// The beginning of all schedules.
    pub(crate) fn root(plan: &Arc<Plan>, seed: u64, monitors: Monitors) -> Self {
        let recording = if monitors.look() { Recording::Trace } else { Recording::Coverage };
        Self::with_recording(plan, seed, monitors, recording)
    }

    fn with_recording(
        plan: &Arc<Plan>,
        seed: u64,
        monitors: Monitors,
        recording: Recording,
    ) -> Self {
        let world = World::for_search(Arc::clone(plan), seed, recording);
        let (hand, schedule) = (Vec::new(), Vec::new());
        Self { world, monitors, hand, left: 0, schedule, touched: u64::MAX }
    }

    /// Feeds what its future depends on into `hasher`.
    pub(crate) fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.world.fingerprint(hasher);
        self.monitors.hash(hasher);
        (self.left, self.touched, self.world.now()).hash(hasher);
        self.world.violations().len().hash(hasher);
        // In what order they came into the hand does not matter.
        let mut hand: Vec<u64> = self.hand.iter().map(|held| self.of_hand(held)).collect();
        hand.sort_unstable();
        hand.hash(hasher);
    }

    fn of_hand(&self, held: &Hand) -> u64 {
        let mut hasher = SipHasher13::new();
        self.world.fingerprint_in_hand(held.packet, &mut hasher);
        (held.until, held.why).hash(&mut hasher);
        hasher.finish()
    }

    /// Whether no choice is left: it will go one way only.
    pub(crate) const fn is_settled(&self) -> bool {
        self.left == 0 && self.hand.is_empty()
    }

    /// Lets the next thing happen.
    pub(crate) fn step(&mut self) {
        if !self.is_settled() {
            self.notice();
        }
        self.world.step();
        self.look();
    }

    /// Who is touched by what happens next, and what it overtakes.
    fn notice(&mut self) {
        let host = self.world.next_host();
        self.touched |= host.map_or(u64::MAX, |host| 1 << (host % 64));
        let Some(arriving) = self.world.arriving() else { return };
        for held in &mut self.hand {
            if held.why == Why::Behind && held.to == arriving.to {
                held.why = Why::Overtaken;
            }
        }
    }

    /// Shows the monitors what happened.
    pub(crate) fn look(&mut self) {
        if self.monitors.look() {
            let monitors = &mut self.monitors;
            self.world.drain_records(|record| monitors.note(record));
        }
    }

    /// What is broken already.
    pub(crate) fn broken(&self) -> Option<Broken> {
        self.monitors.broken(&self.world)
    }

    /// Its schedule. What is in hand yet may stay there for the rest of its life.
    pub(crate) fn take_schedule(&mut self) -> Schedule {
        for held in std::mem::take(&mut self.hand) {
            self.note_release(held, held.until);
        }
        std::mem::take(&mut self.schedule)
    }

    // ---- packets about to arrive ----

    /// The packet that is about to arrive, if a fault may befall it.
    pub(crate) fn arriving(&mut self) -> Option<Arriving> {
        if self.left == 0 { None } else { self.world.arriving() }
    }

    /// This node after a fault of the packet that is about to arrive; none for kinds that are not
    /// of packets.
    pub(crate) fn befall(
        &self,
        kind: FaultKind,
        arriving: &Arriving,
        default_lifetime: Duration,
    ) -> Option<Self> {
        let lost_anyway = matches!(kind, FaultKind::Drop | FaultKind::Corrupt);
        if lost_anyway && arriving.host == Reachable::No {
            return None;
        }
        let mut child = self.clone();
        child.left -= 1;
        let until = arriving.sent + arriving.lifetime.unwrap_or(default_lifetime);
        let until = until.max(arriving.at);
        let (befalls, in_hand) = match kind {
            FaultKind::Drop => {
                child.world.lose_next();
                (Befalls::Dropped, None)
            }
            FaultKind::Corrupt => {
                child.world.corrupt_next();
                (Befalls::Corrupted, None)
            }
            FaultKind::Duplicate => {
                let copy = child.world.copy_next()?;
                // The copy comes after the packet.
                child.step();
                (Befalls::Duplicated(Duration::ZERO), Some((copy, Why::Copied)))
            }
            FaultKind::Delay => {
                (Befalls::Late(arriving.at), Some((child.world.hold_next()?, Why::Delayed)))
            }
            FaultKind::Reorder => {
                (Befalls::Late(arriving.at), Some((child.world.hold_next()?, Why::Behind)))
            }
            FaultKind::Crash | FaultKind::Reboot => return None,
        };
        child.hand.extend(in_hand.map(|(packet, why)| Hand {
            packet,
            to: arriving.to,
            due: arriving.at,
            until,
            why,
            fault: child.schedule.len(),
        }));
        child.schedule.push(Fault::Packet { from: arriving.from, nth: arriving.nth, befalls });
        child.look();
        Some(child)
    }

    // ---- between events ----

    /// The room between what has happened and what happens next; none while more happens at the
    /// same time, or if nothing can happen in between.
    fn gap(&mut self, last: Instant) -> Option<Gap> {
        let now = self.world.now();
        let next = self.world.next_event().filter(|next| *next <= last);
        if next.is_some_and(|next| next <= now) {
            return None;
        }
        // As round a time as there is room for.
        let steps = [1_000_000, 1_000, 1].map(|nanos| now + Duration::from_nanos(nanos));
        let soon = steps.into_iter().find(|soon| next.is_none_or(|next| *soon < next));
        Some(Gap { soon: soon.filter(|soon| *soon <= last), next })
    }

    /// Whether it can go more than one way from here, or only one to the end: where it is worth
    /// knowing whether somebody has been here.
    pub(crate) fn has_choice(&mut self, kinds: &[FaultKind]) -> bool {
        let hosts = self.left > 0 && kinds.iter().any(|kind| is_of_hosts(*kind));
        let between = !self.hand.is_empty() || hosts;
        self.is_settled()
            || self.arriving().is_some()
            || (between && self.gap(Instant::MAX).is_some())
    }

    /// What can happen before the next event. The first list has every way of letting something
    /// happen now; the flag says whether nothing may happen, too.
    pub(crate) fn between(
        &mut self,
        kinds: &[FaultKind],
        last: Instant,
    ) -> Option<(Vec<Between>, Waits)> {
        let hosts = self.left > 0 && kinds.iter().any(|kind| is_of_hosts(*kind));
        if self.hand.is_empty() && !hosts {
            return None;
        }
        let gap = self.gap(last)?;
        let mut all = Vec::new();
        let mut waits = Waits::Yes;
        // Nothing comes after the end of a life but what lives longer: first things first.
        let first = self.hand.iter().map(|held| held.until).min().unwrap_or(Instant::MAX);
        for (place, held) in self.hand.iter().enumerate() {
            let (times, must) = held.times(&gap);
            // What would come after the end of the run stays in hand.
            let times = times.into_iter().flatten().filter(|at| *at <= first && *at <= last);
            let before = all.len();
            all.extend(times.map(|at| Between::Release(place, at)));
            if must && all.len() > before {
                waits = Waits::No;
            }
        }
        if let Some(at) = gap.soon.filter(|soon| hosts && *soon <= first) {
            self.host_faults(kinds, at, &mut all);
        }
        Some((all, waits))
    }

    /// Which hosts may crash now.
    fn host_faults(&self, kinds: &[FaultKind], at: Instant, all: &mut Vec<Between>) {
        for host in 0..self.world.plan().spec().hosts.len() {
            let touched = self.touched & 1 << (host % 64) != 0;
            if !self.world.is_up(host) {
                continue;
            }
            for kind in kinds.iter().copied().filter(|kind| is_of_hosts(*kind)) {
                // A host that will stay off is missed by nobody until something reaches it.
                if touched || kind == FaultKind::Reboot {
                    all.push(Between::Host(host, kind, at));
                }
            }
        }
    }

    /// Nothing happens in between.
    pub(crate) const fn pass(&mut self) {
        self.touched = 0;
    }

    /// This node after something happened in between.
    pub(crate) fn after(&self, what: Between) -> Self {
        let mut child = self.clone();
        match what {
            Between::Release(place, at) => child.release(place, at),
            Between::Host(host, kind, at) => {
                child.left -= 1;
                child.schedule.push(Fault::Host { host, kind, at });
                if kind == FaultKind::Crash {
                    child.world.crash(host, at);
                } else {
                    child.world.reboot(host, at);
                }
                child.look();
            }
        }
        child
    }

    /// A packet in hand arrives, at a time before everything else.
    fn release(&mut self, place: usize, at: Instant) {
        let held = self.hand.remove(place);
        self.note_release(held, at);
        self.world.release(held.packet, at);
        self.touched |= 1 << (held.to % 64);
        self.world.step();
        self.look();
    }

    /// When a packet in hand arrives is part of its fault.
    fn note_release(&mut self, held: Hand, at: Instant) {
        if let Some(Fault::Packet { befalls, .. }) = self.schedule.get_mut(held.fault) {
            *befalls = match befalls {
                Befalls::Duplicated(_) => Befalls::Duplicated(at.since(held.due)),
                _ => Befalls::Late(at),
            };
        }
    }
}

/// Something that happens between two events.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Between {
    /// A packet in hand, by its place there, arrives at this time.
    Release(usize, Instant),
    /// A host loses power.
    Host(HostIndex, FaultKind, Instant),
}

impl Between {
    /// Whether it is a fault of its own.
    pub(crate) const fn is_fault(self) -> bool {
        matches!(self, Self::Host(..))
    }
}

/// Whether nothing may happen, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    Yes,
    /// A packet in hand would die.
    No,
}

const fn is_of_hosts(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Crash | FaultKind::Reboot)
}

impl Hand {
    /// When it can arrive before the next event: soon, and at the end of its life if that comes
    /// first; and whether it must.
    fn times(&self, gap: &Gap) -> ([Option<Instant>; 2], bool) {
        let dies = gap.next.is_none_or(|next| self.until <= next);
        let soon = gap.soon.filter(|soon| *soon <= self.until);
        match self.why {
            // What is not overtaken in its life is no reordering.
            Why::Behind => ([None, None], dies),
            Why::Overtaken => ([soon.or(Some(self.until)), None], true),
            Why::Delayed | Why::Copied => {
                let before = |at: Instant| gap.next.is_none_or(|next| at < next);
                let at_last = dies
                    .then_some(self.until)
                    .filter(|at| before(*at) && soon.is_none_or(|soon| *at > soon));
                ([soon, at_last], dies)
            }
        }
    }
}

#[cfg(test)]
mod tests;
