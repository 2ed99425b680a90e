//! `role`: what an application does, step by step.

use std::collections::BTreeSet;
use std::time::Duration;

use kdl::KdlValue;
use twomsl_sim::spec::{Data, RoleSpec, SocketName, Source, Step, Urgent, Wait};
use twomsl_tcp::Shutdown;

use super::condition;
use super::options::options;
use crate::diagnostic::Problem;
use crate::language::node::Node;
use crate::language::suggest;
use crate::language::value::{Choice, Host, HostPort, OneOf, Port, Size};
use crate::language::vocabulary::OPTIONS;

/// How often the innermost step of nested loops may run: port exhaustion takes 28,232, and all of
/// it is kept in a trace.
const MAX_REPEATS: u64 = 1_000_000;

/// How many tasks the nested loops of a role may start.
const MAX_TASKS: u64 = 100_000;

/// How many octets one `write` may have, with the loops around it.
const MAX_WRITE: u64 = 1 << 30;

impl Choice for Shutdown {
    const WHAT: &'static str = "direction";
    const WORDS: &'static [(&'static str, Self)] =
        &[("write", Self::Write), ("read", Self::Read), ("both", Self::Both)];
}

/// All roles.
pub(super) fn all(nodes: &[Node<'_>]) -> Vec<RoleSpec> {
    nodes.iter().filter_map(one).collect()
}

fn one(node: &Node<'_>) -> Option<RoleSpec> {
    let steps = steps(node, Bounds { repeats: 1, tasks: 1 });
    check_names(node);
    let Host(host) = node.arg(0)?;
    Some(RoleSpec { host, start: node.prop_or("start", Duration::ZERO), steps })
}

/// How often what is being read runs, and in how many tasks: nested counts multiply.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    repeats: u64,
    tasks: u64,
}

fn steps(node: &Node<'_>, bounds: Bounds) -> Vec<Step> {
    let mut steps = Vec::new();
    for child in node.children() {
        match child.name() {
            // One node sets several options, one step one.
            "set" => steps.extend(set(&child)),
            "repeat" => steps.extend(repeat(&child, bounds)),
            "spawn" => steps.extend(spawn(&child, bounds)),
            "serve" => {
                let listener = child.prop("on");
                steps.push(Step::Serve { listener, steps: self::steps(&child, bounds) });
            }
            _ => steps.extend(step(&child, bounds)),
        }
    }
    steps
}

/// A step without steps in it.
fn step(node: &Node<'_>, bounds: Bounds) -> Option<Step> {
    let on: SocketName = if node.name() == "listen" { None } else { socket(node) };
    match node.name() {
        "listen" => listen(node),
        "accept" => Some(Step::Accept {
            listener: on,
            name: node.prop("as"),
            timeout: node.prop("timeout"),
        }),
        "connect" => connect(node),
        "write" => write(node, on, bounds),
        "read" => {
            let amount = node.arg(0).map(|Size(octets)| octets);
            Some(Step::Read { on, amount, timeout: node.prop("timeout") })
        }
        "read-to-end" => Some(Step::ReadToEnd { on }),
        "echo" => Some(Step::Echo { on }),
        "relay" => relay(node, on),
        "shutdown" => node.arg(0).map(|OneOf(how)| Step::Shutdown { on, how }),
        "close" => Some(Step::Close { on }),
        "abort" => Some(Step::Abort { on }),
        "sleep" => node.arg(0).map(Step::Sleep),
        "wait" => condition::of_node(node).map(Step::Wait),
        _ => None,
    }
}

/// The socket that a step works on, where its kind has one.
fn socket(node: &Node<'_>) -> SocketName {
    let works_on_one = !matches!(node.name(), "connect" | "sleep" | "wait");
    works_on_one.then(|| node.prop("on")).flatten()
}

/// Options are read first, so that their problems are found even without a port.
fn listen(node: &Node<'_>) -> Option<Step> {
    let options = options(node);
    let Port(port) = node.arg(0)?;
    Some(Step::Listen { port, backlog: node.prop("backlog"), options, name: node.prop("as") })
}

/// A `connect` that does not wait is how two connections open at the same time.
fn connect(node: &Node<'_>) -> Option<Step> {
    let options = options(node);
    let wait = node.prop_or("wait", true);
    let HostPort { host, port } = node.arg(0)?;
    if let Some(listener) = node.prop("on") {
        let others = ["from-port", "text", "as", "wait"].iter().chain(OPTIONS);
        if let Some(other) = others.into_iter().find(|name| node.has(name)) {
            let message = format!("`on` and `{other}` exclude each other");
            node.wrong(node.prop_span(other), &message, "the listener has these already");
        }
        return Some(Step::BecomeActive { listener: Some(listener), host, port });
    }
    Some(Step::Connect {
        host,
        port,
        from: source(node),
        text: node.prop("text"),
        options,
        name: node.prop("as"),
        wait: if wait { Wait::UntilDone } else { Wait::No },
    })
}

/// The connection that it works on is the one that was accepted.
fn relay(node: &Node<'_>, on: SocketName) -> Option<Step> {
    let options = options(node);
    let HostPort { host, port } = node.arg(0)?;
    Some(Step::Relay { on, host, port, from: source(node), options })
}

fn source(node: &Node<'_>) -> Source {
    Source { address: node.prop("from-address"), port: node.prop("from-port") }
}

