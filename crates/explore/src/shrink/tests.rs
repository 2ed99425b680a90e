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
    assert!(matches!(&shrunk.reason, Reason::Expectation { manner, .. } if manner == "too many"));
    let spec = shrunk.scenario.spec();
    // In words, not by number.
    assert_eq!((spec.faults.len(), spec.schedule.len()), (1, 0), "{text}");
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

/// What the network is to do to the transfer, and one thing that does not happen by chance.
const FLOORS: &str = r#"
scenario "Both ways, and what is to be seen of it"
host "client" profile="linux"
host "server" profile="linux"
link "client" "server" delay="40ms" loss="8%"
role "server" { listen 80; accept; write bytes=9000; read-to-end; close }
role "client" { connect "server:80"; write bytes=9000; shutdown "write"; read-to-end; close }
expect {
    read "client" bytes=9000
    read "server" bytes=9000
    result "client" "read-to-end" octets=9000 count=1
    drops by="loss" from="client" min=1
    drops by="loss" from="server" min=1
    segments from="client" retransmission=#true min=1
    segments from="server" reason="duplicate-ack" min=1
}
"#;

#[test]
fn what_held_still_holds_in_a_smaller_run() {
    let story = Scenario::parse("floors.kdl", FLOORS).expect("a scenario");
    // The last expectation, and no other, fails.
    let only_the_last = |story: &Scenario| {
        let manners = story.manners(&story.run().expect("a world"));
        manners.iter().position(Option::is_some) == Some(manners.len() - 1)
    };
    let mut seeds = (0..500).map(|seed| story.clone().with_seed(seed));
    let failing = seeds.find(only_the_last).expect("a seed that fails");
    let shrunk = shrink(&failing).expect("it fails");
    let text = shrunk.scenario.text();
    assert!(only_the_last(&shrunk.scenario), "{text}");
    // Without any fault it would fail as well, but then nothing would be lost or sent again.
    assert!(text.matches("fault drop").count() >= 2, "{text}");
    assert!(text.contains("drops by=\"fault\" from=\"client\" min=1"), "{text}");
    // Less is written, and less is expected.
    assert!(!text.contains("9000"), "{text}");
}

#[test]
fn too_few_is_another_reason_than_too_many() {
    // With loss, two FINs or more; without, one. A smaller run must not get there by sending none.
    let text = STORY.replace(
        "segments from=\"client\" retransmission=#true count=0",
        "segments from=\"client\" flags=\"FIN\" count=1",
    );
    let story = Scenario::parse("fins.kdl", &text).expect("a scenario");
    let too_many = |story: &Scenario| {
        story.manners(&story.run().expect("a world")) == [Some("too many".to_owned())]
    };
    let mut seeds = (0..200).map(|seed| story.clone().with_seed(seed));
    let shrunk = shrink(&seeds.find(too_many).expect("a seed that fails")).expect("it fails");
    assert!(too_many(&shrunk.scenario), "{}", shrunk.scenario.text());
    assert!(shrunk.scenario.text().contains("close"), "{}", shrunk.scenario.text());
}

#[test]
fn a_host_goes_with_what_is_expected_of_it_and_comments_with_what_they_are_about() {
    let more = "expect { read \"server\" bytes=3476; written \"bystander\" bytes=5; ";
    let text =
        STORY.replace("expect {", more).replace("host \"bystander\"", "// By.\nhost \"bystander\"");
    let story = Scenario::parse("story.kdl", &text).expect("a scenario");
    let mut seeds = (0..100).map(|seed| story.clone().with_seed(seed));
    let fails = |story: &Scenario| {
        let manners = story.manners(&story.run().expect("a world"));
        manners == [None, None, Some("too many".to_owned())]
    };
    let shrunk = shrink(&seeds.find(fails).expect("a seed that fails")).expect("it fails");
    let text = shrunk.scenario.text();
    assert!(!text.contains("//"), "{text}");
    // The server's total speaks of what the bystander wrote, so the bystander has to stay.
    assert!(text.contains("read \"server\" bytes="), "{text}");
}

#[test]
fn a_swarm_that_fails_shrinks_too() {
    let text = STORY.replace("expect {", "explore { expect {").replace("count=0 }", "count=0 } }");
    let story = Scenario::parse("story.kdl", &text).expect("a scenario");
    let swarm = |seed| crate::swarmed(&story, seed).expect("a scenario");
    let failing = (0..100).map(swarm).find(|drawn| !drawn.run().expect("a world").holds());
    let shrunk = shrink(&failing.expect("a seed that fails")).expect("it fails");
    let again = Scenario::parse("small.kdl", shrunk.scenario.text()).expect("a scenario");
    assert!(!again.run().expect("a world").holds());
    let spec = shrunk.scenario.spec();
    assert!(spec.faults.len() + spec.schedule.len() <= 1, "{}", shrunk.scenario.text());
}
