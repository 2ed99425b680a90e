//! A machine that does what it is told: for what a real one would not do.

use std::collections::{BTreeMap, VecDeque};

use twomsl_tcp::Instant;
use twomsl_tcp::wire::Packet;

use crate::packetdrill::system::{
    Administered, CallId, Finished, Order, Progress, Reply, ReplyOutput, Request, System,
};

/// What happens at a moment, whatever the script does.
#[derive(Clone, Debug)]
pub(super) enum Happens {
    Sends(Packet),
    /// The call that was made so-and-so many calls before returns.
    Returns(u64, i64),
}

/// Calls return 3, or wait if they are `read`.
#[derive(Debug, Default)]
pub(super) struct Fake {
    now: Instant,
    pub(super) plan: BTreeMap<u64, VecDeque<Happens>>,
    calls: u64,
    sent: VecDeque<(Instant, Packet)>,
    finished: VecDeque<Finished>,
    pub(super) injected: Vec<Packet>,
    /// Sends the same packet again whenever it is asked for more.
    pub(super) endless: Option<Packet>,
}

impl Fake {
    /// Plans something for a moment, in milliseconds.
    pub(super) fn at(mut self, millis: u64, happens: Happens) -> Self {
        self.plan.entry(millis * 1_000_000).or_default().push_back(happens);
        self
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Sends(packet) => self.sent.push_back((self.now, packet)),
            Happens::Returns(call, value) => self.finished.push_back(Finished {
                call: CallId(call),
                at: self.now,
                reply: Reply { result: Ok(value), output: ReplyOutput::Nothing },
            }),
        }
    }
}

impl System for Fake {
    fn now(&self) -> Instant {
        self.now
    }

    fn call(&mut self, request: Request) -> Progress {
        self.calls += 1;
        match request {
            Request::Read { .. } => Progress::Waits(CallId(self.calls)),
            Request::Socket { .. } => {
                Progress::Done(Reply { result: Ok(7), output: ReplyOutput::Nothing })
            }
            _ => Progress::Done(Reply { result: Ok(0), output: ReplyOutput::Nothing }),
        }
    }

    fn finished(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }

    fn inject(&mut self, packet: Packet) {
        self.injected.push(packet);
    }

    fn sent(&mut self) -> Option<(Instant, Packet)> {
        self.sent.pop_front()
    }

    fn advance(&mut self, limit: Instant) -> Instant {
        if let Some(packet) = self.endless.clone() {
            self.sent.push_back((self.now, packet));
            return self.now;
        }
        let next = self.plan.first_key_value().map(|(at, _)| Instant::from_nanos(*at));
        match next.filter(|at| *at <= limit) {
            Some(at) => {
                self.now = self.now.max(at);
                let (_, all) = self.plan.pop_first().unwrap_or_default();
                for happens in all {
                    self.happen(happens);
                }
            }
            None => self.now = limit,
        }
        self.now
    }

    fn administer(&mut self, _order: Order) -> Administered {
        Administered::Done
    }
}
