//! What each operation of a task does: the calls of applications.

use std::time::Duration;

use bytes::Bytes;
use twomsl_tcp::{Instant, Shutdown, SocketError, SocketId, SocketOption, SocketOptions, TcpState};

use crate::live::{Linger, Live, Reached};
use crate::pattern;
use crate::plan::Plan;
use crate::program::{Connect, Op, Var};
use crate::random::{Purpose, derive};
use crate::spec::{Data, Urgent, Wait};
use crate::tasks::{Flow, Phase, TaskId, Waiting};

/// As much as one `read` without an amount takes at most.
const ANY: u64 = u64::MAX;

impl Live {
    /// Does one operation of a task, or as much of it as can be done now.
    pub(crate) fn execute(&mut self, plan: &Plan, id: TaskId, op: &Op) -> Flow {
        match op {
            Op::Listen { port, backlog, options, name } => {
                self.listen(plan, id, (*port, *backlog), options.as_deref(), *name)
            }
            Op::Accept { listener, name, timeout } => {
                self.accept(plan, id, *listener, *name, *timeout)
            }
            Op::Connect(connect) => self.connect(plan, id, connect),
            Op::Write { on, data, urgent } => self.write(plan, id, *on, data, *urgent),
            Op::Read { on, amount, timeout, leave } => {
                self.read(plan, id, *on, *amount, *timeout, *leave)
            }
            Op::ReadToEnd { on } => self.read_to_end(plan, id, *on),
            Op::Echo { on } => self.echo(plan, id, *on),
            Op::Shutdown { on, how } => self.shutdown(plan, id, *on, *how),
            Op::Close { on } => self.close(plan, id, *on),
            Op::Abort { on } => self.abort(plan, id, *on),
            Op::SetOption { on, option } => self.set_option(plan, id, *on, *option),
            Op::Sleep(time) => self.sleep_for(id, *time),
            Op::Wait(condition) => self.wait_for(id, *condition),
            Op::Repeat { count, end } => self.repeat(id, *count, *end),
            Op::Again { body } => self.again(id, *body),
            Op::Serve { listener } => self.serve(plan, id, *listener),
            Op::Spawn { count, end } => {
                (0..*count).for_each(|_| self.spawn(id, None));
                Flow::Goto(*end)
            }
            Op::End => Flow::End,
        }
    }

    fn listen(
        &mut self,
        plan: &Plan,
        id: TaskId,
        (port, backlog): (u16, u32),
        options: Option<&SocketOptions>,
        name: Option<u16>,
    ) -> Flow {
        self.call(id, None, || format!("listen({port})"));
        let host = self.tasks.get(id).host;
        let local = plan.any_address(host, port);
        let now = self.now;
        let made = self.hosts[host as usize].stack.listen(now, local, backlog, options);
        match made {
            Ok(socket) => {
                let task = self.tasks.get_mut(id);
                task.listener = Some(socket);
                task.name(name, socket);
                self.opened(plan, host, socket, options);
                self.drain(plan, host);
                Flow::Next
            }
            Err(error) => self.failed(id, None, "listen", error),
        }
    }

    /// Remembers whether closing a socket waits.
    fn opened(
        &mut self,
        plan: &Plan,
        host: u32,
        socket: SocketId,
        options: Option<&SocketOptions>,
    ) {
        let defaults = &plan.spec.hosts[host as usize].profile.options;
        let time = options.unwrap_or(defaults).linger;
        self.lingers(host, socket, time);
    }

    fn lingers(&mut self, host: u32, socket: SocketId, time: Option<Duration>) {
        if let Some(slot) = self.slot(host, socket) {
            let waits = time.is_some_and(|time| !time.is_zero());
            slot.linger = if waits { Linger::On } else { Linger::Off };
        }
    }

