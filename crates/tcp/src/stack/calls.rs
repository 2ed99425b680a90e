//! The other user calls (RFC 9293 §3.10.2 to §3.10.5).

use alloc::sync::Arc;
use bytes::Bytes;

use super::Stack;
use super::slots::Slot;
use super::time_wait::TimeWait;
use crate::connection::{Connection, Ending, shut_down_allowed};
use crate::event::{Cause, Event, Readiness, SocketId, StateChange};
use crate::{Instant, SocketError, SocketOption, TcpState};

/// Which direction [`Stack::shutdown`] ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// No more reading. Nothing is sent.
    Read,
    /// No more writing: CLOSE of RFC 9293 §3.10.4. A FIN follows what was written.
    Write,
    /// Both.
    Both,
}

impl Stack {
    /// The next established connection of a listener.
    ///
    /// # Errors
    /// `WouldBlock` when there is none, `InvalidArgument` when it is not a listener, `BadSocket`.
    pub fn accept(&mut self, _now: Instant, listener: SocketId) -> Result<SocketId, SocketError> {
        match self.slots.get_mut(listener) {
            Some(Slot::Listener(queue)) => {
                let socket = queue.established.pop_front().ok_or(SocketError::WouldBlock)?;
                self.hand_over(socket);
                Ok(socket)
            }
            Some(_) => Err(SocketError::InvalidArgument),
            None => Err(SocketError::BadSocket),
        }
    }

    /// SEND: copies as much of `text` as the send buffer has room for, and says how much that
    /// was. Before the connection is established the text waits.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room, `NotConnected` for a listener, `BrokenPipe` after
    /// `shutdown` of the writing side and after the connection has ended, the connection's error
    /// the first time after it ended with one.
    pub fn send(
        &mut self,
        now: Instant,
        socket: SocketId,
        text: &[u8],
    ) -> Result<usize, SocketError> {
        let room = self.send_room(socket);
        // What does not fit need not be copied; one octet more tells that something did not.
        let mut text = Bytes::copy_from_slice(&text[..text.len().min(room + 1)]);
        self.send_bytes(now, socket, &mut text)
    }

