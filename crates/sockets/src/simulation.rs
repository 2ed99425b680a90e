//! What the hosts of one simulation share.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime;
use twomsl_sim::spec::HostIndex;
use twomsl_sim::{Carrier, Network, Recording};
use twomsl_tcp::{Instant, Profile};

use crate::calls::Calls;
use crate::error;
use crate::host::{Call, Host};
use crate::lab::Violations;
use crate::layers::Layers;
use crate::train::Train;
use crate::wakers::Woken;

/// The UDP port on every host between which segments travel: 6, TCP's protocol number.
pub const PORT: u16 = 6;

/// The hosts of one simulation, and the network between them.
#[derive(Debug)]
pub(crate) struct Simulation {
    /// Tells simulations apart: datagrams carry it.
    pub(crate) serial: u64,
    /// When the simulation's clock started, since 1970: what turmoil knows a simulation by. None
    /// before its first host has started.
    pub(crate) epoch: Option<Duration>,
    /// Stacks, rules, impairments, invariants and the trace.
    pub(crate) network: Network,
    /// In the order of the network's.
    pub(crate) hosts: Vec<Host>,
    pub(crate) calls: Calls,
    pub(crate) violations: Violations,
    /// How many broken invariants somebody has asked for.
    pub(crate) heard: usize,
    /// For how many of them everybody who waits was woken.
    alarmed: usize,
    /// Impairments that were installed.
    pub(crate) layers: Layers,
    /// Packets that are about to set out.
    train: Train,
}

/// A simulation, for everybody who needs it. It is locked for the time of one call, and all of it
/// happens on one thread: the lock is for the type system, which lets sockets wander with their
/// tasks.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Simulation>>);

/// One life of one host.
#[derive(Clone, Debug)]
pub(crate) struct HostRef {
    pub(crate) simulation: Shared,
    pub(crate) index: HostIndex,
    /// The runtime of the host. A crash ends it, and with it this life.
    runtime: runtime::Id,
}

impl Shared {
    pub(crate) fn new(seed: u64, recording: Recording) -> Self {
        Self::of(Network::new(seed, recording))
    }

