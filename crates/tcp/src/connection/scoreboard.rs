//! What was sent and is not acknowledged, segment by segment (RFC 6675 §3).

use alloc::collections::VecDeque;

use twomsl_wire::{SackBlocks, SeqNum};

use super::parts::Push;
use super::sack::Stretch;
use crate::Instant;

#[cfg(test)]
mod tests;

/// A segment that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sent {
    pub(crate) seq: SeqNum,
    /// Sequence numbers that it takes, those of SYN and FIN included.
    pub(crate) length: u32,
    /// When it was sent last.
    pub(crate) at: Instant,
    marks: Marks,
}

/// What is known of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Marks(u8);

impl Marks {
    const NONE: Self = Self(0);
    /// The receiver has it.
    const SACKED: Self = Self(1);
    /// It counts as lost: its last copy but the one under way is gone.
    const LOST: Self = Self(2);
    /// It was sent again, and that copy is under way.
    const AGAIN: Self = Self(4);
    /// It was sent more than once.
    const COPIED: Self = Self(8);
    /// It is lost because it was too large for the path.
    const TOO_LARGE: Self = Self(16);
    /// It carries PSH, whenever it is sent.
    const PUSHED: Self = Self(32);

    const fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    const fn with(self, mark: Self) -> Self {
        Self(self.0 | mark.0)
    }

    const fn without(self, mark: Self) -> Self {
        Self(self.0 & !mark.0)
    }
}

impl Sent {
    /// The number after its last one.
    pub(crate) fn end(&self) -> SeqNum {
        self.seq + self.length
    }

    pub(crate) const fn is_sacked(&self) -> bool {
        self.marks.has(Marks::SACKED)
    }

    /// Whether it was sent more than once, so that its acknowledgment is ambiguous.
    pub(crate) const fn was_copied(&self) -> bool {
        self.marks.has(Marks::COPIED)
    }

    /// Whether it was too large for the path, and was not sent again since.
    pub(crate) const fn was_too_large(&self) -> bool {
        self.marks.has(Marks::TOO_LARGE)
    }

    /// Whether it carries PSH, where text is sent as it was written.
    pub(super) const fn push(&self) -> Push {
        if self.marks.has(Marks::PUSHED) { Push::Yes } else { Push::No }
    }

    /// Whether it counts as lost and was not sent again since.
    pub(crate) const fn awaits_repair(&self) -> bool {
        self.marks.has(Marks::LOST) && !self.marks.has(Marks::AGAIN)
    }

    /// How many copies of it may still be in the network.
    const fn copies(&self) -> u32 {
        if self.marks.has(Marks::SACKED) {
            return 0;
        }
        !self.marks.has(Marks::LOST) as u32 + self.marks.has(Marks::AGAIN) as u32
    }
}

/// A number of segments, and of octets in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Count {
    pub(crate) segments: u32,
    pub(crate) octets: u32,
}

impl Count {
    fn add(&mut self, sent: &Sent) {
        self.segments += 1;
        self.octets += sent.length;
    }

    fn remove(&mut self, sent: &Sent) {
        self.segments -= 1;
        self.octets -= sent.length;
    }
}

/// What one acknowledgment says has arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivery {
    /// Everything that nothing said before.
    pub(crate) delivered: Count,
    /// Of these what a SACK block said.
    pub(crate) sacked: Count,
    /// When the oldest of those acknowledged was sent, if it was sent once: what a round trip is
    /// measured by (RFC 6298 §3).
    pub(crate) first_sent: Option<Instant>,
    /// The same of those a SACK block named.
    pub(crate) first_sacked: Option<Instant>,
    /// The one that was sent last of all of them.
    pub(crate) newest: Option<Sent>,
    /// The one that was sent last of those that were sent once.
    pub(crate) newest_original: Option<Sent>,
    /// The first of those that were sent once, and arrived after what was sent behind them.
    pub(crate) reordered: Option<SeqNum>,
    /// The end of the first that was sent once: no retransmission can explain its arrival.
    pub(crate) original: Option<SeqNum>,
    /// Whether something that was sent again is among them.
    pub(crate) repaired: bool,
}

