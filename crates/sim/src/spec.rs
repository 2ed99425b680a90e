//! What a world consists of, as plain data.
//!
//! The builder, the scenario language and the searches all write this; the world reads it.

mod faults;
mod roles;

use std::net::IpAddr;
use std::time::Duration;

use twomsl_tcp::{Instant, Profile};

pub use faults::{
    Acks, Choice, FaultRule, FaultVerdict, Forged, Forgery, Incident, IncidentAction, Matcher, Nth,
    PayloadMatch, PortSpec, Remark, Repeated, Rewrite, SeqSpec, SeqVariable, StripOptions,
};
pub use roles::{Condition, Data, RoleSpec, SocketName, Source, Step, Urgent, Wait};

/// A whole world.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct WorldSpec {
    /// The title of its traces.
    pub title: String,
    /// The seed of all its random streams and secrets.
    pub seed: u64,
    /// The hosts. A host is named by its place here.
    pub hosts: Vec<HostSpec>,
    /// The links.
    pub links: Vec<LinkSpec>,
    /// Boxes in the middle of a link.
    pub middleboxes: Vec<MiddleboxSpec>,
    /// The applications.
    pub roles: Vec<RoleSpec>,
    /// The fault rules, in order: the first that matches decides.
    pub faults: Vec<FaultRule>,
    /// What befalls single packets, each named by its number: a schedule that a search has found.
    /// It stands outside the order of the rules, which see and count these packets as any other;
    /// what rules and links do to them comes first.
    pub schedule: Vec<Choice>,
    /// Segments out of nothing.
    pub forgeries: Vec<Forgery>,
    /// What befalls hosts and held packets.
    pub incidents: Vec<Incident>,
    /// What is said about moments.
    pub remarks: Vec<Remark>,
    /// Moments at which all socket tables are written into the trace.
    pub tables: Vec<Instant>,
    /// The run ends here at the latest, even if something is still going on.
    pub until: Option<Duration>,
}

/// A host, by its place in [`WorldSpec::hosts`].
pub type HostIndex = usize;

/// A host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostSpec {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub profile: Profile,
    /// Its addresses; when empty it gets 10.0.0.n, n being its place from 1.
    pub addresses: Vec<IpAddr>,
    /// After a reboot, how long it sends nothing (the quiet time of RFC 9293 §3.4.3).
    pub quiet_time: Duration,
}

/// A link between two hosts; its directions may differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkSpec {
    /// One end.
    pub a: HostIndex,
    /// The other end.
    pub b: HostIndex,
    /// From `a` to `b`.
    pub forward: Impairments,
    /// From `b` to `a`.
    pub backward: Impairments,
}

/// A probability in parts per 10^9: integers only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Probability(u32);

impl Probability {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(1_000_000_000);

    /// So many parts in 10^9; `None` for more than all of them.
    pub const fn from_parts_per_billion(parts: u32) -> Option<Self> {
        if parts > Self::ALWAYS.0 { None } else { Some(Self(parts)) }
    }

    /// Parts in 10^9.
    pub const fn parts_per_billion(self) -> u32 {
        self.0
    }
}

/// What a link does to what it carries, in netem's vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Impairments {
    /// How long a packet travels.
    pub delay: Duration,
    /// How far the delay varies either way.
    pub jitter: Duration,
    /// How it varies.
    pub distribution: Distribution,
    /// Which packets are lost.
    pub loss: Loss,
    /// How often a packet comes twice.
    pub duplicate: Probability,
    /// How often a packet overtakes the others: it is sent without the delay.
    pub reorder: Probability,
    /// How often a bit flips.
    pub corrupt: Probability,
    /// Bits per second.
    pub rate: Option<u64>,
    /// How many packets wait for the rate at most; netem's default is 1000.
    pub limit: u32,
    /// How often a packet meets congestion: it is marked CE if its sender knows ECN, and dropped
    /// if not (RFC 3168 §5).
    pub mark: Probability,
    /// A packet that finds more than so many waiting for the rate meets congestion, too; one that
    /// cannot be marked waits as well, up to `limit`.
    pub mark_above: Option<u32>,
    /// The largest IP packet in octets; a larger one is dropped.
    pub mtu: u32,
    /// Whether its sender is told.
    pub too_big: TooBig,
    /// How long a packet lives at most: the MSL of this network. What fault rules or queues
    /// keep longer dies.
    pub lifetime: Option<Duration>,
}

impl Default for Impairments {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            distribution: Distribution::Uniform,
            loss: Loss::None,
            duplicate: Probability::NEVER,
            reorder: Probability::NEVER,
            corrupt: Probability::NEVER,
            rate: None,
            limit: 1000,
            mark: Probability::NEVER,
            mark_above: None,
            mtu: 1500,
            too_big: TooBig::Told,
            lifetime: None,
        }
    }
}

/// What the sender of a packet that is larger than an MTU hears about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TooBig {
    /// An ICMP error with the MTU: "fragmentation needed" (RFC 1191 §4), as if every packet had
    /// the DF bit, or "packet too big" (RFC 4443 §3.2). Nothing befalls it on its way.
    #[default]
    Told,
    /// Nothing: the link is a black hole for large packets (RFC 2923 §2.1).
    Silence,
}

