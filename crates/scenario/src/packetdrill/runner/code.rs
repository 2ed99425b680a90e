//! Events that are Python between `%{` and `}%`: what `tcp_info` was then is kept, and judged at the
//! end, as the tool does.

use super::{Run, Stop};
use crate::diagnostic::Span;
use crate::packetdrill::system::{Progress, ReplyOutput, Request};
use crate::packetdrill::tcp_info;

/// `IPPROTO_TCP`
const LEVEL: i32 = 6;
/// `TCP_INFO`
const NAME: i32 = 11;

/// A piece of code with what it is about.
#[derive(Debug)]
pub(super) struct Snippet<'a> {
    #[expect(dead_code, reason = "nothing judges it yet")]
    pub(super) text: &'a str,
    pub(super) span: Span,
    /// `struct tcp_info` of the socket under test, if it had one.
    #[expect(dead_code, reason = "nothing judges it yet")]
    pub(super) info: Option<Vec<u8>>,
}

impl<'a> Run<'a> {
    pub(super) fn code(&mut self, text: &'a str, span: Span) {
        let info = self.tcp_info();
        self.snippets.push(Snippet { text, span, info });
    }

    fn tcp_info(&mut self) -> Option<Vec<u8>> {
        let fd = self.sockets.under_test()?.fd?;
        let request =
            Request::GetSocketOption { fd, level: LEVEL, name: NAME, length: tcp_info::LENGTH };
        let Progress::Done(reply) = self.system.call(request) else { return None };
        match (reply.result, reply.output) {
            (Ok(_), ReplyOutput::Octets(octets)) => Some(octets),
            _ => None,
        }
    }

    pub(super) fn judge(&mut self) -> Result<(), Stop> {
        let Some(snippet) = self.snippets.first() else { return Ok(()) };
        Err(Stop::Skipped { span: snippet.span, what: "code".to_owned() })
    }
}
