//! A machine of the shared object as a [`System`], so that scripts run on it.
//!
//! As packetdrill does, calls that may wait are made on other threads. A call is out of sight then
//! until it has returned, or until the machine says that one more call waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use twomsl_scenario::packetdrill::system::{
    Administered, CallId, Errno, Finished, Order, Progress, Reply, ReplyOutput, Request, System,
};
use twomsl_tcp::Instant;
use twomsl_tcp::wire::Packet;

use super::Machine;
use super::calls::NO_SUCH_CALL;

/// The machine under test, behind the C interface.
pub(crate) struct SharedObject {
    machine: Arc<Machine>,
    /// Threads with nothing to do.
    idle: Vec<Worker>,
    /// Threads whose call waits.
    waiting: BTreeMap<CallId, Worker>,
    calls: u64,
    returned: (Sender<Returned>, Receiver<Returned>),
    finished: VecDeque<Finished>,
    sent: VecDeque<(Instant, Packet)>,
    now: Instant,
    /// Calls that the C interface does not have.
    unmapped: Vec<String>,
}

/// A thread that makes calls.
struct Worker {
    calls: Sender<(CallId, Request)>,
}

/// What comes back from a [`Worker`].
struct Returned {
    call: CallId,
    reply: Option<Reply>,
    at: Instant,
}

impl SharedObject {
    pub(crate) fn new(machine: Machine) -> Self {
        Self {
            machine: Arc::new(machine),
            idle: Vec::new(),
            waiting: BTreeMap::new(),
            calls: 0,
            returned: channel(),
            finished: VecDeque::new(),
            sent: VecDeque::new(),
            now: Instant::ZERO,
            unmapped: Vec::new(),
        }
    }

    /// What was asked for and is not there in the C interface.
    pub(crate) fn unmapped(&self) -> &[String] {
        &self.unmapped
    }

    /// Sends a thread into a call, and waits until it has returned or waits.
    fn call_on_a_thread(&mut self, request: &Request) -> Progress {
        self.calls += 1;
        let call = CallId(self.calls);
        let worker = self.idle.pop().unwrap_or_else(|| self.worker());
        let waited = self.machine.calls_that_waited();
        worker.calls.send((call, request.clone())).expect("the thread is there");
        loop {
            match self.returned.1.recv_timeout(Duration::from_micros(20)) {
                Ok(returned) if returned.call == call => {
                    self.idle.push(worker);
                    return Progress::Done(self.reply(request, returned.reply));
                }
                // Another call, which this one has ended; it is looked for below.
                Ok(returned) => self.finish(returned),
                Err(RecvTimeoutError::Timeout) if self.machine.calls_that_waited() > waited => {
                    self.waiting.insert(call, worker);
                    return Progress::Waits(call);
                }
                Err(error) => assert_eq!(error, RecvTimeoutError::Timeout, "a thread is gone"),
            }
        }
    }

    fn worker(&self) -> Worker {
        let (calls, requests) = channel::<(CallId, Request)>();
        let (machine, returned) = (Arc::clone(&self.machine), self.returned.0.clone());
        thread::spawn(move || {
            for (call, request) in requests {
                let reply = machine.call(&request);
                let back = Returned { call, reply, at: machine.now() };
                if returned.send(back).is_err() {
                    break;
                }
            }
        });
        Worker { calls }
    }

    /// Waits for the threads whose calls have returned inside the machine.
    fn collect(&mut self) {
        let first = self.finished.len();
        while self.waiting.len() > self.machine.waiting_calls() {
            let returned = self.returned.1.recv().expect("the sender is ours");
            self.finish(returned);
        }
        self.finished.make_contiguous()[first..].sort_by_key(|done| (done.at, done.call));
    }

    fn finish(&mut self, Returned { call, reply, at }: Returned) {
        self.idle.extend(self.waiting.remove(&call));
        let reply = reply.expect("a call that is not there does not wait");
        self.finished.push_back(Finished { call, at, reply });
    }

    fn reply(&mut self, request: &Request, reply: Option<Reply>) -> Reply {
        reply.unwrap_or_else(|| {
            let call = format!("{request:?}");
            // The name of the call will do.
            let name = call.split(char::is_whitespace).next();
            self.unmapped.extend(name.map(String::from));
            Reply { result: Err(NO_SUCH_CALL), output: ReplyOutput::Nothing }
        })
    }

    /// Fetches packets, waiting for the first of them until `limit`.
    fn fetch(&mut self, limit: Instant) {
        self.machine.receive_until(limit);
        let Some(first) = self.machine.receive() else { return };
        self.machine.receive_until(Instant::ZERO);
        let rest = std::iter::from_fn(|| self.machine.receive());
        self.sent.extend(std::iter::once(first).chain(rest));
    }
}

impl System for SharedObject {
    fn now(&self) -> Instant {
        self.now
    }

    fn call(&mut self, request: Request) -> Progress {
        let progress = if may_wait(&request) {
            self.call_on_a_thread(&request)
        } else {
            let reply = self.machine.call(&request);
            Progress::Done(self.reply(&request, reply))
        };
        self.collect();
        progress
    }

    fn finished(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }

    fn inject(&mut self, packet: Packet) {
        self.machine.inject(&packet);
        self.collect();
    }

    fn sent(&mut self) -> Option<(Instant, Packet)> {
        if self.sent.is_empty() {
            self.fetch(Instant::ZERO);
        }
        self.sent.pop_front()
    }

    fn advance(&mut self, limit: Instant) -> Instant {
        self.fetch(limit);
        self.collect();
        self.now = self.machine.now();
        self.now
    }

    fn administer(&mut self, order: Order) -> Administered {
        let answer = self.machine.administer(&order);
        self.collect();
        match answer {
            Ok(count) if matches!(order, Order::CountInState(_)) => Administered::Count(count),
            Ok(_) => Administered::Done,
            Err(Errno(libc::ENOENT)) => Administered::Unknown,
            Err(Errno(libc::EOPNOTSUPP)) => Administered::NotSupported,
            Err(errno) => panic!("{order:?} fails with {errno:?}"),
        }
    }
}

/// Calls that do not come back at once, perhaps.
const fn may_wait(request: &Request) -> bool {
    !matches!(
        request,
        Request::Socket { .. }
            | Request::Bind { .. }
            | Request::Listen { .. }
            | Request::Fcntl { .. }
            | Request::Ioctl { .. }
            | Request::Shutdown { .. }
            | Request::SetSocketOption { .. }
            | Request::GetSocketOption { .. }
            | Request::EpollCreate { .. }
            | Request::EpollControl { .. }
            | Request::Pipe { .. }
    )
}
