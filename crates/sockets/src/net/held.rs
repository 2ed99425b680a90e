//! A socket that a task holds: what listeners and streams have in common.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::io::{Interest, Ready};
use twomsl_tcp::{Prospect, SocketError, SocketId, SocketOption, SocketOptions, TcpState};

use crate::error::socket_error;
use crate::host::{Call, Left};
use crate::simulation::HostRef;
use crate::wakers::Half;

/// A socket of a host. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) host: HostRef,
    id: SocketId,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.end_later(Left::Socket);
    }
}

impl Socket {
    /// Ends it, or a part of it, with the host's next call or by its driver.
    pub(crate) fn end_later(&self, left: Left) {
        // Nothing of it is left when this life of the host is over.
        let _ = self.host.with(|life| life.leave(self.id, left));
    }

    pub(crate) fn new(host: HostRef, id: SocketId) -> Self {
        let _ = host.with(|life| life.wakers.renew(id));
        Self { host, id }
    }

    /// A call of the stack about this socket.
    ///
    /// # Errors
    /// What the stack answers, with tokio's kinds; bad use.
    pub(crate) fn call<R>(
        &self,
        call: impl FnOnce(&mut Call<'_>, SocketId) -> Result<R, SocketError>,
    ) -> io::Result<R> {
        self.host.enter(|cx| call(cx, self.id))?.map_err(socket_error)
    }

    /// The same for a task that waits when the stack would have it wait; nobody else does then.
    pub(crate) fn poll<R>(
        &self,
        half: Half,
        cx: &Context<'_>,
        call: impl FnOnce(&mut Call<'_>, SocketId) -> Result<R, SocketError>,
    ) -> Poll<io::Result<R>> {
        // Dropped where nothing is locked: a waker may hold the last reference to a socket.
        let mut replaced = None;
        let result = self.host.enter(|host| {
            let result = call(host, self.id);
            if matches!(result, Err(SocketError::WouldBlock)) {
                replaced = host.wakers.wait(self.id, half, cx);
            }
            result
        })?;
        unless_waiting(result)
    }

    /// The same for a future, beside any number of others. All of them are woken, so that none is
    /// forgotten when the one that got there first did not take everything, or was given up.
    pub(crate) async fn wait<R>(
        &self,
        half: Half,
        mut call: impl FnMut(&mut Call<'_>, SocketId) -> Result<R, SocketError>,
    ) -> io::Result<R> {
        let mut waiter = Waiter::new(self);
        std::future::poll_fn(|cx| waiter.poll(&[half], cx, &mut call)).await
    }

    /// Whether the handshake of a connection that was opened here is over.
    pub(crate) fn poll_connected(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.poll(Half::Write, cx, |call, id| {
            let result = match call.look().state(id) {
                Some(TcpState::SynSent | TcpState::SynReceived) => {
                    return Err(SocketError::WouldBlock);
                }
                _ => call.stack(|stack, _| stack.take_error(id)).map_or(Ok(()), Err),
            };
            call.returned(Some(id), "connect", result.map(|()| None));
            result
        })
    }

    /// Its local end, and that of the peer.
    pub(crate) fn ends(&self) -> io::Result<(SocketAddr, Option<SocketAddr>)> {
        self.call(|call, id| call.look().ends(id))
    }

    // ---- Readiness ----

    /// Waits until one of the things that `interest` names is possible, or was.
    pub(crate) async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        let mut waiter = Waiter::new(self);
        std::future::poll_fn(|cx| {
            let names = waiter.names;
            waiter.poll(halves(interest), cx, |call, id| {
                let ready = readiness(call, id, interest)?;
                // As in tokio, who was woken goes on, even when somebody else was faster.
                let waits = ready.is_empty() && !call.wakers.has_woken(id, names);
                if waits { Err(SocketError::WouldBlock) } else { Ok(ready) }
            })
        })
        .await
    }

    /// The same for a task, for one half.
    pub(crate) fn poll_ready(&self, half: Half, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.poll(half, cx, |call, id| {
            let ready = half_readiness(call, id, half)?;
            if ready.is_empty() { Err(SocketError::WouldBlock) } else { Ok(()) }
        })
    }

    /// What is possible now, of what `interest` names.
    ///
    /// # Errors
    /// Bad use.
    pub(crate) fn readiness(&self, interest: Interest) -> io::Result<Ready> {
        self.call(|call, id| readiness(call, id, interest))
    }

    /// What was possible is not enough for who asked: what they were told of does not count until
    /// something changes. What was not ready has nothing to be cleared.
    ///
    /// # Errors
    /// Bad use.
    pub(crate) fn clear_readiness(&self, told: Ready) -> io::Result<()> {
        self.call(|call, id| {
            if told.is_readable() {
                call.wakers.clear(id, Half::Read);
            }
            if told.is_writable() {
                call.wakers.clear(id, Half::Write);
            }
            call.stack(|stack, _| stack.expect_change(id));
            Ok(())
        })
    }

    // ---- Options ----

    pub(crate) fn option<R>(&self, read: impl FnOnce(&SocketOptions) -> R) -> io::Result<R> {
        self.call(|call, id| call.look().options(id).map(read))
    }

    pub(crate) fn set_option(&self, option: SocketOption) -> io::Result<()> {
        self.call(|call, id| call.set_option(id, option))
    }
}

fn unless_waiting<R>(result: Result<R, SocketError>) -> Poll<io::Result<R>> {
    match result {
        Err(SocketError::WouldBlock) => Poll::Pending,
        result => Poll::Ready(result.map_err(socket_error)),
    }
}

// ---- What is possible, in tokio's words ----

/// What of `interest` can be done with a socket.
fn readiness(call: &mut Call<'_>, id: SocketId, interest: Interest) -> Result<Ready, SocketError> {
    let mut ready = Ready::EMPTY;
    if interest.is_readable() {
        ready |= half_readiness(call, id, Half::Read)?;
    } else if is_priority(interest) {
        // Tokio does not ask the system for urgent text, but tells those who want it of the end.
        ready |= half_readiness(call, id, Half::Read)? & Ready::READ_CLOSED;
    }
    if interest.is_writable() {
        ready |= half_readiness(call, id, Half::Write)?;
    }
    if interest.is_error() && call.look().pending_error(id).is_some() {
        ready |= Ready::ERROR;
    }
    Ok(ready)
}

/// What can be done with one half of a socket. That it is over cannot be cleared.
fn half_readiness(call: &mut Call<'_>, id: SocketId, half: Half) -> Result<Ready, SocketError> {
    let (open, ready) = match half {
        Half::Read => (Ready::READABLE, read_readiness(call, id)?),
        Half::Write => (Ready::WRITABLE, write_readiness(call, id)?),
    };
    Ok(if call.wakers.is_cleared(id, half) { ready - open } else { ready })
}

fn read_readiness(call: &mut Call<'_>, id: SocketId) -> Result<Ready, SocketError> {
    Ok(match call.stack(|stack, _| stack.read_prospect(id))? {
        Prospect::Wait => Ready::EMPTY,
        Prospect::Now => Ready::READABLE,
        Prospect::Last | Prospect::Over => Ready::READABLE | Ready::READ_CLOSED,
    })
}

fn write_readiness(call: &mut Call<'_>, id: SocketId) -> Result<Ready, SocketError> {
    Ok(match call.stack(|stack, _| stack.write_prospect(id))? {
        Prospect::Wait => Ready::EMPTY,
        Prospect::Over if is_hung_up(call, id)? => Ready::WRITABLE | Ready::WRITE_CLOSED,
        Prospect::Now | Prospect::Last | Prospect::Over => Ready::WRITABLE,
    })
}

/// Whether both directions have ended: `EPOLLHUP` of Linux. That writing alone has, it does not
/// tell whoever ended it.
fn is_hung_up(call: &mut Call<'_>, id: SocketId) -> Result<bool, SocketError> {
    let closed = matches!(call.look().state(id), None | Some(TcpState::Closed));
    Ok(closed || read_readiness(call, id)?.is_read_closed())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const fn is_priority(interest: Interest) -> bool {
    interest.is_priority()
}

/// Tokio has it on Linux only.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const fn is_priority(_: Interest) -> bool {
    false
}

/// Where to wait for something of an interest. An error ends both halves.
fn halves(interest: Interest) -> &'static [Half] {
    let read = interest.is_readable() || interest.is_error() || is_priority(interest);
    let write = interest.is_writable() || interest.is_error();
    match (read, write) {
        (true, true) => &[Half::Read, Half::Write],
        (true, false) => &[Half::Read],
        (false, _) => &[Half::Write],
    }
}

// ---- Waiting beside others ----

/// A future that waits for a socket, beside any number of others.
struct Waiter<'a> {
    socket: &'a Socket,
    /// Under which it waits, by half.
    names: [Option<u64>; 2],
}

