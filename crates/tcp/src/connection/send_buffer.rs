//! Text that was written and is not acknowledged yet.

use bytes::{Bytes, BytesMut};

use super::chunks::Chunks;

/// The text of one direction, in shared chunks: sending, and sending again, copies nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct SendBuffer {
    chunks: Chunks,
    length: usize,
    /// A chunk and where it starts: where the last slice ended. Sending goes forward, so that
    /// the next slice is found without a search.
    cursor: (usize, usize),
}

impl SendBuffer {
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
        (self.length, self.cursor) = (0, (0, 0));
    }

    pub(crate) fn push(&mut self, text: Bytes) {
        self.length += text.len();
        self.chunks.push(text);
    }

    /// Forgets the first `octets`: they were acknowledged.
    pub(crate) fn drop_front(&mut self, mut octets: usize) {
        self.length -= octets;
        let (mut index, start) = self.cursor;
        let start = start.saturating_sub(octets);
        while octets > 0 {
            let whole = self.chunks.get(0).len() <= octets;
            octets -= self.chunks.take(octets).map_or(octets, |chunk| chunk.len());
            index = index.saturating_sub(usize::from(whole));
        }
        self.cursor = if index == 0 { (0, 0) } else { (index, start) };
    }

    /// `length` octets from `offset` on. Shares the chunk; only a slice across chunks is copied.
    pub(crate) fn slice(&mut self, offset: usize, length: usize) -> Bytes {
        if length == 0 {
            return Bytes::new();
        }
        let (mut index, mut start) = if self.cursor.1 <= offset { self.cursor } else { (0, 0) };
        while start + self.chunks.get(index).len() <= offset {
            start += self.chunks.get(index).len();
            index += 1;
        }
        self.cursor = (index, start);
        let from = offset - start;
        if self.chunks.get(index).len() - from >= length {
            self.chunks.share(index, from, length)
        } else {
            self.gather(index, from, length)
        }
    }

    fn gather(&self, mut index: usize, mut from: usize, length: usize) -> Bytes {
        let mut gathered = BytesMut::with_capacity(length);
        while gathered.len() < length {
            let chunk = self.chunks.get(index);
            let take = (chunk.len() - from).min(length - gathered.len());
            gathered.extend_from_slice(&chunk[from..from + take]);
            (index, from) = (index + 1, 0);
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
