//! Lines of tokens.

use super::NotUnderstood;
use crate::diagnostic::Span;

/// A logical line: what stands on it, and how far it is indented.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) indent: usize,
    pub(super) tokens: Vec<Token>,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Where it stands in the file.
    pub(super) span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Name(String),
    /// As it is written.
    Number(String),
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// Signs, the longest first.
const SIGNS: [&str; 42] = [
    "**=", "//=", ">>=", "<<=", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "<>", "+=", "-=",
    "*=", "/=", "%=", "&=", "|=", "^=", "->", ":=", "+", "-", "*", "/", "%", "@", "&", "|", "^",
    "~", "<", ">", "(", ")", "[", "]", "{", "}", ",",
];
const MORE_SIGNS: [&str; 4] = [":", ".", ";", "="];

/// Cuts a text, which begins at this octet of the file, into lines that have something on them.
pub(super) fn lines(text: &str, start: usize) -> Result<Vec<Line>, NotUnderstood> {
    let lexer = Lexer { text, start, at: 0, depth: 0, lines: Vec::new(), fresh: Fresh::Line(0) };
    lexer.run()
}

struct Lexer<'a> {
    text: &'a str,
    start: usize,
    at: usize,
    /// How many brackets are open: a line does not end inside of them.
    depth: usize,
    lines: Vec<Line>,
    fresh: Fresh,
}

/// Whether the next token begins a line.
#[derive(Clone, Copy)]
enum Fresh {
    /// It does, indented so far.
    Line(usize),
    Within,
}

impl Lexer<'_> {
    fn run(mut self) -> Result<Vec<Line>, NotUnderstood> {
        // What stands behind the opening brace begins a line without indentation.
        self.skip(|c| matches!(c, ' ' | '\t' | '\r'));
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\n' => self.newline(),
                '#' => self.skip(|c| c != '\n'),
                '\\' if self.rest().trim_start_matches(['\\', '\r']).starts_with('\n') => {
                    self.skip(|c| c != '\n');
                    self.at += 1;
                }
                c if c.is_whitespace() => self.at += c.len_utf8(),
                _ => self.token(c)?,
            }
        }
        Ok(self.lines)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, which: fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !which(c)).unwrap_or(rest.len());
    }

    fn newline(&mut self) {
        self.at += 1;
        if self.depth == 0 {
            let from = self.at;
            self.skip(|c| matches!(c, ' ' | '\t'));
            self.fresh = Fresh::Line(self.at - from);
        }
    }

    fn token(&mut self, first: char) -> Result<(), NotUnderstood> {
        let from = self.at;
        let kind = if first.is_ascii_digit() || self.is_fraction() {
            self.skip(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
            TokenKind::Number(self.text.get(from..self.at).unwrap_or_default().to_owned())
        } else if matches!(first, '"' | '\'') {
            TokenKind::Text(self.string(Escapes::Undone)?)
        } else if first.is_alphabetic() || first == '_' {
            self.skip(|c| c.is_alphanumeric() || c == '_');
            let name = self.text.get(from..self.at).unwrap_or_default().to_owned();
            self.prefixed(name)?
        } else {
            TokenKind::Sign(self.sign()?)
        };
        let span = Span::new(self.start + from, self.at - from);
        let token = Token { kind, span };
        match (self.fresh, self.lines.last_mut()) {
            (Fresh::Within, Some(line)) => line.tokens.push(token),
            (Fresh::Line(indent), _) => self.lines.push(Line { indent, tokens: vec![token] }),
            (Fresh::Within, None) => self.lines.push(Line { indent: 0, tokens: vec![token] }),
        }
        self.fresh = Fresh::Within;
        Ok(())
    }

    fn is_fraction(&self) -> bool {
        let mut characters = self.rest().chars();
        characters.next() == Some('.') && characters.next().is_some_and(|c| c.is_ascii_digit())
    }

    /// A name, or the prefix of a string: `r"…"`.
    fn prefixed(&mut self, name: String) -> Result<TokenKind, NotUnderstood> {
        let is_prefix = name.len() <= 2 && name.chars().all(|c| "rRbBuUfF".contains(c));
        if !is_prefix || !self.rest().starts_with(['"', '\'']) {
            return Ok(TokenKind::Name(name));
        }
        let escapes = if name.contains(['r', 'R']) { Escapes::Kept } else { Escapes::Undone };
        self.string(escapes).map(TokenKind::Text)
    }

    fn sign(&mut self) -> Result<&'static str, NotUnderstood> {
        let rest = self.rest();
        let Some(sign) = SIGNS.iter().chain(&MORE_SIGNS).find(|sign| rest.starts_with(**sign))
        else {
            let length = rest.chars().next().map_or(0, char::len_utf8);
            return Err(self.beyond(self.at, length, "this character"));
        };
        self.at += sign.len();
        match *sign {
            "(" | "[" | "{" => self.depth += 1,
            ")" | "]" | "}" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(sign)
    }

    /// A string with one or three quotes of either kind.
    fn string(&mut self, escapes: Escapes) -> Result<String, NotUnderstood> {
        let from = self.at;
        let rest = self.rest();
        let quote = rest.get(..1).unwrap_or_default();
        let long = quote.repeat(3);
        let quotes = if rest.starts_with(&long) { long } else { quote.to_owned() };
        self.at += quotes.len();
        let mut out = String::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(&quotes) {
                self.at += quotes.len();
                return Ok(out);
            }
            let mut characters = rest.chars();
            match (characters.next(), characters.next()) {
                (None, _) => return Err(self.beyond(from, 1, "a text that is not closed")),
                (Some('\n'), _) if quotes.len() == 1 => {
                    return Err(self.beyond(from, 1, "a text that is not closed"));
                }
                (Some('\\'), Some(escaped)) => {
                    self.at += 1 + escaped.len_utf8();
                    push_escaped(&mut out, escaped, escapes);
                }
                (Some(c), _) => {
                    self.at += c.len_utf8();
                    out.push(c);
                }
            }
        }
    }

    fn beyond(&self, from: usize, length: usize, what: &str) -> NotUnderstood {
        let span = Span::new(self.start + from, length);
        NotUnderstood { span, text: format!("{what} in Python code") }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Undone,
    Kept,
}

/// What a backslash before a character stands for; the rarer ones stay, since texts are only shown.
fn push_escaped(out: &mut String, escaped: char, escapes: Escapes) {
    match (escapes, escaped) {
        (Escapes::Undone, 'n') => out.push('\n'),
        (Escapes::Undone, 't') => out.push('\t'),
        (Escapes::Undone, '\\' | '\'' | '"') => out.push(escaped),
        (Escapes::Undone, '\n') => {}
        _ => out.extend(['\\', escaped]),
    }
}
