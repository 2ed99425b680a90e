//! `listen`, `accept`, `connect`.

use std::net::SocketAddr;

use bytes::Bytes;
use twomsl_tcp::{SocketError, SocketId, TcpState};

use super::super::symbols::{SOCK_CLOEXEC, SOCK_NONBLOCK};
use super::super::system::{Errno, Reply, ReplyOutput};
use super::errors::errno;
use super::files::{Blocking, File, Phase, Shut, Socket};
use super::naming::{for_script, for_stack};
use super::waiting::{Limit, Pending};
use super::writing::zeros;
use super::{Host, Kernel, Patience, Step, plain};

/// `accept`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accepting {
    pub(super) fd: i32,
    flags: i64,
}

/// `connect` that has sent its SYN, or finds that another one has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connecting {
    pub(super) fd: i32,
    /// What it answers when it must not wait: `EINPROGRESS` or `EALREADY`; `None` if the SYN is
    /// deferred, so that there is nothing to wait for.
    otherwise: Option<Errno>,
}

impl Host {
    /// `inet_listen`, `tcp_usr_listen`: again on a listener it changes the backlog.
    pub(super) fn listen(&mut self, fd: i32, backlog: i32) -> Result<i64, Errno> {
        let socket = self.files.socket(fd)?;
        let backlog = u32::try_from(backlog).unwrap_or(u32::MAX);
        match socket.phase {
            Phase::Fresh => {}
            Phase::Listening(id) => {
                self.stack.set_backlog(id, backlog);
                return Ok(0);
            }
            Phase::Deferred(_) | Phase::Connecting(_) | Phase::Connected(_) => {
                return Err(Errno::EINVAL);
            }
        }
        let local = match socket.bound {
            Some(local) => local,
            None => self.name_for_listener()?,
        };
        let options = self.files.socket(fd)?.options.clone();
        let listened = self.stack.listen(self.now, local, backlog, Some(&options));
        let id = listened.map_err(errno)?;
        let socket = self.files.socket_mut(fd)?;
        (socket.phase, socket.bound) = (Phase::Listening(id), Some(local));
        socket.shut = Shut::default();
        Ok(0)
    }

