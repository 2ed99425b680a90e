//! Arguments and results of system calls.

use winnow::Parser as _;
use winnow::stream::Location as _;
use winnow::token::take_while;

use super::fault::{Input, MAX_DEPTH, Parsed, expected, wrong};
use super::lexeme::{
    is_at, is_word, is_word_start, sign, since, space, space_in_line, start, take, word,
};
use crate::diagnostic::{Problem, Span};
use crate::packetdrill::script::{Expression, ExpressionKind, Field};

/// No list has more members than this.
const MAX_MEMBERS: usize = 1_000;

/// No expression has more operators than this, or more strings beside each other.
const MAX_TERMS: usize = 64;

/// How far an expression may reach.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Up to a bracket or a comma.
    Enclosed,
    /// Up to the end of the line, where the result of a call stands.
    Line,
}

/// Operators, the weakest first. Those of more than one character are known by their first.
const OPERATORS: [&[&str]; 6] = [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*"]];

/// How many levels of [`OPERATORS`] a result may have: a `+` or `*` may be that of the next time.
const IN_RESULTS: usize = 4;

/// An argument.
pub(super) fn argument(input: &mut Input<'_>) -> Parsed<Expression> {
    binary(input, 0, Extent::Enclosed)
}

/// What a call returns.
pub(super) fn result(input: &mut Input<'_>) -> Parsed<Expression> {
    binary(input, 0, Extent::Line)
}

/// Members up to a closing bracket, which is taken, too.
pub(super) fn members<T>(
    input: &mut Input<'_>,
    close: &'static str,
    name: &'static str,
    one: fn(&mut Input<'_>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    let mut all = Vec::new();
    if take(input, close)? {
        return Ok(all);
    }
    loop {
        all.push(one(input)?);
        if take(input, close)? {
            return Ok(all);
        }
        let here = start(input)?;
        sign(input, ",", name)?;
        if all.len() >= MAX_MEMBERS {
            let what = format!("more than {MAX_MEMBERS} members");
            return Err(wrong(Problem::at(Span::new(here, 1), what)));
        }
    }
}

fn binary(input: &mut Input<'_>, level: usize, extent: Extent) -> Parsed<Expression> {
    let operators = match OPERATORS.get(level) {
        Some(operators) if extent == Extent::Enclosed || level < IN_RESULTS => *operators,
        _ => return nested(input, extent),
    };
    let start = start(input)?;
    let mut left = binary(input, level + 1, extent)?;
    let mut terms = 1;
    while let Some(operator) = operator(input, operators, extent)? {
        let right = binary(input, level + 1, extent)?;
        terms += 1;
        let span = since(input, start);
        if terms > MAX_TERMS {
            return Err(wrong(Problem::at(span, format!("more than {MAX_TERMS} operators"))));
        }
        let kind = ExpressionKind::Binary(operator, Box::new(left), Box::new(right));
        left = Expression { kind, span };
    }
    Ok(left)
}

/// One of these operators, if it comes next.
fn operator(
    input: &mut Input<'_>,
    operators: &[&'static str],
    extent: Extent,
) -> Parsed<Option<char>> {
    match extent {
        Extent::Enclosed => space(input)?,
        Extent::Line => space_in_line(input)?,
    }
    let Some(found) = operators.iter().find(|operator| input.starts_with(**operator)) else {
        return Ok(None);
    };
    found.void().parse_next(input)?;
    Ok(found.chars().next())
}

/// A term, one level deeper.
fn nested(input: &mut Input<'_>, extent: Extent) -> Parsed<Expression> {
    let start = start(input)?;
    if input.state.depth >= MAX_DEPTH {
        let what = format!("nested deeper than {MAX_DEPTH} levels");
        return Err(wrong(Problem::at(Span::new(start, 1), what).label("one level too many")));
    }
    input.state.depth += 1;
    let kind = term(input, extent)?;
    input.state.depth -= 1;
    Ok(Expression { kind, span: since(input, start) })
}

fn term(input: &mut Input<'_>, extent: Extent) -> Parsed<ExpressionKind> {
    match input.chars().next() {
        Some('.') if take(input, "...")? => Ok(ExpressionKind::Ellipsis),
        Some('[') if take(input, "[")? => {
            members(input, "]", "`,` or `]`", argument).map(ExpressionKind::List)
        }
        Some('{') if take(input, "{")? => {
            members(input, "}", "`,` or `}`", field).map(ExpressionKind::Record)
        }
        Some('(') if take(input, "(")? => {
            let inner = argument(input)?;
            sign(input, ")", "`)`")?;
            Ok(inner.kind)
        }
        Some('"') => text(input, extent),
        Some('~' | '!') => unary(input, extent),
        Some('-' | '.' | '0'..='9') => number(input, extent),
        Some(c) if is_word_start(c) => named(input, extent),
        _ => Err(expected(input, "an argument")),
    }
}

fn unary(input: &mut Input<'_>, extent: Extent) -> Parsed<ExpressionKind> {
    let operator: char = winnow::token::any.parse_next(input)?;
    nested(input, extent).map(|operand| ExpressionKind::Unary(operator, Box::new(operand)))
}

/// A word, what it was defined as, or a function of arguments.
fn named(input: &mut Input<'_>, extent: Extent) -> Parsed<ExpressionKind> {
    let name = word(input, "an argument")?;
    // Behind a result, parentheses hold a note.
    if extent == Extent::Enclosed && take(input, "(")? {
        let arguments = members(input, ")", "`,` or `)`", argument)?;
        return Ok(ExpressionKind::Function(name.to_owned(), arguments));
    }
    Ok(match input.state.defines.get(name) {
        Some(value) => definition(value),
        None if name == "NULL" => ExpressionKind::Null,
        None => ExpressionKind::Word(name.to_owned()),
    })
}

/// The value of a definition: a number, a string in quotes, or a word.
fn definition(value: &str) -> ExpressionKind {
    if let Some(number) = integer(value) {
        return ExpressionKind::Integer(number);
    }
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    quoted.map_or_else(
        || ExpressionKind::Word(value.to_owned()),
        |text| ExpressionKind::Text(text.to_owned()),
    )
}

/// `-1`, `0x1f`, `2.5`; a minus may also stand before a word.
fn number(input: &mut Input<'_>, extent: Extent) -> Parsed<ExpressionKind> {
    let begin = input.current_token_start();
    let sign = input.starts_with('-');
    let digits = input.get(usize::from(sign)..).unwrap_or_default();
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return unary(input, extent);
    }
    if sign {
        "-".void().parse_next(input)?;
    }
    let text: &str = take_while(1.., |c: char| is_word(c) || c == '.').parse_next(input)?;
    let span = since(input, begin);
    let text = if sign { format!("-{text}") } else { text.to_owned() };
    if let Some(value) = integer(&text) {
        return Ok(ExpressionKind::Integer(value));
    }
    let is_decimal =
        text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || "-.".contains(c));
    match text.parse() {
        Ok(value) if is_decimal => Ok(ExpressionKind::Decimal(value)),
        // An address without quotes.
        _ if text.parse::<std::net::Ipv4Addr>().is_ok() => Ok(ExpressionKind::Text(text)),
        _ if text.chars().all(|c| c.is_ascii_digit() || c == '-') => {
            Err(wrong(Problem::at(span, "this number is too large".to_owned())))
        }
        _ => Err(wrong(Problem::at(span, "this is no number".to_owned()))),
    }
}

/// A whole number; those of an unsigned 64-bit type keep their bits.
fn integer(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok().map(u64::cast_signed);
    }
    text.parse().ok().or_else(|| text.parse().ok().map(u64::cast_signed))
}

