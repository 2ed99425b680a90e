//! What is not part of a script: comments, and what conditional text leaves out.

use super::Defines;
use super::fault::{Kind, MAX_DEPTH};
use crate::diagnostic::{Problem, Span};

/// The text with spaces in place of comments, directives and what they leave out.
///
/// It has as many octets as the original, and lines where the original has them. What the script
/// defines itself is added to what is defined for it.
pub(super) fn prepare(text: &str, defines: &mut Defines) -> (String, Vec<Problem>) {
    let out = Vec::with_capacity(text.len());
    let (now, ever) = (defines.clone(), defines);
    let conditions = Conditions { open: Vec::new(), now, ever };
    let mut scanner = Scanner { text, at: 0, out, conditions, problems: Vec::new() };
    // Behind the first mistake, what is part of the script can only be guessed.
    while scanner.at < text.len() && scanner.problems.is_empty() {
        scanner.step();
    }
    let Scanner { out, conditions, mut problems, .. } = scanner;
    if let (true, Some(condition)) = (problems.is_empty(), conditions.open.last()) {
        let problem = Problem::at(condition.span, "no `#endif` to this".to_owned());
        problems.push(problem.label("begins here"));
    }
    // Only spaces were written in place of whole characters.
    (String::from_utf8(out).unwrap_or_default(), problems)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    out: Vec<u8>,
    conditions: Conditions<'a>,
    problems: Vec<Problem>,
}

