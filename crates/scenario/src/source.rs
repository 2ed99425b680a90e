//! Getting the text of a scenario, and refusing what cannot be one.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use kdl::{KdlDiagnostic, KdlDocument};

use crate::diagnostic::{Problem, ScenarioError, Span};

/// A scenario file is a page or two; this is more than anybody writes, and little enough that
/// what is no scenario at all costs neither time nor memory.
const MAX_OCTETS: u64 = 128 << 10;

/// Octets of stack that one level of the parser's recursion takes in a debug build, and a little
/// more: 3,640 were measured.
const LEVEL: usize = 4096;

/// Octets of stack that a parser needs for a text without errors, nested as deep as may be.
const STACK: usize = 4 << 20;

/// KDL recovers from an error and may then find many more that the first one caused.
const MAX_SYNTAX_PROBLEMS: usize = 5;

/// How deep nodes and comments may nest. The KDL parser recurses, so this keeps its stack small;
/// the deepest sensible scenario nests five levels.
const MAX_DEPTH: usize = 24;

/// A named text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The path as it was given: error messages begin with it.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: Arc<str>,
}

impl Source {
    /// A text that is already there.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.into() }
    }

    /// Reads a file, never more than [`MAX_OCTETS`] of it: `/dev/zero` has no size to ask for.
    pub(crate) fn read(path: &Path) -> Result<Self, ScenarioError> {
        let name = path.display().to_string();
        let refuse = |problem| ScenarioError::new(Self::new(&name, ""), vec![problem]);
        let octets = read_bounded(path, MAX_OCTETS, too_large).map_err(refuse)?;
        match String::from_utf8(octets) {
            Ok(text) => Ok(Self::new(&name, &text)),
            Err(error) => Err(not_text(&name, &error)),
        }
    }

    /// Reads a packetdrill script of so many octets at most. Names in comments may be in an older
    /// encoding: octets that are no UTF-8 become question marks, one for each.
    pub(crate) fn read_script(path: &Path, most: u64) -> Result<Self, ScenarioError> {
        let name = path.display().to_string();
        let too_large =
            || Problem::of_file(format!("larger than {} MiB, so not a script", most >> 20));
        let octets = read_bounded(path, most, too_large).map_err(|problem| {
            let problem = problem.help("give the path of a packetdrill script, such as close.pkt");
            ScenarioError::new(Self::new(&name, ""), vec![problem])
        })?;
        let text = String::from_utf8(octets).unwrap_or_else(|error| readable(error.as_bytes()));
        Ok(Self { name, text: text.into() })
    }

    /// The text as KDL.
    ///
    /// The parser recurses when it recovers from an error, so garbage can take a level for every
    /// octet. It gets a thread of its own with a stack for that: address space, which becomes
    /// memory only where it is used.
    pub(crate) fn parse(&self) -> Result<KdlDocument, ScenarioError> {
        self.check()?;
        let text = Arc::clone(&self.text);
        let parser = std::thread::Builder::new().stack_size(STACK + text.len() * LEVEL);
        let refuse = |problems| Err(ScenarioError::new(self.clone(), problems));
        let cannot =
            |why: &str| refuse(vec![Problem::anywhere(format!("cannot be parsed: {why}"))]);
        match parser.spawn(move || KdlDocument::parse(&text)).map(std::thread::JoinHandle::join) {
            Ok(Ok(Ok(document))) => Ok(document),
            Ok(Ok(Err(error))) => refuse(syntax(&self.text, &error.diagnostics)),
            Ok(Err(_)) => cannot("the KDL parser failed"),
            Err(error) => cannot(&error.to_string()),
        }
    }

    /// Refuses a text that would cost the parser too much.
    fn check(&self) -> Result<(), ScenarioError> {
        let problem = if self.text.len() as u64 > MAX_OCTETS {
            Some(too_large())
        } else {
            too_deep(&self.text).map(|at| {
                Problem::at(Span::new(at, 1), format!("nested deeper than {MAX_DEPTH} levels"))
                    .label("one level too many")
                    .help("a scenario needs about five: `role`, `repeat`, `serve`, …")
            })
        };
        problem.map_or(Ok(()), |problem| Err(ScenarioError::new(self.clone(), vec![problem])))
    }
}

