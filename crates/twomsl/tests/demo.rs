//! `twomsl demo` as somebody uses it who has installed the command and nothing else: every test
//! runs in a folder of its own, with nothing in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use twomsl::Scenario;
use twomsl::scenario::Try;

fn twomsl(folder: &str, args: &[String]) -> Output {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let command =
        Command::new(env!("CARGO_BIN_EXE_twomsl")).args(args).current_dir(folder).output();
    command.expect("the command runs")
}

fn demo(args: &[&str]) -> Output {
    let args: Vec<String> = ["demo"].iter().chain(args).map(|&arg| arg.to_owned()).collect();
    twomsl("demo", &args)
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The files of the library, in the order of their paths.
fn library() -> Vec<(PathBuf, Scenario)> {
    let mut files = Vec::new();
    for theme in std::fs::read_dir("scenarios").expect("the library").flatten() {
        let Ok(folder) = std::fs::read_dir(theme.path()) else { continue };
        let paths = folder.flatten().map(|entry| entry.path());
        files.extend(paths.filter(|path| path.extension().is_some_and(|it| it == "kdl")));
    }
    files.sort();
    let read = |path: PathBuf| {
        let scenario = Scenario::load(&path).unwrap_or_else(|error| panic!("{error}"));
        (path, scenario)
    };
    files.into_par_iter().map(read).collect()
}

#[test]
fn every_lesson_holds_and_they_stand_in_the_order_of_the_library() {
    let output = demo(&["--all"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = shown(&output);
    let mut rest = text.as_str();
    for (path, scenario) in library() {
        for head in [scenario.story().title.clone(), format!("({})\n", path.display())] {
            let (_, behind) = rest.split_once(&head).unwrap_or_else(|| panic!("no lesson {head}"));
            rest = behind;
        }
    }
    let wide = text.lines().filter(|line| line.chars().count() > 100 && !is_command(line));
    assert_eq!(wide.collect::<Vec<_>>(), [""; 0], "a pipe gets 100 columns");
}

#[test]
fn the_flagship_ends_with_searches_and_is_the_same_every_time() {
    let output = demo(&["why-2msl"]);
    let text = shown(&output);
    let searches: Vec<&str> = text.lines().filter(|line| line.starts_with("Search: ")).collect();
    assert_eq!(searches.len(), 4, "{searches:?}");
    assert_eq!(text.matches("  Found: nothing. ").count(), 2, "with the rules");
    assert_eq!(text.matches(" All that it takes:").count(), 2, "without them");
    assert!(shown(&demo(&["why-2msl"])) == text, "nothing depends on who was faster");
}

/// What a file says to try is typed here as a reader would, and ends as the file says.
#[test]
fn every_command_that_a_file_says_to_try_works() {
    let all: BTreeSet<(String, u8)> = library()
        .into_iter()
        .flat_map(|(_, scenario)| scenario.story().next.clone())
        .map(|Try { command, exits }| (command, exits))
        .collect();
    assert!(all.len() > 50, "only {} commands were found", all.len());
    let wrong = |(command, exits): (String, u8)| {
        let words = words(&command);
        let (name, args) = words.split_first().expect("a command");
        assert_eq!(name, "twomsl", "{command}");
        let output = twomsl("try", args);
        let ends = output.status.code();
        (ends != Some(i32::from(exits)))
            .then(|| format!("{command} ends with {ends:?} instead of {exits}:\n{}", said(&output)))
    };
    let wrong: Vec<String> = all.into_par_iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words of a command line as a shell has them: quotes keep spaces.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in command.chars() {
        match (quote, letter) {
            (None, ' ') => words.push(String::new()),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(end), letter) if letter == end => quote = None,
            (_, letter) => words.last_mut().expect("a word").push(letter),
        }
    }
    words
}

#[test]
fn the_list_has_every_question_as_its_file_asks_it() {
    let output = demo(&["--width", "1000"]);
    let text = shown(&output);
    for (path, scenario) in library() {
        let story = scenario.story();
        let name =
            path.file_stem().map_or_else(String::new, |it| it.to_string_lossy().into_owned());
        let asked =
            story.claim.as_ref().map_or_else(|| story.question.clone(), |it| format!("“{it}”"));
        let line = text.lines().find(|line| line.ends_with(&asked) && line.contains(&name));
        assert!(line.is_some(), "{name}: {asked} is not in\n{text}");
    }
}

#[test]
fn narrow_lists_and_lessons_are_wrapped_and_not_cut() {
    for width in [60, 80] {
        for args in [vec![], vec!["lost-fin", "why-2msl", "forgetful-balancer"]] {
            let width = width.to_string();
            let output = demo(&[args, vec!["--width", &width]].concat());
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            let width = width.parse().expect("a number");
            let text = shown(&output);
            let wide = text.lines().find(|line| line.chars().count() > width && !is_command(line));
            assert_eq!(wide, None, "with {width} columns");
            // The lesson's own pictures have such marks; in a list it would be a cut.
            assert!(text.contains("How to read it") || !text.contains('…'), "nothing is cut");
        }
    }
}

/// A command is one line, however long.
fn is_command(line: &str) -> bool {
    line.contains("  twomsl ") || line.contains("To do it again")
}

#[test]
fn a_name_that_is_a_theme_and_a_scenario_is_asked_about() {
    let output = demo(&["time-wait"]);
    assert_eq!(output.status.code(), Some(2));
    let ask = "error: `time-wait` is a theme and a scenario: say `time-wait/` for all of the theme, or \
               `states/time-wait`\n";
    assert_eq!(said(&output), ask);
    assert!(shown(&demo(&["states/time-wait"])).contains("\nThe state TIME-WAIT   ("));
    let theme = shown(&demo(&["close/"]));
    assert!(theme.contains("(scenarios/close/lost-fin.kdl)"), "{theme}");
}

#[test]
fn a_name_works_wherever_a_file_does_and_a_misspelt_one_is_answered_with_what_was_meant() {
    let run = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        twomsl("names", &args)
    };
    for name in ["lost-fin", "close/lost-fin", "scenarios/close/lost-fin.kdl"] {
        assert_eq!(run(&["run", name]).status.code(), Some(0), "{name}");
    }
    assert_eq!(run(&["explore", "lost-fin", "--faults", "1"]).status.code(), Some(0));
    assert_eq!(run(&["sweep", "lost-fin", "--seeds", "0..2"]).status.code(), Some(0));
    assert_eq!(run(&["shrink", "lost-fin"]).status.code(), Some(0));
    for (name, help) in [
        ("lost-finn", "did you mean `lost-fin`?"),
        ("close/lost-finn", "did you mean `close/lost-fin`?"),
        ("scenarios/close/lost-finn.kdl", "did you mean `scenarios/close/lost-fin.kdl`?"),
        ("elephant", "give the path of a file, or a name of the library: `twomsl demo` lists them"),
    ] {
        let output = run(&["run", name]);
        assert_eq!(output.status.code(), Some(2));
        let why = "there is no such file, and no such scenario in the library";
        assert_eq!(said(&output), format!("{name}: error: {why}\n  help: {help}\n"));
    }
    assert_eq!(demo(&["lost-finn"]).status.code(), Some(2));
}

/// A file goes before a name, and `demo` tells it as it tells those of the library.
#[test]
fn a_file_of_ones_own_is_told_too_and_goes_before_a_name() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own");
    std::fs::create_dir_all(&folder).expect("a folder");
    let text = std::fs::read_to_string("scenarios/close/lost-fin.kdl").expect("a file");
    let text = text.replacen("scenario \"", "scenario \"Of my own: ", 1);
    std::fs::write(folder.join("lost-fin"), text).expect("a file");
    let output = twomsl("own", &["demo".to_owned(), "lost-fin".to_owned()]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(shown(&output).contains("\nOf my own: "), "{}", shown(&output));
}
