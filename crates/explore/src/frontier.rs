//! How far a search is: what it has covered, and where it was stopped.

mod octets;

pub use octets::FrontierError;

use crate::explore::Figures;
use crate::key::Seen;
use crate::search::{Break, Progress, Tally};

/// How far a search is. One that was stopped can [go on](crate::resume) from it, in the same process or,
/// by way of its [octets](Self::to_bytes), in another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    /// Schedules with so many faults are being searched. All those with fewer are done.
    pub(crate) faults: u32,
    /// So many of their parts are done, from the first one on.
    pub(crate) begun: usize,
    /// The parts after those: some are done, some not, and those at the end are not begun.
    pub(crate) open: Vec<Part>,
    /// The states of all that is done.
    pub(crate) seen: Seen,
    /// What all that is done has covered.
    done: Tally,
    /// What was covered on the way between the parts. The next search goes there again.
    trunk: Progress,
}

/// What lies below one of the first faults of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// How it ended; none if it was not begun.
    pub(crate) end: Option<Result<(), Break>>,
    pub(crate) progress: Progress,
}

impl Frontier {
    /// Schedules with so many faults are being searched. All those with fewer are done.
    pub const fn faults(&self) -> u32 {
        self.faults
    }

    /// How many states are remembered. What two parts have seen counts twice until both are done.
    pub(crate) fn states(&self) -> u64 {
        let open: usize = self.open.iter().map(|part| part.progress.seen.len()).sum();
        (self.seen.len() + self.trunk.seen.len() + open) as u64
    }

    /// What was covered until now.
    pub(crate) fn figures(&self) -> Figures {
        let mut all = self.done;
        all.add(&self.trunk.tally);
        for part in &self.open {
            all.add(&part.progress.tally);
        }
        let Tally { schedules, transitions, deepest, coverage } = all;
        Figures { schedules, states: self.states(), transitions, deepest, coverage }
    }

    /// The next parts were searched; those before `next` are done now, unless one was stopped or has
    /// found something.
    pub(crate) fn note(&mut self, parts: Vec<Part>, next: usize) -> Result<(), Break> {
        let found = parts.iter().position(|part| matches!(part.end, Some(Err(Break::Found(_)))));
        // What was found counts only if everything before it was searched: else it may not be the first.
        let before = &parts[..found.unwrap_or(parts.len())];
        if before.iter().any(|part| part.end != Some(Ok(()))) {
            self.open = parts;
            return Err(Break::Stopped);
        }
        // What others had seen when one has found something depends on who was faster.
        let count = found.map_or(parts.len(), |place| place + 1);
        for part in parts.into_iter().take(count) {
            self.take(part.progress);
            if let Some(Err(found)) = part.end {
                return Err(found);
            }
        }
        self.begun = next;
        Ok(())
    }

    /// The way between the parts is gone again from its beginning.
    pub(crate) fn leave_trunk(&mut self) {
        self.trunk = Progress::default();
    }

    /// The way between the parts was gone.
    pub(crate) fn take_trunk(&mut self, end: &Result<(), Break>, progress: Progress) {
        if *end == Err(Break::Stopped) {
            self.trunk = progress;
        } else {
            self.take(progress);
        }
    }

    fn take(&mut self, progress: Progress) {
        self.done.add(&progress.tally);
        self.seen.extend(progress.seen);
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.transitions += other.transitions;
        self.deepest = self.deepest.max(other.deepest);
        self.coverage.add(&other.coverage);
    }
}
