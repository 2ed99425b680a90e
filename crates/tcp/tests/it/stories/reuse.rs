//! What may take over a 4-tuple in TIME-WAIT: a SYN of the peer's (MAY-2, RFC 6191), and `connect`
//! (Linux' `tcp_tw_reuse`).

use std::net::{IpAddr, SocketAddr};

use twomsl_tcp::profile::ConnectReuse;
use twomsl_tcp::wire::{Flags, Packet, Segment, SeqNum, TcpOption};
use twomsl_tcp::{Cause, Profile, SocketError, SocketId, Stack, TcpState, TimerKind, Verdict};

use super::{ms, s};
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, FIN, PEER_PORT, PORT, SYN, ours, segment, theirs};
use crate::harness::scene::{IRS, ISS, staged};

/// The peer's clock when it sent its last segment of the old incarnation.
const LAST: u32 = u32::MAX - 2;

/// With timestamps.
fn stamped(mut segment: Segment, value: u32) -> Segment {
    segment.options.push(TcpOption::Timestamps { value, echo: 0 }).expect("there is room");
    segment
}

/// Whether segments have timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamps {
    At(u32),
    None,
}

fn with(stamps: Stamps, segment: Segment) -> Segment {
    match stamps {
        Stamps::At(value) => stamped(segment, value),
        Stamps::None => segment,
    }
}

/// A server in TIME-WAIT: RCV.NXT is IRS+2, SND.NXT is ISS+2.
fn server_in_time_wait(old: Stamps) -> Lab {
    let mut lab = Lab::new(staged(Profile::linux()));
    lab.listener = Some(lab.stack.listen(lab.now, ours(), 8, None).unwrap());
    lab.socket = lab.arrive(with(old, segment(SYN, IRS, 0))).0.socket;
    lab.arrive(with(old, segment(ACK, IRS + 1, ISS + 1)));
    lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    lab.stack.close(lab.now, lab.socket()).unwrap();
    lab.arrive(with(old, segment(FIN | ACK, IRS + 1, ISS + 2)));
    assert_eq!(lab.state(), TcpState::TimeWait);
    lab
}

/// RFC 6191 §2 (SHLD-4) as a table, as far as Linux follows it.
#[test]
fn a_syn_is_new_by_its_timestamp_or_by_its_number() {
    use Stamps::{At, None};
    let (beyond, within) = (IRS + 3, IRS - 10_000);
    let old = LAST;
    let newer = LAST.wrapping_add(5); // the clock has come round
    for (before, now, seq, new) in [
        (At(old), At(newer), within, true),
        (At(old), At(newer), beyond, true),
        (At(old), At(old), within, false),
        (At(old), At(old), beyond, true),
        (At(old), At(old - 1), within, false),
        (At(old), At(old - 1), beyond, false),
        (At(old), None, within, false),
        (At(old), None, beyond, true),
        // RFC 6191 would take the first of these, too. Linux does not look at timestamps here.
        (None, At(newer), within, false),
        (None, At(newer), beyond, true),
        (None, None, within, false),
        (None, None, beyond, true),
    ] {
        let mut lab = server_in_time_wait(before);
        let (_, effects) = lab.arrive(with(now, segment(SYN, seq, 0)));
        let answer = if new { "SYN,ACK" } else { "ACK" };
        assert_eq!(effects.brief(), [answer], "{before:?} then {now:?}, {seq}");
    }
}

#[test]
fn an_older_timestamp_is_an_old_duplicate_and_starts_2msl_over_on_linux() {
    let mut lab = server_in_time_wait(Stamps::At(LAST));
    lab.pass(s(10));
    let (arrival, _) = lab.arrive(stamped(segment(SYN, IRS + 3, 0), LAST - 1));
    assert_eq!(arrival.verdict, Verdict::OldTimestamp);
    assert_eq!(lab.timer(TimerKind::TimeWait), Some(lab.now + s(60)));
    // A SYN that only has a small number may be a new one all the same: nothing starts over.
    lab.pass(s(10));
    lab.arrive(stamped(segment(SYN, IRS - 10_000, 0), LAST));
    assert_eq!(lab.timer(TimerKind::TimeWait), Some(lab.now + s(50)));
}

