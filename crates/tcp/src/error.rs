//! What a user call answers when it cannot do what it was asked.

/// An error of a socket, with the name that POSIX gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum SocketError {
    /// Nothing to read, no room to write, nobody to accept: try again after an event.
    #[error("EAGAIN: resource temporarily unavailable")]
    WouldBlock,
    /// The peer answered the SYN with a reset.
    #[error("ECONNREFUSED: connection refused")]
    ConnectionRefused,
    /// The peer reset the connection.
    #[error("ECONNRESET: connection reset by peer")]
    ConnectionReset,
    /// The connection was aborted on this side.
    #[error("ECONNABORTED: software caused connection abort")]
    ConnectionAborted,
    /// Retransmissions, probes or the user timeout ran out.
    #[error("ETIMEDOUT: connection timed out")]
    TimedOut,
    /// Writing after the end of writing, or after the error was already reported.
    #[error("EPIPE: broken pipe")]
    BrokenPipe,
    /// No route, or an ICMP message that said so.
    #[error("EHOSTUNREACH: no route to host")]
    HostUnreachable,
    /// An ICMP message said that there is no route to the network.
    #[error("ENETUNREACH: network is unreachable")]
    NetworkUnreachable,
    /// An ICMPv6 message said that somebody prohibits it.
    #[error("EACCES: permission denied")]
    AccessDenied,
    /// An ICMP message said that the peer has no TCP.
    #[error("ENOPROTOOPT: protocol not available")]
    NoProtocolOption,
    /// An ICMP message said that a parameter of the IP header is wrong.
    #[error("EPROTO: protocol error")]
    ProtocolError,
    /// An ICMP message said that the source route failed.
    #[error("EOPNOTSUPP: operation not supported")]
    NotSupported,
    /// An ICMP message told an MTU too small to be used.
    #[error("EMSGSIZE: message too long")]
    MessageTooLong,
    /// The address and port are taken.
    #[error("EADDRINUSE: address already in use")]
    AddressInUse,
    /// No such local address, or no ephemeral port left for this destination.
    #[error("EADDRNOTAVAIL: cannot assign requested address")]
    AddressNotAvailable,
    /// The socket is not connected.
    #[error("ENOTCONN: socket is not connected")]
    NotConnected,
    /// The socket is connected, or being connected, already.
    #[error("EISCONN: socket is already connected")]
    AlreadyConnected,
    /// An argument makes no sense.
    #[error("EINVAL: invalid argument")]
    InvalidArgument,
    /// The handle names no socket: it was closed, or never existed.
    #[error("EBADF: bad file descriptor")]
    BadSocket,
}

impl SocketError {
    /// The POSIX name: `ECONNREFUSED`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WouldBlock => "EAGAIN",
            Self::ConnectionRefused => "ECONNREFUSED",
            Self::ConnectionReset => "ECONNRESET",
            Self::ConnectionAborted => "ECONNABORTED",
            Self::TimedOut => "ETIMEDOUT",
            Self::BrokenPipe => "EPIPE",
            Self::HostUnreachable => "EHOSTUNREACH",
            Self::NetworkUnreachable => "ENETUNREACH",
            Self::AccessDenied => "EACCES",
            Self::NoProtocolOption => "ENOPROTOOPT",
            Self::ProtocolError => "EPROTO",
            Self::NotSupported => "EOPNOTSUPP",
            Self::MessageTooLong => "EMSGSIZE",
            Self::AddressInUse => "EADDRINUSE",
            Self::AddressNotAvailable => "EADDRNOTAVAIL",
            Self::NotConnected => "ENOTCONN",
            Self::AlreadyConnected => "EISCONN",
            Self::InvalidArgument => "EINVAL",
            Self::BadSocket => "EBADF",
        }
    }
}
