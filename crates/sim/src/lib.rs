//! The virtual network: clock, queue, random streams, links, fault rules, hosts, invariants.
//!
//! A [`WorldSpec`] says what there is; a [`World`] is made from it and runs. The same
//! specification and seed give the same [trace](twomsl_trace::Trace) on every machine.

mod bits;
mod builder;
mod calls;
mod check;
mod conditions;
mod fingerprint;
mod flight;
mod forge;
mod incidents;
mod invariants;
mod jitter;
mod life;
mod link;
mod live;
mod middlebox;
mod network;
mod pattern;
mod plan;
mod program;
mod queue;
mod random;
mod rules;
pub mod spec;
mod tasks;
mod words;
mod world;

pub use builder::{Forged, Moment, Packets, Role, WorldBuilder};
pub use plan::Plan;
pub use spec::WorldSpec;
pub use world::{Checks, End, Outcome, Recording, RoleResult, SpecError, Totals, Violation, World};
