//! What stands between `%{` and `}%`: Python over the fields of `struct tcp_info`.
//!
//! A part of the language, without loops, functions and classes: what scripts use to say what they
//! expect. Code is read before the run ([`Code::parse`]), gets the values of its moment, and is
//! judged when the run is over, all of it by one [`Interpreter`], because a variable that one block
//! sets is there in the next. Numbers are exact: a quotient is a fraction, not a rounded number.

mod evaluate;
mod lexer;
mod parser;
mod syntax;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::diagnostic::Span;
use value::Value;

/// Code of one block.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    statements: Vec<syntax::Statement>,
}

/// Python that nothing here understands, or that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotUnderstood {
    pub(crate) span: Span,
    pub(crate) text: String,
}

/// Why code did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// An assertion does not hold.
    Fails {
        span: Span,
        /// The assertion as it is written.
        expected: String,
        /// The values of its names, and its message.
        got: String,
    },
    /// What it says cannot be judged here.
    NotUnderstood(NotUnderstood),
}

impl From<NotUnderstood> for Judgement {
    fn from(why: NotUnderstood) -> Self {
        Self::NotUnderstood(why)
    }
}

impl Code {
    /// Reads the text of a block, without its braces, which ends two octets before its event does.
    ///
    /// # Errors
    /// The first place that is not understood.
    pub(crate) fn parse(text: &str, event: Span) -> Result<Self, NotUnderstood> {
        let start = event.end().saturating_sub("}%".len() + text.len());
        let lines = lexer::lines(text, start)?;
        Ok(Self { statements: parser::statements(text, start, &lines)? })
    }
}

/// What the blocks of a script have in common: their variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interpreter {
    variables: BTreeMap<String, Value>,
}

impl Interpreter {
    /// Runs a block. `field` knows the fields of `struct tcp_info` at the moment of the block, and
    /// may know further constants; those of TCP's states and the like are known here.
    ///
    /// # Errors
    /// The first assertion that does not hold, or what cannot be judged.
    pub(crate) fn judge(
        &mut self,
        code: &Code,
        field: &dyn Fn(&str) -> Option<i128>,
    ) -> Result<(), Judgement> {
        evaluate::run(&code.statements, &mut self.variables, field)
    }
}

/// Names that the tool defines for scripts, from `linux/tcp.h` and `net/tcp_states.h`, and those of
/// FreeBSD's `netinet/tcp_fsm.h`.
pub(super) fn constant(name: &str) -> Option<i128> {
    CONSTANTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

const CONSTANTS: [(&str, i128); 37] = [
    ("TCP_ESTABLISHED", 1),
    ("TCP_SYN_SENT", 2),
    ("TCP_SYN_RECV", 3),
    ("TCP_FIN_WAIT1", 4),
    ("TCP_FIN_WAIT2", 5),
    ("TCP_TIME_WAIT", 6),
    ("TCP_CLOSE", 7),
    ("TCP_CLOSE_WAIT", 8),
    ("TCP_LAST_ACK", 9),
    ("TCP_LISTEN", 10),
    ("TCP_CLOSING", 11),
    ("TCP_NEW_SYN_RECV", 12),
    ("TCP_CA_Open", 0),
    ("TCP_CA_Disorder", 1),
    ("TCP_CA_CWR", 2),
    ("TCP_CA_Recovery", 3),
    ("TCP_CA_Loss", 4),
    ("TCP_INFINITE_SSTHRESH", 0x7fff_ffff),
    ("TCPI_OPT_TIMESTAMPS", 1),
    ("TCPI_OPT_SACK", 2),
    ("TCPI_OPT_WSCALE", 4),
    ("TCPI_OPT_ECN", 8),
    ("TCPI_OPT_ECN_SEEN", 16),
    ("TCPI_OPT_SYN_DATA", 32),
    ("TCPI_OPT_USEC_TS", 64),
    ("TCPI_OPT_TFO_CHILD", 128),
    ("TCPS_CLOSED", 0),
    ("TCPS_LISTEN", 1),
    ("TCPS_SYN_SENT", 2),
    ("TCPS_SYN_RECEIVED", 3),
    ("TCPS_ESTABLISHED", 4),
    ("TCPS_CLOSE_WAIT", 5),
    ("TCPS_FIN_WAIT_1", 6),
    ("TCPS_CLOSING", 7),
    ("TCPS_LAST_ACK", 8),
    ("TCPS_FIN_WAIT_2", 9),
    ("TCPS_TIME_WAIT", 10),
];
