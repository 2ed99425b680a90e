//! Real applications on these sockets, and the same programs on turmoil's own TCP beside them.
//!
//! A program in `programs/` is written against `tokio::net`'s API and is compiled twice: in
//! [`segments`] its imports lead to `twomsl::net`, in [`pipe`] to turmoil's. The tests run both
//! in the same simulations, and say what comes of it.

#![expect(clippy::duplicate_mod, reason = "one program, two TCPs: that is what is tested")]

mod every_program;
mod examples;
mod identity;
mod idle;
mod loss;
mod pipe;
mod segments;
mod situations;
mod trial;
