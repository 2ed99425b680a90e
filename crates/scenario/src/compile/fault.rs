//! `fault`: an ordered rule with a verdict.

use kdl::{KdlDocument, KdlValue};
use twomsl_sim::spec::{Choice, FaultRule, FaultVerdict, Nth, Rewrite, StripOptions};

use super::matcher;
use crate::diagnostic::Problem;
use crate::language::node::Node;
use crate::language::suggest;
use crate::language::value::{Host, OneOf};
use crate::language::vocabulary;

/// A verdict, and which of the properties of verdicts it takes.
struct Verdict {
    name: &'static str,
    props: &'static [&'static str],
}

const VERDICTS: &[Verdict] = &[
    Verdict { name: "pass", props: &[] },
    Verdict { name: "drop", props: &[] },
    Verdict { name: "delay", props: &["by", "until"] },
    Verdict { name: "duplicate", props: &["copies", "spacing"] },
    Verdict { name: "corrupt", props: &[] },
    Verdict {
        name: "rewrite",
        props: &[
            "set-flags",
            "clear-flags",
            "add-seq",
            "add-ack",
            "window",
            "set-ecn",
            "strip-options",
        ],
    },
    Verdict { name: "hold", props: &[] },
];

/// A copy for each packet of the largest window is more than any story needs.
const MAX_COPIES: u32 = 1000;

/// The names under which rules hold packets, for `release`.
pub(super) fn hold_names(document: &KdlDocument) -> Vec<String> {
    let faults = document.nodes().iter().filter(|node| node.name().value() == "fault");
    let holds = faults.filter(|node| node.get(0).and_then(KdlValue::as_string) == Some("hold"));
    holds.filter_map(|node| node.get(1)?.as_string().map(ToOwned::to_owned)).collect()
}

