//! Which events connections met in which states.

use twomsl_tcp::wire::{Body, Flags, Packet};
use twomsl_tcp::{SocketId, TcpState, TimerKind};

use crate::life::LifeId;
use crate::live::Live;

/// Which events connections met in which states: what arrived for them, and which of their timers
/// ran out. A bit for each pair, so that runs can be added up and cloned at no cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// By state: the events as bits, those of [`Met::Arrived`] first.
    reached: [u32; TcpState::ALL.len()],
}

/// Something that a connection met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// A packet of this kind arrived.
    Arrived(PacketKind),
    /// A timer ran out.
    Fired(TimerKind),
}

/// A kind of packet, as its receiver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// A SYN without an ACK.
    Syn,
    /// A SYN with one.
    SynAck,
    /// Neither text nor a flag of the others.
    Ack,
    /// Text, and none of the other flags.
    Text,
    /// A FIN, with or without text.
    Fin,
    /// A reset.
    Rst,
    /// ICMP about a connection.
    Icmp,
}

impl Coverage {
    /// The event was met in the state.
    pub(crate) const fn reach(&mut self, state: TcpState, met: Met) {
        self.reached[state as usize] |= 1 << met.place();
    }

    /// As numbers, to be kept: a word for each state.
    pub const fn bits(&self) -> [u32; TcpState::ALL.len()] {
        self.reached
    }

    /// From [`bits`](Self::bits).
    pub const fn from_bits(bits: [u32; TcpState::ALL.len()]) -> Self {
        Self { reached: bits }
    }

    /// Together with another one.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.reached.iter_mut().zip(other.reached) {
            *mine |= theirs;
        }
    }

    /// Whether an event was met in a state.
    pub const fn has(&self, state: TcpState, met: Met) -> bool {
        self.reached[state as usize] & (1 << met.place()) != 0
    }

    /// The events that were met in any state: packets first, then timers.
    pub fn events(&self) -> Vec<Met> {
        let any = self.reached.iter().fold(0, |any, events| any | events);
        Met::all().filter(|met| any & (1 << met.place()) != 0).collect()
    }

    /// How many pairs of state and event were reached.
    pub fn len(&self) -> u32 {
        self.reached.iter().map(|events| events.count_ones()).sum()
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Live {
    /// A socket met something.
    pub(crate) fn meet(&mut self, host: u32, socket: Option<SocketId>, met: Met) {
        let life = socket.map_or(LifeId::NONE, |socket| self.life_of(host, socket));
        let state = match self.lives.get(life).map(|life| life.state) {
            // It has only just been made by what arrived, for a listener.
            Some(TcpState::Closed) if matches!(met, Met::Arrived(_)) => TcpState::Listen,
            known => known.unwrap_or(TcpState::Closed),
        };
        self.coverage.reach(state, met);
    }
}

impl Met {
    /// Everything that can be met, in the order in which it is shown.
    pub fn all() -> impl Iterator<Item = Self> {
        let fired = TimerKind::ALL.into_iter().map(Self::Fired);
        PacketKind::ALL.into_iter().map(Self::Arrived).chain(fired)
    }

    const fn place(self) -> usize {
        match self {
            Self::Arrived(kind) => kind as usize,
            Self::Fired(timer) => PacketKind::ALL.len() + timer as usize,
        }
    }

    /// As tables show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrived(kind) => kind.name(),
            Self::Fired(timer) => timer.name(),
        }
    }
}

impl PacketKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] =
        [Self::Syn, Self::SynAck, Self::Ack, Self::Text, Self::Fin, Self::Rst, Self::Icmp];

    /// That of a packet.
    pub(crate) fn of(packet: &Packet) -> Self {
        let Body::Tcp(segment) = &packet.body else { return Self::Icmp };
        match segment.flags {
            flags if flags.contains(Flags::RST) => Self::Rst,
            flags if flags.contains(Flags::SYN | Flags::ACK) => Self::SynAck,
            flags if flags.contains(Flags::SYN) => Self::Syn,
            flags if flags.contains(Flags::FIN) => Self::Fin,
            _ if !segment.payload.is_empty() => Self::Text,
            _ => Self::Ack,
        }
    }

    /// As tables show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syn => "SYN",
            Self::SynAck => "SYN,ACK",
            Self::Ack => "ACK",
            Self::Text => "text",
            Self::Fin => "FIN",
            Self::Rst => "RST",
            Self::Icmp => "ICMP",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_a_bit_of_its_own() {
        let mut all = Coverage::default();
        for state in TcpState::ALL {
            for met in Met::all() {
                assert!(!all.has(state, met), "{state:?} {met:?}");
                all.reach(state, met);
                assert!(all.has(state, met), "{state:?} {met:?}");
            }
        }
        assert_eq!(all.len() as usize, TcpState::ALL.len() * Met::all().count());
    }

    #[test]
    fn what_is_added_is_there_once() {
        let (mut one, mut other) = (Coverage::default(), Coverage::default());
        let (syn, fired) = (Met::Arrived(PacketKind::Syn), Met::Fired(TimerKind::TimeWait));
        one.reach(TcpState::Listen, syn);
        other.reach(TcpState::Listen, syn);
        other.reach(TcpState::TimeWait, fired);
        one.add(&other);
        assert_eq!((one.len(), one.events()), (2, vec![syn, fired]));
    }
}
