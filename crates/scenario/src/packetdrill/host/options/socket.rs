//! `SOL_SOCKET`: `sk_setsockopt` and `sk_getsockopt`, `sosetopt` and `sogetopt`.

use std::time::Duration;

use twomsl_tcp::{SocketOption, TcpState};

use super::super::super::symbols::{
    AF_INET, AF_INET6, IPPROTO_TCP, SO_ACCEPTCONN, SO_BROADCAST, SO_BUSY_POLL, SO_BUSY_POLL_BUDGET,
    SO_DEBUG, SO_DOMAIN, SO_DONTROUTE, SO_ERROR, SO_INCOMING_CPU, SO_KEEPALIVE, SO_LINGER, SO_MARK,
    SO_MAX_PACING_RATE, SO_NOSIGPIPE, SO_OOBINLINE, SO_PEEK_OFF, SO_PREFER_BUSY_POLL, SO_PRIORITY,
    SO_PROTOCOL, SO_RCVBUF, SO_RCVBUFFORCE, SO_RCVLOWAT, SO_RCVTIMEO, SO_RCVTIMEO_NEW,
    SO_REUSEADDR, SO_REUSEPORT, SO_REUSEPORT_LB, SO_SETFIB, SO_SNDBUF, SO_SNDBUFFORCE, SO_SNDLOWAT,
    SO_SNDTIMEO, SO_SNDTIMEO_NEW, SO_TIMESTAMP, SO_TIMESTAMPING, SO_TIMESTAMPNS, SO_TXREHASH,
    SO_TYPE, SO_USELOOPBACK, SO_USER_COOKIE, SO_ZEROCOPY, SOCK_STREAM, SOF_TIMESTAMPING_OPT_ID,
    SOF_TIMESTAMPING_OPT_ID_TCP, SOL_SOCKET,
};
use super::super::super::system::Errno;
use super::super::Host;
use super::super::errors::errno;
use super::super::files::Domain;
use super::{Value, integer, integer_at, time_value};

/// `net.core.rmem_max` and `wmem_max`.
const MOST_BUFFER: u32 = 212_992;
/// `SOCK_MIN_RCVBUF`, `SOCK_MIN_SNDBUF`.
const LEAST_RECEIVE_BUFFER: u32 = 2_304;
const LEAST_SEND_BUFFER: u32 = 4_608;
/// FreeBSD's `sb_max_adj`, for `kern.ipc.maxsockbuf` = 2 MiB: what is not for `struct mbuf`.
const MOST_BUFFER_OF_FREEBSD: u32 = 1_864_135;
/// FreeBSD's `sb_lowat` of a send buffer.
const SEND_LOW_WATER: i32 = 2_048;

