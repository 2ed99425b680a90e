//! Packets: direction, IP header, what is around them, and what they carry.

use winnow::Parser as _;
use winnow::stream::{Location as _, Stream as _};
use winnow::token::take_while;

use super::fault::{Input, Parsed, expected, wrong};
use super::lexeme::{
    is_word, number_u8, number_u16, number_up_to, sign, since, space, start, take, take_word, word,
};
use super::{icmp, tcp, time};
use crate::diagnostic::{Problem, Span};
use crate::language::suggest;
use crate::packetdrill::script::{BodySpec, Direction, EcnSpec, IpSpec, PacketSpec};

/// What a packet may be besides TCP and ICMP; none of it is run.
const OTHERS: [&str; 5] = ["udp", "udplite", "sctp", "dccp", "raw"];

/// What may be around a packet.
const AROUND: [&str; 4] = ["ipv4", "ipv6", "gre", "mpls"];

/// What may stand in the brackets of an IP header.
const IP_WORDS: [&str; 10] =
    ["noecn", "ect0", "ect1", "ect01", "ce", "tos", "flowlabel", "ttl", "hlim", "tclass"];

/// `< [ect0] S 0:0(0) win 1000`.
pub(super) fn packet(input: &mut Input<'_>) -> Parsed<PacketSpec> {
    let start = start(input)?;
    let direction = if take(input, "<")? { Direction::Inbound } else { outbound(input)? };
    let mut ip = ip(input)?;
    let encapsulation = encapsulation(input)?;
    if !encapsulation.is_empty() && ip == IpSpec::default() {
        ip = self::ip(input)?;
    }
    if take_word(input, "tcp")? {
        // Said, and meant anyway.
        take(input, ":")?;
    }
    let before = udp_encapsulation(input)?;
    let body = body(input)?;
    let behind = udp_encapsulation(input)?;
    let span = since(input, start);
    let udp_encapsulation = before.or(behind);
    Ok(PacketSpec { direction, ip, encapsulation, udp_encapsulation, body, span })
}

fn outbound(input: &mut Input<'_>) -> Parsed<Direction> {
    sign(input, ">", "`<` or `>`").map(|()| Direction::Outbound)
}

/// What stands in brackets or parentheses: `[ect0]`, `(tos 0x10, flowlabel 0x1)`.
fn ip(input: &mut Input<'_>) -> Parsed<IpSpec> {
    let mut ip = IpSpec::default();
    let Some(close) = bracket(input)? else { return Ok(ip) };
    while !take(input, close)? {
        ip_word(input, &mut ip)?;
        take(input, ",")?;
    }
    Ok(ip)
}

