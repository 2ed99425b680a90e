//! The event model of a run, and everything that can be rendered from it.
//!
//! A [`Trace`] is the only source of every output: renderers never see live state.

mod model;

pub use model::{
    About, Action, Decider, Event, Fate, HostId, HostInfo, PacketId, PathInfo, Record,
    SCHEMA_VERSION, SocketRef, Trace,
};
