//! What connections cost in memory: `cargo bench --bench memory`.
//!
//! Counted at the allocator, so that tables, timers and spare room are part of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use peak_alloc::PeakAlloc;
use twomsl_tcp::{Instant, Output, Profile, Stack};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Connections of each kind.
const COUNT: u32 = 1_000_000;
/// Connections from one client address.
const PER_ADDRESS: u32 = 60_000;
const FIRST_PORT: u16 = 1024;
const NOW: Instant = Instant::ZERO;

fn main() {
    idle_connections();
    time_wait();
}

/// Established, nothing under way, nothing to read: both ends.
fn idle_connections() {
    let (mut client, mut server) = hosts();
    let listener = server.listen(NOW, address(0), u32::MAX, None).expect("a listener");
    let before = ALLOCATOR.current_usage();
    for n in 0..COUNT {
        client.connect(NOW, Some(local(n)), address(0), None).expect("a free port");
        exchange(&mut client, &mut server);
        server.accept(NOW, listener).expect("a connection");
    }
    let octets = ALLOCATOR.current_usage() - before;
    report("an idle established connection, each end", octets, 2 * COUNT);
    println!("{COUNT} of them, one end: {} MiB", (octets / 2) >> 20);
}

/// Opened and closed one after another: the client keeps them in TIME-WAIT.
fn time_wait() {
    let (mut client, mut server) = hosts();
    let listener = server.listen(NOW, address(0), u32::MAX, None).expect("a listener");
    let before = ALLOCATOR.current_usage();
    for n in 0..COUNT {
        let ours = client.connect(NOW, Some(local(n)), address(0), None).expect("a free port");
        exchange(&mut client, &mut server);
        let theirs = server.accept(NOW, listener).expect("a connection");
        client.close(NOW, ours).expect("it is ours");
        exchange(&mut client, &mut server);
        server.close(NOW, theirs).expect("it is ours");
        exchange(&mut client, &mut server);
    }
    let octets = ALLOCATOR.current_usage() - before;
    assert_eq!(client.sockets().count(), COUNT as usize, "all of them are in TIME-WAIT");
    report("a connection in TIME-WAIT, with its place in all tables", octets, COUNT);
}

fn report(what: &str, octets: usize, count: u32) {
    println!("{what}: {} octets", octets / count as usize);
}

fn hosts() -> (Stack, Stack) {
    let mut profile = Profile::linux();
    profile.max_backlog = u32::MAX;
    profile.max_time_wait = None;
    let mut client = Stack::new(profile.clone(), [1; 16]);
    for host in 1..=COUNT.div_ceil(PER_ADDRESS) {
        client.add_address(address(host).ip());
    }
    let mut server = Stack::new(profile, [2; 16]);
    server.add_address(address(0).ip());
    (client, server)
}

fn address(host: u32) -> SocketAddr {
    let ip = Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 1).to_bits() + host);
    SocketAddr::new(IpAddr::V4(ip), 80)
}

/// The client's end of its nth connection.
fn local(n: u32) -> SocketAddr {
    let port = FIRST_PORT + (n % PER_ADDRESS) as u16;
    SocketAddr::new(address(1 + n / PER_ADDRESS).ip(), port)
}

/// Delivers everything both have to say. No time passes.
fn exchange(client: &mut Stack, server: &mut Stack) {
    while deliver(client, server) | deliver(server, client) {}
}

/// Whether there was anything.
fn deliver(from: &mut Stack, to: &mut Stack) -> bool {
    let mut any = false;
    while let Some(output) = from.poll() {
        if let Output::Transmit(transmit) = output {
            to.on_packet(NOW, transmit.packet);
            any = true;
        }
    }
    any
}
