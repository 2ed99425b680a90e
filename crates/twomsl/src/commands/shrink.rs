//! `twomsl shrink`: a run that fails, made small.

use twomsl::Scenario;
use twomsl::explore::{ShrinkError, Shrunk};
use twomsl::trace::ladder;

use super::{Verdict, artefacts, resolve};
use crate::args::Shrink;
use crate::output::{complain, many, note, print};

/// Shrinks the run of one file with one seed.
pub(crate) fn shrink(args: &Shrink) -> Verdict {
    one(args).unwrap_or_else(|message| {
        complain(&message);
        Verdict::Unusable
    })
}

fn one(args: &Shrink) -> Result<Verdict, String> {
    let scenario = resolve(&args.scenario, &args.file)?;
    if let Some(out) = &args.out {
        artefacts::prepare(out)?;
    }
    // A file may ask for several seeds: the first that fails is the one to shrink.
    let seeds = args.scenario.seed.map_or_else(|| scenario.seeds().to_vec(), |seed| vec![seed]);
    for seed in &seeds {
        match twomsl::explore::shrink(&run_of(args, &scenario, *seed)?) {
            Ok(shrunk) => return show(args, &shrunk).map(|()| Verdict::Fails),
            Err(ShrinkError::Holds) => {}
            Err(error) => return Err(format!("error: {error}\n")),
        }
    }
    let tried = match seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("any of its {} seeds", seeds.len()),
    };
    note(&format!("{}: nothing fails with {tried}", scenario.name()));
    Ok(Verdict::Holds)
}

/// What is run with a seed.
fn run_of(args: &Shrink, scenario: &Scenario, seed: u64) -> Result<Scenario, String> {
    if args.swarm {
        return twomsl::explore::swarmed(scenario, seed).map_err(|error| format!("{error}\n"));
    }
    Ok(scenario.clone().with_seed(seed))
}

/// Shows the small scenario, and leaves it in a folder.
fn show(args: &Shrink, shrunk: &Shrunk) -> Result<(), String> {
    let folder = artefacts::folder(args.out.as_deref(), &args.file, "shrink");
    let path = artefacts::write(&folder, "small.kdl", shrunk.scenario.text())?;
    let drawn = ladder::plain(&shrunk.outcome.trace, ladder::Form::default());
    artefacts::write(&folder, "ladder.txt", &drawn)?;
    let report = report(shrunk, &path.display().to_string())?;
    let again = format!("to see it again: twomsl run {}\n", artefacts::word(&path));
    artefacts::write(&folder, "report.txt", format!("{report}{again}"))?;
    let text = shrunk.scenario.text();
    print(&format!("{text}\n{drawn}\n{report}artefacts: {}\n{again}", folder.display()))
}

/// What does not hold in the file that was written, and what it took to find that out.
fn report(shrunk: &Shrunk, path: &str) -> Result<String, String> {
    let small = shrunk.scenario.clone().under(path);
    let outcome = small.run().map_err(|error| format!("error: {error}\n"))?;
    let (failures, runs) = (outcome.failures_in_words(), many(shrunk.runs.into(), "run"));
    Ok(format!(
        "{failures}shrunk as long as it failed for this reason: {}\n{runs} were tried\n",
        shrunk.reason
    ))
}
