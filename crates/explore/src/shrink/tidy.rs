//! What tells the story of the first run and says nothing about the small one: left out.

use std::collections::BTreeMap;

use kdl::{KdlDocument, KdlNode, KdlValue};

use super::Best;
use super::trial::Trial;
use crate::plain::plain;

/// Nodes that tell something, or speak of other runs.
const TOLD: [&str; 5] = ["tell", "search", "variant", "also", "param"];

/// The same with what was left out since taken into account.
pub(super) fn again(best: &mut Best, trial: &mut Trial) {
    let Ok(mut document) = best.text.parse::<KdlDocument>() else { return };
    plain(&mut document, 0);
    let ids = best.ids.clone();
    trial.attempt(best, document.to_string(), ids);
}

/// Leaves out what is told. Parameters become their values.
pub(super) fn tidy(best: &mut Best, trial: &mut Trial) {
    let Ok(mut document) = best.text.parse::<KdlDocument>() else { return };
    let values = parameters(&document);
    document.nodes_mut().retain(|node| !TOLD.contains(&node.name().value()));
    for node in document.nodes_mut() {
        insert(node, &values);
        if node.name().value() == "scenario" {
            node.clear_children();
        }
    }
    plain(&mut document, 0);
    let ids = best.ids.clone();
    trial.attempt(best, document.to_string(), ids);
}

fn parameters(document: &KdlDocument) -> BTreeMap<String, KdlValue> {
    let params = document.nodes().iter().filter(|node| node.name().value() == "param");
    let pair =
        |node: &KdlNode| Some((format!("${}", node.get(0)?.as_string()?), node.get(1)?.clone()));
    params.filter_map(pair).collect()
}

fn insert(node: &mut KdlNode, values: &BTreeMap<String, KdlValue>) {
    for entry in node.entries_mut() {
        let value = entry.value().as_string().and_then(|word| values.get(word));
        if let Some(value) = value.cloned() {
            entry.set_value(value);
            entry.clear_format();
            entry.autoformat();
        }
    }
    if let Some(inside) = node.children_mut() {
        inside.nodes_mut().iter_mut().for_each(|node| insert(node, values));
    }
}
