//! Ports run out, with the true numbers of Linux: 28,232 of them, 60 s of TIME-WAIT. The scenarios
//! tell the same with four ports: a ladder of 28,232 connections would have half a million lines. Here
//! nothing is written down, and the sockets are looked at.

use std::time::Duration;

use twomsl::sim::spec::Impairments;
use twomsl::sim::{Outcome, Recording};
use twomsl::tcp::{Instant, Profile, SocketError, SocketOption, TcpState};
use twomsl::{World, WorldBuilder};

const CLIENT: usize = 0;
const SERVER: usize = 1;
/// `net.ipv4.ip_local_port_range`: 32768 to 60999.
const PORTS: u64 = 28_232;
/// A connection is open after one round trip, 1 ms: all ports are used in half of a TIME-WAIT.
const DELAY: Duration = Duration::from_micros(500);

fn hosts(client: Profile) -> WorldBuilder {
    World::builder()
        .host("client", client)
        .host("server", Profile::linux())
        .link("client", "server", Impairments::delay(DELAY))
        .role("server", |role| role.listen(80).serve(|role| role.read_to_end().close()))
}

/// So many connections one after the other, each closed by the client.
fn short(world: WorldBuilder, count: u64) -> WorldBuilder {
    world.role("client", |role| role.repeat(count, |role| role.connect("server", 80).close()))
}

/// The world when all is done that this long takes.
fn after(world: WorldBuilder, time: Duration) -> World {
    let spec = world.spec().expect("it is sound");
    let mut world = World::new(spec, Recording::Off).expect("it is sound");
    world.run_until(Instant::ZERO + time);
    assert_eq!(world.violations(), []);
    world
}

fn in_time_wait(world: &World, host: usize) -> usize {
    world.stack(host).states().filter(|(_, state)| *state == TcpState::TimeWait).count()
}

/// What became of the client's role.
fn outcome(world: &World) -> Outcome {
    let results = world.results();
    results.iter().find(|result| result.host == CLIENT).expect("it has a role").outcome
}

const NO_PORT: Outcome =
    Outcome::Failed { call: "connect", error: SocketError::AddressNotAvailable };

#[test]
fn the_28233rd_connection_within_60_s_has_no_port() {
    let world = after(short(hosts(Profile::linux()), PORTS + 1), Duration::from_secs(59));
    assert_eq!(Profile::linux().ephemeral_ports(), 28_232);
    assert_eq!(outcome(&world), NO_PORT);
    assert_eq!(in_time_wait(&world, CLIENT) as u64, PORTS);
    assert_eq!(in_time_wait(&world, SERVER), 0, "who closes first, waits");
    // One less, and nobody notices.
    let world = after(short(hosts(Profile::linux()), PORTS), Duration::from_secs(59));
    assert_eq!(outcome(&world), Outcome::Done);
    assert_eq!(in_time_wait(&world, CLIENT) as u64, PORTS);
}

#[test]
fn a_reset_instead_of_a_fin_keeps_no_port() {
    let linger = SocketOption::Linger(Some(Duration::ZERO));
    let world = hosts(Profile::linux()).role("client", |role| {
        role.repeat(PORTS + 1, |role| role.connect("server", 80).set(linger).close())
    });
    let world = after(world, Duration::from_secs(59));
    assert_eq!((outcome(&world), in_time_wait(&world, CLIENT)), (Outcome::Done, 0));
}

/// After a second a port may be taken over (`tcp_tw_reuse`), and after 28 s every port is old enough.
#[test]
fn with_tcp_tw_reuse_ports_do_not_run_out() {
    let mut client = Profile::linux();
    client.set("net.ipv4.tcp_tw_reuse", "1").expect("Linux has it");
    let world = after(short(hosts(client), PORTS + 1000), Duration::from_secs(59));
    assert_eq!(outcome(&world), Outcome::Done);
    assert!(in_time_wait(&world, CLIENT) as u64 <= PORTS);
}
