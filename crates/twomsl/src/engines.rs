//! The same scenario on any engine.

use twomsl_scenario::{Engine, Outcome, RunError, Scenario};
use twomsl_sim::Run;
use twomsl_sockets::engine as turmoil;

/// Why an engine did not run a scenario.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// What it describes cannot be.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It says itself that only another engine can run it.
    #[error("{name} runs on engine {} only: {because}", .engine.name())]
    Only {
        /// The scenario.
        name: String,
        /// The engine that can.
        engine: Engine,
        /// Why.
        because: String,
    },
    /// Turmoil cannot, or would not.
    #[error("{name}: {error}")]
    Turmoil {
        /// The scenario.
        name: String,
        /// Why.
        error: turmoil::EngineError,
    },
}

/// Runs a scenario to its end on an engine, and holds what happened against its expectations.
///
/// On [`Engine::Turmoil`] its hosts are turmoil's, its roles are tokio tasks on the sockets of
/// [`net`](crate::net), and the run takes as long as turmoil needs for every millisecond of it.
///
/// ```
/// use twomsl::scenario::Engine;
///
/// let scenario = twomsl::Scenario::load("scenarios/close/half-close.kdl")?;
/// let world = twomsl::run_on(&scenario, Engine::Sim)?;
/// let turmoil = twomsl::run_on(&scenario, Engine::Turmoil)?;
/// assert!(world.holds() && turmoil.holds());
/// assert_eq!(world.totals, turmoil.totals);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`EngineError`].
pub fn run_on(scenario: &Scenario, engine: Engine) -> Result<Outcome, EngineError> {
    if let Some((only, because)) = &scenario.story().engine
        && *only != engine
    {
        let (name, because) = (scenario.name().to_owned(), because.clone());
        return Err(EngineError::Only { name, engine: *only, because });
    }
    match engine {
        Engine::Sim => Ok(scenario.run()?),
        Engine::Turmoil => scenario.run_with(engine, in_turmoil),
    }
}

fn in_turmoil(scenario: &Scenario) -> Result<Run, EngineError> {
    turmoil::run(scenario.spec())
        .map_err(|error| EngineError::Turmoil { name: scenario.name().to_owned(), error })
}
