//! Bugs that are built into the TCP are found; without them the same search is clean.

use std::sync::Arc;

use twomsl_scenario::{Bound, FaultKind, Scenario};
use twomsl_sim::Plan;
use twomsl_tcp::{Mutation, WhatIf};

use super::{Exploration, Figures, Limits, explore, resume};
use crate::frontier::{Frontier, FrontierError};
use crate::levels::Explorer;
use crate::search::Break;

fn linux(text: &str) -> Scenario {
    variant(text, "linux")
}

fn variant(text: &str, profile: &str) -> Scenario {
    let head = format!(
        "scenario \"A story\"\nhost \"client\" profile=\"{profile}\"\nhost \"server\" \
         profile=\"{profile}\"\nlink \"client\" \"server\" delay=\"10ms\"\n"
    );
    let text = format!("{head}{text}");
    Scenario::parse("story.kdl", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// Searches as the story says, with a bug in every host: how many faults it took to see it.
fn faults_to_see(mutation: Mutation, scenario: &Scenario) -> Option<usize> {
    let bound = scenario.bound().expect("a story with a bound").clone();
    let clean = explore(scenario, &bound, &Limits::default()).expect("a world");
    assert!(clean.is_clean(), "without the bug: {}", clean.report());
    let mut spec = scenario.spec();
    for host in &mut spec.hosts {
        host.profile.mutation = Some(mutation);
    }
    let plan = Arc::new(Plan::new(spec).expect("a world"));
    match search(scenario, &plan, &Limits::default()).1 {
        Ok(()) => None,
        Err(Break::Found(found)) => Some(found.schedule.len()),
        Err(Break::Stopped) => panic!("nobody has stopped it"),
    }
}

/// A search as the scenario says in a world that it does not.
fn search(scenario: &Scenario, plan: &Arc<Plan>, limits: &Limits) -> (Figures, Result<(), Break>) {
    let bound = scenario.bound().expect("a story with a bound");
    let mut frontier = Frontier::default();
    let end = Explorer::new(scenario, plan, bound, limits).search(bound.faults, &mut frontier);
    (frontier.figures(), end)
}

/// Text one way and the other, then the end.
const PING: &str = r#"
role "server" { listen 80; accept; read 200; write "world"; read-to-end; close }
role "client" {
    connect "server:80" no-delay=#true
    write bytes=100
    write bytes=100
    read 5
    close
}
explore faults=1 kinds="drop,duplicate,reorder" {
    expect {
        result "client" "connect" ok=#true
        read "server" bytes=200
        result "server" "read-to-end" eof=#true
        segments flags="FIN" max=6
        result "server" "accept" ok=#true count=1
    }
}
"#;

#[test]
fn a_fin_that_does_not_count_is_found_without_a_fault() {
    assert_eq!(faults_to_see(Mutation::FinNotCounted, &linux(PING)), Some(0));
}

#[test]
fn an_old_fin_that_is_not_answered_is_found() {
    assert_eq!(faults_to_see(Mutation::OldFinUnanswered, &linux(PING)), Some(1));
}

#[test]
fn a_syn_that_is_sent_once_is_found() {
    assert_eq!(faults_to_see(Mutation::SynOnce, &linux(PING)), Some(1));
}

#[test]
fn a_gap_that_is_ignored_is_found() {
    assert_eq!(faults_to_see(Mutation::GapIgnored, &linux(PING)), Some(1));
}

#[test]
fn wrong_octets_sent_again_are_found() {
    assert_eq!(faults_to_see(Mutation::WrongOctetsAgain, &linux(PING)), Some(1));
}

#[test]
fn a_fin_before_its_text_is_found() {
    let story = linux(
        r#"
role "server" { listen 80; accept; read-to-end; close }
role "client" { connect "server:80"; write bytes=100; write bytes=100; close }
explore faults=1 kinds="drop"
"#,
    );
    assert_eq!(faults_to_see(Mutation::FinBeforeText, &story), Some(1));
}

#[test]
fn a_handshake_that_any_acknowledgment_ends_is_found() {
    let story = linux(
        &PING
            .replace("listen 80; accept;", "listen 80; serve {")
            .replace("; read-to-end; close }", "; read-to-end; close } }"),
    );
    assert_eq!(faults_to_see(Mutation::AnyAckOpens, &story), Some(1));
}

/// What was written while the first segment was under way goes with it when that is sent again.
#[test]
fn an_octet_too_many_at_the_edge_of_the_window_is_found() {
    let story = variant(
        r#"
role "server" { listen 80; accept; read-to-end; close }
role "client" { connect "server:80"; write bytes=100; sleep "50ms"; write bytes=100; write bytes=100; close }
explore faults=2 kinds="drop"
"#,
        "rfc9293",
    );
    assert!(faults_to_see(Mutation::WindowEdge, &story).is_some());
}

#[test]
fn a_last_acknowledgment_that_is_none_is_found() {
    let story = linux(
        r#"
role "server" { listen 80; accept; read-to-end; write bytes=100; close }
role "client" { connect "server:80"; write bytes=100; shutdown write; read-to-end; close }
explore faults=1 kinds="drop" { expect { state "client" "TIME-WAIT" count=1 } }
"#,
    );
    assert!(faults_to_see(Mutation::LastAckByAnyAck, &story).is_some());
}

/// Both close at the same time.
#[test]
fn a_forgotten_acknowledgment_in_closing_is_found() {
    let story = linux(
        r#"
role "server" { listen 80; accept; sleep "90ms"; close }
role "client" { connect "server:80"; sleep "100ms"; close }
explore faults=0 kinds="drop" { expect { state "client" "TIME-WAIT" count=1 } }
"#,
    );
    assert_eq!(faults_to_see(Mutation::ClosingForgotten, &story), Some(0));
}

/// Figures and counterexample are the same for every number of jobs.
#[test]
fn who_searches_does_not_matter() {
    let scenario = linux(PING);
    let mut spec = scenario.spec();
    let clean = Arc::new(Plan::new(spec.clone()).expect("a world"));
    for host in &mut spec.hosts {
        host.profile.mutation = Some(Mutation::OldFinUnanswered);
    }
    let broken = Arc::new(Plan::new(spec).expect("a world"));
    for plan in [clean, broken] {
        let with = |jobs| search(&scenario, &plan, &Limits { jobs, ..Limits::default() });
        let one = with(1);
        assert_eq!(one, with(2));
        assert_eq!(one, with(4));
    }
}

/// A search that is stopped again and again, and each time goes on from what it has written down.
#[test]
fn a_search_that_is_stopped_goes_on() {
    let scenario = linux(PING);
    let bound = scenario.bound().expect("a bound").clone();
    let whole = explore(&scenario, &bound, &Limits::default()).expect("a world").figures;
    let mut limits = Limits { jobs: 2, states: 0, ..Limits::default() };
    let mut frontier = Frontier::default();
    let mut stops = 0;
    let figures = loop {
        limits.states += 40;
        match resume(&scenario, &bound, &limits, frontier).expect("a world") {
            Exploration { stopped: Some(left), .. } => {
                let written = left.to_bytes(&scenario, &bound);
                frontier = Frontier::from_bytes(&written, &scenario, &bound).expect("a frontier");
            }
            clean => {
                assert!(clean.is_clean(), "{}", clean.report());
                break clean.figures;
            }
        }
        stops += 1;
    };
    assert!(stops > 3, "{stops}");
    let transitions = figures.transitions;
    assert!(transitions >= whole.transitions, "{transitions} of {}", whole.transitions);
    assert_eq!(figures, Figures { transitions, ..whole });
}

#[test]
fn what_another_search_has_left_behind_is_refused() {
    let scenario = linux(PING);
    let bound = scenario.bound().expect("a bound").clone();
    let limits = Limits { states: 40, ..Limits::default() };
    let stopped =
        explore(&scenario, &bound, &limits).expect("a world").stopped.expect("a frontier");
    let written = stopped.to_bytes(&scenario, &bound);
    let read = |bytes: &[u8], of: &Scenario, bound: &Bound| {
        Frontier::from_bytes(bytes, of, bound).map(|frontier| frontier.faults()).map_err(Some)
    };
    let (another, not_one) =
        (Err(Some(FrontierError::OfAnother)), Err(Some(FrontierError::NotOne)));
    let (mut more, mut kinds) = (bound.clone(), bound.clone());
    more.faults += 1;
    kinds.kinds = vec![FaultKind::Drop];
    assert_eq!(read(&written, &scenario, &more), Ok(stopped.faults()));
    let mut fewer = bound.clone();
    fewer.faults = stopped.faults() - 1;
    assert_eq!(read(&written, &scenario, &fewer), Err(Some(FrontierError::TooFar)));
    assert_eq!(read(&written, &scenario, &kinds), another);
    assert_eq!(read(&written, &linux(&PING.replace("world", "mars")), &bound), another);
    assert_eq!(read(&written, &scenario.clone().with_seed(7), &bound), another);
    for length in [0, 10, 20, 40, written.len() - 1] {
        assert_eq!(read(&written[..length], &scenario, &bound), not_one, "{length}");
    }
    assert_eq!(read(&[&written[..], b"x"].concat(), &scenario, &bound), not_one);
}

/// What a search says of itself is the same for every number of jobs, also when it finds something:
/// whoever was on a later part meanwhile is not counted.
#[test]
fn figures_of_a_counterexample_do_not_depend_on_who_was_faster() {
    let text = include_str!("../../../../scenarios/what-if/no-time-wait.kdl");
    let scenario = Scenario::parse("no-time-wait.kdl", text);
    let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
    let scenario = scenario.with_what_if(WhatIf::NoTimeWait);
    let bound = scenario.bound().expect("a story with a bound").clone();
    let figures = |jobs| {
        let limits = Limits { jobs, ..Limits::default() };
        let found = explore(&scenario, &bound, &limits).expect("a world");
        assert!(found.counterexample.is_some(), "{}", found.report());
        found.figures
    };
    let alone = figures(1);
    for _ in 0..8 {
        assert_eq!(figures(4), alone);
    }
}

/// The server is off when the SYN would arrive; late enough, it meets the server's next life.
#[test]
fn a_packet_for_a_host_that_is_off_may_be_late() {
    let story = |kinds: &str| {
        linux(&format!(
            r#"
role "server" {{ listen 80; serve {{ read-to-end; close }} }}
role "client" {{ connect "server:80"; write "hello"; close }}
crash "server" at="5ms"
reboot "server" at="60ms"
crash "client" at="50ms"
explore faults=1 kinds="{kinds}" {{ expect {{ state "server" "SYN-RECEIVED" max=0 }} }}
"#
        ))
    };
    for (kinds, breaks) in [("delay", true), ("duplicate", true), ("drop,corrupt", false)] {
        let scenario = story(kinds);
        let bound = scenario.bound().expect("a bound").clone();
        let found = explore(&scenario, &bound, &Limits::default()).expect("a world");
        assert_eq!(found.counterexample.is_some(), breaks, "{kinds}: {}", found.report());
        assert!(found.counterexample.is_none_or(|found| found.is_reproduced()), "{kinds}");
    }
}

/// The run ends before the second text is written, however late a packet of the first is.
#[test]
fn nothing_happens_after_the_end_of_a_run() {
    let scenario = linux(
        r#"
role "server" { listen 80; accept; read-to-end; close }
role "client" { connect "server:80"; write "hello"; sleep "200ms"; write "world"; close }
until "150ms"
explore faults=1 kinds="duplicate" { expect { segments from="client" payload=#true max=1 } }
"#,
    );
    let bound = scenario.bound().expect("a bound").clone();
    let found = explore(&scenario, &bound, &Limits::default()).expect("a world");
    assert!(found.is_clean(), "{}", found.report());
    assert!(found.figures.schedules > 1, "{}", found.report());
}
