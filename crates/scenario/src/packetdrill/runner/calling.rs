//! Events that are system calls, and those that take their time: `run_system_call_event` of the tool.

use super::time::{Due, seconds, within};
use super::{Relaxation, Run, Stop, Wrong};
use crate::diagnostic::Span;
use crate::packetdrill::calls::{CallProblem, check, request};
use crate::packetdrill::script::SystemCall;
use crate::packetdrill::system::{CallId, Finished, Progress, Reply, ReplyOutput, Request};

/// `MSG_FASTOPEN`: connects.
const MSG_FASTOPEN: i32 = 0x2000_0000;

/// How long a call may wait for the machine alone when the script does not say that it waits:
/// timers may end it, but nothing of the script will.
const ALONE: u64 = 600 * 1_000_000;

/// How long the last call of a script may go on after its time, as in the tool.
const LAST: u64 = 5 * 1_000_000;

/// A call that has begun and waits.
#[derive(Debug)]
pub(super) struct InFlight<'a> {
    id: CallId,
    call: &'a SystemCall,
    request: Request,
    /// When it has to return, and its tolerance; `None` where the script does not say that it waits.
    end: Option<(u64, u64)>,
    span: Span,
}

impl<'a> Run<'a> {
    pub(super) fn call(&mut self, call: &'a SystemCall, due: &Due, span: Span) -> Result<(), Stop> {
        if due.end.is_some() {
            // Only one call waits at a time.
            self.await_call()?;
        }
        self.wait_until_due(due, span, "the call")?;
        let request = request(call, &self.config.setup, &self.descriptors).map_err(stop)?;
        self.calls(&request);
        let progress = self.system.call(request.clone());
        match progress {
            Progress::Done(reply) => {
                let at = self.now();
                self.check_end(due.end, at, span)?;
                self.replied(call, &request, &reply, span)?;
                self.collect()
            }
            Progress::Waits(id) => {
                let call = InFlight { id, call, request, end: due.end, span };
                if due.end.is_some() {
                    self.in_flight = Some(call);
                    return self.collect();
                }
                self.wait_alone(call)
            }
        }
    }

    /// A call that the script takes to return at once: nothing of the script happens before it does.
    fn wait_alone(&mut self, call: InFlight<'a>) -> Result<(), Stop> {
        let limit = self.now().saturating_add(ALONE);
        self.alone = Some(call);
        self.collect()?;
        while self.alone.is_some() && self.now() < limit {
            self.step(limit)?;
        }
        let Some(call) = self.alone.take() else { return Ok(()) };
        let got = "a call that blocks (one that may has the time of its return, as in `+0...0.2`)";
        Err(Wrong::new(call.span, self.source(call.call.span), got).into())
    }

    /// Waits for the blocking call before, if there is one.
    pub(super) fn await_call(&mut self) -> Result<(), Stop> {
        let Some(call) = &self.in_flight else { return Ok(()) };
        let (end, tolerance) = call.end.unwrap_or_default();
        let limit = end.saturating_add(tolerance).max(self.now().saturating_add(LAST));
        while self.in_flight.is_some() && self.now() < limit {
            self.step(limit)?;
        }
        let Some(call) = self.in_flight.take() else { return Ok(()) };
        let expected = format!("{} to return at {}", self.source(call.call.span), seconds(end));
        let got = format!("no return until {}", seconds(self.now()));
        Err(Wrong::new(call.span, expected, got).into())
    }

    /// A call that waited has returned.
    pub(super) fn returned(&mut self, finished: &Finished) -> Result<(), Stop> {
        let is_it = |call: &mut InFlight<'_>| call.id == finished.call;
        let call = self.in_flight.take_if(is_it).or_else(|| self.alone.take_if(is_it));
        call.map_or(Ok(()), |call| self.finish(&call, finished))
    }

    fn finish(&mut self, call: &InFlight<'a>, finished: &Finished) -> Result<(), Stop> {
        let at = self.since_start(finished.at);
        self.check_end(call.end, at, call.span)?;
        self.replied(call.call, &call.request, &finished.reply, call.span)
    }

    /// A blocking call has to return when the script says.
    fn check_end(&mut self, end: Option<(u64, u64)>, at: u64, span: Span) -> Result<(), Stop> {
        let Some((end, tolerance)) = end else { return Ok(()) };
        if within(at, end, end, tolerance) || self.relaxed(Relaxation::Timing) {
            return Ok(());
        }
        let expected = format!("the call to return at {} ± {}", seconds(end), seconds(tolerance));
        Err(Wrong::new(span, expected, format!("its return at {}", seconds(at))).into())
    }

    fn replied(
        &mut self,
        call: &SystemCall,
        request: &Request,
        reply: &Reply,
        span: Span,
    ) -> Result<(), Stop> {
        self.learn(request, reply);
        let checked = check(call, &self.config.setup, &mut self.descriptors, request, reply);
        checked.map_err(|got| Wrong::new(span, self.source(call.span), got).into())
    }

    /// What a call means for the socket under test before it is made.
    fn calls(&mut self, request: &Request) {
        match request {
            Request::Connect { fd, address } => self.sockets.connects(*fd, *address),
            Request::SendTo { fd, flags, address: Some(address), .. }
            | Request::SendMessage { fd, flags, address: Some(address), .. }
                if flags & MSG_FASTOPEN != 0 =>
            {
                self.sockets.connects(*fd, *address);
            }
            _ => {}
        }
    }

    /// What a call means for the socket under test when it has returned.
    fn learn(&mut self, request: &Request, reply: &Reply) {
        let Ok(result) = reply.result else { return };
        let result = i32::try_from(result).unwrap_or(-1);
        match (request, &reply.output) {
            (Request::Socket { .. }, _) => self.sockets.created(result),
            (Request::Bind { fd, address }, _) => self.sockets.bound(*fd, address.port()),
            (Request::Listen { fd, .. }, _) => self.sockets.listens(*fd),
            (Request::Accept { .. }, ReplyOutput::Address(peer)) => {
                self.sockets.accepted(result, *peer);
            }
            (Request::Accept { .. }, _) => self.sockets.accepted(result, None),
            (Request::Close { fd }, _) => self.sockets.closed(*fd),
            _ => {}
        }
    }
}

fn stop(problem: CallProblem) -> Stop {
    match problem {
        CallProblem::NotSupported { span, text } => Stop::Skipped { span, what: text },
        CallProblem::Wrong { span, text } => {
            Wrong::new(span, "a call that can be made", text).into()
        }
    }
}
