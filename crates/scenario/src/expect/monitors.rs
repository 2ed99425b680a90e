//! Expectations that are held against a run as it goes, without its trace.
//!
//! A search cuts off what it has seen before, and judges what it has not. Both need to know of
//! the past only what still matters: for each expectation, how often what it speaks of has
//! happened.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use twomsl_sim::spec::WorldSpec;
use twomsl_sim::{End, Plan, Totals, World};
use twomsl_tcp::TcpState;
use twomsl_trace::{Event, HostId, Record};

use super::segments::{self, Spaces};
use super::{Counts, EndsWanted, Expected, ResultWanted, SegmentsWanted, StateWanted, Wanted};

/// The expectations of every schedule, and how far each of them is in one run.
#[derive(Clone, Debug)]
pub struct Monitors {
    watched: Arc<Watched>,
    /// How often what each expectation speaks of has happened.
    counts: Vec<u32>,
    /// What segments acknowledge, if somebody asks for it.
    spaces: Spaces,
}

/// What does not change.
#[derive(Debug)]
struct Watched {
    wanted: Vec<Wanted>,
    /// The addresses of each host.
    addresses: Vec<Vec<IpAddr>>,
    /// Whether somebody asks what segments acknowledge.
    acks: bool,
    /// Whether anybody looks at what happens.
    looks: bool,
    /// The invariants that may be broken: an expectation speaks of them.
    broken: Vec<u8>,
}

impl Monitors {
    /// Whether an expectation can be watched: it counts, or asks for the end.
    pub(crate) fn can_watch(wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Result(result) => {
                result.nth.is_none() && result.at.is_none() && result.by.is_none()
            }
            Wanted::Segments(segments) => {
                segments.times.is_none() && segments.since.is_none() && segments.before.is_none()
            }
            Wanted::State(state) => {
                state.counts.is_some()
                    && state.connection.is_none()
                    && state.lasts.is_none()
                    && state.at.is_none()
            }
            Wanted::Ends(ends) => ends.at.is_none() && ends.by.is_none() && ends.after.is_none(),
            Wanted::Read { .. }
            | Wanted::Written { .. }
            | Wanted::Verdict { .. }
            | Wanted::Violation { .. } => true,
            _ => false,
        }
    }

    /// At the beginning of a run.
    pub(crate) fn new(expected: &[Expected], spec: &WorldSpec) -> Self {
        let wanted: Vec<Wanted> = expected.iter().map(|one| one.wanted.clone()).collect();
        let acks = |one: &Wanted| matches!(one, Wanted::Segments(of) if of.acks.is_some());
        let looks = |one: &Wanted| {
            !matches!(
                one,
                Wanted::Read { .. }
                    | Wanted::Written { .. }
                    | Wanted::Ends(_)
                    | Wanted::Violation { .. }
            )
        };
        let broken = wanted.iter().filter_map(|one| match one {
            Wanted::Violation { invariant, .. } => Some(*invariant),
            _ => None,
        });
        // A world that cannot be is refused where it is made.
        let plan = Plan::new(spec).ok();
        let of = |host| plan.as_ref().map_or(Vec::new(), |plan| plan.addresses(host).to_vec());
        let addresses = (0..spec.hosts.len()).map(of).collect();
        let watched = Watched {
            addresses,
            acks: wanted.iter().any(acks),
            looks: wanted.iter().any(looks),
            broken: broken.collect(),
            wanted,
        };
        let counts = vec![0; watched.wanted.len()];
        Self { watched: Arc::new(watched), counts, spaces: Spaces::default() }
    }

    /// Whether they need to see what is recorded.
    pub fn look(&self) -> bool {
        self.watched.looks
    }

    /// Something happened.
    pub fn note(&mut self, record: &Record) {
        let sent = if self.watched.acks { self.spaces.sent(record) } else { None };
        let sent = sent.or_else(|| Spaces::default().sent(record));
        for (wanted, count) in self.watched.wanted.iter().zip(&mut self.counts) {
            let (speaks, counts) = match wanted {
                Wanted::Result(wanted) => (returned(wanted, record), wanted.counts),
                Wanted::Segments(wanted) => {
                    let fits = |sent: &segments::Sent<'_>| {
                        segments::fits(wanted, sent, &self.watched.addresses)
                    };
                    (sent.as_ref().is_some_and(fits), wanted.counts)
                }
                Wanted::State(wanted) => {
                    (entered(wanted, record), wanted.counts.unwrap_or(Counts::SOME))
                }
                Wanted::Verdict { host, verdict, counts } => {
                    let host = HostId(*host as u16);
                    let speaks = matches!(&record.event, Event::Arrived { host: at, verdict: found, .. } if *at == host && found == verdict);
                    (speaks, *counts)
                }
                _ => continue,
            };
            // Beyond what makes a difference, nothing is counted.
            let enough = counts.max.map_or(counts.min, |max| max + 1);
            if speaks && u64::from(*count) < enough {
                *count += 1;
            }
        }
    }

    /// What is broken already, whatever comes: the expectation's place.
    pub fn broken(&self, world: &World) -> Option<Broken> {
        let unexpected = |number: u8| !self.watched.broken.contains(&number);
        let violation = world.violations().iter().find(|one| unexpected(one.invariant));
        if let Some(violation) = violation {
            return Some(Broken::Invariant(violation.invariant));
        }
        let over = |(wanted, count): &(&Wanted, &u32)| {
            counts_of(wanted)
                .is_some_and(|counts| counts.max.is_some_and(|max| u64::from(**count) > max))
        };
        let mut all = self.watched.wanted.iter().zip(&self.counts);
        Some(Broken::Expectation(all.position(|one| over(&one))?))
    }

    /// What is broken at the end of a run.
    pub fn judge(&self, world: &World, end: End) -> Option<Broken> {
        if let Some(broken) = self.broken(world) {
            return Some(broken);
        }
        let all = self.watched.wanted.iter().zip(&self.counts);
        let mut fails = all.map(|(wanted, count)| !holds(wanted, *count, world, end));
        if let Some(place) = fails.position(|fails| fails) {
            return Some(Broken::Expectation(place));
        }
        let shown = |one: &Wanted| matches!(one, Wanted::Ends(EndsWanted { how: Some(how), .. }) if *how == end);
        let endless = matches!(end, End::Stuck | End::TooMuch);
        (endless && !self.watched.wanted.iter().any(shown)).then_some(Broken::Stuck)
    }
}

