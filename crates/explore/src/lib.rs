//! Searches: for the schedule that breaks something.
//!
//! [`sweep`] runs a scenario with many seeds, or with as many configurations, each of which
//! [`swarmed`] makes a scenario of its own.
//!
//! [`explore`] tries every way of placing a few faults on the packets and hosts of a scenario, in
//! the order of their number, so that the first that breaks something has as few as possible.
//!
//! [`shrink`] makes a run that fails smaller.
//!
//! ```
//! use twomsl_explore::{Limits, explore};
//! use twomsl_scenario::Scenario;
//!
//! let scenario = Scenario::parse("ping.kdl", r#"
//!     scenario "Ping"
//!     host "client" profile="linux"
//!     host "server" profile="linux"
//!     link "client" "server" delay="10ms"
//!     role "server" { listen 80; accept; read-to-end; close }
//!     role "client" { connect "server:80"; write "hello"; close }
//!     explore faults=1 kinds="drop,duplicate" {
//!         expect { read "server" bytes=5; result "server" "read-to-end" ok=#true }
//!     }
//! "#)?;
//! let bound = scenario.bound().cloned().unwrap_or_default();
//! let found = explore(&scenario, &bound, &Limits::default())?;
//! assert!(found.is_clean(), "{}", found.report());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod artefacts;
mod counterexample;
mod explore;
mod fault;
mod frontier;
mod key;
mod levels;
mod node;
mod plain;
mod search;
mod shrink;
mod sizes;
mod swarm;
mod sweep;

pub use counterexample::Counterexample;
pub use explore::{
    Exploration, ExploreError, Figures, Limits, OCTETS_PER_STATE, Reached, explore, faults, resume,
};
pub use fault::{Befalls, Fault, Schedule};
pub use frontier::{Frontier, FrontierError};
pub use shrink::{Reason, ShrinkError, Shrunk, shrink};
pub use swarm::swarmed;
pub use sweep::{Failed, Left, Spread, Sweep, Variety, sweep};
pub use twomsl_scenario::{Bound, Broken, FaultKind};
pub use twomsl_sim::{Coverage, Met};
