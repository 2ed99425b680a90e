//! `expect`: what should come of a run.

use bytes::Bytes;
use kdl::KdlValue;
use twomsl_sim::End;
use twomsl_tcp::Instant;

use crate::diagnostic::Problem;
use crate::expect::{
    Answer, Connection, Counts, DropsWanted, EndsWanted, Expected, Lasting, PathWanted,
    PayloadWanted, ResultWanted, SegmentsWanted, SocketWanted, StateWanted, TableWanted,
    TimerWanted, VARIABLES, Variable, VariableWanted, Wanted,
};
use crate::language::node::Node;
use crate::language::value::{Choice, Host, OneOf, Size, Value, Wrong};
use crate::language::{Names, names, suggest};

impl Choice for End {
    const WHAT: &'static str = "end";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("quiet", Self::Quiet),
        ("time-up", Self::TimeUp),
        ("stuck", Self::Stuck),
        ("too-much", Self::TooMuch),
    ];
}

/// The expectations of all `expect` nodes, in order.
pub(super) fn all(nodes: &[Node<'_>]) -> Vec<Expected> {
    let expected = nodes.iter().flat_map(Node::children);
    expected
        .filter_map(|node| Some(Expected { span: node.head_span(), wanted: one(&node)? }))
        .collect()
}

fn one(node: &Node<'_>) -> Option<Wanted> {
    match node.name() {
        "path" => path(node),
        "segments" => Some(Wanted::Segments(segments(node))),
        "timer" => timer(node),
        "result" => result(node),
        "read" => {
            let octets = node.required("bytes");
            Some(Wanted::Read { host: host(node)?, octets: octets.map(|Size(octets)| octets)? })
        }
        "written" => {
            let octets = node.required("bytes");
            Some(Wanted::Written { host: host(node)?, octets: octets.map(|Size(octets)| octets)? })
        }
        "state" => state(node),
        "table" => table(node),
        "sockets" => sockets(node),
        "variable" => variable(node),
        "ends" => Some(Wanted::Ends(ends(node))),
        "drops" => Some(Wanted::Drops(drops(node))),
        "verdict" => {
            let counts = counts(node);
            Some(Wanted::Verdict { host: host(node)?, verdict: node.arg(1)?, counts })
        }
        _ => violation(node),
    }
}

fn host(node: &Node<'_>) -> Option<usize> {
    node.arg(0).map(|Host(host)| host)
}

/// `count`, or `min` and `max`; without any of them, one is enough.
fn counts(node: &Node<'_>) -> Counts {
    let exactly: Option<u64> = node.prop("count");
    let (min, max) = (node.prop("min"), node.prop("max"));
    if exactly.is_some() && (min.is_some() || max.is_some()) {
        let message = "`count` excludes `min` and `max`";
        node.wrong(node.prop_span("count"), message, "exactly, or a range");
    }
    match (exactly, min, max) {
        (Some(count), ..) => Counts { min: count, max: Some(count) },
        (None, None, None) => Counts::SOME,
        (None, min, max) => Counts { min: min.unwrap_or(0), max },
    }
}

/// `connection=2`: counted from 1, in the order in which they came to be.
fn connection(node: &Node<'_>) -> Option<Connection> {
    let nth: Option<u64> = node.prop("connection");
    if nth == Some(0) {
        node.wrong(node.prop_span("connection"), "counting begins with 1", "there is no 0th");
    }
    nth.map(Connection)
}

/// The states are all or nothing: with one left out, another path would be expected.
fn path(node: &Node<'_>) -> Option<Wanted> {
    let connection = connection(node).unwrap_or(Connection(1));
    let last = node.argument_count().saturating_sub(1);
    let open_end = last > 1 && node.arg::<KdlValue>(last)?.as_string() == Some("...");
    let end = if open_end { last } else { node.argument_count() };
    let states = (1..end).map(|index| node.arg(index)).collect::<Option<Vec<_>>>();
    Some(Wanted::Path(PathWanted { host: host(node)?, connection, states: states?, open_end }))
}

fn segments(node: &Node<'_>) -> SegmentsWanted {
    let times = times(node);
    let given = ["count", "min", "max"].iter().any(|name| node.has(name));
    // A list of times says how many there are.
    let counts = match &times {
        Some(times) if !given => Counts { min: times.len() as u64, max: Some(times.len() as u64) },
        _ => counts(node),
    };
    SegmentsWanted {
        from: node.prop("from").map(|Host(host)| host),
        to: node.prop("to").map(|Host(host)| host),
        flags: node.prop("flags").unwrap_or_default(),
        without: node.prop("without").unwrap_or_default(),
        acks: node.prop("acks"),
        payload: node.prop("payload"),
        src_port: node.prop("src-port"),
        dst_port: node.prop("dst-port"),
        retransmission: node.prop("retransmission"),
        reason: node.prop("reason"),
        since: node.prop("since"),
        before: node.prop("before"),
        times,
        counts,
    }
}

/// The times of all segments: `at="1s"` for one, or a node `at "0s" "1s" "3s"`.
fn times(node: &Node<'_>) -> Option<Vec<Instant>> {
    let _ = node.children();
    let list = node.child("at").map(|child| child.args_from(0));
    let single: Option<Instant> = node.prop("at");
    if list.is_some() && single.is_some() {
        node.wrong(node.prop_span("at"), "the times are given twice", "one of them");
    }
    list.or_else(|| single.map(|time| vec![time]))
}

impl Value for PayloadWanted {
    const EXAMPLE: &'static str = "#true";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        match value {
            KdlValue::Bool(true) => Ok(Self::Some),
            KdlValue::Bool(false) => Ok(Self::Empty),
            KdlValue::String(_) => Bytes::read(value, names).map(Self::Octets),
            KdlValue::Integer(_) => u64::read(value, names).map(Self::Length),
            _ => Err(Wrong::kind("a payload", value, "#true, #false, \"hello\" or a length")),
        }
    }
}

