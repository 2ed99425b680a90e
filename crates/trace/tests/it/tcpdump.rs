//! Lines of tcpdump, reviewed by eye.

use insta::assert_snapshot;
use twomsl_trace::tcpdump;

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
fn a_packet_that_no_host_sent_says_who_made_it() {
    let text = tcpdump::render(&stories::nobodys().trace);
    let ends: Vec<_> = text.lines().filter_map(|line| line.split(" ; ").nth(1)).collect();
    assert_eq!(
        ends,
        ["dropped by balancer: idle flow forgotten", "from balancer", "from the network"]
    );
}
