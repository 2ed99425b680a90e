//! Bugs that are built into the TCP are found; without them the same search is clean.

use std::sync::Arc;

use twomsl_scenario::Scenario;
use twomsl_sim::Plan;
use twomsl_tcp::{Mutation, WhatIf};

use super::{Figures, Limits, explore, search};
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
    match search(scenario, &plan, &bound, &Limits::default()).1 {
        Ok(()) => None,
        Err((_, Break::Found(found))) => Some(found.schedule.len()),
        Err((_, Break::Stopped)) => panic!("nobody has stopped it"),
    }
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
    let bound = scenario.bound().expect("a bound");
    let mut spec = scenario.spec();
    let clean = Arc::new(Plan::new(spec.clone()).expect("a world"));
    for host in &mut spec.hosts {
        host.profile.mutation = Some(Mutation::OldFinUnanswered);
    }
    let broken = Arc::new(Plan::new(spec).expect("a world"));
    for plan in [clean, broken] {
        let with = |jobs| {
            let (figures, found) =
                search(&scenario, &plan, bound, &Limits { jobs, ..Limits::default() });
            // What was searched beside a counterexample depends on who was faster.
            let figures = if found.is_ok() { figures } else { Figures::default() };
            (figures, found)
        };
        let one = with(1);
        assert_eq!(one, with(2));
        assert_eq!(one, with(4));
    }
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
