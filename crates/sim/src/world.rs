//! One simulation.

use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use twomsl_tcp::{Instant, SocketError, Stack, TcpState};
use twomsl_trace::{About, HostId, HostInfo, PathInfo, Record, SocketRef, Trace};

use crate::builder::WorldBuilder;
use crate::coverage::Coverage;
use crate::live::{Due, Live};
use crate::plan::Plan;
use crate::queue::{Entry, What};
use crate::run::Run;
use crate::spec::WorldSpec;
use crate::tasks::BUSY_LIMIT;
use crate::words;

/// Hosts, links, a clock, an event queue and random streams: one simulation.
///
/// A world is made from a [`WorldSpec`] and runs until nothing is left to happen. It can be
/// cloned at any moment, and both go on in the same way; what never changes is shared.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) plan: Arc<Plan>,
    pub(crate) live: Live,
}

/// What is written down while a world runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recording {
    /// Everything: a trace can be rendered.
    Trace,
    /// Only which events were met in which states.
    Coverage,
    /// Nothing: for speed. Invariants are checked all the same.
    Off,
}

/// Which invariants are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checks {
    /// Those that cost little: what every run does.
    Cheap,
    /// Also the variables of each connection after each packet.
    Full,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// Nothing was left to happen.
    Quiet,
    /// The time given by the specification was over.
    TimeUp,
    /// Ten million things happened without any time passing: they never would stop.
    Stuck,
    /// So much happened that writing it down was given up ([`MOST_RECORDS`]): two ends that answer
    /// each other's answers, say. Only where a trace is written; memory is what it would cost.
    TooMuch,
}

/// How many records the trace of a run may have. The longest story of the library has 42,448.
pub const MOST_RECORDS: usize = 1_000_000;

/// A world that cannot be made: an index without a host, two links between the same hosts, …
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(pub String);

/// As `Display`: a test that returns this error shows its `Debug`.
impl fmt::Debug for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Octets of a host's applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Totals {
    /// Octets written into sockets.
    pub written: u64,
    /// Octets read from sockets.
    pub read: u64,
}

/// An invariant that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Instant,
    /// Its number, from 1 to 6.
    pub invariant: u8,
    /// Where.
    pub socket: Option<SocketRef>,
    /// What is wrong.
    pub text: String,
}

/// What became of a role, or of a task that it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoleResult {
    /// The role, by its place in [`WorldSpec::roles`].
    pub role: usize,
    /// Its host, by its place in [`WorldSpec::hosts`].
    pub host: usize,
    /// Its number among the tasks of its host, as in the trace.
    pub task: u32,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It runs, or waits.
    Running,
    /// It came to its end.
    Done,
    /// A call failed, and it ended there.
    Failed {
        /// The call's name: `connect`.
        call: &'static str,
        /// Why.
        error: SocketError,
    },
    /// Its host crashed.
    Crashed,
}

impl World {
    /// A builder that speaks the words of scenarios.
    pub fn builder() -> WorldBuilder {
        WorldBuilder::default()
    }

    /// A world at the start of time. For many worlds of one specification, make one [`Plan`]
    /// and use [`from_plan`](Self::from_plan).
    ///
    /// # Errors
    /// See [`Plan::new`].
    pub fn new(spec: impl Into<Arc<WorldSpec>>, recording: Recording) -> Result<Self, SpecError> {
        let plan = Arc::new(Plan::new(spec)?);
        let seed = plan.spec.seed;
        Ok(Self::from_plan(plan, seed, recording))
    }

    /// A world at the start of time, with this seed instead of the specification's.
    pub fn from_plan(plan: Arc<Plan>, seed: u64, recording: Recording) -> Self {
        let mut live = Live::new(&plan, seed, recording);
        if recording == Recording::Trace {
            live.trace.about = about(&plan, seed);
        }
        Self { plan, live }
    }

    /// Back to the start of time, with this seed. Everything happens as in a new world of the
    /// same plan; it only takes less time to make, because the memory of this one is used again.
    pub fn restart(&mut self, seed: u64) {
        self.live.start(&self.plan, seed);
        self.live.trace.about.seed = seed;
    }

