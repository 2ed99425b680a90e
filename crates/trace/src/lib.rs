//! The event model of a run, and everything that can be rendered from it.
//!
//! A [`Trace`] is the only source of every output: renderers never see live state, a clock,
//! the environment or a terminal, so that equal traces give equal bytes everywhere.
//!
//! - [`ladder`]: both ends' states and every segment, for people.
//! - [`tcpdump`]: one line per packet, as that tool writes them.
//! - [`jsonl`]: everything, for programs; [`digest`]: the hash of that.
//! - [`ss`]: socket tables.
//! - [`query`]: questions that expectations and tests ask.
//!
//! [`connections`] and [`journeys`] bring together what belongs together, for all of them.

mod clock;
pub mod connections;
pub mod digest;
pub mod journeys;
pub mod jsonl;
pub mod ladder;
mod model;
pub mod query;
pub mod ss;
pub mod tcpdump;
mod words;

pub use model::{
    About, Action, Author, Decider, Event, Fate, HostId, HostInfo, PacketId, PathInfo, Record,
    SCHEMA_VERSION, SocketRef, Trace,
};
