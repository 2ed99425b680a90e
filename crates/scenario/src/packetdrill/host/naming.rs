//! `socket`, `bind`, `getsockname`, `getpeername`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::symbols::{
    AF_INET, AF_INET6, AF_UNSPEC, IPPROTO_IP, IPPROTO_TCP, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK,
    SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM,
};
use super::super::system::{Errno, Reply, ReplyOutput};
use super::errors::errno;
use super::files::{Blocking, Domain, File, Phase, Socket};
use super::options::Settings;
use super::{Host, Kernel, plain};

impl Host {
    pub(super) fn socket(&mut self, domain: i32, kind: i32, protocol: i32) -> Result<i64, Errno> {
        let domain = match i64::from(domain) {
            AF_INET => Domain::V4,
            AF_INET6 => Domain::V6,
            AF_UNSPEC if self.kernel == Kernel::FreeBsd => return Err(Errno::EPROTONOSUPPORT),
            _ => return Err(Errno::EAFNOSUPPORT),
        };
        let flags = i64::from(kind) & (SOCK_NONBLOCK | SOCK_CLOEXEC);
        match i64::from(kind) & !flags {
            SOCK_STREAM => {}
            // There is nothing here but TCP.
            SOCK_DGRAM | SOCK_RAW | SOCK_SEQPACKET => return Err(Errno::EPROTONOSUPPORT),
            _ => return Err(Errno::EINVAL),
        }
        if !matches!(i64::from(protocol), IPPROTO_IP | IPPROTO_TCP) {
            return Err(Errno::EPROTONOSUPPORT);
        }
        let blocking = if flags & SOCK_NONBLOCK != 0 { Blocking::No } else { Blocking::Yes };
        let options = self.stack.profile().options.clone();
        let settings = Settings::new(&options);
        let socket = Socket::new(domain, blocking, options, settings);
        Ok(self.files.open(File::Socket(Box::new(socket))).into())
    }

    /// `inet_bind`, `tcp_usr_bind`.
    pub(super) fn bind(&mut self, fd: i32, address: SocketAddr) -> Result<i64, Errno> {
        let socket = self.files.socket(fd)?;
        let local = for_stack(socket.domain, address)?;
        if socket.phase != Phase::Fresh || socket.bound.is_some() {
            return Err(Errno::EINVAL);
        }
        let any = local.ip().is_unspecified();
        if !any && !self.stack.addresses().contains(&local.ip()) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let port = match local.port() {
            0 => self.free_port().ok_or(Errno::EADDRINUSE)?,
            port => port,
        };
        let local = SocketAddr::new(local.ip(), port);
        let socket = self.files.socket(fd)?;
        self.stack.check_bind(local, &socket.options).map_err(errno)?;
        if self.files.sockets().any(|other| is_in_the_way(other, socket, local)) {
            return Err(Errno::EADDRINUSE);
        }
        self.files.socket_mut(fd)?.bound = Some(local);
        Ok(0)
    }

    /// A port for who does not care.
    pub(super) fn free_port(&self) -> Option<u16> {
        let profile = self.stack.profile();
        let bound = |port| {
            let mut sockets = self.files.sockets();
            sockets.any(|socket| socket.bound.is_some_and(|local| local.port() == port))
        };
        let any = |port| SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
        (profile.first_port..=profile.last_port).find(|port| {
            !bound(*port) && self.stack.check_bind(any(*port), &profile.options).is_ok()
        })
    }

    pub(super) fn socket_name(&mut self, fd: i32) -> Reply {
        let local = self.files.socket(fd).map(|socket| {
            let ends = socket.connection().and_then(|id| self.stack.ends(id).ok());
            let nothing = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
            let local = ends.map_or(socket.bound.unwrap_or(nothing), |(local, _)| local);
            for_script(socket.domain, local)
        });
        named(local)
    }

    /// `inet_getname`: not of what is closed, or being opened.
    pub(super) fn peer_name(&mut self, fd: i32) -> Reply {
        let remote = self.files.socket(fd).and_then(|socket| {
            let (_, remote) = socket
                .connection()
                .and_then(|id| self.stack.ends(id).ok())
                .ok_or(Errno::ENOTCONN)?;
            let sk = self.sk(socket);
            let far = sk.is_opening() || sk.state == twomsl_tcp::TcpState::Closed;
            let remote = remote.filter(|_| !far).ok_or(Errno::ENOTCONN)?;
            Ok(for_script(socket.domain, remote))
        });
        named(remote)
    }
}

fn named(address: Result<SocketAddr, Errno>) -> Reply {
    match address {
        Ok(address) => Reply { result: Ok(0), output: ReplyOutput::Address(Some(address)) },
        Err(error) => plain(Err(error)),
    }
}

/// An address as the stack knows it: mapped addresses are of IPv4.
pub(super) fn for_stack(domain: Domain, address: SocketAddr) -> Result<SocketAddr, Errno> {
    let ip = match (domain, address.ip()) {
        (Domain::V4, ip @ IpAddr::V4(_)) => ip,
        (Domain::V6, IpAddr::V6(ip)) => ip.to_canonical(),
        (Domain::V4, IpAddr::V6(_)) => return Err(Errno::EAFNOSUPPORT),
        // A `sockaddr_in` is too short to be a `sockaddr_in6`.
        (Domain::V6, IpAddr::V4(_)) => return Err(Errno::EINVAL),
    };
    Ok(SocketAddr::new(ip, address.port()))
}

/// An address as a socket of that family tells it.
pub(super) fn for_script(domain: Domain, address: SocketAddr) -> SocketAddr {
    let ip = match (domain, address.ip()) {
        (Domain::V6, IpAddr::V4(ip)) if ip.is_unspecified() => Ipv6Addr::UNSPECIFIED.into(),
        (Domain::V6, IpAddr::V4(ip)) => ip.to_ipv6_mapped().into(),
        (_, ip) => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Whether a socket that is bound keeps another one from a name (`inet_csk_get_port`).
fn is_in_the_way(other: &Socket, socket: &Socket, local: SocketAddr) -> bool {
    let both_reuse = other.options.reuse_address && socket.options.reuse_address;
    let listens = matches!(other.phase, Phase::Listening(_));
    other.bound.is_some_and(|bound| {
        let overlap =
            bound.ip() == local.ip() || bound.ip().is_unspecified() || local.ip().is_unspecified();
        bound.port() == local.port() && overlap && (listens || !both_reuse)
    })
}
