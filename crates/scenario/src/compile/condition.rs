//! Conditions: what a role waits for, and what triggers an incident.
//!
//! The common ones are short texts: `"client ESTABLISHED"`, `"server reads 100"`, `"client sends FIN"`.
//! Packets can also be described by the properties of a matcher.

use kdl::KdlValue;
use twomsl_sim::spec::{Condition, Matcher};
use twomsl_tcp::TcpState;
use twomsl_tcp::wire::Flags;

use super::matcher;
use crate::diagnostic::Problem;
use crate::language::node::Node;
use crate::language::value::{Host, Size, Value, Wrong};
use crate::language::{Names, vocabulary};

/// The forms, for hints.
const FORMS: &str = "\"client ESTABLISHED\", \"server reads 100\" or \"client sends FIN\", \
                     with an ordinal at the end if it is not the first";

impl Value for Condition {
    const EXAMPLE: &'static str = "\"client ESTABLISHED\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        let wrong = || Wrong::kind("a condition", value, FORMS);
        let text = value.as_string().ok_or_else(wrong)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [host, "reads", octets] => reads(host, octets, names),
            [host, "sends", flags] => sends(host, flags, 1, names),
            [host, "sends", flags, nth] => sends(host, flags, ordinal(nth)?, names),
            [host, state] => in_state(host, state, 1, names),
            [host, state, nth] => in_state(host, state, ordinal(nth)?, names),
            _ => Err(wrong()),
        }
    }
}

fn reads(host: &str, octets: &str, names: &Names) -> Result<Condition, Wrong> {
    let Host(host) = Host::named(host, names)?;
    let Size(octets) = Size::read(&KdlValue::String(octets.to_owned()), names)?;
    Ok(Condition::ReadBytes { host, octets })
}

fn sends(host: &str, flags: &str, nth: u32, names: &Names) -> Result<Condition, Wrong> {
    let Host(host) = Host::named(host, names)?;
    let flags = Flags::read(&KdlValue::String(flags.to_owned()), names)?;
    Ok(Condition::Sent { matcher: Matcher { from: Some(host), flags, ..Matcher::default() }, nth })
}

fn in_state(host: &str, state: &str, nth: u32, names: &Names) -> Result<Condition, Wrong> {
    let Host(host) = Host::named(host, names)?;
    let state = TcpState::read(&KdlValue::String(state.to_owned()), names)?;
    Ok(Condition::State { host, state, nth })
}

fn ordinal(text: &str) -> Result<u32, Wrong> {
    let nth = text.parse::<u32>().ok().filter(|nth| *nth > 0);
    nth.ok_or_else(|| Wrong::new(format!("`{text}` is no ordinal"), "a number from 1").help(FORMS))
}

/// The condition of a `wait` or `when` node: a text, or the properties of a matcher.
pub(super) fn of_node(node: &Node<'_>) -> Option<Condition> {
    let described = vocabulary::MATCHER.iter().any(|name| node.has(name)) || node.has("nth");
    match (node.argument_count() > 0, described) {
        (true, false) => node.arg(0),
        (false, true) => {
            let matcher = matcher::matcher(node);
            matcher::must_say_something(node, &matcher);
            let nth: u32 = node.prop_or("nth", 1);
            if nth == 0 {
                node.wrong(node.prop_span("nth"), "counting begins with 1", "0 is never reached");
            }
            Some(Condition::Sent { matcher, nth })
        }
        (given, _) => {
            let message = if given { "two conditions" } else { "wait for what?" };
            let problem = Problem::at(node.head_span(), message.to_owned());
            node.report(problem.label("one condition is needed").help(FORMS));
            None
        }
    }
}
