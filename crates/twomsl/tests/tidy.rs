//! The rules of this project that no compiler or linter keeps.
//!
//! Every rule is a function from text to violations. One test applies it to the project,
//! and another shows it what it has to catch, so that no rule passes by looking away.

mod project;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use project::{children, files_below, project, read};

// ---- The crates lean one way (ARCHITECTURE.md) ----

/// The crates each crate may use. The root package may use all of them, and none uses it.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("wire", &[]),
    ("tcp", &["wire"]),
    ("trace", &["wire", "tcp"]),
    ("sim", &["wire", "tcp", "trace"]),
    ("scenario", &["wire", "tcp", "trace", "sim"]),
    ("explore", &["wire", "tcp", "trace", "sim", "scenario"]),
    ("sockets", &["wire", "tcp", "trace", "sim"]),
    // A shared object for the original packetdrill: nothing here depends on it.
    ("packetdrill", &["tcp", "scenario"]),
];

/// Dependencies through which a clock, randomness, I/O or a log would reach `wire` and `tcp`.
const NOT_IN_CORE: [&str; 9] =
    ["rand", "rand_core", "rand_pcg", "getrandom", "tokio", "mio", "tracing", "log", "chrono"];

#[test]
fn crates_depend_only_on_those_below_them() {
    let manifests = children("crates").into_iter().map(|path| path.join("Cargo.toml"));
    // `crates/twomsl` has no manifest: it is the root package, at the top of the order.
    let violations = manifests.filter(|path| path.exists()).flat_map(|path| {
        let name = file_name(path.parent().expect("a file in a directory"));
        upward_edges(&name, &read(&path))
    });
    assert_none(violations);
}

#[test]
fn the_rule_about_edges_notices_an_upward_one() {
    let edges = upward_edges;
    assert!(edges("tcp", "[dependencies]\ntwomsl-wire.workspace = true").is_empty());
    assert!(edges("tcp", "[package]\nname = \"twomsl-tcp\"").is_empty());
    for dependency in ["twomsl-sim.workspace = true", "twomsl = { path = \"..\" }", "rand = \"1\""]
    {
        for section in ["dependencies", "dev-dependencies", "target.'cfg(unix)'.dependencies"] {
            let manifest = format!("[{section}]\n{dependency}");
            let noticed = section != "dev-dependencies" || dependency != "rand = \"1\"";
            assert_eq!(edges("tcp", &manifest).len(), usize::from(noticed), "{manifest}");
        }
    }
    assert_eq!(edges("tcp", "[dependencies.twomsl-sim]\nfeatures = []").len(), 1);
    assert_eq!(edges("unheard-of", "").len(), 1);
}

fn upward_edges(name: &str, manifest: &str) -> Vec<String> {
    let Some((_, below)) = MAY_USE.iter().find(|(known, _)| *known == name) else {
        return vec![format!("crates/{name}: not in the order of crates; add it to MAY_USE")];
    };
    let is_core = matches!(name, "wire" | "tcp");
    dependencies(manifest)
        .filter(|(section, used)| match used.strip_prefix("twomsl") {
            Some(used) => !below.contains(&used.trim_start_matches('-')),
            // Tests of the core may draw random numbers; the core may not.
            None => is_core && !section.starts_with("dev-") && NOT_IN_CORE.contains(used),
        })
        .map(|(_, used)| format!("crates/{name}/Cargo.toml: {name} may not use {used}"))
        .collect()
}

/// The names of the dependencies in a manifest, each with its section.
fn dependencies(manifest: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut section = "";
    manifest.lines().filter_map(move |line| {
        let Some(header) = line.strip_prefix('[') else {
            let name = line.split(['.', '=', ' ']).next().filter(|name| !name.is_empty())?;
            return section.ends_with("dependencies").then_some((section, name));
        };
        section = header.trim_end_matches(']');
        // A dependency with a table of its own: `[dependencies.name]`.
        section.rsplit_once('.').filter(|(section, _)| section.ends_with("dependencies"))
    })
}

// ---- Words that do not belong ----

/// What `wire` and `tcp` do not name: they have no clock, no random numbers and no I/O.
const NOT_NAMED_IN_CORE: [&str; 8] =
    ["std", "rand", "rand_core", "rand_pcg", "getrandom", "tracing", "SystemTime", "RandomState"];

