//! What the TCP does, seen from outside: user calls, packets and time go in, effects come out.
//!
//! - [`harness`]: one stack brought into any state, and pairs of stacks over a scripted wire
//! - [`matrix`]: "segment arrives" in every state, against an oracle and as reviewed grids
//! - [`diagram`]: every arrow of the state diagram, and what moves connections along it
//! - [`random`]: properties under random wires, calls and segments
//! - [`acknowledgments`]: a sender under random acknowledgments
//! - [`calls`]: every user call in every state
//! - [`stories`]: what two applications, a wire with faults and a clock see of it

mod acknowledgments;
mod calls;
mod diagram;
mod freebsd;
mod harness;
mod matrix;
mod random;
mod requirements;
mod stories;