    fn accept(
        &mut self,
        plan: &Plan,
        id: TaskId,
        listener: Var,
        name: Option<u16>,
        timeout: Option<Duration>,
    ) -> Flow {
        match self.accept_one(plan, id, listener, timeout) {
            Ok(socket) => {
                let task = self.tasks.get_mut(id);
                task.current = Some(socket);
                task.name(name, socket);
                Flow::Next
            }
            Err(flow) => flow,
        }
    }

    /// Accepts for ever, and makes a task for each connection.
    fn serve(&mut self, plan: &Plan, id: TaskId, listener: Var) -> Flow {
        loop {
            match self.accept_one(plan, id, listener, None) {
                Ok(socket) => {
                    self.spawn(id, Some(socket));
                    self.tasks.get_mut(id).phase = Phase::Fresh;
                }
                Err(flow) => return flow,
            }
        }
    }

    /// One connection of a listener, or what the task has to do instead.
    fn accept_one(
        &mut self,
        plan: &Plan,
        id: TaskId,
        listener: Var,
        timeout: Option<Duration>,
    ) -> Result<SocketId, Flow> {
        let listener = self.socket(id, listener, "accept")?;
        self.call(id, Some(listener), || "accept()".to_owned());
        self.give_up_after(id, timeout);
        let (host, now) = (self.tasks.get(id).host, self.now);
        match self.hosts[host as usize].stack.accept(now, listener) {
            Ok(socket) => {
                self.drain(plan, host);
                let linger = self.slot(host, listener).map_or(Linger::Off, |slot| slot.linger);
                if let Some(slot) = self.slot(host, socket) {
                    // Options are inherited; so is this one.
                    slot.linger = linger;
                }
                self.returned(id, Some(socket), "accept", Ok(None));
                Ok(socket)
            }
            Err(SocketError::WouldBlock) if !self.is_late(id) => Err(Flow::Block(listener)),
            Err(error) => Err(self.failed(id, Some(listener), "accept", error)),
        }
    }

    fn connect(&mut self, plan: &Plan, id: TaskId, connect: &Connect) -> Flow {
        if self.tasks.get(id).phase == Phase::Begun {
            return self.connected(id);
        }
        let Connect { host: target, port, .. } = *connect;
        let target_name = &plan.spec.hosts[target as usize].name;
        self.call(id, None, || format!("connect({target_name}:{port})"));
        let (host, now) = (self.tasks.get(id).host, self.now);
        let remote = plan.remote_address(host, target);
        let from = connect.from_port.map(|port| (plan.local_address(host, remote), port).into());
        let options = connect.options.as_deref();
        let stack = &mut self.hosts[host as usize].stack;
        match stack.connect(now, from, (remote, port).into(), options) {
            Ok(socket) => {
                let task = self.tasks.get_mut(id);
                task.current = Some(socket);
                task.name(connect.name, socket);
                self.opened(plan, host, socket, options);
                self.drain(plan, host);
                if connect.wait == Wait::No { Flow::Next } else { self.connected(id) }
            }
            Err(error) => {
                self.drain(plan, host);
                self.failed(id, None, "connect", error)
            }
        }
    }

    /// Whether a connect has come to anything.
    fn connected(&mut self, id: TaskId) -> Flow {
        let task = self.tasks.get(id);
        let (host, Some(socket)) = (task.host, task.current) else { return Flow::Next };
        let slot = self.slot(host, socket).copied();
        let failed = slot.and_then(|slot| slot.failed);
        let state = slot
            .and_then(|slot| self.lives.get(slot.life))
            .map_or(TcpState::Closed, |life| life.state);
        match (failed, state) {
            (Some(error), _) => {
                // The application is told, so the error is not pending any more.
                self.hosts[host as usize].stack.take_error(socket);
                self.failed(id, Some(socket), "connect", error)
            }
            (None, TcpState::SynSent | TcpState::SynReceived) => Flow::Block(socket),
            (None, TcpState::Closed) => {
                self.failed(id, Some(socket), "connect", SocketError::ConnectionAborted)
            }
            _ => {
                self.returned(id, Some(socket), "connect", Ok(None));
                Flow::Next
            }
        }
    }

