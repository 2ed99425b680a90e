//! Packets on their way, in a slab so that queue entries stay small.

use twomsl_tcp::wire::Packet;

use crate::life::LifeId;

/// A packet on its way to a host.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    /// The packet as it will be seen.
    pub(crate) packet: Packet,
    /// Its number in the trace.
    pub(crate) id: u64,
    /// The host it goes to.
    pub(crate) to: u32,
    /// The hidden incarnation mark: which life of which socket sent it. The stack that receives
    /// it cannot see this.
    pub(crate) mark: LifeId,
    /// Whether it travels over a link, which may be down, or stays within its host.
    pub(crate) via: Via,
    /// The bit that flipped on the way, as a draw still to be scaled to the packet's length.
    pub(crate) flipped: Option<u64>,
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
    places: Vec<Option<Flight>>,
    free: Vec<u32>,
}

impl Flights {
    /// Puts a packet in and says where.
    pub(crate) fn insert(&mut self, flight: Flight) -> u32 {
        if let Some(place) = self.free.pop() {
            self.places[place as usize] = Some(flight);
            return place;
        }
        self.places.push(Some(flight));
        self.places.len() as u32 - 1
    }

    /// Takes a packet out. Each place is taken once: by the queue entry made with it.
    pub(crate) fn take(&mut self, place: u32) -> Flight {
        self.free.push(place);
        self.places[place as usize].take().expect("a queue entry owns its packet")
    }

    /// Looks at a packet on its way.
    pub(crate) fn get(&self, place: u32) -> Option<&Flight> {
        self.places.get(place as usize)?.as_ref()
    }
}
