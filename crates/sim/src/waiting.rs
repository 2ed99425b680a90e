//! Calls that wait, and what closing does to them.
//!
//! A call that waits keeps its socket: `close` gives the descriptor back at once, but the socket
//! itself is closed when the last call that waits for it has returned (`close(2)`, "Multithreaded
//! processes and `close()`"; FreeBSD counts references alike). So a `write` that waits for room is
//! a SEND before the CLOSE, all of which is delivered (RFC 9293 §3.10.4).

use twomsl_tcp::{Readiness, SocketError, SocketId};

use crate::live::{Closing, Live};
use crate::plan::Plan;
use crate::program::Op;
use crate::queue::What;
use crate::tasks::{Flow, Phase, TaskId, Waiting};

impl Live {
    /// Does an operation, as far as it can be done now; a call that waited may be over then.
    pub(crate) fn attempt(&mut self, plan: &Plan, id: TaskId, op: &Op) -> Flow {
        let before = self.tasks.get(id).progress;
        let mut flow = self.execute(plan, id, op);
        let task = self.tasks.get(id);
        let Some(socket) = task.holds else { return flow };
        if let Flow::Block(_) = flow
            && task.progress > before
            && self.is_closing(task.host, socket)
        {
            flow = self.reads_on(id, op, flow);
        }
        if !matches!(flow, Flow::Block(_) | Flow::Blocked) {
            self.lets_go(plan, id, socket);
        }
        flow
    }

    /// What has read a part calls again for the rest, and the descriptor is no more. A write is one
    /// call.
    fn reads_on(&mut self, id: TaskId, op: &Op, flow: Flow) -> Flow {
        let call = match op {
            Op::Read { .. } => "read",
            Op::ReadToEnd { .. } => "read-to-end",
            Op::Echo { .. } => "echo",
            _ => return flow,
        };
        self.failed(id, None, call, SocketError::BadSocket)
    }

    /// Whether the application has closed a socket that a call of it still keeps.
    pub(crate) fn is_closing(&mut self, host: u32, socket: SocketId) -> bool {
        self.slot(host, socket).is_some_and(|slot| slot.closing == Closing::WithLastCall)
    }

    /// Whether calls wait for a socket. If so, it is closed when the last of them returns.
    pub(crate) fn closes_later(&mut self, host: u32, socket: SocketId) -> bool {
        let Some(slot) = self.slot(host, socket).filter(|slot| slot.calls > 0) else {
            return false;
        };
        slot.closing = Closing::WithLastCall;
        true
    }

    /// A call that waited has returned.
    fn lets_go(&mut self, plan: &Plan, id: TaskId, socket: SocketId) {
        let task = self.tasks.get_mut(id);
        task.holds = None;
        let host = task.host;
        self.returns(plan, host, socket);
    }

    /// The same for any call of a host.
    pub(crate) fn returns(&mut self, plan: &Plan, host: u32, socket: SocketId) {
        let Some(slot) = self.slot(host, socket) else { return };
        slot.calls = slot.calls.saturating_sub(1);
        if slot.calls > 0 || slot.closing == Closing::No {
            return;
        }
        slot.closing = Closing::No;
        self.gives_back(host, socket);
        let now = self.now;
        // Nobody is left to be told; an error only means that it is gone already.
        let _ = self.hosts[host as usize].stack.close(now, socket);
        self.drain(plan, host);
    }

    /// ABORT: "All queued SENDs and RECEIVEs should be given 'connection reset' notification" (RFC
    /// 9293 §3.10.5).
    pub(crate) fn tells_of_abort(&mut self, host: u32, socket: SocketId) {
        let waits = self.slot(host, socket).is_some_and(|slot| slot.calls > 0);
        if waits {
            self.ready(host, socket, Readiness::Failed(SocketError::ConnectionReset));
        }
    }

    /// A task waits for something to happen to a socket, or for its deadline.
    pub(crate) fn block(&mut self, id: TaskId, socket: SocketId) {
        let host = self.tasks.get(id).host;
        let task = self.tasks.get_mut(id);
        task.phase = Phase::Begun;
        task.waiting = Waiting::Socket(socket);
        let wake = task.deadline.map(|deadline| (deadline, What::Task(id.0, task.epoch)));
        if let Some((deadline, wake)) = wake {
            self.queue.push(deadline, wake);
        }
        let begins = task.holds.replace(socket).is_none();
        let Some(slot) = self.slot(host, socket) else { return };
        slot.calls += u32::from(begins);
        let first = std::mem::replace(&mut slot.waiter, id);
        self.tasks.get_mut(id).next = first;
    }

    /// A sleep or a timeout is over.
    pub(crate) fn wake_sleeper(&mut self, place: u32) {
        let id = TaskId(place);
        let task = self.tasks.get(id);
        if let Waiting::Socket(socket) = task.waiting {
            self.unlink(task.host, socket, id);
        }
        self.tasks.wake(id);
    }

    /// Takes a task out of the list of a socket. The list is as long as there are tasks that
    /// wait for the same socket: mostly one.
    fn unlink(&mut self, host: u32, socket: SocketId, id: TaskId) {
        let next = std::mem::replace(&mut self.tasks.get_mut(id).next, TaskId::NONE);
        let Some(slot) = self.slot(host, socket) else { return };
        if slot.waiter == id {
            slot.waiter = next;
            return;
        }
        let mut place = slot.waiter;
        while place != TaskId::NONE {
            let task = self.tasks.get_mut(place);
            if task.next == id {
                task.next = next;
                return;
            }
            place = task.next;
        }
    }
}