impl<'a> Waiter<'a> {
    const fn new(socket: &'a Socket) -> Self {
        Self { socket, names: [None; 2] }
    }

    /// Makes a call; if it would have to wait, waits for a change of these halves.
    fn poll<R>(
        &mut self,
        halves: &[Half],
        cx: &Context<'_>,
        call: impl FnOnce(&mut Call<'_>, SocketId) -> Result<R, SocketError>,
    ) -> Poll<io::Result<R>> {
        let Self { socket, names } = self;
        // Dropped where nothing is locked, as in `Socket::poll`.
        let mut replaced = [None, None];
        let result = socket.host.enter(|host| {
            let result = call(host, socket.id);
            if matches!(result, Err(SocketError::WouldBlock)) {
                for half in halves {
                    let name = &mut names[*half as usize];
                    replaced[*half as usize] = host.wakers.join(socket.id, *half, name, cx);
                }
            }
            result
        })?;
        unless_waiting(result)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if self.names == [None; 2] {
            return;
        }
        let [read, write] = self.names;
        // What it returns is dropped where nothing is locked.
        let _left = self.socket.host.with(|host| {
            let mut leave = |half, name: Option<u64>| {
                name.and_then(|name| host.wakers.leave(self.socket.id, half, name))
            };
            (leave(Half::Read, read), leave(Half::Write, write))
        });
    }
}
