//! Text in shared pieces.

use alloc::collections::VecDeque;

use bytes::Bytes;

/// A queue of pieces of text. Most of the time there is one at most, which needs no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Chunks {
    /// The front. Empty only if the whole queue is.
    first: Bytes,
    rest: VecDeque<Bytes>,
}

impl Chunks {
    /// Appends a piece; an empty one leaves no trace.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
        } else if !chunk.is_empty() {
            self.rest.push_back(chunk);
        }
    }

    /// The piece at `index`, from the front. Empty beyond the end.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        self.chunk(index).map_or(&[], |chunk| chunk)
    }

    /// A part of one piece, shared.
    pub(crate) fn share(&self, index: usize, from: usize, length: usize) -> Bytes {
        self.chunk(index).map_or_else(Bytes::new, |chunk| chunk.slice(from..from + length))
    }

    fn chunk(&self, index: usize) -> Option<&Bytes> {
        match index {
            0 => Some(&self.first),
            _ => self.rest.get(index - 1),
        }
    }

    /// Takes at most `limit` octets from the front: one piece, or a part of it.
    pub(crate) fn take(&mut self, limit: usize) -> Bytes {
        if self.first.len() > limit {
            return self.first.split_to(limit);
        }
        let next = self.rest.pop_front().unwrap_or_default();
        core::mem::replace(&mut self.first, next)
    }

    pub(crate) fn clear(&mut self) {
        self.first = Bytes::new();
        self.rest.clear();
    }
}