    /// Who listens without a name gets an ephemeral port.
    fn name_for_listener(&self) -> Result<SocketAddr, Errno> {
        let port = self.free_port().ok_or(Errno::EADDRINUSE)?;
        Ok(SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), port))
    }

    pub(super) fn begin_accept(&mut self, fd: i32, flags: i32) -> Result<(Pending, Limit), Errno> {
        let flags = i64::from(flags);
        if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
            return Err(Errno::EINVAL);
        }
        let limit = self.limit_of_reader(fd, 0)?;
        Ok((Pending::Accept(Accepting { fd, flags }), limit))
    }

    /// `inet_csk_accept`, `kern_accept4`.
    pub(super) fn step_accept(&mut self, call: Accepting, patience: Patience) -> Step {
        let listener = match self.files.socket(call.fd).map(|socket| socket.phase) {
            Ok(Phase::Listening(listener)) => listener,
            Ok(_) => return Step::Done(plain(Err(Errno::EINVAL))),
            Err(error) => return Step::Done(plain(Err(error))),
        };
        match self.stack.accept(self.now, listener) {
            Ok(id) => Step::Done(self.accepted(call, id)),
            Err(SocketError::WouldBlock) if patience == Patience::Waits => Step::Wait,
            Err(error) => Step::Done(plain(Err(errno(error)))),
        }
    }

    fn accepted(&mut self, call: Accepting, id: SocketId) -> Reply {
        // FreeBSD's tcp_usr_accept: a connection that is over is not handed over.
        let over = matches!(self.stack.state(id), None | Some(TcpState::Closed));
        if self.kernel == Kernel::FreeBsd && over {
            let _ = self.stack.close(self.now, id);
            return plain(Err(Errno::ECONNABORTED));
        }
        let socket = match self.files.socket(call.fd) {
            Ok(listener) => self.child(listener, call.flags, id),
            Err(error) => return plain(Err(error)),
        };
        let ends = self.stack.ends(id).ok();
        let remote = ends.and_then(|(_, remote)| remote);
        let name = remote.map(|remote| for_script(socket.domain, remote));
        let fd = self.files.open(File::Socket(Box::new(socket)));
        Reply { result: Ok(fd.into()), output: ReplyOutput::Address(name) }
    }

    /// What a connection has of its listener. On FreeBSD `O_NONBLOCK` is part of it.
    fn child(&self, listener: &Socket, flags: i64, id: SocketId) -> Socket {
        let blocking = match self.kernel {
            Kernel::FreeBsd if flags == 0 => listener.blocking,
            _ if flags & SOCK_NONBLOCK != 0 => Blocking::No,
            _ => Blocking::Yes,
        };
        let (options, settings) = (listener.options.clone(), listener.settings.of_child());
        let mut socket = Socket::new(listener.domain, blocking, options, settings);
        socket.phase = Phase::Connected(id);
        socket
    }

    /// `__inet_stream_connect`, `kern_connectat`.
    pub(super) fn begin_connect(
        &mut self,
        fd: i32,
        address: SocketAddr,
    ) -> Result<(Pending, Limit), Errno> {
        let otherwise = match self.files.socket(fd)?.phase {
            Phase::Fresh if self.is_deferred(fd, address)? => {
                self.defer(fd, address)?;
                return Ok((
                    Pending::Connect(Connecting { fd, otherwise: None }),
                    (Patience::None, None),
                ));
            }
            Phase::Fresh => {
                self.open_actively(fd, address)?;
                Errno::EINPROGRESS
            }
            Phase::Connecting(id) if self.kernel == Kernel::FreeBsd => {
                return Err(self.connect_again(id));
            }
            Phase::Connecting(_) => Errno::EALREADY,
            Phase::Connected(id) if self.is_dropped(id) => return Err(Errno::ECONNREFUSED),
            Phase::Listening(_) if self.kernel == Kernel::FreeBsd => return Err(Errno::EOPNOTSUPP),
            Phase::Deferred(_) | Phase::Connected(_) | Phase::Listening(_) => {
                return Err(Errno::EISCONN);
            }
        };
        let limit = self.limit_of_writer(fd, 0)?;
        Ok((Pending::Connect(Connecting { fd, otherwise: Some(otherwise) }), limit))
    }

    /// FreeBSD does not say of a second call that the first one went well.
    fn connect_again(&self, id: SocketId) -> Errno {
        match self.stack.state(id) {
            Some(TcpState::SynSent | TcpState::SynReceived) => Errno::EALREADY,
            _ if self.is_dropped(id) => Errno::ECONNREFUSED,
            _ => Errno::EISCONN,
        }
    }

    /// FreeBSD's `INP_DROPPED`.
    fn is_dropped(&self, id: SocketId) -> bool {
        let over = matches!(self.stack.state(id), None | Some(TcpState::Closed));
        self.kernel == Kernel::FreeBsd && over
    }

    fn open_actively(&mut self, fd: i32, address: SocketAddr) -> Result<(), Errno> {
        let socket = self.files.socket(fd)?;
        let remote = for_stack(socket.domain, address)?;
        let (local, options) = (socket.bound, &socket.options);
        let connected = if socket.settings.opens_fast() {
            // Without a cookie the SYN asks for one.
            self.stack.connect_with_text(self.now, local, remote, Some(options), &mut Bytes::new())
        } else {
            self.stack.connect(self.now, local, remote, Some(options))
        };
        let id = connected.map_err(|error| self.connect_error(error))?;
        let socket = self.files.socket_mut(fd)?;
        (socket.phase, socket.error) = (Phase::Connecting(id), None);
        socket.shut = Shut::default();
        Ok(())
    }

    /// `tcp_fastopen_defer_connect`: the first write opens the connection, if there is a cookie.
    fn is_deferred(&self, fd: i32, address: SocketAddr) -> Result<bool, Errno> {
        let socket = self.files.socket(fd)?;
        let remote = for_stack(socket.domain, address)?;
        Ok(socket.settings.opens_fast()
            && self.stack.room_in_syn(remote.ip(), &socket.options).is_some())
    }

    fn defer(&mut self, fd: i32, address: SocketAddr) -> Result<(), Errno> {
        let socket = self.files.socket_mut(fd)?;
        let remote = for_stack(socket.domain, address)?;
        (socket.phase, socket.error) = (Phase::Deferred(remote), None);
        Ok(())
    }

    /// `tcp_sendmsg_fastopen`: opens the connection with as much of `octets` as the SYN carries;
    /// how much that was.
    pub(super) fn open_with_text(
        &mut self,
        fd: i32,
        remote: SocketAddr,
        octets: usize,
        patience: Patience,
    ) -> Result<usize, Errno> {
        let options = &self.files.socket(fd)?.options;
        let room = self.stack.room_in_syn(remote.ip(), options).unwrap_or(0);
        let mut text = zeros(octets.min(room));
        let carried = text.len();
        let socket = self.files.socket(fd)?;
        let (local, options) = (socket.bound, Some(&socket.options));
        let opened = self.stack.connect_with_text(self.now, local, remote, options, &mut text);
        let id = opened.map_err(|error| self.connect_error(error))?;
        if patience == Patience::Waits {
            // It has just been made.
            let _ = self.stack.expect_writer(self.now, id);
        }
        let socket = self.files.socket_mut(fd)?;
        (socket.phase, socket.error) = (Phase::Connecting(id), None);
        Ok(carried - text.len())
    }

    fn connect_error(&self, error: SocketError) -> Errno {
        match error {
            // What names no single host has no route.
            SocketError::InvalidArgument => Errno::ENETUNREACH,
            SocketError::AddressInUse if self.kernel == Kernel::Linux => Errno::EADDRNOTAVAIL,
            error => errno(error),
        }
    }

    pub(super) fn step_connect(&mut self, call: Connecting, patience: Patience) -> Step {
        let sk = match self.sk_of(call.fd) {
            Ok(sk) => sk,
            Err(error) => return Step::Done(plain(Err(error))),
        };
        let Some(otherwise) = call.otherwise else { return Step::Done(plain(Ok(0))) };
        if sk.is_opening() {
            return match patience {
                Patience::Waits => Step::Wait,
                Patience::None => Step::Done(plain(Err(otherwise))),
            };
        }
        if sk.state == TcpState::Closed {
            return Step::Done(plain(Err(self.connect_failed(call.fd))));
        }
        Step::Done(plain(self.connected(call.fd)))
    }

    fn connected(&mut self, fd: i32) -> Result<i64, Errno> {
        let socket = self.files.socket_mut(fd)?;
        if let Phase::Connecting(id) = socket.phase {
            socket.phase = Phase::Connected(id);
        }
        Ok(0)
    }

    /// The attempt came to nothing. Linux' socket can be used again (`tcp_disconnect`).
    fn connect_failed(&mut self, fd: i32) -> Errno {
        let error = self.take_error(fd).unwrap_or(Errno::ECONNABORTED);
        if self.kernel == Kernel::Linux {
            self.disconnect(fd);
        }
        error
    }

    /// `tcp_disconnect`: the socket is as it was before it was connected. A port that `bind` was
    /// not asked for is given back.
    pub(super) fn disconnect(&mut self, fd: i32) {
        let Ok(socket) = self.files.socket_mut(fd) else { return };
        let id = socket.id();
        (socket.phase, socket.shut) = (Phase::Fresh, Shut::default());
        if let Some(id) = id {
            let _ = self.stack.abort(self.now, id);
        }
    }
}
