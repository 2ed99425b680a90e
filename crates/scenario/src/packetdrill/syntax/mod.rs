//! The text of a script, in both dialects, into a [`Script`].
//!
//! First `text` takes out what is no part of the script: comments, and what `#ifdef` leaves out.
//! Both become spaces, so that everything else keeps its place in the file. Then the grammar reads
//! one event after the other, with winnow; where one is wrong it goes on with the next time stamp,
//! so that one run shows every mistake.

mod call;
mod event;
mod expression;
mod fault;
mod icmp;
mod lexeme;
mod packet;
mod tcp;
mod tcp_option;
mod text;
mod time;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::script::Script;
use crate::diagnostic::{Problem, ScenarioError};
use crate::source::Source;

/// A script with more octets than this is none: a hundred thousand lines take about six million.
pub(crate) const MAX_OCTETS: u64 = 16 << 20;

/// More events than this are refused: what is shorter than a line each is no script.
const MAX_EVENTS: usize = 200_000;

/// More mistakes than this are not looked for.
const MAX_PROBLEMS: usize = 20;

/// The names that a script is told: `-D NAME=VALUE`, and the system that it is to run on.
///
/// `#ifdef` asks whether there is one; as an argument, or as the cookie of a Fast Open option, a
/// name stands for its value.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Defines {
    names: BTreeMap<String, String>,
}

impl Defines {
    /// Defines a name, as it may be already.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.names.insert(name.to_owned(), value.to_owned());
    }

    /// What a name stands for, if it is defined.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(String::as_str)
    }
}

/// Reads a script.
///
/// # Errors
/// Everything that is wrong with it, up to [`MAX_PROBLEMS`].
pub(crate) fn parse(source: &Source, defines: &Defines) -> Result<Script, ScenarioError> {
    let refuse = |problems| Err(ScenarioError::new(source.clone(), problems));
    if source.text.len() as u64 > MAX_OCTETS {
        return refuse(vec![Problem::anywhere("larger than 16 MiB, so not a script".to_owned())]);
    }
    let mut defines = defines.clone();
    let (text, mut problems) = text::prepare(&source.text, &mut defines);
    let (script, wrong) = event::script(&text, &defines);
    // What is not closed swallows what follows, so the mistakes found behind it are none.
    if problems.is_empty() {
        problems = wrong;
    }
    if problems.is_empty() && script.events.is_empty() {
        let problem = Problem::anywhere("a script has an event at least".to_owned());
        problems.push(
            problem.help("the first one is mostly: 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"),
        );
    }
    if problems.is_empty() { Ok(script) } else { refuse(problems) }
}
