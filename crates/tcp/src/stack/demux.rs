//! The demultiplexer: which socket a 4-tuple belongs to.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use rustc_hash::FxBuildHasher;

use crate::event::SocketId;
use crate::tuple::Tuple;

/// Sockets by 4-tuple.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demux {
    /// For look-up only: nothing depends on its order.
    table: HashMap<Tuple, SocketId, FxBuildHasher>,
    /// The entry that was asked for last, or came last. Segments come in trains, and to compare
    /// one 4-tuple is less work than to hash it.
    recent: Option<(Tuple, SocketId)>,
}

impl Demux {
    pub(crate) fn clear(&mut self) {
        self.table.clear();
        self.recent = None;
    }

    /// The socket of a 4-tuple, which is likely to be asked for again.
    #[inline]
    pub(crate) fn find(&mut self, tuple: &Tuple) -> Option<SocketId> {
        match self.recent {
            Some((recent, socket)) if recent == *tuple => Some(socket),
            _ => self.search(tuple),
        }
    }

    #[inline(never)]
    fn search(&mut self, tuple: &Tuple) -> Option<SocketId> {
        let socket = *self.table.get(tuple)?;
        self.recent = Some((*tuple, socket));
        Some(socket)
    }

    pub(crate) fn contains(&self, tuple: &Tuple) -> bool {
        self.table.contains_key(tuple)
    }

    /// Gives the 4-tuple to a socket, whoever had it before.
    pub(crate) fn insert(&mut self, tuple: Tuple, socket: SocketId) {
        self.table.insert(tuple, socket);
        self.recent = Some((tuple, socket));
    }

    /// Frees the 4-tuple if it is this socket's.
    pub(crate) fn remove(&mut self, tuple: &Tuple, socket: SocketId) {
        if let Entry::Occupied(entry) = self.table.entry(*tuple)
            && *entry.get() == socket
        {
            entry.remove();
            self.recent = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv4Addr};

    use super::*;

    const fn tuple(remote_port: u16) -> Tuple {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Tuple { local_addr: address, remote_addr: address, local_port: 80, remote_port }
    }

    const fn socket(index: u32) -> SocketId {
        SocketId { index, generation: 0 }
    }

    #[test]
    fn the_entry_asked_for_last_is_forgotten_with_its_socket() {
        let mut demux = Demux::default();
        demux.insert(tuple(1), socket(1));
        demux.insert(tuple(2), socket(2));
        assert_eq!(demux.find(&tuple(1)), Some(socket(1)));
        demux.remove(&tuple(1), socket(1));
        assert_eq!(demux.find(&tuple(1)), None);
        assert_eq!(demux.find(&tuple(2)), Some(socket(2)));
    }

    #[test]
    fn a_socket_whose_4_tuple_was_taken_over_does_not_free_it() {
        let mut demux = Demux::default();
        demux.insert(tuple(1), socket(1));
        assert_eq!(demux.find(&tuple(1)), Some(socket(1)));
        demux.insert(tuple(1), socket(2));
        demux.remove(&tuple(1), socket(1));
        assert_eq!(demux.find(&tuple(1)), Some(socket(2)));
    }
}
