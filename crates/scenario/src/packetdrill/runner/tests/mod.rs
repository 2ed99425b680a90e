//! Small scripts, and what becomes of them.

mod handshakes;

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
