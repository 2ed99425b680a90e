//! The accounting of RFC 9293: each of its labelled requirements is implemented and shown by a
//! test, or there is a reason why not.
//!
//! What is asked for stands in `docs/requirements/rfc9293.tsv`. What is done about it is found in
//! the comments of the project. A label in a comment (`// MUST-14: …`) says that the item on
//! which the comment stands, or in which it does, implements the requirement if it is in the
//! sources of a crate, and shows it if it is in a test or a scenario. Any mention counts, so that
//! there is no second notation to learn: whoever names a requirement answers for it.
//!
//! `docs/requirements.md` is the table that comes of both. This writes it anew:
//! `UPDATE_REQUIREMENTS=1 cargo test -p twomsl --test requirements`

mod project;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use project::{files_below, project, read};

/// Where the requirements are listed.
const LIST: &str = "docs/requirements/rfc9293.tsv";
/// Where the table is.
const PAGE: &str = "docs/requirements.md";
/// Set to write the table instead of comparing it.
const UPDATE: &str = "UPDATE_REQUIREMENTS";

/// How many labels of each kind RFC 9293 has, in its text and its appendix B, which has some of
/// them twice or more. They are numbered without gaps.
const KINDS: [(&str, usize); 4] = [("MUST", 69), ("SHLD", 31), ("MAY", 18), ("REC", 1)];

#[test]
fn every_requirement_is_implemented_and_shown_or_excepted_with_a_reason() {
    let complaints = complaints(&requirements(), &annotations());
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn the_list_has_every_label_of_the_rfc_once() {
    let labels: Vec<_> = requirements().into_iter().map(|listed| listed.label).collect();
    let expected = KINDS
        .iter()
        .flat_map(|(kind, count)| (1..=*count).map(move |number| format!("{kind}-{number}")));
    assert_eq!(labels, expected.collect::<Vec<_>>());
}

#[test]
fn the_table_is_what_the_annotations_say() {
    let (requirements, annotations) = (requirements(), annotations());
    let page = page(&requirements, &annotations);
    println!("{}", totals(&requirements, &annotations));
    if std::env::var_os(UPDATE).is_some() {
        fs::write(project().join(PAGE), page).expect("the page can be written");
        return;
    }
    let difference = difference(&read(&project().join(PAGE)), &page);
    assert_eq!(difference, None, "{PAGE} is out of date; {UPDATE}=1 writes it anew");
}

// ---- What is asked for ----

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    /// `MUST-14`.
    label: String,
    /// `3.7.1`.
    section: String,
    /// What it asks for, in our words.
    summary: String,
    /// Why it is not done.
    exception: Option<String>,
}

fn requirements() -> Vec<Requirement> {
    listed(&read(&project().join(LIST)))
}

/// The requirements of a list: tabs between columns; a comment and a heading come first.
fn listed(text: &str) -> Vec<Requirement> {
    let rows = text.lines().skip_while(|line| line.starts_with('#')).skip(1);
    rows.map(|row| {
        let columns: Vec<_> = row.split('\t').collect();
        let [label, section, summary, exception @ ..] = &columns[..] else {
            panic!("{LIST}: three columns at least: {row}");
        };
        Requirement {
            label: (*label).to_owned(),
            section: (*section).to_owned(),
            summary: (*summary).to_owned(),
            exception: exception.first().map(|reason| (*reason).to_owned()),
        }
    })
    .collect()
}

// ---- What is done about it ----

/// A requirement that a comment names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Annotation {
    label: String,
    role: Role,
    /// Relative to the project.
    file: String,
    /// What the comment is about; empty for the whole file.
    item: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Implements,
    Shows,
}

/// Those of the whole project, in the order of files.
fn annotations() -> Vec<Annotation> {
    let crates = files_below("crates", "rs").into_iter().map(|path| Path::new("crates").join(path));
    let stories =
        files_below("scenarios", "kdl").into_iter().map(|path| Path::new("scenarios").join(path));
    let files: Vec<PathBuf> = crates.chain(stories).collect();
    assert!(files.len() > 100, "the search is broken");
    // This file speaks of labels, but shows nothing.
    let this = Path::new("crates/twomsl/tests/requirements.rs");
    let files = files.into_iter().filter(|path| path != this);
    files.flat_map(|path| annotations_of(&path, &read(&project().join(&path)))).collect()
}

