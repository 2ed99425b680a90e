//! `tokio::net`, method for method. [`UdpSocket`] is turmoil's own.
//!
//! Where there is no operating system below, something has to be different:
//!
//! - there are no file descriptors: `from_std` and `into_std` answer `Unsupported`, and what the
//!   crate `socket2` would set through one, such as the times of keepalive, `TCP_USER_TIMEOUT` and
//!   `TCP_MAXSEG`, is set by [`TcpSocket::set_option`] and [`TcpStream::set_option`];
//! - `SO_REUSEPORT`, `SO_BINDTODEVICE` and `TCP_QUICKACK` cannot be changed, and
//!   say so;
//! - dropping a stream that lingers does not block: the connection lingers without its task;
//! - readiness is known at once, so that the first `try_read` of a stream need not answer
//!   `WouldBlock`;
//! - names are those of turmoil's hosts, and `localhost`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use twomsl_tcp::SocketOption;

mod addr;
#[cfg(feature = "axum")]
mod axum;
mod held;
mod listener;
mod socket;
mod stream;
pub mod tcp;
#[cfg(feature = "tonic")]
mod tonic;

pub(crate) use addr::resolve;
pub use addr::{ToSocketAddrs, lookup_host};
pub use listener::TcpListener;
pub use socket::TcpSocket;
pub use stream::TcpStream;
pub use turmoil::net::UdpSocket;

/// No address in particular.
const ANY_V4: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
/// The same for IPv6.
const ANY_V6: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
/// Where Linux takes a connection to 0.0.0.0.
const LOCALHOST_V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The same for `::`.
const LOCALHOST_V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// `IP_TTL` as an option.
fn hop_limit(ttl: u32) -> std::io::Result<SocketOption> {
    let hops = u8::try_from(ttl).ok().filter(|hops| *hops > 0);
    hops.map(SocketOption::HopLimit).ok_or_else(|| std::io::ErrorKind::InvalidInput.into())
}
