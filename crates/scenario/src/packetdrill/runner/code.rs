//! Events that are Python between `%{` and `}%`: what `tcp_info` was then is kept, and judged at the
//! end, as the tool does.

use super::{Run, Stop, Wrong};
use crate::diagnostic::Span;
use crate::packetdrill::assertions::{Code, Interpreter, Judgement, NotUnderstood};
use crate::packetdrill::script::{Action, Script};
use crate::packetdrill::system::{Progress, ReplyOutput, Request};
use crate::packetdrill::tcp_info;

/// `IPPROTO_TCP`
const LEVEL: i32 = 6;
/// `TCP_INFO`
const NAME: i32 = 11;

/// All code of a script, in its order: what is not understood is found before anything runs.
pub(super) fn read(script: &Script) -> Result<Vec<Code>, Stop> {
    let codes = script.events.iter().filter_map(|event| match &event.action {
        Action::Code(text) => Some(Code::parse(text, event.span)),
        _ => None,
    });
    codes.collect::<Result<_, _>>().map_err(not_understood)
}

fn not_understood(NotUnderstood { span, text }: NotUnderstood) -> Stop {
    Stop::Skipped { span, what: text }
}

impl Run<'_> {
    /// Keeps `struct tcp_info` of this moment for the next piece of code.
    pub(super) fn code(&mut self, span: Span) -> Result<(), Stop> {
        let info = self.tcp_info();
        let none = || Wrong::new(span, "a socket to ask for tcp_info", "none that is open");
        self.infos.push(info.ok_or_else(none)?);
        Ok(())
    }

    /// That of the socket under test.
    fn tcp_info(&mut self) -> Option<Vec<u8>> {
        let fd = self.sockets.under_test()?.fd?;
        let length = tcp_info::LENGTH;
        let request = Request::GetSocketOption { fd, level: LEVEL, name: NAME, length };
        let Progress::Done(reply) = self.system.call(request) else { return None };
        match (reply.result, reply.output) {
            (Ok(_), ReplyOutput::Octets(octets)) => Some(octets),
            _ => None,
        }
    }

    /// Runs all code with what was kept for it.
    pub(super) fn judge(&self, codes: &[Code]) -> Result<(), Stop> {
        let mut interpreter = Interpreter::default();
        for (code, info) in codes.iter().zip(&self.infos) {
            let field = |name: &str| tcp_info::field(info, name).map(i128::from);
            interpreter.judge(code, &field).map_err(|judgement| match judgement {
                Judgement::Fails { span, expected, got } => Wrong::new(span, expected, got).into(),
                Judgement::NotUnderstood(what) => not_understood(what),
            })?;
        }
        Ok(())
    }
}
