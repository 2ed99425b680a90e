//! One host's TCP.
#![expect(unused, reason = "interface first")]
#![expect(clippy::todo, clippy::unused_self, missing_docs, reason = "interface first")]

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use twomsl_wire::Packet;

use crate::{
    Arrival, Instant, Output, Profile, SocketError, SocketId, SocketOption, SocketOptions, Status,
    TimerKind,
};

/// Which direction `shutdown` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// No more reading. Nothing is sent.
    Read,
    /// No more writing: CLOSE of RFC 9293 §3.10.4. A FIN follows what was written.
    Write,
    /// Both.
    Both,
}

/// One host's TCP: all its sockets, its demultiplexer, its timers.
#[derive(Clone, Debug)]
pub struct Stack {
    profile: Profile,
    addresses: Vec<IpAddr>,
}

impl Stack {
    /// A stack without addresses. The `secret` is what makes its initial sequence numbers
    /// (RFC 6528) and ports (RFC 6056) its own.
    pub fn new(profile: Profile, secret: [u8; 16]) -> Self {
        Self { profile, addresses: Vec::new() }
    }
    pub fn add_address(&mut self, address: IpAddr) {}
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }
    pub fn profile(&self) -> &Profile {
        &self.profile
    }
    /// Whether [`Event::Timer`](crate::Event::Timer) is put out. Off at first.
    pub fn observe(&mut self, on: bool) {}

    // ---- user calls ----

    /// Passive OPEN. `local` may have an unspecified address: then it listens on all.
    /// `options` None means the profile's.
    pub fn listen(
        &mut self,
        now: Instant,
        local: SocketAddr,
        backlog: u32,
        options: Option<&SocketOptions>,
    ) -> Result<SocketId, SocketError> {
        todo!()
    }
    /// Active OPEN. `local` None: any address, ephemeral port; port 0: ephemeral port.
    pub fn connect(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        options: Option<&SocketOptions>,
    ) -> Result<SocketId, SocketError> {
        todo!()
    }
    /// The next established connection of a listener; `WouldBlock` when there is none.
    pub fn accept(&mut self, now: Instant, listener: SocketId) -> Result<SocketId, SocketError> {
        todo!()
    }
    /// SEND: copies as much of `text` as the send buffer has room for; `WouldBlock` when it has none
    /// or before the connection is established (SYN-SENT/SYN-RECEIVED queue it, as the RFC says, if there is room).
    pub fn send(
        &mut self,
        now: Instant,
        socket: SocketId,
        text: &[u8],
    ) -> Result<usize, SocketError> {
        todo!()
    }
    /// SEND without a copy: takes as much from the front of `text` as there is room for.
    pub fn send_bytes(
        &mut self,
        now: Instant,
        socket: SocketId,
        text: &mut Bytes,
    ) -> Result<usize, SocketError> {
        todo!()
    }
    /// SEND with the urgent flag: the last octet of `text` is urgent.
    pub fn send_urgent(
        &mut self,
        now: Instant,
        socket: SocketId,
        text: &[u8],
    ) -> Result<usize, SocketError> {
        todo!()
    }
    /// RECEIVE: 0 at the end of the file; `WouldBlock` when there is nothing yet.
    pub fn receive(
        &mut self,
        now: Instant,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> Result<usize, SocketError> {
        todo!()
    }
    /// RECEIVE without a copy: at most `limit` octets, empty at the end of the file. May return less than is buffered.
    pub fn receive_bytes(
        &mut self,
        now: Instant,
        socket: SocketId,
        limit: usize,
    ) -> Result<Bytes, SocketError> {
        todo!()
    }
    /// CLOSE of RFC 9293, for one direction; the handle stays valid.
    pub fn shutdown(
        &mut self,
        now: Instant,
        socket: SocketId,
        how: Shutdown,
    ) -> Result<(), SocketError> {
        todo!()
    }
    /// `close(2)`: shuts down and gives the handle back; the connection lives on as an orphan.
    /// Unread text, or `SO_LINGER` with zero, resets. With another `SO_LINGER` time the handle
    /// gets `Readiness::LingerOver` when the application may go on.
    pub fn close(&mut self, now: Instant, socket: SocketId) -> Result<(), SocketError> {
        todo!()
    }
    /// ABORT: a reset, and the handle is given back.
    pub fn abort(&mut self, now: Instant, socket: SocketId) -> Result<(), SocketError> {
        todo!()
    }
    pub fn set_option(
        &mut self,
        now: Instant,
        socket: SocketId,
        option: SocketOption,
    ) -> Result<(), SocketError> {
        todo!()
    }
    /// STATUS. Works for orphans and TIME-WAIT as long as they exist.
    pub fn status(&self, socket: SocketId) -> Result<Status, SocketError> {
        todo!()
    }
    /// All sockets in the order of their slots.
    pub fn sockets(&self) -> impl Iterator<Item = Status> + '_ {
        core::iter::empty()
    }
    /// `SO_ERROR`: the pending error, taken.
    pub fn take_error(&mut self, socket: SocketId) -> Option<SocketError> {
        None
    }

    // ---- events ----

    pub fn on_packet(&mut self, now: Instant, packet: Packet) -> Arrival {
        todo!()
    }
    /// Runs every timer that is due.
    pub fn on_timeout(&mut self, now: Instant) {}

    // ---- effects ----

    pub fn poll(&mut self) -> Option<Output> {
        None
    }
    /// The exact next moment at which [`on_timeout`](Self::on_timeout) has something to do. O(1).
    pub fn next_deadline(&self) -> Option<(Instant, TimerKind)> {
        None
    }
    /// Feeds everything that can influence the future into `hasher`, times relative to `now`.
    pub fn fingerprint(&self, now: Instant, hasher: &mut impl core::hash::Hasher) {}
}
