//! `tokio::net::TcpSocket`.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use twomsl_tcp::{SocketOption, SocketOptions};

use super::listener::TcpListener;
use super::stream::TcpStream;
use crate::error::{socket_error, unsupported};
use crate::registry;
use crate::simulation::HostRef;

/// A socket that neither listens nor is connected yet, to set options before it does.
pub struct TcpSocket {
    host: HostRef,
    /// `0.0.0.0` or `::`: its family.
    any: IpAddr,
    settings: Mutex<Settings>,
}

/// What becomes of a listener or a stream.
#[derive(Clone, Debug)]
struct Settings {
    /// Where it is bound. The port is reserved on the host until the socket is used or dropped.
    bound: Option<SocketAddr>,
    options: SocketOptions,
}

impl TcpSocket {
    /// A socket for IPv4.
    ///
    /// # Errors
    /// Outside a simulation.
    pub fn new_v4() -> io::Result<Self> {
        Self::new(super::ANY_V4)
    }

    /// A socket for IPv6.
    ///
    /// # Errors
    /// Outside a simulation.
    pub fn new_v6() -> io::Result<Self> {
        Self::new(super::ANY_V6)
    }

    fn new(any: IpAddr) -> io::Result<Self> {
        let host = registry::here()?;
        let options = host.default_options();
        Ok(Self { host, any, settings: Mutex::new(Settings { bound: None, options }) })
    }

    /// There are no sockets of the operating system in a simulation.
    ///
    /// # Panics
    /// Always: tokio's signature has no room for an error.
    pub fn from_std_stream(_: std::net::TcpStream) -> Self {
        panic!("a stream of the standard library cannot become a socket inside a simulation")
    }

    // ---- Use ----

