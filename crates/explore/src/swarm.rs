//! Swarm: a whole configuration drawn from a seed.
//!
//! Each feature is in about half of the configurations (Groce et al., "Swarm testing", 2012): a run
//! with everything at once rarely comes far enough to meet what only some of it together can do.
//! Every purpose has a stream of its own, so that one more draw in one place changes no other.

use std::time::Duration;

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};
use twomsl_scenario::{Scenario, ScenarioError};
use twomsl_sim::spec::Impairments;
use twomsl_tcp::{Instant, Profile};

use crate::plain::plain;
use crate::sizes;

/// The scenario of a seed: everything is drawn, and written down as nodes of a scenario of its own,
/// which runs alone. It expects what `explore` expects of every schedule.
///
/// # Errors
/// What was drawn makes no scenario. A test holds the library to that it does.
pub fn swarmed(scenario: &Scenario, seed: u64) -> Result<Scenario, ScenarioError> {
    let scenario = scenario.clone().with_seed(seed);
    let hosts: Vec<String> = scenario.spec().hosts.into_iter().map(|host| host.name).collect();
    let mut nodes = faults(&hosts, &mut Draws::new(seed, Purpose::Faults, 0));
    nodes.extend(scenario.disasters_written());
    let text = scenario.with_faults_written(&nodes);
    let mut document: KdlDocument = text.parse().unwrap_or_default();
    configure(&mut document, &scenario, seed);
    plain(&mut document, 0);
    Scenario::parse(scenario.name(), &document.to_string())
}

