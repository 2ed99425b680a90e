//! The key to the ladder explains every sign that the ladder can draw.

use std::collections::BTreeSet;

use twomsl::scenario::Scenario;
use twomsl::trace::ladder;

const PAGE: &str = include_str!("../../../docs/ladder.md");

/// Where signs are drawn. Their text is looked at, so that a new sign cannot be forgotten.
const SOURCES: [&str; 7] = [
    include_str!("../../trace/src/ladder/arrow.rs"),
    include_str!("../../trace/src/ladder/draw.rs"),
    include_str!("../../trace/src/ladder/heading.rs"),
    include_str!("../../trace/src/ladder/label.rs"),
    include_str!("../../trace/src/ladder/rows.rs"),
    include_str!("../../trace/src/words.rs"),
    include_str!("../../trace/src/ladder/options.rs"),
];

/// What the sources write: their lines without comments.
fn code() -> impl Iterator<Item = &'static str> {
    let lines = SOURCES.into_iter().flat_map(str::lines);
    lines.map(|line| line.split("// ").next().unwrap_or(line)).filter(|line| !line.contains("///"))
}

/// The quoted texts of a piece of source.
fn literals(source: &str) -> Vec<&str> {
    source.split('"').skip(1).step_by(2).collect()
}

fn assert_explained(signs: &BTreeSet<String>, least: usize) {
    assert!(signs.len() >= least, "only {signs:?} were found: does the test still look aright?");
    let missing: Vec<_> = signs.iter().filter(|sign| !PAGE.contains(sign.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/ladder.md: {missing:?}");
}

#[test]
fn every_sign_is_on_the_page() {
    let signs = code().flat_map(str::chars).filter(|c| !c.is_ascii()).map(String::from).collect();
    assert_explained(&signs, 15);
}

/// `win=`, `mss=`: the fields of a label.
#[test]
fn every_field_of_a_segment_is_on_the_page() {
    let field = |literal: &str| literal.split_once('=').map(|(name, _)| format!("{name}="));
    let labels = [SOURCES[3], SOURCES[6]];
    let fields = labels.into_iter().flat_map(literals).filter_map(field);
    let names = |name: &String| name.chars().all(|c| c.is_ascii_lowercase() || "=-".contains(c));
    assert_explained(&fields.filter(names).collect(), 8);
}

/// The reasons in brackets, who made a packet that no host sent, and what befalls hosts.
#[test]
fn every_mark_is_on_the_page() {
    let function = |source: &'static str, name: &str| {
        let body = source.split_once(name).expect("the function").1;
        literals(body.split_once("\n}\n").expect("its end").0)
    };
    let mut marks = function(SOURCES[3], "fn mark(");
    marks.extend(function(SOURCES[5], "fn action("));
    marks.extend(["(forged)", "(from the network)", "(from balancer)"]);
    marks.extend(["overtaken", "late", "never released", "never arrives", "its fate is not known"]);
    assert_explained(&marks.into_iter().map(str::to_owned).collect(), 20);
}

/// The example is a scenario that runs, and its ladder is what it draws.
#[test]
fn the_example_is_real() {
    let block = |fence: &str| {
        let rest = PAGE.split_once(fence).expect("an example").1;
        rest.split_once("```").expect("its end").0
    };
    let story = Scenario::parse("docs/ladder.md", block("```kdl\n")).expect("a sound scenario");
    let outcome = story.run().expect("a world");
    let drawn = ladder::plain(&outcome.trace, ladder::Form::default());
    assert_eq!(block("```text\n").trim_end(), drawn.trim_end());
}
