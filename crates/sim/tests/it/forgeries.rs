//! Segments out of nothing.

use bytes::Bytes;
use twomsl_sim::spec::{PortSpec, SeqSpec, SeqVariable};
use twomsl_sim::{End, Forged, Moment};
use twomsl_tcp::wire::{Flags, IcmpKind};
use twomsl_tcp::{SocketError, TcpState};

use crate::support::{CLIENT, MS, SECOND, SERVER, failure, pair, run};

fn at_server(variable: SeqVariable, offset: i64) -> SeqSpec {
    SeqSpec::Relative { host: SERVER, variable, offset }
}

fn forged(flags: Flags, seq: SeqSpec) -> Forged {
    Forged {
        src_port: PortSpec::Live,
        dst_port: PortSpec::Live,
        seq,
        ack: None,
        flags,
        payload: Bytes::new(),
    }
}

#[test]
fn a_blind_reset_at_the_right_number_ends_the_connection() {
    let reset = forged(Flags::RST, at_server(SeqVariable::RcvNxt, 0));
    let world = run(pair()
        .role("server", |role| role.listen(80).accept().read(5).read(1))
        .role("client", |role| role.connect("server", 80).write("hello").sleep(10 * SECOND).abort())
        .forge(SECOND, ("client", "server"), reset));
    assert_eq!(failure(&world, SERVER), Some(("read", SocketError::ConnectionReset)));
}

#[test]
fn a_blind_reset_beside_the_right_number_is_challenged() {
    let reset = forged(Flags::RST, at_server(SeqVariable::RcvNxt, 1));
    let world = run(pair()
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| role.connect("server", 80).sleep(2 * SECOND).close())
        .forge(SECOND, ("client", "server"), reset));
    assert_eq!(failure(&world, SERVER), None);
}

/// RFC 5927 §4.1: what tells an error from a guess is the number that it quotes.
#[test]
fn a_forged_icmp_error_is_about_the_number_it_quotes() {
    let at_client =
        |offset| SeqSpec::Relative { host: CLIENT, variable: SeqVariable::SndUna, offset };
    for (offset, refused) in [(0, true), (1, false)] {
        let kind = IcmpKind::PortUnreachable;
        let world = run(pair()
            .role("server", |role| role.listen(80).accept().read_to_end().close())
            .role("client", |role| role.connect("server", 80).write("hello").close())
            .forge_icmp(5 * MS, ("client", "server"), kind, at_client(offset)));
        let refusal = Some(("connect", SocketError::ConnectionRefused));
        assert_eq!(failure(&world, CLIENT), refusal.filter(|_| refused));
    }
}

#[test]
fn text_that_nobody_wrote_breaks_the_invariants() {
    let text = Forged {
        ack: Some(at_server(SeqVariable::SndNxt, 0)),
        payload: Bytes::from_static(b"evil"),
        ..forged(Flags::ACK, at_server(SeqVariable::RcvNxt, 0))
    };
    let mut world = pair()
        .role("server", |role| role.listen(80).accept().read(4).abort())
        .role("client", |role| role.connect("server", 80).sleep(10 * SECOND).abort())
        .forge(
            Moment::State {
                host: "server".to_owned(),
                state: TcpState::Established,
                nth: 1,
                after: 100 * MS,
            },
            ("client", "server"),
            text,
        )
        .build()
        .unwrap();
    assert_eq!(world.run(), End::Quiet);
    let broken: Vec<_> = world.violations().iter().map(|violation| violation.invariant).collect();
    assert_eq!(broken[..2], [4, 1]);
    assert_eq!(world.totals(CLIENT).written, 0);
}
