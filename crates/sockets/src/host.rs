//! One start of a host's stack.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime;
use tokio::sync::Notify;
use turmoil::net::UdpSocket;
use twomsl_tcp::wire::{Body, Ecn, Flags, Icmp, IcmpKind, Packet, Quote};
use twomsl_tcp::{
    Event, Instant, Output, Profile, Shutdown, SocketError, SocketId, SocketOptions, Stack,
};

use crate::network::{HostRef, PORT};
use crate::ports::Ports;
use crate::transit::Transit;
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

/// The stack of a host, and what drives it.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) runtime: runtime::Id,
    pub(crate) stack: Stack,
    pub(crate) wakers: Wakers,
    pub(crate) ports: Ports,
    clock: Clock,
    line: Line,
    /// Its own address, once turmoil has told it.
    address: Option<IpAddr>,
    /// Its name, or the address as text.
    name: Option<String>,
    awaiting_address: Vec<Waker>,
    /// One tick of turmoil, as the datagram that told the address has measured it.
    pub(crate) tick: Option<Duration>,
    /// Packets to the host itself.
    inbox: VecDeque<Packet>,
    /// Sockets that were dropped: they are closed with the next call or by the driver. If there
    /// is neither, the host has crashed, and sends nothing.
    left: Vec<(SocketId, Left)>,
    /// When the driver wakes by itself.
    armed: Instant,
}

/// What connects a host to turmoil.
#[derive(Debug)]
enum Line {
    Up {
        datagrams: Arc<UdpSocket>,
        driver: Arc<Notify>,
    },
    /// It has crashed, or the simulation is over.
    Down,
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

/// A call of a stack.
pub(crate) struct Call<'a> {
    pub(crate) stack: &'a mut Stack,
    pub(crate) wakers: &'a mut Wakers,
    pub(crate) ports: &'a mut Ports,
    pub(crate) now: Instant,
}

impl Host {
    /// A host that starts at `now`, on the current runtime.
    pub(crate) fn new(
        runtime: runtime::Id,
        stack: Stack,
        now: Instant,
        datagrams: Arc<UdpSocket>,
        driver: Arc<Notify>,
    ) -> Self {
        let mut stack = stack;
        stack.add_address(IpAddr::V4(Ipv4Addr::LOCALHOST));
        stack.add_address(IpAddr::V6(Ipv6Addr::LOCALHOST));
        Self {
            runtime,
            stack,
            wakers: Wakers::default(),
            ports: Ports::default(),
            clock: Clock { started: now, runtime: tokio::time::Instant::now() },
            line: Line::Up { datagrams, driver },
            address: None,
            name: None,
            awaiting_address: Vec::new(),
            tick: None,
            inbox: VecDeque::new(),
            left: Vec::new(),
            armed: Instant::MAX,
        }
    }

