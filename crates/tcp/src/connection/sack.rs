//! What the receiver reports of text beyond a gap (RFC 2018 §4), and of text that came twice
//! (DSACK, RFC 2883).

use alloc::boxed::Box;

use twomsl_wire::{SackBlocks, SeqNum};

/// A stretch of sequence space: the first number, and the number after the last.
pub(crate) type Stretch = (SeqNum, SeqNum);

/// What there is to report. Most connections have nothing, and it takes no room then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct SackReport(Option<Box<Report>>);

/// The blocks to report, the most recent first, so that a lost acknowledgment loses little
/// (RFC 2018 §4: "the most recently reported SACK blocks are repeated").
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Report {
    blocks: SackBlocks,
    /// Text that came twice: reported once, before the others (RFC 2883 §4).
    duplicate: Option<Stretch>,
}

impl SackReport {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Text arrived that belongs to this stretch of what is kept.
    pub(crate) fn put_first(&mut self, block: Stretch) {
        let report = self.0.get_or_insert_default();
        let mut blocks = SackBlocks::default();
        let _ = blocks.push(block.0, block.1);
        for (left, right) in report.blocks.iter() {
            let swallowed = left.at_or_after(block.0) && right.at_or_before(block.1);
            if !swallowed {
                // The oldest has to go when there is no room for it.
                let _ = blocks.push(left, right);
            }
        }
        report.blocks = blocks;
    }

    /// A stretch together with the blocks that it touches; `None` when it touches none.
    pub(crate) fn join(&self, (mut left, mut right): Stretch) -> Option<Stretch> {
        let mut touched = false;
        for (from, to) in self.0.as_ref()?.blocks.iter() {
            if from.at_or_before(right) && to.at_or_after(left) {
                touched = true;
                left = if from.before(left) { from } else { left };
                right = right.later(to);
            }
        }
        touched.then_some((left, right))
    }

    /// The end of the block that reaches farthest.
    pub(crate) fn last_end(&self) -> Option<SeqNum> {
        let blocks = &self.0.as_ref()?.blocks;
        blocks.iter().map(|(_, right)| right).reduce(SeqNum::later)
    }

    /// RCV.NXT has moved: what lies before it is acknowledged, not reported.
    #[inline]
    pub(crate) fn advance(&mut self, next: SeqNum) {
        if self.0.is_some() {
            self.keep_beyond(next);
        }
    }

    #[inline(never)]
    fn keep_beyond(&mut self, next: SeqNum) {
        let Some(report) = &mut self.0 else { return };
        let mut blocks = SackBlocks::default();
        for (left, right) in report.blocks.iter().filter(|(_, right)| right.after(next)) {
            let _ = blocks.push(left.later(next), right);
        }
        report.blocks = blocks;
        self.tidy();
    }

    /// Text came a second time.
    pub(crate) fn report_duplicate(&mut self, stretch: Stretch) {
        self.0.get_or_insert_default().duplicate = Some(stretch);
    }

    /// At most `room` blocks for a segment that is sent now.
    pub(crate) fn take(&mut self, room: usize) -> SackBlocks {
        let mut blocks = SackBlocks::default();
        let Some(report) = &mut self.0 else { return blocks };
        let duplicate = report.duplicate.take();
        for (left, right) in duplicate.into_iter().chain(report.blocks.iter()).take(room) {
            let _ = blocks.push(left, right);
        }
        self.tidy();
        blocks
    }

    fn tidy(&mut self) {
        self.0.take_if(|report| report.blocks.is_empty() && report.duplicate.is_none());
    }

    /// How many blocks the next segment would carry, at most `room`.
    pub(crate) fn len(&self, room: usize) -> usize {
        self.0.as_ref().map_or(0, |report| {
            (report.blocks.len() + usize::from(report.duplicate.is_some())).min(room)
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const BASE: SeqNum = SeqNum::new(u32::MAX - 10);

    fn stretch(from: u32, to: u32) -> Stretch {
        (BASE + from, BASE + to)
    }

    fn report(report: &mut SackReport, room: usize) -> Vec<(u32, u32)> {
        report.take(room).iter().map(|(from, to)| (from.since(BASE), to.since(BASE))).collect()
    }

    /// The second case of RFC 2018 §7: every second segment is lost.
    #[test]
    fn the_newest_block_comes_first_and_the_oldest_falls_off() {
        let mut blocks = SackReport::default();
        for start in [10, 30, 50, 70, 90] {
            blocks.put_first(stretch(start, start + 10));
        }
        let shown = [(90, 100), (70, 80), (50, 60), (30, 40)];
        assert_eq!(report(&mut blocks, 4), shown);
        assert_eq!(report(&mut blocks, 3), shown[..3], "next to timestamps");
    }

    #[test]
    fn a_block_that_grew_swallows_its_parts() {
        let mut blocks = SackReport::default();
        blocks.put_first(stretch(10, 20));
        blocks.put_first(stretch(30, 40));
        blocks.put_first(stretch(10, 40));
        assert_eq!(report(&mut blocks, 4), [(10, 40)]);
    }

    #[test]
    fn what_is_acknowledged_is_not_reported() {
        let mut blocks = SackReport::default();
        blocks.put_first(stretch(10, 20));
        blocks.put_first(stretch(30, 40));
        blocks.advance(BASE + 20);
        assert_eq!(report(&mut blocks, 4), [(30, 40)]);
        blocks.advance(BASE + 40);
        assert!(blocks.is_empty());
    }

    /// RFC 2883 §4: first, and once.
    #[test]
    fn a_duplicate_is_reported_first_and_once() {
        let mut blocks = SackReport::default();
        blocks.put_first(stretch(10, 20));
        blocks.report_duplicate(stretch(0, 5));
        assert_eq!(blocks.len(4), 2);
        assert_eq!(report(&mut blocks, 4), [(0, 5), (10, 20)]);
        assert_eq!(report(&mut blocks, 4), [(10, 20)]);
    }
}
