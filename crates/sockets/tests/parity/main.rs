//! One source, two worlds: every test in `cases.rs` and `corners.rs` runs against `tokio::net`
//! over the loopback interface of this machine, and against `twomsl_sockets::net` inside turmoil.
//! What holds for one and not for the other is a fault of ours.

#![expect(clippy::duplicate_mod, reason = "the same cases against two modules are the point")]

mod ours_in_turmoil;
mod tokio_on_loopback;

/// How a case ends.
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;
