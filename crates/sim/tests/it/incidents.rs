//! What befalls hosts and links.

use std::time::Duration;

use twomsl_sim::spec::FaultVerdict;
use twomsl_sim::{Moment, Outcome};
use twomsl_tcp::wire::Flags;
use twomsl_tcp::{SocketError, SocketOption, TcpState};
use twomsl_trace::{Decider, Event, Fate};

use crate::support::{
    CLIENT, MS, SECOND, SERVER, assert_done, failure, fates, hello, pair, run, sent,
};

#[test]
fn a_rebooted_peer_answers_old_segments_with_a_reset() {
    let world = run(pair()
        .role("server", |role| role.listen(80).accept().read_to_end())
        .role("client", |role| {
            role.connect("server", 80).write("one").sleep(10 * SECOND).write("two").read(1)
        })
        .reboot(5 * SECOND, "server"));
    assert_eq!(failure(&world, CLIENT), Some(("read", SocketError::ConnectionReset)));
    let crashed = world.results().iter().filter(|r| r.outcome == Outcome::Crashed).count();
    assert_eq!(crashed, 1);
    // Its role began anew, and waits for a connection.
    let waits = world.results().iter().any(|r| r.host == SERVER && r.outcome == Outcome::Running);
    assert!(waits);
    let boots: Vec<_> = world
        .trace()
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::State { socket, change } if change.to == TcpState::Listen => Some(socket.boot),
            _ => None,
        })
        .collect();
    assert_eq!(boots, [0, 1]);
}

#[test]
fn in_its_quiet_time_a_host_says_nothing() {
    let world = run(pair()
        .quiet_time("server", 60 * SECOND)
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| role.sleep(10 * SECOND).connect("server", 80).close())
        .reboot(5 * SECOND, "server"));
    assert_eq!(failure(&world, CLIENT), None);
    let first = sent(&world, SERVER, Flags::SYN | Flags::ACK)[0];
    assert!(first.since(twomsl_tcp::Instant::ZERO) >= Duration::from_secs(65), "{first}");
}

#[test]
fn a_dead_peer_is_found_by_keepalive() {
    let world = run(pair()
        .role("server", |role| role.listen(80).accept().read_to_end())
        .role("client", |role| {
            role.with(SocketOption::KeepAlive(true)).connect("server", 80).read(1)
        })
        .crash(SECOND, "server"));
    assert_eq!(failure(&world, CLIENT), Some(("read", SocketError::TimedOut)));
    // tcp_keepalive_time, then nine probes 75 seconds apart, and 75 seconds for the last.
    assert_eq!(world.now().since(twomsl_tcp::Instant::ZERO).as_secs(), 7200 + 9 * 75);
}

#[test]
fn a_paused_host_catches_up_when_it_goes_on() {
    // Less than the two round trips after which a tail loss probe would go out.
    let world = run(hello(pair()).pause(25 * MS, "server").resume(50 * MS, "server"));
    assert_done(&world);
    assert_eq!(world.totals(SERVER).read, 5);
    // Everything arrived while it stood still; nothing had to be sent again.
    assert_eq!(sent(&world, SERVER, Flags::FIN | Flags::ACK)[0].to_string(), "0.050");
    assert_eq!(sent(&world, CLIENT, Flags::FIN | Flags::ACK).len(), 1);
}

#[test]
fn timers_that_a_paused_host_missed_run_when_it_goes_on() {
    // The SYN is lost, and so is the first repetition, due while the client stands still.
    let world = run(hello(pair())
        .fault(FaultVerdict::Drop, |packets| {
            packets.from("client").flags(Flags::SYN).nth_range(1, 2)
        })
        .pause(500 * MS, "client")
        .resume(10 * SECOND, "client"));
    assert_done(&world);
    let times: Vec<_> = sent(&world, CLIENT, Flags::SYN).iter().map(ToString::to_string).collect();
    assert_eq!(times, ["0.000", "10.000", "11.000"]);
    assert_eq!(world.totals(SERVER).read, 5);
}

#[test]
fn a_link_that_comes_back_lets_retransmissions_through() {
    let world = run(hello(pair())
        .link_down(Moment::state("client", TcpState::Established), "server")
        .link_up(3 * SECOND, "server"));
    assert_done(&world);
    let lost = fates(&world, |fate| *fate == Fate::Dropped, |by| *by == Decider::Down);
    assert!(lost >= 3, "{lost}");
    assert_eq!(world.totals(SERVER).read, 5);
}

#[test]
fn what_is_on_its_way_to_a_crashed_host_is_lost() {
    let world = run(pair()
        .role("server", |role| role.listen(80))
        .role("client", |role| role.connect("server", 80))
        .crash(5 * MS, "server"));
    assert_eq!(failure(&world, CLIENT), Some(("connect", SocketError::TimedOut)));
    assert_eq!(world.stack(SERVER).sockets().count(), 0);
}
