//! A host, and one life of it.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use turmoil::net::UdpSocket;
use twomsl_sim::Network;
use twomsl_sim::spec::{HostIndex, Urgent};
use twomsl_tcp::{
    Instant, Profile, Readiness, Shutdown, SocketError, SocketId, SocketOption, SocketOptions,
    Stack,
};

use crate::calls::{Calls, TaskNumbers};
use crate::ports::Ports;
use crate::simulation::HostRef;
use crate::wakers::{Wakers, Woken};
use crate::{error, registry};

/// Starts the stack of the current host with this profile. Without it the first socket call of a
/// host starts one with [`Profile::linux`].
///
/// A host whose stack has not started answers nothing, as a machine that is still booting: a
/// client's SYN is repeated, not refused.
///
/// # Errors
/// `AlreadyExists` when the host's stack was started before; outside a simulation; `AddrInUse`
/// when the application has UDP port [`PORT`](crate::PORT).
pub fn start(profile: Profile) -> io::Result<()> {
    registry::start(profile)
}

/// A host of the simulation.
#[derive(Debug, Default)]
pub(crate) struct Host {
    /// None before its stack has started, and after a crash.
    life: Option<Life>,
    /// Where turmoil has it.
    pub(crate) address: Option<IpAddr>,
    /// How often its stack was started.
    starts: u32,
    /// Why its life is over, if it did not crash.
    failure: Option<&'static str>,
}

/// One life of a host: from the start of its stack to a crash.
#[derive(Debug)]
pub(crate) struct Life {
    runtime: Handle,
    clock: Clock,
    datagrams: Arc<UdpSocket>,
    driver: Arc<Notify>,
    pub(crate) wakers: Wakers,
    pub(crate) ports: Ports,
    /// What was dropped: it is closed with the next call or by the driver. If there is neither,
    /// the host has crashed, and sends nothing. With the task that dropped it.
    left: Vec<(SocketId, Left, Option<tokio::task::Id>)>,
    /// When the driver wakes by itself. Zero when it is about to look.
    armed: Instant,
    pub(crate) tasks: TaskNumbers,
}

/// What of a socket was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Its writing half.
    WriteHalf,
    /// All of it.
    Socket,
}

/// A host's time in terms of its runtime's.
#[derive(Clone, Copy, Debug)]
struct Clock {
    started: Instant,
    runtime: tokio::time::Instant,
}

// ---- Life and death ----

impl Host {
    pub(crate) fn is_up(&self) -> bool {
        self.life.is_some()
    }

    pub(crate) fn is_life(&self, runtime: runtime::Id) -> bool {
        self.life.as_ref().is_some_and(|life| life.runtime.id() == runtime)
    }

    /// The life of a runtime, if it is the present one.
    pub(crate) fn life(&mut self, runtime: runtime::Id) -> Option<&mut Life> {
        self.life.as_mut().filter(|life| life.runtime.id() == runtime)
    }

    /// The time of its life, asked from anywhere.
    pub(crate) fn time(&self) -> Option<Instant> {
        let life = self.life.as_ref()?;
        // Time is that of the runtime one is on.
        let _on_its_runtime = life.runtime.enter();
        Some(life.now())
    }

    /// The same if its life is that of the runtime one is on.
    pub(crate) fn time_on(&self, runtime: runtime::Id) -> Option<Instant> {
        self.life.as_ref().filter(|life| life.runtime.id() == runtime).map(Life::now)
    }

    /// A life begins; whether it is the first.
    pub(crate) fn begin(&mut self, address: IpAddr, life: Life) -> bool {
        self.address = Some(address);
        self.life = Some(life);
        self.failure = None;
        self.starts += 1;
        self.starts == 1
    }

    /// The runtime is going down, and takes all with it. What is returned has to be dropped
    /// where nothing is locked, and turmoil knows the host.
    pub(crate) fn crash(&mut self) -> Option<Life> {
        self.life.take()
    }

    /// It cannot go on: whoever waits for one of its sockets is to be woken, and told why. What is
    /// returned has to be dropped as after a [`crash`](Self::crash).
    pub(crate) fn end(&mut self, why: &'static str, woken: &mut Woken) -> Option<Life> {
        self.failure = Some(why);
        let mut life = self.life.take()?;
        life.wakers.all(woken);
        Some(life)
    }

    /// What calls for a life that is over are told.
    pub(crate) fn why_over(&self, name: &str) -> io::Error {
        self.failure.map_or_else(|| error::crashed(name), io::Error::other)
    }

    // ---- Effects ----

    /// What it sends through, while it lives.
    pub(crate) fn datagrams(&self) -> Option<&UdpSocket> {
        self.life.as_ref().map(|life| &*life.datagrams)
    }

    /// Somebody who waits for a socket can go on.
    pub(crate) fn wake(&mut self, socket: SocketId, readiness: Readiness, woken: &mut Woken) {
        if let Some(life) = &mut self.life {
            life.wakers.ready(socket, readiness, woken);
        }
    }

    /// Everybody who waits is to look again.
    pub(crate) fn wake_all(&mut self, woken: &mut Woken) {
        if let Some(life) = &mut self.life {
            life.wakers.all(woken);
        }
    }

    /// Wakes the driver when there is something for it before it would look by itself.
    pub(crate) fn kick(&mut self, due: Option<Instant>) {
        if let (Some(life), Some(due)) = (&mut self.life, due) {
            life.kick(due);
        }
    }
}