    fn write(&mut self, plan: &Plan, id: TaskId, on: Var, data: &Data, urgent: Urgent) -> Flow {
        let socket = match self.socket(id, on, "write") {
            Ok(socket) => socket,
            Err(flow) => return flow,
        };
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
            let wrote = match data {
                Data::Octets(octets) => {
                    self.write_octets(plan, id, socket, &octets.slice(done as usize..), urgent)
                }
                Data::Pattern(_) => self.write_pattern(plan, id, socket, length - done, urgent),
            };
            match wrote {
                Ok(octets) => self.tasks.get_mut(id).progress += octets,
                Err(SocketError::WouldBlock) => return Flow::Block(socket),
                Err(error) => return self.failed(id, Some(socket), "write", error),
            }
        }
    }

    /// Writes the next octets of the socket's pattern, and says how many.
    fn write_pattern(
        &mut self,
        plan: &Plan,
        id: TaskId,
        socket: SocketId,
        length: u64,
        urgent: Urgent,
    ) -> Result<u64, SocketError> {
        let host = self.tasks.get(id).host;
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
        let life = self.life_of(host, socket);
        let wrote = self.send(plan, host, socket, octets.clone(), urgent)?;
        if let Some(writer) = self.lives.get_mut(life) {
            writer.written.push_octets(octets.slice(..wrote as usize));
        }
        Ok(wrote)
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

    /// RECEIVE, checked against what the peer wrote. Empty at the end of the file.
    fn receive(
        &mut self,
        plan: &Plan,
        host: u32,
        socket: SocketId,
        limit: u64,
    ) -> Result<Bytes, SocketError> {
        let (now, owner) = (self.now, &mut self.hosts[host as usize]);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let read = match owner.stack.receive_bytes(now, socket, limit) {
            Ok(read) => read,
            // What has to wait has no effects.
            Err(SocketError::WouldBlock) => return Err(SocketError::WouldBlock),
            Err(error) => {
                self.drain(plan, host);
                return Err(error);
            }
        };
        owner.totals.read += read.len() as u64;
        let life = self.life_of(host, socket);
        if let Err(wrong) = self.lives.check_read(life, &read) {
            self.violation(1, Some((host, socket)), wrong);
        }
        if plan.watched.reads {
            self.check_reads(plan, host);
        }
        self.drain(plan, host);
        Ok(read)
    }

    /// Reads until `amount` octets are there; without one, whatever comes first.
    fn read(
        &mut self,
        plan: &Plan,
        id: TaskId,
        on: Var,
        amount: Option<u64>,
        timeout: Option<Duration>,
        leave: Option<u32>,
    ) -> Flow {
        let socket = match self.socket(id, on, "read") {
            Ok(socket) => socket,
            Err(flow) => return flow,
        };
        self.call(id, Some(socket), || {
            amount.map_or("read()".to_owned(), |n| format!("read({n})"))
        });
        self.give_up_after(id, timeout);
        let over = leave.map_or(Flow::Next, Flow::Leave);
        let host = self.tasks.get(id).host;
        loop {
            let done = self.tasks.get(id).progress;
            let left = amount.map_or(ANY, |amount| amount - done);
            if left == 0 {
                self.returned(id, Some(socket), "read", Ok(Some(done)));
                return Flow::Next;
            }
            match self.receive(plan, host, socket, left) {
                Ok(octets) if octets.is_empty() => {
                    self.returned(id, Some(socket), "read", Ok(Some(done)));
                    return over;
                }
                Ok(octets) => {
                    let done = done + octets.len() as u64;
                    self.tasks.get_mut(id).progress = done;
                    if amount.is_none() {
                        self.returned(id, Some(socket), "read", Ok(Some(done)));
                        return Flow::Next;
                    }
                }
                Err(SocketError::WouldBlock) if self.is_late(id) => {
                    self.returned(id, Some(socket), "read", Err(SocketError::WouldBlock));
                    return over;
                }
                Err(SocketError::WouldBlock) => return Flow::Block(socket),
                Err(error) => return self.failed(id, Some(socket), "read", error),
            }
        }
    }

    fn read_to_end(&mut self, plan: &Plan, id: TaskId, on: Var) -> Flow {
        let socket = match self.socket(id, on, "read-to-end") {
            Ok(socket) => socket,
            Err(flow) => return flow,
        };
        self.call(id, Some(socket), || "read-to-end()".to_owned());
        let host = self.tasks.get(id).host;
        loop {
            match self.receive(plan, host, socket, ANY) {
                Ok(octets) if octets.is_empty() => {
                    let all = self.tasks.get(id).progress;
                    self.returned(id, Some(socket), "read-to-end", Ok(Some(all)));
                    return Flow::Next;
                }
                Ok(octets) => self.tasks.get_mut(id).progress += octets.len() as u64,
                Err(SocketError::WouldBlock) => return Flow::Block(socket),
                Err(error) => return self.failed(id, Some(socket), "read-to-end", error),
            }
        }
    }

    /// Writes back what is read, until the end of the file. Reads no more while something read
    /// waits to be written.
    fn echo(&mut self, plan: &Plan, id: TaskId, on: Var) -> Flow {
        let socket = match self.socket(id, on, "echo") {
            Ok(socket) => socket,
            Err(flow) => return flow,
        };
        self.call(id, Some(socket), || "echo()".to_owned());
        let host = self.tasks.get(id).host;
        loop {
            if let Err(flow) = self.write_pending(plan, id, socket) {
                return flow;
            }
            match self.receive(plan, host, socket, ANY) {
                Ok(octets) if octets.is_empty() => {
                    let all = self.tasks.get(id).progress;
                    self.returned(id, Some(socket), "echo", Ok(Some(all)));
                    return Flow::Next;
                }
                Ok(octets) => self.tasks.get_mut(id).pending = octets,
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

    fn shutdown(&mut self, plan: &Plan, id: TaskId, on: Var, how: Shutdown) -> Flow {
        let socket = match self.socket(id, on, "shutdown") {
            Ok(socket) => socket,
            Err(flow) => return flow,
        };
        self.call(id, Some(socket), || {
            let how = match how {
                Shutdown::Read => "read",
                Shutdown::Write => "write",
                Shutdown::Both => "both",
            };
            format!("shutdown({how})")
        });
        let (host, now) = (self.tasks.get(id).host, self.now);
        self.ends(host, socket, how);
        let result = self.hosts[host as usize].stack.shutdown(now, socket, how);
        self.drain(plan, host);
        self.done(id, socket, "shutdown", result)
    }

    /// Remembers which directions an application has ended.
    fn ends(&mut self, host: u32, socket: SocketId, how: Shutdown) {
        let life = self.life_of(host, socket);
        if let Some(life) = self.lives.get_mut(life) {
            life.written.finished |= matches!(how, Shutdown::Write | Shutdown::Both);
            life.reads_ended |= matches!(how, Shutdown::Read | Shutdown::Both);
        }
    }

    fn close(&mut self, plan: &Plan, id: TaskId, on: Var) -> Flow {
        let socket = match self.socket(id, on, "close") {
            Ok(socket) => socket,
            Err(flow) => return flow,
        };
        let (host, now) = (self.tasks.get(id).host, self.now);
        if self.tasks.get(id).phase == Phase::Begun {
            return self.closed(id, socket);
        }
        self.call(id, Some(socket), || "close()".to_owned());
        self.ends(host, socket, Shutdown::Both);
        let lingers = self.slot(host, socket).is_some_and(|slot| slot.linger == Linger::On);
        let result = self.hosts[host as usize].stack.close(now, socket);
        if lingers && result.is_ok() {
            // Waits before the effects are taken: the end may be among them.
            self.block(id, socket);
            self.drain(plan, host);
            return Flow::Blocked;
        }
        self.drain(plan, host);
        self.done(id, socket, "close", result)
    }

    /// Whether a close that waits is over.
    fn closed(&mut self, id: TaskId, socket: SocketId) -> Flow {
        let host = self.tasks.get(id).host;
        match self.slot(host, socket) {
            Some(slot) if slot.linger == Linger::On => Flow::Block(socket),
            _ => {
                self.returned(id, Some(socket), "close", Ok(None));
                Flow::Next
            }
        }
    }

    fn abort(&mut self, plan: &Plan, id: TaskId, on: Var) -> Flow {
        let socket = match self.socket(id, on, "abort") {
            Ok(socket) => socket,
            Err(flow) => return flow,
        };
        self.call(id, Some(socket), || "abort()".to_owned());
        let (host, now) = (self.tasks.get(id).host, self.now);
        let result = self.hosts[host as usize].stack.abort(now, socket);
        self.drain(plan, host);
        self.done(id, socket, "abort", result)
    }

    fn set_option(&mut self, plan: &Plan, id: TaskId, on: Var, option: SocketOption) -> Flow {
        let socket = match self.socket(id, on, "set") {
            Ok(socket) => socket,
            Err(flow) => return flow,
        };
        self.call(id, Some(socket), || format!("set({option:?})"));
        let (host, now) = (self.tasks.get(id).host, self.now);
        let result = self.hosts[host as usize].stack.set_option(now, socket, option);
        if let SocketOption::Linger(time) = option {
            self.lingers(host, socket, time);
        }
        self.drain(plan, host);
        self.done(id, socket, "set", result)
    }

    fn sleep_for(&mut self, id: TaskId, time: Duration) -> Flow {
        if self.tasks.get(id).phase == Phase::Begun {
            return Flow::Next;
        }
        let until = self.now + time;
        self.sleep(id, until);
        Flow::Blocked
    }

    fn wait_for(&mut self, id: TaskId, condition: u32) -> Flow {
        if self.conditions[condition as usize].reached == Reached::Yes {
            return Flow::Next;
        }
        let task = self.tasks.get_mut(id);
        task.phase = Phase::Begun;
        task.waiting = Waiting::Condition(condition);
        Flow::Blocked
    }

    /// The socket an operation works on; a task that has none fails.
    fn socket(&mut self, id: TaskId, var: Var, call: &'static str) -> Result<SocketId, Flow> {
        if let Some(socket) = self.tasks.get(id).socket(var) {
            return Ok(socket);
        }
        self.call(id, None, || format!("{call}()"));
        self.returned(id, None, call, Err(SocketError::BadSocket));
        Err(Flow::Fail(call, SocketError::BadSocket))
    }

    /// Sets the time at which an operation gives up, when it begins.
    fn give_up_after(&mut self, id: TaskId, timeout: Option<Duration>) {
        let now = self.now;
        let task = self.tasks.get_mut(id);
        if task.phase == Phase::Fresh {
            task.deadline = timeout.map(|timeout| now + timeout);
        }
    }

    /// Whether an operation's time is up.
    fn is_late(&self, id: TaskId) -> bool {
        let deadline: Option<Instant> = self.tasks.get(id).deadline;
        deadline.is_some_and(|deadline| deadline <= self.now)
    }

    /// On after a call that does not wait, unless it failed.
    fn done(
        &mut self,
        id: TaskId,
        socket: SocketId,
        call: &'static str,
        result: Result<(), SocketError>,
    ) -> Flow {
        match result {
            Ok(()) => Flow::Next,
            Err(error) => self.failed(id, Some(socket), call, error),
        }
    }

    /// Writes a failure down, and ends the task.
    fn failed(
        &mut self,
        id: TaskId,
        socket: Option<SocketId>,
        call: &'static str,
        error: SocketError,
    ) -> Flow {
        self.returned(id, socket, call, Err(error));
        Flow::Fail(call, error)
    }
}