fn annotations_of(path: &Path, text: &str) -> Vec<Annotation> {
    let lines: Vec<_> = text.lines().collect();
    // Unit tests stand last in a file: the rule of tidy.rs.
    let code = lines.iter().position(|line| *line == "#[cfg(test)]").unwrap_or(lines.len());
    let in_tests = !path.components().any(|part| part.as_os_str() == "src")
        || path.file_name().is_some_and(|name| name == "tests.rs");
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let role = if in_tests || number > code { Role::Shows } else { Role::Implements };
        for label in labels(comment(line)) {
            let (file, item) = (path.display().to_string(), item(&lines, number));
            found.push(Annotation { label: label.to_owned(), role, file, item });
        }
    }
    found
}

/// The comment on a line, if there is one. What stands in quotes is none.
fn comment(line: &str) -> &str {
    let mut at = 0;
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 0
            && let Some(found) = part.find("//")
        {
            return &line[at + found..];
        }
        at += part.len() + 1;
    }
    ""
}

/// The labels in a comment, whether they exist or not.
fn labels(comment: &str) -> impl Iterator<Item = &str> {
    let words = comment.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|word| {
        let parts = word.split_once('-');
        parts.is_some_and(|(kind, number)| {
            KINDS.iter().any(|(known, _)| *known == kind)
                && !number.is_empty()
                && number.bytes().all(|digit| digit.is_ascii_digit())
        })
    })
}

/// What a comment is about: the item or field below it, or the item around it.
fn item(lines: &[&str], number: usize) -> String {
    let line = lines[number];
    if line.starts_with("//!") {
        return String::new();
    }
    let around = around(lines, number);
    if !line.trim_start().starts_with("//") {
        // A comment behind code.
        return name(line).unwrap_or(around);
    }
    let below = lines[number..].iter().find(|line| {
        let line = line.trim_start();
        !line.starts_with("//") && !line.starts_with("#[")
    });
    match below.filter(|below| depth(below) == depth(line)) {
        Some(below) if name(below).is_some() => name(below).unwrap_or_default(),
        // A field or a variant is named after what it belongs to.
        Some(below) if line.trim_start().starts_with("///") => {
            format!("{around}::{}", first_word(without_visibility(below)))
        }
        _ => around,
    }
}

