//! TCP Fast Open of a client, as applications ask for it.

use super::super::super::symbols::{
    MSG_DONTWAIT, MSG_FASTOPEN, POLLHUP, POLLOUT, SOL_TCP, TCP_FASTOPEN_CONNECT,
};
use super::super::super::system::{Administered, Order};
use super::*;

const COOKIE: &[u8] = b"\x01\x02\x03\x04\x05\x06\x07\x08";

impl Bench {
    fn opens_with(&mut self, fd: i32, length: usize) -> Result<i64, Errno> {
        let (flags, address) =
            ((MSG_FASTOPEN | MSG_DONTWAIT) as i32, SocketAddr::new(REMOTE, PORT));
        self.result(Request::SendTo { fd, length, flags, address: Some(address) })
    }

    /// A connection that asks for a cookie, and gets one.
    fn knows_a_cookie(&mut self) {
        let fd = self.socket();
        assert_eq!(self.opens_with(fd, 500), Err(Errno::EINPROGRESS), "nothing can go yet");
        let syn = self.answer();
        assert_eq!((syn.flags, syn.payload.len()), (Flags::SYN, 0));
        (self.port, self.iss) = (syn.src_port, syn.seq.value());
        let mut segment = self.segment(Flags::SYN | Flags::ACK, 0, 1, 0);
        segment.options.push(TcpOption::FastOpen(COOKIE)).expect("there is room");
        self.host.inject(Packet::tcp(REMOTE, LOCAL, segment));
        assert_eq!(self.answer().flags, Flags::ACK);
        self.gets(Flags::RST, 1, 0, 0);
        self.closes(fd);
    }
}

#[test]
fn a_syn_with_a_cookie_carries_text() {
    let mut bench = Bench::linux();
    bench.knows_a_cookie();
    let fd = bench.socket();
    assert_eq!(bench.opens_with(fd, 500), Ok(500));
    let syn = bench.answer();
    assert_eq!((syn.flags, syn.payload.len()), (Flags::SYN, 500));
    assert_eq!(bench.opens_with(fd, 500), Err(Errno::EALREADY));
    let fd = bench.socket();
    assert_eq!(bench.opens_with(fd, 5000), Ok(960), "the MSS that was announced, without options");
    assert_eq!(bench.answer().payload.len(), 960);
}

/// What the SYN has no room for follows the handshake, if the call may wait for it.
#[test]
fn a_call_that_waits_sends_the_rest() {
    let mut bench = Bench::linux();
    bench.knows_a_cookie();
    let fd = bench.socket();
    let (flags, address) = (MSG_FASTOPEN as i32, Some(SocketAddr::new(REMOTE, PORT)));
    let call = bench.waits(Request::SendTo { fd, length: 1500, flags, address });
    let syn = bench.answer();
    (bench.port, bench.iss) = (syn.src_port, syn.seq.value());
    bench.gets(Flags::SYN | Flags::ACK, 0, 961, 0);
    assert_eq!(bench.returned(call), Some(Ok(1500)));
    let sent: usize = std::iter::from_fn(|| bench.host.sent())
        .filter_map(|(_, packet)| packet.segment().map(|segment| segment.payload.len()))
        .sum();
    assert_eq!(sent, 540);
}

#[test]
fn connect_can_leave_the_syn_to_the_first_write() {
    let mut bench = Bench::linux();
    bench.knows_a_cookie();
    let fd = bench.socket();
    let option = (SOL_TCP, TCP_FASTOPEN_CONNECT);
    assert_eq!(bench.sets(fd, option, &1_i32.to_le_bytes()), Ok(0));
    assert_eq!(bench.connects(fd), Ok(0));
    assert!(bench.is_silent());
    assert_eq!(bench.polls(fd, POLLOUT | POLLHUP), POLLOUT);
    assert_eq!(bench.connects(fd), Err(Errno::EISCONN));
    bench.nonblocking(fd);
    assert_eq!(bench.writes(fd, 100), Ok(100));
    assert_eq!(bench.answer().payload.len(), 100);
}

#[test]
fn who_may_not_use_it_is_told() {
    let mut bench = Bench::linux();
    let order = Order::Set { name: "net.ipv4.tcp_fastopen".into(), value: "0".into() };
    assert_eq!(bench.host.administer(order), Administered::Done);
    let fd = bench.socket();
    assert_eq!(bench.opens_with(fd, 500), Err(Errno::EOPNOTSUPP));
    let option = (SOL_TCP, TCP_FASTOPEN_CONNECT);
    assert_eq!(bench.sets(fd, option, &1_i32.to_le_bytes()), Err(Errno::EOPNOTSUPP));
}

#[test]
fn cookies_are_forgotten_with_the_paths() {
    let mut bench = Bench::linux();
    bench.knows_a_cookie();
    assert_eq!(bench.host.administer(Order::ForgetPaths), Administered::Done);
    let fd = bench.socket();
    assert_eq!(bench.opens_with(fd, 500), Err(Errno::EINPROGRESS));
}
