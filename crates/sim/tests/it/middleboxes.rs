//! Boxes in the middle.

use twomsl_sim::WorldBuilder;
use twomsl_sim::spec::{MiddleboxKind, UnknownFlow};
use twomsl_tcp::SocketError;
use twomsl_trace::query::Query;
use twomsl_trace::{Author, Decider, Fate};

use crate::support::{CLIENT, SECOND, SERVER, assert_done, failure, fates, hello, pair, run};

fn nat() -> MiddleboxKind {
    MiddleboxKind::Nat { address: [203, 0, 113, 1].into() }
}

fn boxed(kind: MiddleboxKind, unknown: UnknownFlow) -> WorldBuilder {
    pair().middlebox("lb", ("client", "server"), kind, 5 * SECOND, unknown)
}

/// A client that is silent for longer than the box remembers.
fn silent(builder: WorldBuilder) -> WorldBuilder {
    builder.role("server", |role| role.listen(80).accept().read_to_end()).role("client", |role| {
        role.connect("server", 80).write("one").sleep(20 * SECOND).write("two").read(1)
    })
}

#[test]
fn a_whole_connection_goes_through_a_nat() {
    let world = run(hello(boxed(nat(), UnknownFlow::Drop)));
    assert_done(&world);
    assert_eq!(world.totals(SERVER).read, 5);
    let rewritten = |fate: &Fate| matches!(fate, Fate::Rewritten { .. });
    let by = |by: &Decider| *by == Decider::Middlebox("lb: translated".to_owned());
    assert_eq!(fates(&world, rewritten, by) as u64, world.packets());
}

#[test]
fn a_box_that_forgets_silently_makes_the_client_time_out() {
    for kind in [MiddleboxKind::Transparent, nat()] {
        let world = run(silent(boxed(kind, UnknownFlow::Drop)));
        assert_eq!(failure(&world, CLIENT), Some(("read", SocketError::TimedOut)));
        let forgotten = Decider::Middlebox("lb: idle flow forgotten".to_owned());
        assert_eq!(fates(&world, |fate| *fate == Fate::Dropped, |by| *by == forgotten), 1);
        let unknown = Decider::Middlebox("lb: unknown flow".to_owned());
        assert!(fates(&world, |fate| *fate == Fate::Dropped, |by| *by == unknown) > 10);
    }
}

#[test]
fn a_box_that_resets_tells_the_client() {
    let world = run(silent(boxed(MiddleboxKind::Transparent, UnknownFlow::Reset)));
    assert_eq!(failure(&world, CLIENT), Some(("read", SocketError::ConnectionReset)));
    assert_eq!(world.now().to_string(), "20.030");
    let query = Query::new(world.trace());
    let makers: Vec<_> = query.injected().into_iter().map(|(_, by)| by.clone()).collect();
    assert_eq!(makers, [Author::Middlebox("lb".to_owned())]);
}
