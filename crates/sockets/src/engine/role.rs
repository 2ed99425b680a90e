//! A role as a task: its place on a host, its sockets, and what it waits for.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use twomsl_sim::spec::HostIndex;
use twomsl_tcp::{Instant, SocketError, SocketId, SocketOption, SocketOptions};

use super::{Stage, TICK};
use crate::host::Call;
use crate::registry;
use crate::simulation::HostRef;
use crate::wakers::Half;

/// A role, or a task that one made.
pub(super) struct Role {
    pub(super) stage: Arc<Stage>,
    pub(super) host: HostRef,
    /// Its number among the tasks of its host, as in the trace.
    number: u32,
    pub(super) current: Option<SocketId>,
    pub(super) listener: Option<SocketId>,
    named: BTreeMap<String, SocketId>,
    /// The socket of a call that had to wait, until that returns: it is not closed before.
    holds: Option<SocketId>,
}

/// A call failed, or the host is no more: the role ends. Its sockets stay open.
pub(super) struct Ended;

impl Role {
    /// All roles of a host, from its start on. A host runs until it is crashed.
    pub(super) async fn all_of(stage: Arc<Stage>, index: HostIndex) -> turmoil::Result {
        let host = registry::here()?;
        host.with(|life| life.begin_later(TICK));
        // In the first tick all hosts begin: nobody is to send to one that has not.
        if turmoil::sim_elapsed().is_some_and(|elapsed| elapsed < TICK) {
            tokio::time::sleep(TICK).await;
        }
        for (place, role) in stage.spec.roles.iter().enumerate() {
            if role.host == index {
                let (stage, host) = (Arc::clone(&stage), host.clone());
                tokio::spawn(Self::play(stage, host, place));
            }
        }
        std::future::pending().await
    }

    /// One role from its start to its end.
    async fn play(stage: Arc<Stage>, host: HostRef, place: usize) {
        let spec = Arc::clone(&stage);
        let role = &spec.spec.roles[place];
        if !role.start.is_zero() {
            let _sleeper = stage.sleeper();
            tokio::time::sleep(role.start).await;
        }
        let number = stage.task_number(host.index);
        let (current, listener, holds) = (None, None, None);
        let mut task =
            Self { stage, host, number, current, listener, named: BTreeMap::new(), holds };
        // How it ended is in the trace.
        let _ = task.task(&role.steps).await;
    }

    /// A task beside this one, with the sockets that this one knows.
    pub(super) fn child(&self, current: Option<SocketId>) -> Self {
        Self {
            stage: Arc::clone(&self.stage),
            host: self.host.clone(),
            number: self.stage.task_number(self.host.index),
            current: current.or(self.current),
            listener: self.listener,
            named: self.named.clone(),
            holds: None,
        }
    }

    // ---- Sockets ----

    /// The socket that a step works on: that of its name, or the current one, or the listener.
    pub(super) fn socket(&self, name: Option<&str>) -> Option<SocketId> {
        match name {
            Some(name) => self.named.get(name).copied(),
            None => self.current.or(self.listener),
        }
    }

    /// The listener of this name, or the last one.
    pub(super) fn listener(&self, name: Option<&str>) -> Option<SocketId> {
        match name {
            Some(name) => self.named.get(name).copied(),
            None => self.listener,
        }
    }

    /// Gives a socket its name.
    pub(super) fn name(&mut self, name: Option<&String>, socket: SocketId) {
        if let Some(name) = name {
            self.named.insert(name.clone(), socket);
        }
    }

    /// The options of a socket whose step sets some.
    pub(super) fn options(&self, set: &[SocketOption]) -> SocketOptions {
        let profile = &self.stage.spec.hosts[self.host.index].profile;
        let mut options = profile.options.clone();
        for option in set {
            options.set(*option);
        }
        options
    }

    // ---- Calls ----

