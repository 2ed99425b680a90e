//! Which host the current task belongs to.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use turmoil::net::UdpSocket;
use twomsl_sim::Recording;
use twomsl_sim::spec::HostIndex;
use twomsl_tcp::{Instant, Profile};

use crate::host::Life;
use crate::simulation::{HostRef, PORT, Shared, Simulation};
use crate::{driver, error, identity, quiet};

thread_local! {
    /// The simulations of this thread, the latest last: those that run, or were prepared for the
    /// next one to run. One that is over stays until the next one begins.
    static SIMULATIONS: RefCell<Vec<Shared>> = const { RefCell::new(Vec::new()) };
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
        None => begin(&handle, None),
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
        None => begin(&handle, Some(profile)).map(drop),
    }
}

/// The simulation of the current task or, outside of all, the latest of this thread that is not
/// over; if there is none, one is prepared.
pub(crate) fn current() -> Shared {
    if let Ok((_, runtime)) = runtime_here()
        && let Some(host) = find(runtime)
    {
        return host.simulation;
    }
    SIMULATIONS.with_borrow_mut(|simulations| {
        let latest = simulations.iter().rev().find(|it| !it.lock().is_over()).cloned();
        latest.unwrap_or_else(|| {
            let next = Shared::new(SEED, Recording::Off);
            simulations.push(next.clone());
            next
        })
    })
}

/// The next simulation of this thread is this one.
pub(crate) fn prepare(simulation: Shared) {
    SIMULATIONS.with_borrow_mut(|simulations| simulations.push(simulation));
}

/// Nobody waits for this simulation any more. One that runs is not forgotten: its hosts have to
/// find it until it is over.
pub(crate) fn forget(simulation: &Shared) {
    let is_it = |other: &mut Shared| other.is(simulation) && !other.lock().is_running();
    let ended: Vec<_> =
        SIMULATIONS.with_borrow_mut(|simulations| simulations.extract_if(.., is_it).collect());
    // Where nothing is borrowed: it may be the last to hold something that looks here.
    drop(ended);
}

/// The seed of a simulation for which nobody chose one.
const SEED: u64 = 0;

fn runtime_here() -> io::Result<(Handle, runtime::Id)> {
    let handle = Handle::try_current().map_err(|_| error::outside())?;
    if !turmoil::in_simulation() {
        return Err(error::outside());
    }
    let runtime = handle.id();
    Ok((handle, runtime))
}

fn find(runtime: runtime::Id) -> Option<HostRef> {
    SIMULATIONS.with_borrow(|simulations| {
        simulations.iter().rev().find_map(|simulation| {
            let index = simulation.lock().host_of(runtime)?;
            Some(HostRef::new(simulation.clone(), index, runtime))
        })
    })
}

fn begin(handle: &Handle, profile: Option<Profile>) -> io::Result<HostRef> {
    let clocks = turmoil::sim_elapsed().zip(turmoil::since_epoch());
    let (elapsed, since_epoch) = clocks.ok_or_else(error::outside)?;
    let now = Instant::ZERO + elapsed;
    let datagrams = Arc::new(bind()?);
    let address = identity::own_address(&datagrams)?;
    let kick = Arc::new(Notify::new());
    let life = Life::new(handle.clone(), now, Arc::clone(&datagrams), Arc::clone(&kick));
    let simulation = simulation_of(since_epoch.saturating_sub(elapsed), address, now);
    let index = add(&mut simulation.lock(), address, now, profile, life);
    let host = HostRef::new(simulation, index, handle.id());
    handle.spawn(driver::drive(host.clone(), datagrams, kick));
    Ok(host)
}

/// The simulation that runs now: one that has begun, or else one that was prepared, or else a new
/// one.
fn simulation_of(epoch: Duration, address: IpAddr, now: Instant) -> Shared {
    let (simulation, ended) = SIMULATIONS.with_borrow_mut(|simulations| {
        let latest_first = || simulations.iter().rev();
        let begun = latest_first().find(|it| it.lock().can_have(epoch, address, now));
        if let Some(begun) = begun {
            return (begun.clone(), Vec::new());
        }
        // Only here, where another simulation begins, is it time to look for those that are over.
        let prepared = latest_first().find(|it| it.lock().epoch.is_none()).cloned();
        let next = prepared.unwrap_or_else(|| Shared::new(SEED, Recording::Off));
        let is_over = |it: &mut Shared| it.is(&next) || it.lock().is_over();
        let ended: Vec<_> = simulations.extract_if(.., is_over).collect();
        simulations.push(next.clone());
        (next, ended)
    });
    simulation.lock().epoch = Some(epoch);
    drop(ended);
    simulation
}

/// A host starts, for the first time or again.
fn add(
    simulation: &mut Simulation,
    address: IpAddr,
    now: Instant,
    profile: Option<Profile>,
    life: Life,
) -> HostIndex {
    let index = simulation.host_at(address);
    let Simulation { network, hosts, .. } = simulation;
    if let Some(profile) = profile {
        network.set_profile(index, profile);
    }
    if hosts[index].begin(address, life) {
        for own in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            network.add_address(index, own);
        }
    } else {
        network.reboot(now, index);
    }
    index
}

/// Turmoil panics when a socket is bound to the family that its host has not, and tells nobody
/// which that is: so a panic means the other one.
fn bind() -> io::Result<UdpSocket> {
    let families = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let [first, second] = match family() {
        Some(Family::V4) => families,
        Some(Family::V6) => [families[1], families[0]],
        None => {
            quiet::prepare();
            families
        }
    };
    quiet::catch(|| bind_to(first)).unwrap_or_else(|| bind_to(second))
}

fn bind_to(any: IpAddr) -> io::Result<UdpSocket> {
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

/// Turmoil names its hosts in `192.168.0.0/16` or in `fe80::/64`, beginning with 1. Where hosts have
/// addresses in place of names, nobody can tell.
fn family() -> Option<Family> {
    let knows = |first: IpAddr| turmoil::reverse_lookup(first).is_some();
    if knows(IpAddr::V4(Ipv4Addr::new(192, 168, 0, 1))) {
        Some(Family::V4)
    } else if knows(IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1))) {
        Some(Family::V6)
    } else {
        None
    }
}
