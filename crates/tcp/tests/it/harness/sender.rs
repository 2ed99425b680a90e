//! A sender on the bench: the test is the receiver, and counts in segments.

use std::time::Duration;

use twomsl_tcp::profile::IsnSource;
use twomsl_tcp::wire::{Ecn, Flags, SackBlocks, Segment, SeqNum, TcpOption};
use twomsl_tcp::{Profile, SendReason, TimerKind, Transmit};

use super::lab::{Effects, Lab};
use super::packets::{ACK, SYN, Shape as _, ours, segment, text, theirs};
use super::scene::{IRS, ISS};

/// Octets of text in a segment.
pub(crate) const SEGMENT: u32 = 1000;
/// The round trip before anything is sent, and between a flight and its acknowledgments.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(100);
/// What the receiver offers.
const OFFER: u16 = u16::MAX;

/// A connection that sends, segments being numbered from 0.
pub(crate) struct Sender {
    pub(crate) lab: Lab,
    /// What the next acknowledgments echo, if timestamps were agreed on.
    pub(crate) echo: u32,
    timestamps: bool,
    offer: u16,
    /// What was sent last.
    pub(crate) last: Vec<Transmit>,
}

impl Sender {
    /// Established, with a window of ten segments and a round trip of 100 ms.
    pub(crate) fn new(mut profile: Profile, changes: &[(&str, &str)]) -> Self {
        profile.isn = IsnSource::Fixed(ISS);
        let needed = [("initial-window", "10"), ("send-buffer", "1000000")];
        for (name, value) in needed.iter().chain(changes) {
            profile.set(name, value).expect("the parameter exists");
        }
        let mut lab = Lab::new(profile);
        let socket = lab.stack.connect(lab.now, Some(ours()), theirs(), None);
        lab.socket = Some(socket.expect("the 4-tuple is free"));
        let syn = lab.effects().only();
        lab.now += ROUND_TRIP;
        let stamp = syn.options.timestamps();
        let timestamps = stamp.is_some();
        let mss = SEGMENT as u16 + if timestamps { 12 } else { 0 };
        let mut answer = segment(SYN | ACK, IRS, ISS.wrapping_add(1)).mss(mss).window(OFFER);
        if syn.options.sack_permitted() {
            answer.options.push(TcpOption::SackPermitted).expect("there is room");
        }
        if syn.flags.contains(Flags::ECE) {
            answer.flags |= Flags::ECE;
        }
        let mut sender = Self { lab, echo: 0, timestamps, offer: OFFER, last: Vec::new() };
        if let Some((value, _)) = stamp {
            sender.echo = value;
        }
        sender.stamp(&mut answer);
        sender.lab.arrive(answer);
        sender
    }

    /// The same with so many segments written, ten of them under way for a round trip.
    pub(crate) fn flying(profile: Profile, changes: &[(&str, &str)], segments: u32) -> Self {
        let mut sender = Self::new(profile, changes);
        let first: Vec<u32> = (0..segments.min(10)).collect();
        assert_eq!(sender.write(segments), first, "the initial window");
        sender.lab.now += ROUND_TRIP;
        sender
    }

    /// The application writes so many segments' worth of text. What leaves.
    pub(crate) fn write(&mut self, segments: u32) -> Vec<u32> {
        let text = text((segments * SEGMENT) as usize);
        let taken = self.lab.stack.send(self.lab.now, self.lab.socket(), &text);
        assert_eq!(taken, Ok(text.len()), "the buffer has room");
        let effects = self.lab.effects();
        self.numbers(effects)
    }

    /// Everything before segment `next` is acknowledged. What leaves.
    pub(crate) fn ack(&mut self, next: u32) -> Vec<u32> {
        self.sack(next, &[])
    }

    /// The same, with blocks of segments: the first, and the one after the last.
    pub(crate) fn sack(&mut self, next: u32, blocks: &[(u32, u32)]) -> Vec<u32> {
        self.arrive(next, blocks, Flags::empty())
    }

    /// The same with more flags.
    pub(crate) fn arrive(&mut self, next: u32, blocks: &[(u32, u32)], flags: Flags) -> Vec<u32> {
        let octets = |(from, to): &(u32, u32)| (from * SEGMENT, to * SEGMENT);
        let blocks: Vec<_> = blocks.iter().map(octets).collect();
        let segment = self.answer(next * SEGMENT, &blocks, flags);
        let (_, effects) = self.lab.arrive(segment);
        self.numbers(effects)
    }

    /// An acknowledgment that counts in octets.
    pub(crate) fn answer(&self, next: u32, blocks: &[(u32, u32)], flags: Flags) -> Segment {
        let mut segment = segment(ACK | flags, IRS + 1, octet(next).value()).window(self.offer);
        self.stamp(&mut segment);
        if !blocks.is_empty() {
            let blocks: Vec<_> =
                blocks.iter().map(|(from, to)| (octet(*from), octet(*to))).collect();
            let blocks = SackBlocks::new(&blocks).expect("they fit");
            segment.options.push(TcpOption::Sack(blocks)).expect("there is room");
        }
        segment
    }

    /// The receiver offers so many segments from now on.
    pub(crate) fn offer(&mut self, segments: u16) {
        self.offer = segments * SEGMENT as u16;
    }

    /// Time jumps to the next timer that fires: which, after how many milliseconds, and what leaves.
    pub(crate) fn timeout(&mut self) -> (TimerKind, u128, Vec<u32>) {
        let before = self.lab.now;
        let (kind, effects) = self.lab.next_timeout().expect("a timer runs");
        (kind, self.lab.now.since(before).as_millis(), self.numbers(effects))
    }

    /// Nothing happens for a while.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.lab.now += time;
    }

    /// The congestion window, in segments.
    pub(crate) fn window(&self) -> u32 {
        self.lab.detail().congestion_window / SEGMENT
    }

    /// The threshold of slow start, in segments.
    pub(crate) fn threshold(&self) -> u32 {
        self.lab.detail().slow_start_threshold / SEGMENT
    }

    /// Why the last ones were sent.
    pub(crate) fn reasons(&self) -> Vec<SendReason> {
        self.last.iter().map(|sent| sent.reason).collect()
    }

    /// The marks of their packets, and whether they carry CWR.
    pub(crate) fn marks(&self) -> Vec<(Ecn, bool)> {
        let confirms =
            |sent: &Transmit| sent.packet.segment().is_some_and(|segment| segment.has(Flags::CWR));
        self.last.iter().map(|sent| (sent.packet.ecn, confirms(sent))).collect()
    }

    /// TSval of the last segment that was sent.
    pub(crate) fn stamped(&self) -> u32 {
        let sent = self.last.last().and_then(|sent| sent.packet.segment());
        sent.and_then(|segment| segment.options.timestamps()).expect("it has timestamps").0
    }

    fn stamp(&self, segment: &mut Segment) {
        if self.timestamps {
            let value = self.lab.now.as_nanos() / 1_000_000;
            let stamp = TcpOption::Timestamps { value: value as u32, echo: self.echo };
            segment.options.push(stamp).expect("there is room");
        }
    }

    /// The numbers of the segments that were sent with text.
    fn numbers(&mut self, effects: Effects) -> Vec<u32> {
        self.last = effects.sent;
        let segments = self.last.iter().filter_map(|sent| sent.packet.segment());
        segments
            .filter(|segment| !segment.payload.is_empty())
            .map(|segment| segment.seq.since(octet(0)) / SEGMENT)
            .collect()
    }
}

/// The number of an octet of text, the first being 0.
fn octet(place: u32) -> SeqNum {
    SeqNum::new(ISS) + 1 + place
}
