//! Which error in which state.

use twomsl_tcp::wire::{Body, Icmp, IcmpKind, Quote};

use super::super::super::symbols::{IP_RECVERR, SOL_IP};
use super::*;

type Make = fn(&mut Bench) -> i32;

const STATES: &[(&str, Make)] = &[
    ("fresh", Bench::socket),
    ("listening", Bench::listener),
    ("connecting", Bench::connecting),
    ("connected", |bench| bench.accepted().1),
    ("reset", |bench| {
        let (_, fd) = bench.accepted();
        bench.gets(Flags::RST, 1, 0, 0);
        fd
    }),
    ("refused", |bench| {
        let fd = bench.connecting();
        bench.gets(Flags::RST | Flags::ACK, 0, 1, 0);
        fd
    }),
    ("peer closed", |bench| {
        let (_, fd) = bench.accepted();
        bench.gets(Flags::FIN | Flags::ACK, 1, 1, 0);
        fd
    }),
    ("shut down", |bench| {
        let (_, fd) = bench.accepted();
        assert_eq!(bench.result(Request::Shutdown { fd, how: 1 }), Ok(0));
        fd
    }),
];

/// A state, and what a call answers in it the first and the second time.
type Row = (&'static str, Result<i64, Errno>, Result<i64, Errno>);

/// A call in every state, with what it answers the first and the second time.
fn table(
    kernel: fn() -> Bench,
    call: impl Fn(&mut Bench, i32) -> Result<i64, Errno>,
    expected: &[Row],
) {
    assert_eq!(expected.len(), STATES.len());
    for ((name, make), (expected_name, first, second)) in STATES.iter().zip(expected) {
        assert_eq!(name, expected_name);
        let mut bench = kernel();
        let fd = make(&mut bench);
        bench.nonblocking(fd);
        assert_eq!(call(&mut bench, fd), *first, "{name}");
        assert_eq!(call(&mut bench, fd), *second, "{name}, again");
    }
}

#[test]
fn reading_on_linux() {
    table(
        Bench::linux,
        |bench, fd| bench.reads(fd, 100),
        &[
            ("fresh", Err(Errno::ENOTCONN), Err(Errno::ENOTCONN)),
            ("listening", Err(Errno::ENOTCONN), Err(Errno::ENOTCONN)),
            ("connecting", Err(Errno::EAGAIN), Err(Errno::EAGAIN)),
            ("connected", Err(Errno::EAGAIN), Err(Errno::EAGAIN)),
            ("reset", Err(Errno::ECONNRESET), Ok(0)),
            ("refused", Err(Errno::ECONNREFUSED), Ok(0)),
            ("peer closed", Ok(0), Ok(0)),
            ("shut down", Err(Errno::EAGAIN), Err(Errno::EAGAIN)),
        ],
    );
}

#[test]
fn reading_on_freebsd() {
    table(
        Bench::freebsd,
        |bench, fd| bench.reads(fd, 100),
        &[
            ("fresh", Err(Errno::ENOTCONN), Err(Errno::ENOTCONN)),
            ("listening", Err(Errno::ENOTCONN), Err(Errno::ENOTCONN)),
            ("connecting", Err(Errno::EAGAIN), Err(Errno::EAGAIN)),
            ("connected", Err(Errno::EAGAIN), Err(Errno::EAGAIN)),
            ("reset", Err(Errno::ECONNRESET), Ok(0)),
            ("refused", Err(Errno::ECONNREFUSED), Ok(0)),
            ("peer closed", Ok(0), Ok(0)),
            ("shut down", Err(Errno::EAGAIN), Err(Errno::EAGAIN)),
        ],
    );
}

#[test]
fn writing_on_linux() {
    table(
        Bench::linux,
        |bench, fd| bench.writes(fd, 100),
        &[
            ("fresh", Err(Errno::EPIPE), Err(Errno::EPIPE)),
            ("listening", Err(Errno::EPIPE), Err(Errno::EPIPE)),
            ("connecting", Err(Errno::EAGAIN), Err(Errno::EAGAIN)),
            ("connected", Ok(100), Ok(100)),
            ("reset", Err(Errno::ECONNRESET), Err(Errno::EPIPE)),
            ("refused", Err(Errno::ECONNREFUSED), Err(Errno::EPIPE)),
            ("peer closed", Ok(100), Ok(100)),
            ("shut down", Err(Errno::EPIPE), Err(Errno::EPIPE)),
        ],
    );
}

#[test]
fn writing_on_freebsd() {
    table(
        Bench::freebsd,
        |bench, fd| bench.writes(fd, 100),
        &[
            ("fresh", Err(Errno::ENOTCONN), Err(Errno::ENOTCONN)),
            ("listening", Err(Errno::ENOTCONN), Err(Errno::ENOTCONN)),
            ("connecting", Err(Errno::ENOTCONN), Err(Errno::ENOTCONN)),
            ("connected", Ok(100), Ok(100)),
            ("reset", Err(Errno::EPIPE), Err(Errno::EPIPE)),
            ("refused", Err(Errno::EPIPE), Err(Errno::EPIPE)),
            ("peer closed", Ok(100), Ok(100)),
            ("shut down", Err(Errno::EPIPE), Err(Errno::EPIPE)),
        ],
    );
}

#[test]
fn connecting_on_linux() {
    table(
        Bench::linux,
        Bench::connects,
        &[
            ("fresh", Err(Errno::EINPROGRESS), Err(Errno::EALREADY)),
            ("listening", Err(Errno::EISCONN), Err(Errno::EISCONN)),
            ("connecting", Err(Errno::EALREADY), Err(Errno::EALREADY)),
            ("connected", Err(Errno::EISCONN), Err(Errno::EISCONN)),
            ("reset", Err(Errno::EISCONN), Err(Errno::EISCONN)),
            ("refused", Err(Errno::ECONNREFUSED), Err(Errno::EINPROGRESS)),
            ("peer closed", Err(Errno::EISCONN), Err(Errno::EISCONN)),
            ("shut down", Err(Errno::EISCONN), Err(Errno::EISCONN)),
        ],
    );
}

#[test]
fn shutting_down_on_linux() {
    let shut = |bench: &mut Bench, fd| bench.result(Request::Shutdown { fd, how: 1 });
    table(
        Bench::linux,
        shut,
        &[
            ("fresh", Err(Errno::ENOTCONN), Err(Errno::ENOTCONN)),
            ("listening", Ok(0), Ok(0)),
            ("connecting", Ok(0), Err(Errno::ENOTCONN)),
            ("connected", Ok(0), Ok(0)),
            ("reset", Err(Errno::ENOTCONN), Err(Errno::ENOTCONN)),
            ("refused", Err(Errno::ENOTCONN), Err(Errno::ENOTCONN)),
            ("peer closed", Ok(0), Ok(0)),
            ("shut down", Ok(0), Ok(0)),
        ],
    );
}

#[test]
fn listening_and_accepting_on_linux() {
    let listen = |bench: &mut Bench, fd| bench.result(Request::Listen { fd, backlog: 1 });
    table(
        Bench::linux,
        listen,
        &[
            ("fresh", Ok(0), Ok(0)),
            ("listening", Ok(0), Ok(0)),
            ("connecting", Err(Errno::EINVAL), Err(Errno::EINVAL)),
            ("connected", Err(Errno::EINVAL), Err(Errno::EINVAL)),
            ("reset", Err(Errno::EINVAL), Err(Errno::EINVAL)),
            ("refused", Err(Errno::EINVAL), Err(Errno::EINVAL)),
            ("peer closed", Err(Errno::EINVAL), Err(Errno::EINVAL)),
            ("shut down", Err(Errno::EINVAL), Err(Errno::EINVAL)),
        ],
    );
    let accept = |bench: &mut Bench, fd| bench.result(Request::Accept { fd, flags: 0 });
    let mut bench = Bench::linux();
    let (listener, fd) = bench.accepted();
    bench.nonblocking(listener);
    assert_eq!(accept(&mut bench, fd), Err(Errno::EINVAL));
    assert_eq!(accept(&mut bench, listener), Err(Errno::EAGAIN));
    assert_eq!(accept(&mut bench, 77), Err(Errno::EBADF));
}

#[test]
fn binding_twice() {
    for kernel in [Bench::linux, Bench::freebsd] {
        let mut bench = kernel();
        let fd = bench.bound();
        let address = SocketAddr::new(LOCAL, PORT + 1);
        assert_eq!(bench.result(Request::Bind { fd, address }), Err(Errno::EINVAL));
        let other = bench.socket();
        let address = SocketAddr::new(LOCAL, PORT);
        assert_eq!(bench.result(Request::Bind { fd: other, address }), Err(Errno::EADDRINUSE));
        let address = SocketAddr::new(REMOTE, PORT);
        assert_eq!(bench.result(Request::Bind { fd: other, address }), Err(Errno::EADDRNOTAVAIL));
    }
}

/// `SO_ERROR` takes the error: whoever comes later finds the end only.
#[test]
fn an_error_is_told_once() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    bench.gets(Flags::RST, 1, 0, 0);
    assert_eq!(bench.error(fd), Errno::ECONNRESET.0);
    assert_eq!(bench.error(fd), 0);
    assert_eq!(bench.reads(fd, 100), Ok(0));
    assert_eq!(bench.writes(fd, 100), Err(Errno::EPIPE));
}

