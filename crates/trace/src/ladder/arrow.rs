//! Draws one arrow.
//!
//! Everything is placed by its distance from the sender's rail, so that an arrow to the left
//! is the mirror image of one to the right, except that its words read forwards.

use std::cmp::Ordering;

use super::canvas::{Canvas, Tone, width, wrap};
use super::draw::rails;
use super::lanes::{Lanes, Side};
use super::row::{Arrow, End, Start};

/// From the sender's rail to the label: a piece of shaft, and a space.
const LABEL: usize = 3;

/// What must be left behind the label: a space, two pieces of shaft, and the tip.
const TIP: usize = 4;

/// Draws an arrow and what is to say about it.
pub(super) fn draw(lanes: &Lanes, arrow: &Arrow, lines: &mut Vec<Canvas>) {
    let page = Page::new(lanes, arrow);
    let mut line = rails(lanes, '│');
    let room = page.span.saturating_sub(LABEL + TIP);
    let mut label = wrap(&arrow.label, room);
    let rest = label.split_off(1);
    let label = label.concat();
    let mut below = match (&arrow.start, &arrow.end) {
        (Start::Underway | Start::Nothing, End::Host) => page.landing(&mut line, arrow, &label),
        (_, End::Host) => page.whole(&mut line, &label),
        (_, End::Lost(why)) => page.broken(&mut line, &label, ("✗", Tone::Bad), why),
        (_, End::Later(why)) => page.broken(&mut line, &label, ("~", Tone::Odd), why),
    };
    if arrow.start == Start::Nothing && arrow.end != End::Host {
        page.put(&mut line, 0, "*", Tone::Odd);
    }
    lines.push(line);
    below.splice(0..0, rest.iter().map(|line| line.trim().to_owned()));
    below.extend(arrow.notes.iter().cloned());
    for text in below {
        page.note(&text, lines);
    }
}

/// The space between two rails as seen from the sender.
struct Page<'a> {
    lanes: &'a Lanes,
    /// The sender's rail.
    from: usize,
    way: Way,
    /// Columns between the two rails.
    span: usize,
}

/// Which way an arrow points.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Right,
    Left,
    /// To its own sender, drawn to the right.
    BackRight,
    /// To its own sender, drawn to the left.
    BackLeft,
}

impl<'a> Page<'a> {
    /// The page between sender and receiver; rails in between are crossed.
    fn new(lanes: &'a Lanes, arrow: &Arrow) -> Self {
        let (from, to) = (lanes.rail(arrow.from), lanes.rail(arrow.to));
        let (way, span) = match (from.cmp(&to), lanes.side(arrow.from)) {
            (Ordering::Less, _) => (Way::Right, to - from - 1),
            (Ordering::Greater, _) => (Way::Left, from - to - 1),
            (Ordering::Equal, Side::Left) => (Way::BackRight, lanes.room(arrow.from)),
            (Ordering::Equal, Side::Right) => (Way::BackLeft, lanes.room(arrow.from)),
        };
        Self { lanes, from, way, span }
    }

    /// All the way from host to host.
    fn whole(&self, line: &mut Canvas, label: &str) -> Vec<String> {
        self.tail(line);
        let end = self.end(label);
        self.shaft(line, 1, end);
        self.head(line, end);
        self.label(line, LABEL, label);
        Vec::new()
    }

    /// Only the last part: it set out earlier, or never.
    fn landing(&self, line: &mut Canvas, arrow: &Arrow, label: &str) -> Vec<String> {
        let label_start = self.span.saturating_sub(TIP - 1 + width(label)).max(LABEL);
        let start = (self.span / 2).min(label_start.saturating_sub(LABEL + 1)).max(1);
        self.shaft(line, start, self.span);
        self.head(line, self.span);
        let mark = if arrow.start == Start::Nothing { "*" } else { "~" };
        self.put(line, start, mark, Tone::Odd);
        self.label(line, label_start, label);
        Vec::new()
    }

    /// Only the first part, and what became of the rest; returns words for which there is no room.
    fn broken(
        &self,
        line: &mut Canvas,
        label: &str,
        (mark, tone): (&str, Tone),
        why: &str,
    ) -> Vec<String> {
        let least = LABEL + width(label) + TIP - 1;
        let needed = width(why) + 3;
        // In the middle if that leaves room for the words, else as near to the label as needed.
        let end = (self.span / 2).min(self.span.saturating_sub(needed)).max(least).min(self.span);
        self.tail(line);
        self.shaft(line, 1, end);
        self.label(line, LABEL, label);
        self.put(line, end, mark, tone);
        if end + needed > self.span {
            return vec![format!("{mark} {why}")];
        }
        self.put(line, end + 2, why, tone);
        Vec::new()
    }

    /// A line of its own below the arrow, beginning where the label does.
    fn note(&self, text: &str, lines: &mut Vec<Canvas>) {
        for text in wrap(text, self.span.saturating_sub(LABEL + 1)) {
            let mut line = rails(self.lanes, '│');
            let text = if self.is_leftward() { text.trim_start() } else { &text };
            self.put(&mut line, LABEL, text, Tone::Odd);
            lines.push(line);
        }
    }

    /// The joint at the sender's rail.
    fn tail(&self, line: &mut Canvas) {
        let tail = if self.is_leftward() { "┤" } else { "├" };
        line.put(self.from, tail, Tone::Faint);
    }

    /// Where the tip stands: just before the receiver's rail, or soon if it turns back.
    fn end(&self, label: &str) -> usize {
        match self.way {
            Way::Right | Way::Left => self.span,
            Way::BackRight | Way::BackLeft => LABEL + width(label) + TIP - 1,
        }
    }

    fn head(&self, line: &mut Canvas, offset: usize) {
        let head = match self.way {
            Way::Right => "▶",
            Way::Left => "◀",
            Way::BackRight => "↩",
            Way::BackLeft => "↪",
        };
        self.put(line, offset, head, Tone::Faint);
    }

    /// A label with a space at either end, over the shaft.
    fn label(&self, line: &mut Canvas, offset: usize, label: &str) {
        self.put(line, offset - 1, &format!(" {label} "), Tone::Plain);
    }

    /// A shaft over all distances from `start` up to, not including, `end`.
    fn shaft(&self, line: &mut Canvas, start: usize, end: usize) {
        for offset in start..end {
            self.put(line, offset, "─", Tone::Faint);
        }
    }

    /// Writes a text so that its nearest column has this distance from the sender's rail.
    fn put(&self, line: &mut Canvas, offset: usize, text: &str, tone: Tone) {
        let column = if self.is_leftward() {
            (self.from + 1).saturating_sub(offset + width(text))
        } else {
            self.from + offset
        };
        line.put(column, text, tone);
    }

    fn is_leftward(&self) -> bool {
        matches!(self.way, Way::Left | Way::BackLeft)
    }
}