/// Either a text, or so many octets of a pattern.
fn write(node: &Node<'_>, on: SocketName, bounds: Bounds) -> Option<Step> {
    let urgent = if node.prop_or("urgent", false) { Urgent::Yes } else { Urgent::No };
    let data = match (node.argument_count() > 0, node.has("bytes")) {
        (true, false) => Data::Octets(node.arg(0)?),
        (false, true) => Data::Pattern(bounded_size(node, bounds)?),
        _ => {
            let problem = Problem::at(node.head_span(), "what is written?".to_owned())
                .label("either a text or `bytes`");
            node.report(problem.help("write \"hello\", or write bytes=\"64KiB\" for a pattern"));
            return None;
        }
    };
    Some(Step::Write { on, data, urgent })
}

fn bounded_size(node: &Node<'_>, bounds: Bounds) -> Option<u64> {
    let Size(octets) = node.prop("bytes")?;
    // `tasks` counts the rounds of loops too.
    if octets.saturating_mul(bounds.tasks) > MAX_WRITE {
        let problem = Problem::at(node.prop_span("bytes"), "too much is written".to_owned());
        node.report(problem.label("with the loops around it").help("at most 1 GiB"));
    }
    Some(octets.min(MAX_WRITE))
}

/// One step for each option, in the order of the table.
fn set(node: &Node<'_>) -> Vec<Step> {
    let on: SocketName = node.prop("on");
    let options = options(node);
    // An option with a wrong value has been reported, and is no missing one.
    if options.is_empty() && !OPTIONS.iter().any(|name| node.has(name)) {
        let problem = Problem::at(node.name_span(), "`set` sets nothing".to_owned());
        node.report(problem.label("no option").help("such as: set no-delay=#true"));
    }
    options.into_iter().map(|option| Step::SetOption { on: on.clone(), option }).collect()
}

/// `repeat 100 { … }`, or without a number for ever.
fn repeat(node: &Node<'_>, bounds: Bounds) -> Option<Step> {
    let count: Option<u64> = node.arg(0);
    let repeats = bounds.repeats.saturating_mul(count.unwrap_or(1).max(1));
    if repeats > MAX_REPEATS {
        let message = format!("{repeats} rounds are too many");
        let problem = Problem::at(node.arg_span(0), message).label("with the loops around it");
        node.report(problem.help(format!("at most {MAX_REPEATS}")));
        return None;
    }
    let tasks = bounds.tasks.saturating_mul(count.unwrap_or(1).max(1));
    let steps = steps(node, Bounds { repeats, tasks });
    if node.argument_count() == 0 && !steps.iter().any(can_wait) {
        let problem = Problem::at(node.name_span(), "this loop never ends".to_owned())
            .label("and nothing in it waits");
        node.report(problem.help("give it a number, or let it `read`, `accept` or `sleep`"));
    }
    Some(Step::Repeat { count, steps })
}

/// Whether virtual time passes, or a loop ends, at this step sooner or later.
fn can_wait(step: &Step) -> bool {
    match step {
        Step::Sleep(time) => !time.is_zero(),
        Step::Read { .. }
        | Step::Accept { .. }
        | Step::Connect { .. }
        | Step::BecomeActive { .. }
        | Step::Relay { .. }
        | Step::Serve { .. } => true,
        Step::Repeat { steps, .. } => steps.iter().any(can_wait),
        _ => false,
    }
}

/// `spawn 10 { … }`.
fn spawn(node: &Node<'_>, bounds: Bounds) -> Option<Step> {
    let count: u32 = node.arg(0)?;
    let tasks = bounds.tasks.saturating_mul(u64::from(count).max(1));
    if tasks > MAX_TASKS {
        let problem = Problem::at(node.arg_span(0), format!("{tasks} tasks are too many"))
            .label("with the loops around it");
        node.report(problem.help(format!("at most {MAX_TASKS}")));
        return None;
    }
    Some(Step::Spawn { count, steps: steps(node, Bounds { tasks, ..bounds }) })
}

// ---- names of sockets ----

/// Reports sockets that no step of the role makes.
fn check_names(role: &Node<'_>) {
    let mut made = BTreeSet::new();
    visit(role, &mut |node| {
        if matches!(node.name(), "listen" | "accept" | "connect") {
            made.extend(node.prop::<KdlValue>("as").and_then(|name| text_of(&name)));
        }
    });
    visit(role, &mut |node| {
        let works_on_one = !matches!(node.name(), "listen" | "sleep" | "wait");
        let has_on = works_on_one && !matches!(node.name(), "repeat" | "spawn") && node.has("on");
        let name = has_on.then(|| node.prop::<KdlValue>("on")).flatten();
        let Some(name) = name.and_then(|name| text_of(&name)) else { return };
        if !made.contains(&name) {
            let problem =
                Problem::at(node.prop_span("on"), format!("no socket is called `{name}`"));
            let hint = suggest::hint(&name, made.iter().map(String::as_str));
            let hint = hint.unwrap_or_else(|| format!("name one: connect … as=\"{name}\""));
            node.report(problem.label("never made").help(hint));
        }
    });
}

fn text_of(value: &KdlValue) -> Option<String> {
    value.as_string().map(ToOwned::to_owned)
}

/// Visits every step of a role. Problems of the steps are reported elsewhere.
fn visit(node: &Node<'_>, visitor: &mut impl FnMut(&Node<'_>)) {
    for child in node.children() {
        visitor(&child);
        visit(&child, visitor);
    }
}
