//! File descriptors, and what they stand for.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use twomsl_tcp::{SocketId, SocketOptions};

use super::super::system::Errno;
use super::epoll::Epoll;
use super::options::Settings;
use super::pipes::{PipeId, Pipes};
use super::reports::Reports;

/// The table of a process. 0 to 2 are taken.
#[derive(Debug, Default)]
pub(super) struct Files {
    open: BTreeMap<i32, File>,
    pub(super) pipes: Pipes,
}

const FIRST: i32 = 3;

/// What a descriptor stands for.
#[derive(Debug)]
pub(super) enum File {
    Socket(Box<Socket>),
    Epoll(Epoll),
    /// The end of a pipe that is read from, and the other one.
    PipeRead(PipeId, Blocking),
    PipeWrite(PipeId, Blocking),
    /// What `open` opened: it has as much text as anybody wants.
    Source,
}

/// A socket, whether or not the stack knows it yet.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) domain: Domain,
    pub(super) phase: Phase,
    /// What `bind` was given.
    pub(super) bound: Option<SocketAddr>,
    pub(super) blocking: Blocking,
    /// Those of the stack, for as long as it does not have the socket.
    pub(super) options: SocketOptions,
    /// The others.
    pub(super) settings: Settings,
    /// What `shutdown` has ended.
    pub(super) shut: Shut,
    /// An error that the stack does not know of.
    pub(super) error: Option<Errno>,
    /// The error queue.
    pub(super) reports: Reports,
}

/// `AF_INET` or `AF_INET6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    V4,
    V6,
}

/// How far a socket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Neither listening nor connected (`SS_UNCONNECTED`).
    Fresh,
    Listening(SocketId),
    /// `TCP_FASTOPEN_CONNECT`: the SYN waits for the first write (`DEFER_CONNECT`).
    Deferred(SocketAddr),
    /// `connect` was called, and has not answered that it is done (`SS_CONNECTING`).
    Connecting(SocketId),
    /// `SS_CONNECTED`.
    Connected(SocketId),
}

/// `O_NONBLOCK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocking {
    Yes,
    No,
}

/// What an application has shut down (`sk_shutdown`, its part of it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Shut {
    pub(super) reading: bool,
    pub(super) writing: bool,
}

impl Files {
    /// Opens a file under the lowest number that is free.
    pub(super) fn open(&mut self, file: File) -> i32 {
        let mut fd = FIRST;
        while self.open.contains_key(&fd) {
            fd += 1;
        }
        self.open.insert(fd, file);
        fd
    }

    pub(super) fn get(&self, fd: i32) -> Result<&File, Errno> {
        self.open.get(&fd).ok_or(Errno::EBADF)
    }

    pub(super) fn get_mut(&mut self, fd: i32) -> Result<&mut File, Errno> {
        self.open.get_mut(&fd).ok_or(Errno::EBADF)
    }

    pub(super) fn close(&mut self, fd: i32) -> Result<File, Errno> {
        self.open.remove(&fd).ok_or(Errno::EBADF)
    }

    pub(super) fn socket(&self, fd: i32) -> Result<&Socket, Errno> {
        match self.get(fd)? {
            File::Socket(socket) => Ok(socket),
            _ => Err(Errno::ENOTSOCK),
        }
    }

    pub(super) fn socket_mut(&mut self, fd: i32) -> Result<&mut Socket, Errno> {
        match self.get_mut(fd)? {
            File::Socket(socket) => Ok(socket),
            _ => Err(Errno::ENOTSOCK),
        }
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = &Socket> {
        self.open.values().filter_map(|file| match file {
            File::Socket(socket) => Some(&**socket),
            _ => None,
        })
    }

    pub(super) fn sockets_mut(&mut self) -> impl Iterator<Item = &mut Socket> {
        self.open.values_mut().filter_map(|file| match file {
            File::Socket(socket) => Some(&mut **socket),
            _ => None,
        })
    }

    /// The descriptors of a socket of the stack.
    pub(super) fn of(&self, id: SocketId) -> Option<i32> {
        let is_it = |file: &File| matches!(file, File::Socket(socket) if socket.id() == Some(id));
        self.open.iter().find(|(_, file)| is_it(file)).map(|(fd, _)| *fd)
    }

    pub(super) fn epolls(&mut self) -> impl Iterator<Item = &mut Epoll> {
        self.open.values_mut().filter_map(|file| match file {
            File::Epoll(epoll) => Some(epoll),
            _ => None,
        })
    }

    pub(super) fn epoll(&mut self, fd: i32) -> Result<&mut Epoll, Errno> {
        match self.get_mut(fd)? {
            File::Epoll(epoll) => Ok(epoll),
            _ => Err(Errno::EINVAL),
        }
    }
}

impl Socket {
    pub(super) fn new(
        domain: Domain,
        blocking: Blocking,
        options: SocketOptions,
        settings: Settings,
    ) -> Self {
        Self {
            domain,
            phase: Phase::Fresh,
            bound: None,
            blocking,
            options,
            settings,
            shut: Shut::default(),
            error: None,
            reports: Reports::default(),
        }
    }

    /// Its name in the stack, once it is there.
    pub(super) fn id(&self) -> Option<SocketId> {
        match self.phase {
            Phase::Fresh | Phase::Deferred(_) => None,
            Phase::Listening(id) | Phase::Connecting(id) | Phase::Connected(id) => Some(id),
        }
    }

    /// The same for a connection.
    pub(super) fn connection(&self) -> Option<SocketId> {
        match self.phase {
            Phase::Fresh | Phase::Deferred(_) | Phase::Listening(_) => None,
            Phase::Connecting(id) | Phase::Connected(id) => Some(id),
        }
    }
}
