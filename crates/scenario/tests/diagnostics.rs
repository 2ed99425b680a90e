//! What a file that cannot be used is answered with: place, source line, label and hint.

use twomsl_scenario::{Colour, Scenario};

/// A file that is right, for what a case adds to it.
const GOOD: &str = r#"scenario "A case" { question "?"; answer "!"; rfc "9293 §3.5" }
host "client" profile="linux"
host "server" profile="linux"
link "client" "server" delay="10ms"
"#;

fn refused(text: &str) -> String {
    match Scenario::parse("case.kdl", text) {
        Ok(_) => panic!("was accepted:\n{text}"),
        Err(error) => error.render(Colour::None),
    }
}

/// The messages for a good file with something added.
fn with(addition: &str) -> String {
    refused(&format!("{GOOD}{addition}\n"))
}

#[test]
fn the_good_file_is_good() {
    if let Err(error) = Scenario::parse("case.kdl", GOOD) {
        panic!("{error}");
    }
}

/// One snapshot per case; the name says what is wrong.
macro_rules! cases {
    ($($name:ident: $addition:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(with($addition));
        }
    )*};
}

cases! {
    a_misspelt_node: "hots \"other\"";
    a_misspelt_node_that_is_used: "hots \"third\"\nlink \"client\" \"third\"\nrole \"third\" { listen 80 }";
    a_misspelt_parameter_that_is_used: "pram \"end\" \"1s\"\nuntil \"$end\"";
    a_port_beyond_16_bits: "role \"client\" { connect \"server:99999\" }";
    a_port_in_words: "role \"server\" { listen \"eighty\" }";
    a_port_of_zero: "role \"server\" { listen 0 }";
    an_option_with_a_wrong_value: "role \"client\" { connect \"server:80\"; set linger=5 }";
    a_misspelt_property: "link \"client\" \"server\" dealy=\"10ms\"";
    a_missing_argument: "role \"client\" { connect }";
    a_missing_property: "table";
    an_unknown_icmp_error: "forge-icmp \"host-unreachble\" at=\"1s\" to=\"client\" about=\"server\"";
    an_mtu_that_is_no_news: "forge-icmp \"time-exceeded\" mtu=1400 at=\"1s\" to=\"client\" about=\"server\"";
    a_threshold_for_a_queue_that_is_not_there: "host \"third\"\nlink \"client\" \"third\" mark-above=5";
    one_argument_too_many: "until \"1s\" \"2s\"";
    a_value_of_another_type: "until 10";
    a_fraction_without_quotes: "until 1.5";
    an_unknown_host: "role \"clint\" { close }";
    an_unknown_profile: "host \"third\" profile=\"linus\"";
    an_unknown_profile_to_hold_on: "also \"linus\"";
    a_profile_that_every_host_has: "also \"freebsd\" \"linux\"";
    a_profile_to_hold_on_given_twice: "also \"freebsd\" \"freebsd\"";
    an_unknown_what_if: "what-if \"no-timewait\"";
    an_unknown_what_if_of_a_host: "host \"third\" { what-if \"tcp\" }";
    a_kind_of_fault_that_is_none: "explore kinds=\"drop,dorp\"";
    an_expectation_of_one_run_only: "explore { expect { path \"client\" \"CLOSED\"; ends at=\"1s\" } }";
    a_packet_without_its_sender: "fault drop packet=3";
    a_packet_said_twice: "fault drop packet=0 from=\"client\" flags=\"FIN\"";
    a_single_packet_rewritten: "fault rewrite window=0 from=\"client\" packet=3";
    an_unknown_flag: "fault drop flags=\"SIN\"";
    an_unknown_state: "expect { path \"client\" \"TIMEWAIT\" }";
    an_unknown_parameter_of_a_profile: "host \"third\" profile=\"linux\" { set \"time-wiat\" \"1s\" }";
    an_unknown_parameter_of_the_file: "param \"loss\" \"1%\"\nuntil \"$los\"";
    an_impossible_probability: "host \"third\"\nlink \"client\" \"third\" loss=\"101%\"";
    a_probability_without_percent: "host \"third\"\nlink \"client\" \"third\" loss=0.01";
    two_hosts_of_one_name: "host \"client\"";
    two_links_between_the_same_hosts: "link \"server\" \"client\"";
    a_link_to_itself: "link \"client\" \"client\"";
    a_property_given_twice: "host \"third\" profile=\"linux\" profile=\"rfc9293\"";
    a_step_at_the_top: "accept";
    a_property_of_another_verdict: "fault drop window=0";
    an_unknown_verdict: "fault drp flags=\"FIN\"";
    an_ordinal_of_zero: "fault drop nth=0 flags=\"FIN\"";
    an_incident_without_a_time: "crash \"server\"";
    a_release_of_nothing: "fault hold \"late\" flags=\"FIN\"\nrelease \"lat\" at=\"1s\"";
    a_socket_that_nobody_made: "role \"client\" { connect \"server:80\" as=\"c\"; write \"x\" on=\"d\" }";
    an_endless_loop_that_never_waits: "role \"client\" { repeat { set no-delay=#true } }";
    an_explosion_of_loops: "role \"client\" { repeat 1000000 { repeat 1000000 { sleep \"1s\" } } }";
    an_explosion_of_tasks: "role \"client\" { spawn 1000 { spawn 1000 { sleep \"1s\" } } }";
    a_condition_in_no_form: "role \"client\" { wait \"client\" }";
    a_forgery_without_a_sequence_number: "forge at=\"1s\" from=\"client\" to=\"server\" flags=\"SYN\"";
    a_sequence_number_in_no_form: "forge at=\"1s\" from=\"client\" to=\"server\" flags=\"SYN\" seq=\"client.snd-nxd\"";
    a_middlebox_on_no_link: "middlebox \"lb\" inside=\"client\" outside=\"client\" idle-timeout=\"300s\"";
    a_type_annotation: "until (seconds)\"1s\"";
    an_open_string: "until \"1s";
    an_open_brace: "role \"client\" {";
    a_keyword_of_kdl_1: "role \"client\" { connect \"server:80\" wait=false }";
    a_result_of_no_kind: "expect { result \"client\" \"read\" }";
    several_at_once: "until 10\nhots \"x\"\nfault drp\nseeds \"a\" -1";
}

#[test]
fn a_file_without_a_story_is_told_how_to_begin() {
    insta::assert_snapshot!(refused("host \"client\"\n"));
}

#[test]
fn nesting_is_bounded_before_it_is_parsed() {
    insta::assert_snapshot!(refused(&format!("{GOOD}{}", "a {\n".repeat(20_000))));
}

#[test]
fn a_long_line_is_not_shown() {
    let shown = refused(&format!("{GOOD}until \"{}\"", "x".repeat(10_000)));
    assert!(shown.len() < 400, "{shown}");
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let shown = refused(&format!("{GOOD}until \u{1b}[2J"));
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn one_open_brace_is_one_problem() {
    let message = refused("{");
    assert_eq!(message.matches("error:").count(), 1, "{message}");
}

#[test]
fn the_debug_form_is_the_message_and_not_the_file() {
    let text = format!("{GOOD}until 10\n// {}\n", "long ".repeat(1_000));
    let Err(error) = Scenario::parse("case.kdl", &text) else { panic!("was accepted") };
    assert_eq!(format!("{error:?}"), error.to_string());
    assert!(error.to_string().len() < 1_000, "{error}");
}
