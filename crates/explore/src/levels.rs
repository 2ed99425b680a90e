//! The search as a whole: by number of faults, and those of one number part by part.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rayon::ThreadPool;
use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};
use twomsl_scenario::{Bound, Scenario};
use twomsl_sim::Plan;

use crate::explore::Limits;
use crate::frontier::{Frontier, Part};
use crate::key::Seen;
use crate::node::Node;
use crate::search::{Break, Progress, Rules, Search, Shared, Trunk};

/// How many parts are searched beside each other before those that follow learn what they have
/// seen. A fixed number: what is covered must not depend on how many processors there are. Larger
/// ones keep more processors busy; smaller ones search less of the same twice.
const ABREAST: usize = 64;

/// More threads than this only cost the time to start them.
pub(crate) const MOST_JOBS: usize = 1024;

/// A search through all schedules.
pub(crate) struct Explorer<'a> {
    root: Node,
    rules: Rules,
    limits: &'a Limits,
    /// None if there cannot be one: then one after the other.
    pool: Option<ThreadPool>,
}

impl<'a> Explorer<'a> {
    pub(crate) fn new(
        scenario: &Scenario,
        plan: &Arc<Plan>,
        bound: &Bound,
        limits: &'a Limits,
    ) -> Self {
        let root = Node::root(plan, scenario.seed(), scenario.monitors());
        let lifetime = bound.lifetime.unwrap_or_else(|| default_lifetime(plan));
        let last = root.world.ends_by();
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(limits.jobs.min(MOST_JOBS)).build().ok();
        Self { root, rules: Rules::new(bound, lifetime, last), limits, pool }
    }

    /// All schedules with at most so many faults, those with few of them first, from where an
    /// earlier search has stopped.
    pub(crate) fn search(&self, faults: u32, frontier: &mut Frontier) -> Result<(), Break> {
        while frontier.faults <= faults {
            self.level(frontier)?;
            frontier.faults += 1;
            frontier.begun = 0;
        }
        Ok(())
    }

    /// All schedules with exactly so many faults, in parts: what lies below each first fault.
    /// Those that are searched beside each other share nothing but what was seen before, so
    /// that what is covered does not depend on who was faster.
    fn level(&self, frontier: &mut Frontier) -> Result<(), Break> {
        frontier.leave_trunk();
        let mut root = self.root.clone();
        root.left = frontier.faults;
        let Limits { stop, reached, .. } = self.limits;
        reached.faults.store(frontier.faults, Ordering::Relaxed);
        reached.states.store(frontier.states(), Ordering::Relaxed);
        let shared = Shared {
            stop,
            states: &reached.states,
            most: self.limits.states,
            best: AtomicUsize::new(usize::MAX),
        };
        // What a part has seen was not there when the trunk was walked for the first time.
        let nothing = Seen::default();
        let mut first = Search::new(&self.rules, &shared, &nothing, 0, Progress::default());
        let end = if frontier.faults == 0 {
            first.below(root)
        } else {
            self.parts(&mut first, &mut Trunk::new(root), &shared, frontier)
        };
        frontier.take_trunk(&end, first.into_progress());
        end
    }

    fn parts(
        &self,
        first: &mut Search<'_>,
        trunk: &mut Trunk,
        shared: &Shared<'_>,
        frontier: &mut Frontier,
    ) -> Result<(), Break> {
        let mut place = 0;
        loop {
            let nodes = first.parts(trunk, ABREAST)?;
            if nodes.is_empty() {
                return Ok(());
            }
            let begin = place;
            place += nodes.len();
            // An earlier search has done these.
            if begin < frontier.begun {
                continue;
            }
            let open = std::mem::take(&mut frontier.open);
            let parts = self.abreast(nodes, begin, open, shared, frontier);
            frontier.note(parts, place)?;
        }
    }

    /// Searches parts beside each other.
    fn abreast(
        &self,
        nodes: Vec<Node>,
        begin: usize,
        mut open: Vec<Part>,
        shared: &Shared<'_>,
        frontier: &Frontier,
    ) -> Vec<Part> {
        open.resize_with(nodes.len(), Part::default);
        let search = |(place, (node, part)): (usize, (Node, Part))| {
            if part.end == Some(Ok(())) {
                return part;
            }
            let number = begin + place + 1;
            let mut search =
                Search::new(&self.rules, shared, &frontier.seen, number, part.progress);
            let end = search.below(node);
            Part { end: Some(end), progress: search.into_progress() }
        };
        let run = || {
            let parts = nodes.into_par_iter().zip(open).with_max_len(1).enumerate();
            parts.map(search).collect()
        };
        match &self.pool {
            Some(pool) => pool.install(run),
            None => run(),
        }
    }
}

/// What the hosts' TIME-WAIT is made for: half of the shortest one.
fn default_lifetime(plan: &Plan) -> Duration {
    let times = plan.spec().hosts.iter().map(|host| host.profile.time_wait);
    times.min().unwrap_or_default() / 2
}
