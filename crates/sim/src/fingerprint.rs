//! What a world's future depends on, as a hash.
//!
//! Left out is what only counts or names: numbers of packets and tasks, octets counted for
//! `TCP_INFO`, what a trace has so far.

use std::hash::{Hash as _, Hasher};

use twomsl_tcp::Instant;

use crate::live::Live;
use crate::queue::What;

/// A hasher that gets times relative to now. It knows a time from other numbers because an
/// [`Instant`] is fed as an `i128`, which nothing else is.
pub(crate) struct Relative<'a, H> {
    inner: &'a mut H,
    now: u64,
}

impl<H: Hasher> Hasher for Relative<'_, H> {
    fn finish(&self) -> u64 {
        self.inner.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.inner.write(bytes);
    }

    fn write_u8(&mut self, number: u8) {
        self.inner.write_u8(number);
    }

    fn write_u32(&mut self, number: u32) {
        self.inner.write_u32(number);
    }

    fn write_u64(&mut self, number: u64) {
        self.inner.write_u64(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.inner.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        // The discriminants of enums.
        self.inner.write_u64(number.cast_unsigned() as u64);
    }

    fn write_i128(&mut self, time: i128) {
        // The start and the end of time stand for "never yet" and "never".
        let time = time.cast_unsigned() as u64;
        let known = time == 0 || time == Instant::MAX.as_nanos();
        self.inner.write_u64(if known { time } else { time.wrapping_sub(self.now) });
    }
}

impl Live {
    /// A hasher to which times are relative to now.
    pub(crate) fn relative<'a, H: Hasher>(&self, hasher: &'a mut H) -> Relative<'a, H> {
        Relative { inner: hasher, now: self.now.as_nanos() }
    }

    /// Feeds everything that can influence the future into `hasher`: hosts with their stacks,
    /// tasks, lives, rules' counts, and what is on its way, in order.
    pub(crate) fn fingerprint(&self, hasher: &mut impl Hasher) {
        let hasher = &mut self.relative(hasher);
        for host in &self.hosts {
            host.fingerprint(hasher);
        }
        self.lives.fingerprint(hasher);
        self.tasks.fingerprint(hasher);
        (&self.paths, &self.middleboxes, &self.matched, &self.conditions).hash(hasher);
        for held in &self.held {
            (held.rule, held.luck).hash(hasher);
            self.flight(held.place, hasher);
        }
        for (at, what) in self.queue.in_order() {
            self.entry(at, what, hasher);
        }
    }

    /// Something that is to happen.
    fn entry(&self, at: Instant, what: What, hasher: &mut impl Hasher) {
        match what {
            What::Arrival(place) => {
                at.hash(hasher);
                self.flight(place, hasher);
            }
            // What is overtaken will be passed over; what is left of it is in the task.
            What::Task(place, epoch) if self.tasks.sleeper(place, epoch).is_none() => {}
            What::Task(place, _) => (at, place).hash(hasher),
            // Deadlines are in the stack, and in the box.
            What::Timer(_) | What::Flows(_) => {}
            other => (at, other).hash(hasher),
        }
    }

    /// A packet on its way.
    pub(crate) fn flight(&self, place: u32, hasher: &mut impl Hasher) {
        let flight = self.flights.get(place);
        (&flight.packet, flight.to, flight.mark, flight.flipped).hash(hasher);
        // Whether choices can be made about it, and how long it may live then.
        (flight.nth != 0).then_some((flight.via, flight.sent)).hash(hasher);
    }
}
