//! The searches: what they show, what they leave behind, and that it does it again.

use std::path::Path;
use std::process::Output;

use crate::{LOST_FIN, file, text, twomsl};

/// A story that breaks as soon as its SYN is lost, whoever loses it.
const FRAGILE: &str = "scenario \"Fragile\"
host \"client\" profile=\"linux\"
host \"server\" profile=\"linux\"
link \"client\" \"server\" delay=\"10ms\" loss=\"$loss\"
param \"loss\" \"0%\"
role \"server\" { listen 80; accept; read-to-end; close }
role \"client\" { connect \"server:80\"; write \"hello\"; close }
explore faults=1 kinds=\"drop\" { expect { segments from=\"client\" flags=\"SYN\" count=1 } }
";

/// The folder for what is left behind by one test, and its argument.
fn folder(name: &str) -> String {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).display().to_string()
}

/// Runs the scenario that a command has left behind, whose path it has shown.
fn again(shown: &str) -> Output {
    let line = shown.lines().find_map(|line| line.strip_prefix("to see it again: twomsl "));
    let words: Vec<&str> = line.expect("a command").split(' ').collect();
    twomsl(&words)
}

#[test]
fn a_counterexample_is_shown_and_its_file_shows_the_same_ladder() {
    let (path, out) = (file("fragile.kdl", FRAGILE), folder("fragile-explored"));
    let path = path.display().to_string();
    let output = twomsl(&["explore", &path, "--out", &out]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("fault drop from=\"client\" packet=1"), "{shown}");
    let again = again(&shown);
    assert_eq!(again.status.code(), Some(1));
    assert!(shown.contains(text(&again.stdout).trim_end()), "{shown}");
    let clean = twomsl(&["explore", &path, "--faults", "0"]);
    assert_eq!(clean.status.code(), Some(0), "{}", text(&clean.stdout));
}

#[test]
fn a_search_that_is_stopped_says_how_to_go_on() {
    let out = folder("stopped");
    let search = ["explore", LOST_FIN, "--faults", "1", "--out", &out];
    let whole = twomsl(&search);
    assert_eq!(whole.status.code(), Some(0), "{}", text(&whole.stdout));
    let stopped = twomsl(&[&search[..], &["--max-memory", "1KiB"]].concat());
    let shown = text(&stopped.stdout);
    assert_eq!(stopped.status.code(), Some(3), "{shown}");
    assert!(shown.contains("stopped early"), "{shown}");
    let line = shown.lines().find_map(|line| line.strip_prefix("to go on: twomsl "));
    let words: Vec<&str> = line.expect("a command").split(' ').collect();
    let again = twomsl(&words);
    assert_eq!(
        again.status.code(),
        Some(3),
        "what is remembered still is: {}",
        text(&again.stdout)
    );
    let rest = twomsl(&[&search[..], &["--continue"]].concat());
    assert_eq!(rest.status.code(), Some(0), "{}", text(&rest.stdout));
    let table = |output: &Output| {
        text(&output.stdout).split_once("\n\n").map(|(_, table)| table.to_owned())
    };
    assert_eq!(table(&rest), table(&whole));
    let nothing = twomsl(&[&search[..], &["--continue"]].concat());
    assert_eq!(nothing.status.code(), Some(2), "{}", text(&nothing.stdout));
    assert!(text(&nothing.stderr).contains("--max-time"), "{}", text(&nothing.stderr));
}

