//! What a world's future depends on, as a hash.

use std::hash::{Hash as _, Hasher};

use crate::live::Live;
use crate::queue::What;

impl Live {
    /// Feeds everything that can influence the future into `hasher`: the stacks, the tasks, the
    /// rules' counts, and what is on its way, in order. Times are relative to now, so that two
    /// ways to the same situation are the same.
    pub(crate) fn fingerprint(&self, hasher: &mut impl Hasher) {
        for host in &self.hosts {
            host.stack.fingerprint(hasher);
            (host.boot, host.power, host.pace, host.cable, host.totals).hash(hasher);
        }
        self.tasks.fingerprint(self.now, hasher);
        self.matched.hash(hasher);
        self.conditions.hash(hasher);
        for held in &self.held {
            (held.rule, held.luck).hash(hasher);
            self.flight(held.place, hasher);
        }
        for (at, what) in self.queue.in_order() {
            at.since(self.now).hash(hasher);
            match what {
                What::Arrival(place) => self.flight(place, hasher),
                // Epochs count wakes that are over.
                What::Task(place, _) => place.hash(hasher),
                other => other.hash(hasher),
            }
        }
    }

    fn flight(&self, place: u32, hasher: &mut impl Hasher) {
        let flight = self.flights.get(place);
        (&flight.packet, flight.to, flight.mark, flight.flipped).hash(hasher);
    }
}
