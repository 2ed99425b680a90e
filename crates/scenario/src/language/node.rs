//! The typed reader of one node. It never stops at the first problem: what is wrong is written
//! down, and reading goes on with nothing in its place.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};

use super::value::{Value, Wrong, describe};
use super::vocabulary::{self, Kind, Presence};
use super::{Names, suggest};
use crate::diagnostic::{Problem, Span};

/// Nobody reads more, and garbage that happens to be KDL has one on every line.
const MAX_PROBLEMS: usize = 100;

/// What reading needs and collects.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// What the file defines.
    pub(crate) names: Names,
    /// The values of its parameters.
    pub(crate) params: BTreeMap<String, KdlValue>,
    /// What is wrong so far.
    problems: RefCell<Vec<Problem>>,
}

impl Context {
    /// Writes a problem down, once: a node may be read more than once.
    pub(crate) fn report(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MAX_PROBLEMS && !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// Whether nothing more is written down.
    fn is_full(&self) -> bool {
        self.problems.borrow().len() >= MAX_PROBLEMS
    }

    /// Everything that was written down.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// The value of an entry: `"$name"` stands for a parameter, `"$$…"` for a text with a dollar.
    fn resolve(&self, entry: &KdlEntry) -> Result<KdlValue, Wrong> {
        let Some(text) = entry.value().as_string().filter(|text| text.starts_with('$')) else {
            return Ok(entry.value().clone());
        };
        let name = text.get(1..).unwrap_or_default();
        if name.starts_with('$') {
            return Ok(KdlValue::String(name.to_owned()));
        }
        self.params.get(name).cloned().ok_or_else(|| {
            let hint = suggest::hint(name, self.params.keys().map(String::as_str));
            Wrong::new(format!("no parameter is called `{name}`"), "unknown parameter")
                .help(hint.unwrap_or_else(|| format!("define it: param \"{name}\" …")))
        })
    }
}

/// One node of the file, with what the language says about its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    inner: &'a KdlNode,
    kind: &'static Kind,
    cx: &'a Context,
}

/// The nodes of a document that are known there; the others are reported.
pub(crate) fn known<'a>(
    cx: &'a Context,
    document: &'a KdlDocument,
    kinds: &'static [&'static Kind],
    parent: Option<&'static Kind>,
) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    for inner in document.nodes() {
        match kinds.iter().find(|kind| kind.name == inner.name().value()) {
            Some(kind) => nodes.push(Node::new(inner, kind, cx)),
            None if cx.is_full() => break,
            None => cx.report(unknown(inner, kinds, parent)),
        }
    }
    nodes
}

/// A node that is not known at this place. One that is known elsewhere was probably put between the
/// wrong braces; otherwise its name may be misspelt.
fn unknown(inner: &KdlNode, kinds: &[&Kind], parent: Option<&Kind>) -> Problem {
    let name = inner.name().value();
    let place = parent.map_or_else(String::new, |kind| format!(" in `{}`", kind.name));
    let elsewhere = || home_of(name).map(|home| format!("`{name}` belongs in `{home}`"));
    let misspelt = || suggest::hint(name, kinds.iter().map(|kind| kind.name));
    Problem::at(inner.name().span(), format!("unknown node `{name}`{place}"))
        .label("not known here")
        .maybe_help(elsewhere().or_else(misspelt))
}

/// The node that a misplaced one belongs in.
fn home_of(name: &str) -> Option<String> {
    let all = vocabulary::all();
    let (path, _) = all.iter().find(|(_, kind)| kind.name == name)?;
    path.rsplit_once('/').map(|(home, _)| home.to_owned())
}

impl<'a> Node<'a> {
    /// Wraps a node, and reports everything it has that its kind does not.
    fn new(inner: &'a KdlNode, kind: &'static Kind, cx: &'a Context) -> Self {
        let node = Self { inner, kind, cx };
        node.check_types();
        node.check_properties();
        node.check_arguments();
        if kind.children.is_empty() && inner.children().is_some_and(|inside| !inside.is_empty()) {
            node.wrong(node.name_span(), &format!("`{}` takes no braces", kind.name), "no braces");
        }
        node
    }

