//! Trying smaller scenarios: whether they fail for the same reason.

use std::collections::BTreeSet;

use kdl::KdlDocument;
use twomsl_scenario::{Outcome, RunError, Scenario};
use twomsl_sim::End;
use twomsl_tcp::SocketError;
use twomsl_trace::Event;

use super::{Best, Reason, explicit};

/// How many runs there are at most.
const MOST_RUNS: u32 = 10_000;

/// What makes things go wrong, as opposed to what goes wrong then.
const FAULTS: [&str; 10] = [
    "fault",
    "crash",
    "reboot",
    "pause",
    "resume",
    "link-down",
    "link-up",
    "release",
    "forge",
    "forge-icmp",
];

/// Trying scenarios.
pub(super) struct Trial {
    pub(super) reason: Reason,
    pub(super) runs: u32,
    /// The place of the expectation that fails, if that is the reason.
    place: Option<usize>,
    /// What was so at first.
    first: Before,
    /// The same for a run without faults, and whether that was free of the reason.
    calm: Before,
    calm_was_fine: bool,
}

/// What was so in a run, and has to be so in a smaller one.
#[derive(Default)]
struct Before {
    /// Which expectations held.
    held: Vec<bool>,
    /// Which calls failed.
    errors: BTreeSet<Failed>,
}

/// A call that failed: the host, the call, the error.
type Failed = (String, &'static str, &'static str);

/// How a run stands to what is expected of it.
struct Judged {
    outcome: Outcome,
    manners: Vec<Option<String>>,
}

impl Trial {
    /// The first run, which has to fail: `None` if it does not.
    pub(super) fn new(scenario: &Scenario) -> Result<Option<Self>, RunError> {
        let outcome = scenario.run()?;
        let first = Judged { manners: scenario.manners(&outcome), outcome };
        let Some((reason, place)) = first.reason() else { return Ok(None) };
        let calm = calm(scenario.text()).and_then(|text| judge(&text));
        let mut trial = Self {
            reason,
            runs: 2,
            place,
            first: Before::of(&first),
            calm: calm.as_ref().map_or_else(Before::default, Before::of),
            calm_was_fine: false,
        };
        let ids: Vec<usize> = (0..trial.expectations()).collect();
        trial.calm_was_fine = calm.is_some_and(|calm| !trial.is_it(&calm, &ids));
        Ok(Some(trial))
    }

    /// How many expectations there were at first.
    pub(super) fn expectations(&self) -> usize {
        self.first.held.len()
    }

    /// Whether this is the expectation that fails.
    pub(super) fn is_reason(&self, id: usize) -> bool {
        self.place == Some(id)
    }

    /// What an expectation says is not asked of smaller scenarios: it speaks of what is replaced.
    pub(super) fn excuse(&mut self, id: usize) {
        for before in [&mut self.first, &mut self.calm] {
            if let Some(held) = before.held.get_mut(id) {
                *held = false;
            }
        }
    }

    /// Puts a smaller scenario in place of the best one, if it fails for the reason.
    pub(super) fn attempt(&mut self, best: &mut Best, text: String, ids: Vec<usize>) -> bool {
        let fails = text != best.text && self.fails(&text, &ids);
        if fails {
            *best = Best { text, ids };
        }
        fails
    }

    /// Whether a text is a scenario that fails for the reason, and in nothing else.
    fn fails(&mut self, text: &str, ids: &[usize]) -> bool {
        if self.runs >= MOST_RUNS {
            return false;
        }
        self.runs += 1;
        let Some(judged) = judge(text) else { return false };
        if !self.is_it(&judged, ids) || !self.first.is_kept(&judged, ids) {
            return false;
        }
        self.runs += 1;
        let Some(calm) = calm(text).and_then(|text| judge(&text)) else {
            return !self.calm_was_fine;
        };
        // If the first scenario was none without its faults, there is nothing to compare.
        self.calm.held.is_empty()
            || (self.calm.is_kept(&calm, ids) && !(self.calm_was_fine && self.is_it(&calm, ids)))
    }

