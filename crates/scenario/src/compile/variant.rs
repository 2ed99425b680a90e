//! Variants: the same story with something set otherwise, told and judged in its own words.

use kdl::KdlValue;
use twomsl_sim::spec::Remark;
use twomsl_tcp::WhatIf;

use super::{expectation, tell};
use crate::diagnostic::{Problem, Span};
use crate::expect::Expected;
use crate::language::node::Node;

/// A key, its value, and where they stand.
pub(crate) type Setting = (String, String, Span);

/// One variant of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) name: String,
    /// What it sets, as `--set` would: keys and values, each with its place.
    pub(crate) settings: Vec<Setting>,
    /// The rules that no host of it keeps.
    pub(crate) what_ifs: Vec<WhatIf>,
    pub(crate) remarks: Vec<Remark>,
    pub(crate) expected: Vec<Expected>,
}

/// All variants, in the order of the file.
pub(super) fn all(nodes: &[Node<'_>]) -> Vec<Variant> {
    let variants: Vec<Variant> = nodes.iter().filter_map(one).collect();
    for (place, node) in nodes.iter().enumerate() {
        let name: Option<String> = node.arg(0);
        let before = variants.iter().take(place);
        if before.into_iter().any(|other| Some(&other.name) == name.as_ref()) {
            let message = format!("there are two variants `{}`", name.unwrap_or_default());
            node.report(Problem::at(node.arg_span(0), message).label("the second"));
        }
    }
    variants
}

fn one(node: &Node<'_>) -> Option<Variant> {
    let children = node.children();
    let of = |name: &str| super::of(&children, name);
    let (settings, what_ifs) = changes(&children);
    if settings.is_empty() && what_ifs.is_empty() {
        node.report(
            Problem::at(node.name_span(), "a variant sets something".to_owned())
                .label("nothing is set")
                .help("add: set \"client.time-wait\" \"30s\""),
        );
    }
    let (remarks, expected) = (tell::all(&of("tell")), expectation::all(&of("expect")));
    Some(Variant { name: node.arg(0)?, settings, what_ifs, remarks, expected })
}

/// What is otherwise: what `set` and `what-if` say.
pub(super) fn changes(children: &[Node<'_>]) -> (Vec<Setting>, Vec<WhatIf>) {
    let of = |name: &str| super::of(children, name);
    let settings = of("set").iter().filter_map(setting).collect();
    (settings, of("what-if").iter().flat_map(|node| node.args_from(0)).collect())
}

/// A key and a value in the form of the command line.
fn setting(node: &Node<'_>) -> Option<Setting> {
    let value = match node.arg::<KdlValue>(1)? {
        KdlValue::String(text) => text,
        KdlValue::Integer(number) => number.to_string(),
        KdlValue::Bool(truth) => truth.to_string(),
        KdlValue::Float(_) | KdlValue::Null => {
            node.wrong(node.arg_span(1), "this is no value that can be set", "a text or a number");
            return None;
        }
    };
    Some((node.arg(0)?, value, node.arg_span(0)))
}
