//! Connections over a good network.

use twomsl_sim::spec::Impairments;
use twomsl_sim::{Checks, End, World};
use twomsl_tcp::wire::Flags;
use twomsl_tcp::{Profile, Shutdown, SocketError, TcpState};

use crate::support::{
    CLIENT, MS, SECOND, SERVER, assert_done, failure, fates, hello, pair, pair_over, run, sent,
};

#[test]
fn a_connection_lives_its_whole_life() {
    use TcpState as S;
    let world = run(hello(pair()));
    assert_done(&world);
    assert_eq!((world.totals(CLIENT).written, world.totals(SERVER).read), (5, 5));
    // The server's FIN carries the acknowledgment of the client's: no FIN-WAIT-2.
    let client = [S::Closed, S::SynSent, S::Established, S::FinWait1, S::TimeWait, S::Closed];
    assert_eq!(world.paths(CLIENT), [client]);
    let server = [S::Listen, S::SynReceived, S::Established, S::CloseWait, S::LastAck, S::Closed];
    assert_eq!(world.paths(SERVER)[1], server);
    // Two one-way delays to get there, one more to close, then 2MSL.
    assert_eq!(world.now().to_string(), "60.040");
}

#[test]
fn a_transfer_of_many_windows_arrives_whole_both_ways() {
    let octets = 3_000_000;
    let mut world = pair()
        .role("server", |role| role.listen(80).accept().echo().close())
        .role("client", |role| {
            role.connect("server", 80)
                .spawn(1, |role| role.read(octets))
                .write_pattern(octets)
                .shutdown(Shutdown::Write)
                .read_to_end()
                .close()
        })
        .build()
        .unwrap();
    world.check(Checks::Full);
    assert_eq!(world.run(), End::Quiet);
    assert_eq!(world.violations(), []);
    assert_eq!(world.totals(CLIENT).read, octets);
    assert_eq!(world.totals(SERVER).read, octets);
}

#[test]
fn nobody_listens() {
    let world = run(pair().role("client", |role| role.connect("server", 80)));
    assert_eq!(failure(&world, CLIENT), Some(("connect", SocketError::ConnectionRefused)));
    assert_eq!(world.now().to_string(), "0.020");
}

#[test]
fn without_a_link_the_connection_fails_at_once() {
    let world = run(World::builder()
        .host("client", Profile::linux())
        .host("server", Profile::linux())
        .role("client", |role| role.connect("server", 80)));
    assert_eq!(failure(&world, CLIENT), Some(("connect", SocketError::HostUnreachable)));
    let dropped = fates(
        &world,
        |fate| *fate == twomsl_trace::Fate::Dropped,
        |by| *by == twomsl_trace::Decider::NoRoute,
    );
    assert_eq!(dropped, 1);
}

#[test]
fn a_host_can_speak_to_itself() {
    let world = run(World::builder()
        .host("lonely", Profile::linux())
        .role("lonely", |role| role.listen(80).accept().read_to_end().close())
        .role("lonely", |role| role.connect("lonely", 80).write("hello").close()));
    assert_done(&world);
    assert_eq!(world.totals(0).read, 5);
}

#[test]
fn both_ends_open_at_once() {
    let world = run(pair()
        .role("client", |role| role.connect_from(1000, "server", 2000).sleep(SECOND).close())
        .role("server", |role| role.connect_from(2000, "client", 1000).sleep(SECOND).close()));
    for host in [CLIENT, SERVER] {
        assert_eq!(
            world.paths(host)[0][..4],
            [TcpState::Closed, TcpState::SynSent, TcpState::SynReceived, TcpState::Established]
        );
    }
}

#[test]
fn over_ipv6_the_same_happens() {
    let address = |n: u16| [std::net::IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, n])];
    let world = run(hello(
        World::builder()
            .host_at("client", Profile::rfc9293(), address(1))
            .host_at("server", Profile::rfc9293(), address(2))
            .link("client", "server", Impairments::delay(MS)),
    ));
    assert_done(&world);
    assert_eq!(world.totals(SERVER).read, 5);
}

#[test]
fn a_reader_that_sleeps_closes_the_window_and_opens_it_again() {
    let octets = 500_000;
    let world = run(pair_over(Impairments::delay(MS))
        .role("server", |role| role.listen(80).accept().sleep(30 * SECOND).read_to_end().close())
        .role("client", |role| role.connect("server", 80).write_pattern(octets).close()));
    assert_done(&world);
    assert_eq!(world.totals(SERVER).read, octets);
    assert_eq!(sent(&world, CLIENT, Flags::SYN).len(), 1);
}
