//! Boxes in the middle.

use twomsl_sim::WorldBuilder;
use twomsl_sim::spec::{Beginning, Flows, MiddleboxKind, OnTimeout, UnknownFlow};
use twomsl_tcp::{SocketError, TcpState};
use twomsl_trace::query::Query;
use twomsl_trace::{Author, Decider, Event, Fate};

use crate::support::{CLIENT, SECOND, SERVER, assert_done, failure, fates, hello, pair, run};

fn nat() -> MiddleboxKind {
    MiddleboxKind::Nat { address: [203, 0, 113, 1].into() }
}

fn boxed(kind: MiddleboxKind, unknown: UnknownFlow) -> WorldBuilder {
    let flows = Flows { unknown, ..Flows::forgotten_after(5 * SECOND) };
    pair().middlebox("lb", ("client", "server"), kind, flows)
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

#[test]
fn a_box_that_resets_on_timeout_tells_both_ends() {
    for kind in [MiddleboxKind::Transparent, nat()] {
        let flows = Flows { on_timeout: OnTimeout::Reset, ..Flows::forgotten_after(5 * SECOND) };
        let world = run(silent(pair().middlebox("lb", ("client", "server"), kind, flows)));
        // Both believe it: the numbers are theirs. The client's last segment was sent at 20 ms.
        assert_eq!(failure(&world, SERVER), Some(("read-to-end", SocketError::ConnectionReset)));
        assert_eq!(failure(&world, CLIENT), Some(("write", SocketError::ConnectionReset)));
        let query = Query::new(world.trace());
        assert_eq!(query.injected().len(), 2, "{kind:?}");
        let closed = |host| {
            let changes =
                world.trace().records.iter().filter_map(move |record| match record.event {
                    Event::State { socket, change } => (usize::from(socket.host.0) == host
                        && change.to == TcpState::Closed)
                        .then(|| record.at.to_string()),
                    _ => None,
                });
            changes.collect::<Vec<_>>()
        };
        assert_eq!([closed(CLIENT), closed(SERVER)], [["5.040"], ["5.040"]], "{kind:?}");
    }
}

#[test]
fn a_flow_that_both_ends_have_closed_is_not_reset() {
    let flows = Flows {
        on_timeout: OnTimeout::Reset,
        close_timeout: Some(SECOND),
        ..Flows::forgotten_after(5 * SECOND)
    };
    let world = run(hello(pair().middlebox("lb", ("client", "server"), nat(), flows)));
    assert_done(&world);
    assert_eq!(Query::new(world.trace()).injected().len(), 0);
}

#[test]
fn a_box_that_begins_with_any_segment_knows_a_forgotten_flow_again() {
    for kind in [MiddleboxKind::Transparent, nat()] {
        let beginning = Beginning::AnySegment;
        let flows = Flows { beginning, ..Flows::forgotten_after(5 * SECOND) };
        let world = run(silent(pair().middlebox("lb", ("client", "server"), kind, flows)));
        assert_eq!(world.totals(SERVER).read, 6, "{kind:?}");
    }
}