#[test]
fn a_sweep_shows_the_first_seed_that_fails_and_shrinking_makes_it_small() {
    let (path, out) = (file("fragile-swept.kdl", FRAGILE), folder("fragile-swept"));
    let path = path.display().to_string();
    let calm = twomsl(&["sweep", &path, "--seeds", "0..20", "--out", &out]);
    assert_eq!(calm.status.code(), Some(0), "{}", text(&calm.stdout));
    let sweep = |jobs| {
        let seeds = ["sweep", &path, "--seeds", "0..50", "--set", "loss=20%", "--out", &out];
        twomsl(&[&seeds[..], &["--jobs", jobs]].concat())
    };
    let swept = sweep("1");
    let shown = text(&swept.stdout);
    assert_eq!(swept.status.code(), Some(1), "{shown}");
    assert_eq!(shown, text(&sweep("3").stdout), "the number of jobs makes no difference");
    assert_eq!(again(&shown).status.code(), Some(1));
    let seed = shown.lines().find_map(|line| line.strip_prefix("the first that failed: seed "));
    let seed = seed.expect("a seed");
    let out = folder("fragile-shrunk");
    let arguments = ["shrink", &path, "--seed", seed, "--set", "loss=20%", "--out", &out];
    let shrunk = twomsl(&arguments);
    let shown = text(&shrunk.stdout);
    assert_eq!(shrunk.status.code(), Some(1), "{shown}{}", text(&shrunk.stderr));
    // One fault, told as people tell it; the server is still there to be connected to.
    assert!(shown.contains("\nfault drop nth=1 from=\"client\" flags=\"SYN\"\n"), "{shown}");
    assert!(shown.contains("listen 80") && !shown.contains("write"), "{shown}");
    assert_eq!(again(&shown).status.code(), Some(1));
}

#[test]
fn a_swarm_that_fails_leaves_a_scenario_that_does_it_again_and_shrinks() {
    let (path, out) = (file("fragile-swarm.kdl", FRAGILE), folder("fragile-swarm"));
    let path = path.display().to_string();
    let swept = twomsl(&["sweep", &path, "--seeds", "0..50", "--swarm", "--out", &out]);
    let shown = text(&swept.stdout);
    assert_eq!(swept.status.code(), Some(1), "{shown}");
    assert!(shown.contains("scenario.kdl:"), "places are those of the file that is left: {shown}");
    let seed = shown.lines().find_map(|line| line.strip_prefix("the first that failed: seed "));
    let seed = seed.expect("a seed");
    let once = again(&shown);
    assert_eq!(once.status.code(), Some(1));
    assert!(text(&once.stdout).contains("1 run, 1 failed"), "{}", text(&once.stdout));
    // What was drawn, as a file: the same ladder.
    let drawn = twomsl(&["run", &format!("{out}/scenario.kdl")]);
    assert_eq!(drawn.status.code(), Some(1), "{}", text(&drawn.stderr));
    assert!(shown.contains(text(&drawn.stdout).trim_end()), "{shown}");
    let out = folder("fragile-swarm-shrunk");
    let shrunk = twomsl(&["shrink", &path, "--seed", seed, "--swarm", "--out", &out]);
    let shown = text(&shrunk.stdout);
    assert_eq!(shrunk.status.code(), Some(1), "{shown}{}", text(&shrunk.stderr));
    assert!(
        shown.contains(&format!("{out}/small.kdl:")),
        "not the places of another file: {shown}"
    );
    assert!(!shown.contains(&path), "{shown}");
    assert_eq!(again(&shown).status.code(), Some(1));
}

#[test]
fn where_nothing_can_be_left_nothing_is_begun() {
    let taken = file("fragile-taken", "a file");
    let taken = taken.display().to_string();
    let path = file("fragile-out.kdl", FRAGILE).display().to_string();
    for command in ["sweep", "shrink"] {
        let output = twomsl(&[command, &path, "--out", &taken]);
        assert_eq!(output.status.code(), Some(2));
        let told = text(&output.stderr);
        assert_eq!(told, format!("error: --out {taken}: this is a file, and a folder is needed\n"));
        assert_eq!(text(&output.stdout), "");
    }
    let holds = twomsl(&["shrink", &path, "--seed", "4"]);
    assert_eq!(holds.status.code(), Some(0));
    assert!(
        text(&holds.stderr).ends_with(": nothing fails with seed 4\n"),
        "{}",
        text(&holds.stderr)
    );
}
