//! Which host the current task belongs to.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use turmoil::net::UdpSocket;
use twomsl_tcp::{Instant, Profile, Stack};

use crate::host::Host;
use crate::network::{HostRef, PORT, Shared};
use crate::{driver, error};

thread_local! {
    /// The network of the simulation that runs on this thread. It stays when the simulation is
    /// over, until the next one begins.
    static CURRENT: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// The host of the current task. Its stack is started if this is the first call.
///
/// Turmoil gives every host a tokio runtime of its own, and every life of it another one. So the
/// runtime of a task tells its host, whether it was spawned with `spawn` or `spawn_local`.
///
/// # Errors
/// Outside a simulation; when the host's stack cannot start.
pub(crate) fn here() -> io::Result<HostRef> {
    let (handle, runtime) = runtime_here()?;
    match find(runtime) {
        Some(host) => Ok(host),
        None => begin(&handle, Profile::linux()),
    }
}

/// Starts the current host's stack.
///
/// # Errors
/// Those of [`here`]; when it was started before.
pub(crate) fn start(profile: Profile) -> io::Result<()> {
    let (handle, runtime) = runtime_here()?;
    match find(runtime) {
        Some(_) => Err(error::started()),
        None => begin(&handle, profile).map(drop),
    }
}

fn runtime_here() -> io::Result<(Handle, runtime::Id)> {
    let handle = Handle::try_current().map_err(|_| error::outside())?;
    if !turmoil::in_simulation() {
        return Err(error::outside());
    }
    let runtime = handle.id();
    Ok((handle, runtime))
}

fn find(runtime: runtime::Id) -> Option<HostRef> {
    CURRENT.with_borrow(|current| {
        let network = current.as_ref()?;
        let index = network.lock().host_of(runtime)?;
        Some(HostRef::new(network.clone(), index, runtime))
    })
}

fn begin(handle: &Handle, profile: Profile) -> io::Result<HostRef> {
    let (elapsed, since_epoch) =
        turmoil::sim_elapsed().zip(turmoil::since_epoch()).ok_or_else(error::outside)?;
    let now = Instant::ZERO + elapsed;
    let datagrams = Arc::new(bind()?);
    let network = network_of(since_epoch.saturating_sub(elapsed), now);
    let kick = Arc::new(Notify::new());
    let index = {
        let mut network = network.lock();
        let index = network.hosts.len();
        let stack = Stack::new(profile, secret(index));
        network.hosts.push(Host::new(
            handle.id(),
            stack,
            now,
            Arc::clone(&datagrams),
            Arc::clone(&kick),
        ));
        index
    };
    let host = HostRef::new(network, index, handle.id());
    handle.spawn(driver::drive(host.clone(), datagrams, kick));
    Ok(host)
}

/// The network of the simulation that runs now.
fn network_of(epoch: std::time::Duration, now: Instant) -> Shared {
    CURRENT.with_borrow_mut(|current| match current {
        Some(network) if network.lock().can_have(epoch, now) => network.clone(),
        _ => current.insert(Shared::new(epoch)).clone(),
    })
}

/// The secret of a stack's initial sequence numbers (RFC 6528): each start of a host has its own.
fn secret(index: usize) -> [u8; 16] {
    (u128::from(0x9293_u16) << 64 | index as u128).to_be_bytes()
}

fn bind() -> io::Result<UdpSocket> {
    let any: IpAddr = match family() {
        Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
        Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut binding = pin!(UdpSocket::bind(SocketAddr::new(any, PORT)));
    // Turmoil binds at once, in an async function that waits for nothing.
    match binding.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(error::port_taken(&error))
        }
        Poll::Ready(result) => result,
        Poll::Pending => Err(error::outside()),
    }
}

/// The address families of turmoil's networks.
enum Family {
    V4,
    V6,
}

/// Turmoil names its hosts in `192.168.0.0/16` or in `fe80::/64`, beginning with 1, and panics when a
/// socket is bound to the other family.
fn family() -> Family {
    let first = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));
    if turmoil::reverse_lookup(first).is_some() { Family::V6 } else { Family::V4 }
}
