//! The write family, with calls that wait.

use super::super::super::symbols::{MSG_DONTWAIT, SO_SNDBUF, SO_SNDTIMEO};
use super::*;

/// A connection with a send buffer of 8,000 octets.
fn narrow(bench: &mut Bench) -> i32 {
    let (_, fd) = bench.accepted();
    assert_eq!(bench.sets(fd, (SOL_SOCKET, SO_SNDBUF), &4000_i32.to_le_bytes()), Ok(0));
    fd
}

#[test]
fn a_write_waits_until_the_buffer_has_all_of_it() {
    let mut bench = Bench::linux();
    let fd = narrow(&mut bench);
    let call = bench.waits(Request::Write { fd, length: 9000 });
    bench.gets(Flags::ACK, 1, 1001, 0);
    assert_eq!(bench.returned(call), None, "less than a third of the buffer is free");
    bench.gets(Flags::ACK, 1, 4001, 0);
    assert_eq!(bench.returned(call), Some(Ok(9000)));
}

#[test]
fn a_write_that_must_not_wait_takes_what_fits() {
    let mut bench = Bench::linux();
    let fd = narrow(&mut bench);
    let flags = MSG_DONTWAIT as i32;
    assert_eq!(bench.result(Request::Send { fd, length: 9000, flags }), Ok(8000));
    assert_eq!(bench.result(Request::Send { fd, length: 9000, flags }), Err(Errno::EAGAIN));
}

#[test]
fn a_write_that_waits_tells_how_far_it_came() {
    let mut bench = Bench::linux();
    let fd = narrow(&mut bench);
    let time = [1_u64.to_le_bytes(), 0_u64.to_le_bytes()].concat();
    assert_eq!(bench.sets(fd, (SOL_SOCKET, SO_SNDTIMEO), &time), Ok(0));
    let call = bench.waits(Request::Write { fd, length: 9000 });
    bench.pass(Duration::from_millis(999));
    assert_eq!(bench.host.finished(), None);
    bench.host.advance(Bench::at(1000));
    assert_eq!(bench.returned(call), Some(Ok(8000)));
    let call = bench.waits(Request::Write { fd, length: 9000 });
    bench.gets(Flags::RST, 1, 0, 0);
    assert_eq!(bench.returned(call), Some(Err(Errno::ECONNRESET)));
}

#[test]
fn who_writes_while_a_connection_is_opened_waits_for_it() {
    let mut bench = Bench::linux();
    let fd = bench.connecting();
    let fcntl = Request::Fcntl { fd, command: F_SETFL as i32, argument: Some(O_RDWR) };
    assert_eq!(bench.result(fcntl), Ok(0));
    let call = bench.waits(Request::Write { fd, length: 100 });
    bench.gets(Flags::SYN | Flags::ACK, 0, 1, 0);
    assert_eq!(bench.returned(call), Some(Ok(100)));
}
