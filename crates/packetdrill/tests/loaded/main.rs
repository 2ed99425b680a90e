//! The shared object, loaded with `dlopen` as packetdrill does it.
#![cfg(target_os = "linux")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![expect(unsafe_code, reason = "the tests are the C program on the other side")]

mod driven;
mod library;
mod scripts;
