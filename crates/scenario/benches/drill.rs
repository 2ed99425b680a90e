//! How fast packetdrill scripts run: `cargo bench -p twomsl-scenario`. The column of items per
//! second counts scripts; with two threads, of both together.

use divan::Bencher;
use divan::counter::ItemsCount;
use twomsl_scenario::packetdrill::{Drill, Settings};

fn main() {
    divan::main();
}

/// A connection that is opened, carries a request and its answer, and is closed.
const SHORT: &str = "
`sysctl -q net.ipv4.tcp_timestamps=0`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
+0 < P. 1:501(500) ack 1 win 257
* > . 1:1(0) ack 501
+0 read(4, ..., 1000) = 500
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 501
+.1 < . 501:501(0) ack 1001 win 257
+0 %{ assert tcpi_unacked == 0 }%
+0 close(4) = 0
+0 > F. 1001:1001(0) ack 501
+.1 < F. 501:501(0) ack 1002 win 257
+0 > . 1002:1002(0) ack 502
";

/// The same, and a thousand segments with their acknowledgments between.
fn long() -> String {
    let mut script: Vec<String> = SHORT.lines().take(10).map(str::to_owned).collect();
    for n in 0..1_000 {
        let (start, end) = (n * 100 + 1, n * 100 + 101);
        script.push("+0 write(4, ..., 100) = 100".to_owned());
        script.push(format!("+0 > P. {start}:{end}(100) ack 1"));
        script.push(format!("+.01 < . 1:1(0) ack {end} win 257"));
    }
    script.join("\n")
}

fn run(script: &str) {
    let drill = Drill::parse("bench.pkt", script, &Settings::default()).expect("a script");
    let verdict = drill.run().verdict;
    assert!(verdict.passed(), "{verdict}");
}

#[divan::bench(threads = [1, 2])]
fn short_scripts(bencher: Bencher) {
    bencher.counter(ItemsCount::new(1_u32)).bench(|| run(SHORT));
}

#[divan::bench(threads = [1, 2])]
fn scripts_of_three_thousand_events(bencher: Bencher) {
    let script = long();
    bencher.counter(ItemsCount::new(1_u32)).bench(|| run(&script));
}

#[divan::bench(threads = [1, 2])]
fn reading_only(bencher: Bencher) {
    let read = || Drill::parse("bench.pkt", SHORT, &Settings::default()).expect("a script");
    bencher.counter(ItemsCount::new(1_u32)).bench(read);
}
