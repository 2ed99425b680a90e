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
    Bytes::from_static(octets(offset, length))
}

/// The same as plain octets.
pub(crate) fn octets(offset: u64, length: u64) -> &'static [u8] {
    let start = (offset % PERIOD as u64) as usize;
    let length = length.min(PERIOD as u64) as usize;
    &BLOCK[start..start + length]
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
        let whole: Vec<u8> = (0..joined.len()).map(|n| octets(123 + n as u64, 1)[0]).collect();
        assert!(joined == whole);
    }

    #[test]
    fn no_stretch_of_eight_octets_comes_twice_within_a_period() {
        let mut stretches: Vec<_> = (0..PERIOD as u64).map(|n| octets(n, 8)).collect();
        stretches.sort_unstable();
        let before = stretches.len();
        stretches.dedup();
        assert_eq!(stretches.len(), before);
    }
}
