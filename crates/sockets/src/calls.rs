//! Calls of applications, as the trace tells them.

use std::net::SocketAddr;

use rustc_hash::FxBuildHasher;
use twomsl_sim::{Network, Recording};
use twomsl_tcp::{SocketError, SocketId};

use crate::host::Call;

/// Whether the sockets write down what is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Calls {
    /// They do.
    #[default]
    Written,
    /// Somebody above them does.
    Unwritten,
}

/// The tasks of a host, numbered in the order of their first calls.
#[derive(Debug, Default)]
pub(crate) struct TaskNumbers(hashbrown::HashMap<tokio::task::Id, u32, FxBuildHasher>);

impl TaskNumbers {
    /// The number of a task.
    pub(crate) fn of(&mut self, task: Option<tokio::task::Id>) -> u32 {
        // What runs beside all tasks counts as the first of them.
        let Some(task) = task else { return 0 };
        let next = self.0.len() as u32;
        *self.0.entry(task).or_insert(next)
    }
}

impl Calls {
    /// Whether there is a trace to write them into, and nobody else does.
    pub(crate) fn are_written(self, network: &Network) -> bool {
        self == Self::Written && network.recording() == Recording::Trace
    }
}

impl Call<'_> {
    fn is_written(&self) -> bool {
        self.calls.are_written(self.network)
    }

    /// An application calls: what follows from it comes after it. Without a socket when the call
    /// makes one.
    pub(crate) fn called(&mut self, socket: Option<SocketId>, call: impl FnOnce(&Self) -> String) {
        if self.is_written() {
            let (text, task) = (call(self), self.tasks.of(tokio::task::try_id()));
            self.network.called(self.now, self.host, task, socket, text);
        }
    }

    /// A call that waited, or that yields something, has returned.
    pub(crate) fn returned(
        &mut self,
        socket: Option<SocketId>,
        call: &'static str,
        result: Result<Option<u64>, SocketError>,
    ) {
        if self.is_written() {
            let task = self.tasks.of(tokio::task::try_id());
            self.network.returned(self.now, (self.host, task), socket, call, result);
        }
    }

    /// An address as a ladder shows it: by the name of its host.
    pub(crate) fn names(&self, address: SocketAddr) -> String {
        match self.network.host_of(address.ip()) {
            Some(host) => format!("{}:{}", self.network.name(host), address.port()),
            None => address.to_string(),
        }
    }
}
