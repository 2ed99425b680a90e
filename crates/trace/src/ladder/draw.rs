//! From rows to lines.

use std::ops::Range;

use twomsl_tcp::Instant;

use super::arrow;
use super::canvas::{Canvas, Tone, width, wrap};
use super::lanes::Lanes;
use super::row::{Count, Kind, Row};
use crate::clock::seconds;
use crate::model::{About, HostId};
use crate::words;

/// What was drawn.
pub(super) struct Drawing {
    pub(super) lines: Vec<Canvas>,
    /// How many lines there are up to the end of each remark.
    pub(super) remarks: Vec<usize>,
}

/// Draws all rows.
pub(super) fn draw(about: &About, lanes: &Lanes, rows: &[Row]) -> Drawing {
    let mut pen = Pen { about, lanes, lines: Vec::new(), remarks: Vec::new(), told: None };
    let kind = |row: &Row| std::mem::discriminant(&row.kind);
    let is_text = |row: &Row| row.kind.text().is_some();
    let together = |a: &Row, b: &Row| a.at == b.at && is_text(a) && kind(a) == kind(b);
    for group in rows.chunk_by(together) {
        match &group[0].kind {
            Kind::Text { .. } | Kind::Remains { .. } => pen.texts(group),
            Kind::Arrow(arrow) => {
                let first = pen.lines.len();
                arrow::draw(lanes, arrow, &mut pen.lines);
                pen.time(first, group[0].at);
            }
            Kind::Remark(text) => pen.remark(text),
            Kind::Banner(text) => pen.banner(group[0].at, text),
            Kind::Gap(duration) => pen.gap(&seconds(*duration)),
            Kind::Folded { counts, until } => pen.folded(group[0].at, counts, *until),
        }
    }
    if rows.iter().any(|row| matches!(row.kind, Kind::Folded { .. })) {
        pen.footer();
    }
    Drawing { lines: pen.lines, remarks: pen.remarks }
}

/// Below a ladder with folded rows: they hide calls too, and there is a way to see them.
const FOLDED: &str = "(┊ counts what is folded: --full shows every call and segment)";

/// What a remark begins with.
pub(super) const REMARK: char = '»';

/// A line with nothing on it but the rails.
pub(super) fn rails(lanes: &Lanes, rail: char) -> Canvas {
    let mut line = Canvas::new(lanes.width);
    for column in &lanes.rails {
        line.fill(*column, column + 1, rail, Tone::Faint);
    }
    line
}

/// Draws line by line.
struct Pen<'a> {
    about: &'a About,
    lanes: &'a Lanes,
    lines: Vec<Canvas>,
    /// Where remarks end.
    remarks: Vec<usize>,
    /// The time that was written last.
    told: Option<Instant>,
}

