//! A scenario written down with everything that was set from outside, and with more faults: a file
//! of its own, which runs exactly as it does.

use std::fmt::Write as _;

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};

use crate::scenario::Scenario;

impl Scenario {
    /// The text of this scenario as it would run now, with these nodes added. What it expects of
    /// the run without them, and says about it, is left out: what is expected in `explore` stays.
    pub fn with_faults_written(&self, nodes: &[String]) -> String {
        let mut document = self.document().clone();
        let all = document.nodes_mut().iter_mut();
        let of_one_run =
            |node: &&mut KdlNode| matches!(node.name().value(), "expect" | "tell" | "search");
        all.filter(of_one_run).for_each(leave_out);
        self.written_as(document, nodes)
    }

    /// The text of this scenario as it would run now, with these nodes added.
    pub fn written(&self, nodes: &[String]) -> String {
        self.written_as(self.document().clone(), nodes)
    }

    fn written_as(&self, mut document: KdlDocument, nodes: &[String]) -> String {
        for node in document.nodes_mut() {
            match node.name().value() {
                "seed" | "seeds" => leave_out(node),
                "param" => self.write_param(node),
                "host" => self.write_host(node),
                _ => {}
            }
        }
        let mut text = document.to_string();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let _ = writeln!(text, "\nseed {}", self.seed());
        for rule in self.what_ifs().iter() {
            let _ = writeln!(text, "what-if \"{rule}\"");
        }
        for node in nodes {
            text.push_str(node);
            text.push('\n');
        }
        text
    }

    /// A parameter gets the value that was set.
    fn write_param(&self, node: &mut KdlNode) {
        let name = node.get(0).and_then(KdlValue::as_string).unwrap_or_default().to_owned();
        let value = self.compiled.values.get(&name).cloned();
        if let (Some(value), Some(entry)) = (value, node.entries_mut().get_mut(1))
            && *entry.value() != value
        {
            *entry = spaced(KdlEntry::new(value));
        }
    }

    /// A host gets the profile and the parameters that were set.
    fn write_host(&self, node: &mut KdlNode) {
        let name = node.get(0).and_then(KdlValue::as_string).unwrap_or_default().to_owned();
        if let Some(profile) = self.profile() {
            node.entries_mut()
                .retain(|entry| entry.name().is_none_or(|it| it.value() != "profile"));
            node.entries_mut().push(spaced(KdlEntry::new_prop("profile", profile)));
        }
        for (parameter, value) in self.overrides().of_host(&name) {
            let mut set = KdlNode::new("set");
            set.push(KdlEntry::new(parameter));
            set.push(KdlEntry::new(value));
            set.autoformat();
            let children = node.children_mut().get_or_insert_with(KdlDocument::new);
            children.nodes_mut().push(set);
        }
    }
}

/// A node that stands there, but says nothing.
fn leave_out(node: &mut KdlNode) {
    let mut format = node.format().cloned().unwrap_or_default();
    format.leading.push_str("/-");
    node.set_format(format);
}

/// An entry with a space in front of it.
fn spaced(mut entry: KdlEntry) -> KdlEntry {
    entry.autoformat();
    entry
}
