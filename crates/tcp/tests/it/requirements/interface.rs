//! RFC 9293 §3.9.1.8, §3.9.1.9 and §3.9.2: reports, fields of the IP header, ICMP.

use std::net::SocketAddr;

use twomsl_tcp::wire::{Body, Icmp, IcmpKind, Packet, Quote, SeqNum};
use twomsl_tcp::{Profile, Readiness, SocketError, TcpState, Verdict};

use crate::harness::lab::Lab;
use crate::harness::packets::{OURS, PEER_PORT, PORT, THEIRS, icmp, ours, theirs};
use crate::harness::scene::{ISS, Scene, staged};

#[test]
fn an_icmp_error_is_for_the_connection_that_it_quotes() {
    // MUST-54.
    let mut lab = Lab::new(staged(Profile::linux()));
    let other = SocketAddr::new(THEIRS, PEER_PORT + 1);
    let sockets = [theirs(), other]
        .map(|remote| lab.stack.connect(lab.now, Some(ours()), remote, None).unwrap());
    lab.effects();
    let quote = Quote {
        src: OURS,
        dst: THEIRS,
        src_port: PORT,
        dst_port: PEER_PORT + 1,
        seq: SeqNum::new(ISS),
    };
    let body = Body::Icmp(Icmp { kind: IcmpKind::PortUnreachable, quote });
    let (arrival, _) = lab.arrive_packet(Packet { body, ..icmp(IcmpKind::PortUnreachable, ISS) });
    assert_eq!(arrival.socket, Some(sockets[1]));
    let states = sockets.map(|socket| lab.stack.status(socket).unwrap().state);
    assert_eq!(states, [TcpState::SynSent, TcpState::Closed]);
}

#[test]
fn a_hard_icmp_error_ends_an_attempt() {
    // SHLD-26; a connection that is synchronized stays, as RFC 5461 and RFC 5927 have it.
    for kind in [IcmpKind::PortUnreachable, IcmpKind::ProtocolUnreachable] {
        let mut lab = Scene::SynSent.with(staged(Profile::rfc9293()));
        let (arrival, effects) = lab.arrive_packet(icmp(kind, ISS));
        assert_eq!(arrival.verdict, Verdict::IcmpHard);
        assert_eq!(effects.told(), [Readiness::Failed(SocketError::ConnectionRefused)]);
    }
}
