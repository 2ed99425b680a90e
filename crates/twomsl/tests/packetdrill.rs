//! One test per packetdrill script of the library: everything happens as it says.
//!
//! The first folder below `scenarios/packetdrill` names the profile that a script is for:
//! `scenarios/packetdrill/freebsd/close/simultaneous.pkt` runs on profile `freebsd`, with its rules
//! of time. A script that is skipped says nothing, so it does not hold.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use twomsl::scenario::packetdrill::{Drill, Settings};

/// The scripts, from the top of the project, where Cargo starts tests.
const LIBRARY: &str = "scenarios/packetdrill";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let mut files = Vec::new();
    collect(Path::new(LIBRARY), &mut files)?;
    files.sort();
    let tests = files.into_iter().map(|file| {
        let name = file.strip_prefix(LIBRARY).unwrap_or(&file).display().to_string();
        Trial::test(format!("packetdrill::{}", name.replace('\\', "/")), move || holds(&file))
    });
    Ok(libtest_mimic::run(&arguments, tests.collect()).exit_code())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            files.push(path);
        }
    }
    Ok(())
}

fn holds(file: &Path) -> std::result::Result<(), Failed> {
    let folder = file.strip_prefix(LIBRARY)?.components().next();
    let profile = folder.map(|folder| folder.as_os_str().to_string_lossy().into_owned());
    let settings = Settings { profile, ..Settings::default() };
    let report = Drill::load(file, &settings)?.run();
    match report.unknown_settings.first() {
        _ if !report.verdict.passed() => Err(report.verdict.to_string().into()),
        Some(setting) => Err(format!("{}: unknown setting {setting}", file.display()).into()),
        None => Ok(()),
    }
}
