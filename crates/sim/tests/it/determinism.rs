//! The same specification and seed give the same trace.

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use twomsl_sim::spec::{Impairments, Loss, Probability};
use twomsl_sim::{Plan, Recording, World, WorldBuilder};
use twomsl_tcp::Instant;

use crate::support::{MS, pair_over};

fn bad_network() -> WorldBuilder {
    let percent = |n: u32| Probability::from_parts_per_billion(n * 10_000_000).unwrap();
    pair_over(Impairments {
        delay: 10 * MS,
        jitter: 3 * MS,
        loss: Loss::Bernoulli(percent(5)),
        duplicate: percent(3),
        reorder: percent(5),
        corrupt: percent(2),
        ..Impairments::default()
    })
    .role("server", |role| role.listen(80).accept().echo().close())
    .role("client", |role| role.connect("server", 80).write_pattern(30_000).read(30_000).close())
}

#[test]
fn two_runs_and_a_clone_write_the_same_trace() {
    let spec = Arc::new(bad_network().spec().unwrap());
    let mut first = World::new(Arc::clone(&spec), Recording::Trace).unwrap();
    let mut second = World::new(spec, Recording::Trace).unwrap();
    first.run();
    second.run_until(Instant::from_millis(200));
    let mut clone = second.clone();
    clone.run();
    while second.step() {}
    assert!(first.trace().records.len() > 200);
    assert!(first.trace() == clone.trace());
    assert!(first.trace() == second.trace());
}

#[test]
fn another_seed_is_another_story() {
    let plan = Arc::new(Plan::new(bad_network().spec().unwrap()).unwrap());
    let mut first = World::from_plan(Arc::clone(&plan), 1, Recording::Trace);
    let mut second = World::from_plan(plan, 2, Recording::Trace);
    first.run();
    second.run();
    assert!(first.trace().records != second.trace().records);
}

#[test]
fn nothing_depends_on_whether_it_is_written_down() {
    let spec = Arc::new(bad_network().spec().unwrap());
    let mut told = World::new(Arc::clone(&spec), Recording::Trace).unwrap();
    let mut silent = World::new(spec, Recording::Off).unwrap();
    assert_eq!(told.run(), silent.run());
    assert_eq!((told.now(), told.packets()), (silent.now(), silent.packets()));
    assert!(silent.trace().records.is_empty());
}

fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.fingerprint(&mut hasher);
    hasher.finish()
}

#[test]
fn clones_have_the_same_fingerprint_until_they_part() {
    let mut world = bad_network().build().unwrap();
    world.run_until(Instant::from_millis(100));
    let mut clone = world.clone();
    assert_eq!(fingerprint(&world), fingerprint(&clone));
    clone.step();
    assert_ne!(fingerprint(&world), fingerprint(&clone));
    world.step();
    assert_eq!(fingerprint(&world), fingerprint(&clone));
}
