//! `setsockopt` and `getsockopt`.

mod ip;
mod socket;
mod tcp;

use std::collections::BTreeMap;
use std::time::Duration;

use twomsl_tcp::{SocketOption, SocketOptions};

use super::super::symbols::{SOL_IP, SOL_IPV6, SOL_SOCKET, SOL_TCP, TCP_FASTOPEN_CONNECT};
use super::super::system::{Errno, Reply, ReplyOutput};
use super::{Host, Kernel, plain};

/// The options of a socket that its stack has nothing to do with.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// `SO_RCVLOWAT`, in octets.
    pub(super) receive_low_water: usize,
    /// `SO_RCVTIMEO`; `None` waits for ever.
    pub(super) receive_timeout: Option<Duration>,
    /// `SO_SNDTIMEO`.
    pub(super) send_timeout: Option<Duration>,
    /// `SO_RCVBUF` and `SO_SNDBUF` as they were set, as `getsockopt` tells them.
    receive_buffer: Option<u32>,
    send_buffer: Option<u32>,
    /// What is only remembered, by level and name.
    remembered: BTreeMap<(i64, i64), i32>,
}

/// What `getsockopt` answers.
enum Value {
    Integer(i32),
    Octets(Vec<u8>),
}

impl Settings {
    pub(super) fn new(_options: &SocketOptions) -> Self {
        Self {
            receive_low_water: 1,
            receive_timeout: None,
            send_timeout: None,
            receive_buffer: None,
            send_buffer: None,
            remembered: BTreeMap::new(),
        }
    }

    /// What a connection has of the settings of its listener: all of them.
    pub(super) fn of_child(&self) -> Self {
        self.clone()
    }

    /// `TCP_FASTOPEN_CONNECT`
    pub(super) fn opens_fast(&self) -> bool {
        self.remembered(SOL_TCP, TCP_FASTOPEN_CONNECT) != 0
    }

    pub(super) fn remembered(&self, level: i64, name: i64) -> i32 {
        self.remembered.get(&(level, name)).copied().unwrap_or(0)
    }

    fn remember(&mut self, level: i64, name: i64, value: i32) {
        self.remembered.insert((level, name), value);
    }
}

impl Host {
    pub(super) fn set_socket_option(
        &mut self,
        fd: i32,
        level: i32,
        name: i32,
        value: &[u8],
    ) -> Result<i64, Errno> {
        self.files.socket(fd)?;
        let name = i64::from(name);
        match i64::from(level) {
            SOL_SOCKET => self.set_of_socket(fd, name, value),
            SOL_TCP => self.set_of_tcp(fd, name, value),
            SOL_IP => self.set_of_ip(fd, name, value),
            SOL_IPV6 => self.set_of_ipv6(fd, name, value),
            _ => Err(Errno::ENOPROTOOPT),
        }?;
        Ok(0)
    }

    pub(super) fn get_socket_option(
        &mut self,
        fd: i32,
        level: i32,
        name: i32,
        length: usize,
    ) -> Reply {
        let name = i64::from(name);
        let value = self.files.socket(fd).map(|_| ()).and_then(|()| match i64::from(level) {
            SOL_SOCKET => self.get_of_socket(fd, name),
            SOL_TCP => self.get_of_tcp(fd, name),
            SOL_IP => self.get_of_ip(fd, name),
            SOL_IPV6 => self.get_of_ipv6(fd, name),
            _ => Err(Errno::ENOPROTOOPT),
        });
        match value {
            Ok(value) => {
                let mut octets = value.octets();
                octets.truncate(length);
                Reply { result: Ok(0), output: ReplyOutput::Octets(octets) }
            }
            Err(error) => plain(Err(error)),
        }
    }

    /// Sets an option that the stack knows: for the socket, and, if it is there, in the stack.
    fn set(&mut self, fd: i32, option: SocketOption) -> Result<(), Errno> {
        if !option.is_valid() {
            return Err(Errno::EINVAL);
        }
        let socket = self.files.socket_mut(fd)?;
        socket.options.set(option);
        if let Some(id) = socket.id() {
            // A connection that is over has nothing to set any more.
            let _ = self.stack.set_option(self.now, id, option);
        }
        Ok(())
    }

    /// An option that is accepted, and does nothing here.
    fn remember(&mut self, fd: i32, level: i64, name: i64, value: i32) -> Result<(), Errno> {
        self.files.socket_mut(fd)?.settings.remember(level, name, value);
        Ok(())
    }

    fn is_freebsd(&self) -> bool {
        self.kernel == Kernel::FreeBsd
    }
}

impl Value {
    fn octets(self) -> Vec<u8> {
        match self {
            Self::Integer(value) => value.to_le_bytes().to_vec(),
            Self::Octets(octets) => octets,
        }
    }
}

/// An `int`.
fn integer(value: &[u8]) -> Result<i32, Errno> {
    integer_at(value, 0)
}

/// The `int` at a place in a structure.
fn integer_at(value: &[u8], index: usize) -> Result<i32, Errno> {
    let octets = value.get(4 * index..4 * index + 4).and_then(|octets| octets.try_into().ok());
    octets.map(i32::from_le_bytes).ok_or(Errno::EINVAL)
}

/// A `struct timeval`, as `SO_RCVTIMEO` takes it (`sock_set_timeout`): zero waits for ever.
fn time_value(value: &[u8]) -> Result<Option<Duration>, Errno> {
    let (seconds, micros) = (long_at(value, 0)?, long_at(value, 1)?);
    let micros = u32::try_from(micros).ok().filter(|micros| *micros < 1_000_000);
    let micros = micros.ok_or(Errno::EDOM)?;
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let time = Duration::new(seconds, micros * 1000);
    Ok((!time.is_zero()).then_some(time))
}

fn long_at(value: &[u8], index: usize) -> Result<i64, Errno> {
    let octets = value.get(8 * index..8 * index + 8).and_then(|octets| octets.try_into().ok());
    octets.map(i64::from_le_bytes).ok_or(Errno::EINVAL)
}