/// Strings; those beside each other are one.
fn text(input: &mut Input<'_>, extent: Extent) -> Parsed<ExpressionKind> {
    let mut all = String::new();
    for _ in 0..MAX_TERMS {
        quoted(input, &mut all)?;
        match extent {
            Extent::Enclosed => space(input)?,
            Extent::Line => space_in_line(input)?,
        }
        if !is_at(input, "\"")? {
            return Ok(ExpressionKind::Text(all));
        }
    }
    Err(expected(input, "fewer strings beside each other"))
}

fn quoted(input: &mut Input<'_>, out: &mut String) -> Parsed<()> {
    let start = input.current_token_start();
    "\"".void().parse_next(input)?;
    loop {
        let plain: &str = take_while(0.., |c| !matches!(c, '"' | '\\' | '\n')).parse_next(input)?;
        out.push_str(plain);
        match input.chars().next() {
            Some('"') => return "\"".void().parse_next(input),
            Some('\\') => out.push(escape(input)?),
            _ => {
                let span = since(input, start);
                let problem = Problem::at(span, "this text is not closed".to_owned());
                return Err(wrong(problem.label("no closing quote on this line")));
            }
        }
    }
}

/// What a backslash and the characters behind it stand for, as in C.
fn escape(input: &mut Input<'_>) -> Parsed<char> {
    "\\".void().parse_next(input)?;
    let at = input.current_token_start();
    let escaped: char = winnow::token::any.parse_next(input)?;
    Ok(match escaped {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'v' => '\x0b',
        'x' => code(input, 16, 2, "")?,
        '0'..='7' => code(input, 8, 2, escaped.encode_utf8(&mut [0; 4]))?,
        '\n' => {
            let problem = Problem::at(Span::new(at, 0), "this text is not closed".to_owned());
            return Err(wrong(problem.label("no closing quote on this line")));
        }
        other => other,
    })
}

/// A character by its code: one octet.
fn code(input: &mut Input<'_>, radix: u32, most: usize, first: &str) -> Parsed<char> {
    let more: &str = take_while(0..=most, |c: char| c.is_digit(radix)).parse_next(input)?;
    let code = u32::from_str_radix(&format!("{first}{more}"), radix);
    let wrong = || expected(input, "the code of a character in hexadecimal");
    code.ok().and_then(|code| u8::try_from(code).ok()).map(char::from).ok_or_else(wrong)
}

/// A member of a structure: `onoff=1`, `msg_iov(1)=[…]`, or a value alone.
fn field(input: &mut Input<'_>) -> Parsed<Field> {
    let value = argument(input)?;
    if !is_at(input, "=")? {
        return Ok(Field { name: None, count: None, value });
    }
    let (name, count) = match value.kind {
        ExpressionKind::Word(name) => (name, None),
        ExpressionKind::Function(name, mut counts) if counts.len() == 1 => (name, counts.pop()),
        _ => return Err(expected(input, "`,` or `}`")),
    };
    sign(input, "=", "`=`")?;
    let value = argument(input)?;
    Ok(Field { name: Some(name), count, value })
}
