//! `twomsl drill`: every script is run, whatever came of those before it, several at a time; what is
//! said of them stands in the order of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use twomsl::scenario::packetdrill::{Drill, Recording, Relaxation, Report, Settings, Verdict};
use twomsl::scenario::{Colour, ScenarioError};
use twomsl::trace::ladder;

use super::scripts;
use crate::args;
use crate::output::{Output, colour_of_messages, complain, note};

/// Scripts that are run before something is said of them: enough to keep all processors busy.
const BATCH: usize = 256;

/// Runs every script, and says how it went.
pub(crate) fn run(args: &args::Drill) -> super::Verdict {
    match prepare(args) {
        Ok((files, threads)) => threads.install(|| run_all(args, &files)),
        Err(message) => {
            complain(&message);
            super::Verdict::Unusable
        }
    }
}

fn prepare(args: &args::Drill) -> Result<(Vec<PathBuf>, rayon::ThreadPool), String> {
    let files = scripts::collect(&args.paths)?;
    // More threads than scripts would only be made and ended.
    let jobs = args.jobs.map_or(0, |jobs| jobs.get().min(files.len()).min(BATCH));
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    Ok((files, threads.map_err(|error| format!("error: --jobs: {error}\n"))?))
}

fn run_all(args: &args::Drill, files: &[PathBuf]) -> super::Verdict {
    let settings = Settings {
        profile: Some(args.profile.clone()),
        defines: args.defines.clone(),
        ip_version: args.ip_version.map(Into::into),
        dialect: args.dialect.map(Into::into),
        relaxations: args.relaxations.asked(),
        record: if args.ladder { Recording::On } else { Recording::Off },
    };
    let mut tally = Tally::new(&settings.relaxations);
    for batch in files.chunks(BATCH) {
        let ends: Vec<_> = batch.par_iter().map(|file| drill(file, &settings)).collect();
        for (file, end) in batch.iter().zip(ends) {
            if let Err(message) = show(args, file, &end) {
                complain(&message);
                return super::Verdict::Unusable;
            }
            tally.count(&end);
        }
    }
    tally.tell()
}

/// How a script ended.
enum End {
    Ran(Box<Report>),
    Unusable(ScenarioError),
    /// The laboratory itself failed, which is a bug of its own; why is on standard error.
    Broken,
}

fn drill(file: &Path, settings: &Settings) -> End {
    let run = || match Drill::load(file, settings) {
        Ok(drill) => End::Ran(Box::new(drill.run())),
        Err(error) => End::Unusable(error),
    };
    // One script must not take the others with it. What it broke is gone with it.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(End::Broken)
}

/// One line about a script; what there is to see of a failure below it.
fn show(args: &args::Drill, file: &Path, end: &End) -> Result<(), String> {
    let line = line(file, end);
    if let End::Unusable(error) = end {
        complain(&error.render(colour_of_messages()));
    }
    Output::Standard.write(file, &line)?;
    let End::Ran(report) = end else { return Ok(()) };
    for tolerated in &report.tolerated {
        note(&format!("tolerated {tolerated}"));
    }
    match &report.trace {
        Some(trace) if args.ladder && matches!(report.verdict, Verdict::Failed(_)) => {
            let width = Output::Standard.ladder_columns();
            let form = ladder::Form { width, ..ladder::Form::default() };
            let colours = Output::Standard.takes_colours();
            let ladder =
                if colours { ladder::coloured(trace, form) } else { ladder::plain(trace, form) };
            Output::Standard.write(file, &format!("\n{ladder}\n"))
        }
        _ => Ok(()),
    }
}

fn line(file: &Path, end: &End) -> String {
    let file = file.display();
    match end {
        End::Ran(report) => match &report.verdict {
            Verdict::Passed => format!("ok {file}\n"),
            verdict => format!("{verdict}\n"),
        },
        // The whole message has further lines, for standard error.
        End::Unusable(error) => {
            let text = error.render(Colour::None);
            format!("error {}\n", text.lines().next().unwrap_or_default().replace(" error:", ""))
        }
        End::Broken => format!("error {file}: this script breaks twomsl, which is a bug\n"),
    }
}

/// How all scripts went.
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    unusable: usize,
    /// How many scripts needed which relaxation, of those that were asked for.
    relaxed: BTreeMap<Relaxation, usize>,
    /// How many scripts had which setting that the TCP does not have.
    unknown: BTreeMap<String, usize>,
}

impl Tally {
    fn new(relaxations: &BTreeSet<Relaxation>) -> Self {
        let relaxed = relaxations.iter().map(|relaxation| (*relaxation, 0)).collect();
        Self { passed: 0, failed: 0, skipped: 0, unusable: 0, relaxed, unknown: BTreeMap::new() }
    }

    fn count(&mut self, end: &End) {
        let End::Ran(report) = end else {
            self.unusable += 1;
            return;
        };
        match report.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(_) => self.failed += 1,
            Verdict::Skipped { .. } => self.skipped += 1,
        }
        for relaxation in &report.relaxed {
            *self.relaxed.entry(*relaxation).or_default() += 1;
        }
        let settings: BTreeSet<_> = report.unknown_settings.iter().collect();
        for setting in settings {
            *self.unknown.entry(setting.clone()).or_default() += 1;
        }
    }

    /// Says it in one line, with what was not known before it, and returns the worst.
    fn tell(&self) -> super::Verdict {
        for (setting, scripts) in &self.unknown {
            note(&format!("unknown setting {setting}, in {scripts} scripts"));
        }
        if let Err(message) = Output::Standard.write(Path::new(""), &self.line()) {
            complain(&message);
            return super::Verdict::Unusable;
        }
        match (self.unusable, self.failed) {
            (0, 0) => super::Verdict::Holds,
            (0, _) => super::Verdict::Fails,
            _ => super::Verdict::Unusable,
        }
    }

    fn line(&self) -> String {
        let Self { passed, failed, skipped, unusable, .. } = self;
        let mut parts = vec![format!("{passed} passed, {failed} failed, {skipped} skipped")];
        parts.extend((*unusable > 0).then(|| format!("{unusable} unusable")));
        let unknown = self.unknown.len();
        parts.extend((unknown > 0).then(|| format!("{unknown} unknown settings")));
        let relaxed = self.relaxed.iter();
        parts.extend(relaxed.map(|(it, scripts)| format!("{scripts} relaxed by --{}", it.name())));
        format!("{}\n", parts.join(", "))
    }
}
