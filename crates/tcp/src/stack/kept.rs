//! Connections that a stack keeps for nobody: those in TIME-WAIT, and orphans. They cost memory
//! that no application answers for, and so there may be a limit to them.

use super::Stack;
use super::slots::Slot;
use crate::connection::Connection;
use crate::event::SocketId;
use crate::outbox::TimeWaitTable;
use crate::{Holder, Instant, TcpState};

/// How many there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(super) time_waits: u32,
    /// Given back by their applications, and neither in TIME-WAIT nor in CLOSED.
    pub(super) orphans: u32,
}

impl Stack {
    /// Linux' `inet_twsk_alloc`: none is made when `tcp_max_tw_buckets` are there.
    pub(super) fn time_wait_table(&self) -> TimeWaitTable {
        match self.profile.max_time_wait {
            Some(most) if self.kept.time_waits >= most => TimeWaitTable::Full,
            _ => TimeWaitTable::Room,
        }
    }

    /// An application gave a connection back. If that makes one orphan too many, it is reset after
    /// its FIN, as Linux' `tcp_close` has it: memory runs out first for what nobody waits for.
    pub(super) fn adopt(&mut self, now: Instant, socket: SocketId) {
        let Some(Slot::Connection(connection)) = self.slots.get(socket) else { return };
        if connection.holder != Holder::Orphan || connection.state == TcpState::Closed {
            return;
        }
        self.kept.orphans += 1;
        if self.profile.max_orphans.is_some_and(|most| self.kept.orphans > most) {
            let _ = self.with_connection(now, socket, Connection::drop_orphan);
        }
    }
}
