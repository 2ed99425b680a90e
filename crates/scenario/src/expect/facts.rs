//! A trace, arranged for questions.

use std::collections::BTreeMap;

use twomsl_sim::{End, Totals};
use twomsl_tcp::{Instant, Status, TcpState};
use twomsl_trace::{Action, Event, HostId, SocketRef, Trace};

use super::Connection;

/// What expectations are held against.
#[derive(Clone, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) trace: &'a Trace,
    /// What each host's applications wrote and read.
    pub(crate) totals: &'a [Totals],
    pub(crate) end: End,
    pub(crate) ended_at: Instant,
    /// The life of every socket, in the order in which they came to be.
    pub(crate) lives: Vec<Life>,
}

/// The states of one socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) socket: SocketRef,
    /// The state it came from.
    pub(crate) start: TcpState,
    /// Every state it entered, and when.
    pub(crate) entered: Vec<(Instant, TcpState)>,
    /// When a crash of its host ended it.
    pub(crate) crashed: Option<Instant>,
}

impl<'a> Facts<'a> {
    /// Arranges a trace.
    pub(crate) fn new(trace: &'a Trace, totals: &'a [Totals], end: End, ended_at: Instant) -> Self {
        Self { trace, totals, end, ended_at, lives: lives(trace) }
    }

    /// The name of a host.
    pub(crate) fn host_name(&self, host: usize) -> &'a str {
        self.trace.about.hosts.get(host).map_or("?", |host| host.name.as_str())
    }

    /// The sockets of a host.
    pub(crate) fn sockets(&self, host: usize) -> impl Iterator<Item = &Life> {
        let host = HostId(host as u16);
        self.lives.iter().filter(move |life| life.socket.host == host)
    }

    /// The connections of a host: sockets that were more than listeners.
    pub(crate) fn connections(&self, host: usize) -> impl Iterator<Item = &Life> {
        self.sockets(host).filter(|life| !life.only_listens())
    }

    /// One of them.
    pub(crate) fn connection(&self, host: usize, nth: Connection) -> Option<&Life> {
        let index = usize::try_from(nth.0).ok()?.checked_sub(1)?;
        self.connections(host).nth(index)
    }

    /// The socket table of a host at a moment, or in words that there was none.
    pub(crate) fn table(&self, host: usize, at: Instant) -> Result<&'a [Status], String> {
        let host = HostId(host as u16);
        let table = self.trace.records.iter().find_map(|record| match &record.event {
            Event::Table { host: of, sockets } if *of == host && record.at == at => {
                Some(sockets.as_slice())
            }
            _ => None,
        });
        table.ok_or_else(|| format!("the run was over at {}", self.ended_at))
    }

    /// That there is no such connection, in words.
    pub(crate) fn no_connection(&self, host: usize, nth: Connection) -> String {
        let count = self.connections(host).count();
        format!("there is no connection {}: {} had {count}", nth.0, self.host_name(host))
    }
}

/// Every socket's life, from its changes of state. The whole list is kept, because several
/// expectations ask for it, and each of them would have to read the trace.
fn lives(trace: &Trace) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::new();
    let mut places: BTreeMap<SocketRef, usize> = BTreeMap::new();
    for record in &trace.records {
        match &record.event {
            Event::State { socket, change } => {
                let place = *places.entry(*socket).or_insert(lives.len());
                if place == lives.len() {
                    lives.push(Life::new(*socket, change.from));
                }
                if let Some(life) = lives.get_mut(place) {
                    life.entered.push((record.at, change.to));
                }
            }
            Event::Incident { host, action: Action::Crashed } => {
                let lost = lives.iter_mut().filter(|life| life.socket.host == *host);
                lost.for_each(|life| life.crash(record.at));
            }
            _ => {}
        }
    }
    lives
}

impl Life {
    const fn new(socket: SocketRef, start: TcpState) -> Self {
        Self { socket, start, entered: Vec::new(), crashed: None }
    }

    /// A crash ends what is not closed yet. A host may crash again; the first time counts.
    fn crash(&mut self, at: Instant) {
        let closed = self.entered.last().is_none_or(|(_, state)| *state == TcpState::Closed);
        if self.crashed.is_none() && !closed {
            self.crashed = Some(at);
        }
    }

    /// A listener is no connection, although it has states. What a listener makes begins in
    /// LISTEN itself, and so does not count as one.
    fn only_listens(&self) -> bool {
        self.start == TcpState::Closed
            && self
                .entered
                .iter()
                .all(|(_, state)| matches!(state, TcpState::Listen | TcpState::Closed))
    }

    /// The state at a moment, after everything that happened then; none before its life and
    /// after its end.
    pub(crate) fn state_at(&self, at: Instant) -> Option<TcpState> {
        if self.crashed.is_some_and(|crashed| crashed <= at) {
            return None;
        }
        let before = self.entered.iter().take_while(|(time, _)| *time <= at);
        before.last().map(|(_, state)| *state).filter(|state| *state != TcpState::Closed)
    }

    /// When the state of a place in `entered` was left; none if that never happened.
    pub(crate) fn left(&self, place: usize) -> Option<Instant> {
        self.entered.get(place + 1).map(|(time, _)| *time).or(self.crashed)
    }

    /// `SYN-SENT (0.000) → ESTABLISHED (0.020)`.
    pub(crate) fn describe(&self) -> String {
        let steps = self.entered.iter().map(|(time, state)| format!("{state} ({time})"));
        let crash = self.crashed.map(|time| format!("the host crashed ({time})"));
        steps.chain(crash).collect::<Vec<_>>().join(" → ")
    }
}
