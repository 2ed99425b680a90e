//! Options read one by one from a header's bytes.

use super::{
    END_OF_LIST, FAST_OPEN, MAXIMUM_SEGMENT_SIZE, NO_OPERATION, PREFIX, SACK, SACK_PERMITTED,
    SackBlocks, TIMESTAMPS, TcpOption, WINDOW_SCALE,
};

/// The options of a segment in order.
///
/// It ends after an end of list, and after an option whose length leads nowhere: what
/// follows one cannot be told from its data (RFC 9293 §3.1, MUST-7). Options begin at any octet
/// (MUST-64).
#[derive(Clone, Debug)]
pub struct OptionsIter<'a> {
    rest: &'a [u8],
}

/// An option that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// The octets end before the option does, or its length does not even cover itself.
    /// Nothing after it can be read.
    #[error("option of kind {kind} has a length that leads nowhere")]
    Unbounded {
        /// The kind.
        kind: u8,
    },
    /// A known kind with a length it cannot have. The options after it can be read.
    #[error("option of kind {kind} cannot be {length} octets long")]
    Malformed {
        /// The kind.
        kind: u8,
        /// The whole option's length in octets.
        length: u8,
    },
}

impl<'a> OptionsIter<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    /// An option with a length octet: everything but kinds 0 and 1.
    ///
    /// The length counts kind and length themselves. Less than 2 would stand still or go
    /// back, and ends the list just as an option does that runs over the end.
    fn read_long(&mut self, kind: u8) -> Result<TcpOption<'a>, OptionError> {
        let option = self.rest.get(1).and_then(|&length| self.rest.get(..usize::from(length)));
        let Some([_, length, data @ ..]) = option else {
            self.rest = &[];
            return Err(OptionError::Unbounded { kind });
        };
        self.rest = &self.rest[PREFIX + data.len()..];
        meaning(kind, data).ok_or(OptionError::Malformed { kind, length: *length })
    }
}

impl<'a> Iterator for OptionsIter<'a> {
    type Item = Result<TcpOption<'a>, OptionError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, after) = self.rest.split_first()?;
        match kind {
            END_OF_LIST => {
                self.rest = &[];
                Some(Ok(TcpOption::EndOfList))
            }
            NO_OPERATION => {
                self.rest = after;
                Some(Ok(TcpOption::NoOperation))
            }
            _ => Some(self.read_long(kind)),
        }
    }
}

// An exhausted slice stays exhausted.
impl core::iter::FusedIterator for OptionsIter<'_> {}

/// What the data of an option means; `None` when a known kind has data of the wrong length. Other
/// kinds are passed over by their length (MUST-6).
///
/// The lengths are those the RFCs give; a longer option of a known kind is no extension of
/// it but malformed, as Linux and FreeBSD have it.
fn meaning(kind: u8, data: &[u8]) -> Option<TcpOption<'_>> {
    Some(match (kind, data) {
        (MAXIMUM_SEGMENT_SIZE, &[high, low]) => {
            TcpOption::MaximumSegmentSize(u16::from_be_bytes([high, low]))
        }
        (WINDOW_SCALE, &[shift]) => TcpOption::WindowScale(shift),
        (SACK_PERMITTED, []) => TcpOption::SackPermitted,
        (SACK, blocks) => TcpOption::Sack(SackBlocks::from_bytes(blocks)?),
        (TIMESTAMPS, data) => {
            let (value, echo) = timestamps(data.try_into().ok()?);
            TcpOption::Timestamps { value, echo }
        }
        (FAST_OPEN, cookie) if is_cookie(cookie) => TcpOption::FastOpen(cookie),
        (MAXIMUM_SEGMENT_SIZE | WINDOW_SCALE | SACK_PERMITTED | FAST_OPEN, _) => return None,
        (kind, data) => TcpOption::Unknown { kind, data },
    })
}

/// TSval and TSecr from the data of an option.
#[inline]
pub(super) const fn timestamps(data: [u8; 8]) -> (u32, u32) {
    let both = u64::from_be_bytes(data);
    ((both >> 32) as u32, both as u32)
}

/// RFC 7413 §4.1.1: a cookie has 4 to 16 octets, an even number; none at all asks for one.
fn is_cookie(cookie: &[u8]) -> bool {
    matches!(cookie.len(), 0 | 4..=16) && cookie.len().is_multiple_of(2)
}
