//! The write family.

use std::net::SocketAddr;

use bytes::Bytes;
use twomsl_tcp::profile::Offer;
use twomsl_tcp::{Ending, SocketError, SocketId, TcpState};

use super::super::symbols::{
    MSG_DONTWAIT, MSG_EOR, MSG_FASTOPEN, MSG_MORE, MSG_OOB, MSG_ZEROCOPY, SO_TIMESTAMPING,
    SOL_SOCKET,
};
use super::super::system::{Errno, Request};
use super::files::{Blocking, File, Phase};
use super::naming::for_stack;
use super::pipes::PipeId;
use super::reports::Wishes;
use super::sk::Sk;
use super::waiting::{Limit, Pending};
use super::{Host, Kernel, Patience, Step, count, plain};

/// `write` and its relatives.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) fd: i32,
    length: usize,
    flags: i64,
    /// Octets that the stack has so far.
    given: usize,
    address: Option<SocketAddr>,
    /// The pipe that it comes from.
    pipe: Option<PipeId>,
    /// What it answers when it must not wait for a handshake.
    otherwise: Errno,
    wishes: Wishes,
    /// Octets that the error queue has counted.
    counted: usize,
    form: Form,
}

/// Which of them it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `write`, `writev`, and what moves text: all files have it.
    Write,
    /// `send`, `sendto`, `sendmsg`: only sockets have it.
    Send,
}

impl Writing {
    /// The request as one of this family.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let (fd, length, flags, address) = match request {
            Request::Write { fd, length } => return Some(Self::plain(*fd, *length)),
            Request::WriteVector { fd, lengths } => {
                return Some(Self::plain(*fd, lengths.iter().sum()));
            }
            Request::Send { fd, length, flags } => (*fd, *length, *flags, None),
            Request::SendTo { fd, length, flags, address } => (*fd, *length, *flags, *address),
            Request::SendMessage { fd, lengths, flags, address, .. } => {
                (*fd, lengths.iter().sum(), *flags, *address)
            }
            _ => return None,
        };
        let flags = i64::from(flags);
        let wishes = Wishes { zero_copy: flags & MSG_ZEROCOPY != 0, stamps: stamps_of(request) };
        Some(Self { flags, address, form: Form::Send, wishes, ..Self::plain(fd, length) })
    }

    fn plain(fd: i32, length: usize) -> Self {
        let (address, pipe, otherwise) = (None, None, Errno::EAGAIN);
        let (form, wishes) = (Form::Write, Wishes::default());
        Self { fd, length, flags: 0, given: 0, address, pipe, otherwise, form, wishes, counted: 0 }
    }

    /// `splice` to a socket.
    pub(super) fn from_pipe(fd: i32, length: usize, flags: i64, pipe: PipeId) -> Self {
        Self { flags, pipe: Some(pipe), ..Self::plain(fd, length) }
    }

    /// `sendfile`.
    pub(super) fn of_file(fd: i32, length: usize) -> Self {
        Self::plain(fd, length)
    }

    fn has(&self, flag: i64) -> bool {
        self.flags & flag != 0
    }

    fn ending(&self) -> Ending {
        match self.flags {
            flags if flags & MSG_MORE != 0 => Ending::More,
            flags if flags & MSG_EOR != 0 => Ending::Record,
            _ => Ending::Push,
        }
    }

    fn left(&self) -> usize {
        self.length - self.given
    }
}

/// What a writer finds.
enum Way {
    /// It may write.
    Open(SocketId),
    /// It has to wait for the handshake.
    Opening,
}

impl Host {
    /// How long a call that writes may wait.
    pub(super) fn limit_of_writer(&self, fd: i32, flags: i64) -> Result<Limit, Errno> {
        let socket = self.files.socket(fd)?;
        let patience = match socket.blocking {
            Blocking::Yes if flags & MSG_DONTWAIT == 0 => Patience::Waits,
            _ => Patience::None,
        };
        Ok((patience, socket.settings.send_timeout))
    }

    pub(super) fn begin_write(&mut self, mut writing: Writing) -> Result<(Pending, Limit), Errno> {
        let limit = match (self.files.get(writing.fd)?, writing.form) {
            (File::Socket(_), _) => self.limit_of_writer(writing.fd, writing.flags)?,
            (File::PipeWrite(_, Blocking::No), Form::Write) => (Patience::None, None),
            (File::PipeWrite(..), Form::Write) => (Patience::Waits, None),
            (File::PipeRead(..) | File::Source, Form::Write) => return Err(Errno::EBADF),
            (File::Epoll(_), Form::Write) => return Err(Errno::EINVAL),
            _ => return Err(Errno::ENOTSOCK),
        };
        if self.kernel == Kernel::Linux
            && let Some(remote) = self.fast_target(&writing)?
        {
            writing.given = self.open_with_text(writing.fd, remote, writing.length, limit.0)?;
            writing.otherwise = Errno::EINPROGRESS;
        }
        Ok((Pending::Write(writing), limit))
    }

    /// Where a write that opens a connection is to go (`tcp_sendmsg_fastopen`); `None` if it opens
    /// none.
    fn fast_target(&self, writing: &Writing) -> Result<Option<SocketAddr>, Errno> {
        let Ok(socket) = self.files.socket(writing.fd) else { return Ok(None) };
        match socket.phase {
            Phase::Deferred(remote) => Ok(Some(remote)),
            _ if !writing.has(MSG_FASTOPEN) => Ok(None),
            _ if self.stack.profile().fast_open_client == Offer::No => Err(Errno::EOPNOTSUPP),
            Phase::Fresh => {
                let address = writing.address.ok_or(Errno::EINVAL)?;
                for_stack(socket.domain, address).map(Some)
            }
            Phase::Connecting(_) => Err(Errno::EALREADY),
            Phase::Connected(_) | Phase::Listening(_) => Err(Errno::EISCONN),
        }
    }

