//! Packets on their way, in a slab so that queue entries stay small and nothing is copied from
//! hand to hand: a packet is put in when it is sent, and taken out when its host gets it.

use twomsl_tcp::Instant;
use twomsl_tcp::wire::Packet;

use crate::life::LifeId;

/// A packet on its way to a host.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    /// The packet as it will be seen. `None` in a place that is free.
    pub(crate) packet: Option<Packet>,
    /// Its number in the trace.
    pub(crate) id: u64,
    /// The host it comes from; for a forged one the host it pretends to come from.
    pub(crate) from: u32,
    /// The host it goes to.
    pub(crate) to: u32,
    /// The hidden incarnation mark: which life of which socket sent it. The stack that receives
    /// it cannot see this.
    pub(crate) mark: LifeId,
    /// How it travels.
    pub(crate) via: Via,
    /// The bit that flipped on the way, as a draw still to be scaled to the packet's length.
    pub(crate) flipped: Option<u64>,
    /// When it was sent.
    pub(crate) sent: Instant,
    /// Which of all packets of its host it is, from 1; 0 for what no host sent, for copies, and
    /// once its fate is settled.
    pub(crate) nth: u32,
}

/// How a packet travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Via {
    /// Over this path, by its place in the plan.
    Path(u32),
    /// It never leaves its host.
    Loopback,
}

impl Flight {
    /// What stands in a new place.
    const NONE: Self = Self {
        packet: None,
        id: 0,
        from: 0,
        to: 0,
        mark: LifeId::NONE,
        via: Via::Loopback,
        flipped: None,
        sent: Instant::ZERO,
        nth: 0,
    };
}

/// A slab: places are used again, so that a long run allocates nothing.
#[derive(Clone, Debug)]
pub(crate) struct Flights {
    places: Vec<Flight>,
    /// How many of them this run has used: behind them are some of an earlier one.
    used: usize,
    /// The places that are free, as a list: one more than the first, 0 for none; a free place
    /// holds the next in its `id`.
    free: u64,
}

impl Flights {
    /// With room for what a short connection has on its way.
    pub(crate) fn new() -> Self {
        Self { places: Vec::with_capacity(4), used: 0, free: 0 }
    }

    pub(crate) fn clear(&mut self) {
        for flight in &mut self.places[..self.used] {
            flight.packet = None;
        }
        (self.used, self.free) = (0, 0);
    }

    /// Puts a packet in and says where.
    pub(crate) fn insert(&mut self, flight: Flight) -> u32 {
        let place = self.reserve();
        *self.get_mut(place) = flight;
        place
    }

    /// A place for a packet that is about to be put there. What else stands in it is of the
    /// packet before.
    #[inline]
    pub(crate) fn reserve(&mut self) -> u32 {
        let Some(place) = self.free.checked_sub(1) else { return self.one_more() };
        self.free = self.places[place as usize].id;
        place as u32
    }

    /// One more place than this run has used.
    #[inline(never)]
    fn one_more(&mut self) -> u32 {
        if self.used == self.places.len() {
            self.places.push(Flight::NONE);
        }
        self.used += 1;
        self.used as u32 - 1
    }

    /// A packet that is on its way, or about to be.
    pub(crate) fn packet(&self, place: u32) -> &Packet {
        self.get(place).packet.as_ref().expect("a place that is spoken of is not free")
    }

    /// What is in a place, if there is such a place.
    pub(crate) fn find(&self, place: u32) -> Option<&Flight> {
        self.places.get(place as usize)
    }

    /// A packet on its way.
    pub(crate) fn get(&self, place: u32) -> &Flight {
        &self.places[place as usize]
    }

    /// A packet on its way, to change it.
    pub(crate) fn get_mut(&mut self, place: u32) -> &mut Flight {
        &mut self.places[place as usize]
    }

    /// Frees the place of a packet that has arrived, or is lost.
    #[inline]
    pub(crate) fn free(&mut self, place: u32) {
        let flight = &mut self.places[place as usize];
        flight.id = std::mem::replace(&mut self.free, u64::from(place) + 1);
        flight.packet = None;
    }

    /// Takes a packet out.
    #[inline]
    pub(crate) fn take(&mut self, place: u32) -> Option<Packet> {
        let flight = &mut self.places[place as usize];
        flight.id = std::mem::replace(&mut self.free, u64::from(place) + 1);
        flight.packet.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twomsl_tcp::wire::{Flags, Options, Segment, SeqNum};

    fn flight(id: u64) -> Flight {
        let segment = Segment {
            src_port: 1,
            dst_port: 2,
            seq: SeqNum::new(0),
            ack: SeqNum::new(0),
            flags: Flags::ACK,
            window: 0,
            urgent: 0,
            options: Options::NONE,
            payload: bytes::Bytes::new(),
        };
        let packet = Some(Packet::tcp([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), segment));
        let (mark, via, sent) = (LifeId::NONE, Via::Loopback, Instant::ZERO);
        Flight { packet, id, from: 0, to: 1, mark, via, flipped: None, sent, nth: 0 }
    }

    #[test]
    fn places_are_used_again_the_last_one_freed_first() {
        let mut flights = Flights::new();
        let places: Vec<_> = (10..14).map(|id| flights.insert(flight(id))).collect();
        assert_eq!(places, [0, 1, 2, 3]);
        assert!(flights.take(1).is_some());
        assert!(flights.take(3).is_some());
        assert_eq!([20, 21, 22].map(|id| flights.insert(flight(id))), [3, 1, 4]);
        assert_eq!([0, 1, 2, 3, 4].map(|place| flights.get(place).id), [10, 21, 12, 20, 22]);
    }
}
