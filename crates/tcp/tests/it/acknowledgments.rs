//! Properties of a sender: whatever acknowledgments say, no octet is sent in another's place, and
//! a receiver that is honest in the end gets them all.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use twomsl_tcp::wire::{Flags, IcmpKind};
use twomsl_tcp::{SocketOption, TcpState};

use crate::harness::lab::Effects;
use crate::harness::packets::{Shape as _, icmp, text};
use crate::harness::scene::ISS;
use crate::harness::sender::Sender;
use crate::random::{a_profile, config};

/// Mechanisms that profiles combine in other ways, too.
const CHANGES: [(&str, &str); 18] = [
    ("sack", "on"),
    ("sack", "off"),
    ("ecn", "on"),
    ("loss-detection", "time"),
    ("loss-detection", "blocks"),
    ("tail-loss-probe", "on"),
    ("tail-loss-probe", "off"),
    ("proportional-rate", "on"),
    ("proportional-rate", "off"),
    ("spurious-timeouts", "tested"),
    ("window-counting", "segments"),
    ("window-counting", "2"),
    ("repacketization", "whole"),
    ("repacketization", "as-sent"),
    ("window-probe", "one-octet"),
    ("window-probe", "empty"),
    ("mtu-probing", "halving"),
    ("mtu-probing", "two-steps"),
];

/// What happens to a sender before its peer turns honest.
#[derive(Clone, Debug)]
enum Step {
    Write(u32),
    Wait(Duration),
    Timer,
    NoDelay(bool),
    /// This MTU was exceeded by the octet at this place after SND.UNA.
    TooLarge(u16, u32),
    Answer(Answer),
}

/// An acknowledgment. It counts from SND.UNA on, and may lie.
#[derive(Clone, Debug)]
struct Answer {
    next: u32,
    blocks: Vec<(u32, u32)>,
    window: u16,
    flags: Flags,
}

fn an_answer() -> impl Strategy<Value = Answer> {
    let next = prop_oneof![
        6 => Just(0_u32),
        2 => 0_u32..8000,
        2 => (0_u32..6).prop_map(|segments| 1000 * segments),
        1 => (0_u32..3000).prop_map(u32::wrapping_neg),
    ];
    let block = (select(vec![1_u32, 100, 1000]), 0_u32..30, 0_u32..6)
        .prop_map(|(unit, from, length)| (unit * from, unit * (from + length)));
    let blocks = prop::collection::vec(block, 0..4);
    let window = prop_oneof![1 => Just(0_u16), 1 => select(vec![1, 500, 3000]), 4 => Just(60_000)];
    let flags = prop_oneof![3 => Just(Flags::empty()), 1 => Just(Flags::ECE)];
    (next, blocks, window, flags).prop_map(|(next, blocks, window, flags)| Answer {
        next,
        blocks,
        window,
        flags,
    })
}

fn a_step() -> impl Strategy<Value = Step> {
    let time = select(vec![1, 10, 50, 200, 1000]).prop_map(Duration::from_millis);
    prop_oneof![
        3 => select(vec![1, 10, 100, 1460, 5000, 20_000]).prop_map(Step::Write),
        1 => time.prop_map(Step::Wait),
        1 => Just(Step::Timer),
        1 => any::<bool>().prop_map(Step::NoDelay),
        1 => (select(vec![296, 576, 1000, 1280]), 0_u32..20_000)
            .prop_map(|(mtu, place)| Step::TooLarge(mtu, place)),
        7 => an_answer().prop_map(Step::Answer),
    ]
}

/// A sender that writes the alphabet again and again.
struct Bench {
    sender: Sender,
    /// Octets of it so far.
    written: u32,
    /// As much of it as a segment may have, from any place on.
    alphabet: Vec<u8>,
}

impl Bench {
    fn take(&mut self, step: &Step) -> Effects {
        let lab = &mut self.sender.lab;
        match step {
            Step::Write(octets) => self.write(*octets as usize),
            Step::Wait(time) => lab.pass(*time),
            Step::Timer => lab.next_timeout().map(|(_, effects)| effects).unwrap_or_default(),
            Step::NoDelay(on) => {
                let (now, socket) = (lab.now, lab.socket());
                lab.stack.set_option(now, socket, SocketOption::NoDelay(*on)).expect("it is open");
                lab.effects()
            }
            Step::TooLarge(mtu, place) => {
                let place = lab.detail().snd_una.wrapping_add(place % self.under_way());
                let error = icmp(IcmpKind::PacketTooBig { mtu: (*mtu).into() }, place);
                self.sender.lab.arrive_packet(error).1
            }
            Step::Answer(answer) => self.answer(answer),
        }
    }

