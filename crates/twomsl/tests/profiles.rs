//! One test per scenario file and profile that the file names in `also`: with every host on that
//! profile, all that the file expects holds with each of its seeds, and nothing that must always
//! hold is violated.
//!
//! What such a run looks like is approved nowhere: `snapshots/` has the runs on a file's own
//! profiles, in `scenarios.rs`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use twomsl::Scenario;

/// The library, from the top of the project, where Cargo starts tests.
const LIBRARY: &str = "scenarios";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let mut files = Vec::new();
    collect(Path::new(LIBRARY), &mut files)?;
    files.sort();
    let mut tests = Vec::new();
    for file in files {
        tests.extend(variants(&file)?);
    }
    Ok(libtest_mimic::run(&arguments, tests).exit_code())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "kdl") {
            files.push(path);
        }
    }
    Ok(())
}

/// The tests of a file: as many as it names profiles.
fn variants(file: &Path) -> Result<Vec<Trial>> {
    let scenario = Scenario::load(file)?;
    let name = file.strip_prefix(LIBRARY)?.display().to_string().replace('\\', "/");
    let trial = |profile: &&'static str| {
        let (scenario, profile) = (scenario.clone(), *profile);
        Trial::test(format!("also::{name} {profile}"), move || holds_on(scenario, profile))
    };
    Ok(scenario.also().iter().map(trial).collect())
}

/// `holds` counts a violation as an expectation that does not hold, unless the file expects it.
fn holds_on(scenario: Scenario, profile: &str) -> std::result::Result<(), Failed> {
    let variant = scenario.with_profile(profile)?;
    for seed in variant.seeds().to_vec() {
        let outcome = variant.clone().with_seed(seed).run()?;
        if !outcome.holds() {
            return Err(outcome.report().into());
        }
    }
    Ok(())
}