    /// Enters the stack of its host.
    pub(super) fn enter<R>(&self, call: impl FnOnce(&mut Call<'_>) -> R) -> Result<R, Ended> {
        self.host.enter(call).map_err(|_| Ended)
    }

    /// Repeats a call until it no longer would have to wait. With a time, `WouldBlock` is its
    /// answer when that is over.
    pub(super) async fn wait<R>(
        &mut self,
        (socket, half): (SocketId, Half),
        timeout: Option<Duration>,
        mut call: impl FnMut(&mut Call<'_>) -> Result<R, SocketError> + Send,
    ) -> Result<Result<R, SocketError>, Ended> {
        if half == Half::Read && self.reads_on(socket)? {
            return Ok(Err(SocketError::BadSocket));
        }
        let mut name = None;
        let (stack, holds) = (&self.host, &mut self.holds);
        let mut waiting = std::pin::pin!(poll_fn(|cx| {
            // Dropped where nothing is locked.
            let mut replaced = None;
            let result = stack.enter(|host| {
                let result = call(host);
                if matches!(result, Err(SocketError::WouldBlock)) {
                    if holds.replace(socket).is_none() {
                        host.network.waits(host.host, socket);
                    }
                    replaced = host.wakers.join(socket, half, &mut name, cx);
                }
                result
            });
            match result.map_err(|_| Ended) {
                Ok(Err(SocketError::WouldBlock)) => Poll::Pending,
                result => Poll::Ready(result),
            }
        }));
        let Some(timeout) = timeout else { return waiting.await };
        let _sleeper = self.stage.sleeper();
        let timed = tokio::time::timeout(timeout, waiting.as_mut()).await;
        timed.unwrap_or(Ok(Err(SocketError::WouldBlock)))
    }

    /// Whether this is the next read of a step that has read a part, and the application has closed
    /// the socket meanwhile: see `crates/sim/src/waiting.rs`.
    fn reads_on(&self, socket: SocketId) -> Result<bool, Ended> {
        Ok(self.holds == Some(socket)
            && self.enter(|call| call.network.is_closing(call.host, socket))?)
    }

    /// A call that waited has returned.
    pub(super) fn lets_go(&mut self) -> Result<(), Ended> {
        let Some(socket) = self.holds.take() else { return Ok(()) };
        self.enter(|call| call.network.returns(call.now, call.host, socket))
    }

    /// Does nothing until something is so, or for a time: looks once per tick.
    pub(super) async fn until(
        &self,
        mut done: impl FnMut(&mut Call<'_>) -> bool + Send,
    ) -> Result<(), Ended> {
        while !self.enter(&mut done)? {
            tokio::time::sleep(TICK).await;
        }
        Ok(())
    }

    // ---- The trace ----

    /// Writes a call down.
    pub(super) fn called(
        &self,
        socket: Option<SocketId>,
        text: impl Into<String>,
    ) -> Result<(), Ended> {
        let (number, text) = (self.number, text.into());
        self.enter(|call| call.network.called(call.now, call.host, number, socket, text))
    }

    /// Writes down what a call returned.
    pub(super) fn returned(
        &self,
        socket: Option<SocketId>,
        call: &'static str,
        result: Result<Option<u64>, SocketError>,
    ) -> Result<(), Ended> {
        let number = self.number;
        self.enter(|host| {
            host.network.returned(host.now, (host.host, number), socket, call, result);
        })
    }

    /// Writes a failure down: the role ends.
    pub(super) fn failed<R>(
        &self,
        socket: Option<SocketId>,
        call: &'static str,
        error: SocketError,
    ) -> Result<R, Ended> {
        let error = self.why(error)?;
        self.returned(socket, call, Err(error))?;
        Err(Ended)
    }

    /// Why a call failed: one that waited and finds its socket gone is told what ended it.
    fn why(&self, error: SocketError) -> Result<SocketError, Ended> {
        let Some(socket) = self.holds.filter(|_| error == SocketError::BadSocket) else {
            return Ok(error);
        };
        let failed = self.enter(|call| call.network.failed(call.host, socket))?;
        Ok(failed.unwrap_or(error))
    }

    /// The time on its host.
    pub(super) fn now(&self) -> Result<Instant, Ended> {
        self.enter(|call| call.network.time(call.host, call.now))
    }

    /// Does nothing for a while. It is over when it is over, not when tokio's clock has its next
    /// millisecond.
    pub(super) async fn sleep(&mut self, time: Duration) -> Result<(), Ended> {
        let _sleeper = self.stage.sleeper();
        let due = self.now()? + time;
        // What is left of it on tokio's clock.
        let left = self.enter(|call| due.since(call.now))?;
        tokio::time::sleep(left).await;
        self.enter(|call| call.network.was_due(call.host, call.now, due))
    }
}
