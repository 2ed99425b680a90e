//! The octets that applications write when it does not matter which.

use bytes::Bytes;

/// After so many octets the pattern begins again. A prime just above 64 KiB: text that is put
/// together wrongly by a whole window, or by any power of two, is seen as wrong.
pub(crate) const PERIOD: usize = 65_537;

/// Two periods, so that up to one period from any offset is one slice.
static BLOCK: [u8; 2 * PERIOD] = block();

/// Each octet is the top of a multiplicative hash of its place, so that neighbours differ and
/// no short stretch comes twice.
#[expect(clippy::large_stack_arrays, reason = "evaluated by the compiler only")]
const fn block() -> [u8; 2 * PERIOD] {
    let mut block = [0; 2 * PERIOD];
    let mut place = 0;
    while place < PERIOD {
        let mixed = (place as u32).wrapping_mul(0x9E37_79B1);
        let octet = ((mixed ^ (mixed >> 15)).wrapping_mul(0x85EB_CA6B) >> 24) as u8;
        block[place] = octet;
        block[place + PERIOD] = octet;
        place += 1;
    }
    block
}

/// At most `length` octets of the pattern from `offset` on: at most one period, without a copy.
pub(crate) fn slice(offset: u64, length: u64) -> Bytes {
    let start = (offset % PERIOD as u64) as usize;
    let length = length.min(PERIOD as u64) as usize;
    Bytes::from_static(&BLOCK[start..start + length])
}

/// Whether `text` is the pattern from `offset` on: at most one period of it. The stack hands
/// slices through without copying, so mostly it is the very memory of the pattern, in its first
/// or its second period, and then there is nothing to compare.
pub(crate) fn is_at(offset: u64, text: &[u8]) -> bool {
    let start = (offset % PERIOD as u64) as usize;
    let same = |start: usize| BLOCK.get(start..).is_some_and(|rest| rest.as_ptr() == text.as_ptr());
    same(start) || same(start + PERIOD) || &BLOCK[start..start + text.len()] == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_join_seamlessly() {
        let mut joined = Vec::new();
        let mut offset = 123;
        while joined.len() < 3 * PERIOD {
            let piece = slice(offset, 40_000);
            offset += piece.len() as u64;
            joined.extend_from_slice(&piece);
        }
        let whole: Vec<u8> = (0..joined.len()).map(|n| slice(123 + n as u64, 1)[0]).collect();
        assert!(joined == whole);
    }

    #[test]
    fn no_stretch_of_eight_octets_comes_twice_within_a_period() {
        let mut stretches: Vec<_> = (0..PERIOD as u64).map(|n| slice(n, 8)).collect();
        stretches.sort_unstable();
        let before = stretches.len();
        stretches.dedup();
        assert_eq!(stretches.len(), before);
    }

    #[test]
    fn the_pattern_is_known_wherever_it_lies_in_memory() {
        let text = slice(PERIOD as u64 - 10, 1_000);
        let copy = text.to_vec();
        for (begin, offset) in [(0, PERIOD - 10), (10, PERIOD), (500, 490)] {
            assert!(is_at(offset as u64, &text[begin..]));
            assert!(is_at(offset as u64, &copy[begin..]));
            assert!(!is_at(offset as u64 + 1, &text[begin..]));
        }
    }
}
