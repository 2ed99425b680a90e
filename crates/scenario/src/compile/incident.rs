//! What befalls hosts, and the release of what a rule holds.

use twomsl_sim::spec::{Incident, IncidentAction};

use super::trigger::trigger;
use crate::diagnostic::Problem;
use crate::language::node::Node;
use crate::language::suggest;
use crate::language::value::Host;

/// All incidents, in the order of the file.
pub(super) fn all(nodes: &[Node<'_>]) -> Vec<Incident> {
    nodes.iter().filter_map(one).collect()
}

fn one(node: &Node<'_>) -> Option<Incident> {
    let make = match node.name() {
        "crash" => IncidentAction::Crash,
        "reboot" => IncidentAction::Reboot,
        "pause" => IncidentAction::Pause,
        "resume" => IncidentAction::Resume,
        "link-down" => IncidentAction::LinkDown,
        "link-up" => IncidentAction::LinkUp,
        "release" => return release(node),
        _ => return None,
    };
    // Read even if the host is wrong: both problems are told at once.
    let trigger = trigger(node);
    let Host(host) = node.arg(0)?;
    Some(Incident { trigger: trigger?, action: make(host) })
}

fn release(node: &Node<'_>) -> Option<Incident> {
    let trigger = trigger(node);
    let name: String = node.arg(0)?;
    let holds = &node.context().names.holds;
    if !holds.contains(&name) {
        let problem = Problem::at(node.arg_span(0), format!("no rule holds anything as `{name}`"));
        let hint = suggest::hint(&name, holds.iter().map(String::as_str));
        let hint = hint.unwrap_or_else(|| format!("add: fault hold \"{name}\" …"));
        node.report(problem.label("never held").help(hint));
    }
    Some(Incident { trigger: trigger?, action: IncidentAction::Release(name) })
}