impl Delivery {
    fn take(&mut self, sent: &Sent) {
        self.delivered.add(sent);
        if sent.was_copied() {
            self.repaired = true;
        } else {
            let earlier = self.original.filter(|known| known.before(sent.end()));
            self.original = Some(earlier.unwrap_or(sent.end()));
        }
        let newer = |known: &Sent| sent_after(sent.at, sent.end(), known.at, known.end());
        if self.newest.as_ref().is_none_or(newer) {
            self.newest = Some(*sent);
        }
        if !sent.was_copied() && self.newest_original.as_ref().is_none_or(newer) {
            self.newest_original = Some(*sent);
        }
    }
}

/// Whether the first of two was sent after the second: by time, then by what they end with
/// (RFC 8985 §6.2, step 2).
pub(crate) fn sent_after(at: Instant, end: SeqNum, other: Instant, other_end: SeqNum) -> bool {
    at > other || (at == other && end.after(other_end))
}

/// Segments from SND.UNA to SND.NXT, in their order and without gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Scoreboard {
    segments: VecDeque<Sent>,
    sacked: Count,
    /// Marked lost, sent again or not.
    lost: Count,
    /// Copies that may still be in the network: the `pipe` of RFC 6675.
    pipe: Count,
    /// How many at the front reach up to the highest that was SACKed, itself included.
    reach: usize,
    /// Before this place nothing awaits repair.
    hint: usize,
    /// The blocks of the last acknowledgment: what they cover is marked.
    known: SackBlocks,
}

