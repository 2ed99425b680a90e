//! A scenario written down with everything that was set from outside, and with more faults: a file
//! of its own, which runs exactly as it does.

use std::fmt::Write as _;

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};

use crate::expect::Wanted;
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

    /// What a scenario shows on purpose is no failure of another configuration either: a node that lets the
    /// invariants be broken that its expectations speak of.
    pub fn disasters_written(&self) -> Option<String> {
        let numbers = self.compiled.expected.iter().filter_map(|one| match one.wanted {
            Wanted::Violation { invariant, counts } if counts.max != Some(0) => Some(invariant),
            _ => None,
        });
        let words: Vec<String> =
            numbers.map(|number| format!("violation {number} min=0")).collect();
        (!words.is_empty()).then(|| format!("expect {{ {} }}", words.join("; ")))
    }

    /// The text of this scenario as it would run now, with these nodes added.
    pub fn written(&self, nodes: &[String]) -> String {
        let mut document = self.document().clone();
        if let Some(name) = self.chosen_variant() {
            become_variant(&mut document, name);
        }
        self.written_as(document, nodes)
    }

    fn written_as(&self, mut document: KdlDocument, nodes: &[String]) -> String {
        for node in document.nodes_mut() {
            match node.name().value() {
                // What is written has other profiles perhaps, and one seed.
                "seed" | "seeds" | "also" => leave_out(node),
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
            children.nodes_mut().iter_mut().for_each(end_line);
            children.nodes_mut().push(set);
        }
    }
}

/// What a variant tells and expects takes the place of what the file's own run does. What it sets
/// is written like everything that was set.
fn become_variant(document: &mut KdlDocument, name: &str) {
    let is_it = |node: &KdlNode| {
        node.name().value() == "variant" && node.get(0).and_then(KdlValue::as_string) == Some(name)
    };
    let told = |node: &KdlNode| matches!(node.name().value(), "expect" | "tell");
    let variant = document.nodes().iter().find(|node| is_it(node)).cloned();
    let own = variant.as_ref().and_then(KdlNode::children).map_or(&[][..], KdlDocument::nodes);
    let own: Vec<KdlNode> = own.iter().filter(|node| told(node)).cloned().collect();
    for node in document.nodes_mut() {
        if told(node) || node.name().value() == "variant" {
            leave_out(node);
        }
    }
    document.nodes_mut().extend(own);
}

/// What follows a node stands on a line of its own, also in `{ set "mss" 700 }`.
fn end_line(node: &mut KdlNode) {
    if let Some(mut format) = node.format().cloned() {
        "\n".clone_into(&mut format.terminator);
        node.set_format(format);
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