/// Each number that is given must be exact; the others do not matter.
fn timer(node: &Node<'_>) -> Option<Wanted> {
    let names = ["set", "restarts", "stopped", "fired"];
    let [set, restarts, stopped, fired] = names.map(|name| node.prop(name));
    if !names.iter().any(|name| node.has(name)) {
        let problem = Problem::at(node.head_span(), "what about this timer?".to_owned());
        let hint = format!("give one of {}", suggest::list(&names));
        node.report(problem.label("nothing is expected").help(hint));
    }
    let connection = connection(node);
    let (host, timer) = (host(node)?, node.arg(1)?);
    Some(Wanted::Timer(TimerWanted { host, timer, connection, set, restarts, stopped, fired }))
}

fn result(node: &Node<'_>) -> Option<Wanted> {
    let answer = answer(node);
    let counts = counts(node);
    let call: String = node.arg(1)?;
    if !names::CALLS.contains(&call.as_str()) {
        let problem = Problem::at(node.arg_span(1), format!("there is no call `{call}`"));
        let hint = suggest::hint(&call, names::CALLS.iter().copied());
        node.report(problem.label("no call").maybe_help(hint));
    }
    Some(Wanted::Result(ResultWanted {
        host: host(node)?,
        call,
        answer: answer?,
        nth: node.prop("nth"),
        at: node.prop("at"),
        by: node.prop("by"),
        counts,
    }))
}

/// What a call returns: one of `ok`, `octets`, `eof` and `error`.
fn answer(node: &Node<'_>) -> Option<Answer> {
    let flag = |name: &'static str, answer| (node.prop(name) == Some(true)).then_some(answer);
    let answers = [
        node.prop("error").map(Answer::Error),
        node.prop("octets").map(|Size(octets)| Answer::Octets(octets)),
        flag("ok", Answer::Ok),
        flag("eof", Answer::EndOfFile),
    ];
    let mut given = answers.into_iter().flatten();
    let (first, second) = (given.next(), given.next());
    let names = ["error", "octets", "ok", "eof"];
    if second.is_some() || !names.iter().any(|name| node.has(name)) {
        let problem = Problem::at(node.head_span(), "which result?".to_owned());
        let hint = "give one of error=\"ECONNRESET\", octets=5, ok=#true and eof=#true";
        node.report(problem.label("not said once").help(hint));
    }
    first
}

impl Value for Lasting {
    const EXAMPLE: &'static str = "\"60s\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        if value.as_string() == Some("forever") {
            return Ok(Self::Forever);
        }
        let wrong = |_| Wrong::kind("a duration", value, "\"60s\" or \"forever\"");
        std::time::Duration::read(value, names).map(Self::Exactly).map_err(wrong)
    }
}

/// `lasts` looks at the first stay, `at` at a moment, the counts at all stays.
fn state(node: &Node<'_>) -> Option<Wanted> {
    let counted = ["count", "min", "max"].iter().any(|name| node.has(name));
    let connection = connection(node);
    let (lasts, within) = (node.prop("lasts"), node.prop("within"));
    if node.has("within") && !node.has("lasts") {
        node.wrong(node.prop_span("within"), "`within` goes with `lasts`", "of what?");
    }
    let wanted = StateWanted {
        host: host(node)?,
        state: node.arg(1)?,
        connection,
        lasts,
        within: within.unwrap_or_default(),
        at: node.prop("at"),
        counts: counted.then(|| counts(node)),
    };
    Some(Wanted::State(wanted))
}

