//! The axes of the matrix, and what happens in one cell.

use twomsl_tcp::profile::BlindAttacks;
use twomsl_tcp::wire::{Flags, Segment};
use twomsl_tcp::{Profile, Readiness, StateChange, TcpState, TimerKind, Verdict};

use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, FIN, PEER_WINDOW, PSH, RST, SYN, Shape as _, segment, text};
use crate::harness::scene::{IRS, ISS, Scene, WINDOW};

/// What arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Syn,
    SynAck,
    SynFin,
    Ack,
    Fin,
    FinAck,
    Rst,
    RstAck,
    /// An ACK with 100 octets of text.
    Data,
    /// No control bit at all.
    Nothing,
}

impl Kind {
    pub(super) const ALL: [Self; 10] = [
        Self::Syn,
        Self::SynAck,
        Self::SynFin,
        Self::Ack,
        Self::Fin,
        Self::FinAck,
        Self::Rst,
        Self::RstAck,
        Self::Data,
        Self::Nothing,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Syn => "SYN",
            Self::SynAck => "SYN,ACK",
            Self::SynFin => "SYN,FIN",
            Self::Ack => "ACK",
            Self::Fin => "FIN",
            Self::FinAck => "FIN,ACK",
            Self::Rst => "RST",
            Self::RstAck => "RST,ACK",
            Self::Data => "data",
            Self::Nothing => "nothing",
        }
    }

    fn flags(self) -> Flags {
        match self {
            Self::Syn => SYN,
            Self::SynAck => SYN | ACK,
            Self::SynFin => SYN | FIN,
            Self::Ack => ACK,
            Self::Fin => FIN,
            Self::FinAck => FIN | ACK,
            Self::Rst => RST,
            Self::RstAck => RST | ACK,
            Self::Data => ACK | PSH,
            Self::Nothing => Flags::empty(),
        }
    }
}

/// Where SEG.SEQ is, relative to the receive window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeqAt {
    /// Before RCV.NXT, by more than the segment is long.
    Left,
    /// RCV.NXT.
    At,
    Inside,
    /// RCV.NXT + RCV.WND: the first number outside.
    RightEdge,
    Beyond,
}

impl SeqAt {
    pub(super) const ALL: [Self; 5] =
        [Self::Left, Self::At, Self::Inside, Self::RightEdge, Self::Beyond];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::At => "at",
            Self::Inside => "inside",
            Self::RightEdge => "edge",
            Self::Beyond => "beyond",
        }
    }
}

/// What SEG.ACK is, relative to what is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckAt {
    /// Before SND.UNA by more than MAX.SND.WND.
    Old,
    /// Before SND.UNA by less.
    Left,
    /// SND.UNA.
    Una,
    /// Between; where nothing or one octet is under way, the same as SND.UNA or SND.NXT.
    Inside,
    /// SND.NXT.
    Nxt,
    Beyond,
}

impl AckAt {
    pub(super) const ALL: [Self; 6] =
        [Self::Old, Self::Left, Self::Una, Self::Inside, Self::Nxt, Self::Beyond];
}

/// The transmission control block as far as the oracle needs it, known from how the scene was
/// set and not from the stack's own account.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) scene: Scene,
    pub(super) rules: BlindAttacks,
    pub(super) iss: u32,
    pub(super) snd_una: u32,
    pub(super) snd_nxt: u32,
    pub(super) max_snd_wnd: u32,
    pub(super) rcv_nxt: u32,
    pub(super) rcv_wnd: u32,
}

impl Block {
    fn of(scene: Scene, rules: BlindAttacks) -> Self {
        let at = |octets: u32| ISS.wrapping_add(octets);
        let (una, nxt) = match scene {
            Scene::Closed | Scene::Listen => (0, 0),
            Scene::SynSent | Scene::SynReceivedPassive | Scene::SynReceivedActive => (0, 1),
            Scene::Established | Scene::CloseWait => (1, 301),
            Scene::FinWait1 | Scene::Closing | Scene::LastAck => (1, 302),
            Scene::FinWait2 | Scene::TimeWait => (302, 302),
        };
        let fin_taken =
            matches!(scene, Scene::CloseWait | Scene::Closing | Scene::LastAck | Scene::TimeWait);
        let fin = u32::from(fin_taken);
        Self {
            scene,
            rules,
            iss: ISS,
            snd_una: at(una),
            snd_nxt: at(nxt),
            max_snd_wnd: u32::from(PEER_WINDOW),
            rcv_nxt: IRS.wrapping_add(1 + fin),
            rcv_wnd: WINDOW - fin,
        }
    }

