//! Sizes in scenarios: how many octets roles write and read, and what else speaks of them.

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};

/// The sizes that roles write, each once, the largest first.
pub(crate) fn written(document: &KdlDocument) -> Vec<u64> {
    let mut all = Vec::new();
    let roles = document.nodes().iter().filter(|node| node.name().value() == "role");
    roles.for_each(|role| visit(role, &mut |entry| all.extend(of(entry.value()))));
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.dedup();
    all
}

/// Whether other sizes make no other story: nothing but roles speaks of octets, so that whatever is
/// written and read is as good as what the file says.
pub(crate) fn are_free(document: &KdlDocument) -> bool {
    let speaks = |node: &KdlNode| {
        let entries = node.entries().iter();
        entries.filter_map(|entry| Some((entry.name()?.value(), entry.value()))).any(
            |(name, value)| {
                matches!(name, "bytes" | "octets" | "octet" | "payload") && of(value).is_some()
            },
        ) || node
            .entries()
            .iter()
            .any(|entry| entry.value().as_string().is_some_and(|text| text.contains(" reads ")))
    };
    let others = document.nodes().iter().filter(|node| node.name().value() != "role");
    let waits = document.nodes().iter().filter(|node| node.name().value() == "role");
    let waits = waits
        .filter_map(KdlNode::children)
        .any(|steps| any(steps, &|node| node.name().value() == "wait" && speaks(node)));
    let mut others = others.cloned().collect::<Vec<_>>();
    // What the file expects of its own run is not expected of others.
    others.retain(|node| node.name().value() != "expect");
    !waits
        && !others
            .iter()
            .any(|node| speaks(node) || node.children().is_some_and(|inside| any(inside, &speaks)))
}

fn any(document: &KdlDocument, is: &dyn Fn(&KdlNode) -> bool) -> bool {
    let inside = |node: &KdlNode| node.children().is_some_and(|inside| any(inside, is));
    document.nodes().iter().any(|node| is(node) || inside(node))
}

/// Puts one size in place of another in all roles.
pub(crate) fn replace(document: &mut KdlDocument, old: u64, new: u64) {
    let roles = document.nodes_mut().iter_mut().filter(|node| node.name().value() == "role");
    roles.for_each(|role| visit_mut(role, &mut |entry| set(entry, old, new)));
}

/// The same in all that is expected, so that it is the same expectation of a smaller story.
pub(crate) fn replace_expected(document: &mut KdlDocument, old: u64, new: u64) {
    for node in document.nodes_mut() {
        if matches!(node.name().value(), "expect" | "explore")
            && let Some(inside) = node.children_mut()
        {
            replace_in(inside, old, new);
        }
    }
}

fn replace_in(document: &mut KdlDocument, old: u64, new: u64) {
    for node in document.nodes_mut() {
        for entry in node.entries_mut() {
            let name = entry.name().map(|name| name.value().to_owned());
            if matches!(name.as_deref(), Some("bytes" | "octets")) {
                set(entry, old, new);
            }
        }
        if let Some(inside) = node.children_mut() {
            replace_in(inside, old, new);
        }
    }
}

fn set(entry: &mut KdlEntry, old: u64, new: u64) {
    if of(entry.value()) == Some(old) {
        entry.set_value(KdlValue::Integer(new.into()));
        entry.clear_format();
        entry.autoformat();
    }
}

/// The size that a value is.
fn of(value: &KdlValue) -> Option<u64> {
    match value {
        KdlValue::Integer(number) => u64::try_from(*number).ok(),
        KdlValue::String(text) => twomsl_scenario::size(text),
        _ => None,
    }
}

/// What says in a step how much it writes or reads.
fn is_size(step: &str, name: Option<&str>, place: usize) -> bool {
    match (step, name) {
        ("write", Some("bytes")) => true,
        ("read", None) => place == 0,
        _ => false,
    }
}

fn visit(node: &KdlNode, look: &mut impl FnMut(&KdlEntry)) {
    let step = node.name().value();
    for (place, entry) in node.entries().iter().enumerate() {
        if is_size(step, entry.name().map(kdl::KdlIdentifier::value), place) {
            look(entry);
        }
    }
    if let Some(inside) = node.children() {
        inside.nodes().iter().for_each(|node| visit(node, look));
    }
}

fn visit_mut(node: &mut KdlNode, look: &mut impl FnMut(&mut KdlEntry)) {
    let step = node.name().value().to_owned();
    for (place, entry) in node.entries_mut().iter_mut().enumerate() {
        let name = entry.name().map(|name| name.value().to_owned());
        if is_size(&step, name.as_deref(), place) {
            look(entry);
        }
    }
    if let Some(inside) = node.children_mut() {
        inside.nodes_mut().iter_mut().for_each(|node| visit_mut(node, look));
    }
}
