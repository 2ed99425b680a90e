//! One line of text that is written into at any column.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar as _;

/// How a part of a line is meant; a colour for terminals, nothing in plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Tone {
    /// Ordinary text.
    #[default]
    Plain,
    /// Rails, shafts and gaps.
    Faint,
    /// Titles and states.
    Strong,
    /// Calls of applications.
    Call,
    /// Something out of the ordinary, though nothing is lost by it.
    Odd,
    /// Lost, crashed or broken.
    Bad,
}

/// Whether a text carries colour codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Off,
    On,
}

/// A line of fixed width.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    cells: Vec<Cell>,
}

/// One column. The second column of a wide character is empty.
#[derive(Clone, Debug)]
struct Cell {
    text: String,
    tone: Tone,
}

impl Canvas {
    /// A line of spaces.
    pub(super) fn new(width: usize) -> Self {
        Self { cells: vec![Cell { text: " ".to_owned(), tone: Tone::Plain }; width] }
    }

    /// Writes from `column` on. What does not fit is cut: no line is ever too wide.
    pub(super) fn put(&mut self, column: usize, text: &str, tone: Tone) {
        let mut column = column;
        for c in text.chars() {
            let width = c.width().unwrap_or(0);
            if width == 0 {
                self.combine(column, c);
                continue;
            }
            let Some(cells) = self.cells.get_mut(column..column + width) else { return };
            cells.fill(Cell { text: String::new(), tone });
            cells[0].text.push(c);
            column += width;
        }
    }

    /// Writes one character into all columns from `start` up to, not including, `end`.
    pub(super) fn fill(&mut self, start: usize, end: usize, c: char, tone: Tone) {
        for column in start..end {
            self.put(column, c.encode_utf8(&mut [0; 4]), tone);
        }
    }

    /// The line without trailing spaces, and a line feed.
    pub(super) fn write(&self, colour: Colour, out: &mut String) {
        let end = self.cells.iter().rposition(|cell| cell.text != " ").map_or(0, |last| last + 1);
        for run in self.cells[..end].chunk_by(|a, b| a.tone == b.tone) {
            let text: String = run.iter().map(|cell| cell.text.as_str()).collect();
            let style = style(run[0].tone);
            match colour {
                Colour::Off => out.push_str(&text),
                // Writing into a string cannot fail.
                Colour::On => _ = write!(out, "{style}{text}{style:#}"),
            }
        }
        out.push('\n');
    }

    /// A combining character joins the one before it; control characters are left out.
    fn combine(&mut self, column: usize, c: char) {
        let before = self.cells.iter_mut().take(column).rev();
        if let Some(cell) = before.into_iter().find(|cell| !cell.text.is_empty())
            && !c.is_control()
        {
            cell.text.push(c);
        }
    }
}

/// The sixteen colours of every terminal only: its owner chose them to be readable.
const fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Faint => Style::new().dimmed(),
        Tone::Strong => Style::new().bold(),
        Tone::Call => AnsiColor::Cyan.on_default(),
        Tone::Odd => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
    }
}

/// Columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Breaks a text at spaces into lines of at most `room` columns; a longer word is cut apart.
/// Lines after the first begin with two spaces.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(4);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').flat_map(|word| pieces(word, room - 2)) {
        if !line.trim_start().is_empty() && width(&line) + 1 + width(word) > room {
            lines.push(std::mem::replace(&mut line, "  ".to_owned()));
        }
        if !line.trim_start().is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// A word in pieces of at most `room` columns.
fn pieces(word: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut columns) = (0, 0);
    for (index, c) in word.char_indices() {
        let wide = c.width().unwrap_or(0);
        if columns + wide > room {
            pieces.push(&word[start..index]);
            (start, columns) = (index, 0);
        }
        columns += wide;
    }
    pieces.push(&word[start..]);
    pieces
}
