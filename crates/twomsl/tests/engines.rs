//! One test per scenario file that both engines can run: they tell the same story.
//!
//! What is compared is what a host does: the segments it sends, the states its sockets enter, what
//! its calls return, each in its order, with times that agree within two ticks of turmoil. What
//! happens on different hosts at the same moment has no order.
//!
//! netem's `reorder` lets packets take no time at all. Turmoil's hosts take turns tick by tick, so
//! that such a packet is late by up to two ticks; what follows is another story, as random as the
//! first, and only what applications got is compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use twomsl::scenario::Engine;
use twomsl::sim::spec::Probability;
use twomsl::sockets::engine::{TICK, cannot};
use twomsl::tcp::Instant;
use twomsl::trace::{Event, Trace, tcpdump};
use twomsl::{Outcome, Scenario, run_on};

datatest_stable::harness! {
    { test = same_story, root = "scenarios", pattern = r"\.kdl$" },
}

/// How far the times of the same thing may be apart.
const TOLERANCE: Duration = Duration::from_nanos(2 * TICK.as_nanos() as u64);

type Result = datatest_stable::Result<()>;

/// What happened on one strand of a run, in order: when, and what.
type Strand = Vec<(Instant, String)>;

fn same_story(path: &Path) -> Result {
    let scenario = Scenario::load(path)?;
    if scenario.story().engine.is_some() {
        // A scenario that only one of them can run says so, and is refused by the other.
        let refused = Engine::ALL.iter().filter(|engine| run_on(&scenario, **engine).is_err());
        assert_eq!(refused.count(), Engine::ALL.len() - 1);
        return Ok(());
    }
    if let Some(why) = cannot(&scenario.spec()) {
        return Err(format!("{why}: say `engine \"sim\" because=\"…\"`").into());
    }
    // Every seed of a random scenario is another story; two are enough to see that luck is shared.
    for seed in scenario.seeds().iter().take(2) {
        let scenario = scenario.clone().with_seed(*seed);
        let world = run_on(&scenario, Engine::Sim)?;
        let turmoil = run_on(&scenario, Engine::Turmoil)?;
        if !turmoil.holds() {
            return Err(turmoil.report().into());
        }
        if takes_no_time(&scenario) {
            assert_eq!(world.totals, turmoil.totals);
            continue;
        }
        compare(&world, &turmoil).map_err(|text| format!("seed {seed}: {text}"))?;
    }
    Ok(())
}

/// Whether packets can arrive in the moment in which they are sent.
fn takes_no_time(scenario: &Scenario) -> bool {
    let mut links = scenario.spec().links.into_iter();
    links.any(|link| {
        [link.forward, link.backward].iter().any(|way| way.reorder != Probability::NEVER)
    })
}

fn compare(world: &Outcome, turmoil: &Outcome) -> std::result::Result<(), String> {
    let (here, there) = (strands(&world.trace), strands(&turmoil.trace));
    let names: Vec<_> = here.keys().collect();
    if names != there.keys().collect::<Vec<_>>() {
        return Err(format!("strands differ: {names:?} and {:?}", there.keys()));
    }
    let mut text = String::new();
    for (name, strand) in &here {
        if let Some(difference) = difference(strand, &there[name]) {
            let _ = writeln!(text, "{name}: {difference}");
        }
    }
    if world.totals != turmoil.totals {
        let _ = writeln!(text, "totals: {:?} and {:?}", world.totals, turmoil.totals);
    }
    if world.end != turmoil.end || apart(world.ended_at, turmoil.ended_at) {
        let (here, there) = (world.ended_at, turmoil.ended_at);
        let _ = writeln!(text, "ended {:?} at {here}, {:?} at {there}", world.end, turmoil.end);
    }
    if text.is_empty() { Ok(()) } else { Err(text) }
}

fn difference(here: &Strand, there: &Strand) -> Option<String> {
    for ((at, what), (at_there, what_there)) in here.iter().zip(there) {
        if what != what_there {
            return Some(format!("at {at} `{what}`, in turmoil at {at_there} `{what_there}`"));
        }
        if apart(*at, *at_there) {
            return Some(format!("`{what}` at {at}, in turmoil at {at_there}"));
        }
    }
    (here.len() != there.len()).then(|| {
        let longer = if here.len() > there.len() { here } else { there };
        let (at, what) = &longer[here.len().min(there.len())];
        format!(
            "{} and {} events; the first that one lacks: {at} `{what}`",
            here.len(),
            there.len()
        )
    })
}

fn apart(here: Instant, there: Instant) -> bool {
    here.since(there).max(there.since(here)) > TOLERANCE
}

/// The strands of a run: the segments of each host, the states of each socket, the calls of each
/// task.
fn strands(trace: &Trace) -> BTreeMap<String, Strand> {
    let mut strands: BTreeMap<String, Strand> = BTreeMap::new();
    let host = |host: twomsl::trace::HostId| trace.about.hosts[usize::from(host.0)].name.as_str();
    for record in &trace.records {
        let (name, what) = match &record.event {
            Event::State { socket, change } => (
                format!("states of {} {:?}", host(socket.host), (socket.boot, socket.id.number())),
                format!("{} → {} by {:?}", change.from, change.to, change.cause),
            ),
            Event::Call { host: of, task, call, .. } => {
                (format!("calls of {} {task}", host(*of)), call.clone())
            }
            Event::Returned { host: of, task, call, result, .. } => {
                (format!("calls of {} {task}", host(*of)), format!("{call} → {result:?}"))
            }
            Event::Incident { host: of, action } => {
                (format!("incidents of {}", host(*of)), format!("{action:?}"))
            }
            Event::Violation { invariant, text, .. } => {
                ("violations".to_owned(), format!("{invariant}: {text}"))
            }
            _ => continue,
        };
        strands.entry(name).or_default().push((record.at, what));
    }
    segments(trace, &mut strands);
    strands
}

/// Segments as tcpdump shows them, with relative numbers, and what became of them.
fn segments(trace: &Trace, strands: &mut BTreeMap<String, Strand>) {
    for line in tcpdump::render(trace).lines() {
        let mut words = line.splitn(3, ' ');
        let (Some(time), Some(from), Some(what)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let Some((seconds, nanos)) = time.split_once('.') else { continue };
        let (Ok(seconds), Ok(nanos)) = (seconds.parse::<u64>(), nanos.parse::<u64>()) else {
            continue;
        };
        let at = Instant::from_nanos(seconds * 1_000_000_000 + nanos);
        strands.entry(format!("segments of {from}")).or_default().push((at, what.to_owned()));
    }
}