/// The innermost named item that a line is in.
fn around(lines: &[&str], number: usize) -> String {
    let mut inner = depth(lines[number]);
    for line in lines[..number].iter().rev().filter(|line| !line.trim().is_empty()) {
        if depth(line) < inner {
            inner = depth(line);
            if let Some(name) = name(line) {
                return name;
            }
        }
    }
    String::new()
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The name of the item that a line begins.
fn name(line: &str) -> Option<String> {
    const KEYWORDS: [&str; 8] = ["fn", "struct", "enum", "trait", "mod", "const", "static", "type"];
    let line = without_visibility(line);
    if let Some(of) = line.strip_prefix("impl") {
        let of = of.trim_end_matches(['{', ' ']).trim_start_matches(|c| c != ' ').trim_start();
        return Some(of.to_owned());
    }
    // `const fn` is a function.
    let function = line.strip_prefix("const ").filter(|rest| rest.starts_with("fn "));
    let line = function.or_else(|| line.strip_prefix("async ")).unwrap_or(line);
    let (keyword, rest) = line.split_once(' ')?;
    KEYWORDS.contains(&keyword).then(|| first_word(rest)).filter(|name| !name.is_empty())
}

/// A declaration without `pub` or `pub(…)`.
fn without_visibility(line: &str) -> &str {
    let line = line.trim_start();
    match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => {
            rest.split_once(')').map_or(line, |(_, rest)| rest.trim_start())
        }
        Some(rest) if rest.starts_with(' ') => rest.trim_start(),
        _ => line,
    }
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

// ---- Whether it adds up ----

fn complaints(requirements: &[Requirement], annotations: &[Annotation]) -> Vec<String> {
    let known: BTreeSet<_> = requirements.iter().map(|listed| &listed.label).collect();
    let strangers = annotations
        .iter()
        .filter(|named| !known.contains(&named.label))
        .map(|named| format!("{} {}: RFC 9293 has no {}", named.file, named.item, named.label));
    let open = requirements.iter().flat_map(|listed| complaints_about(listed, annotations));
    strangers.chain(open).collect()
}

fn complaints_about(listed: &Requirement, annotations: &[Annotation]) -> Vec<String> {
    let Requirement { label, section, summary, exception } = listed;
    let of = |role| annotations.iter().find(|named| named.label == *label && named.role == role);
    let (implemented, shown) = (of(Role::Implements), of(Role::Shows));
    let complaint = |text: &str| vec![format!("{label} (§{section}, {summary}) {text}")];
    match (exception, implemented, shown) {
        (Some(reason), ..) if reason.trim().is_empty() => complaint("is excepted without a reason"),
        (Some(_), None, None) | (None, Some(_), Some(_)) => Vec::new(),
        (Some(_), claim, other) => {
            let claim = claim.or(other).map_or("", |claim| &claim.file);
            complaint(&format!("is excepted, but {claim} claims it"))
        }
        (None, None, None) => complaint("is neither implemented nor excepted"),
        (None, None, Some(_)) => complaint("is shown, but implemented nowhere"),
        (None, Some(_), None) => complaint("is implemented, but no test shows it"),
    }
}

/// How many requirements of each kind are done.
fn totals(requirements: &[Requirement], annotations: &[Annotation]) -> String {
    let is_open = |listed: &&Requirement| !complaints_about(listed, annotations).is_empty();
    let mut text = String::from("| | done | excepted | open | all |\n|---|---:|---:|---:|---:|\n");
    let mut row = |name: &str, of: &[&Requirement]| {
        let open = of.iter().copied().filter(is_open).count();
        let excepted = of.iter().filter(|listed| listed.exception.is_some()).count();
        let done = of.len() - open - excepted;
        let _ = writeln!(text, "| {name} | {done} | {excepted} | {open} | {} |", of.len());
    };
    for (kind, _) in KINDS {
        let is_of_kind = |listed: &&Requirement| listed.label.split('-').next() == Some(kind);
        row(kind, &requirements.iter().filter(is_of_kind).collect::<Vec<_>>());
    }
    row("all", &requirements.iter().collect::<Vec<_>>());
    text
}

// ---- The table ----

fn page(requirements: &[Requirement], annotations: &[Annotation]) -> String {
    let mut text = String::from(INTRODUCTION);
    for listed in requirements {
        let Requirement { label, section, summary, exception } = listed;
        let places = |role| {
            places(annotations.iter().filter(|named| named.label == *label && named.role == role))
        };
        let (implemented, shown) = match exception {
            Some(reason) => (format!("not done: {reason}"), String::new()),
            None => (places(Role::Implements), places(Role::Shows)),
        };
        let _ = writeln!(text, "| {label} | {section} | {summary} | {implemented} | {shown} |");
    }
    text + "\n## Totals\n\n" + &totals(requirements, annotations)
}

const INTRODUCTION: &str = "\
# The requirements of RFC 9293

Every labelled requirement of RFC 9293: where it is implemented, and what shows it. The labels are
those of the RFC's text and its appendix B; what they ask for is told in our words. The places are
found from comments that name a label, by `crates/twomsl/tests/requirements.rs`, which fails when a
requirement is neither done nor excepted with a reason, when a comment names a label that does not
exist, and when this page is out of date. To write it anew:

```console
$ UPDATE_REQUIREMENTS=1 cargo test -p twomsl --test requirements
```

Paths are below `crates/`, or those of scenarios.

| label | § | what it asks for | implemented in | shown by |
|---|---|---|---|---|
";

/// File by file, each with its items.
fn places<'a>(annotations: impl Iterator<Item = &'a Annotation>) -> String {
    let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for named in annotations {
        let file = named.file.strip_prefix("crates/").unwrap_or(&named.file);
        files.entry(file).or_default().insert(&named.item);
    }
    let file = |(file, items): (&str, BTreeSet<&str>)| {
        let items: Vec<_> = items
            .into_iter()
            .filter(|item| !item.is_empty())
            .map(|item| format!("`{item}`"))
            .collect();
        format!("{file} {}", items.join(", ")).trim_end().to_owned()
    };
    files.into_iter().map(file).collect::<Vec<_>>().join("; ")
}

/// The first line in which two texts differ, if they do.
fn difference(there: &str, here: &str) -> Option<(String, String)> {
    let end = "(the end)";
    let count = there.lines().count().max(here.lines().count());
    let line = |text: &str, number| text.lines().nth(number).unwrap_or(end).to_owned();
    (0..count).map(|number| (line(there, number), line(here, number))).find(|(a, b)| a != b)
}

// ---- The checker is checked ----

fn required(label: &str, exception: Option<&str>) -> Requirement {
    Requirement {
        label: label.to_owned(),
        section: "3.1".to_owned(),
        summary: "Something.".to_owned(),
        exception: exception.map(str::to_owned),
    }
}

fn named(label: &str, role: Role) -> Annotation {
    let (file, item) = ("crates/tcp/src/a.rs".to_owned(), "f".to_owned());
    Annotation { label: label.to_owned(), role, file, item }
}

