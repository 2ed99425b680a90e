//! The path MTUs that ICMP has told, by destination (RFC 1191 §6.1): connections that are opened
//! later begin with them.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use crate::Instant;
use crate::connection::Connection;

/// What is known of paths. Only destinations behind a narrow link are here.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Paths(BTreeMap<IpAddr, Path>);

#[derive(Clone, Copy, Debug, Hash)]
struct Path {
    mtu: u32,
    expires: Instant,
}

impl Paths {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// A router has told the MTU of a path. What is too old goes (RFC 1191 §6.3), so that the
    /// table does not grow for ever.
    pub(super) fn learn(&mut self, now: Instant, destination: IpAddr, mtu: u32, expires: Instant) {
        self.0.retain(|_, path| path.expires > now);
        self.0.insert(destination, Path { mtu, expires });
    }

    /// A new connection begins with what is known of its path.
    pub(super) fn tell(&self, now: Instant, connection: &mut Connection) {
        let known = self.0.get(&connection.tuple.remote_addr);
        if let Some(path) = known.filter(|path| path.expires > now) {
            connection.path.know(path.mtu, path.expires);
        }
    }
}
