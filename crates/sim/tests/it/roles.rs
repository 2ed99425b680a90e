//! Roles: the steps of applications.

use std::time::Duration;

use twomsl_sim::spec::{Data, Source, Step, Urgent, Wait};
use twomsl_sim::{End, Outcome, Recording, World};
use twomsl_tcp::{Shutdown, SocketError, SocketOption, TcpState};
use twomsl_trace::Event;

use crate::support::{CLIENT, MS, SECOND, SERVER, assert_done, failure, pair, run};

#[test]
fn a_server_answers_requests_until_the_client_is_done() {
    let world = run(pair()
        .role("server", |role| {
            role.listen(80)
                .serve(|role| role.repeat_for_ever(|role| role.read(4).write("answer")).close())
        })
        .role("client", |role| {
            role.spawn(3, |role| {
                role.connect("server", 80).repeat(10, |role| role.write("ask!").read(6)).close()
            })
        }));
    assert_eq!(world.totals(SERVER).read, 3 * 10 * 4);
    // The answer of the last turn, which began with the end of the file, is not written.
    assert_eq!(world.totals(CLIENT).read, 3 * 10 * 6);
    let failed = |outcome| matches!(outcome, Outcome::Failed { .. });
    assert!(!world.results().iter().any(|result| failed(result.outcome)));
}

#[test]
fn a_read_with_a_timeout_gives_up_and_goes_on() {
    let read = Step::Read { on: None, amount: Some(5), timeout: Some(2 * SECOND) };
    let world = run(pair()
        .role("server", |role| role.listen(80).accept().step(read).close())
        .role("client", |role| role.connect("server", 80).read_to_end().close()));
    assert_done(&world);
    let gave_up = world.trace().records.iter().find(|record| {
        matches!(
            record.event,
            Event::Returned { call: "read", result: Err(SocketError::WouldBlock), .. }
        )
    });
    assert_eq!(gave_up.map(|record| record.at.to_string()).as_deref(), Some("2.030"));
}

#[test]
fn an_accept_with_a_timeout_fails() {
    let accept = Step::Accept { listener: None, name: None, timeout: Some(SECOND) };
    let world = run(pair().role("server", |role| role.listen(80).step(accept)));
    assert_eq!(failure(&world, SERVER), Some(("accept", SocketError::WouldBlock)));
    assert_eq!(world.now().to_string(), "1.000");
}

#[test]
fn named_sockets_are_kept_apart() {
    let connect = |name: &str, port| Step::Connect {
        host: SERVER,
        port,
        from: Source::default(),
        text: None,
        options: Vec::new(),
        name: Some(name.to_owned()),
        wait: Wait::UntilDone,
    };
    let write = |name: &str, text: &'static str| Step::Write {
        on: Some(name.to_owned()),
        data: Data::Octets(text.as_bytes().into()),
        urgent: Urgent::No,
    };
    let close = |name: &str| Step::Close { on: Some(name.to_owned()) };
    let world = run(pair()
        .role("server", |role| role.listen(1).accept().read_to_end().close())
        .role("server", |role| role.listen(2).accept().read_to_end().close())
        .role("client", |role| {
            role.step(connect("a", 1))
                .step(connect("b", 2))
                .step(write("a", "x"))
                .step(write("b", "yyy"))
                .step(close("a"))
                .step(close("b"))
        }));
    assert_done(&world);
    let mut read: Vec<_> = world
        .trace()
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Returned { task, call: "read-to-end", result, .. } => Some((*task, *result)),
            _ => None,
        })
        .collect();
    read.sort_unstable_by_key(|(task, _)| *task);
    assert_eq!(read, [(0, Ok(Some(1))), (1, Ok(Some(3)))]);
}

#[test]
fn a_close_that_lingers_waits_for_the_acknowledgment() {
    let linger = SocketOption::Linger(Some(5 * SECOND));
    let world = run(pair()
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| {
            role.with(linger).connect("server", 80).write("hello").close().sleep(MS)
        }));
    assert_done(&world);
    let returned = world.trace().records.iter().find(|record| {
        matches!(record.event, Event::Returned { call: "close", result: Ok(None), .. })
    });
    assert_eq!(returned.map(|record| record.at.to_string()).as_deref(), Some("0.040"));
}

#[test]
fn a_half_closed_connection_still_carries_the_answer() {
    let world = run(pair()
        .role("server", |role| {
            role.listen(80).accept().read_to_end().write_pattern(100_000).close()
        })
        .role("client", |role| {
            role.connect("server", 80).write("?").shutdown(Shutdown::Write).read_to_end().close()
        }));
    assert_done(&world);
    assert_eq!(world.totals(CLIENT).read, 100_000);
}

#[test]
fn a_role_can_wait_for_the_other_side() {
    let world = run(pair()
        .role("server", |role| role.listen(80).accept().sleep(7 * SECOND).close())
        .role("client", |role| {
            role.connect("server", 80).wait_for("server", TcpState::FinWait2).write("x").close()
        }));
    let written = world
        .trace()
        .records
        .iter()
        .find(|record| matches!(&record.event, Event::Call { call, .. } if call == "write(1)"));
    // The server's FIN leaves at 7.030, and its acknowledgment waits for a tick at the client: before
    // any text has come, Linux has no idea how long it might wait.
    assert_eq!(written.map(|record| record.at.to_string()).as_deref(), Some("7.051"));
}

#[test]
fn using_a_socket_that_was_closed_ends_the_role() {
    let world = run(pair()
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| role.connect("server", 80).close().write("late")));
    assert_eq!(failure(&world, CLIENT), Some(("write", SocketError::BadSocket)));
}

#[test]
fn a_role_that_never_waits_is_stopped() {
    let mut world = pair()
        .role("client", |role| role.repeat(u64::MAX - 1, |role| role.sleep(Duration::ZERO)))
        .build()
        .unwrap();
    assert_eq!(world.run(), End::Stuck);
}

#[test]
fn mistakes_in_a_specification_are_told() {
    let error = |builder: twomsl_sim::WorldBuilder| builder.build().unwrap_err().to_string();
    let role = pair().role("client", |role| role.connect("sever", 80));
    assert_eq!(error(role), "the host `sever` is named but not declared");
    let links = pair().link("server", "client", twomsl_sim::spec::Impairments::default());
    assert_eq!(error(links), "there are two links between server and client");
    let hosts = pair().host("client", twomsl_tcp::Profile::linux());
    assert_eq!(error(hosts), "two hosts are named `client`");
    let release = pair().release(SECOND, "nothing");
    assert_eq!(error(release), "no fault holds packets under the name `nothing` that is released");
    let mut spec = pair().spec().unwrap();
    spec.roles.push(twomsl_sim::spec::RoleSpec {
        host: 7,
        start: Duration::ZERO,
        steps: Vec::new(),
    });
    let error = World::new(spec, Recording::Off).unwrap_err();
    assert_eq!(error.to_string(), "a role names host number 7, but there are only 2");
}
