//! Where things stand: the columns of the time, the rails, and the room beside each rail.

use twomsl_tcp::Instant;

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
    /// Columns after it.
    pub(super) decimals: usize,
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
    /// Lanes for so many hosts, with a time column in which all of `times` align.
    pub(super) fn new(width: usize, hosts: usize, times: impl Iterator<Item = Instant>) -> Self {
        let (mut seconds, mut decimals) = (SECONDS, 3);
        for time in times {
            let text = time.to_string();
            let (before, after) = text.split_once('.').unwrap_or((&text, ""));
            seconds = seconds.max(before.len());
            decimals = decimals.max(after.len());
        }
        let first = seconds + 1 + decimals + 2;
        let gaps = hosts.saturating_sub(1);
        let least = first + gaps.max(1) * (ROOM + 1) + 1;
        let width = width.max(least);
        let span = width - 1 - first;
        let rails = (0..hosts.max(1)).map(|host| first + span * host / gaps.max(1)).collect();
        Self { width, seconds, decimals, rails }
    }

    /// A time, its point in the column of all points, with as many decimals as all others.
    pub(super) fn time(&self, time: Instant) -> String {
        let text = time.to_string();
        let (before, after) = text.split_once('.').unwrap_or((&text, ""));
        let (seconds, decimals) = (self.seconds, self.decimals);
        format!("{before:>seconds$}.{after:0<decimals$}")
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
