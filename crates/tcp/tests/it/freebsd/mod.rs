//! What FreeBSD does otherwise than RFC 9293, segment by segment, in the words of packetdrill.

mod closing;
mod opening;
mod segments;
mod windows;

use twomsl_tcp::profile::IsnSource;
use twomsl_tcp::wire::{Flags, Options, Segment, TcpOption};
use twomsl_tcp::{Profile, SocketOptions};

use crate::harness::lab::{Effects, Lab};
use crate::harness::packets::{ACK, SYN, ours, segment, theirs};

/// Our initial sequence number, and the peer's.
const ISS: u32 = 5000;
const IRS: u32 = 9000;

fn freebsd() -> Profile {
    Profile { isn: IsnSource::Fixed(ISS), ..Profile::freebsd() }
}

/// With these sysctls.
fn freebsd_with(sysctls: &[(&str, &str)]) -> Profile {
    let mut profile = freebsd();
    for (name, value) in sysctls {
        profile.set(name, value).expect("the sysctl is known");
    }
    profile
}

/// `S. 0:0(0) ack 1 win 65535 <mss 1460,eol>`: relative numbers, but in a SYN.
fn show(segment: &Segment) -> String {
    let letters = [
        (Flags::FIN, 'F'),
        (Flags::SYN, 'S'),
        (Flags::RST, 'R'),
        (Flags::PSH, 'P'),
        (Flags::ACK, '.'),
        (Flags::ECE, 'E'),
        (Flags::CWR, 'W'),
    ];
    let flags: String =
        letters.iter().filter(|(flag, _)| segment.has(*flag)).map(|(_, letter)| letter).collect();
    let (seq, length) = (segment.seq.value().wrapping_sub(ISS), segment.payload.len() as u32);
    let seq = if segment.seq.value() == 0 { 0 } else { seq };
    let ack = if segment.has(Flags::ACK) {
        format!(" ack {}", segment.ack.value().wrapping_sub(IRS))
    } else {
        String::new()
    };
    let options = show_options(&segment.options);
    format!("{flags} {seq}:{}({length}){ack} win {}{options}", seq + length, segment.window)
}

fn show_options(options: &Options) -> String {
    if options.is_empty() {
        return String::new();
    }
    let options_of = options.iter().map(|option| option.expect("well formed"));
    let names = options_of.filter(|option| *option != TcpOption::EndOfList).map(|one| name(&one));
    let names: Vec<_> = names.collect();
    // What follows the end of the list is padding.
    let octets = options.as_bytes();
    let ended = octets.iter().rev().take_while(|octet| **octet == 0).count();
    let padding = if names.last().is_some_and(|name| name.starts_with("TS")) { 0 } else { ended };
    let all: Vec<_> = names.into_iter().chain((0..padding).map(|_| "eol".to_string())).collect();
    format!(" <{}>", all.join(","))
}

fn name(option: &TcpOption<'_>) -> String {
    match option {
        TcpOption::EndOfList => "eol".into(),
        TcpOption::NoOperation => "nop".into(),
        TcpOption::MaximumSegmentSize(mss) => format!("mss {mss}"),
        TcpOption::WindowScale(shift) => format!("wscale {shift}"),
        TcpOption::SackPermitted => "sackOK".into(),
        TcpOption::Timestamps { .. } => "TS".into(),
        TcpOption::Sack(blocks) => {
            let block = |(left, right): (twomsl_tcp::wire::SeqNum, twomsl_tcp::wire::SeqNum)| {
                let relative = |seq: twomsl_tcp::wire::SeqNum| seq.value().wrapping_sub(IRS);
                format!(" {}:{}", relative(left), relative(right))
            };
            format!("sack{}", blocks.iter().map(block).collect::<String>())
        }
        other => format!("{other:?}"),
    }
}

fn shown(effects: &Effects) -> Vec<String> {
    effects.segments().iter().map(show).collect()
}

/// The options that the peer has in its SYN.
#[derive(Clone, Copy, Default)]
struct Theirs {
    mss: Option<u16>,
    scale: Option<u8>,
    sack: Option<()>,
    time: Option<u32>,
}

/// What most peers have.
const USUAL: Theirs = Theirs { mss: Some(1460), scale: Some(6), sack: Some(()), time: None };
/// Nothing but a segment size.
const PLAIN: Theirs = Theirs { mss: Some(1460), scale: None, sack: None, time: None };

fn with_options(mut segment: Segment, theirs: Theirs) -> Segment {
    let mut push = |option| segment.options.push(option).expect("there is room");
    if let Some(mss) = theirs.mss {
        push(TcpOption::MaximumSegmentSize(mss));
    }
    if let Some(shift) = theirs.scale {
        push(TcpOption::WindowScale(shift));
    }
    if theirs.sack.is_some() {
        push(TcpOption::SackPermitted);
    }
    if let Some(value) = theirs.time {
        push(TcpOption::Timestamps { value, echo: 0 });
    }
    segment
}

/// A connection that was opened here; the handshake is over.
fn connected(profile: Profile, peer: Theirs) -> (Lab, Vec<String>) {
    let (mut lab, _) = connecting(profile, None);
    let effects = lab.arrive(with_options(segment(SYN | ACK, IRS, ISS + 1), peer)).1;
    (lab, shown(&effects))
}

/// SYN-SENT.
fn connecting(profile: Profile, options: Option<&SocketOptions>) -> (Lab, Vec<String>) {
    let mut lab = Lab::new(profile);
    lab.socket = lab.stack.connect(lab.now, Some(ours()), theirs(), options).ok();
    let effects = lab.effects();
    (lab, shown(&effects))
}

/// A connection in the SYN cache.
fn requested(profile: Profile, peer: Theirs) -> (Lab, Vec<String>) {
    let mut lab = Lab::new(profile);
    lab.listener = lab.stack.listen(lab.now, ours(), 16, None).ok();
    lab.effects();
    let (arrival, effects) = lab.arrive(with_options(segment(SYN, IRS, 0), peer));
    lab.socket = arrival.socket;
    (lab, shown(&effects))
}

/// A connection that was accepted.
fn accepted(profile: Profile, peer: Theirs) -> Lab {
    let (mut lab, _) = requested(profile, peer);
    let effects = lab.arrive(segment(ACK, IRS + 1, ISS + 1)).1;
    assert_eq!(shown(&effects), [""; 0], "the ACK of the SYN,ACK is not answered");
    let listener = lab.listener.expect("there is a listener");
    lab.socket = lab.stack.accept(lab.now, listener).ok();
    lab.effects();
    lab
}
