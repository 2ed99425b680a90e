//! Digests.

use std::time::Duration;

use twomsl_trace::digest;

use crate::stories;

#[test]
fn equal_traces_have_equal_digests() {
    let (one, other) = (stories::mishaps().trace, stories::mishaps().trace);
    assert_eq!(digest::hex(&one), digest::hex(&other));
}

#[test]
fn one_nanosecond_changes_the_digest() {
    let one = stories::mishaps().trace;
    let mut other = one.clone();
    other.records.last_mut().expect("records").at += Duration::from_nanos(1);
    assert_ne!(digest::hex(&one), digest::hex(&other));
}

#[test]
fn the_seed_changes_the_digest() {
    let one = stories::mishaps().trace;
    let mut other = one.clone();
    other.about.seed = 1;
    assert_ne!(digest::hex(&one), digest::hex(&other));
}

/// Pinned, so that other machines and builds are held to the same bytes.
#[test]
fn digest_of_a_known_trace() {
    let digest = digest::hex(&stories::lost_last_ack().trace);
    insta::assert_snapshot!(digest);
}
