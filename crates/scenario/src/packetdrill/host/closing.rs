//! `close`, `shutdown`, and `tcpdrop`.

use std::time::Duration;

use twomsl_tcp::{Shutdown, SocketId, TcpState};

use super::super::symbols::{SHUT_RD, SHUT_RDWR, SHUT_WR};
use super::super::system::{Administered, Errno};
use super::files::{Blocking, File, Phase, Socket};
use super::waiting::{Limit, Pending};
use super::{Host, Kernel, Patience, Step, plain};

/// `close` of a socket that lingers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lingering {
    /// `None`: it does not linger.
    id: Option<SocketId>,
}

/// What `shutdown` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    reading: bool,
    writing: bool,
}

impl Host {
    pub(super) fn begin_close(&mut self, fd: i32) -> Result<(Pending, Limit), Errno> {
        let file = self.files.close(fd)?;
        self.forget_watches(fd);
        let File::Socket(socket) = file else {
            self.files.pipes.close(&file);
            return Ok((Pending::Close(Lingering { id: None }), (Patience::None, None)));
        };
        let id = socket.id();
        let linger = id.and_then(|id| self.linger_time(&socket, id));
        if let Some(id) = id {
            let _ = self.stack.close(self.now, id);
        }
        let id = id.filter(|_| linger.is_some());
        Ok((Pending::Close(Lingering { id }), (Patience::Waits, linger)))
    }

    /// How long `close` may wait: on Linux of any socket, on FreeBSD not if it is not to block.
    fn linger_time(&self, socket: &Socket, id: SocketId) -> Option<Duration> {
        let options = self.stack.options(id).ok()?;
        let time = options.linger.filter(|time| !time.is_zero())?;
        let waits = self.kernel == Kernel::Linux || socket.blocking == Blocking::Yes;
        (waits && socket.connection().is_some()).then_some(time)
    }

    /// `sk_stream_wait_close`: until the FIN is acknowledged, or the time is up.
    pub(super) fn step_close(&mut self, call: Lingering, patience: Patience) -> Step {
        let state = call.id.and_then(|id| self.stack.state(id));
        let closing =
            matches!(state, Some(TcpState::FinWait1 | TcpState::Closing | TcpState::LastAck));
        match (closing, patience, self.kernel) {
            (true, Patience::Waits, _) => Step::Wait,
            (true, Patience::None, Kernel::FreeBsd) => Step::Done(plain(Err(Errno::EAGAIN))),
            _ => Step::Done(plain(Ok(0))),
        }
    }

    pub(super) fn shutdown(&mut self, fd: i32, how: i32) -> Result<i64, Errno> {
        let ends = match i64::from(how) {
            SHUT_RD => Ends { reading: true, writing: false },
            SHUT_WR => Ends { reading: false, writing: true },
            SHUT_RDWR => Ends { reading: true, writing: true },
            _ => return Err(Errno::EINVAL),
        };
        match self.kernel {
            Kernel::Linux => self.shut_down_linux(fd, ends),
            Kernel::FreeBsd => self.shut_down_freebsd(fd, ends),
        }
    }

    /// `inet_shutdown`.
    fn shut_down_linux(&mut self, fd: i32, ends: Ends) -> Result<i64, Errno> {
        let sk = self.sk_of(fd)?;
        let socket = self.files.socket_mut(fd)?;
        if let (Phase::Connecting(id), false) = (socket.phase, sk.is_opening()) {
            socket.phase = Phase::Connected(id);
        }
        match sk.state {
            // "temporary solution for missing close() in multithreaded environment"
            TcpState::Listen if ends.reading => self.disconnect(fd),
            TcpState::Listen => {}
            TcpState::SynSent => {
                self.disconnect(fd);
                self.files.socket_mut(fd)?.error = Some(Errno::ECONNRESET);
            }
            state => {
                self.shut(fd, ends)?;
                if state == TcpState::Closed {
                    return Err(Errno::ENOTCONN);
                }
            }
        }
        Ok(0)
    }

    /// `soshutdown`: what neither is nor will be connected is not shut down.
    fn shut_down_freebsd(&mut self, fd: i32, ends: Ends) -> Result<i64, Errno> {
        let sk = self.sk_of(fd)?;
        match sk.state {
            TcpState::Closed => Err(Errno::ENOTCONN),
            TcpState::Listen => {
                if ends.reading {
                    self.files.socket_mut(fd)?.error = Some(Errno::ECONNABORTED);
                }
                Err(Errno::ENOTCONN)
            }
            _ => {
                self.shut(fd, ends)?;
                Ok(0)
            }
        }
    }

    fn shut(&mut self, fd: i32, ends: Ends) -> Result<(), Errno> {
        let socket = self.files.socket_mut(fd)?;
        socket.shut.reading |= ends.reading;
        socket.shut.writing |= ends.writing;
        let how = match (ends.reading, ends.writing) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            _ => Shutdown::Write,
        };
        if let Some(id) = socket.connection() {
            // Whether it makes sense was decided already.
            let _ = self.stack.shutdown(self.now, id, how);
        }
        Ok(())
    }

    /// Resets every connection, whoever holds it.
    pub(super) fn drop_connections(&mut self) -> Administered {
        let all: Vec<_> = self.stack.states().collect();
        let mut dropped = 0;
        for (id, state) in all {
            if !matches!(state, TcpState::Listen | TcpState::Closed) {
                dropped += usize::from(self.stack.drop_connection(self.now, id).is_ok());
            }
        }
        Administered::Count(dropped)
    }
}
