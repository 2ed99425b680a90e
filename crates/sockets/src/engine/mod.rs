//! Scenarios inside turmoil: the roles of a specification as tasks on these sockets.
//!
//! Hosts are turmoil's, their roles run on tokio, and segments travel as turmoil's datagrams. What
//! links and rules do to packets is done by the same code as in a world, with the same draws, so
//! that both tell the same story; times agree as far as turmoil's ticks let them.

mod incidents;
mod relay;
mod role;
mod steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use turmoil::{Builder, Sim};
use twomsl_sim::spec::{IncidentAction, WorldSpec};
use twomsl_sim::{Carrier, End, MOST_RECORDS, Network, Recording, Run, SpecError};
use twomsl_tcp::Instant;

use crate::calls::Calls;
use crate::lab::Violations;
use crate::registry;
use crate::simulation::Shared;
use role::Role;

/// How long a tick of turmoil lasts here: tokio's timers count in milliseconds.
pub const TICK: Duration = Duration::from_millis(1);

/// Why a specification was not run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It contradicts itself.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// It asks for something that turmoil has not.
    #[error("turmoil cannot run it: {0}")]
    Cannot(&'static str),
    /// Turmoil has stopped it.
    #[error("turmoil has stopped: {0}")]
    Stopped(Box<dyn std::error::Error>),
}

/// What the tasks of a run share. All of it happens on one thread; but tasks that tokio spawns,
/// unlike those of a `LocalSet`, take turns with the driver of their host.
pub(super) struct Stage {
    pub(super) spec: Arc<WorldSpec>,
    pub(super) simulation: Shared,
    /// How many tasks each host has had: their numbers go on after a crash.
    tasks: Vec<AtomicU32>,
    /// How many tasks wait for a time.
    sleeping: AtomicU32,
}

/// Why turmoil cannot run a specification, if it cannot.
pub fn cannot(spec: &WorldSpec) -> Option<&'static str> {
    let pauses = |action: &IncidentAction| {
        matches!(action, IncidentAction::Pause(_) | IncidentAction::Resume(_))
    };
    if spec.incidents.iter().any(|incident| pauses(&incident.action)) {
        return Some("its hosts cannot stand still while time goes on");
    }
    if spec.hosts.iter().any(|host| !host.quiet_time.is_zero()) {
        return Some("its hosts keep no quiet time after a reboot");
    }
    None
}

/// Runs a specification to its end.
///
/// # Errors
/// See [`EngineError`].
pub fn run(spec: impl Into<Arc<WorldSpec>>) -> Result<Run, EngineError> {
    let spec: &Arc<WorldSpec> = &spec.into();
    if let Some(why) = cannot(spec) {
        return Err(EngineError::Cannot(why));
    }
    let mut network = Network::from_spec(Arc::clone(spec), Recording::Trace)?;
    network.set_carrier(Carrier::KeepsTime(2 * TICK));
    let simulation = Shared::of(network);
    simulation.lock().calls = Calls::Unwritten;
    // They are part of the story.
    simulation.lock().violations = Violations::Kept;
    registry::prepare(simulation.clone());
    let mut sim = builder(spec).build();
    let stage = Arc::new(Stage {
        spec: Arc::clone(spec),
        simulation,
        tasks: spec.hosts.iter().map(|_| AtomicU32::new(0)).collect(),
        sleeping: AtomicU32::new(0),
    });
    for host in 0..spec.hosts.len() {
        let stage = Arc::clone(&stage);
        sim.host(spec.hosts[host].name.as_str(), move || Role::all_of(Arc::clone(&stage), host));
    }
    let end = play(&mut sim, &stage).map_err(EngineError::Stopped)?;
    let run = stage.finish(end);
    // Only a simulation that is over is forgotten.
    drop(sim);
    registry::forget(&stage.simulation);
    Ok(run)
}

/// Turmoil's part of the network takes no time of its own and loses nothing.
fn builder(spec: &WorldSpec) -> Builder {
    let mut builder = Builder::new();
    builder
        .tick_duration(TICK)
        .min_message_latency(Duration::ZERO)
        .max_message_latency(Duration::ZERO)
        .simulation_duration(Duration::MAX)
        .udp_capacity(1 << 16)
        .rng_seed(spec.seed);
    builder
}

/// Tick by tick, until nothing is left to happen or the time is up.
fn play(sim: &mut Sim<'_>, stage: &Stage) -> turmoil::Result<End> {
    let until = stage.spec.until.map_or(DEFAULT_END, |until| Instant::ZERO + until);
    let mut quiet_ticks = 0;
    loop {
        sim.step()?;
        // The hosts' clocks begin one tick later than turmoil's.
        let now = Instant::ZERO + sim.elapsed().saturating_sub(TICK);
        incidents::happen(sim, stage, now);
        if now > until {
            return Ok(End::TimeUp);
        }
        if stage.simulation.lock().network.trace().records.len() >= MOST_RECORDS {
            return Ok(End::TooMuch);
        }
        quiet_ticks = if stage.is_quiet() { quiet_ticks + 1 } else { 0 };
        // What the last tick has woken runs in the next one.
        if quiet_ticks > 2 {
            return Ok(End::Quiet);
        }
    }
}

/// As for a world: a day.
const DEFAULT_END: Instant = Instant::from_millis(24 * 3_600_000);

impl Stage {
    /// The next number among the tasks of a host.
    pub(super) fn task_number(&self, host: usize) -> u32 {
        self.tasks[host].fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a task that waits for a time, as long as what is returned lives.
    pub(super) fn sleeper(self: &Arc<Self>) -> Sleeper {
        self.sleeping.fetch_add(1, Ordering::Relaxed);
        Sleeper(Arc::clone(self))
    }

    fn is_quiet(&self) -> bool {
        self.sleeping.load(Ordering::Relaxed) == 0 && self.simulation.lock().network.is_quiet()
    }

    /// What came of it.
    fn finish(&self, end: End) -> Run {
        let mut simulation = self.simulation.lock();
        let network = &mut simulation.network;
        if end == End::Quiet {
            network.check_quiet();
        }
        network.end(network.now());
        let last = network.trace().records.last().map_or(Instant::ZERO, |record| record.at);
        let until = self.spec.until.map_or(DEFAULT_END, |until| Instant::ZERO + until);
        // The ticks in which nothing happened are not part of the story.
        network.over(end, if end == End::TimeUp { until } else { last })
    }
}

/// A task that waits for a time.
pub(super) struct Sleeper(Arc<Stage>);

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.sleeping.fetch_sub(1, Ordering::Relaxed);
    }
}
