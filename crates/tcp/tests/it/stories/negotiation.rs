//! What SYNs agree on where it is easily misread: windows that are not scaled, ECN that nobody
//! asked for, text that came with the SYN.

use twomsl_tcp::profile::{EcnMode, Offer};
use twomsl_tcp::wire::{Ecn, Flags, Segment, TcpOption};
use twomsl_tcp::{Profile, SocketOption};

use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, SYN, Shape as _, ours, segment, text, theirs};
use crate::harness::scene::{IRS, ISS, staged};

/// The two profiles that scale windows.
fn scaling() -> [Profile; 2] {
    [Profile::linux(), Profile::freebsd()].map(plain)
}

/// Without timestamps, so that segments need none.
fn plain(profile: Profile) -> Profile {
    Profile { timestamps: Offer::No, ..profile }
}

/// We have sent a SYN.
fn opening(profile: Profile) -> Lab {
    let mut lab = Lab::new(staged(profile));
    let socket = lab.stack.connect(lab.now, Some(ours()), theirs(), None);
    lab.socket = Some(socket.expect("the 4-tuple is free"));
    lab.effects().only();
    lab
}

/// The peer's SYN with a shift of 7.
fn scaled(flags: Flags, ack: u32, window: u16) -> Segment {
    with(segment(flags, IRS, ack).window(window).mss(1460), TcpOption::WindowScale(7))
}

fn with(mut segment: Segment, option: TcpOption<'_>) -> Segment {
    segment.options.push(option).expect("there is room");
    segment
}

/// The window after a segment has arrived.
fn window_after(lab: &mut Lab, segment: Segment) -> u32 {
    lab.arrive(segment);
    lab.detail().snd_wnd
}

#[test]
fn the_window_of_a_syn_ack_is_not_scaled() {
    // RFC 7323 §2.2: "MUST NOT be scaled"; §2.3: every window after it is.
    for profile in scaling() {
        let mut lab = opening(profile);
        assert_eq!(window_after(&mut lab, scaled(SYN | ACK, ISS + 1, 1000)), 1000);
        let update = segment(ACK, IRS + 1, ISS + 1).window(1000);
        assert_eq!(window_after(&mut lab, update), 1000 << 7);
    }
}

#[test]
fn nor_is_that_of_a_syn_ack_that_crosses_ours() {
    // RFC 9293 §3.5, figure 7: it repeats a SYN that is known, and acknowledges ours.
    for profile in scaling() {
        let mut lab = opening(profile);
        assert_eq!(window_after(&mut lab, scaled(SYN, 0, 900)), 900);
        assert_eq!(window_after(&mut lab, scaled(SYN | ACK, ISS + 1, 1000)), 1000);
        let update = segment(ACK, IRS + 1, ISS + 1).window(1000);
        assert_eq!(window_after(&mut lab, update), 1000 << 7);
    }
}

#[test]
fn the_ack_that_ends_a_handshake_is_scaled() {
    // RFC 7323 §2.3: it carries no SYN, whichever state it finds us in.
    for profile in scaling() {
        let mut lab = opening(profile.clone());
        lab.arrive(scaled(SYN, 0, 900));
        let end = segment(ACK, IRS + 1, ISS + 1).window(1000);
        assert_eq!(window_after(&mut lab, end.clone()), 1000 << 7);

        let mut lab = Lab::new(staged(profile));
        lab.stack.listen(lab.now, ours(), 8, None).expect("nobody listens yet");
        lab.socket = lab.arrive(scaled(SYN, 0, 900)).0.socket;
        assert_eq!(window_after(&mut lab, end), 1000 << 7);
    }
}

#[test]
fn a_syn_ack_agrees_to_no_ecn_that_was_not_asked_for() {
    // RFC 3168 §6.1.1: ECT needs an ECN-setup SYN of ours, not only an answer that looks like one.
    for (ecn, mark) in
        [(EcnMode::Off, Ecn::NotEct), (EcnMode::Passive, Ecn::NotEct), (EcnMode::Active, Ecn::Ect0)]
    {
        let mut lab = opening(Profile { ecn, ..plain(Profile::linux()) });
        lab.arrive(segment(SYN | ACK | Flags::ECE, IRS, ISS + 1).window(60_000).mss(1460));
        lab.stack.send(lab.now, lab.socket(), &text(100)).expect("it is open");
        let marks: Vec<_> = lab.effects().sent.iter().map(|sent| sent.packet.ecn).collect();
        assert_eq!(marks, [mark], "{ecn:?}");
    }
}

/// A listener that knows Fast Open.
fn fast_open_listener() -> Lab {
    let profile = Profile { fast_open_server: Offer::Yes, ..plain(Profile::linux()) };
    let mut lab = Lab::new(profile);
    let listener = lab.stack.listen(lab.now, ours(), 8, None).expect("nobody listens yet");
    lab.stack.set_option(lab.now, listener, SocketOption::FastOpen(5)).expect("it listens");
    lab
}

/// The answer to a SYN with this cookie and text; an empty cookie asks for one.
fn answer(lab: &mut Lab, port: u16, cookie: &[u8], octets: usize) -> Segment {
    let syn = segment(SYN, IRS, 0).mss(1460).text(&text(octets)).sent_from(port);
    lab.arrive(with(syn, TcpOption::FastOpen(cookie))).1.only()
}

#[test]
fn a_syn_ack_offers_the_whole_window_whatever_came_with_the_syn() {
    // `tcp_fastopen_create_child` takes over the window that `tcp_select_initial_window` chose.
    let mut lab = fast_open_listener();
    let bare = answer(&mut lab, 4001, &[], 0);
    let cookie = bare.options.iter().find_map(|option| match option {
        Ok(TcpOption::FastOpen(cookie)) => Some(cookie.to_vec()),
        _ => None,
    });
    let early = answer(&mut lab, 4002, &cookie.expect("it asked for one"), 500);
    assert_eq!(early.ack, bare.ack + 500, "the text was taken");
    assert_eq!(early.window, bare.window);
}
