//! `poll`, and what it says of a socket.

use std::time::Duration;

use twomsl_tcp::TcpState;

use super::super::symbols::{
    POLLERR, POLLHUP, POLLIN, POLLINIGNEOF, POLLNVAL, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM,
};
use super::super::system::{PollEntry, Reply, ReplyOutput};
use super::files::{File, Phase, Socket};
use super::sk::Sk;
use super::waiting::{Limit, Pending};
use super::{Host, Kernel, Patience, Step, count};

/// `poll`.
#[derive(Debug)]
pub(super) struct Polling {
    entries: Vec<PollEntry>,
}

pub(super) const READABLE: i64 = POLLIN | POLLRDNORM;
pub(super) const WRITABLE: i64 = POLLOUT | POLLWRNORM;
/// FreeBSD's `sb_lowat` of a send buffer.
const SEND_LOW_WATER: usize = 2048;

impl Host {
    pub(super) fn begin_poll(entries: Vec<PollEntry>, timeout: i32) -> (Pending, Limit) {
        let limit = match u64::try_from(timeout) {
            Ok(0) => (Patience::None, None),
            Ok(millis) => (Patience::Waits, Some(Duration::from_millis(millis))),
            Err(_) => (Patience::Waits, None),
        };
        (Pending::Poll(Polling { entries }), limit)
    }

    pub(super) fn step_poll(&mut self, polling: &Polling, patience: Patience) -> Step {
        let polled: Vec<_> = polling.entries.iter().map(|entry| self.poll_one(*entry)).collect();
        let ready = polled.iter().filter(|revents| **revents != 0).count();
        if ready == 0 && patience == Patience::Waits {
            return Step::Wait;
        }
        Step::Done(Reply { result: Ok(count(ready)), output: ReplyOutput::Polled(polled) })
    }

    /// The `revents` of an entry.
    fn poll_one(&mut self, entry: PollEntry) -> i16 {
        if entry.fd < 0 {
            return 0;
        }
        let wanted = i64::from(entry.events.cast_unsigned());
        let mask = match self.files.get(entry.fd) {
            Err(_) => POLLNVAL,
            Ok(_) => self.readiness(entry.fd, wanted) & (wanted | POLLERR | POLLHUP),
        };
        u16::try_from(mask).unwrap_or(0).cast_signed()
    }

    /// What a file is ready for. `wanted` only matters where FreeBSD asks it. Who looks hears of the
    /// next change.
    pub(super) fn readiness(&mut self, fd: i32, wanted: i64) -> i64 {
        let mask = self.look(fd, wanted);
        self.expect_change(fd, mask);
        mask
    }

    pub(super) fn look(&self, fd: i32, wanted: i64) -> i64 {
        match (self.files.get(fd), self.kernel) {
            (Ok(File::Socket(socket)), Kernel::Linux) => self.tcp_poll(socket),
            (Ok(File::Socket(socket)), Kernel::FreeBsd) => self.sopoll(socket, wanted),
            (Ok(File::PipeRead(pipe, _)), _) => self.files.pipes.readable(*pipe),
            (Ok(File::PipeWrite(pipe, _)), _) => self.files.pipes.writable(*pipe),
            (Ok(File::Epoll(_)), _) if self.has_ready_watch(fd) => READABLE,
            (Ok(File::Epoll(_)) | Err(_), _) => 0,
            (Ok(File::Source), _) => READABLE | WRITABLE,
        }
    }

    /// The next change wakes those who watch the file: more text, and more room if there is too
    /// little (`SOCK_NOSPACE`).
    pub(super) fn expect_change(&mut self, fd: i32, mask: i64) {
        let connection = self.files.socket(fd).ok().and_then(Socket::connection);
        if let Some(id) = connection {
            self.stack.expect_text(id);
            if mask & POLLOUT == 0 {
                self.stack.expect_room(id);
            }
        }
    }

    /// `tcp_poll`.
    fn tcp_poll(&self, socket: &Socket) -> i64 {
        let sk = self.sk(socket);
        if sk.state == TcpState::Listen {
            return self.acceptable(socket);
        }
        let mut mask = 0;
        if (sk.shut_reading && sk.shut_writing) || sk.state == TcpState::Closed {
            mask |= POLLHUP;
        }
        if sk.shut_reading {
            mask |= READABLE | POLLRDHUP;
        }
        // Connected, or waiting for the end of a handshake that TCP Fast Open did not wait for.
        let early = matches!(socket.phase, Phase::Connected(_));
        if !sk.is_opening() || (sk.state == TcpState::SynReceived && early) {
            if self.is_readable(socket) {
                mask |= READABLE;
            }
            if sk.shut_writing || self.is_writeable(socket) {
                mask |= WRITABLE;
            }
        }
        if matches!(socket.phase, Phase::Deferred(_)) {
            mask |= WRITABLE;
        }
        if sk.error.is_some() || !socket.reports.is_empty() {
            mask |= POLLERR;
        }
        mask
    }

    /// `sopoll_generic`.
    fn sopoll(&self, socket: &Socket, wanted: i64) -> i64 {
        let sk = self.sk(socket);
        if sk.state == TcpState::Listen {
            return self.acceptable(socket) & wanted;
        }
        let mut mask = 0;
        if self.is_readable(socket) || sk.error.is_some() {
            mask |= READABLE;
        }
        if self.sowriteable(socket, &sk) {
            mask |= WRITABLE;
        }
        if sk.shut_reading && wanted & POLLINIGNEOF == 0 {
            mask |= READABLE;
            if sk.shut_writing {
                mask |= POLLHUP;
            }
        }
        if sk.shut_reading {
            mask |= POLLRDHUP;
        }
        mask & (wanted | POLLHUP)
    }

    fn sowriteable(&self, socket: &Socket, sk: &Sk) -> bool {
        let connected = socket.connection().is_some() && !sk.is_opening();
        let room = socket.connection().map_or(0, |id| self.stack.send_room(id));
        (connected && room >= SEND_LOW_WATER) || sk.shut_writing || sk.error.is_some()
    }

    /// `inet_csk_listen_poll`.
    fn acceptable(&self, socket: &Socket) -> i64 {
        let queue = socket.id().and_then(|id| self.stack.accept_queue(id)).unwrap_or(0);
        if queue > 0 { READABLE } else { 0 }
    }

    /// `tcp_stream_is_readable`: as much as `SO_RCVLOWAT` wants.
    fn is_readable(&self, socket: &Socket) -> bool {
        let unread = socket.connection().map_or(0, |id| self.stack.unread(id));
        unread > 0 && unread >= socket.settings.receive_low_water
    }

    /// `sk_stream_is_writeable`. A socket that is not connected has all of its room.
    fn is_writeable(&self, socket: &Socket) -> bool {
        socket
            .connection()
            .is_none_or(|id| self.stack.is_worth_writing(id) || self.stack.state(id).is_none())
    }
}