/// Where pointers of C arrive. Clippy wants a reason for every block there.
const UNSAFE: [&str; 2] = ["crates/packetdrill/src", "crates/packetdrill/tests"];
/// What is safe in there: whatever does not touch pointers.
const SAFE_ALL_THE_SAME: [&str; 3] = ["instance.rs", "flags.rs", "shared_object.rs"];

#[test]
fn unsafe_code_is_only_where_pointers_of_c_arrive() {
    let is_allowed = |path: &PathBuf| {
        UNSAFE.iter().any(|folder| path.starts_with(folder))
            && !SAFE_ALL_THE_SAME.contains(&file_name(path).as_str())
    };
    let sources = sources().into_iter().filter(|path| !is_allowed(path));
    assert_none(sources.flat_map(|path| words_in(&path, &["unsafe"])));
}

#[test]
fn wire_and_tcp_never_mention_std_a_clock_or_random_numbers() {
    let core = ["crates/wire/src", "crates/tcp/src"];
    let sources = sources().into_iter().filter(|path| core.iter().any(|dir| path.starts_with(dir)));
    // Unit tests run where there is a std; property tests are about random numbers.
    let sources = sources.filter(|path| file_name(path) != "tests.rs" && !is_in_tests(path));
    assert_none(sources.flat_map(|path| words_in(&path, &NOT_NAMED_IN_CORE)));
}

#[test]
fn wire_and_tcp_are_no_std() {
    for name in ["wire", "tcp"] {
        let root = read(&project().join(format!("crates/{name}/src/lib.rs")));
        assert!(root.lines().any(|line| line == "#![no_std]"), "crates/{name} is not no_std");
    }
}

#[test]
fn nothing_is_left_to_do_or_to_debug() {
    assert_none(sources().iter().flat_map(|path| {
        let path_text = path.display().to_string();
        unfinished(&read(&project().join(path)))
            .into_iter()
            .map(move |(line, word)| format!("{path_text}:{line}: {word}!"))
            .collect::<Vec<_>>()
    }));
}

#[test]
fn the_rules_about_words_notice_them_in_code_only() {
    let text = "let a = \"std\"; // std\n/// unsafe std\nuse std::fmt;\nlet standard = 1;";
    assert_eq!(words(text, &["std", "unsafe"]), [(3, "std")]);
    let text = "let quote = '\"'; std::mem::take(&mut a)\nlet b = \"\\\" std\";";
    assert_eq!(words(text, &["std"]), [(1, "std")]);
    let text = "fn a() {}\n#[cfg(test)]\nmod tests { use std::vec; }";
    assert_eq!(words(without_tests(text), &["std"]), []);
    let text = "dbg!(a);\nlet todo = 1; // todo!\nlet b = todo!(\"later\");";
    assert_eq!(unfinished(text), [(1, "dbg"), (3, "todo")]);
}

fn words_in(path: &Path, banned: &[&'static str]) -> Vec<String> {
    let text = read(&project().join(path));
    words(without_tests(&text), banned)
        .into_iter()
        .map(|(line, word)| format!("{}:{line}: {word}", path.display()))
        .collect()
}

/// The lines on which a banned word stands in code, from 1.
fn words(text: &str, banned: &[&'static str]) -> Vec<(usize, &'static str)> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = code(line);
        let names: BTreeSet<_> = code.split(|letter| !is_word(letter)).collect();
        found
            .extend(banned.iter().filter(|word| names.contains(*word)).map(|word| (number, *word)));
    }
    found
}

/// The lines with a macro that stands for work not done.
fn unfinished(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = words(text, &["todo", "unimplemented", "dbg"]);
    let lines: Vec<_> = text.lines().map(code).collect();
    found.retain(|(number, word)| lines[number - 1].contains(&format!("{word}!")));
    found
}

/// A line without its comment and without what stands in quotes. It sees one line at a
/// time, so that the middle of a long string counts as code: seldom, and on the safe side.
fn code(line: &str) -> String {
    let line = line.replace("\\\\", "").replace("\\\"", "").replace("'\"'", "");
    let mut code = String::new();
    for (index, part) in line.split('"').enumerate() {
        let is_quoted = index % 2 == 1;
        let comment = part.find("//").filter(|_| !is_quoted);
        if !is_quoted {
            code.push_str(&part[..comment.unwrap_or(part.len())]);
            code.push(' ');
        }
        if comment.is_some() {
            break;
        }
    }
    code
}

