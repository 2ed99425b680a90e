//! What roles need that are played outside, as the tasks of a world have it.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use twomsl_tcp::{Instant, SocketError, SocketId, SocketOptions};

use super::Network;
use crate::live::{Linger, Reached};
use crate::spec::{Condition, HostIndex, Urgent};

impl Network {
    /// The address under which one host speaks to another: the first of a family both have.
    pub fn remote_address(&self, from: HostIndex, to: HostIndex) -> IpAddr {
        self.plan.remote_address(from as u32, to as u32)
    }

    /// The own address of a host of the same family as `remote`.
    pub fn local_address(&self, host: HostIndex, remote: IpAddr) -> IpAddr {
        self.plan.local_address(host as u32, remote)
    }

    /// All addresses of a host, as a role listens on them.
    pub fn any_address(&self, host: HostIndex, port: u16) -> SocketAddr {
        self.plan.any_address(host as u32, port)
    }

    /// Writes the next octets of the pattern, at most `length` of them; how many that were.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_pattern(
        &mut self,
        now: Instant,
        host: HostIndex,
        socket: SocketId,
        length: u64,
        urgent: Urgent,
    ) -> Result<u64, SocketError> {
        self.advance_at(host, now);
        self.live.write_pattern(&self.plan, host as u32, socket, length, urgent)
    }

    /// OPEN, active, with text that may be in the SYN: see [`Stack::connect_with_text`](twomsl_tcp::Stack::connect_with_text).
    ///
    /// # Errors
    /// Those of [`Stack::connect_with_text`](twomsl_tcp::Stack::connect_with_text).
    pub fn connect_with_text(
        &mut self,
        now: Instant,
        host: HostIndex,
        (from, to): (Option<SocketAddr>, SocketAddr),
        options: &SocketOptions,
        text: &Bytes,
    ) -> Result<SocketId, SocketError> {
        let now = self.advance_at(host, now);
        let mut rest = text.clone();
        let stack = &mut self.live.hosts[host].stack;
        let made = stack.connect_with_text(now, from, to, Some(options), &mut rest);
        if let Ok(socket) = made {
            self.live.wrote(host as u32, socket, text.slice(..text.len() - rest.len()));
        }
        self.live.drain(&self.plan, host as u32);
        made
    }

    /// The time at a host, where the driver's clock shows `now`.
    pub fn time(&mut self, host: HostIndex, now: Instant) -> Instant {
        self.advance_at(host, now)
    }

    /// Says that what happens now at a host was due at `due`: a sleep of an application is over.
    pub fn was_due(&mut self, host: HostIndex, now: Instant, due: Instant) {
        if self.lead().is_some() {
            self.outside().hosts[host].clock.set(now, due);
        }
    }

    /// Says that an application waits in `close` until `SO_LINGER` is over: to be called before.
    pub fn linger(&mut self, host: HostIndex, socket: SocketId) {
        if let Some(slot) = self.live.slot(host as u32, socket) {
            slot.linger = Linger::On;
        }
    }

    /// Whether it still has to wait.
    pub fn lingers(&mut self, host: HostIndex, socket: SocketId) -> bool {
        self.live.slot(host as u32, socket).is_some_and(|slot| slot.linger == Linger::On)
    }

    /// A call begins to wait for a socket, and keeps it open until it [returns](Self::returns).
    pub fn waits(&mut self, host: HostIndex, socket: SocketId) {
        if let Some(slot) = self.live.slot(host as u32, socket) {
            slot.calls += 1;
        }
    }

    /// A call that waited has returned; a socket that was closed meanwhile is closed with the last.
    pub fn returns(&mut self, now: Instant, host: HostIndex, socket: SocketId) {
        self.advance_at(host, now);
        self.live.returns(&self.plan, host as u32, socket);
    }

    /// Puts off closing a socket until the calls that wait for it have returned; false if none does.
    pub fn closes_later(&mut self, host: HostIndex, socket: SocketId) -> bool {
        self.live.closes_later(host as u32, socket)
    }

    /// Whether the application has closed a socket that a call of it still keeps.
    pub fn is_closing(&mut self, host: HostIndex, socket: SocketId) -> bool {
        self.live.is_closing(host as u32, socket)
    }

    /// Why a socket failed for which calls waited.
    pub fn failed(&mut self, host: HostIndex, socket: SocketId) -> Option<SocketError> {
        self.live.slot(host as u32, socket)?.failed
    }

    /// Whether a condition that stands in the specification has come true.
    pub fn is_reached(&self, condition: &Condition) -> bool {
        let place = self.plan.conditions.iter().position(|known| known == condition);
        place.is_some_and(|place| self.live.conditions[place].reached == Reached::Yes)
    }
}
