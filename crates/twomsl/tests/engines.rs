//! One test per scenario file that both engines can run: they tell the same story.
//!
//! What is compared is what a host does: the segments it sends, what it makes of those it gets, the
//! states its sockets enter, what its calls return, each in its order, with times that agree
//! within two ticks of turmoil; and the sockets at the end. What happens on different hosts at
//! the same moment has no order.
//!
//! netem's `reorder` lets packets take no time at all. Turmoil's hosts take turns tick by tick, so
//! that such a packet is late by up to two ticks, and what follows is another story, as random as
//! the first. Scenarios with it are held to their expectations as they are, and compared without.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use twomsl::scenario::Engine;
use twomsl::sim::spec::{Probability, WorldSpec};
use twomsl::sim::{Run, SpecError};
use twomsl::sockets::engine::{self, TICK, cannot};
use twomsl::tcp::{Instant, Status};
use twomsl::trace::{Event, Trace, tcpdump};
use twomsl::{Outcome, Recording, Scenario, World, run_on};

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
    for seed in scenario.seeds() {
        let scenario = scenario.clone().with_seed(*seed);
        let turmoil = run_on(&scenario, Engine::Turmoil)?;
        if !turmoil.holds() {
            return Err(turmoil.report().into());
        }
        let ordered = in_order(&scenario);
        let world = in_a_world(&ordered)?;
        let turmoil =
            if ordered == scenario.spec() { run_of(turmoil) } else { engine::run(ordered)? };
        compare(&world, &turmoil).map_err(|text| format!("seed {seed}: {text}"))?;
    }
    Ok(())
}

/// What a scenario describes, but that no packet takes no time.
fn in_order(scenario: &Scenario) -> WorldSpec {
    let mut spec = scenario.spec();
    for link in &mut spec.links {
        (link.forward.reorder, link.backward.reorder) = (Probability::NEVER, Probability::NEVER);
    }
    spec
}

fn run_of(outcome: Outcome) -> Run {
    let Outcome { trace, totals, sockets, end, ended_at, .. } = outcome;
    Run { trace, totals, sockets, end, ended_at }
}

/// The same in a world.
fn in_a_world(spec: &WorldSpec) -> std::result::Result<Run, SpecError> {
    let mut world = World::new(spec, Recording::Trace)?;
    let end = world.run();
    Ok(world.over(end))
}

fn compare(world: &Run, turmoil: &Run) -> std::result::Result<(), String> {
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
    if tables(world) != tables(turmoil) {
        let _ = writeln!(text, "sockets: {:?} and {:?}", tables(world), tables(turmoil));
    }
    if world.end != turmoil.end || apart(world.ended_at, turmoil.ended_at) {
        let (here, there) = (world.ended_at, turmoil.ended_at);
        let _ = writeln!(text, "ended {:?} at {here}, {:?} at {there}", world.end, turmoil.end);
    }
    if text.is_empty() { Ok(()) } else { Err(text) }
}

/// The sockets of each host at the end: state, ends, queues.
fn tables(run: &Run) -> Vec<Vec<impl PartialEq + std::fmt::Debug + use<>>> {
    let row = |socket: &Status| {
        let Status { state, local, remote, receive_queue, send_queue, .. } = socket;
        (*state, *local, *remote, *receive_queue, *send_queue)
    };
    run.sockets.iter().map(|sockets| sockets.iter().map(row).collect()).collect()
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
            Event::Arrived { host: of, verdict, .. } => {
                (format!("verdicts of {}", host(*of)), format!("{verdict:?}"))
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
        strands.entry(format!("segments of {from}")).or_default().push((at, without_times(what)));
    }
}

/// A line without the values of timestamps: they are times, too, and equal within the tick.
fn without_times(line: &str) -> String {
    let Some((before, values)) = line.split_once("TS val ") else { return line.to_owned() };
    let rest = values.trim_start_matches(|c: char| c.is_ascii_digit() || " ecr".contains(c));
    format!("{before}TS{rest}")
}
