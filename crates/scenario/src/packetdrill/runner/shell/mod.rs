//! What stands in backticks: a shell that only understands what scripts use it for, and that runs
//! nothing. Settings and questions go to the machine under test; anything else is not supported.

mod commands;
mod defaults;
mod filters;
mod lexer;
mod listing;
mod pattern;
mod routes;
mod sysctl;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::packetdrill::setup::Setup;
use crate::packetdrill::system::{Administered, Order};
use lexer::{Connector, Part, Pipeline, Redirection, Word};

/// Substitutions in substitutions are not followed further than this.
const MAX_DEPTH: usize = 8;

/// A command with more octets than this is not run: variables can double, and double again.
const MAX_OCTETS: usize = 64 << 10;

/// The machine that commands are about.
pub(super) trait Machine {
    /// Why time cannot pass.
    type Stop;

    fn order(&mut self, order: Order) -> Administered;

    /// Lets time pass, in microseconds.
    fn sleep(&mut self, micros: u64) -> Result<(), Self::Stop>;
}

/// Why a command did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Halt<S> {
    /// It is not understood, or asks for more than there is: what it was.
    NotSupported(String),
    /// Time could not pass.
    Stopped(S),
}

/// What a shell remembers.
#[derive(Clone, Debug)]
pub(super) struct Shell {
    setup: Setup,
    /// Variables, which scripts set in one command and use in another.
    variables: BTreeMap<String, String>,
    /// What was set by `sysctl`, for questions.
    settings: BTreeMap<String, String>,
    /// Settings that the machine does not have, with their values.
    pub(super) unknown: Vec<String>,
    /// Lists within lists.
    depth: usize,
    /// Octets of all values that variables and settings ever had.
    remembered: usize,
}

/// What a command wrote, and its exit status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Output {
    status: i32,
    text: String,
}

impl Output {
    const OK: Self = Self { status: 0, text: String::new() };

    const fn status(status: i32) -> Self {
        Self { status, text: String::new() }
    }

    const fn text(text: String) -> Self {
        Self { status: 0, text }
    }

    const fn holds(holds: bool) -> Self {
        Self::status(if holds { 0 } else { 1 })
    }
}

/// What one command comes to.
type Ran<S> = Result<Output, Halt<S>>;

impl Shell {
    /// One with the variables that its environment has.
    pub(super) const fn new(setup: Setup, environment: BTreeMap<String, String>) -> Self {
        let unknown = Vec::new();
        Self {
            setup,
            variables: environment,
            settings: BTreeMap::new(),
            unknown,
            depth: 0,
            remembered: 0,
        }
    }

    /// Runs a script of the shell. Says its exit status: that of the last command.
    pub(super) fn run<M: Machine>(
        &mut self,
        text: &str,
        machine: &mut M,
    ) -> Result<i32, Halt<M::Stop>> {
        Ok(self.list(text, machine)?.status)
    }

    /// Commands one after the other, up to an `exit`.
    fn list<M: Machine>(&mut self, text: &str, machine: &mut M) -> Ran<M::Stop> {
        if self.depth == MAX_DEPTH || text.len() > MAX_OCTETS {
            let line = text.trim().lines().next().unwrap_or_default();
            return Err(Halt::NotSupported(line.chars().take(80).collect()));
        }
        self.depth += 1;
        let ran = self.list_within(text, machine);
        self.depth -= 1;
        ran
    }

    fn list_within<M: Machine>(&mut self, text: &str, machine: &mut M) -> Ran<M::Stop> {
        let list = lexer::pipelines(text).map_err(Halt::NotSupported)?;
        let mut last = Output::OK;
        let mut all = String::new();
        for (connector, pipeline) in &list {
            let runs = match connector {
                Connector::Always => true,
                Connector::And => last.status == 0,
                Connector::Or => last.status != 0,
            };
            if !runs {
                continue;
            }
            last = self.pipeline(pipeline, machine)?;
            all.push_str(&last.text);
            bounded(all.len())?;
            bounded(self.remembered / 16)?;
            if pipeline.is_exit() {
                break;
            }
        }
        Ok(Output { status: last.status, text: all })
    }