    // ---- Life ----

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.line, Line::Up { .. })
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| "a host".into())
    }

    /// Whether calls are possible.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.is_up() { Ok(()) } else { Err(error::crashed(&self.name())) }
    }

    /// The runtime is going down, and takes all with it. What is returned has to be dropped
    /// where nothing is locked, and turmoil knows the host.
    pub(crate) fn crash(&mut self) -> impl Sized + use<> {
        let forgotten = Stack::new(self.stack.profile().clone(), [0; 16]);
        (
            std::mem::replace(&mut self.line, Line::Down),
            std::mem::replace(&mut self.stack, forgotten),
            std::mem::take(&mut self.wakers),
            std::mem::take(&mut self.inbox),
            std::mem::take(&mut self.awaiting_address),
        )
    }

    // ---- Time ----

    /// The time of the runtime one is on, which must be this host's.
    pub(crate) fn now(&self) -> Instant {
        self.clock.started + self.clock.runtime.elapsed()
    }

    /// The same moment on the runtime's clock.
    pub(crate) fn on_runtime(&self, at: Instant) -> tokio::time::Instant {
        self.clock.runtime + at.since(self.clock.started)
    }

    // ---- Address ----

    /// The host's own address, once it is known.
    pub(crate) fn poll_address(&mut self, cx: &Context<'_>) -> Poll<io::Result<IpAddr>> {
        match self.address {
            Some(address) => Poll::Ready(Ok(address)),
            None if !self.is_up() => Poll::Ready(Err(error::crashed(&self.name()))),
            None => {
                self.awaiting_address.push(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Turmoil has told the host's address, directly or by delivering a packet to it.
    pub(crate) fn learn_address(&mut self, address: IpAddr, woken: &mut Woken) {
        if self.address.is_some() || address.is_loopback() {
            return;
        }
        self.address = Some(address);
        let name = turmoil::reverse_lookup(address).unwrap_or_else(|| address.to_string());
        self.name = Some(name);
        self.take_address(address);
        woken.add(&mut self.awaiting_address);
    }

    /// Packets to this address are the host's.
    fn take_address(&mut self, address: IpAddr) {
        if !self.stack.addresses().contains(&address) {
            self.stack.add_address(address);
        }
    }

    /// The datagram to itself has come back.
    pub(crate) fn learn_tick(&mut self, now: Instant) {
        self.tick.get_or_insert(now.since(self.clock.started));
    }

    // ---- Sockets ----

    /// A task has dropped a socket, or a part of it.
    pub(crate) fn leave(&mut self, socket: SocketId, left: Left) {
        if let Line::Up { driver, .. } = &self.line {
            self.left.push((socket, left));
            driver.notify_one();
        }
    }

    /// Closes what was dropped. Connections go on as far as their options say.
    pub(crate) fn close_left(&mut self, now: Instant) {
        for (socket, left) in self.left.drain(..) {
            // Nobody is there to hear of an error, such as that it was over already.
            let _ = match left {
                Left::WriteHalf => self.stack.shutdown(now, socket, Shutdown::Write),
                Left::Socket => self.stack.close(now, socket),
            };
        }
    }

    /// Keeps an address and port for a socket that is bound and not used yet; with port 0 a free
    /// one. Which it is.
    ///
    /// # Errors
    /// `AddressInUse`, `AddressNotAvailable`.
    pub(crate) fn reserve(
        &mut self,
        addr: SocketAddr,
        options: &SocketOptions,
    ) -> Result<SocketAddr, SocketError> {
        if self.address.is_none() && !addr.ip().is_unspecified() {
            self.take_address(addr.ip());
        }
        let addr = self.ports.find(&self.stack, addr, options)?;
        self.ports.reserve(addr, options);
        Ok(addr)
    }

    /// The reverse of [`reserve`](Self::reserve).
    pub(crate) fn free(&mut self, addr: SocketAddr) {
        self.ports.free(addr);
    }

    // ---- Effects ----

    /// Sends and tells what the stack has put out.
    pub(crate) fn flush(
        &mut self,
        (network, transit): (u64, &mut Transit),
        now: Instant,
        woken: &mut Woken,
    ) {
        while let Some(output) = self.stack.poll() {
            match output {
                Output::Event(Event::Ready { socket, readiness }) => {
                    self.wakers.ready(socket, readiness, woken);
                }
                Output::Event(_) => {}
                Output::Transmit(transmit) => self.send((network, transit), now, transmit.packet),
            }
        }
    }

    /// A packet leaves the host, unless it is for the host itself.
    fn send(&mut self, (network, transit): (u64, &mut Transit), now: Instant, packet: Packet) {
        let Line::Up { datagrams, .. } = &self.line else { return };
        if self.stack.addresses().contains(&packet.dst) {
            return self.inbox.push_back(packet);
        }
        let to = SocketAddr::new(packet.dst, PORT);
        let number = transit.insert(now, packet);
        let datagram = (u128::from(network) << 64 | u128::from(number)).to_be_bytes();
        // Turmoil's only answer that is an error: it has no such host.
        if datagrams.try_send_to(&datagram, to).is_err()
            && let Some(packet) = transit.take(number)
        {
            self.inbox.extend(unreachable(&packet));
        }
    }

    /// Wakes the driver when there is something for it before it would look by itself.
    pub(crate) fn kick(&mut self) {
        let due = self.stack.next_timeout().is_some_and(|at| at < self.armed);
        if (due || !self.inbox.is_empty())
            && let Line::Up { driver, .. } = &self.line
        {
            driver.notify_one();
        }
    }

    // ---- The driver's part ----

    /// Takes packets that the host has sent to itself, and runs timers that are due; returns when
    /// that has to be done next.
    pub(crate) fn turn(
        &mut self,
        (network, transit): (u64, &mut Transit),
        now: Instant,
        woken: &mut Woken,
    ) -> Option<Instant> {
        self.close_left(now);
        if self.stack.next_timeout().is_some_and(|at| at <= now) {
            self.stack.on_timeout(now);
        }
        self.flush((network, transit), now, woken);
        while let Some(mut packet) = self.inbox.pop_front() {
            self.stack.on_packet_in_place(now, &mut packet);
            self.flush((network, transit), now, woken);
        }
        let next = self.stack.next_timeout();
        self.armed = next.unwrap_or(Instant::MAX);
        next
    }
}

/// What a host's IP layer answers about a packet for which it has no route (RFC 9293 §3.9.2.2).
fn unreachable(packet: &Packet) -> Option<Packet> {
    let segment = packet.segment()?;
    // An error about a reset would be an answer to an answer (RFC 1122 §3.2.2).
    if segment.flags.contains(Flags::RST) {
        return None;
    }
    let quote = Quote {
        src: packet.src,
        dst: packet.dst,
        src_port: segment.src_port,
        dst_port: segment.dst_port,
        seq: segment.seq,
    };
    Some(Packet {
        src: packet.src,
        dst: packet.src,
        hop_limit: Packet::DEFAULT_HOP_LIMIT,
        ecn: Ecn::NotEct,
        body: Body::Icmp(Icmp { kind: IcmpKind::HostUnreachable, quote }),
    })
}

impl HostRef {
    /// What sockets of this host start with.
    pub(crate) fn default_options(&self) -> SocketOptions {
        self.with(|host| host.stack.profile().options.clone())
    }

    /// The host's own address: at the start of a host it takes a tick to learn it.
    pub(crate) async fn address(&self) -> io::Result<IpAddr> {
        std::future::poll_fn(|cx| self.with(|host| host.poll_address(cx))).await
    }
}
