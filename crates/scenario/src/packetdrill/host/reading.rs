//! The read family.

use bytes::Bytes;
use twomsl_tcp::{SocketId, TcpState};

use super::super::symbols::{
    MSG_DONTWAIT, MSG_ERRQUEUE, MSG_OOB, MSG_PEEK, MSG_WAITALL, SOL_TCP, TCP_CM_INQ, TCP_INQ,
};
use super::super::system::{ControlMessage, Errno, Reply, ReplyOutput, Request};
use super::files::{Blocking, File, Phase};
use super::pipes::PipeId;
use super::sk::Sk;
use super::waiting::{Limit, Pending};
use super::{Host, Kernel, Patience, Step, count, plain};

/// `read` and its relatives.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) fd: i32,
    length: usize,
    flags: i64,
    /// Octets that it has so far.
    taken: usize,
    form: Form,
}

/// Which of them it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `read`, `readv`.
    Read,
    /// `recv`.
    Receive,
    /// `recvfrom`.
    From,
    /// `recvmsg`.
    Message,
    /// `splice` into a pipe.
    Pipe(PipeId),
}

/// Why it reads no further for now.
enum Stop {
    /// This is the answer, if nothing was read.
    Answer(Result<i64, Errno>),
    /// More may come.
    Empty,
}

impl Reading {
    /// The request as one of this family.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let (fd, length, flags, form) = match request {
            Request::Read { fd, length } => (*fd, *length, 0, Form::Read),
            Request::ReadVector { fd, lengths } => (*fd, lengths.iter().sum(), 0, Form::Read),
            Request::Receive { fd, length, flags } => (*fd, *length, *flags, Form::Receive),
            Request::ReceiveFrom { fd, length, flags } => (*fd, *length, *flags, Form::From),
            Request::ReceiveMessage { fd, lengths, flags, .. } => {
                (*fd, lengths.iter().sum(), *flags, Form::Message)
            }
            _ => return None,
        };
        Some(Self { fd, length, flags: flags.into(), taken: 0, form })
    }

    /// `splice` from a socket.
    pub(super) fn into_pipe(fd: i32, length: usize, flags: i64, pipe: PipeId) -> Self {
        Self { fd, length, flags, taken: 0, form: Form::Pipe(pipe) }
    }

    fn has(&self, flag: i64) -> bool {
        self.flags & flag != 0
    }

    /// `sock_rcvlowat`: how much it wants before it returns.
    fn target(&self, low_water: usize) -> usize {
        let wanted = if self.has(MSG_WAITALL) { self.length } else { low_water.min(self.length) };
        wanted.max(1)
    }
}

impl Host {
    /// How long a call that reads may wait.
    pub(super) fn limit_of_reader(&self, fd: i32, flags: i64) -> Result<Limit, Errno> {
        let socket = self.files.socket(fd)?;
        let patience = match socket.blocking {
            Blocking::Yes if flags & MSG_DONTWAIT == 0 => Patience::Waits,
            _ => Patience::None,
        };
        Ok((patience, socket.settings.receive_timeout))
    }

    pub(super) fn begin_read(&self, reading: Reading) -> Result<(Pending, Limit), Errno> {
        let limit = match (self.files.get(reading.fd)?, reading.form) {
            (File::Socket(_), _) => self.limit_of_reader(reading.fd, reading.flags)?,
            (File::PipeRead(_, Blocking::No), Form::Read) => (Patience::None, None),
            (File::PipeRead(..) | File::Source, Form::Read) => (Patience::Waits, None),
            (File::PipeWrite(..), Form::Read) => return Err(Errno::EBADF),
            (File::Epoll(_), Form::Read) => return Err(Errno::EINVAL),
            _ => return Err(Errno::ENOTSOCK),
        };
        Ok((Pending::Read(reading), limit))
    }

    pub(super) fn step_read(&mut self, reading: &mut Reading, patience: Patience) -> Step {
        if reading.has(MSG_ERRQUEUE) && self.kernel == Kernel::Linux {
            let report = self.read_report(reading.fd);
            return Step::Done(report.unwrap_or_else(|error| plain(Err(error))));
        }
        if reading.has(MSG_OOB) {
            // `tcp_recv_urg`: urgent text is in its place among the other, as with `SO_OOBINLINE`.
            let answer = self.files.socket(reading.fd).and(Err(Errno::EINVAL));
            return Step::Done(plain(answer));
        }
        // `sock_read_iter`: "Match SYS5 behaviour".
        if reading.length == 0 && matches!(reading.form, Form::Read | Form::Pipe(_)) {
            return Step::Done(plain(Ok(0)));
        }
        let received = match self.files.get(reading.fd) {
            Ok(File::PipeRead(pipe, _)) => match self.read_pipe(*pipe, reading.length) {
                Some(result) => result.map(Some),
                None if patience == Patience::Waits => Ok(None),
                None => Err(Errno::EAGAIN),
            },
            Ok(File::Source) => Ok(Some(count(reading.length))),
            _ => self.receive(reading, patience),
        };
        if let (Form::Pipe(pipe), Ok(Some(octets))) = (reading.form, &received) {
            self.files.pipes.put(pipe, usize::try_from(*octets).unwrap_or(0));
        }
        match received {
            Ok(Some(octets)) => Step::Done(self.read_reply(reading, octets)),
            Ok(None) => Step::Wait,
            Err(error) => Step::Done(plain(Err(error))),
        }
    }

