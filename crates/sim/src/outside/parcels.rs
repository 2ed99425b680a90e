//! Time, and the way of packets: out of their host, through somebody else's hands, to the other.

use std::time::Duration;

use twomsl_tcp::Instant;
use twomsl_trace::{Decider, Fate};

use super::{Appointment, Carrier, Holder, Network, Parcel};
use crate::flight::Via;
use crate::live::{Live, Power};
use crate::queue::What;
use crate::spec::HostIndex;

/// Mostly packets are due in the order in which they come: each queue has one lane for them.
pub(super) const LANE: usize = 0;

/// How long a segment can exist (RFC 9293 §3.4.2).
const MSL: Duration = Duration::from_secs(120);

impl Network {
    /// When a host needs a turn.
    pub fn next_due(&mut self, host: HostIndex) -> Option<Instant> {
        let timers = self.live.hosts[host].stack.next_timeout();
        let waiting = &mut self.outside().hosts[host];
        let packets = [waiting.leaving.peek(), waiting.coming.peek()];
        packets.into_iter().flatten().map(|(at, _)| at).chain(timers).min()
    }

    /// A host's turn: its timers run, what needs no carrier arrives, and packets set out; `carry`
    /// is told of each of these.
    pub fn turn(&mut self, now: Instant, host: HostIndex, mut carry: impl FnMut(Parcel)) {
        if self.lead().is_some() {
            return self.punctual_turn(now, host, carry);
        }
        let now = self.advance(now);
        while self.next_due(host).is_some_and(|at| at <= now) {
            if self.live.hosts[host].stack.next_timeout().is_some_and(|at| at <= now) {
                self.live.hosts[host].stack.on_timeout(now);
                self.live.drain(&self.plan, host as u32);
            }
            while self.come(now, host) {}
            while let Some(parcel) = self.leave(now, host) {
                carry(parcel);
            }
        }
    }

    /// The same for a carrier that keeps time: one thing happens, when it was due.
    fn punctual_turn(&mut self, now: Instant, host: HostIndex, mut carry: impl FnMut(Parcel)) {
        let timer = self.live.hosts[host].stack.next_timeout();
        let packet = self.outside().hosts[host].coming.peek().map(|(at, _)| at);
        if let Some(due) = timer.into_iter().chain(packet).min().filter(|due| *due <= now) {
            self.outside().hosts[host].clock.set(now, due);
            let time = self.advance_at(host, now);
            if packet.is_none_or(|at| at > due) {
                self.live.hosts[host].stack.on_timeout(time);
                self.live.drain(&self.plan, host as u32);
            } else {
                self.come(now, host);
            }
        }
        while let Some(parcel) = self.leave(now, host) {
            carry(parcel);
        }
    }

    /// A packet that is there arrives; whether there was one.
    fn come(&mut self, now: Instant, host: HostIndex) -> bool {
        let coming = &mut self.outside().hosts[host].coming;
        let Some((_, What::Arrival(place))) = coming.peek().filter(|(at, _)| *at <= now) else {
            return false;
        };
        coming.pop();
        self.delivered(place);
        self.live.arrive(&self.plan, place);
        true
    }

    /// How long before its arrival a parcel is handed over, to a carrier that keeps time.
    pub(super) fn lead(&mut self) -> Option<Duration> {
        match self.outside().carrier {
            Carrier::KeepsTime(lead) => Some(lead),
            Carrier::TakesTime => None,
        }
    }

    /// One packet that sets out now.
    fn leave(&mut self, now: Instant, host: HostIndex) -> Option<Parcel> {
        self.forget_lost_parcels();
        let outside = self.live.outside.as_deref_mut()?;
        let leaving = &mut outside.hosts[host].leaving;
        let (_, What::Arrival(place)) = leaving.peek().filter(|(at, _)| *at <= now)? else {
            return None;
        };
        leaving.pop();
        let flight = self.live.flights.get(place);
        outside.carried.push_back((place, flight.id));
        let number = u64::from(flight.id as u32) << 32 | u64::from(place);
        Some(Parcel { number, to: flight.to as usize })
    }

