//! TCP/IP packets, as meaning and as bytes.
//!
//! The rest of twomsl passes [`Packet`]s around as plain structs: no operation of the
//! TCP or of the virtual network needs their bytes. This crate also turns them into
//! the bytes of a real network and back, so that a trace can be opened in other tools
//! and a flipped bit can be caught by the checksum that would catch it in reality.
#![no_std]

extern crate alloc;

mod checksum;
mod codec;
mod error;
mod icmp;
mod options;
mod packet;
mod segment;
mod seq;

pub use error::{EmitError, ParseError, Part};
pub use icmp::{Icmp, IcmpKind, Quote};
pub use options::{OptionError, Options, OptionsFull, OptionsIter, SackBlocks, TcpOption};
pub use packet::{Body, Ecn, Packet};
pub use segment::{Flags, Segment};
pub use seq::{Mss, Scale, SeqNum, Window};
