//! Packets that are larger than an MTU: their sender is told, or is not.

use std::net::IpAddr;
use std::time::Duration;

use twomsl_sim::spec::{Impairments, TooBig};
use twomsl_sim::{End, World};
use twomsl_tcp::wire::{Body, Icmp, IcmpKind, Packet};
use twomsl_tcp::{Instant, Profile};
use twomsl_trace::{Author, Decider, Event, Fate};

use crate::support::{MS, SERVER, fates};

/// 30 ms there and 10 ms back, narrow on the way there only.
fn transfer(addresses: [&str; 2], too_big: TooBig) -> World {
    let there = Impairments { delay: 30 * MS, mtu: 1000, too_big, ..Impairments::default() };
    let back = Impairments::delay(10 * MS);
    let [client, server] = addresses.map(|address| address.parse::<IpAddr>().unwrap());
    let mut world = World::builder()
        .host_at("client", Profile::linux(), [client])
        .host_at("server", Profile::linux(), [server])
        .link_asymmetric("client", "server", there, back)
        .until(Duration::from_secs(100))
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| role.connect("server", 80).write_pattern(5_000).close())
        .build()
        .unwrap();
    world.run();
    assert_eq!(world.violations(), []);
    world
}

/// ICMP messages of the network, with the time at which each was there.
fn errors(world: &World) -> Vec<(Packet, Icmp, Instant)> {
    let records = &world.trace().records;
    let arrival = |id| {
        records.iter().find_map(|record| match &record.event {
            Event::Arrived { packet, .. } if *packet == id => Some(record.at),
            _ => None,
        })
    };
    let errors = records.iter().filter_map(|record| match &record.event {
        Event::Injected { packet, by: Author::Network, content, .. } => match &content.body {
            Body::Icmp(icmp) => Some((content.clone(), *icmp, arrival(*packet)?)),
            Body::Tcp(_) => None,
        },
        _ => None,
    });
    errors.collect()
}

const V4: [&str; 2] = ["10.0.0.1", "10.0.0.2"];
const V6: [&str; 2] = ["2001:db8::1", "2001:db8::2"];

/// RFC 1191 §4, RFC 4443 §3.2. The narrow place is half way: 15 ms there and 5 ms back, after a
/// handshake of 40 ms.
#[test]
fn the_sender_of_a_packet_above_the_mtu_is_told() {
    for addresses in [V4, V6] {
        let world = transfer(addresses, TooBig::Told);
        let errors = errors(&world);
        let (packet, icmp, at) = errors.first().expect("an error");
        assert_eq!(icmp.kind, IcmpKind::PacketTooBig { mtu: 1000 });
        assert_eq!((packet.dst, icmp.quote.src), (addresses[0].parse().unwrap(), packet.dst));
        assert_eq!(icmp.quote.dst, addresses[1].parse::<IpAddr>().unwrap());
        assert_ne!(packet.src, icmp.quote.dst, "a router speaks for itself");
        assert_eq!(*at, Instant::from_millis(60));
        assert!(packet.emit().is_ok(), "it can be written into a file");
    }
}

#[test]
fn a_black_hole_says_nothing() {
    for addresses in [V4, V6] {
        let mut world = transfer(addresses, TooBig::Silence);
        let large = |by: &Decider| *by == Decider::Impairment("mtu");
        assert!(fates(&world, |fate| *fate == Fate::Dropped, large) > 3);
        assert_eq!(errors(&world), []);
        assert_eq!(world.run(), End::TimeUp);
        assert_eq!(world.totals(SERVER).read, 0);
    }
}
