//! What each operation of a task does: the calls of applications.

use bytes::Bytes;
use std::time::Duration;

use twomsl_tcp::{Instant, Shutdown, SocketError, SocketId, SocketOption, SocketOptions, TcpState};

use crate::live::{Linger, Live, Reached};
use crate::plan::Plan;
use crate::program::{Connect, Op, Var};
use crate::spec::Wait;
use crate::tasks::{Flow, Phase, TaskId, Waiting};

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
            Op::BecomeActive { listener, host, port } => {
                self.become_active(plan, id, *listener, (*host, *port))
            }
            Op::Write { on, data, urgent } => self.write(plan, id, *on, data, *urgent),
            Op::Read { on, amount, timeout, leave } => {
                self.read(plan, id, *on, *amount, *timeout, *leave)
            }
            Op::ReadToEnd { on } => self.read_to_end(plan, id, *on),
            Op::Echo { on } => self.echo(plan, id, *on),
            Op::Relay(relay) => self.relay(plan, id, relay),
            Op::Carry { from, to } => self.carry(plan, id, *from, *to),
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

    /// OPEN, passive (RFC 9293 §3.9.1.1), on all addresses of the host.
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

    /// Notes whether `SO_LINGER` is on with a time. Off, or a time of zero, never waits.
    fn lingers(&mut self, host: u32, socket: SocketId, time: Option<Duration>) {
        if let Some(slot) = self.slot(host, socket) {
            let waits = time.is_some_and(|time| !time.is_zero());
            slot.linger = if waits { Linger::On } else { Linger::Off };
        }
    }

    /// Waits for a connection of a listener, which becomes the socket that the next steps work on.
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
        let listener = self.socket(id, listener, "accept").ok_or(no_socket("accept"))?;
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

    /// OPEN, active. With a wait, the operation is repeated until the connection is established
    /// or has failed; without one the next step comes at once, and may write already.
    pub(crate) fn connect(&mut self, plan: &Plan, id: TaskId, connect: &Connect) -> Flow {
        if self.tasks.get(id).phase == Phase::Begun {
            return self.connected(id);
        }
        let Connect { host: target, port, .. } = *connect;
        let target_name = &plan.spec.hosts[target as usize].name;
        self.call(id, None, || connect_call(target_name, port, connect.text.as_ref()));
        let (host, now) = (self.tasks.get(id).host, self.now);
        let remote = plan.remote_address(host, target);
        let from = connect.from.bound(plan.local_address(host, remote));
        let options = connect.options.as_deref();
        let stack = &mut self.hosts[host as usize].stack;
        let mut rest = connect.text.clone().unwrap_or_default();
        let made = match &connect.text {
            None => stack.connect(now, from, (remote, port).into(), options),
            Some(_) => {
                stack.connect_with_text(now, from, (remote, port).into(), options, &mut rest)
            }
        };
        match made {
            Ok(socket) => {
                if let Some(text) = &connect.text {
                    self.wrote(host, socket, text.slice(..text.len() - rest.len()));
                    if connect.wait == Wait::UntilDone {
                        // It has just been made.
                        let _ = self.hosts[host as usize].stack.expect_writer(now, socket);
                    }
                }
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

    /// OPEN, active, of a socket that listens: it becomes the connection (RFC 9293 §3.10.1), if the
    /// system's sockets can do that.
    fn become_active(
        &mut self,
        plan: &Plan,
        id: TaskId,
        listener: Var,
        (target, port): (u32, u16),
    ) -> Flow {
        if self.tasks.get(id).phase == Phase::Begun {
            return self.connected(id);
        }
        let Some(socket) = self.socket(id, listener, "connect") else {
            return no_socket("connect");
        };
        let target_name = &plan.spec.hosts[target as usize].name;
        self.call(id, Some(socket), || connect_call(target_name, port, None));
        let (host, now) = (self.tasks.get(id).host, self.now);
        let remote = (plan.remote_address(host, target), port).into();
        let able = plan.spec.hosts[host as usize].profile.connects_listeners();
        let stack = &mut self.hosts[host as usize].stack;
        let made = able.and_then(|()| stack.connect_listener(now, socket, remote));
        self.drain(plan, host);
        match made {
            Ok(()) => {
                self.tasks.get_mut(id).current = Some(socket);
                self.connected(id)
            }
            Err(error) => self.failed(id, Some(socket), "connect", error),
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
            // An error is more than a state: the state is CLOSED by then.
            (Some(error), _) => {
                // The application is told, so the error is not pending any more.
                self.hosts[host as usize].stack.take_error(socket);
                self.failed(id, Some(socket), "connect", error)
            }
            // SYN-RECEIVED is part of a simultaneous open here (RFC 9293 §3.5).
            (None, TcpState::SynSent | TcpState::SynReceived) => Flow::Block(socket),
            (None, TcpState::Closed) => {
                self.failed(id, Some(socket), "connect", SocketError::ConnectionAborted)
            }
            // The peer may even have closed already: CLOSE-WAIT is a success too.
            _ => {
                self.returned(id, Some(socket), "connect", Ok(None));
                Flow::Next
            }
        }
    }

    /// CLOSE for one direction (RFC 9293 §3.6); the socket stays.
    fn shutdown(&mut self, plan: &Plan, id: TaskId, on: Var, how: Shutdown) -> Flow {
        let Some(socket) = self.socket(id, on, "shutdown") else { return no_socket("shutdown") };
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
    pub(crate) fn ends(&mut self, host: u32, socket: SocketId, how: Shutdown) {
        let life = self.life_of(host, socket);
        if let Some(life) = self.lives.get_mut(life) {
            life.written.finished |= matches!(how, Shutdown::Write | Shutdown::Both);
            life.reads_ended |= matches!(how, Shutdown::Read | Shutdown::Both);
        }
    }

    /// Remembers that an application has given a socket back: it writes no more, and what its peer
    /// has written will never be read.
    pub(crate) fn gives_back(&mut self, host: u32, socket: SocketId) {
        let life = self.life_of(host, socket);
        self.lives.give_back(life);
    }

    /// Gives the socket back. A connection goes on as an orphan until its end, except that the
    /// call waits for that when `SO_LINGER` says so.
    fn close(&mut self, plan: &Plan, id: TaskId, on: Var) -> Flow {
        let Some(socket) = self.socket(id, on, "close") else { return no_socket("close") };
        let (host, now) = (self.tasks.get(id).host, self.now);
        if self.tasks.get(id).phase == Phase::Begun {
            return self.closed(id, socket);
        }
        self.call(id, Some(socket), || "close()".to_owned());
        if self.closes_later(host, socket) {
            return Flow::Next;
        }
        self.gives_back(host, socket);
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

    /// ABORT: the peer gets a reset (RFC 9293 §3.10.5).
    fn abort(&mut self, plan: &Plan, id: TaskId, on: Var) -> Flow {
        let Some(socket) = self.socket(id, on, "abort") else { return no_socket("abort") };
        self.call(id, Some(socket), || "abort()".to_owned());
        let (host, now) = (self.tasks.get(id).host, self.now);
        let result = self.hosts[host as usize].stack.abort(now, socket);
        if result.is_ok() {
            self.tells_of_abort(host, socket);
        }
        self.drain(plan, host);
        self.done(id, socket, "abort", result)
    }

    /// `setsockopt(2)`. The world needs to know of `SO_LINGER`: it makes `close` wait.
    fn set_option(&mut self, plan: &Plan, id: TaskId, on: Var, option: SocketOption) -> Flow {
        let Some(socket) = self.socket(id, on, "set") else { return no_socket("set") };
        self.call(id, Some(socket), || format!("set({option:?})"));
        let (host, now) = (self.tasks.get(id).host, self.now);
        let result = self.hosts[host as usize].stack.set_option(now, socket, option);
        if let SocketOption::Linger(time) = option {
            self.lingers(host, socket, time);
        }
        self.drain(plan, host);
        self.done(id, socket, "set", result)
    }

    /// Does nothing for a while. The second time it is called, the while is over.
    fn sleep_for(&mut self, id: TaskId, time: Duration) -> Flow {
        if self.tasks.get(id).phase == Phase::Begun {
            return Flow::Next;
        }
        let until = self.now + time;
        self.sleep(id, until);
        Flow::Blocked
    }

    /// Waits for a condition. Conditions stay true, so one that came true earlier does not wait.
    fn wait_for(&mut self, id: TaskId, condition: u32) -> Flow {
        if self.conditions[condition as usize].reached == Reached::Yes {
            return Flow::Next;
        }
        let task = self.tasks.get_mut(id);
        task.phase = Phase::Begun;
        task.waiting = Waiting::Condition(condition);
        Flow::Blocked
    }

    /// The socket an operation works on. A task that has none is told so, as by a system call
    /// with a bad file descriptor, and has to fail.
    #[inline]
    pub(crate) fn socket(&mut self, id: TaskId, var: Var, call: &'static str) -> Option<SocketId> {
        let task = self.tasks.get(id);
        let (host, phase) = (task.host, task.phase);
        // Closed is closed: only a call that waits already still has it.
        let gone = |live: &mut Self, socket| phase == Phase::Fresh && live.is_closing(host, socket);
        let socket = task.socket(var).filter(|socket| !gone(self, *socket));
        if socket.is_none() {
            self.has_no_socket(id, call);
        }
        socket
    }

    /// The call fails at once.
    #[cold]
    fn has_no_socket(&mut self, id: TaskId, call: &'static str) {
        self.call(id, None, || format!("{call}()"));
        self.returned(id, None, call, Err(SocketError::BadSocket));
    }

    /// Sets the time at which an operation gives up, when it begins.
    pub(crate) fn give_up_after(&mut self, id: TaskId, timeout: Option<Duration>) {
        let now = self.now;
        let task = self.tasks.get_mut(id);
        if task.phase == Phase::Fresh {
            task.deadline = timeout.map(|timeout| now + timeout);
        }
    }

    /// Whether an operation's time is up.
    pub(crate) fn is_late(&self, id: TaskId) -> bool {
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
    pub(crate) fn failed(
        &mut self,
        id: TaskId,
        socket: Option<SocketId>,
        call: &'static str,
        error: SocketError,
    ) -> Flow {
        let error = self.why(id, error);
        self.returned(id, socket, call, Err(error));
        Flow::Fail(call, error)
    }

    /// Why a call failed: one that waited and finds its socket gone is told what ended it.
    fn why(&mut self, id: TaskId, error: SocketError) -> SocketError {
        let task = self.tasks.get(id);
        let (host, Some(socket)) = (task.host, task.holds) else { return error };
        let failed = self.slot(host, socket).and_then(|slot| slot.failed);
        failed.filter(|_| error == SocketError::BadSocket).unwrap_or(error)
    }
}

/// The end of a task that named a socket it does not have.
pub(crate) const fn no_socket(call: &'static str) -> Flow {
    Flow::Fail(call, SocketError::BadSocket)
}

/// `connect(server:80)`, or `connect(server:80, 5)` with five octets of text.
pub(crate) fn connect_call(host: &str, port: u16, text: Option<&Bytes>) -> String {
    match text {
        None => format!("connect({host}:{port})"),
        Some(text) => format!("connect({host}:{port}, {})", text.len()),
    }
}
