//! A socket in LISTEN, its SYN queue and its accept queue.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use crate::event::SocketId;
use crate::profile::{Profile, SynCookies};
use crate::{Holder, Instant, SocketOptions, Status, TcpState, Verdict};

/// A listening socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Listener {
    pub(crate) port: u16,
    /// `None` listens on all addresses.
    pub(crate) address: Option<IpAddr>,
    pub(crate) since: Instant,
    /// Connections inherit them.
    pub(crate) options: Arc<SocketOptions>,
    /// Connections that may wait in either queue; as in Linux one more than this fits.
    pub(crate) backlog: u32,
    /// The SYN queue: connections of this listener in SYN-RECEIVED.
    pub(crate) opening: u32,
    /// Those of them that TCP Fast Open has made: they are not in the SYN queue.
    pub(crate) opening_fast: u32,
    /// When a SYN was answered with a cookie for the last time.
    pub(crate) overflowed: Option<Instant>,
    /// The accept queue: established, not accepted yet.
    pub(crate) established: VecDeque<SocketId>,
}

/// What becomes of a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It goes into the SYN queue.
    Yes,
    /// It is answered with a cookie.
    Cookie,
    /// It is dropped.
    No(Verdict),
}

/// The listeners of a stack, in the order of their ports, then of their addresses: a list, since
/// a host has few of them, and they seldom change.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Listeners {
    entries: Vec<(u16, Option<IpAddr>, SocketId)>,
}

impl Listeners {
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn insert(&mut self, port: u16, address: Option<IpAddr>, socket: SocketId) {
        let place = self.place_of(port, address);
        self.entries.insert(place, (port, address, socket));
    }

    /// Removes one that is there.
    pub(crate) fn remove(&mut self, port: u16, address: Option<IpAddr>) {
        let place = self.place_of(port, address);
        self.entries.remove(place);
    }

    /// The listener for a local address and port: one on that address before one on all.
    pub(crate) fn find(&self, address: IpAddr, port: u16) -> Option<SocketId> {
        let mut on_all = None;
        for (own, socket) in self.on_port(port) {
            match own {
                Some(own) if own == address => return Some(socket),
                Some(_) => {}
                None => on_all = Some(socket),
            }
        }
        on_all
    }

    /// Whether a listener is in the way of another one: on the same address, or one of the two on
    /// all.
    pub(crate) fn is_in_the_way(&self, address: Option<IpAddr>, port: u16) -> bool {
        self.on_port(port).any(|(own, _)| address.is_none() || own.is_none() || own == address)
    }

    fn on_port(&self, port: u16) -> impl Iterator<Item = (Option<IpAddr>, SocketId)> {
        let start = self.entries.partition_point(|(other, ..)| *other < port);
        let of_port = self.entries[start..].iter().take_while(move |(other, ..)| *other == port);
        of_port.map(|(_, address, socket)| (*address, *socket))
    }

    fn place_of(&self, port: u16, address: Option<IpAddr>) -> usize {
        self.entries.partition_point(|(other, own, _)| (*other, *own) < (port, address))
    }
}

impl Listener {
    pub(crate) fn accept_queue_is_full(&self, profile: &Profile) -> bool {
        let backlog = u64::from(self.backlog);
        // `sonewconn`: half as many more as were asked for.
        let most = if profile.is_bsd() { 3 * backlog / 2 } else { backlog };
        self.established.len() as u64 > most
    }

    fn syn_queue_is_full(&self) -> bool {
        self.opening > self.backlog
    }

    /// FreeBSD's SYN cache is one for all listeners, and knows nothing of their queues.
    fn room_in_cache(&self, profile: &Profile) -> Room {
        match profile.syn_cookies {
            SynCookies::Always => Room::Cookie,
            _ if self.opening < profile.max_syn_backlog => Room::Yes,
            SynCookies::WhenFull => Room::Cookie,
            SynCookies::Off => Room::No(Verdict::SynQueueFull),
        }
    }

    /// What becomes of a SYN (Linux' `tcp_conn_request`).
    pub(crate) fn room_for_syn(&self, supersedes: Option<SocketId>, profile: &Profile) -> Room {
        let cookies = profile.syn_cookies;
        if profile.is_bsd() {
            return self.room_in_cache(profile);
        }
        // A SYN is not worth remembering when what it asks for could not be accepted anyway.
        if self.accept_queue_is_full(profile) {
            return Room::No(Verdict::AcceptQueueFull);
        }
        // "TW buckets are converted to open requests without limitations, they conserve resources
        // and peer is evidently real one."
        if supersedes.is_some() {
            return Room::Yes;
        }
        if cookies == SynCookies::Always || (cookies != SynCookies::Off && self.syn_queue_is_full())
        {
            return Room::Cookie;
        }
        // Without cookies the last quarter is for hosts that are known to be alive, and here none
        // is: Linux remembers what it has measured of them.
        let most = profile.max_syn_backlog;
        let scarce = cookies == SynCookies::Off && most.saturating_sub(self.opening) < most / 4;
        if scarce || self.syn_queue_is_full() {
            return Room::No(Verdict::SynQueueFull);
        }
        Room::Yes
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
