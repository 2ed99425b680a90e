//! What is left of a run that is over: the same for every driver.

use twomsl_tcp::{Instant, Status};
use twomsl_trace::Trace;

use crate::live::Live;
use crate::{End, Totals};

/// A run that is over, of any engine.
#[derive(Clone, Debug)]
pub struct Run {
    /// Everything that happened.
    pub trace: Trace,
    /// What the applications of each host wrote and read.
    pub totals: Vec<Totals>,
    /// The sockets of each host at the end.
    pub sockets: Vec<Vec<Status>>,
    /// Why it ended.
    pub end: End,
    /// When it ended.
    pub ended_at: Instant,
}

impl Live {
    /// What came of it.
    pub(crate) fn over(&self, end: End, ended_at: Instant) -> Run {
        let mut trace = self.trace.clone();
        trace.about.cut_at = (end == End::TimeUp).then_some(ended_at);
        Run {
            trace,
            totals: self.hosts.iter().map(|host| host.totals).collect(),
            sockets: self.hosts.iter().map(|host| host.stack.sockets().collect()).collect(),
            end,
            ended_at,
        }
    }
}