    fn write(&mut self, octets: usize) -> Effects {
        let lab = &mut self.sender.lab;
        let text = &self.alphabet[self.written as usize % 26..][..octets];
        let taken = lab.stack.send(lab.now, lab.socket(), text).unwrap_or_default();
        self.written += taken as u32;
        lab.effects()
    }

    fn answer(&mut self, answer: &Answer) -> Effects {
        let una = self.acknowledged();
        // What was never sent is not acknowledged: that is another test.
        let next = if answer.next < 1 << 31 { answer.next % self.under_way() } else { answer.next };
        let blocks: Vec<_> =
            answer.blocks.iter().map(|(from, to)| (una + from, una + to)).collect();
        let segment = self.sender.answer(una.wrapping_add(next), &blocks, answer.flags);
        self.sender.lab.arrive(segment.window(answer.window)).1
    }

    /// Octets of text that the sender knows to have arrived.
    fn acknowledged(&self) -> u32 {
        place(self.sender.lab.detail().snd_una)
    }

    /// One more than SND.NXT - SND.UNA.
    fn under_way(&self) -> u32 {
        let detail = self.sender.lab.detail();
        detail.snd_nxt.wrapping_sub(detail.snd_una) + 1
    }

    /// The segments are not too many, and have the text that was written at their place.
    fn check(&self, effects: &Effects) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.sender.lab.state(), TcpState::Established);
        prop_assert!(effects.sent.len() <= 500, "{} at once", effects.sent.len());
        for segment in effects.segments() {
            let (from, octets) = (place(segment.seq.value()), segment.payload.len());
            prop_assert!(octets == 0 || from + octets as u32 <= self.written);
            if octets > 0 {
                prop_assert_eq!(
                    &segment.payload[..],
                    &self.alphabet[from as usize % 26..][..octets]
                );
            }
        }
        Ok(())
    }

    /// From now on the peer keeps what comes in order, and acknowledges it after 20 ms. The
    /// largest timeout is two minutes, so that ten without progress are too many.
    fn finish(&mut self) -> Result<(), TestCaseError> {
        let mut got = self.acknowledged();
        let mut last = (got, self.sender.lab.now);
        let mut effects = self.acknowledge(got);
        while self.acknowledged() < self.written {
            self.check(&effects)?;
            if self.acknowledged() > last.0 {
                last = (self.acknowledged(), self.sender.lab.now);
            }
            let waited = self.sender.lab.now.since(last.1);
            prop_assert!(waited < Duration::from_secs(600), "{got} of {}", self.written);
            effects = if effects.sent.is_empty() {
                let timeout = self.sender.lab.next_timeout();
                prop_assert!(timeout.is_some(), "nothing will send {got} of {}", self.written);
                timeout.map(|(_, effects)| effects).unwrap_or_default()
            } else {
                got = received(got, &effects);
                self.acknowledge(got)
            };
        }
        Ok(())
    }

    fn acknowledge(&mut self, got: u32) -> Effects {
        let mut effects = self.sender.lab.pass(Duration::from_millis(20));
        let answer = self.sender.answer(got, &[], Flags::empty()).window(60_000);
        effects.sent.extend(self.sender.lab.arrive(answer).1.sent);
        effects
    }
}

/// The place of a sequence number in the text.
fn place(seq: u32) -> u32 {
    seq.wrapping_sub(ISS.wrapping_add(1))
}

/// What has come in order with these segments, where so much had come before.
fn received(mut got: u32, effects: &Effects) -> u32 {
    for segment in effects.segments() {
        let from = place(segment.seq.value());
        if from <= got {
            got = got.max(from + segment.payload.len() as u32);
        }
    }
    got
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn everything_arrives_in_the_end_whatever_was_acknowledged_before(
        profile in a_profile(),
        changes in prop::collection::vec(select(CHANGES.to_vec()), 0..6),
        steps in prop::collection::vec(a_step(), 1..80),
    ) {
        let fixed = [("timestamps", "off"), ("retries", "10000")];
        let changes: Vec<_> = changes.into_iter().chain(fixed).collect();
        let sender = Sender::new(profile, &changes);
        let mut bench = Bench { sender, written: 0, alphabet: text(66_000) };
        for step in &steps {
            let effects = bench.take(step);
            bench.check(&effects)?;
        }
        bench.finish()?;
    }
}
