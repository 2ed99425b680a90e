//! A complete TCP (RFC 9293), sans-IO: inputs go in, effects come out, the driver owns time.
#![no_std]

extern crate alloc;

mod connection;
mod error;
mod event;
mod options;
mod outbox;
mod parameters;
pub mod profile;
mod stack;
mod status;
mod time;
mod timers;
mod tuple;
mod verdict;

pub use error::SocketError;
pub use event::{
    Arrival, Cause, Event, Output, Readiness, SendReason, SocketId, StateChange, SynTaken,
    TcpState, TimerChange, TimerKind, Transmit,
};
pub use options::{SocketOption, SocketOptions};
pub use parameters::ParameterError;
pub use profile::Profile;
pub use stack::{ObserveTimers, Shutdown, Stack};
pub use status::{Detail, Holder, Status};
pub use time::Instant;
pub use twomsl_wire as wire;
pub use verdict::{Note, Verdict};
