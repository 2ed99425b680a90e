//! One stack on a bench: the test plays the application, the peer and the clock.

use std::time::Duration;

use twomsl_tcp::wire::{Flags, Packet, Segment};
use twomsl_tcp::{
    Arrival, Detail, Event, Instant, Output, Profile, Readiness, SendReason, SocketId, Stack,
    StateChange, Status, TcpState, TimerKind, Transmit,
};

use super::packets::{OURS, packet};

/// A stack, its clock, and the socket the test is about.
#[derive(Clone, Debug)]
pub(crate) struct Lab {
    pub(crate) stack: Stack,
    pub(crate) now: Instant,
    pub(crate) socket: Option<SocketId>,
    pub(crate) listener: Option<SocketId>,
}

/// The effects of one call or event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    pub(crate) sent: Vec<Transmit>,
    pub(crate) events: Vec<Event>,
}

impl Effects {
    /// The segments that were sent.
    pub(crate) fn segments(&self) -> Vec<Segment> {
        self.sent.iter().filter_map(|sent| sent.packet.segment().cloned()).collect()
    }

    /// The only segment that was sent.
    #[track_caller]
    pub(crate) fn only(&self) -> Segment {
        let segments = self.segments();
        assert_eq!(segments.len(), 1, "one segment is sent: {segments:?}");
        segments.into_iter().next().expect("there is one")
    }

    /// Flags and octets of text of what was sent: `ACK`, `PSH,ACK 10`.
    pub(crate) fn brief(&self) -> Vec<String> {
        self.segments().iter().map(brief).collect()
    }

    /// Why it was sent.
    pub(crate) fn reasons(&self) -> Vec<SendReason> {
        self.sent.iter().map(|sent| sent.reason).collect()
    }

    /// The changes of state.
    pub(crate) fn changes(&self) -> Vec<StateChange> {
        let change = |event: &Event| match event {
            Event::State(change) => Some(*change),
            _ => None,
        };
        self.events.iter().filter_map(change).collect()
    }

    /// What applications were told.
    pub(crate) fn told(&self) -> Vec<Readiness> {
        let told = |event: &Event| match event {
            Event::Ready { readiness, .. } => Some(*readiness),
            _ => None,
        };
        self.events.iter().filter_map(told).collect()
    }
}

/// Flags and octets of text.
pub(crate) fn brief(segment: &Segment) -> String {
    let flags = segment.flags - Flags::PSH;
    match segment.payload.len() {
        0 => flags.to_string(),
        octets => format!("{flags} {octets}"),
    }
}

impl Lab {
    pub(crate) fn new(profile: Profile) -> Self {
        let mut stack = Stack::new(profile, [7; 16]);
        stack.add_address(OURS);
        Self { stack, now: Instant::from_millis(1000), socket: None, listener: None }
    }

    /// Takes all effects.
    pub(crate) fn effects(&mut self) -> Effects {
        let mut effects = Effects::default();
        while let Some(output) = self.stack.poll() {
            match output {
                Output::Transmit(transmit) => effects.sent.push(transmit),
                Output::Event(event) => effects.events.push(event),
            }
        }
        effects
    }

    /// A packet arrives.
    pub(crate) fn arrive_packet(&mut self, packet: Packet) -> (Arrival, Effects) {
        let arrival = self.stack.on_packet(self.now, packet);
        (arrival, self.effects())
    }

    /// A segment of the peer arrives.
    pub(crate) fn arrive(&mut self, segment: Segment) -> (Arrival, Effects) {
        self.arrive_packet(packet(segment))
    }

    /// The socket the test is about.
    #[track_caller]
    pub(crate) fn socket(&self) -> SocketId {
        self.socket.expect("the test has a socket")
    }

    /// STATUS of that socket.
    #[track_caller]
    pub(crate) fn status(&self) -> Status {
        self.stack.status(self.socket()).expect("the socket exists")
    }

    /// Its sequence variables.
    #[track_caller]
    pub(crate) fn detail(&self) -> Detail {
        self.status().detail.expect("a connection has sequence variables")
    }

    /// Its state; CLOSED when it is gone.
    pub(crate) fn state(&self) -> TcpState {
        let status = self.socket.and_then(|socket| self.stack.status(socket).ok());
        status.map_or(TcpState::Closed, |status| status.state)
    }

    /// When a timer of that socket will fire.
    pub(crate) fn timer(&self, kind: TimerKind) -> Option<Instant> {
        let status = self.socket.and_then(|socket| self.stack.status(socket).ok())?;
        status.timers.iter().find(|(timer, _)| *timer == kind).map(|(_, at)| *at)
    }

    /// Time passes; timers that are due by then fire at their own moment.
    pub(crate) fn pass(&mut self, time: Duration) -> Effects {
        let end = self.now + time;
        let mut all = Effects::default();
        while let Some((at, _)) = self.stack.next_deadline()
            && at <= end
        {
            self.now = at;
            self.stack.on_timeout(at);
            let effects = self.effects();
            all.sent.extend(effects.sent);
            all.events.extend(effects.events);
        }
        self.now = end;
        all
    }

    /// Time jumps to the next deadline, if there is one.
    pub(crate) fn next_timeout(&mut self) -> Option<(TimerKind, Effects)> {
        let (at, kind) = self.stack.next_deadline()?;
        self.now = self.now.max(at);
        self.stack.on_timeout(self.now);
        Some((kind, self.effects()))
    }
}
