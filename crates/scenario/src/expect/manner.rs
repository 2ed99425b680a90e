//! In which manner an expectation fails: for whoever makes a failing run smaller and wants it to
//! go on failing for the same reason.
//!
//! Whether there is too little or too much is found by asking again with one bound taken away: what
//! holds without its upper bound has failed for too much.

use twomsl_tcp::SocketError;
use twomsl_trace::{Event, HostId};

use super::check::check;
use super::facts::Facts;
use super::{
    Counts, EndsWanted, Expected, PathWanted, ResultWanted, StateWanted, TimerWanted, Wanted,
};
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::source::Source;

impl Scenario {
    /// How an outcome of this scenario stands to each of its expectations, those of the run first,
    /// then those of every schedule: `None` where it holds, else the manner in which it fails. That is
    /// a few words without times and numbers of anything: two runs that miss an expectation in the
    /// same manner miss it for the same reason.
    ///
    /// ```
    /// # use twomsl_scenario::Scenario;
    /// let scenario = Scenario::parse("ping.kdl", r#"
    ///     scenario "Ping"
    ///     host "client" profile="linux"
    ///     host "server" profile="linux"
    ///     link "client" "server" delay="10ms"
    ///     role "server" { listen 80; accept; read-to-end; close }
    ///     role "client" { connect "server:80"; write "hello"; close }
    ///     expect { segments flags="FIN" count=2; segments retransmission=#true count=2 }
    /// "#)?;
    /// let manners = scenario.manners(&scenario.run()?);
    /// assert_eq!(manners, [None, Some("too few".to_owned())]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn manners(&self, outcome: &Outcome) -> Vec<Option<String>> {
        let Outcome { trace, totals, end, ended_at, .. } = outcome;
        let facts = Facts::new(trace, totals, *end, *ended_at);
        let always = self.compiled.bound.iter().flat_map(|bound| &bound.expected);
        let all = self.compiled.expected.iter().chain(always);
        all.map(|one: &Expected| manner(&one.wanted, &facts, &self.source)).collect()
    }
}

fn manner(wanted: &Wanted, facts: &Facts<'_>, source: &Source) -> Option<String> {
    check(wanted, facts, source).err()?;
    let holds = |other: Wanted| check(&other, facts, source).is_ok();
    let words = match wanted {
        Wanted::Path(path) => parts_from(path, facts),
        Wanted::Read { octets, host } => {
            let found = facts.totals.get(*host).map_or(0, |totals| totals.read);
            few_or_many(found < *octets)
        }
        Wanted::Written { octets, host } => {
            let found = facts.totals.get(*host).map_or(0, |totals| totals.written);
            few_or_many(found < *octets)
        }
        Wanted::Timer(timer) => timers(timer, &holds),
        Wanted::Result(result) => results(result, facts, &holds),
        Wanted::Ends(ends) => self::ends(ends, facts),
        Wanted::State(state) => self::state(state, &holds),
        Wanted::Table(_) => "another table".to_owned(),
        counted => few_or_many(!without_bound(counted).is_some_and(holds)),
    };
    Some(words)
}

fn few_or_many(few: bool) -> String {
    if few { "too few".to_owned() } else { "too many".to_owned() }
}

/// The same without its upper bound, if it has one.
fn without_bound(wanted: &Wanted) -> Option<Wanted> {
    let mut wanted = wanted.clone();
    let counts = match &mut wanted {
        Wanted::Segments(segments) => {
            // A list of times is a list: what is not on it is too much or too late.
            segments.times = None;
            &mut segments.counts
        }
        Wanted::Result(result) => &mut result.counts,
        Wanted::State(state) => state.counts.as_mut()?,
        Wanted::Variable(variable) => &mut variable.values,
        Wanted::Drops(drops) => &mut drops.counts,
        Wanted::Sockets { counts, .. }
        | Wanted::Verdict { counts, .. }
        | Wanted::Violation { counts, .. } => counts,
        _ => return None,
    };
    *counts = Counts { max: None, ..*counts };
    Some(wanted)
}

