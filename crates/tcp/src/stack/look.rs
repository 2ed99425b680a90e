//! Looking at a socket: nothing here is told to the peer.

use core::net::SocketAddr;

use super::Stack;
use super::slots::{Slot, Slots};
use crate::connection::{Connection, state_number};
use crate::event::SocketId;
use crate::{Instant, SocketError, SocketOptions, TcpInfo, TcpState};

/// What a call would do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prospect {
    /// It would answer [`WouldBlock`](SocketError::WouldBlock).
    Wait,
    /// It would move octets.
    Now,
    /// It would move octets, and behind them is the end of the file.
    Last,
    /// It would not wait: the end of the file, or an error.
    Over,
}

impl Stack {
    /// The state of a socket; `None` when there is no such socket any more. O(1), and without
    /// the rest of [`status`](Self::status).
    pub fn state(&self, socket: SocketId) -> Option<TcpState> {
        state_of(self.slots.get(socket)?)
    }

    /// All sockets with their states, in the order of their slots.
    pub fn states(&self) -> impl Iterator<Item = (SocketId, TcpState)> + '_ {
        self.slots.iter().filter_map(|(socket, slot)| Some((socket, state_of(slot)?)))
    }

    /// The local end of a socket, and the remote end of a connection.
    ///
    /// # Errors
    /// `BadSocket` when there is no such socket any more.
    pub fn ends(&self, socket: SocketId) -> Result<(SocketAddr, Option<SocketAddr>), SocketError> {
        match self.slots.get(socket) {
            Some(Slot::Listener(listener)) => Ok((listener.local(), None)),
            Some(Slot::Connection(connection)) => {
                Ok((connection.tuple.local(), Some(connection.tuple.remote())))
            }
            Some(Slot::TimeWait(record)) => Ok((record.tuple.local(), Some(record.tuple.remote()))),
            _ => Err(SocketError::BadSocket),
        }
    }

    /// The options of a socket that an application holds.
    ///
    /// # Errors
    /// `BadSocket` when there is no such socket.
    pub fn options(&self, socket: SocketId) -> Result<&SocketOptions, SocketError> {
        match self.slots.get(socket) {
            Some(Slot::Listener(listener)) => Ok(&*listener.options),
            _ => self
                .held(socket)
                .map(|connection| &*connection.options)
                .ok_or(SocketError::BadSocket),
        }
    }

    /// `TCP_INFO`: what Linux tells of a socket. Of a listener only its state and its queue are
    /// known, of a connection in TIME-WAIT what was known when it came there.
    ///
    /// # Errors
    /// `BadSocket` when there is no such socket, or nothing more is kept of it than TIME-WAIT needs.
    pub fn info(&self, now: Instant, socket: SocketId) -> Result<TcpInfo, SocketError> {
        match self.slots.get(socket) {
            Some(Slot::Listener(listener)) => Ok(TcpInfo {
                tcpi_state: state_number(TcpState::Listen, &self.profile),
                tcpi_unacked: listener.established.len() as u32,
                tcpi_sacked: listener.backlog,
                ..TcpInfo::default()
            }),
            Some(Slot::Connection(connection)) => Ok(connection.info(now, &self.profile)),
            Some(Slot::TimeWait(record)) => {
                let held = record.held.as_ref().ok_or(SocketError::BadSocket)?;
                let tcpi_state = state_number(TcpState::TimeWait, &self.profile);
                Ok(TcpInfo { tcpi_state, ..held.info(now, &self.profile) })
            }
            _ => Err(SocketError::BadSocket),
        }
    }

    /// RECEIVE that leaves the text where it is (`MSG_PEEK`): hands over at most `limit` octets
    /// from the front, and says how many that was; 0 at the end of the file.
    ///
    /// # Errors
    /// Those of [`receive`](Self::receive), but that an error of the connection stays pending.
    pub fn peek(
        &mut self,
        socket: SocketId,
        limit: usize,
        take: impl FnMut(&[u8]),
    ) -> Result<usize, SocketError> {
        match self.read_prospect(socket)? {
            Prospect::Wait if limit > 0 => Err(SocketError::WouldBlock),
            Prospect::Over => match self.held(socket).and_then(|connection| connection.error) {
                Some(error) => Err(error),
                None => Ok(0),
            },
            _ => Ok(self.held(socket).map_or(0, |connection| connection.peek(limit, take))),
        }
    }

    /// What [`receive`](Self::receive) would do, or [`accept`](Self::accept) for a listener. If it
    /// would have to wait, one [`Ready`](crate::Event::Ready) event says when no more.
    ///
    /// # Errors
    /// `BadSocket` when there is no such socket.
    pub fn read_prospect(&mut self, socket: SocketId) -> Result<Prospect, SocketError> {
        match self.slots.get(socket) {
            Some(Slot::Listener(listener)) if listener.established.is_empty() => Ok(Prospect::Wait),
            Some(Slot::Listener(_)) => Ok(Prospect::Now),
            _ => self.held_mut(socket).map(Connection::read_prospect).ok_or(SocketError::BadSocket),
        }
    }

    /// What [`send`](Self::send) would do. If it would have to wait, one
    /// [`Ready`](crate::Event::Ready) event says when no more.
    ///
    /// # Errors
    /// `BadSocket` when there is no such socket.
    pub fn write_prospect(&mut self, socket: SocketId) -> Result<Prospect, SocketError> {
        // Field by field: the profile is only read.
        let Self { slots, profile, .. } = self;
        let held = held_in(slots, socket).ok_or(SocketError::BadSocket)?;
        Ok(held.write_prospect(profile))
    }

    /// One [`Ready`](crate::Event::Ready) event says when more text, the end of the file, or more
    /// room has come, whatever there is already: for drivers whose applications want to hear of
    /// changes only.
    pub fn expect_change(&mut self, socket: SocketId) {
        if let Some(connection) = self.held_mut(socket) {
            connection.expect_change();
        }
    }

    /// The half of [`expect_change`](Self::expect_change) that is about reading.
    pub fn expect_text(&mut self, socket: SocketId) {
        if let Some(connection) = self.held_mut(socket) {
            connection.expect_text();
        }
    }

    /// The half of [`expect_change`](Self::expect_change) that is about writing.
    pub fn expect_room(&mut self, socket: SocketId) {
        if let Some(connection) = self.held_mut(socket) {
            connection.expect_room();
        }
    }

    /// How many octets the send buffer of a connection has room for.
    pub fn send_room(&self, socket: SocketId) -> usize {
        self.slots.connection(socket).map_or(0, |connection| connection.room(&self.profile))
    }

    /// How many connections wait to be accepted; `None` for what is no listener.
    pub fn accept_queue(&self, listener: SocketId) -> Option<usize> {
        self.slots.listener(listener).map(|listener| listener.established.len())
    }

    /// How many octets wait to be read.
    pub fn unread(&self, socket: SocketId) -> usize {
        self.held(socket).map_or(0, |connection| connection.unread() as usize)
    }

    /// Whether the peer's FIN was taken: nothing follows what waits to be read.
    pub fn heard_end(&self, socket: SocketId) -> bool {
        self.held(socket).is_some_and(Connection::heard_end)
    }

    /// Whether there is so much room that a writer who had to wait would be told (Linux'
    /// `sk_stream_is_writeable`): more than [`send_room`](Self::send_room) being there.
    pub fn is_worth_writing(&self, socket: SocketId) -> bool {
        self.slots.connection(socket).is_some_and(|connection| connection.send.is_worth_waking())
    }

    /// Octets written and not acknowledged, and of these, octets never sent.
    pub fn unacknowledged(&self, socket: SocketId) -> (usize, usize) {
        self.slots.connection(socket).map_or((0, 0), |connection| {
            (connection.send.buffer.len(), connection.send.unsent() as usize)
        })
    }

    /// The error that [`take_error`](Self::take_error) would take.
    pub fn pending_error(&self, socket: SocketId) -> Option<SocketError> {
        self.held(socket)?.error
    }

    /// The connection of a socket that an application holds, in TIME-WAIT too.
    fn held(&self, socket: SocketId) -> Option<&Connection> {
        match self.slots.get(socket)? {
            Slot::Connection(connection) => Some(connection).filter(|held| held.is_held()),
            Slot::TimeWait(record) => record.held.as_ref(),
            _ => None,
        }
        .map(|connection| &**connection)
    }

    fn held_mut(&mut self, socket: SocketId) -> Option<&mut Connection> {
        held_in(&mut self.slots, socket)
    }
}

fn held_in(slots: &mut Slots, socket: SocketId) -> Option<&mut Connection> {
    match slots.get_mut(socket)? {
        Slot::Connection(connection) => Some(connection).filter(|held| held.is_held()),
        Slot::TimeWait(record) => record.held.as_mut(),
        _ => None,
    }
    .map(|connection| &mut **connection)
}

/// The state of what a slot holds, if it holds anything.
fn state_of(slot: &Slot) -> Option<TcpState> {
    match slot {
        Slot::Free { .. } => None,
        Slot::Listener(_) => Some(TcpState::Listen),
        Slot::Connection(connection) => Some(connection.state),
        Slot::TimeWait(_) => Some(TcpState::TimeWait),
    }
}
