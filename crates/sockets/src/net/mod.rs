//! `tokio::net`, method for method.
//!
//! [`UdpSocket`] is turmoil's own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

/// Sets a time to live that is the only one there is.
fn set_ttl(ttl: u32) -> std::io::Result<()> {
    if ttl == u32::from(twomsl_tcp::wire::Packet::DEFAULT_HOP_LIMIT) {
        return Ok(());
    }
    Err(crate::error::unsupported("another time to live than 64"))
}