/// Hosts, links and sizes as the seed wants them.
fn configure(document: &mut KdlDocument, scenario: &Scenario, seed: u64) {
    let named = |document: &KdlDocument, name| {
        let nodes = document.nodes().iter().enumerate();
        let of = nodes.filter(|(_, node)| node.name().value() == name).map(|(place, _)| place);
        of.collect::<Vec<usize>>()
    };
    for (nth, place) in named(document, "host").into_iter().enumerate() {
        profile(&mut document.nodes_mut()[place], &mut Draws::new(seed, Purpose::Host, nth));
    }
    let links = scenario.spec().links;
    for ((nth, place), link) in named(document, "link").into_iter().enumerate().zip(&links) {
        let mut draws = Draws::new(seed, Purpose::Link, nth);
        let node = &mut document.nodes_mut()[place];
        direction(node, "forward", &link.forward, &mut draws);
        direction(node, "backward", &link.backward, &mut draws);
    }
    if sizes::are_free(document) {
        let mut draws = Draws::new(seed, Purpose::Sizes, 0);
        for size in sizes::written(document) {
            sizes::replace(document, size, draws.size(size));
        }
    }
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

/// Another profile, and some parameters. What the file sets stays: it is part of the story.
fn profile(host: &mut KdlNode, draws: &mut Draws) {
    let name = Profile::NAMES[draws.below(Profile::NAMES.len() as u64) as usize];
    if draws.coin() {
        property(host, "profile", KdlValue::String(name.to_owned()));
    }
    let children = host.children_mut().get_or_insert_with(KdlDocument::new);
    for (parameter, values) in OPTIONS {
        let value = values[draws.below(values.len() as u64) as usize];
        let own = children.nodes().iter().any(|node| node.get(0) == Some(&parameter.into()));
        if draws.below(4) == 0 && !own {
            children.nodes_mut().push(node("set", &[parameter, value]));
        }
    }
}

/// One direction of a link: half of what a link can do to packets.
fn direction(link: &mut KdlNode, name: &str, now: &Impairments, draws: &mut Draws) {
    let mut drawn = node(name, &[]);
    let delay = draws.coin().then(|| Duration::from_micros(draws.below(100_000)));
    let jitter = draws.coin().then(|| Duration::from_micros(draws.below(20_000)));
    let jitter = jitter.map(|jitter| jitter.min(delay.unwrap_or(now.delay)));
    for (name, time) in [("delay", delay), ("jitter", jitter)] {
        if let Some(time) = time {
            property(&mut drawn, name, KdlValue::String(seconds(time)));
        }
    }
    for (name, most) in [("loss", 20), ("duplicate", 20), ("reorder", 20), ("corrupt", 10)] {
        // Parts of a billion, as percent with seven decimals.
        let parts = draws.below(most * 10_000_000);
        if draws.coin() {
            let percent = format!("{}.{:07}%", parts / 10_000_000, parts % 10_000_000);
            property(&mut drawn, name, KdlValue::String(percent));
        }
    }
    if draws.coin() {
        let rate = format!("{}bit", 100_000 + draws.below(10_000_000));
        property(&mut drawn, "rate", KdlValue::String(rate));
    }
    merge(link.children_mut().get_or_insert_with(KdlDocument::new), drawn);
}

/// What the file says of a direction stays, but for what was drawn.
fn merge(inside: &mut KdlDocument, drawn: KdlNode) {
    let name = drawn.name().value().to_owned();
    let Some(own) = inside.nodes_mut().iter_mut().find(|node| node.name().value() == name) else {
        inside.nodes_mut().push(drawn);
        return;
    };
    for entry in drawn.entries() {
        let Some(name) = entry.name() else { continue };
        // Two models of loss exclude each other.
        if let (Some(inside), "loss") = (own.children_mut(), name.value()) {
            inside.nodes_mut().retain(|node| node.name().value() != "gilbert-elliott");
        }
        property(own, name.value(), entry.value().clone());
    }
}

/// Up to three faults, each of one or some packets in a row of one host.
fn faults(hosts: &[String], draws: &mut Draws) -> Vec<String> {
    let mut all = Vec::new();
    if draws.coin() {
        for _ in 0..=draws.below(3) {
            all.push(fault(hosts, draws));
        }
    }
    all
}

fn fault(hosts: &[String], draws: &mut Draws) -> String {
    let from = &hosts[draws.below(hosts.len() as u64) as usize];
    let first = 1 + draws.below(12);
    let last = first + draws.below(3);
    let (verdict, more) = match draws.below(3) {
        0 => ("drop", String::new()),
        1 => ("delay", format!(" by=\"{}ms\"", draws.below(2000))),
        _ => ("duplicate", format!(" spacing=\"{}ms\"", draws.below(2000))),
    };
    let nth = if first == last { first.to_string() } else { format!("\"{first}..{last}\"") };
    format!("fault {verdict} from=\"{from}\" nth={nth}{more}")
}

/// A node with these words as its arguments, on a line of its own.
fn node(name: &str, words: &[&str]) -> KdlNode {
    let mut node = KdlNode::new(name);
    for word in words {
        node.push(KdlEntry::new(*word));
    }
    node.autoformat();
    node
}

/// Sets a property, whether or not it was there.
fn property(node: &mut KdlNode, name: &str, value: KdlValue) {
    node.entries_mut().retain(|entry| entry.name().is_none_or(|it| it.value() != name));
    let mut entry = KdlEntry::new_prop(name, value);
    entry.autoformat();
    node.entries_mut().push(entry);
}

/// A duration as scenario files have it.
fn seconds(time: Duration) -> String {
    format!("{}s", Instant::ZERO + time)
}

/// What is drawn for. The discriminants are part of the streams' seeds.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Host = 1,
    Link = 2,
    Faults = 3,
    Sizes = 4,
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

    /// Smaller mostly: from one octet to twice the size, each order of magnitude as likely as the
    /// others.
    fn size(&mut self, size: u64) -> u64 {
        let most = size.saturating_mul(2) >> self.below(u64::from(size.max(1).ilog2()) + 1);
        1 + self.below(most.max(1))
    }

    fn coin(&mut self) -> bool {
        self.next() >> 63 == 1
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use twomsl_scenario::Scenario;
    use twomsl_tcp::Profile;

    use super::{Draws, OPTIONS, Purpose, swarmed};
    use crate::{Variety, sweep};

    const STORY: &str = r#"
scenario "Requests"
host "client" profile="linux" { set "mss" 700 }
host "server" profile="linux"
link "client" "server" delay="20ms" { forward loss="1%" mtu=900 }
role "server" { listen 80; serve { repeat { read 300; write bytes=5000 }; close } }
role "client" { connect "server:80"; repeat 3 { write bytes=300; read 5000 }; close }
"#;

    fn story(more: &str) -> Scenario {
        Scenario::parse("requests.kdl", &format!("{STORY}{more}")).expect("a scenario")
    }

    #[test]
    fn what_is_drawn_is_a_file_of_its_own() {
        let mut different = 0;
        for seed in 0..30 {
            let drawn = swarmed(&story(""), seed).expect("a scenario");
            let again = Scenario::parse("again.kdl", &drawn.written(&[])).expect("a scenario");
            assert_eq!(drawn.spec(), again.spec(), "{}", drawn.text());
            assert_eq!(drawn.spec().hosts[0].profile.mss, 700, "what the file sets stays");
            assert_eq!(drawn.spec().links[0].forward.mtu, 900);
            different += usize::from(drawn.spec().links != story("").spec().links);
        }
        assert!(different > 20, "{different}");
    }

    #[test]
    fn sizes_are_drawn_together_and_only_where_nothing_speaks_of_them() {
        let sizes = |scenario: &Scenario| {
            let text: String = scenario.text().split_whitespace().collect();
            let at = |before: &str| {
                let digits = text.split(before).nth(1).unwrap_or_default();
                digits.chars().take_while(char::is_ascii_digit).collect::<String>()
            };
            [at("serve{repeat{read"), at("writebytes="), at("repeat3{writebytes=")]
        };
        let mut drawn: Vec<String> = Vec::new();
        for seed in 0..20 {
            let [asked, answer, asks] = sizes(&swarmed(&story(""), seed).expect("a scenario"));
            assert_eq!(asked, asks, "what is written is read");
            drawn.push(answer);
        }
        drawn.sort_unstable();
        drawn.dedup();
        assert!(drawn.len() > 10, "{drawn:?}");
        let told = story("explore { expect { read \"client\" bytes=15000 } }");
        let kept = swarmed(&told, 7).expect("a scenario");
        assert_eq!(sizes(&kept), ["300", "5000", "300"]);
    }

    #[test]
    fn a_run_that_fails_leaves_a_file_that_does_it_again() {
        let strict = story("explore { expect { segments retransmission=#true count=0 } }");
        let swept = sweep(&strict, 0..20, Variety::Swarm, 1, &AtomicU64::new(0)).expect("worlds");
        let failed = swept.first.as_ref().expect("a run that fails");
        assert!(failed.what.starts_with("scenario.kdl:"), "{}", failed.what);
        let folder = std::env::temp_dir().join("twomsl-explore-swarm-leaves");
        let left = failed.leave(&folder).expect("a folder");
        let again = Scenario::load(&left.scenario).expect("a scenario").run().expect("a world");
        assert_eq!(again.trace.records, failed.trace.records);
        assert!(!again.holds());
        std::fs::remove_dir_all(folder).expect("the folder that was made");
    }

    #[test]
    fn a_test_that_sweeps_says_how_to_see_it_again() {
        let strict = story("explore { expect { segments retransmission=#true count=0 } }");
        let swept = sweep(&strict, 0..20, Variety::Swarm, 1, &AtomicU64::new(0)).expect("worlds");
        let panic = std::panic::catch_unwind(|| swept.assert_holds()).expect_err("it fails");
        let message = panic.downcast_ref::<String>().expect("a text");
        let seed = swept.failed[0];
        for line in [
            format!("{} of 20 runs failed, the first with seed {seed}:", swept.failed.len()),
            format!("to see it again: twomsl sweep requests.kdl --seed {seed} --swarm"),
            "as a scenario: twomsl run twomsl-artefacts/requests-sweep/scenario.kdl".to_owned(),
            "ladder: twomsl-artefacts/requests-sweep/ladder.txt".to_owned(),
        ] {
            assert!(message.lines().any(|one| one == line), "{line}\nis not in\n{message}");
        }
        std::fs::remove_dir_all("twomsl-artefacts").expect("the folder that was made");
    }

    #[test]
    fn what_a_scenario_shows_on_purpose_is_no_failure() {
        let shows = story("expect { violation 4; violation 6 count=0 }");
        let drawn = swarmed(&shows, 1).expect("a scenario");
        assert!(drawn.text().contains("expect {\n    violation 4 min=0\n}"), "{}", drawn.text());
    }

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
