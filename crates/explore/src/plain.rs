//! How scenarios are written that nobody wrote: as those of the library are.

use kdl::{KdlDocument, KdlDocumentFormat, KdlEntry, KdlEntryFormat, KdlNode, KdlNodeFormat};

/// One node on each line, no comments: they were about another run.
pub(crate) fn plain(document: &mut KdlDocument, depth: usize) {
    let indent = "    ".repeat(depth);
    let nodes = document.nodes().len();
    for (place, node) in document.nodes_mut().iter_mut().enumerate() {
        let gap = depth == 0 && place > 0 && place < nodes && starts_a_part(node);
        let leading = if gap { "\n".to_owned() } else { indent.clone() };
        node.set_format(KdlNodeFormat {
            leading,
            before_children: " ".to_owned(),
            terminator: "\n".to_owned(),
            ..KdlNodeFormat::default()
        });
        // `fault drop`: a verdict is a word of the language.
        let words = usize::from(node.name().value() == "fault");
        node.entries_mut().iter_mut().skip(words).for_each(quoted);
        if let Some(inside) = node.children_mut() {
            plain(inside, depth + 1);
            inside.set_format(KdlDocumentFormat {
                leading: "\n".to_owned(),
                trailing: indent.clone(),
            });
        }
    }
    if depth == 0 {
        document.set_format(KdlDocumentFormat::default());
    }
}

/// Texts in quotes, as everywhere in the library.
fn quoted(entry: &mut KdlEntry) {
    entry.clear_format();
    entry.autoformat();
    let Some(text) = entry.value().as_string() else { return };
    if text.chars().all(|c| !c.is_control() && !matches!(c, '"' | '\\')) {
        let value_repr = format!("\"{text}\"");
        let leading = " ".to_owned();
        entry.set_format(KdlEntryFormat { value_repr, leading, ..KdlEntryFormat::default() });
    }
}

/// An empty line stands in front of what begins something new.
fn starts_a_part(node: &KdlNode) -> bool {
    matches!(node.name().value(), "role" | "expect" | "explore" | "seed")
}
