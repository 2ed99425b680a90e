//! Local ports: who uses them, and which ephemeral one comes next.

use alloc::collections::BTreeMap;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};

use super::Stack;
use super::isn::keyed_destination;
use super::recent::Recent;
use crate::SocketError;
use crate::tuple::Tuple;

/// How the local ports are used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports {
    /// Connections, TIME-WAIT included, per local port.
    connections: Recent<u16, u32>,
    /// Goes up with every ephemeral port: the search goes on where the last one ended.
    counter: u32,
    /// How many connections were forgotten so far.
    released: u64,
    /// Destinations for which no ephemeral port was free, and what `released` was then: until it
    /// moves there is no need to search again.
    exhausted: BTreeMap<(IpAddr, SocketAddr), u64>,
}

impl Ports {
    pub(crate) fn clear(&mut self) {
        self.connections.clear();
        self.exhausted.clear();
        (self.counter, self.released) = (0, 0);
    }

    /// A connection begins.
    pub(crate) fn take(&mut self, tuple: &Tuple) {
        let count = self.connections.get(&tuple.local_port).unwrap_or(0);
        self.connections.insert(&tuple.local_port, count + 1);
    }

    /// A connection is forgotten.
    pub(crate) fn release(&mut self, tuple: &Tuple) {
        self.released += 1;
        match self.connections.get(&tuple.local_port) {
            Some(count) if count > 1 => self.connections.insert(&tuple.local_port, count - 1),
            _ => self.connections.remove(&tuple.local_port),
        }
    }

    /// Whether any connection, TIME-WAIT included, has this local port.
    pub(crate) fn is_used(&self, port: u16) -> bool {
        self.connections.get(&port).is_some()
    }
}

/// Without the connections, which the sockets are hashed with.
impl Hash for Ports {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.counter, self.released).hash(state);
        self.exhausted.hash(state);
    }
}

impl Stack {
    /// An ephemeral port that makes a new 4-tuple with this remote end: RFC 6056 §3.3.3, a keyed
    /// offset per destination plus a counter.
    ///
    /// # Errors
    /// `AddressNotAvailable` when every one is in use for this destination.
    pub(super) fn ephemeral_port(
        &mut self,
        local: IpAddr,
        remote: SocketAddr,
    ) -> Result<u16, SocketError> {
        let count = self.profile.ephemeral_ports();
        let destination = (local, remote);
        if self.ports.exhausted.get(&destination) == Some(&self.ports.released) {
            return Err(SocketError::AddressNotAvailable);
        }
        let offset = keyed_destination(&self.secret, local, remote) % u64::from(count);
        for _ in 0..count {
            let step = self.ports.counter;
            self.ports.counter = self.ports.counter.wrapping_add(1);
            let place = (offset + u64::from(step)) % u64::from(count);
            let port = self.profile.first_port + place as u16;
            if self.is_free(local, port, remote) {
                return Ok(port);
            }
        }
        self.ports.exhausted.insert(destination, self.ports.released);
        Err(SocketError::AddressNotAvailable)
    }

    /// Whether nobody has this 4-tuple, and nobody listens on the port.
    fn is_free(&self, local: IpAddr, port: u16, remote: SocketAddr) -> bool {
        let tuple = Tuple {
            local_addr: local,
            remote_addr: remote.ip(),
            local_port: port,
            remote_port: remote.port(),
        };
        self.connections.get(&tuple).is_none() && self.listeners.find(local, port).is_none()
    }
}
