//! The search below one node: depth first, in a fixed order.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use twomsl_scenario::{Bound, Broken, FaultKind};
use twomsl_sim::Coverage;
use twomsl_tcp::Instant;

use crate::fault::Schedule;
use crate::key::{Key, Seen};
use crate::node::{Node, Waits};

/// What is the same everywhere in a search.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) kinds: Vec<FaultKind>,
    /// How long packets live on links that do not say.
    pub(crate) lifetime: Duration,
    /// When runs end at the latest.
    pub(crate) last: Instant,
}

impl Rules {
    pub(crate) fn new(bound: &Bound, lifetime: Duration, last: Instant) -> Self {
        let mut kinds = bound.kinds.clone();
        kinds.sort_unstable();
        kinds.dedup();
        Self { kinds, lifetime, last }
    }
}

/// What those who search beside each other share.
#[derive(Debug)]
pub(crate) struct Shared<'a> {
    /// Everybody stops.
    pub(crate) stop: &'a AtomicBool,
    /// States that are remembered so far.
    pub(crate) states: &'a AtomicU64,
    /// How many there may be.
    pub(crate) most: u64,
    /// The first part of the search, in order, that has found something.
    pub(crate) best: AtomicUsize,
}

/// What a search has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) schedules: u64,
    pub(crate) transitions: u64,
    pub(crate) deepest: u64,
    pub(crate) coverage: Coverage,
}

/// A search below one node.
pub(crate) struct Search<'a> {
    pub(crate) rules: &'a Rules,
    shared: &'a Shared<'a>,
    /// What earlier searches have seen.
    before: &'a Seen,
    /// Which part of the search this is.
    part: usize,
    seen: Seen,
    /// What was seen and is not done with: the way from the beginning to here.
    open: Vec<Key>,
    tally: Tally,
}

/// How far a search below one node is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) tally: Tally,
    /// States below which everything was searched.
    pub(crate) seen: Seen,
}

/// Something broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) schedule: Schedule,
    pub(crate) broken: Broken,
}

/// Why a search ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// It has found something.
    Found(Found),
    /// Nobody is interested any more.
    Stopped,
}

/// The schedule without a further fault, which all others branch off from.
pub(crate) struct Trunk {
    node: Node,
    goes: Goes,
}

impl Trunk {
    pub(crate) const fn new(node: Node) -> Self {
        Self { node, goes: Goes::On }
    }
}

/// Whether a schedule goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    On,
    NoFurther,
}

