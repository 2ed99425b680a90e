//! What is said about a run, tied to what happens in it.

use twomsl_sim::spec::Remark;

use super::trigger::trigger;
use crate::language::node::Node;
use crate::language::value::Host;

/// All remarks, in the order of the file.
pub(super) fn all(nodes: &[Node<'_>]) -> Vec<Remark> {
    nodes.iter().filter_map(one).collect()
}

fn one(node: &Node<'_>) -> Option<Remark> {
    let trigger = trigger(node);
    let tables = node.child("table").map_or_else(Vec::new, |table| table.args_from(0));
    let tables = tables.into_iter().map(|Host(host)| host).collect();
    Some(Remark { text: node.arg(0)?, trigger: trigger?, tables })
}
