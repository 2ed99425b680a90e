//! `explore`: how far all schedules are searched, and what holds in each.

use super::{expectation, only_once};
use crate::bound::{Bound, FaultKind};
use crate::diagnostic::Problem;
use crate::expect::Monitors;
use crate::language::node::Node;
use crate::language::suggest;

/// The bound of the file, if it has one.
pub(super) fn bound(nodes: &[Node<'_>]) -> Option<Bound> {
    only_once(nodes);
    let node = nodes.first()?;
    let default = Bound::default();
    let kinds: Option<String> = node.prop("kinds");
    let inner = node.children();
    let expected = expectation::all(&inner);
    for one in expected.iter().filter(|one| !Monitors::can_watch(&one.wanted)) {
        let message = "this cannot be asked of every schedule".to_owned();
        let problem = Problem::at(one.span, message).label("of one run only");
        node.report(problem.help(
            "in `explore`: `result`, `read`, `written`, `segments`, `verdict`, `violation`, `state` \
             and `ends`, without connections, ordinals and times of their own",
        ));
    }
    Some(Bound {
        faults: node.prop_or("faults", default.faults),
        kinds: kinds.map_or(default.kinds, |text| self::kinds(node, &text)),
        lifetime: node.prop("lifetime"),
        expected,
    })
}

/// `drop,duplicate`, in any order; each once.
fn kinds(node: &Node<'_>, text: &str) -> Vec<FaultKind> {
    let mut kinds = Vec::new();
    for name in text.split(',').map(str::trim) {
        match FaultKind::by_name(name) {
            Some(kind) if kinds.contains(&kind) => {
                let message = format!("`{name}` is given twice");
                node.wrong(node.prop_span("kinds"), &message, "once is enough");
            }
            Some(kind) => kinds.push(kind),
            None => {
                let message = format!("there is no kind of fault `{name}`");
                let known = FaultKind::ALL.map(FaultKind::name);
                let problem = Problem::at(node.prop_span("kinds"), message).label("no kind");
                node.report(problem.maybe_help(suggest::hint(name, known)));
            }
        }
    }
    kinds.sort_unstable();
    kinds
}
