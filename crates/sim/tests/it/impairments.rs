//! Bad networks never corrupt a stream.

use proptest::prelude::*;
use twomsl_sim::spec::{Distribution, Impairments, Loss, Probability};
use twomsl_sim::{End, Outcome, World};
use twomsl_tcp::{Cause, Shutdown, TcpState};
use twomsl_trace::{Decider, Event, Fate};

use crate::support::{CLIENT, MS, SERVER, fates, pair_over, run};

fn thousandths(n: u32) -> Probability {
    Probability::from_parts_per_billion(n * 1_000_000).unwrap()
}

#[test]
fn a_link_with_a_lifetime_kills_what_is_too_old() {
    let jittery = Impairments {
        delay: 100 * MS,
        jitter: 50 * MS,
        lifetime: Some(120 * MS),
        ..Impairments::default()
    };
    let world = run(pair_over(jittery)
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| role.connect("server", 80).write_pattern(50_000).close()));
    let dead =
        fates(&world, |fate| *fate == Fate::Dropped, |by| *by == Decider::Impairment("lifetime"));
    assert!(dead > 3, "{dead}");
    assert_eq!(world.totals(SERVER).read, 50_000);
}

fn probability() -> impl Strategy<Value = Probability> {
    prop_oneof![Just(Probability::NEVER), (0_u32..150).prop_map(thousandths)]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::None),
        probability().prop_map(Loss::Bernoulli),
        (0_u32..50, 200_u32..1000).prop_map(|(p, r)| Loss::GilbertElliott {
            p: thousandths(p),
            r: thousandths(r),
            bad_loss: thousandths(900),
            good_loss: Probability::NEVER,
        }),
    ]
}

fn distribution() -> impl Strategy<Value = Distribution> {
    prop_oneof![Just(Distribution::Uniform), Just(Distribution::Normal), Just(Distribution::Pareto)]
}

prop_compose! {
    fn impairments()(
        delay in 0_u32..50,
        jitter in 0_u32..20,
        distribution in distribution(),
        loss in loss(),
        duplicate in probability(),
        reorder in probability(),
        corrupt in probability(),
        rate in prop_oneof![Just(None), (500_000_u64..50_000_000).prop_map(Some)],
    ) -> Impairments {
        Impairments {
            delay: delay * MS,
            jitter: jitter * MS,
            distribution,
            loss,
            duplicate,
            reorder,
            corrupt,
            rate,
            limit: 50,
            ..Impairments::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn streams_arrive_whole_unless_a_connection_was_given_up(
        there in impairments(),
        back in impairments(),
        seed: u64,
        octets in 0_u64..80_000,
    ) {
        let mut world = World::builder()
            .seed(seed)
            .host("client", twomsl_tcp::Profile::linux())
            .host("server", twomsl_tcp::Profile::rfc9293())
            .link_asymmetric("client", "server", there, back)
            .role("server", |role| role.listen(80).accept().echo().close())
            .role("client", |role| {
                role.connect("server", 80)
                    .spawn(1, |role| role.read_to_end().close())
                    .write_pattern(octets)
                    .shutdown(Shutdown::Write)
            })
            .build()
            .unwrap();
        prop_assert_eq!(world.run(), End::Quiet);
        prop_assert_eq!(world.violations(), []);
        let told = world.results().iter().any(|r| matches!(r.outcome, Outcome::Failed { .. }));
        let whole = world.totals(SERVER).read == octets && world.totals(CLIENT).read == octets;
        prop_assert!(whole || told || gave_up(&world), "{:?}", world.results());
    }
}

/// Whether some connection retransmitted in vain until it gave up. An orphan tells nobody.
fn gave_up(world: &World) -> bool {
    let timeout = |event: &Event| {
        matches!(event, Event::State { change, .. } if matches!(change.cause, Cause::Timeout(_))
            && change.from != TcpState::TimeWait)
    };
    world.trace().records.iter().any(|record| timeout(&record.event))
}