    /// SEND without a copy: takes as much from the front of `text` as there is room for.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_bytes(
        &mut self,
        now: Instant,
        socket: SocketId,
        text: &mut Bytes,
    ) -> Result<usize, SocketError> {
        self.send_ending(now, socket, text, Ending::Push)
    }

    /// SEND that says what follows (`MSG_MORE`, `MSG_EOR`).
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_ending(
        &mut self,
        now: Instant,
        socket: SocketId,
        text: &mut Bytes,
        ending: Ending,
    ) -> Result<usize, SocketError> {
        self.check_connected(socket, SocketError::BrokenPipe)?;
        self.with_connection(now, socket, |connection, cx| connection.write(cx, text, ending))?
    }

    /// SEND with the urgent flag: the urgent text ends with the last octet taken of `text`
    /// (RFC 9293 §3.8.5). New applications should not use it (SHLD-13).
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_urgent(
        &mut self,
        now: Instant,
        socket: SocketId,
        text: &[u8],
    ) -> Result<usize, SocketError> {
        self.check_connected(socket, SocketError::BrokenPipe)?;
        let mut text = Bytes::copy_from_slice(text);
        self.with_connection(now, socket, |connection, cx| connection.write_urgent(cx, &mut text))?
    }

    /// RECEIVE: how many octets were copied to `buffer`; 0 at the end of the file.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing yet, `NotConnected` for a listener, the connection's
    /// error the first time after it ended with one.
    pub fn receive(
        &mut self,
        now: Instant,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> Result<usize, SocketError> {
        let mut filled = 0;
        self.receive_pieces(now, socket, buffer.len(), |piece| {
            buffer[filled..filled + piece.len()].copy_from_slice(&piece);
            filled += piece.len();
        })
    }

    /// RECEIVE without a copy: hands over at most `limit` octets, in pieces of the size they
    /// arrived in, and says how many that was; 0 at the end of the file.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive).
    pub fn receive_pieces(
        &mut self,
        now: Instant,
        socket: SocketId,
        limit: usize,
        mut take: impl FnMut(Bytes),
    ) -> Result<usize, SocketError> {
        match self.slots.get_mut(socket) {
            Some(Slot::TimeWait(record)) => {
                let held = record.held.as_mut().ok_or(SocketError::BadSocket)?;
                Ok(held.receive.read_pieces(limit, take))
            }
            Some(Slot::Connection(connection)) if connection.is_held() => {
                if limit == 0 || !connection.has_text() {
                    // Nothing follows from it that would have to be settled.
                    return connection.read_nothing(limit, &self.profile);
                }
                self.with_connection(now, socket, |connection, cx| {
                    connection.read(cx, limit, &mut take)
                })
            }
            _ => self.check_connected(socket, SocketError::NotConnected).map(|()| 0),
        }
    }

    /// How many octets of urgent text are still to be read (MUST-33).
    ///
    /// # Errors
    /// `NotConnected` when there is no connection.
    pub fn urgent_ahead(&self, socket: SocketId) -> Result<u32, SocketError> {
        self.slots.connection(socket).map(Connection::urgent_ahead).ok_or(SocketError::NotConnected)
    }

    /// CLOSE of RFC 9293 §3.10.4 for one direction, or both; the handle stays valid.
    ///
    /// # Errors
    /// `NotConnected` without a connection, or, as the profile says, when it is closing already.
    pub fn shutdown(
        &mut self,
        now: Instant,
        socket: SocketId,
        how: Shutdown,
    ) -> Result<(), SocketError> {
        match self.slots.get(socket) {
            Some(Slot::TimeWait(record)) if record.held.is_some() => {
                shut_down_allowed(TcpState::TimeWait, how, &self.profile)
            }
            Some(Slot::Listener(_)) => Err(SocketError::NotConnected),
            _ => {
                self.check_connected(socket, SocketError::NotConnected)?;
                self.with_connection(now, socket, |connection, cx| connection.shut_down(cx, how))?
            }
        }
    }

    /// `close(2)`: shuts both directions down and gives the handle back; the connection lives on
    /// as an orphan. With unread text (SHLD-3), or `SO_LINGER` with no time, it is reset. With
    /// another `SO_LINGER` time [`LingerOver`](crate::Readiness::LingerOver) says when the
    /// application may go on.
    ///
    /// # Errors
    /// `BadSocket` when the handle was given back before.
    pub fn close(&mut self, now: Instant, socket: SocketId) -> Result<(), SocketError> {
        self.give_back(now, socket, Connection::close)
    }

    /// ABORT (RFC 9293 §3.10.5): resets the connection and gives the handle back.
    ///
    /// # Errors
    /// `BadSocket` when the handle was given back before.
    pub fn abort(&mut self, now: Instant, socket: SocketId) -> Result<(), SocketError> {
        if let Some(Slot::TimeWait(record)) = self.slots.get_mut(socket)
            && record.held.take().is_some()
        {
            // "Respond with 'ok' and delete the TCB, enter CLOSED state."
            self.end_time_wait(now, socket, Cause::Abort);
            return Ok(());
        }
        self.give_back(now, socket, Connection::abort)
    }

    /// What an administrator can do to any connection (`tcpdrop`, `SOCK_DESTROY`): it is reset, and
    /// its application, if it has one, hears `ConnectionAborted`.
    ///
    /// # Errors
    /// `BadSocket` when there is no such connection.
    pub fn drop_connection(&mut self, now: Instant, socket: SocketId) -> Result<(), SocketError> {
        match self.slots.get(socket) {
            Some(Slot::TimeWait(_)) => {
                self.end_time_wait(now, socket, Cause::Abort);
                Ok(())
            }
            Some(Slot::Connection(_)) => {
                self.with_connection(now, socket, Connection::drop_by_administrator)
            }
            _ => Err(SocketError::BadSocket),
        }
    }

    /// How many connections of a listener may wait, from now on: what a second `listen` says.
    pub fn set_backlog(&mut self, listener: SocketId, backlog: u32) {
        if let Some(listener) = self.slots.listener_mut(listener) {
            listener.backlog = backlog.min(self.profile.max_backlog);
        }
    }

    fn give_back(
        &mut self,
        now: Instant,
        socket: SocketId,
        end: impl FnOnce(&mut Connection, &mut crate::outbox::Context<'_>),
    ) -> Result<(), SocketError> {
        match self.slots.get_mut(socket) {
            Some(Slot::Listener(_)) => {
                self.close_listener(now, socket);
                Ok(())
            }
            Some(Slot::TimeWait(record)) => {
                let held = record.held.take().ok_or(SocketError::BadSocket)?;
                if held.options.linger_time().is_some() {
                    // Both FINs are acknowledged: there is nothing to wait for.
                    self.out.ready(socket, Readiness::LingerOver);
                }
                Ok(())
            }
            Some(Slot::Connection(connection)) if connection.is_held() => {
                self.with_connection(now, socket, end)?;
                self.adopt(now, socket);
                Ok(())
            }
            _ => Err(SocketError::BadSocket),
        }
    }

    /// LISTEN → CLOSED. Connections that nobody accepted are reset; those still in SYN-RECEIVED
    /// find nobody when their ACK comes.
    fn close_listener(&mut self, now: Instant, socket: SocketId) {
        self.abandon_queue(now, socket);
        if let Some(listener) = self.slots.listener(socket) {
            self.listeners.remove(listener.port, listener.address);
        }
        self.slots.remove(socket);
        self.out.event(Event::State(StateChange {
            socket,
            from: TcpState::Listen,
            to: TcpState::Closed,
            cause: Cause::Close,
        }));
    }

    pub(super) fn abandon_queue(&mut self, now: Instant, socket: SocketId) {
        let Some(listener) = self.slots.listener_mut(socket) else { return };
        for waiting in core::mem::take(&mut listener.established) {
            let _ = self.with_connection(now, waiting, Connection::abort);
        }
    }

    /// Sets an option of a socket.
    ///
    /// # Errors
    /// `BadSocket` when there is none, `InvalidArgument` for a keepalive schedule without pauses.
    pub fn set_option(
        &mut self,
        now: Instant,
        socket: SocketId,
        option: SocketOption,
    ) -> Result<(), SocketError> {
        if !option.is_valid() {
            return Err(SocketError::InvalidArgument);
        }
        match self.slots.get_mut(socket) {
            Some(Slot::Listener(listener)) => {
                Arc::make_mut(&mut listener.options).set(option);
                Ok(())
            }
            Some(Slot::TimeWait(TimeWait { held: Some(held), .. })) => {
                Arc::make_mut(&mut held.options).set(option);
                Ok(())
            }
            _ => {
                self.check_connected(socket, SocketError::BadSocket)?;
                self.with_connection(now, socket, |connection, cx| {
                    connection.set_option(cx, option);
                })
            }
        }
    }

    /// `SO_ERROR`: the pending error of a connection, which is taken by asking.
    pub fn take_error(&mut self, socket: SocketId) -> Option<SocketError> {
        match self.slots.get_mut(socket) {
            Some(Slot::Connection(connection)) => connection.error.take(),
            _ => None,
        }
    }

    /// An ICMP error that did not end a connection, and is remembered in case something else does: Linux
    /// tells it as `SO_ERROR`, too (`sk_err_soft`).
    pub fn take_soft_error(&mut self, socket: SocketId) -> Option<SocketError> {
        match self.slots.get_mut(socket)? {
            Slot::Connection(connection) => connection.take_soft_error(),
            _ => None,
        }
    }

    /// Whether there is a connection that an application holds.
    fn check_connected(&self, socket: SocketId, ended: SocketError) -> Result<(), SocketError> {
        match self.slots.get(socket) {
            Some(Slot::Connection(connection)) if connection.is_held() => Ok(()),
            Some(Slot::Listener(_)) => Err(SocketError::NotConnected),
            Some(Slot::TimeWait(record)) if record.held.is_some() => Err(ended),
            _ => Err(SocketError::BadSocket),
        }
    }
}
