//! What follows every event of a connection: its record, its 4-tuple, its deadline.

use super::Stack;
use super::slots::Slot;
use super::time_wait::TimeWait;
use crate::connection::{Cleanup, Connection, Origin};
use crate::event::{Cause, Event, Readiness, SocketId, StateChange, TimerChange, TimerKind};
use crate::outbox::{AcceptQueue, Context};
use crate::timers::Change;
use crate::tuple::Tuple;
use crate::{Holder, Instant, SocketError, TcpState};

impl Stack {
    /// Runs every timer that is due.
    pub fn on_timeout(&mut self, now: Instant) {
        while let Some((at, index)) = self.deadlines.earliest()
            && at <= now
        {
            let socket = self.slots.id_at(index);
            if self.slots.time_wait(socket).is_some() {
                self.out.timer(socket, TimerKind::TimeWait, TimerChange::Fired);
                self.end_time_wait(now, socket, Cause::Timeout(TimerKind::TimeWait));
            } else {
                let _ = self.with_connection(now, socket, Connection::on_timeout);
            }
        }
    }

    /// Lets a connection handle one event, and settles what follows from it.
    pub(super) fn with_connection<R>(
        &mut self,
        now: Instant,
        socket: SocketId,
        event: impl FnOnce(&mut Connection, &mut Context<'_>) -> R,
    ) -> Result<R, SocketError> {
        let before = self.slots.connection(socket).ok_or(SocketError::BadSocket)?;
        let (was_linked, origin) = (before.state != TcpState::Closed, before.origin());
        let was_orphan = was_linked && before.holder == Holder::Orphan;
        let accept_queue = self.accept_queue_of(origin);
        let (mut cx, connection) = self.context(now, socket, accept_queue);
        let connection = connection.ok_or(SocketError::BadSocket)?;
        let result = event(connection, &mut cx);
        connection.assert_sane(cx.profile);
        let (state, moved) = (connection.state, connection.timers.take_change());
        if moved == Change::Some {
            let deadline = connection.next_timeout();
            self.deadlines.update(socket.index, deadline);
        }
        if matches!(state, TcpState::Closed | TcpState::Listen | TcpState::TimeWait) {
            self.kept.orphans -= u32::from(was_orphan);
            self.clean_up(now, socket, was_linked);
        }
        if let Some(Origin::Passive { listener, supersedes }) = origin
            && state != TcpState::SynReceived
        {
            self.leave_syn_queue(now, socket, listener, supersedes);
        }
        if let Some(Origin::Fast { listener }) = origin
            && state != TcpState::SynReceived
            && let Some(queue) = self.slots.listener_mut(listener)
        {
            queue.opening_fast -= 1;
        }
        Ok(result)
    }

    fn clean_up(&mut self, now: Instant, socket: SocketId, was_linked: bool) {
        let Some(connection) = self.slots.connection(socket) else { return };
        let (cleanup, tuple) = (connection.cleanup(), connection.tuple);
        if cleanup == Cleanup::TimeWait {
            return self.make_time_wait(now, socket);
        }
        if was_linked {
            self.unlink(socket, &tuple);
        }
        if cleanup == Cleanup::Forget {
            self.forget(socket);
        }
    }

    /// What the listener of a connection in SYN-RECEIVED has room for.
    fn accept_queue_of(&self, origin: Option<Origin>) -> AcceptQueue {
        let Some(Origin::Passive { listener, .. }) = origin else { return AcceptQueue::Room };
        match self.slots.listener(listener) {
            Some(listener) if listener.accept_queue_is_full(&self.profile) => AcceptQueue::Full,
            Some(_) => AcceptQueue::Room,
            None => AcceptQueue::Gone,
        }
    }

    /// A handshake ended: well, and the connection waits to be accepted; or not, and whatever was
    /// in TIME-WAIT under this 4-tuple has it back (MAY-2).
    fn leave_syn_queue(
        &mut self,
        now: Instant,
        socket: SocketId,
        listener: SocketId,
        supersedes: Option<SocketId>,
    ) {
        let established = self.slots.get(socket).is_some();
        if let Some(queue) = self.slots.listener_mut(listener) {
            queue.opening -= 1;
            if established {
                queue.established.push_back(socket);
                self.out.ready(listener, Readiness::Acceptable);
            }
        }
        let Some(old) = supersedes else { return };
        if established {
            self.end_time_wait(now, old, Cause::Reuse);
        } else if let Some(record) = self.slots.time_wait(old) {
            let tuple = record.tuple;
            self.name(&tuple, old);
        }
    }

    fn make_time_wait(&mut self, now: Instant, socket: SocketId) {
        let Some(slot) = self.slots.get_mut(socket) else { return };
        let Slot::Connection(connection) = slot else { return };
        let record = TimeWait::new(connection, now, &self.profile);
        if let Some(ripe) = record.ripe_at(&self.profile) {
            self.ports.crowded.ripen(&record.tuple, ripe);
        }
        let (deadline, tuple, recent) = (record.deadline, record.tuple, record.heard_timestamp());
        self.kept.time_waits += 1;
        let Slot::Connection(connection) = core::mem::replace(slot, Slot::TimeWait(record)) else {
            return;
        };
        if connection.is_held() {
            if let Slot::TimeWait(record) = slot {
                record.held = Some(connection);
            }
        } else {
            self.slots.keep(connection);
        }
        self.remember_host(now, &tuple, recent);
        self.deadlines.update(socket.index, deadline);
    }

    /// TIME-WAIT starts over.
    pub(super) fn restart_time_wait(&mut self, now: Instant, socket: SocketId) {
        let deadline = now + self.profile.time_wait_lasts();
        if let Some(Slot::TimeWait(record)) = self.slots.get_mut(socket) {
            record.deadline = deadline;
            self.out.timer(socket, TimerKind::TimeWait, TimerChange::Restarted(deadline));
            self.deadlines.update(socket.index, deadline);
        }
    }

    /// TIME-WAIT ends. An application that still holds the connection can read what is left.
    pub(super) fn end_time_wait(&mut self, now: Instant, socket: SocketId, cause: Cause) {
        let Some(Slot::TimeWait(record)) = self.slots.get_mut(socket) else { return };
        let (tuple, held) = (record.tuple, record.held.take());
        self.kept.time_waits -= 1;
        let (from, to) = (TcpState::TimeWait, TcpState::Closed);
        self.out.event(Event::State(StateChange { socket, from, to, cause }));
        if cause != Cause::Timeout(TimerKind::TimeWait) {
            self.out.timer(socket, TimerKind::TimeWait, TimerChange::Stopped);
        }
        self.deadlines.update(socket.index, Instant::MAX);
        self.unlink(socket, &tuple);
        match held {
            Some(mut connection) => {
                connection.end_of_time_wait(now);
                self.out.ready(socket, Readiness::Closed);
                if let Some(slot) = self.slots.get_mut(socket) {
                    *slot = Slot::Connection(connection);
                }
            }
            None => self.forget(socket),
        }
    }

    /// Frees the 4-tuple of a connection that is over. A connection that took it over from this
    /// one in TIME-WAIT keeps it.
    fn unlink(&mut self, socket: SocketId, tuple: &Tuple) {
        if self.connections.get(tuple) == Some(socket) {
            self.connections.remove(tuple);
            self.ports.crowded.vacate(tuple);
        }
        self.ports.release(tuple);
    }

    /// From now on segments of this 4-tuple are for this socket.
    pub(super) fn name(&mut self, tuple: &Tuple, socket: SocketId) {
        self.connections.insert(tuple, socket);
        self.ports.crowded.occupy(tuple);
    }

    pub(super) fn forget(&mut self, socket: SocketId) {
        self.deadlines.update(socket.index, Instant::MAX);
        self.slots.remove(socket);
    }

    /// Puts a new connection into its slot and under its 4-tuple.
    pub(super) fn link(&mut self, mut connection: Connection) -> SocketId {
        self.paths.tell(connection.since, &mut connection);
        let tuple = connection.tuple;
        self.ports.take(&tuple);
        let socket = self.slots.insert_connection(connection);
        self.name(&tuple, socket);
        socket
    }

    /// Gives a connection that waits to be accepted to an application.
    pub(super) fn hand_over(&mut self, socket: SocketId) {
        match self.slots.get_mut(socket) {
            Some(Slot::Connection(connection)) => connection.holder = Holder::Application,
            Some(Slot::TimeWait(record)) => {
                if let Some(held) = &mut record.held {
                    held.holder = Holder::Application;
                }
            }
            _ => {}
        }
    }
}
