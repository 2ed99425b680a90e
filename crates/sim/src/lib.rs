//! The virtual network: clock, queue, random streams, links, fault rules, hosts, invariants.
//!
//! A [`WorldSpec`] says what there is; a `World` is made from it and runs.

pub mod spec;
mod world;

pub use spec::WorldSpec;
pub use world::{End, Recording, SpecError, Totals, World};
