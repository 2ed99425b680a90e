//! The machine under test: a [`Stack`] with file descriptors, calls that wait, and a clock.
//!
//! System calls are what Linux or FreeBSD makes of them: which error in which state, what comes
//! first when several would do. The functions of those kernels are named where it matters. A call
//! that has to wait is a value in a list (`waiting`); whenever something happens each of them is
//! tried again, as a process that was woken would.

mod closing;
mod control;
mod driving;
mod epoll;
mod errors;
mod files;
mod naming;
mod opening;
mod options;
mod pipes;
mod polling;
mod reading;
mod recorder;
mod reports;
mod sk;
mod waiting;
mod writing;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::IpAddr;

use twomsl_tcp::wire::{Packet, TcpOption};
use twomsl_tcp::{Instant, Profile, Readiness, SocketId, Stack};
use twomsl_trace::Trace;

use super::system::{
    Administered, CallId, Errno, Finished, Order, Progress, Reply, ReplyOutput, Request, System,
};
use files::{File, Files};
use recorder::Recorder;
use waiting::Waiter;

/// A machine with one TCP, in virtual time.
#[derive(Debug)]
pub struct Host {
    kernel: Kernel,
    stack: Stack,
    now: Instant,
    files: Files,
    /// In the order in which they began to wait.
    waiting: Vec<Waiter>,
    calls: u64,
    finished: VecDeque<Finished>,
    sent: VecDeque<(Instant, Packet)>,
    /// How many packets were sent and waiting calls returned so far.
    happened: u64,
    /// What sockets have become ready for since waiting calls were tried last.
    woken: Vec<(SocketId, Readiness)>,
    recorder: Option<Box<Recorder>>,
}

/// What a machine is.
#[derive(Clone, Debug)]
pub struct HostSettings {
    /// Its TCP. The name `freebsd` also makes its system calls those of FreeBSD.
    pub profile: Profile,
    /// Its addresses.
    pub local: Vec<IpAddr>,
    /// What makes its initial sequence numbers its own.
    pub secret: [u8; 16],
}

impl HostSettings {
    /// A secret for machines whose initial sequence numbers are not secret, but always the same.
    pub const SECRET: [u8; 16] = *b"packetdrill 2MSL";
}

/// Whose system calls they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    Linux,
    FreeBsd,
}

/// How far a call has come.
#[derive(Debug)]
enum Step {
    Done(Reply),
    Wait,
}

/// Whether a call may wait (`timeo` in Linux, when it is not zero).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Waits,
    None,
}

impl Host {
    /// A machine at the start of its time.
    pub fn new(settings: HostSettings) -> Self {
        let kernel = match settings.profile.name {
            "freebsd" => Kernel::FreeBsd,
            _ => Kernel::Linux,
        };
        let mut stack = Stack::new(settings.profile, settings.secret);
        for address in settings.local {
            stack.add_address(address);
        }
        Self {
            kernel,
            stack,
            now: Instant::ZERO,
            files: Files::default(),
            waiting: Vec::new(),
            calls: 0,
            finished: VecDeque::new(),
            sent: VecDeque::new(),
            happened: 0,
            woken: Vec::new(),
            recorder: None,
        }
    }

    /// Writes down what happens from now on, for a ladder or another rendering. `remote` are the
    /// addresses of the peer, which the script plays.
    pub fn record(&mut self, remote: &[IpAddr]) {
        let (profile, local) = (self.stack.profile().name, self.stack.addresses());
        self.recorder = Some(Box::new(Recorder::new(profile, local, remote)));
    }

    /// What was written down, without a title: two hosts, `stack` and `script`. `None` when nothing
    /// was.
    pub fn take_trace(&mut self) -> Option<Trace> {
        self.recorder.take().map(|recorder| recorder.into_trace())
    }

    /// The socket that a call is about, for the trace.
    fn subject(&self, request: &Request) -> Option<SocketId> {
        let fd = recorder::descriptor(request)?;
        self.files.socket(fd).ok()?.id()
    }

    /// A call, and what the trace tells of it.
    fn begin_recorded(&mut self, request: Request) -> Progress {
        let (socket, name) = (self.subject(&request), recorder::name(&request));
        if let Some(recorder) = &mut self.recorder {
            recorder.called(self.now, socket, &request);
        }
        let progress = self.begin(request);
        if let (Some(recorder), Progress::Done(Reply { result: Err(error), .. })) =
            (&mut self.recorder, &progress)
        {
            recorder.returned(self.now, socket, name, Err(*error));
        }
        progress
    }

