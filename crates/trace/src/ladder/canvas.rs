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
pub enum Colour {
    /// It does not.
    Off,
    /// ANSI's.
    On,
}

/// A line of fixed width.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    cells: Vec<Cell>,
    /// Combining characters with the columns of those they join, in order; hardly ever any.
    marks: Vec<(usize, char)>,
}

/// One column. The second column of a wide character has none of its own.
#[derive(Clone, Copy, Debug)]
struct Cell {
    letter: Option<char>,
    tone: Tone,
}

impl Canvas {
    /// A line of spaces.
    pub(super) fn new(width: usize) -> Self {
        let space = Cell { letter: Some(' '), tone: Tone::Plain };
        Self { cells: vec![space; width], marks: Vec::new() }
    }

    /// Writes from `column` on. What does not fit is cut: no line is ever too wide. Control
    /// characters are left out: a call can hold whatever a scenario writes.
    pub(super) fn put(&mut self, column: usize, text: &str, tone: Tone) {
        let mut column = column;
        for letter in text.chars().filter(|letter| !letter.is_control()) {
            let width = letter.width().unwrap_or(0);
            if width == 0 {
                self.marks.push((column.saturating_sub(1), letter));
                continue;
            }
            let Some(cells) = self.cells.get_mut(column..column + width) else { return };
            cells.fill(Cell { letter: None, tone });
            cells[0].letter = Some(letter);
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
        let end = self.cells.iter().rposition(|cell| cell.letter != Some(' '));
        let cells = &self.cells[..end.map_or(0, |last| last + 1)];
        let mut column = 0;
        for run in cells.chunk_by(|a, b| a.tone == b.tone) {
            let style = style(run[0].tone);
            if colour == Colour::On {
                // Writing into a string cannot fail.
                _ = write!(out, "{style}");
            }
            for cell in run {
                out.extend(cell.letter);
                let marks = self.marks.iter().filter(|(at, _)| *at == column);
                out.extend(marks.map(|(_, mark)| *mark));
                column += 1;
            }
            if colour == Colour::On {
                _ = write!(out, "{style:#}");
            }
        }
        out.push('\n');
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
