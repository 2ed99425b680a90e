//! Roles: what applications do.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use twomsl_tcp::{Shutdown, SocketOption, TcpState};

use super::{HostIndex, Matcher};

/// What an application on a host does, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoleSpec {
    /// On which host.
    pub host: HostIndex,
    /// When it starts.
    pub start: Duration,
    /// Its steps. When one fails, the role ends there and keeps its sockets.
    pub steps: Vec<Step>,
}

/// The name of a socket within a role, in the place of a variable. A step without a name works on
/// the socket of the last `accept` or `connect`, or, in `accept`, on the last `listen`.
pub type SocketName = Option<String>;

/// One step of a role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// `listen 80`
    Listen {
        /// The port.
        port: u16,
        /// Connections that may wait to be accepted.
        backlog: Option<u32>,
        /// Options set before.
        options: Vec<SocketOption>,
        /// The name to give it.
        name: SocketName,
    },
    /// `accept`: waits for a connection.
    Accept {
        /// Which listener.
        listener: SocketName,
        /// The name to give the connection.
        name: SocketName,
        /// Gives up with an error after so long.
        timeout: Option<Duration>,
    },
    /// `connect "server:80"`: waits until it is established or fails.
    Connect {
        /// To which host.
        host: HostIndex,
        /// To which port.
        port: u16,
        /// From where.
        from: Source,
        /// The first text, which may be in the SYN (TCP Fast Open).
        text: Option<Bytes>,
        /// Options set before.
        options: Vec<SocketOption>,
        /// The name to give it.
        name: SocketName,
        /// Whether to wait.
        wait: Wait,
    },
    /// `connect "server:80" on="door"`: a listener becomes a client (RFC 9293 §3.10.1), and the step
    /// waits until it is established or fails.
    BecomeActive {
        /// Which listener.
        listener: SocketName,
        /// To which host.
        host: HostIndex,
        /// To which port.
        port: u16,
    },
    /// `write "hello"`: waits until all of it is in the send buffer.
    Write {
        /// On which socket.
        on: SocketName,
        /// What.
        data: Data,
        /// With the urgent flag on the last octet.
        urgent: Urgent,
    },
    /// `read 5`: waits until so much was read, or the end of the file, or the timeout.
    /// Inside `repeat`, the end of the file or a timeout leaves the loop.
    Read {
        /// On which socket.
        on: SocketName,
        /// How much: exactly so many octets, or whatever there is.
        amount: Option<u64>,
        /// Stops waiting after so long.
        timeout: Option<Duration>,
    },
    /// `read-to-end`: waits for the end of the file.
    ReadToEnd {
        /// On which socket.
        on: SocketName,
    },
    /// `echo`: writes back whatever is read, until the end of the file.
    Echo {
        /// On which socket.
        on: SocketName,
    },
    /// `relay "server:80"`: what a proxy does. It opens a connection of its own, and hands on what
    /// either side says until both have ended; a reset of one side is handed on as a reset.
    Relay {
        /// Between which socket and the new one.
        on: SocketName,
        /// To which host.
        host: HostIndex,
        /// To which port.
        port: u16,
        /// From where.
        from: Source,
        /// Options of the new socket.
        options: Vec<SocketOption>,
    },
    /// `shutdown "write"`.
    Shutdown {
        /// On which socket.
        on: SocketName,
        /// Which direction.
        how: Shutdown,
    },
    /// `close`: with `SO_LINGER` and a time, waits.
    Close {
        /// Which socket.
        on: SocketName,
    },
    /// `abort`: a reset.
    Abort {
        /// Which socket.
        on: SocketName,
    },
    /// `set no-delay=#true`.
    SetOption {
        /// On which socket.
        on: SocketName,
        /// The option.
        option: SocketOption,
    },
    /// `sleep "1s"`.
    Sleep(Duration),
    /// `wait …`: until something is so, here or elsewhere.
    Wait(Condition),
    /// `repeat 100 { … }`: `None` means for ever. The end of a file or a timeout in a `read`
    /// leaves the loop.
    Repeat {
        /// How often.
        count: Option<u64>,
        /// What.
        steps: Vec<Step>,
    },
    /// `serve { … }`: accepts for ever, and runs the steps for each connection in a task of its own.
    Serve {
        /// Which listener.
        listener: SocketName,
        /// The steps of each task, whose current socket is the connection.
        steps: Vec<Step>,
    },
    /// `spawn 10 { … }`: so many tasks beside this one.
    Spawn {
        /// How many.
        count: u32,
        /// What each does.
        steps: Vec<Step>,
    },
}

/// Where a connection is opened from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Source {
    /// From which address of the host; its first of the right family if none.
    pub address: Option<IpAddr>,
    /// From which port; ephemeral if none.
    pub port: Option<u16>,
}

impl Source {
    /// From this port.
    pub const fn port(port: u16) -> Self {
        Self { address: None, port: Some(port) }
    }

    /// For the stack, if anything is given; `usual` is the address that it would take itself.
    pub fn bound(self, usual: IpAddr) -> Option<SocketAddr> {
        let given = self.address.is_some() || self.port.is_some();
        given.then(|| (self.address.unwrap_or(usual), self.port.unwrap_or(0)).into())
    }
}

/// Whether a `connect` waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Until established or failed.
    UntilDone,
    /// Not at all.
    No,
}

/// Whether a `write` is urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgent {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// These octets.
    Octets(Bytes),
    /// So many octets of a fixed pattern that does not repeat within 64 KiB, going on where the
    /// last write on this socket stopped.
    Pattern(u64),
}

/// Something that becomes so.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// A connection of a host is in this state, or has been, `nth` times (from 1).
    State {
        /// Of which host.
        host: HostIndex,
        /// Which state.
        state: TcpState,
        /// The how manieth entry into it.
        nth: u32,
    },
    /// So many packets that match have been sent.
    Sent {
        /// Which packets.
        matcher: Matcher,
        /// How many.
        nth: u32,
    },
    /// A host's applications have read so many octets in all.
    ReadBytes {
        /// Which host.
        host: HostIndex,
        /// How many octets.
        octets: u64,
    },
}
