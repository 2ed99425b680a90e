//! The search below one node: depth first, in a fixed order.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use twomsl_scenario::{Bound, Broken, FaultKind};
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
    /// New states so far.
    pub(crate) states: AtomicU64,
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
}

/// A search below one node.
pub(crate) struct Search<'a> {
    pub(crate) rules: &'a Rules,
    shared: &'a Shared<'a>,
    /// What earlier searches have seen.
    before: &'a Seen,
    /// Which part of the search this is.
    part: usize,
    pub(crate) seen: Seen,
    pub(crate) tally: Tally,
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
    ) -> Self {
        Self { rules, shared, before, part, seen: Seen::default(), tally: Tally::default() }
    }

    /// Searches everything below a node.
    pub(crate) fn below(&mut self, node: Node) -> Result<(), Break> {
        self.walk(node, &mut Children::Search)
    }

    /// Goes along the schedule without a further fault, and puts aside what lies behind each
    /// first choice, in order.
    pub(crate) fn parts(&mut self, node: Node) -> Result<Vec<Node>, Break> {
        let mut parts = Vec::new();
        self.walk(node, &mut Children::Collect(&mut parts))?;
        Ok(parts)
    }

    fn walk(&mut self, mut node: Node, children: &mut Children<'_>) -> Result<(), Break> {
        loop {
            if let Some(broken) = node.broken() {
                return self.found(node, broken);
            }
            if node.has_choice(&self.rules.kinds) && !self.is_new(&node)? {
                return Ok(());
            }
            if node.is_settled() {
                return self.finish(node);
            }
            if self.between(&mut node, children)? == Waits::No {
                return Ok(());
            }
            if node.world.is_over() {
                // It has fewer faults than are asked for, and was judged when those were searched.
                return Ok(());
            }
            self.arrival(&mut node, children)?;
            node.step();
            self.tally.transitions += 1;
        }
    }

    /// Whether this is a place where nobody has been.
    fn is_new(&mut self, node: &Node) -> Result<bool, Break> {
        self.check_stop()?;
        let key = Key::of(node);
        let new = !self.before.contains(&key) && self.seen.insert(key);
        if new && self.shared.states.fetch_add(1, Ordering::Relaxed) >= self.shared.most {
            self.shared.stop.store(true, Ordering::Relaxed);
        }
        Ok(new)
    }

    fn check_stop(&self) -> Result<(), Break> {
        let stop = self.shared.stop.load(Ordering::Relaxed)
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
            Children::Search => self.walk(child, &mut Children::Search),
            Children::Collect(parts) => {
                parts.push(child);
                Ok(())
            }
        }
    }

    /// Nothing is left to choose: to the end.
    fn finish(&mut self, mut node: Node) -> Result<(), Break> {
        let before = node.world.events();
        if node.monitors.look() {
            while !node.world.is_over() && node.broken().is_none() {
                node.step();
            }
        }
        if let Some(broken) = node.broken() {
            return self.found(node, broken);
        }
        let end = node.world.run();
        node.look();
        self.tally.transitions += node.world.events() - before;
        self.tally.schedules += 1;
        self.tally.deepest = self.tally.deepest.max(node.world.events());
        match node.monitors.judge(&node.world, end) {
            Some(broken) => self.found(node, broken),
            None => Ok(()),
        }
    }

    fn found(&mut self, node: Node, broken: Broken) -> Result<(), Break> {
        self.shared.best.fetch_min(self.part, Ordering::Relaxed);
        Err(Break::Found(Found { schedule: node.into_schedule(), broken }))
    }
}