impl Life {
    /// A life that begins at `now`, on the current runtime.
    pub(crate) fn new(
        runtime: Handle,
        now: Instant,
        datagrams: Arc<UdpSocket>,
        driver: Arc<Notify>,
    ) -> Self {
        Self {
            runtime,
            clock: Clock { started: now, runtime: tokio::time::Instant::now() },
            datagrams,
            driver,
            wakers: Wakers::default(),
            ports: Ports::default(),
            left: Vec::new(),
            armed: Instant::MAX,
            tasks: TaskNumbers::default(),
        }
    }

    /// The hosts' clocks begin with zero so long after the simulation's.
    pub(crate) fn begin_later(&mut self, offset: Duration) {
        let passed = self.clock.started.since(Instant::ZERO);
        self.clock.runtime += offset.saturating_sub(passed);
        self.clock.started = Instant::ZERO + passed.saturating_sub(offset);
    }

    /// The time of the runtime one is on, which must be this life's.
    pub(crate) fn now(&self) -> Instant {
        self.clock.started + self.clock.runtime.elapsed()
    }

    /// The driver sleeps until this moment; when that is on the runtime's clock.
    pub(crate) fn arm(&mut self, due: Option<Instant>) -> Option<tokio::time::Instant> {
        self.armed = due.unwrap_or(Instant::MAX);
        due.map(|at| self.clock.runtime + at.since(self.clock.started))
    }

    /// Wakes the driver for something that is due before it would look by itself.
    fn kick(&mut self, due: Instant) {
        if due < self.armed {
            self.armed = Instant::ZERO;
            self.driver.notify_one();
        }
    }

    /// The driver is about to look: it need not be woken.
    pub(crate) fn look_soon(&mut self) {
        self.armed = Instant::ZERO;
    }

    /// A task has dropped a socket, or a part of it.
    pub(crate) fn leave(&mut self, socket: SocketId, left: Left) {
        self.left.push((socket, left, tokio::task::try_id()));
        self.kick(Instant::ZERO);
    }

    /// Closes what was dropped. Connections go on as far as their options say.
    pub(crate) fn close_left(
        &mut self,
        network: &mut Network,
        host: HostIndex,
        now: Instant,
        calls: Calls,
    ) {
        for (socket, left, task) in self.left.drain(..) {
            if calls.are_written(network) {
                let call = match left {
                    Left::WriteHalf => "shutdown(write)",
                    Left::Socket => "close()",
                };
                let task = self.tasks.of(task);
                network.called(now, host, task, Some(socket), call.to_owned());
            }
            // Nobody is there to hear of an error, such as that it was over already.
            let _ = match left {
                Left::WriteHalf => network.shutdown(now, host, socket, Shutdown::Write),
                Left::Socket => network.close(now, host, socket),
            };
        }
    }
}

// ---- Calls ----

/// A call of a stack.
pub(crate) struct Call<'a> {
    pub(crate) network: &'a mut Network,
    pub(crate) host: HostIndex,
    pub(crate) wakers: &'a mut Wakers,
    pub(crate) ports: &'a mut Ports,
    pub(crate) tasks: &'a mut TaskNumbers,
    pub(crate) calls: Calls,
    pub(crate) now: Instant,
}

impl Call<'_> {
    /// The stack, to look at.
    pub(crate) fn look(&self) -> &Stack {
        self.network.stack(self.host)
    }

    /// The stack, to work with.
    pub(crate) fn stack<R>(&mut self, call: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        self.network.call(self.now, self.host, call)
    }

    pub(crate) fn receive(
        &mut self,
        socket: SocketId,
        limit: usize,
        keep: impl FnMut(Bytes),
    ) -> Result<usize, SocketError> {
        let read = self.network.receive(self.now, self.host, socket, limit, keep);
        if limit > 0 && read != Err(SocketError::WouldBlock) {
            self.returned(Some(socket), "read", read.map(Some));
        }
        read.map(|octets| octets as usize)
    }

    pub(crate) fn send(&mut self, socket: SocketId, text: &[u8]) -> Result<usize, SocketError> {
        // What does not fit need not be copied; one octet more tells that something did not.
        let room = self.look().send_room(socket);
        self.send_bytes(socket, &Bytes::copy_from_slice(&text[..text.len().min(room + 1)]))
    }

    pub(crate) fn send_bytes(
        &mut self,
        socket: SocketId,
        text: &Bytes,
    ) -> Result<usize, SocketError> {
        // A call that would have to wait is not told: it is made again when it need not.
        let octets = self.look().send_room(socket).min(text.len());
        if octets > 0 {
            self.called(Some(socket), |_| format!("write({octets})"));
        }
        let sent = self.network.send(self.now, self.host, socket, text, Urgent::No);
        if let Err(error) = sent
            && error != SocketError::WouldBlock
        {
            self.returned(Some(socket), "write", Err(error));
        }
        sent.map(|octets| octets as usize)
    }

    pub(crate) fn shut_down_writing(&mut self, socket: SocketId) -> Result<(), SocketError> {
        self.called(Some(socket), |_| "shutdown(write)".into());
        self.network.shutdown(self.now, self.host, socket, Shutdown::Write)
    }

    pub(crate) fn set_option(
        &mut self,
        socket: SocketId,
        option: SocketOption,
    ) -> Result<(), SocketError> {
        self.stack(|stack, now| stack.set_option(now, socket, option))
    }
}

impl HostRef {
    /// What sockets of this host start with.
    pub(crate) fn default_options(&self) -> SocketOptions {
        self.simulation.lock().network.stack(self.index).profile().options.clone()
    }
}
