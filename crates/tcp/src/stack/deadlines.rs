//! The next deadline of every socket: a binary heap that knows where each socket stands in it.
//!
//! One entry per socket, moved in place: the top is always exact, an idle socket costs
//! nothing, and a change costs O(log n).

use alloc::vec::Vec;

use crate::Instant;

const ABSENT: u32 = u32::MAX;

/// Deadlines by slot number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines {
    heap: Vec<(Instant, u32)>,
    /// Where slot n stands in the heap.
    positions: Vec<u32>,
}

impl Deadlines {
    /// The earliest deadline and its slot. Of equal deadlines the lower slot comes first.
    pub(crate) fn earliest(&self) -> Option<(Instant, u32)> {
        self.heap.first().copied()
    }

    /// Sets, moves or removes the deadline of a slot.
    pub(crate) fn update(&mut self, slot: u32, deadline: Option<Instant>) {
        let position = self.positions.get(slot as usize).copied().unwrap_or(ABSENT);
        match (position, deadline) {
            (ABSENT, None) => {}
            (ABSENT, Some(at)) => self.insert(slot, at),
            (position, None) => self.remove(position as usize),
            (position, Some(at)) => {
                let position = position as usize;
                if self.heap[position].0 != at {
                    self.heap[position].0 = at;
                    self.settle(position);
                }
            }
        }
    }

    fn insert(&mut self, slot: u32, at: Instant) {
        if self.positions.len() <= slot as usize {
            self.positions.resize(slot as usize + 1, ABSENT);
        }
        self.heap.push((at, slot));
        self.positions[slot as usize] = self.heap.len() as u32 - 1;
        self.rise(self.heap.len() - 1);
    }

    fn remove(&mut self, position: usize) {
        let (_, slot) = self.heap.swap_remove(position);
        self.positions[slot as usize] = ABSENT;
        if position < self.heap.len() {
            self.positions[self.heap[position].1 as usize] = position as u32;
            self.settle(position);
        }
    }

    fn settle(&mut self, position: usize) {
        if !self.rise(position) {
            self.sink(position);
        }
    }

    /// Moves an entry up to its place; whether it moved.
    fn rise(&mut self, mut position: usize) -> bool {
        let start = position;
        while position > 0 {
            let parent = (position - 1) / 2;
            if self.heap[parent] <= self.heap[position] {
                break;
            }
            self.swap(parent, position);
            position = parent;
        }
        position != start
    }

    fn sink(&mut self, mut position: usize) {
        loop {
            let left = 2 * position + 1;
            let Some(mut child) = (left < self.heap.len()).then_some(left) else { return };
            if left + 1 < self.heap.len() && self.heap[left + 1] < self.heap[left] {
                child = left + 1;
            }
            if self.heap[position] <= self.heap[child] {
                return;
            }
            self.swap(position, child);
            position = child;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.positions[self.heap[a].1 as usize] = a as u32;
        self.positions[self.heap[b].1 as usize] = b as u32;
    }
}