    /// A packet has reached its host. A number that nothing stands behind, because the packet has
    /// died of age, does nothing.
    pub fn arrive(&mut self, now: Instant, number: u64) {
        if self.lead().is_none() {
            self.advance(now);
        }
        let (place, id) = (number as u32, (number >> 32) as u32);
        if !self.is_on_its_way(place, |number| number as u32 == id) {
            return;
        }
        if self.lead().is_some() {
            let appointment = &mut self.outside().appointments[place as usize];
            appointment.holder = Holder::Receiver;
            let at = appointment.at;
            return self.live.hand_in(at, place);
        }
        self.delivered(place);
        self.live.arrive(&self.plan, place);
    }

    /// The driver has no way to a packet's host: the sender learns that from its own IP layer, as it
    /// would from a router.
    pub fn undeliverable(&mut self, now: Instant, number: u64) {
        let (place, id) = (number as u32, (number >> 32) as u32);
        if self.is_on_its_way(place, |number| number as u32 == id) {
            let flight = self.live.flights.get(place);
            let (from, id) = (flight.from, flight.id);
            self.advance_at(from as usize, now);
            self.live.no_route(from, id, place);
        }
    }

    pub(super) fn is_on_its_way(&self, place: u32, is_it: impl FnOnce(u64) -> bool) -> bool {
        let flight = self.live.flights.find(place);
        flight.is_some_and(|flight| flight.packet.is_some() && is_it(flight.id))
    }

    /// Writes down that a packet was delivered: only its carrier knew when.
    fn delivered(&mut self, place: u32) {
        let at = self.live.now;
        self.live.fate(place, || Fate::Delivered { at }, || Decider::Link);
    }

    /// Parcels that the driver has lost take no notice with them. RFC 9293 §3.4.2 says how long a
    /// segment can exist: an MSL of two minutes. One that is older never arrives. A carrier that
    /// keeps time is not late by more than a few times its lead.
    pub(super) fn forget_lost_parcels(&mut self) {
        let lead = self.lead();
        loop {
            let Some(&(place, id)) = self.outside().carried.front() else { return };
            if self.is_carried(place, id) {
                let over = match lead {
                    Some(lead) => self.outside().appointments[place as usize].at + 8 * lead,
                    None => self.live.flights.get(place).sent + MSL,
                };
                if self.live.now <= over {
                    return;
                }
                let to = self.live.flights.get(place).to;
                let power = self.live.hosts[to as usize].power;
                let by = if power == Power::On { Decider::Carrier } else { Decider::Down };
                self.live.lose(place, || by);
            }
            self.outside().carried.pop_front();
        }
    }

    /// Whether the carrier still has a parcel.
    pub(super) fn is_carried(&self, place: u32, id: u64) -> bool {
        let outside = self.live.outside.as_deref();
        let appointment = outside.and_then(|outside| outside.appointments.get(place as usize));
        let received =
            appointment.is_some_and(|appointment| appointment.holder == Holder::Receiver);
        !received && self.is_on_its_way(place, |number| number == id)
    }
}

impl Live {
    /// A packet sets out in a network whose hosts are outside: it waits there for the turn of the
    /// host that sends it, or, if nobody has to carry it, of the one that gets it.
    pub(crate) fn hand_over(&mut self, at: Instant, place: u32) {
        let flight = self.flights.get(place);
        let (from, to, carried) =
            (flight.from as usize, flight.to as usize, flight.via != Via::Loopback);
        let Some(outside) = self.outside.as_deref_mut() else { return };
        if carried {
            let leaves = match outside.carrier {
                Carrier::TakesTime => at,
                Carrier::KeepsTime(lead) => {
                    let appointment = Appointment { at, holder: Holder::Carrier };
                    let places = outside.appointments.len().max(place as usize + 1);
                    outside.appointments.resize(places, appointment);
                    outside.appointments[place as usize] = appointment;
                    let early = at.as_nanos().saturating_sub(lead.as_nanos() as u64);
                    self.now.max(Instant::from_nanos(early))
                }
            };
            outside.hosts[from].leaving.push_arrival(leaves, LANE, place);
        } else {
            outside.hosts[to].coming.push_arrival(at, LANE, place);
        }
    }

    /// The same for a packet that no host sent: it is there when it is due.
    pub(crate) fn hand_in(&mut self, at: Instant, place: u32) {
        let to = self.flights.get(place).to as usize;
        let Some(outside) = self.outside.as_deref_mut() else { return };
        outside.hosts[to].coming.push_arrival(at, LANE, place);
    }
}
