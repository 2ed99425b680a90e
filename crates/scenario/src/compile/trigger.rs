//! When something happens: at a time, or when a condition comes true.

use std::time::Duration;

use twomsl_sim::spec::{Condition, Trigger};

use super::condition;
use crate::diagnostic::Problem;
use crate::language::node::Node;

/// The trigger of a node: `at=`, or `when=` and perhaps `after=`, or a `when` node in its braces.
pub(super) fn trigger(node: &Node<'_>) -> Option<Trigger> {
    let _ = node.children();
    let described = node.child("when");
    let ways = [node.has("at"), node.has("when"), described.is_some()];
    if ways.iter().filter(|given| **given).count() != 1 {
        let problem = Problem::at(node.name_span(), format!("when does `{}` happen?", node.name()));
        let hint = "give one of at=\"1s\", when=\"client ESTABLISHED\" and { when … }";
        node.report(problem.label("not said once").help(hint));
        return None;
    }
    let after: Duration = node.prop_or("after", Duration::ZERO);
    if node.has("at") {
        if node.has("after") {
            node.wrong(node.prop_span("after"), "`after` goes with `when`", "not with `at`");
        }
        return node.prop("at").map(Trigger::At);
    }
    let given: Option<Condition> = node.prop("when");
    let condition = given.or_else(|| condition::of_node(&described?))?;
    Some(Trigger::When { condition, after })
}
