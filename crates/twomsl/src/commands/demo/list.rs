//! The questions of the library by theme.

use std::fmt::Write as _;

use super::Look;
use crate::commands::library::{ENTRIES, Entry};
use crate::story::{indented, wrapped};

const HOW: &str = "Tell one with: twomsl demo NAME, and all of a theme with: twomsl demo THEME/. With --step it waits \
    for Enter at every turn. Whoever is new begins with three-way-handshake, four-way-close and why-2msl.";

/// The themes in the order of a course; others follow by name.
const COURSE: [&str; 12] = [
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
];

/// Names in a column of their own, questions beside them; below them where that leaves no room.
pub(super) fn list(look: &Look) -> String {
    let longest = ENTRIES.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let indent = if look.columns < longest + ROOM { BELOW } else { longest + BELOW };
    let mut text = String::new();
    let name = |theme: &[Entry]| theme.first().map_or("", |entry| entry.theme);
    let place = |theme: &&[Entry]| COURSE.iter().position(|known| *known == name(theme));
    let mut themes: Vec<&[Entry]> = ENTRIES.chunk_by(|a, b| a.theme == b.theme).collect();
    themes.sort_by_key(|theme| place(theme).unwrap_or(COURSE.len()));
    for theme in themes {
        let _ = writeln!(text, "{}/", name(theme)); // writing to a String cannot fail
        text.extend(theme.iter().map(|entry| row(entry, indent, look.columns)));
        text.push('\n');
    }
    text + &indented(HOW, "", look.columns)
}

/// Columns of a question that are worth a column of its own.
const ROOM: usize = 34;

/// In front of a question below its name.
const BELOW: usize = 4;

fn row(entry: &Entry, indent: usize, columns: usize) -> String {
    let asked = entry.claim.map_or_else(|| entry.question.to_owned(), |it| format!("“{it}”"));
    let name = format!("  {}", entry.name);
    let (mut row, mut head) = if name.len() < indent {
        (String::new(), name.as_str())
    } else {
        (format!("{name}\n"), "")
    };
    for line in wrapped(&asked, columns.saturating_sub(indent)) {
        let _ = writeln!(row, "{head:indent$}{line}");
        head = "";
    }
    row
}
