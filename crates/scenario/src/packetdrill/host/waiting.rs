//! Calls that may have to wait.

use std::time::Duration;

use twomsl_tcp::{Instant, Readiness, SocketId};

use super::super::system::{CallId, Errno, Progress, Reply, Request};
use super::closing::Lingering;
use super::epoll::EpollWaiting;
use super::files::Socket;
use super::opening::{Accepting, Connecting};
use super::polling::Polling;
use super::reading::Reading;
use super::writing::Writing;
use super::{Host, Patience, Step, done, plain};

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) call: CallId,
    pending: Pending,
    /// When it gives up.
    pub(super) deadline: Option<Instant>,
}

/// What a call is about to do.
#[derive(Debug)]
pub(super) enum Pending {
    Accept(Accepting),
    Connect(Connecting),
    Read(Reading),
    Write(Writing),
    Close(Lingering),
    Poll(Polling),
    Epoll(EpollWaiting),
}

/// Whether a call may wait, and for how long.
pub(super) type Limit = (Patience, Option<Duration>);

impl Waiter {
    /// What it is called in a trace, and the socket it is about.
    pub(super) fn named(&self) -> (&'static str, Option<i32>) {
        match &self.pending {
            Pending::Accept(accepting) => ("accept", Some(accepting.fd)),
            Pending::Connect(connecting) => ("connect", Some(connecting.fd)),
            Pending::Read(reading) => ("read", Some(reading.fd)),
            Pending::Write(writing) => ("write", Some(writing.fd)),
            Pending::Close(_) => ("close", None),
            Pending::Poll(_) => ("poll", None),
            Pending::Epoll(_) => ("epoll_wait", None),
        }
    }
}

impl Host {
    /// A call that may have to wait, from its beginning.
    pub(super) fn begin_to_wait(&mut self, request: Request) -> Progress {
        let begun = match request {
            Request::Accept { fd, flags } => self.begin_accept(fd, flags),
            Request::Connect { fd, address } => self.begin_connect(fd, address),
            Request::Close { fd } => self.begin_close(fd),
            Request::Poll { entries, timeout } => Ok(Self::begin_poll(entries, timeout)),
            Request::EpollWait { epoll, most, timeout } => {
                self.begin_epoll_wait(epoll, most, timeout)
            }
            Request::Splice { from, to, length, flags } => {
                self.begin_splice(from, to, length, flags)
            }
            Request::SendFile { to, from, length, .. } => self.begin_send_file(to, from, length),
            request => match Reading::of(&request) {
                Some(reading) => self.begin_read(reading),
                None => match Writing::of(&request) {
                    Some(writing) => self.begin_write(writing),
                    None => Err(Errno::ENOSYS),
                },
            },
        };
        match begun {
            Ok((pending, limit)) => self.try_first(pending, limit),
            Err(error) => done(plain(Err(error))),
        }
    }

    fn try_first(&mut self, mut pending: Pending, (patience, time): Limit) -> Progress {
        match self.step(&mut pending, patience) {
            Step::Done(reply) => Progress::Done(reply),
            Step::Wait => {
                let call = CallId(self.calls);
                self.calls += 1;
                let deadline = time.map(|time| self.now + time);
                self.waiting.push(Waiter { call, pending, deadline });
                Progress::Waits(call)
            }
        }
    }

    /// What a call returns that waits, if it waits no more.
    pub(super) fn step_again(&mut self, waiter: &mut Waiter) -> Option<Reply> {
        let late = waiter.deadline.is_some_and(|deadline| deadline <= self.now);
        if !late && !self.is_woken(&waiter.pending) {
            return None;
        }
        let patience = if late { Patience::None } else { Patience::Waits };
        match self.step(&mut waiter.pending, patience) {
            Step::Done(reply) => Some(reply),
            Step::Wait => None,
        }
    }

    fn step(&mut self, pending: &mut Pending, patience: Patience) -> Step {
        match pending {
            Pending::Accept(accepting) => self.step_accept(*accepting, patience),
            Pending::Connect(connecting) => self.step_connect(*connecting, patience),
            Pending::Read(reading) => self.step_read(reading, patience),
            Pending::Write(writing) => self.step_write(writing, patience),
            Pending::Close(lingering) => self.step_close(*lingering, patience),
            Pending::Poll(polling) => self.step_poll(polling, patience),
            Pending::Epoll(waiting) => self.step_epoll_wait(*waiting, patience),
        }
    }

    /// Whether there is a reason to try it again. A writer is only woken when there is room that
    /// is worth it; the others look each time.
    fn is_woken(&self, pending: &Pending) -> bool {
        let Pending::Write(writing) = pending else { return true };
        let Some(id) = self.files.socket(writing.fd).ok().and_then(Socket::id) else {
            return true;
        };
        self.was_woken(id, Readiness::Readable)
    }

    /// Whether something other than `but` has happened to a socket.
    fn was_woken(&self, id: SocketId, but: Readiness) -> bool {
        self.woken.iter().any(|(socket, readiness)| *socket == id && *readiness != but)
    }
}
