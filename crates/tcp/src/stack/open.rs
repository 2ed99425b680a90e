//! OPEN, passive and active (RFC 9293 §3.10.1).

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::net::{IpAddr, SocketAddr};

use twomsl_wire::SeqNum;

use super::Stack;
use super::isn::{initial_sequence, keyed_destination};
use super::listener::Listener;
use super::slots::Slot;
use super::time_wait::TimeWait;
use crate::connection::{Connection, Timestamps};
use crate::event::{Cause, Event, SocketId, StateChange};
use crate::profile::Offer;
use crate::tuple::{Tuple, is_host};
use crate::{Holder, Instant, SocketError, SocketOptions, TcpState};

impl Stack {
    /// Passive OPEN: waits for connections to `local`, whose address (MUST-43) may be unspecified for
    /// all addresses of this host. A listener is a socket of its own (MUST-41). `backlog` connections may wait to be accepted. Without `options`
    /// the profile's are used.
    ///
    /// # Errors
    /// `InvalidArgument` for port 0, `AddressNotAvailable` for an address that is not ours,
    /// `AddressInUse` when somebody listens there already, or when connections of that port still
    /// exist, TIME-WAIT included, and `SO_REUSEADDR` is off.
    pub fn listen(
        &mut self,
        now: Instant,
        local: SocketAddr,
        backlog: u32,
        options: Option<&SocketOptions>,
    ) -> Result<SocketId, SocketError> {
        let options = self.share(options);
        let address = self.check_local(local, &options)?;
        let listener = Listener {
            port: local.port(),
            address,
            since: now,
            options,
            backlog: backlog.min(self.profile.max_backlog),
            opening: 0,
            opening_fast: 0,
            overflowed: None,
            established: VecDeque::new(),
        };
        let socket = self.slots.insert_listener(listener);
        self.listeners.insert(local.port(), address, socket);
        self.out.event(Event::State(StateChange {
            socket,
            from: TcpState::Closed,
            to: TcpState::Listen,
            cause: Cause::Listen,
        }));
        Ok(socket)
    }

    /// What `bind` checks: whether [`listen`](Self::listen) would find this local end free.
    ///
    /// # Errors
    /// Those of [`listen`](Self::listen).
    pub fn check_bind(
        &self,
        local: SocketAddr,
        options: &SocketOptions,
    ) -> Result<(), SocketError> {
        self.check_local(local, options).map(drop)
    }

    /// The address to listen on; `None` for all. `SO_REUSEADDR` says that connections of the port do
    /// not matter, in whatever state (MUST-42).
    fn check_local(
        &self,
        local: SocketAddr,
        options: &SocketOptions,
    ) -> Result<Option<IpAddr>, SocketError> {
        let address = (!local.ip().is_unspecified()).then_some(local.ip());
        if local.port() == 0 {
            return Err(SocketError::InvalidArgument);
        }
        if address.is_some_and(|address| !self.addresses.contains(&address)) {
            return Err(SocketError::AddressNotAvailable);
        }
        let taken = self.listeners.is_in_the_way(address, local.port());
        if taken || (self.ports.is_used(local.port()) && !options.reuse_address) {
            return Err(SocketError::AddressInUse);
        }
        Ok(address)
    }

    /// Active OPEN: sends a SYN to `remote`. Without `local`, or with port 0 in it, an ephemeral
    /// port is taken. Without `options` the profile's are used.
    ///
    /// # Errors
    /// `InvalidArgument` for port 0 or an address that names no single host (unspecified,
    /// broadcast, multicast: MUST-46), `AddressNotAvailable` without an address of that family or
    /// without a free ephemeral port, `AddressInUse` when the 4-tuple exists, TIME-WAIT included
    /// unless the profile's `connect_reuse` lets it be taken over.
    pub fn connect(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        options: Option<&SocketOptions>,
    ) -> Result<SocketId, SocketError> {
        let socket = self.begin_active(now, local, remote, options)?;
        self.with_connection(now, socket, Connection::open)?;
        Ok(socket)
    }

    /// Socket options to keep: those of the profile are shared by all who have no others.
    fn share(&self, options: Option<&SocketOptions>) -> Arc<SocketOptions> {
        match options {
            Some(options) if *options != *self.options => Arc::new(options.clone()),
            _ => Arc::clone(&self.options),
        }
    }

    /// A connection of an application that has not sent its SYN yet.
    pub(super) fn begin_active(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        options: Option<&SocketOptions>,
    ) -> Result<SocketId, SocketError> {
        let tuple = self.new_tuple(now, local, remote)?;
        let options = self.share(options);
        let (iss, clock) = self.beginning(now, &tuple);
        let holder = Holder::Application;
        let connection = Connection::new(now, tuple, iss, clock, options, holder, &self.profile);
        Ok(self.link(connection))
    }

