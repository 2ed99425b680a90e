//! Where the text that waits to be sent is cut on Linux: the `sk_buff`s of the send queue, each of
//! which is sent by itself. A write goes on with the last of them as long as that has room; the
//! last octet of a write is marked to be pushed, and what follows it in the same part takes the
//! mark away (`tcp_sendmsg_locked`).

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use twomsl_wire::SeqNum;

/// What a packet can have at most without the headers of lower layers: `sk_gso_max_size`, 65,536
/// without `MAX_TCP_HEADER` + 1.
const LARGEST: u32 = 65_536 - 321;

/// How a write ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ending {
    /// What was written is to reach the peer's application: PSH (MUST-60).
    #[default]
    Push,
    /// More follows at once (`MSG_MORE`): what is no full segment waits for it.
    More,
    /// It ends a record (`MSG_EOR`): nothing that follows shares a segment with it.
    Record,
}

/// Parts of the text that was not sent yet. Mostly there is one, and it has no end yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Parts {
    /// Where the last part begins.
    start: SeqNum,
    /// The end of what was pushed last (`pushed_seq`).
    pushed: SeqNum,
    last: Marks,
    /// Those before the last, with their ends.
    #[expect(clippy::box_collection, reason = "an idle connection is to stay small")]
    closed: Option<Box<VecDeque<(SeqNum, Marks)>>>,
}

/// What is to be done with the end of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Marks {
    push: Push,
    ending: Ending,
}

/// Whether a segment carries PSH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Push {
    Yes,
    #[default]
    No,
}

/// The first part: what is sent next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// The number after its text.
    pub(super) end: SeqNum,
    pub(super) push: Push,
    pub(super) place: Place,
}

/// Whether something follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Last,
    Before,
}

impl Parts {
    /// Before anything is written.
    pub(crate) fn new(start: SeqNum) -> Self {
        Self { start, pushed: start, last: Marks::default(), closed: None }
    }

    /// How much a part holds, for segments of this size and a peer whose largest window that was
    /// (`tcp_xmit_size_goal`).
    pub(super) fn goal(mss: u32, half_window: u32) -> u32 {
        let mss = mss.max(1);
        (LARGEST.min(half_window) / mss).max(1) * mss
    }

    /// Room in the last part, `nxt` being what is sent next and `end` where the text ends; none
    /// if the next octet begins a part of its own.
    pub(super) fn room(&self, nxt: SeqNum, end: SeqNum, goal: u32) -> u32 {
        let length = end.offset_from(self.start.later(nxt));
        if length <= 0 || self.last.ending == Ending::Record {
            return 0;
        }
        goal.saturating_sub(length.cast_unsigned())
    }

    /// Text is to be put behind `end`, the first of a write or what follows it. How much there is
    /// room for without another part.
    pub(super) fn open(&mut self, nxt: SeqNum, end: SeqNum, goal: u32, write: Write) -> u32 {
        let room = self.room(nxt, end, goal);
        if room == 0 {
            if nxt.before(end) && self.start.before(end) {
                self.closed.get_or_insert_default().push_back((end, self.last));
            }
            (self.start, self.last) = (end, Marks::default());
            return goal;
        }
        if write == Write::Begins {
            self.last.push = Push::No;
        }
        room
    }

    /// What ends at `end` is pushed (`tcp_mark_push`).
    pub(super) fn push(&mut self, end: SeqNum) {
        self.last.push = Push::Yes;
        self.pushed = end;
    }

    /// It ends a record.
    pub(super) fn end_record(&mut self) {
        self.last.ending = Ending::Record;
    }

    /// Whether so much was written since the last push that the peer's application should have it
    /// (`forced_push`).
    pub(super) fn is_long_ago(&self, end: SeqNum, half_window: u32) -> bool {
        end.after(self.pushed + half_window)
    }

    /// Everything up to here counts as pushed (`tcp_write_wakeup`).
    pub(super) fn push_at_least(&mut self, end: SeqNum) {
        self.pushed = self.pushed.later(end);
    }

    /// What is sent next, `end` being where the text ends.
    pub(super) fn head(&mut self, nxt: SeqNum, end: SeqNum) -> Head {
        if let Some(closed) = &mut self.closed {
            while closed.front().is_some_and(|(part, _)| part.at_or_before(nxt)) {
                closed.pop_front();
            }
            if let Some((end, marks)) = closed.front() {
                return Head { end: *end, push: marks.push, place: Place::Before };
            }
            self.closed = None;
        }
        Head { end, push: self.last.push, place: Place::Last }
    }
}

/// Which part of a write it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    Begins,
    GoesOn,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: SeqNum = SeqNum::new(u32::MAX - 500);

    /// Writes octets to parts of 1000 octets, none of them sent.
    fn write(parts: &mut Parts, from: u32, octets: u32) {
        let (mut at, mut left, mut write) = (BASE + from, octets, Write::Begins);
        while left > 0 {
            let more = parts.open(BASE, at, 1000, write).min(left);
            (at, left, write) = (at + more, left - more, Write::GoesOn);
        }
        parts.push(at);
    }

    #[test]
    fn a_part_is_filled_before_the_next_begins_and_the_last_write_has_the_push() {
        let mut parts = Parts::new(BASE);
        write(&mut parts, 0, 600);
        write(&mut parts, 600, 600);
        let head = parts.head(BASE, BASE + 1200);
        assert_eq!((head.end, head.push, head.place), (BASE + 1000, Push::No, Place::Before));
        let rest = parts.head(BASE + 1000, BASE + 1200);
        assert_eq!((rest.end, rest.push, rest.place), (BASE + 1200, Push::Yes, Place::Last));
    }

    #[test]
    fn what_was_sent_takes_no_more() {
        let mut parts = Parts::new(BASE);
        write(&mut parts, 0, 600);
        assert_eq!(parts.room(BASE, BASE + 600, 1000), 400);
        assert_eq!(parts.room(BASE + 500, BASE + 600, 1000), 900, "the rest is a part of its own");
        assert_eq!(parts.room(BASE + 600, BASE + 600, 1000), 0);
    }

    #[test]
    fn nothing_follows_a_record_in_its_part() {
        let mut parts = Parts::new(BASE);
        write(&mut parts, 0, 100);
        parts.end_record();
        write(&mut parts, 100, 100);
        let head = parts.head(BASE, BASE + 200);
        assert_eq!((head.end, head.push, head.place), (BASE + 100, Push::Yes, Place::Before));
    }

    #[test]
    fn parts_are_whole_segments_and_no_larger_than_half_of_the_window() {
        for (mss, half, goal) in [
            (1460, u32::MAX, 64_240),
            (1000, 16_448, 16_000),
            (1000, 500, 1000),
            (1448, 1 << 30, 65_160),
        ] {
            assert_eq!(Parts::goal(mss, half), goal, "{mss} {half}");
        }
    }
}
