//! Relays: what a proxy does with the two connections that are one to its client and its server.
//!
//! Two tasks share the sockets, one for each direction. What ends one direction ends it for the
//! other side, too: the end of the file goes on as a FIN, and an error as a reset.

use bytes::Bytes;

use twomsl_tcp::{Shutdown, SocketError, SocketId, TcpState};

use crate::live::Live;
use crate::plan::Plan;
use crate::program::{Relay, Var};
use crate::spec::Urgent;
use crate::tasks::{Flow, Phase, TaskId};
use crate::text::{ANY, joined};

impl Live {
    /// Opens the other connection. If nobody answers there, the first one is reset.
    pub(crate) fn relay(&mut self, plan: &Plan, id: TaskId, relay: &Relay) -> Flow {
        if self.tasks.get(id).phase == Phase::Fresh {
            let Some(front) = self.socket(id, relay.on, "relay") else {
                return crate::calls::no_socket("relay");
            };
            self.tasks.get_mut(id).name(Some(relay.front), front);
        }
        let flow = self.connect(plan, id, &relay.connect);
        if let Flow::Fail(..) = flow
            && let Some(front) = self.tasks.get(id).socket(Var::Named(relay.front))
        {
            self.break_off(plan, id, front);
        }
        flow
    }

    /// Hands on what comes from one socket to the other.
    pub(crate) fn carry(&mut self, plan: &Plan, id: TaskId, from: Var, to: Var) -> Flow {
        let (Some(from), Some(to)) = (self.socket(id, from, "relay"), self.socket(id, to, "relay"))
        else {
            return crate::calls::no_socket("relay");
        };
        self.call(id, Some(from), || "relay()".to_owned());
        let host = self.tasks.get(id).host;
        loop {
            match self.hand_on(plan, id, to) {
                Ok(()) => {}
                Err(SocketError::WouldBlock) => return Flow::Block(to),
                Err(error) => return self.broken(plan, id, (to, from), error),
            }
            let mut pieces = Vec::new();
            match self.receive(plan, host, from, ANY, |piece| pieces.push(piece)) {
                Ok(0) => return self.carried(plan, id, from, to),
                Ok(_) => self.tasks.get_mut(id).pending = joined(pieces),
                Err(SocketError::WouldBlock) => return Flow::Block(from),
                Err(error) => return self.broken(plan, id, (from, to), error),
            }
        }
    }

    /// Writes what was read.
    fn hand_on(&mut self, plan: &Plan, id: TaskId, to: SocketId) -> Result<(), SocketError> {
        let host = self.tasks.get(id).host;
        loop {
            let pending = self.tasks.get(id).pending.clone();
            if pending.is_empty() {
                return Ok(());
            }
            let wrote = self.write_text(plan, host, to, &pending, Urgent::No)?;
            let task = self.tasks.get_mut(id);
            task.pending = pending.slice(wrote as usize..);
            task.progress += wrote;
        }
    }

    /// One side has ended: the other is told. The second time both are over and given back.
    fn carried(&mut self, plan: &Plan, id: TaskId, from: SocketId, to: SocketId) -> Flow {
        let host = self.tasks.get(id).host;
        let all = self.tasks.get(id).progress;
        self.returned(id, Some(from), "relay", Ok(Some(all)));
        // A side that has sent its own FIN before is in LAST-ACK, CLOSING or TIME-WAIT by now.
        let is_first = self.hosts[host as usize].stack.state(from) == Some(TcpState::CloseWait);
        self.tasks.get_mut(id).phase = Phase::Fresh;
        let now = self.now;
        if is_first {
            self.call(id, Some(to), || "shutdown(write)".to_owned());
            self.ends(host, to, Shutdown::Write);
            // A side that is gone meanwhile is told nothing; its own task says so.
            let _ = self.hosts[host as usize].stack.shutdown(now, to, Shutdown::Write);
            self.drain(plan, host);
            return Flow::Next;
        }
        for socket in [to, from] {
            self.call(id, Some(socket), || "close()".to_owned());
            self.gives_back(host, socket);
            let _ = self.hosts[host as usize].stack.close(now, socket);
            self.drain(plan, host);
        }
        Flow::Next
    }

    /// One side has failed: the other is reset. Its own task finds that out, and does nothing more.
    fn broken(
        &mut self,
        plan: &Plan,
        id: TaskId,
        (failed, other): (SocketId, SocketId),
        error: SocketError,
    ) -> Flow {
        self.returned(id, Some(failed), "relay", Err(error));
        self.tasks.get_mut(id).pending = Bytes::new();
        if !matches!(error, SocketError::ConnectionAborted | SocketError::BadSocket) {
            self.break_off(plan, id, other);
        }
        Flow::Next
    }

    fn break_off(&mut self, plan: &Plan, id: TaskId, socket: SocketId) {
        self.tasks.get_mut(id).phase = Phase::Fresh;
        self.call(id, Some(socket), || "abort()".to_owned());
        let (host, now) = (self.tasks.get(id).host, self.now);
        let _ = self.hosts[host as usize].stack.abort(now, socket);
        self.drain(plan, host);
    }
}
