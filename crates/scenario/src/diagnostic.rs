//! What is wrong with a scenario, and where.

use std::fmt::{self, Write as _};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, SourceSpan};

use crate::source::Source;

/// More problems than this are counted, not shown: the first few cause the others.
const MAX_SHOWN: usize = 20;

/// Source lines longer than this many octets are not shown whole: garbage has such lines.
const MAX_LINE: usize = 240;

/// A place in the text, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Span {
    offset: usize,
    length: usize,
}

impl Span {
    pub(crate) const fn new(offset: usize, length: usize) -> Self {
        Self { offset, length }
    }

    /// The octet at which it begins.
    pub(crate) const fn start(self) -> usize {
        self.offset
    }

    /// The octet behind it.
    pub(crate) const fn end(self) -> usize {
        self.offset + self.length
    }

    /// The text at this place.
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.offset..self.offset + self.length).unwrap_or_default()
    }

    /// Line and column, both from 1; the column counts characters, as editors do.
    pub(crate) fn line_and_column(self, text: &str) -> (usize, usize) {
        let head = text.get(..self.offset).unwrap_or(text);
        let line_start = head.rfind('\n').map_or(0, |at| at + 1);
        let line = head.matches('\n').count() + 1;
        (line, head.get(line_start..).unwrap_or_default().chars().count() + 1)
    }
}

impl From<SourceSpan> for Span {
    fn from(span: SourceSpan) -> Self {
        Self { offset: span.offset(), length: span.len() }
    }
}

/// Whether a message uses colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// ANSI colours, for a terminal.
    Ansi,
    /// None, for a file or a test.
    None,
}

/// What a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The file itself: there is no text to point at.
    File,
    /// The text as a whole, which is said of its beginning.
    Text,
    /// A part of the text.
    At(Span),
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    place: Place,
    message: String,
    label: String,
    help: Option<String>,
}

impl Problem {
    /// Something wrong with one place.
    pub(crate) fn at(span: impl Into<Span>, message: String) -> Self {
        let place = Place::At(span.into());
        Self { place, message, label: "here".to_owned(), help: None }
    }

    /// Something wrong with the text as a whole.
    pub(crate) fn anywhere(message: String) -> Self {
        Self { place: Place::Text, message, label: String::new(), help: None }
    }

    /// Something wrong with the file itself, whose text nobody has seen.
    pub(crate) fn of_file(message: String) -> Self {
        Self { place: Place::File, ..Self::anywhere(message) }
    }

    /// A few words under the place itself.
    #[must_use]
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// What to do about it.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// [`help`](Self::help), if there is something to say.
    #[must_use]
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.help.as_deref()
    }

    const fn span(&self) -> Option<Span> {
        match self.place {
            Place::At(span) => Some(span),
            Place::File | Place::Text => None,
        }
    }

    /// `:5:7`, from 1; nothing where no place means anything.
    fn line_and_column(&self, text: &str) -> String {
        if self.place == Place::File {
            return String::new();
        }
        let (line, column) = self.span().unwrap_or_default().line_and_column(text);
        format!(":{line}:{column}")
    }
}

/// A scenario that cannot be used: everything that is wrong with it, in the order of the file.
#[derive(Clone, PartialEq, Eq)]
pub struct ScenarioError {
    source: Source,
    problems: Vec<Problem>,
}

impl ScenarioError {
    pub(crate) fn new(source: Source, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.span().map_or(0, |span| span.offset));
        Self { source, problems }
    }

    /// What is wrong.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Every problem as `file:line:column: error: …`, which terminals make a link, with the source
    /// line, a label and a hint; a file that cannot be read has no line.
    pub fn render(&self, colour: Colour) -> String {
        let printable = printable(&self.source.text);
        let mut out = String::new();
        for problem in self.problems.iter().take(MAX_SHOWN) {
            out.push_str(&self.headline(problem));
            out.push_str(&self.excerpt(problem, &printable, colour));
        }
        if let Some(more) = self.problems.len().checked_sub(MAX_SHOWN + 1) {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{}: {} more problems", self.source.name, more + 1);
        }
        out
    }

    fn headline(&self, problem: &Problem) -> String {
        let place = problem.line_and_column(&self.source.text);
        format!("{}{place}: error: {}\n", self.source.name, problem.message)
    }

    /// The source line with its label, and the hint.
    fn excerpt(&self, problem: &Problem, printable: &str, colour: Colour) -> String {
        let drawable = problem.span().filter(|span| line_length(printable, *span) <= MAX_LINE);
        let Some(span) = drawable else {
            let hint = problem.help.as_ref().map(|help| format!("  help: {help}\n"));
            return hint.unwrap_or_default();
        };
        let snippet = Snippet { problem, span, text: printable, name: &self.source.name };
        let mut out = String::new();
        let drawn = GraphicalReportHandler::new_themed(theme(colour))
            .with_links(false)
            .with_context_lines(1)
            .with_wrap_lines(false)
            .render_report(&mut out, &snippet);
        // The headline is ours: miette's own has no place at its beginning.
        let body = out.find('╭').map(|at| out.get(..at).and_then(|head| head.rfind('\n')));
        match (drawn, body) {
            (Ok(()), Some(Some(start))) => format!("{}\n", out.get(start + 1..).unwrap_or("")),
            _ => String::new(),
        }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(Colour::None).trim_end())
    }
}

/// As `Display`: a test that returns this error, or unwraps it, shows its `Debug`, and should
/// read the message there rather than the whole file.
impl fmt::Debug for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ScenarioError {}

fn theme(colour: Colour) -> GraphicalTheme {
    match colour {
        Colour::Ansi => GraphicalTheme::unicode(),
        Colour::None => GraphicalTheme::unicode_nocolor(),
    }
}

/// The text without anything that would move a terminal's cursor; every octet keeps its place.
fn printable(text: &str) -> String {
    let hide = |c: char| if c.is_ascii_control() && c != '\n' && c != '\t' { '?' } else { c };
    text.chars().map(hide).collect()
}

/// The longest of the lines that would be shown around a place.
fn line_length(text: &str, span: Span) -> usize {
    let (line, _) = span.line_and_column(text);
    let last = span.of(text).matches('\n').count() + 3;
    text.lines().skip(line.saturating_sub(2)).take(last).map(str::len).max().unwrap_or(0)
}

/// One problem in the form that miette draws.
#[derive(Debug)]
struct Snippet<'a> {
    problem: &'a Problem,
    span: Span,
    text: &'a str,
    name: &'a str,
}

impl fmt::Display for Snippet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Snippet<'_> {}

impl miette::Diagnostic for Snippet<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = Some(self.problem.label.clone());
        let span = (self.span.offset, self.span.length);
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(label, span))))
    }
}

impl SourceCode for Snippet<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        let inner = self.text.read_span(span, before, after)?;
        Ok(Box::new(miette::MietteSpanContents::new_named(
            self.name.to_owned(),
            inner.data(),
            *inner.span(),
            inner.line(),
            inner.column(),
            inner.line_count(),
        )))
    }
}