/// All rules, in order. Faults of single packets are no rules: see [`schedule`].
pub(super) fn all(nodes: &[Node<'_>]) -> Vec<FaultRule> {
    nodes.iter().filter(|node| !node.has("packet")).filter_map(one).collect()
}

/// The faults of single packets, each named by its number.
pub(super) fn schedule(nodes: &[Node<'_>]) -> Vec<Choice> {
    nodes.iter().filter(|node| node.has("packet")).filter_map(choice).collect()
}

/// What befalls a network befalls a packet, whatever is in it.
const OF_PACKETS: [&str; 4] = ["drop", "corrupt", "duplicate", "delay"];

fn choice(node: &Node<'_>) -> Option<Choice> {
    let name: String = node.arg(0)?;
    let packet = node.prop("packet");
    if packet == Some(0) {
        node.wrong(node.prop_span("packet"), "counting begins with 1", "there is no 0th");
    }
    let from = node.required("from").map(|Host(host)| host);
    for other in vocabulary::MATCHER.iter().chain(&["nth"]).filter(|name| **name != "from") {
        if node.has(other) {
            let message = format!("`packet` says which; `{other}` cannot say more");
            node.wrong(node.prop_span(other), &message, "one of them");
        }
    }
    let verdict = verdict(node, &name)?;
    if !OF_PACKETS.contains(&name.as_str()) {
        let message = format!("`{name}` takes no `packet`");
        let problem = Problem::at(node.arg_span(0), message).label("needs a rule");
        node.report(problem.help(format!("`packet` goes with {}", suggest::list(&OF_PACKETS))));
    }
    let (from, packet) = (from?, packet?);
    let host = node.context().names.hosts.get(from).map_or("?", String::as_str);
    let words = format!("{name} the {} packet of {host}", matcher::ordinal(packet));
    Some(Choice { text: node.prop_or("text", words), from, packet, verdict })
}

fn one(node: &Node<'_>) -> Option<FaultRule> {
    let matcher = matcher::matcher(node);
    let nth: Option<Nth> = node.prop("nth");
    let name: String = node.arg(0)?;
    let verdict = verdict(node, &name)?;
    let hosts = &node.context().names.hosts;
    let ordinal = nth.map(|nth| format!(", {}", matcher::describe_nth(nth)));
    let words =
        format!("{name} {}{}", matcher::describe(&matcher, hosts), ordinal.unwrap_or_default());
    Some(FaultRule { text: node.prop_or("text", words), matcher, nth, verdict })
}

/// The verdict of a name, with what belongs to it.
fn verdict(node: &Node<'_>, name: &str) -> Option<FaultVerdict> {
    let Some(known) = VERDICTS.iter().find(|verdict| verdict.name == name) else {
        let problem = Problem::at(node.arg_span(0), format!("there is no verdict `{name}`"));
        let hint = suggest::hint(name, VERDICTS.iter().map(|verdict| verdict.name));
        node.report(problem.label("no verdict").maybe_help(hint));
        return None;
    };
    check_props(node, known);
    if known.name != "hold" && node.argument_count() > 1 {
        node.wrong(node.arg_span(1), &format!("`{name}` takes no name"), "one too many");
    }
    match known.name {
        "pass" => Some(FaultVerdict::Pass),
        "drop" => Some(FaultVerdict::Drop),
        "delay" => delay(node),
        "duplicate" => Some(duplicate(node)),
        "corrupt" => Some(FaultVerdict::Corrupt),
        "rewrite" => rewrite(node),
        _ => hold(node),
    }
}

/// Reports what belongs to other verdicts.
fn check_props(node: &Node<'_>, verdict: &Verdict) {
    for name in vocabulary::VERDICT.iter().copied() {
        if node.has(name) && !verdict.props.contains(&name) {
            let owners = VERDICTS.iter().filter(|other| other.props.contains(&name));
            let owners: Vec<&str> = owners.map(|owner| owner.name).collect();
            let message = format!("`{name}` means nothing to `{}`", verdict.name);
            let hint = format!("it belongs to {}", suggest::list(&owners));
            let problem = Problem::at(node.prop_span(name), message).label("not of this verdict");
            node.report(problem.help(hint));
        }
    }
}

/// By so much, or until a time: one of them, since a packet has one time of arrival.
fn delay(node: &Node<'_>) -> Option<FaultVerdict> {
    match (node.has("by"), node.has("until")) {
        (true, false) => node.prop("by").map(FaultVerdict::Delay),
        (false, true) => node.prop("until").map(FaultVerdict::DelayUntil),
        _ => {
            let problem = Problem::at(node.arg_span(0), "how long is it delayed?".to_owned());
            node.report(problem.label("one of `by` and `until`").help("such as by=\"30s\""));
            None
        }
    }
}

/// Copies with their spacing: with a long one, they are the "old duplicates" that TIME-WAIT waits
/// for (RFC 9293 §3.4.1).
fn duplicate(node: &Node<'_>) -> FaultVerdict {
    let copies: u32 = node.prop_or("copies", 1);
    if !(1..=MAX_COPIES).contains(&copies) {
        let message = format!("{copies} copies are not between 1 and {MAX_COPIES}");
        node.wrong(node.prop_span("copies"), &message, "not so many");
    }
    let delay = node.prop_or("spacing", std::time::Duration::ZERO);
    FaultVerdict::Duplicate { copies, delay }
}

/// What is not given stays. Nothing at all would be `pass` under a wrong name.
fn rewrite(node: &Node<'_>) -> Option<FaultVerdict> {
    let strip: bool = node.prop_or("strip-options", false);
    let rewrite = Rewrite {
        set: node.prop("set-flags").unwrap_or_default(),
        clear: node.prop("clear-flags").unwrap_or_default(),
        seq: node.prop("add-seq"),
        ack: node.prop("add-ack"),
        window: node.prop("window"),
        ecn: node.prop("set-ecn").map(|OneOf(mark)| mark),
        strip_options: if strip { StripOptions::Yes } else { StripOptions::No },
    };
    if rewrite == Rewrite::default() {
        let problem = Problem::at(node.arg_span(0), "what is rewritten?".to_owned());
        node.report(problem.label("changes nothing").help("such as window=0"));
        return None;
    }
    Some(FaultVerdict::Rewrite(rewrite))
}

/// Held packets need a name, for `release` to say which.
fn hold(node: &Node<'_>) -> Option<FaultVerdict> {
    if node.argument_count() < 2 {
        let problem = Problem::at(node.arg_span(0), "what is it held under?".to_owned());
        node.report(problem.label("a name is missing").help("such as: fault hold \"late\" …"));
    }
    node.arg(1).map(FaultVerdict::Hold)
}
