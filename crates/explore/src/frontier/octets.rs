//! A frontier as octets: for whoever goes on with a search in another process.
//!
//! First what search it is of, then counters, then fingerprints, all little-endian. Nothing is
//! promised about the form: another version of this crate does not take it.

use siphasher::sip128::{Hasher128 as _, SipHasher13};
use std::hash::Hasher as _;
use twomsl_scenario::{Bound, Scenario};
use twomsl_sim::Coverage;

use super::{Frontier, Part};
use crate::key::{Key, Seen};
use crate::search::{Break, Progress, Tally};

/// What such octets begin with.
const MAGIC: &[u8; 16] = b"twomsl search 1\n";

/// Octets that are no frontier of this search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// They are something else, or only a part of one.
    #[error("this is not what a search has left behind, or not all of it")]
    NotOne,
    /// It is of another search.
    #[error(
        "this was left behind by another search: the scenario, its settings, the kinds of fault, \
         lifetimes and the version of twomsl must be the same"
    )]
    OfAnother,
    /// It has gone beyond what is asked for now.
    #[error(
        "this search was already at schedules with more faults: let `--faults` be as large as before"
    )]
    TooFar,
}

impl Frontier {
    /// For [`from_bytes`](Self::from_bytes). About 16 octets for each state.
    pub fn to_bytes(&self, scenario: &Scenario, bound: &Bound) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(identity(scenario, bound).to_le_bytes());
        put(&mut out, u64::from(self.faults));
        put(&mut out, self.begun as u64);
        put_progress(&mut out, &self.done, &self.seen);
        put(&mut out, self.open.len() as u64);
        for Part { end, progress } in &self.open {
            put(&mut out, u64::from(*end == Some(Ok(()))));
            put_progress(&mut out, &progress.tally, &progress.seen);
        }
        out
    }

    /// Where a search of the same scenario, with the same kinds of fault, has stopped. The number of
    /// faults may be larger now.
    ///
    /// # Errors
    /// These octets are something else, of another search, or of one with more faults.
    pub fn from_bytes(
        bytes: &[u8],
        scenario: &Scenario,
        bound: &Bound,
    ) -> Result<Self, FrontierError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(FrontierError::NotOne)?;
        let of = u128::from_le_bytes(*take(&mut rest).ok_or(FrontierError::NotOne)?);
        if of != identity(scenario, bound) {
            return Err(FrontierError::OfAnother);
        }
        let frontier = Self::get(&mut rest).filter(|_| rest.is_empty());
        let frontier = frontier.ok_or(FrontierError::NotOne)?;
        if frontier.faults > bound.faults {
            return Err(FrontierError::TooFar);
        }
        Ok(frontier)
    }

    fn get(rest: &mut &[u8]) -> Option<Self> {
        let faults = u32::try_from(number(rest)?).ok()?;
        let begun = usize::try_from(number(rest)?).ok()?;
        let Progress { tally: done, seen } = progress(rest)?;
        let count = number(rest)?;
        let open = (0..count).map(|_| part(rest)).collect::<Option<_>>()?;
        Some(Self { faults, begun, open, seen, done, trunk: Progress::default() })
    }
}

/// What a search is of: the scenario as it would run now, and what may befall its packets.
fn identity(scenario: &Scenario, bound: &Bound) -> u128 {
    let mut hasher = SipHasher13::new();
    let mut kinds: Vec<&str> = bound.kinds.iter().map(|kind| kind.name()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let lifetime = format!("{:?}", bound.lifetime);
    for text in [env!("CARGO_PKG_VERSION"), &scenario.written(&[]), &kinds.join(","), &lifetime] {
        hasher.write_u64(text.len() as u64);
        hasher.write(text.as_bytes());
    }
    hasher.finish128().as_u128()
}

fn put(out: &mut Vec<u8>, number: u64) {
    out.extend(number.to_le_bytes());
}

fn put_progress(out: &mut Vec<u8>, tally: &Tally, seen: &Seen) {
    let Tally { schedules, transitions, deepest, coverage } = tally;
    for number in [schedules, transitions, deepest] {
        put(out, *number);
    }
    for events in coverage.bits() {
        put(out, u64::from(events));
    }
    put(out, seen.len() as u64);
    // In order, so that the same search leaves the same octets.
    let mut keys: Vec<Key> = seen.iter().copied().collect();
    keys.sort_unstable();
    out.reserve(keys.len() * 16);
    for key in keys {
        out.extend(key.number().to_le_bytes());
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(first)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    take(rest).map(|octets| u64::from_le_bytes(*octets))
}

fn part(rest: &mut &[u8]) -> Option<Part> {
    let done = number(rest)? == 1;
    let progress = progress(rest)?;
    let end = if done { Ok(()) } else { Err(Break::Stopped) };
    Some(Part { end: Some(end), progress })
}

fn progress(rest: &mut &[u8]) -> Option<Progress> {
    let (schedules, transitions, deepest) = (number(rest)?, number(rest)?, number(rest)?);
    let mut bits = Coverage::default().bits();
    for events in &mut bits {
        *events = u32::try_from(number(rest)?).ok()?;
    }
    let coverage = Coverage::from_bits(bits);
    let tally = Tally { schedules, transitions, deepest, coverage };
    let count = number(rest)?;
    let keys = (0..count).map(|_| take(rest).map(|octets| Key::new(u128::from_le_bytes(*octets))));
    Some(Progress { tally, seen: keys.collect::<Option<_>>()? })
}
