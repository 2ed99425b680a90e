//! Opening a connection to somebody who never answers.

use std::time::Duration;

use twomsl_sim::spec::{FaultVerdict, Impairments};
use twomsl_sim::{End, World};
use twomsl_tcp::Profile;

const MS: Duration = Duration::from_millis(1);

/// How many SYNs a client sends that are all lost, and after how many seconds it gives up.
fn unanswered_syns(profile: Profile) -> (u64, u64) {
    let mut world = World::builder()
        .host("client", profile)
        .host("server", Profile::linux())
        .link("client", "server", Impairments::delay(10 * MS))
        .role("client", |role| role.connect("server", 80))
        .fault(FaultVerdict::Drop, |packets| packets.from("client"))
        .build()
        .unwrap();
    assert_eq!(world.run(), End::Quiet);
    (world.packets(), world.now().as_nanos() / 1_000_000_000)
}

#[test]
fn the_textbook_doubles_the_timeout_of_a_syn_for_three_minutes() {
    // At 0, 1, 3, 7, 15, 31, 63 and 123 s: RFC 6298 §5.5, with 60 s at most.
    assert_eq!(unanswered_syns(Profile::rfc9293()), (8, 183));
}

#[test]
fn linux_repeats_a_syn_four_times_before_the_timeout_doubles() {
    // At 0 to 5, 7, 11, 19, 35 and 67 s; the kernel's documentation of tcp_syn_retries says 131 s.
    assert_eq!(unanswered_syns(Profile::linux()), (11, 131));
    let older = Profile { syn_linear_timeouts: 0, ..Profile::linux() };
    assert_eq!(unanswered_syns(older), (7, 127));
}
