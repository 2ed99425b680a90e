//! What became of a script.

use std::collections::BTreeSet;
use std::fmt;

use twomsl_trace::Trace;

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything happened as the script says.
    Passed,
    /// Something did not.
    Failed(Failure),
    /// The script wants something that there is not here; it was not run to its end.
    Skipped {
        /// `file:line`
        place: String,
        /// What is not supported.
        what: String,
    },
}

/// The first thing that was not as the script says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `file:line`
    pub place: String,
    /// What was expected, in the script's notation.
    pub expected: String,
    /// What happened instead.
    pub got: String,
}

/// What became of a script, and what else is to be told.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it ended.
    pub verdict: Verdict,
    /// Failures that the script does not mind (`--non_fatal`).
    pub tolerated: Vec<Failure>,
    /// Settings in backticks that the stack does not have, as `name=value`.
    pub unknown_settings: Vec<String>,
    /// The relaxations without which it would have failed.
    pub relaxed: BTreeSet<Relaxation>,
    /// Everything that happened, if it was recorded.
    pub trace: Option<Trace>,
}

/// A difference that is not looked at. None is unless somebody asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relaxation {
    /// The window field of segments.
    Window,
    /// PSH.
    Push,
    /// The options of segments.
    Options,
    /// When packets are sent and calls return.
    Timing,
}

impl Relaxation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Window, Self::Push, Self::Options, Self::Timing];

    /// Its name, as on the command line: `ignore-window`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Window => "ignore-window",
            Self::Push => "ignore-push",
            Self::Options => "ignore-options",
            Self::Timing => "ignore-timing",
        }
    }
}

impl Verdict {
    /// Whether the script holds.
    pub const fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }
}

impl fmt::Display for Failure {
    /// `file:line: expected …, got …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.place, self.expected, self.got)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("ok"),
            Self::Failed(failure) => write!(f, "FAIL {failure}"),
            Self::Skipped { place, what } => write!(f, "skip {place}: not supported: {what}"),
        }
    }
}
