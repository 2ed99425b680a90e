//! Random streams, split by purpose.
//!
//! Every purpose has a generator of its own, whose seed is derived from the world's seed and
//! from what the stream is for. A draw added in one place therefore never shifts a draw in
//! another, and what is never drawn from is never set up.

use std::hash::{Hash, Hasher};

use rand_core::Rng;
use rand_pcg::Pcg64;

use crate::spec::Probability;

/// What a stream or a number derived from the seed is for. The discriminants are part of the
/// derivation: changing one changes every run of every seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// The secret of a host's stack: words are host and boot.
    Secret = 1,
    /// Where in the pattern a connection's octets begin: the word is its life.
    Pattern = 2,
    /// An impairment of a path: words are path and impairment.
    Impairment = 3,
    /// The bit that a fault rule flips: the word is the rule.
    RuleBit = 4,
}

/// Mixes a purpose and its words into the seed.
///
/// Each word is added to the state after the state was multiplied by the golden ratio's odd
/// constant, and the sum goes through the finalizer of `SplitMix64` (Steele, Lea, Flood: "Fast
/// splittable pseudorandom number generators", 2014), which changes half of the bits on average
/// when one bit of the input changes.
pub(crate) fn derive(seed: u64, purpose: Purpose, words: &[u64]) -> u64 {
    let start = finalize(seed.wrapping_add(GOLDEN.wrapping_mul(purpose as u64)));
    words.iter().fold(start, |state, word| mix(state, *word))
}

/// One more word for what [`derive`] has yielded: several numbers that differ in their last word
/// need not be derived from the beginning.
pub(crate) const fn mix(state: u64, word: u64) -> u64 {
    finalize(state.wrapping_mul(GOLDEN).wrapping_add(word))
}

/// 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finalizer of `SplitMix64`: a bijection.
const fn finalize(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// One stream of draws: PCG XSL 128/64 (LCG), the generator named `pcg64` by its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream(Pcg64);

/// The generator keeps its state to itself; what it would yield next stands for it.
impl Hash for Stream {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.clone().next_u64().hash(state);
    }
}

impl Stream {
    /// The stream of a purpose. State and sequence selector are four derived words.
    pub(crate) fn new(seed: u64, purpose: Purpose, words: [u64; 2]) -> Self {
        let word = |n| u128::from(derive(seed, purpose, &[words[0], words[1], n]));
        Self(Pcg64::new(word(0) << 64 | word(1), word(2) << 64 | word(3)))
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// Whether an event of this probability happens, decided by the upper half of a draw.
pub(crate) fn happens(draw: u64, probability: Probability) -> bool {
    // Multiply-shift: floor(upper × 10^9 / 2^32) is uniform over 0 … 10^9 - 1 but for a bias
    // of less than one part in four.
    let part = ((draw >> 32) * u64::from(Probability::ALWAYS.parts_per_billion())) >> 32;
    part < u64::from(probability.parts_per_billion())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden values, computed independently from the definitions: a new version of `rand_pcg`, or a slip in [`derive`], shows here first.
    #[test]
    fn draws_are_the_same_on_every_machine_and_in_every_version() {
        let mut stream = Stream::new(42, Purpose::Impairment, [0, 1]);
        let draws: Vec<_> = (0..4).map(|_| stream.next()).collect();
        assert_eq!(derive(42, Purpose::Secret, &[0, 0]), 16_114_635_542_809_093_249);
        assert_eq!(
            draws,
            [
                2_215_171_386_965_269_711,
                8_290_294_459_577_263_702,
                12_715_027_374_306_754_815,
                11_123_391_283_785_572_754
            ]
        );
    }

    #[test]
    fn neighbouring_words_give_unrelated_numbers() {
        let near = derive(1, Purpose::Secret, &[0, 1]) ^ derive(1, Purpose::Secret, &[0, 2]);
        assert!((16..=48).contains(&near.count_ones()), "{near:064b}");
        let order = derive(1, Purpose::Secret, &[1, 0]) ^ derive(1, Purpose::Secret, &[0, 1]);
        assert!((16..=48).contains(&order.count_ones()), "{order:064b}");
    }

    #[test]
    fn probabilities_are_met_within_a_hundredth_of_their_value() {
        let mut stream = Stream::new(7, Purpose::Impairment, [0, 0]);
        let quarter = Probability::from_parts_per_billion(250_000_000).unwrap();
        let hits = (0..100_000).filter(|_| happens(stream.next(), quarter)).count();
        assert!((24_750..=25_250).contains(&hits), "{hits}");
        assert!(!happens(0, Probability::NEVER));
        assert!(happens(u64::MAX, Probability::ALWAYS));
    }
}
