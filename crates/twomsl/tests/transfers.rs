//! Bulk transfers through bad networks: each arrives whole, whatever the seed, and how fast.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use twomsl::sim::spec::{Impairments, Loss, Probability};
use twomsl::sim::{End, Plan, Recording, World};
use twomsl::tcp::profile::CongestionControl;
use twomsl::tcp::{Instant, Profile};

/// What is transferred.
const OCTETS: u64 = 1 << 20;

/// Parts in a thousand.
fn per_mille(parts: u32) -> Probability {
    Probability::from_parts_per_billion(parts * 1_000_000).expect("at most a thousand")
}

fn loss(parts: u32) -> Loss {
    if parts == 0 { Loss::None } else { Loss::Bernoulli(per_mille(parts)) }
}

/// A client that sends, a server that reads.
fn plan(profile: &Profile, link: Impairments) -> Arc<Plan> {
    let spec = World::builder()
        .host("client", profile.clone())
        .host("server", profile.clone())
        .link("client", "server", link)
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| role.connect("server", 80).write_pattern(OCTETS).close())
        .spec()
        .expect("the specification is sound");
    Arc::new(Plan::new(spec).expect("the specification is sound"))
}

/// Runs it with one seed: when the last octet was read.
///
/// That what is read is what was written is an invariant of every run (the first of six).
fn transfer(world: &mut World, seed: u64) -> Instant {
    world.restart(seed);
    let server = world.host("server").expect("a host");
    while world.totals(server).read < OCTETS && world.step() {}
    let at = world.now();
    assert_eq!(world.totals(server).read, OCTETS, "seed {seed} arrives whole");
    assert_eq!(world.run(), End::Quiet, "seed {seed} comes to its end");
    assert!(world.violations().is_empty(), "seed {seed}: {:?}", world.violations());
    at
}

/// 5 % of the packets lost, 2 % doubled, 10 % reordered, each way.
#[test]
fn every_seed_gets_through_a_bad_network() {
    let link = Impairments {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(2),
        loss: loss(50),
        duplicate: per_mille(20),
        reorder: per_mille(100),
        ..Impairments::default()
    };
    // A BIG-IP gives a connection up that is five seconds in FIN-WAIT-1, whatever is still under way.
    let names = Profile::NAMES.iter().filter(|name| **name != "big-ip");
    for profile in names.filter_map(|name| Profile::by_name(name)) {
        let mut world = World::from_plan(plan(&profile, link.clone()), 0, Recording::Off);
        let mut slowest = Instant::ZERO;
        for seed in 0..1000 {
            slowest = slowest.max(transfer(&mut world, seed));
        }
        println!("{}: 1,000 of 1,000, the slowest in {slowest} s", profile.name);
    }
}

/// Throughput over loss, round-trip time and congestion control: the median of 20 seeds.
#[test]
fn throughput_over_loss_and_distance() {
    const SEEDS: u64 = 20;
    let mut grid = String::from("1 MiB, kbit/s, the median of 20 seeds\n\n");
    for control in [CongestionControl::NewReno, CongestionControl::Cubic] {
        let _ =
            writeln!(grid, "{:>8} {:>9} {:>9} {:>9}", control.name(), "1 ms", "20 ms", "100 ms");
        for parts in [0, 1, 10, 50, 100] {
            let _ = write!(grid, "{:>6}.{} %", parts / 10, parts % 10);
            for round_trip in [1000, 20_000, 100_000] {
                let mut profile = Profile::linux();
                profile.options.congestion_control = control;
                let delay = Duration::from_micros(round_trip / 2);
                let link = Impairments { delay, loss: loss(parts), ..Impairments::default() };
                let mut world = World::from_plan(plan(&profile, link), 0, Recording::Off);
                let mut times: Vec<_> =
                    (0..SEEDS).map(|seed| transfer(&mut world, seed).as_nanos()).collect();
                times.sort_unstable();
                let median = times[times.len() / 2];
                let _ = write!(grid, " {:>9}", OCTETS * 8 * 1_000_000 / median);
            }
            grid.push('\n');
        }
    }
    insta::assert_snapshot!("throughput", grid);
}
