//! Packets.

use twomsl_tcp::wire::Flags;

use super::{packet, read_with, refused};
use crate::packetdrill::script::{
    Action, BodySpec, Direction, EcnSpec, IcmpSpec, IpSpec, OptionSpec, OptionsSpec, SequenceBase,
    SequenceSpec, TcpSpec,
};

fn tcp(text: &str) -> TcpSpec {
    match packet(text).body {
        BodySpec::Tcp(tcp) => tcp,
        other => panic!("{text}: {other:?}"),
    }
}

fn options(text: &str) -> Vec<OptionSpec> {
    match tcp(&format!("< S 0:0(0) win 1000 <{text}>")).options {
        OptionsSpec::List(options) => options,
        OptionsSpec::Any => panic!("{text}: any"),
    }
}

fn icmp(text: &str) -> IcmpSpec {
    match packet(text).body {
        BodySpec::Icmp(icmp) => icmp,
        other => panic!("{text}: {other:?}"),
    }
}

fn sequence(start: u32, length: u32) -> SequenceSpec {
    SequenceSpec { start: Some(start), base: SequenceBase::Live, length }
}

#[test]
fn a_segment_with_everything() {
    let spec = packet(
        "< [ect0] 8080 > 53055 SU. 1:11(10) ack 5 win 32792 urg 3 <mss 1460> /udp(9899 > 9900)",
    );
    assert_eq!(spec.direction, Direction::Inbound);
    assert_eq!(spec.ip, IpSpec { ecn: Some(EcnSpec::Ect0), ..IpSpec::default() });
    assert_eq!(spec.udp_encapsulation, Some((9899, 9900)));
    let BodySpec::Tcp(tcp) = spec.body else { panic!("{spec:?}") };
    assert_eq!(tcp.ports, Some((8080, 53055)));
    assert_eq!(tcp.flags.flags, Flags::SYN | Flags::URG | Flags::ACK);
    assert_eq!(tcp.sequence, sequence(1, 10));
    assert_eq!(tcp.ack.map(|ack| (ack.number, ack.base)), Some((5, SequenceBase::Live)));
    assert_eq!((tcp.window, tcp.urgent), (Some(32792), Some(3)));
    assert_eq!(tcp.options, OptionsSpec::List(vec![OptionSpec::Mss(1460)]));
}

#[test]
fn a_segment_with_as_little_as_may_be() {
    let tcp = tcp("> - 0:0(0)");
    assert_eq!(tcp.flags.flags, Flags::empty());
    assert_eq!((tcp.ports, tcp.ack, tcp.window, tcp.urgent), (None, None, None, None));
    assert_eq!(tcp.options, OptionsSpec::List(Vec::new()));
    assert_eq!(packet("> . 0:0(0) <>"), packet("> . 0:0(0)   "), "empty options are none");
}

#[test]
fn flags_and_the_ace_field() {
    let cases = [
        (".", Flags::ACK, None),
        ("F.", Flags::FIN | Flags::ACK, None),
        ("FPUSR.EWA", Flags::all(), None),
        ("SEWA", Flags::SYN | Flags::ECE | Flags::CWR | Flags::AE, None),
        ("5.", Flags::ACK | Flags::AE | Flags::ECE, Some(5)),
        (".2", Flags::ACK | Flags::CWR, Some(2)),
        ("S0", Flags::SYN, Some(0)),
        ("7", Flags::AE | Flags::CWR | Flags::ECE, Some(7)),
    ];
    for (text, flags, ace) in cases {
        let spec = tcp(&format!("> {text} 1:1(0)")).flags;
        assert_eq!((spec.flags, spec.ace), (flags, ace), "{text}");
    }
}

