//! A test per search of the scenarios in `scenarios/what-if`, each of which is called after the rule it is about:
//! with the rule, nothing breaks within the bound that the file carries; without it, exploration finds the
//! disaster that the file says, and the file that it writes shows it again.
//!
//! What a disaster looks like is approved in `snapshots/what-if`, beside the ordinary run.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use twomsl::Scenario;
use twomsl::explore::{Broken, Exploration, Limits, explore};
use twomsl::scenario::{Finds, Own};
use twomsl::tcp::WhatIf;
use twomsl::trace::ladder;

const FOLDER: &str = "scenarios/what-if";

type Result = std::result::Result<(), Failed>;

fn main() -> std::result::Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments = Arguments::from_args();
    let mut tests = vec![
        Trial::test("every_rule_has_a_scenario", every_rule_has_a_scenario),
        Trial::test("the_command_finds_shows_and_plays_again", the_command),
    ];
    for name in names()? {
        let scenario = Scenario::load(path(&name))?;
        for search in scenario.own_searches() {
            let title = format!("{name}::{}", search.name);
            let (name, scenario, search) = (name.clone(), scenario.clone(), search.clone());
            let test = move || match search.finds {
                Finds::Nothing => with_the_rule(&scenario, &search),
                Finds::Disaster(disaster) => without(&name, &scenario, &search, disaster),
            };
            tests.push(Trial::test(title, test));
        }
    }
    Ok(libtest_mimic::run(&arguments, tests).exit_code())
}

/// The files of the folder, without their ending.
fn names() -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(FOLDER)? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name).with_extension("kdl")
}

fn explored(scenario: &Scenario, search: &Own) -> std::result::Result<Exploration, Failed> {
    let searched = scenario.searched(search)?;
    let bound = searched.bound().ok_or("the file carries its bound")?;
    Ok(explore(&searched, bound, &Limits::default())?)
}

fn with_the_rule(scenario: &Scenario, search: &Own) -> Result {
    let exploration = explored(scenario, search)?;
    if exploration.is_clean() { Ok(()) } else { Err(exploration.report().into()) }
}

fn without(name: &str, scenario: &Scenario, search: &Own, disaster: Broken) -> Result {
    let exploration = explored(scenario, search)?;
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

/// Each file is called after the rule that it is about, and has a search with it and one without.
fn every_rule_has_a_scenario() -> Result {
    let mut about = Vec::new();
    for name in names()? {
        let scenario = Scenario::load(path(&name))?;
        let searches: Vec<&Own> = scenario.own_searches().collect();
        let [with, without] = searches[..] else {
            return Err(format!("{name}: {} searches", searches.len()).into());
        };
        assert_eq!((with.finds, with.what_ifs()), (Finds::Nothing, &[][..]), "{name}");
        let [rule] = without.what_ifs() else { return Err(format!("{name}: which rule?").into()) };
        assert!(name.starts_with(rule.name()), "{name} is called after another rule");
        assert!(without.means.is_some() && without.remarks() > 0, "{name} is not told");
        about.push(*rule);
    }
    for rule in WhatIf::ALL {
        assert!(about.contains(&rule), "{rule} has no scenario");
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
