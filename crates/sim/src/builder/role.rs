//! The steps of a role, chained.

use std::time::Duration;

use bytes::Bytes;
use twomsl_tcp::{Shutdown, SocketOption, TcpState};

use super::Names;
use crate::spec::{Condition, Data, Source, Step, Urgent, Wait};

/// Collects the steps of a role. Each method is the step of the same name in a scenario; steps
/// work on the socket of the last `accept` or `connect`.
#[derive(Debug)]
pub struct Role<'a> {
    names: &'a mut Names,
    steps: Vec<Step>,
    /// Options for the next socket.
    options: Vec<SocketOption>,
}

impl<'a> Role<'a> {
    pub(super) fn new(names: &'a mut Names) -> Self {
        Self { names, steps: Vec::new(), options: Vec::new() }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// Any step of the specification.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// An option of the socket that the next `listen` or `connect` makes.
    #[must_use]
    pub fn with(mut self, option: SocketOption) -> Self {
        self.options.push(option);
        self
    }

    /// Listens on a port.
    #[must_use]
    pub fn listen(mut self, port: u16) -> Self {
        let options = std::mem::take(&mut self.options);
        self.step(Step::Listen { port, backlog: None, options, name: None })
    }

    /// Waits for a connection.
    #[must_use]
    pub fn accept(self) -> Self {
        self.step(Step::Accept { listener: None, name: None, timeout: None })
    }

    /// Connects to a port of a host, and waits until that is done.
    #[must_use]
    pub fn connect(self, host: &str, port: u16) -> Self {
        self.open(host, port, Source::default(), Wait::UntilDone)
    }

    /// Connects from a port of its own, without waiting.
    #[must_use]
    pub fn connect_from(self, from_port: u16, host: &str, port: u16) -> Self {
        self.open(host, port, Source::port(from_port), Wait::No)
    }

    fn open(mut self, host: &str, port: u16, from: Source, wait: Wait) -> Self {
        let host = self.names.place(host);
        let options = std::mem::take(&mut self.options);
        let text = None;
        self.step(Step::Connect { host, port, from, text, options, name: None, wait })
    }

    /// Writes these octets.
    #[must_use]
    pub fn write(self, octets: &'static str) -> Self {
        let data = Data::Octets(Bytes::from_static(octets.as_bytes()));
        self.step(Step::Write { on: None, data, urgent: Urgent::No })
    }

    /// Writes so many octets of the pattern.
    #[must_use]
    pub fn write_pattern(self, octets: u64) -> Self {
        self.step(Step::Write { on: None, data: Data::Pattern(octets), urgent: Urgent::No })
    }

    /// Reads exactly so many octets, or to the end of the file.
    #[must_use]
    pub fn read(self, octets: u64) -> Self {
        self.step(Step::Read { on: None, amount: Some(octets), timeout: None })
    }

    /// Reads to the end of the file.
    #[must_use]
    pub fn read_to_end(self) -> Self {
        self.step(Step::ReadToEnd { on: None })
    }

    /// Writes back whatever is read, until the end of the file.
    #[must_use]
    pub fn echo(self) -> Self {
        self.step(Step::Echo { on: None })
    }

    /// Opens a connection to a server, and hands on what either side says: what a proxy does.
    #[must_use]
    pub fn relay(self, host: &str, port: u16) -> Self {
        let host = self.names.place(host);
        self.step(Step::Relay {
            on: None,
            host,
            port,
            from: Source::default(),
            options: Vec::new(),
        })
    }

    /// Ends a direction.
    #[must_use]
    pub fn shutdown(self, how: Shutdown) -> Self {
        self.step(Step::Shutdown { on: None, how })
    }

    /// Closes.
    #[must_use]
    pub fn close(self) -> Self {
        self.step(Step::Close { on: None })
    }

    /// Resets.
    #[must_use]
    pub fn abort(self) -> Self {
        self.step(Step::Abort { on: None })
    }

    /// Sets an option.
    #[must_use]
    pub fn set(self, option: SocketOption) -> Self {
        self.step(Step::SetOption { on: None, option })
    }

    /// Does nothing for so long.
    #[must_use]
    pub fn sleep(self, time: Duration) -> Self {
        self.step(Step::Sleep(time))
    }

    /// Waits until a connection of a host is, or has been, in a state.
    #[must_use]
    pub fn wait_for(self, host: &str, state: TcpState) -> Self {
        let host = self.names.place(host);
        self.step(Step::Wait(Condition::State { host, state, nth: 1 }))
    }

    /// Does something so many times. The end of a file in a read leaves the loop.
    #[must_use]
    pub fn repeat(mut self, count: u64, steps: impl FnOnce(Role<'_>) -> Role<'_>) -> Self {
        let steps = self.inner(steps);
        self.step(Step::Repeat { count: Some(count), steps })
    }

    /// Does something for ever. The end of a file in a read leaves the loop.
    #[must_use]
    pub fn repeat_for_ever(mut self, steps: impl FnOnce(Role<'_>) -> Role<'_>) -> Self {
        let steps = self.inner(steps);
        self.step(Step::Repeat { count: None, steps })
    }

    /// Accepts for ever, each connection in a task of its own.
    #[must_use]
    pub fn serve(mut self, steps: impl FnOnce(Role<'_>) -> Role<'_>) -> Self {
        let steps = self.inner(steps);
        self.step(Step::Serve { listener: None, steps })
    }

    /// So many tasks beside this one.
    #[must_use]
    pub fn spawn(mut self, count: u32, steps: impl FnOnce(Role<'_>) -> Role<'_>) -> Self {
        let steps = self.inner(steps);
        self.step(Step::Spawn { count, steps })
    }

    fn inner(&mut self, steps: impl FnOnce(Role<'_>) -> Role<'_>) -> Vec<Step> {
        steps(Role::new(self.names)).into_steps()
    }
}
