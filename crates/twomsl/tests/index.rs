//! `scenarios/README.md` lists every scenario by theme, with its question and its command.
//!
//! It is written from the files: `UPDATE_INDEX=1 cargo test --test index` writes it anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use twomsl::Scenario;

const INDEX: &str = "scenarios/README.md";

const HEAD: &str = "\
# The library of scenarios

Every file asks a question and answers it by a run: what it expects is held by `cargo test`, and what the run looks
like is in `snapshots/`. `twomsl demo NAME` tells one of them, with a sentence at each turn; `twomsl run NAME` only
runs it. Copy one and change it: [the language](../docs/scenario-language.md) is on one page.

This page is written from the files by `crates/twomsl/tests/index.rs`.
";

/// The themes in the order in which a course would take them; others follow by name.
const THEMES: [&str; 14] = [
    "handshake",
    "close",
    "states",
    "time-wait",
    "window",
    "loss",
    "keepalive",
    "faults",
    "path",
    "attacks",
    "systems",
    "misconceptions",
    "what-if",
    "packetdrill",
];

#[test]
fn the_index_lists_every_scenario() {
    let index = index();
    if std::env::var_os("UPDATE_INDEX").is_some() {
        fs::write(INDEX, &index).expect("the index can be written");
    }
    let shown = fs::read_to_string(INDEX).expect("there is an index");
    assert!(shown == index, "{INDEX} is not up to date: UPDATE_INDEX=1 cargo test --test index");
}

/// A name is enough to find a scenario.
#[test]
fn no_two_scenarios_have_the_same_name() {
    let files = themes().into_iter().flat_map(|theme| entries(&Path::new("scenarios").join(theme)));
    let mut names: Vec<String> = files.map(|file| name(&file)).collect();
    names.sort();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

fn index() -> String {
    let mut text = HEAD.to_owned();
    for theme in themes() {
        let _ = writeln!(text, "\n## {theme}\n\n| question | file | command |\n|---|---|---|");
        for file in entries(&Path::new("scenarios").join(&theme)) {
            text.push_str(&row(&theme, &file));
        }
    }
    text
}

fn themes() -> Vec<String> {
    let has_scenarios = |folder: &PathBuf| !entries(folder).is_empty();
    let folders = fs::read_dir("scenarios").expect("the library").flatten();
    let folders = folders.map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut themes: Vec<String> =
        folders.filter(has_scenarios).map(|folder| name(&folder)).collect();
    let place = |theme: &String| THEMES.iter().position(|known| known == theme);
    themes.sort_by_key(|theme| (place(theme).unwrap_or(THEMES.len()), theme.clone()));
    themes
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "kdl")).collect();
    files.sort();
    files
}

fn row(theme: &str, file: &Path) -> String {
    let scenario = Scenario::load(file).unwrap_or_else(|error| panic!("{error}"));
    let story = scenario.story();
    let asked = match &story.claim {
        Some(claim) => format!("It is said: “{claim}” {}", story.question),
        None => story.question.clone(),
    };
    let name = name(&file.with_extension(""));
    // What is a theme, too, has to be said in full.
    let called = if themes().contains(&name) { format!("{theme}/{name}") } else { name.clone() };
    format!("| {asked} | [`{theme}/{name}.kdl`]({theme}/{name}.kdl) | `twomsl demo {called}` |\n")
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
