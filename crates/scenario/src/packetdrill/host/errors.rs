//! What an error of the stack is called here.

use twomsl_tcp::SocketError;

use super::super::system::Errno;

pub(super) const fn errno(error: SocketError) -> Errno {
    match error {
        SocketError::WouldBlock => Errno::EAGAIN,
        SocketError::ConnectionRefused => Errno::ECONNREFUSED,
        SocketError::ConnectionReset => Errno::ECONNRESET,
        SocketError::ConnectionAborted => Errno::ECONNABORTED,
        SocketError::TimedOut => Errno::ETIMEDOUT,
        SocketError::BrokenPipe => Errno::EPIPE,
        SocketError::HostUnreachable => Errno::EHOSTUNREACH,
        SocketError::NetworkUnreachable => Errno::ENETUNREACH,
        SocketError::AccessDenied => Errno::EACCES,
        SocketError::NoProtocolOption => Errno::ENOPROTOOPT,
        SocketError::ProtocolError => Errno::EPROTO,
        SocketError::NotSupported => Errno::EOPNOTSUPP,
        SocketError::MessageTooLong => Errno::EMSGSIZE,
        SocketError::AddressInUse => Errno::EADDRINUSE,
        SocketError::AddressNotAvailable => Errno::EADDRNOTAVAIL,
        SocketError::NotConnected => Errno::ENOTCONN,
        SocketError::AlreadyConnected => Errno::EISCONN,
        SocketError::InvalidArgument => Errno::EINVAL,
        SocketError::BadSocket => Errno::EBADF,
    }
}