    fn pipeline<M: Machine>(&mut self, pipeline: &Pipeline, machine: &mut M) -> Ran<M::Stop> {
        let mut output = Output::OK;
        for (at, command) in pipeline.commands.iter().enumerate() {
            let (mut words, mut octets) = (Vec::new(), 0);
            for word in &command.words {
                let before = words.len();
                self.expand(word, machine, &mut words)?;
                octets += words[before..].iter().map(String::len).sum::<usize>();
                bounded(octets)?;
            }
            let input = (at > 0).then_some(output.text);
            output = self.command(&words, input, machine)?;
            if let Some((redirection, target)) = &command.redirection {
                let mut names = Vec::new();
                self.expand(target, machine, &mut names)?;
                output.text = self.redirect(*redirection, &names.concat(), output.text, machine)?;
            }
        }
        if pipeline.negated {
            output.status = i32::from(output.status == 0);
        }
        Ok(output)
    }

    /// What a word stands for; a variable without quotes may be several, or none.
    fn expand<M: Machine>(
        &mut self,
        word: &Word,
        machine: &mut M,
        words: &mut Vec<String>,
    ) -> Result<(), Halt<M::Stop>> {
        let mut text = String::new();
        let mut any = false;
        for part in &word.0 {
            bounded(text.len())?;
            let (value, splits) = match part {
                Part::Literal(literal) => {
                    any = true;
                    text.push_str(literal);
                    continue;
                }
                Part::Variable { name, otherwise, quoted } => {
                    (self.variable(name, otherwise), !quoted)
                }
                Part::Substitution { text, quoted } => {
                    let output = self.list(text, machine)?.text;
                    (output.trim_end().to_owned(), !quoted)
                }
            };
            any |= !splits;
            if splits && value.contains(char::is_whitespace) {
                let mut pieces = value.split_whitespace();
                text.push_str(pieces.next().unwrap_or_default());
                for piece in pieces {
                    words.push(std::mem::replace(&mut text, piece.to_owned()));
                }
            } else {
                text.push_str(&value);
            }
        }
        if any || !text.is_empty() {
            words.push(text);
        }
        Ok(())
    }

    fn variable(&self, name: &str, otherwise: &str) -> String {
        let value = self.variables.get(name).filter(|value| !value.is_empty());
        value.map_or(otherwise, String::as_str).to_owned()
    }

    /// `> file`: what is written into `/proc/sys` is a setting, `/dev/null` takes anything.
    fn redirect<M: Machine>(
        &mut self,
        redirection: Redirection,
        name: &str,
        text: String,
        machine: &mut M,
    ) -> Result<String, Halt<M::Stop>> {
        match redirection {
            Redirection::Errors => Ok(text),
            Redirection::Output if name == "/dev/null" || name.starts_with("/dev/std") => {
                Ok(String::new())
            }
            Redirection::Output => match sysctl::name_of_file(name) {
                Some(setting) => {
                    self.set(&setting, text.trim(), machine);
                    Ok(String::new())
                }
                None => Err(Halt::NotSupported(format!("> {name}"))),
            },
        }
    }

    /// Sets a setting, or counts it as one that the machine does not have.
    fn set<M: Machine>(&mut self, name: &str, value: &str, machine: &mut M) {
        let (name, value) = (sysctl::with_points(name), sysctl::decimal(value));
        self.remembered += value.len();
        self.settings.insert(name.clone(), value.clone());
        if sysctl::is_of_no_concern(&name) {
            return;
        }
        let known = format!("{name}={value}");
        let order = match value.parse() {
            Ok(octets) if name == "mtu" => mtu(octets),
            _ => Order::Set { name, value },
        };
        if machine.order(order) != Administered::Done {
            self.unknown.push(known);
        }
    }
}

/// The MTU of the only link there is: what is left of it for text, in IPv4, is a parameter.
pub(super) fn mtu(octets: u32) -> Order {
    /// Octets of the headers of IPv4 and TCP.
    const HEADERS: u32 = 40;
    let value = octets.saturating_sub(HEADERS).to_string();
    Order::Set { name: "mss".to_owned(), value }
}

const fn bounded<S>(octets: usize) -> Result<(), Halt<S>> {
    if octets > MAX_OCTETS {
        return Err(Halt::NotSupported(String::new()));
    }
    Ok(())
}
