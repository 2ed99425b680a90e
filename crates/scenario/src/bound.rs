//! How far a scenario is to be explored.

use std::time::Duration;

use crate::expect::Expected;

/// How far the schedules of a scenario are explored, and what holds in each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// How many faults a schedule has at most.
    pub faults: u32,
    /// Which kinds of fault.
    pub kinds: Vec<FaultKind>,
    /// How long a packet lives at most on links that do not say so themselves.
    pub lifetime: Option<Duration>,
    /// What is expected of every schedule.
    pub(crate) expected: Vec<Expected>,
}

impl Bound {
    /// How many expectations there are about every schedule. The invariants of the world always are.
    pub fn expectations(&self) -> usize {
        self.expected.len()
    }
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// A packet is lost.
    Drop,
    /// A packet arrives, and a copy of it at any time later that its lifetime allows.
    Duplicate,
    /// A packet arrives at any time later that its lifetime allows.
    Delay,
    /// A packet arrives right after the next one that reaches its host.
    Reorder,
    /// A bit of a packet flips; the checksum catches it.
    Corrupt,
    /// A host loses power, and stays off.
    Crash,
    /// A host loses power and starts again: its roles begin anew.
    Reboot,
}

impl FaultKind {
    /// All of them, the simplest first.
    pub const ALL: [Self; 7] = [
        Self::Drop,
        Self::Duplicate,
        Self::Delay,
        Self::Reorder,
        Self::Corrupt,
        Self::Crash,
        Self::Reboot,
    ];

    /// As it is written in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Duplicate => "duplicate",
            Self::Delay => "delay",
            Self::Reorder => "reorder",
            Self::Corrupt => "corrupt",
            Self::Crash => "crash",
            Self::Reboot => "reboot",
        }
    }

    /// The kind of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Bound {
    /// So many faults of these kinds at most, in whatever the world's invariants allow.
    pub fn new(faults: u32, kinds: &[FaultKind]) -> Self {
        Self { faults, kinds: kinds.to_vec(), lifetime: None, expected: Vec::new() }
    }
}

impl Default for Bound {
    /// Two packets lost or duplicated: what most what-ifs need.
    fn default() -> Self {
        Self::new(2, &[FaultKind::Drop, FaultKind::Duplicate])
    }
}
