//! The calls of applications.

use bytes::Bytes;
use twomsl_tcp::{Instant, Shutdown, SocketError, SocketId, Stack};

use super::{Network, Ready};
use crate::spec::{HostIndex, Urgent};

impl Network {
    /// The stack of a host, to look at.
    pub fn stack(&self, host: HostIndex) -> &Stack {
        &self.live.hosts[host].stack
    }

    /// Calls the stack of a host: for everything that neither moves text nor ends a direction,
    /// which the invariants have to know of.
    pub fn call<R>(
        &mut self,
        now: Instant,
        host: HostIndex,
        call: impl FnOnce(&mut Stack, Instant) -> R,
    ) -> R {
        let now = self.advance_at(host, now);
        let result = call(&mut self.live.hosts[host].stack, now);
        self.live.drain(&self.plan, host as u32);
        result
    }

    /// SEND: see [`Stack::send_bytes`].
    ///
    /// # Errors
    /// Those of [`Stack::send_bytes`].
    pub fn send(
        &mut self,
        now: Instant,
        host: HostIndex,
        socket: SocketId,
        text: &Bytes,
        urgent: Urgent,
    ) -> Result<u64, SocketError> {
        self.advance_at(host, now);
        self.live.write_text(&self.plan, host as u32, socket, text, urgent)
    }

    /// RECEIVE: see [`Stack::receive_pieces`].
    ///
    /// # Errors
    /// Those of [`Stack::receive_pieces`].
    pub fn receive(
        &mut self,
        now: Instant,
        host: HostIndex,
        socket: SocketId,
        limit: usize,
        keep: impl FnMut(Bytes),
    ) -> Result<u64, SocketError> {
        self.advance_at(host, now);
        self.live.receive(&self.plan, host as u32, socket, limit as u64, keep)
    }

    /// CLOSE for one direction, or both: see [`Stack::shutdown`].
    ///
    /// # Errors
    /// Those of [`Stack::shutdown`].
    pub fn shutdown(
        &mut self,
        now: Instant,
        host: HostIndex,
        socket: SocketId,
        how: Shutdown,
    ) -> Result<(), SocketError> {
        let now = self.advance_at(host, now);
        self.live.ends(host as u32, socket, how);
        let result = self.live.hosts[host].stack.shutdown(now, socket, how);
        self.live.drain(&self.plan, host as u32);
        result
    }

    /// Gives a socket back: see [`Stack::close`].
    ///
    /// # Errors
    /// Those of [`Stack::close`].
    pub fn close(
        &mut self,
        now: Instant,
        host: HostIndex,
        socket: SocketId,
    ) -> Result<(), SocketError> {
        self.give_back(now, host, socket, Stack::close)
    }

    /// Resets a connection and gives its socket back: see [`Stack::abort`].
    ///
    /// # Errors
    /// Those of [`Stack::abort`].
    pub fn abort(
        &mut self,
        now: Instant,
        host: HostIndex,
        socket: SocketId,
    ) -> Result<(), SocketError> {
        let result = self.give_back(now, host, socket, Stack::abort);
        if result.is_ok() {
            self.live.tells_of_abort(host as u32, socket);
        }
        result
    }

    /// The last call for a socket, of which the invariants have to know.
    fn give_back(
        &mut self,
        now: Instant,
        host: HostIndex,
        socket: SocketId,
        call: impl FnOnce(&mut Stack, Instant, SocketId) -> Result<(), SocketError>,
    ) -> Result<(), SocketError> {
        let now = self.advance_at(host, now);
        self.live.gives_back(host as u32, socket);
        let result = call(&mut self.live.hosts[host].stack, now, socket);
        self.live.drain(&self.plan, host as u32);
        result
    }

    /// Who can go on since this was last asked, in order.
    pub fn take_ready(&mut self) -> impl Iterator<Item = Ready> + '_ {
        self.outside().ready.drain(..)
    }
}
