//! Running a scenario.

use std::fmt;

use twomsl_sim::{End, Recording, Run, SpecError, Totals, World};
use twomsl_tcp::{Instant, Status};
use twomsl_trace::Trace;

use crate::expect::{Facts, Failure, check_all};
use crate::scenario::{Engine, Scenario};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Everything that happened.
    pub trace: Trace,
    /// Why it ended.
    pub end: End,
    /// When it ended.
    pub ended_at: Instant,
    /// What the applications of each host wrote and read.
    pub totals: Vec<Totals>,
    /// The sockets of each host at the end.
    pub sockets: Vec<Vec<Status>>,
    /// The expectations that do not hold, in the order of the file.
    pub failures: Vec<Failure>,
    /// The command that does exactly this again.
    pub command: String,
}

/// A world that a scenario describes but that cannot be.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {error}")]
pub struct RunError {
    /// The scenario.
    pub name: String,
    /// What is wrong with its world.
    pub error: SpecError,
}

/// As `Display`: a test that returns this error shows its `Debug`.
impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Scenario {
    /// Runs it to its end, and holds what happened against its expectations.
    ///
    /// The tables of [`with_tables`](Self::with_tables) are in the trace, and change nothing else:
    /// a run that has to go on until somebody looks ends later, so what is judged is a run without
    /// them.
    ///
    /// # Errors
    /// The world it describes cannot be made.
    pub fn run(&self) -> Result<Outcome, RunError> {
        self.run_with(Engine::Sim, |scenario| {
            let mut world = scenario.world()?;
            let end = world.run();
            Ok(world.over(end))
        })
    }

    /// The same on any engine: `run` runs what it describes to its end.
    ///
    /// # Errors
    /// Those of `run`.
    pub fn run_with<E>(
        &self,
        engine: Engine,
        run: impl Fn(&Self) -> Result<Run, E>,
    ) -> Result<Outcome, E> {
        let outcome = self.judge_run(engine, run(self)?);
        if self.tables.is_empty() {
            return Ok(outcome);
        }
        let mut unseen = self.clone();
        unseen.tables.clear();
        Ok(Outcome { trace: outcome.trace, ..unseen.run_with(engine, run)? })
    }

    /// The world it describes, at its beginning.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn world(&self) -> Result<World, RunError> {
        World::new(self.spec(), Recording::Trace)
            .map_err(|error| RunError { name: self.name().to_owned(), error })
    }

    /// Holds a world of this scenario that has ended against the expectations.
    pub fn judge(&self, world: &World, end: End) -> Outcome {
        self.judge_run(Engine::Sim, world.over(end))
    }

    /// Holds a run of this scenario on some engine against the expectations.
    pub fn judge_run(&self, engine: Engine, run: Run) -> Outcome {
        let Run { trace, totals, sockets, end, ended_at } = run;
        let facts = Facts::new(&trace, &totals, end, ended_at);
        let always = self.compiled.bound.iter().flat_map(|bound| &bound.expected);
        let expected: Vec<_> = self.compiled.expected.iter().chain(always).collect();
        let failures = check_all(&expected, &facts, &self.source);
        let command = self.command(engine);
        Outcome { trace, end, ended_at, totals, sockets, failures, command }
    }

    /// The command that runs it with this seed and these settings.
    pub fn command(&self, engine: Engine) -> String {
        let mut words = vec!["twomsl".to_owned(), "run".to_owned(), shell_word(self.name())];
        if engine != Engine::default() {
            words.push(format!("--engine {}", engine.name()));
        }
        words.extend(self.profile().map(|name| format!("--profile {name}")));
        words.extend(self.what_ifs().iter().map(|rule| format!("--what-if {rule}")));
        words.extend(self.chosen_variant().map(|name| format!("--variant {}", shell_word(name))));
        words.push(format!("--seed {}", self.seed()));
        words.extend(
            self.settings()
                .iter()
                .map(|(key, value)| format!("--set {}", shell_word(&format!("{key}={value}")))),
        );
        words.join(" ")
    }
}

impl Outcome {
    /// Whether every expectation holds.
    pub fn holds(&self) -> bool {
        self.failures.is_empty()
    }

    /// The expectations that do not hold, and what happened instead.
    pub fn failures_in_words(&self) -> String {
        let one = |failure: &Failure| {
            let Failure { place, expectation, instead } = failure;
            format!("{place}: not so: {expectation}\n  instead: {instead}\n")
        };
        self.failures.iter().map(one).collect()
    }

    /// The expectations that do not hold, what happened instead, and the command that does it
    /// again; empty when all hold.
    pub fn report(&self) -> String {
        let failures = self.failures_in_words();
        if failures.is_empty() {
            return failures;
        }
        format!("{failures}  to see it again: {}\n", self.command)
    }
}

/// A word for a shell: in single quotes if it needs them.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        assert_eq!(shell_word("scenarios/close/lost-fin.kdl"), "scenarios/close/lost-fin.kdl");
        assert_eq!(shell_word("my file.kdl"), "'my file.kdl'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
    }
}
