//! `twomsl shrink`: a run that fails, made small.

use twomsl::explore::{ShrinkError, Shrunk};
use twomsl::trace::ladder;

use super::{Verdict, artefacts, resolve};
use crate::args::Shrink;
use crate::output::{complain, note, print};

/// Shrinks the run of one file with one seed.
pub(crate) fn shrink(args: &Shrink) -> Verdict {
    one(args).unwrap_or_else(|message| {
        complain(&message);
        Verdict::Unusable
    })
}

fn one(args: &Shrink) -> Result<Verdict, String> {
    let scenario = resolve(&args.scenario, &args.file)?;
    match twomsl::explore::shrink(&scenario) {
        Ok(shrunk) => show(args, &shrunk).map(|()| Verdict::Fails),
        Err(error @ ShrinkError::Holds) => {
            note(&format!("{}: {error}", scenario.name()));
            Ok(Verdict::Holds)
        }
        Err(error) => Err(format!("error: {error}\n")),
    }
}

/// Shows the small scenario, and leaves it in a folder.
fn show(args: &Shrink, shrunk: &Shrunk) -> Result<(), String> {
    let drawn = ladder::plain(&shrunk.outcome.trace, ladder::Form::default());
    let text = shrunk.scenario.text();
    print(&format!("{text}\n{drawn}\n{}", shrunk.outcome.failures_in_words()))?;
    let folder = artefacts::folder(args.out.as_deref(), &args.file, "shrink");
    let path = artefacts::write(&folder, "small.kdl", text)?;
    artefacts::write(&folder, "ladder.txt", &drawn)?;
    let (trials, again) = (shrunk.trials, artefacts::word(&path));
    print(&format!("{trials} scenarios were tried\nartefacts: {}\n", folder.display()))?;
    print(&format!("to see it again: twomsl run {again}\n"))
}
