//! What expectations can ask.

use std::time::Duration;

use twomsl_tcp::wire::Flags;
use twomsl_tcp::{SocketError, TcpState, TimerKind};
use twomsl_trace::query::{Query, Segments, TimerCounts};
use twomsl_trace::{Author, PacketId};

use crate::stories;
use crate::support::{CLIENT, SERVER, millis};

#[test]
fn path_of_the_client_has_every_state_with_its_time() {
    use TcpState::{Closed, Established, FinWait1, FinWait2, SynSent, TimeWait};
    let trace = stories::lost_last_ack().trace;
    let paths = Query::new(&trace).paths(CLIENT);
    let states = [Closed, SynSent, Established, FinWait1, FinWait2, TimeWait, Closed];
    assert_eq!(paths.len(), 1);
    assert_eq!(paths[0].states(), states);
    assert_eq!(paths[0].connection, Some(0));
    assert_eq!(paths[0].last(), Closed);
    assert_eq!(paths[0].steps[1].at, millis(20));
}

#[test]
fn listener_has_a_path_without_a_connection() {
    let trace = stories::lost_last_ack().trace;
    let paths = Query::new(&trace).paths(SERVER);
    assert_eq!(paths.len(), 2);
    assert_eq!(paths[0].states(), [TcpState::Closed, TcpState::Listen]);
    assert_eq!(paths[0].connection, None);
    assert_eq!(paths[1].first, TcpState::Listen);
    assert_eq!(paths[1].connection, Some(0));
}

#[test]
fn time_wait_lasts_from_the_fin_to_the_restarted_timer() {
    let trace = stories::lost_last_ack().trace;
    let stays = Query::new(&trace).stays(CLIENT, TcpState::TimeWait);
    assert_eq!(stays.len(), 1);
    assert_eq!(stays[0].duration(), Some(Duration::from_millis(60_210)));
}

#[test]
fn stay_that_is_not_over_has_no_duration() {
    let trace = stories::two_lives().trace;
    let stays = Query::new(&trace).stays(CLIENT, TcpState::Established);
    assert_eq!(stays.len(), 2);
    assert_eq!(stays[0].duration(), Some(Duration::from_millis(20)));
    assert_eq!(stays[1].duration(), None);
}

#[test]
fn segments_are_found_by_sender_and_flags() {
    let trace = stories::lost_last_ack().trace;
    let query = Query::new(&trace);
    let fins = Segments { from: Some(SERVER), flags: Flags::FIN, ..Segments::default() };
    assert_eq!(query.segments(fins).len(), 2);
    let to_server = Segments { to: Some(SERVER), without: Flags::SYN, ..Segments::default() };
    assert_eq!(query.segments(to_server).len(), 5);
    assert_eq!(query.segments(Segments::default()).len(), 11);
}

#[test]
fn timers_are_counted_by_what_became_of_them() {
    let trace = stories::lost_last_ack().trace;
    let query = Query::new(&trace);
    let counts = TimerCounts { set: 1, restarted: 1, stopped: 0, fired: 1 };
    assert_eq!(query.timers(CLIENT, TimerKind::TimeWait), counts);
    assert_eq!(query.timers(SERVER, TimerKind::TimeWait), TimerCounts::default());
}

#[test]
fn drops_tell_who_dropped() {
    let trace = stories::mishaps().trace;
    let query = Query::new(&trace);
    let drops = query.drops();
    assert_eq!(drops.len(), 2);
    assert_eq!(drops[0].at, millis(500));
    assert_eq!(query.mishaps().len(), 7);
    assert_eq!(query.injected(), [(PacketId(15), &Author::Forger)]);
}

#[test]
fn outcomes_hold_errors_by_host() {
    let trace = stories::mishaps().trace;
    let query = Query::new(&trace);
    let outcomes = query.outcomes(CLIENT);
    let last = outcomes.last().expect("outcomes");
    assert_eq!((last.call, last.result), ("write", Err(SocketError::ConnectionReset)));
    assert_eq!(query.outcomes(SERVER).len(), 1);
}

#[test]
fn violations_are_found() {
    let trace = stories::mishaps().trace;
    let violations = Query::new(&trace).violations();
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].1, 4);
}

#[test]
fn hosts_are_found_by_name() {
    let trace = stories::lost_last_ack().trace;
    let query = Query::new(&trace);
    assert_eq!(query.host("server"), Some(SERVER));
    assert_eq!(query.host("nobody"), None);
}

#[test]
fn tables_are_found_by_host() {
    let trace = stories::tables().trace;
    let query = Query::new(&trace);
    assert_eq!(query.tables(SERVER).len(), 1);
    assert_eq!(query.tables(SERVER)[0].sockets.len(), 5);
    assert_eq!(query.tables(CLIENT).len(), 1);
}

/// Old text that lands in the second life still belongs to the first.
#[test]
fn lives_of_one_tuple_are_two_connections() {
    let trace = stories::two_lives().trace;
    let query = Query::new(&trace);
    assert_eq!(query.connections().list().len(), 2);
    let text = query.segments(Segments { flags: Flags::PSH, ..Segments::default() });
    let place = query.connections().place(text[0].packet).expect("a place");
    assert_eq!(place.connection, 0);
    let socket = |connection: usize| query.connections().list()[connection].ends[0].socket;
    assert_ne!(socket(0), socket(1));
}