    /// With hosts that are there already.
    pub(crate) fn of(network: Network) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let hosts = (0..network.hosts()).map(|_| Host::default()).collect();
        Self(Arc::new(Mutex::new(Simulation {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            epoch: None,
            network,
            hosts,
            calls: Calls::Written,
            violations: Violations::Loud,
            heard: 0,
            alarmed: 0,
            layers: Layers::default(),
            train: Train::default(),
        })))
    }

    /// A panic of another task cannot have left it halfway: no code of users runs inside.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Simulation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Simulation {
    /// Whether a host that starts now can be of this simulation. Turmoil does not name its
    /// simulations. Each has an epoch, by default the moment when its builder was made; no
    /// address lives twice in one; and time does not run backwards.
    pub(crate) fn can_have(&self, epoch: Duration, address: IpAddr, now: Instant) -> bool {
        let twin = self.network.host_of(address).is_some_and(|host| self.hosts[host].is_up());
        let living = self.hosts.iter().any(Host::is_up);
        self.epoch == Some(epoch) && !twin && (living || now >= self.network.now())
    }

    /// Whether it began, and all of its hosts are gone.
    pub(crate) fn is_over(&self) -> bool {
        self.epoch.is_some() && !self.is_running()
    }

    /// Whether a host of it lives.
    pub(crate) fn is_running(&self) -> bool {
        self.hosts.iter().any(Host::is_up)
    }

    /// The time of the task that asks or, for everybody else, the latest of all hosts. That of the
    /// network is the time of the last event, which may be long ago.
    pub(crate) fn now(&self) -> Instant {
        let here = runtime::Handle::try_current().ok();
        let asks = here.and_then(|here| self.hosts.iter().find_map(|host| host.time_on(here.id())));
        asks.map_or_else(|| self.latest(), |now| now.max(self.network.now()))
    }

    /// The latest time of all hosts: between two ticks they are equal, except for those whose
    /// software has come to its end.
    pub(crate) fn latest(&self) -> Instant {
        let network = self.network.now();
        // A carrier that keeps time knows it better than to a tick.
        if self.network.carrier() != Carrier::TakesTime {
            return network;
        }
        self.hosts.iter().filter_map(Host::time).fold(network, Instant::max)
    }

    /// The living host of a runtime.
    pub(crate) fn host_of(&self, runtime: runtime::Id) -> Option<HostIndex> {
        self.hosts.iter().position(|host| host.is_life(runtime))
    }

    /// The host of an address; if it has never been heard of, there is one from now on.
    pub(crate) fn host_at(&mut self, address: IpAddr) -> HostIndex {
        if let Some(host) = self.network.host_of(address) {
            return host;
        }
        // Without a simulation there are no names yet.
        let name = turmoil::in_simulation().then(|| turmoil::reverse_lookup(address)).flatten();
        let name = name.unwrap_or_else(|| address.to_string());
        let host = self.host_named(&name);
        self.network.add_address(host, address);
        self.hosts[host].address = Some(address);
        host
    }

    /// The host of a name; if it has never been heard of, there is one from now on, without an
    /// address.
    pub(crate) fn host_named(&mut self, name: &str) -> HostIndex {
        // One that turmoil has already shown to be at another address is another one.
        let known = self.network.host(name).filter(|host| self.hosts[*host].address.is_none());
        let host = known.unwrap_or_else(|| self.network.add_host(name, Profile::linux()));
        self.see_hosts();
        host
    }

    /// The host that somebody calls so: by name or by address.
    ///
    /// # Errors
    /// `NotFound` when turmoil knows no such host. Outside of a simulation nobody can tell.
    pub(crate) fn host_called(&mut self, name: &str) -> io::Result<HostIndex> {
        if let Some(host) = self.network.host(name) {
            return Ok(host);
        }
        if let Ok(address) = name.parse() {
            return Ok(self.host_at(address));
        }
        Self::check_name(name)?;
        Ok(self.host_named(name))
    }

    /// Whether there can be a host of this name.
    ///
    /// # Errors
    /// `NotFound` when turmoil knows no such host.
    pub(crate) fn check_name(name: &str) -> io::Result<()> {
        if turmoil::in_simulation() { crate::net::resolve((name, 0)).map(drop) } else { Ok(()) }
    }

    /// The host of this name or address whose stack runs.
    ///
    /// # Errors
    /// `NotFound`.
    pub(crate) fn living(&self, name: &str) -> io::Result<HostIndex> {
        let by_address = || self.network.host_of(name.parse().ok()?);
        let host = self.network.host(name).or_else(by_address);
        host.filter(|host| self.hosts[*host].is_up()).ok_or_else(|| error::no_stack(name))
    }

    /// Lets every driver look at what there is to do: something happened to the network itself.
    pub(crate) fn kick_all(&mut self) {
        for (index, host) in self.hosts.iter_mut().enumerate() {
            host.kick(self.network.next_due(index));
        }
    }

    /// The network may have got hosts by other ways.
    pub(crate) fn see_hosts(&mut self) {
        self.hosts.resize_with(self.network.hosts(), Host::default);
    }

    fn call<R>(
        &mut self,
        index: HostIndex,
        life: runtime::Id,
        woken: &mut Woken,
        call: impl FnOnce(&mut Call<'_>) -> R,
    ) -> io::Result<R> {
        let Self { network, hosts, calls, .. } = self;
        let Some(host) = hosts[index].life(life) else {
            return Err(hosts[index].why_over(network.name(index)));
        };
        let now = host.now();
        host.close_left(network, index, now, *calls);
        let result = call(&mut Call {
            network,
            host: index,
            wakers: &mut host.wakers,
            ports: &mut host.ports,
            tasks: &mut host.tasks,
            calls: *calls,
            now,
        });
        self.wake(woken);
        let due = self.network.next_due(index);
        self.hosts[index].kick(due);
        Ok(result)
    }

    /// The driver's part: timers run, packets to the host itself arrive, others set out. When
    /// that has to be done next.
    pub(crate) fn turn(
        &mut self,
        index: HostIndex,
        now: Instant,
        woken: &mut Woken,
    ) -> Option<Instant> {
        let Self { network, hosts, serial, train, .. } = self;
        loop {
            network.turn(now, index, |parcel| train.add(parcel));
            let stranded = train.depart(hosts, index, *serial);
            if stranded.is_empty() {
                break;
            }
            for number in stranded {
                network.undeliverable(now, number);
            }
        }
        self.wake(woken);
        self.network.next_due(index)
    }

    /// Tasks that can go on are to be woken.
    pub(crate) fn wake(&mut self, woken: &mut Woken) {
        let Self { network, hosts, .. } = self;
        for ready in network.take_ready() {
            hosts[ready.host].wake(ready.socket, ready.readiness, woken);
        }
        let broken = network.violations().len();
        if self.violations == Violations::Loud && broken > self.alarmed {
            self.alarmed = broken;
            // Whoever waits hears of it with the next look at the socket.
            self.hosts.iter_mut().for_each(|host| host.wake_all(woken));
        }
    }

    /// What has to be said of a broken invariant for which nobody has asked.
    pub(crate) fn alarm(&self) -> Option<String> {
        let unheard = self.network.violations().get(self.heard..)?.first()?;
        (self.violations == Violations::Loud).then(|| error::broken(unheard))
    }
}

