//! One test per scenario file: it does what it expects, looks as it was approved, and does the
//! same again, byte for byte.
//!
//! Approved ladders are in `snapshots/`, in the folders of `scenarios/`; `cargo insta review`
//! shows what changed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use twomsl::sim::World;
use twomsl::trace::{digest, ladder};
use twomsl::{Outcome, Scenario};

datatest_stable::harness! {
    { test = story, root = "scenarios", pattern = r"\.kdl$" },
    { test = library_is_pinned, root = "scenarios", pattern = FIRST },
}

/// The test of the whole library needs a file to hang on; any one that is always there will do.
const FIRST: &str = r"^handshake/three-way-handshake\.kdl$";

/// How many octets a ladder in a snapshot may have. A long transfer is held by its digest and by
/// its expectations; nobody reviews ten thousand lines.
const MAX_SNAPSHOT: usize = 64 * 1024;

type Result = datatest_stable::Result<()>;

fn story(path: &Path) -> Result {
    let scenario = Scenario::load(named(path))?;
    is_told(&scenario)?;
    holds_again_and_again(&scenario)?;
    approve(path, &scenario)?;
    for name in scenario.variants() {
        let variant = scenario.variant(name)?;
        if variant.expectations() == 0 {
            return Err(format!("variant {name}: a variant expects something").into());
        }
        holds_again_and_again(&variant)?;
        approve(path, &variant)?;
    }
    Ok(())
}

/// With every seed what is expected holds, and the same happens in every way of running it.
fn holds_again_and_again(scenario: &Scenario) -> Result {
    for seed in scenario.seeds().to_vec() {
        let scenario = scenario.clone().with_seed(seed);
        let outcome = scenario.run()?;
        if !outcome.holds() {
            return Err(format!("{}{}", outcome.report(), leave(&scenario, &outcome)?).into());
        }
        let first = digest::hex(&outcome.trace);
        if first != digest::hex(&scenario.run()?.trace) {
            return Err(format!("seed {seed}: a second run differs").into());
        }
        if first != digest::hex(cloned_half_way(&scenario)?.trace()) {
            return Err(format!("seed {seed}: a world cloned half way differs").into());
        }
        if first != digest::hex(restarted(&scenario)?.trace()) {
            return Err(format!("seed {seed}: a world that ran before differs").into());
        }
    }
    Ok(())
}

/// Leaves what a failure has to show in a folder of its own, and says where.
fn leave(scenario: &Scenario, outcome: &Outcome) -> std::io::Result<String> {
    let name = scenario.name().replace(['/', '\\'], "-");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder)?;
    let drawn = ladder::plain(&outcome.trace, ladder::Form::default());
    std::fs::write(folder.join("ladder.txt"), drawn)?;
    std::fs::write(folder.join("report.txt"), outcome.report())?;
    Ok(format!("  artefacts: {}\n", folder.display()))
}

/// A scenario answers a question, and says where it is written.
fn is_told(scenario: &Scenario) -> Result {
    let story = scenario.story();
    let told = [&story.title, &story.question, &story.answer];
    if told.iter().any(|text| text.is_empty()) || story.rfc.is_empty() {
        return Err("a scenario has a title, a question, an answer and an RFC section".into());
    }
    if scenario.expectations() == 0 {
        return Err("a scenario expects something".into());
    }
    Ok(())
}

/// A clone of the world, taken in the middle of its run, that ran on while the original did too.
fn cloned_half_way(scenario: &Scenario) -> std::result::Result<World, Box<dyn std::error::Error>> {
    // A run may end before everything has happened (`until`): half of the way lies before that.
    let mut ended = scenario.world()?;
    ended.run();
    let mut counted = scenario.world()?;
    let mut steps = 0_u64;
    while counted.step() && counted.now() <= ended.now() {
        steps += 1;
    }
    let mut original = scenario.world()?;
    for _ in 0..steps / 2 {
        original.step();
    }
    let mut clone = original.clone();
    original.run();
    clone.run();
    // What the original did meanwhile must not have reached the clone.
    Ok(clone)
}

/// A world that has run with another seed before, to its end; and one that was in the middle of it.
fn restarted(scenario: &Scenario) -> std::result::Result<World, Box<dyn std::error::Error>> {
    let mut world = scenario.world()?;
    let seed = world.seed();
    world.restart(seed + 1);
    world.run();
    world.restart(seed + 2);
    for _ in 0..20 {
        world.step();
    }
    world.restart(seed);
    world.run();
    Ok(world)
}

/// Holds the ladder of the first seed against the approved one.
fn approve(path: &Path, scenario: &Scenario) -> Result {
    let outcome = scenario.run()?;
    let mut text = ladder::plain(&outcome.trace, ladder::Form::default());
    if text.len() > MAX_SNAPSHOT {
        let lines = text.lines().count();
        let head: Vec<&str> = text.lines().take(40).collect();
        text = format!("{}\n… {lines} lines in all …\n", head.join("\n"));
    }
    settings(path.parent().and_then(Path::file_name)).bind(|| {
        let file = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let variant = scenario.chosen_variant().map(|name| format!("@{}", slug(name)));
        insta::assert_snapshot!(format!("{file}{}", variant.unwrap_or_default()), text);
    });
    Ok(())
}

/// A name as a part of a file's name.
fn slug(name: &str) -> String {
    let plain =
        |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).collect()
}

/// The top-level `snapshots/`, and the theme's folder in it.
fn settings(theme: Option<&std::ffi::OsStr>) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    folder.extend(theme);
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// A path as it is given on the command line, so that messages show it like that.
fn named(path: &Path) -> PathBuf {
    path.to_owned()
}

/// The digest of every scenario with every seed, in one file: debug and release builds, and other
/// machines, are held to it.
fn library_is_pinned(first: &Path) -> Result {
    let root = first.ancestors().nth(2).ok_or("no root")?;
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    let mut lines = String::new();
    for file in files {
        let scenario = Scenario::load(&file)?;
        let name = file.strip_prefix(root)?.display().to_string().replace('\\', "/");
        let variants = scenario.variants().map(|name| scenario.variant(name));
        let variants = variants.collect::<std::result::Result<Vec<_>, _>>()?;
        for run in std::iter::once(&scenario).chain(&variants) {
            for seed in run.seeds().to_vec() {
                let outcome = run.clone().with_seed(seed).run()?;
                let which = run.chosen_variant().map(|name| format!(" variant {name}"));
                let which = which.unwrap_or_default();
                writeln!(lines, "{} {name}{which} seed {seed}", digest::hex(&outcome.trace))?;
            }
        }
    }
    settings(None).bind(|| insta::assert_snapshot!("library-digest", lines));
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result {
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