    /// Takes a local address and port; with port 0 a free one.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable` for an address of another host, `InvalidInput` when it is
    /// bound already or the family is the other one, bad use.
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        let mut settings = self.settings();
        if settings.bound.is_some() || addr.is_ipv4() != self.any.is_ipv4() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let options = settings.options.clone();
        let bound = self.host.enter(|call| {
            let bound = call.ports.find(call.network.stack(call.host), addr, &options)?;
            call.ports.reserve(bound, &options);
            Ok(bound)
        })?;
        settings.bound = Some(bound.map_err(socket_error)?);
        Ok(())
    }

    /// Connects, from where it is bound.
    ///
    /// # Errors
    /// Those of [`TcpStream::connect`], `AddrInUse` when the same two ends are connected, or in
    /// TIME-WAIT, and `InvalidInput` for an address of the other family.
    pub async fn connect(self, addr: SocketAddr) -> io::Result<TcpStream> {
        if addr.is_ipv4() != self.any.is_ipv4() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let Settings { bound, options } = self.settings().clone();
        // The reservation ends with `self`, when the connection has the port.
        TcpStream::connect_from(&self.host, bound, addr, &options).await
    }

    /// Listens where it is bound, or else on a free port of all addresses. So many connections may
    /// wait to be accepted.
    ///
    /// # Errors
    /// `AddrInUse` when somebody listens there, or when connections of that port still exist
    /// (TIME-WAIT included) and `SO_REUSEADDR` is off; bad use.
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        let Settings { bound, options } = self.settings().clone();
        let addr = bound.unwrap_or(SocketAddr::new(self.any, 0));
        self.give_up();
        TcpListener::listen(&self.host, addr, backlog, &options)
    }

    /// Where it is bound; unspecified before it is.
    ///
    /// # Errors
    /// None.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.settings().bound.unwrap_or(SocketAddr::new(self.any, 0)))
    }

    /// `SO_ERROR`: there is none before there is a connection.
    ///
    /// # Errors
    /// None.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(None)
    }

    // ---- Options ----

    /// Sets `SO_KEEPALIVE`. Its times are [`SocketOption::KeepIdle`] and its like, for
    /// [`set_option`](Self::set_option).
    ///
    /// # Errors
    /// None.
    pub fn set_keepalive(&self, keepalive: bool) -> io::Result<()> {
        self.set_option(SocketOption::KeepAlive(keepalive))
    }

    /// `SO_KEEPALIVE`.
    ///
    /// # Errors
    /// None.
    pub fn keepalive(&self) -> io::Result<bool> {
        Ok(self.settings().options.keep_alive)
    }

    /// Sets `SO_REUSEADDR`: listening while connections of the port still exist. Set it before
    /// `bind`.
    ///
    /// # Errors
    /// None.
    pub fn set_reuseaddr(&self, reuseaddr: bool) -> io::Result<()> {
        self.set_option(SocketOption::ReuseAddress(reuseaddr))
    }

    /// `SO_REUSEADDR`.
    ///
    /// # Errors
    /// None.
    pub fn reuseaddr(&self) -> io::Result<bool> {
        Ok(self.settings().options.reuse_address)
    }

    /// `SO_REUSEPORT` cannot be set: a port has one listener here.
    ///
    /// # Errors
    /// `Unsupported` when it is to be on.
    pub fn set_reuseport(&self, reuseport: bool) -> io::Result<()> {
        if reuseport { Err(unsupported("SO_REUSEPORT")) } else { Ok(()) }
    }

    /// `SO_REUSEPORT`: off.
    ///
    /// # Errors
    /// None.
    pub fn reuseport(&self) -> io::Result<bool> {
        Ok(false)
    }

    /// Sets `SO_SNDBUF`, in octets of text.
    ///
    /// # Errors
    /// None.
    pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
        self.set_option(SocketOption::SendBuffer(size))
    }

    /// `SO_SNDBUF`. As it was set: Linux would double it.
    ///
    /// # Errors
    /// None.
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        Ok(self.settings().options.send_buffer)
    }

    /// Sets `SO_RCVBUF`, in octets of text.
    ///
    /// # Errors
    /// None.
    pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
        self.set_option(SocketOption::ReceiveBuffer(size))
    }

    /// `SO_RCVBUF`. As it was set: Linux would double it.
    ///
    /// # Errors
    /// None.
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        Ok(self.settings().options.receive_buffer)
    }

    /// Sets `SO_LINGER`; see [`TcpStream::set_linger`].
    ///
    /// # Errors
    /// None.
    pub fn set_linger(&self, dur: Option<Duration>) -> io::Result<()> {
        self.set_option(SocketOption::Linger(dur))
    }

    /// Sets `SO_LINGER` of no time: dropping the stream resets the connection.
    ///
    /// # Errors
    /// None.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// `SO_LINGER`.
    ///
    /// # Errors
    /// None.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(self.settings().options.linger)
    }

    /// Sets `TCP_NODELAY`.
    ///
    /// # Errors
    /// None.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.set_option(SocketOption::NoDelay(nodelay))
    }

    /// `TCP_NODELAY`.
    ///
    /// # Errors
    /// None.
    pub fn nodelay(&self) -> io::Result<bool> {
        Ok(self.settings().options.no_delay)
    }

    /// Any option of the stack; tokio leaves the times of keepalive, `TCP_USER_TIMEOUT` and
    /// `TCP_MAXSEG` to the crate `socket2`.
    ///
    /// # Errors
    /// None: what makes no sense is refused by `connect` and `listen`.
    pub fn set_option(&self, option: SocketOption) -> io::Result<()> {
        self.settings().options.set(option);
        Ok(())
    }

    /// `IP_TOS`: the DiffServ codepoint of the packets, in the high six bits.
    ///
    /// # Errors
    /// None.
    pub fn tos_v4(&self) -> io::Result<u32> {
        Ok(self.settings().options.traffic_class.into())
    }

    /// The same.
    ///
    /// # Errors
    /// None.
    #[deprecated(note = "as in tokio: use `tos_v4`")]
    pub fn tos(&self) -> io::Result<u32> {
        self.tos_v4()
    }

    /// Sets [`tos_v4`](Self::tos_v4). As on Linux one octet counts, and its two low bits, which are
    /// ECN's, stay 0.
    ///
    /// # Errors
    /// None.
    pub fn set_tos_v4(&self, tos: u32) -> io::Result<()> {
        self.set_option(SocketOption::TrafficClass(tos as u8))
    }

    /// The same.
    ///
    /// # Errors
    /// None.
    #[deprecated(note = "as in tokio: use `set_tos_v4`")]
    pub fn set_tos(&self, tos: u32) -> io::Result<()> {
        self.set_tos_v4(tos)
    }

    /// `IPV6_TCLASS`: [`tos_v4`](Self::tos_v4) of a socket for IPv6.
    ///
    /// # Errors
    /// None.
    pub fn tclass_v6(&self) -> io::Result<u32> {
        self.tos_v4()
    }

    /// Sets [`tclass_v6`](Self::tclass_v6).
    ///
    /// # Errors
    /// `InvalidInput` for more than 255, as from Linux.
    pub fn set_tclass_v6(&self, tclass: u32) -> io::Result<()> {
        let class = u8::try_from(tclass).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.set_option(SocketOption::TrafficClass(class))
    }

    // ---- What no packet shows here ----

    /// `SO_BINDTODEVICE`: none.
    ///
    /// # Errors
    /// None.
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    /// `SO_BINDTODEVICE` cannot be set: a host has one interface.
    ///
    /// # Errors
    /// `Unsupported` for any device.
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        interface.map_or(Ok(()), |_| Err(unsupported("SO_BINDTODEVICE")))
    }

    /// The port is free for others.
    fn give_up(&self) {
        if let Some(bound) = self.settings().bound.take() {
            // Of a life that is over there are no ports.
            let _ = self.host.with(|life| life.ports.free(bound));
        }
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TcpSocket {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl fmt::Debug for TcpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpSocket").field("settings", &*self.settings()).finish_non_exhaustive()
    }
}
