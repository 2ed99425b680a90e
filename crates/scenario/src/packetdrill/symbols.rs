//! The words of scripts and their numbers: those of Linux' ABI on x86-64, in both dialects.
//!
//! What only FreeBSD has gets a number of ours, from [`OURS`] on, which no number of Linux' collides
//! with: nobody but this project ever sees it.

/// The first number that is ours.
const OURS: i64 = 0x10_0000;

macro_rules! words {
    ($($name:ident = $number:expr;)*) => {
        $(pub(crate) const $name: i64 = $number;)*

        const TABLE: &[(&str, i64)] = &[$((stringify!($name), $name)),*];
    };
}

/// The number of a word.
pub(crate) fn number(word: &str) -> Option<i64> {
    let known = |table: &[(&str, i64)]| {
        table.iter().find(|(name, _)| *name == word).map(|(_, number)| *number)
    };
    known(TABLE).or_else(|| known(STATES)).or_else(|| errno(word))
}

/// `errno` words can be values, too: `getsockopt(…, SO_ERROR, [ECONNRESET], [4])`.
fn errno(word: &str) -> Option<i64> {
    super::system::Errno::by_name(word).map(|errno| i64::from(errno.0))
}

/// The bits of `set` that have names in `group`, for messages: `POLLIN|POLLOUT`, or the number.
pub(crate) fn bits(set: i64, group: &[(i64, &str)]) -> String {
    let mut rest = set;
    let mut names = Vec::new();
    for (bit, name) in group {
        if rest & bit == *bit {
            names.push((*name).to_owned());
            rest &= !bit;
        }
    }
    if rest != 0 || names.is_empty() {
        names.push(if rest == 0 { "0".to_owned() } else { format!("{rest:#x}") });
    }
    names.join("|")
}

/// `poll`'s bits, and with other names `epoll`'s.
pub(crate) const POLL_BITS: &[(i64, &str)] = &[
    (POLLIN, "POLLIN"),
    (POLLPRI, "POLLPRI"),
    (POLLOUT, "POLLOUT"),
    (POLLERR, "POLLERR"),
    (POLLHUP, "POLLHUP"),
    (POLLNVAL, "POLLNVAL"),
    (POLLRDNORM, "POLLRDNORM"),
    (POLLRDBAND, "POLLRDBAND"),
    (POLLWRNORM, "POLLWRNORM"),
    (POLLWRBAND, "POLLWRBAND"),
    (POLLRDHUP, "POLLRDHUP"),
];

/// `epoll`'s.
pub(crate) const EPOLL_BITS: &[(i64, &str)] = &[
    (EPOLLIN, "EPOLLIN"),
    (EPOLLPRI, "EPOLLPRI"),
    (EPOLLOUT, "EPOLLOUT"),
    (EPOLLERR, "EPOLLERR"),
    (EPOLLHUP, "EPOLLHUP"),
    (EPOLLRDNORM, "EPOLLRDNORM"),
    (EPOLLRDBAND, "EPOLLRDBAND"),
    (EPOLLWRNORM, "EPOLLWRNORM"),
    (EPOLLWRBAND, "EPOLLWRBAND"),
    (EPOLLRDHUP, "EPOLLRDHUP"),
    (EPOLLONESHOT, "EPOLLONESHOT"),
    (EPOLLET, "EPOLLET"),
];

