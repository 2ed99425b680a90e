//! TCP options (RFC 9293 §3.2), kept as their bytes.
//!
//! Order, padding and unknown kinds survive, so that bytes → meaning → bytes is exact.

use core::fmt;

use crate::SeqNum;

/// The options of one segment: at most 40 octets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Options {
    length: u8,
    octets: [u8; Options::MAX],
}

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcpOption<'a> {
    /// Kind 0: end of the list.
    EndOfList,
    /// Kind 1: padding.
    NoOperation,
    /// Kind 2: maximum segment size, in octets.
    MaximumSegmentSize(u16),
    /// Kind 3: window scale shift count as sent (RFC 7323 §2.2).
    WindowScale(u8),
    /// Kind 4: SACK permitted (RFC 2018 §2).
    SackPermitted,
    /// Kind 5: SACK blocks, left and right edges (RFC 2018 §3). At most four.
    Sack(SackBlocks),
    /// Kind 8: timestamps (RFC 7323 §3.2).
    Timestamps {
        /// TSval.
        value: u32,
        /// TSecr.
        echo: u32,
    },
    /// Kind 34: TCP Fast Open cookie; empty for a request (RFC 7413 §4.1.1).
    FastOpen(&'a [u8]),
    /// Any other kind, with its data.
    Unknown {
        /// The kind.
        kind: u8,
        /// The data after kind and length.
        data: &'a [u8],
    },
}

/// Up to four SACK blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SackBlocks {
    count: u8,
    blocks: [(SeqNum, SeqNum); 4],
}

/// The kinds of option this crate knows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OptionKind(pub u8);

/// The option did not fit into the 40 octets there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a TCP header has room for 40 octets of options")]
pub struct OptionsFull;

impl Options {
    /// The most octets a header has room for.
    pub const MAX: usize = 40;

    /// No options.
    pub const NONE: Self = Self { length: 0, octets: [0; Self::MAX] };

    /// The octets as they stand in the header.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Appends an option.
    ///
    /// # Errors
    /// [`OptionsFull`] when the octets left do not suffice; nothing is appended then.
    pub fn push(&mut self, option: TcpOption<'_>) -> Result<(), OptionsFull> {
        match option {
            TcpOption::MaximumSegmentSize(mss) => {
                let [high, low] = mss.to_be_bytes();
                self.extend(&[2, 4, high, low])
            }
            _ => todo!("helper: the other kinds"),
        }
    }

    /// The value of the MSS option, if there is one.
    pub fn mss(&self) -> Option<u16> {
        match self.as_bytes() {
            [2, 4, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        }
    }

    fn extend(&mut self, octets: &[u8]) -> Result<(), OptionsFull> {
        let start = usize::from(self.length);
        let room = self.octets.get_mut(start..start + octets.len()).ok_or(OptionsFull)?;
        room.copy_from_slice(octets);
        self.length += octets.len() as u8;
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::NONE
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Options").field(&self.as_bytes()).finish()
    }
}
