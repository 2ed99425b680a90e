//! Connections over a good network.

use std::time::Duration;

use twomsl_sim::spec::Impairments;
use twomsl_sim::{End, Outcome, World, WorldBuilder};
use twomsl_tcp::{Profile, TcpState};

const MS: Duration = Duration::from_millis(1);

fn pair() -> WorldBuilder {
    World::builder().host("client", Profile::linux()).host("server", Profile::linux()).link(
        "client",
        "server",
        Impairments::delay(10 * MS),
    )
}

#[test]
fn a_connection_lives_its_whole_life() {
    let mut world = pair()
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| role.connect("server", 80).write("hello").close())
        .build()
        .unwrap();
    assert_eq!(world.run(), End::Quiet);
    assert_eq!(world.violations(), []);
    assert!(world.results().iter().all(|result| result.outcome == Outcome::Done));
    assert_eq!(world.totals(1).read, 5);
    assert_eq!(world.paths(0)[0].last(), Some(&TcpState::Closed));
}