    /// Gives it one more address, if it does not have it yet.
    pub fn add_address(&mut self, address: IpAddr) {
        if !self.stack.addresses().contains(&address) {
            self.stack.add_address(address);
        }
    }

    /// A call from its beginning.
    fn begin(&mut self, request: Request) -> Progress {
        let reply = match request {
            Request::Socket { domain, kind, protocol } => self.socket(domain, kind, protocol),
            Request::Bind { fd, address } => self.bind(fd, address),
            Request::Listen { fd, backlog } => self.listen(fd, backlog),
            Request::Fcntl { fd, command, argument } => self.fcntl(fd, command, argument),
            Request::Ioctl { fd, request, argument } => {
                return done(self.ioctl(fd, request, argument));
            }
            Request::Shutdown { fd, how } => self.shutdown(fd, how),
            Request::SetSocketOption { fd, level, name, value } => {
                self.set_socket_option(fd, level, name, &value)
            }
            Request::GetSocketOption { fd, level, name, length } => {
                return done(self.get_socket_option(fd, level, name, length));
            }
            Request::EpollCreate { flags } => self.epoll_create(flags),
            Request::EpollControl { epoll, operation, fd, event } => {
                self.epoll_control(epoll, operation, fd, event)
            }
            Request::Pipe { flags } => return done(self.pipe(flags)),
            Request::Open { .. } => Ok(self.files.open(File::Source).into()),
            Request::SocketName { fd } => return done(self.socket_name(fd)),
            Request::PeerName { fd } => return done(self.peer_name(fd)),
            request => return self.begin_to_wait(request),
        };
        done(plain(reply))
    }
}

impl System for Host {
    fn now(&self) -> Instant {
        self.now
    }

    fn call(&mut self, request: Request) -> Progress {
        let progress = match self.recorder {
            Some(_) => self.begin_recorded(request),
            None => self.begin(request),
        };
        self.settle();
        progress
    }

    fn finished(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }

    fn inject(&mut self, packet: Packet) {
        if self.kernel == Kernel::Linux && is_signed(&packet) {
            return;
        }
        let now = self.now;
        let number = self.recorder.as_mut().map(|recorder| recorder.injected(now, &packet));
        let arrival = self.stack.on_packet(now, packet);
        if let (Some(recorder), Some(number)) = (&mut self.recorder, number) {
            recorder.arrived(now, number, arrival);
        }
        self.settle();
    }

    fn sent(&mut self) -> Option<(Instant, Packet)> {
        self.sent.pop_front()
    }

    fn advance(&mut self, limit: Instant) -> Instant {
        self.run_until(limit)
    }

    fn administer(&mut self, order: Order) -> Administered {
        let administered = match order {
            Order::Set { name, value } => match self.stack.set_parameter(&name, &value) {
                Ok(()) => Administered::Done,
                Err(_) => Administered::Unknown,
            },
            Order::ForgetPaths => {
                self.stack.forget_paths();
                self.stack.forget_cookies();
                Administered::Done
            }
            Order::CountInState(state) => {
                let states = self.stack.states();
                Administered::Count(states.filter(|(_, other)| *other == state).count())
            }
            Order::DropConnections => self.drop_connections(),
        };
        self.settle();
        administered
    }
}

/// Whether a segment has an MD5 signature. A machine without keys, as this one, takes it for a
/// mistake (`tcp_inbound_hash`: `SKB_DROP_REASON_TCP_MD5UNEXPECTED`).
fn is_signed(packet: &Packet) -> bool {
    /// The kind of RFC 2385.
    const MD5: u8 = 19;
    let Some(segment) = packet.segment() else { return false };
    segment.options.iter().any(|option| matches!(option, Ok(TcpOption::Unknown { kind: MD5, .. })))
}

fn done(reply: Reply) -> Progress {
    Progress::Done(reply)
}

/// A reply of a call that writes nothing into its arguments.
fn plain(result: Result<i64, Errno>) -> Reply {
    Reply { result, output: ReplyOutput::Nothing }
}

/// A number of octets, or of files, as calls return it.
fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A reply of a call that waits no more.
fn finished(call: CallId, at: Instant, reply: Reply) -> Finished {
    Finished { call, at, reply }
}
