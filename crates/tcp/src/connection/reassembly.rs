//! Text that arrived before what precedes it (SHLD-31).

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use bytes::Bytes;
use twomsl_wire::SeqNum;

use super::sack::Stretch;

/// The most pieces that are kept apart. The window bounds the octets; this bounds the pieces, so
/// that one-octet segments cannot make the bookkeeping larger than the text. Enough for the
/// full-sized segments of a window of several MiB.
const MAX_PIECES: usize = 8192;

/// Pieces of text beyond RCV.NXT, in order, without overlap. Most connections have none, and they
/// take no room then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Reassembly(Option<Box<Pieces>>);

type Pieces = VecDeque<(SeqNum, Bytes)>;

impl Reassembly {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }

    /// Keeps what is new of `text`; how many octets that was, or `None` when there is no room.
    ///
    /// Of octets that came twice the first copy stays.
    pub(crate) fn insert(&mut self, mut seq: SeqNum, mut text: Bytes) -> Option<u32> {
        if text.is_empty() {
            return Some(0);
        }
        let pieces = self.0.get_or_insert_default();
        let mut index = pieces.partition_point(|(start, _)| start.at_or_before(seq));
        let mut new = 0;
        if let Some((start, piece)) = index.checked_sub(1).map(|before| &pieces[before]) {
            let covered = (*start + piece.len() as u32).offset_from(seq);
            cut_front(&mut seq, &mut text, covered);
        }
        while !text.is_empty() {
            let next = pieces.get(index).map(|(start, piece)| (*start, piece.len() as u32));
            let room = next.map_or(text.len(), |(start, _)| start.since(seq) as usize);
            let fresh = text.split_to(room.min(text.len()));
            if !fresh.is_empty() {
                if pieces.len() == MAX_PIECES {
                    return (new > 0).then_some(new);
                }
                new += fresh.len() as u32;
                let start = seq;
                seq += fresh.len() as u32;
                pieces.insert(index, (start, fresh));
                index += 1;
            }
            if let Some((start, length)) = next {
                let covered = (start + length).offset_from(seq);
                cut_front(&mut seq, &mut text, covered);
                index += 1;
            }
        }
        Some(new)
    }

    /// The whole stretch without a gap in which `seq` lies.
    pub(crate) fn stretch_around(&self, seq: SeqNum) -> Option<Stretch> {
        let after = self.0.as_ref()?.partition_point(|(start, _)| start.at_or_before(seq));
        let (mut left, mut right) = self.bounds(after.checked_sub(1)?)?;
        if right.at_or_before(seq) {
            return None;
        }
        // Pieces that touch are one stretch.
        for (start, end) in (0..after - 1).rev().map_while(|index| self.bounds(index)) {
            if end != left {
                break;
            }
            left = start;
        }
        for (start, end) in (after..).map_while(|index| self.bounds(index)) {
            if start != right {
                break;
            }
            right = end;
        }
        Some((left, right))
    }

    fn bounds(&self, index: usize) -> Option<Stretch> {
        self.0.as_ref()?.get(index).map(|(start, piece)| (*start, *start + piece.len() as u32))
    }

    /// The first part of a stretch that is here already.
    pub(crate) fn known_part(&self, (left, right): Stretch) -> Option<Stretch> {
        let index = self
            .0
            .as_ref()?
            .partition_point(|(start, piece)| (*start + piece.len() as u32).at_or_before(left));
        let (start, end) = self.bounds(index)?;
        let part = (start.later(left), if end.before(right) { end } else { right });
        part.0.before(part.1).then_some(part)
    }

    /// Takes the first piece if it begins at or before `next`, without what lies before it.
    pub(crate) fn take(&mut self, next: SeqNum) -> Option<Bytes> {
        let pieces = self.0.as_mut()?;
        while let Some((start, _)) = pieces.front()
            && start.at_or_before(next)
        {
            let Some((mut start, mut piece)) = pieces.pop_front() else { break };
            let before = next.offset_from(start);
            cut_front(&mut start, &mut piece, before);
            if !piece.is_empty() {
                return Some(piece);
            }
        }
        self.0.take_if(|pieces| pieces.is_empty());
        None
    }
}