impl Scanner<'_> {
    /// One comment, string, command, directive, or octet of anything else.
    fn step(&mut self) {
        let rest = self.rest();
        match rest {
            // The mark with which some editors begin a text of UTF-8.
            [0xef, 0xbb, 0xbf, ..] if self.at == 0 => self.leave_out(3),
            [b'/', b'*', ..] => self.comment(),
            [b'#', ..] if self.begins_line() => self.directive(),
            [b'/', b'/', ..] | [b'#', ..] => self.leave_out(line(rest)),
            [b'"', ..] => self.string(),
            [b'`', ..] => self.enclosed("`", "`", Kind::Command),
            [b'%', b'{', ..] => self.enclosed("%{", "}%", Kind::Code),
            _ => self.keep(1),
        }
    }

    fn comment(&mut self) {
        match find(self.rest(), 2, "*/") {
            Some(end) => self.leave_out(end),
            None => self.open(2, Kind::Comment),
        }
    }

    /// A string of one line. One that is not closed there is an error of the grammar, which knows
    /// better what it was to be.
    fn string(&mut self) {
        let rest = self.rest();
        let mut end = 1;
        while let Some(octet) = rest.get(end) {
            match octet {
                b'"' => {
                    end += 1;
                    break;
                }
                b'\n' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        self.keep(end);
    }

    fn enclosed(&mut self, open: &str, close: &str, kind: Kind) {
        match find(self.rest(), open.len(), close) {
            Some(end) => self.keep(end),
            None => self.open(open.len(), kind),
        }
    }

    /// Something that is never closed: nothing behind it means anything.
    fn open(&mut self, length: usize, kind: Kind) {
        self.problems.push(kind.not_closed(Span::new(self.at, length)));
        self.leave_out(self.rest().len());
    }

    /// `#ifdef NAME` and the like; any other line with a `#` is a comment.
    fn directive(&mut self) {
        let length = line(self.rest());
        let span = Span::new(self.at, length);
        let text = span.of(self.text).split("//").next().unwrap_or_default().trim_end();
        if let Err(problem) = self.conditions.directive(text, Span::new(self.at, text.len())) {
            self.problems.push(problem);
        }
        self.leave_out(length);
    }

    /// Whether nothing but spaces stands before this on its line.
    fn begins_line(&self) -> bool {
        let before = self.text.as_bytes().get(..self.at).unwrap_or_default();
        let mut line = before.iter().rev().take_while(|octet| **octet != b'\n');
        line.all(u8::is_ascii_whitespace)
    }

    fn keep(&mut self, length: usize) {
        if self.conditions.leave_out() {
            return self.leave_out(length);
        }
        let end = (self.at + length).min(self.text.len());
        self.out.extend_from_slice(self.text.as_bytes().get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    fn leave_out(&mut self, length: usize) {
        let end = (self.at + length).min(self.text.len());
        let left_out = self.text.as_bytes().get(self.at..end).unwrap_or_default();
        self.out.extend(left_out.iter().map(|octet| if *octet == b'\n' { b'\n' } else { b' ' }));
        self.at = end;
    }

    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }
}

/// The octets up to the end of the line.
fn line(rest: &[u8]) -> usize {
    rest.iter().position(|octet| *octet == b'\n').unwrap_or(rest.len())
}

/// Where a text ends that is closed by `close`, looked for from `from` on.
fn find(rest: &[u8], from: usize, close: &str) -> Option<usize> {
    let inside = rest.get(from..)?;
    let at = inside.windows(close.len()).position(|octets| octets == close.as_bytes())?;
    Some(from + at + close.len())
}

/// The conditions that are open, from the outermost.
struct Conditions<'a> {
    open: Vec<Condition>,
    /// What is defined at this place.
    now: Defines,
    /// What is defined anywhere, for values: `#undef` is about conditions only.
    ever: &'a mut Defines,
}

struct Condition {
    span: Span,
    branch: Branch,
    /// Whether an `#else` was seen.
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// It is part of the script.
    Taken,
    /// It is not; the other branch is.
    LeftOut,
    /// Neither is: what is around them is left out.
    Nowhere,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    If,
    Else,
}

impl Conditions<'_> {
    fn leave_out(&self) -> bool {
        self.open.last().is_some_and(|condition| condition.branch != Branch::Taken)
    }

    fn directive(&mut self, text: &str, span: Span) -> Result<(), Problem> {
        let mut words = text.split_whitespace();
        let directive = words.next().unwrap_or_default();
        let mut name = || {
            let missing = || Problem::at(span, format!("`{directive}` without a name"));
            words.next().ok_or_else(|| missing().help("write `#ifdef NAME`"))
        };
        match directive {
            "#ifdef" => {
                let defined = self.now.get(name()?).is_some();
                self.begin(defined.into(), span)
            }
            "#ifndef" => {
                let defined = self.now.get(name()?).is_some();
                self.begin((!defined).into(), span)
            }
            "#else" => self.otherwise(span),
            "#endif" => self.end(span),
            "#define" if !self.leave_out() => {
                let name = name()?;
                let value = words.next().unwrap_or("1");
                self.now.set(name, value);
                self.ever.set(name, value);
                Ok(())
            }
            "#undef" if !self.leave_out() => {
                let name = name()?;
                self.now.names.remove(name);
                Ok(())
            }
            "#if" | "#elif" | "#elifdef" | "#include" => {
                let what = format!("`{directive}` is no directive of this language");
                Err(Problem::at(span, what).help(
                    "there are `#ifdef`, `#ifndef`, `#else`, `#endif`, `#define` and `#undef`; \
                     a comment has a space behind its `#`",
                ))
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, branch: Branch, span: Span) -> Result<(), Problem> {
        if self.open.len() >= MAX_DEPTH {
            let what = format!("conditions nested deeper than {MAX_DEPTH} levels");
            return Err(Problem::at(span, what).label("one level too many"));
        }
        let branch = if self.leave_out() { Branch::Nowhere } else { branch };
        self.open.push(Condition { span, branch, part: Part::If });
        Ok(())
    }

    fn otherwise(&mut self, span: Span) -> Result<(), Problem> {
        let alone = || Problem::at(span, "`#else` without an `#ifdef`".to_owned());
        let condition = self.open.last_mut().ok_or_else(alone)?;
        if condition.part == Part::Else {
            return Err(Problem::at(span, "a second `#else`".to_owned()));
        }
        condition.part = Part::Else;
        condition.branch = match condition.branch {
            Branch::Taken => Branch::LeftOut,
            Branch::LeftOut => Branch::Taken,
            Branch::Nowhere => Branch::Nowhere,
        };
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Problem> {
        let alone = || Problem::at(span, "`#endif` without an `#ifdef`".to_owned());
        self.open.pop().map(|_| ()).ok_or_else(alone)
    }
}

impl From<bool> for Branch {
    fn from(taken: bool) -> Self {
        if taken { Self::Taken } else { Self::LeftOut }
    }
}
