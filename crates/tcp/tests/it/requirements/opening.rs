//! RFC 9293 §3.5 and §3.9.1.1: OPEN.

use std::net::{IpAddr, SocketAddr};

use twomsl_tcp::wire::{Flags, Packet};
use twomsl_tcp::{Profile, Readiness, SocketError, TcpState};

use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, OURS, PORT, RST, SYN, THEIRS, ours, segment, theirs};
use crate::harness::scene::{IRS, ISS, Scene, staged};

/// The second address of the stack under test.
const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 0, 1));

/// A stack with two addresses.
fn multihomed() -> Lab {
    let mut lab = Lab::new(staged(Profile::rfc9293()));
    lab.stack.add_address(OTHER);
    lab
}

/// Where the packets come from that were sent since this was last asked.
fn sources(lab: &mut Lab) -> Vec<IpAddr> {
    lab.effects().sent.iter().map(|sent| sent.packet.src).collect()
}

#[test]
fn a_reset_in_syn_received_means_what_the_open_was() {
    // MUST-11: a passive OPEN goes back to LISTEN and nobody hears of it, an active one is refused.
    let mut lab = Scene::SynReceivedPassive.with(staged(Profile::rfc9293()));
    let (_, effects) = lab.arrive(segment(RST, IRS + 1, 0));
    assert!(effects.told().is_empty());
    let (_, effects) = lab.arrive(segment(SYN, IRS, 0));
    assert_eq!(effects.brief(), ["SYN,ACK"], "it still listens");
    let mut lab = Scene::SynReceivedActive.with(staged(Profile::rfc9293()));
    let (_, effects) = lab.arrive(segment(RST, IRS + 1, 0));
    assert_eq!(effects.told(), [Readiness::Failed(SocketError::ConnectionRefused)]);
    let (_, effects) = lab.arrive(segment(SYN, IRS, 0));
    assert_eq!(effects.only().flags, RST | ACK, "nobody listens");
}

#[test]
fn a_passive_open_makes_a_listener_or_fails_and_changes_nothing_else() {
    // MUST-41.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    let before = lab.status();
    let options = lab.stack.profile().options.clone();
    assert_eq!(lab.stack.listen(lab.now, ours(), 1, None), Err(SocketError::AddressInUse));
    let mut reusing = options;
    reusing.reuse_address = true;
    lab.stack.listen(lab.now, ours(), 1, Some(&reusing)).unwrap();
    assert_eq!(
        lab.stack.listen(lab.now, ours(), 1, Some(&reusing)),
        Err(SocketError::AddressInUse)
    );
    assert_eq!(lab.status(), before);
}

#[test]
fn a_port_can_be_listened_on_while_a_connection_from_it_is_opening() {
    // MUST-42: with SO_REUSEADDR, which says that it is meant.
    for scene in [Scene::SynSent, Scene::SynReceivedActive] {
        let mut lab = scene.with(staged(Profile::rfc9293()));
        let mut options = lab.stack.profile().options.clone();
        options.reuse_address = true;
        lab.listener = Some(lab.stack.listen(lab.now, ours(), 1, Some(&options)).unwrap());
        let elsewhere = Packet::tcp("10.0.0.3".parse().unwrap(), OURS, segment(SYN, 1, 0));
        let (_, effects) = lab.arrive_packet(elsewhere);
        assert_eq!(effects.brief(), ["SYN,ACK"], "{scene:?}");
        assert_eq!(lab.state(), scene.state());
    }
}

#[test]
fn an_open_takes_a_local_address_and_keeps_it() {
    // MUST-43, MUST-45: what was asked for, in the SYN and in all that follows.
    for address in [OURS, OTHER] {
        let mut lab = multihomed();
        let local = SocketAddr::new(address, PORT);
        lab.socket = Some(lab.stack.connect(lab.now, Some(local), theirs(), None).unwrap());
        assert_eq!(sources(&mut lab), [address]);
        let answer = Packet::tcp(THEIRS, address, segment(SYN | ACK, IRS, ISS + 1));
        lab.stack.on_packet(lab.now, answer);
        lab.stack.send(lab.now, lab.socket(), b"hello").unwrap();
        assert_eq!(sources(&mut lab), [address; 2]);
        let again = lab.pass(std::time::Duration::from_secs(3)).sent;
        assert!(!again.is_empty() && again.iter().all(|sent| sent.packet.src == address));
    }
    let mut lab = multihomed();
    let nowhere = Some(SocketAddr::new("10.7.7.7".parse().unwrap(), PORT));
    let opened = lab.stack.connect(lab.now, nowhere, theirs(), None);
    assert_eq!(opened, Err(SocketError::AddressNotAvailable));
}

#[test]
fn a_listener_on_one_address_does_not_answer_for_the_other() {
    // MUST-43, for a passive OPEN; MUST-45: it speaks from where it was spoken to.
    let mut lab = multihomed();
    lab.stack.listen(lab.now, SocketAddr::new(OTHER, PORT), 1, None).unwrap();
    let (_, effects) = lab.arrive_packet(Packet::tcp(THEIRS, OURS, segment(SYN, 1, 0)));
    assert!(effects.only().has(Flags::RST));
    let (_, effects) = lab.arrive_packet(Packet::tcp(THEIRS, OTHER, segment(SYN, 1, 0)));
    assert_eq!((effects.brief(), effects.sent[0].packet.src), (vec!["SYN,ACK".to_owned()], OTHER));
}

#[test]
fn an_address_is_chosen_before_the_first_syn() {
    // MUST-44: one of the right family.
    let mut lab = Lab::new(staged(Profile::rfc9293()));
    let v6: IpAddr = "2001:db8::1".parse().unwrap();
    lab.stack.add_address(v6);
    lab.socket = Some(lab.stack.connect(lab.now, None, theirs(), None).unwrap());
    assert_eq!((sources(&mut lab), lab.state()), (vec![OURS], TcpState::SynSent));
    let remote = "[2001:db8::2]:80".parse().unwrap();
    lab.socket = Some(lab.stack.connect(lab.now, None, remote, None).unwrap());
    assert_eq!(sources(&mut lab), [v6]);
}
