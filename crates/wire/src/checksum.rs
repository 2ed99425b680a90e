//! The Internet checksum (RFC 1071).

/// A running one's complement sum of 16-bit words.
///
/// The sum is kept wide and folded once: a `u64` holds the words of 2^48 octets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checksum(u64);

impl Checksum {
    /// Adds octets. All pieces but the last have an even length, because an odd octet at the
    /// end counts as a word padded with zero.
    pub(crate) fn add(self, octets: &[u8]) -> Self {
        // A plain loop over words, which the compiler turns into vector instructions.
        let (words, odd) = octets.as_chunks::<2>();
        let whole: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
        let last = odd.first().map_or(0, |&octet| u64::from(octet) << 8);
        Self(self.0 + whole + last)
    }

    /// Adds a number of up to 32 bits: its halves are words, and folding adds them.
    pub(crate) fn add_u32(self, number: u32) -> Self {
        Self(self.0 + u64::from(number))
    }

    /// The value of the checksum field. Over data that includes a right checksum it is 0.
    pub(crate) fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > u64::from(u16::MAX) {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    /// Whether the data added, its checksum field included, is intact.
    ///
    /// The sum changes by a power of two when one bit flips, and no power of two is
    /// a multiple of 65,535: every single flipped bit is noticed.
    pub(crate) fn is_right(self) -> bool {
        self.finish() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Checksum;

    #[test]
    fn the_example_of_rfc_1071_section_3_sums_to_ddf2() {
        let sum = Checksum::default().add(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.finish(), !0xddf2);
    }

    #[test]
    fn an_odd_octet_counts_as_the_high_half_of_a_word() {
        let odd = Checksum::default().add(&[0x12, 0x34, 0x56]);
        let even = Checksum::default().add(&[0x12, 0x34, 0x56, 0x00]);
        assert_eq!(odd.finish(), even.finish());
    }

    #[test]
    fn carries_wrap_around_even_when_folding_makes_another() {
        // 0xffff + 0xffff + 1 folds to 0x1_0000, and only then to 1.
        let sum = Checksum::default().add(&[0xff; 4]).add_u32(1);
        assert_eq!(sum.finish(), !1);
    }

    #[test]
    fn a_32_bit_number_counts_as_its_two_halves() {
        let number = Checksum::default().add_u32(0x1234_5678);
        let halves = Checksum::default().add(&[0x12, 0x34, 0x56, 0x78]);
        assert_eq!(number.finish(), halves.finish());
    }
}
