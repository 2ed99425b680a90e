//! `tokio::net::TcpStream`.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use twomsl_tcp::{Prospect, SocketError, SocketId, SocketOption, SocketOptions, TcpState};

use super::addr::{ToSocketAddrs, no_address, resolve};
use super::held::Socket;
use super::tcp::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use crate::error::{socket_error, unsupported};
use crate::host::{Call, Left};
use crate::registry;
use crate::simulation::HostRef;
use crate::wakers::Half;

/// A connection.
///
/// Dropping it closes it, as `close(2)` does: what was written is still sent, unless there is
/// text that was not read, or `SO_LINGER` is zero; then the peer gets a reset.
pub struct TcpStream {
    socket: Socket,
    local: SocketAddr,
    peer: SocketAddr,
}

// ---- Connecting ----

impl TcpStream {
    /// Connects to the first address that answers.
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut` when nothing answers (after some two minutes with profile
    /// `linux`), `AddrNotAvailable` when the ports are used up, those of
    /// [`lookup_host`](super::lookup_host), and outside a simulation.
    pub async fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<Self> {
        let host = registry::here()?;
        let mut last = None;
        for addr in resolve(addr)? {
            match Self::connect_from(&host, None, addr, &host.default_options()).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    pub(crate) async fn connect_from(
        host: &HostRef,
        local: Option<SocketAddr>,
        mut peer: SocketAddr,
        options: &SocketOptions,
    ) -> io::Result<Self> {
        if peer.port() == 0 {
            // Linux sends a SYN there, which is answered with a reset: nobody can listen.
            return Err(socket_error(SocketError::ConnectionRefused));
        }
        if peer.ip().is_unspecified() {
            // As Linux does: nobody is everybody's own host.
            peer.set_ip(if peer.is_ipv4() { super::LOCALHOST_V4 } else { super::LOCALHOST_V6 });
        }
        let mut local = local.unwrap_or(SocketAddr::new(super::ANY_V4, 0));
        if local.ip().is_unspecified() {
            local.set_ip(source(peer.ip()));
        }
        // The host itself has these addresses, and so has every other.
        if ![super::LOCALHOST_V4, super::LOCALHOST_V6].contains(&peer.ip()) {
            host.simulation.lock().host_at(peer.ip());
        }
        let id = host.enter(|call| connect(call, local, peer, options))?.map_err(socket_error)?;
        let socket = Socket::new(host.clone(), id);
        poll_fn(|cx| socket.poll_connected(cx)).await?;
        let (local, _) = socket.ends()?;
        Ok(Self { socket, local, peer })
    }

    pub(crate) fn new(socket: Socket, local: SocketAddr, peer: SocketAddr) -> Self {
        Self { socket, local, peer }
    }

    /// Sockets of the operating system have no place in a simulation.
    ///
    /// # Errors
    /// Always `Unsupported`.
    pub fn from_std(_: std::net::TcpStream) -> io::Result<Self> {
        Err(unsupported("a stream of the standard library"))
    }

    /// The reverse of [`from_std`](Self::from_std).
    ///
    /// # Errors
    /// Always `Unsupported`.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        Err(unsupported("a stream of the standard library"))
    }

    /// This end.
    ///
    /// # Errors
    /// None.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    /// The other end.
    ///
    /// # Errors
    /// `NotConnected` when the connection is over, bad use.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        // As `getpeername` of Linux has it, for which TIME-WAIT is no state of a socket.
        self.socket.call(|call, id| match call.look().state(id) {
            Some(TcpState::Closed | TcpState::TimeWait) | None => Err(SocketError::NotConnected),
            _ => Ok(self.peer),
        })
    }

    /// `SO_ERROR`: why the connection ended, if nobody was told yet.
    ///
    /// # Errors
    /// Bad use.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket
            .call(|call, id| Ok(call.stack(|stack, _| stack.take_error(id)).map(socket_error)))
    }

    /// Borrows it as two halves.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        super::tcp::split(self)
    }

    /// Makes two halves of it, for two tasks. When the writing half is dropped, a FIN is sent.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        super::tcp::split_owned(self)
    }
}

// ---- Readiness ----

impl TcpStream {
    /// Waits until something of `interest` is possible. Spurious answers are possible, as in
    /// tokio, so that a `try_` method afterwards may still answer `WouldBlock`.
    ///
    /// # Errors
    /// Bad use.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        self.socket.ready(interest).await
    }

    /// Waits until there is text, the end of the file, or an error to read.
    ///
    /// # Errors
    /// Bad use.
    pub async fn readable(&self) -> io::Result<()> {
        self.ready(Interest::READABLE).await.map(drop)
    }

    /// The same for a task; only the last task that asked is woken.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_ready(Half::Read, cx)
    }

    /// Waits until there is room in the send buffer, or an error to hear about.
    ///
    /// # Errors
    /// Bad use.
    pub async fn writable(&self) -> io::Result<()> {
        self.ready(Interest::WRITABLE).await.map(drop)
    }

    /// The same for a task; only the last task that asked is woken.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_ready(Half::Write, cx)
    }

    /// Does something that may answer `WouldBlock`, if the socket is ready for it. After such an
    /// answer it counts as not ready until something changes, as in tokio.
    ///
    /// # Errors
    /// `WouldBlock`, those of `f`, bad use.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        f: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        let told = self.socket.readiness(interest)?;
        if told.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = f();
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::WouldBlock
        {
            self.socket.clear_readiness(told)?;
        }
        result
    }

    /// Does something until it does not answer `WouldBlock`, and waits between.
    ///
    /// # Errors
    /// Those of `f`, bad use.
    pub async fn async_io<R>(
        &self,
        interest: Interest,
        mut f: impl FnMut() -> io::Result<R>,
    ) -> io::Result<R> {
        loop {
            let told = self.ready(interest).await?;
            match f() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.socket.clear_readiness(told)?;
                }
                result => return result,
            }
        }
    }
}

// ---- Reading ----

impl TcpStream {
    /// Reads what there is; 0 at the end of the file.
    ///
    /// # Errors
    /// `WouldBlock`, the connection's error, bad use.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let (limit, mut buf) = (buf.len(), buf);
        self.socket.call(|call, id| receive(call, id, limit, |piece| buf.put(piece)))
    }

    /// The same into several buffers, one after the other.
    ///
    /// # Errors
    /// Those of [`try_read`](Self::try_read).
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let limit = bufs.iter().map(|buf| buf.len()).sum();
        let mut room = bufs.iter_mut().flat_map(|buf| buf.iter_mut());
        self.socket.call(|call, id| {
            receive(call, id, limit, |piece| {
                // The piece is asked first: `zip` takes from its first part before it finds the
                // second at its end, and a place taken so would stay empty.
                piece.into_iter().zip(&mut room).for_each(|(octet, place)| *place = octet);
            })
        })
    }

    /// The same behind what is in a buffer.
    ///
    /// # Errors
    /// Those of [`try_read`](Self::try_read).
    pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        let limit = buf.chunk_mut().len();
        let mut pieces = Vec::new();
        let octets =
            self.socket.call(|call, id| receive(call, id, limit, |piece| pieces.push(piece)));
        // The buffer's code is the caller's: it runs where nothing is locked.
        for piece in pieces {
            buf.put(piece);
        }
        octets
    }

    /// Reads without taking: the next read finds the same text.
    ///
    /// # Errors
    /// The connection's error, bad use.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buf);
        loop {
            self.readable().await?;
            match self.peek_into(&mut buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }

    /// The same for a task; only the last task that asked is woken.
    pub fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        self.socket.poll(Half::Read, cx, |call, id| peek(call, id, buf))
    }

    fn peek_into(&self, buf: &mut ReadBuf<'_>) -> io::Result<usize> {
        self.socket.call(|call, id| peek(call, id, buf))
    }

    pub(crate) fn poll_read_into(
        &self,
        cx: &Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.socket.poll(Half::Read, cx, |call, id| {
            let limit = buf.remaining();
            receive(call, id, limit, |piece| buf.put_slice(&piece))
        });
        read.map_ok(drop)
    }
}

// ---- Writing ----

impl TcpStream {
    /// Writes as much as there is room for.
    ///
    /// # Errors
    /// `WouldBlock`, `BrokenPipe` after the end of writing, the connection's error, bad use.
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.socket.call(|call, id| send(call, id, buf))
    }

    /// The same from several buffers, as if they were one.
    ///
    /// # Errors
    /// Those of [`try_write`](Self::try_write).
    pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let text = gather(bufs);
        self.socket.call(|call, id| send_bytes(call, id, &text))
    }

    pub(crate) fn poll_write_from(&self, cx: &Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.poll(Half::Write, cx, |call, id| send(call, id, buf))
    }

    pub(crate) fn poll_write_from_all(
        &self,
        cx: &Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let text = gather(bufs);
        self.socket.poll(Half::Write, cx, |call, id| send_bytes(call, id, &text))
    }

    /// The same when its writing half is dropped: by the driver, so that a crash sends nothing.
    pub(crate) fn end_writing_later(&self) {
        self.socket.end_later(Left::WriteHalf);
    }

    /// Ends writing: a FIN follows what was written. Of a connection that is over it is nothing.
    pub(crate) fn shut_down_writing(&self) -> io::Result<()> {
        self.socket.call(|call, id| match call.shut_down_writing(id) {
            Err(SocketError::NotConnected) => Ok(()),
            result => result,
        })
    }
}

/// The address to speak from to a host: the stack knows, but for those that any host has.
fn source(peer: IpAddr) -> IpAddr {
    match peer {
        _ if peer.is_loopback() => peer,
        IpAddr::V4(_) => super::ANY_V4,
        IpAddr::V6(_) => super::ANY_V6,
    }
}

fn connect(
    call: &mut Call<'_>,
    local: SocketAddr,
    peer: SocketAddr,
    options: &SocketOptions,
) -> Result<SocketId, SocketError> {
    call.called(None, |call| format!("connect({})", call.names(peer)));
    let socket = call.stack(|stack, now| stack.connect(now, Some(local), peer, Some(options)));
    if let Err(error) = socket {
        call.returned(None, "connect", Err(error));
    }
    socket
}

// ---- Calls of no octets ----

/// RECEIVE. As in Linux even a read of no octets waits for something to read.
fn receive(
    call: &mut Call<'_>,
    id: SocketId,
    limit: usize,
    keep: impl FnMut(Bytes),
) -> Result<usize, SocketError> {
    check_text(call, id, limit)?;
    call.receive(id, limit, keep)
}

/// The same without taking.
fn peek(call: &mut Call<'_>, id: SocketId, buf: &mut ReadBuf<'_>) -> Result<usize, SocketError> {
    check_text(call, id, buf.remaining())?;
    call.stack(|stack, _| stack.peek(id, buf.remaining(), |piece| buf.put_slice(piece)))
}

fn check_text(call: &mut Call<'_>, id: SocketId, limit: usize) -> Result<(), SocketError> {
    if limit > 0 || call.stack(|stack, _| stack.read_prospect(id))? != Prospect::Wait {
        return Ok(());
    }
    Err(SocketError::WouldBlock)
}

/// SEND. Tokio does not ask a socket whose buffer is full, not even for room for no octets.
fn send(call: &mut Call<'_>, id: SocketId, text: &[u8]) -> Result<usize, SocketError> {
    check_room(call, id, text.len())?;
    call.send(id, text)
}

/// The same for text that need not be copied.
fn send_bytes(call: &mut Call<'_>, id: SocketId, text: &Bytes) -> Result<usize, SocketError> {
    check_room(call, id, text.len())?;
    call.send_bytes(id, text)
}

fn check_room(call: &mut Call<'_>, id: SocketId, octets: usize) -> Result<(), SocketError> {
    if octets > 0 || call.stack(|stack, _| stack.write_prospect(id))? != Prospect::Wait {
        return Ok(());
    }
    Err(SocketError::WouldBlock)
}

/// The text of several buffers as one, so that no segment ends where a buffer does. No more than
/// any send buffer holds is looked at.
fn gather(bufs: &[IoSlice<'_>]) -> Bytes {
    const MOST: usize = 1 << 20;
    let mut text = Vec::with_capacity(bufs.iter().map(|buf| buf.len()).sum::<usize>().min(MOST));
    for buf in bufs {
        let room = MOST - text.len();
        text.extend_from_slice(&buf[..buf.len().min(room)]);
    }
    Bytes::from(text)
}

// ---- Options ----

impl TcpStream {
    /// `TCP_NODELAY`: whether the Nagle algorithm is off.
    ///
    /// # Errors
    /// Bad use.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.socket.option(|options| options.no_delay)
    }

    /// Sets [`nodelay`](Self::nodelay).
    ///
    /// # Errors
    /// Bad use.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket.set_option(SocketOption::NoDelay(nodelay))
    }

    /// `SO_LINGER`: how long a close waits for the peer's acknowledgment before it resets.
    ///
    /// # Errors
    /// Bad use.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.socket.option(|options| options.linger)
    }

    /// Sets [`linger`](Self::linger). Unlike in tokio dropping the stream does not block: the
    /// connection lingers without its task. (There the method is deprecated for that reason.)
    ///
    /// # Errors
    /// Bad use.
    pub fn set_linger(&self, dur: Option<Duration>) -> io::Result<()> {
        self.socket.set_option(SocketOption::Linger(dur))
    }

    /// `SO_LINGER` of no time: dropping the stream resets the connection.
    ///
    /// # Errors
    /// Bad use.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// Any option of the stack; tokio leaves the times of keepalive, `TCP_USER_TIMEOUT` and
    /// `TCP_MAXSEG` to the crate `socket2`.
    ///
    /// # Errors
    /// `InvalidInput` for keepalive without pauses, bad use.
    pub fn set_option(&self, option: SocketOption) -> io::Result<()> {
        self.socket.set_option(option)
    }

    /// `TCP_QUICKACK` is a decision of the profile here.
    ///
    /// # Errors
    /// Always `Unsupported`.
    pub fn quickack(&self) -> io::Result<bool> {
        Err(unsupported("TCP_QUICKACK"))
    }

    /// See [`quickack`](Self::quickack).
    ///
    /// # Errors
    /// Always `Unsupported`.
    pub fn set_quickack(&self, _quickack: bool) -> io::Result<()> {
        Err(unsupported("TCP_QUICKACK"))
    }

    /// `IP_TTL`: how many routers a packet may pass.
    ///
    /// # Errors
    /// Bad use.
    pub fn ttl(&self) -> io::Result<u32> {
        self.socket.option(|options| options.hop_limit.into())
    }

    /// Sets [`ttl`](Self::ttl). No packet passes a router here: it is for those who look at packets.
    ///
    /// # Errors
    /// `InvalidInput` for anything but 1 to 255, as from Linux.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.socket.set_option(super::hop_limit(ttl)?)
    }
}

// ---- Traits ----

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_read_into(cx, buf)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_from(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_from_all(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing is held back: what was written is with TCP.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shut_down_writing())
    }
}

impl TryFrom<std::net::TcpStream> for TcpStream {
    type Error = io::Error;

    fn try_from(stream: std::net::TcpStream) -> io::Result<Self> {
        Self::from_std(stream)
    }
}

impl AsRef<Self> for TcpStream {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream")
            .field("addr", &self.local)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
