//! What the grammar reads, and what it says where it cannot go on.

use winnow::error::{ErrMode, ParserError};
use winnow::stream::{LocatingSlice, Location as _, Stateful};

use super::Defines;
use crate::diagnostic::{Problem, Span};

/// How deep expressions and conditions may nest. The parser recurses, so this keeps its stack
/// small; the deepest sensible call nests six levels.
pub(super) const MAX_DEPTH: usize = 32;

/// The text, its place in the file, and what the grammar has to know on its way.
pub(super) type Input<'a> = Stateful<LocatingSlice<&'a str>, Context<'a>>;

/// What a rule of the grammar returns.
pub(super) type Parsed<T> = Result<T, ErrMode<Fault>>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) defines: &'a Defines,
    /// How deep expressions nest here.
    pub(super) depth: usize,
    /// How many commands without a time the script begins with.
    pub(super) untimed: usize,
}

/// Where and why the text is no script.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    at: usize,
    why: Why,
}

#[derive(Clone, Debug, PartialEq)]
enum Why {
    /// One of these would have been right.
    Expected(Vec<&'static str>),
    /// It can be read, and is wrong.
    Wrong(Box<Problem>),
}

/// Nothing of what could stand here does: another rule may be tried.
pub(super) fn expected(input: &Input<'_>, what: &'static str) -> ErrMode<Fault> {
    let at = input.current_token_start();
    ErrMode::Backtrack(Fault { at, why: Why::Expected(vec![what]) })
}

/// This was meant, and is wrong: no other rule is tried.
pub(super) fn wrong(problem: Problem) -> ErrMode<Fault> {
    ErrMode::Cut(Fault { at: usize::MAX, why: Why::Wrong(Box::new(problem)) })
}

impl Fault {
    /// As a problem, in a text where this was found instead.
    pub(super) fn problem(self, text: &str) -> Problem {
        let what = match self.why {
            Why::Wrong(problem) => return *problem,
            Why::Expected(what) => what,
        };
        let span = Span::new(self.at, token(text.get(self.at..).unwrap_or_default()));
        let found = match span.of(text) {
            "" => "the script ends here".to_owned(),
            token => format!("this is `{token}`"),
        };
        Problem::at(span, format!("expected {}", either(&what))).label(found)
    }

    /// The octet at which it was noticed; [`usize::MAX`] if that is not known here.
    pub(super) const fn at(&self) -> usize {
        self.at
    }
}

impl ParserError<Input<'_>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'_>) -> Self {
        Self { at: input.current_token_start(), why: Why::Expected(Vec::new()) }
    }

    /// The rule that came further knows better what was meant.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (
                Self { at, why: Why::Expected(mut what) },
                Self { at: there, why: Why::Expected(more) },
            ) if at == there => {
                what.extend(
                    more.into_iter().filter(|word| !what.contains(word)).collect::<Vec<_>>(),
                );
                Self { at, why: Why::Expected(what) }
            }
            (this, other) if other.at > this.at => other,
            (this, _) => this,
        }
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// The octets of the token that a text begins with: a word, a number, or one character.
fn token(text: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let word = text.find(|c| !is_word(c)).unwrap_or(text.len());
    match word {
        0 => text.chars().next().map_or(0, char::len_utf8),
        // What is one long word is garbage, and is not shown whole.
        _ => text.char_indices().nth(40).map_or(word, |(at, _)| at.min(word)),
    }
}

/// `a`, `a or b`, `a, b or c`.
fn either(words: &[&str]) -> String {
    match words {
        [] => "something else".to_owned(),
        [word] => (*word).to_owned(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}

/// What begins with a sign and ends with one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Comment,
    Command,
    Code,
}

impl Kind {
    /// That its end is missing.
    pub(super) fn not_closed(self, span: Span) -> Problem {
        let (what, end) = match self {
            Self::Comment => ("comment", "`*/`"),
            Self::Command => ("command", "a second backtick"),
            Self::Code => ("code", "`}%`"),
        };
        Problem::at(span, format!("this {what} is not closed"))
            .label("begins here")
            .help(format!("end it with {end}"))
    }
}