/// A text of the same length.
fn readable(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    text
}

fn read_bounded(
    path: &Path,
    most: u64,
    too_large: impl Fn() -> Problem,
) -> Result<Vec<u8>, Problem> {
    let cannot = |error: &std::io::Error| {
        Problem::of_file(format!("cannot read this file: {}", plain(error)))
            .help("give the path of a scenario file, such as scenarios/close/lost-fin.kdl")
    };
    let file = File::open(path).map_err(|error| cannot(&error))?;
    let about = file.metadata().map_err(|error| cannot(&error))?;
    if about.is_dir() {
        return Err(Problem::of_file("this is a directory, not a scenario file".to_owned())
            .help("name the files: the shell expands DIRECTORY/*.kdl"));
    }
    // Asked first, so that a large file is refused without reading any of it.
    if about.len() > most {
        return Err(too_large());
    }
    let mut octets = Vec::new();
    file.take(most + 1).read_to_end(&mut octets).map_err(|error| cannot(&error))?;
    if octets.len() as u64 > most { Err(too_large()) } else { Ok(octets) }
}

/// The message of an I/O error in the same words on every system.
fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn too_large() -> Problem {
    Problem::of_file("larger than 128 KiB, so not a scenario".to_owned())
        .help("a scenario is a few kilobytes of KDL; for much data, use `write bytes=\"64KiB\"`")
}

/// Keeps what is text before the first bad octet, so that its place can be shown.
fn not_text(name: &str, error: &std::string::FromUtf8Error) -> ScenarioError {
    let valid = error.utf8_error().valid_up_to();
    let head = error.as_bytes().get(..valid).and_then(|head| std::str::from_utf8(head).ok());
    let problem = Problem::at(Span::new(valid, 0), "not UTF-8 text".to_owned())
        .label("the first octet that is none")
        .help("a scenario is a KDL document in UTF-8");
    ScenarioError::new(Source::new(name, head.unwrap_or_default()), vec![problem])
}

/// Where the text nests deeper than [`MAX_DEPTH`], if it does.
///
/// KDL's brackets are counted outside of its strings and comments; what is no KDL at all may be
/// counted wrongly, but only ever within the depth that the scanner saw.
fn too_deep(text: &str) -> Option<usize> {
    let mut scanner = Scanner { octets: text.as_bytes(), at: 0, braces: 0, comments: 0 };
    while scanner.at < scanner.octets.len() {
        scanner.step();
        if scanner.braces.max(scanner.comments) > MAX_DEPTH {
            return Some(scanner.at - 1);
        }
    }
    None
}

/// A lexer that knows KDL's brackets, comments and strings, and nothing else.
struct Scanner<'a> {
    octets: &'a [u8],
    at: usize,
    braces: usize,
    comments: usize,
}

impl Scanner<'_> {
    fn step(&mut self) {
        match self.octets.get(self.at..).unwrap_or_default() {
            [b'/', b'*', ..] => self.advance_comments(1),
            [b'*', b'/', ..] if self.comments > 0 => self.advance_comments(-1),
            _ if self.comments > 0 => self.at += 1,
            [b'/', b'/', ..] => self.skip_line(),
            [b'{', ..] => self.advance_braces(1),
            [b'}', ..] => self.advance_braces(-1),
            [b'"', ..] => self.skip_string(0),
            [b'#', ..] => self.hashes(),
            _ => self.at += 1,
        }
    }

    fn advance_comments(&mut self, by: isize) {
        self.comments = self.comments.saturating_add_signed(by);
        self.at += 2;
    }

    fn advance_braces(&mut self, by: isize) {
        self.braces = self.braces.saturating_add_signed(by);
        self.at += 1;
    }

    fn skip_line(&mut self) {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|octet| *octet == b'\n').unwrap_or(rest.len());
    }

    /// `#"raw"#`, or a keyword such as `#true`.
    fn hashes(&mut self) {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let hashes = rest.iter().take_while(|octet| **octet == b'#').count();
        self.at += hashes;
        if rest.get(hashes) == Some(&b'"') {
            self.skip_string(hashes);
        }
    }

    /// Skips a string: quoted (`hashes` 0) or raw, on one line or, with three quotes, on several.
    fn skip_string(&mut self, hashes: usize) {
        let quotes = if self.rest().starts_with(b"\"\"\"") { 3 } else { 1 };
        self.at += quotes;
        while let Some(octet) = self.octets.get(self.at) {
            match octet {
                b'\\' if hashes == 0 => self.at += 2,
                b'"' if self.closes(quotes, hashes) => {
                    self.at += quotes + hashes;
                    return;
                }
                // A string of one line that is still open is an error; what follows it is text.
                b'\n' if quotes == 1 => return,
                _ => self.at += 1,
            }
        }
    }

    fn closes(&self, quotes: usize, hashes: usize) -> bool {
        let rest = self.rest();
        rest.iter().take(quotes).filter(|octet| **octet == b'"').count() == quotes
            && rest.iter().skip(quotes).take(hashes).filter(|octet| **octet == b'#').count()
                == hashes
    }

    fn rest(&self) -> &[u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }
}

