//! The questions of the library by theme.

use std::fmt::Write as _;

use super::Look;
use crate::commands::library::{ENTRIES, Entry};
use crate::story::{indented, wrapped};

const HOW: &str = "Tell one with: twomsl demo NAME. A theme tells all of its own: twomsl demo close/. With --step it \
                   waits at every turn; without a terminal, or with --all, everything is told.";

/// Names in a column of their own, questions beside them; below them where that leaves no room.
pub(super) fn list(look: &Look) -> String {
    let longest = ENTRIES.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let indent = if look.columns < longest + ROOM { BELOW } else { longest + BELOW };
    let mut text = String::new();
    for theme in ENTRIES.chunk_by(|a, b| a.theme == b.theme) {
        let name = theme.first().map_or("", |entry| entry.theme);
        let _ = writeln!(text, "{name}/"); // writing to a String cannot fail
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
