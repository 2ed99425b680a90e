//! Socket tables, reviewed by eye.

use insta::assert_snapshot;
use twomsl_tcp::Instant;
use twomsl_trace::ss;

use crate::stories;

#[test]
fn every_kind_of_socket_has_its_line() {
    assert_snapshot!(ss::render(&stories::tables().trace));
}

#[test]
fn host_without_sockets_shows_the_headings() {
    let table = ss::table(crate::support::millis(0), &[]);
    assert_eq!(
        table,
        "State  Recv-Q  Send-Q  Local Address:Port  Peer Address:Port  Age  Process  Timer\n"
    );
}

/// A delay that was drawn has nanoseconds, which nobody reads.
#[test]
fn times_are_cut_to_microseconds() {
    let mut trace = stories::tables().trace;
    for record in &mut trace.records {
        record.at = Instant::from_nanos(record.at.as_nanos() + 831);
    }
    let text = ss::render(&trace);
    let decimals = |word: &str| word.split('.').nth(1).map_or(0, str::len);
    let age = |line: &str| line.split_whitespace().nth(5).map(decimals);
    let ages: Vec<_> = text.lines().filter(|line| line.contains("orphan")).map(age).collect();
    assert!(!ages.is_empty() && ages.iter().all(|age| matches!(age, Some(3 | 6))), "{text}");
    assert!(!text.contains("831"), "{text}");
}

#[test]
fn trace_without_tables_renders_nothing() {
    assert_eq!(ss::render(&stories::lost_last_ack().trace), "");
}