    /// The node's name.
    pub(crate) const fn name(&self) -> &'static str {
        self.kind.name
    }

    /// What it reads into.
    pub(crate) const fn context(&self) -> &'a Context {
        self.cx
    }

    /// Where its name stands.
    pub(crate) fn name_span(&self) -> Span {
        self.inner.name().span().into()
    }

    /// From its name to its last entry, without the braces.
    pub(crate) fn head_span(&self) -> Span {
        let start = self.inner.name().span().offset();
        let ends = self.inner.entries().iter().map(KdlEntry::span);
        let end = ends.map(|span| span.offset() + span.len()).max();
        let name = self.inner.name().span();
        Span::new(start, end.unwrap_or(name.offset() + name.len()) - start)
    }

    /// Reports a problem at a place.
    pub(crate) fn wrong(&self, span: Span, message: &str, label: &str) {
        self.report(Problem::at(span, message.to_owned()).label(label));
    }

    /// Reports a problem.
    pub(crate) fn report(&self, problem: Problem) {
        self.cx.report(problem);
    }

    /// The nodes between its braces that are known there.
    pub(crate) fn children(&self) -> Vec<Self> {
        let inside = self.inner.children();
        inside.map_or_else(Vec::new, |inside| {
            known(self.cx, inside, self.kind.children, Some(self.kind))
        })
    }

    /// The only child of a name; a second one is reported.
    pub(crate) fn child(&self, name: &str) -> Option<Self> {
        let mut found = self.children_named(name);
        if let Some(second) = found.get(1) {
            second.wrong(second.name_span(), &format!("`{name}` is given twice"), "the second");
        }
        (!found.is_empty()).then(|| found.swap_remove(0))
    }

    /// The children of a name. What else is wrong between the braces is not reported again.
    fn children_named(&self, name: &str) -> Vec<Self> {
        let inside = self.inner.children().map(KdlDocument::nodes).unwrap_or_default();
        let kind = self.kind.children.iter().find(|kind| kind.name == name);
        let of_name = inside.iter().filter(|node| node.name().value() == name);
        kind.map_or_else(Vec::new, |kind| {
            of_name.map(|inner| Self::new(inner, kind, self.cx)).collect()
        })
    }

    // ---- arguments ----

    fn arguments(&self) -> impl Iterator<Item = &'a KdlEntry> {
        self.inner.entries().iter().filter(|entry| entry.name().is_none())
    }

    /// How many arguments it has.
    pub(crate) fn argument_count(&self) -> usize {
        self.arguments().count()
    }

    /// Where an argument stands; the name's place if there is none.
    pub(crate) fn arg_span(&self, index: usize) -> Span {
        self.arguments().nth(index).map_or(self.name_span(), value_span)
    }

    /// An argument. That a required one is missing is reported already.
    pub(crate) fn arg<T: Value>(&self, index: usize) -> Option<T> {
        let entry = self.arguments().nth(index)?;
        let what = self.kind.args.get(index).or(self.kind.args.last()).map_or("", |arg| arg.name);
        self.read(entry, what)
    }

    /// All arguments from a place on; wrong ones are reported and left out.
    pub(crate) fn args_from<T: Value>(&self, start: usize) -> Vec<T> {
        (start..self.argument_count()).filter_map(|index| self.arg(index)).collect()
    }

    // ---- properties ----

    fn property(&self, name: &str) -> Option<&'a KdlEntry> {
        // The tables and the readers must agree: what is read here must be allowed there.
        debug_assert!(self.kind.properties().any(|known| known == name), "{name}");
        self.inner.entries().iter().find(|entry| entry.name().is_some_and(|it| it.value() == name))
    }

    /// Whether a property is given, right or wrong.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.property(name).is_some()
    }

    /// Where a property stands; the node's name if it is not given.
    pub(crate) fn prop_span(&self, name: &str) -> Span {
        self.property(name).map_or(self.name_span(), value_span)
    }

    /// A property, if it is given and right.
    pub(crate) fn prop<T: Value>(&self, name: &'static str) -> Option<T> {
        self.read(self.property(name)?, name)
    }

    /// A property, or what it is when it is not given.
    pub(crate) fn prop_or<T: Value>(&self, name: &'static str, default: T) -> T {
        self.prop(name).unwrap_or(default)
    }

    /// A property that must be given.
    pub(crate) fn required<T: Value>(&self, name: &'static str) -> Option<T> {
        if !self.has(name) {
            let problem = format!("`{}` needs the property `{name}`", self.name());
            self.report(
                Problem::at(self.name_span(), problem)
                    .label(format!("`{name}` is missing"))
                    .help(format!("write {} … {name}={}", self.name(), T::EXAMPLE)),
            );
        }
        self.prop(name)
    }

    /// Reads a value, or writes down what is wrong with it.
    fn read<T: Value>(&self, entry: &KdlEntry, what: &str) -> Option<T> {
        let read = self.cx.resolve(entry).and_then(|value| T::read(&value, &self.cx.names));
        read.map_err(|wrong| {
            let message = format!("`{what}` of `{}`: {}", self.name(), wrong.message);
            let problem = Problem::at(value_span(entry), message).label(wrong.label);
            self.report(problem.maybe_help(wrong.help));
        })
        .ok()
    }

    // ---- what a kind allows ----

    /// KDL's type annotations mean nothing here, so they are refused rather than ignored.
    fn check_types(&self) {
        let of_entries = self.inner.entries().iter().filter_map(KdlEntry::ty);
        for ty in self.inner.ty().into_iter().chain(of_entries) {
            let problem =
                Problem::at(ty.span(), "type annotations have no meaning here".to_owned())
                    .label("annotation")
                    .help("leave it out");
            self.report(problem);
        }
    }

    /// KDL lets the last of two equal properties win; here it is more likely a mistake.
    fn check_properties(&self) {
        let mut seen = BTreeSet::new();
        for name in self.inner.entries().iter().filter_map(KdlEntry::name) {
            if !self.kind.properties().any(|known| known == name.value()) {
                let message = format!("unknown property `{}` of `{}`", name.value(), self.name());
                let problem = Problem::at(name.span(), message)
                    .label("not known here")
                    .maybe_help(suggest::hint(name.value(), self.kind.properties()));
                self.report(problem);
            } else if !seen.insert(name.value()) {
                let message = format!("`{}` is given twice", name.value());
                self.report(Problem::at(name.span(), message).label("the second"));
            }
        }
    }

    /// Too few or too many. Their types are looked at when they are read.
    fn check_arguments(&self) {
        let given = self.argument_count();
        let required = |arg: &&vocabulary::Arg| arg.presence != Presence::Optional;
        for missing in self.kind.args.iter().skip(given).filter(required) {
            let message = format!("`{}` needs {}", self.name(), missing.name);
            let problem = Problem::at(self.head_span(), message)
                .label(format!("{} is missing", missing.name))
                .help(format!("write {}", self.usage()));
            self.report(problem);
        }
        let endless = self.kind.args.last().is_some_and(|arg| arg.presence == Presence::Many);
        if let Some(extra) = self.arguments().nth(self.kind.args.len()).filter(|_| !endless) {
            let message = format!("`{}` does not take {}", self.name(), describe(extra.value()));
            let problem = Problem::at(value_span(extra), message)
                .label("one too many")
                .help(format!("write {}", self.usage()));
            self.report(problem);
        }
    }

    /// The node and its arguments, as a pattern: `path HOST STATE…`.
    fn usage(&self) -> String {
        let arg = |arg: &vocabulary::Arg| match arg.presence {
            Presence::Once => format!(" {}", arg.name),
            Presence::Optional => format!(" [{}]", arg.name),
            Presence::Many => format!(" {}…", arg.name),
        };
        let args: String = self.kind.args.iter().map(arg).collect();
        format!("{}{args}", self.name())
    }
}

/// Where the value of an entry stands: KDL's span begins at the name of a property.
fn value_span(entry: &KdlEntry) -> Span {
    let (start, length) = (entry.span().offset(), entry.span().len());
    let spaces = entry.format().map_or(0, |it| it.after_key.len() + it.after_eq.len());
    let name = entry.name().map_or(0, |name| name.span().len() + spaces + 1).min(length);
    Span::new(start + name, length - name)
}