/// A table asks for its moment in the trace, see [`Expected::needs_table`].
fn table(node: &Node<'_>) -> Option<Wanted> {
    let at = node.required("at");
    let sockets: Vec<SocketWanted> = node.children().iter().map(socket).collect();
    if sockets.is_empty() {
        let problem = Problem::at(node.head_span(), "an empty table?".to_owned());
        let hint =
            "describe sockets: { socket state=\"TIME-WAIT\" }; for none, `sockets … count=0`";
        node.report(problem.label("nothing is expected").help(hint));
    }
    Some(Wanted::Table(TableWanted { host: host(node)?, at: at?, sockets }))
}

fn socket(node: &Node<'_>) -> SocketWanted {
    SocketWanted {
        span: node.head_span(),
        state: node.prop("state"),
        local_port: node.prop("local-port"),
        remote_port: node.prop("remote-port"),
        receive_queue: node.prop("receive-queue"),
        send_queue: node.prop("send-queue"),
        timer: node.prop("timer"),
        retransmits: node.prop("retransmits"),
        holder: node.prop("holder").map(|OneOf(holder)| holder),
    }
}

impl Choice for twomsl_tcp::Holder {
    const WHAT: &'static str = "holder";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("application", Self::Application),
        ("listener", Self::Listener),
        ("orphan", Self::Orphan),
    ];
}

/// Counted from the changes of state: no table is needed, however many sockets there are.
fn sockets(node: &Node<'_>) -> Option<Wanted> {
    let counts = counts(node);
    let at = node.required("at");
    let state = node.prop("state");
    Some(Wanted::Sockets { host: host(node)?, at: at?, state, counts })
}

/// `is`, or `min` and `max`: a variable without a value is no expectation.
fn variable(node: &Node<'_>) -> Option<Wanted> {
    let connection = connection(node).unwrap_or(Connection(1));
    let at = node.required("at");
    let (is, min, max) = (node.prop("is"), node.prop("min"), node.prop("max"));
    let values = match (is, min, max) {
        (Some(value), None, None) => Counts { min: value, max: Some(value) },
        (None, min, max) if min.is_some() || max.is_some() => Counts { min: min.unwrap_or(0), max },
        _ => {
            let problem = Problem::at(node.head_span(), "which value?".to_owned());
            node.report(problem.label("either `is`, or `min` and `max`").help("min=10 max=20"));
            Counts::SOME
        }
    };
    let (host, variable) = (host(node)?, variable_name(node)?);
    Some(Wanted::Variable(VariableWanted { host, variable, connection, at: at?, values }))
}

fn variable_name(node: &Node<'_>) -> Option<Variable> {
    let name: String = node.arg(1)?;
    let variable = names::look_up(VARIABLES, &name);
    if variable.is_none() {
        let problem = Problem::at(node.arg_span(1), format!("there is no variable `{name}`"));
        let hint = suggest::hint(&name, VARIABLES.iter().map(|(name, _)| *name));
        node.report(problem.label("no variable").maybe_help(hint));
    }
    variable
}

fn ends(node: &Node<'_>) -> EndsWanted {
    EndsWanted {
        how: node.arg(0).map(|OneOf(how)| how),
        at: node.prop("at"),
        by: node.prop("by"),
        after: node.prop("after"),
    }
}

fn drops(node: &Node<'_>) -> DropsWanted {
    DropsWanted {
        from: node.prop("from").map(|Host(host)| host),
        by: node.prop("by").and_then(|by: String| decider(node, by)),
        counts: counts(node),
    }
}

/// Who can drop a packet, as `drops by=` names them; a rule also by number: `fault 2`.
pub(crate) const DECIDERS: &[&str] =
    &["fault", "middlebox", "down", "no-route", "loss", "mark", "limit", "mtu", "lifetime"];

fn decider(node: &Node<'_>, by: String) -> Option<String> {
    let numbered = by.strip_prefix("fault ").is_some_and(|nth| nth.parse::<u32>().is_ok());
    if numbered || DECIDERS.contains(&by.as_str()) {
        return Some(by);
    }
    let problem = Problem::at(node.prop_span("by"), format!("nothing called `{by}` drops packets"));
    let hint = suggest::hint(&by, DECIDERS.iter().copied());
    node.report(problem.label("not known").maybe_help(hint));
    None
}

/// The invariants of a world are numbered from 1 to 6.
fn violation(node: &Node<'_>) -> Option<Wanted> {
    let counts = counts(node);
    let invariant: u8 = node.arg(0)?;
    if !(1..=6).contains(&invariant) {
        let message = format!("there is no invariant {invariant}");
        node.wrong(node.arg_span(0), &message, "1 to 6");
    }
    Some(Wanted::Violation { invariant, counts })
}
