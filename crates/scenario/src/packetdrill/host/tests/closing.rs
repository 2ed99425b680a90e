//! `close` and `shutdown`.

use super::super::super::symbols::SO_LINGER;
use super::*;

const LINGER: (i64, i64) = (SOL_SOCKET, SO_LINGER);

/// A connection that lingers so many seconds, with text that is not acknowledged.
fn lingering(bench: &mut Bench, seconds: u8) -> i32 {
    let (_, fd) = bench.accepted();
    assert_eq!(bench.sets(fd, LINGER, &[1, 0, 0, 0, seconds, 0, 0, 0]), Ok(0));
    assert_eq!(bench.writes(fd, 100), Ok(100));
    assert_eq!(bench.answer().payload.len(), 100);
    fd
}

#[test]
fn a_close_that_lingers_waits_for_the_acknowledgment_of_its_fin() {
    let mut bench = Bench::linux();
    let fd = lingering(&mut bench, 10);
    let call = bench.waits(Request::Close { fd });
    assert!(bench.answer().has(Flags::FIN));
    assert_eq!(bench.result(Request::Close { fd }), Err(Errno::EBADF), "it is closed already");
    bench.gets(Flags::ACK, 1, 101, 0);
    assert_eq!(bench.returned(call), None);
    bench.gets(Flags::ACK, 1, 102, 0);
    assert_eq!(bench.returned(call), Some(Ok(0)));
}

#[test]
fn a_close_that_lingers_gives_up_after_its_time() {
    for (kernel, answer) in
        [(Bench::linux as fn() -> Bench, Ok(0)), (Bench::freebsd, Err(Errno::EAGAIN))]
    {
        let mut bench = kernel();
        let fd = lingering(&mut bench, 2);
        let call = bench.waits(Request::Close { fd });
        let end = bench.host.now() + Duration::from_secs(2);
        let returned = loop {
            bench.host.advance(Bench::at(100_000));
            if let Some(result) = bench.returned(call) {
                break result;
            }
        };
        assert_eq!((returned, bench.host.now()), (answer, end));
    }
}

#[test]
fn a_close_that_lingers_no_time_resets() {
    let mut bench = Bench::linux();
    let fd = lingering(&mut bench, 0);
    bench.closes(fd);
    assert!(bench.answer().has(Flags::RST));
}

#[test]
fn a_listener_that_is_shut_down_listens_no_more_on_linux() {
    let mut bench = Bench::linux();
    let fd = bench.listener();
    assert_eq!(bench.result(Request::Shutdown { fd, how: 0 }), Ok(0));
    bench.gets(Flags::SYN, 0, 0, 0);
    assert!(bench.answer().has(Flags::RST));
    assert_eq!(bench.result(Request::Accept { fd, flags: 0 }), Err(Errno::EINVAL));
    assert_eq!(bench.result(Request::Listen { fd, backlog: 1 }), Ok(0));
    bench.peer_connects();
    assert!(bench.result(Request::Accept { fd, flags: 0 }).is_ok());
}
