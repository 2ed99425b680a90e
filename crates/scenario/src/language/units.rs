//! Numbers with units, exact in integers.
//!
//! Decimals are read by hand: a float would round, and differently on different machines.

use std::time::Duration;

use twomsl_sim::spec::Probability;

/// The units of time, in nanoseconds.
const TIME: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// The units of size, in octets.
const SIZE: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// The units of rate, in bits per second, as `tc` writes them.
const RATE: &[(&str, u64)] =
    &[("bit", 1), ("kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000)];

/// A duration: `10ms`, `1.5s`, `2h`, `1m30s`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut nanos: u64 = 0;
    loop {
        let (number, tail) = split_number(rest)?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        nanos = nanos.checked_add(scaled(number, unit_of(TIME, unit.trim())?)?)?;
        if tail.is_empty() {
            return Some(Duration::from_nanos(nanos));
        }
        rest = tail;
    }
}

/// A whole number: `5`, `0x1f`, `1_000`, with the prefixes of KDL 2.
pub(crate) fn number(text: &str) -> Option<u64> {
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2)];
    let prefixed =
        prefixes.iter().find_map(|(prefix, radix)| Some((text.strip_prefix(prefix)?, *radix)));
    let (digits, radix) = prefixed.unwrap_or((text, 10));
    // The standard library would take a sign, KDL no underscore in front.
    let starts = digits.chars().next().is_some_and(|first| first.is_digit(radix));
    starts.then(|| u64::from_str_radix(&digits.replace('_', ""), radix).ok()).flatten()
}

/// A size in octets: `64KiB`, `1460`.
pub(crate) fn size(text: &str) -> Option<u64> {
    single(text, SIZE)
}

/// A rate in bits per second: `10Mbit`.
pub(crate) fn rate(text: &str) -> Option<u64> {
    single(text, RATE)
}

/// What a probability can be wrong with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadProbability {
    /// It is no percentage.
    Form,
    /// It is more than always, or less than never.
    Range,
    /// It has more decimals than there are parts in 10^9.
    Fine,
}

/// A probability as a percentage: `0.1%`.
pub(crate) fn probability(text: &str) -> Result<Probability, BadProbability> {
    let text = text.trim();
    let negative = text.starts_with('-');
    let number = text.trim_start_matches('-').strip_suffix('%').ok_or(BadProbability::Form)?;
    let (digits, rest) = split_number(number.trim()).ok_or(BadProbability::Form)?;
    if !rest.is_empty() {
        return Err(BadProbability::Form);
    }
    // One percent is 10^7 parts in 10^9.
    let parts = scaled(digits, 10_000_000).ok_or(BadProbability::Fine)?;
    let parts = u32::try_from(parts).map_err(|_| BadProbability::Range)?;
    let probability = Probability::from_parts_per_billion(parts).ok_or(BadProbability::Range)?;
    if negative && parts > 0 { Err(BadProbability::Range) } else { Ok(probability) }
}

/// One number with one unit.
fn single(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = split_number(text.trim())?;
    scaled(number, unit_of(units, unit.trim())?)
}

fn unit_of(units: &[(&str, u64)], unit: &str) -> Option<u64> {
    units.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale)
}

/// The decimal at the beginning, and what follows it.
fn split_number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'));
    let (number, rest) = text.split_at(end.unwrap_or(text.len()));
    (!number.is_empty()).then_some((number, rest))
}

/// `number` times `scale`; `None` when that is no integer or too large.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| text.replace('_', "").parse::<u64>().ok();
    let fraction = fraction.trim_end_matches('0');
    let power = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = if fraction.is_empty() { 0 } else { digits(fraction)? };
    let part = u128::from(part) * u128::from(scale);
    if part % u128::from(power) != 0 {
        return None;
    }
    let whole = u128::from(digits(whole)?) * u128::from(scale);
    u64::try_from(whole.checked_add(part / u128::from(power))?).ok()
}

/// A duration in the language's own form, as short as it can be exactly: `1.5s`, `250us`.
pub(crate) fn show(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (unit, scale) = match nanos {
        0 => return "0s".to_owned(),
        1_000_000_000.. => ("s", 1_000_000_000),
        1_000_000.. => ("ms", 1_000_000),
        1_000.. => ("us", 1_000),
        _ => ("ns", 1),
    };
    let (whole, fraction) = (nanos / scale, nanos % scale);
    if fraction == 0 {
        return format!("{whole}{unit}");
    }
    let digits = scale.ilog10() as usize;
    let fraction = format!("{fraction:0digits$}");
    format!("{whole}.{}{unit}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact() {
        for (text, nanos) in [
            ("10ms", 10_000_000),
            ("1.5s", 1_500_000_000),
            ("2h", 7_200_000_000_000),
            ("1m30s", 90_000_000_000),
            ("0.000000001s", 1),
            ("0s", 0),
            ("1_000us", 1_000_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn durations_that_are_none_are_refused() {
        for text in ["", "10", "ms", "1.5.2s", "0.5ns", "1x", "-1s", "999999999999d", "1s2", ".s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_have_the_forms_of_kdl() {
        let read = ["5", "0x1f", "1_000", "0b101", "18446744073709551615"].map(number);
        assert_eq!(read, [Some(5), Some(31), Some(1_000), Some(5), Some(u64::MAX)]);
        for text in ["", "-1", "+1", "abc", "0x", "_1", "1.5", "18446744073709551616"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn probabilities_are_percentages_between_never_and_always() {
        let parts = |text| probability(text).map(Probability::parts_per_billion);
        assert_eq!(parts("0.1%"), Ok(1_000_000));
        assert_eq!(parts("100%"), Ok(1_000_000_000));
        assert_eq!(parts("0.0000001%"), Ok(1));
        assert_eq!(parts("100.1%"), Err(BadProbability::Range));
        assert_eq!(parts("-1%"), Err(BadProbability::Range));
        assert_eq!(parts("0.00000001%"), Err(BadProbability::Fine));
        assert_eq!(parts("0.1"), Err(BadProbability::Form));
        assert_eq!(parts("x%"), Err(BadProbability::Form));
    }

    #[test]
    fn sizes_and_rates_have_their_units() {
        assert_eq!(size("64KiB"), Some(65_536));
        assert_eq!(size("1460"), Some(1460));
        assert_eq!(size("1.5kB"), Some(1500));
        assert_eq!(size("64kib"), None);
        assert_eq!(rate("10Mbit"), Some(10_000_000));
        assert_eq!(rate("10"), None);
    }

    #[test]
    fn a_duration_is_shown_as_it_would_be_written() {
        for text in ["0s", "10ms", "1.5s", "250us", "60.21s", "7ns", "7200s"] {
            assert_eq!(duration(text).map(show).as_deref(), Some(text));
        }
    }
}