    pub(super) fn step_write(&mut self, writing: &mut Writing, patience: Patience) -> Step {
        let before = writing.given;
        let sent = match self.files.get(writing.fd) {
            Ok(File::PipeWrite(pipe, _)) => self.fill_pipe(*pipe, writing, patience),
            _ => self.transmit(writing, patience),
        };
        if let Some(pipe) = writing.pipe {
            self.files.pipes.take(pipe, writing.given - before);
        }
        if let Ok(socket) = self.files.socket_mut(writing.fd) {
            socket.count_written(writing.given - writing.counted);
            writing.counted = writing.given;
            if !matches!(sent, Ok(None)) && writing.given > 0 {
                socket.note_written(writing.wishes);
            }
        }
        match sent {
            Ok(Some(octets)) => Step::Done(plain(Ok(octets))),
            Ok(None) => Step::Wait,
            Err(_) if writing.given > 0 => Step::Done(plain(Ok(count(writing.given)))),
            Err(error) => Step::Done(plain(Err(error))),
        }
    }

    fn fill_pipe(
        &mut self,
        pipe: PipeId,
        writing: &mut Writing,
        patience: Patience,
    ) -> Result<Option<i64>, Errno> {
        writing.given += self.write_pipe(pipe, writing.left())?;
        match patience {
            _ if writing.left() == 0 => Ok(Some(count(writing.given))),
            Patience::Waits => Ok(None),
            Patience::None => Err(Errno::EAGAIN),
        }
    }

    /// `tcp_sendmsg_locked`, `sosend_generic`. `None`: it waits.
    fn transmit(
        &mut self,
        writing: &mut Writing,
        patience: Patience,
    ) -> Result<Option<i64>, Errno> {
        let sk = self.sk_of(writing.fd)?;
        let way = match self.kernel {
            Kernel::Linux => self.way_of_linux(writing, &sk)?,
            Kernel::FreeBsd => self.way_of_freebsd(writing, &sk)?,
        };
        if let Way::Open(id) = way {
            self.give_text(writing, id)?;
            if writing.left() == 0 {
                return Ok(Some(count(writing.given)));
            }
        }
        match (patience, way) {
            (Patience::Waits, _) => Ok(None),
            (Patience::None, Way::Opening) => Err(writing.otherwise),
            (Patience::None, Way::Open(_)) => Err(Errno::EAGAIN),
        }
    }

    /// `sk_stream_wait_connect`, then what `tcp_sendmsg_locked` looks at.
    fn way_of_linux(&mut self, writing: &Writing, sk: &Sk) -> Result<Way, Errno> {
        let socket = self.files.socket(writing.fd)?;
        let early =
            sk.state == TcpState::SynReceived && matches!(socket.phase, Phase::Connected(_));
        if !sk.may_write() && !early {
            if sk.error.is_none() && sk.is_opening() {
                return Ok(Way::Opening);
            }
            return Err(self.take_error(writing.fd).unwrap_or(Errno::EPIPE));
        }
        if sk.error.is_some() || sk.shut_writing {
            return Err(self.take_error(writing.fd).unwrap_or(Errno::EPIPE));
        }
        self.files.socket(writing.fd)?.connection().map(Way::Open).ok_or(Errno::EPIPE)
    }

    /// What `sosend_generic` looks at, in its order.
    fn way_of_freebsd(&mut self, writing: &Writing, sk: &Sk) -> Result<Way, Errno> {
        let socket = self.files.socket(writing.fd)?;
        let connection = socket.connection();
        if sk.shut_writing {
            return Err(Errno::EPIPE);
        }
        if sk.error.is_some() {
            return Err(self.take_error(writing.fd).unwrap_or(Errno::EPIPE));
        }
        if sk.is_opening() || connection.is_none() {
            return Err(Errno::ENOTCONN);
        }
        connection.map(Way::Open).ok_or(Errno::ENOTCONN)
    }

    /// Gives the stack as much as it has room for.
    fn give_text(&mut self, writing: &mut Writing, id: SocketId) -> Result<(), Errno> {
        if writing.left() == 0 {
            return Ok(());
        }
        // One octet more than there is room for tells the stack that somebody waits.
        let octets = writing.left().min(self.stack.send_room(id) + 1);
        let sent = if writing.has(MSG_OOB) {
            self.stack.send_urgent(self.now, id, &vec![0; octets])
        } else {
            self.stack.send_ending(self.now, id, &mut zeros(octets), writing.ending())
        };
        match sent {
            Ok(octets) => writing.given += octets,
            Err(SocketError::WouldBlock) => {}
            Err(error) => return Err(super::errors::errno(error)),
        }
        Ok(())
    }
}

/// `SO_TIMESTAMPING` among the control messages of a call.
fn stamps_of(request: &Request) -> Option<i64> {
    let Request::SendMessage { control, .. } = request else { return None };
    let (level, kind) = (SOL_SOCKET as i32, SO_TIMESTAMPING as i32);
    let message = control.iter().find(|message| (message.level, message.kind) == (level, kind))?;
    let octets = message.data.get(..4)?.try_into().ok()?;
    Some(u32::from_le_bytes(octets).into())
}

/// What all text is.
pub(super) fn zeros(octets: usize) -> Bytes {
    const PAGE: &[u8] = &[0; 1 << 16];
    match PAGE.get(..octets) {
        Some(page) => Bytes::from_static(page),
        None => vec![0; octets].into(),
    }
}
