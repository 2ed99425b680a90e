//! What the hosts of one simulation share.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime;
use twomsl_tcp::Instant;

use crate::error;
use crate::host::{Call, Host};
use crate::transit::Transit;
use crate::wakers::Woken;

/// The UDP port on every host between which segments travel: 6, TCP's protocol number.
pub const PORT: u16 = 6;

/// The hosts of one simulation, and the packets between them.
#[derive(Debug)]
pub(crate) struct Network {
    /// Tells networks apart: datagrams carry it.
    pub(crate) serial: u64,
    /// When the simulation's clock started, since 1970: what turmoil knows a simulation by.
    epoch: Duration,
    /// The latest moment that any host has seen.
    latest: Instant,
    /// One for every start of a stack: a host that was bounced has several.
    pub(crate) hosts: Vec<Host>,
    pub(crate) transit: Transit,
}

/// A network, for everybody who needs it. It is locked for the time of one call, and all of it
/// happens on one thread: the lock is for the type system, which lets sockets wander with their
/// tasks.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Network>>);

/// One start of the stack of one host.
#[derive(Clone, Debug)]
pub(crate) struct HostRef {
    pub(crate) network: Shared,
    pub(crate) index: usize,
    /// The runtime of the host. A crash ends it, and with it this stack.
    runtime: runtime::Id,
}

impl Shared {
    pub(crate) fn new(epoch: Duration) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        Self(Arc::new(Mutex::new(Network {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            epoch,
            latest: Instant::ZERO,
            hosts: Vec::new(),
            transit: Transit::default(),
        })))
    }

    /// A panic of another task cannot have left it halfway: no code of users runs inside.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Network> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Network {
    /// Whether a host that starts now can be of this simulation. Turmoil does not name its
    /// simulations. Each has an epoch, by default the moment when its builder was made; and time
    /// does not run backwards in one, as it does for the next one of the same builder.
    pub(crate) fn can_have(&self, epoch: Duration, now: Instant) -> bool {
        // Within one tick the clocks of hosts may differ by that tick.
        let tick = self.hosts.iter().filter_map(|host| host.tick).max().unwrap_or_default();
        let living = self.hosts.iter().any(Host::is_up);
        let behind = self.latest.since(now);
        epoch == self.epoch && if living { behind <= tick } else { behind.is_zero() }
    }

    /// The living host of a runtime.
    pub(crate) fn host_of(&self, runtime: runtime::Id) -> Option<usize> {
        // The latest first: hosts are few, and old starts of them are done with.
        self.hosts.iter().rposition(|host| host.runtime == runtime && host.is_up())
    }

    fn call<R>(
        &mut self,
        index: usize,
        woken: &mut Woken,
        call: impl FnOnce(&mut Call<'_>) -> R,
    ) -> io::Result<R> {
        let Self { hosts, transit, latest, serial, .. } = self;
        let host = &mut hosts[index];
        let now = host.now();
        *latest = now.max(*latest);
        host.check()?;
        host.close_left(now);
        let result = call(&mut Call {
            stack: &mut host.stack,
            wakers: &mut host.wakers,
            ports: &mut host.ports,
            now,
        });
        host.flush((*serial, transit), now, woken);
        host.kick();
        Ok(result)
    }
}

impl HostRef {
    pub(crate) fn new(network: Shared, index: usize, runtime: runtime::Id) -> Self {
        Self { network, index, runtime }
    }

    /// Calls the stack of this host, and sends what comes of it.
    ///
    /// # Errors
    /// When the caller is not a task of this host, or the host has crashed.
    pub(crate) fn enter<R>(&self, call: impl FnOnce(&mut Call<'_>) -> R) -> io::Result<R> {
        self.check_caller()?;
        let mut woken = Woken::default();
        let result = self.network.lock().call(self.index, &mut woken, call);
        woken.wake();
        result
    }

    /// Works with the host itself, without a call of its stack. From anywhere.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Host) -> R) -> R {
        work(&mut self.network.lock().hosts[self.index])
    }

    /// Whether the host of a socket still lives.
    ///
    /// # Errors
    /// When it has crashed.
    pub(crate) fn check_up(&self) -> io::Result<()> {
        self.with(|host| host.check())
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
        let (name, up) = self.with(|host| (host.name(), host.is_up()));
        match up {
            false => error::crashed(&name),
            true if turmoil::in_simulation() => error::elsewhere(&name),
            true => error::outside(),
        }
    }
}
