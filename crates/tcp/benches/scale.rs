//! What one more connection costs a stack that has many: `cargo bench -p twomsl-tcp --bench scale`.
//!
//! Every benchmark is run with few sockets and with many. The two columns should look alike:
//! nothing may cost in proportion to how many sockets there are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use divan::{Bencher, black_box};
use twomsl_tcp::{Instant, Profile, SocketId, Stack};

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
