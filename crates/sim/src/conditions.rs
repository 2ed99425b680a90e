//! Conditions: things that become so, and what waits for them.

use crate::live::{Live, Reached};
use crate::plan::Plan;
use crate::rules::Seen;
use crate::spec::Condition;

impl Live {
    /// A connection of this host entered a state.
    #[inline(never)]
    pub(crate) fn check_states(&mut self, plan: &Plan, at: u32) {
        for (place, condition) in plan.conditions.iter().enumerate() {
            if let Condition::State { host, state, nth } = condition
                && *host as u32 == at
                && self.hosts[*host].entered[*state as usize] >= *nth
            {
                self.reach(plan, place);
            }
        }
    }

    /// A packet is being sent.
    pub(crate) fn check_sends(&mut self, plan: &Plan, seen: &Seen) {
        for (place, condition) in plan.conditions.iter().enumerate() {
            if let Condition::Sent { matcher, nth } = condition
                && self.matches(matcher, seen)
            {
                self.conditions[place].count += 1;
                if self.conditions[place].count >= *nth {
                    self.reach(plan, place);
                }
            }
        }
    }

    /// An application of this host has read.
    pub(crate) fn check_reads(&mut self, plan: &Plan, at: u32) {
        for (place, condition) in plan.conditions.iter().enumerate() {
            if let Condition::ReadBytes { host, octets } = condition
                && *host as u32 == at
                && self.hosts[*host].totals.read >= *octets
            {
                self.reach(plan, place);
            }
        }
    }

    /// A condition is true. The first time, what waits for it goes on.
    fn reach(&mut self, plan: &Plan, place: usize) {
        let progress = &mut self.conditions[place];
        if std::mem::replace(&mut progress.reached, Reached::Yes) == Reached::Yes {
            return;
        }
        let follows = plan.triggered.iter().filter(|(condition, ..)| *condition == place as u32);
        for (_, after, what) in follows {
            self.queue.push(self.now + *after, *what);
        }
        self.tasks.wake_condition(place as u32);
    }
}