/// What a run has broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Broken {
    /// This invariant of the world, from 1 to 6.
    Invariant(u8),
    /// This one of the expectations in `explore`, by its place.
    Expectation(usize),
    /// The run never would have ended.
    Stuck,
}

impl Hash for Monitors {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.counts.hash(state);
        if self.watched.acks {
            self.spaces.hash(state);
        }
    }
}

const fn counts_of(wanted: &Wanted) -> Option<Counts> {
    match wanted {
        Wanted::Result(ResultWanted { counts, .. })
        | Wanted::Segments(SegmentsWanted { counts, .. })
        | Wanted::Verdict { counts, .. } => Some(*counts),
        Wanted::State(StateWanted { counts, .. }) => *counts,
        _ => None,
    }
}

fn holds(wanted: &Wanted, count: u32, world: &World, end: End) -> bool {
    let totals = |host: usize| -> Totals { world.totals(host) };
    match wanted {
        Wanted::Read { host, octets } => totals(*host).read == *octets,
        Wanted::Written { host, octets } => totals(*host).written == *octets,
        Wanted::Ends(ends) => ends.how.is_none_or(|how| how == end),
        Wanted::Violation { invariant, counts } => {
            let of = |violation: &&twomsl_sim::Violation| violation.invariant == *invariant;
            counts.hold(world.violations().iter().filter(of).count())
        }
        other => counts_of(other).is_none_or(|counts| counts.hold(count as usize)),
    }
}

/// Whether a record is a result that an expectation speaks of.
fn returned(wanted: &ResultWanted, record: &Record) -> bool {
    let host = HostId(wanted.host as u16);
    match &record.event {
        Event::Returned { host: of, call, result, .. } => {
            *of == host && *call == wanted.call && wanted.answer.is(result)
        }
        _ => false,
    }
}

/// Whether a record is a change into the state that an expectation speaks of. A listener that is
/// closed is no connection that is.
fn entered(wanted: &StateWanted, record: &Record) -> bool {
    let Event::State { socket, change } = &record.event else { return false };
    let of_listener = change.from == TcpState::Listen && change.to == TcpState::Closed;
    socket.host == HostId(wanted.host as u16) && change.to == wanted.state && !of_listener
}
