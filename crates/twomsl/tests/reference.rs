//! The reference page knows every word that the parser knows.

use std::collections::BTreeSet;

use twomsl::scenario::{Scenario, vocabulary};
use twomsl::tcp::{Profile, TcpState};

const PAGE: &str = include_str!("../../../docs/scenario-language.md");

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
fn every_parameter_state_and_profile_is_on_the_page() {
    let words = words();
    let states = TcpState::ALL.iter().map(|state| state.name());
    let parameters = Profile::parameters().map(|(name, ..)| name);
    let known = states.chain(parameters).chain(Profile::NAMES.iter().copied());
    let missing: Vec<&str> = known.filter(|name| !words.contains(name)).collect();
    assert!(missing.is_empty(), "not in docs/scenario-language.md: {missing:?}");
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
