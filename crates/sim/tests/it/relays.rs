//! Relays: a host between two others that hands on what they say.

use std::time::Duration;

use twomsl_sim::spec::Impairments;
use twomsl_sim::{World, WorldBuilder};
use twomsl_tcp::{Profile, SocketError, TcpState};

use crate::support::{MS, SECOND, failure, run};

const CLIENT: usize = 0;
const PROXY: usize = 1;
const SERVER: usize = 2;

fn proxied(delay: Duration) -> WorldBuilder {
    World::builder()
        .title("relay")
        .host("client", Profile::linux())
        .host("proxy", Profile::big_ip())
        .host("server", Profile::linux())
        .link("client", "proxy", Impairments::delay(delay))
        .link("proxy", "server", Impairments::delay(delay))
        .role("proxy", |role| role.listen(80).serve(|role| role.relay("server", 80)))
}

#[test]
fn more_than_all_buffers_hold_goes_through_both_ways() {
    let octets = 3_000_000;
    let world = run(proxied(MS)
        .role("server", move |role| {
            role.listen(80).accept().read(octets).write_pattern(octets).close()
        })
        .role("client", move |role| {
            role.connect("proxy", 80).write_pattern(octets).read(octets).close()
        }));
    assert_eq!((world.totals(CLIENT).read, world.totals(SERVER).read), (octets, octets));
    assert_eq!(world.totals(PROXY).read, 2 * octets);
}

#[test]
fn a_half_closed_connection_is_half_closed_on_the_other_side() {
    use twomsl_tcp::Shutdown;
    let world = run(proxied(MS)
        .role("server", |role| {
            role.listen(80).accept().read_to_end().sleep(SECOND).write("late").close()
        })
        .role("client", |role| {
            role.connect("proxy", 80).write("early").shutdown(Shutdown::Write).read_to_end().close()
        }));
    assert_eq!((world.totals(CLIENT).read, world.totals(SERVER).read), (4, 5));
    assert!(world.paths(SERVER).iter().any(|path| path.contains(&TcpState::CloseWait)));
}

#[test]
fn a_reset_of_one_side_is_handed_on() {
    let world = run(proxied(MS)
        .role("server", |role| role.listen(80).accept().sleep(SECOND).abort())
        .role("client", |role| role.connect("proxy", 80).read_to_end()));
    assert_eq!(failure(&world, CLIENT), Some(("read-to-end", SocketError::ConnectionReset)));
}

#[test]
fn a_server_that_refuses_is_a_reset_for_the_client() {
    let world = run(proxied(MS).role("client", |role| role.connect("proxy", 80).read_to_end()));
    // Nobody listens at the server. The client's own handshake is over by then.
    assert_eq!(failure(&world, CLIENT), Some(("read-to-end", SocketError::ConnectionReset)));
}

#[test]
fn many_at_once_do_not_get_mixed_up() {
    let world = run(proxied(MS)
        .role("server", |role| role.listen(80).serve(|role| role.echo().close()))
        .role("client", |role| {
            role.spawn(20, |role| role.connect("proxy", 80).write("who?").read(4).close())
        }));
    assert_eq!(world.totals(CLIENT).read, 80);
    assert!(world.stack(PROXY).states().all(|(_, state)| state == TcpState::Listen));
}
