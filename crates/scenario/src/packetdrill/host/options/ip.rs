//! `IPPROTO_IP` and `IPPROTO_IPV6`.

use twomsl_tcp::{ErrorReports, SocketOption, TcpState};

use super::super::super::symbols::{
    IP_BIND_ADDRESS_NO_PORT, IP_DONTFRAG, IP_FREEBIND, IP_MINTTL, IP_MTU, IP_MTU_DISCOVER,
    IP_PMTUDISC_WANT, IP_RECVERR, IP_RECVTOS, IP_RECVTTL, IP_TOS, IP_TRANSPARENT, IP_TTL,
    IPV6_AUTOFLOWLABEL, IPV6_MTU, IPV6_MTU_DISCOVER, IPV6_RECVERR, IPV6_RECVTCLASS, IPV6_TCLASS,
    IPV6_UNICAST_HOPS, IPV6_V6ONLY, SOL_IP, SOL_IPV6,
};
use super::super::super::system::Errno;
use super::super::Host;
use super::super::files::{Domain, Phase};
use super::{Value, integer};

impl Host {
    /// `do_ip_setsockopt`.
    pub(super) fn set_of_ip(&mut self, fd: i32, name: i64, value: &[u8]) -> Result<(), Errno> {
        let number = octet_or_integer(value)?;
        match name {
            IP_TOS => self.set_traffic_class(fd, SOL_IP, IP_TOS, number),
            IP_TTL => match number {
                -1 => self.set_hops(fd, SOL_IP, name, -1),
                1..=255 => self.set_hops(fd, SOL_IP, name, number),
                _ => Err(Errno::EINVAL),
            },
            IP_RECVERR => self.set_error_reports(fd, SOL_IP, name, number),
            IP_MTU_DISCOVER if !(0..=5).contains(&number) => Err(Errno::EINVAL),
            IP_MINTTL if !(0..=255).contains(&number) => Err(Errno::EINVAL),
            IP_MTU_DISCOVER
            | IP_RECVTOS
            | IP_RECVTTL
            | IP_MINTTL
            | IP_FREEBIND
            | IP_TRANSPARENT
            | IP_BIND_ADDRESS_NO_PORT
            | IP_DONTFRAG => self.remember(fd, SOL_IP, name, number),
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    pub(super) fn get_of_ip(&mut self, fd: i32, name: i64) -> Result<Value, Errno> {
        let socket = self.files.socket(fd)?;
        let (options, settings) = (&socket.options, &socket.settings);
        let value = match name {
            IP_TOS => settings.remembered(SOL_IP, IP_TOS),
            IP_TTL => options.hop_limit.into(),
            IP_RECVERR => (options.error_reports == ErrorReports::On).into(),
            IP_MTU => self.path_mtu(fd)?,
            IP_MTU_DISCOVER => {
                *settings.remembered.get(&(SOL_IP, name)).unwrap_or(&(IP_PMTUDISC_WANT as i32))
            }
            IP_RECVTOS
            | IP_RECVTTL
            | IP_MINTTL
            | IP_FREEBIND
            | IP_TRANSPARENT
            | IP_BIND_ADDRESS_NO_PORT
            | IP_DONTFRAG => settings.remembered(SOL_IP, name),
            _ => return Err(Errno::ENOPROTOOPT),
        };
        Ok(Value::Integer(value))
    }

    /// `do_ipv6_setsockopt`; a socket of IPv4 has none of these.
    pub(super) fn set_of_ipv6(&mut self, fd: i32, name: i64, value: &[u8]) -> Result<(), Errno> {
        let socket = self.files.socket(fd)?;
        if socket.domain == Domain::V4 {
            return Err(Errno::ENOPROTOOPT);
        }
        let (bound, phase) = (socket.bound.is_some(), socket.phase);
        let number = integer(value)?;
        match name {
            IPV6_V6ONLY if bound || phase != Phase::Fresh => Err(Errno::EINVAL),
            IPV6_TCLASS if !(-1..=255).contains(&number) => Err(Errno::EINVAL),
            IPV6_TCLASS => self.set_traffic_class(fd, SOL_IPV6, name, number.max(0)),
            IPV6_UNICAST_HOPS if !(-1..=255).contains(&number) || number == 0 => Err(Errno::EINVAL),
            IPV6_UNICAST_HOPS => self.set_hops(fd, SOL_IPV6, name, number),
            IPV6_RECVERR => self.set_error_reports(fd, SOL_IPV6, name, number),
            IPV6_MTU_DISCOVER if !(0..=5).contains(&number) => Err(Errno::EINVAL),
            IPV6_V6ONLY | IPV6_MTU_DISCOVER | IPV6_RECVTCLASS | IPV6_AUTOFLOWLABEL => {
                self.remember(fd, SOL_IPV6, name, number)
            }
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    pub(super) fn get_of_ipv6(&mut self, fd: i32, name: i64) -> Result<Value, Errno> {
        let socket = self.files.socket(fd)?;
        if socket.domain == Domain::V4 {
            return Err(Errno::ENOPROTOOPT);
        }
        let (options, settings) = (&socket.options, &socket.settings);
        let value = match name {
            IPV6_UNICAST_HOPS => options.hop_limit.into(),
            IPV6_RECVERR => (options.error_reports == ErrorReports::On).into(),
            IPV6_MTU => self.path_mtu(fd)?,
            IPV6_MTU_DISCOVER => {
                *settings.remembered.get(&(SOL_IPV6, name)).unwrap_or(&(IP_PMTUDISC_WANT as i32))
            }
            IPV6_TCLASS | IPV6_V6ONLY | IPV6_RECVTCLASS | IPV6_AUTOFLOWLABEL => {
                settings.remembered(SOL_IPV6, name)
            }
            _ => return Err(Errno::ENOPROTOOPT),
        };
        Ok(Value::Integer(value))
    }

    /// `ip_sock_set_tos`: the two bits of ECN are TCP's own.
    fn set_traffic_class(
        &mut self,
        fd: i32,
        level: i64,
        name: i64,
        class: i32,
    ) -> Result<(), Errno> {
        let dscp = class & !0b11;
        self.remember(fd, level, name, dscp)?;
        self.set(fd, SocketOption::TrafficClass(dscp.cast_unsigned() as u8))
    }

    /// −1 is the default of the machine.
    fn set_hops(&mut self, fd: i32, level: i64, name: i64, hops: i32) -> Result<(), Errno> {
        let default = self.stack.profile().options.hop_limit;
        self.remember(fd, level, name, hops)?;
        self.set(fd, SocketOption::HopLimit(u8::try_from(hops).unwrap_or(default)))
    }

    fn set_error_reports(&mut self, fd: i32, level: i64, name: i64, on: i32) -> Result<(), Errno> {
        let reports = if on != 0 { ErrorReports::On } else { ErrorReports::Off };
        self.remember(fd, level, name, on)?;
        self.set(fd, SocketOption::ErrorReports(reports))
    }

    /// `IP_MTU`: only of what is connected.
    fn path_mtu(&self, fd: i32) -> Result<i32, Errno> {
        let socket = self.files.socket(fd)?;
        let state = self.sk(socket).state;
        let id = socket.connection().filter(|_| state != TcpState::Closed);
        let info = id.and_then(|id| self.stack.info(self.now, id).ok());
        info.map(|info| info.tcpi_pmtu.cast_signed()).ok_or(Errno::ENOTCONN)
    }
}

/// What options of IPv4 take: an `int`, or one octet.
fn octet_or_integer(value: &[u8]) -> Result<i32, Errno> {
    match value {
        [] => Err(Errno::EINVAL),
        [octet, ..] if value.len() < 4 => Ok(i32::from(*octet)),
        _ => integer(value),
    }
}
