//! The stack in virtual time as a shared object, for the original packetdrill.
//!
//! packetdrill can test a TCP that it loads with `dlopen` in place of the kernel's
//! (`--so_filename=`). What it asks of such an object is one exported function,
//! [`packetdrill_interface_init`], which fills a structure of function pointers: the system calls
//! of POSIX, both ends of a network device, a clock. `docs/packetdrill-so.md` says how to use it.
//!
//! This is the only crate with `unsafe` code, and it has nothing else that is worth a crate:
//!
//! - `interface` is the structure, in C's layout;
//! - `calls` and `device` are the functions in it: they translate the arguments, one function each;
//! - `memory` reads and writes what C's pointers point to: every `unsafe` that is not a signature;
//! - `instance` is safe code: one machine behind a lock, calls that wait, and who may move the clock;
//! - `flags` is what `--so_flags=` says;
//! - `exports` are questions that packetdrill does not ask, but our own tests do.
//!
//! No panic leaves this crate: it becomes −1 with `EIO` (`memory::enter`).
#![cfg(target_os = "linux")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![expect(unsafe_code, reason = "the C interface is made of pointers; see above")]

mod calls;
mod device;
mod exports;
mod flags;
mod instance;
mod interface;
mod memory;

pub use exports::{
    packetdrill_interface_init, twomsl_calls_that_waited, twomsl_count_in_state,
    twomsl_drop_connections, twomsl_forget_paths, twomsl_receive_until, twomsl_set,
    twomsl_waiting_calls,
};
pub use interface::Interface;
