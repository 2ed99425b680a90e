//! A specification, checked and prepared: what all worlds made from it share.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use twomsl_tcp::Instant;

use crate::SpecError;
use crate::check;
use crate::flight::Via;
use crate::program::{self, Program};
use crate::queue::What;
use crate::spec::{Choice, Condition, Impairments, Loss, Probability, Trigger, WorldSpec};

/// A specification, checked and prepared for running. Making a world from a plan is cheap, and
/// all worlds of a plan share it: a sweep over many seeds makes one plan.
#[derive(Debug)]
pub struct Plan {
    pub(crate) spec: Arc<WorldSpec>,
    /// Every address with its host, sorted by address.
    addresses: Vec<(IpAddr, u32)>,
    /// The first address of each host, and all others: the same order as in the specification.
    pub(crate) hosts: Vec<HostPlan>,
    /// Two paths for each link: forward, backward.
    pub(crate) paths: Vec<PathPlan>,
    /// (from, to, path), sorted.
    routes: Vec<(u32, u32, u32)>,
    /// The path between hosts without a link, in a network that has one.
    anywhere: Option<u32>,
    /// One for each role.
    pub(crate) programs: Vec<Program>,
    /// Every condition that something waits for.
    pub(crate) conditions: Vec<Condition>,
    /// What follows when a condition comes true: the condition, how long after, what.
    pub(crate) triggered: Vec<(u32, Duration, What)>,
    /// What is due at a time of its own.
    pub(crate) timed: Vec<(Instant, What)>,
    /// Whether a rule or a condition looks at the packets that are sent.
    pub(crate) looks_at_packets: bool,
    /// Which kinds of condition there are, so that the others cost nothing.
    pub(crate) watched: Watched,
}

/// What the world needs to know of a host.
#[derive(Debug)]
pub(crate) struct HostPlan {
    /// Its addresses.
    pub(crate) addresses: Vec<IpAddr>,
}

/// One direction of a link.
#[derive(Debug)]
pub(crate) struct PathPlan {
    /// What it does to packets.
    pub(crate) impairments: Impairments,
    /// Its delay in nanoseconds.
    pub(crate) delay: u64,
    /// Whether it does more than to delay.
    pub(crate) kind: PathKind,
    /// Nothing but the delay befalls packets of up to so many octets: the MTU of a plain path.
    pub(crate) unhindered: u32,
    /// The middlebox on it, and from which side packets reach that.
    pub(crate) middlebox: Option<(u32, Side)>,
}

/// Whether a path has impairments that need draws or queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathKind {
    /// A constant delay and nothing else.
    Plain,
    /// Anything else.
    Impaired,
}

/// From which side a packet reaches a middlebox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    Inside,
    Outside,
}

/// Which kinds of condition there are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watched {
    pub(crate) states: bool,
    pub(crate) sends: bool,
    pub(crate) reads: bool,
}

/// Where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The receiving host.
    pub(crate) to: u32,
    /// How it gets there.
    pub(crate) via: Via,
}

impl Plan {
    /// Checks and prepares a specification.
    ///
    /// # Errors
    /// The specification contradicts itself: an index without a host, two links between the
    /// same hosts, an address given twice, a name that nothing has, …
    pub fn new(spec: impl Into<Arc<WorldSpec>>) -> Result<Self, SpecError> {
        let spec = spec.into();
        check::check(&spec)?;
        let hosts = hosts(&spec);
        let addresses = addresses(&spec, &hosts)?;
        let mut conditions = Vec::new();
        let programs = programs(&spec, &mut conditions)?;
        let mut plan = Self {
            addresses,
            hosts,
            paths: paths(&spec),
            routes: routes(&spec),
            anywhere: None,
            programs,
            conditions,
            triggered: Vec::new(),
            timed: Vec::new(),
            looks_at_packets: false,
            watched: Watched::default(),
            spec,
        };
        plan.triggers();
        plan.watch();
        Ok(plan)
    }

    /// The specification this was made from.
    pub fn spec(&self) -> &Arc<WorldSpec> {
        &self.spec
    }

    /// The addresses of a host.
    pub fn addresses(&self, host: usize) -> &[IpAddr] {
        &self.hosts[host].addresses
    }

    /// Where a packet from `from` to `dst` goes.
    pub(crate) fn route(&self, from: u32, dst: IpAddr) -> Option<Route> {
        if dst.is_loopback() {
            return Some(Route { to: from, via: Via::Loopback });
        }
        let to = self.host_of(dst)?;
        if to == from {
            return Some(Route { to, via: Via::Loopback });
        }
        let path = self.path(from, to).or(self.anywhere)?;
        Some(Route { to, via: Via::Path(path) })
    }

