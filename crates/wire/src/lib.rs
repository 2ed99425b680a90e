//! TCP/IP packets, as meaning and as bytes.
//!
//! The rest of twomsl passes [`Packet`]s around as plain structs: no operation of the
//! TCP or of the virtual network needs their bytes. This crate also turns them into
//! the bytes of a real network and back, so that a trace can be opened in other tools
//! and a flipped bit can be caught by the checksum that would catch it in reality.
//!
//! ```
//! use twomsl_wire::{Flags, Options, Packet, ParseError, Part, Segment, SeqNum, TcpOption};
//!
//! let mut options = Options::NONE;
//! options.push(TcpOption::MaximumSegmentSize(1460))?;
//! let syn = Segment {
//!     src_port: 49152,
//!     dst_port: 80,
//!     seq: SeqNum::new(0),
//!     ack: SeqNum::new(0),
//!     flags: Flags::SYN,
//!     window: 64240,
//!     urgent: 0,
//!     options,
//!     payload: Default::default(),
//! };
//! let packet = Packet::tcp([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), syn);
//!
//! let mut bytes = packet.emit()?;
//! assert_eq!(Packet::parse(&bytes)?, packet);
//!
//! bytes[35] ^= 1; // the window field
//! assert_eq!(Packet::parse(&bytes), Err(ParseError::Checksum { part: Part::TcpSegment }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
pub use options::{
    OptionError, Options, OptionsFull, OptionsIter, SackBlock, SackBlocks, TcpOption,
};
pub use packet::{Body, Ecn, Packet};
pub use segment::{Flags, Segment};
pub use seq::{Mss, Scale, SeqNum, Window};
