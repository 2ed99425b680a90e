//! TCP options.

use winnow::Parser as _;
use winnow::token::take_while;

use super::expression::members;
use super::fault::{Input, Parsed, expected, wrong};
use super::lexeme::{
    is_at, is_word, number_u8, number_u16, number_u32, octets, sign, since, start, take, take_word,
};
use crate::diagnostic::Problem;
use crate::language::suggest;
use crate::packetdrill::script::OptionSpec;

/// The data offset has four bits: there is room for so many octets of options.
const MAX_LENGTH: usize = 40;

/// `AccECN0` and `AccECN1`: counters of octets from ECT(0) and from ECT(1) first (RFC 9768 §3.2.3).
const KIND_ACCURATE_ECN: [u8; 2] = [172, 174];

/// Options by name, for "did you mean".
const NAMES: [&str; 15] = [
    "mss",
    "wscale",
    "nop",
    "eol",
    "sackOK",
    "sack",
    "TS",
    "FO",
    "FOEXP",
    "exp-FO",
    "md5",
    "ECN",
    "exp-tarr",
    "kind",
    "mp_capable",
];

/// Options that scripts have and nothing here understands: known, so that they are no mistakes.
const NOT_SUPPORTED: [&str; 16] = [
    "exp-tarr",
    "tarr",
    "ao",
    "tcp-ao",
    "mp_capable",
    "mp_join",
    "mp_join_syn",
    "mp_join_syn_ack",
    "mp_join_ack",
    "dss",
    "add_address",
    "add_addr",
    "remove_addr",
    "mp_prio",
    "mp_fail",
    "mp_fastclose",
];

/// Options up to the closing `>`, which is taken, too.
pub(super) fn list(input: &mut Input<'_>) -> Parsed<Vec<OptionSpec>> {
    let start = start(input)?;
    let options = members(input, ">", "`,` or `>`", option)?;
    let length: usize = options.iter().map(length).sum();
    if length > MAX_LENGTH {
        let what = format!("these options take {length} octets");
        let problem = Problem::at(since(input, start), what);
        return Err(wrong(problem.label(format!("there is room for {MAX_LENGTH}"))));
    }
    Ok(options)
}

/// What an option takes in a header; what is not known to take something takes nothing.
fn length(option: &OptionSpec) -> usize {
    match option {
        OptionSpec::Nop | OptionSpec::Eol => 1,
        OptionSpec::Mss(_) => 4,
        OptionSpec::WindowScale(_) => 3,
        OptionSpec::SackPermitted => 2,
        OptionSpec::Sack(blocks) => 2 + 8 * blocks.len(),
        OptionSpec::Timestamps { .. } => 10,
        OptionSpec::FastOpen(cookie) => 2 + cookie.as_ref().map_or(0, Vec::len),
        OptionSpec::FastOpenExperimental(cookie) => 4 + cookie.as_ref().map_or(0, Vec::len),
        OptionSpec::Md5(_) => 18,
        OptionSpec::Other { data, .. } => 2 + data.len(),
        OptionSpec::NotSupported(_) => 0,
    }
}

fn option(input: &mut Input<'_>) -> Parsed<OptionSpec> {
    let start = start(input)?;
    if input.starts_with(|c: char| c.is_ascii_digit()) {
        return by_kind(input);
    }
    let name: &str = take_while(0.., |c: char| is_word(c) || c == '-').parse_next(input)?;
    match name {
        "" => Err(expected(input, "a TCP option, such as `mss 1460`")),
        "nop" => Ok(OptionSpec::Nop),
        "eol" => Ok(OptionSpec::Eol),
        "mss" => number_u16(input, "a segment size").map(OptionSpec::Mss),
        "wscale" => number_u8(input, "a shift count").map(OptionSpec::WindowScale),
        "sackOK" => Ok(OptionSpec::SackPermitted),
        "sack" => sack(input).map(OptionSpec::Sack),
        "TS" => timestamps(input),
        "FO" => cookie(input).map(OptionSpec::FastOpen),
        "FOEXP" | "exp-FO" | "exp-fo" => cookie(input).map(OptionSpec::FastOpenExperimental),
        "md5" => {
            cookie(input).map(|digest| OptionSpec::Md5(digest.filter(|digest| !digest.is_empty())))
        }
        "ECN" | "AccECN" => accurate_ecn(input),
        "kind" => by_kind(input),
        _ if NOT_SUPPORTED.contains(&name) => not_supported(input, name),
        _ => {
            let problem = Problem::at(since(input, start), format!("unknown TCP option `{name}`"));
            Err(wrong(problem.maybe_help(suggest::hint(name, NAMES))))
        }
    }
}

