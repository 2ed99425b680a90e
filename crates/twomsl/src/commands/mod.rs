//! The commands.

pub(crate) mod run;
mod tally;

use std::process::ExitCode;

/// How a command ended, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It expects nothing, so nothing was shown to hold.
    Silent,
    /// Every expectation holds.
    Holds,
    /// An expectation does not hold.
    Fails,
    /// There was input that could not be used.
    Unusable,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Silent | Verdict::Holds => Self::SUCCESS,
            Verdict::Fails => Self::from(1),
            Verdict::Unusable => Self::from(2),
        }
    }
}