/// Where a connection left the path, and where it went instead.
fn parts_from(wanted: &PathWanted, facts: &Facts<'_>) -> String {
    let Some(life) = facts.connection(wanted.host, wanted.connection) else {
        return "no connection".to_owned();
    };
    let mut entered = life.entered.iter().map(|(_, state)| *state).peekable();
    // It may be given from the state on that the connection came from.
    let from = usize::from(wanted.states.first() == Some(&life.start));
    let mut states = wanted.states.iter().skip(from);
    loop {
        match (states.next(), entered.next()) {
            (Some(wanted), Some(found)) if *wanted == found => {}
            (wanted, found) => {
                let name = |state: Option<twomsl_tcp::TcpState>| {
                    state.map_or("the end", twomsl_tcp::TcpState::name)
                };
                return format!("{} instead of {}", name(found), name(wanted.copied()));
            }
        }
    }
}

/// One of the numbers of a timer.
type Field = fn(&mut TimerWanted) -> &mut Option<u64>;

/// Which of the numbers of a timer is wrong, and whether it is too small.
fn timers(wanted: &TimerWanted, holds: &impl Fn(Wanted) -> bool) -> String {
    let none = TimerWanted { set: None, restarts: None, stopped: None, fired: None, ..*wanted };
    let fields: [(&str, Option<u64>, Field); 4] = [
        ("set", wanted.set, |timer| &mut timer.set),
        ("restarts", wanted.restarts, |timer| &mut timer.restarts),
        ("stopped", wanted.stopped, |timer| &mut timer.stopped),
        ("fired", wanted.fired, |timer| &mut timer.fired),
    ];
    let with = |field: Field, number: u64| {
        let mut timer = none.clone();
        *field(&mut timer) = Some(number);
        holds(Wanted::Timer(timer))
    };
    for (name, number, field) in fields {
        let Some(number) = number.filter(|number| !with(field, *number)) else { continue };
        return format!("{name} {}", few_or_many((0..number).any(|fewer| with(field, fewer))));
    }
    "no connection".to_owned()
}

/// Too few or too many, and what calls returned that should have returned something else.
fn results(wanted: &ResultWanted, facts: &Facts<'_>, holds: &impl Fn(Wanted) -> bool) -> String {
    let relaxed = without_bound(&Wanted::Result(wanted.clone()));
    if wanted.nth.is_none() && relaxed.is_some_and(holds) {
        return "too many".to_owned();
    }
    let host = HostId(wanted.host as u16);
    let kind = |result: &Result<Option<u64>, SocketError>| match result {
        Ok(Some(0)) => "the end of the file",
        Ok(_) => "a success",
        Err(error) => error.name(),
    };
    let others = facts.trace.records.iter().filter_map(|record| match &record.event {
        Event::Returned { host: of, call, result, .. }
            if *of == host && *call == wanted.call && !wanted.answer.is(result) =>
        {
            Some(kind(result))
        }
        _ => None,
    });
    let mut others: Vec<&str> = others.collect();
    others.sort_unstable();
    others.dedup();
    format!(
        "too few, but {}",
        if others.is_empty() { "nothing".to_owned() } else { others.join(", ") }
    )
}

/// How the run ended, if that is what is wrong; else whether it ended late.
fn ends(wanted: &EndsWanted, facts: &Facts<'_>) -> String {
    if wanted.how.is_some_and(|how| how != facts.end) {
        return format!("{:?}", facts.end);
    }
    let limit = wanted.by.or(wanted.at);
    let late = limit.is_some_and(|limit| facts.ended_at > limit);
    if late { "late".to_owned() } else { "early".to_owned() }
}

/// Whether a state was not met, or met too often, or not then, or not for so long.
fn state(wanted: &StateWanted, holds: &impl Fn(Wanted) -> bool) -> String {
    let any = StateWanted { lasts: None, at: None, counts: Some(Counts::SOME), ..wanted.clone() };
    let counted = StateWanted { lasts: None, at: None, ..wanted.clone() };
    if !holds(Wanted::State(counted.clone())) {
        let relaxed = without_bound(&Wanted::State(counted));
        return few_or_many(!relaxed.is_some_and(holds));
    }
    if !holds(Wanted::State(any)) {
        return "never".to_owned();
    }
    let then = StateWanted { lasts: None, ..wanted.clone() };
    if holds(Wanted::State(then)) {
        "another duration".to_owned()
    } else {
        "another state".to_owned()
    }
}