impl Pen<'_> {
    /// Texts of one moment: what happens on different hosts stands side by side.
    fn texts(&mut self, rows: &[Row]) {
        let mut columns: Vec<Vec<(String, Tone)>> = vec![Vec::new(); self.lanes.rails.len()];
        for row in rows {
            let Some((lane, text, tone)) = row.kind.text() else { continue };
            let lane = lane.min(columns.len() - 1);
            let lines = wrap(text, self.lanes.room(lane));
            columns[lane].extend(lines.into_iter().map(|line| (line, tone)));
        }
        let first = self.lines.len();
        let height = columns.iter().map(Vec::len).max().unwrap_or(0);
        for index in 0..height {
            self.side_by_side(&columns, index);
        }
        if self.told != Some(rows[0].at) {
            self.time(first, rows[0].at);
        }
    }

    /// One line of each lane; a text that would run into its neighbour gets a line of its own.
    fn side_by_side(&mut self, columns: &[Vec<(String, Tone)>], index: usize) {
        let mut line = rails(self.lanes, '│');
        let mut taken = 0;
        for (lane, column) in columns.iter().enumerate() {
            let Some((text, tone)) = column.get(index) else { continue };
            let place = self.place(lane, text);
            if place.start < taken {
                self.lines.push(std::mem::replace(&mut line, rails(self.lanes, '│')));
            }
            // Two spaces keep neighbours apart.
            taken = place.end + 2;
            line.put(place.start, text, *tone);
        }
        self.lines.push(line);
    }

    /// The columns a text takes in its lane.
    fn place(&self, lane: usize, text: &str) -> Range<usize> {
        let columns = width(text);
        let start = self.lanes.start(lane, columns);
        start..start + columns
    }

    /// What is said about what was just shown: the rails make room for it.
    fn remark(&mut self, text: &str) {
        let from = self.lanes.rails[0] + 1;
        for (index, text) in
            wrap(text, self.lanes.width.saturating_sub(from + 3)).iter().enumerate()
        {
            let mut line = Canvas::new(self.lanes.width);
            line.fill(from - 1, from, '│', Tone::Faint);
            let (mark, text) =
                if index == 0 { (REMARK, text.as_str()) } else { (' ', text.trim_start()) };
            line.fill(from + 1, from + 2, mark, Tone::Strong);
            line.put(from + 3, text, Tone::Strong);
            self.lines.push(line);
        }
        self.remarks.push(self.lines.len());
    }

    /// A broken invariant must not be overlooked.
    fn banner(&mut self, at: Instant, text: &str) {
        let (first, from) = (self.lines.len(), self.lanes.rails[0]);
        for text in wrap(text, self.lanes.width.saturating_sub(from + 8)) {
            let mut line = Canvas::new(self.lanes.width);
            line.fill(from, self.lanes.width, '!', Tone::Bad);
            line.put(from + 3, &format!(" {text} "), Tone::Bad);
            self.lines.push(line);
        }
        self.time(first, at);
    }

    /// The rails go on as dots: the ladder is cut here.
    fn gap(&mut self, duration: &str) {
        let mut line = rails(self.lanes, '┊');
        let (from, to) = (self.lanes.rails[0] + 1, self.lanes.width - 1);
        line.fill(from, to, '┄', Tone::Faint);
        let text = format!(" {duration} ");
        line.put(from + (to - from).saturating_sub(width(&text)) / 2, &text, Tone::Plain);
        self.lines.push(line);
    }

    /// Dotted rails here too: something is left out.
    fn folded(&mut self, at: Instant, counts: &[Count], until: Instant) {
        let counts: Vec<_> = counts.iter().map(|count| self.count(count)).collect();
        let until = (until != at).then(|| format!("   until {}", self.lanes.clock.time(until)));
        let text = format!("{}{}", counts.join("   "), until.unwrap_or_default());
        let (first, from) = (self.lines.len(), self.lanes.rails[0]);
        for text in wrap(&text, self.lanes.width.saturating_sub(from + 6)) {
            let mut line = rails(self.lanes, '┊');
            line.put(from + 3, &text, Tone::Plain);
            self.lines.push(line);
        }
        self.time(first, at);
    }

    /// What to do about folded rows.
    fn footer(&mut self) {
        for text in wrap(FOLDED, self.lanes.width.saturating_sub(self.lanes.rails[0])) {
            let mut line = Canvas::new(self.lanes.width);
            line.put(self.lanes.rails[0], &text, Tone::Faint);
            self.lines.push(line);
        }
    }

    /// `→ 42 segments, 61,320 octets`; by name when an arrow would not tell which hosts.
    fn count(&self, count: &Count) -> String {
        let mut parts = Vec::new();
        if count.segments > 0 {
            parts.push(words::counted(count.segments, "segment"));
            parts.push(words::counted(count.octets, "octet"));
        }
        if count.acks > 0 {
            parts.push(words::counted(count.acks, "ACK"));
        }
        let special =
            [(count.again, "again"), (count.overtaken, "overtaken"), (count.late, "late")];
        for (number, what) in special {
            if number > 0 {
                parts.push(format!("{} {what}", words::grouped(number)));
            }
        }
        let parts = parts.join(", ");
        match (self.lanes.rails.len(), count.from < count.to) {
            (2, true) => format!("{parts} →"),
            (2, false) => format!("← {parts}"),
            _ => format!("{} → {}: {parts}", self.name(count.from), self.name(count.to)),
        }
    }

    /// The host of a lane.
    fn name(&self, lane: usize) -> String {
        self.about.name(HostId(lane as u16))
    }

    /// Writes the time beside a line that was drawn already.
    fn time(&mut self, line: usize, at: Instant) {
        let text = self.lanes.time(at);
        if let Some(line) = self.lines.get_mut(line) {
            line.put(0, &text, Tone::Plain);
        }
        self.told = Some(at);
    }
}
