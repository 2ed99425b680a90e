//! A socket as system calls see it: Linux' `struct sock`, and the bits of FreeBSD's `so_state`.

use twomsl_tcp::TcpState;

use super::super::system::Errno;
use super::Host;
use super::errors::errno;
use super::files::{Phase, Socket};

/// What decides about most calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sk {
    /// `sk_state`. A connection in TIME-WAIT is CLOSED here: only a record is left of it, and the
    /// socket is done (`tcp_time_wait` ends with `tcp_done`).
    pub(super) state: TcpState,
    /// `sk_shutdown`.
    pub(super) shut_reading: bool,
    pub(super) shut_writing: bool,
    /// `SOCK_DONE`: the peer's FIN was taken.
    pub(super) done: bool,
    /// `sk_err`.
    pub(super) error: Option<Errno>,
}

impl Sk {
    /// Whether it is being opened.
    pub(super) fn is_opening(&self) -> bool {
        matches!(self.state, TcpState::SynSent | TcpState::SynReceived)
    }

    /// Whether it may send: `TCPF_ESTABLISHED | TCPF_CLOSE_WAIT`.
    pub(super) fn may_write(&self) -> bool {
        matches!(self.state, TcpState::Established | TcpState::CloseWait)
    }
}

impl Host {
    pub(super) fn sk(&self, socket: &Socket) -> Sk {
        match socket.phase {
            Phase::Fresh => Sk {
                state: TcpState::Closed,
                shut_reading: socket.shut.reading,
                shut_writing: socket.shut.writing,
                done: false,
                error: socket.error,
            },
            Phase::Deferred(_) => Sk {
                state: TcpState::SynSent,
                shut_reading: false,
                shut_writing: false,
                done: false,
                error: socket.error,
            },
            Phase::Listening(_) => Sk {
                state: TcpState::Listen,
                shut_reading: false,
                shut_writing: socket.shut.writing,
                done: false,
                error: socket.error,
            },
            Phase::Connecting(id) | Phase::Connected(id) => {
                let state = match self.stack.state(id) {
                    None | Some(TcpState::TimeWait) => TcpState::Closed,
                    Some(state) => state,
                };
                let (over, done) = (state == TcpState::Closed, self.stack.heard_end(id));
                Sk {
                    state,
                    shut_reading: socket.shut.reading || done || over,
                    shut_writing: socket.shut.writing || over,
                    done,
                    error: socket.error.or(self.stack.pending_error(id).map(errno)),
                }
            }
        }
    }

    pub(super) fn sk_of(&self, fd: i32) -> Result<Sk, Errno> {
        Ok(self.sk(self.files.socket(fd)?))
    }

    /// `sock_error`: the pending error, which is taken by asking.
    pub(super) fn take_error(&mut self, fd: i32) -> Option<Errno> {
        let socket = self.files.socket_mut(fd).ok()?;
        match (socket.error.take(), socket.connection()) {
            (Some(error), _) => Some(error),
            (None, Some(id)) => self.stack.take_error(id).map(errno),
            (None, None) => None,
        }
    }
}
