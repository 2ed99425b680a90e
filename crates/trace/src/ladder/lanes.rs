//! Where things stand: the columns of the time, the rails, and the room beside each rail.

use twomsl_tcp::Instant;

use crate::clock::Clock;

/// Columns of the seconds, up to the point: four digits are more than two hours.
const SECONDS: usize = 4;

/// The least room between two rails. A ladder with many hosts gets wider than it was asked to.
const ROOM: usize = 30;

/// The columns of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lanes {
    /// Columns in all.
    pub(super) width: usize,
    /// Columns of seconds before the point of a time.
    pub(super) seconds: usize,
    /// Writes the times.
    pub(super) clock: Clock,
    /// The column of each host's rail, left to right; never empty.
    pub(super) rails: Vec<usize>,
}

/// A direction on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Text begins at the rail.
    Left,
    /// Text ends at the rail.
    Right,
}

impl Lanes {
    /// Lanes for so many hosts, with a time column in which times up to `last` align.
    pub(super) fn new(width: usize, hosts: usize, clock: Clock, last: Instant) -> Self {
        let seconds = clock.time(last).len().saturating_sub(clock.decimals + 1).max(SECONDS);
        let first = seconds + 1 + clock.decimals + 2;
        let gaps = hosts.saturating_sub(1);
        let least = first + gaps.max(1) * (ROOM + 1) + 1;
        let width = width.max(least);
        let span = width - 1 - first;
        let rails = (0..hosts.max(1)).map(|host| first + span * host / gaps.max(1)).collect();
        Self { width, seconds, clock, rails }
    }

    /// A time, its point in the column of all points.
    pub(super) fn time(&self, time: Instant) -> String {
        let columns = self.seconds + 1 + self.clock.decimals;
        format!("{:>columns$}", self.clock.time(time))
    }

    /// The column at which the time column's heading `time` ends.
    pub(super) fn time_end(&self) -> usize {
        self.seconds + 4
    }

    pub(super) fn rail(&self, lane: usize) -> usize {
        self.rails[lane.min(self.rails.len() - 1)]
    }

    /// On which side of its rail the text of a lane stands: always within the ladder.
    pub(super) fn side(&self, lane: usize) -> Side {
        if lane > 0 && lane + 1 >= self.rails.len() { Side::Right } else { Side::Left }
    }

    /// Columns for the text of a lane, up to the next rail.
    pub(super) fn room(&self, lane: usize) -> usize {
        let neighbour = match self.side(lane) {
            Side::Right => self.rail(lane - 1),
            Side::Left if lane + 1 < self.rails.len() => self.rail(lane + 1),
            Side::Left => self.width,
        };
        self.rail(lane).abs_diff(neighbour).saturating_sub(3)
    }

    /// The first column of a text of so many columns in a lane.
    pub(super) fn start(&self, lane: usize, columns: usize) -> usize {
        match self.side(lane) {
            Side::Left => self.rail(lane) + 2,
            Side::Right => (self.rail(lane) - 1).saturating_sub(columns),
        }
    }
}