    /// A host has one more address.
    pub(crate) fn add_address(&mut self, address: IpAddr, host: u32) {
        if let Err(place) = self.addresses.binary_search_by_key(&address, |&(known, _)| known) {
            self.addresses.insert(place, (address, host));
        }
    }

    /// The last link of the specification is new.
    pub(crate) fn add_link(&mut self) {
        let Some(link) = self.spec.links.last() else { return };
        let (a, b) = (link.a as u32, link.b as u32);
        for (from, to, impairments) in [(a, b, &link.forward), (b, a, &link.backward)] {
            self.routes.push((from, to, self.paths.len() as u32));
            self.paths.push(path(from, to, impairments, &self.spec));
        }
        self.routes.sort_unstable();
    }

    /// From every host there is a way to every other: those between which no link was made share
    /// one path, which does nothing and so has nothing to remember.
    pub(crate) fn connect_all(&mut self) {
        self.anywhere = Some(self.paths.len() as u32);
        self.paths.push(path(u32::MAX, u32::MAX, &Impairments::default(), &self.spec));
    }

    /// A path does something else to packets from now on.
    pub(crate) fn set_path(&mut self, place: usize, impairments: Impairments) {
        let middlebox = self.paths[place].middlebox;
        self.paths[place] = PathPlan::new(impairments, middlebox);
    }

    /// The host with this address. A NAT's outside address leads to the host behind it.
    pub(crate) fn host_of(&self, address: IpAddr) -> Option<u32> {
        let place = self.addresses.binary_search_by_key(&address, |&(address, _)| address).ok()?;
        Some(self.addresses[place].1)
    }

    /// The path from one host to another.
    pub(crate) fn path(&self, from: u32, to: u32) -> Option<u32> {
        let place = self.routes.binary_search_by_key(&(from, to), |&(a, b, _)| (a, b)).ok()?;
        Some(self.routes[place].2)
    }

    /// The address under which `from` speaks to `to`: the first of a family that both have.
    pub(crate) fn remote_address(&self, from: u32, to: u32) -> IpAddr {
        let own = &self.hosts[from as usize].addresses;
        let common = |address: &&IpAddr| own.iter().any(|a| a.is_ipv4() == address.is_ipv4());
        let theirs = &self.hosts[to as usize].addresses;
        *theirs.iter().find(common).unwrap_or(&theirs[0])
    }

    /// The own address of `host` of the same family as `remote`.
    pub(crate) fn local_address(&self, host: u32, remote: IpAddr) -> IpAddr {
        let own = &self.hosts[host as usize].addresses;
        *own.iter().find(|address| address.is_ipv4() == remote.is_ipv4()).unwrap_or(&own[0])
    }

    /// All addresses of a host, as `listen` names them.
    pub(crate) fn any_address(&self, host: u32, port: u16) -> SocketAddr {
        match self.hosts[host as usize].addresses[0] {
            IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, port).into(),
            IpAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, port).into(),
        }
    }

    /// Sorts forgeries, incidents and tables by what they wait for.
    fn triggers(&mut self) {
        let spec = Arc::clone(&self.spec);
        for (place, forgery) in spec.forgeries.iter().enumerate() {
            self.trigger(&forgery.trigger, What::Forgery(place as u32));
        }
        for (place, incident) in spec.incidents.iter().enumerate() {
            self.trigger(&incident.trigger, What::Incident(place as u32));
        }
        for (place, remark) in spec.remarks.iter().enumerate() {
            self.trigger(&remark.trigger, What::Remark(place as u32));
        }
        self.timed.extend(spec.tables.iter().map(|at| (*at, What::Tables)));
    }

    fn trigger(&mut self, trigger: &Trigger, what: What) {
        match trigger {
            Trigger::At(at) => self.timed.push((*at, what)),
            Trigger::When { condition, after } => {
                self.conditions.push(condition.clone());
                self.triggered.push((self.conditions.len() as u32 - 1, *after, what));
            }
        }
    }

    /// Looks at what there is to be watched.
    pub(crate) fn watch(&mut self) {
        for condition in &self.conditions {
            match condition {
                Condition::State { .. } => self.watched.states = true,
                Condition::Sent { .. } => self.watched.sends = true,
                Condition::ReadBytes { .. } => self.watched.reads = true,
            }
        }
        let rules = !self.spec.faults.is_empty() || !self.spec.schedule.is_empty();
        self.looks_at_packets = self.watched.sends || rules;
    }

    /// What the schedule has in store for the n-th packet of a host: its number among all rules,
    /// from 1, and the choice.
    pub(crate) fn chosen(&self, from: u32, nth: u32) -> Option<(u32, &Choice)> {
        let mut choices = self.spec.schedule.iter().enumerate();
        let of = |choice: &Choice| choice.from as u32 == from && choice.packet == nth;
        let (place, choice) = choices.find(|(_, choice)| of(choice))?;
        Some(((self.spec.faults.len() + place) as u32 + 1, choice))
    }
}