    fn read_reply(&self, reading: &Reading, octets: i64) -> Reply {
        let output = match reading.form {
            Form::From => ReplyOutput::Address(None),
            Form::Message => {
                let control = self.inq(reading.fd).into_iter().collect();
                ReplyOutput::Message { flags: 0, control, name: None }
            }
            _ => ReplyOutput::Nothing,
        };
        Reply { result: Ok(octets), output }
    }

    /// `TCP_INQ`: how much is left to read, the end of the file included (`tcp_inq_hint`).
    fn inq(&self, fd: i32) -> Option<ControlMessage> {
        let socket = self.files.socket(fd).ok()?;
        let id =
            socket.connection().filter(|_| socket.settings.remembered(SOL_TCP, TCP_INQ) != 0)?;
        let left = self.stack.unread(id) + usize::from(self.stack.heard_end(id));
        let left = i32::try_from(left).unwrap_or(i32::MAX);
        let (level, kind) = (SOL_TCP as i32, TCP_CM_INQ as i32);
        Some(ControlMessage { level, kind, data: left.to_le_bytes().to_vec() })
    }

    /// `tcp_recvmsg_locked`, `soreceive_generic`. `None`: it waits.
    fn receive(&mut self, reading: &mut Reading, patience: Patience) -> Result<Option<i64>, Errno> {
        let socket = self.files.socket(reading.fd)?;
        let low_water = socket.settings.receive_low_water;
        let phase = socket.phase;
        if let Phase::Connecting(id) | Phase::Connected(id) = phase {
            self.take_text(reading, id);
        }
        let target = reading.target(low_water);
        let enough = reading.taken >= target || (reading.has(MSG_PEEK) && reading.taken > 0);
        if enough || (reading.length == 0 && self.has_text(phase)) {
            return Ok(Some(count(reading.taken)));
        }
        let sk = self.sk_of(reading.fd)?;
        let stop = match self.kernel {
            Kernel::Linux => self.stop_of_linux(reading, &sk),
            Kernel::FreeBsd => self.stop_of_freebsd(reading, &sk),
        };
        match stop {
            Stop::Answer(_) if reading.taken > 0 => Ok(Some(count(reading.taken))),
            Stop::Answer(answer) => answer.map(Some),
            Stop::Empty if patience == Patience::Waits => Ok(None),
            Stop::Empty if reading.taken > 0 => Ok(Some(count(reading.taken))),
            Stop::Empty => Err(Errno::EAGAIN),
        }
    }

    /// What `tcp_recvmsg_locked` looks at when there is no text, in its order.
    fn stop_of_linux(&mut self, reading: &Reading, sk: &Sk) -> Stop {
        if sk.state == TcpState::Listen {
            return Stop::Answer(Err(Errno::ENOTCONN));
        }
        if sk.done {
            return Stop::Answer(Ok(0));
        }
        if sk.error.is_some() && reading.taken > 0 {
            return Stop::Answer(Ok(0));
        }
        if sk.error.is_some() {
            return Stop::Answer(self.take_error(reading.fd).map_or(Ok(0), Err));
        }
        match sk.state {
            _ if sk.shut_reading => Stop::Answer(Ok(0)),
            TcpState::Closed => Stop::Answer(Err(Errno::ENOTCONN)),
            _ => Stop::Empty,
        }
    }

    /// What `soreceive_generic` looks at, in its order.
    fn stop_of_freebsd(&mut self, reading: &Reading, sk: &Sk) -> Stop {
        if sk.error.is_some() && reading.taken == 0 && sk.state != TcpState::Listen {
            let error = if reading.has(MSG_PEEK) { sk.error } else { self.take_error(reading.fd) };
            return Stop::Answer(error.map_or(Ok(0), Err));
        }
        match sk.state {
            TcpState::Listen => Stop::Answer(Err(Errno::ENOTCONN)),
            _ if sk.shut_reading => Stop::Answer(Ok(0)),
            TcpState::Closed => Stop::Answer(Err(Errno::ENOTCONN)),
            _ if reading.length == 0 => Stop::Answer(Ok(0)),
            _ => Stop::Empty,
        }
    }

    /// Whether there is text to read.
    fn has_text(&self, phase: Phase) -> bool {
        match phase {
            Phase::Connecting(id) | Phase::Connected(id) => self.stack.unread(id) > 0,
            Phase::Fresh | Phase::Deferred(_) | Phase::Listening(_) => false,
        }
    }

    /// Reads what is there, as far as it is wanted.
    fn take_text(&mut self, reading: &mut Reading, id: SocketId) {
        let wanted = reading.length - reading.taken;
        if wanted == 0 || self.stack.unread(id) == 0 {
            return;
        }
        let read = if reading.has(MSG_PEEK) {
            self.stack.peek(id, wanted, |_| {})
        } else {
            self.stack.receive_pieces(self.now, id, wanted, |_: Bytes| {})
        };
        reading.taken += read.unwrap_or(0);
    }
}
