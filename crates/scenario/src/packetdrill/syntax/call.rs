//! System calls.

use winnow::Parser as _;
use winnow::stream::Stream as _;
use winnow::token::take_while;

use super::expression::{argument, members, result};
use super::fault::{Input, Parsed, expected};
use super::lexeme::{is_word, is_word_start, sign, since, space_in_line, start, take, word};
use crate::packetdrill::script::{Expression, SystemCall};

/// `name(arguments) = result ERRNO (note)`; all behind the parenthesis may be missing.
pub(super) fn call(input: &mut Input<'_>) -> Parsed<SystemCall> {
    let start = start(input)?;
    let name = word(input, "a system call")?.to_owned();
    sign(input, "(", "`(` and the arguments of a system call")?;
    let arguments = members(input, ")", "`,` or `)`", argument)?;
    let mut span = since(input, start);
    let mut returned = (None, None);
    // The next event never begins with this sign.
    if take(input, "=")? {
        returned = outcome(input)?;
        span = since(input, start);
    }
    let note = note(input)?;
    let (result, errno) = returned;
    Ok(SystemCall { name, arguments, result, errno, note, span })
}

/// What it returns, and its error.
fn outcome(input: &mut Input<'_>) -> Parsed<(Option<Expression>, Option<String>)> {
    let value = result(input)?;
    space_in_line(input)?;
    let errno = if input.starts_with(is_word_start) {
        let name: &str = take_while(1.., is_word).parse_next(input)?;
        Some(name.to_owned())
    } else {
        None
    };
    Ok((Some(value), errno))
}

/// Text in parentheses at the end of the line, which may have some of its own.
fn note(input: &mut Input<'_>) -> Parsed<Option<String>> {
    space_in_line(input)?;
    if !input.starts_with('(') {
        return Ok(None);
    }
    let mut depth = 0_usize;
    let closing = input.char_indices().find(|(_, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0 || *c == '\n'
    });
    match closing {
        Some((at, ')')) => {
            let text = input.next_slice(at + 1);
            Ok(text.get(1..at).map(str::to_owned))
        }
        _ => Err(expected(input, "a note that ends with `)` on its line")),
    }
}
