//! A complete TCP (RFC 9293), sans-IO: inputs go in, effects come out, the driver owns time.
//!
//! - [`Stack`] is one host's TCP with all its sockets. Its documentation has a whole example: two
//!   sockets, the loop that drives them, and time that jumps from one deadline to the next.
//! - [`Profile`] holds everything that two TCPs may do differently, each number with its source:
//!   [`Profile::rfc9293`] is the textbook, [`Profile::linux`] has Linux' defaults and habits.
//!   [`SocketOption`]s change one socket.
//! - [`Output`] is what comes out of a stack: segments to [`Transmit`], each with its
//!   [`SendReason`], and [`Event`]s: a socket became ready, changed its [`TcpState`], set a timer,
//!   or made something of an arrival (a [`Verdict`], with the RFC's section).
//! - [`Instant`] is the driver's time, [`Status`] a line of a socket table, [`SocketError`] what a
//!   call fails with, and [`wire`] the segments themselves.
//!
//! There is no clock, no thread, no input or output in it, and equal inputs give equal outputs:
//! [`Stack::new`] takes the secret of the initial sequence numbers (RFC 6528) as an argument.
#![no_std]

extern crate alloc;

mod connection;
mod error;
mod event;
mod info;
mod mutation;
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
mod what_if;

pub use connection::Ending;
pub use error::SocketError;
pub use event::{
    Arrival, Cause, Event, Output, Readiness, Report, SendReason, SocketId, StateChange, SynTaken,
    TcpState, TimerChange, TimerKind, Transmit,
};
pub use info::TcpInfo;
#[cfg(feature = "mutations")]
pub use mutation::Mutation;
pub use options::{ErrorReports, Linger2, SocketOption, SocketOptions};
pub use parameters::ParameterError;
pub use profile::Profile;
pub use stack::{ObserveTimers, Prospect, Shutdown, Stack};
pub use status::{Detail, Holder, Status};
pub use time::Instant;
pub use twomsl_wire as wire;
pub use verdict::{Note, Verdict};
pub use what_if::{UnknownWhatIf, WhatIf, WhatIfs};
