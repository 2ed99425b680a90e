//! Goes through the events of a script: each at its time, in virtual time, over a [`System`].
//!
//! The order of things is that of the tool (`run.c`, `run_packet.c`, `run_system_call.c`): an
//! arrival, a call, or a command waits until it is due; what the stack sends meanwhile queues up
//! with its own times, and is looked at when the script expects it. A blocking call returns while
//! other events happen.

mod calling;
mod code;
mod config;
mod icmp;
mod inbound;
mod machine;
mod notation;
mod outbound;
mod packets;
mod shell;
mod sockets;
#[cfg(test)]
mod tests;
mod time;
mod verdict;

use std::collections::{BTreeSet, VecDeque};

use twomsl_tcp::Instant;
use twomsl_tcp::wire::Packet;

use super::calls::Descriptors;
use super::script::{Action, Event, Script};
use super::system::System;
use crate::diagnostic::Span;
use calling::InFlight;
use outbound::Tick;
use shell::Shell;
use sockets::Sockets;
use time::{Due, Previous, Rules, When, seconds};

pub(crate) use config::Config;
pub use verdict::{Failure, Relaxation, Report, Verdict};

/// How often a machine may be asked for more before a script is taken to be without end: packets
/// that answer each other at one moment would never stop.
const MAX_STEPS: u64 = 1_000_000;

/// How much virtual time a script may take, in microseconds: thirty days.
const MAX_TIME: u64 = 30 * 86_400 * 1_000_000;

/// Why a script is not run further.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(Wrong),
    Skipped { span: Span, what: String },
}

/// Something was not as the script says.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) span: Span,
    pub(super) expected: String,
    pub(super) got: String,
}

impl Wrong {
    fn new(span: Span, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { span, expected: expected.into(), got: got.into() }
    }
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Self {
        Self::Failed(wrong)
    }
}

/// What is to be told beside how it ended.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) tolerated: Vec<Wrong>,
    pub(super) unknown_settings: Vec<String>,
    pub(super) relaxed: BTreeSet<Relaxation>,
}

/// Runs a script.
pub(super) fn run(
    script: &Script,
    text: &str,
    config: &Config,
    relaxations: &BTreeSet<Relaxation>,
    system: &mut dyn System,
) -> (Result<(), Stop>, Notes) {
    let mut run = Run::new(text, config, relaxations, system);
    let result = run.script(script);
    run.notes.unknown_settings = std::mem::take(&mut run.shell.unknown);
    (result, run.notes)
}

/// A script that runs.
struct Run<'a> {
    text: &'a str,
    config: &'a Config,
    relaxations: &'a BTreeSet<Relaxation>,
    system: &'a mut dyn System,
    descriptors: Descriptors,
    rules: Rules,
    /// When the first event happened, by the machine's clock.
    start: Instant,
    previous: Previous,
    sockets: Sockets,
    /// What the machine has sent and nobody has looked at, with the microseconds since the start.
    sent: VecDeque<(u64, Packet)>,
    /// The blocking call that has not returned.
    in_flight: Option<InFlight<'a>>,
    /// A call that waits although the script does not say so.
    alone: Option<InFlight<'a>>,
    /// The event that is under way.
    current: Span,
    /// `struct tcp_info` for each piece of code so far.
    infos: Vec<Vec<u8>>,
    shell: Shell,
    steps: u64,
    notes: Notes,
}

impl<'a> Run<'a> {
    fn new(
        text: &'a str,
        config: &'a Config,
        relaxations: &'a BTreeSet<Relaxation>,
        system: &'a mut dyn System,
    ) -> Self {
        Self {
            text,
            config,
            relaxations,
            start: system.now(),
            system,
            descriptors: Descriptors::default(),
            rules: Rules { dialect: config.dialect, tolerance: config.tolerance },
            previous: Previous::default(),
            sockets: Sockets::new(config.setup),
            sent: VecDeque::new(),
            in_flight: None,
            alone: None,
            current: Span::default(),
            infos: Vec::new(),
            shell: Shell::new(config.setup, config.environment.clone()),
            steps: 0,
            notes: Notes::default(),
        }
    }

    /// A script has ended when its last blocking call has returned and what stands in `%{ }%` holds.
    fn script(&mut self, script: &'a Script) -> Result<(), Stop> {
        packets::check(script)?;
        let codes = code::read(script)?;
        self.prepare()?;
        if self.config.dry_run {
            return Ok(());
        }
        if let Some(first) = script.events.first() {
            self.check_first(first)?;
        }
        for event in &script.events {
            self.event(event)?;
        }
        self.await_call()?;
        self.judge(&codes)
    }

    /// What the options ask for before anything happens.
    fn prepare(&mut self) -> Result<(), Stop> {
        if let Some(option) = &self.config.not_supported {
            let what = format!("--{}", option.name);
            return Err(Stop::Skipped { span: option.span, what });
        }
        if let Some(mtu) = self.config.mtu {
            let order = shell::mtu(mtu);
            self.system.administer(order);
        }
        for command in &self.config.init_scripts {
            self.command(command, Span::default())?;
        }
        // Setting up takes no time of the script's.
        self.start = self.system.now();
        Ok(())
    }

