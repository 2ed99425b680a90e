//! What is scripted, and what is written down.

use twomsl_tcp::{Instant, SocketError, SocketId};
use twomsl_trace::{self as trace, Decider, HostId, Trace};

use super::Network;
use crate::live::record;
use crate::queue::What;
use crate::spec::HostIndex;
use crate::{End, Recording, Run, Totals, Violation};

impl Network {
    /// When something is due that belongs to no host: a forged segment, a table.
    pub fn next_event(&mut self) -> Option<Instant> {
        self.live.queue.peek().map(|(at, _)| at)
    }

    /// Lets happen what is due and belongs to no host. Incidents are for the driver: when they are
    /// due, and their places in [`WorldSpec::incidents`](crate::WorldSpec::incidents).
    pub fn step(&mut self, now: Instant) -> Vec<(Instant, usize)> {
        let mut incidents = Vec::new();
        while let Some((at, what)) = self.live.queue.peek().filter(|(at, _)| *at <= now) {
            self.live.queue.pop();
            self.advance(at);
            match what {
                What::Forgery(place) => self.live.forge(&self.plan, place),
                What::Remark(place) => self.live.remark(&self.plan, place),
                What::Tables => self.live.tables(),
                What::Flows(number) => self.live.flows_are_over(&self.plan, number),
                What::Incident(place) => incidents.push((at, place as usize)),
                _ => {}
            }
        }
        incidents
    }

    /// Whether nothing is left to happen unless an application does something: no packet is on
    /// its way, no timer runs, nothing is scripted. Costs as much as there are hosts and parcels.
    pub fn is_quiet(&mut self) -> bool {
        self.forget_lost_parcels();
        let idle = (0..self.hosts()).all(|host| self.next_due(host).is_none());
        idle && self.next_event().is_none() && !self.carries()
    }

    /// Whether the driver carries a parcel that can still arrive.
    fn carries(&self) -> bool {
        let mut carried = self.live.outside.iter().flat_map(|outside| &outside.carried);
        carried.any(|&(place, id)| self.is_carried(place, id))
    }

    /// Checks what must be so when nothing is left to happen: see
    /// [`World::run`](crate::World::run).
    pub fn check_quiet(&mut self) {
        self.live.check_quiet(&self.plan);
    }

    /// A call of an application, for the trace. `task` is its number on its host.
    pub fn called(
        &mut self,
        now: Instant,
        host: HostIndex,
        task: u32,
        socket: Option<SocketId>,
        call: String,
    ) {
        self.advance_at(host, now);
        self.live.note_call((host as u32, task), socket, || call);
    }

    /// What a call returned, for the trace.
    pub fn returned(
        &mut self,
        now: Instant,
        (host, task): (HostIndex, u32),
        socket: Option<SocketId>,
        call: &'static str,
        result: Result<Option<u64>, SocketError>,
    ) {
        self.advance_at(host, now);
        self.live.note_return((host as u32, task), socket, call, result);
    }

    /// Starts writing down what happens. What happened before is not in the trace.
    pub fn record(&mut self) {
        self.live.recording = Recording::Trace;
        for host in &mut self.live.hosts {
            host.stack.observe(twomsl_tcp::ObserveTimers::On);
        }
        self.write_heading();
    }

    /// What was written down so far. Packets that were handed to the driver and have not arrived
    /// are on their way in it.
    pub fn trace(&self) -> &Trace {
        &self.live.trace
    }

    /// The end: what the driver still carries will never arrive.
    pub fn end(&mut self, now: Instant) {
        self.advance(now);
        let carried = std::mem::take(&mut self.outside().carried);
        for (place, id) in carried {
            if self.is_carried(place, id) {
                self.live.lose(place, || Decider::Carrier);
            }
        }
        // The clocks of hosts differ by as much as the driver is late.
        self.live.trace.records.sort_by_key(|record| record.at);
    }

    /// What came of it, for a driver who says why and when it ended.
    pub fn over(&self, end: End, ended_at: Instant) -> Run {
        self.live.over(end, ended_at)
    }

    /// The time: the latest that the driver has said.
    pub fn now(&self) -> Instant {
        self.live.now
    }

    /// Invariants that were broken.
    pub fn violations(&self) -> &[Violation] {
        &self.live.violations
    }

    /// What a host's applications have written and read.
    pub fn totals(&self, host: HostIndex) -> Totals {
        self.live.hosts[host].totals
    }

    /// How many packets hosts and network have made.
    pub fn packets(&self) -> u64 {
        self.live.next_packet
    }

    /// Writes the socket table of a host into the trace.
    pub fn table(&mut self, now: Instant, host: HostIndex) {
        self.advance(now);
        record!(
            self.live,
            trace::Event::Table {
                host: HostId(host as u16),
                sockets: self.live.hosts[host].stack.sockets().collect(),
            }
        );
    }

    /// The title of the trace.
    pub fn set_title(&mut self, title: &str) {
        title.clone_into(&mut std::sync::Arc::make_mut(&mut self.plan.spec).title);
        self.write_heading();
    }

    /// The host with this name.
    pub fn host(&self, name: &str) -> Option<HostIndex> {
        self.plan.spec.hosts.iter().position(|host| host.name == name)
    }

    /// Whether a trace is written.
    pub fn recording(&self) -> Recording {
        self.live.recording
    }

    /// The number of hosts.
    pub fn hosts(&self) -> usize {
        self.live.hosts.len()
    }

    /// The name of a host.
    pub fn name(&self, host: HostIndex) -> &str {
        &self.plan.spec.hosts[host].name
    }
}
