//! How fast whole worlds run: `cargo bench --bench speed`.
//!
//! Nothing is recorded, and every invariant is checked, as in a sweep over many seeds. The column
//! of items per second counts segments where a run is long, and scenarios where it is short.

use std::sync::Arc;
use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use twomsl_sim::spec::{Impairments, Loss, Probability};
use twomsl_sim::{End, Plan, Recording, World, WorldBuilder};
use twomsl_tcp::{Profile, SocketOption};

fn main() {
    divan::main();
}

const SEED: u64 = 1;

/// Two hosts, one millisecond apart.
fn pair() -> WorldBuilder {
    World::builder().host("client", Profile::linux()).host("server", Profile::linux()).link(
        "client",
        "server",
        Impairments::delay(Duration::from_millis(1)),
    )
}

fn plan(builder: WorldBuilder) -> Arc<Plan> {
    let spec = builder.spec().expect("the specification is sound");
    Arc::new(Plan::new(spec).expect("the specification is sound"))
}

/// Runs a fresh world to its end; how many packets were sent in it.
fn run(plan: &Arc<Plan>) -> u64 {
    run_to_end(&mut World::from_plan(Arc::clone(plan), SEED, Recording::Off))
}

/// Runs a world to its end; how many packets were sent in it.
fn run_to_end(world: &mut World) -> u64 {
    assert_eq!(world.run(), End::Quiet);
    assert!(world.violations().is_empty());
    world.packets()
}

/// One bulk transfer: the time of one item is the cost of one segment, both ends, the network and
/// the applications included.
#[divan::bench(sample_count = 10)]
fn transfer_64_mib(bencher: Bencher<'_, '_>) {
    transfer(bencher, Loss::None);
}

/// The same when one packet in a hundred is lost, each way: what loss recovery costs.
#[divan::bench(sample_count = 10)]
fn transfer_64_mib_with_loss(bencher: Bencher<'_, '_>) {
    let probability = Probability::from_parts_per_billion(10_000_000).expect("one in a hundred");
    transfer(bencher, Loss::Bernoulli(probability));
}

fn transfer(bencher: Bencher<'_, '_>, loss: Loss) {
    let delay = Duration::from_millis(1);
    let plan = plan(
        World::builder()
            .host("client", Profile::linux())
            .host("server", Profile::linux())
            .link("client", "server", Impairments { delay, loss, ..Impairments::default() })
            .role("server", |role| role.listen(80).accept().read_to_end().close())
            .role("client", |role| role.connect("server", 80).write_pattern(64 << 20).close()),
    );
    let segments = run(&plan);
    bencher.counter(ItemsCount::new(segments)).bench(|| run(black_box(&plan)));
}

/// Connect, ten octets, close both ways, TIME-WAIT to its end.
fn short_story() -> WorldBuilder {
    pair()
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| role.connect("server", 80).write("0123456789").close())
}

/// A world per seed, as in a sweep: each starts afresh, in the memory of the one before.
#[divan::bench(sample_count = 100, sample_size = 1000)]
fn fresh_scenario(bencher: Bencher<'_, '_>) {
    let plan = plan(short_story());
    let mut world = World::from_plan(plan, SEED, Recording::Off);
    let mut seed = SEED;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        seed += 1;
        world.restart(black_box(seed));
        run_to_end(&mut world)
    });
}

/// The same in memory of its own each time.
#[divan::bench(sample_count = 100, sample_size = 1000)]
fn fresh_scenario_in_new_memory(bencher: Bencher<'_, '_>) {
    let plan = plan(short_story());
    bencher.counter(ItemsCount::new(1_u32)).bench(|| run(black_box(&plan)));
}

/// And from the specification on, which is checked and prepared each time.
#[divan::bench(sample_count = 100, sample_size = 1000)]
fn fresh_scenario_with_its_plan(bencher: Bencher<'_, '_>) {
    let spec = Arc::new(short_story().spec().expect("the specification is sound"));
    bencher.counter(ItemsCount::new(1_u32)).bench(|| {
        let plan = Plan::new(Arc::clone(black_box(&spec))).expect("the specification is sound");
        run(&Arc::new(plan))
    });
}

/// Short connections one after another; every one of them stays in TIME-WAIT to the end.
#[divan::bench(sample_count = 10)]
fn short_connections_10_000(bencher: Bencher<'_, '_>) {
    let plan = plan(
        pair()
            .role("server", |role| role.listen(80).serve(|role| role.read_to_end().close()))
            .role("client", |role| {
                role.repeat(10_000, |role| role.connect("server", 80).write("0123456789").close())
            }),
    );
    bencher.counter(ItemsCount::new(10_000_u32)).bench(|| run(black_box(&plan)));
}

/// Two hours of an idle connection, with a keepalive probe every minute.
#[divan::bench(sample_count = 100, sample_size = 10)]
fn two_idle_hours(bencher: Bencher<'_, '_>) {
    let hours = Duration::from_secs(2 * 60 * 60);
    let plan =
        plan(pair().role("server", |role| role.listen(80).accept().read_to_end().close()).role(
            "client",
            move |role| {
                role.with(SocketOption::KeepAlive(true))
                    .with(SocketOption::KeepIdle(Duration::from_secs(60)))
                    .with(SocketOption::KeepInterval(Duration::from_secs(60)))
                    .connect("server", 80)
                    .sleep(hours)
                    .close()
            },
        ));
    bencher.counter(ItemsCount::new(1_u32)).bench(|| run(black_box(&plan)));
}