impl Scoreboard {
    /// An empty one in the memory of this one.
    pub(crate) fn emptied(self) -> Self {
        let mut segments = self.segments;
        segments.clear();
        Self { segments, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Sent> {
        self.segments.get(index)
    }

    pub(crate) const fn sacked(&self) -> Count {
        self.sacked
    }

    pub(crate) const fn lost(&self) -> Count {
        self.lost
    }

    /// What is under way.
    pub(crate) const fn pipe(&self) -> Count {
        self.pipe
    }

    /// How many copies of what was sent again may still be in the network.
    pub(crate) fn copies_under_way(&self) -> u32 {
        self.pipe.segments + self.sacked.segments + self.lost.segments - self.segments.len() as u32
    }

    /// How many segments before the highest that was SACKed are not.
    pub(crate) const fn holes(&self) -> usize {
        self.reach - self.sacked.segments as usize
    }

    /// How many segments at the front lie before or are the highest that was SACKed.
    pub(crate) const fn reach(&self) -> usize {
        self.reach
    }

    /// Something is sent that was never sent before.
    #[inline]
    pub(crate) fn push(&mut self, seq: SeqNum, length: u32, now: Instant) {
        self.push_segment(seq, length, now, Push::No);
    }

    /// The same for a segment that carries PSH, or does not.
    #[inline]
    pub(super) fn push_segment(&mut self, seq: SeqNum, length: u32, now: Instant, push: Push) {
        let marks = if push == Push::Yes { Marks::PUSHED } else { Marks::NONE };
        let sent = Sent { seq, length, at: now, marks };
        self.pipe.add(&sent);
        self.segments.push_back(sent);
    }

    /// Everything before `ack` is acknowledged.
    #[inline]
    pub(crate) fn acknowledge(&mut self, ack: SeqNum, delivery: &mut Delivery) {
        while let Some(sent) = self.segments.front() {
            if sent.end().after(ack) {
                if sent.seq.before(ack) {
                    self.trim_front(ack, delivery);
                }
                break;
            }
            let sent = *sent;
            self.forget_front(&sent);
            if sent.is_sacked() {
                continue;
            }
            self.note_arrival(&sent, delivery);
            if delivery.first_sent.is_none() && !sent.was_copied() {
                delivery.first_sent = Some(sent.at);
            }
        }
    }

    #[inline]
    fn forget_front(&mut self, sent: &Sent) {
        self.segments.pop_front();
        self.uncount(sent);
        let below = usize::from(self.reach > 0);
        self.reach -= below;
        self.hint = self.hint.saturating_sub(1);
        // An old hole that is filled although what followed it had come.
    }

    #[inline]
    fn note_arrival(&self, sent: &Sent, delivery: &mut Delivery) {
        // It had been passed by what was SACKed before this acknowledgment (`prior_fack`).
        let passed = self.sacked.segments > delivery.sacked.segments;
        if passed && !sent.was_copied() && delivery.reordered.is_none() {
            delivery.reordered = Some(sent.seq);
        }
        delivery.take(sent);
    }

    /// A part of the first segment is acknowledged.
    #[cold]
    fn trim_front(&mut self, ack: SeqNum, delivery: &mut Delivery) {
        let Some(mut sent) = self.segments.front().copied() else { return };
        let cut = ack.since(sent.seq);
        self.uncount(&sent);
        if !sent.is_sacked() {
            delivery.delivered.octets += cut;
        }
        (sent.seq, sent.length) = (ack, sent.length - cut);
        self.count(&sent);
        self.segments[0] = sent;
    }

    fn count(&mut self, sent: &Sent) {
        for _ in 0..sent.copies() {
            self.pipe.add(sent);
        }
        if sent.is_sacked() {
            self.sacked.add(sent);
        } else if sent.marks.has(Marks::LOST) {
            self.lost.add(sent);
        }
    }

    #[inline]
    fn uncount(&mut self, sent: &Sent) {
        for _ in 0..sent.copies() {
            self.pipe.remove(sent);
        }
        if sent.is_sacked() {
            self.sacked.remove(sent);
        } else if sent.marks.has(Marks::LOST) {
            self.lost.remove(sent);
        }
    }

    /// Gives a segment other marks.
    fn mark(&mut self, index: usize, change: impl FnOnce(Marks) -> Marks) {
        let mut sent = self.segments[index];
        self.uncount(&sent);
        sent.marks = change(sent.marks);
        self.count(&sent);
        self.segments[index] = sent;
    }

    /// The receiver has these blocks. What they repeat of the last acknowledgment's need not be
    /// looked at again.
    pub(crate) fn sack(&mut self, blocks: &SackBlocks, delivery: &mut Delivery) {
        if self.sacked.segments == 0 {
            self.known = SackBlocks::default();
        }
        // Blocks come in any order: what one of them reaches must not make another look late.
        let reach = self.reach;
        for block in blocks.iter() {
            let (mut left, mut right) = block;
            for (known_left, known_right) in self.known.iter() {
                if left.at_or_after(known_left) && left.before(known_right) {
                    left = known_right;
                } else if right.after(known_left) && right.at_or_before(known_right) {
                    right = known_left;
                }
            }
            if left.before(right) {
                self.sack_part(block, (left, right), reach, delivery);
            }
        }
        self.known = *blocks;
    }

    /// Looks at those segments of a block that lie in its `part`, or begin or end there.
    fn sack_part(&mut self, block: Stretch, part: Stretch, reach: usize, delivery: &mut Delivery) {
        let mut index = self.segments.partition_point(|sent| sent.end().at_or_before(part.0));
        while let Some(sent) = self.segments.get(index).copied()
            && sent.seq.before(part.1)
        {
            let whole = sent.seq.at_or_after(block.0) && sent.end().at_or_before(block.1);
            if whole && !sent.is_sacked() {
                self.take_sacked(index, &sent, reach, delivery);
            }
            index += 1;
        }
    }

    fn take_sacked(&mut self, index: usize, sent: &Sent, reach: usize, delivery: &mut Delivery) {
        self.mark(index, |marks| {
            marks.with(Marks::SACKED).without(Marks::LOST).without(Marks::AGAIN)
        });
        delivery.sacked.add(sent);
        let earliest = delivery.reordered.is_none_or(|known| sent.seq.before(known));
        if index < reach && !sent.was_copied() && earliest {
            delivery.reordered = Some(sent.seq);
        }
        delivery.take(sent);
        if !sent.was_copied() {
            delivery.first_sacked.get_or_insert(sent.at);
        }
        self.reach = self.reach.max(index + 1);
    }

    /// A segment counts as lost, even if it was sent again before.
    pub(crate) fn mark_lost(&mut self, index: usize) {
        self.mark(index, |marks| marks.with(Marks::LOST).without(Marks::AGAIN));
        self.hint = self.hint.min(index);
    }

    /// Everything counts as lost that the receiver is not known to have, and `which` names.
    pub(crate) fn mark_all_lost(&mut self, which: impl Fn(usize, &Sent) -> bool) {
        for index in 0..self.segments.len() {
            let sent = &self.segments[index];
            if !sent.is_sacked() && which(index, sent) {
                self.mark_lost(index);
            }
        }
    }

    /// What `which` names was too large and counts as lost, unless the receiver has it.
    pub(crate) fn mark_too_large(&mut self, which: impl Fn(&Sent) -> bool) {
        for index in 0..self.segments.len() {
            let sent = &self.segments[index];
            if !sent.is_sacked() && which(sent) {
                self.mark_lost(index);
                self.mark(index, |marks| marks.with(Marks::TOO_LARGE));
            }
        }
    }

    /// Nothing counts as lost any more: it was only late.
    pub(crate) fn unmark_lost(&mut self) {
        for index in 0..self.segments.len() {
            if self.segments[index].marks.has(Marks::LOST) {
                self.mark(index, |marks| marks.without(Marks::LOST));
            }
        }
    }

    /// The receiver may have thrown away what it had SACKed ("reneging", RFC 2018 §8): nothing of
    /// it counts any more.
    pub(crate) fn forget_sacks(&mut self) {
        for index in 0..self.segments.len() {
            if self.segments[index].is_sacked() {
                self.mark(index, |marks| marks.without(Marks::SACKED));
            }
        }
        (self.reach, self.known) = (0, SackBlocks::default());
    }

    /// The place of the first segment that counts as lost and was not sent again.
    pub(crate) fn next_repair(&mut self) -> Option<usize> {
        if self.lost.segments == 0 {
            return None;
        }
        while let Some(sent) = self.segments.get(self.hint) {
            if sent.awaits_repair() {
                return Some(self.hint);
            }
            self.hint += 1;
        }
        None
    }

    /// A segment is sent again.
    pub(crate) fn on_sent_again(&mut self, index: usize, now: Instant) {
        self.mark(index, |marks| {
            marks.with(Marks::AGAIN).with(Marks::COPIED).without(Marks::TOO_LARGE)
        });
        self.segments[index].at = now;
    }

    /// Makes two segments of one, the first of `length`.
    pub(crate) fn split(&mut self, index: usize, length: u32) {
        let mut first = self.segments[index];
        if length == 0 || length >= first.length {
            return;
        }
        self.uncount(&first);
        let mut second = first;
        (second.seq, second.length) = (first.seq + length, first.length - length);
        first.length = length;
        // `tcp_fragment`: PSH stays with the last octet.
        first.marks = first.marks.without(Marks::PUSHED);
        self.count(&first);
        self.count(&second);
        self.segments[index] = first;
        self.segments.insert(index + 1, second);
        self.reach += usize::from(index < self.reach);
        self.hint += usize::from(index < self.hint);
    }

    /// Makes one segment of this one and those behind it that await repair, too, of at most
    /// `size` octets.
    pub(crate) fn collapse(&mut self, index: usize, size: u32) {
        while let (Some(first), Some(second)) =
            (self.segments.get(index), self.segments.get(index + 1))
            && second.awaits_repair()
            && first.length + second.length <= size
        {
            let (mut first, second) = (*first, *second);
            self.uncount(&first);
            self.uncount(&second);
            first.length += second.length;
            first.marks = first.marks.with(second.marks);
            self.count(&first);
            self.segments[index] = first;
            self.segments.remove(index + 1);
            self.reach -= usize::from(index + 1 < self.reach);
        }
    }

    /// The last segment grows by text that was never sent, because it is sent again.
    pub(crate) fn extend_last(&mut self, octets: u32) {
        if let Some(mut sent) = self.segments.back().copied() {
            self.uncount(&sent);
            sent.length += octets;
            self.count(&sent);
            let last = self.segments.len() - 1;
            self.segments[last] = sent;
        }
    }

    /// The counts are those of the segments: for assertions.
    #[cfg(test)]
    fn assert_counts(&self) {
        let mut fresh = Self::default();
        for sent in &self.segments {
            fresh.count(sent);
        }
        assert_eq!((fresh.sacked, fresh.lost, fresh.pipe), (self.sacked, self.lost, self.pipe));
        let reach = self.segments.iter().rposition(Sent::is_sacked).map_or(0, |last| last + 1);
        assert_eq!(reach, self.reach);
    }
}
