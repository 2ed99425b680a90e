//! Writing and reading: the calls that move text, checked against what the peer wrote.

use std::time::Duration;

use bytes::Bytes;
use twomsl_tcp::{SocketError, SocketId};

use crate::calls::no_socket;
use crate::live::Live;
use crate::pattern;
use crate::plan::Plan;
use crate::program::Var;
use crate::random::{Purpose, derive};
use crate::spec::{Data, Urgent};
use crate::tasks::{Flow, Phase, TaskId};

/// As much as one `read` without an amount takes at most.
pub(crate) const ANY: u64 = u64::MAX;

impl Live {
    /// Writes until the send buffer has taken everything. `write(2)` on a blocking socket does
    /// the same.
    pub(crate) fn write(
        &mut self,
        plan: &Plan,
        id: TaskId,
        on: Var,
        data: &Data,
        urgent: Urgent,
    ) -> Flow {
        let Some(socket) = self.socket(id, on, "write") else { return no_socket("write") };
        let length = match data {
            Data::Octets(octets) => octets.len() as u64,
            Data::Pattern(length) => *length,
        };
        self.call(id, Some(socket), || match urgent {
            Urgent::No => format!("write({length})"),
            Urgent::Yes => format!("write({length}, urgent)"),
        });
        loop {
            let done = self.tasks.get(id).progress;
            if done >= length {
                if self.tasks.get(id).phase == Phase::Begun {
                    self.returned(id, Some(socket), "write", Ok(Some(length)));
                }
                return Flow::Next;
            }
            // A part of the data at a time: what is not yet written is looked at again when there
            // is room. Slices share the memory of the whole.
            let wrote = match data {
                Data::Octets(octets) => {
                    self.write_octets(plan, id, socket, &octets.slice(done as usize..), urgent)
                }
                Data::Pattern(_) => {
                    let host = self.tasks.get(id).host;
                    self.write_pattern(plan, host, socket, length - done, urgent)
                }
            };
            match wrote {
                Ok(octets) => self.tasks.get_mut(id).progress += octets,
                Err(SocketError::WouldBlock) => return Flow::Block(socket),
                Err(error) => return self.failed(id, Some(socket), "write", error),
            }
        }
    }

    /// Writes the next octets of the socket's pattern, and says how many.
    pub(crate) fn write_pattern(
        &mut self,
        plan: &Plan,
        host: u32,
        socket: SocketId,
        length: u64,
        urgent: Urgent,
    ) -> Result<u64, SocketError> {
        let life = self.life_of(host, socket);
        // Every connection begins elsewhere, so that one's octets are not taken for another's.
        let begins = |seed| derive(seed, Purpose::Pattern, &[u64::from(life.number())]) >> 16;
        let seed = self.seed;
        let Some(writer) = self.lives.get_mut(life) else { return Err(SocketError::BadSocket) };
        let phase = *writer.written.phase.get_or_insert_with(|| begins(seed));
        let offset = phase + writer.written.pattern;
        let text = pattern::slice(offset, length);
        let wrote = self.send(plan, host, socket, text, urgent)?;
        if let Some(writer) = self.lives.get_mut(life) {
            writer.written.pattern += wrote;
            writer.written.push_pattern(offset, wrote);
        }
        Ok(wrote)
    }

    /// Writes some of these octets, and says how many.
    fn write_octets(
        &mut self,
        plan: &Plan,
        id: TaskId,
        socket: SocketId,
        octets: &Bytes,
        urgent: Urgent,
    ) -> Result<u64, SocketError> {
        let host = self.tasks.get(id).host;
        self.write_text(plan, host, socket, octets, urgent)
    }

    /// SEND, remembered for the invariants: how many octets were taken.
    pub(crate) fn write_text(
        &mut self,
        plan: &Plan,
        host: u32,
        socket: SocketId,
        octets: &Bytes,
        urgent: Urgent,
    ) -> Result<u64, SocketError> {
        let life = self.life_of(host, socket);
        let wrote = self.send(plan, host, socket, octets.clone(), urgent)?;
        if let Some(writer) = self.lives.get_mut(life) {
            writer.written.push_octets(octets.slice(..wrote as usize));
        }
        Ok(wrote)
    }

    /// Remembers for the invariants what was written in another way than by SEND.
    pub(crate) fn wrote(&mut self, host: u32, socket: SocketId, octets: Bytes) {
        self.hosts[host as usize].totals.written += octets.len() as u64;
        let life = self.life_of(host, socket);
        if let Some(writer) = self.lives.get_mut(life) {
            writer.written.push_octets(octets);
        }
    }

    /// SEND.
    fn send(
        &mut self,
        plan: &Plan,
        host: u32,
        socket: SocketId,
        mut text: Bytes,
        urgent: Urgent,
    ) -> Result<u64, SocketError> {
        let (now, owner) = (self.now, &mut self.hosts[host as usize]);
        let sent = match urgent {
            Urgent::No => owner.stack.send_bytes(now, socket, &mut text),
            Urgent::Yes => owner.stack.send_urgent(now, socket, &text),
        };
        match sent {
            Ok(octets) => owner.totals.written += octets as u64,
            // What has to wait has no effects.
            Err(SocketError::WouldBlock) => return Err(SocketError::WouldBlock),
            Err(_) => {}
        }
        self.drain(plan, host);
        sent.map(|octets| octets as u64)
    }

