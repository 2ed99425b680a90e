//! Lines of tcpdump, reviewed by eye.

use insta::assert_snapshot;
use twomsl_trace::{Event, tcpdump};

use crate::stories;

#[test]
fn lost_last_ack() {
    assert_snapshot!(tcpdump::render(&stories::lost_last_ack().trace));
}

#[test]
fn mishaps_stand_behind_a_semicolon() {
    assert_snapshot!(tcpdump::render(&stories::mishaps().trace));
}

#[test]
fn old_text_keeps_the_numbers_of_its_own_life() {
    assert_snapshot!(tcpdump::render(&stories::two_lives().trace));
}

#[test]
fn options_and_bare_windows() {
    assert_snapshot!(tcpdump::render(&stories::options().trace));
}

#[test]
fn marks_of_the_ip_header_and_every_option() {
    assert_snapshot!(tcpdump::render(&stories::marks().trace));
}

/// tcpdump has no names for the marks in IPv6's traffic class.
#[test]
fn marks_of_an_ipv6_header_are_a_number() {
    let mut story = stories::marks();
    for record in &mut story.trace.records {
        if let Event::Sent { content, .. } = &mut record.event {
            content.src = "2001:db8::1".parse().unwrap();
            content.dst = "2001:db8::2".parse().unwrap();
        }
    }
    let text = tcpdump::render(&story.trace);
    let marked: Vec<_> =
        text.lines().filter_map(|line| line.split_once("(class")?.1.split_once(')')).collect();
    let fields: Vec<_> = marked.iter().map(|(field, _)| *field).collect();
    assert_eq!(fields, [" 0x02", " 0x01"]);
    assert!(marked[0].1.contains(" ; marked CE by limit"), "{text}");
}

#[test]
fn a_packet_that_no_host_sent_says_who_made_it() {
    let text = tcpdump::render(&stories::nobodys().trace);
    let ends: Vec<_> = text.lines().filter_map(|line| line.split(" ; ").nth(1)).collect();
    assert_eq!(
        ends,
        ["dropped by balancer: idle flow forgotten", "from balancer", "from the network"]
    );
}
