//! Answers against expectations.

use super::super::super::system::{ControlMessage, EpollEvent, Errno, ReplyOutput};
use super::*;

fn plain(result: Result<i64, Errno>) -> Reply {
    Reply { result, output: ReplyOutput::Nothing }
}

fn with(output: ReplyOutput) -> Reply {
    Reply { result: Ok(1), output }
}

/// A call, its answer, and what is said about it: nothing where it is as expected.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_differs_is_told_in_the_words_of_the_script() {
    let again = Err(Errno::EAGAIN);
    let table = [
        ("read(4, ..., 100) = 100", plain(Ok(100)), ""),
        ("read(4, ..., 100) = ...", plain(Ok(7)), ""),
        ("read(4, ..., 100) = 100", plain(Ok(99)), "read: expected 100, got 99"),
        (
            "read(4, ..., 100) = 100",
            plain(again),
            "read: expected 100, got -1 EAGAIN (Resource temporarily unavailable)",
        ),
        ("read(4, ..., 100) = -1 EAGAIN (whatever)", plain(again), ""),
        ("read(4, ..., 100) = -1 EWOULDBLOCK (whatever)", plain(again), ""),
        ("read(4, ..., 100) = -1", plain(again), ""),
        (
            "read(4, ..., 100) = -1 ENOTCONN (whatever)",
            plain(again),
            "read: expected -1 ENOTCONN (Transport endpoint is not connected), got -1 EAGAIN \
             (Resource temporarily unavailable)",
        ),
        ("fcntl(4, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)", plain(Ok(2050)), ""),
        ("accept(3, ..., ...) = 7", plain(Ok(20)), ""),
        (
            "accept(3, ..., ...) = -1 EAGAIN (whatever)",
            plain(Ok(20)),
            "accept: expected -1 EAGAIN (Resource temporarily unavailable), got 20",
        ),
        ("accept(3, ..., ...) = 4", plain(Ok(20)), "accept: the script has a descriptor 4 already"),
        (
            "getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 1",
            with(ReplyOutput::Octets(vec![104, 0, 0, 0])),
            "",
        ),
        (
            "getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 1",
            with(ReplyOutput::Octets(vec![104, 0, 0, 0])),
            "getsockopt: expected 0, got 104",
        ),
        (
            "getsockopt(4, SOL_TCP, TCP_LINGER2, [-1], [4]) = 1",
            with(ReplyOutput::Octets(vec![255; 4])),
            "",
        ),
        (
            "getsockopt(4, SOL_TCP, TCP_CONGESTION, \"reno\", [16]) = 1",
            with(ReplyOutput::Octets(b"cubic\0\0\0".to_vec())),
            "getsockopt: expected \"reno\", got \"cubic\"",
        ),
        (
            "getsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, [8]) = 1",
            with(ReplyOutput::Octets(vec![1, 0, 0, 0, 5, 0, 0, 0])),
            "getsockopt: expected linger=0, got linger=5",
        ),
        ("ioctl(4, SIOCINQ, [100]) = 1", with(ReplyOutput::Integer(100)), ""),
        (
            "ioctl(4, SIOCINQ, [100]) = 1",
            with(ReplyOutput::Integer(99)),
            "ioctl: expected [100], got [99]",
        ),
        (
            "poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1",
            with(ReplyOutput::Polled(vec![0x11])),
            "poll: of 4 expected revents=POLLIN, got POLLIN|POLLHUP",
        ),
        (
            "epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1",
            with(ReplyOutput::Ready(vec![EpollEvent { events: 5, data: 4 }])),
            "epoll_wait: expected {events=EPOLLIN, data=4}, got {events=EPOLLIN|EPOLLOUT, data=4}",
        ),
        (
            "accept(3, {sa_family=AF_INET, sin_port=htons(5), sin_addr=inet_addr(\"192.0.2.1\")}, ...) = 9",
            with(ReplyOutput::Address(Some("192.0.2.1:6".parse().unwrap()))),
            "accept: expected 192.0.2.1:5, got 192.0.2.1:6",
        ),
    ];
    for (line, reply, expected) in table {
        assert_eq!(check(line, &reply).err().unwrap_or_default(), expected, "{line}");
    }
}

/// Stamps are times, and times are compared as such.
#[test]
fn stamps_are_compared_with_tolerance() {
    let line = "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1}], msg_flags=MSG_ERRQUEUE, \
                msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, \
                cmsg_data={scm_sec=1, scm_nsec=500000000}}]}, MSG_ERRQUEUE) = 1";
    let told = |nanos: u64| {
        let data = [1_u64.to_le_bytes(), nanos.to_le_bytes()].concat();
        let control = vec![ControlMessage { level: 1, kind: 37, data }];
        check(line, &with(ReplyOutput::Message { flags: 0x2000, control, name: None }))
    };
    assert_eq!(told(500_000_000), Ok(()));
    assert_eq!(told(503_000_000), Ok(()));
    assert!(told(510_000_000).is_err());
}

#[test]
fn descriptors_are_learnt_and_forgotten() {
    let (setup, mut descriptors) = (setup(), descriptors());
    let mut play = |line: &str, reply: Reply| {
        let call = call(line);
        let request = super::super::request(&call, &setup, &descriptors).expect("it can be made");
        super::super::check(&call, &setup, &mut descriptors, &request, &reply).expect(line);
        descriptors.clone()
    };
    assert_eq!(play("accept(3, ..., ...) = 8", plain(Ok(21))).live(8), 21);
    assert_eq!(play("accept(3, ..., ...) = ...", plain(Ok(22))).live(22), 22);
    assert!(!play("close(8) = 0", plain(Ok(0))).is_open(8));
    let pipe = Reply { result: Ok(0), output: ReplyOutput::Pipe(30, 31) };
    let now = play("pipe([8, 9]) = 0", pipe);
    assert_eq!((now.live(8), now.live(9), now.script(31)), (30, 31, Some(9)));
}