/// `1:2 3:4`.
fn sack(input: &mut Input<'_>) -> Parsed<Vec<(u32, u32)>> {
    let mut blocks = Vec::new();
    while !is_at(input, ",")? && !is_at(input, ">")? && blocks.len() < MAX_LENGTH {
        let left = number_u32(input, "the left edge of a block")?;
        sign(input, ":", "`:` and the right edge of a block")?;
        blocks.push((left, number_u32(input, "the right edge of a block")?));
    }
    Ok(blocks)
}

/// `val 100 ecr 50`.
fn timestamps(input: &mut Input<'_>) -> Parsed<OptionSpec> {
    if !take_word(input, "val")? {
        return Err(expected(input, "`val` and a time stamp"));
    }
    let value = number_or_any(input, "a time stamp")?;
    if !take_word(input, "ecr")? {
        return Err(expected(input, "`ecr` and the time stamp that is echoed"));
    }
    let echo = number_or_any(input, "the time stamp that is echoed")?;
    Ok(OptionSpec::Timestamps { value, echo })
}

fn number_or_any(input: &mut Input<'_>, name: &'static str) -> Parsed<Option<u32>> {
    if take(input, "...")? { Ok(None) } else { number_u32(input, name).map(Some) }
}

/// Octets in hexadecimal, a name that stands for some, none, or `...`.
fn cookie(input: &mut Input<'_>) -> Parsed<Option<Vec<u8>>> {
    if take(input, "...")? {
        return Ok(None);
    }
    let start = start(input)?;
    let text: &str = take_while(0.., is_word).parse_next(input)?;
    let value = input.state.defines.get(text).unwrap_or(text);
    octets(value.trim_matches('"')).map(Some).ok_or_else(|| {
        let problem = Problem::at(since(input, start), format!("`{text}` is no octets"));
        wrong(problem.help("write two hexadecimal digits an octet, or define the name with -D"))
    })
}

/// `e1b 1 ceb 0 e0b 1`, or `e0b 1 ceb 0 e1b 1`; what stands last may be missing.
fn accurate_ecn(input: &mut Input<'_>) -> Parsed<OptionSpec> {
    let begin = start(input)?;
    let orders = [["e0b", "ceb", "e1b"], ["e1b", "ceb", "e0b"]];
    let mut data = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    while let Some(name) = counter(input)? {
        names.push(name);
        let value = number_u32(input, "a counter")?;
        data.extend(value.to_be_bytes().get(1..).unwrap_or_default());
    }
    let order = orders.iter().position(|order| order.starts_with(&names));
    let kind = order.and_then(|order| KIND_ACCURATE_ECN.get(order));
    let Some(kind) = kind else {
        let problem = Problem::at(since(input, begin), "counters in no known order".to_owned());
        return Err(wrong(problem.help("write `e0b N ceb N e1b N` or `e1b N ceb N e0b N`")));
    };
    Ok(OptionSpec::Other { kind: *kind, data })
}

fn counter(input: &mut Input<'_>) -> Parsed<Option<&'static str>> {
    for name in ["e0b", "ceb", "e1b"] {
        if take_word(input, name)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// `0xfd 0x0102`, `253:0102`, `kind 253`: any option by its number.
fn by_kind(input: &mut Input<'_>) -> Parsed<OptionSpec> {
    let kind = number_u8(input, "the kind of an option")?;
    take(input, ":")?;
    let data = cookie(input)?.unwrap_or_default();
    Ok(OptionSpec::Other { kind, data })
}

/// Takes what belongs to an option that nothing here understands.
fn not_supported(input: &mut Input<'_>, name: &str) -> Parsed<OptionSpec> {
    let text: &str = take_while(0.., |c| !matches!(c, ',' | '>' | '\n')).parse_next(input)?;
    Ok(OptionSpec::NotSupported(format!("{name}{}", text.trim_end())))
}
