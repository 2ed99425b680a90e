//! What each step of a role does: the calls of an application. The words in the trace are those
//! of a world's tasks.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use twomsl_sim::spec::{Condition, Data, HostIndex, Source, Step, Urgent, Wait};
use twomsl_tcp::{Shutdown, SocketError, SocketId, SocketOption, TcpState};

use super::role::{Ended, Role};
use crate::wakers::Half;

/// Where a role goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// With the next one.
    Next,
    /// Behind the innermost loop.
    Leave,
}

/// What most steps yield.
pub(super) type Done = Result<(), Ended>;

impl Role {
    /// The steps of a task, one after the other. There is no loop around them to leave.
    pub(super) async fn task(&mut self, steps: &[Step]) -> Done {
        for step in steps {
            self.step(step).await?;
        }
        Ok(())
    }

    /// The body of a loop, once. Boxed: loops contain loops.
    fn body<'a>(
        &'a mut self,
        steps: &'a [Step],
    ) -> Pin<Box<dyn Future<Output = Result<Flow, Ended>> + Send + 'a>> {
        Box::pin(async move {
            for step in steps {
                if self.step(step).await? == Flow::Leave {
                    return Ok(Flow::Leave);
                }
            }
            Ok(Flow::Next)
        })
    }

    /// A step, and what a call of it that waited leaves to be done.
    async fn step(&mut self, step: &Step) -> Result<Flow, Ended> {
        let flow = self.perform(step).await;
        self.lets_go()?;
        flow
    }

    async fn perform(&mut self, step: &Step) -> Result<Flow, Ended> {
        match step {
            Step::Listen { .. } | Step::Accept { .. } | Step::Connect { .. } => {
                self.open(step).await?;
            }
            Step::BecomeActive { listener, host, port } => {
                self.become_active(listener.as_deref(), (*host, *port))?;
                self.connected().await?;
            }
            Step::Write { on, data, urgent } => self.write(on.as_deref(), data, *urgent).await?,
            Step::Read { on, amount, timeout } => {
                return self.read(on.as_deref(), *amount, *timeout).await;
            }
            Step::ReadToEnd { on } => self.read_to_end(on.as_deref()).await?,
            Step::Echo { on } => self.echo(on.as_deref()).await?,
            Step::Relay { .. } => self.relay(step).await?,
            Step::Shutdown { on, how } => self.shut_down(on.as_deref(), *how)?,
            Step::Close { on } => self.close(on.as_deref()).await?,
            Step::Abort { on } => self.abort(on.as_deref())?,
            Step::SetOption { on, option } => self.set_option(on.as_deref(), *option)?,
            Step::Sleep(time) => self.sleep(*time).await?,
            Step::Wait(condition) => self.wait_for(condition).await?,
            Step::Repeat { count, steps } => self.repeat(*count, steps).await?,
            Step::Serve { listener, steps } => self.serve(listener.as_deref(), steps).await?,
            Step::Spawn { count, steps } => {
                (0..*count).for_each(|_| self.spawn(None, steps));
            }
        }
        Ok(Flow::Next)
    }

    /// Steps that make a socket.
    async fn open(&mut self, step: &Step) -> Done {
        match step {
            Step::Listen { port, backlog, options, name } => {
                self.listen(*port, *backlog, options, name.as_ref())
            }
            Step::Accept { listener, name, timeout } => {
                let socket = self.accept(listener.as_deref(), *timeout).await?;
                self.current = Some(socket);
                self.name(name.as_ref(), socket);
                Ok(())
            }
            Step::Connect { host, port, from, text, options, name, wait } => {
                let from = (*from, text.as_ref());
                self.start_connect((*host, *port), from, options, name.as_ref())?;
                if *wait == Wait::No {
                    return Ok(());
                }
                if text.is_some() {
                    self.expect_writer()?;
                }
                self.connected().await
            }
            _ => Ok(()),
        }
    }

    fn listen(
        &mut self,
        port: u16,
        backlog: Option<u32>,
        options: &[SocketOption],
        name: Option<&String>,
    ) -> Done {
        self.called(None, format!("listen({port})"))?;
        let options = self.options(options);
        let made = self.enter(|call| {
            let local = call.network.any_address(call.host, port);
            let backlog = backlog.unwrap_or(DEFAULT_BACKLOG);
            call.stack(|stack, now| stack.listen(now, local, backlog, Some(&options)))
        })?;
        match made {
            Ok(socket) => {
                self.listener = Some(socket);
                self.name(name, socket);
                Ok(())
            }
            Err(error) => self.failed(None, "listen", error),
        }
    }

    /// One connection of a listener.
    async fn accept(
        &mut self,
        listener: Option<&str>,
        timeout: Option<Duration>,
    ) -> Result<SocketId, Ended> {
        let listener = self.known(self.listener(listener), "accept")?;
        self.called(Some(listener), "accept()")?;
        let accept =
            |call: &mut crate::host::Call<'_>| call.stack(|stack, now| stack.accept(now, listener));
        match self.wait((listener, Half::Read), timeout, accept).await? {
            Ok(socket) => {
                self.returned(Some(socket), "accept", Ok(None))?;
                Ok(socket)
            }
            Err(error) => self.failed(Some(listener), "accept", error),
        }
    }

    pub(super) fn start_connect(
        &mut self,
        (target, port): (HostIndex, u16),
        (from, text): (Source, Option<&bytes::Bytes>),
        options: &[SocketOption],
        name: Option<&String>,
    ) -> Done {
        let target_name = &self.stage.spec.hosts[target].name;
        self.called(
            None,
            match text {
                None => format!("connect({target_name}:{port})"),
                Some(text) => format!("connect({target_name}:{port}, {})", text.len()),
            },
        )?;
        let options = self.options(options);
        let made = self.enter(|call| {
            let remote = call.network.remote_address(call.host, target);
            let own = call.network.local_address(call.host, remote);
            let from = from.bound(own);
            let to = (remote, port).into();
            match text {
                None => call.stack(|stack, now| stack.connect(now, from, to, Some(&options))),
                Some(text) => {
                    let (now, host) = (call.now, call.host);
                    call.network.connect_with_text(now, host, (from, to), &options, text)
                }
            }
        })?;
        match made {
            Ok(socket) => {
                self.current = Some(socket);
                self.name(name, socket);
                Ok(())
            }
            Err(error) => self.failed(None, "connect", error),
        }
    }

    /// A listener becomes a client, if the system's sockets can do that.
    fn become_active(&mut self, listener: Option<&str>, (target, port): (HostIndex, u16)) -> Done {
        let socket = self.known(self.listener(listener), "connect")?;
        let target_name = &self.stage.spec.hosts[target].name;
        self.called(Some(socket), format!("connect({target_name}:{port})"))?;
        let made = self.enter(|call| {
            let remote = (call.network.remote_address(call.host, target), port).into();
            call.stack(|stack, now| {
                stack.profile().connects_listeners()?;
                stack.connect_listener(now, socket, remote)
            })
        })?;
        match made {
            Ok(()) => {
                self.current = Some(socket);
                Ok(())
            }
            Err(error) => self.failed(Some(socket), "connect", error),
        }
    }

    /// A connect with text waits until the connection is there.
    fn expect_writer(&mut self) -> Done {
        let socket = self.known(self.current, "connect")?;
        // It has just been made.
        let _ = self.enter(|call| call.stack(|stack, now| stack.expect_writer(now, socket)))?;
        Ok(())
    }

    /// Waits until a connect has come to anything.
    pub(super) async fn connected(&mut self) -> Done {
        let socket = self.known(self.current, "connect")?;
        let state = |call: &mut crate::host::Call<'_>| match call.look().state(socket) {
            Some(TcpState::SynSent | TcpState::SynReceived) => Err(SocketError::WouldBlock),
            Some(TcpState::Closed) | None => {
                let error = call.stack(|stack, _| stack.take_error(socket));
                Err(error.unwrap_or(SocketError::ConnectionAborted))
            }
            Some(_) => Ok(()),
        };
        match self.wait((socket, Half::Write), None, state).await? {
            Ok(()) => self.returned(Some(socket), "connect", Ok(None)),
            Err(error) => self.failed(Some(socket), "connect", error),
        }
    }

    // ---- Text ----

    async fn write(&mut self, on: Option<&str>, data: &Data, urgent: Urgent) -> Done {
        let socket = self.known(self.socket(on), "write")?;
        let length = match data {
            Data::Octets(octets) => octets.len() as u64,
            Data::Pattern(length) => *length,
        };
        self.called(
            Some(socket),
            match urgent {
                Urgent::No => format!("write({length})"),
                Urgent::Yes => format!("write({length}, urgent)"),
            },
        )?;
        let (mut done, mut waited) = (0, false);
        while done < length {
            let write = |call: &mut crate::host::Call<'_>| {
                let (now, host) = (call.now, call.host);
                let wrote = match data {
                    Data::Octets(octets) => {
                        let rest = octets.slice(done as usize..);
                        call.network.send(now, host, socket, &rest, urgent)
                    }
                    Data::Pattern(_) => {
                        call.network.send_pattern(now, host, socket, length - done, urgent)
                    }
                };
                waited |= wrote == Err(SocketError::WouldBlock);
                wrote
            };
            match self.wait((socket, Half::Write), None, write).await? {
                Ok(octets) => done += octets,
                Err(error) => return self.failed(Some(socket), "write", error),
            }
        }
        if waited { self.returned(Some(socket), "write", Ok(Some(length))) } else { Ok(()) }
    }

    /// RECEIVE: what comes, at most `limit` octets.
    pub(super) async fn receive(
        &mut self,
        socket: SocketId,
        limit: u64,
        timeout: Option<Duration>,
        mut keep: impl FnMut(bytes::Bytes) + Send,
    ) -> Result<Result<u64, SocketError>, Ended> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let read = |call: &mut crate::host::Call<'_>| {
            call.network.receive(call.now, call.host, socket, limit, &mut keep)
        };
        self.wait((socket, Half::Read), timeout, read).await
    }

    async fn read(
        &mut self,
        on: Option<&str>,
        amount: Option<u64>,
        timeout: Option<Duration>,
    ) -> Result<Flow, Ended> {
        let socket = self.known(self.socket(on), "read")?;
        let text = amount.map_or("read()".to_owned(), |amount| format!("read({amount})"));
        self.called(Some(socket), text)?;
        let deadline = match timeout {
            Some(timeout) => Some(self.now()? + timeout),
            None => None,
        };
        let mut done = 0;
        while amount.is_none_or(|amount| done < amount) {
            let left = amount.map_or(u64::MAX, |amount| amount - done);
            let now = self.now()?;
            let timeout = deadline.map(|deadline| deadline.since(now));
            match self.receive(socket, left, timeout, drop).await? {
                Ok(0) => {
                    self.returned(Some(socket), "read", Ok(Some(done)))?;
                    return Ok(Flow::Leave);
                }
                Ok(octets) => done += octets,
                // `SO_RCVTIMEO`: the call gives up with EAGAIN, but the role goes on.
                Err(SocketError::WouldBlock) => {
                    self.returned(Some(socket), "read", Err(SocketError::WouldBlock))?;
                    return Ok(Flow::Leave);
                }
                Err(error) => return self.failed(Some(socket), "read", error),
            }
            if amount.is_none() {
                break;
            }
        }
        self.returned(Some(socket), "read", Ok(Some(done)))?;
        Ok(Flow::Next)
    }

    async fn read_to_end(&mut self, on: Option<&str>) -> Done {
        let socket = self.known(self.socket(on), "read-to-end")?;
        self.called(Some(socket), "read-to-end()")?;
        let mut all = 0;
        loop {
            match self.receive(socket, u64::MAX, None, drop).await? {
                Ok(0) => return self.returned(Some(socket), "read-to-end", Ok(Some(all))),
                Ok(octets) => all += octets,
                Err(error) => return self.failed(Some(socket), "read-to-end", error),
            }
        }
    }

    async fn echo(&mut self, on: Option<&str>) -> Done {
        let socket = self.known(self.socket(on), "echo")?;
        self.called(Some(socket), "echo()")?;
        let mut all = 0;
        loop {
            let mut pieces = Vec::new();
            match self.receive(socket, u64::MAX, None, |piece| pieces.push(piece)).await? {
                Ok(0) => return self.returned(Some(socket), "echo", Ok(Some(all))),
                Ok(_) => all += self.write_back(socket, &pieces.concat().into()).await?,
                Err(error) => return self.failed(Some(socket), "echo", error),
            }
        }
    }

    /// Writes what an echo has read.
    async fn write_back(&mut self, socket: SocketId, text: &bytes::Bytes) -> Result<u64, Ended> {
        let mut done = 0;
        while done < text.len() {
            let rest = text.slice(done..);
            let write = |call: &mut crate::host::Call<'_>| {
                call.network.send(call.now, call.host, socket, &rest, Urgent::No)
            };
            match self.wait((socket, Half::Write), None, write).await? {
                Ok(octets) => done += octets as usize,
                Err(error) => return self.failed(Some(socket), "echo", error),
            }
        }
        Ok(done as u64)
    }

    // ---- The end ----

    fn shut_down(&mut self, on: Option<&str>, how: Shutdown) -> Done {
        let socket = self.known(self.socket(on), "shutdown")?;
        let word = match how {
            Shutdown::Read => "read",
            Shutdown::Write => "write",
            Shutdown::Both => "both",
        };
        self.called(Some(socket), format!("shutdown({word})"))?;
        let result = self.enter(|call| call.network.shutdown(call.now, call.host, socket, how))?;
        self.done(socket, "shutdown", result)
    }

    /// Gives the socket back; waits when `SO_LINGER` says so.
    async fn close(&mut self, on: Option<&str>) -> Done {
        let socket = self.known(self.socket(on), "close")?;
        self.called(Some(socket), "close()")?;
        if self.enter(|call| call.network.closes_later(call.host, socket))? {
            return Ok(());
        }
        let (result, lingers) = self.enter(|call| {
            let linger = call.look().options(socket).ok().and_then(|options| options.linger);
            let lingers = linger.is_some_and(|time| !time.is_zero());
            if lingers && call.look().state(socket) != Some(TcpState::Listen) {
                call.network.linger(call.host, socket);
            }
            (call.network.close(call.now, call.host, socket), lingers)
        })?;
        if lingers && result.is_ok() {
            let _sleeper = self.stage.sleeper();
            self.until(|call| !call.network.lingers(call.host, socket)).await?;
            return self.returned(Some(socket), "close", Ok(None));
        }
        self.done(socket, "close", result)
    }

    fn abort(&mut self, on: Option<&str>) -> Done {
        let socket = self.known(self.socket(on), "abort")?;
        self.called(Some(socket), "abort()")?;
        let result = self.enter(|call| call.network.abort(call.now, call.host, socket))?;
        self.done(socket, "abort", result)
    }

    fn set_option(&mut self, on: Option<&str>, option: SocketOption) -> Done {
        let socket = self.known(self.socket(on), "set")?;
        self.called(Some(socket), format!("set({option:?})"))?;
        let result =
            self.enter(|call| call.stack(|stack, now| stack.set_option(now, socket, option)))?;
        self.done(socket, "set", result)
    }

    // ---- Time, loops, tasks ----

    async fn wait_for(&mut self, condition: &Condition) -> Done {
        self.until(|call| call.network.is_reached(condition)).await
    }

    async fn repeat(&mut self, count: Option<u64>, steps: &[Step]) -> Done {
        let mut round = 0;
        while count.is_none_or(|count| round < count) {
            if self.body(steps).await? == Flow::Leave {
                break;
            }
            round += 1;
        }
        Ok(())
    }

    /// Accepts for ever, and makes a task for each connection.
    async fn serve(&mut self, listener: Option<&str>, steps: &[Step]) -> Done {
        loop {
            let socket = self.accept(listener, None).await?;
            self.lets_go()?;
            self.spawn(Some(socket), steps);
        }
    }

    /// A task beside this one.
    fn spawn(&self, current: Option<SocketId>, steps: &[Step]) {
        let (mut task, steps) = (self.child(current), steps.to_vec());
        tokio::spawn(async move {
            let _ = task.task(&steps).await;
        });
    }

    // ---- What can go wrong ----

    /// A socket that a step needs. A role that has none is told so, as by a system call with a
    /// bad file descriptor.
    pub(super) fn known(
        &self,
        socket: Option<SocketId>,
        call: &'static str,
    ) -> Result<SocketId, Ended> {
        // Closed is closed: only a call that waits already still has it.
        let gone = match socket {
            Some(socket) => self.enter(|call| call.network.is_closing(call.host, socket))?,
            None => true,
        };
        let Some(socket) = socket.filter(|_| !gone) else {
            self.called(None, format!("{call}()"))?;
            return self.failed(None, call, SocketError::BadSocket);
        };
        Ok(socket)
    }

    /// On after a call that does not wait, unless it failed.
    fn done(&self, socket: SocketId, call: &'static str, result: Result<(), SocketError>) -> Done {
        match result {
            Ok(()) => Ok(()),
            Err(error) => self.failed(Some(socket), call, error),
        }
    }
}

/// Connections that may wait when a `listen` does not say: Linux' `net.core.somaxconn`.
const DEFAULT_BACKLOG: u32 = 4096;
