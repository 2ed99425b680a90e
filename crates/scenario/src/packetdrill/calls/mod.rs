//! System calls of scripts: what they ask for, and whether the answer is the one they expect.

mod addresses;
mod arguments;
mod check;
mod control;
mod descriptors;
mod events;
mod options;

#[cfg(test)]
mod tests;

pub(crate) use check::check;
pub(crate) use descriptors::Descriptors;

use super::script::{Expression, SystemCall};
use super::setup::Setup;
use super::system::Request;
use crate::diagnostic::Span;
use arguments::{Arguments, number};

/// Why a call cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallProblem {
    /// It is a call, but none that is known here.
    NotSupported { span: Span, text: String },
    /// The script is wrong.
    Wrong { span: Span, text: String },
}

impl CallProblem {
    fn wrong(span: Span, text: impl Into<String>) -> Self {
        Self::Wrong { span, text: text.into() }
    }

    fn not_supported(span: Span, text: impl Into<String>) -> Self {
        Self::NotSupported { span, text: text.into() }
    }
}

/// What a call asks for. `...` stands for what `setup` says; file descriptors of the script become
/// those of the machine.
pub(crate) fn request(
    call: &SystemCall,
    setup: &Setup,
    descriptors: &Descriptors,
) -> Result<Request, CallProblem> {
    let arguments = Arguments { call, setup, descriptors };
    match call.name.as_str() {
        "socket" | "bind" | "listen" | "accept" | "accept4" | "connect" | "getsockname"
        | "getpeername" => arguments.naming(),
        "read" | "readv" | "recv" | "recvfrom" | "recvmsg" => arguments.reading(),
        "write" | "writev" | "send" | "sendto" | "sendmsg" => arguments.writing(),
        "poll" | "epoll_create" | "epoll_create1" | "epoll_ctl" | "epoll_wait" => {
            arguments.waiting()
        }
        "pipe" | "pipe2" | "splice" | "open" | "sendfile" => arguments.moving(),
        _ => arguments.controlling(),
    }
}

