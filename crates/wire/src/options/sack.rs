//! SACK blocks (RFC 2018 §3).

use super::OptionsFull;
use crate::SeqNum;

/// One block: the left edge, and the right edge just after the last octet.
pub type SackBlock = (SeqNum, SeqNum);

/// Up to four SACK blocks: the left edge, and the right edge just after the last octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct SackBlocks {
    count: u8,
    // Zero from `count` on, so that equality sees only the blocks there are.
    blocks: [(SeqNum, SeqNum); SackBlocks::MAX],
}

impl SackBlocks {
    /// The most blocks that fit into an option (RFC 2018 §3); three next to timestamps.
    pub const MAX: usize = 4;

    /// Octets per block.
    const BLOCK: usize = 8;

    /// The blocks in the order given: the most recently received first (RFC 2018 §4).
    ///
    /// # Errors
    /// [`OptionsFull`] for more than [`SackBlocks::MAX`] blocks.
    pub fn new(blocks: &[(SeqNum, SeqNum)]) -> Result<Self, OptionsFull> {
        let mut all = Self::default();
        for &(left, right) in blocks {
            all.push(left, right)?;
        }
        Ok(all)
    }

    /// Appends a block.
    ///
    /// # Errors
    /// [`OptionsFull`] when there are [`SackBlocks::MAX`] already.
    pub fn push(&mut self, left: SeqNum, right: SeqNum) -> Result<(), OptionsFull> {
        let room = self.blocks.get_mut(usize::from(self.count)).ok_or(OptionsFull)?;
        *room = (left, right);
        self.count += 1;
        Ok(())
    }

    /// The blocks.
    pub fn as_slice(&self) -> &[(SeqNum, SeqNum)] {
        &self.blocks[..self.len()]
    }

    /// The blocks, left and right edges.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (SeqNum, SeqNum)> {
        self.as_slice().iter().copied()
    }

    /// How many blocks there are.
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The block that tells of octets which came twice, if the first one does, and the other
    /// blocks (RFC 2883 §4): it lies below the acknowledgment, or within the block after it.
    pub fn split_duplicate(&self, ack: SeqNum) -> (Option<SackBlock>, &[SackBlock]) {
        let Some((&(left, right), rest)) = self.as_slice().split_first() else {
            return (None, &[]);
        };
        let within =
            |&(start, end): &(SeqNum, SeqNum)| left.at_or_after(start) && right.at_or_before(end);
        if right.at_or_before(ack) || rest.first().is_some_and(within) {
            (Some((left, right)), rest)
        } else {
            (None, self.as_slice())
        }
    }

    /// From the data of an option. `None` unless it is one to four whole blocks.
    pub(super) fn from_bytes(data: &[u8]) -> Option<Self> {
        let (blocks, rest) = data.as_chunks::<{ Self::BLOCK }>();
        if blocks.is_empty() || !rest.is_empty() {
            return None;
        }
        let mut all = Self::default();
        for &[a, b, c, d, e, f, g, h] in blocks {
            let left = SeqNum::new(u32::from_be_bytes([a, b, c, d]));
            let right = SeqNum::new(u32::from_be_bytes([e, f, g, h]));
            all.push(left, right).ok()?;
        }
        Some(all)
    }

    /// The data of an option, and how many octets of it count.
    pub(super) fn to_bytes(self) -> ([u8; Self::MAX * Self::BLOCK], usize) {
        let mut octets = [0; Self::MAX * Self::BLOCK];
        let (places, _) = octets.as_chunks_mut::<{ Self::BLOCK }>();
        for (place, (left, right)) in places.iter_mut().zip(self.iter()) {
            let both = (u64::from(left.value()) << 32) | u64::from(right.value());
            *place = both.to_be_bytes();
        }
        (octets, self.len() * Self::BLOCK)
    }
}
