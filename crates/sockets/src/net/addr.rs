//! Addresses, and turmoil's host names.

use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::error;

/// What `bind` and `connect` take: all that `tokio::net::ToSocketAddrs` is for, with turmoil's
/// host names in the place of DNS. `localhost` is the host itself.
pub trait ToSocketAddrs: sealed::Resolve {}

impl<T: sealed::Resolve + ?Sized> ToSocketAddrs for T {}

/// The addresses of a host name.
///
/// # Errors
/// `NotFound` for a name that no host has, `InvalidInput` for what is no address, and outside a
/// simulation.
pub async fn lookup_host<T: ToSocketAddrs>(host: T) -> Result<impl Iterator<Item = SocketAddr>> {
    Ok(resolve(host)?.into_iter())
}

/// The same, at once.
pub(crate) fn resolve(address: impl ToSocketAddrs) -> Result<Vec<SocketAddr>> {
    address.resolve()
}

/// What tokio answers when there is nothing to try.
pub(crate) fn no_address() -> Error {
    Error::new(ErrorKind::InvalidInput, "could not resolve to any address")
}

mod sealed {
    use std::io::Result;
    use std::net::SocketAddr;

    /// Not to be implemented elsewhere, as in tokio.
    pub trait Resolve {
        #[doc(hidden)]
        fn resolve(&self) -> Result<Vec<SocketAddr>>;
    }
}

use sealed::Resolve;

impl<T: Resolve + ?Sized> Resolve for &T {
    fn resolve(&self) -> Result<Vec<SocketAddr>> {
        (**self).resolve()
    }
}

/// What is an address already.
macro_rules! addresses {
    ($($address:ty),*) => {$(
        impl Resolve for $address {
            fn resolve(&self) -> Result<Vec<SocketAddr>> {
                Ok(vec![SocketAddr::from(*self)])
            }
        }
    )*};
}

addresses!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl Resolve for [SocketAddr] {
    fn resolve(&self) -> Result<Vec<SocketAddr>> {
        Ok(self.to_vec())
    }
}

impl Resolve for str {
    fn resolve(&self) -> Result<Vec<SocketAddr>> {
        if let Ok(address) = self.parse() {
            return Ok(vec![address]);
        }
        let invalid = |text| Error::new(ErrorKind::InvalidInput, text);
        let (host, port) =
            self.rsplit_once(':').ok_or_else(|| invalid("invalid socket address"))?;
        let port = port.parse().map_err(|_| invalid("invalid port value"))?;
        by_name(host, port)
    }
}

impl Resolve for String {
    fn resolve(&self) -> Result<Vec<SocketAddr>> {
        self.as_str().resolve()
    }
}

impl Resolve for (&str, u16) {
    fn resolve(&self) -> Result<Vec<SocketAddr>> {
        by_name(self.0, self.1)
    }
}

impl Resolve for (String, u16) {
    fn resolve(&self) -> Result<Vec<SocketAddr>> {
        by_name(&self.0, self.1)
    }
}

/// Asks turmoil, which answers at once.
fn by_name(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if host == "localhost" {
        return Ok(vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)]);
    }
    if !turmoil::in_simulation() {
        return Err(error::outside());
    }
    let mut lookup = pin!(turmoil::net::lookup_host((host, port)));
    match lookup.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(found) => Ok(found?.collect()),
        Poll::Pending => Err(no_address()),
    }
}
