//! `search`: what a search through all schedules is to find, and what is said about it.

use super::{tell, variant};
use crate::bound::Bound;
use crate::diagnostic::Problem;
use crate::expect::Broken;
use crate::language::node::Node;
use crate::search::{Finds, Own, Search};

/// All searches, in the order of the file.
pub(super) fn all(nodes: &[Node<'_>], bound: Option<&Bound>) -> Vec<Search> {
    nodes.iter().filter_map(|node| one(node, bound)).collect()
}

fn one(node: &Node<'_>, bound: Option<&Bound>) -> Option<Search> {
    let children = node.children();
    let words = super::of(&children, "say").iter().filter_map(|say| say.arg(0)).collect();
    let of: Option<String> = node.prop("of");
    if let Some(file) = of {
        let own = children.iter().find(|child| child.name() != "say");
        if own.is_some() || node.has("finds") || node.has("means") || node.argument_count() > 0 {
            let message = "the searches of another file are made as that file says";
            node.wrong(node.name_span(), message, "takes `say` only, beside `of`");
        }
        return Some(Search::Of { file, words });
    }
    if bound.is_none() {
        let problem = Problem::at(node.name_span(), "how far is to be searched?".to_owned());
        let hint = "add: explore faults=1 kinds=\"drop\"; or name another file with of=";
        node.report(problem.label("the file has no `explore`").help(hint));
    }
    let name: Option<String> = node.arg(0);
    if name.is_none() && node.argument_count() == 0 {
        node.wrong(node.name_span(), "what is this search called?", "add a name");
    }
    let finds = finds(node, bound);
    let (settings, what_ifs) = variant::changes(&children);
    let remarks = tell::all(&super::of(&children, "tell"));
    let means = node.prop("means");
    Some(Search::Own(Own { name: name?, words, finds: finds?, means, settings, what_ifs, remarks }))
}

/// `nothing`, `invariant 4`, `expectation 1`, `stuck`.
fn finds(node: &Node<'_>, bound: Option<&Bound>) -> Option<Finds> {
    let text: String = node.required("finds")?;
    let number = |what: &str| text.strip_prefix(what).and_then(|number| number.parse().ok());
    let expected = bound.map_or(0, |bound| bound.expected.len());
    let found = match text.as_str() {
        "nothing" => Some(Finds::Nothing),
        "stuck" => Some(Finds::Disaster(Broken::Stuck)),
        _ => match (number("invariant "), number("expectation ")) {
            (Some(invariant @ 1..=6), _) => {
                Some(Finds::Disaster(Broken::Invariant(invariant as u8)))
            }
            (_, Some(place)) if (1..=expected).contains(&place) => {
                Some(Finds::Disaster(Broken::Expectation(place - 1)))
            }
            _ => None,
        },
    };
    if found.is_none() {
        let message = format!("`{text}` is nothing that a search can find");
        let hint = format!(
            "write \"nothing\", \"invariant 1\" to 6, \"stuck\", or \"expectation 1\" of those in \
             `explore` (here are {expected})"
        );
        node.report(Problem::at(node.prop_span("finds"), message).label("not this").help(hint));
    }
    found
}
