//! `tokio::net::TcpListener`.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use twomsl_tcp::{SocketError, SocketId, SocketOptions};

use super::addr::{ToSocketAddrs, no_address, resolve};
use super::held::Socket;
use super::stream::TcpStream;
use crate::error::{socket_error, unsupported};
use crate::host::Call;
use crate::registry;
use crate::simulation::HostRef;
use crate::wakers::Half;

/// A socket that waits for connections, with a SYN queue and an accept queue behind it.
pub struct TcpListener {
    socket: Socket,
    local: SocketAddr,
}

/// What tokio listens with.
const BACKLOG: u32 = 1024;

impl TcpListener {
    /// Listens on an address: an unspecified one for all of the host's, or one of its own. With
    /// port 0 a free one is found. As in tokio `SO_REUSEADDR` is on, and 1024 connections may wait
    /// to be accepted; [`TcpSocket`](super::TcpSocket) can do otherwise.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable` for an address of another host, those of
    /// [`lookup_host`](super::lookup_host), and outside a simulation.
    #[expect(clippy::unused_async, reason = "tokio's signature; there is nothing to wait for")]
    pub async fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<Self> {
        let host = registry::here()?;
        let mut last = no_address();
        for addr in resolve(addr)? {
            let options = SocketOptions { reuse_address: true, ..host.default_options() };
            match Self::listen(&host, addr, BACKLOG, &options) {
                Ok(listener) => return Ok(listener),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(crate) fn listen(
        host: &HostRef,
        addr: SocketAddr,
        backlog: u32,
        options: &SocketOptions,
    ) -> io::Result<Self> {
        let id = host.enter(|call| listen(call, addr, backlog, options))?.map_err(socket_error)?;
        let socket = Socket::new(host.clone(), id);
        // The stack does not keep the family of "all addresses".
        let local = SocketAddr::new(addr.ip(), socket.ends()?.0.port());
        Ok(Self { socket, local })
    }

    /// The next connection, and whose it is. Any number of tasks may wait for one.
    ///
    /// Cancel safe: no connection is lost when the future is dropped.
    ///
    /// # Errors
    /// Bad use only: a connection that was reset while it waited here is handed out all the same,
    /// and its first read tells.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.socket.wait(Half::Read, accept).await.map(|accepted| self.hold(accepted))
    }

    /// The same for a task; only the last task that asked is woken.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.socket.poll(Half::Read, cx, accept).map_ok(|accepted| self.hold(accepted))
    }

    fn hold(&self, (id, local, peer): Accepted) -> (TcpStream, SocketAddr) {
        let socket = Socket::new(self.socket.host.clone(), id);
        (TcpStream::new(socket, local, peer), peer)
    }

    /// Sockets of the operating system have no place in a simulation.
    ///
    /// # Errors
    /// Always `Unsupported`.
    pub fn from_std(_: std::net::TcpListener) -> io::Result<Self> {
        Err(unsupported("a listener of the standard library"))
    }

    /// The reverse of [`from_std`](Self::from_std).
    ///
    /// # Errors
    /// Always `Unsupported`.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        Err(unsupported("a listener of the standard library"))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// None.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    /// `IP_TTL`: how many routers a packet may pass.
    ///
    /// # Errors
    /// Bad use.
    pub fn ttl(&self) -> io::Result<u32> {
        self.socket.option(|options| options.hop_limit.into())
    }

    /// Sets [`ttl`](Self::ttl), for connections that are yet to come, too.
    ///
    /// # Errors
    /// `InvalidInput` for anything but 1 to 255, as from Linux.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.socket.set_option(super::hop_limit(ttl)?)
    }
}

fn listen(
    call: &mut Call<'_>,
    addr: SocketAddr,
    backlog: u32,
    options: &SocketOptions,
) -> Result<SocketId, SocketError> {
    let addr = call.ports.find(call.network.stack(call.host), addr, options)?;
    call.called(None, |_| format!("listen({})", addr.port()));
    call.stack(|stack, now| stack.listen(now, addr, backlog, Some(options)))
}

/// A connection that left the queue, its own end, and the peer's.
type Accepted = (SocketId, SocketAddr, SocketAddr);

fn accept(call: &mut Call<'_>, listener: SocketId) -> Result<Accepted, SocketError> {
    let socket = call.stack(|stack, now| stack.accept(now, listener))?;
    let (local, remote) = call.look().ends(socket)?;
    call.called(Some(socket), |_| "accept()".into());
    Ok((socket, local, remote.ok_or(SocketError::NotConnected)?))
}

impl TryFrom<std::net::TcpListener> for TcpListener {
    type Error = io::Error;

    fn try_from(listener: std::net::TcpListener) -> io::Result<Self> {
        Self::from_std(listener)
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("addr", &self.local).finish_non_exhaustive()
    }
}
