//! packetdrill scripts, in virtual time: no root, no kernel, no waiting.
//!
//! A script says what an application does, what arrives from the network, and what the stack must
//! send, each at its time. The parts, in the order in which a script goes through them:
//!
//! 1. `syntax` reads the text of both dialects into a `script::Script`;
//! 2. `calls` turns a system call of a script into a `system::Request`, and holds what comes back
//!    against what the script says; `symbols` knows the numbers of its words;
//! 3. `runner` goes through the events, with packets in the script's numbers and tolerant times;
//!    `shell` understands what stands in backticks, and `assertions` what stands in `%{ }%`;
//! 4. `host` is the machine under test: a stack with file descriptors, waiting calls, a clock.

mod assertions;
mod calls;
mod drill;
mod errno;
mod host;
mod runner;
mod script;
mod setup;
mod symbols;
mod syntax;
pub mod system;
mod tcp_info;

pub use drill::{Drill, Recording, Settings};
pub use host::{Host, HostSettings};
pub use runner::{Failure, Relaxation, Report, Verdict};
pub use setup::{Dialect, IpVersion};
