//! From nodes to a world: one module per section of the language.
//!
//! Everything is read before anything is refused, so that one run of the command shows every
//! problem of a file. Names come first (parameters, hosts, what rules hold), because a file may use
//! them before it defines them.

mod condition;
mod expectation;
mod explore;
mod fault;
mod forge;
mod host;
mod incident;
mod link;
mod matcher;
mod options;
mod role;
mod search;
mod story;
mod tell;
mod trigger;
mod variant;

use std::collections::BTreeMap;
use std::time::Duration;

use kdl::{KdlDocument, KdlNode, KdlValue};
use twomsl_sim::WorldSpec;
use twomsl_tcp::Instant;

use crate::bound::Bound;
use crate::diagnostic::Problem;
use crate::expect::Expected;
use crate::language::node::{self, Context, Node};
use crate::language::suggest;
use crate::language::vocabulary::TOP;
use crate::scenario::{Overrides, Story};
use crate::search::Search;

pub(crate) use host::{meant_profile, parameter_hint, set_parameter};
pub(crate) use variant::{Setting, Variant};

/// Everything a scenario file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compiled {
    pub(crate) spec: WorldSpec,
    pub(crate) story: Story,
    /// The seeds it asks to be run with; at least one.
    pub(crate) seeds: Vec<u64>,
    /// The profiles with which the expectations hold as well.
    pub(crate) also: Vec<&'static str>,
    pub(crate) expected: Vec<Expected>,
    /// How far it is to be explored, and what holds in every schedule.
    pub(crate) bound: Option<Bound>,
    pub(crate) variants: Vec<Variant>,
    pub(crate) searches: Vec<Search>,
    /// What `--set` can name: the parameters of the file.
    pub(crate) params: Vec<String>,
    /// The values that they have.
    pub(crate) values: BTreeMap<String, KdlValue>,
}

/// How long a world runs that does not say: a day. Two hours of keepalive silence fit in, and a
/// connection that probes for ever comes to its end.
const DEFAULT_UNTIL: Duration = Duration::from_secs(86_400);

/// Compiles a document.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn compile(
    document: &KdlDocument,
    overrides: &Overrides,
) -> Result<Compiled, Vec<Problem>> {
    let mut cx = Context::default();
    story::params(document, overrides, &mut cx);
    cx.names.hosts = host::names(document);
    cx.names.holds = fault::hold_names(document);
    let compiled = sections(&cx, document, overrides);
    let params = cx.params.keys().cloned().collect();
    let values = cx.params.clone();
    let problems = cx.into_problems();
    if problems.is_empty() { Ok(Compiled { params, values, ..compiled }) } else { Err(problems) }
}

/// Reads every section. What is wrong is in the context afterwards.
fn sections(cx: &Context, document: &KdlDocument, overrides: &Overrides) -> Compiled {
    let nodes = node::known(cx, document, TOP, None);
    let story = story::story(cx, &nodes);
    let seeds = story::seeds(&nodes);
    let also = host::also(&of(&nodes, "also"), &of(&nodes, "host"));
    let variants = variant::all(&of(&nodes, "variant"));
    // Before the tables: expectations about sockets need some of their own.
    let bound = explore::bound(&of(&nodes, "explore"));
    let searches = search::all(&of(&nodes, "search"), bound.as_ref());
    let (mut expected, mut remarks) =
        (expectation::all(&of(&nodes, "expect")), tell::all(&of(&nodes, "tell")));
    if let Some(chosen) = overrides.chosen(&variants) {
        (expected, remarks) = (chosen.expected.clone(), chosen.remarks.clone());
    }
    let spec = WorldSpec {
        title: overrides.title(&story),
        seed: seeds.first().copied().unwrap_or_default(),
        hosts: host::all(&of(&nodes, "host"), &of(&nodes, "what-if"), overrides),
        links: link::all(&of(&nodes, "link")),
        middleboxes: link::middleboxes(&of(&nodes, "middlebox"), &of(&nodes, "link")),
        roles: role::all(&of(&nodes, "role")),
        faults: fault::all(&of(&nodes, "fault")),
        schedule: fault::schedule(&of(&nodes, "fault")),
        forgeries: forge::all(&nodes),
        incidents: incident::all(&nodes),
        remarks,
        tables: tables(&of(&nodes, "table"), &expected),
        until: Some(until(&of(&nodes, "until"))),
    };
    Compiled {
        spec,
        story,
        seeds,
        also,
        expected,
        bound,
        variants,
        searches,
        params: Vec::new(),
        values: BTreeMap::new(),
    }
}

/// The nodes of a name.
fn of<'a>(nodes: &[Node<'a>], name: &str) -> Vec<Node<'a>> {
    nodes.iter().filter(|node| node.name() == name).copied().collect()
}

/// The nodes at the top with a name, or with one that was probably meant to be it.
fn meant<'a>(document: &'a KdlDocument, name: &'static str) -> impl Iterator<Item = &'a KdlNode> {
    let known: Vec<&str> = TOP.iter().map(|kind| kind.name).collect();
    document.nodes().iter().filter(move |node| suggest::means(node.name().value(), name, &known))
}

/// Reports the second of two nodes that may stand once only.
fn only_once(nodes: &[Node<'_>]) {
    for second in nodes.iter().skip(1) {
        let message = format!("`{}` is given twice", second.name());
        second.wrong(second.name_span(), &message, "the second");
    }
}

fn until(nodes: &[Node<'_>]) -> Duration {
    only_once(nodes);
    nodes.first().and_then(|node| node.arg(0)).unwrap_or(DEFAULT_UNTIL)
}

/// The moments asked for, and those that expectations look at; in order and each once.
fn tables(nodes: &[Node<'_>], expected: &[Expected]) -> Vec<Instant> {
    let asked = nodes.iter().filter_map(|node| node.required("at"));
    let mut times: Vec<Instant> =
        asked.chain(expected.iter().filter_map(Expected::needs_table)).collect();
    times.sort_unstable();
    times.dedup();
    times
}