#[test]
fn the_lowest_descriptor_that_is_free_is_taken() {
    let mut bench = Bench::linux();
    assert_eq!([bench.socket(), bench.socket(), bench.socket()], [3, 4, 5]);
    bench.closes(4);
    bench.closes(3);
    assert_eq!([bench.socket(), bench.socket(), bench.socket()], [3, 4, 6]);
    assert_eq!(bench.result(Request::Close { fd: 9 }), Err(Errno::EBADF));
}

impl Bench {
    /// A router says that the host of the peer cannot be reached, of what was sent last.
    fn hears_unreachable(&mut self, sent: &Segment) {
        let quote = Quote {
            src: LOCAL,
            dst: REMOTE,
            src_port: sent.src_port,
            dst_port: sent.dst_port,
            seq: sent.seq,
        };
        let body = Body::Icmp(Icmp { kind: IcmpKind::HostUnreachable, quote });
        let packet = Packet { body, ..Packet::tcp(REMOTE, LOCAL, sent.clone()) };
        self.host.inject(packet);
    }
}

/// An ICMP error does not end a connection. Linux tells it when it is asked, and to who has set
/// `IP_RECVERR` at once.
#[test]
fn a_soft_error_is_told_to_who_asks() {
    for (reports, read) in [(0, Err(Errno::EAGAIN)), (1, Err(Errno::EHOSTUNREACH))] {
        let mut bench = Bench::linux();
        let (_, fd) = bench.accepted();
        bench.nonblocking(fd);
        assert_eq!(bench.sets(fd, (SOL_IP, IP_RECVERR), &[reports, 0, 0, 0]), Ok(0));
        assert_eq!(bench.writes(fd, 100), Ok(100));
        let sent = bench.answer();
        bench.hears_unreachable(&sent);
        assert_eq!(bench.reads(fd, 100), read);
        assert_eq!(bench.error(fd), Errno::EHOSTUNREACH.0, "it is remembered for SO_ERROR");
        assert_eq!(bench.error(fd), 0);
        assert_eq!(bench.writes(fd, 100), Ok(100), "the connection lives");
    }
}
