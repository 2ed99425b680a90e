//! Congestion on a link: packets of senders that know ECN are marked, others are dropped.

use twomsl_sim::World;
use twomsl_sim::spec::{FaultVerdict, Impairments, Probability, Rewrite};
use twomsl_tcp::wire::Ecn;
use twomsl_trace::{Decider, Event, Fate, HostId};

use crate::support::{CLIENT, MS, SERVER, fates, pair_over, run};

/// A transfer over such a link, in which the client's packets bear this mark.
fn transfer(link: Impairments, octets: u64, mark: Ecn) -> World {
    let mark = FaultVerdict::Rewrite(Rewrite { ecn: Some(mark), ..Rewrite::default() });
    run(pair_over(link)
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", move |role| role.connect("server", 80).write_pattern(octets).close())
        .fault(mark, |packets| packets.from("client")))
}

/// How many packets a queue or its chance has marked.
fn marked(world: &World, by: &'static str) -> usize {
    let is_mark =
        |fate: &Fate| matches!(fate, Fate::Rewritten { content } if content.ecn == Ecn::Ce);
    fates(world, is_mark, |decider| *decider == Decider::Impairment(by))
}

fn dropped(world: &World, by: &'static str) -> usize {
    fates(world, |fate| *fate == Fate::Dropped, |decider| *decider == Decider::Impairment(by))
}

/// How many packets a host has sent.
fn sent(world: &World, host: usize) -> usize {
    let sent = |event: &Event| matches!(event, Event::Sent { host: HostId(from), .. } if usize::from(*from) == host);
    world.trace().records.iter().filter(|record| sent(&record.event)).count()
}

fn often() -> Impairments {
    let mark = Probability::from_parts_per_billion(300_000_000).unwrap();
    Impairments { delay: 10 * MS, mark, ..Impairments::default() }
}

/// RFC 3168 §5: a router marks what it would else have dropped. What comes back from the server
/// is not ECT, and is lost to the same chance.
#[test]
fn ect_is_marked_and_everything_else_is_dropped() {
    for ect in [Ecn::Ect0, Ecn::Ect1] {
        let world = transfer(often(), 30_000, ect);
        assert!(marked(&world, "mark") > 3);
        let lost = |event: &Event| matches!(event, Event::Fate { fate: Fate::Dropped, .. });
        assert!(world.trace().records.iter().any(|record| lost(&record.event)));
        assert_eq!(world.totals(SERVER).read, 30_000);
    }
    let world = transfer(often(), 30_000, Ecn::NotEct);
    assert_eq!(marked(&world, "mark"), 0);
    assert!(dropped(&world, "mark") > 3);
}

/// A mark stays a mark; it is not written down twice.
#[test]
fn what_is_marked_already_passes() {
    let world = transfer(often(), 30_000, Ecn::Ce);
    assert_eq!(marked(&world, "mark"), 0);
    assert!(sent(&world, CLIENT) > 10);
}

/// The same draws decide, whatever the packets say: switching marks off changes no loss.
#[test]
fn marks_have_a_stream_of_their_own() {
    let loss = twomsl_sim::spec::Loss::Bernoulli(often().mark);
    let first_loss = |link: Impairments| {
        let world = transfer(link, 3_000, Ecn::Ect0);
        let mut fates = world.trace().records.iter();
        fates.find_map(|record| match &record.event {
            Event::Fate { packet, fate: Fate::Dropped, by: Decider::Impairment("loss") } => {
                Some(*packet)
            }
            _ => None,
        })
    };
    let marking = first_loss(Impairments { loss, ..often() });
    assert!(marking.is_some());
    assert_eq!(marking, first_loss(Impairments { loss, mark: Probability::NEVER, ..often() }));
}

/// A queue beyond its threshold marks; packets that cannot be marked wait all the same.
#[test]
fn a_long_queue_marks_what_it_can() {
    let slow = Impairments {
        delay: 10 * MS,
        rate: Some(1_000_000),
        mark_above: Some(3),
        ..Impairments::default()
    };
    let world = transfer(slow.clone(), 60_000, Ecn::Ect0);
    assert!(marked(&world, "mark-above") > 3);
    let world = transfer(slow.clone(), 60_000, Ecn::NotEct);
    assert_eq!(marked(&world, "mark-above") + dropped(&world, "limit"), 0);
    let patient = Impairments { mark_above: None, ..slow };
    assert_eq!(marked(&transfer(patient, 60_000, Ecn::Ect0), "mark-above"), 0);
}