impl Arguments<'_> {
    fn naming(&self) -> Result<Request, CallProblem> {
        let fd = || self.fd(0);
        Ok(match self.name() {
            "socket" => {
                self.count(3..=3)?;
                let domain = match self.at(0)? {
                    domain if domain.is_ellipsis() => self.setup.domain(),
                    domain => Self::int_of(domain)?,
                };
                Request::Socket { domain, kind: self.int(1)?, protocol: self.int(2)? }
            }
            "bind" => {
                self.count(3..=3)?;
                Request::Bind { fd: fd()?, address: self.address(1, self.setup.bind_address())? }
            }
            "connect" => {
                self.count(3..=3)?;
                let address = self.address(1, self.setup.connect_address())?;
                Request::Connect { fd: fd()?, address }
            }
            "listen" => {
                self.count(2..=2)?;
                Request::Listen { fd: fd()?, backlog: self.int(1)? }
            }
            "accept" => {
                self.count(3..=3)?;
                Request::Accept { fd: fd()?, flags: 0 }
            }
            "accept4" => {
                self.count(4..=4)?;
                Request::Accept { fd: fd()?, flags: self.int(3)? }
            }
            "getsockname" => {
                self.count(3..=3)?;
                Request::SocketName { fd: fd()? }
            }
            _ => {
                self.count(3..=3)?;
                Request::PeerName { fd: fd()? }
            }
        })
    }

    fn reading(&self) -> Result<Request, CallProblem> {
        let fd = self.fd(0)?;
        Ok(match self.name() {
            "read" => {
                self.count(3..=3)?;
                Request::Read { fd, length: self.size(2)? }
            }
            "readv" => {
                self.count(3..=3)?;
                Request::ReadVector { fd, lengths: self.lengths(1, Some(2))? }
            }
            "recv" => {
                self.count(4..=4)?;
                Request::Receive { fd, length: self.size(2)?, flags: self.int(3)? }
            }
            "recvfrom" => {
                self.count(6..=6)?;
                Request::ReceiveFrom { fd, length: self.size(2)?, flags: self.int(3)? }
            }
            _ => {
                self.count(3..=3)?;
                let message = self.message(1)?;
                let flags = self.int(2)?;
                let control = message.control_room;
                Request::ReceiveMessage { fd, lengths: message.lengths, control, flags }
            }
        })
    }

    fn writing(&self) -> Result<Request, CallProblem> {
        let fd = self.fd(0)?;
        Ok(match self.name() {
            "write" => {
                self.count(3..=3)?;
                Request::Write { fd, length: self.size(2)? }
            }
            "writev" => {
                self.count(3..=3)?;
                Request::WriteVector { fd, lengths: self.lengths(1, Some(2))? }
            }
            "send" => {
                self.count(4..=4)?;
                Request::Send { fd, length: self.size(2)?, flags: self.int(3)? }
            }
            "sendto" => {
                self.count(6..=6)?;
                let address = self.optional_address(4, self.setup.connect_address())?;
                Request::SendTo { fd, length: self.size(2)?, flags: self.int(3)?, address }
            }
            _ => {
                self.count(3..=3)?;
                let (message, flags) = (self.message(1)?, self.int(2)?);
                let (address, lengths) = (message.address, message.lengths);
                Request::SendMessage { fd, address, lengths, control: message.control, flags }
            }
        })
    }

    fn waiting(&self) -> Result<Request, CallProblem> {
        Ok(match self.name() {
            "poll" => {
                self.count(3..=3)?;
                let entries = self.poll_entries(0)?.into_iter().map(|(entry, _)| entry).collect();
                Request::Poll { entries, timeout: self.int(2)? }
            }
            "epoll_create" => {
                self.count(1..=1)?;
                if self.int(0)? <= 0 {
                    // "size must be greater than zero": what the kernel answers to wrong flags.
                    return Ok(Request::EpollCreate { flags: -1 });
                }
                Request::EpollCreate { flags: 0 }
            }
            "epoll_create1" => {
                self.count(1..=1)?;
                Request::EpollCreate { flags: self.int(0)? }
            }
            "epoll_ctl" => {
                self.count(4..=4)?;
                let event = match self.at(3)? {
                    event if event.is_null() => None,
                    event => Some(Self::epoll_event(event)?),
                };
                let (operation, fd) = (self.int(1)?, self.fd(2)?);
                Request::EpollControl { epoll: self.fd(0)?, operation, fd, event }
            }
            _ => {
                self.count(4..=4)?;
                Request::EpollWait { epoll: self.fd(0)?, most: self.int(2)?, timeout: self.int(3)? }
            }
        })
    }

    fn moving(&self) -> Result<Request, CallProblem> {
        Ok(match self.name() {
            "pipe" => {
                self.count(1..=1)?;
                Request::Pipe { flags: 0 }
            }
            "pipe2" => {
                self.count(2..=2)?;
                Request::Pipe { flags: self.int(1)? }
            }
            "splice" => {
                self.count(6..=6)?;
                let (from, to) = (self.fd(0)?, self.fd(2)?);
                Request::Splice { from, to, length: self.size(4)?, flags: self.int(5)? }
            }
            "open" => {
                self.count(2..=3)?;
                Request::Open { path: self.text(0)?, flags: self.int(1)? }
            }
            _ => {
                self.count(4..=4)?;
                let offset = match self.at(2)? {
                    offset if offset.is_null() || offset.is_ellipsis() => None,
                    offset => Some(Self::inner_number(offset)?.cast_unsigned()),
                };
                let (to, from) = (self.fd(0)?, self.fd(1)?);
                Request::SendFile { to, from, offset, length: self.size(3)? }
            }
        })
    }

    fn controlling(&self) -> Result<Request, CallProblem> {
        Ok(match self.name() {
            "fcntl" => {
                self.count(2..=3)?;
                let argument = self.argument(2).map(number).transpose()?;
                Request::Fcntl { fd: self.fd(0)?, command: self.int(1)?, argument }
            }
            "ioctl" => {
                self.count(2..=3)?;
                let request = self.number(1)?.cast_unsigned();
                let argument = self.argument(2).filter(|value| !value.is_null());
                let argument = argument.map(Self::inner_number).transpose()?;
                let argument = argument.map(|value| value as i32);
                Request::Ioctl { fd: self.fd(0)?, request, argument }
            }
            "close" => {
                self.count(1..=1)?;
                Request::Close { fd: self.fd(0)? }
            }
            "shutdown" => {
                self.count(2..=2)?;
                Request::Shutdown { fd: self.fd(0)?, how: self.int(1)? }
            }
            "setsockopt" => {
                self.count(5..=5)?;
                let (level, name) = (self.int(1)?, self.int(2)?);
                Request::SetSocketOption { fd: self.fd(0)?, level, name, value: self.value()? }
            }
            "getsockopt" => {
                self.count(5..=5)?;
                let (level, name) = (self.int(1)?, self.int(2)?);
                let length = Self::inner_number(self.at(4)?)?;
                let length = usize::try_from(length).unwrap_or(0);
                Request::GetSocketOption { fd: self.fd(0)?, level, name, length }
            }
            name => {
                let text = format!("the system call `{name}`");
                return Err(CallProblem::not_supported(self.call.span, text));
            }
        })
    }
}

impl Expression {
    fn is_ellipsis(&self) -> bool {
        matches!(self.kind, super::script::ExpressionKind::Ellipsis)
    }

    fn is_null(&self) -> bool {
        matches!(self.kind, super::script::ExpressionKind::Null)
    }
}
