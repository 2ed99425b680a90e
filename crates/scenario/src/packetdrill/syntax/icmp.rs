//! ICMP messages.

use winnow::Parser as _;
use winnow::stream::Stream as _;
use winnow::token::take_while;

use super::fault::{Input, Parsed, expected, wrong};
use super::lexeme::{
    is_word, number_u32, sign, since, space, space_in_line, start, take, take_word,
};
use super::{packet, tcp};
use crate::diagnostic::Problem;
use crate::packetdrill::script::{IcmpSpec, SequenceSpec};

/// `unreachable frag_needed mtu 1200 [1:1001(1000)]`, behind `icmp`.
pub(super) fn icmp(input: &mut Input<'_>) -> Parsed<IcmpSpec> {
    take(input, ":")?;
    let kind = word_or_number(input)?.ok_or_else(|| expected(input, "the type of the message"))?;
    let mut code = None;
    if !is_mtu(input)? {
        code = word_or_number(input)?;
    }
    let mtu = if take_word(input, "mtu")? { Some(number_u32(input, "an MTU")?) } else { None };
    let (about, about_other) = quoted(input)?;
    Ok(IcmpSpec { kind, code, mtu, about, about_other })
}

fn is_mtu(input: &mut Input<'_>) -> Parsed<bool> {
    let before = input.checkpoint();
    let there = take_word(input, "mtu")?;
    input.reset(&before);
    Ok(there)
}

/// A name or a number, if one stands on this line: the next event may begin with a number, too.
fn word_or_number(input: &mut Input<'_>) -> Parsed<Option<String>> {
    space_in_line(input)?;
    let text: &str = take_while(0.., is_word).parse_next(input)?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The segment that the message is about, in brackets: in script numbers, or as written.
fn quoted(input: &mut Input<'_>) -> Parsed<(Option<SequenceSpec>, Option<String>)> {
    if !take(input, "[")? {
        return Ok((None, None));
    }
    let begin = start(input)?;
    let is_other = ["udp", "sctp", "raw", "icmp"].iter().any(|name| input.starts_with(name));
    if !is_other {
        let about = segment(input)?;
        sign(input, "]", "`]`")?;
        return Ok((Some(about), None));
    }
    let end = input.find('\n').unwrap_or(input.len());
    let Some(end) = input.get(..end).and_then(|line| line.rfind(']')) else {
        let problem = Problem::at(since(input, begin), "this is not closed".to_owned());
        return Err(wrong(problem.help("end it with `]` on its line")));
    };
    let text = input.next_slice(end).trim_end().to_owned();
    sign(input, "]", "`]`")?;
    Ok((None, Some(text)))
}

/// `1:1001(1000)`, with protocol, ports and flags if they are given.
fn segment(input: &mut Input<'_>) -> Parsed<SequenceSpec> {
    if take_word(input, "tcp")? {
        take(input, ":")?;
    }
    packet::ports(input)?;
    space(input)?;
    let is_sequence = input.starts_with(|c: char| c.is_ascii_digit())
        || ["...", "seq"].iter().any(|begin| input.starts_with(begin));
    if !is_sequence {
        tcp::flags(input)?;
    }
    tcp::sequence(input)
}
