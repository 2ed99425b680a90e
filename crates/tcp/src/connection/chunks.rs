//! Text in shared pieces.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use bytes::Bytes;

/// A queue of pieces of text. Most of the time there is one at most, which needs no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Chunks {
    /// The front. None only if the whole queue is empty.
    first: Option<Bytes>,
    /// What follows it. None as long as nothing ever did, which is less to look after than an
    /// empty queue.
    #[expect(clippy::box_collection, reason = "an idle connection is to stay small")]
    rest: Option<Box<VecDeque<Bytes>>>,
}

impl Chunks {
    /// Appends a piece; an empty one leaves no trace.
    #[inline]
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        if self.first.is_none() {
            self.first = Some(chunk);
        } else {
            self.rest.get_or_insert_default().push_back(chunk);
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
            0 => self.first.as_ref(),
            _ => self.rest.as_ref()?.get(index - 1),
        }
    }

    /// Takes at most `limit` octets from the front: one piece, or a part of it.
    #[inline]
    pub(crate) fn take(&mut self, limit: usize) -> Option<Bytes> {
        match &mut self.first {
            Some(first) if first.len() > limit => Some(first.split_to(limit)),
            first => {
                let next = self.rest.as_mut().and_then(|rest| rest.pop_front());
                core::mem::replace(first, next)
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        (self.first, self.rest) = (None, None);
    }
}
