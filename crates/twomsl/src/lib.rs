//! A deterministic TCP laboratory: a whole RFC 9293 TCP over a scripted virtual network.
//!
//! The same scenario and seed give the same trace, byte for byte, on every machine. A test reads a
//! scenario, runs it, and asserts on what came of it:
//!
//! ```no_run
//! use twomsl::Scenario;
//! use twomsl::trace::ladder;
//!
//! let scenario = Scenario::load("scenarios/close/lost-fin.kdl".as_ref())?;
//! let outcome = scenario.with_seed(7).set("client.time-wait", "1s")?.run()?;
//! assert!(outcome.holds(), "{}", outcome.report());
//! println!("{}", ladder::plain(&outcome.trace, ladder::Form::default()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Without a file, [`sim::spec::WorldSpec`] is the same world as data, and [`sim::World`] runs it;
//! [`tcp::Stack`] is the TCP alone, without a network.

pub use twomsl_scenario as scenario;
pub use twomsl_sim as sim;
pub use twomsl_tcp as tcp;
pub use twomsl_trace as trace;
pub use twomsl_wire as wire;

pub use twomsl_scenario::{Outcome, Scenario, ScenarioError};