#[test]
fn sequence_numbers() {
    let last = u32::MAX;
    let cases = [
        ("0:0(0)", sequence(0, 0)),
        ("4294967290:4(10)", sequence(last - 5, 10)),
        ("...(10)", SequenceSpec { start: None, base: SequenceBase::Live, length: 10 }),
        ("seq! 5:6(1)", SequenceSpec { base: SequenceBase::Absolute, ..sequence(5, 1) }),
        ("seq 5:6(1)", sequence(5, 1)),
        ("5!:6(1)", SequenceSpec { base: SequenceBase::Absolute, ..sequence(5, 1) }),
        ("1 : 1 ( 0 )", sequence(1, 0)),
    ];
    for (text, expected) in cases {
        assert_eq!(tcp(&format!("< . {text}")).sequence, expected, "{text}");
    }
    for text in ["ack! 5", "ack 5!"] {
        let ack = tcp(&format!("< . 1:1(0) {text}")).ack;
        assert_eq!(ack.map(|ack| ack.base), Some(SequenceBase::Absolute), "{text}");
    }
}

#[test]
fn windows() {
    assert_eq!(tcp("< . 1:1(0) ack 1 win 0").window, Some(0));
    assert_eq!(tcp("< . 1:1(0) ack 1 win ...").window, None);
    assert!(!refused("0 < . 1:1(0) win 65536").is_empty());
}

#[test]
fn options_of_every_kind() {
    let other = |kind, data: &[u8]| OptionSpec::Other { kind, data: data.to_vec() };
    let stamps = |value, echo| OptionSpec::Timestamps { value, echo };
    let cookie = vec![0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb];
    let cases = [
        ("nop", OptionSpec::Nop),
        ("eol", OptionSpec::Eol),
        ("mss 65535", OptionSpec::Mss(65535)),
        ("wscale 14", OptionSpec::WindowScale(14)),
        ("sackOK", OptionSpec::SackPermitted),
        ("sack 1:2", OptionSpec::Sack(vec![(1, 2)])),
        ("sack 1:2 3:4 5:6", OptionSpec::Sack(vec![(1, 2), (3, 4), (5, 6)])),
        ("sack", OptionSpec::Sack(Vec::new())),
        ("TS val 100 ecr 50", stamps(Some(100), Some(50))),
        ("TS val 4294967295 ecr 0", stamps(Some(u32::MAX), Some(0))),
        ("TS val ... ecr ...", stamps(None, None)),
        ("FO", OptionSpec::FastOpen(Some(Vec::new()))),
        ("FO ...", OptionSpec::FastOpen(None)),
        ("FO 3021b9d889017eeb", OptionSpec::FastOpen(Some(cookie.clone()))),
        ("FOEXP 3021b9d889017eeb", OptionSpec::FastOpenExperimental(Some(cookie.clone()))),
        ("exp-FO", OptionSpec::FastOpenExperimental(Some(Vec::new()))),
        ("md5 000102030405060708090a0b0c0d0e0f", OptionSpec::Md5(Some((0..16).collect()))),
        ("md5", OptionSpec::Md5(None)),
        ("0xfd 0x0102", other(253, &[1, 2])),
        ("253:0102", other(253, &[1, 2])),
        ("kind 77", other(77, &[])),
        ("ECN e1b 1 ceb 0 e0b 258", other(174, &[0, 0, 1, 0, 0, 0, 0, 1, 2])),
        ("ECN e0b 1", other(172, &[0, 0, 1])),
        ("exp-tarr 5", OptionSpec::NotSupported("exp-tarr 5".to_owned())),
        ("mp_capable v1 flags[]", OptionSpec::NotSupported("mp_capable v1 flags[]".to_owned())),
    ];
    for (text, expected) in cases {
        assert_eq!(options(text), std::slice::from_ref(&expected), "{text}");
        assert_eq!(options(&format!("{text} , nop"))[0], expected, "{text}");
    }
    let usual = options("mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 7");
    assert_eq!(usual.len(), 5);
    assert_eq!(tcp("> . 1:1(0) < ... >").options, OptionsSpec::Any);
}

#[test]
fn a_cookie_may_be_a_name() {
    let script = read_with("0 < S 0:0(0) win 1 <FO COOKIE>", &["COOKIE=0102030405060708"]);
    let [event] = script.events.as_slice() else { panic!("{script:?}") };
    let Action::Packet(packet) = &event.action else { panic!("{event:?}") };
    let BodySpec::Tcp(tcp) = &packet.body else { panic!("{packet:?}") };
    let cookie = OptionSpec::FastOpen(Some((1..=8).collect()));
    assert_eq!(tcp.options, OptionsSpec::List(vec![cookie]));
    let said = refused("0 < S 0:0(0) win 1 <FO COOKIE>");
    assert!(said[0].contains("`COOKIE` is no octets"), "{said:?}");
}