/// The bracket that closes the one that begins here, if one does.
fn bracket(input: &mut Input<'_>) -> Parsed<Option<&'static str>> {
    Ok(if take(input, "[")? {
        Some("]")
    } else if take(input, "(")? {
        Some(")")
    } else {
        None
    })
}

fn ip_word(input: &mut Input<'_>, ip: &mut IpSpec) -> Parsed<()> {
    let start = start(input)?;
    let name = word(input, "`]`")?;
    match name {
        "noecn" => ip.ecn = Some(EcnSpec::NotEct),
        "ect0" => ip.ecn = Some(EcnSpec::Ect0),
        "ect1" => ip.ecn = Some(EcnSpec::Ect1),
        "ect01" => ip.ecn = Some(EcnSpec::Ect01),
        "ce" => ip.ecn = Some(EcnSpec::Ce),
        "tos" | "tclass" => ip.tos = Some(number_u8(input, "the octet of the type of service")?),
        "flowlabel" => {
            let label = number_up_to(input, 0xf_ffff, "a flow label of 20 bits")?;
            ip.flow_label = Some(label as u32);
        }
        "ttl" | "hlim" => ip.hop_limit = Some(number_u8(input, "a hop limit")?),
        _ => {
            let problem =
                Problem::at(since(input, start), format!("unknown word of an IP header: `{name}`"));
            return Err(wrong(problem.maybe_help(suggest::hint(name, IP_WORDS))));
        }
    }
    Ok(())
}

/// `ipv4 1.1.1.1 > 2.2.2.2:`, `gre:`, `mpls (label 0, tc 0, ttl 0) [S]:`, each as written.
fn encapsulation(input: &mut Input<'_>) -> Parsed<Vec<String>> {
    let mut all = Vec::new();
    loop {
        space(input)?;
        let length = input.find(|c: char| !is_word(c)).unwrap_or(input.len());
        let name = input.get(..length).unwrap_or_default();
        if !AROUND.contains(&name) {
            return Ok(all);
        }
        let start = input.current_token_start();
        // An address may have colons: the one that ends this has space behind it.
        let end = input
            .char_indices()
            .zip(input.chars().skip(1))
            .find(|((_, c), next)| *c == '\n' || (*c == ':' && next.is_whitespace()));
        let Some(((at, ':'), _)) = end else {
            let span = Span::new(start, length);
            let problem = Problem::at(span, format!("`{name}` without a `:` behind it"));
            return Err(wrong(problem.label("a header ends with a colon and a space")));
        };
        let text = input.next_slice(at + 1);
        all.push(text.trim_end_matches(':').trim_end().to_owned());
    }
}

/// `/udp(9899 > 9899)`.
fn udp_encapsulation(input: &mut Input<'_>) -> Parsed<Option<(u16, u16)>> {
    if !take(input, "/")? {
        return Ok(None);
    }
    if !take_word(input, "udp")? {
        return Err(expected(input, "`udp(source > destination)`"));
    }
    sign(input, "(", "`(`")?;
    let source = number_u16(input, "a source port")?;
    sign(input, ">", "`>`")?;
    let destination = number_u16(input, "a destination port")?;
    sign(input, ")", "`)`")?;
    take(input, ":")?;
    Ok(Some((source, destination)))
}

fn body(input: &mut Input<'_>) -> Parsed<BodySpec> {
    space(input)?;
    let length = input.find(|c: char| !is_word(c)).unwrap_or(input.len());
    let name = input.get(..length).unwrap_or_default();
    if matches!(name, "icmp" | "icmpv6" | "icmp6") {
        take_while(1.., is_word).void().parse_next(input)?;
        return icmp::icmp(input).map(BodySpec::Icmp);
    }
    if OTHERS.contains(&name) {
        return Ok(BodySpec::Other(other(input)));
    }
    tcp::tcp(input).map(BodySpec::Tcp)
}

/// What is no TCP, as it is written: up to the next event, which begins a line.
///
/// Chunks of SCTP go on over several lines, in brackets or behind a `;`.
fn other(input: &mut Input<'_>) -> String {
    let mut depth = 0_usize;
    let mut end = 0;
    for line in input.split_inclusive('\n') {
        if depth == 0 && end > 0 && begins_event(line) {
            break;
        }
        for c in line.chars() {
            match c {
                '[' | '(' | '{' => depth += 1,
                ']' | ')' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        end += line.len();
    }
    input.next_slice(end).trim_end().to_owned()
}

fn begins_event(line: &str) -> bool {
    time::is_time(line.trim_start()) || line.trim_start().starts_with(['*', '`'])
}

/// `8080 > 53055`, if ports are given. A digit may also be a flag.
pub(super) fn ports(input: &mut Input<'_>) -> Parsed<Option<(u16, u16)>> {
    space(input)?;
    let digits = input.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    let behind = input.get(digits..).unwrap_or_default().trim_start();
    if digits == 0 || !behind.starts_with('>') {
        return Ok(None);
    }
    let source = number_u16(input, "a source port")?;
    sign(input, ">", "`>`")?;
    let destination = number_u16(input, "a destination port")?;
    Ok(Some((source, destination)))
}