    fn seq(&self, at: SeqAt) -> u32 {
        match at {
            SeqAt::Left => self.rcv_nxt.wrapping_sub(200),
            SeqAt::At => self.rcv_nxt,
            SeqAt::Inside => self.rcv_nxt.wrapping_add(300),
            SeqAt::RightEdge => self.rcv_nxt.wrapping_add(self.rcv_wnd),
            SeqAt::Beyond => self.rcv_nxt.wrapping_add(self.rcv_wnd + 500),
        }
    }

    fn ack(&self, at: AckAt) -> u32 {
        let half = self.snd_nxt.wrapping_sub(self.snd_una).div_ceil(2);
        match at {
            // TIME-WAIT may forget MAX.SND.WND and assume the largest there is.
            AckAt::Old => self.snd_una.wrapping_sub(70_000),
            AckAt::Left => self.snd_una.wrapping_sub(500),
            AckAt::Una => self.snd_una,
            AckAt::Inside => self.snd_una.wrapping_add(half),
            AckAt::Nxt => self.snd_nxt,
            AckAt::Beyond => self.snd_nxt.wrapping_add(500),
        }
    }
}

/// A scene under one set of rules.
#[derive(Debug)]
pub(super) struct World {
    lab: Lab,
    pub(super) block: Block,
}

/// What one segment led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The states passed through, the first being the one at the start.
    pub(super) path: Vec<TcpState>,
    /// Flags, sequence and acknowledgment number of what was sent.
    pub(super) replies: Vec<(Flags, u32, u32)>,
    /// How far SND.UNA and RCV.NXT moved, while there is a connection.
    pub(super) moved: Option<(u32, u32)>,
    pub(super) acknowledgment: Later,
    pub(super) time_wait: Clock,
    pub(super) told: Vec<Readiness>,
    pub(super) verdict: Verdict,
}

/// Whether an acknowledgment will follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Later {
    Owed,
    NotOwed,
}

/// What became of 2MSL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    Restarted,
    Untouched,
}

impl World {
    pub(super) fn new(scene: Scene, profile: &Profile) -> Self {
        let mut lab = scene.with(profile.clone());
        // So that a restarted clock is told from one that runs on.
        lab.now += std::time::Duration::from_millis(1);
        Self { lab, block: Block::of(scene, profile.blind_attacks) }
    }

    pub(super) fn segment(&self, kind: Kind, seq: SeqAt, ack: AckAt) -> Segment {
        let flags = kind.flags();
        let ack = if flags.contains(ACK) { self.block.ack(ack) } else { 0 };
        let segment = segment(flags, self.block.seq(seq), ack);
        if kind == Kind::Data { segment.text(&text(100)) } else { segment }
    }

    /// The changes of state that the segment leads to.
    pub(super) fn changes(&self, segment: Segment) -> Vec<StateChange> {
        self.lab.clone().arrive(segment).1.changes()
    }

    /// Lets the segment arrive in a copy of the scene.
    pub(super) fn run(&self, segment: Segment) -> Outcome {
        let mut lab = self.lab.clone();
        let before = lab.timer(TimerKind::TimeWait);
        let (arrival, effects) = lab.arrive(segment);
        let mut path = vec![self.block.scene.state()];
        path.extend(effects.changes().iter().map(|change| change.to));
        let after = lab.timer(TimerKind::TimeWait);
        let restarted = before.is_some() && after > before;
        let owed = lab.timer(TimerKind::DelayedAck).is_some();
        let synchronized = !matches!(lab.state(), TcpState::Closed | TcpState::SynSent);
        let detail = if synchronized { lab.status().detail } else { None };
        Outcome {
            path,
            replies: effects
                .segments()
                .iter()
                .map(|reply| (reply.flags, reply.seq.value(), reply.ack.value()))
                .collect(),
            moved: detail.map(|detail| {
                let una = detail.snd_una.wrapping_sub(self.block.snd_una);
                (una, detail.rcv_nxt.wrapping_sub(self.block.rcv_nxt))
            }),
            acknowledgment: if owed { Later::Owed } else { Later::NotOwed },
            time_wait: if restarted { Clock::Restarted } else { Clock::Untouched },
            told: effects.told(),
            verdict: arrival.verdict,
        }
    }
}
