//! The reference page knows every word that the parser knows.

use std::collections::BTreeSet;

use twomsl::scenario::{Scenario, vocabulary};
use twomsl::tcp::{Profile, TcpState, WhatIf};
use twomsl::trace::ladder;

const PAGE: &str = include_str!("../../../docs/scenario-language.md");

const WHAT_IFS: &str = include_str!("../../../docs/what-ifs.md");

/// Everything between backticks: names, and the words of examples.
fn words() -> BTreeSet<&'static str> {
    PAGE.split(|c: char| !(c.is_alphanumeric() || c == '-')).collect()
}

#[test]
fn every_node_and_property_is_on_the_page() {
    let words = words();
    let mut missing = BTreeSet::new();
    for (path, kind) in vocabulary::all() {
        let heading = PAGE.contains(&format!("`{}`", kind.name));
        missing.extend((!heading).then(|| path.clone()));
        let unknown = kind.properties().filter(|name| !words.contains(name));
        missing.extend(unknown.map(|name| format!("{path} {name}=")));
    }
    assert!(missing.is_empty(), "not in docs/scenario-language.md: {missing:?}");
}

#[test]
fn every_parameter_state_what_if_and_profile_is_on_the_page() {
    let words = words();
    let states = TcpState::ALL.iter().map(|state| state.name());
    let parameters = Profile::parameters().map(|(name, ..)| name);
    let rules = WhatIf::ALL.into_iter().map(WhatIf::name);
    let known = states.chain(parameters).chain(rules).chain(Profile::NAMES.iter().copied());
    let missing: Vec<&str> = known.filter(|name| !words.contains(name)).collect();
    assert!(missing.is_empty(), "not in docs/scenario-language.md: {missing:?}");
}

/// Every rule that can be switched off has a row in the page about them.
#[test]
fn every_what_if_has_its_row() {
    for rule in WhatIf::ALL {
        let row = format!("| `{rule}` | {} | RFC {} | ", rule.about(), rule.rfc());
        assert!(WHAT_IFS.contains(&row), "docs/what-ifs.md lacks the row {row}");
    }
}

/// The names of systems are in a table, with what they take and what they set.
#[test]
fn every_system_name_has_its_row() {
    for (name, parameter, takes) in Profile::system_names() {
        let one = Profile::parameters().any(|(known, ..)| known == parameter);
        let sets = if one { format!("`{parameter}`") } else { parameter.to_owned() };
        let row = format!("| `{name}` | {takes} | {sets} |");
        assert!(PAGE.contains(&row), "docs/scenario-language.md lacks the row {row}");
    }
}

/// The examples of the page are fenced as `kdl`; each is a whole file, or what follows
/// the hosts `client` and `server` and their link.
#[test]
fn every_example_of_the_page_is_accepted() {
    let mut count = 0;
    for block in PAGE.split("```kdl\n").skip(1) {
        let example = block.split("```").next().unwrap_or_default();
        let whole = if example.contains("scenario \"") {
            example.to_owned()
        } else {
            format!("{PREAMBLE}{example}")
        };
        if let Err(error) = Scenario::parse("docs/scenario-language.md", &whole) {
            panic!("{error}\nin:\n{example}");
        }
        count += 1;
    }
    assert!(count >= 10, "only {count} examples were found");
}

const PREAMBLE: &str = "scenario \"An example\"\nhost \"client\" profile=\"linux\"\n\
     host \"server\" profile=\"linux\"\nlink \"client\" \"server\" delay=\"10ms\"\n";

const README: &str = include_str!("../../../README.md");

/// What the README shows is what its first command prints.
#[test]
fn the_readme_shows_a_real_ladder() {
    let story = Scenario::load("scenarios/close/lost-fin.kdl").expect("a sound scenario");
    let outcome = story.run().expect("a world");
    let shown = ladder::plain(&outcome.trace, ladder::Form::default());
    assert!(README.contains(shown.trim_end()), "the README's ladder should be:\n{shown}");
}

/// The first example of the README and of the reference is a whole file, and what it expects holds.
#[test]
fn whole_files_on_the_pages_hold() {
    for (name, page) in [("README.md", README), ("docs/scenario-language.md", PAGE)] {
        let block = page.split("```kdl\n").nth(1).and_then(|rest| rest.split("```").next());
        let story = Scenario::parse(name, block.expect("an example")).expect("a sound scenario");
        let outcome = story.run().expect("a world");
        assert!(outcome.holds(), "{name}: {}", outcome.report());
    }
}
