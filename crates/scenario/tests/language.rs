//! What the language compiles to: everything that a world's specification can hold.

use std::time::Duration;

use twomsl_scenario::{Broken, Engine, FaultKind, Finds, Scenario, Search};
use twomsl_sim::spec::FaultVerdict;
use twomsl_tcp::{Instant, Profile, WhatIf};

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
fn faults_of_single_packets_and_the_bound_are_what_they_say() {
    let scenario = parse(EVERYTHING);
    let schedule = scenario.spec().schedule;
    let words: Vec<_> = schedule.iter().map(|choice| choice.text.as_str()).collect();
    assert_eq!(words, ["drop the 3rd packet of client", "the 4th waits"]);
    let until = FaultVerdict::DelayUntil(Instant::from_millis(6000));
    assert_eq!((schedule[1].from, schedule[1].packet, &schedule[1].verdict), (1, 4, &until));

    let bound = scenario.bound().expect("a bound");
    assert_eq!((bound.faults, bound.lifetime), (3, Some(Duration::from_secs(30))));
    assert_eq!(bound.kinds, [FaultKind::Drop, FaultKind::Delay, FaultKind::Reboot]);
}

#[test]
fn a_parameter_is_what_the_command_line_says_or_else_its_default() {
    let scenario = parse(EVERYTHING);
    let usual = scenario.spec();
    let lossy = scenario.set("loss", "5%").unwrap_or_else(|error| panic!("{error}")).spec();
    assert_ne!(usual.links, lossy.links);
    assert_eq!(usual.roles, lossy.roles);
}

/// `client` has its time-wait from the file, and `server` the profile of files that name none.
#[test]
fn a_variant_has_the_other_profile_everywhere_and_what_the_file_sets() {
    let scenario = parse(EVERYTHING);
    assert_eq!(scenario.also(), ["freebsd", "rfc9293"]);
    let own: Vec<_> = scenario.spec().hosts.iter().map(|host| host.profile.name).collect();
    assert_eq!(own, ["linux", "rfc9293", "rfc9293"]);

    let variant = scenario.with_profile("freebsd").unwrap_or_else(|error| panic!("{error}"));
    let hosts = variant.spec().hosts;
    let everywhere = [WhatIf::TwoWayHandshake, WhatIf::FixedIsn].into_iter().collect();
    let other = Profile { what_ifs: everywhere, ..Profile::freebsd() };
    let mut client = other.clone();
    client.what_ifs.insert(WhatIf::NoPaws);
    client.time_wait = Duration::from_millis(1500);
    client.first_port = 50_000;
    let wanted = [client, other.clone(), other];
    assert_eq!(hosts.into_iter().map(|host| host.profile).collect::<Vec<_>>(), wanted);
}

#[test]
fn a_variant_keeps_what_was_set_and_is_in_the_command_that_repeats_it() {
    let scenario = parse(EVERYTHING).set("client.time-wait", "7s");
    let variant = scenario.and_then(|scenario| scenario.with_profile("freebsd"));
    let variant = variant.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(variant.spec().hosts[0].profile.time_wait, Duration::from_secs(7));
    let variant = variant.with_what_if(WhatIf::NoHalfClose);
    assert!(variant.spec().hosts.iter().all(|host| host.profile.what_ifs.has(WhatIf::NoHalfClose)));
    let again = "twomsl run everything.kdl --profile freebsd --what-if no-half-close --seed 3 \
                 --set client.time-wait=7s";
    assert_eq!(variant.command(Engine::Sim), again);
}

#[test]
fn searches_are_what_they_say() {
    let scenario = parse(EVERYTHING);
    let [Search::Own(with), Search::Own(without), Search::Of { file, words }] = scenario.searches()
    else {
        panic!("{:?}", scenario.searches());
    };
    assert_eq!(
        (with.finds, with.words.as_slice()),
        (Finds::Nothing, &["First.".into(), "Second.".into()][..])
    );
    assert_eq!(without.finds, Finds::Disaster(Broken::Expectation(0)));
    assert_eq!((without.means.as_deref(), without.remarks()), (Some("a reset."), 1));
    assert_eq!((file.as_str(), words.as_slice()), ("../other.kdl", &["And then?".into()][..]));
    let searched = scenario.searched(without).unwrap_or_else(|error| panic!("{error}"));
    let spec = searched.spec();
    assert!(spec.hosts.iter().all(|host| host.profile.what_ifs.has(WhatIf::NoPaws)));
    assert_eq!(spec.hosts[0].profile.time_wait, Duration::from_secs(1));
    assert_eq!(scenario.clone().told_by(without).spec().remarks[0].text, "It is closed.");
}

#[test]
fn a_search_that_cannot_be_made_is_refused() {
    let refused = |search: &str, what: &str| {
        let head = "scenario \"A\"\nhost \"client\"\nexplore { expect { ends \"quiet\" } }\n";
        let error = Scenario::parse("a.kdl", &format!("{head}{search}")).expect_err(search);
        assert!(error.to_string().contains(what), "{error}");
    };
    refused("search \"a\"", "`search` needs the property `finds`");
    refused("search \"a\" finds=\"gold\"", "`gold` is nothing that a search can find");
    refused("search \"a\" finds=\"expectation 2\"", "here are 1");
    refused("search \"a\" finds=\"invariant 7\"", "`invariant 7` is nothing");
    refused("search finds=\"nothing\"", "what is this search called?");
    refused("search of=\"b.kdl\" finds=\"nothing\"", "the searches of another file");
    refused("search \"a\" finds=\"nothing\" { set \"client.mood\" 1 }", "mood");
    let alone = "scenario \"A\"\nhost \"client\"\nsearch \"a\" finds=\"nothing\"";
    let error = Scenario::parse("a.kdl", alone).expect_err("no bound").to_string();
    assert!(error.contains("how far is to be searched?"), "{error}");
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

#[test]
fn what_was_set_is_written_where_a_host_already_sets_something() {
    let text = EVERYTHING.to_owned() + "host \"short\" profile=\"linux\" { set \"mss\" 700 }\n";
    let set = parse(&text).set("short.time-wait", "1s").expect("a parameter");
    let written = parse(&set.written(&[]));
    let of = |scenario: &Scenario| {
        let host = scenario.spec().hosts.into_iter().find(|host| host.name == "short");
        host.map(|host| host.profile)
    };
    assert_eq!(of(&written), of(&set));
    assert_ne!(of(&written), of(&parse(&text)));
}

#[test]
fn a_variant_is_written_with_what_it_sets_and_expects() {
    let text = "scenario \"Ping\"\nhost \"client\"\nexpect { segments count=5 }
variant \"short\" { set \"client.time-wait\" \"1s\"; expect { segments count=0 } }\n";
    let variant = parse(text).variant("short").expect("a variant");
    let written = parse(&variant.written(&[]));
    assert_eq!(written.spec().hosts, variant.spec().hosts);
    assert!(written.run().expect("a world").holds(), "{}", written.text());
    assert!(!parse(text).run().expect("a world").holds());
}
