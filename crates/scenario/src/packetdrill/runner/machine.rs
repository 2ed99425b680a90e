//! Events that are commands in backticks.

use std::collections::BTreeMap;

use super::shell::{Halt, Machine, Shell};
use super::{Run, Stop, Wrong};
use crate::diagnostic::Span;
use crate::packetdrill::system::{Administered, Order};

impl Run<'_> {
    /// A command, which has to succeed.
    pub(super) fn command(&mut self, text: &str, span: Span) -> Result<(), Stop> {
        let none = Shell::new(self.config.setup, BTreeMap::new());
        let mut shell = std::mem::replace(&mut self.shell, none);
        let status = shell.run(text, &mut Sleeper { run: self, span });
        self.shell = shell;
        match status {
            Ok(0) => self.collect(),
            Ok(status) => {
                let got = format!("exit status {status}");
                Err(Wrong::new(span, format!("`{}` to succeed", one_line(text)), got).into())
            }
            Err(Halt::NotSupported(what)) => {
                Err(Stop::Skipped { span, what: format!("`{}`", one_line(&what)) })
            }
            Err(Halt::Stopped(stop)) => Err(stop),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The machine as a command has it.
struct Sleeper<'r, 'a> {
    run: &'r mut Run<'a>,
    span: Span,
}

impl Machine for Sleeper<'_, '_> {
    type Stop = Stop;

    fn order(&mut self, order: Order) -> Administered {
        self.run.system.administer(order)
    }

    fn sleep(&mut self, micros: u64) -> Result<(), Stop> {
        let until = self.run.now().saturating_add(micros);
        self.run.advance_to(until, self.span)
    }
}