#[test]
fn the_checker_notices_what_does_not_add_up() {
    let (implements, shows) = (named("MUST-1", Role::Implements), named("MUST-1", Role::Shows));
    let about = |exception, annotations: &[Annotation]| {
        complaints(&[required("MUST-1", exception)], annotations).join("\n")
    };
    let both = [implements.clone(), shows.clone()];
    assert_eq!(about(None, &both), "");
    assert_eq!(about(Some("No such thing."), &[]), "");
    for (exception, annotations, noticed) in [
        (None, &[][..], "neither implemented nor excepted"),
        (None, &both[..1], "no test shows it"),
        (None, &both[1..], "implemented nowhere"),
        (Some(" "), &[], "without a reason"),
        (Some("No such thing."), &both[..1], "excepted, but crates/tcp/src/a.rs claims it"),
        (Some("No such thing."), &both[1..], "excepted, but crates/tcp/src/a.rs claims it"),
    ] {
        let complaint = about(exception, annotations);
        assert!(complaint.ends_with(noticed), "{complaint} is not about: {noticed}");
    }
    let strange = [implements, shows, named("MUST-70", Role::Implements)];
    assert_eq!(about(None, &strange), "crates/tcp/src/a.rs f: RFC 9293 has no MUST-70");
}

#[test]
fn the_checker_finds_labels_in_comments_only() {
    let labels = |line| labels(comment(line)).collect::<Vec<_>>();
    assert_eq!(labels("    // MUST-14, SHLD-5; (MAY-3): always."), ["MUST-14", "SHLD-5", "MAY-3"]);
    assert_eq!(labels("rto: 1, // see \"there\" (REC-1)"), ["REC-1"]);
    assert_eq!(labels("let text = \"// MUST-14\";"), [""; 0]);
    assert_eq!(labels("MUST-14"), [""; 0]);
    assert_eq!(labels("// MUST not, MUST-, MUST-x, XMUST-1, MAYBE-1"), [""; 0]);
}

#[test]
fn the_checker_knows_what_a_comment_is_about() {
    let text = "\
//! MUST-1

/// MUST-2
#[derive(Clone)]
pub(crate) struct S {
    /// MUST-3
    /// and more.
    pub(crate) field: u32, // MUST-4
}

impl S {
    /// MUST-5
    pub(in super::super) const fn f(&self) {
        if true {
            // MUST-6
            g();
        }
    }

    // MUST-7
}

#[cfg(test)]
mod tests {
    #[test]
    fn t() {} // MUST-8
}
";
    let found: Vec<_> = annotations_of(Path::new("crates/tcp/src/a.rs"), text)
        .into_iter()
        .map(|named| (named.item, named.role))
        .collect();
    let (implements, shows) = (Role::Implements, Role::Shows);
    let expected = [
        ("", implements),
        ("S", implements),
        ("S::field", implements),
        ("S", implements),
        ("f", implements),
        ("f", implements),
        ("S", implements),
        ("t", shows),
    ];
    assert_eq!(found, expected.map(|(item, role)| (item.to_owned(), role)));
    for path in ["crates/tcp/tests/it/a.rs", "scenarios/a.kdl", "crates/tcp/src/stack/tests.rs"] {
        assert_eq!(annotations_of(Path::new(path), "// MUST-1")[0].role, shows, "{path}");
    }
}

#[test]
fn the_checker_notices_a_page_that_is_out_of_date() {
    let requirements = [required("MUST-1", None), required("MUST-2", Some("No such thing."))];
    let both = [named("MUST-1", Role::Implements), named("MUST-1", Role::Shows)];
    let before = page(&requirements, &both);
    assert!(before.contains("| MUST-1 | 3.1 | Something. | tcp/src/a.rs `f` | tcp/src/a.rs `f` |"));
    assert!(before.contains("| MUST-2 | 3.1 | Something. | not done: No such thing. |  |"));
    assert!(before.ends_with("| all | 1 | 1 | 0 | 2 |\n"));
    assert_eq!(difference(&before, &before), None);
    let after = page(&requirements, &both[..1]);
    let (_, line) = difference(&before, &after).expect("a test that is gone is noticed");
    assert_eq!(line, "| MUST-1 | 3.1 | Something. | tcp/src/a.rs `f` |  |");
    assert!(difference(&before, &format!("{before}more\n")).is_some());
}

#[test]
fn the_list_is_read_as_it_is_meant() {
    let text = "# A comment.\nlabel\tsection\tsummary\texception\n\
                MUST-1\t3.1\tSomething.\nMUST-2\t3.1\tSomething.\tNo such thing.\n";
    let expected = [required("MUST-1", None), required("MUST-2", Some("No such thing."))];
    assert_eq!(listed(text), expected);
}
