//! The questions of the library by theme.

use std::fmt::Write as _;

use super::Look;
use crate::commands::library::ENTRIES;
use crate::story::wrapped;

const HOW: &str = "Tell one with: twomsl demo NAME. A theme tells all of its own: twomsl demo close/. With --step it \
                   waits at every turn; without a terminal, or with --all, everything is told.";

/// Names in a column of their own, questions beside them; below them where that leaves no room.
pub(super) fn list(look: &Look) -> String {
    let width = ENTRIES.iter().map(|entry| entry.name.len()).max().unwrap_or(0) + 4;
    let narrow = look.columns < width + 30;
    let mut text = String::new();
    for theme in ENTRIES.chunk_by(|a, b| a.theme == b.theme) {
        let name = theme.first().map_or("", |entry| entry.theme);
        let _ = writeln!(text, "{name}/"); // writing to a String cannot fail
        for entry in theme {
            let asked =
                entry.claim.map_or_else(|| entry.question.to_owned(), |it| format!("“{it}”"));
            let indent = if narrow { 4 } else { width };
            let lines = wrapped(&asked, look.columns.saturating_sub(indent));
            if narrow {
                let _ = writeln!(text, "  {}", entry.name);
            }
            for (place, line) in lines.iter().enumerate() {
                let name = if place == 0 && !narrow { entry.name } else { "" };
                let head = format!("  {name}");
                let _ = writeln!(text, "{head:indent$}{line}");
            }
        }
        text.push('\n');
    }
    wrapped(HOW, look.columns).iter().for_each(|line| {
        let _ = writeln!(text, "{line}");
    });
    text
}
