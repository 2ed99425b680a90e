//! What calls ask for.

use std::net::SocketAddr;

use super::super::super::system::{ControlMessage, EpollEvent, PollEntry};
use super::*;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("it is an address")
}

/// Every form of every call.
#[expect(clippy::too_many_lines, reason = "a table")]
fn table() -> Vec<(&'static str, Request)> {
    let (bind, connect) = (address("192.168.0.1:8080"), address("192.0.2.1:8080"));
    vec![
        (
            "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
            Request::Socket { domain: 2, kind: 1, protocol: 6 },
        ),
        (
            "socket(AF_INET6, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3",
            Request::Socket { domain: 10, kind: 0x801, protocol: 0 },
        ),
        ("bind(3, ..., ...) = 0", Request::Bind { fd: 13, address: bind }),
        (
            "bind(3, {sa_family = AF_INET, sin_port = htons(99), sin_addr = inet_addr(\"10.0.0.1\")}, ...) = 0",
            Request::Bind { fd: 13, address: address("10.0.0.1:99") },
        ),
        ("listen(3, 1) = 0", Request::Listen { fd: 13, backlog: 1 }),
        ("accept(3, ..., ...) = 4", Request::Accept { fd: 13, flags: 0 }),
        ("accept4(3, ..., ..., SOCK_NONBLOCK) = 4", Request::Accept { fd: 13, flags: 0x800 }),
        (
            "connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
            Request::Connect { fd: 13, address: connect },
        ),
        ("read(4, ..., 1000) = 1000", Request::Read { fd: 14, length: 1000 }),
        (
            "readv(4, [{..., 100}, {..., 50}], 2) = 150",
            Request::ReadVector { fd: 14, lengths: vec![100, 50] },
        ),
        (
            "recv(4, ..., 1000, MSG_PEEK|MSG_DONTWAIT) = 5",
            Request::Receive { fd: 14, length: 1000, flags: 0x42 },
        ),
        (
            "recvfrom(4, ..., 1000, 0, ..., ...) = 5",
            Request::ReceiveFrom { fd: 14, length: 1000, flags: 0 },
        ),
        ("write(4, ..., 2000) = 2000", Request::Write { fd: 14, length: 2000 }),
        (
            "writev(4, [{..., 1000}, {..., 2}], 2) = 1002",
            Request::WriteVector { fd: 14, lengths: vec![1000, 2] },
        ),
        ("send(4, ..., 10, MSG_OOB) = 10", Request::Send { fd: 14, length: 10, flags: 1 }),
        (
            "sendto(4, ..., 10, 0, NULL, 0) = 10",
            Request::SendTo { fd: 14, length: 10, flags: 0, address: None },
        ),
        (
            "sendto(3, ..., 500, MSG_FASTOPEN, ..., ...) = 500",
            Request::SendTo { fd: 13, length: 500, flags: 0x2000_0000, address: Some(connect) },
        ),
        (
            "sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}, MSG_MORE) = 1000",
            Request::SendMessage {
                fd: 14,
                address: Some(connect),
                lengths: vec![1000],
                control: Vec::new(),
                flags: 0x8000,
            },
        ),
        (
            "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0, msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=20}]}, 0) = 100",
            Request::ReceiveMessage { fd: 14, lengths: vec![100], control: 4096, flags: 0 },
        ),
        (
            "fcntl(4, F_GETFL) = 0x2 (flags O_RDWR)",
            Request::Fcntl { fd: 14, command: 3, argument: None },
        ),
        (
            "fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
            Request::Fcntl { fd: 14, command: 4, argument: Some(0x802) },
        ),
        (
            "ioctl(4, SIOCINQ, [1000]) = 0",
            Request::Ioctl { fd: 14, request: 0x541b, argument: Some(1000) },
        ),
        ("close(4) = 0", Request::Close { fd: 14 }),
        ("shutdown(4, SHUT_WR) = 0", Request::Shutdown { fd: 14, how: 1 }),
        ("setsockopt(4, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0", option(1, 2, &[1, 0, 0, 0])),
        (
            "setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0",
            option(1, 13, &[1, 0, 0, 0, 5, 0, 0, 0]),
        ),
        ("setsockopt(4, SOL_TCP, TCP_CONGESTION, \"reno\", 4) = 0", option(6, 13, b"reno")),
        ("setsockopt(4, SOL_IP, IP_TOS, [3], 1) = 0", option(0, 1, &[3])),
        (
            "setsockopt(4, SOL_SOCKET, SO_RCVTIMEO, {tv_sec=2, tv_usec=500}, 16) = 0",
            option(1, 20, &[2, 0, 0, 0, 0, 0, 0, 0, 0xf4, 1, 0, 0, 0, 0, 0, 0]),
        ),
        (
            "getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0",
            Request::GetSocketOption { fd: 14, level: 1, name: 4, length: 4 },
        ),
        (
            "poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1",
            Request::Poll { entries: vec![PollEntry { fd: 14, events: 5 }], timeout: 0 },
        ),
        ("epoll_create(1) = 5", Request::EpollCreate { flags: 0 }),
        (
            "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4}) = 0",
            Request::EpollControl {
                epoll: 15,
                operation: 1,
                fd: 14,
                event: Some(EpollEvent { events: 0x8000_0001, data: 4 }),
            },
        ),
        (
            "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1",
            Request::EpollWait { epoll: 15, most: 1, timeout: 0 },
        ),
        ("pipe([6, 7]) = 0", Request::Pipe { flags: 0 }),
        (
            "splice(4, 0, 5, 0, 100, 0) = 100",
            Request::Splice { from: 14, to: 15, length: 100, flags: 0 },
        ),
        ("open(\"/dev/zero\", O_RDONLY) = 6", Request::Open { path: "/dev/zero".into(), flags: 0 }),
        (
            "sendfile(4, 5, [0], 1000) = 1000",
            Request::SendFile { to: 14, from: 15, offset: Some(0), length: 1000 },
        ),
    ]
}

