//! `fcntl` and `ioctl`.

use twomsl_tcp::TcpState;

use super::super::symbols::{
    F_GETFD, F_GETFL, F_SETFD, F_SETFL, FD_CLOEXEC, FIONBIO, FIONREAD, FIONSPACE, FIONWRITE,
    O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, SIOCATMARK, SIOCOUTQ, SIOCOUTQNSD,
};
use super::super::system::{Errno, Reply, ReplyOutput};
use super::files::{Blocking, File};
use super::{Host, Kernel, plain};

impl Host {
    pub(super) fn fcntl(
        &mut self,
        fd: i32,
        command: i32,
        argument: Option<i64>,
    ) -> Result<i64, Errno> {
        let (access, blocking) = match self.files.get_mut(fd)? {
            File::Socket(socket) => (O_RDWR, Some(&mut socket.blocking)),
            File::Epoll(_) => (O_RDWR, None),
            File::PipeRead(_, blocking) => (O_RDONLY, Some(blocking)),
            File::PipeWrite(_, blocking) => (O_WRONLY, Some(blocking)),
            File::Source => (O_RDONLY, None),
        };
        match i64::from(command) {
            F_GETFL => Ok(access | blocking.map_or(0, |blocking| nonblock(*blocking))),
            F_SETFL => {
                if let Some(blocking) = blocking {
                    *blocking = blocks(argument.unwrap_or(0) & O_NONBLOCK != 0);
                }
                Ok(0)
            }
            F_GETFD => Ok(0),
            F_SETFD if argument.unwrap_or(0) & !FD_CLOEXEC == 0 => Ok(0),
            _ => Err(Errno::EINVAL),
        }
    }

    pub(super) fn ioctl(&mut self, fd: i32, request: u64, argument: Option<i32>) -> Reply {
        match self.answer_ioctl(fd, request.cast_signed(), argument) {
            Ok(Some(value)) => Reply { result: Ok(0), output: ReplyOutput::Integer(value) },
            Ok(None) => plain(Ok(0)),
            Err(error) => plain(Err(error)),
        }
    }

    /// `tcp_ioctl`, `soo_ioctl`: the number it writes, if it writes one.
    fn answer_ioctl(
        &mut self,
        fd: i32,
        request: i64,
        argument: Option<i32>,
    ) -> Result<Option<i32>, Errno> {
        if !matches!(self.files.get(fd)?, File::Socket(_)) {
            return Err(Errno::ENOTTY);
        }
        let sk = self.sk_of(fd)?;
        let listens = sk.state == TcpState::Listen && self.kernel == Kernel::Linux;
        let socket = self.files.socket_mut(fd)?;
        let connection = socket.connection();
        let queue = || connection.map_or((0, 0), |id| self.stack.unacknowledged(id));
        let octets = match request {
            FIONBIO => {
                socket.blocking = blocks(argument.ok_or(Errno::EFAULT)? != 0);
                return Ok(None);
            }
            SIOCATMARK => return Ok(Some(0)),
            FIONREAD | SIOCOUTQ | SIOCOUTQNSD if listens => return Err(Errno::EINVAL),
            FIONREAD => connection.map_or(0, |id| self.stack.unread(id)),
            SIOCOUTQ | SIOCOUTQNSD if sk.is_opening() => 0,
            SIOCOUTQ | FIONWRITE => queue().0,
            SIOCOUTQNSD => queue().1,
            FIONSPACE => connection.map_or(0, |id| self.stack.send_room(id)),
            _ => return Err(Errno::ENOTTY),
        };
        Ok(Some(i32::try_from(octets).unwrap_or(i32::MAX)))
    }
}

fn nonblock(blocking: Blocking) -> i64 {
    match blocking {
        Blocking::Yes => 0,
        Blocking::No => O_NONBLOCK,
    }
}

const fn blocks(nonblock: bool) -> Blocking {
    if nonblock { Blocking::No } else { Blocking::Yes }
}
