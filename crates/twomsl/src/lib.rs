//! A deterministic TCP laboratory: a whole RFC 9293 TCP over a scripted virtual network.
//!
//! The same scenario and seed give the same trace, byte for byte, on every machine. A test reads a
//! scenario, runs it, and asserts on what came of it:
//!
//! ```
//! use twomsl::Scenario;
//! use twomsl::trace::ladder;
//!
//! let scenario = Scenario::load("scenarios/close/lost-fin.kdl")?;
//! let outcome = scenario.with_seed(7).set("client.first-port", "50000")?.run()?;
//! assert!(outcome.holds(), "{}", outcome.report());
//! println!("{}", ladder::plain(&outcome.trace, ladder::Form::default()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Without a file, a builder speaks the same words:
//!
//! ```
//! use std::time::Duration;
//!
//! use twomsl::sim::spec::{FaultVerdict, Impairments};
//! use twomsl::tcp::{Profile, TcpState};
//! use twomsl::trace::ladder;
//! use twomsl::wire::Flags;
//! use twomsl::{End, World};
//!
//! let mut world = World::builder()
//!     .title("Lost FIN")
//!     .host("client", Profile::linux())
//!     .host("server", Profile::linux())
//!     .link("client", "server", Impairments::delay(Duration::from_millis(10)))
//!     .role("server", |role| role.listen(80).accept().read_to_end().close())
//!     .role("client", |role| role.connect("server", 80).write("hello").close())
//!     .fault(FaultVerdict::Drop, |packets| packets.from("client").flags(Flags::FIN).nth(1))
//!     .build()?;
//! assert_eq!(world.run(), End::Quiet);
//! assert_eq!(world.violations(), []);
//! assert_eq!(world.totals(1).read, 5);
//! assert!(world.paths(0)[0].contains(&TcpState::TimeWait));
//! // insta::assert_snapshot!(ladder::plain(world.trace(), ladder::Form::default()));
//! # assert!(ladder::plain(world.trace(), ladder::Form::default()).contains("fault 1"));
//! # Ok::<(), twomsl::sim::SpecError>(())
//! ```
//!
//! A tokio application under [turmoil](https://docs.rs/turmoil) has real connections when its
//! imports say [`twomsl::net`](net) instead of `turmoil::net`: see [`sockets`].
//!
//! Pages for readers:
//!
//! - [the scenario language](https://github.com/twomsl/twomsl/blob/main/docs/scenario-language.md): every word of a file;
//! - [the key to the ladder](https://github.com/twomsl/twomsl/blob/main/docs/ladder.md): every sign of the picture;
//! - [a tokio application under turmoil](https://github.com/twomsl/twomsl/blob/main/docs/turmoil.md): the one line to change,
//!   and what can go wrong then;
//! - [the library of scenarios](https://github.com/twomsl/twomsl/tree/main/scenarios), each with a question and its answer, to
//!   take and change.
//!
//! What is where:
//!
//! - [`Scenario`] reads a file, [`Outcome`] is what came of it and what did not hold;
//! - [`World`] runs, [`WorldBuilder`] builds one without a file, [`sim::spec`] has all its parts;
//! - [`trace::ladder`], [`trace::tcpdump`], [`trace::ss`] and [`trace::jsonl`] show a run,
//!   [`trace::query`] asks it;
//! - [`tcp::Stack`] is the TCP alone, without a network, for whoever wants to drive it;
//!   [`tcp::Profile`] holds its numbers.

pub use twomsl_explore as explore;
pub use twomsl_scenario as scenario;
pub use twomsl_sim as sim;
mod engines;

pub use engines::{EngineError, run_on};
pub use twomsl_sockets as sockets;
pub use twomsl_tcp as tcp;
pub use twomsl_trace as trace;
pub use twomsl_wire as wire;

pub use twomsl_scenario::{Outcome, Scenario, ScenarioError};
pub use twomsl_sim::{End, Plan, Recording, World, WorldBuilder};
pub use twomsl_sockets::net;

/// The page for the service engineer: what it shows is compiled, and runs.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/turmoil.md")]
struct TurmoilPage;

/// The page about searches.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/explore.md")]
struct ExplorePage;
