//! Errors: those of the stack with tokio's kinds, and bad use that explains itself.

use std::io::{Error, ErrorKind};

use twomsl_sim::Violation;
use twomsl_tcp::SocketError;

/// A socket's error as tokio's sockets report it.
pub(crate) fn socket_error(error: SocketError) -> Error {
    match error {
        // The one that is ordinary, and made often.
        SocketError::WouldBlock => ErrorKind::WouldBlock.into(),
        _ => Error::new(kind(error), error),
    }
}

const fn kind(error: SocketError) -> ErrorKind {
    match error {
        SocketError::WouldBlock => ErrorKind::WouldBlock,
        SocketError::ConnectionRefused => ErrorKind::ConnectionRefused,
        SocketError::ConnectionReset => ErrorKind::ConnectionReset,
        SocketError::ConnectionAborted => ErrorKind::ConnectionAborted,
        SocketError::TimedOut => ErrorKind::TimedOut,
        SocketError::BrokenPipe => ErrorKind::BrokenPipe,
        SocketError::HostUnreachable => ErrorKind::HostUnreachable,
        SocketError::NetworkUnreachable => ErrorKind::NetworkUnreachable,
        SocketError::AccessDenied => ErrorKind::PermissionDenied,
        SocketError::NotSupported => ErrorKind::Unsupported,
        SocketError::AddressInUse => ErrorKind::AddrInUse,
        SocketError::AddressNotAvailable => ErrorKind::AddrNotAvailable,
        SocketError::NotConnected => ErrorKind::NotConnected,
        // As the standard library has these on Unix.
        SocketError::InvalidArgument => ErrorKind::InvalidInput,
        SocketError::AlreadyConnected
        | SocketError::BadSocket
        | SocketError::NoProtocolOption
        | SocketError::ProtocolError
        | SocketError::MessageTooLong => ErrorKind::Other,
    }
}

/// There is no simulation around the caller.
pub(crate) fn outside() -> Error {
    Error::other(
        "no turmoil simulation here: twomsl's sockets work in the tasks of a host of \
         turmoil::Sim, on the thread that runs it",
    )
}

/// The socket belongs to another host.
pub(crate) fn elsewhere(owner: &str) -> Error {
    Error::other(format!(
        "this socket belongs to {owner}, but was used by a task of another host: sockets \
         cannot move between hosts"
    ))
}

/// The host of the socket is gone.
pub(crate) fn crashed(owner: &str) -> Error {
    Error::new(
        ErrorKind::ConnectionAborted,
        format!(
            "{owner} has crashed, or its simulation is over, since this socket was made: its \
             stack is forgotten"
        ),
    )
}

/// Turmoil does not log.
pub(crate) fn unheard() -> Error {
    Error::other(
        "turmoil logs nothing in this build, and twomsl has a host's own address from what it \
         logs: do without the feature `max_level_…` of the crate `tracing`",
    )
}

/// Two simulations on one thread cannot be told apart.
pub(crate) const INTERLEAVED: &str = "two simulations of the same epoch run in turns on one thread, and twomsl took hosts of one \
     for hosts of the other: give each its own thread, or its own `Builder::epoch`";

/// There is nothing to look at.
pub(crate) fn no_stack(name: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!(
            "no host `{name}` with a stack: there is none of this name, or it has not used a \
             socket yet, or it has crashed"
        ),
    )
}

/// The driver has panicked: a fault of ours.
pub(crate) const PANICKED: &str =
    "the task that drives this host's stack has panicked: see its message";

/// The stack of the host runs already.
pub(crate) fn started() -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "the stack of this host has started already: `start` comes before the first socket",
    )
}

/// The application has the port that segments need.
pub(crate) fn port_taken(error: &Error) -> Error {
    let port = crate::PORT;
    let text =
        format!("twomsl's segments travel between UDP ports {port}, which is taken: {error}");
    Error::new(ErrorKind::AddrInUse, text)
}

/// A fault of the stacks, not of who uses them.
pub(crate) fn broken(violation: &Violation) -> String {
    let Violation { at, invariant, text, .. } = violation;
    format!(
        "invariant {invariant} of twomsl's own TCP was broken at {at}: {text}. \
         This is a fault of twomsl; `Lab::violations` has all of them, and with \
         `Lab::set_violations(Violations::Kept)` the simulation goes on"
    )
}

/// What tokio has and a stack inside a simulation cannot have.
pub(crate) fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{what}: there is no operating system below"))
}
