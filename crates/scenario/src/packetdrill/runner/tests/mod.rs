//! Small scripts, and what becomes of them.

mod fake;
mod handshakes;
mod machines;
mod mutations;
mod numbers;
mod timing;

use crate::diagnostic::Problem;
use crate::packetdrill::{Drill, Settings};

/// What is said of a script under `linux`.
fn verdict(script: &str) -> String {
    verdict_with(script, &Settings::default())
}

fn verdict_with(script: &str, settings: &Settings) -> String {
    match Drill::parse("a.pkt", script, settings) {
        Ok(drill) => drill.run().verdict.to_string(),
        Err(error) => error.problems().iter().map(Problem::message).collect(),
    }
}

fn passes(script: &str) {
    assert_eq!(verdict(script), "ok", "{script}");
}

/// A listener, descriptor 3.
const LISTENS: &str = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
";

/// A connection to it, descriptor 4, which is ten lines into the script.
const ACCEPTS: &str = "
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
";

/// What follows on a connection that is open; its first line is line 11.
fn open(rest: &str) -> String {
    format!("{LISTENS}{ACCEPTS}{rest}")
}
