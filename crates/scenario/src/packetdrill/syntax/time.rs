//! When an event happens.

use winnow::Parser as _;
use winnow::token::take_while;

use super::fault::{Input, Parsed, expected, wrong};
use super::lexeme::{is_at, since, start, take};
use crate::diagnostic::{Problem, Span};
use crate::packetdrill::script::Time;

/// Nothing takes longer: thirty years.
const MAX_SECONDS: u64 = 1_000_000_000;

const MICROS: u64 = 1_000_000;

/// A moment, and whether it has a plus before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Absolute(u64),
    Relative(u64),
}

/// `0.1`, `+.1`, `*`, `1~2`, `+0...0.2`.
pub(super) fn time(input: &mut Input<'_>) -> Parsed<Time> {
    if take(input, "*")? {
        return Ok(Time::Any);
    }
    let start = start(input)?;
    let from = moment(input)?;
    if take(input, "...")? {
        let to = end(input, start, from)?;
        return Ok(match from {
            Moment::Absolute(from) => Time::AbsoluteCall(from, to),
            Moment::Relative(from) => Time::RelativeCall(from, to),
        });
    }
    if take(input, "~")? {
        let to = end(input, start, from)?;
        return Ok(match from {
            Moment::Absolute(from) => Time::AbsoluteRange(from, to),
            Moment::Relative(from) => Time::RelativeRange(from, to),
        });
    }
    Ok(match from {
        Moment::Absolute(at) => Time::Absolute(at),
        Moment::Relative(at) => Time::Relative(at),
    })
}

/// Whether a time stamp begins here.
pub(super) fn is_time(rest: &str) -> bool {
    let rest = rest.strip_prefix('+').map_or(rest, str::trim_start);
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    rest.starts_with(|c: char| c.is_ascii_digit() || c == '*')
}

/// The second of two moments; it counts from where the first does.
fn end(input: &mut Input<'_>, start: usize, from: Moment) -> Parsed<u64> {
    let to = moment(input)?;
    let span = since(input, start);
    let (from, to) = match (from, to) {
        (Moment::Absolute(_), Moment::Relative(_)) => {
            let what = "the end is relative, and the beginning is not".to_owned();
            return Err(wrong(Problem::at(span, what).help("write a `+` before both")));
        }
        (Moment::Absolute(from), Moment::Absolute(to))
        | (Moment::Relative(from), Moment::Relative(to) | Moment::Absolute(to)) => (from, to),
    };
    if to < from {
        return Err(wrong(Problem::at(span, "this ends before it begins".to_owned())));
    }
    Ok(to)
}

fn moment(input: &mut Input<'_>) -> Parsed<Moment> {
    if take(input, "+")? {
        return micros(input).map(Moment::Relative);
    }
    if is_at(input, "-")? && is_time(input.get(1..).unwrap_or_default()) {
        let span = Span::new(start(input)?, 1);
        return Err(wrong(Problem::at(span, "a time before the script begins".to_owned())));
    }
    micros(input).map(Moment::Absolute)
}

/// Seconds with a fraction; what is finer than a microsecond is cut off.
fn micros(input: &mut Input<'_>) -> Parsed<u64> {
    let start = start(input)?;
    let whole = digits(input)?;
    // The point of `0...0.2` is not that of a fraction.
    let has_fraction = input.starts_with('.') && !input.starts_with("...");
    let fraction = if has_fraction {
        ".".void().parse_next(input)?;
        digits(input)?
    } else {
        ""
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(expected(input, "a time"));
    }
    let seconds: u64 = if whole.is_empty() { Ok(0) } else { whole.parse() }.unwrap_or(u64::MAX);
    if seconds > MAX_SECONDS {
        let span = since(input, start);
        let what = "this time is too large".to_owned();
        return Err(wrong(Problem::at(span, what).label(format!("at most {MAX_SECONDS} seconds"))));
    }
    let digit = |at: usize| fraction.as_bytes().get(at).map_or(0, |octet| u64::from(octet - b'0'));
    Ok(seconds * MICROS + (0..6).fold(0, |sum, at| sum * 10 + digit(at)))
}

fn digits<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    take_while(0.., |c: char| c.is_ascii_digit()).parse_next(input)
}
