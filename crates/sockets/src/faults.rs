//! Faults that tests install: impairments and rules, in the words of scenario files.

use std::fmt;
use std::io;

use twomsl_sim::spec::{FaultVerdict, Impairments};
use twomsl_sim::{FaultId, Network, Packets};

use crate::layers::LayerId;
use crate::registry;
use crate::simulation::{Shared, Simulation};

/// What befalls segments between hosts, besides what turmoil does: impairments of a direction,
/// and rules about single segments. They act where a segment leaves its host, before turmoil has
/// it.
///
/// They can be installed before the simulation runs, but after its [`Lab`](crate::Lab) was made, or
/// by a task inside it, and last as long as what [`install`](Self::install) returns. In a direction
/// in which several impairments are installed the last one is at work; when it is taken away, the
/// one before it is again. Chance is drawn from the seed of the [`Lab`](crate::Lab), from a stream
/// for each direction and each impairment.
///
/// ```
/// use twomsl_sockets::Faults;
/// use twomsl_sockets::spec::{Acks, FaultVerdict, Impairments, Loss, Probability};
///
/// let loss = Loss::Bernoulli(Probability::from_parts_per_billion(50_000_000).unwrap()); // 5 %
/// let installed = Faults::new()
///     .both_ways("client", "server", Impairments { loss, ..Impairments::default() })
///     .rule(FaultVerdict::Drop, |packets| packets.from("client").acks(Acks::Fin).nth(1))
///     .install()?;
/// // … the simulation runs …
/// drop(installed); // and from here on without faults
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
#[must_use = "nothing happens before they are installed"]
pub struct Faults {
    impaired: Vec<(String, String, Impairments)>,
    rules: Vec<Rule>,
}

/// A rule that finds its hosts when it is installed.
type Rule = Box<dyn FnOnce(&mut Network) -> FaultId>;

/// Faults that are at work. Dropping it takes them away: what a rule holds goes on its way.
#[derive(Debug)]
#[must_use = "the faults are taken away when this is dropped"]
pub struct Installed {
    simulation: Shared,
    rules: Vec<FaultId>,
    layers: Vec<LayerId>,
}

impl Faults {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What befalls segments from one host to another.
    pub fn one_way(mut self, from: &str, to: &str, impairments: Impairments) -> Self {
        self.impaired.push((from.to_owned(), to.to_owned(), impairments));
        self
    }

    /// What befalls segments between two hosts, the same in both directions.
    pub fn both_ways(self, a: &str, b: &str, impairments: Impairments) -> Self {
        self.one_way(a, b, impairments.clone()).one_way(b, a, impairments)
    }

    /// What becomes of which segments. Rules are asked in order, those installed earlier first;
    /// the first that matches decides.
    pub fn rule(
        mut self,
        verdict: FaultVerdict,
        packets: impl FnOnce(Packets<'_>) -> Packets<'_> + 'static,
    ) -> Self {
        self.rules.push(Box::new(|network| network.fault(verdict, packets)));
        self
    }

    /// Sets them to work: in the simulation of this thread or, if that is over, in the next one.
    ///
    /// # Errors
    /// `NotFound` for a name that no host has. Before a simulation runs any name will do.
    pub fn install(self) -> io::Result<Installed> {
        let simulation = registry::current();
        let mut installed =
            Installed { simulation: simulation.clone(), rules: Vec::new(), layers: Vec::new() };
        let simulation = &mut *simulation.lock();
        for (from, to, impairments) in self.impaired {
            let (from, to) = (simulation.host_called(&from)?, simulation.host_called(&to)?);
            let Simulation { layers, network, .. } = simulation;
            installed.layers.push(layers.install(network, (from, to), impairments));
        }
        for rule in self.rules {
            installed.rules.push(add_rule(simulation, rule)?);
        }
        Ok(installed)
    }
}

fn add_rule(simulation: &mut Simulation, rule: Rule) -> io::Result<FaultId> {
    let known = simulation.network.hosts();
    let id = rule(&mut simulation.network);
    let named = known..simulation.network.hosts();
    simulation.see_hosts();
    for host in named {
        if let Err(error) = Simulation::check_name(simulation.network.name(host)) {
            let now = simulation.now();
            simulation.network.remove_fault(now, id);
            return Err(error);
        }
    }
    Ok(id)
}

impl Installed {
    /// How often each rule has matched, in the order of installation.
    pub fn matched(&self) -> Vec<u32> {
        let simulation = self.simulation.lock();
        self.rules.iter().map(|rule| simulation.network.matched(*rule)).collect()
    }

    /// What rules hold under this name goes on its way.
    pub fn release(&self, name: &str) {
        let mut simulation = self.simulation.lock();
        let now = simulation.now();
        simulation.network.release(now, name);
        simulation.kick_all();
    }

    /// Takes them away, as dropping does.
    pub fn remove(self) {
        drop(self);
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let simulation = &mut *self.simulation.lock();
        let now = simulation.now();
        let Simulation { network, layers, .. } = simulation;
        for rule in &self.rules {
            network.remove_fault(now, *rule);
        }
        for layer in &self.layers {
            layers.remove(network, *layer);
        }
        simulation.kick_all();
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("impaired", &self.impaired)
            .field("rules", &self.rules.len())
            .finish()
    }
}