fn option(level: i32, name: i32, value: &[u8]) -> Request {
    Request::SetSocketOption { fd: 14, level, name, value: value.to_vec() }
}

#[test]
fn every_form_of_every_call() {
    for (text, expected) in table() {
        assert_eq!(request(text), Ok(expected), "{text}");
    }
}

#[test]
fn a_mapped_address_belongs_to_sockets_of_ipv6() {
    let setup = Setup::new(IpVersion::V4MappedV6);
    let request = super::super::request(&call("bind(3, ..., ...) = 0"), &setup, &descriptors());
    let address = address("[::ffff:192.168.0.1]:8080");
    assert_eq!(request, Ok(Request::Bind { fd: 13, address }));
}

#[test]
fn control_messages_are_sent() {
    let text = "sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1}], msg_flags=0, \
                msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SO_TIMESTAMPING, cmsg_data=2}]}, 0) = 1";
    let Ok(Request::SendMessage { control, .. }) = request(text) else { panic!() };
    let message = ControlMessage { level: 1, kind: 37, data: vec![2, 0, 0, 0] };
    assert_eq!(control, [message]);
}

/// A descriptor that the script does not have is not open, and −1 stays what it is.
#[test]
fn strange_descriptors() {
    let Ok(Request::Close { fd }) = request("close(9) = -1") else { panic!() };
    assert!(fd > 1000, "{fd} could be open");
    assert_eq!(request("close(-1) = -1"), Ok(Request::Close { fd: -1 }));
}

#[test]
fn what_is_wrong_is_said() {
    let problems = [
        ("listen(3) = 0", "listen takes 2 arguments, not 1"),
        ("open(\"a\") = 0", "open takes 2 or 3 arguments, not 1"),
        ("listen(3, ...) = 0", "a number is expected here, not `...`"),
        ("write(3, ..., -1) = 0", "-1 is no number of octets: 0 to 1073741824"),
        ("writev(3, [{..., 5}], 2) = 0", "1 buffers, but the call says 2"),
        (
            "poll(3, 1, 0) = 0",
            "descriptors are expected here: `[{fd=4, events=POLLIN, revents=0}]`",
        ),
        ("listen(3, 99999999999) = 0", "99999999999 does not fit into 32 bits"),
    ];
    for (line, expected) in problems {
        match request(line) {
            Err(CallProblem::Wrong { text, .. }) => assert_eq!(text, expected, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    let unknown = [
        ("fork() = 0", "the system call `fork`"),
        ("listen(3, SOMETHING) = 0", "the word `SOMETHING`"),
        ("setsockopt(4, SOL_SOCKET, SO_LINGER, {a=1}, 4) = 0", "a structure with these members"),
    ];
    for (line, expected) in unknown {
        match request(line) {
            Err(CallProblem::NotSupported { text, .. }) => assert_eq!(text, expected, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}
