//! Swarm: a whole configuration drawn from a seed.
//!
//! Each feature is in about half of the configurations (Groce et al., "Swarm testing", 2012): a run
//! with everything at once rarely comes far enough to meet what only some of it together can do.
//! Every purpose has a stream of its own, so that one more draw in one place changes no other.

use std::time::Duration;

use twomsl_sim::spec::{
    FaultRule, FaultVerdict, Impairments, Loss, Matcher, Nth, Probability, WorldSpec,
};
use twomsl_tcp::Profile;

/// The specification of a seed: that of the scenario, with everything else drawn.
pub(crate) fn drawn(mut spec: WorldSpec, seed: u64) -> WorldSpec {
    spec.seed = seed;
    for (place, host) in spec.hosts.iter_mut().enumerate() {
        profile(&mut host.profile, &mut Draws::new(seed, Purpose::Host, place));
    }
    for (place, link) in spec.links.iter_mut().enumerate() {
        let mut draws = Draws::new(seed, Purpose::Link, place);
        impairments(&mut link.forward, &mut draws);
        impairments(&mut link.backward, &mut draws);
    }
    let mut draws = Draws::new(seed, Purpose::Faults, 0);
    if draws.coin() {
        for _ in 0..=draws.below(3) {
            spec.faults.push(fault(&spec, &mut draws));
        }
    }
    spec
}

/// Parameters whose values are words, and sizes.
const OPTIONS: [(&str, &[&str]); 9] = [
    ("sack", &["off"]),
    ("timestamps", &["off"]),
    ("window-scale", &["off", "0", "7", "14"]),
    ("mss", &["88", "536", "1000", "1460"]),
    ("ecn", &["on", "off"]),
    ("congestion-control", &["newreno", "cubic"]),
    ("send-buffer", &["1000", "4096", "65536"]),
    ("receive-buffer", &["1000", "4096", "65536"]),
    ("delayed-ack", &["10ms", "200ms", "400ms"]),
];

fn profile(profile: &mut Profile, draws: &mut Draws) {
    let name = Profile::NAMES[draws.below(Profile::NAMES.len() as u64) as usize];
    if let Some(drawn) = Profile::by_name(name).filter(|_| draws.coin()) {
        *profile = Profile { what_ifs: profile.what_ifs, ..drawn };
    }
    for (parameter, values) in OPTIONS {
        let value = values[draws.below(values.len() as u64) as usize];
        if draws.below(4) == 0 {
            // Each is a value that every profile takes; a test holds them to that.
            let _ = profile.set(parameter, value);
        }
    }
}

fn impairments(what: &mut Impairments, draws: &mut Draws) {
    let percent = |draws: &mut Draws, most: u64| {
        let parts = draws.below(most * 10_000_000) as u32;
        if draws.coin() {
            Probability::from_parts_per_billion(parts).unwrap_or_default()
        } else {
            Probability::NEVER
        }
    };
    if draws.coin() {
        what.delay = Duration::from_micros(draws.below(100_000));
    }
    if draws.coin() {
        what.jitter = Duration::from_micros(draws.below(20_000)).min(what.delay);
    }
    match percent(draws, 20) {
        Probability::NEVER => {}
        loss => what.loss = Loss::Bernoulli(loss),
    }
    what.duplicate = percent(draws, 20);
    what.reorder = percent(draws, 20);
    what.corrupt = percent(draws, 10);
    if draws.coin() {
        what.rate = Some(100_000 + draws.below(10_000_000));
    }
}

/// One or some packets in a row of one host.
fn fault(spec: &WorldSpec, draws: &mut Draws) -> FaultRule {
    let from = draws.below(spec.hosts.len() as u64) as usize;
    let first = 1 + draws.below(12) as u32;
    let nth = Nth { first, last: first + draws.below(3) as u32 };
    let verdict = match draws.below(3) {
        0 => FaultVerdict::Drop,
        1 => FaultVerdict::Delay(Duration::from_millis(draws.below(2000))),
        _ => FaultVerdict::Duplicate { copies: 1, delay: Duration::from_millis(draws.below(2000)) },
    };
    let matcher = Matcher { from: Some(from), ..Matcher::default() };
    let text = format!("swarm: packets {first} to {} of {}", nth.last, spec.hosts[from].name);
    FaultRule { text, matcher, nth: Some(nth), verdict }
}

/// What is drawn for. The discriminants are part of the streams' seeds.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Host = 1,
    Link = 2,
    Faults = 3,
}

/// A stream of numbers: `SplitMix64` (Steele, Lea, Flood, 2014).
#[derive(Clone, Debug)]
struct Draws(u64);

impl Draws {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

    fn new(seed: u64, purpose: Purpose, place: usize) -> Self {
        let mut draws = Self(seed);
        for word in [purpose as u64, place as u64] {
            draws.0 = draws.next().wrapping_add(word.wrapping_mul(Self::GOLDEN));
        }
        draws
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::GOLDEN);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Less than `bound`; 0 if that is 0.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn coin(&mut self) -> bool {
        self.next() >> 63 == 1
    }
}

#[cfg(test)]
mod tests {
    use twomsl_tcp::Profile;

    use super::{Draws, OPTIONS, Purpose};

    #[test]
    fn every_value_is_one_that_every_profile_takes() {
        for name in Profile::NAMES {
            let mut profile = Profile::by_name(name).expect("a profile");
            for (parameter, values) in OPTIONS {
                for value in values {
                    let set = profile.set(parameter, value);
                    assert!(set.is_ok(), "{name} {parameter}={value}: {set:?}");
                }
            }
        }
    }

    /// A change of these would change every swarm.
    #[test]
    fn the_same_numbers_everywhere() {
        let first = |seed, purpose, place| Draws::new(seed, purpose, place).below(1000);
        let all = [
            first(0, Purpose::Host, 0),
            first(0, Purpose::Host, 1),
            first(0, Purpose::Link, 0),
            first(1, Purpose::Host, 0),
            first(1, Purpose::Faults, 0),
        ];
        let mut different = all.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), all.len(), "{all:?}");
    }
}
