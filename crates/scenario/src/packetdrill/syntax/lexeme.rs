//! Words, numbers and signs. Each skips the space before it.

use winnow::Parser as _;
use winnow::stream::Location as _;
use winnow::token::take_while;

use super::fault::{Input, Parsed, expected, wrong};
use crate::diagnostic::{Problem, Span};

/// Skips space, lines included.
pub(super) fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

/// Skips space up to the end of the line.
pub(super) fn space_in_line(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., |c: char| c.is_whitespace() && c != '\n').void().parse_next(input)
}

/// Where the next token begins.
pub(super) fn start(input: &mut Input<'_>) -> Parsed<usize> {
    space(input)?;
    Ok(input.current_token_start())
}

/// From a beginning up to where the grammar is.
pub(super) fn since(input: &Input<'_>, start: usize) -> Span {
    Span::new(start, input.previous_token_end().saturating_sub(start))
}

/// Whether the text goes on with this sign.
pub(super) fn is_at(input: &mut Input<'_>, sign: &str) -> Parsed<bool> {
    space(input)?;
    Ok(input.starts_with(sign))
}

/// Takes a sign if it is there.
pub(super) fn take(input: &mut Input<'_>, sign: &'static str) -> Parsed<bool> {
    let there = is_at(input, sign)?;
    if there {
        sign.void().parse_next(input)?;
    }
    Ok(there)
}

/// Takes a sign; `name` is what a message calls it.
pub(super) fn sign(input: &mut Input<'_>, sign: &'static str, name: &'static str) -> Parsed<()> {
    if take(input, sign)? { Ok(()) } else { Err(expected(input, name)) }
}

pub(super) const fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

pub(super) const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A word, as names in C are written.
pub(super) fn word<'a>(input: &mut Input<'a>, name: &'static str) -> Parsed<&'a str> {
    space(input)?;
    if !input.starts_with(is_word_start) {
        return Err(expected(input, name));
    }
    take_while(1.., is_word).parse_next(input)
}

/// Takes a word if just this one is there.
pub(super) fn take_word(input: &mut Input<'_>, word: &'static str) -> Parsed<bool> {
    let there = is_at(input, word)?;
    let ends = !input.get(word.len()..).unwrap_or_default().starts_with(is_word);
    if there && ends {
        word.void().parse_next(input)?;
    }
    Ok(there && ends)
}

/// A whole number without a sign, decimal or, behind `0x`, hexadecimal; with its place.
///
/// A leading zero means nothing, as in the tool.
pub(super) fn number(input: &mut Input<'_>, name: &'static str) -> Parsed<(u64, Span)> {
    let start = start(input)?;
    if !input.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(expected(input, name));
    }
    let digits: &str = take_while(1.., char_of_number).parse_next(input)?;
    let span = Span::new(start, digits.len());
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    let not_a_number = || {
        let plain = digits.chars().all(|c| c.is_ascii_digit());
        let why = if plain { "this number is too large" } else { "this is no number" };
        wrong(Problem::at(span, why.to_owned()).label(format!("expected {name}")))
    };
    Ok((value.map_err(|_| not_a_number())?, span))
}

const fn char_of_number(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// A number up to a limit.
pub(super) fn number_up_to(input: &mut Input<'_>, limit: u64, name: &'static str) -> Parsed<u64> {
    let (value, span) = number(input, name)?;
    if value <= limit {
        return Ok(value);
    }
    let what = format!("{name}: {value} is too large");
    Err(wrong(Problem::at(span, what).label(format!("at most {limit}"))))
}

pub(super) fn number_u32(input: &mut Input<'_>, name: &'static str) -> Parsed<u32> {
    number_up_to(input, u32::MAX.into(), name).map(|value| value as u32)
}

pub(super) fn number_u16(input: &mut Input<'_>, name: &'static str) -> Parsed<u16> {
    number_up_to(input, u16::MAX.into(), name).map(|value| value as u16)
}

pub(super) fn number_u8(input: &mut Input<'_>, name: &'static str) -> Parsed<u8> {
    number_up_to(input, u8::MAX.into(), name).map(|value| value as u8)
}

/// Octets in hexadecimal: `0123abcd`, or the same behind `0x`.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
