//! What a file says about itself: its story, its parameters, its seeds.

use kdl::{KdlDocument, KdlNode, KdlValue};

use super::{of, only_once};
use crate::diagnostic::Problem;
use crate::language::node::{Context, Node};
use crate::language::units;
use crate::language::value::{Choice, OneOf};
use crate::scenario::{Engine, Overrides, Story, Try};

/// The parameters with their values: those of the file, or those that override them.
pub(super) fn params(document: &KdlDocument, overrides: &Overrides, cx: &mut Context) {
    for node in super::meant(document, "param") {
        let Some((name, default)) = definition(node) else { continue };
        let value = overrides.param(name).map_or_else(|| default.clone(), from_text);
        if cx.params.insert(name.to_owned(), value).is_some() {
            let message = format!("there are two parameters `{name}`");
            cx.report(Problem::at(node.name().span(), message).label("the second"));
        }
        // A dot would make `--set a.b=c` ambiguous: that is the parameter `b` of the host `a`.
        if name.contains(['.', '=', '$']) {
            let message = format!("`{name}` is no name for a parameter");
            cx.report(Problem::at(node.name().span(), message).help("leave out `.`, `=` and `$`"));
        }
    }
}

/// Name and default. What is wrong with the node is reported when all nodes are.
fn definition(node: &KdlNode) -> Option<(&str, &KdlValue)> {
    match node.entries() {
        [name, value] => Some((name.value().as_string()?, value.value())),
        _ => None,
    }
}

/// The value that a text on the command line stands for.
fn from_text(text: &str) -> KdlValue {
    match text {
        "true" | "#true" => KdlValue::Bool(true),
        "false" | "#false" => KdlValue::Bool(false),
        _ => text
            .parse::<i128>()
            .ok()
            .or_else(|| units::number(text).map(i128::from))
            .map_or_else(|| KdlValue::String(text.to_owned()), KdlValue::Integer),
    }
}

/// Title, question, answer and sources.
pub(super) fn story(cx: &Context, nodes: &[Node<'_>]) -> Story {
    // Read as any other node, so that a `param` with something missing is reported.
    for param in of(nodes, "param") {
        let _: (Option<String>, Option<KdlValue>) = (param.arg(0), param.arg(1));
    }
    let scenarios = of(nodes, "scenario");
    only_once(&scenarios);
    let Some(node) = scenarios.first() else {
        cx.report(
            Problem::anywhere("this file has no `scenario` node".to_owned())
                .help("begin with: scenario \"Title\" { question \"…\"; answer \"…\" }"),
        );
        return Story::default();
    };
    let line = |name| node.child(name).and_then(|child| child.arg(0)).unwrap_or_default();
    let sources = node.children().into_iter().filter(|child| child.name() == "rfc");
    Story {
        title: node.arg(0).unwrap_or_default(),
        question: line("question"),
        answer: line("answer"),
        setting: node.child("setting").and_then(|child| child.arg(0)),
        claim: node.child("claim").and_then(|child| child.arg(0)),
        case: node.child("case").and_then(|child| child.arg(0)),
        next: tries(node),
        rfc: sources.flat_map(|child| child.args_from::<String>(0)).collect(),
        engine: node.child("engine").and_then(|child| engine(&child)),
    }
}

/// What to try next, with the exit codes.
fn tries(node: &Node<'_>) -> Vec<Try> {
    let children = node.children().into_iter().filter(|child| child.name() == "try");
    let one = |child: Node<'_>| {
        let exits = child.prop_or("exits", 0_u64);
        let exits = u8::try_from(exits).unwrap_or_else(|_| {
            child.wrong(child.prop_span("exits"), "there is no such exit code", "0 to 255");
            0
        });
        Some(Try { command: child.arg(0)?, exits })
    };
    children.filter_map(one).collect()
}

/// The only engine that can tell the story, and why.
fn engine(node: &Node<'_>) -> Option<(Engine, String)> {
    let OneOf(engine) = node.arg(0)?;
    let because: Option<String> = node.prop("because");
    if because.is_none() {
        node.wrong(node.name_span(), "why can no other engine run it?", "add because=\"…\"");
    }
    Some((engine, because.unwrap_or_default()))
}

impl Choice for Engine {
    const WHAT: &'static str = "engine";
    const WORDS: &'static [(&'static str, Self)] =
        &[(Self::Sim.name(), Self::Sim), (Self::Turmoil.name(), Self::Turmoil)];
}

/// The seeds to run with: those of `seeds`, or that of `seed`, or zero.
pub(super) fn seeds(nodes: &[Node<'_>]) -> Vec<u64> {
    let (one, many) = (of(nodes, "seed"), of(nodes, "seeds"));
    only_once(&one);
    only_once(&many);
    if let (Some(_), Some(second)) = (one.first(), many.first()) {
        second.wrong(second.name_span(), "`seed` and `seeds` exclude each other", "one of them");
    }
    let seeds: Vec<u64> = one.iter().chain(&many).flat_map(|node| node.args_from(0)).collect();
    if seeds.is_empty() { vec![0] } else { seeds }
}