/// Stops who has called: the fault is in the stacks, and nothing that they say can be trusted.
///
/// # Panics
/// If there is an alarm, and no panic already.
pub(crate) fn sound(alarm: Option<String>) {
    if let Some(alarm) = alarm.filter(|_| !std::thread::panicking()) {
        panic!("{alarm}");
    }
}

impl HostRef {
    pub(crate) fn new(simulation: Shared, index: HostIndex, runtime: runtime::Id) -> Self {
        Self { simulation, index, runtime }
    }

    pub(crate) fn runtime(&self) -> runtime::Id {
        self.runtime
    }

    /// Calls the stack of this host, and sends what comes of it.
    ///
    /// # Errors
    /// When the caller is not a task of this host, or the host has crashed.
    pub(crate) fn enter<R>(&self, call: impl FnOnce(&mut Call<'_>) -> R) -> io::Result<R> {
        self.check_caller()?;
        let mut woken = Woken::default();
        let (result, alarm) = {
            let simulation = &mut *self.simulation.lock();
            let result = simulation.call(self.index, self.runtime, &mut woken, call);
            (result, simulation.alarm())
        };
        woken.wake();
        sound(alarm);
        result
    }

    /// Works with this life of the host, without a call of its stack; from anywhere. Nothing
    /// happens when it is over.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut crate::host::Life) -> R) -> Option<R> {
        self.simulation.lock().hosts[self.index].life(self.runtime).map(work)
    }

    /// A packet leaves from the host that turmoil runs, and time is that of the runtime one is
    /// on: both must be this host's.
    fn check_caller(&self) -> io::Result<()> {
        let here = runtime::Handle::try_current().map_err(|_| self.wrong_place())?;
        if here.id() == self.runtime && turmoil::in_simulation() {
            Ok(())
        } else {
            Err(self.wrong_place())
        }
    }

    fn wrong_place(&self) -> io::Error {
        let simulation = self.simulation.lock();
        let name = simulation.network.name(self.index);
        if !simulation.hosts[self.index].is_life(self.runtime) {
            simulation.hosts[self.index].why_over(name)
        } else if turmoil::in_simulation() {
            error::elsewhere(name)
        } else {
            error::outside()
        }
    }
}
