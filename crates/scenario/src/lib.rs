//! The scenario language and its runner.
//!
//! A [`Scenario`] is one story in one KDL file: hosts, links, roles, faults, and what is expected to
//! come of them. It is read in three steps, and each has its module:
//!
//! 1. `source` gets the text, and refuses what cannot be a scenario before anything parses it;
//! 2. `language` knows the words and values of the language, and collects every problem with its
//!    place in the file;
//! 3. `compile` turns nodes into a [`WorldSpec`](twomsl_sim::WorldSpec) and expectations.
//!
//! `run` makes a world of it, and `expect` holds the trace against the expectations.
//!
//! ```no_run
//! use twomsl_scenario::Scenario;
//!
//! let scenario = Scenario::load("scenarios/close/lost-fin.kdl")?.with_seed(7);
//! let outcome = scenario.run()?;
//! assert!(outcome.holds(), "{}", outcome.report());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bound;
mod compile;
mod diagnostic;
mod expect;
mod language;
pub mod packetdrill;
mod run;
mod scenario;
mod search;
mod source;
mod written;

/// A duration as scenarios write it: `10ms`, `1.5s`, `2h`, `1m30s`; `None` if it is none.
///
/// ```
/// assert_eq!(twomsl_scenario::duration("1.5s"), Some(std::time::Duration::from_millis(1500)));
/// ```
pub fn duration(text: &str) -> Option<std::time::Duration> {
    language::units::duration(text)
}

/// A size as scenarios write it, in octets: `1460`, `64KiB`, `1MB`; `None` if it is none.
///
/// ```
/// assert_eq!(twomsl_scenario::size("64KiB"), Some(65_536));
/// ```
pub fn size(text: &str) -> Option<u64> {
    language::units::size(text)
}

/// A whole number as scenarios write it: `5`, `0x1f`, `1_000`; `None` if it is none.
///
/// ```
/// assert_eq!(twomsl_scenario::number("0x1f"), Some(31));
/// ```
pub fn number(text: &str) -> Option<u64> {
    language::units::number(text)
}

pub use bound::{Bound, FaultKind};
/// What may have been meant by a word that is none of these: `did you mean …?`, or all of them when
/// they are few.
pub fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    language::suggest::hint(word, candidates)
}

pub use diagnostic::{Colour, Problem, ScenarioError};
pub use expect::{Broken, Failure, Monitors};
pub use language::vocabulary;
pub use run::{Outcome, RunError, shell_word};
pub use scenario::{Engine, Scenario, SetError, Story, Try};
pub use search::{Finds, Own, Search};
