//! Which packets: of a fault rule, and of a condition.

use kdl::KdlValue;
use twomsl_sim::spec::{Acks, HostIndex, Matcher, Nth, PayloadMatch, Repeated};
use twomsl_tcp::TcpState;
use twomsl_tcp::wire::{Ecn, Flags};

use crate::diagnostic::Problem;
use crate::language::node::Node;
use crate::language::units;
use crate::language::value::{Choice, Host, OneOf, Value, Wrong};
use crate::language::{Names, names};

/// The matcher of a node that has the properties of one.
pub(super) fn matcher(node: &Node<'_>) -> Matcher {
    let flags: Flags = node.prop("flags").unwrap_or_default();
    let without: Flags = node.prop("without").unwrap_or_default();
    if flags.intersects(without) {
        let message = format!("{} cannot be both set and not", flags & without);
        node.wrong(node.prop_span("without"), &message, "also in `flags`");
    }
    Matcher {
        from: node.prop("from").map(|Host(host)| host),
        to: node.prop("to").map(|Host(host)| host),
        flags,
        without,
        acks: node.prop("acks"),
        payload: payload(node),
        src_port: node.prop("src-port"),
        dst_port: node.prop("dst-port"),
        ecn: node.prop("ecn").map(|OneOf(mark)| mark),
        repeated: node.prop("repeated").map(|yes| if yes { Repeated::Yes } else { Repeated::No }),
        after: node.prop("since"),
        before: node.prop("before"),
        state: node.prop("state").map(|HostState(host, state)| (host, state)),
    }
}

impl Choice for Ecn {
    const WHAT: &'static str = "mark of the IP header";
    const WORDS: &'static [(&'static str, Self)] =
        &[("ce", Self::Ce), ("ect0", Self::Ect0), ("ect1", Self::Ect1), ("not-ect", Self::NotEct)];
}

fn payload(node: &Node<'_>) -> Option<PayloadMatch> {
    if node.has("payload") && node.has("octet") {
        let message = "`payload` and `octet` exclude each other";
        node.wrong(node.prop_span("octet"), message, "one of them");
    }
    let some = |yes| if yes { PayloadMatch::Some } else { PayloadMatch::Empty };
    node.prop("octet").map(PayloadMatch::Octet).or_else(|| node.prop("payload").map(some))
}

impl Value for Acks {
    const EXAMPLE: &'static str = "\"FIN\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        match value.as_string() {
            Some("SYN") => Ok(Self::Syn),
            Some("FIN") => Ok(Self::Fin),
            Some(_) => Err(Wrong::kind("what is acknowledged", value, EXAMPLES)),
            None => u32::read(value, names).map(Self::Text),
        }
    }
}

/// What `acks` may be.
const EXAMPLES: &str = "\"SYN\", \"FIN\", or a number of octets of text";

/// `server LAST-ACK`: a host and a state of its connection.
struct HostState(HostIndex, TcpState);

impl Value for HostState {
    const EXAMPLE: &'static str = "\"server LAST-ACK\"";

    fn read(value: &KdlValue, known: &Names) -> Result<Self, Wrong> {
        let wrong = || Wrong::kind("a host and a state", value, Self::EXAMPLE);
        let (host, state) =
            value.as_string().and_then(|text| text.split_once(' ')).ok_or_else(wrong)?;
        let Host(host) = Host::named(host, known)?;
        let state = TcpState::read(&KdlValue::String(state.trim().to_owned()), known)?;
        Ok(Self(host, state))
    }
}

impl Value for Nth {
    const EXAMPLE: &'static str = "1";

    /// A number, `"2..4"` with both ends included, or `"2.."` without end.
    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        let Some(text) = value.as_string() else {
            return u32::read(value, names).and_then(|nth| range(nth, nth));
        };
        let wrong =
            || Wrong::kind("an ordinal or a range of them", value, "1, \"2..4\" or \"2..\"");
        let (first, last) = text.split_once("..").ok_or_else(wrong)?;
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| wrong());
        let last = if last.trim().is_empty() { u32::MAX } else { number(last)? };
        range(number(first)?, last)
    }
}

