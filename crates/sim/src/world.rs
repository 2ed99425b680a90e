//! One simulation.
#![expect(unused, clippy::todo, clippy::unused_self, missing_docs, reason = "interface first")]

use twomsl_tcp::{Instant, Stack};
use twomsl_trace::Trace;

use crate::spec::WorldSpec;

/// hosts + links + clock + event queue + random streams. It can be cloned.
#[derive(Clone, Debug)]
pub struct World {}

/// What is written down while a world runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recording {
    /// Everything: a trace can be rendered.
    Trace,
    /// Nothing: for speed. Invariants are checked all the same.
    Off,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// Nothing was left to happen.
    Quiet,
    /// The time given by the specification was over.
    TimeUp,
}

/// A world that cannot be made: an index without a host, two links between the same hosts, …
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(pub String);

impl World {
    pub fn new(spec: &WorldSpec, recording: Recording) -> Result<Self, SpecError> {
        todo!()
    }
    /// Runs until nothing is left to happen, or `until`.
    pub fn run(&mut self) -> End {
        todo!()
    }
    /// Handles the next event; false when there is none.
    pub fn step(&mut self) -> bool {
        todo!()
    }
    pub fn run_until(&mut self, time: Instant) {
        todo!()
    }
    pub fn now(&self) -> Instant {
        todo!()
    }
    pub fn trace(&self) -> &Trace {
        todo!()
    }
    /// What a host's applications have written and read in all.
    pub fn totals(&self, host: usize) -> Totals {
        todo!()
    }
    pub fn stack(&self, host: usize) -> &Stack {
        todo!()
    }
}

/// Octets and calls of a host's applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Totals {
    pub written: u64,
    pub read: u64,
}
