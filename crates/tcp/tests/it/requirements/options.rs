//! RFC 9293 §3.1 and §3.2: the header and its options.

use twomsl_tcp::profile::{InitialWindow, WindowScaling};
use twomsl_tcp::wire::{Options, Segment, TcpOption};
use twomsl_tcp::{Profile, TcpState, Verdict};

use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, SYN, Shape as _, ours, segment, text, theirs};
use crate::harness::scene::{IRS, ISS, Scene, staged};

/// The segment with these octets of options.
fn with_options(mut segment: Segment, octets: &[u8]) -> Segment {
    segment.options = Options::from_bytes(octets).expect("there is room");
    segment
}

/// How large a first segment is sent to a peer whose SYN,ACK had these options.
fn segment_size_after(octets: &[u8]) -> usize {
    let mut lab = Lab::new(staged(Profile::rfc9293()));
    lab.socket = Some(lab.stack.connect(lab.now, Some(ours()), theirs(), None).unwrap());
    lab.effects();
    let answer = segment(SYN | ACK, IRS, ISS + 1).window(8000);
    let (arrival, _) = lab.arrive(with_options(answer, octets));
    assert_eq!((arrival.verdict, lab.state()), (Verdict::Accepted, TcpState::Established));
    lab.stack.send(lab.now, lab.socket(), &text(2000)).unwrap();
    lab.effects().segments()[0].payload.len()
}

#[test]
fn a_window_whose_highest_bit_is_set_is_a_large_one() {
    // MUST-1.
    let mut profile = staged(Profile::rfc9293());
    profile.initial_window = InitialWindow::Segments(100);
    let mut lab = Lab::new(profile);
    lab.socket = Some(lab.stack.connect(lab.now, Some(ours()), theirs(), None).unwrap());
    lab.arrive(segment(SYN | ACK, IRS, ISS + 1).mss(1000).window(62_000));
    lab.stack.send(lab.now, lab.socket(), &text(62_001)).unwrap();
    let sent: usize = lab.effects().segments().iter().map(|sent| sent.payload.len()).sum();
    assert_eq!(sent, 62_000);
}

#[test]
fn a_scaled_window_is_larger_than_its_field() {
    // REC-1.
    let mut profile = staged(Profile::rfc9293());
    profile.initial_window = InitialWindow::Segments(200);
    profile.window_scaling = WindowScaling::Shift(7);
    profile.options.send_buffer = 1 << 20;
    let mut lab = Lab::new(profile);
    lab.socket = Some(lab.stack.connect(lab.now, Some(ours()), theirs(), None).unwrap());
    let mut answer = segment(SYN | ACK, IRS, ISS + 1).mss(1000).window(10_000);
    answer.options.push(TcpOption::WindowScale(4)).unwrap();
    lab.arrive(answer);
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).window(10_000));
    assert_eq!(lab.detail().snd_wnd, 160_000);
    lab.stack.send(lab.now, lab.socket(), &text(200_000)).unwrap();
    let sent: usize = lab.effects().segments().iter().map(|sent| sent.payload.len()).sum();
    assert_eq!(sent, 160_000);
}

#[test]
fn an_option_in_any_segment_is_received_and_an_unknown_one_is_passed_over() {
    // MUST-5, MUST-6.
    let octets = [253, 5, 1, 2, 3, 1, 2, 4, 0, 100];
    for scene in [Scene::Established, Scene::FinWait2] {
        let mut lab = scene.with(staged(Profile::rfc9293()));
        let nxt = lab.detail().snd_nxt;
        let hello = segment(ACK, IRS + 1, nxt).text(b"hello");
        let (arrival, _) = lab.arrive(with_options(hello, &octets));
        assert_eq!((arrival.verdict, arrival.text), (Verdict::Accepted, 5), "{scene:?}");
    }
    assert_eq!(segment_size_after(&octets), 100, "what follows is understood");
}

#[test]
fn options_with_an_impossible_length_are_survived() {
    // MUST-7: there is nothing to be gained by the reset that the RFC suggests; an option that
    // cannot be read is as good as none.
    for octets in [&[2, 0, 5, 0xb4][..], &[2, 1, 5, 0xb4], &[2, 40, 5, 0xb4], &[2, 3, 5, 1], &[254]]
    {
        assert_eq!(segment_size_after(octets), 536, "{octets:?}");
    }
}

#[test]
fn options_are_read_on_no_boundary_too() {
    // MUST-64, MUST-4: behind one, two and three octets of padding, and before an end of list.
    for padding in 0..4 {
        let octets = [&[1, 1, 1][..padding], &[2, 4, 2, 0x58, 0]].concat();
        assert_eq!(segment_size_after(&octets), 600, "{padding}");
    }
}

#[test]
fn the_segment_size_is_announced_by_every_syn_and_by_nothing_else() {
    // MUST-65, SHLD-5, MAY-3: in SYN and SYN,ACK, the second time, too; even when it is the
    // default.
    let mut profile = staged(Profile::rfc9293());
    profile.mss = 536;
    for scene in [Scene::SynSent, Scene::SynReceivedPassive, Scene::SynReceivedActive] {
        let mut lab = scene.with(profile.clone());
        let (_, again) = lab.next_timeout().expect("the SYN is sent again");
        assert_eq!(again.only().options.mss(), Some(536), "{scene:?}");
    }
    let mut lab = Scene::Established.with(profile);
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"hello"));
    let mut sent = lab.pass(std::time::Duration::from_secs(20)).segments();
    lab.stack.abort(lab.now, lab.socket()).unwrap();
    sent.extend(lab.effects().segments());
    let has_mss = |sent: &Segment| {
        sent.options.iter().any(|option| matches!(option, Ok(TcpOption::MaximumSegmentSize(_))))
    };
    assert!(sent.len() > 3 && !sent.iter().any(has_mss), "{sent:?}");
}