impl Host {
    pub(super) fn set_of_socket(&mut self, fd: i32, name: i64, value: &[u8]) -> Result<(), Errno> {
        match name {
            SO_REUSEADDR => self.set(fd, SocketOption::ReuseAddress(integer(value)? != 0)),
            SO_KEEPALIVE => self.set(fd, SocketOption::KeepAlive(integer(value)? != 0)),
            SO_LINGER => self.set_linger(fd, value),
            SO_RCVBUF => self.set_receive_buffer(fd, integer(value)?, MOST_BUFFER),
            SO_RCVBUFFORCE => self.set_receive_buffer(fd, integer(value)?, 1 << 30),
            SO_SNDBUF => self.set_send_buffer(fd, integer(value)?, MOST_BUFFER),
            SO_SNDBUFFORCE => self.set_send_buffer(fd, integer(value)?, 1 << 30),
            SO_RCVTIMEO | SO_RCVTIMEO_NEW => {
                self.files.socket_mut(fd)?.settings.receive_timeout = time_value(value)?;
                Ok(())
            }
            SO_SNDTIMEO | SO_SNDTIMEO_NEW => {
                self.files.socket_mut(fd)?.settings.send_timeout = time_value(value)?;
                Ok(())
            }
            SO_RCVLOWAT => self.set_receive_low_water(fd, integer(value)?),
            SO_SNDLOWAT if self.is_freebsd() => {
                self.remember(fd, SOL_SOCKET, name, integer(value)?.max(1))
            }
            SO_TYPE | SO_PROTOCOL | SO_DOMAIN | SO_ERROR | SO_SNDLOWAT | SO_ACCEPTCONN => {
                Err(Errno::ENOPROTOOPT)
            }
            SO_TIMESTAMPING if !self.is_freebsd() => self.set_stamps(fd, integer(value)?),
            _ if self.is_remembered(name) => self.remember(fd, SOL_SOCKET, name, integer(value)?),
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    pub(super) fn get_of_socket(&mut self, fd: i32, name: i64) -> Result<Value, Errno> {
        let socket = self.files.socket(fd)?;
        let (options, settings) = (&socket.options, &socket.settings);
        let value = match name {
            SO_ERROR => return Ok(Value::Integer(self.socket_error(fd))),
            SO_REUSEADDR => self.switch(options.reuse_address, 0x4),
            SO_KEEPALIVE => self.switch(options.keep_alive, 0x8),
            SO_ACCEPTCONN => self.switch(self.sk(socket).state == TcpState::Listen, 0x2),
            SO_LINGER => {
                let seconds = options.linger.map_or(0, |time| time.as_secs() as i32);
                let on = self.switch(options.linger.is_some(), 0x80);
                let octets = [on.to_le_bytes(), seconds.to_le_bytes()].concat();
                return Ok(Value::Octets(octets));
            }
            SO_RCVBUF => self.receive_buffer(fd)?.cast_signed(),
            SO_SNDBUF => self.send_buffer(fd)?.cast_signed(),
            SO_RCVLOWAT => i32::try_from(settings.receive_low_water).unwrap_or(i32::MAX),
            SO_SNDLOWAT if self.is_freebsd() => match settings.remembered(SOL_SOCKET, name) {
                0 => SEND_LOW_WATER,
                octets => octets,
            },
            SO_SNDLOWAT => 1,
            SO_RCVTIMEO | SO_RCVTIMEO_NEW => return Ok(time_octets(settings.receive_timeout)),
            SO_SNDTIMEO | SO_SNDTIMEO_NEW => return Ok(time_octets(settings.send_timeout)),
            SO_TYPE => SOCK_STREAM as i32,
            SO_PROTOCOL => IPPROTO_TCP as i32,
            SO_DOMAIN => match socket.domain {
                Domain::V4 => AF_INET as i32,
                Domain::V6 => AF_INET6 as i32,
            },
            SO_MAX_PACING_RATE => match settings.remembered(SOL_SOCKET, name) {
                0 => -1,
                rate => rate,
            },
            _ if self.is_remembered(name) => settings.remembered(SOL_SOCKET, name),
            _ => return Err(Errno::ENOPROTOOPT),
        };
        Ok(Value::Integer(value))
    }

    /// Linux tells 1, FreeBSD the bit of `so_options`.
    fn switch(&self, on: bool, bit: i32) -> i32 {
        match (on, self.is_freebsd()) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => bit,
        }
    }

    /// Options that can be set and asked for, and do nothing here.
    fn is_remembered(&self, name: i64) -> bool {
        let common = matches!(
            name,
            SO_DEBUG | SO_DONTROUTE | SO_BROADCAST | SO_OOBINLINE | SO_REUSEPORT | SO_TIMESTAMP
        );
        let of_one = if self.is_freebsd() {
            matches!(
                name,
                SO_USELOOPBACK | SO_NOSIGPIPE | SO_USER_COOKIE | SO_SETFIB | SO_REUSEPORT_LB
            )
        } else {
            matches!(
                name,
                SO_PRIORITY
                    | SO_MARK
                    | SO_BUSY_POLL
                    | SO_MAX_PACING_RATE
                    | SO_ZEROCOPY
                    | SO_INCOMING_CPU
                    | SO_TIMESTAMPNS
                    | SO_PEEK_OFF
                    | SO_TXREHASH
                    | SO_PREFER_BUSY_POLL
                    | SO_BUSY_POLL_BUDGET
                    | SO_TIMESTAMPING
            )
        };
        common || of_one
    }

    /// `SO_ERROR`: the error is taken by asking; on Linux one that is only remembered counts, too.
    fn socket_error(&mut self, fd: i32) -> i32 {
        let told = self.take_error(fd).or_else(|| {
            let id = self.files.socket(fd).ok()?.connection()?;
            let linux = !self.is_freebsd();
            linux.then(|| self.stack.take_soft_error(id)).flatten().map(errno)
        });
        told.map_or(0, |error| error.0)
    }

    /// `sock_set_timestamping`: octets can only be numbered where there are some.
    fn set_stamps(&mut self, fd: i32, flags: i32) -> Result<(), Errno> {
        let (all, state) = (i64::from(flags), self.sk_of(fd)?.state);
        let numbers = all & SOF_TIMESTAMPING_OPT_ID != 0;
        if numbers && matches!(state, TcpState::Closed | TcpState::Listen) {
            return Err(Errno::EINVAL);
        }
        if all & SOF_TIMESTAMPING_OPT_ID_TCP != 0 && !numbers {
            return Err(Errno::EINVAL);
        }
        let socket = self.files.socket_mut(fd)?;
        let waits = socket.connection().map_or(0, |id| self.stack.unacknowledged(id).0);
        if numbers {
            socket.reports.count_from(all, waits);
        }
        self.remember(fd, SOL_SOCKET, SO_TIMESTAMPING, flags)
    }

    fn set_linger(&mut self, fd: i32, value: &[u8]) -> Result<(), Errno> {
        let (on, seconds) = (integer_at(value, 0)?, integer_at(value, 1)?);
        let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        self.set(fd, SocketOption::Linger((on != 0).then_some(seconds)))
    }

    /// Linux keeps twice as much for what belongs to a packet beside its text, and half of it is
    /// for text (`tcp_win_from_space`).
    fn set_receive_buffer(&mut self, fd: i32, octets: i32, most: u32) -> Result<(), Errno> {
        if self.is_freebsd() {
            let octets = buffer_of_freebsd(octets)?;
            self.files.socket_mut(fd)?.settings.receive_buffer = Some(octets);
            return self.set(fd, SocketOption::ReceiveBuffer(octets));
        }
        let raw = doubled(octets, most).max(LEAST_RECEIVE_BUFFER);
        self.files.socket_mut(fd)?.settings.receive_buffer = Some(raw);
        self.set(fd, SocketOption::ReceiveBuffer(raw / 2))
    }

    fn set_send_buffer(&mut self, fd: i32, octets: i32, most: u32) -> Result<(), Errno> {
        let raw = if self.is_freebsd() {
            buffer_of_freebsd(octets)?
        } else {
            doubled(octets, most).max(LEAST_SEND_BUFFER)
        };
        self.files.socket_mut(fd)?.settings.send_buffer = Some(raw);
        self.set(fd, SocketOption::SendBuffer(raw))
    }

    fn receive_buffer(&self, fd: i32) -> Result<u32, Errno> {
        let socket = self.files.socket(fd)?;
        let text = socket.options.receive_buffer;
        let raw = if self.is_freebsd() { text } else { text * 2 };
        Ok(socket.settings.receive_buffer.unwrap_or(raw))
    }

    /// Before it is connected a socket of Linux has `tcp_wmem[1]`; then `tcp_sndbuf_expand` makes
    /// it larger.
    fn send_buffer(&self, fd: i32) -> Result<u32, Errno> {
        /// `tcp_wmem[1]`
        const AT_FIRST: u32 = 16_384;
        let socket = self.files.socket(fd)?;
        let most = socket.options.send_buffer;
        let connected = socket.connection().is_some() && !self.sk(socket).is_opening();
        let raw = if self.is_freebsd() || connected { most } else { most.min(AT_FIRST) };
        Ok(socket.settings.send_buffer.unwrap_or(raw))
    }

    /// `tcp_set_rcvlowat`: zero means one, a negative number as much as possible.
    fn set_receive_low_water(&mut self, fd: i32, octets: i32) -> Result<(), Errno> {
        if self.is_freebsd() && octets < 1 {
            return Err(Errno::EINVAL);
        }
        let octets = usize::try_from(octets).unwrap_or(i32::MAX as usize).max(1);
        self.files.socket_mut(fd)?.settings.receive_low_water = octets;
        Ok(())
    }
}

fn doubled(octets: i32, most: u32) -> u32 {
    // "Ensure val * 2 fits into an int, to prevent max_t() from treating it as a negative value."
    octets.cast_unsigned().min(most).min(i32::MAX.cast_unsigned() / 2) * 2
}

/// `sbsetopt`, `sbreserve_locked`.
fn buffer_of_freebsd(octets: i32) -> Result<u32, Errno> {
    match u32::try_from(octets) {
        Err(_) | Ok(0) => Err(Errno::EINVAL),
        Ok(octets) if octets > MOST_BUFFER_OF_FREEBSD => Err(Errno::ENOBUFS),
        Ok(octets) => Ok(octets),
    }
}

/// A `struct timeval`.
fn time_octets(time: Option<Duration>) -> Value {
    let time = time.unwrap_or_default();
    let (seconds, micros) = (time.as_secs(), u64::from(time.subsec_micros()));
    Value::Octets([seconds.to_le_bytes(), micros.to_le_bytes()].concat())
}