#[test]
fn headers_of_ip() {
    let spec = |ip: IpSpec| ip;
    let ecn = |ecn| IpSpec { ecn: Some(ecn), ..IpSpec::default() };
    let cases = [
        ("[noecn]", ecn(EcnSpec::NotEct)),
        ("[ect1]", ecn(EcnSpec::Ect1)),
        ("[ect01]", ecn(EcnSpec::Ect01)),
        ("[ce]", ecn(EcnSpec::Ce)),
        ("(flowlabel 0x1)", spec(IpSpec { flow_label: Some(1), ..IpSpec::default() })),
        (
            "[tos 0x10, ttl 64]",
            spec(IpSpec { tos: Some(16), hop_limit: Some(64), ..IpSpec::default() }),
        ),
        ("", IpSpec::default()),
    ];
    for (text, expected) in cases {
        assert_eq!(packet(&format!("> {text} . 1:1(0)")).ip, expected, "{text}");
    }
}

#[test]
fn what_is_around_a_packet_is_kept_as_written() {
    let text = "> ipv4 1.1.1.1 > 2.2.2.2: gre: mpls (label 1, tc 0, ttl 3) [S]: . 1:1(0) ack 1";
    let spec = packet(text);
    assert_eq!(
        spec.encapsulation,
        ["ipv4 1.1.1.1 > 2.2.2.2", "gre", "mpls (label 1, tc 0, ttl 3) [S]"]
    );
    assert!(matches!(spec.body, BodySpec::Tcp(_)));
    assert_eq!(packet("< ipv6 ::1 > ::2: . 1:1(0)").encapsulation, ["ipv6 ::1 > ::2"]);
    assert_eq!(packet("< tcp/udp(1 > 2): . 1:1(0)").udp_encapsulation, Some((1, 2)));
    assert_eq!(packet("< /udp(1 > 2) . 1:1(0)").udp_encapsulation, Some((1, 2)));
}

#[test]
fn icmp_messages() {
    let spec = icmp("< icmp unreachable frag_needed mtu 1200 [1:1001(1000)]");
    assert_eq!(spec.kind, "unreachable");
    assert_eq!(spec.code.as_deref(), Some("frag_needed"));
    assert_eq!((spec.mtu, spec.about), (Some(1200), Some(sequence(1, 1000))));

    let bare = icmp("< icmp packet_too_big mtu 1280");
    assert_eq!((bare.code, bare.mtu, bare.about), (None, Some(1280), None));
    assert_eq!(icmp("< icmp 3 0x4 [S 0:0(0)]").code.as_deref(), Some("0x4"));
    assert_eq!(icmp("< icmp 3 1 [8080 > 5 F. 1:1(0)]").about, Some(sequence(1, 0)));
    assert_eq!(icmp("< icmp 3 1 [...(7)]").about.and_then(|about| about.start), None);
    assert_eq!(
        icmp("< icmp unreachable port_unreachable [udp (100)]").about_other.as_deref(),
        Some("udp (100)")
    );
    assert_eq!(icmp("< [ce] icmpv6 1 0").kind, "1");
}

#[test]
fn packets_of_other_protocols_are_read_to_their_end() {
    let text = "+0 < sctp: INIT[flgs=0, tag=1, a_rwnd=1500, os=1, is=1, tsn=1]\n\
                +0 > sctp: INIT_ACK[flgs=0, tag=2, a_rwnd=..., os=..., is=..., tsn=1,\n\
                           STATE_COOKIE[len=..., val=...]];\n\
                           SACK[flgs=0]\n\
                * > udp (1000)\n\
                +0 < sctp/udp(9899 > 9899): SHUTDOWN[flgs=0, cum_tsn=0]\n\
                +0 close(3) = 0";
    let events = super::read(text).events;
    assert_eq!(events.len(), 5, "{events:?}");
    let bodies = events.iter().filter_map(|event| match &event.action {
        Action::Packet(packet) => match &packet.body {
            BodySpec::Other(text) => Some(text.lines().count()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(bodies.collect::<Vec<_>>(), [1, 3, 1, 1]);
}
