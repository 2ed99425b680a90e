//! The next deadline of every socket: a binary heap that knows where each socket stands in it.
//!
//! One entry per socket, moved in place: the top is always exact, an idle socket costs
//! nothing, and a change costs O(log n).

use alloc::vec::Vec;

use crate::Instant;

const ABSENT: u32 = u32::MAX;

/// Deadlines by slot number.
#[derive(Clone, Debug)]
pub(crate) struct Deadlines {
    /// Two tables side by side, in one allocation: the heap, of which the first `length` rows
    /// count, and where slot n stands in it, in row n. There are never more entries than slots.
    rows: Vec<Row>,
    length: usize,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    /// Of the heap: a deadline and its slot.
    entry: (Instant, u32),
    /// Of the slot whose number is this row's: its place in the heap.
    position: u32,
}

impl Row {
    const EMPTY: Self = Self { entry: (Instant::MAX, ABSENT), position: ABSENT };
}

impl Deadlines {
    /// With room for a few.
    pub(crate) fn new() -> Self {
        Self { rows: Vec::with_capacity(4), length: 0 }
    }

    pub(crate) fn clear(&mut self) {
        // Emptied and not given up: the rows are likely to be wanted again.
        self.rows.fill(Row::EMPTY);
        self.length = 0;
    }

    /// The earliest deadline and its slot. Of equal deadlines the lower slot comes first.
    pub(crate) fn earliest(&self) -> Option<(Instant, u32)> {
        if self.length == 0 { None } else { Some(self.rows[0].entry) }
    }

    /// Sets or moves the deadline of a slot; `Instant::MAX` removes it.
    pub(crate) fn update(&mut self, slot: u32, at: Instant) {
        let position = self.rows.get(slot as usize).map_or(ABSENT, |row| row.position);
        match self.rows.get_mut(position as usize) {
            None if at == Instant::MAX => {}
            None => self.insert(slot, at),
            Some(_) if at == Instant::MAX => self.remove(position as usize),
            Some(row) if row.entry.0 == at => {}
            Some(row) => {
                row.entry.0 = at;
                self.settle(position as usize);
            }
        }
    }

    #[inline(never)]
    fn insert(&mut self, slot: u32, at: Instant) {
        if self.rows.len() <= slot as usize {
            self.rows.resize(slot as usize + 1, Row::EMPTY);
        }
        let last = self.length;
        self.length += 1;
        self.put(last, (at, slot));
        self.rise(last);
    }

    #[inline(never)]
    fn remove(&mut self, position: usize) {
        let (_, slot) = self.rows[position].entry;
        self.rows[slot as usize].position = ABSENT;
        self.length -= 1;
        if position < self.length {
            self.put(position, self.rows[self.length].entry);
            self.settle(position);
        }
    }

    fn put(&mut self, position: usize, entry: (Instant, u32)) {
        self.rows[position].entry = entry;
        self.rows[entry.1 as usize].position = position as u32;
    }

    #[inline]
    fn settle(&mut self, position: usize) {
        // Most stacks have one socket most of the time.
        if self.length > 1 && self.rise(position) == position {
            self.sink(position);
        }
    }

    /// Moves an entry up to its place, which is returned.
    #[inline]
    fn rise(&mut self, mut position: usize) -> usize {
        while position > 0 {
            let parent = (position - 1) / 2;
            if self.rows[parent].entry <= self.rows[position].entry {
                break;
            }
            self.swap(parent, position);
            position = parent;
        }
        position
    }

    #[inline(never)]
    fn sink(&mut self, mut position: usize) {
        loop {
            let mut child = 2 * position + 1;
            if child >= self.length {
                return;
            }
            if child + 1 < self.length && self.rows[child + 1].entry < self.rows[child].entry {
                child += 1;
            }
            if self.rows[position].entry <= self.rows[child].entry {
                return;
            }
            self.swap(position, child);
            position = child;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        let (entry_a, entry_b) = (self.rows[a].entry, self.rows[b].entry);
        self.put(a, entry_b);
        self.put(b, entry_a);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the obvious: a list that is searched.
    #[test]
    fn the_top_is_always_the_earliest() {
        let mut deadlines = Deadlines::new();
        let mut list: Vec<Option<Instant>> = alloc::vec![None; 40];
        let mut random: u64 = 1;
        for _ in 0..5_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let slot = (random >> 33) as u32 % 40;
            let at = Instant::from_nanos(random >> 58);
            let deadline = (random >> 50 & 3 != 0).then_some(at);
            list[slot as usize] = deadline;
            deadlines.update(slot, deadline.unwrap_or(Instant::MAX));
            let expected = list.iter().zip(0..).filter_map(|(at, slot)| Some(((*at)?, slot))).min();
            assert_eq!(deadlines.earliest(), expected);
        }
    }
}