/// A client in TIME-WAIT whose peer's clock said `LAST`, from a port of its own choice or ours.
struct Client {
    lab: Lab,
    remote: SocketAddr,
    port: u16,
}

impl Client {
    fn new(connect_reuse: ConnectReuse, addresses: [IpAddr; 2]) -> Self {
        // One ephemeral port: whoever wants another one has to take this one over.
        let profile = Profile {
            connect_reuse,
            first_port: PORT,
            last_port: PORT,
            ..staged(Profile::linux())
        };
        let mut lab = Lab::new(profile);
        lab.stack = Stack::new(lab.stack.profile().clone(), [7; 16]);
        lab.stack.add_address(addresses[0]);
        Self { lab, remote: SocketAddr::new(addresses[1], PEER_PORT), port: PORT }
    }

    fn between_hosts(connect_reuse: ConnectReuse) -> Self {
        Self::new(connect_reuse, [ours().ip(), theirs().ip()])
    }

    /// The peer sends this.
    fn arrive(&mut self, mut segment: Segment) -> Vec<String> {
        let local = self.lab.stack.addresses()[0];
        segment.dst_port = self.port;
        let packet = Packet::tcp(self.remote.ip(), local, segment);
        self.lab.arrive_packet(packet).1.brief()
    }

    fn connect(&mut self, local: Option<SocketAddr>) -> Result<SocketId, SocketError> {
        self.lab.stack.connect(self.lab.now, local, self.remote, None)
    }

    /// Opens a connection and closes it first.
    fn time_wait(mut self, stamps: Stamps) -> Self {
        let socket = self.connect(None).expect("a port is free");
        self.lab.effects();
        self.lab.socket = Some(socket);
        self.arrive(with(stamps, segment(SYN | ACK, IRS, ISS + 1)));
        self.lab.stack.close(self.lab.now, socket).unwrap();
        self.lab.effects();
        self.arrive(with(stamps, segment(FIN | ACK, IRS + 1, ISS + 2)));
        assert_eq!(self.lab.state(), TcpState::TimeWait);
        self
    }

    fn bound(&self) -> SocketAddr {
        SocketAddr::new(self.lab.stack.addresses()[0], self.port)
    }
}

#[test]
fn connect_takes_time_wait_over_after_a_second() {
    let mut client = Client::between_hosts(ConnectReuse::Always).time_wait(Stamps::At(LAST));
    let old = client.lab.socket();
    client.lab.pass(s(1));
    assert_eq!(client.connect(None), Err(SocketError::AddressNotAvailable), "one second");
    client.lab.pass(ms(1));
    let socket = client.connect(None).expect("more than one second");
    let effects = client.lab.effects();
    let changes: Vec<_> = effects.changes().iter().map(|c| (c.socket, c.to, c.cause)).collect();
    let expected =
        [(old, TcpState::Closed, Cause::Reuse), (socket, TcpState::SynSent, Cause::Connect)];
    assert_eq!(changes, expected);
    // RFC 9293 §3.4.1: the sequence space goes on where the old one ended, a window further.
    let syn = effects.only();
    assert_eq!(syn.seq, SeqNum::new(ISS.wrapping_add(2 + 65_537)));
    // And so do the timestamps: "rx_opt.ts_recent = tcptw->tw_ts_recent".
    assert_eq!(syn.options.timestamps().map(|(_, echo)| echo), Some(LAST));
}

