//! The command as a black box: exit codes, messages, and where they go.

#[path = "command/searches.rs"]
mod searches;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The command, started at the top of the project, without colours.
fn twomsl(args: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_twomsl")).args(args).output();
    command.unwrap_or_else(|error| panic!("cannot start: {error}"))
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A file for one test.
fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

/// Runs a file that cannot be used; its message, with the folder taken out of it.
fn refused(path: &Path, args: &[&str]) -> String {
    let name = path.display().to_string();
    let output = twomsl(&[&["run", &name], args].concat());
    let message = text(&output.stderr).replace(env!("CARGO_TARGET_TMPDIR"), "TMP");
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(text(&output.stdout), "", "nothing is shown of a file that cannot be used");
    assert!(!message.contains("panicked"), "{message}");
    message
}

const HANDSHAKE: &str = "scenarios/handshake/three-way-handshake.kdl";
const LOST_FIN: &str = "scenarios/close/lost-fin.kdl";

#[test]
fn a_scenario_that_holds_exits_with_0_and_shows_its_ladder() {
    let output = twomsl(&["run", HANDSHAKE]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("SYN-SENT"), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("expectations hold"), "{}", text(&output.stderr));
}

#[test]
fn a_pipe_gets_no_colours() {
    let output = twomsl(&["run", HANDSHAKE]);
    assert!(!output.stdout.contains(&0x1b), "{}", text(&output.stdout));
    assert!(!output.stderr.contains(&0x1b), "{}", text(&output.stderr));
}

#[test]
fn an_expectation_that_does_not_hold_exits_with_1_and_says_what_happened() {
    let path = file("wrong.kdl", format!("{}\nexpect {{ segments count=4 }}\n", handshake()));
    let output = twomsl(&["run", &path.display().to_string(), "--seed", "5"]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr).replace(env!("CARGO_TARGET_TMPDIR"), "TMP");
    insta::assert_snapshot!(message);
}

fn handshake() -> String {
    std::fs::read_to_string(HANDSHAKE).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_other_engine_holds_the_same_expectations_and_is_in_the_command_that_repeats_it() {
    let refused = "scenarios/handshake/connection-refused.kdl";
    let output = twomsl(&["run", "--engine", "turmoil", refused]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("ECONNREFUSED"), "{}", text(&output.stdout));

    let wrong = std::fs::read_to_string(refused).unwrap() + "\nexpect { segments count=9 }\n";
    let path = file("refused.kdl", wrong).display().to_string();
    let output = twomsl(&["run", "--engine", "turmoil", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--engine turmoil --seed 0"), "{}", text(&output.stderr));
}

#[test]
fn a_scenario_that_only_one_engine_can_run_says_why() {
    let turmoil = ["--engine", "turmoil"];
    let message = refused(Path::new("scenarios/keepalive/keepalive-dead-peer.kdl"), &turmoil);
    assert!(message.contains("runs on engine sim only: more than two hours pass"), "{message}");
    let message = refused(Path::new(HANDSHAKE), &["--engine", "netem"]);
    assert!(message.contains("[possible values: sim, turmoil]"), "{message}");
}

#[test]
fn what_turmoil_has_not_is_refused_before_the_run() {
    let paused = format!("{}\npause \"server\" at=\"1s\"\n", handshake());
    let message = refused(&file("paused.kdl", paused), &["--engine", "turmoil"]);
    assert!(message.contains("turmoil cannot run it: its hosts cannot stand still"), "{message}");
}

#[test]
fn a_setting_of_a_host_changes_what_happens() {
    let output = twomsl(&["run", LOST_FIN, "--set", "client.time-wait=1s", "--format", "jsonl"]);
    let usual = twomsl(&["run", LOST_FIN, "--format", "jsonl"]);
    assert_ne!(text(&output.stdout), text(&usual.stdout));
    // The scenario expects the minute of Linux, and says what it got and with which setting.
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("once in TIME-WAIT: 1s"), "{message}");
    assert!(message.contains("--set client.time-wait=1s"), "{message}");
}

#[test]
fn a_scenario_can_be_run_on_another_profile() {
    let told = "scenarios/handshake/connection-refused.kdl";
    let output = twomsl(&["run", told, "--profile", "freebsd"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("freebsd"), "{}", text(&output.stdout));
    assert!(!text(&twomsl(&["run", told]).stdout).contains("freebsd"));

    // It expects a tail loss probe, which FreeBSD's default stack does not have.
    let output = twomsl(&["run", LOST_FIN, "--profile", "freebsd"]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.contains("lost-fin.kdl --profile freebsd --seed 0"), "{message}");
}

#[test]
fn an_unknown_profile_is_refused_with_the_one_that_was_meant() {
    let message = refused(Path::new(LOST_FIN), &["--profile", "freebds"]);
    let wanted = "--profile freebds: there is no profile `freebds` (did you mean `freebsd`?)";
    assert!(message.contains(wanted), "{message}");
}

#[test]
fn every_format_shows_something_of_its_own() {
    let shown = ["ladder", "tcpdump", "jsonl", "ss"].map(|format| {
        let output = twomsl(&["run", LOST_FIN, "--format", format]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(!output.stdout.is_empty(), "{format}");
        output.stdout
    });
    for (place, one) in shown.iter().enumerate() {
        assert!(shown.iter().skip(place + 1).all(|other| other != one));
    }
}

#[test]
fn a_socket_table_can_be_asked_for_at_a_moment() {
    let output = twomsl(&["run", LOST_FIN, "--format", "ss", "--at", "1s"]);
    assert!(text(&output.stdout).contains("TIME-WAIT"), "{}", text(&output.stdout));
}

/// The run ends at 60.44 s: whoever looks at 70 s must not make it end later.
#[test]
fn looking_later_than_the_end_does_not_change_the_verdict() {
    let output = twomsl(&["run", LOST_FIN, "--format", "ss", "--at", "70s"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("70.000"), "{}", text(&output.stdout));
}

#[test]
fn a_moment_that_no_format_shows_or_no_run_reaches_is_refused() {
    let without = refused(Path::new(LOST_FIN), &["--at", "1s"]);
    assert!(without.contains("--at needs --format ss"), "{without}");
    let beyond = refused(Path::new(LOST_FIN), &["--format", "ss", "--at", "100d"]);
    assert!(beyond.contains("ends by 86400.000, so never comes to 8640000.000"), "{beyond}");
}

#[test]
fn question_and_answer_are_told_beside_the_output() {
    let output = twomsl(&["run", LOST_FIN, "--story"]);
    let quiet = twomsl(&["run", LOST_FIN]);
    assert_eq!(output.stdout, quiet.stdout, "the picture stays as it is");
    let told = text(&output.stderr);
    let places = ["Question: ", "Answer: ", "expectations hold"].map(|words| told.find(words));
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{told}");
    assert!(!text(&quiet.stderr).contains("Question"), "a pipe has not asked");
}

#[test]
fn the_answer_is_left_out_where_the_run_shows_something_else() {
    let output = twomsl(&["run", LOST_FIN, "--story", "--set", "client.time-wait=1s"]);
    let told = text(&output.stderr);
    assert!(told.contains("Question: ") && !told.contains("Answer: "), "{told}");
}

/// Of three seeds only the second breaks an expectation about the first random number's effect.
#[test]
fn of_several_seeds_the_one_that_fails_is_shown() {
    let chance = "host \"a\"\nhost \"b\"\nlink \"a\" \"b\" loss=\"50%\"\n\
                  role \"b\" { listen 80 }\nrole \"a\" { connect \"b:80\" }\n";
    let lost = |seed: u32| {
        let story = format!("scenario \"Chance\"\n{chance}expect {{ drops count=0 }}\n");
        let path = file("chance.kdl", story).display().to_string();
        twomsl(&["run", &path, "--seed", &seed.to_string()]).status.code() == Some(1)
    };
    let kept = (0..64).find(|seed| !lost(*seed)).unwrap_or_else(|| panic!("always lost"));
    let failing = (0..64).find(|seed| lost(*seed)).unwrap_or_else(|| panic!("never lost"));
    let story = format!(
        "scenario \"Chance\"\nseeds {kept} {failing}\n{chance}expect {{ drops count=0 }}\n"
    );
    let path = file("chances.kdl", story).display().to_string();
    let shown = twomsl(&["run", &path]).stdout;
    let of_failing = twomsl(&["run", &path, "--seed", &failing.to_string()]).stdout;
    assert_eq!(text(&shown), text(&of_failing));
}

#[test]
fn the_same_run_twice_is_the_same_in_every_byte() {
    let run = || twomsl(&["run", LOST_FIN, "--full", "--seed", "3"]).stdout;
    assert_eq!(run(), run());
}

#[test]
fn verbose_lines_carry_virtual_time_only() {
    let run = || text(&twomsl(&["run", HANDSHAKE, "-v"]).stderr);
    let lines = run();
    assert!(lines.contains("ESTABLISHED"), "{lines}");
    assert_eq!(lines, run(), "a wall clock would differ");
}

#[test]
fn several_files_are_all_run_and_summed_up() {
    let missing = "scenarios/no-such-file.kdl";
    let output = twomsl(&["run", missing, HANDSHAKE, LOST_FIN]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("3 scenarios: 2 hold, 1 cannot be used: "), "{stderr}");
    assert!(text(&output.stdout).contains("Lost FIN"));
}

#[test]
fn a_file_that_expects_nothing_is_not_counted_among_those_that_hold() {
    let silent = file("silent.kdl", "scenario \"Silence\"\n").display().to_string();
    let output = twomsl(&["run", &silent, HANDSHAKE]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("2 scenarios: 1 hold, 1 expect nothing: "), "{stderr}");
}

#[test]
fn outputs_without_a_title_are_told_apart() {
    for (format, headings) in [("tcpdump", 2), ("ss", 2), ("jsonl", 2), ("ladder", 0)] {
        let output = twomsl(&["run", HANDSHAKE, LOST_FIN, "--format", format]);
        let stderr = text(&output.stderr);
        assert_eq!(stderr.matches("==> ").count(), headings, "{format}: {stderr}");
    }
}

// ---- where output goes ----

/// A copy of a scenario, for a test that tries to destroy it.
fn copy(name: &str) -> PathBuf {
    file(name, handshake())
}

#[test]
fn an_input_is_never_written_over() {
    let input = copy("precious.kdl");
    let same = input.parent().map(|folder| folder.join(".").join("precious.kdl"));
    for out in [Some(input.clone()), same].into_iter().flatten() {
        let message = refused(&input, &["--out", &out.display().to_string()]);
        assert!(message.contains("is an input"), "{message}");
    }
    assert_eq!(std::fs::read_to_string(&input).ok(), Some(handshake()));
}

#[test]
fn an_input_that_has_the_name_of_an_output_is_never_written_over() {
    let input = copy("precious.txt");
    let folder = env!("CARGO_TARGET_TMPDIR");
    let message = refused(&input, &["--out", folder]);
    assert!(message.contains("is an input"), "{message}");
    let both = refused(&input, &[LOST_FIN, "--out", folder]);
    assert!(both.contains("is an input"), "{both}");
    assert_eq!(std::fs::read_to_string(&input).ok(), Some(handshake()));
}

#[test]
fn formats_stand_beside_each_other_in_a_folder() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("formats");
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
    for format in ["ladder", "tcpdump", "jsonl", "ss"] {
        let to = folder.display().to_string();
        let output = twomsl(&["run", LOST_FIN, "--format", format, "--out", &to]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    for name in ["lost-fin.txt", "lost-fin.tcpdump.txt", "lost-fin.jsonl", "lost-fin.ss.txt"] {
        assert!(folder.join(name).is_file(), "{name}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_named_with_the_reason() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let nowhere = folder.join("no-such-folder").join("x.txt").display().to_string();
    let message = refused(Path::new(HANDSHAKE), &["--out", &nowhere]);
    assert!(message.contains("TMP/no-such-folder/x.txt: the folder does not exist"), "{message}");
    let taken = file("taken.txt", "").display().to_string();
    let message = refused(Path::new(HANDSHAKE), &[LOST_FIN, "--out", &taken]);
    assert!(message.contains("TMP/taken.txt: several inputs need a folder"), "{message}");
}

#[test]
fn output_goes_to_a_file_or_for_several_inputs_to_a_folder() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shown");
    let to = folder.display().to_string();
    let output = twomsl(&["run", HANDSHAKE, LOST_FIN, "--out", &to]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
    let written = std::fs::read_to_string(folder.join("lost-fin.txt"));
    assert_eq!(written.ok(), Some(text(&twomsl(&["run", LOST_FIN]).stdout)));
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_twomsl"))
        .args(["run", LOST_FIN, LOST_FIN, LOST_FIN, "--format", "jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start: {error}"));
    drop(child.stdout.take());
    let mut message = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut message).unwrap_or_else(|error| panic!("{error}"));
    }
    let status = child.wait().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(status.code(), Some(0), "{message}");
}

// ---- input that cannot be used: exit code 2 ----

#[test]
fn a_typo_is_shown_where_it_is() {
    let text = handshake().replace("role \"client\"", "rule \"client\"");
    insta::assert_snapshot!(refused(&file("typo.kdl", text), &[]));
}

#[test]
fn a_missing_file_is_named() {
    insta::assert_snapshot!(refused(Path::new("scenarios/close/lost-finn.kdl"), &[]));
}

#[test]
fn a_folder_is_no_scenario() {
    insta::assert_snapshot!(refused(Path::new("scenarios"), &[]));
}

#[test]
fn an_unknown_profile_is_refused() {
    let text = handshake().replace("profile=\"linux\"", "profile=\"plan9\"");
    insta::assert_snapshot!(refused(&file("profile.kdl", text), &[]));
}

#[test]
fn an_impossible_probability_is_refused() {
    let text = handshake().replace("delay=\"10ms\"", "loss=\"120%\"");
    insta::assert_snapshot!(refused(&file("probability.kdl", text), &[]));
}

#[test]
fn octets_that_are_no_text_are_refused() {
    insta::assert_snapshot!(refused(&file("latin1.kdl", b"scenario \"caf\xe9\"\n"), &[]));
}

#[test]
fn two_hundred_megabytes_are_refused_unread() {
    let path = file("large.kdl", "");
    let large = std::fs::File::options().append(true).open(&path);
    // Sparse: nothing is written, and nothing is read either.
    large.and_then(|file| file.set_len(200 << 20)).unwrap_or_else(|error| panic!("{error}"));
    insta::assert_snapshot!(refused(&path, &[]));
}

#[test]
#[cfg(unix)]
fn a_device_without_end_is_refused() {
    insta::assert_snapshot!(refused(Path::new("/dev/zero"), &[]));
}

#[test]
fn garbage_that_looks_like_kdl_is_refused_soon() {
    let mut garbage = Vec::new();
    let mut state = 1_u32;
    while garbage.len() < 120_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Printable, with the brackets and quotes that a parser cares about.
        garbage.push(b' ' + (state >> 24) as u8 % 95);
    }
    garbage.write_all(b"\n").unwrap_or_else(|error| panic!("{error}"));
    let message = refused(&file("garbage.kdl", garbage), &[]);
    assert!(message.len() < 20_000, "{}", message.len());
}

/// The parser recovers from errors by recursion: the worst that fits into a file.
#[test]
fn errors_without_end_are_refused_without_a_stack_overflow() {
    let message = refused(&file("errors.kdl", "}".repeat(128 << 10)), &[]);
    assert!(message.len() < 20_000, "{}", message.len());
}

#[test]
fn no_mark_of_kdl_is_too_much_in_any_number() {
    for mark in ["a{}", "a=", "\"", "\"\"", "a)", "{", "/*", "/-", "(", "\\", "#", ";", "a\n"] {
        let message = refused(&file("marks.kdl", mark.repeat(4_000)), &[]);
        assert!(message.len() < 20_000, "{mark}: {}", message.len());
    }
}

#[test]
fn deep_nesting_is_refused_without_a_stack_overflow() {
    let text = "role \"client\" {\n".repeat(8_000);
    insta::assert_snapshot!(refused(&file("deep.kdl", text), &[]));
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let mut messages = String::new();
    for setting in [
        "los=1%",
        "clint.time-wait=1s",
        "client.time-wiat=1s",
        "client.time-wait=soon",
        "client.foo=1",
        "client.profile=linux",
    ] {
        messages.push_str(&refused(Path::new(HANDSHAKE), &["--set", setting]));
    }
    insta::assert_snapshot!(messages);
}

#[test]
fn arguments_that_mean_nothing_are_refused() {
    for args in [
        &["run"][..],
        &["run", HANDSHAKE, "--format", "svg"],
        &["walk"],
        &["run", HANDSHAKE, "--at", "soon"],
    ] {
        let output = twomsl(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_number_or_time_or_setting_in_no_form_is_answered_with_its_form() {
    for (option, value, form) in [
        ("--seed", "abc", "a whole number from 0 to 18446744073709551615"),
        ("--seed", "-1", "a whole number from 0 to 18446744073709551615"),
        ("--at", "-1s", "a time with its unit, such as 1.5s"),
        ("--set", "=", "KEY=VALUE, such as loss=5%"),
        ("--set", "loss", "KEY=VALUE, such as loss=5%"),
    ] {
        let message = refused(Path::new(HANDSHAKE), &[option, value]);
        assert!(message.contains(form), "{option} {value}: {message}");
        assert!(!message.contains("tip:"), "{message}");
    }
}

/// A rule that is off is in the heading, and in the command that does it again.
#[test]
fn a_rule_that_is_switched_off_is_said_everywhere() {
    let output = twomsl(&["run", LOST_FIN, "--what-if", "no-fin-retransmit"]);
    assert_eq!(output.status.code(), Some(1));
    let (shown, told) = (text(&output.stdout), text(&output.stderr));
    assert!(shown.contains("client: linux (what-if no-fin-retransmit)"), "{shown}");
    let again = format!("twomsl run {LOST_FIN} --what-if no-fin-retransmit --seed 0");
    assert!(told.contains(&again), "{told}");
}

#[test]
fn a_rule_that_does_not_exist_is_answered_with_what_was_meant() {
    let message = refused(Path::new(HANDSHAKE), &["--what-if", "no-timewait"]);
    assert!(message.contains("no-time-wait"), "{message}");
}

#[test]
fn a_seed_may_be_hexadecimal_as_in_a_file() {
    let run = |seed| twomsl(&["run", LOST_FIN, "--seed", seed]);
    assert_eq!(run("0x10").status.code(), Some(0));
    assert_eq!(run("0x10").stdout, run("16").stdout);
}

#[test]
fn help_documents_the_exit_codes() {
    let output = twomsl(&["run", "--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("Exit codes:"), "{}", text(&output.stdout));
}

/// A rule that counts to a FIN that never comes.
#[test]
fn a_fault_that_no_packet_meets_is_told() {
    let story = |nth| {
        format!(
            "scenario \"Never\"\nhost \"client\" profile=\"linux\"\nhost \"server\" profile=\"linux\"\n\
             link \"client\" \"server\" delay=\"10ms\"\n\
             role \"server\" {{ listen 80; accept; read-to-end; close }}\n\
             role \"client\" {{ connect \"server:80\"; close }}\n\
             fault drop nth={nth} from=\"server\" flags=\"FIN\"\n"
        )
    };
    let told = |nth| {
        let path = file(&format!("never-{nth}.kdl"), story(nth));
        text(&twomsl(&["run", &path.display().to_string()]).stderr)
            .contains("no packet ever met fault 1")
    };
    assert!(told(7), "there is no seventh FIN");
    assert!(!told(1));
}
