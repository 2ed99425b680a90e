//! `setsockopt` and `getsockopt`.

use super::super::super::symbols::{
    SO_ACCEPTCONN, SO_KEEPALIVE, SO_RCVBUF, SO_REUSEADDR, SO_SNDBUF, SO_TYPE, SOL_TCP,
    TCP_CONGESTION, TCP_DEFER_ACCEPT, TCP_INFO, TCP_KEEPIDLE, TCP_LINGER2, TCP_MAXSEG, TCP_NODELAY,
    TCP_SYNCNT,
};
use super::super::super::tcp_info;
use super::*;

/// An option, what it is at first, what it is set to, and what it is then.
type Row = ((i64, i64), i32, i32, Result<i32, Errno>);

fn hold(kernel: fn() -> Bench, rows: &[Row]) {
    for (option, at_first, set, then) in rows {
        let mut bench = kernel();
        let fd = bench.socket();
        assert_eq!(bench.asks(fd, *option), Ok(*at_first), "{option:?}");
        let done = bench.sets(fd, *option, &set.to_le_bytes());
        assert_eq!(done.err(), then.err(), "{option:?}");
        let now = then.unwrap_or(*at_first);
        assert_eq!(bench.asks(fd, *option), Ok(now), "{option:?} after it was set");
    }
}

#[test]
fn options_on_linux() {
    hold(
        Bench::linux,
        &[
            ((SOL_SOCKET, SO_REUSEADDR), 0, 7, Ok(1)),
            ((SOL_SOCKET, SO_KEEPALIVE), 0, 1, Ok(1)),
            ((SOL_SOCKET, SO_RCVBUF), 131_072, 1, Ok(2304)),
            ((SOL_SOCKET, SO_RCVBUF), 131_072, 20_000, Ok(40_000)),
            ((SOL_SOCKET, SO_RCVBUF), 131_072, 1_000_000, Ok(425_984)),
            ((SOL_SOCKET, SO_SNDBUF), 16_384, 1, Ok(4608)),
            ((SOL_SOCKET, SO_SNDBUF), 16_384, 20_000, Ok(40_000)),
            ((SOL_SOCKET, SO_TYPE), 1, 1, Err(Errno::ENOPROTOOPT)),
            ((SOL_SOCKET, SO_ACCEPTCONN), 0, 1, Err(Errno::ENOPROTOOPT)),
            ((SOL_TCP, TCP_NODELAY), 0, 1, Ok(1)),
            ((SOL_TCP, TCP_MAXSEG), 536, 1000, Ok(1000)),
            ((SOL_TCP, TCP_MAXSEG), 536, 40, Err(Errno::EINVAL)),
            ((SOL_TCP, TCP_KEEPIDLE), 7200, 5, Ok(5)),
            ((SOL_TCP, TCP_KEEPIDLE), 7200, 0, Err(Errno::EINVAL)),
            ((SOL_TCP, TCP_SYNCNT), 6, 2, Ok(2)),
            ((SOL_TCP, TCP_LINGER2), 60, 5, Ok(5)),
            ((SOL_TCP, TCP_LINGER2), 60, -7, Ok(-1)),
            ((SOL_TCP, TCP_DEFER_ACCEPT), 0, 4, Ok(7)),
        ],
    );
}

#[test]
fn options_on_freebsd() {
    hold(
        Bench::freebsd,
        &[
            ((SOL_SOCKET, SO_REUSEADDR), 0, 7, Ok(4)),
            ((SOL_SOCKET, SO_KEEPALIVE), 0, 1, Ok(8)),
            ((SOL_SOCKET, SO_RCVBUF), 65_536, 20_000, Ok(20_000)),
            ((SOL_SOCKET, SO_RCVBUF), 65_536, 10_000_000, Err(Errno::ENOBUFS)),
            ((SOL_TCP, TCP_NODELAY), 0, 1, Ok(4)),
            ((SOL_TCP, TCP_MAXSEG), 536, 1000, Err(Errno::EINVAL)),
            ((SOL_TCP, TCP_MAXSEG), 536, 500, Ok(500)),
        ],
    );
}

#[test]
fn congestion_control_has_a_name() {
    let option = (SOL_TCP, TCP_CONGESTION);
    let mut bench = Bench::linux();
    let fd = bench.socket();
    assert_eq!(
        bench.octets_of(fd, option).as_deref(),
        Ok(b"cubic\0\0\0\0\0\0\0\0\0\0\0".as_slice())
    );
    assert_eq!(bench.sets(fd, option, b"reno"), Ok(0));
    assert_eq!(
        bench.octets_of(fd, option).as_deref(),
        Ok(b"reno\0\0\0\0\0\0\0\0\0\0\0\0".as_slice())
    );
    assert_eq!(bench.sets(fd, option, b"carrier pigeon"), Err(Errno::ENOENT));
    assert_eq!(bench.sets(fd, option, b""), Err(Errno::EINVAL));
}

#[test]
fn information_is_cut_to_what_there_is_room_for() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let (level, name) = (SOL_TCP as i32, TCP_INFO as i32);
    let reply = bench.call(Request::GetSocketOption { fd, level, name, length: 104 });
    let ReplyOutput::Octets(octets) = reply.output else { panic!("{reply:?}") };
    assert_eq!(octets.len(), 104);
    assert_eq!(tcp_info::field(&octets, "tcpi_state"), Some(1));
    assert_eq!(tcp_info::field(&octets, "tcpi_snd_cwnd"), Some(10));
    let fresh = bench.socket();
    let octets = bench.octets_of(fresh, (SOL_TCP, TCP_INFO)).expect("every socket has it");
    assert_eq!(tcp_info::field(&octets, "tcpi_state"), Some(7));
}

/// A sysctl acts on the machine that runs.
#[test]
fn settings_act_at_once() {
    use super::super::super::system::{Administered, Order};
    let mut bench = Bench::linux();
    let set = |name: &str, value: &str| Order::Set { name: name.into(), value: value.into() };
    let order = set("net.ipv4.tcp_syn_retries", "3");
    assert_eq!(bench.host.administer(order), Administered::Done);
    let fd = bench.socket();
    assert_eq!(bench.asks(fd, (SOL_TCP, TCP_SYNCNT)), Ok(3));
    assert_eq!(bench.host.administer(set("net.ipv4.nothing", "1")), Administered::Unknown);
}
