//! What one more connection costs a stack that has many: `cargo bench -p twomsl-tcp --bench scale`.
//!
//! Every benchmark is run with few sockets and with many. The two columns should look alike:
//! nothing may cost in proportion to how many sockets there are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use divan::{Bencher, black_box};
use twomsl_tcp::profile::{IsnSource, SynCookies};
use twomsl_tcp::wire::{Flags, Options, Packet, Segment, SeqNum};
use twomsl_tcp::{Instant, Profile, SocketId, Stack, Verdict};

fn main() {
    divan::main();
}

const OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const THEIRS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 80);

fn stack(profile: Profile) -> Stack {
    let mut stack = Stack::new(profile, [7; 16]);
    stack.add_address(OURS);
    stack
}

fn take_effects(stack: &mut Stack) {
    while let Some(output) = stack.poll() {
        black_box(output);
    }
}

fn connect(stack: &mut Stack) -> Option<SocketId> {
    let socket = stack.connect(Instant::ZERO, None, THEIRS, None).ok();
    take_effects(stack);
    socket
}

/// `connect` and `close` of a client with this many free ports left of 28,232, all to one server:
/// the worst case is that of one port, which any search begins far away from.
#[divan::bench(args = [28_232, 1000, 1], sample_count = 20, sample_size = 100)]
fn connect_with_few_ports_left(bencher: Bencher<'_, '_>, left: usize) {
    let mut stack = stack(Profile::linux());
    let mut sockets = Vec::new();
    while sockets.len() + left < 28_232 {
        sockets.push(connect(&mut stack).expect("a port is free"));
    }
    let mut turn = 0;
    bencher.bench_local(|| {
        let socket = connect(&mut stack).expect("a port is free");
        // Another connection ends each time, so that what is free is never where it was.
        turn = (turn + 7919) % sockets.len().max(1);
        let place = sockets.get_mut(turn);
        let old = place.map_or(socket, |place| std::mem::replace(place, socket));
        stack.abort(Instant::ZERO, old).expect("it is held");
        take_effects(&mut stack);
    });
}

/// The number that connections of these benchmarks begin with, at both ends.
const ISN: u32 = 1000;

/// A server whose numbers are known, and its listener.
struct Server {
    stack: Stack,
    listener: SocketId,
    now: Instant,
}

impl Server {
    fn new(profile: Profile) -> Self {
        let mut stack = stack(Profile { isn: IsnSource::Fixed(ISN), ..profile });
        let local = SocketAddr::new(OURS, 80);
        let listener = stack.listen(Instant::ZERO, local, u32::MAX, None).expect("a free port");
        take_effects(&mut stack);
        Self { stack, listener, now: Instant::ZERO }
    }

    /// A segment of the n-th peer arrives.
    fn arrive(&mut self, peer: usize, flags: Flags, seq: u32, ack: u32) -> Verdict {
        let peer = peer as u32;
        // 50,000 ports at each address.
        let src = IpAddr::V4(Ipv4Addr::from_bits(0x0a01_0000 + peer / 50_000));
        let segment = Segment {
            src_port: 1024 + (peer % 50_000) as u16,
            dst_port: 80,
            seq: SeqNum::new(seq),
            ack: SeqNum::new(ack),
            flags,
            window: 65_535,
            urgent: 0,
            options: Options::NONE,
            payload: Bytes::new(),
        };
        let verdict = self.stack.on_packet(self.now, Packet::tcp(src, OURS, segment)).verdict;
        take_effects(&mut self.stack);
        verdict
    }

    /// A connection of the n-th peer, which the server closes first.
    fn visit(&mut self, peer: usize) {
        self.arrive(peer, Flags::SYN, ISN, 0);
        self.arrive(peer, Flags::ACK, ISN + 1, ISN + 1);
        let socket = self.stack.accept(self.now, self.listener).expect("it waits");
        self.stack.close(self.now, socket).expect("it is held");
        take_effects(&mut self.stack);
        self.arrive(peer, Flags::FIN | Flags::ACK, ISN + 1, ISN + 2);
    }
}

/// A whole short connection, and the end of the TIME-WAIT of an older one, with this many there.
#[divan::bench(args = [100, 100_000], sample_count = 50, sample_size = 100)]
fn one_more_time_wait(bencher: Bencher<'_, '_>, count: usize) {
    let mut server = Server::new(Profile::linux());
    // They end one after another, each as soon as the next one begins.
    let spacing = Duration::from_secs(60) / count as u32;
    let mut peer = 0;
    let mut visit = |server: &mut Server| {
        server.now += spacing;
        server.stack.on_timeout(server.now);
        take_effects(&mut server.stack);
        server.visit(peer % 1_000_000);
        peer += 1;
    };
    for _ in 0..count {
        visit(&mut server);
    }
    bencher.bench_local(|| visit(&mut server));
}

/// A SYN and the reset that follows it, with this many connections in SYN-RECEIVED.
#[divan::bench(args = [100, 10_000], sample_count = 50, sample_size = 100)]
fn one_more_half_open(bencher: Bencher<'_, '_>, count: usize) {
    let mut server = Server::new(Profile { max_backlog: u32::MAX, ..Profile::linux() });
    for peer in 0..count {
        server.arrive(peer, Flags::SYN, ISN, 0);
    }
    bencher.bench_local(|| {
        server.arrive(count, Flags::SYN, ISN, 0);
        server.arrive(count, Flags::RST, ISN + 1, 0);
    });
}

/// A SYN that is answered with a cookie and forgotten.
#[divan::bench(sample_count = 50, sample_size = 100)]
fn a_syn_cookie(bencher: Bencher<'_, '_>) {
    let mut server = Server::new(Profile { syn_cookies: SynCookies::Always, ..Profile::linux() });
    bencher.bench_local(|| {
        assert_eq!(server.arrive(7, Flags::SYN, ISN, 0), Verdict::SynCookie);
    });
    assert_eq!(server.stack.sockets().count(), 1, "the listener");
}