fn hosts(spec: &WorldSpec) -> Vec<HostPlan> {
    let plan = |(place, host): (usize, &crate::spec::HostSpec)| {
        let addresses = if host.addresses.is_empty() {
            vec![default_address(place)]
        } else {
            host.addresses.clone()
        };
        HostPlan { addresses }
    };
    spec.hosts.iter().enumerate().map(plan).collect()
}

/// 10.0.0.n, n being the host's place from 1, and on into 10.0.1.0 and further.
fn default_address(place: usize) -> IpAddr {
    let network = u32::from(Ipv4Addr::new(10, 0, 0, 0));
    Ipv4Addr::from(network | (place as u32 + 1)).into()
}

fn addresses(spec: &WorldSpec, hosts: &[HostPlan]) -> Result<Vec<(IpAddr, u32)>, SpecError> {
    let mut all = Vec::with_capacity(hosts.len());
    for (place, host) in hosts.iter().enumerate() {
        all.extend(host.addresses.iter().map(|address| (*address, place as u32)));
    }
    for middlebox in &spec.middleboxes {
        if let crate::spec::MiddleboxKind::Nat { address } = middlebox.kind {
            all.push((address, middlebox.inside as u32));
        }
    }
    all.sort_unstable();
    match all.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(SpecError(format!("the address {} is given twice", pair[0].0))),
        None => Ok(all),
    }
}

fn programs(spec: &WorldSpec, conditions: &mut Vec<Condition>) -> Result<Vec<Program>, SpecError> {
    let compile = |role: &crate::spec::RoleSpec| {
        let host = &spec.hosts[role.host];
        let located = |error: SpecError| SpecError(format!("role of {}: {error}", host.name));
        program::compile(role, &host.profile.options, conditions).map_err(located)
    };
    spec.roles.iter().map(compile).collect()
}

fn paths(spec: &WorldSpec) -> Vec<PathPlan> {
    let mut paths = Vec::with_capacity(spec.links.len() * 2);
    for link in &spec.links {
        let (a, b) = (link.a as u32, link.b as u32);
        paths.push(path(a, b, &link.forward, spec));
        paths.push(path(b, a, &link.backward, spec));
    }
    paths
}

fn path(from: u32, to: u32, impairments: &Impairments, spec: &WorldSpec) -> PathPlan {
    PathPlan::new(impairments.clone(), middlebox(from, to, spec))
}

impl PathPlan {
    /// A path that does this to packets.
    pub(crate) fn new(impairments: Impairments, middlebox: Option<(u32, Side)>) -> Self {
        let (delay, kind) = (nanos(impairments.delay), kind(&impairments));
        let unhindered = if kind == PathKind::Plain { impairments.mtu } else { 0 };
        Self { impairments, delay, kind, unhindered, middlebox }
    }
}

fn kind(impairments: &Impairments) -> PathKind {
    let plain = impairments.jitter.is_zero()
        && impairments.loss == Loss::None
        && impairments.duplicate == Probability::NEVER
        && impairments.reorder == Probability::NEVER
        && impairments.corrupt == Probability::NEVER
        && impairments.mark == Probability::NEVER
        && impairments.rate.is_none()
        && impairments.lifetime.is_none();
    if plain { PathKind::Plain } else { PathKind::Impaired }
}

fn middlebox(from: u32, to: u32, spec: &WorldSpec) -> Option<(u32, Side)> {
    let side = |middlebox: &crate::spec::MiddleboxSpec| {
        let (inside, outside) = (middlebox.inside as u32, middlebox.outside as u32);
        if (inside, outside) == (from, to) {
            Some(Side::Inside)
        } else if (inside, outside) == (to, from) {
            Some(Side::Outside)
        } else {
            None
        }
    };
    let mut boxes = spec.middleboxes.iter().enumerate();
    boxes.find_map(|(place, middlebox)| Some((place as u32, side(middlebox)?)))
}

fn routes(spec: &WorldSpec) -> Vec<(u32, u32, u32)> {
    let mut routes = Vec::with_capacity(spec.links.len() * 2);
    for (place, link) in spec.links.iter().enumerate() {
        let (a, b) = (link.a as u32, link.b as u32);
        let forward = 2 * place as u32;
        routes.push((a, b, forward));
        routes.push((b, a, forward + 1));
    }
    routes.sort_unstable();
    routes
}

/// A duration in nanoseconds, cut at 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
