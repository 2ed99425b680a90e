//! Errors by number, name and text, as Linux has them (`asm-generic/errno-base.h`, `errno.h`).

use std::fmt;

use super::system::Errno;

macro_rules! errors {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        /// The errors that system calls of a script can answer with.
        #[expect(missing_docs, reason = "POSIX says what they mean; the table has their texts")]
        impl Errno {
            $(pub const $name: Self = Self($number);)*
        }

        const TABLE: &[(&str, Errno, &str)] = &[$((stringify!($name), Errno::$name, $text)),*];
    };
}

errors! {
    EPERM = 1, "Operation not permitted";
    ENOENT = 2, "No such file or directory";
    ESRCH = 3, "No such process";
    EINTR = 4, "Interrupted system call";
    EIO = 5, "Input/output error";
    ENXIO = 6, "No such device or address";
    E2BIG = 7, "Argument list too long";
    EBADF = 9, "Bad file descriptor";
    EAGAIN = 11, "Resource temporarily unavailable";
    ENOMEM = 12, "Cannot allocate memory";
    EACCES = 13, "Permission denied";
    EFAULT = 14, "Bad address";
    EBUSY = 16, "Device or resource busy";
    EEXIST = 17, "File exists";
    ENODEV = 19, "No such device";
    ENOTDIR = 20, "Not a directory";
    EISDIR = 21, "Is a directory";
    EINVAL = 22, "Invalid argument";
    ENFILE = 23, "Too many open files in system";
    EMFILE = 24, "Too many open files";
    ENOTTY = 25, "Inappropriate ioctl for device";
    EFBIG = 27, "File too large";
    ENOSPC = 28, "No space left on device";
    ESPIPE = 29, "Illegal seek";
    EROFS = 30, "Read-only file system";
    EPIPE = 32, "Broken pipe";
    EDOM = 33, "Numerical argument out of domain";
    ERANGE = 34, "Numerical result out of range";
    ENOSYS = 38, "Function not implemented";
    ELOOP = 40, "Too many levels of symbolic links";
    ENOMSG = 42, "No message of desired type";
    ENODATA = 61, "No data available";
    ETIME = 62, "Timer expired";
    EPROTO = 71, "Protocol error";
    EBADMSG = 74, "Bad message";
    EOVERFLOW = 75, "Value too large for defined data type";
    EILSEQ = 84, "Invalid or incomplete multibyte or wide character";
    EUSERS = 87, "Too many users";
    ENOTSOCK = 88, "Socket operation on non-socket";
    EDESTADDRREQ = 89, "Destination address required";
    EMSGSIZE = 90, "Message too long";
    EPROTOTYPE = 91, "Protocol wrong type for socket";
    ENOPROTOOPT = 92, "Protocol not available";
    EPROTONOSUPPORT = 93, "Protocol not supported";
    ESOCKTNOSUPPORT = 94, "Socket type not supported";
    EOPNOTSUPP = 95, "Operation not supported";
    EPFNOSUPPORT = 96, "Protocol family not supported";
    EAFNOSUPPORT = 97, "Address family not supported by protocol";
    EADDRINUSE = 98, "Address already in use";
    EADDRNOTAVAIL = 99, "Cannot assign requested address";
    ENETDOWN = 100, "Network is down";
    ENETUNREACH = 101, "Network is unreachable";
    ENETRESET = 102, "Network dropped connection on reset";
    ECONNABORTED = 103, "Software caused connection abort";
    ECONNRESET = 104, "Connection reset by peer";
    ENOBUFS = 105, "No buffer space available";
    EISCONN = 106, "Transport endpoint is already connected";
    ENOTCONN = 107, "Transport endpoint is not connected";
    ESHUTDOWN = 108, "Cannot send after transport endpoint shutdown";
    ETOOMANYREFS = 109, "Too many references: cannot splice";
    ETIMEDOUT = 110, "Connection timed out";
    ECONNREFUSED = 111, "Connection refused";
    EHOSTDOWN = 112, "Host is down";
    EHOSTUNREACH = 113, "No route to host";
    EALREADY = 114, "Operation already in progress";
    EINPROGRESS = 115, "Operation now in progress";
    ESTALE = 116, "Stale file handle";
    EDQUOT = 122, "Disk quota exceeded";
    ECANCELED = 125, "Operation canceled";
    EKEYREJECTED = 129, "Key was rejected by service";
}

/// Names that stand for an error that has another one.
const ALIASES: &[(&str, Errno)] = &[("EWOULDBLOCK", Errno::EAGAIN), ("ENOTSUP", Errno::EOPNOTSUPP)];

impl Errno {
    /// The error of this name: `EAGAIN`.
    pub fn by_name(name: &str) -> Option<Self> {
        let known = TABLE.iter().map(|(known, errno, _)| (*known, *errno));
        let mut all = known.chain(ALIASES.iter().copied());
        all.find(|(known, _)| *known == name).map(|(_, errno)| errno)
    }

    /// Its name, if it has one.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|(name, ..)| *name)
    }

    /// What `strerror` says, if it knows it.
    pub fn text(self) -> Option<&'static str> {
        self.row().map(|(.., text)| *text)
    }

    fn row(self) -> Option<&'static (&'static str, Self, &'static str)> {
        TABLE.iter().find(|(_, errno, _)| *errno == self)
    }
}

impl fmt::Display for Errno {
    /// As scripts write it: `EAGAIN (Resource temporarily unavailable)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row() {
            Some((name, _, text)) => write!(f, "{name} ({text})"),
            None => write!(f, "errno {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_each_other() {
        assert!(TABLE.is_sorted_by(|(_, a, _), (_, b, _)| a < b), "by number, each once");
        for (name, errno, text) in TABLE {
            assert_eq!(Errno::by_name(name), Some(*errno));
            assert_eq!(errno.to_string(), format!("{name} ({text})"));
        }
        assert_eq!(Errno::by_name("EWOULDBLOCK"), Some(Errno(11)));
        assert_eq!(Errno::by_name("ENOSUCHERROR"), None);
        assert_eq!(Errno(1234).to_string(), "errno 1234");
    }
}
