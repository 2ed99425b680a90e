//! Time, timers, and what the stack puts out.

use twomsl_tcp::{Event, Instant, Output, Readiness, Report, SocketId};

use super::super::system::{Errno, Reply};
use super::errors::errno;
use super::waiting::Waiter;
use super::{Host, Kernel, finished};

impl Host {
    /// Takes what the stack puts out, then lets calls that wait go on, until nothing moves.
    pub(super) fn settle(&mut self) {
        self.take_effects();
        self.collect_reports();
        while self.retry_waiting() {
            self.take_effects();
            self.collect_reports();
        }
        self.woken.clear();
    }

    /// Lets time pass until something is sent or a call returns, but no further than `limit`.
    pub(super) fn run_until(&mut self, limit: Instant) -> Instant {
        let before = self.happened;
        while self.happened == before
            && let Some(next) = self.next_moment()
            && next <= limit
        {
            self.now = self.now.max(next);
            self.stack.on_timeout(self.now);
            self.settle();
        }
        if self.happened == before {
            self.now = self.now.max(limit);
        }
        self.now
    }

    /// When a timer of the stack or of a call runs out next.
    fn next_moment(&self) -> Option<Instant> {
        let calls = self.waiting.iter().filter_map(|waiter| waiter.deadline);
        calls.chain(self.stack.next_timeout()).min()
    }

    fn take_effects(&mut self) {
        while let Some(output) = self.stack.poll() {
            match output {
                Output::Transmit(transmit) => {
                    if let Some(recorder) = &mut self.recorder {
                        recorder.sent(self.now, &transmit);
                    }
                    self.sent.push_back((self.now, transmit.packet));
                    self.happened += 1;
                }
                Output::Event(Event::Ready { socket, readiness }) => {
                    self.woken.push((socket, readiness));
                    self.wake_watches(socket, readiness);
                }
                Output::Event(Event::State(change)) => {
                    if let Some(recorder) = &mut self.recorder {
                        recorder.changed(self.now, change);
                    }
                }
                Output::Event(Event::Report { socket, report: Report::Icmp(error) }) => {
                    self.report(socket, errno(error));
                }
                Output::Event(_) => {}
            }
        }
    }

    /// `IP_RECVERR`: on Linux an error that does not end a connection is its error all the same.
    fn report(&mut self, id: SocketId, error: Errno) {
        if self.kernel == Kernel::Linux
            && let Some(fd) = self.files.of(id)
            && let Ok(socket) = self.files.socket_mut(fd)
        {
            socket.error = Some(error);
            self.wake_watches(id, Readiness::Closed);
        }
    }

    /// Tries what waits once more; whether something returned.
    fn retry_waiting(&mut self) -> bool {
        let waiting = std::mem::take(&mut self.waiting);
        let before = self.finished.len();
        for waiter in waiting {
            self.retry(waiter);
        }
        self.finished.len() > before
    }

    fn record_return(&mut self, waiter: &Waiter, reply: &Reply) {
        let (name, fd) = waiter.named();
        let socket = fd.and_then(|fd| self.files.socket(fd).ok()?.id());
        if let Some(recorder) = &mut self.recorder {
            recorder.returned(self.now, socket, name, reply.result);
        }
    }

    fn retry(&mut self, mut waiter: Waiter) {
        match self.step_again(&mut waiter) {
            Some(reply) => {
                self.record_return(&waiter, &reply);
                self.finished.push_back(finished(waiter.call, self.now, reply));
                self.happened += 1;
            }
            None => self.waiting.push(waiter),
        }
    }
}
