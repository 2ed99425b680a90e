//! What a ladder shows, row by row, before any of it is drawn.

use std::time::Duration;

use twomsl_tcp::Instant;

use super::canvas::Tone;
use crate::journeys::Order;
use crate::model::PacketId;

/// One thing to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) at: Instant,
    pub(super) kind: Kind,
    /// What a fold would count it as; none when it must be seen.
    pub(super) fold: Option<Fold>,
}

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something that happened on a host.
    Text { lane: usize, text: String, tone: Tone },
    /// What a host is left with when the run ends.
    Remains { lane: usize, text: String },
    /// A segment.
    Arrow(Arrow),
    /// What the scenario says about this moment, across all lanes.
    Remark(String),
    /// Something loud, across all lanes.
    Banner(String),
    /// Nothing happened for so long.
    Gap(Duration),
    /// Several ordinary rows in one: what each direction carried, and until when.
    Folded { counts: Vec<Count>, until: Instant },
}

impl Kind {
    /// The lane, the words and the tone of a row that is nothing but text.
    pub(super) fn text(&self) -> Option<(usize, &str, Tone)> {
        match self {
            Self::Text { lane, text, tone } => Some((*lane, text, *tone)),
            Self::Remains { lane, text } => Some((*lane, text, Tone::Strong)),
            Self::Arrow(_)
            | Self::Remark(_)
            | Self::Banner(_)
            | Self::Gap(_)
            | Self::Folded { .. } => None,
        }
    }
}

/// A segment on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: String,
    pub(super) start: Start,
    pub(super) end: End,
    /// More about it, under the arrow.
    pub(super) notes: Vec<String>,
}

/// Where an arrow begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At the sender.
    Host,
    /// On the way: it was sent earlier.
    Underway,
    /// Out of nothing.
    Nothing,
}

/// Where an arrow ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At the receiver.
    Host,
    /// On the way, for good.
    Lost(String),
    /// On the way, for now: its arrival has a row of its own.
    Later(String),
}

/// What an ordinary row adds to a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    /// A segment.
    Segment(Ordinary),
    /// More about a segment: it is left out if the segment is.
    Part(PacketId),
    /// Something that goes without saying among such segments.
    Silent,
}

/// A segment of which only the number matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ordinary {
    pub(super) packet: PacketId,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) octets: u64,
    pub(super) order: Order,
    pub(super) again: Again,
}

/// Whether all numbers of a segment were sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Yes,
    No,
}

/// What one direction carried.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Count {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) segments: u64,
    pub(super) octets: u64,
    /// Segments without text.
    pub(super) acks: u64,
    /// Those of all these that others overtook on the way.
    pub(super) overtaken: u64,
    /// Those of all these that were much later than others.
    pub(super) late: u64,
    /// Those of all these whose numbers were sent before.
    pub(super) again: u64,
}
