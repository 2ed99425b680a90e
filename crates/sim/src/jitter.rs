//! How a delay varies: integer forms of netem's distributions.

use twomsl_tcp::Instant;

use crate::random::Stream;
use crate::spec::Distribution;

/// How many 64-bit draws one value takes. The same for all distributions, so that the k-th
/// packet of a path always has the k-th draws, whatever came before.
const DRAWS: usize = 2;

/// The draws of one packet.
pub(crate) type Draws = [u64; DRAWS];

/// Takes the draws of one packet from its stream.
pub(crate) fn draw(stream: &mut Stream) -> Draws {
    std::array::from_fn(|_| stream.next())
}

/// `time` plus `delay` varied by `jitter`; never before `time`. All in nanoseconds.
pub(crate) fn arrival(
    time: Instant,
    delay: u64,
    jitter: u64,
    distribution: Distribution,
    draws: Draws,
) -> Instant {
    // The factor is in units of 2^-16, as a wide product: no overflow for any duration.
    let offset = (i128::from(jitter) * i128::from(factor(distribution, draws))) >> 16;
    let late = (i128::from(delay) + offset).max(0);
    let nanos = u64::try_from(late).unwrap_or(u64::MAX);
    Instant::from_nanos(time.as_nanos().saturating_add(nanos))
}

/// By how much of the jitter a packet deviates, in units of 2^-16.
fn factor(distribution: Distribution, draws: Draws) -> i64 {
    match distribution {
        Distribution::Uniform => uniform(draws[0]),
        Distribution::Normal => normal(draws),
        Distribution::Pareto => pareto(draws[0]),
    }
}

/// Even over -1 … +1.
const fn uniform(draw: u64) -> i64 {
    (draw >> 47).cast_signed() - (1 << 16)
}

/// Nearly normal with standard deviation 1: the sum of eight even values, which ends at 4.9
/// deviations where the true curve has one value in a million left.
fn normal(draws: Draws) -> i64 {
    let parts = draws.iter().flat_map(|draw| [0, 16, 32, 48].map(|shift| draw >> shift & 0xFFFF));
    let sum: u64 = parts.sum();
    let centred = sum.cast_signed() - 8 * 0xFFFF / 2;
    // One even value over n has the variance n²/12, eight have 8n²/12: divide by √(8/12)·n,
    // which is 53 509.
    (centred << 16) / 53_509
}

/// Pareto with shape 3, moved and scaled as the table that iproute2 makes for
/// netem: (u^(-1/3) - 1.5) · 4/3, cut at 4 because netem's tables end there.
fn pareto(draw: u64) -> i64 {
    let u = u128::from(draw >> 32) + 1;
    // u^(-1/3) in units of 2^-16, u being in units of 2^-32: cbrt(2^32 / u · 2^48).
    let root = cube_root((1 << 80) / u).cast_signed() as i64;
    ((root - (3 << 15)) * 4 / 3).min(4 << 16)
}

/// The integer cube root, rounded down, of anything below 2^81.
fn cube_root(n: u128) -> u128 {
    let (mut low, mut high) = (0_u128, 1 << 27);
    while high - low > 1 {
        let middle = u128::midpoint(low, high);
        if middle * middle * middle <= n { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    const ONE: i64 = 1 << 16;

    fn values(distribution: Distribution) -> Vec<i64> {
        let mut stream = Stream::new(3, Purpose::Impairment, [0, 0]);
        let mut values: Vec<_> =
            (0..100_000).map(|_| factor(distribution, draw(&mut stream))).collect();
        values.sort_unstable();
        values
    }

    fn mean(values: &[i64]) -> i64 {
        values.iter().sum::<i64>() / values.len().cast_signed() as i64
    }

    #[test]
    fn uniform_jitter_fills_its_range_evenly() {
        let values = values(Distribution::Uniform);
        assert!(values[0] >= -ONE && values[0] < -ONE * 99 / 100);
        assert!(values[99_999] < ONE && values[99_999] > ONE * 99 / 100);
        assert!(mean(&values).abs() < ONE / 50, "{}", mean(&values));
        assert!((values[25_000] + ONE / 2).abs() < ONE / 50);
    }

    #[test]
    fn normal_jitter_has_two_thirds_within_one_deviation() {
        let values = values(Distribution::Normal);
        assert!(mean(&values).abs() < ONE / 50);
        let within = values.iter().filter(|v| v.abs() <= ONE).count();
        assert!((67_500..=69_500).contains(&within), "{within}");
        let far = values.iter().filter(|v| v.abs() > 2 * ONE).count();
        assert!((4_000..=5_000).contains(&far), "{far}");
    }

    #[test]
    fn pareto_jitter_has_a_hard_floor_and_a_long_tail() {
        let values = values(Distribution::Pareto);
        assert!((values[0] + ONE * 2 / 3).abs() <= 2, "{}", values[0]);
        assert_eq!(values[99_999], 4 * ONE);
        // The median of u^(-1/3) is 2^(1/3) = 1.26: (1.26 - 1.5) · 4/3 = -0.32.
        assert!((values[50_000] + ONE * 32 / 100).abs() < ONE / 50, "{}", values[50_000]);
    }

    #[test]
    fn a_packet_never_arrives_before_it_was_sent() {
        let time = Instant::from_millis(5);
        assert_eq!(arrival(time, 10, 1_000, Distribution::Uniform, [0, 0]), time);
        let late = arrival(time, u64::MAX, u64::MAX, Distribution::Uniform, [u64::MAX, 0]);
        assert_eq!(late, Instant::MAX);
    }
}
