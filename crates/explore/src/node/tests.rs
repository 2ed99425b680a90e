//! A schedule that is written into a file happens there as it did in the search.

use std::sync::Arc;
use std::time::Duration;

use twomsl_scenario::{FaultKind, Scenario};
use twomsl_sim::{Plan, Recording};
use twomsl_tcp::Instant;
use twomsl_trace::{Event, Record};

use super::{Node, Waits};

const STORY: &str = r#"
scenario "Both ways"
host "client" profile="linux"
host "server" profile="linux"
link "client" "server" delay="10ms"
role "server" { listen 80; serve { read 300; write bytes=300; read-to-end; close } }
role "client" {
    connect "server:80"
    write bytes=100; write bytes=100; write bytes=100
    read 300
    close
    sleep "2m"
    connect "server:80"
}
"#;

/// Draws numbers; a test needs no better ones.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

/// Goes through a run, and places faults where the draws want them.
fn wander(mut node: Node, draws: &mut Draws) -> Node {
    let last = node.world.ends_by();
    loop {
        if let Some((all, waits)) = node.between(&FaultKind::ALL, last) {
            let stays = waits == Waits::Yes && draws.below(8) > 0;
            if !stays && !all.is_empty() {
                node = node.after(all[draws.below(all.len())]);
                continue;
            }
            if waits == Waits::No {
                return node;
            }
        }
        if node.world.is_over() {
            node.world.run();
            return node;
        }
        if let Some(arriving) = node.arriving()
            && draws.below(6) == 0
        {
            let kind = FaultKind::ALL[draws.below(FaultKind::ALL.len())];
            let child = node.befall(kind, &arriving, Duration::from_secs(30));
            if let Some(child) = child {
                node = child;
                continue;
            }
        }
        node.step();
    }
}

/// What hosts saw, and when. How the network came to it is told in other words.
fn seen(records: &[Record]) -> Vec<String> {
    let of_hosts = |record: &&Record| !matches!(record.event, Event::Fate { .. });
    let tell = |record: &Record| match &record.event {
        // Copies have other numbers.
        Event::Sent { host, content, reason, .. } => {
            format!("{} {host:?} {reason:?} {content:?}", record.at)
        }
        Event::Arrived { host, socket, verdict, .. } => {
            format!("{} {host:?} {socket:?} {verdict:?}", record.at)
        }
        event => format!("{} {event:?}", record.at),
    };
    records.iter().filter(of_hosts).map(tell).collect()
}

#[test]
fn a_schedule_in_a_file_is_the_schedule_of_the_search() {
    let scenario = Scenario::parse("story.kdl", STORY).expect("a sound scenario");
    let plan = Arc::new(Plan::new(scenario.spec()).expect("a world"));
    let names: Vec<String> = scenario.spec().hosts.into_iter().map(|host| host.name).collect();
    let mut faults = 0;
    for seed in 0..100 {
        let mut root = Node::with_recording(&plan, 0, scenario.monitors(), Recording::Trace);
        root.left = 6;
        let end = wander(root, &mut Draws(seed));
        let found = end.world.trace().records.clone();
        let until = end.world.now();
        let nodes: Vec<String> =
            end.clone().take_schedule().iter().map(|fault| fault.node(&names)).collect();
        faults += nodes.len();
        let text = scenario.with_faults_written(&nodes);
        let again = Scenario::parse("again.kdl", &text).unwrap_or_else(|error| panic!("{error}"));
        let again = again.run().expect("a world").trace.records;
        let again: Vec<Record> = again.into_iter().filter(|one| one.at <= until).collect();
        let (found, again) = (seen(&found), seen(&again));
        let first = found.iter().zip(&again).find(|(one, other)| one != other);
        assert!(first.is_none(), "seed {seed}: {first:#?}\n{}", nodes.join("\n"));
        // A schedule that ended with a packet in hand ends before the other run does.
        assert!(found.len() <= again.len(), "seed {seed}:\n{}", nodes.join("\n"));
    }
    assert!(faults > 150, "{faults} faults only");
}

#[test]
fn a_fault_later_than_all_events_is_possible_too() {
    let scenario = Scenario::parse("story.kdl", STORY).expect("a sound scenario");
    let plan = Arc::new(Plan::new(scenario.spec()).expect("a world"));
    let mut node = Node::root(&plan, 0, scenario.monitors());
    while !node.world.is_over() {
        node.step();
    }
    node.left = 1;
    let all = node.between(&[FaultKind::Crash], Instant::MAX).expect("room at the end").0;
    assert_eq!(all.len(), 2, "{all:?}");
}
