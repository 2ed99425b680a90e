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
}

/// How a packet travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Via {
    /// Over this path, by its place in the plan.
    Path(u32),
    /// It never leaves its host.
    Loopback,
}

/// A slab: places are used again, so that a long run allocates nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flights {
    places: Vec<Flight>,
    free: Vec<u32>,
}

impl Flights {
    /// Puts a packet in and says where.
    #[inline]
    pub(crate) fn insert(&mut self, flight: Flight) -> u32 {
        if let Some(place) = self.free.pop() {
            self.places[place as usize] = flight;
            return place;
        }
        self.places.push(flight);
        self.places.len() as u32 - 1
    }

    /// A packet on its way.
    pub(crate) fn get(&self, place: u32) -> &Flight {
        &self.places[place as usize]
    }

    /// A packet on its way, to change it.
    pub(crate) fn get_mut(&mut self, place: u32) -> &mut Flight {
        &mut self.places[place as usize]
    }

    /// Takes a packet out: it has arrived, or is lost.
    #[inline]
    pub(crate) fn take(&mut self, place: u32) -> Option<Packet> {
        self.free.push(place);
        self.places[place as usize].packet.take()
    }
}