#[test]
fn the_second_counts_from_the_beginning_of_time_wait() {
    // `tw_entry_stamp`: whatever the peer says meanwhile.
    let mut client = Client::between_hosts(ConnectReuse::Always).time_wait(Stamps::At(LAST));
    client.lab.pass(ms(900));
    assert_eq!(client.arrive(stamped(segment(ACK, IRS + 2, ISS + 2), LAST + 1)).len(), 0);
    client.lab.pass(ms(100));
    assert_eq!(client.connect(None), Err(SocketError::AddressNotAvailable));
    client.lab.pass(ms(1));
    assert!(client.connect(None).is_ok());
}

/// `tcp_twsk_unique`: who may take what over, ten seconds later.
#[test]
fn taking_over_is_up_to_the_profile_the_addresses_and_whose_port_it_is() {
    use ConnectReuse::{Always, Bound, Loopback, Never};
    let far = [ours().ip(), theirs().ip()];
    let near = ["127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap()];
    for (policy, ends, ephemeral, bound) in [
        (Never, far, false, false),
        (Never, near, false, false),
        (Bound, far, false, true),
        (Bound, near, false, true),
        (Loopback, far, false, true),
        (Loopback, near, true, true),
        (Always, far, true, true),
        (Always, near, true, true),
    ] {
        let mut client = Client::new(policy, ends).time_wait(Stamps::At(LAST));
        client.lab.pass(s(10));
        let mut other = Client { lab: client.lab.clone(), ..client };
        let taken = (client.connect(None).is_ok(), other.connect(Some(other.bound())).is_ok());
        assert_eq!(taken, (ephemeral, bound), "{policy:?} {ends:?}");
    }
}

#[test]
fn without_timestamps_nothing_is_taken_over() {
    let mut client = Client::between_hosts(ConnectReuse::Always).time_wait(Stamps::None);
    client.lab.pass(s(10));
    assert_eq!(client.connect(None), Err(SocketError::AddressNotAvailable));
    assert_eq!(client.connect(Some(client.bound())), Err(SocketError::AddressInUse));
}

#[test]
fn a_connection_that_lives_is_never_taken_over() {
    let mut client = Client::between_hosts(ConnectReuse::Always);
    client.connect(None).unwrap();
    client.lab.effects();
    client.arrive(stamped(segment(Flags::SYN | ACK, IRS, ISS + 1), LAST));
    client.lab.pass(s(10));
    assert_eq!(client.connect(None), Err(SocketError::AddressNotAvailable));
    assert_eq!(client.connect(Some(client.bound())), Err(SocketError::AddressInUse));
}

/// Thousands of ports in TIME-WAIT: those that have heard nothing for a second are found among
/// those that have, by the index that a long search leaves behind.
#[test]
fn ripe_ports_are_found_among_others() {
    let mut profile = Profile { connect_reuse: ConnectReuse::Always, ..staged(Profile::linux()) };
    (profile.first_port, profile.last_port) = (40_000, 40_999);
    let mut client = Client::between_hosts(ConnectReuse::Always);
    client.lab = Lab::new(profile);
    let mut ports = Vec::new();
    while let Ok(socket) = client.connect(None) {
        client.port = client.lab.stack.ends(socket).unwrap().0.port();
        client.lab.effects();
        client.arrive(stamped(segment(SYN | ACK, IRS, ISS + 1), LAST));
        client.lab.stack.close(client.lab.now, socket).unwrap();
        client.lab.effects();
        client.arrive(stamped(segment(FIN | ACK, IRS + 1, ISS + 2), LAST));
        ports.push(client.port);
        client.lab.now += ms(1);
        if ports.len() == 1000 {
            break;
        }
    }
    // The last one is 1 ms old, the first a whole second.
    assert_eq!(client.connect(None), Err(SocketError::AddressNotAvailable));
    for (index, port) in ports.iter().take(500).enumerate() {
        client.lab.now += ms(1);
        let socket = client.connect(None).expect("one is ripe every millisecond");
        assert_eq!(client.lab.stack.ends(socket).unwrap().0.port(), *port, "in their order");
        let next = client.connect(None);
        assert_eq!(next, Err(SocketError::AddressNotAvailable), "and no more than one: {index}");
        client.lab.effects();
    }
}