/// Cuts up to `octets` from the front; nothing when that is negative.
fn cut_front(seq: &mut SeqNum, text: &mut Bytes, octets: i32) {
    let cut = text.len().min(usize::try_from(octets).unwrap_or(0));
    let _ = text.split_to(cut);
    *seq += cut as u32;
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Where pieces start, and what they are.
    type Pieces<'a> = &'a [(u32, &'static [u8])];

    /// Inserts pieces next to the wrap and takes all of them out again.
    fn reassemble(pieces: Pieces) -> (u32, Vec<u8>) {
        let base = SeqNum::new(u32::MAX - 3);
        let mut reassembly = Reassembly::default();
        let mut new = 0;
        for (offset, text) in pieces {
            new += reassembly.insert(base + *offset, Bytes::from_static(text)).unwrap();
        }
        let mut text = Vec::new();
        while let Some(piece) = reassembly.take(base + text.len() as u32) {
            text.extend_from_slice(&piece);
        }
        (new, text)
    }

    #[test]
    fn pieces_come_out_in_order_whatever_the_order_they_came_in() {
        let cases: [(Pieces, &[u8]); 6] = [
            (&[(0, b"ab"), (2, b"cd")], b"abcd"),
            (&[(2, b"cd"), (0, b"ab")], b"abcd"),
            (&[(4, b"ef"), (0, b"abcdef")], b"abcdef"),
            (&[(1, b"bcd"), (0, b"abcdef")], b"abcdef"),
            (&[(0, b"abc"), (2, b"cde")], b"abcde"),
            (&[(2, b"c"), (4, b"e"), (0, b"abcdefg")], b"abcdefg"),
        ];
        for (pieces, expected) in cases {
            assert_eq!(reassemble(pieces), (expected.len() as u32, expected.to_vec()));
        }
    }

    #[test]
    fn a_gap_holds_back_what_follows_it() {
        assert_eq!(reassemble(&[(0, b"ab"), (3, b"d")]), (3, b"ab".to_vec()));
    }

    #[test]
    fn of_octets_that_came_twice_the_first_copy_stays() {
        assert_eq!(reassemble(&[(1, b"XX"), (0, b"abcd")]).1, b"aXXd".to_vec());
    }

    #[test]
    fn stretches_and_what_is_known_of_them() {
        let base = SeqNum::new(u32::MAX - 3);
        let mut reassembly = Reassembly::default();
        for offset in [2, 4, 10] {
            reassembly.insert(base + offset, Bytes::from_static(b"xy")).unwrap();
        }
        let around = |offset| reassembly.stretch_around(base + offset);
        assert_eq!(around(2), Some((base + 2, base + 6)));
        assert_eq!(around(5), Some((base + 2, base + 6)));
        assert_eq!((around(1), around(6)), (None, None));
        let known = |from, to| reassembly.known_part((base + from, base + to));
        assert_eq!(known(0, 3), Some((base + 2, base + 3)));
        assert_eq!(known(5, 20), Some((base + 5, base + 6)));
        assert_eq!(known(6, 10), None);
        assert_eq!(known(12, 20), None);
    }

    #[test]
    fn there_is_a_bound_on_gaps() {
        let mut reassembly = Reassembly::default();
        for n in 0..MAX_PIECES as u32 {
            assert_eq!(reassembly.insert(SeqNum::new(2 * n), Bytes::from_static(b"x")), Some(1));
        }
        let beyond = SeqNum::new(2 * MAX_PIECES as u32);
        assert_eq!(reassembly.insert(beyond, Bytes::from_static(b"x")), None);
    }
}