    /// Chooses which invariants are checked. At first: [`Checks::Cheap`].
    pub fn check(&mut self, checks: Checks) {
        self.live.checks = checks;
    }

    /// Runs until nothing is left to happen, or until the time that the specification gives;
    /// without one until a day has passed. Checks at the end that nothing is left hanging.
    pub fn run(&mut self) -> End {
        let end = self.end();
        while let Some(entry) = self.live.next() {
            if entry.at > end {
                self.live.queue.put_back(entry);
                self.live.now = end;
                return End::TimeUp;
            }
            self.live.happen(&self.plan, entry.at, entry.what);
            if self.live.is_stuck() {
                return End::Stuck;
            }
            if self.live.is_full() {
                return End::TooMuch;
            }
        }
        self.live.check_quiet(&self.plan);
        End::Quiet
    }

    /// When a run ends at the latest.
    pub(crate) fn end(&self) -> Instant {
        self.plan.spec.until.map_or(Live::DEFAULT_END, |until| Instant::ZERO + until)
    }

    /// Lets the next thing happen; false when there is none.
    pub fn step(&mut self) -> bool {
        let Some(entry) = self.live.next() else { return false };
        self.live.happen(&self.plan, entry.at, entry.what);
        true
    }

    /// Runs up to and including `time`, which is then the time.
    pub fn run_until(&mut self, time: Instant) {
        while let Some(entry) = self.live.next() {
            if entry.at > time {
                self.live.queue.put_back(entry);
                break;
            }
            self.live.happen(&self.plan, entry.at, entry.what);
            if self.live.busy >= BUSY_LIMIT {
                return;
            }
        }
        self.live.now = self.live.now.max(time);
    }

    /// What came of this world, whose last [`run`](Self::run) ended so.
    pub fn over(&self, end: End) -> Run {
        self.live.over(end, self.live.now)
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.live.now
    }

    /// When the next thing happens.
    pub fn next_event(&mut self) -> Option<Instant> {
        let entry = self.live.next()?;
        self.live.queue.put_back(entry);
        Some(entry.at)
    }

    /// What this world was made from.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The seed of its random streams.
    pub fn seed(&self) -> u64 {
        self.live.seed
    }

    /// What was written down.
    pub fn trace(&self) -> &Trace {
        &self.live.trace
    }

    /// Hands out what was written down since this was last asked, and forgets it.
    pub fn drain_records(&mut self, mut look: impl FnMut(&Record)) {
        self.live.trace.records.iter().for_each(&mut look);
        self.live.trace.records.clear();
    }

    /// Gives up the world for what was written down.
    pub fn into_trace(self) -> Trace {
        self.live.trace
    }

    /// The invariants that were broken so far.
    pub fn violations(&self) -> &[Violation] {
        &self.live.violations
    }

    /// What became of the roles, in order; then of every task they made that failed.
    pub fn results(&self) -> Vec<RoleResult> {
        self.live.tasks.results()
    }

    /// What a host's applications have written and read in all.
    pub fn totals(&self, host: usize) -> Totals {
        self.live.hosts[host].totals
    }

    /// The stack of a host.
    pub fn stack(&self, host: usize) -> &Stack {
        &self.live.hosts[host].stack
    }

    /// How many packets hosts and network have made so far.
    pub fn packets(&self) -> u64 {
        self.live.next_packet
    }

    /// Which events connections have met in which states so far. Nothing with
    /// [`Recording::Off`].
    pub fn coverage(&self) -> Coverage {
        self.live.coverage
    }

    /// How many things have happened so far.
    pub fn events(&self) -> u64 {
        self.live.happened
    }

    /// How often each fault rule has matched.
    pub fn matched(&self) -> &[u32] {
        &self.live.matched
    }

    /// The place of the host with this name.
    pub fn host(&self, name: &str) -> Option<usize> {
        self.plan.spec.hosts.iter().position(|host| host.name == name)
    }

    /// The states each socket of a host went through, in the order in which the sockets began.
    /// From the trace: nothing without one.
    pub fn paths(&self, host: usize) -> Vec<Vec<TcpState>> {
        words::paths(&self.live.trace, HostId(host as u16))
    }

