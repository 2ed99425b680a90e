//! A socket in LISTEN, its SYN queue and its accept queue.

use alloc::collections::VecDeque;
use core::net::{IpAddr, SocketAddr};

use crate::event::SocketId;
use crate::{Holder, Instant, SocketOptions, Status, TcpState};

/// A listening socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Listener {
    pub(crate) port: u16,
    /// `None` listens on all addresses.
    pub(crate) address: Option<IpAddr>,
    pub(crate) since: Instant,
    /// Connections inherit them.
    pub(crate) options: SocketOptions,
    /// Connections that may wait in either queue; as in Linux one more than this fits.
    pub(crate) backlog: u32,
    /// The SYN queue: connections of this listener in SYN-RECEIVED.
    pub(crate) opening: u32,
    /// The accept queue: established, not accepted yet.
    pub(crate) established: VecDeque<SocketId>,
}

impl Listener {
    pub(crate) fn accept_queue_is_full(&self) -> bool {
        self.established.len() as u64 > u64::from(self.backlog)
    }

    pub(crate) fn syn_queue_is_full(&self) -> bool {
        self.opening > self.backlog
    }

    pub(crate) fn local(&self) -> SocketAddr {
        let any = IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED);
        SocketAddr::new(self.address.unwrap_or(any), self.port)
    }

    pub(crate) fn status(&self, socket: SocketId) -> Status {
        Status {
            socket,
            state: TcpState::Listen,
            since: self.since,
            local: self.local(),
            remote: None,
            receive_queue: self.established.len() as u32,
            send_queue: self.backlog,
            timers: alloc::vec::Vec::new(),
            retransmits: 0,
            holder: Holder::Application,
            detail: None,
        }
    }
}
