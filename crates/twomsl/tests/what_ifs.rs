//! Two tests per scenario of `scenarios/what-if`, which is called after the rule it is about: with the rule,
//! nothing breaks within the bound that the file carries; without it, exploration finds the disaster, and
//! the file that it writes shows it again.
//!
//! What a disaster looks like is approved in `snapshots/what-if`, beside the ordinary run.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use twomsl::Scenario;
use twomsl::explore::{Broken, Exploration, Limits, explore};
use twomsl::tcp::WhatIf;
use twomsl::trace::ladder;

const FOLDER: &str = "scenarios/what-if";

/// What breaks in each file.
const DISASTERS: [(&str, Broken); 13] = [
    ("accept-outside-window", Broken::Invariant(1)),
    ("fixed-isn", Broken::Invariant(4)),
    ("no-challenge-ack", Broken::Expectation(0)),
    ("no-fin-retransmit", Broken::Expectation(0)),
    ("no-half-close", Broken::Invariant(1)),
    ("no-paws", Broken::Invariant(4)),
    ("no-persist-timer", Broken::Invariant(5)),
    ("no-rfc1337", Broken::Invariant(4)),
    ("no-time-wait", Broken::Invariant(4)),
    ("no-time-wait-last-ack", Broken::Expectation(0)),
    ("time-wait-1msl", Broken::Expectation(0)),
    ("tw-recycle-per-host", Broken::Expectation(0)),
    ("two-way-handshake", Broken::Expectation(0)),
];

type Result = std::result::Result<(), Failed>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut tests = vec![
        Trial::test("every_rule_has_a_scenario", every_rule_has_a_scenario),
        Trial::test("the_command_finds_shows_and_plays_again", the_command),
    ];
    for (name, disaster) in DISASTERS {
        tests.push(Trial::test(format!("with_the_rule::{name}"), move || with_the_rule(name)));
        tests.push(Trial::test(format!("without::{name}"), move || without(name, disaster)));
    }
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name).with_extension("kdl")
}

/// The rule that a file is about: its name, or what it begins with.
fn rule(name: &str) -> std::result::Result<WhatIf, Failed> {
    let about = |rule: &WhatIf| name.starts_with(rule.name());
    let rule = WhatIf::ALL.into_iter().filter(about).max_by_key(|rule| rule.name().len());
    rule.ok_or_else(|| format!("{name} is called after no rule").into())
}

fn explored(scenario: &Scenario) -> std::result::Result<Exploration, Failed> {
    let bound = scenario.bound().ok_or("the file carries its bound")?;
    Ok(explore(scenario, bound, &Limits::default())?)
}

fn with_the_rule(name: &str) -> Result {
    let exploration = explored(&Scenario::load(path(name))?)?;
    if exploration.is_clean() { Ok(()) } else { Err(exploration.report().into()) }
}

fn without(name: &str, disaster: Broken) -> Result {
    let scenario = Scenario::load(path(name))?.with_what_if(rule(name)?);
    let exploration = explored(&scenario)?;
    let Some(found) = exploration.counterexample else {
        return Err(exploration.report().into());
    };
    assert_eq!(found.broken, disaster, "{}", found.report());
    let shown = ladder::plain(&found.outcome.trace, ladder::Form::default());
    // What is in the file is all there is: the rule, the faults, the seed.
    let again = Scenario::parse(found.scenario.name(), found.text())?.run()?;
    assert!(!again.holds(), "the file shows nothing:\n{}", found.text());
    assert_eq!(ladder::plain(&again.trace, ladder::Form::default()), shown);
    approve(name, &shown);
    Ok(())
}

fn approve(name: &str, ladder: &str) {
    let mut settings = insta::Settings::clone_current();
    settings
        .set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots").join("what-if"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_suffix("without");
    settings.bind(|| insta::assert_snapshot!(name, ladder));
}

fn every_rule_has_a_scenario() -> Result {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(FOLDER)? {
        let path = entry?.path();
        files.push(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    files.sort();
    let listed: Vec<_> = DISASTERS.iter().map(|(name, _)| Some((*name).to_owned())).collect();
    assert_eq!(files, listed, "the files of {FOLDER} and what breaks in them");
    for wanted in WhatIf::ALL {
        let has = |(name, _): &(&str, Broken)| rule(name).is_ok_and(|rule| rule == wanted);
        assert!(DISASTERS.iter().any(has), "{wanted} has no scenario");
    }
    Ok(())
}

/// From the command line: 0 with the rule, 1 without, and 1 again for what that leaves behind.
fn the_command() -> Result {
    let file = path("no-time-wait-last-ack").display().to_string();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("what-if");
    let twomsl = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_twomsl")).args(args).output();
    let out = folder.display().to_string();
    assert_eq!(twomsl(&["explore", &file, "--out", &out])?.status.code(), Some(0));
    let found = twomsl(&["explore", &file, "--what-if", "no-time-wait", "--out", &out])?;
    assert_eq!(found.status.code(), Some(1));
    let again = twomsl(&["run", &folder.join("counterexample.kdl").display().to_string()])?;
    assert_eq!(again.status.code(), Some(1));
    let shown = std::fs::read_to_string(folder.join("ladder.txt"))?;
    assert_eq!(String::from_utf8(again.stdout)?, shown);
    Ok(())
}