/// `enum` and state names with small letters, or that assertions use.
const STATES: &[(&str, i64)] = &[
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

words! {
    AF_UNSPEC = 0;
    AF_UNIX = 1;
    AF_LOCAL = 1;
    AF_INET = 2;
    AF_INET6 = 10;
    PF_UNSPEC = 0;
    PF_INET = 2;
    PF_INET6 = 10;

    SOCK_STREAM = 1;
    SOCK_DGRAM = 2;
    SOCK_RAW = 3;
    SOCK_SEQPACKET = 5;
    SOCK_NONBLOCK = 0o4000;
    SOCK_CLOEXEC = 0o2_000_000;

    IPPROTO_IP = 0;
    IPPROTO_ICMP = 1;
    IPPROTO_TCP = 6;
    IPPROTO_UDP = 17;
    IPPROTO_IPV6 = 41;
    IPPROTO_ICMPV6 = 58;
    IPPROTO_SCTP = 132;
    IPPROTO_UDPLITE = 136;
    IPPROTO_MPTCP = 262;

    SOL_IP = 0;
    SOL_SOCKET = 1;
    SOL_TCP = 6;
    SOL_UDP = 17;
    SOL_IPV6 = 41;

    INADDR_ANY = 0;
    INADDR_LOOPBACK = 0x7f00_0001;

    SO_DEBUG = 1;
    SO_REUSEADDR = 2;
    SO_TYPE = 3;
    SO_ERROR = 4;
    SO_DONTROUTE = 5;
    SO_BROADCAST = 6;
    SO_SNDBUF = 7;
    SO_RCVBUF = 8;
    SO_KEEPALIVE = 9;
    SO_OOBINLINE = 10;
    SO_NO_CHECK = 11;
    SO_PRIORITY = 12;
    SO_LINGER = 13;
    SO_BSDCOMPAT = 14;
    SO_REUSEPORT = 15;
    SO_PASSCRED = 16;
    SO_PEERCRED = 17;
    SO_RCVLOWAT = 18;
    SO_SNDLOWAT = 19;
    SO_RCVTIMEO = 20;
    SO_SNDTIMEO = 21;
    SO_BINDTODEVICE = 25;
    SO_ATTACH_FILTER = 26;
    SO_DETACH_FILTER = 27;
    SO_PEERNAME = 28;
    SO_TIMESTAMP = 29;
    SO_ACCEPTCONN = 30;
    SO_SNDBUFFORCE = 32;
    SO_RCVBUFFORCE = 33;
    SO_TIMESTAMPNS = 35;
    SO_MARK = 36;
    SO_TIMESTAMPING = 37;
    SO_PROTOCOL = 38;
    SO_DOMAIN = 39;
    SO_RXQ_OVFL = 40;
    SO_PEEK_OFF = 42;
    SO_NOFCS = 43;
    SO_SELECT_ERR_QUEUE = 45;
    SO_BUSY_POLL = 46;
    SO_MAX_PACING_RATE = 47;
    SO_INCOMING_CPU = 49;
    SO_MEMINFO = 55;
    SO_INCOMING_NAPI_ID = 56;
    SO_COOKIE = 57;
    SO_ZEROCOPY = 60;
    SO_TXTIME = 61;
    SO_TIMESTAMP_NEW = 63;
    SO_TIMESTAMPNS_NEW = 64;
    SO_TIMESTAMPING_NEW = 65;
    SO_RCVTIMEO_NEW = 66;
    SO_SNDTIMEO_NEW = 67;
    SO_PREFER_BUSY_POLL = 69;
    SO_BUSY_POLL_BUDGET = 70;
    SO_BUF_LOCK = 72;
    SO_RESERVE_MEM = 73;
    SO_TXREHASH = 74;
    SO_RCVMARK = 75;

    SCM_RIGHTS = 1;
    SCM_TIMESTAMP = 29;
    SCM_TIMESTAMPNS = 35;
    SCM_TIMESTAMPING = 37;
    SCM_TXTIME = 61;
    SCM_TIMESTAMPING_OPT_STATS = 54;
    SCM_SEC = 100;

    TCP_NODELAY = 1;
    TCP_MAXSEG = 2;
    TCP_CORK = 3;
    TCP_KEEPIDLE = 4;
    TCP_KEEPINTVL = 5;
    TCP_KEEPCNT = 6;
    TCP_SYNCNT = 7;
    TCP_LINGER2 = 8;
    TCP_DEFER_ACCEPT = 9;
    TCP_WINDOW_CLAMP = 10;
    TCP_INFO = 11;
    TCP_QUICKACK = 12;
    TCP_CONGESTION = 13;
    TCP_MD5SIG = 14;
    TCP_COOKIE_TRANSACTIONS = 15;
    TCP_THIN_LINEAR_TIMEOUTS = 16;
    TCP_THIN_DUPACK = 17;
    TCP_USER_TIMEOUT = 18;
    TCP_REPAIR = 19;
    TCP_REPAIR_QUEUE = 20;
    TCP_QUEUE_SEQ = 21;
    TCP_REPAIR_OPTIONS = 22;
    TCP_FASTOPEN = 23;
    TCP_TIMESTAMP = 24;
    TCP_NOTSENT_LOWAT = 25;
    TCP_CC_INFO = 26;
    TCP_SAVE_SYN = 27;
    TCP_SAVED_SYN = 28;
    TCP_REPAIR_WINDOW = 29;
    TCP_FASTOPEN_CONNECT = 30;
    TCP_ULP = 31;
    TCP_MD5SIG_EXT = 32;
    TCP_FASTOPEN_KEY = 33;
    TCP_FASTOPEN_NO_COOKIE = 34;
    TCP_ZEROCOPY_RECEIVE = 35;
    TCP_INQ = 36;
    TCP_CM_INQ = 36;
    TCP_TX_DELAY = 37;
    TCP_RTO_MAX_MS = 44;
    TCP_RTO_MIN_US = 45;
    TCP_DELACK_MAX_US = 46;

    TCP_NO_QUEUE = 0;
    TCP_RECV_QUEUE = 1;
    TCP_SEND_QUEUE = 2;

    IP_TOS = 1;
    IP_TTL = 2;
    IP_HDRINCL = 3;
    IP_OPTIONS = 4;
    IP_RECVOPTS = 6;
    IP_PKTINFO = 8;
    IP_MTU_DISCOVER = 10;
    IP_RECVERR = 11;
    IP_RECVTTL = 12;
    IP_RECVTOS = 13;
    IP_MTU = 14;
    IP_FREEBIND = 15;
    IP_TRANSPARENT = 19;
    IP_RECVORIGDSTADDR = 20;
    IP_MINTTL = 21;
    IP_NODEFRAG = 22;
    IP_BIND_ADDRESS_NO_PORT = 24;
    IP_RECVERR_RFC4884 = 26;
    IP_LOCAL_PORT_RANGE = 51;
    IP_PMTUDISC_DONT = 0;
    IP_PMTUDISC_WANT = 1;
    IP_PMTUDISC_DO = 2;
    IP_PMTUDISC_PROBE = 3;
    IP_PMTUDISC_INTERFACE = 4;
    IP_PMTUDISC_OMIT = 5;

    IPV6_UNICAST_HOPS = 16;
    IPV6_MTU_DISCOVER = 23;
    IPV6_MTU = 24;
    IPV6_RECVERR = 25;
    IPV6_V6ONLY = 26;
    IPV6_FLOWLABEL_MGR = 32;
    IPV6_FLOWINFO_SEND = 33;
    IPV6_RECVPKTINFO = 49;
    IPV6_RECVHOPLIMIT = 51;
    IPV6_HOPLIMIT = 52;
    IPV6_RECVTCLASS = 66;
    IPV6_TCLASS = 67;
    IPV6_AUTOFLOWLABEL = 70;
    IPV6_MINHOPCOUNT = 73;
    IPV6_PMTUDISC_DONT = 0;
    IPV6_PMTUDISC_WANT = 1;
    IPV6_PMTUDISC_DO = 2;
    IPV6_PMTUDISC_PROBE = 3;

    MSG_OOB = 1;
    MSG_PEEK = 2;
    MSG_DONTROUTE = 4;
    MSG_CTRUNC = 8;
    MSG_PROBE = 0x10;
    MSG_TRUNC = 0x20;
    MSG_DONTWAIT = 0x40;
    MSG_EOR = 0x80;
    MSG_WAITALL = 0x100;
    MSG_FIN = 0x200;
    MSG_SYN = 0x400;
    MSG_CONFIRM = 0x800;
    MSG_RST = 0x1000;
    MSG_ERRQUEUE = 0x2000;
    MSG_NOSIGNAL = 0x4000;
    MSG_MORE = 0x8000;
    MSG_WAITFORONE = 0x1_0000;
    MSG_BATCH = 0x4_0000;
    MSG_ZEROCOPY = 0x400_0000;
    MSG_FASTOPEN = 0x2000_0000;
    MSG_CMSG_CLOEXEC = 0x4000_0000;

    O_RDONLY = 0;
    O_WRONLY = 1;
    O_RDWR = 2;
    O_ACCMODE = 3;
    O_CREAT = 0o100;
    O_EXCL = 0o200;
    O_NOCTTY = 0o400;
    O_TRUNC = 0o1000;
    O_APPEND = 0o2000;
    O_NONBLOCK = 0o4000;
    O_NDELAY = 0o4000;
    O_DSYNC = 0o10000;
    O_ASYNC = 0o20000;
    O_DIRECT = 0o40000;
    O_LARGEFILE = 0o100_000;
    O_DIRECTORY = 0o200_000;
    O_NOFOLLOW = 0o400_000;
    O_NOATIME = 0o1_000_000;
    O_CLOEXEC = 0o2_000_000;
    O_SYNC = 0o4_010_000;

    F_DUPFD = 0;
    F_GETFD = 1;
    F_SETFD = 2;
    F_GETFL = 3;
    F_SETFL = 4;
    F_SETOWN = 8;
    F_GETOWN = 9;
    F_DUPFD_CLOEXEC = 1030;
    F_SETPIPE_SZ = 1031;
    F_GETPIPE_SZ = 1032;
    FD_CLOEXEC = 1;

    SHUT_RD = 0;
    SHUT_WR = 1;
    SHUT_RDWR = 2;

    POLLIN = 1;
    POLLPRI = 2;
    POLLOUT = 4;
    POLLERR = 8;
    POLLHUP = 0x10;
    POLLNVAL = 0x20;
    POLLRDNORM = 0x40;
    POLLRDBAND = 0x80;
    POLLWRNORM = 0x100;
    POLLWRBAND = 0x200;
    POLLMSG = 0x400;
    POLLREMOVE = 0x1000;
    POLLRDHUP = 0x2000;
    POLLINIGNEOF = OURS + 1;

    EPOLLIN = 1;
    EPOLLPRI = 2;
    EPOLLOUT = 4;
    EPOLLERR = 8;
    EPOLLHUP = 0x10;
    EPOLLRDNORM = 0x40;
    EPOLLRDBAND = 0x80;
    EPOLLWRNORM = 0x100;
    EPOLLWRBAND = 0x200;
    EPOLLMSG = 0x400;
    EPOLLRDHUP = 0x2000;
    EPOLLEXCLUSIVE = 1 << 28;
    EPOLLWAKEUP = 1 << 29;
    EPOLLONESHOT = 1 << 30;
    EPOLLET = 1 << 31;
    EPOLL_CTL_ADD = 1;
    EPOLL_CTL_DEL = 2;
    EPOLL_CTL_MOD = 3;
    EPOLL_CLOEXEC = O_CLOEXEC;

    SPLICE_F_MOVE = 1;
    SPLICE_F_NONBLOCK = 2;
    SPLICE_F_MORE = 4;
    SPLICE_F_GIFT = 8;

    FIONREAD = 0x541b;
    FIONBIO = 0x5421;
    FIOASYNC = 0x5452;
    TIOCINQ = 0x541b;
    TIOCOUTQ = 0x5411;
    SIOCINQ = 0x541b;
    SIOCOUTQ = 0x5411;
    SIOCOUTQNSD = 0x894b;
    SIOCATMARK = 0x8905;
    FIONWRITE = OURS + 2;
    FIONSPACE = OURS + 3;

    SOF_TIMESTAMPING_TX_HARDWARE = 1;
    SOF_TIMESTAMPING_TX_SOFTWARE = 1 << 1;
    SOF_TIMESTAMPING_RX_HARDWARE = 1 << 2;
    SOF_TIMESTAMPING_RX_SOFTWARE = 1 << 3;
    SOF_TIMESTAMPING_SOFTWARE = 1 << 4;
    SOF_TIMESTAMPING_SYS_HARDWARE = 1 << 5;
    SOF_TIMESTAMPING_RAW_HARDWARE = 1 << 6;
    SOF_TIMESTAMPING_OPT_ID = 1 << 7;
    SOF_TIMESTAMPING_TX_SCHED = 1 << 8;
    SOF_TIMESTAMPING_TX_ACK = 1 << 9;
    SOF_TIMESTAMPING_OPT_CMSG = 1 << 10;
    SOF_TIMESTAMPING_OPT_TSONLY = 1 << 11;
    SOF_TIMESTAMPING_OPT_STATS = 1 << 12;
    SOF_TIMESTAMPING_OPT_PKTINFO = 1 << 13;
    SOF_TIMESTAMPING_OPT_TX_SWHW = 1 << 14;
    SOF_TIMESTAMPING_BIND_PHC = 1 << 15;
    SOF_TIMESTAMPING_OPT_ID_TCP = 1 << 16;
    SCM_TSTAMP_SND = 0;
    SCM_TSTAMP_SCHED = 1;
    SCM_TSTAMP_ACK = 2;

    SO_EE_ORIGIN_NONE = 0;
    SO_EE_ORIGIN_LOCAL = 1;
    SO_EE_ORIGIN_ICMP = 2;
    SO_EE_ORIGIN_ICMP6 = 3;
    SO_EE_ORIGIN_TXSTATUS = 4;
    SO_EE_ORIGIN_TIMESTAMPING = 4;
    SO_EE_ORIGIN_ZEROCOPY = 5;
    SO_EE_ORIGIN_TXTIME = 6;
    SO_EE_CODE_ZEROCOPY_COPIED = 1;

    CMSG_LEVEL_IP = 0;
    CMSG_TYPE_RECVERR = 11;

    SIGIO = 29;
    SIGPIPE = 13;

    SO_USELOOPBACK = OURS + 0x10;
    SO_NOSIGPIPE = OURS + 0x11;
    SO_USER_COOKIE = OURS + 0x12;
    SO_SETFIB = OURS + 0x13;
    SO_BINTIME = OURS + 0x14;
    SO_NO_OFFLOAD = OURS + 0x15;
    SO_NO_DDP = OURS + 0x16;
    SO_REUSEPORT_LB = OURS + 0x17;
    SO_LISTENQLIMIT = OURS + 0x18;
    SO_LISTENQLEN = OURS + 0x19;
    SO_LISTENINCQLEN = OURS + 0x1a;
    SO_LABEL = OURS + 0x1b;
    SO_TS_CLOCK = OURS + 0x1c;
    SO_RERROR = OURS + 0x1d;

    TCP_NOOPT = OURS + 0x30;
    TCP_NOPUSH = OURS + 0x31;
    TCP_KEEPINIT = OURS + 0x32;
    TCP_DELACK = OURS + 0x33;
    TCP_FUNCTION_BLK = OURS + 0x34;
    TCP_FUNCTION_ALIAS = OURS + 0x35;
    TCP_REMOTE_UDP_ENCAPS_PORT = OURS + 0x36;
    TCP_PERF_INFO = OURS + 0x37;
    TCP_LOG = OURS + 0x38;
    TCP_LOGBUF = OURS + 0x39;
    TCP_LOGID = OURS + 0x3a;
    TCP_LOGDUMP = OURS + 0x3b;
    TCP_LOGDUMPID = OURS + 0x3c;
    TCP_STATS = OURS + 0x3d;
    TCP_PCAP_OUT = OURS + 0x3e;
    TCP_PCAP_IN = OURS + 0x3f;
    TCP_CCALGOOPT = OURS + 0x40;
    TCP_MAXUNACKTIME = OURS + 0x41;
    TCP_IDLE_REDUCE = OURS + 0x42;
    TCP_DEFER_OPTIONS = OURS + 0x43;
    TCP_RACK_TLP_REDUCE = OURS + 0x44;

    MSG_NBIO = OURS << 1;
    MSG_EOF = MSG_FIN;
    MSG_COMPAT = 0;

    IPV6_USE_MIN_MTU = OURS + 0x60;
    IPV6_BINDV6ONLY = IPV6_V6ONLY;
    IP_DONTFRAG = OURS + 0x61;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_number() {
        let mut names: Vec<_> = TABLE.iter().chain(STATES).map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(number("SO_ERROR"), Some(4));
        assert_eq!(number("ECONNRESET"), Some(104));
        assert_eq!(number("SO_NOTHING"), None);
    }

    #[test]
    fn bits_are_told_by_name() {
        assert_eq!(bits(POLLIN | POLLHUP, POLL_BITS), "POLLIN|POLLHUP");
        assert_eq!(bits(0, POLL_BITS), "0");
        assert_eq!(bits(POLLIN | 0x8000, POLL_BITS), "POLLIN|0x8000");
    }
}
