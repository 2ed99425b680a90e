//! Closing a socket while another task of its application waits in a call on it.

use std::time::Duration;

use twomsl_sim::spec::Impairments;
use twomsl_sim::{Outcome, World, WorldBuilder};
use twomsl_tcp::{Profile, SocketError, TcpState};
use twomsl_trace::Event;

use crate::support::{CLIENT, MS, SECOND, SERVER, failure, pair, run};

/// More than any buffer on the way holds.
const MUCH: u64 = 1 << 20;

/// With a send buffer so small that a large write has to wait.
fn narrow() -> WorldBuilder {
    let mut profile = Profile::linux();
    profile.set("send-buffer", "4096").expect("a parameter");
    World::builder().host("client", profile).host("server", Profile::linux()).link(
        "client",
        "server",
        Impairments::delay(10 * MS),
    )
}

/// What calls of this name returned, in order.
fn returned(world: &World, name: &str) -> Vec<Result<Option<u64>, SocketError>> {
    let records = world.trace().records.iter();
    let results = records.filter_map(|record| match &record.event {
        Event::Returned { call, result, .. } if *call == name => Some(*result),
        _ => None,
    });
    results.collect()
}

#[test]
fn a_write_that_waits_is_finished_before_the_socket_is_closed() {
    let world = run(narrow()
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| {
            role.connect("server", 80)
                .spawn(1, |role| role.write_pattern(MUCH))
                .sleep(15 * MS)
                .close()
        }));
    assert_eq!(returned(&world, "write"), [Ok(Some(MUCH))]);
    assert_eq!(world.totals(SERVER).read, MUCH, "RFC 9293 §3.10.4: all SENDs before the FIN");
    assert!(world.paths(CLIENT)[0].contains(&TcpState::TimeWait), "and an orderly end");
}

#[test]
fn what_is_closed_can_be_used_no_more() {
    let world = run(narrow()
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| {
            role.connect("server", 80)
                .spawn(1, |role| role.write_pattern(MUCH))
                .sleep(15 * MS)
                .close()
                .write("more")
        }));
    assert_eq!(failure(&world, CLIENT), Some(("write", SocketError::BadSocket)));
    assert_eq!(world.totals(SERVER).read, MUCH);
}

#[test]
fn a_read_that_waits_keeps_the_socket_open() {
    let world = run(pair()
        .role("server", |role| role.listen(80).accept().sleep(SECOND).write("late").close())
        .role("client", |role| {
            role.connect("server", 80).spawn(1, |role| role.read(4)).sleep(15 * MS).close()
        }));
    assert_eq!(returned(&world, "read"), [Ok(Some(4))]);
    let fin = world.trace().records.iter().find(|record| {
        matches!(&record.event, Event::State { socket, change }
            if usize::from(socket.host.0) == CLIENT && change.to == TcpState::FinWait1)
    });
    let (at, second) = (fin.map(|record| record.at.to_string()), Duration::from_millis(1040));
    assert_eq!(at, Some(format!("{}.{:03}", second.as_secs(), second.subsec_millis())));
}

#[test]
fn the_next_read_of_many_finds_it_closed() {
    let world = run(pair()
        .role("server", |role| role.listen(80).accept().sleep(SECOND).write("late").read_to_end())
        .role("client", |role| {
            role.connect("server", 80)
                .spawn(1, |role| role.read_to_end().close())
                .sleep(15 * MS)
                .close()
        }));
    assert_eq!(returned(&world, "read-to-end")[0], Err(SocketError::BadSocket));
    assert!(world.results().iter().any(|result| result.host == CLIENT
        && result.outcome
            == Outcome::Failed { call: "read-to-end", error: SocketError::BadSocket }));
}

#[test]
fn whoever_waits_is_told_of_an_abort() {
    let world = run(narrow().role("server", |role| role.listen(80).accept().sleep(SECOND)).role(
        "client",
        |role| {
            role.connect("server", 80)
                .spawn(1, |role| role.write_pattern(MUCH))
                .spawn(1, |role| role.read(1))
                .sleep(15 * MS)
                .abort()
        },
    ));
    // RFC 9293 §3.10.5: "all queued SENDs and RECEIVEs should be given 'connection reset'".
    assert_eq!(returned(&world, "write"), [Err(SocketError::ConnectionReset)]);
    assert_eq!(returned(&world, "read"), [Err(SocketError::ConnectionReset)]);
}