    /// Whether a run fails for the reason.
    fn is_it(&self, judged: &Judged, ids: &[usize]) -> bool {
        match &self.reason {
            Reason::Expectation { manner, .. } => {
                let place = ids.iter().position(|id| self.is_reason(*id));
                let found = place.and_then(|place| judged.manners.get(place)?.as_ref());
                found == Some(manner) && judged.worse().is_none()
            }
            other => judged.worse().as_ref() == Some(other),
        }
    }
}

impl Before {
    fn of(judged: &Judged) -> Self {
        let held = judged.manners.iter().map(Option::is_none).collect();
        Self { held, errors: judged.errors() }
    }

    /// Whether all that held still does, and no call fails that did not.
    fn is_kept(&self, judged: &Judged, ids: &[usize]) -> bool {
        let kept = |(id, manner): (&usize, &Option<String>)| {
            manner.is_none() || !self.held.get(*id).copied().unwrap_or_default()
        };
        judged.manners.len() == ids.len()
            && ids.iter().zip(&judged.manners).all(kept)
            && judged.errors().is_subset(&self.errors)
    }
}

fn judge(text: &str) -> Option<Judged> {
    let scenario = Scenario::parse(super::NAME, text).ok()?;
    let outcome = scenario.run().ok()?;
    Some(Judged { manners: scenario.manners(&outcome), outcome })
}

/// The same scenario without faults, by chance or by rule.
fn calm(text: &str) -> Option<String> {
    let mut document: KdlDocument = text.parse().ok()?;
    document.nodes_mut().retain(|node| !FAULTS.contains(&node.name().value()));
    explicit::without_chance(&mut document, explicit::ALL);
    Some(document.to_string())
}

impl Judged {
    /// The calls that failed. A timeout of `read` is no failure.
    fn errors(&self) -> BTreeSet<Failed> {
        let trace = &self.outcome.trace;
        let failed = trace.records.iter().filter_map(|record| match &record.event {
            Event::Returned { host, call, result: Err(error), .. }
                if *error != SocketError::WouldBlock =>
            {
                let name = &trace.about.hosts.get(usize::from(host.0))?.name;
                Some((name.clone(), *call, error.name()))
            }
            _ => None,
        });
        failed.collect()
    }

    /// Why it fails, and which expectation that is about.
    fn reason(&self) -> Option<(Reason, Option<usize>)> {
        if let Some(worse) = self.worse() {
            return Some((worse, None));
        }
        let words = self.outcome.failures.first()?.expectation.clone();
        let place = self.manners.iter().position(Option::is_some)?;
        let manner = self.manners.get(place)?.clone()?;
        Some((Reason::Expectation { words, manner }, Some(place)))
    }

    /// What is worse than an expectation that does not hold.
    fn worse(&self) -> Option<Reason> {
        // A failure that no expectation speaks of, beside those that one does.
        let spoken_of = self.manners.iter().filter(|manner| manner.is_some()).count();
        if self.outcome.failures.len() <= spoken_of {
            return None;
        }
        let said = |text: &str| self.outcome.failures.iter().any(|one| one.instead.contains(text));
        let violation = self.outcome.trace.records.iter().find_map(|record| match &record.event {
            Event::Violation { invariant, text, .. } if said(text) => {
                Some(Reason::Invariant { number: *invariant, text: without_numbers(text) })
            }
            _ => None,
        });
        violation.or((self.outcome.end == End::Stuck).then_some(Reason::Stuck))
    }
}

/// Words alone: numbers differ between runs that fail in the same way. `FIN-WAIT-1` is a word.
fn without_numbers(text: &str) -> String {
    let number = |word: &str| word.chars().all(|c| c.is_ascii_digit());
    let words = text.split(' ').map(|word| if number(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