/// How jitter is distributed around the delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Distribution {
    /// Evenly over delay ± jitter.
    #[default]
    Uniform,
    /// Normally, jitter being the standard deviation.
    Normal,
    /// Pareto, as netem's table: a long tail above.
    Pareto,
}

/// Which packets are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// Each with the same probability, independently.
    Bernoulli(Probability),
    /// In bursts: netem's `gemodel p r 1-h 1-k`.
    GilbertElliott {
        /// From the good state to the bad.
        p: Probability,
        /// From the bad state to the good.
        r: Probability,
        /// Loss in the bad state (netem's 1-h).
        bad_loss: Probability,
        /// Loss in the good state (netem's 1-k).
        good_loss: Probability,
    },
}

/// A box in the middle of the link between two hosts that keeps a table of flows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MiddleboxSpec {
    /// Its name.
    pub name: String,
    /// The hosts on its inner side and outer side: there must be a link between them.
    pub inside: HostIndex,
    /// The other side.
    pub outside: HostIndex,
    /// What it does with addresses.
    pub kind: MiddleboxKind,
    /// What it makes of flows.
    pub flows: Flows,
}

/// How long a middlebox remembers a flow, and what it does about others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flows {
    /// A flow without a packet for so long is forgotten.
    pub idle_timeout: Duration,
    /// Whether its ends are told at that moment.
    pub on_timeout: OnTimeout,
    /// After FINs of both ends a flow is kept for so long without a packet; `None` as any other.
    pub close_timeout: Option<Duration>,
    /// Which segments begin a flow.
    pub beginning: Beginning,
    /// What happens to packets of a flow it does not know and which do not begin one.
    pub unknown: UnknownFlow,
}

impl Flows {
    /// Forgets silently what was idle for so long, and drops what it does not know.
    pub const fn forgotten_after(idle_timeout: Duration) -> Self {
        Self {
            idle_timeout,
            on_timeout: OnTimeout::Silence,
            close_timeout: None,
            beginning: Beginning::Syn,
            unknown: UnknownFlow::Drop,
        }
    }

    /// F5 BIG-IP's `fastL4` profile: idle-timeout 300, reset-on-timeout enabled,
    /// tcp-close-timeout 5, loose-initialization disabled ("`L4_Profile`", AS3 schema reference,
    /// <https://clouddocs.f5.com/products/extensions/f5-appsvcs-extension/latest/refguide/schemaref/L4_Profile.schema.json.html>).
    /// Segments without a flow "are always dropped in LTM (if `tcp_loose_initiation` is disabled)":
    /// F5 Bug ID 461582, <https://cdn.f5.com/product/bugtracker/ID461582.html>.
    pub const fn fast_l4() -> Self {
        Self {
            on_timeout: OnTimeout::Reset,
            close_timeout: Some(Duration::from_secs(5)),
            ..Self::forgotten_after(Duration::from_secs(300))
        }
    }

    /// An AWS Network Load Balancer: 350 s ("Update the TCP idle timeout for your Network Load
    /// Balancer listener",
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html>).
    /// Nobody is told, but what comes later is reset ("Load Balancer Gotchas",
    /// <https://kupczynski.info/posts/load-balancer-gotchas>).
    pub const fn aws_nlb() -> Self {
        Self { unknown: UnknownFlow::Reset, ..Self::forgotten_after(Duration::from_secs(350)) }
    }

    /// An Azure Load Balancer: 4 minutes, then flows are dropped silently ("Load Balancer TCP Reset
    /// and Idle Timeout", <https://learn.microsoft.com/azure/load-balancer/load-balancer-tcp-reset>).
    pub const fn azure_lb() -> Self {
        Self::forgotten_after(Duration::from_secs(240))
    }

    /// Linux' connection tracking: `nf_conntrack_tcp_timeout_established` 432000,
    /// `nf_conntrack_tcp_timeout_time_wait` 120, `nf_conntrack_tcp_loose` 1 ("Netfilter Conntrack
    /// Sysfs variables", <https://docs.kernel.org/networking/nf_conntrack-sysctl.html>).
    pub const fn conntrack() -> Self {
        Self {
            close_timeout: Some(Duration::from_secs(120)),
            beginning: Beginning::AnySegment,
            ..Self::forgotten_after(Duration::from_secs(432_000))
        }
    }
}

/// What a middlebox does when a flow has been idle for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnTimeout {
    /// Nothing that anybody could see.
    Silence,
    /// Both ends get a reset, each in the name of the other.
    Reset,
}

/// Which segments begin a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Beginning {
    /// A SYN without an ACK.
    Syn,
    /// Any but a RST: a connection that was forgotten is known again.
    AnySegment,
}

/// What a middlebox does with addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MiddleboxKind {
    /// Nothing: it only watches (a stateful firewall, a load balancer in pass-through).
    Transparent,
    /// Replaces the inside host's address and port by its own.
    Nat {
        /// Its outside address.
        address: IpAddr,
    },
}

/// What a middlebox does with packets of a flow it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnknownFlow {
    /// Drops them without a word.
    Drop,
    /// Answers with a reset.
    Reset,
}

/// When something happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// At this time.
    At(Instant),
    /// So long after a condition comes true for the first time.
    When {
        /// The condition.
        condition: Condition,
        /// How long after.
        after: Duration,
    },
}
