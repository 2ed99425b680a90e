//! Runs that fail by chance, made small.

use twomsl_scenario::Scenario;

use super::{Reason, ShrinkError, shrink};

const STORY: &str = r#"
scenario "A transfer over a bad link"
host "client" profile="linux"
host "server" profile="linux"
host "bystander"
link "client" "server" delay="11.37ms" loss="20%"
link "bystander" "server" delay="3ms"
role "server" { listen 80; serve { read-to-end; close } }
role "client" { sleep "123ms"; connect "server:80"; write bytes=3000; write bytes=471; close }
role "bystander" { connect "server:80"; write "hello"; close }
expect { segments from="client" retransmission=#true count=0 }
"#;

fn story() -> Scenario {
    Scenario::parse("story.kdl", STORY).unwrap_or_else(|error| panic!("{error}"))
}

/// The first seed with which it fails.
fn failing() -> Scenario {
    let seeds = (0..100).map(|seed| story().with_seed(seed));
    let mut failing = seeds.filter(|story| !story.run().expect("a world").holds());
    failing.next().expect("a seed that fails")
}

#[test]
fn a_transfer_over_a_bad_link_comes_down_to_one_lost_packet() {
    let shrunk = shrink(&failing()).expect("it fails");
    let text = shrunk.scenario.text();
    assert!(!shrunk.outcome.holds());
    assert!(matches!(&shrunk.reason, Reason::Expectation(words) if words.starts_with("segments")));
    let spec = shrunk.scenario.spec();
    assert_eq!(spec.schedule.len(), 1, "{text}");
    assert_eq!(spec.hosts.len(), 2, "the bystander is gone:\n{text}");
    assert!(!text.contains("loss") && !text.contains("123ms"), "{text}");
    assert!(text.lines().filter(|line| line.contains("3000")).count() == 0, "{text}");
    // It can be run from its text alone, and shrunk no further.
    let again = Scenario::parse("small.kdl", text).expect("a scenario");
    assert!(!again.run().expect("a world").holds());
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let calm = STORY.replace("loss=\"20%\"", "");
    let calm = Scenario::parse("story.kdl", &calm).expect("a scenario");
    assert_eq!(shrink(&calm).map(|_| ()), Err(ShrinkError::Holds));
}
