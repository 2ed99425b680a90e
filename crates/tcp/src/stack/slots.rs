//! Where the sockets of a stack live.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use super::listener::Listener;
use super::time_wait::TimeWait;
use crate::connection::Connection;
use crate::event::SocketId;

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    Free { next: Option<u32> },
    Listener(Box<Listener>),
    Connection(Box<Connection>),
    TimeWait(TimeWait),
}

/// A connection in TIME-WAIT needs its slot and no more, and hundreds of thousands are to be cheap.
const _: () = assert!(size_of::<(u32, Slot)>() <= 128, "TIME-WAIT fits into 128 octets");

/// Slots by number. A slot that is used again has another generation, so that an old
/// [`SocketId`] never names a new socket.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Slots {
    entries: Vec<(u32, Slot)>,
    /// The first free slot; each of them names the next.
    free: Option<u32>,
    spares: Spares,
}

impl Slots {
    /// With room for a listener and a few connections.
    pub(crate) fn new() -> Self {
        Self { entries: Vec::with_capacity(4), free: None, spares: Spares::default() }
    }

    pub(crate) fn clear(&mut self) {
        for (_, slot) in self.entries.drain(..) {
            self.spares.keep_of(slot);
        }
        self.free = None;
    }

    pub(crate) fn insert_connection(&mut self, connection: Connection) -> SocketId {
        let connection = self.boxed(connection);
        let (socket, slot) = self.vacant();
        *slot = Slot::Connection(connection);
        socket
    }

    pub(crate) fn insert_listener(&mut self, listener: Listener) -> SocketId {
        let listener = self.spares.boxed_listener(listener);
        let (socket, slot) = self.vacant();
        *slot = Slot::Listener(listener);
        socket
    }

    /// A slot that is free. It is filled where it is: for a slot with little in it a move would be
    /// most of the work.
    fn vacant(&mut self) -> (SocketId, &mut Slot) {
        let index = self.free.unwrap_or(self.entries.len() as u32);
        match self.entries.get(index as usize) {
            Some((_, Slot::Free { next })) => self.free = *next,
            // `push` would make it elsewhere and move it.
            _ => self.entries.resize_with(index as usize + 1, || (0, Slot::Free { next: None })),
        }
        let (generation, slot) = &mut self.entries[index as usize];
        (SocketId { index, generation: *generation }, slot)
    }

    pub(crate) fn remove(&mut self, socket: SocketId) {
        let entry = &mut self.entries[socket.index as usize];
        entry.0 += 1;
        let next = self.free.replace(socket.index);
        self.spares.keep_of(core::mem::replace(&mut entry.1, Slot::Free { next }));
    }

    /// A connection in a box, and `keep` for a box that is not wanted any more.
    pub(crate) fn boxed(&mut self, connection: Connection) -> Box<Connection> {
        self.spares.boxed_connection(connection)
    }

    /// See [`boxed`](Self::boxed).
    pub(crate) fn keep(&mut self, connection: Box<Connection>) {
        self.spares.connection = Some(connection);
    }

    pub(crate) fn get(&self, socket: SocketId) -> Option<&Slot> {
        let (generation, slot) = self.entries.get(socket.index as usize)?;
        (*generation == socket.generation).then_some(slot)
    }

    pub(crate) fn get_mut(&mut self, socket: SocketId) -> Option<&mut Slot> {
        let (generation, slot) = self.entries.get_mut(socket.index as usize)?;
        (*generation == socket.generation).then_some(slot)
    }

    /// The socket that is in a slot now.
    pub(crate) fn id_at(&self, index: u32) -> SocketId {
        SocketId { index, generation: self.entries[index as usize].0 }
    }

    pub(crate) fn listener(&self, socket: SocketId) -> Option<&Listener> {
        match self.get(socket) {
            Some(Slot::Listener(listener)) => Some(listener),
            _ => None,
        }
    }

    pub(crate) fn listener_mut(&mut self, socket: SocketId) -> Option<&mut Listener> {
        match self.get_mut(socket) {
            Some(Slot::Listener(listener)) => Some(listener),
            _ => None,
        }
    }

    pub(crate) fn connection(&self, socket: SocketId) -> Option<&Connection> {
        match self.get(socket) {
            Some(Slot::Connection(connection)) => Some(connection),
            _ => None,
        }
    }

    pub(crate) fn time_wait(&self, socket: SocketId) -> Option<&TimeWait> {
        match self.get(socket) {
            Some(Slot::TimeWait(record)) => Some(record),
            _ => None,
        }
    }

    /// All sockets, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SocketId, &Slot)> {
        self.entries
            .iter()
            .zip(0..)
            .map(|((generation, slot), index)| (SocketId { index, generation: *generation }, slot))
    }
}

/// Boxes whose content is gone, one of each kind: the next connection after the last one needs no
/// memory of its own. What is still in them means nothing.
#[derive(Debug, Default)]
struct Spares {
    connection: Option<Box<Connection>>,
    listener: Option<Box<Listener>>,
}

impl Spares {
    /// Keeps the boxes of a slot that is given up.
    fn keep_of(&mut self, slot: Slot) {
        match slot {
            Slot::Free { .. } | Slot::TimeWait(TimeWait { held: None, .. }) => {}
            Slot::Connection(connection)
            | Slot::TimeWait(TimeWait { held: Some(connection), .. }) => {
                self.connection = Some(connection);
            }
            Slot::Listener(listener) => self.listener = Some(listener),
        }
    }

    fn boxed_connection(&mut self, mut connection: Connection) -> Box<Connection> {
        match self.connection.take() {
            Some(mut place) => {
                // The scoreboard has memory, too.
                connection.send.board = core::mem::take(&mut place.send.board).emptied();
                *place = connection;
                place
            }
            None => Box::new(connection),
        }
    }

    fn boxed_listener(&mut self, mut listener: Listener) -> Box<Listener> {
        match self.listener.take() {
            Some(mut place) => {
                // The accept queue has memory, too.
                place.established.clear();
                core::mem::swap(&mut place.established, &mut listener.established);
                *place = listener;
                place
            }
            None => Box::new(listener),
        }
    }
}

/// A clone needs no spares.
impl Clone for Spares {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Nothing depends on them.
impl Hash for Spares {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