    /// OPEN or SEND on a listening socket, with the remote end that it lacked: "change the
    /// connection from passive to active" (RFC 9293 §3.10.1, §3.10.2). The socket keeps its name;
    /// its queues are given up.
    ///
    /// # Errors
    /// `AlreadyConnected` ("connection already exists") for anything but a listener, and those of
    /// [`connect`](Self::connect).
    pub fn connect_listener(
        &mut self,
        now: Instant,
        socket: SocketId,
        remote: SocketAddr,
    ) -> Result<(), SocketError> {
        let listener = match self.slots.get(socket) {
            Some(Slot::Listener(listener)) => listener,
            Some(_) => return Err(SocketError::AlreadyConnected),
            None => return Err(SocketError::BadSocket),
        };
        let (options, key) = (listener.options.clone(), (listener.port, listener.address));
        let tuple = self.new_tuple(
            now,
            Some(SocketAddr::new(self.source_for(key.1, remote)?, key.0)),
            remote,
        )?;
        self.abandon_queue(now, socket);
        self.listeners.remove(key.0, key.1);
        let (iss, clock) = self.beginning(now, &tuple);
        let holder = Holder::Application;
        let mut connection =
            Connection::new(now, tuple, iss, clock, options, holder, &self.profile);
        self.paths.tell(now, &mut connection);
        connection.begin_in_listen();
        self.ports.take(&tuple);
        self.name(&tuple, socket);
        let connection = self.slots.boxed(connection);
        if let Some(slot) = self.slots.get_mut(socket) {
            *slot = Slot::Connection(connection);
        }
        self.with_connection(now, socket, Connection::open)
    }

    /// The timestamp clock for a pair of addresses (RFC 7323 §7.1): monotonic over all connections
    /// between them, which PAWS needs across incarnations, and a stranger's business to nobody
    /// else (Linux' `secure_tcp_ts_off`).
    pub(super) fn timestamp_clock(&self, tuple: &Tuple) -> Timestamps {
        if self.profile.timestamps == Offer::No {
            return Timestamps::new(0);
        }
        let both = SocketAddr::new(tuple.remote_addr, 0);
        Timestamps::new(keyed_destination(&self.secret, tuple.local_addr, both) as u32)
    }

    /// The address to speak from: what was asked for (MUST-43), or one of the right family (MUST-44).
    fn source_for(&self, local: Option<IpAddr>, remote: SocketAddr) -> Result<IpAddr, SocketError> {
        let wanted = local.filter(|address| !address.is_unspecified());
        self.addresses
            .iter()
            .copied()
            .find(|ours| {
                ours.is_ipv4() == remote.is_ipv4() && wanted.is_none_or(|wanted| wanted == *ours)
            })
            .ok_or(SocketError::AddressNotAvailable)
    }

    /// The ISS and the timestamps of a connection that is opened here. If its 4-tuple is in
    /// TIME-WAIT, that ends.
    fn beginning(&mut self, now: Instant, tuple: &Tuple) -> (SeqNum, Timestamps) {
        let old = self.connections.get(tuple);
        let record = old.and_then(|old| self.slots.time_wait(old));
        if let Some((old, successor)) = old.zip(record.and_then(TimeWait::successor)) {
            self.end_time_wait(now, old, Cause::Reuse);
            return successor;
        }
        let iss = initial_sequence(now, tuple, &self.secret, &self.profile);
        (iss, self.timestamp_clock(tuple))
    }

    fn new_tuple(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<Tuple, SocketError> {
        if remote.port() == 0 || !is_host(remote.ip()) {
            return Err(SocketError::InvalidArgument);
        }
        let local_addr = self.source_for(local.map(|local| local.ip()), remote)?;
        let (remote_addr, remote_port) = (remote.ip(), remote.port());
        let local_port = local.map_or(0, |local| local.port());
        if local_port == 0 {
            let local_port = self.ephemeral_port(now, local_addr, remote)?;
            return Ok(Tuple { local_addr, remote_addr, local_port, remote_port });
        }
        let tuple = Tuple { local_addr, remote_addr, local_port, remote_port };
        let taken_over = |record: &TimeWait| record.is_ripe_for_bound(&self.profile);
        match self.connections.get(&tuple) {
            Some(old) if !self.slots.time_wait(old).is_some_and(taken_over) => {
                Err(SocketError::AddressInUse)
            }
            _ => Ok(tuple),
        }
    }
}
