//! TCP segments.

use twomsl_tcp::wire::Flags;
use winnow::Parser as _;
use winnow::token::take_while;

use super::fault::{Input, Parsed, expected, wrong};
use super::lexeme::{
    is_at, number_u16, number_u32, number_up_to, sign, since, space, start, take, take_word,
};
use super::{packet, tcp_option};
use crate::diagnostic::Problem;
use crate::packetdrill::script::{
    AckSpec, FlagSpec, OptionsSpec, SequenceBase, SequenceSpec, TcpSpec,
};

/// No segment carries more.
const MAX_TEXT: u64 = 65_535;

/// `8080 > 53055 S. 0:0(0) ack 1 win 32792 urg 1 <mss 1460>`.
pub(super) fn tcp(input: &mut Input<'_>) -> Parsed<TcpSpec> {
    let ports = packet::ports(input)?;
    let flags = flags(input)?;
    let sequence = sequence(input)?;
    let ack = ack(input)?;
    let window = window(input)?;
    let urgent =
        if take_word(input, "urg")? { Some(number_u16(input, "an urgent pointer")?) } else { None };
    let options = options(input)?;
    Ok(TcpSpec { ports, flags, sequence, ack, window, urgent, options })
}

/// `S.`, `P.`, `-`, and the ACE field as a digit.
pub(super) fn flags(input: &mut Input<'_>) -> Parsed<FlagSpec> {
    let start = start(input)?;
    let text: &str = take_while(0.., |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        .parse_next(input)?;
    if text.is_empty() {
        return Err(expected(input, "flags, such as `S.`"));
    }
    let mut spec = FlagSpec { flags: Flags::empty(), ace: None };
    for c in text.chars() {
        match flag(c) {
            Some(flag) => spec.flags |= flag,
            None if c == '-' && text == "-" => {}
            None if matches!(c, '0'..='7') && spec.ace.is_none() => {
                let ace = c as u8 - b'0';
                spec.ace = Some(ace);
                spec.flags |= ace_flags(ace);
            }
            None => {
                let problem = Problem::at(since(input, start), format!("`{text}` are no flags"));
                return Err(wrong(problem.label(format!("not `{c}`")).help(
                    "F is FIN, S SYN, R RST, P PSH, `.` ACK, U URG, E ECE, W CWR, A AE, \
                     0 to 7 the ACE field, `-` none",
                )));
            }
        }
    }
    Ok(spec)
}

const fn flag(c: char) -> Option<Flags> {
    Some(match c {
        'F' => Flags::FIN,
        'S' => Flags::SYN,
        'R' => Flags::RST,
        'P' => Flags::PSH,
        '.' => Flags::ACK,
        'U' => Flags::URG,
        'E' => Flags::ECE,
        'W' => Flags::CWR,
        'A' => Flags::AE,
        _ => return None,
    })
}

/// The ACE field is AE, CWR and ECE, the highest bit first (RFC 9768 §3.1).
fn ace_flags(ace: u8) -> Flags {
    let bits = [(4, Flags::AE), (2, Flags::CWR), (1, Flags::ECE)];
    bits.into_iter().filter(|(bit, _)| ace & bit != 0).map(|(_, flag)| flag).collect()
}

/// `0:0(0)`, `seq! 100:200(100)`, `...(100)`.
pub(super) fn sequence(input: &mut Input<'_>) -> Parsed<SequenceSpec> {
    let mut base = SequenceBase::Live;
    if take_word(input, "seq")? && take(input, "!")? {
        base = SequenceBase::Absolute;
    }
    if take(input, "...")? {
        let length = length(input)?;
        return Ok(SequenceSpec { start: None, base, length });
    }
    let begin = start(input)?;
    let first = number_u32(input, "a sequence number")?;
    if take(input, "!")? {
        base = SequenceBase::Absolute;
    }
    sign(input, ":", "`:` and the sequence number behind the segment")?;
    let end = number_u32(input, "the sequence number behind the segment")?;
    let length = length(input)?;
    // Both wrap at 2^32.
    let meant = end.wrapping_sub(first);
    if meant != length {
        let what = format!("from {first} to {end} are {meant} octets, not {length}");
        let problem = Problem::at(since(input, begin), what);
        return Err(wrong(problem.help("write start:end(length); SYN and FIN do not count")));
    }
    Ok(SequenceSpec { start: Some(first), base, length })
}

fn length(input: &mut Input<'_>) -> Parsed<u32> {
    sign(input, "(", "`(` and the length of the text")?;
    let length = number_up_to(input, MAX_TEXT, "the length of the text")?;
    sign(input, ")", "`)`")?;
    Ok(length as u32)
}

fn ack(input: &mut Input<'_>) -> Parsed<Option<AckSpec>> {
    if !take_word(input, "ack")? {
        return Ok(None);
    }
    let before = take(input, "!")?;
    let number = number_u32(input, "an acknowledgment number")?;
    let absolute = before || take(input, "!")?;
    let base = if absolute { SequenceBase::Absolute } else { SequenceBase::Live };
    Ok(Some(AckSpec { number, base }))
}

fn window(input: &mut Input<'_>) -> Parsed<Option<u16>> {
    if !take_word(input, "win")? || take(input, "...")? {
        return Ok(None);
    }
    number_u16(input, "a window of 16 bits").map(Some)
}

/// `<mss 1460,nop>`, `<...>`, or nothing.
fn options(input: &mut Input<'_>) -> Parsed<OptionsSpec> {
    space(input)?;
    if !take(input, "<")? {
        return Ok(OptionsSpec::List(Vec::new()));
    }
    if is_at(input, "...")? {
        take(input, "...")?;
        sign(input, ">", "`>`")?;
        return Ok(OptionsSpec::Any);
    }
    tcp_option::list(input).map(OptionsSpec::List)
}
