//! Who the two ends of a script are: addresses, ports, and the version of IP between them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Which IP the packets are, and which family the sockets have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IpVersion {
    /// `ipv4`
    #[default]
    V4,
    /// `ipv4-mapped-ipv6`: sockets of `AF_INET6`, packets of IPv4.
    V4MappedV6,
    /// `ipv6`
    V6,
}

/// Whose packetdrill it is. The grammar of both is one; how scripts are run differs a little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dialect {
    /// google/packetdrill.
    #[default]
    Google,
    /// nplab/packetdrill, for FreeBSD.
    Nplab,
}

/// What stands for `...` in system calls, and between whom packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    pub(crate) ip_version: IpVersion,
    /// The machine under test, as it stands in packets: of IPv4 unless the version is IPv6.
    pub(crate) local: IpAddr,
    /// The peer that the script plays, as it stands in packets.
    pub(crate) remote: IpAddr,
    /// What `bind(3, ..., ...)` binds, and where packets to a listener go.
    pub(crate) bind_port: u16,
    /// Where `connect(3, ..., ...)` goes.
    pub(crate) connect_port: u16,
}

impl Setup {
    pub(crate) fn new(ip_version: IpVersion) -> Self {
        let (local, remote) = match ip_version {
            IpVersion::V4 | IpVersion::V4MappedV6 => {
                (Ipv4Addr::new(192, 168, 0, 1).into(), Ipv4Addr::new(192, 0, 2, 1).into())
            }
            IpVersion::V6 => (
                Ipv6Addr::new(0xfd3d, 0x0a0b, 0x17d6, 0, 0, 0, 0, 1).into(),
                Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
            ),
        };
        Self { ip_version, local, remote, bind_port: 8080, connect_port: 8080 }
    }

    /// Where `bind(3, ..., ...)` binds, as the script's socket calls it: mapped into IPv6 where
    /// sockets are of IPv6 and packets are not.
    pub(crate) fn bind_address(&self) -> SocketAddr {
        SocketAddr::new(self.in_sockets(self.local), self.bind_port)
    }

    /// Where `connect(3, ..., ...)` goes, as the script's socket calls it.
    pub(crate) fn connect_address(&self) -> SocketAddr {
        SocketAddr::new(self.in_sockets(self.remote), self.connect_port)
    }

    /// The family of `socket(..., SOCK_STREAM, IPPROTO_TCP)`: `AF_INET` or `AF_INET6`, as Linux
    /// numbers them.
    pub(crate) const fn domain(&self) -> i32 {
        match self.ip_version {
            IpVersion::V4 => 2,
            IpVersion::V4MappedV6 | IpVersion::V6 => 10,
        }
    }

    fn in_sockets(&self, address: IpAddr) -> IpAddr {
        match (self.ip_version, address) {
            (IpVersion::V4MappedV6, IpAddr::V4(address)) => address.to_ipv6_mapped().into(),
            _ => address,
        }
    }
}
