//! The laboratory around a simulation: what is written down, and what can be looked at.

use std::io;

use twomsl_sim::{Network, Recording, Violation};
use twomsl_tcp::{Profile, Status};
use twomsl_trace::{Trace, ss};

use crate::calls::Calls;
use crate::error;
use crate::registry;
use crate::simulation::{Shared, sound};

/// What surrounds the hosts of one simulation: seed, profiles, the trace, socket tables.
///
/// It is made before anything else, [`Faults`](crate::Faults) included, on the thread on which the
/// simulation will run, and holds for the next simulation there. Without one the seed is 0, all
/// hosts have profile `linux`, and nothing is written down.
///
/// ```
/// use twomsl_sockets::net::{TcpListener, TcpStream};
/// use twomsl_sockets::{Lab, Recording};
/// use twomsl_trace::ladder;
///
/// let lab = Lab::new(7, Recording::Trace);
/// lab.set_title("A handshake");
/// let mut sim = turmoil::Builder::new().rng_seed(7).build();
/// sim.host("server", || async {
///     let listener = TcpListener::bind("0.0.0.0:80").await?;
///     let _connection = listener.accept().await?;
///     std::future::pending().await
/// });
/// sim.client("client", async {
///     let _connection = TcpStream::connect("server:80").await?;
///     println!("{}", twomsl_sockets::netstat("client")?);
///     Ok(())
/// });
/// sim.run().unwrap();
/// assert_eq!(lab.violations(), []);
/// println!("{}", ladder::plain(&lab.finish(), ladder::Form::default()));
/// ```
///
/// # Broken invariants
///
/// A broken invariant is a fault of ours, and a test must not pass over it: from then on every call
/// of a socket panics and says what is wrong, and so does the end of the `Lab`, until somebody has
/// asked for the [`violations`](Self::violations). [`set_violations`](Self::set_violations) lets
/// the simulation go on.
#[derive(Debug)]
pub struct Lab {
    simulation: Shared,
}

/// What follows from a broken invariant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Violations {
    /// Panics, until somebody has asked for it.
    #[default]
    Loud,
    /// Nothing: it can be asked for.
    Kept,
}

impl Lab {
    /// For the next simulation of this thread. The seed is that of our random streams: faults
    /// and initial sequence numbers; turmoil has its own.
    pub fn new(seed: u64, recording: Recording) -> Self {
        Self::prepared(Shared::new(seed, recording))
    }

    /// The same with a network that has hosts, links and rules already. A turmoil host is the
    /// network's host of its address or, failing that, of its name.
    pub fn with_network(network: Network) -> Self {
        Self::prepared(Shared::of(network))
    }

    fn prepared(simulation: Shared) -> Self {
        registry::prepare(simulation.clone());
        Self { simulation }
    }

    /// The title of the trace.
    pub fn set_title(&self, title: &str) {
        self.simulation.lock().network.set_title(title);
    }

    /// The profile of a host that has not started.
    ///
    /// # Errors
    /// `AlreadyExists` when it has.
    pub fn set_profile(&self, host: &str, profile: Profile) -> io::Result<()> {
        let mut simulation = self.simulation.lock();
        let index = simulation.host_called(host)?;
        if simulation.hosts[index].is_up() {
            return Err(error::started());
        }
        simulation.network.set_profile(index, profile);
        Ok(())
    }

    /// Whether the sockets write calls into the trace. At first they do.
    pub fn set_calls(&self, calls: Calls) {
        self.simulation.lock().calls = calls;
    }

    /// What follows from a broken invariant. At first calls panic.
    pub fn set_violations(&self, violations: Violations) {
        self.simulation.lock().violations = violations;
    }

    /// What was written down so far.
    pub fn trace(&self) -> Trace {
        self.simulation.lock().network.trace().clone()
    }

    /// What was written down in all. Packets that turmoil has not delivered by now are lost.
    pub fn finish(self) -> Trace {
        let mut simulation = self.simulation.lock();
        let now = simulation.now();
        simulation.network.end(now);
        simulation.network.trace().clone()
    }

    /// Invariants that were broken: of what was written and read, states, sequence numbers and
    /// incarnations (see [`twomsl_sim`]). Those of which this has told are not panicked about.
    pub fn violations(&self) -> Vec<Violation> {
        let mut simulation = self.simulation.lock();
        simulation.heard = simulation.network.violations().len();
        simulation.network.violations().to_vec()
    }

    /// The sockets of a host as `ss` shows them. Inside the simulation there is
    /// [`netstat`](crate::netstat), too.
    ///
    /// # Errors
    /// `NotFound` when there is no such host, or its stack has not started.
    pub fn netstat(&self, host: &str) -> io::Result<String> {
        netstat_in(&self.simulation, host)
    }

    /// Works with the network itself, whose time is brought up to date before.
    pub fn network<R>(&self, work: impl FnOnce(&mut Network) -> R) -> R {
        let mut simulation = self.simulation.lock();
        let now = simulation.now();
        if simulation.network.hosts() > 0 {
            simulation.network.time(0, now);
        }
        let result = work(&mut simulation.network);
        simulation.see_hosts();
        simulation.kick_all();
        result
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let alarm = self.simulation.lock().alarm();
        registry::forget(&self.simulation);
        sound(alarm);
    }
}

/// The sockets of a host as `ss` shows them, now.
///
/// # Errors
/// `NotFound` when there is no such host, or its stack has not started.
pub fn netstat(host: &str) -> io::Result<String> {
    netstat_in(&registry::current(), host)
}

/// The same as data.
///
/// # Errors
/// Those of [`netstat`].
pub fn sockets(host: &str) -> io::Result<Vec<Status>> {
    let simulation = registry::current();
    let simulation = simulation.lock();
    let index = simulation.living(host)?;
    Ok(simulation.network.stack(index).sockets().collect())
}

fn netstat_in(simulation: &Shared, host: &str) -> io::Result<String> {
    let simulation = simulation.lock();
    let index = simulation.living(host)?;
    let sockets: Vec<_> = simulation.network.stack(index).sockets().collect();
    Ok(ss::table(simulation.now(), &sockets))
}
