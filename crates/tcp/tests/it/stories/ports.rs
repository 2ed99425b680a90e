//! Ephemeral ports (RFC 6056): which comes next, and which are left when many are in use.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use twomsl_tcp::profile::PortSelection;
use twomsl_tcp::{Profile, SocketError, SocketId, Stack};

use crate::harness::packets::{OURS, theirs};

/// A host that connects, and never hears from anybody.
struct Caller {
    stack: Stack,
    now: twomsl_tcp::Instant,
}

impl Caller {
    fn new(profile: Profile) -> Self {
        let mut stack = Stack::new(profile, [9; 16]);
        stack.add_address(OURS);
        Self { stack, now: twomsl_tcp::Instant::ZERO }
    }

    /// With eight ports, the first of them even, which are chosen like this.
    fn choosing(port_selection: PortSelection) -> Self {
        let (first_port, last_port) = (50_000, 50_007);
        Self::new(Profile { port_selection, first_port, last_port, ..Profile::rfc9293() })
    }

    fn try_connect(&mut self, remote: SocketAddr) -> Result<(SocketId, u16), SocketError> {
        let socket = self.stack.connect(self.now, None, remote, None)?;
        while self.stack.poll().is_some() {}
        Ok((socket, self.stack.ends(socket)?.0.port()))
    }

    fn connect(&mut self, remote: SocketAddr) -> u16 {
        self.try_connect(remote).expect("there are ports").1
    }

    fn ports(&mut self, remote: SocketAddr, count: usize) -> Vec<u16> {
        (0..count).map(|_| self.connect(remote)).collect()
    }

    /// The connection is gone, and its port is free.
    fn end(&mut self, socket: SocketId) {
        self.stack.abort(self.now, socket).expect("it is held");
        while self.stack.poll().is_some() {}
    }
}

fn other() -> SocketAddr {
    SocketAddr::new(theirs().ip(), 81)
}

const EACH: [PortSelection; 3] =
    [PortSelection::SimpleHash, PortSelection::DoubleHash, PortSelection::Random];

#[test]
fn every_algorithm_uses_every_port_once_then_says_so() {
    for selection in EACH {
        let mut caller = Caller::choosing(selection);
        let ports: BTreeSet<u16> = caller.ports(theirs(), 8).into_iter().collect();
        assert_eq!(ports, (50_000..=50_007).collect(), "{selection:?}");
        let full = caller.try_connect(theirs());
        assert_eq!(full, Err(SocketError::AddressNotAvailable), "{selection:?}");
        assert_eq!(caller.ports(other(), 8).len(), 8, "{selection:?}: another destination");
    }
}

#[test]
fn every_algorithm_is_its_own_on_every_host_and_the_same_every_time() {
    for selection in EACH {
        let first = |secret| {
            let profile = Profile { port_selection: selection, ..Profile::linux() };
            let mut caller = Caller::new(profile.clone());
            caller.stack = Stack::new(profile, [secret; 16]);
            caller.stack.add_address(OURS);
            caller.connect(theirs())
        };
        assert_eq!(first(1), first(1), "{selection:?}");
        let different: BTreeSet<u16> = (0..20).map(first).collect();
        assert!(different.len() > 15, "{selection:?}: {different:?}");
    }
}

#[test]
fn algorithm_3_counts_for_all_destinations_together() {
    let mut caller = Caller::choosing(PortSelection::SimpleHash);
    let ports = caller.ports(theirs(), 3);
    let next = |port: u16| 50_000 + (port - 50_000 + 1) % 8;
    assert_eq!(ports[1..], [next(ports[0]), next(ports[1])]);
    // One towards somebody else: it shows, which is what algorithm 4 is there to hide.
    caller.connect(other());
    assert_eq!(caller.connect(theirs()), next(next(ports[2])));
}

#[test]
fn algorithm_4_counts_for_each_destination_alone() {
    let alone = Caller::new(Profile::linux()).ports(theirs(), 20);
    let mut caller = Caller::new(Profile::linux());
    let among_others: Vec<u16> = (0..20)
        .map(|_| {
            caller.connect(other());
            caller.connect(theirs())
        })
        .collect();
    assert_eq!(among_others, alone);
    let ahead = |pair: &[u16]| (i32::from(pair[1]) - i32::from(pair[0])).rem_euclid(28_232);
    let strides: BTreeSet<i32> = alone.windows(2).map(ahead).collect();
    assert!(strides.iter().all(|stride| (2..=16).contains(stride)), "{strides:?}");
    assert!(strides.len() > 3, "{strides:?}");
}

#[test]
fn linux_leaves_the_odd_ports_to_bind_as_long_as_it_can() {
    let mut caller = Caller::choosing(PortSelection::DoubleHash);
    let ports = caller.ports(theirs(), 8);
    let (first, second) = ports.split_at(4);
    assert!(first.iter().all(|port| port % 2 == 0), "{first:?}");
    assert!(second.iter().all(|port| port % 2 == 1), "{second:?}");
}

#[test]
fn linux_never_tries_the_last_of_an_odd_number_of_ports() {
    let mut profile = Profile::linux();
    (profile.first_port, profile.last_port) = (50_001, 50_003);
    let mut caller = Caller::new(profile);
    assert_eq!(caller.ports(theirs(), 2), [50_001, 50_002]);
    assert_eq!(caller.try_connect(theirs()), Err(SocketError::AddressNotAvailable));
    let mut profile = Profile::linux();
    (profile.first_port, profile.last_port) = (50_001, 50_001);
    assert_eq!(Caller::new(profile).ports(theirs(), 1), [50_001], "unless it is the only one");
}

#[test]
fn a_port_that_is_listened_on_is_passed_over() {
    for selection in EACH {
        let mut caller = Caller::choosing(selection);
        let ours = SocketAddr::new(OURS, 50_003);
        caller.stack.listen(caller.now, ours, 1, None).unwrap();
        let ports = caller.ports(theirs(), 7);
        assert!(!ports.contains(&50_003), "{selection:?}: {ports:?}");
        let full = caller.try_connect(theirs());
        assert_eq!(full, Err(SocketError::AddressNotAvailable), "{selection:?}");
    }
}

/// A host with every port but some in use finds those, however long it has to look: by the index
/// that it keeps then.
#[test]
fn the_last_free_ports_of_a_crowded_destination_are_found() {
    for port_selection in EACH {
        let profile =
            Profile { port_selection, first_port: 40_000, last_port: 44_095, ..Profile::rfc9293() };
        let mut caller = Caller::new(profile);
        let mut sockets = Vec::new();
        while let Ok((socket, port)) = caller.try_connect(theirs()) {
            sockets.push((port, socket));
        }
        sockets.sort_unstable();
        assert_eq!(sockets.len(), 4096, "{port_selection:?}");
        // Three far apart, the first and the last among them: each is found, then none.
        let free = [sockets[0], sockets[2047], sockets[4095]];
        for (_, socket) in free {
            caller.end(socket);
        }
        let found: BTreeSet<u16> = caller.ports(theirs(), 3).into_iter().collect();
        assert_eq!(found, free.map(|(port, _)| port).into(), "{port_selection:?}");
        assert!(caller.try_connect(theirs()).is_err(), "{port_selection:?}");
        // The index is for this destination only, and goes with its last connection.
        assert_eq!(caller.ports(other(), 100).len(), 100, "{port_selection:?}");
        let ends: Vec<SocketId> = caller.stack.sockets().map(|status| status.socket).collect();
        for socket in ends {
            caller.end(socket);
        }
        assert_eq!(caller.ports(theirs(), 4096).len(), 4096, "{port_selection:?}");
    }
}
