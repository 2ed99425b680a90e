//! What befalls hosts: crashes, reboots, pauses, links that go down; and releases.

use twomsl_tcp::Instant;
use twomsl_trace::{self as trace, Action, HostId};

use crate::live::record;
use crate::live::{Cable, Live, Pace, Power};
use crate::network::Held;
use crate::plan::Plan;
use crate::queue::What;
use crate::rules::Treatment;
use crate::spec::{FaultVerdict, IncidentAction};

impl Live {
    /// An incident is due.
    pub(crate) fn incident(&mut self, plan: &Plan, place: u32) {
        match &plan.spec.incidents[place as usize].action {
            IncidentAction::Crash(host) => self.crash(plan, *host as u32),
            IncidentAction::Reboot(host) => self.reboot(plan, *host as u32),
            IncidentAction::Pause(host) => self.pause(*host as u32),
            IncidentAction::Resume(host) => self.resume(*host as u32),
            IncidentAction::LinkDown(host) => {
                self.cable(*host as u32, Cable::Down, Action::LinkDown);
            }
            IncidentAction::LinkUp(host) => self.cable(*host as u32, Cable::Up, Action::LinkUp),
            IncidentAction::Release(name) => self.release(plan, name),
        }
    }

    /// Writes an incident down.
    fn befalls(&mut self, host: u32, action: Action) {
        tracing::info!(target: "twomsl", at = %self.now, host, ?action, "incident");
        record!(self, trace::Event::Incident { host: HostId(host as u16), action });
    }

    /// The host loses power: its sockets and its applications are gone, and nobody is told.
    pub(crate) fn crash(&mut self, plan: &Plan, host: u32) {
        if self.hosts[host as usize].power == Power::Off {
            return;
        }
        self.befalls(host, Action::Crashed);
        self.tasks.crash(host);
        let waiting = std::mem::take(&mut self.hosts[host as usize].inbox);
        self.hosts[host as usize].crash(host as usize, self.seed);
        // What had reached it while it stood still is lost with it.
        for what in waiting {
            if let What::Arrival(packet) = what {
                self.arrive(plan, packet);
            }
        }
    }

    /// The host starts again. One that runs loses power first. It keeps quiet for its quiet
    /// time (RFC 9293 §3.4.3): its TCP is not up yet, and what arrives is lost.
    pub(crate) fn reboot(&mut self, plan: &Plan, host: u32) {
        self.crash(plan, host);
        let quiet = plan.spec.hosts[host as usize].quiet_time;
        let owner = &mut self.hosts[host as usize];
        let boot = owner.boot;
        if quiet.is_zero() {
            self.befalls(host, Action::Rebooted);
            return self.boot(plan, host, boot);
        }
        owner.power = Power::Quiet;
        self.befalls(host, Action::Rebooted);
        self.queue.push(self.now + quiet, What::Boot(host, boot));
    }

    /// The TCP of a host is up, and its roles start from the beginning.
    pub(crate) fn boot(&mut self, plan: &Plan, host: u32, boot: u32) {
        let owner = &mut self.hosts[host as usize];
        if owner.boot != boot {
            return; // it has crashed again meanwhile
        }
        owner.power = Power::On;
        for (place, role) in plan.spec.roles.iter().enumerate() {
            if role.host as u32 == host {
                self.queue.push(self.now + role.start, What::Role(place as u32, boot));
            }
        }
    }

    /// The host stands still: packets, timers and tasks wait. One that is off cannot.
    fn pause(&mut self, host: u32) {
        let owner = &mut self.hosts[host as usize];
        if owner.power == Power::On && owner.pace == Pace::Going {
            owner.pace = Pace::Paused;
            self.befalls(host, Action::Paused);
        }
    }

    /// The host goes on: first it gets the packets that have waited, in their order, then its
    /// timers run. A network card's queue is emptied before the clock's interrupt is seen.
    fn resume(&mut self, host: u32) {
        let owner = &mut self.hosts[host as usize];
        if owner.pace == Pace::Going {
            return;
        }
        owner.pace = Pace::Going;
        let waiting = std::mem::take(&mut owner.inbox);
        self.befalls(host, Action::Resumed);
        for what in waiting {
            self.queue.push(self.now, what);
        }
        self.arm(host);
    }

    /// The link of a host goes down or comes back. What is on its way arrives at a dead end.
    pub(crate) fn cable(&mut self, host: u32, cable: Cable, action: Action) {
        let owner = &mut self.hosts[host as usize];
        if owner.cable != cable {
            owner.cable = cable;
            self.befalls(host, action);
        }
    }

    /// What rules hold under this name goes on its way, in the order in which it was sent.
    pub(crate) fn release(&mut self, plan: &Plan, name: &str) {
        let named = |held: &Held| {
            let verdict = &plan.spec.faults[held.rule as usize].verdict;
            matches!(verdict, FaultVerdict::Hold(held) if held == name)
        };
        let (released, kept) = std::mem::take(&mut self.held).into_iter().partition(named);
        self.held = kept;
        let released: Vec<Held> = released;
        for held in released {
            self.go_on(plan, held);
        }
    }

    /// A packet that was held goes on its way.
    pub(crate) fn go_on(&mut self, plan: &Plan, held: Held) {
        self.pass(plan, held.place, &held.luck, &Treatment::NONE);
    }

    /// All socket tables are written down.
    pub(crate) fn tables(&mut self) {
        (0..self.hosts.len()).for_each(|host| self.table(host));
    }

    fn table(&mut self, host: usize) {
        record!(
            self,
            trace::Event::Table {
                host: HostId(host as u16),
                sockets: self.hosts[host].stack.sockets().collect(),
            }
        );
    }

    /// What is said about this moment, with the tables that belong to it.
    pub(crate) fn remark(&mut self, plan: &Plan, place: u32) {
        let remark = &plan.spec.remarks[place as usize];
        record!(self, trace::Event::Remark { text: remark.text.clone() });
        remark.tables.iter().for_each(|host| self.table(*host));
    }

    /// Something that reaches a host which stands still waits until it goes on.
    pub(crate) fn put_off(&mut self, host: u32, what: What) {
        let owner = &mut self.hosts[host as usize];
        match what {
            // Its timers are looked at again when it goes on: nothing in the queue stands for them.
            What::Timer(_) => owner.armed = Instant::MAX,
            _ => owner.inbox.push(what),
        }
    }

    /// A role starts, unless its host crashed after this was planned.
    pub(crate) fn role_due(&mut self, plan: &Plan, role: u32, boot: u32) {
        let host = &self.hosts[plan.spec.roles[role as usize].host];
        if host.boot == boot && host.power == Power::On {
            self.start_role(plan, role);
        }
    }

    /// The time up to which a world runs when its specification does not say: a day. A
    /// connection whose peer never reads is probed for ever.
    pub(crate) const DEFAULT_END: Instant = Instant::from_millis(24 * 3_600_000);
}
