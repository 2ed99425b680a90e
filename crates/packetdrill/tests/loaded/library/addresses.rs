//! Socket addresses as C has them.

use std::ffi::c_void;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::{sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t};

/// An address in memory, with its length.
pub(crate) struct Raw {
    storage: sockaddr_storage,
    pub(crate) length: socklen_t,
}

impl Raw {
    /// Room for any address.
    pub(crate) fn empty() -> Self {
        // SAFETY: zeros are an address of no family.
        let storage = unsafe { std::mem::zeroed() };
        Self { storage, length: size_of::<sockaddr_storage>() as socklen_t }
    }

    pub(crate) fn new(address: SocketAddr) -> Self {
        let mut raw = Self::empty();
        let pointer = raw.pointer();
        // SAFETY: there is room for any address.
        raw.length = unsafe {
            match address {
                SocketAddr::V4(address) => {
                    let ip = u32::from_ne_bytes(address.ip().octets());
                    pointer.cast::<c_void>().cast::<sockaddr_in>().write(sockaddr_in {
                        sin_family: libc::AF_INET as u16,
                        sin_port: address.port().to_be(),
                        sin_addr: libc::in_addr { s_addr: ip },
                        sin_zero: [0; 8],
                    });
                    size_of::<sockaddr_in>() as socklen_t
                }
                SocketAddr::V6(address) => {
                    pointer.cast::<c_void>().cast::<sockaddr_in6>().write(sockaddr_in6 {
                        sin6_family: libc::AF_INET6 as u16,
                        sin6_port: address.port().to_be(),
                        sin6_flowinfo: 0,
                        sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                        sin6_scope_id: 0,
                    });
                    size_of::<sockaddr_in6>() as socklen_t
                }
            }
        };
        raw
    }

    pub(crate) fn pointer(&mut self) -> *mut sockaddr {
        (&raw mut self.storage).cast()
    }

    /// What has been written there.
    pub(crate) fn read(&mut self) -> Option<SocketAddr> {
        if self.length == 0 {
            return None;
        }
        let pointer = self.pointer();
        match i32::from(self.storage.ss_family) {
            libc::AF_INET => {
                // SAFETY: the family says that it is one.
                let address = unsafe { pointer.cast::<c_void>().cast::<sockaddr_in>().read() };
                let ip = Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddr::new(IpAddr::V4(ip), u16::from_be(address.sin_port)))
            }
            libc::AF_INET6 => {
                // SAFETY: the family says that it is one.
                let address = unsafe { pointer.cast::<c_void>().cast::<sockaddr_in6>().read() };
                let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
                Some(SocketAddr::new(IpAddr::V6(ip), u16::from_be(address.sin6_port)))
            }
            _ => None,
        }
    }
}
