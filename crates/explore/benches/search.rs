//! How fast searches are: `cargo bench -p twomsl-explore`.
//!
//! The column of items per second counts transitions of explorations, and runs of sweeps. The argument
//! is the number of processors.

use std::sync::atomic::AtomicU64;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use twomsl_explore::{Bound, FaultKind, Limits, Variety, explore, sweep};
use twomsl_scenario::Scenario;

fn main() {
    divan::main();
}

/// The handshake, three segments each way, and both FINs.
const STORY: &str = r#"
scenario "Three segments each way"
host "client" profile="linux"
host "server" profile="linux"
link "client" "server" delay="10ms"
role "server" {
    listen 80
    accept
    read 300
    write bytes=100; write bytes=100; write bytes=100
    read-to-end
    close
}
role "client" {
    connect "server:80" no-delay=#true
    write bytes=100; write bytes=100; write bytes=100
    read 300
    close
}
"#;

fn story() -> Scenario {
    Scenario::parse("story.kdl", STORY).expect("a sound scenario")
}

fn exhaust(bencher: Bencher<'_, '_>, jobs: usize, faults: u32, kinds: &[FaultKind]) {
    let (story, limits) = (story(), Limits { jobs, ..Limits::default() });
    let bound = Bound::new(faults, kinds);
    let run = || explore(black_box(&story), &bound, &limits).expect("a world");
    let found = run();
    assert!(found.is_clean(), "{}", found.report());
    bencher.counter(ItemsCount::new(found.figures.transitions)).bench(run);
}

/// Every way of placing two faults of all kinds.
#[divan::bench(sample_count = 10, args = [1, 2])]
fn two_faults_of_all_kinds(bencher: Bencher<'_, '_>, jobs: usize) {
    exhaust(bencher, jobs, 2, &FaultKind::ALL);
}

/// Every way of losing four packets.
#[divan::bench(sample_count = 10, args = [1, 2])]
fn four_lost_packets(bencher: Bencher<'_, '_>, jobs: usize) {
    exhaust(bencher, jobs, 4, &[FaultKind::Drop]);
}

/// Ten thousand seeds, every run recorded and judged.
#[divan::bench(sample_count = 10, args = [1, 2])]
fn ten_thousand_seeds(bencher: Bencher<'_, '_>, jobs: usize) {
    let story = story();
    bencher.counter(ItemsCount::new(10_000_u32)).bench(|| {
        let done = AtomicU64::new(0);
        let swept = sweep(black_box(&story), 0..10_000, Variety::Streams, jobs, &done);
        assert!(swept.expect("a world").failed.is_empty());
    });
}
