//! What there is: hosts, links and rules, which may change while others run.

use std::net::IpAddr;
use std::sync::Arc;

use twomsl_tcp::{Instant, Profile};
use twomsl_trace::{self as trace, Action, Decider, HostId};

use super::{Carrier, FaultId, Network, Plug, Waiting};
use crate::builder::{Packets, fault_rule};
use crate::live::{Cable, Host, Power, record};
use crate::plan::HostPlan;
use crate::queue::What;
use crate::spec::{FaultRule, FaultVerdict, HostIndex, HostSpec, Impairments, LinkSpec};

impl Network {
    /// A host more.
    pub fn add_host(&mut self, name: &str, profile: Profile) -> HostIndex {
        let spec = Arc::make_mut(&mut self.plan.spec);
        spec.hosts.push(HostSpec {
            name: name.to_owned(),
            profile,
            addresses: Vec::new(),
            quiet_time: std::time::Duration::ZERO,
        });
        self.plan.hosts.push(HostPlan { addresses: Vec::new() });
        let place = self.plan.hosts.len() - 1;
        let mut host = Host::new(&self.plan, place, self.live.recording);
        host.start(place, self.live.seed);
        host.drive_from_outside();
        self.live.hosts.push(host);
        self.outside().hosts.push(Waiting::default());
        self.write_heading();
        place
    }

    /// Gives a host other parameters. Its stack starts anew: this is for hosts that have not
    /// begun.
    pub fn set_profile(&mut self, host: HostIndex, profile: Profile) {
        Arc::make_mut(&mut self.plan.spec).hosts[host].profile = profile;
        let mut anew = Host::new(&self.plan, host, self.live.recording);
        anew.start(host, self.live.seed);
        anew.drive_from_outside();
        // Loopback addresses are the stack's only.
        for address in self.live.hosts[host].stack.addresses() {
            if !anew.stack.addresses().contains(address) {
                anew.stack.add_address(*address);
            }
        }
        self.live.hosts[host] = anew;
        self.write_heading();
    }

    /// A host is called so from now on, in all of the trace.
    pub fn rename(&mut self, host: HostIndex, name: &str) {
        name.clone_into(&mut Arc::make_mut(&mut self.plan.spec).hosts[host].name);
        self.write_heading();
    }

    /// A host has one more address. One on which no other host can be reached, such as
    /// 127.0.0.1, may be had by all.
    pub fn add_address(&mut self, host: HostIndex, address: IpAddr) {
        self.live.hosts[host].stack.add_address(address);
        if address.is_loopback() {
            return;
        }
        self.plan.hosts[host].addresses.push(address);
        self.plan.add_address(address, host as u32);
        self.write_heading();
    }

    /// The host with this address.
    pub fn host_of(&self, address: IpAddr) -> Option<HostIndex> {
        self.plan.host_of(address).map(|host| host as usize)
    }

    /// The first address of a host.
    pub fn address(&self, host: HostIndex) -> Option<IpAddr> {
        self.plan.hosts[host].addresses.first().copied()
    }

    /// What the network does to packets from one host to another. Two hosts that nothing was said
    /// about have a link that does nothing: it is the driver's part to take time.
    pub fn impair(&mut self, from: HostIndex, to: HostIndex, impairments: Impairments) {
        let path = self.path(from, to);
        for link in &mut Arc::make_mut(&mut self.plan.spec).links {
            if (link.a, link.b) == (from, to) {
                link.forward = impairments.clone();
            } else if (link.a, link.b) == (to, from) {
                link.backward = impairments.clone();
            }
        }
        self.plan.set_path(path, impairments);
        self.remember_paths();
        // Who sent to the other lately has remembered another way.
        self.live.hosts[from].forget_route();
        self.live.hosts[to].forget_route();
        self.write_heading();
    }

    /// What the network does to packets from one host to another.
    pub fn impairments(&mut self, from: HostIndex, to: HostIndex) -> Impairments {
        let path = self.path(from, to);
        self.plan.paths[path].impairments.clone()
    }

    /// The path between two hosts, made if there is none.
    pub(super) fn path(&mut self, from: HostIndex, to: HostIndex) -> usize {
        if let Some(path) = self.plan.path(from as u32, to as u32) {
            return path as usize;
        }
        let plain = Impairments::default();
        let spec = Arc::make_mut(&mut self.plan.spec);
        let (forward, backward) = (plain.clone(), plain);
        spec.links.push(LinkSpec { a: from, b: to, forward, backward });
        self.plan.add_link();
        self.plan.paths.len() - 2
    }

