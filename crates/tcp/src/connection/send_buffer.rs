//! Text that was written and is not acknowledged yet.

use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// The text of one direction, in shared chunks: sending, and sending again, copies nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct SendBuffer {
    chunks: VecDeque<Bytes>,
    length: usize,
    /// A chunk and where it starts: where the last slice ended. Sending goes forward, so that
    /// the next slice is found without a search.
    cursor: (usize, usize),
}

impl SendBuffer {
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn push(&mut self, text: Bytes) {
        if !text.is_empty() {
            self.length += text.len();
            self.chunks.push_back(text);
        }
    }

    /// Forgets the first `octets`: they were acknowledged.
    pub(crate) fn drop_front(&mut self, mut octets: usize) {
        self.length -= octets;
        let (mut index, mut start) = self.cursor;
        start = start.saturating_sub(octets);
        while let Some(front) = self.chunks.front_mut() {
            if front.len() > octets {
                if octets > 0 {
                    let _ = front.split_to(octets);
                }
                break;
            }
            octets -= front.len();
            self.chunks.pop_front();
            index = index.saturating_sub(1);
        }
        self.cursor = if index == 0 { (0, 0) } else { (index, start) };
    }

    /// `length` octets from `offset` on. Shares the chunk; only a slice across chunks is copied.
    pub(crate) fn slice(&mut self, offset: usize, length: usize) -> Bytes {
        if length == 0 {
            return Bytes::new();
        }
        let (mut index, mut start) = if self.cursor.1 <= offset { self.cursor } else { (0, 0) };
        while start + self.chunks[index].len() <= offset {
            start += self.chunks[index].len();
            index += 1;
        }
        self.cursor = (index, start);
        let (from, chunk) = (offset - start, &self.chunks[index]);
        if chunk.len() - from >= length {
            chunk.slice(from..from + length)
        } else {
            self.gather(index, from, length)
        }
    }

    fn gather(&self, first: usize, mut from: usize, length: usize) -> Bytes {
        let mut gathered = BytesMut::with_capacity(length);
        for chunk in self.chunks.range(first..) {
            let take = (chunk.len() - from).min(length - gathered.len());
            gathered.extend_from_slice(&chunk[from..from + take]);
            if gathered.len() == length {
                break;
            }
            from = 0;
        }
        gathered.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_within_and_across_chunks() {
        let mut buffer = SendBuffer::default();
        buffer.push(Bytes::from_static(b"abc"));
        buffer.push(Bytes::from_static(b"defgh"));
        assert_eq!(&buffer.slice(0, 3)[..], b"abc");
        assert_eq!(&buffer.slice(3, 2)[..], b"de");
        assert_eq!(&buffer.slice(1, 6)[..], b"bcdefg");
        assert_eq!(&buffer.slice(7, 1)[..], b"h");
    }

    #[test]
    fn acknowledged_text_is_forgotten_from_the_front() {
        let mut buffer = SendBuffer::default();
        buffer.push(Bytes::from_static(b"abc"));
        buffer.push(Bytes::from_static(b"defgh"));
        let _ = buffer.slice(6, 2);
        buffer.drop_front(2);
        assert_eq!((buffer.len(), &buffer.slice(0, 6)[..]), (6, &b"cdefgh"[..]));
        buffer.drop_front(3);
        assert_eq!((buffer.len(), &buffer.slice(0, 3)[..]), (3, &b"fgh"[..]));
        buffer.drop_front(3);
        assert_eq!(buffer.len(), 0);
        buffer.push(Bytes::from_static(b"xyz"));
        assert_eq!(&buffer.slice(0, 3)[..], b"xyz");
    }
}