fn range(first: u32, last: u32) -> Result<Nth, Wrong> {
    if first == 0 {
        return Err(Wrong::new("counting begins with 1", "0 is never reached"));
    }
    if last < first {
        return Err(Wrong::new("this range is empty", "ends before it begins"));
    }
    Ok(Nth { first, last })
}

/// A matcher in the words of a ladder: `ACK of FIN from client to server`.
pub(super) fn describe(matcher: &Matcher, hosts: &[String]) -> String {
    let mut words = vec![subject(matcher)];
    let name = |host: HostIndex| hosts.get(host).map_or("?", String::as_str).to_owned();
    words.extend(matcher.from.map(|host| format!("from {}", name(host))));
    words.extend(matcher.to.map(|host| format!("to {}", name(host))));
    words.extend(matcher.src_port.map(|port| format!("from port {port}")));
    words.extend(matcher.dst_port.map(|port| format!("to port {port}")));
    let span = |time: twomsl_tcp::Instant| units::show(time.since(twomsl_tcp::Instant::ZERO));
    words.extend(matcher.after.map(|time| format!("since {}", span(time))));
    words.extend(matcher.before.map(|time| format!("before {}", span(time))));
    words.extend(matcher.state.map(|(host, state)| format!("while {} {state}", name(host))));
    words.join(" ")
}

/// What kind of segment.
fn subject(matcher: &Matcher) -> String {
    let flags = (!matcher.flags.is_empty()).then(|| matcher.flags.to_string());
    let without = (!matcher.without.is_empty()).then(|| format!("without {}", matcher.without));
    let acks = matcher.acks.map(|acks| match acks {
        Acks::Syn => "ACK of SYN".to_owned(),
        Acks::Fin => "ACK of FIN".to_owned(),
        Acks::Text(octets) => format!("ACK of {octets} octets"),
    });
    let payload = matcher.payload.map(|payload| match payload {
        PayloadMatch::Empty => "without text".to_owned(),
        PayloadMatch::Some => "with text".to_owned(),
        PayloadMatch::Octet(place) => format!("with octet {place}"),
    });
    let repeated = matcher.repeated.map(|repeated| match repeated {
        Repeated::Yes => "sent again".to_owned(),
        Repeated::No => "sent for the first time".to_owned(),
    });
    let ecn = matcher.ecn.map(|mark| match mark {
        Ecn::NotEct => "not ECT".to_owned(),
        Ecn::Ect0 => "ECT(0)".to_owned(),
        Ecn::Ect1 => "ECT(1)".to_owned(),
        Ecn::Ce => "CE".to_owned(),
    });
    let words = [acks, flags, without, ecn, payload, repeated];
    let words: Vec<String> = words.into_iter().flatten().collect();
    if words.is_empty() { "every segment".to_owned() } else { words.join(" ") }
}

/// `1st`, `2nd to 4th`, `from the 3rd on`.
pub(super) fn describe_nth(nth: Nth) -> String {
    match (nth.first, nth.last) {
        (first, u32::MAX) => format!("from the {} on", ordinal(first)),
        (first, last) if first == last => ordinal(first),
        (first, last) => format!("{} to {}", ordinal(first), ordinal(last)),
    }
}

pub(super) fn ordinal(number: u32) -> String {
    let suffix = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

/// Reports a matcher that matches everything where that cannot be meant.
pub(super) fn must_say_something(node: &Node<'_>, matcher: &Matcher) {
    if *matcher == Matcher::default() {
        let problem = Problem::at(node.head_span(), format!("`{}` needs to say what", node.name()));
        let known = names::FLAGS.first().map_or("SYN", |(name, _)| name);
        node.report(problem.label("matches everything").help(format!("such as flags=\"{known}\"")));
    }
}
