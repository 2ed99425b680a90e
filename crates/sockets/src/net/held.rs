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

    /// The same for a task that waits when the stack would have it wait.
    pub(crate) fn poll<R>(
        &self,
        half: Half,
        cx: &Context<'_>,
        call: impl FnOnce(&mut Call<'_>, SocketId) -> Result<R, SocketError>,
    ) -> Poll<io::Result<R>> {
        let result = self.host.enter(|host| {
            let result = call(host, self.id);
            if matches!(result, Err(SocketError::WouldBlock)) {
                host.wakers.wait(self.id, half, cx);
            }
            result
        })?;
        match result {
            Err(SocketError::WouldBlock) => Poll::Pending,
            result => Poll::Ready(result.map_err(socket_error)),
        }
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

    /// Waits until one of the things that `interest` names is possible.
    pub(crate) async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        let mut waiter = Waiter { socket: self, names: [None; 2] };
        std::future::poll_fn(|cx| waiter.poll(interest, cx)).await
    }

    /// The same for a task, for one half.
    pub(crate) fn poll_ready(&self, half: Half, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.poll(half, cx, |call, id| {
            let prospect = prospect(call, id, half)?;
            if prospect == Prospect::Wait { Err(SocketError::WouldBlock) } else { Ok(()) }
        })
    }

    /// What is possible now, of what `interest` names.
    ///
    /// # Errors
    /// Bad use.
    pub(crate) fn readiness(&self, interest: Interest) -> io::Result<Ready> {
        self.call(|call, id| readiness(call, id, interest))
    }

    /// What was possible is not enough for who asked: nothing of `interest` is ready until
    /// something changes.
    ///
    /// # Errors
    /// Bad use.
    pub(crate) fn clear_readiness(&self, interest: Interest) -> io::Result<()> {
        self.call(|call, id| {
            if interest.is_readable() {
                call.wakers.clear(id, Half::Read);
            }
            if interest.is_writable() {
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

/// What can be done with one half of a socket.
fn prospect(call: &mut Call<'_>, id: SocketId, half: Half) -> Result<Prospect, SocketError> {
    if call.wakers.is_cleared(id, half) {
        return Ok(Prospect::Wait);
    }
    call.stack(|stack, _| match half {
        Half::Read => stack.read_prospect(id),
        Half::Write => stack.write_prospect(id),
    })
}

/// What can be done with a socket, in tokio's words.
fn readiness(call: &mut Call<'_>, id: SocketId, interest: Interest) -> Result<Ready, SocketError> {
    let mut ready = Ready::EMPTY;
    if interest.is_readable() {
        ready |= match prospect(call, id, Half::Read)? {
            Prospect::Wait => Ready::EMPTY,
            Prospect::Now => Ready::READABLE,
            Prospect::Last | Prospect::Over => Ready::READABLE | Ready::READ_CLOSED,
        };
    }
    if interest.is_writable() {
        ready |= match prospect(call, id, Half::Write)? {
            Prospect::Wait => Ready::EMPTY,
            Prospect::Now | Prospect::Last => Ready::WRITABLE,
            Prospect::Over => Ready::WRITABLE | Ready::WRITE_CLOSED,
        };
    }
    if interest.is_error() && call.look().pending_error(id).is_some() {
        ready |= Ready::ERROR;
    }
    Ok(ready)
}

/// A future that waits for readiness, beside any number of others.
struct Waiter<'a> {
    socket: &'a Socket,
    /// Under which it waits, by half.
    names: [Option<u64>; 2],
}

impl Waiter<'_> {
    fn poll(&mut self, interest: Interest, cx: &Context<'_>) -> Poll<io::Result<Ready>> {
        let (socket, names) = (self.socket, &mut self.names);
        let [read, write] = names;
        let ready = socket.call(|call, id| {
            let ready = readiness(call, id, interest)?;
            if ready.is_empty() {
                if interest.is_readable() || interest.is_error() {
                    call.wakers.join(id, Half::Read, read, cx);
                }
                if interest.is_writable() || interest.is_error() {
                    call.wakers.join(id, Half::Write, write, cx);
                }
            }
            Ok(ready)
        })?;
        if ready.is_empty() { Poll::Pending } else { Poll::Ready(Ok(ready)) }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if self.names == [None; 2] {
            return;
        }
        let _ = self.socket.host.with(|host| {
            for (half, name) in [Half::Read, Half::Write].into_iter().zip(self.names) {
                if let Some(name) = name {
                    host.wakers.leave(self.socket.id, half, name);
                }
            }
        });
    }
}
