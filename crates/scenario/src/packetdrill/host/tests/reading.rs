//! The read family, with calls that wait.

use super::super::super::symbols::{
    MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, SO_RCVLOWAT,
    SO_RCVTIMEO,
};
use super::*;

fn receives(fd: i32, length: usize, flags: i64) -> Request {
    Request::Receive { fd, length, flags: flags as i32 }
}

#[test]
fn an_accept_waits_for_the_end_of_a_handshake() {
    let mut bench = Bench::linux();
    let fd = bench.listener();
    let call = bench.waits(Request::Accept { fd, flags: 0 });
    bench.gets(Flags::SYN, 0, 0, 0);
    bench.iss = bench.answer().seq.value();
    assert_eq!(bench.returned(call), None);
    bench.gets(Flags::ACK, 1, 1, 0);
    assert_eq!(bench.returned(call), Some(Ok(4)));
}

#[test]
fn a_connect_waits_for_its_answer() {
    for (flags, result) in
        [(Flags::SYN | Flags::ACK, Ok(0)), (Flags::RST | Flags::ACK, Err(Errno::ECONNREFUSED))]
    {
        let mut bench = Bench::linux();
        let fd = bench.socket();
        let call = bench.waits(Request::Connect { fd, address: SocketAddr::new(REMOTE, PORT) });
        bench.takes_syn();
        bench.gets(flags, 0, 1, 0);
        assert_eq!(bench.returned(call), Some(result));
    }
}

#[test]
fn a_read_waits_for_text() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let call = bench.waits(Request::Read { fd, length: 1000 });
    bench.gets(Flags::ACK, 1, 1, 300);
    assert_eq!(bench.returned(call), Some(Ok(300)));
    let call = bench.waits(Request::Read { fd, length: 1000 });
    bench.gets(Flags::FIN | Flags::ACK, 301, 1, 0);
    assert_eq!(bench.returned(call), Some(Ok(0)));
}

#[test]
fn a_read_takes_what_is_there() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    bench.gets(Flags::ACK, 1, 1, 300);
    assert_eq!(bench.result(receives(fd, 200, MSG_PEEK)), Ok(200));
    assert_eq!(bench.reads(fd, 200), Ok(200));
    assert_eq!(bench.reads(fd, 0), Ok(0));
    assert_eq!(bench.reads(fd, 200), Ok(100));
    assert_eq!(bench.result(receives(fd, 200, MSG_DONTWAIT)), Err(Errno::EAGAIN));
}

#[test]
fn who_wants_all_waits_for_all() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let call = bench.waits(receives(fd, 500, MSG_WAITALL));
    bench.gets(Flags::ACK, 1, 1, 300);
    assert_eq!(bench.returned(call), None);
    bench.gets(Flags::ACK, 301, 1, 300);
    assert_eq!(bench.returned(call), Some(Ok(500)));
    let call = bench.waits(receives(fd, 500, MSG_WAITALL));
    bench.gets(Flags::FIN | Flags::ACK, 601, 1, 0);
    assert_eq!(bench.returned(call), Some(Ok(100)), "there is no more");
}

#[test]
fn a_low_water_mark_is_waited_for() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    assert_eq!(bench.sets(fd, (SOL_SOCKET, SO_RCVLOWAT), &400_i32.to_le_bytes()), Ok(0));
    let call = bench.waits(Request::Read { fd, length: 1000 });
    bench.gets(Flags::ACK, 1, 1, 300);
    assert_eq!(bench.returned(call), None);
    bench.gets(Flags::ACK, 301, 1, 300);
    assert_eq!(bench.returned(call), Some(Ok(600)));
}

#[test]
fn a_read_gives_up_after_its_timeout() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let time = [0_u64.to_le_bytes(), 250_000_u64.to_le_bytes()].concat();
    assert_eq!(bench.sets(fd, (SOL_SOCKET, SO_RCVTIMEO), &time), Ok(0));
    let call = bench.waits(Request::Read { fd, length: 1000 });
    assert_eq!(bench.host.advance(Bench::at(10_000)), Bench::at(250));
    assert_eq!(bench.returned(call), Some(Err(Errno::EAGAIN)));
    assert_eq!(bench.host.advance(Bench::at(10_000)), Bench::at(10_000));
}

#[test]
fn a_reset_ends_a_read_that_waits() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let call = bench.waits(Request::Read { fd, length: 1000 });
    bench.gets(Flags::RST, 1, 0, 0);
    assert_eq!(bench.returned(call), Some(Err(Errno::ECONNRESET)));
}

/// The masks of `tcp_poll`.
#[test]
fn poll_tells_what_can_be_done() {
    let mut bench = Bench::linux();
    let all = POLLIN | POLLOUT | POLLRDHUP;
    let fresh = bench.socket();
    assert_eq!(bench.polls(fresh, all), POLLOUT | POLLHUP);
    let (listener, fd) = bench.accepted();
    assert_eq!(bench.polls(listener, all), 0);
    assert_eq!(bench.polls(fd, all), POLLOUT);
    bench.gets(Flags::ACK, 1, 1, 300);
    assert_eq!(bench.polls(fd, all), POLLIN | POLLOUT);
    bench.gets(Flags::FIN | Flags::ACK, 301, 1, 0);
    assert_eq!(bench.polls(fd, all), POLLIN | POLLOUT | POLLRDHUP);
    assert_eq!(bench.polls(fd, POLLOUT), POLLOUT);
    bench.gets(Flags::RST, 302, 0, 0);
    assert_eq!(bench.polls(fd, all), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
    assert_eq!(bench.polls(fd, 0), POLLHUP | POLLERR);
}

#[test]
fn a_poll_waits_until_something_can_be_done_or_its_time_is_up() {
    let mut bench = Bench::linux();
    let fd = bench.listener();
    let entries = vec![PollEntry { fd, events: POLLIN as i16 }];
    let call = bench.waits(Request::Poll { entries: entries.clone(), timeout: 100 });
    assert_eq!(bench.host.advance(Bench::at(10_000)), Bench::at(100));
    assert_eq!(bench.returned(call), Some(Ok(0)));
    let call = bench.waits(Request::Poll { entries, timeout: -1 });
    bench.peer_connects();
    assert_eq!(bench.returned(call), Some(Ok(1)));
}