/// KDL's own problems, in this project's form.
fn syntax(text: &str, diagnostics: &[KdlDiagnostic]) -> Vec<Problem> {
    let one = |diagnostic: &KdlDiagnostic| {
        if is_open_string(diagnostic) {
            return open_string(diagnostic);
        }
        let message = diagnostic.message.as_deref().unwrap_or("not KDL").trim_end_matches('.');
        let label = diagnostic.label.clone().unwrap_or_else(|| "here".to_owned());
        let help = keyword_hint(Span::from(diagnostic.span).of(text))
            .or_else(|| diagnostic.help.clone())
            .unwrap_or_else(|| SYNTAX_HINT.to_owned());
        Problem::at(diagnostic.span, format!("KDL syntax: {message}")).label(label).help(help)
    };
    let mut firsts: Vec<&KdlDiagnostic> = Vec::new();
    for diagnostic in diagnostics {
        // What begins at the same place, or just behind it, has the same cause.
        let same = |first: &&KdlDiagnostic| {
            let (start, end) = (first.span.offset(), first.span.offset() + first.span.len());
            (start..=end.max(start + 1)).contains(&diagnostic.span.offset())
        };
        if !firsts.iter().any(same) && firsts.len() < MAX_SYNTAX_PROBLEMS {
            firsts.push(diagnostic);
        }
    }
    firsts.into_iter().map(one).collect()
}

/// A quote without its partner: the parser calls that a newline in the string.
fn is_open_string(diagnostic: &KdlDiagnostic) -> bool {
    let message = diagnostic.message.as_deref().unwrap_or_default();
    message.contains("single-line quoted string")
}

fn open_string(diagnostic: &KdlDiagnostic) -> Problem {
    Problem::at(diagnostic.span, "KDL syntax: this text is not closed".to_owned())
        .label("no closing quote on this line")
        .help("end it with a quote; a text of several lines stands between \"\"\" and \"\"\"")
}

const SYNTAX_HINT: &str = "a scenario is a KDL 2 document: strings in quotes, #true and #false, \
                           braces on the line of their node";

/// KDL 2 wants a hash before its keywords; KDL 1, and most other languages, do not.
fn keyword_hint(word: &str) -> Option<String> {
    matches!(word, "true" | "false" | "null").then(|| format!("write #{word}"))
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, too_deep};

    #[test]
    fn brackets_in_strings_and_comments_do_not_nest() {
        let many = "{".repeat(MAX_DEPTH + 1);
        assert_eq!(too_deep(&format!("a \"{many}\" #\"{many}\"# // {many}\n/* {many} */")), None);
        assert_eq!(too_deep(&format!("a \"\"\"\n{many}\n\"\"\"")), None);
    }

    #[test]
    fn brackets_and_comments_that_nest_are_counted() {
        assert_eq!(too_deep(&"a {".repeat(MAX_DEPTH)), None);
        assert!(too_deep(&"a {".repeat(MAX_DEPTH + 1)).is_some());
        assert!(too_deep(&"/*".repeat(MAX_DEPTH + 1)).is_some());
        // Beside each other they do not nest.
        assert_eq!(too_deep(&"a { b }".repeat(MAX_DEPTH + 1)), None);
    }

    #[test]
    fn an_open_string_hides_one_line_only() {
        assert!(too_deep(&format!("a \"\n{}", "{".repeat(MAX_DEPTH + 1))).is_some());
    }
}