    /// Every path has a place for what it remembers.
    fn remember_paths(&mut self) {
        self.live.paths.resize_with(self.plan.paths.len(), Default::default);
    }

    /// What the time that the driver needs for parcels means. At first: [`Carrier::TakesTime`].
    pub fn set_carrier(&mut self, carrier: Carrier) {
        self.outside().carrier = carrier;
    }

    /// What the time that the driver needs for parcels means.
    pub fn carrier(&self) -> Carrier {
        self.live.outside.as_deref().map_or_else(Carrier::default, |outside| outside.carrier)
    }

    /// A rule more, after all others.
    pub fn add_fault(&mut self, fault: FaultRule) -> FaultId {
        Arc::make_mut(&mut self.plan.spec).faults.push(fault);
        self.live.matched.push(0);
        self.plan.watch();
        FaultId(self.live.matched.len() as u32 - 1)
    }

    /// The same in the words of the [builder](crate::WorldBuilder::fault). Hosts that it names and
    /// that are not there are added, with profile `linux` and without an address.
    pub fn fault(
        &mut self,
        verdict: FaultVerdict,
        packets: impl FnOnce(Packets<'_>) -> Packets<'_>,
    ) -> FaultId {
        let hosts = self.plan.spec.hosts.iter().map(|host| host.name.clone());
        let (fault, others) = fault_rule(hosts, verdict, packets);
        for name in others {
            self.add_host(&name, Profile::linux());
        }
        self.add_fault(fault)
    }

    /// A rule no longer matches anything. What it holds goes on its way.
    pub fn remove_fault(&mut self, now: Instant, fault: FaultId) {
        if !self.removed.insert(fault) {
            return;
        }
        self.advance(now);
        let name = self.plan.spec.faults[fault.0 as usize].text.clone();
        let (released, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.live.held).into_iter().partition(|held| held.rule == fault.0);
        self.live.held = kept;
        for held in released {
            self.live.go_on(&self.plan, held);
        }
        tracing::debug!(target: "twomsl", at = %now, rule = name, "removed");
        Arc::make_mut(&mut self.plan.spec).faults[fault.0 as usize].matcher.before =
            Some(Instant::ZERO);
        if self.removed.len() == self.live.matched.len() {
            self.plan.looks_at_packets = self.plan.watched.sends;
        }
    }

    /// How often a rule has matched.
    pub fn matched(&self, fault: FaultId) -> u32 {
        self.live.matched[fault.0 as usize]
    }

    /// What rules hold under this name goes on its way.
    pub fn release(&mut self, now: Instant, name: &str) {
        self.advance(now);
        self.live.release(&self.plan, name);
    }

    /// A host loses power: its sockets are gone, and nobody is told.
    pub fn crash(&mut self, now: Instant, host: HostIndex) {
        self.advance_at(host, now);
        self.live.crash(&self.plan, host as u32);
        self.live.hosts[host].drive_from_outside();
        self.empty_the_hands_of(host);
    }

    /// What a host had not handed over is lost with it, as is what had reached it and waited. With
    /// a carrier that keeps time it only seemed to be there still: it is on its way.
    fn empty_the_hands_of(&mut self, host: HostIndex) {
        let keeps_time = matches!(self.outside().carrier, Carrier::KeepsTime(_));
        let waiting = std::mem::take(&mut self.outside().hosts[host]);
        for (_, what) in waiting.leaving.in_order() {
            let What::Arrival(place) = what else { continue };
            if keeps_time {
                let at = self.outside().appointments[place as usize].at;
                self.live.hand_in(at, place);
            } else {
                self.live.lose(place, || Decider::Down);
            }
        }
        for (_, what) in waiting.coming.in_order() {
            if let What::Arrival(place) = what {
                self.live.lose(place, || Decider::Down);
            }
        }
    }

    /// The link of a host goes down, or comes back: what is sent meanwhile is lost, and what is on
    /// its way arrives at a dead end.
    pub fn plug(&mut self, now: Instant, host: HostIndex, plug: Plug) {
        self.advance(now);
        let (cable, action) = match plug {
            Plug::In => (Cable::Up, Action::LinkUp),
            Plug::Out => (Cable::Down, Action::LinkDown),
        };
        self.live.cable(host as u32, cable, action);
    }

    /// A host that crashed is back, with an empty stack.
    pub fn reboot(&mut self, now: Instant, host: HostIndex) {
        self.advance_at(host, now);
        self.live.hosts[host].power = Power::On;
        record!(
            self.live,
            trace::Event::Incident { host: HostId(host as u16), action: Action::Rebooted }
        );
    }
}
