//! Specifications and traces in words.

use std::fmt::Write as _;
use std::time::Duration;

use twomsl_tcp::{Profile, TcpState, WhatIf};
use twomsl_trace::{Event, HostId, SocketRef, Trace};

use crate::spec::{Distribution, Impairments, Loss, Probability};

/// A profile, and the rules it is without: `linux (what-if no-paws)`.
pub(crate) fn profile(profile: &Profile) -> String {
    let rules: Vec<_> = profile.what_ifs.iter().map(WhatIf::name).collect();
    if rules.is_empty() {
        return profile.name.to_owned();
    }
    format!("{} (what-if {})", profile.name, rules.join(", "))
}

/// What a path does, in netem's words: `delay 10ms jitter 2ms loss 1%`. Nothing is `delay 0ms`.
/// netem has no word for the jitter; a bare second number would be a riddle.
pub(crate) fn impairments(what: &Impairments) -> String {
    let defaults = Impairments::default();
    let mut words = format!("delay {}", duration(what.delay));
    if !what.jitter.is_zero() {
        let _ = write!(words, " jitter {}", duration(what.jitter));
        match what.distribution {
            Distribution::Uniform => {}
            Distribution::Normal => words.push_str(" distribution normal"),
            Distribution::Pareto => words.push_str(" distribution pareto"),
        }
    }
    loss(&mut words, what.loss);
    for (name, probability) in [
        ("duplicate", what.duplicate),
        ("reorder", what.reorder),
        ("corrupt", what.corrupt),
        ("mark", what.mark),
    ] {
        if probability != Probability::NEVER {
            let _ = write!(words, " {name} {}", percent(probability));
        }
    }
    if let Some(rate) = what.rate {
        let _ = write!(words, " rate {}", bits(rate));
        // Only packets that wait for the rate are limited.
        if what.limit != defaults.limit {
            let _ = write!(words, " limit {}", what.limit);
        }
        if let Some(threshold) = what.mark_above {
            let _ = write!(words, " mark-above {threshold}");
        }
    }
    if what.mtu != defaults.mtu {
        let _ = write!(words, " mtu {}", what.mtu);
    }
    if what.too_big != defaults.too_big {
        words.push_str(" icmp off");
    }
    if let Some(lifetime) = what.lifetime {
        let _ = write!(words, " lifetime {}", duration(lifetime));
    }
    words
}

/// Loss in the words of `tc-netem(8)`.
fn loss(words: &mut String, loss: Loss) {
    let _ = match loss {
        Loss::None => Ok(()),
        Loss::Bernoulli(probability) => write!(words, " loss {}", percent(probability)),
        Loss::GilbertElliott { p, r, bad_loss, good_loss } => write!(
            words,
            " loss gemodel {} {} {} {}",
            percent(p),
            percent(r),
            percent(bad_loss),
            percent(good_loss)
        ),
    };
}

/// `10ms`, `1.5ms`, `2s`: the largest unit in which it is at least one, without zeros at the end.
fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (unit, name, digits) = match nanos {
        1_000_000_000.. => (1_000_000_000, "s", 9),
        1_000_000.. | 0 => (1_000_000, "ms", 6),
        1_000.. => (1_000, "us", 3),
        _ => (1, "ns", 0),
    };
    decimal(nanos / unit, nanos % unit, digits) + name
}

/// `10Mbit`: the largest unit in which it is at least one, as a scenario writes it.
fn bits(rate: u64) -> String {
    let (unit, name, digits) = match rate {
        1_000_000_000.. => (1_000_000_000, "Gbit", 9),
        1_000_000.. => (1_000_000, "Mbit", 6),
        1_000.. => (1_000, "kbit", 3),
        _ => (1, "bit", 0),
    };
    decimal((rate / unit).into(), (rate % unit).into(), digits) + name
}

/// `1%`, `0.25%`.
fn percent(probability: Probability) -> String {
    let parts = u128::from(probability.parts_per_billion());
    decimal(parts / 10_000_000, parts % 10_000_000, 7) + "%"
}

/// Digits before and after the point, without zeros at the end.
fn decimal(whole: u128, fraction: u128, digits: usize) -> String {
    if fraction == 0 {
        return whole.to_string();
    }
    let fraction = format!("{fraction:0digits$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// The states each socket of a host went through, in the order in which the sockets began.
pub(crate) fn paths(trace: &Trace, host: HostId) -> Vec<Vec<TcpState>> {
    let mut paths: Vec<(SocketRef, Vec<TcpState>)> = Vec::new();
    for record in &trace.records {
        let Event::State { socket, change } = &record.event else { continue };
        if socket.host != host {
            continue;
        }
        // From the back: a socket's changes are mostly close together.
        match paths.iter_mut().rev().find(|(known, _)| known == socket) {
            Some((_, states)) => states.push(change.to),
            None => paths.push((*socket, vec![change.from, change.to])),
        }
    }
    paths.into_iter().map(|(_, states)| states).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::TooBig;

    #[test]
    fn impairments_are_told_in_the_words_of_netem() {
        assert_eq!(impairments(&Impairments::default()), "delay 0ms");
        let probability = |parts| Probability::from_parts_per_billion(parts).unwrap();
        let many = Impairments {
            delay: Duration::from_millis(1_500),
            jitter: Duration::from_micros(250),
            distribution: Distribution::Pareto,
            loss: Loss::Bernoulli(probability(2_500_000)),
            duplicate: probability(10_000_000),
            rate: Some(1_000_000),
            lifetime: Some(Duration::from_secs(120)),
            ..Impairments::default()
        };
        let words = "delay 1.5s jitter 250us distribution pareto loss 0.25% duplicate 1% \
                     rate 1Mbit lifetime 120s";
        assert_eq!(impairments(&many), words);
        let slow = Impairments { rate: Some(9_600), limit: 3, ..Impairments::default() };
        assert_eq!(impairments(&slow), "delay 0ms rate 9.6kbit limit 3");
        let black_hole = Impairments {
            mark: probability(20_000_000),
            mark_above: Some(5),
            mtu: 1400,
            too_big: TooBig::Silence,
            ..slow
        };
        let words = "delay 0ms mark 2% rate 9.6kbit limit 3 mark-above 5 mtu 1400 icmp off";
        assert_eq!(impairments(&black_hole), words);
    }
}