/// What becomes of the nodes behind a choice.
enum Children<'a> {
    /// They are searched at once.
    Search,
    /// They are put aside.
    Collect(&'a mut Vec<Node>),
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        rules: &'a Rules,
        shared: &'a Shared<'a>,
        before: &'a Seen,
        part: usize,
        progress: Progress,
    ) -> Self {
        let Progress { tally, seen } = progress;
        Self { rules, shared, before, part, seen, open: Vec::new(), tally }
    }

    /// Searches everything below a node.
    pub(crate) fn below(&mut self, node: Node) -> Result<(), Break> {
        self.walk(node)
    }

    /// Goes on along the schedule without a further fault, and gives what lies behind the next
    /// choices on it, in order: about `most` of them, none at the end.
    pub(crate) fn parts(&mut self, trunk: &mut Trunk, most: usize) -> Result<Vec<Node>, Break> {
        let mut parts = Vec::new();
        while trunk.goes == Goes::On && parts.len() < most {
            trunk.goes = self.onward(&mut trunk.node, &mut Children::Collect(&mut parts))?;
        }
        self.tally.coverage.add(&trunk.node.world.coverage());
        if trunk.goes == Goes::NoFurther {
            self.open.clear();
        }
        Ok(parts)
    }

    /// How far it has come. What it was in the middle of counts as not seen.
    pub(crate) fn into_progress(mut self) -> Progress {
        for key in &self.open {
            self.seen.remove(key);
        }
        Progress { tally: self.tally, seen: self.seen }
    }

    fn walk(&mut self, mut node: Node) -> Result<(), Break> {
        let above = self.open.len();
        let mut end = Ok(Goes::On);
        while matches!(end, Ok(Goes::On)) {
            end = self.onward(&mut node, &mut Children::Search);
        }
        self.tally.coverage.add(&node.world.coverage());
        end?;
        self.open.truncate(above);
        Ok(())
    }

    /// Everything up to the next event, and that.
    fn onward(&mut self, node: &mut Node, children: &mut Children<'_>) -> Result<Goes, Break> {
        if let Some(broken) = node.broken() {
            return Err(self.found(node, broken));
        }
        if node.has_choice(&self.rules.kinds) && !self.is_new(node)? {
            return Ok(Goes::NoFurther);
        }
        if node.is_settled() {
            return self.finish(node);
        }
        if self.between(node, children)? == Waits::No {
            return Ok(Goes::NoFurther);
        }
        if node.world.is_over() {
            if node.left == 0 {
                // What is in hand would come after the end.
                return self.finish(node);
            }
            // It has fewer faults than are asked for, and was judged when those were searched.
            return Ok(Goes::NoFurther);
        }
        self.arrival(node, children)?;
        node.step();
        self.tally.transitions += 1;
        Ok(Goes::On)
    }

    /// Whether this is a place where nobody has been.
    fn is_new(&mut self, node: &Node) -> Result<bool, Break> {
        self.check_stop()?;
        let key = Key::of(node);
        let new = !self.before.contains(&key) && self.seen.insert(key);
        if new {
            self.open.push(key);
            self.shared.states.fetch_add(1, Ordering::Relaxed);
        }
        Ok(new)
    }

    fn check_stop(&self) -> Result<(), Break> {
        let stop = self.shared.stop.load(Ordering::Relaxed)
            || self.shared.states.load(Ordering::Relaxed) >= self.shared.most
            || self.shared.best.load(Ordering::Relaxed) < self.part;
        if stop { Err(Break::Stopped) } else { Ok(()) }
    }

    /// What can happen before the next event.
    fn between(&mut self, node: &mut Node, children: &mut Children<'_>) -> Result<Waits, Break> {
        let Some((all, waits)) = node.between(&self.rules.kinds, self.rules.last) else {
            return Ok(Waits::Yes);
        };
        for what in all {
            let child = node.after(what);
            self.tally.transitions += u64::from(!what.is_fault());
            self.child(child, children)?;
        }
        node.pass();
        Ok(waits)
    }

    /// What can befall a packet that is about to arrive.
    fn arrival(&mut self, node: &mut Node, children: &mut Children<'_>) -> Result<(), Break> {
        let Some(arriving) = node.arriving() else { return Ok(()) };
        for place in 0..self.rules.kinds.len() {
            let kind = self.rules.kinds[place];
            if let Some(child) = node.befall(kind, &arriving, self.rules.lifetime) {
                self.child(child, children)?;
            }
        }
        Ok(())
    }

    fn child(&mut self, child: Node, children: &mut Children<'_>) -> Result<(), Break> {
        match children {
            Children::Search => self.walk(child),
            Children::Collect(parts) => {
                parts.push(child);
                Ok(())
            }
        }
    }

    /// Nothing is left to choose: to the end.
    fn finish(&mut self, node: &mut Node) -> Result<Goes, Break> {
        let before = node.world.events();
        if node.monitors.look() {
            while !node.world.is_over() && node.broken().is_none() {
                node.step();
            }
        }
        if let Some(broken) = node.broken() {
            return Err(self.found(node, broken));
        }
        let end = node.world.run();
        node.look();
        self.tally.transitions += node.world.events() - before;
        self.tally.schedules += 1;
        self.tally.deepest = self.tally.deepest.max(node.world.events());
        match node.monitors.judge(&node.world, end) {
            Some(broken) => Err(self.found(node, broken)),
            None => Ok(Goes::NoFurther),
        }
    }

    fn found(&self, node: &mut Node, broken: Broken) -> Break {
        self.shared.best.fetch_min(self.part, Ordering::Relaxed);
        Break::Found(Found { schedule: node.take_schedule(), broken })
    }
}