    /// As the tool has it: the clock starts with the first event.
    fn check_first(&self, event: &Event) -> Result<(), Stop> {
        let mut previous = Previous::default();
        let due = self.rules.due(event, 0, &mut previous).ok();
        match due.map(|due| due.when.start()) {
            Some(0) => Ok(()),
            other => {
                let at = seconds(other.unwrap_or_default());
                Err(Wrong::new(event.span, "the first event at time 0", format!("one at {at}"))
                    .into())
            }
        }
    }

    fn event(&mut self, event: &'a Event) -> Result<(), Stop> {
        self.current = event.span;
        let now = self.now();
        let due = self.rules.due(event, now, &mut self.previous).map_err(|backward| {
            let expected = format!("a time not before {}", seconds(backward.previous));
            Wrong::new(event.span, expected, seconds(backward.due))
        })?;
        let (result, tolerated) = match &event.action {
            Action::Packet(packet) => {
                (self.packet(packet, &due, event.span), self.config.tolerated.packets)
            }
            Action::Call(call) => (self.call(call, &due, event.span), self.config.tolerated.calls),
            Action::Command(text) => {
                self.wait_until_due(&due, event.span, "the command")?;
                (self.command(text, event.span), false)
            }
            Action::Code(_) => {
                self.wait_until_due(&due, event.span, "the code")?;
                (self.code(event.span), false)
            }
        };
        match result {
            Err(Stop::Failed(wrong)) if tolerated => {
                self.notes.tolerated.push(wrong);
                Ok(())
            }
            result => result,
        }
    }

    // ---- time ----

    /// Microseconds since the start.
    fn now(&self) -> u64 {
        self.since_start(self.system.now())
    }

    fn since_start(&self, moment: Instant) -> u64 {
        (moment.as_nanos() - self.start.as_nanos().min(moment.as_nanos())) / 1_000
    }

    fn moment(&self, micros: u64) -> Instant {
        Instant::from_nanos(self.start.as_nanos().saturating_add(micros.saturating_mul(1_000)))
    }

    /// Lets the machine go on until something has happened, not further than `limit`, and takes in
    /// what it was.
    fn step(&mut self, limit: u64) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(
                Wrong::new(self.current, "a script that ends", "an exchange without end").into()
            );
        }
        self.system.advance(self.moment(limit.min(MAX_TIME)));
        self.collect()
    }

    /// Takes in what has been sent and which calls have returned.
    fn collect(&mut self) -> Result<(), Stop> {
        while let Some((at, packet)) = self.system.sent() {
            let at = self.since_start(at);
            self.sent.push_back((at, packet));
        }
        while let Some(finished) = self.system.finished() {
            self.returned(&finished)?;
        }
        Ok(())
    }

    fn advance_to(&mut self, target: u64, span: Span) -> Result<(), Stop> {
        if target > MAX_TIME {
            return Err(Wrong::new(span, "a script of some days at most", seconds(target)).into());
        }
        while self.now() < target {
            self.step(target)?;
        }
        Ok(())
    }

    /// Waits until an event is due, which must not be past.
    fn wait_until_due(&mut self, due: &Due, span: Span, what: &str) -> Result<(), Stop> {
        self.advance_to(due.when.start(), span)?;
        let now = self.now();
        if due.includes(now) || self.relaxed(Relaxation::Timing) {
            return Ok(());
        }
        Err(Wrong::new(
            span,
            format!("{what} {}", due.describe()),
            format!("it at {}", seconds(now)),
        )
        .into())
    }

    // ---- what is not looked at ----

    /// Whether a difference of this kind does not count; then it is noted that there was one.
    fn relaxed(&mut self, relaxation: Relaxation) -> bool {
        let relaxed = self.relaxations.contains(&relaxation);
        if relaxed {
            self.notes.relaxed.insert(relaxation);
        }
        relaxed
    }

    /// How timestamps are compared, where the script wants that.
    fn tick(&self) -> Option<Tick> {
        let usecs = self.config.tick_usecs?;
        Some(Tick { usecs, tolerance: self.config.tolerance })
    }

    /// What stands at a place of the script, in one line.
    fn source(&self, span: Span) -> String {
        let words: Vec<&str> = span.of(self.text).split_whitespace().collect();
        words.join(" ")
    }
}

/// The end of what may be waited for when a packet may come at any time: longer than two hours, after
/// which an idle connection is probed.
const ANY_TIME: u64 = 4 * 3_600 * 1_000_000;

/// How long after its time a packet is looked for that has not come, to say what came instead.
const LATE: u64 = 120 * 1_000_000;

/// How long to wait for a packet that counts, and for one that only tells what happened.
fn patience(due: &Due, now: u64) -> (u64, u64) {
    let latest = match due.when {
        When::Any(_) => now.saturating_add(ANY_TIME),
        When::At(_) | When::Between(..) => due.latest().unwrap_or(now).max(now),
    };
    let late = if due.latest().is_some() { latest.saturating_add(LATE) } else { latest };
    (latest, late)
}