    /// Feeds everything that can influence the future into `hasher`, times relative to now:
    /// worlds with the same fingerprint will go on in the same way.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.live.fingerprint(hasher);
    }
}

impl Live {
    /// Whether so much happened without any time passing that it never would stop.
    pub(crate) const fn is_stuck(&self) -> bool {
        self.busy >= BUSY_LIMIT
    }

    /// Whether the trace has as many records as a run may write down.
    pub(crate) const fn is_full(&self) -> bool {
        self.trace.records.len() >= MOST_RECORDS
    }

    /// The next thing that happens, taken out of the queue. Entries that nothing stands behind any
    /// more are passed over, so that they never move the clock.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Entry> {
        loop {
            let entry = self.queue.take()?;
            if self.is_real(entry.at, entry.what) {
                return Some(entry);
            }
        }
    }

    /// Whether something stands behind an entry.
    fn is_real(&mut self, at: Instant, what: What) -> bool {
        match what {
            What::Timer(host) => self.is_paused(host) || self.timer_is_due(host, at) == Due::Yes,
            What::Task(place, epoch) => self.tasks.sleeper(place, epoch).is_some(),
            What::Boot(host, boot) => self.hosts[host as usize].boot == boot,
            What::Flows(number) => self.flow_is_over(at, number),
            _ => true,
        }
    }

    /// Lets happen what [`next`](Self::next) said.
    fn happen(&mut self, plan: &Plan, at: Instant, what: What) {
        if at > self.now {
            self.now = at;
            self.busy = 0;
        }
        self.busy += 1;
        self.happened += 1;
        match what {
            What::Arrival(place) => self.arrive(plan, place),
            _ => self.happen_to_host(plan, what),
        }
        if self.tasks.can_run() {
            self.run_tasks(plan);
        }
    }

    /// Everything but packets. Apart, so that what is rare here does not weigh on them.
    #[inline(never)]
    fn happen_to_host(&mut self, plan: &Plan, what: What) {
        if let Some(host) = self.host_of(plan, what)
            && self.is_paused(host)
        {
            return self.put_off(host, what);
        }
        match what {
            What::Arrival(place) => self.arrive(plan, place),
            What::Timer(host) => self.timer(plan, host),
            What::Task(place, _) => self.wake_sleeper(place),
            What::Boot(host, boot) => self.boot(plan, host, boot),
            What::Role(role, boot) => self.role_due(plan, role, boot),
            What::Forgery(place) => self.forge(plan, place),
            What::Incident(place) => self.incident(plan, place),
            What::Remark(place) => self.remark(plan, place),
            What::Flows(number) => self.flows_are_over(plan, number),
            What::Tables => self.tables(),
        }
    }

    /// The host that an entry is about, if it waits when that host stands still.
    pub(crate) fn host_of(&self, plan: &Plan, what: What) -> Option<u32> {
        match what {
            What::Timer(host) => Some(host),
            What::Task(place, epoch) => self.tasks.sleeper(place, epoch),
            What::Role(role, _) => Some(plan.spec.roles[role as usize].host as u32),
            _ => None,
        }
    }
}

/// The heading of the trace.
pub(crate) fn about(plan: &Plan, seed: u64) -> About {
    let spec = &plan.spec;
    let hosts = spec.hosts.iter().zip(&plan.hosts).map(|(host, prepared)| HostInfo {
        name: host.name.clone(),
        profile: words::profile(&host.profile),
        addresses: prepared.addresses.clone(),
    });
    let paths = spec.links.iter().map(|link| PathInfo {
        a: HostId(link.a as u16),
        b: HostId(link.b as u16),
        forward: words::impairments(&link.forward),
        backward: words::impairments(&link.backward),
    });
    let (hosts, paths) = (hosts.collect(), paths.collect());
    About { title: spec.title.clone(), seed, hosts, paths, cut_at: None }
}

impl From<&WorldSpec> for Arc<WorldSpec> {
    fn from(spec: &WorldSpec) -> Self {
        Self::new(spec.clone())
    }
}
