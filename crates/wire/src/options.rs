//! TCP options (RFC 9293 §3.2), kept as their bytes.
//!
//! Order, padding and unknown kinds survive, so that bytes → meaning → bytes is exact.

mod iter;
mod sack;

use core::fmt;

use crate::Scale;

pub use iter::{OptionError, OptionsIter};
pub use sack::{SackBlock, SackBlocks};

// The option kinds with a meaning here, from IANA's "TCP Option Kind Numbers".
const END_OF_LIST: u8 = 0;
const NO_OPERATION: u8 = 1;
const MAXIMUM_SEGMENT_SIZE: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;
const FAST_OPEN: u8 = 34;

/// The kind and length octets in front of an option's data.
const PREFIX: usize = 2;

/// The options of one segment: at most 40 octets.
///
/// Two values are equal when their octets are: padding counts, and so does order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Options {
    length: u8,
    // Zero from `length` on: equality and hashing need it, and padding is read from there.
    octets: [u8; Options::MAX],
}

/// One option. Of the mandatory ones (MUST-4) two are a single octet; all others have a length
/// (MUST-68).
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

/// The option did not fit into the 40 octets there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a TCP header has room for 40 octets of options")]
pub struct OptionsFull;

impl Options {
    /// The most octets a header has room for: a data offset of 15 words less the fixed 5.
    pub const MAX: usize = 40;

    /// No options.
    pub const NONE: Self = Self { length: 0, octets: [0; Self::MAX] };