    /// RECEIVE, checked against what the peer wrote: one call of the application, however many
    /// pieces it gets. No octets at the end of the file, unless it asks for none.
    pub(crate) fn receive(
        &mut self,
        plan: &Plan,
        host: u32,
        socket: SocketId,
        limit: u64,
        mut keep: impl FnMut(Bytes),
    ) -> Result<u64, SocketError> {
        let life = self.life_of(host, socket);
        let (now, owner, lives) = (self.now, &mut self.hosts[host as usize], &mut self.lives);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut checked = Ok(());
        let read = owner.stack.receive_pieces(now, socket, limit, |piece| {
            if checked.is_ok() {
                checked = lives.check_read(life, &piece);
            }
            keep(piece);
        });
        let octets = match read {
            Ok(octets) => octets as u64,
            // What has to wait has no effects.
            Err(SocketError::WouldBlock) => return Err(SocketError::WouldBlock),
            Err(error) => {
                self.drain(plan, host);
                return Err(error);
            }
        };
        if octets == 0 && limit > 0 {
            checked = self.lives.check_read(life, &[]);
        }
        self.hosts[host as usize].totals.read += octets;
        if let Err(wrong) = checked {
            self.violation(1, Some((host, socket)), wrong);
        }
        if plan.watched.reads {
            self.check_reads(plan, host);
        }
        self.drain(plan, host);
        Ok(octets)
    }

    /// Reads until `amount` octets are there; without one, whatever comes first.
    pub(crate) fn read(
        &mut self,
        plan: &Plan,
        id: TaskId,
        on: Var,
        amount: Option<u64>,
        timeout: Option<Duration>,
        leave: Option<u32>,
    ) -> Flow {
        let Some(socket) = self.socket(id, on, "read") else { return no_socket("read") };
        self.call(id, Some(socket), || {
            amount.map_or("read()".to_owned(), |n| format!("read({n})"))
        });
        self.give_up_after(id, timeout);
        let over = leave.map_or(Flow::Next, Flow::Leave);
        let host = self.tasks.get(id).host;
        loop {
            let done = self.tasks.get(id).progress;
            // An exact read is done when nothing is left of its amount; the others end below.
            let left = amount.map_or(ANY, |amount| amount - done);
            if left == 0 {
                self.returned(id, Some(socket), "read", Ok(Some(done)));
                return Flow::Next;
            }
            match self.receive(plan, host, socket, left, drop) {
                Ok(0) => {
                    self.returned(id, Some(socket), "read", Ok(Some(done)));
                    return over;
                }
                Ok(octets) => {
                    let done = done + octets;
                    self.tasks.get_mut(id).progress = done;
                    if amount.is_none() {
                        self.returned(id, Some(socket), "read", Ok(Some(done)));
                        return Flow::Next;
                    }
                }
                // `SO_RCVTIMEO`: the call gives up with EAGAIN, but the role goes on.
                Err(SocketError::WouldBlock) if self.is_late(id) => {
                    self.returned(id, Some(socket), "read", Err(SocketError::WouldBlock));
                    return over;
                }
                Err(SocketError::WouldBlock) => return Flow::Block(socket),
                Err(error) => return self.failed(id, Some(socket), "read", error),
            }
        }
    }

    /// Reads whatever comes until the end of the file, and tells how much that was.
    pub(crate) fn read_to_end(&mut self, plan: &Plan, id: TaskId, on: Var) -> Flow {
        let Some(socket) = self.socket(id, on, "read-to-end") else {
            return no_socket("read-to-end");
        };
        self.call(id, Some(socket), || "read-to-end()".to_owned());
        let host = self.tasks.get(id).host;
        loop {
            match self.receive(plan, host, socket, ANY, drop) {
                Ok(0) => {
                    let all = self.tasks.get(id).progress;
                    self.returned(id, Some(socket), "read-to-end", Ok(Some(all)));
                    return Flow::Next;
                }
                Ok(octets) => self.tasks.get_mut(id).progress += octets,
                Err(SocketError::WouldBlock) => return Flow::Block(socket),
                Err(error) => return self.failed(id, Some(socket), "read-to-end", error),
            }
        }
    }

    /// Writes back what is read, until the end of the file. Reads no more while something read
    /// waits to be written.
    pub(crate) fn echo(&mut self, plan: &Plan, id: TaskId, on: Var) -> Flow {
        let Some(socket) = self.socket(id, on, "echo") else { return no_socket("echo") };
        self.call(id, Some(socket), || "echo()".to_owned());
        let host = self.tasks.get(id).host;
        loop {
            if let Err(flow) = self.write_pending(plan, id, socket) {
                return flow;
            }
            let mut pieces = Vec::new();
            match self.receive(plan, host, socket, ANY, |piece| pieces.push(piece)) {
                Ok(0) => {
                    let all = self.tasks.get(id).progress;
                    self.returned(id, Some(socket), "echo", Ok(Some(all)));
                    return Flow::Next;
                }
                Ok(_) => self.tasks.get_mut(id).pending = joined(pieces),
                Err(SocketError::WouldBlock) => return Flow::Block(socket),
                Err(error) => return self.failed(id, Some(socket), "echo", error),
            }
        }
    }

    /// Writes what an echo has read.
    fn write_pending(&mut self, plan: &Plan, id: TaskId, socket: SocketId) -> Result<(), Flow> {
        loop {
            let pending = self.tasks.get(id).pending.clone();
            if pending.is_empty() {
                return Ok(());
            }
            match self.write_octets(plan, id, socket, &pending, Urgent::No) {
                Ok(wrote) => {
                    let task = self.tasks.get_mut(id);
                    task.pending = pending.slice(wrote as usize..);
                    task.progress += wrote;
                }
                Err(SocketError::WouldBlock) => return Err(Flow::Block(socket)),
                Err(error) => return Err(self.failed(id, Some(socket), "echo", error)),
            }
        }
    }
}

/// Pieces of text as one; a single piece stays shared.
pub(crate) fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() == 1 {
        return pieces.pop().unwrap_or_default();
    }
    pieces.concat().into()
}
