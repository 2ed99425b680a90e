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
