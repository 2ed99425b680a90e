//! The machine under test, as a script sees it: system calls, a network device, a clock.
//!
//! There are two: `host` is ours, in this process; the judge's shared object is driven through the
//! same trait in tests, so that both can be held to the same scripts.
#![expect(missing_docs, reason = "calls and their arguments are named as in the manual pages")]

use std::net::SocketAddr;

use twomsl_tcp::Instant;
use twomsl_tcp::wire::Packet;

/// A machine with one network device, in virtual time.
pub trait System {
    /// Its clock.
    fn now(&self) -> Instant;

    /// A system call. A call that has to wait goes on by itself and is answered by [`finished`].
    ///
    /// [`finished`]: Self::finished
    fn call(&mut self, request: Request) -> Progress;

    /// The next of the calls that waited and have returned, in the order in which they did.
    fn finished(&mut self) -> Option<Finished>;

    /// A packet arrives from the network now.
    fn inject(&mut self, packet: Packet);

    /// The next packet that was sent, with the time at which it was.
    fn sent(&mut self) -> Option<(Instant, Packet)>;

    /// Lets time pass until `limit`, or less far: to the first moment at which a packet was sent or
    /// a waiting call returned. Says how far it came.
    fn advance(&mut self, limit: Instant) -> Instant;

    /// A setting or a question that no system call has: what scripts do in backticks.
    fn administer(&mut self, order: Order) -> Administered;
}

/// What became of a call so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It returned.
    Done(Reply),
    /// It waits.
    Waits(CallId),
}

/// A call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A call that had to wait, and has returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Which.
    pub call: CallId,
    /// When.
    pub at: Instant,
    /// With what.
    pub reply: Reply,
}

/// A system call. Numbers are those of Linux' ABI (x86-64, aarch64), in both dialects; what Linux
/// does not have has numbers of its own (`symbols`). Text that is written is zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Socket {
        domain: i32,
        kind: i32,
        protocol: i32,
    },
    Bind {
        fd: i32,
        address: SocketAddr,
    },
    Listen {
        fd: i32,
        backlog: i32,
    },
    /// `accept4` with `SOCK_NONBLOCK` and the like; `accept` has no flags.
    Accept {
        fd: i32,
        flags: i32,
    },
    Connect {
        fd: i32,
        address: SocketAddr,
    },
    Read {
        fd: i32,
        length: usize,
    },
    ReadVector {
        fd: i32,
        lengths: Vec<usize>,
    },
    Receive {
        fd: i32,
        length: usize,
        flags: i32,
    },
    ReceiveFrom {
        fd: i32,
        length: usize,
        flags: i32,
    },
    ReceiveMessage {
        fd: i32,
        lengths: Vec<usize>,
        control: usize,
        flags: i32,
    },
    Write {
        fd: i32,
        length: usize,
    },
    WriteVector {
        fd: i32,
        lengths: Vec<usize>,
    },
    Send {
        fd: i32,
        length: usize,
        flags: i32,
    },
    SendTo {
        fd: i32,
        length: usize,
        flags: i32,
        address: Option<SocketAddr>,
    },
    SendMessage {
        fd: i32,
        address: Option<SocketAddr>,
        lengths: Vec<usize>,
        control: Vec<ControlMessage>,
        flags: i32,
    },
    Fcntl {
        fd: i32,
        command: i32,
        argument: Option<i64>,
    },
    Ioctl {
        fd: i32,
        request: u64,
        argument: Option<i32>,
    },
    Close {
        fd: i32,
    },
    Shutdown {
        fd: i32,
        how: i32,
    },
    /// `value` is what the pointer points to, in the machine's own byte order: little endian.
    SetSocketOption {
        fd: i32,
        level: i32,
        name: i32,
        value: Vec<u8>,
    },
    /// `length` is `*optlen`. `TCP_INFO` answers with Linux' `struct tcp_info`, as long as fits: the
    /// runner reads from it what `%{ }%` asks for.
    GetSocketOption {
        fd: i32,
        level: i32,
        name: i32,
        length: usize,
    },
    SocketName {
        fd: i32,
    },
    PeerName {
        fd: i32,
    },
    /// `timeout` in milliseconds; negative waits for ever.
    Poll {
        entries: Vec<PollEntry>,
        timeout: i32,
    },
    EpollCreate {
        flags: i32,
    },
    EpollControl {
        epoll: i32,
        operation: i32,
        fd: i32,
        event: Option<EpollEvent>,
    },
    EpollWait {
        epoll: i32,
        most: i32,
        timeout: i32,
    },
    Pipe {
        flags: i32,
    },
    Splice {
        from: i32,
        to: i32,
        length: usize,
        flags: i32,
    },
    /// Opens something that can be read for ever, as `sendfile` wants it.
    Open {
        path: String,
        flags: i32,
    },
    SendFile {
        to: i32,
        from: i32,
        offset: Option<u64>,
        length: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollEntry {
    pub fd: i32,
    pub events: i16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpollEvent {
    pub events: u32,
    pub data: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlMessage {
    pub level: i32,
    pub kind: i32,
    pub data: Vec<u8>,
}

/// What a system call returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its value, or the number of its error, with which it returned −1.
    pub result: Result<i64, Errno>,
    /// What it wrote into its arguments.
    pub output: ReplyOutput,
}

/// An error, by its number in Linux' ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errno(pub i32);

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ReplyOutput {
    #[default]
    Nothing,
    /// `getsockopt`: as many octets as the kernel wrote.
    Octets(Vec<u8>),
    /// `ioctl`.
    Integer(i32),
    /// `accept`, `getsockname`, `recvfrom`.
    Address(Option<SocketAddr>),
    /// `poll`: the `revents` of each entry.
    Polled(Vec<i16>),
    /// `epoll_wait`.
    Ready(Vec<EpollEvent>),
    /// `pipe`.
    Pipe(i32, i32),
    /// `recvmsg`.
    Message { flags: i32, control: Vec<ControlMessage>, name: Option<SocketAddr> },
}

/// What an administrator does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// `sysctl -w NAME=VALUE`, with slashes in the name made points.
    Set { name: String, value: String },
    /// Forgets what is remembered of peers and paths: `ip tcp_metrics flush`, FreeBSD's host cache.
    ForgetPaths,
    /// Whether a socket of the script's connection is in this state (`sockstat | grep STATE`); ours
    /// are matched by [`TcpState`](twomsl_tcp::TcpState).
    CountInState(twomsl_tcp::TcpState),
    /// `tcpdrop`: resets the connections there are.
    DropConnections,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Administered {
    Done,
    Count(usize),
    /// There is no such setting, or it takes no such value.
    Unknown,
    /// This machine cannot be asked.
    NotSupported,
}
