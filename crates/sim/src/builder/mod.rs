//! A builder that speaks the words of scenarios.

mod fault;
mod role;

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use twomsl_tcp::wire::{Flags, IcmpKind};
use twomsl_tcp::{Instant, Profile, TcpState};

pub use fault::Packets;
pub use role::Role;

use crate::spec::{
    self, Condition, FaultRule, FaultVerdict, Flows, Forgery, HostIndex, HostSpec, Impairments,
    Incident, IncidentAction, LinkSpec, MiddleboxKind, MiddleboxSpec, PortSpec, RoleSpec, SeqSpec,
    Trigger, WorldSpec,
};
use crate::{Recording, SpecError, World};

/// Builds a [`WorldSpec`] in the words of scenario files.
///
/// Hosts may be named before they are declared; [`spec`](Self::spec) says which never were.
/// They are numbered in the order in which they are first named.
#[derive(Clone, Debug, Default)]
pub struct WorldBuilder {
    spec: WorldSpec,
    names: Names,
}

/// Host names in the order in which they are first mentioned, with their declarations.
#[derive(Clone, Debug, Default)]
struct Names(Vec<(String, Option<HostSpec>)>);

/// A fault rule in the builder's words, between the hosts of these names and others that it
/// names: those follow, in the order in which they are first named.
pub(crate) fn fault_rule(
    hosts: impl Iterator<Item = String>,
    verdict: FaultVerdict,
    packets: impl FnOnce(Packets<'_>) -> Packets<'_>,
) -> (FaultRule, Vec<String>) {
    let mut names = Names(hosts.map(|name| (name, None)).collect());
    let known = names.0.len();
    let (matcher, nth) = packets(Packets::new(&mut names)).into_parts();
    let text = fault::text(&names, &verdict, &matcher, nth);
    let others = names.0.split_off(known).into_iter().map(|(name, _)| name);
    (FaultRule { text, matcher, nth, verdict }, others.collect())
}

impl Names {
    /// The place of a host, declared or not.
    fn place(&mut self, name: &str) -> HostIndex {
        let known = self.0.iter().position(|(known, _)| known == name);
        known.unwrap_or_else(|| {
            self.0.push((name.to_owned(), None));
            self.0.len() - 1
        })
    }

    fn of(&self, place: HostIndex) -> &str {
        &self.0[place].0
    }
}

/// When something happens, with hosts by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long after the start.
    At(Duration),
    /// So long after a connection of a host entered a state for the nth time.
    State {
        /// The host's name.
        host: String,
        /// The state.
        state: TcpState,
        /// The how manieth entry, from 1.
        nth: u32,
        /// How long after.
        after: Duration,
    },
}

impl Moment {
    /// As soon as a connection of this host is in this state for the first time.
    pub fn state(host: &str, state: TcpState) -> Self {
        Self::State { host: host.to_owned(), state, nth: 1, after: Duration::ZERO }
    }
}

impl From<Duration> for Moment {
    fn from(time: Duration) -> Self {
        Self::At(time)
    }
}

/// A forged segment without its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forged {
    /// Source port.
    pub src_port: PortSpec,
    /// Destination port.
    pub dst_port: PortSpec,
    /// SEG.SEQ.
    pub seq: SeqSpec,
    /// SEG.ACK.
    pub ack: Option<SeqSpec>,
    /// The flags.
    pub flags: Flags,
    /// The text.
    pub payload: Bytes,
}

