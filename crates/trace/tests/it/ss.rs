//! Socket tables, reviewed by eye.

use insta::assert_snapshot;
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

#[test]
fn trace_without_tables_renders_nothing() {
    assert_eq!(ss::render(&stories::lost_last_ack().trace), "");
}