    /// Options from the octets of a header, whatever they say.
    ///
    /// # Errors
    /// [`OptionsFull`] for more than [`Options::MAX`] octets.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, OptionsFull> {
        let mut options = Self::NONE;
        options.extend(octets)?;
        Ok(options)
    }

    /// Timestamps and the padding in front of them that RFC 7323 appendix A recommends: what
    /// nearly every segment of a connection has that uses them.
    #[inline]
    pub const fn with_timestamps(value: u32, echo: u32) -> Self {
        let mut octets = [0; Self::MAX];
        [octets[0], octets[1], octets[2], octets[3]] = [NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10];
        [octets[4], octets[5], octets[6], octets[7]] = value.to_be_bytes();
        [octets[8], octets[9], octets[10], octets[11]] = echo.to_be_bytes();
        Self { length: 12, octets }
    }

    /// The octets as they stand in the header.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }

    /// The octets, then end-of-list octets up to a whole number of 32-bit words (MUST-69).
    pub fn as_padded_bytes(&self) -> &[u8] {
        &self.octets[..self.as_bytes().len().next_multiple_of(4)]
    }

    /// These options as the receiver sees them: padded to whole words.
    #[must_use]
    pub fn padded(mut self) -> Self {
        self.length = self.as_padded_bytes().len() as u8;
        self
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The options in order, up to the end of the list.
    pub fn iter(&self) -> OptionsIter<'_> {
        OptionsIter::new(self.as_bytes())
    }

    /// Appends an option.
    ///
    /// What follows an end of list stands in the bytes, but no receiver reads it. An empty
    /// list of SACK blocks appends nothing, since RFC 2018 has no such option. An
    /// [`Unknown`](TcpOption::Unknown) may carry any kind and data, so that a forged segment
    /// can hold a malformed option.
    ///
    /// # Errors
    /// [`OptionsFull`] when the octets left do not suffice; nothing is appended then.
    pub fn push(&mut self, option: TcpOption<'_>) -> Result<(), OptionsFull> {
        match option {
            TcpOption::EndOfList => self.extend(&[END_OF_LIST]),
            TcpOption::NoOperation => self.extend(&[NO_OPERATION]),
            TcpOption::MaximumSegmentSize(mss) => {
                self.extend_with_data(MAXIMUM_SEGMENT_SIZE, &mss.to_be_bytes())
            }
            TcpOption::WindowScale(shift) => self.extend_with_data(WINDOW_SCALE, &[shift]),
            TcpOption::SackPermitted => self.extend_with_data(SACK_PERMITTED, &[]),
            TcpOption::Sack(blocks) => self.extend_with_blocks(&blocks),
            TcpOption::Timestamps { value, echo } => self.extend_with_timestamps(value, echo),
            TcpOption::FastOpen(cookie) => self.extend_with_data(FAST_OPEN, cookie),
            TcpOption::Unknown { kind, data } => self.extend_with_data(kind, data),
        }
    }

    /// The value of the first MSS option, in octets.
    #[inline]
    pub fn mss(&self) -> Option<u16> {
        // Nearly every SYN begins with it.
        if let [MAXIMUM_SEGMENT_SIZE, 4, high, low, ..] = *self.as_bytes() {
            return Some(u16::from_be_bytes([high, low]));
        }
        self.find(|option| match option {
            TcpOption::MaximumSegmentSize(mss) => Some(mss),
            _ => None,
        })
    }

    /// The shift count of the first window scale option; above 14 it is 14 (RFC 7323 §2.3).
    #[inline]
    pub fn window_scale(&self) -> Option<Scale> {
        self.find(|option| match option {
            TcpOption::WindowScale(shift) => Some(Scale::new(shift)),
            _ => None,
        })
    }

    /// Whether there is a SACK-permitted option. It counts only on a SYN (RFC 2018 §2), as
    /// MSS and window scale do; the caller knows which segment this is.
    #[inline]
    pub fn sack_permitted(&self) -> bool {
        self.find(|option| (option == TcpOption::SackPermitted).then_some(())).is_some()
    }

    /// The blocks of the first SACK option.
    #[inline]
    pub fn sack_blocks(&self) -> Option<SackBlocks> {
        // Most segments have timestamps and nothing else.
        if let [NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10, _, _, _, _, _, _, _, _] =
            self.as_bytes()
        {
            return None;
        }
        self.find(|option| match option {
            TcpOption::Sack(blocks) => Some(blocks),
            _ => None,
        })
    }

    /// TSval and TSecr of the first timestamps option.
    #[inline]
    pub fn timestamps(&self) -> Option<(u32, u32)> {
        // The layout RFC 7323 appendix A recommends, which nearly every segment has.
        if let [NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10, data @ ..] = self.as_bytes() {
            return data.first_chunk().copied().map(iter::timestamps);
        }
        self.find(|option| match option {
            TcpOption::Timestamps { value, echo } => Some((value, echo)),
            _ => None,
        })
    }

    /// The first option that `pick` takes. Malformed options are as if absent, as in the
    /// stacks we model; for the reset that MUST-7 suggests, [`iter`](Self::iter) shows them.
    ///
    /// Most segments without timestamps have no options at all, hence the check up front.
    #[inline]
    fn find<T>(&self, pick: impl FnMut(TcpOption<'_>) -> Option<T>) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        self.iter().filter_map(Result::ok).find_map(pick)
    }

    fn extend_with_blocks(&mut self, blocks: &SackBlocks) -> Result<(), OptionsFull> {
        if blocks.is_empty() {
            return Ok(());
        }
        let (octets, length) = blocks.to_bytes();
        self.extend_with_data(SACK, &octets[..length])
    }

    fn extend_with_timestamps(&mut self, value: u32, echo: u32) -> Result<(), OptionsFull> {
        let both = (u64::from(value) << 32) | u64::from(echo);
        self.extend_with_data(TIMESTAMPS, &both.to_be_bytes())
    }

    fn extend_with_data(&mut self, kind: u8, data: &[u8]) -> Result<(), OptionsFull> {
        // Both parts or neither, so the room is checked before the first is written.
        let length = PREFIX + data.len();
        if self.as_bytes().len() + length > Self::MAX {
            return Err(OptionsFull);
        }
        self.extend(&[kind, length as u8])?;
        self.extend(data)
    }

    fn extend(&mut self, octets: &[u8]) -> Result<(), OptionsFull> {
        let start = usize::from(self.length);
        let room = self.octets.get_mut(start..start + octets.len()).ok_or(OptionsFull)?;
        room.copy_from_slice(octets);
        self.length += octets.len() as u8;
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Options {
    type Item = Result<TcpOption<'a>, OptionError>;
    type IntoIter = OptionsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
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