/// The text up to the unit tests, which stand last in a file.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\n").next().unwrap_or(text)
}

// ---- Files have a size one can read ----

/// Above this many lines a file gives its reason, in a line that starts with [`REASON`].
const LONG: usize = 600;
/// No reason is good enough for this many.
const TOO_LONG: usize = 1_000;
/// As in "//! Long because the transition table is one table."
const REASON: &str = "//! Long because ";

#[test]
fn files_are_short_or_say_why_not() {
    let sources = sources().into_iter();
    assert_none(sources.filter_map(|path| {
        let complaint = length_complaint(&read(&project().join(&path)))?;
        Some(format!("{}: {complaint}", path.display()))
    }));
}

#[test]
fn the_rule_about_length_wants_a_reason_first_and_then_no_longer_listens() {
    let lines = |count| "//\n".repeat(count);
    let with_reason = |count| format!("{REASON}it is.\n{}", lines(count));
    assert_eq!(length_complaint(&lines(600)), None);
    assert!(length_complaint(&lines(601)).is_some());
    assert_eq!(length_complaint(&with_reason(999)), None);
    assert!(length_complaint(&with_reason(1_000)).is_some());
}

fn length_complaint(text: &str) -> Option<String> {
    let lines = text.lines().count();
    let has_reason = text.lines().any(|line| line.starts_with(REASON));
    match lines {
        0..=LONG => None,
        _ if lines > TOO_LONG => Some(format!("{lines} lines, more than {TOO_LONG}")),
        _ if has_reason => None,
        _ => Some(format!("{lines} lines without a line \"{REASON}…\"")),
    }
}

// ---- Scenarios and their approved traces ----

#[test]
fn every_scenario_has_a_snapshot_and_every_snapshot_a_scenario() {
    let scenarios = files_below("scenarios", "kdl");
    let mut snapshots = files_below("snapshots", "snap");
    // The digest of the whole library belongs to every scenario.
    snapshots.retain(|path| path != Path::new("library-digest.snap"));
    assert_none(unpaired(&scenarios, &snapshots));
}

#[test]
fn the_rule_about_snapshots_notices_one_without_the_other() {
    let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
    let scenarios = paths(&["close/lost-fin.kdl", "loss/transfer.kdl"]);
    let both = paths(&["close/lost-fin.snap", "loss/transfer@seed-1.snap"]);
    assert_eq!(unpaired(&scenarios, &both), [""; 0]);
    assert_eq!(unpaired(&scenarios, &both[1..]).len(), 1);
    assert_eq!(unpaired(&scenarios[1..], &both).len(), 1);
    assert_eq!(unpaired(&scenarios, &paths(&["lost-fin.snap", "transfer.snap"])).len(), 4);
}

/// `snapshots` mirrors `scenarios`. Both lists are relative to those two directories.
fn unpaired(scenarios: &[PathBuf], snapshots: &[PathBuf]) -> Vec<String> {
    let stories: BTreeSet<_> = scenarios.iter().map(|path| path.with_extension("")).collect();
    let approved: BTreeSet<_> = snapshots.iter().map(|path| story_of(path)).collect();
    let untold = stories.difference(&approved);
    let orphans = approved.difference(&stories);
    untold
        .map(|story| format!("scenarios/{}.kdl has no snapshot", story.display()))
        .chain(orphans.map(|story| format!("snapshots/{} has no scenario", story.display())))
        .collect()
}

/// The scenario a snapshot belongs to: the naming of snapshots is decided here and only
/// here. `close/lost-fin.snap` and `close/lost-fin@seed-1.snap` both show `close/lost-fin`.
fn story_of(snapshot: &Path) -> PathBuf {
    let name = file_name(snapshot);
    let story = name.split(['.', '@']).next().unwrap_or_default();
    snapshot.with_file_name(story)
}

// ---- What the rules look at ----

/// Every Rust source file of the project, relative to it.
fn sources() -> Vec<PathBuf> {
    let sources: Vec<_> =
        files_below("crates", "rs").iter().map(|path| Path::new("crates").join(path)).collect();
    assert!(sources.contains(&PathBuf::from("crates/wire/src/lib.rs")), "the search is broken");
    sources
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn is_in_tests(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
}

fn assert_none(violations: impl IntoIterator<Item = String>) {
    let violations: Vec<_> = violations.into_iter().collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}
