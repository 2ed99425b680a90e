//! The ladder: a run as a picture that is made of text.
//!
//! Every host has a rail, time runs downwards, and every segment is a rung, drawn at the time
//! at which it was *sent*. The form is fixed; snapshots depend on every byte of it.
//!
//! - `├─ SYN seq=0 … ─▶│` a segment. Numbers count from the ISN of their side, so a SYN is 0;
//!   numbers stand as they are in the header when no ISN is known. `win=` is told when it
//!   changes, in octets, scaled (RFC 7323). `len=` and short printable text follow.
//! - `(again: …)` all its numbers were sent before, and why it is sent.
//! - `─✗ fault 1: …` it is lost, and who did it. `─~ …` it will come later, or never.
//! - `~─ … ─▶│` it lands, having been sent earlier: kept back, overtaken, copied, or late. Plain
//!   arrivals are not drawn: what they cause is.
//! - `*─ … (forged) ─▶│` no host sent it: it was forged, or comes `(from balancer)`, a middlebox,
//!   or `(from the network)`. `├─ … ─↩` the host sent it to itself.
//! - `FIN,ACK seq=1 ⇒ …` what the receiver made of a segment that it did not simply accept.
//! - `TIME-WAIT → CLOSED after 60.210 s` a change of state, with the time spent in the old one
//!   if that was TIME-WAIT or lasted a second; with its cause if the segments do not show it.
//! - `┄┄┄ 59.990 s ┄┄┄` nothing happened. `┊ 42 segments, 61,320 octets → … ┊` nothing but the
//!   ordinary happened; [`Length::Full`] (the command's `--full`) shows all of it, calls too.
//! - `» The FIN is lost.` what whoever wrote the scenario says about what was just shown.
//! - `#2` the second connection, in the order of their first segments; only if there are more.
//!
//! `docs/ladder.md` is the same for readers who never saw one, with an example.
//!
//! Times are in seconds, to the millisecond or, if a delay was drawn, to the microsecond, all with
//! the same decimals.
//! A text row has no time when it happened at the same time as the row above it.

mod arrow;
mod canvas;
mod draw;
mod fold;
mod heading;
mod label;
mod lanes;
mod micros;
mod options;
mod row;
mod rows;

use lanes::Lanes;

use twomsl_tcp::Instant;

use crate::clock::Clock;
use crate::connections::Connections;
use crate::model::Trace;

/// How a ladder is laid out. Never taken from the terminal: a snapshot must not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// Columns. More are taken if the hosts do not fit: some 30 between two of them.
    pub width: usize,
    /// Whether long runs of ordinary segments are counted or shown.
    pub length: Length,
}

/// Whether ordinary segments are all shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Length {
    /// More than six in a row become one line.
    #[default]
    Folded,
    /// Every segment has its line.
    Full,
}

impl Default for Form {
    /// 100 columns, folded.
    fn default() -> Self {
        Self { width: 100, length: Length::Folded }
    }
}

/// Whether a ladder carries colour codes.
pub use canvas::Colour;

/// The ladder as plain text.
pub fn plain(trace: &Trace, form: Form) -> String {
    parts(trace, form, Colour::Off).concat()
}

/// The same text with ANSI colours; without them it is [`plain`]'s, byte for byte.
pub fn coloured(trace: &Trace, form: Form) -> String {
    parts(trace, form, Colour::On).concat()
}

/// The ladder cut behind every remark, in their order in the trace: the last part is what follows
/// the last of them.
pub fn parts(trace: &Trace, form: Form, colour: Colour) -> Vec<String> {
    let cut = micros::cut(trace);
    let trace = cut.as_ref().unwrap_or(trace);
    let connections = Connections::of(trace);
    let times = trace.records.iter().map(|record| record.at);
    let clock = Clock::of(times.chain(trace.about.cut_at));
    let mut rows = rows::rows(trace, &connections, clock);
    if form.length == Length::Folded {
        rows = fold::fold_runs(rows);
    }
    let rows = fold::insert_gaps(rows);
    let last = rows.iter().map(|row| row.at).max().unwrap_or(Instant::ZERO);
    let lanes = Lanes::new(form.width, trace.about.hosts.len(), clock, last);
    let mut text = String::new();
    for line in heading::heading(&trace.about, &lanes) {
        line.write(colour, &mut text);
    }
    let draw::Drawing { lines, remarks } = draw::draw(&trace.about, &lanes, &rows);
    let mut parts = Vec::with_capacity(remarks.len() + 1);
    for (index, line) in lines.iter().enumerate() {
        line.write(colour, &mut text);
        if remarks.contains(&(index + 1)) {
            parts.push(std::mem::take(&mut text));
        }
    }
    parts.push(text);
    parts
}
