//! What the language compiles to: everything that a world's specification can hold.

use twomsl_scenario::Scenario;

/// A file that uses every node and, of each kind of value, every form.
const EVERYTHING: &str = include_str!("everything.kdl");

fn parse(text: &str) -> Scenario {
    Scenario::parse("everything.kdl", text).unwrap_or_else(|error| panic!("{error}"))
}

/// A change of what a word means is a change of this snapshot.
#[test]
fn every_word_means_what_it_meant() {
    let spec = parse(EVERYTHING).spec();
    insta::assert_debug_snapshot!((
        spec.links,
        spec.middleboxes,
        spec.roles,
        spec.faults,
        spec.forgeries,
        spec.incidents,
        spec.tables,
        spec.until
    ));
}

#[test]
fn a_parameter_is_what_the_command_line_says_or_else_its_default() {
    let scenario = parse(EVERYTHING);
    let usual = scenario.spec();
    let lossy = scenario.set("loss", "5%").unwrap_or_else(|error| panic!("{error}")).spec();
    assert_ne!(usual.links, lossy.links);
    assert_eq!(usual.roles, lossy.roles);
}

#[test]
fn a_setting_that_makes_no_sense_is_shown_in_the_file() {
    let error = parse(EVERYTHING).set("loss", "500%").err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("500% is no probability")));
}

#[test]
fn seeds_come_from_the_file_and_one_can_be_chosen() {
    let scenario = parse(EVERYTHING);
    assert_eq!(scenario.seeds(), [3, 4]);
    assert_eq!(scenario.seed(), 3);
    assert_eq!(scenario.with_seed(9).spec().seed, 9);
}

#[test]
fn a_dollar_is_written_twice() {
    let text = EVERYTHING.replace("GET /", "$$5");
    assert!(format!("{:?}", parse(&text).spec().roles).contains("b\"$5\""));
}
