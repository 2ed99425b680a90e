//! `host`: a stack with a profile and addresses; and `also`: other profiles for all of them.

use std::net::IpAddr;
use std::time::Duration;

use kdl::{KdlDocument, KdlValue};
use twomsl_sim::spec::HostSpec;
use twomsl_tcp::{ParameterError, Profile, WhatIf};

use crate::diagnostic::{Problem, Span};
use crate::language::node::Node;
use crate::language::{suggest, units};
use crate::scenario::Overrides;

/// The names of all hosts, in order.
pub(super) fn names(document: &KdlDocument) -> Vec<String> {
    let hosts = super::meant(document, "host");
    hosts.filter_map(|node| node.get(0)?.as_string().map(ToOwned::to_owned)).collect()
}

/// All hosts; `without` are the rules that none of them keeps.
pub(super) fn all(
    nodes: &[Node<'_>],
    without: &[Node<'_>],
    overrides: &Overrides,
) -> Vec<HostSpec> {
    let mut hosts: Vec<HostSpec> = Vec::new();
    let everywhere: Vec<WhatIf> = without.iter().flat_map(|node| node.args_from(0)).collect();
    for node in nodes {
        let mut host = one(node, overrides);
        host.profile.what_ifs.extend(everywhere.iter().copied());
        if !host.name.is_empty() && hosts.iter().any(|other| other.name == host.name) {
            let message = format!("there are two hosts `{}`", host.name);
            node.wrong(node.arg_span(0), &message, "the second");
        }
        for address in &host.addresses {
            if hosts.iter().any(|other| other.addresses.contains(address)) {
                let message = format!("two hosts have the address {address}");
                node.wrong(node.head_span(), &message, "the second");
            }
        }
        hosts.push(host);
    }
    hosts
}

/// One host: first its profile, or the one that the whole run has instead,
/// then what the file sets, then what the command line sets.
fn one(node: &Node<'_>, overrides: &Overrides) -> HostSpec {
    let name: String = node.arg(0).unwrap_or_default();
    check_name(node, &name);
    let own = profile(node);
    let mut profile = overrides.profile.clone().unwrap_or(own);
    for child in node.children().iter().filter(|child| child.name() == "set") {
        set(child, &mut profile);
    }
    for child in node.children().iter().filter(|child| child.name() == "what-if") {
        profile.what_ifs.extend(child.args_from::<WhatIf>(0));
    }
    profile.what_ifs.extend(overrides.what_ifs.iter());
    for (parameter, value) in overrides.of_host(&name) {
        // Overrides are checked where they are given, with their own message.
        let _ = set_parameter(&mut profile, parameter, value);
    }
    HostSpec {
        addresses: addresses(node),
        quiet_time: node.prop_or("quiet-time", Duration::ZERO),
        name,
        profile,
    }
}

/// Names appear in `server:80`, `client.snd-nxt` and `--set client.time-wait=1s`.
fn check_name(node: &Node<'_>, name: &str) {
    let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if node.argument_count() > 0 && (name.is_empty() || !name.chars().all(fits)) {
        let problem = Problem::at(node.arg_span(0), format!("{name:?} is no name for a host"));
        node.report(problem.label("here").help("use letters, digits, `-` and `_`"));
    }
}

/// The profile of a name; the textbook one if it is not known, so that reading can go on.
fn profile(node: &Node<'_>) -> Profile {
    let name = node.prop_or("profile", "rfc9293".to_owned());
    known(node, &name, node.prop_span("profile")).unwrap_or_else(Profile::rfc9293)
}

/// The profile of a name. One that is not known is reported.
fn known(node: &Node<'_>, name: &str, span: Span) -> Option<Profile> {
    let profile = Profile::by_name(name);
    if profile.is_none() {
        let problem = Problem::at(span, format!("there is no profile `{name}`"));
        node.report(problem.label("no profile").maybe_help(meant_profile(name)));
    }
    profile
}

/// The profile that was meant.
pub(crate) fn meant_profile(name: &str) -> Option<String> {
    suggest::hint(name, Profile::NAMES.iter().copied())
}

/// The profiles with which the file's expectations hold as well, if every host has them.
pub(super) fn also(nodes: &[Node<'_>], hosts: &[Node<'_>]) -> Vec<&'static str> {
    super::only_once(nodes);
    let mut found: Vec<&'static str> = Vec::new();
    for node in nodes {
        for index in 0..node.argument_count() {
            let Some(name) = node.arg::<String>(index) else { continue };
            let span = node.arg_span(index);
            let Some(profile) = known(node, &name, span) else { continue };
            // It would be the same run once more, and show nothing.
            let own = |host: &Node<'_>| host.prop_or("profile", "rfc9293".to_owned()) == name;
            if hosts.iter().all(own) {
                node.wrong(span, &format!("every host has the profile `{name}` as it is"), "here");
            } else if found.contains(&profile.name) {
                node.wrong(span, &format!("`{name}` is given twice"), "the second");
            }
            found.push(profile.name);
        }
    }
    found
}

/// `set "time-wait" "1s"`.
fn set(node: &Node<'_>, profile: &mut Profile) {
    let (Some(name), Some(value)) = (node.arg::<String>(0), node.arg::<KdlValue>(1)) else {
        return;
    };
    if let Err(error) = set_parameter(profile, &name, &as_text(&value)) {
        let (span, help) = explain(&error, node.arg_span(0), node.arg_span(1));
        node.report(Problem::at(span, error.to_string()).label("here").maybe_help(help));
    }
}

/// Sets a parameter, with every form of a value that a scenario may have: a profile itself reads
/// whole numbers only (`1500ms`, `65536`), a scenario also `1.5s` and `64KiB`.
pub(crate) fn set_parameter(
    profile: &mut Profile,
    name: &str,
    value: &str,
) -> Result<(), ParameterError> {
    profile.set(name, value).or_else(|error| {
        let nanos = units::duration(value).map(|time| format!("{}ns", time.as_nanos()));
        let plain = nanos.or_else(|| units::size(value).map(|octets| octets.to_string()));
        plain.map_or(Err(error.clone()), |plain| profile.set(name, &plain).map_err(|_| error))
    })
}

/// A value as a profile reads it.
fn as_text(value: &KdlValue) -> String {
    match value {
        KdlValue::String(text) => text.clone(),
        KdlValue::Bool(truth) => truth.to_string(),
        KdlValue::Integer(number) => number.to_string(),
        KdlValue::Float(_) | KdlValue::Null => value.to_string(),
    }
}

/// Where an error belongs, and a hint.
fn explain(error: &ParameterError, name: Span, value: Span) -> (Span, Option<String>) {
    match error {
        ParameterError::Unknown(word) => (name, Some(parameter_hint(word))),
        ParameterError::Value { expected, .. } => (value, Some(format!("give {expected}"))),
    }
}

/// The parameter that was meant, or where all of them are: too many for a message.
pub(crate) fn parameter_hint(word: &str) -> String {
    let ours = Profile::parameters().map(|(name, ..)| name);
    suggest::hint(word, ours.chain(Profile::system_names().map(|(name, ..)| name)))
        .unwrap_or_else(|| "docs/scenario-language.md lists the parameters under Hosts".to_owned())
}

fn addresses(node: &Node<'_>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = node.prop("address").into_iter().collect();
    for child in node.children().iter().filter(|child| child.name() == "address") {
        addresses.extend(child.args_from::<IpAddr>(0));
    }
    addresses
}