impl WorldBuilder {
    /// The title of the trace.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.spec.title);
        self
    }

    /// The seed of all random streams.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.spec.seed = seed;
        self
    }

    /// The run ends after so long at the latest.
    #[must_use]
    pub fn until(mut self, time: Duration) -> Self {
        self.spec.until = Some(time);
        self
    }

    /// All socket tables are written into the trace at this time.
    #[must_use]
    pub fn table(mut self, time: Duration) -> Self {
        self.spec.tables.push(Instant::ZERO + time);
        self
    }

    /// A host whose address is 10.0.0.n, n being its number from 1.
    #[must_use]
    pub fn host(self, name: &str, profile: Profile) -> Self {
        self.host_at(name, profile, [])
    }

    /// A host with these addresses.
    #[must_use]
    pub fn host_at(
        mut self,
        name: &str,
        profile: Profile,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        let place = self.names.place(name);
        let quiet_time = Duration::ZERO;
        let addresses = addresses.into_iter().collect();
        let host = HostSpec { name: name.to_owned(), profile, addresses, quiet_time };
        if self.names.0[place].1.is_some() {
            // Declared twice: kept under the same name, which the check of the whole finds.
            self.names.0.push((name.to_owned(), Some(host)));
        } else {
            self.names.0[place].1 = Some(host);
        }
        self
    }

    /// After a reboot, this host keeps quiet for so long (RFC 9293 §3.4.3).
    #[must_use]
    pub fn quiet_time(mut self, host: &str, time: Duration) -> Self {
        let place = self.names.place(host);
        if let Some(host) = &mut self.names.0[place].1 {
            host.quiet_time = time;
        }
        self
    }

    /// A link that does the same both ways.
    #[must_use]
    pub fn link(self, a: &str, b: &str, both: Impairments) -> Self {
        self.link_asymmetric(a, b, both.clone(), both)
    }

    /// A link whose directions differ: from `a` to `b`, and back.
    #[must_use]
    pub fn link_asymmetric(
        mut self,
        a: &str,
        b: &str,
        forward: Impairments,
        backward: Impairments,
    ) -> Self {
        let (a, b) = (self.names.place(a), self.names.place(b));
        self.spec.links.push(LinkSpec { a, b, forward, backward });
        self
    }

    /// A box on the link between two hosts that forgets flows when they are idle for too long.
    #[must_use]
    pub fn middlebox(
        mut self,
        name: &str,
        (inside, outside): (&str, &str),
        kind: MiddleboxKind,
        flows: Flows,
    ) -> Self {
        let (inside, outside) = (self.names.place(inside), self.names.place(outside));
        let name = name.to_owned();
        let spec = MiddleboxSpec { name, inside, outside, kind, flows };
        self.spec.middleboxes.push(spec);
        self
    }

    /// What an application on a host does, from the start.
    #[must_use]
    pub fn role(self, host: &str, steps: impl FnOnce(Role<'_>) -> Role<'_>) -> Self {
        self.role_after(Duration::ZERO, host, steps)
    }

    /// What an application on a host does that starts so long after its host.
    #[must_use]
    pub fn role_after(
        mut self,
        start: Duration,
        host: &str,
        steps: impl FnOnce(Role<'_>) -> Role<'_>,
    ) -> Self {
        let host = self.names.place(host);
        let steps = steps(Role::new(&mut self.names)).into_steps();
        self.spec.roles.push(RoleSpec { host, start, steps });
        self
    }

    /// A fault rule: what becomes of which packets.
    #[must_use]
    pub fn fault(
        mut self,
        verdict: FaultVerdict,
        packets: impl FnOnce(Packets<'_>) -> Packets<'_>,
    ) -> Self {
        let packets = packets(Packets::new(&mut self.names));
        let (matcher, nth) = packets.into_parts();
        let text = fault::text(&self.names, &verdict, &matcher, nth);
        self.spec.faults.push(FaultRule { text, matcher, nth, verdict });
        self
    }

    /// A segment out of nothing that pretends to come from one host and goes to another.
    #[must_use]
    pub fn forge(
        mut self,
        moment: impl Into<Moment>,
        (from, to): (&str, &str),
        forged: Forged,
    ) -> Self {
        let trigger = self.trigger(moment.into());
        let (from, to) = (self.names.place(from), self.names.place(to));
        let Forged { src_port, dst_port, seq, ack, flags, payload } = forged;
        let what = spec::Forged::Segment { ack, flags, window: u16::MAX, payload };
        self.spec.forgeries.push(Forgery { trigger, from, to, src_port, dst_port, seq, what });
        self
    }

    /// An ICMP error about a segment of the newest connection between two hosts: the one that
    /// `sender` has sent to `receiver` with this sequence number, or has not.
    #[must_use]
    pub fn forge_icmp(
        mut self,
        moment: impl Into<Moment>,
        (sender, receiver): (&str, &str),
        kind: IcmpKind,
        seq: SeqSpec,
    ) -> Self {
        let trigger = self.trigger(moment.into());
        let (to, from) = (self.names.place(sender), self.names.place(receiver));
        let (src_port, dst_port) = (PortSpec::Live, PortSpec::Live);
        let what = spec::Forged::Icmp(kind);
        self.spec.forgeries.push(Forgery { trigger, from, to, src_port, dst_port, seq, what });
        self
    }

    /// A host loses power.
    #[must_use]
    pub fn crash(self, moment: impl Into<Moment>, host: &str) -> Self {
        self.incident(moment.into(), host, IncidentAction::Crash)
    }

    /// A host starts again; one that runs loses power first.
    #[must_use]
    pub fn reboot(self, moment: impl Into<Moment>, host: &str) -> Self {
        self.incident(moment.into(), host, IncidentAction::Reboot)
    }

    /// A host stands still.
    #[must_use]
    pub fn pause(self, moment: impl Into<Moment>, host: &str) -> Self {
        self.incident(moment.into(), host, IncidentAction::Pause)
    }

    /// A host goes on.
    #[must_use]
    pub fn resume(self, moment: impl Into<Moment>, host: &str) -> Self {
        self.incident(moment.into(), host, IncidentAction::Resume)
    }

    /// The link of a host goes down.
    #[must_use]
    pub fn link_down(self, moment: impl Into<Moment>, host: &str) -> Self {
        self.incident(moment.into(), host, IncidentAction::LinkDown)
    }

    /// The link of a host comes back.
    #[must_use]
    pub fn link_up(self, moment: impl Into<Moment>, host: &str) -> Self {
        self.incident(moment.into(), host, IncidentAction::LinkUp)
    }

    /// What a fault rule holds under this name goes on its way.
    #[must_use]
    pub fn release(mut self, moment: impl Into<Moment>, name: &str) -> Self {
        let trigger = self.trigger(moment.into());
        let action = IncidentAction::Release(name.to_owned());
        self.spec.incidents.push(Incident { trigger, action });
        self
    }

    /// The specification.
    ///
    /// # Errors
    /// A host was named but never declared.
    pub fn spec(self) -> Result<WorldSpec, SpecError> {
        let declared = |(name, host): (String, Option<HostSpec>)| {
            host.ok_or_else(|| SpecError(format!("the host `{name}` is named but not declared")))
        };
        let hosts = self.names.0.into_iter().map(declared).collect::<Result<_, _>>()?;
        Ok(WorldSpec { hosts, ..self.spec })
    }

    /// A world that writes everything down.
    ///
    /// # Errors
    /// As [`spec`](Self::spec) and [`World::new`].
    pub fn build(self) -> Result<World, SpecError> {
        World::new(self.spec()?, Recording::Trace)
    }

    fn incident(
        mut self,
        moment: Moment,
        host: &str,
        action: impl FnOnce(HostIndex) -> IncidentAction,
    ) -> Self {
        let trigger = self.trigger(moment);
        let action = action(self.names.place(host));
        self.spec.incidents.push(Incident { trigger, action });
        self
    }

    fn trigger(&mut self, moment: Moment) -> Trigger {
        match moment {
            Moment::At(time) => Trigger::At(Instant::ZERO + time),
            Moment::State { host, state, nth, after } => {
                let host = self.names.place(&host);
                Trigger::When { condition: Condition::State { host, state, nth }, after }
            }
        }
    }
}

impl Impairments {
    /// Only a delay.
    pub fn delay(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }
}
