//! `link` and `middlebox`: what lies between hosts.

use std::net::IpAddr;

use twomsl_sim::spec::{
    Beginning, Distribution, Flows, Impairments, LinkSpec, Loss, MiddleboxKind, MiddleboxSpec,
    OnTimeout, Probability, TooBig, UnknownFlow,
};

use crate::diagnostic::Problem;
use crate::language::node::Node;
use crate::language::value::{Choice, Host, OneOf, Rate};

/// A rule may not need more octets than an IP header with a TCP header has: nothing would pass.
const SMALLEST_MTU: u32 = 68;

impl Choice for Distribution {
    const WHAT: &'static str = "distribution";
    const WORDS: &'static [(&'static str, Self)] =
        &[("uniform", Self::Uniform), ("normal", Self::Normal), ("pareto", Self::Pareto)];
}

/// Whether a link that drops what is larger than its MTU says so.
impl Choice for TooBig {
    const WHAT: &'static str = "way with packets that are too large";
    const WORDS: &'static [(&'static str, Self)] = &[("on", Self::Told), ("off", Self::Silence)];
}

impl Choice for UnknownFlow {
    const WHAT: &'static str = "way with unknown flows";
    const WORDS: &'static [(&'static str, Self)] = &[("drop", Self::Drop), ("reset", Self::Reset)];
}

/// All links; a second one between the same hosts is reported.
pub(super) fn all(nodes: &[Node<'_>]) -> Vec<LinkSpec> {
    let mut links: Vec<LinkSpec> = Vec::new();
    for node in nodes {
        let Some(link) = one(node) else { continue };
        if links.iter().any(|other| same_hosts(other, &link)) {
            let problem =
                Problem::at(node.head_span(), "these hosts are linked already".to_owned())
                    .label("the second link");
            node.report(problem.help("directions may differ: use `forward` and `backward`"));
        }
        links.push(link);
    }
    links
}

fn same_hosts(one: &LinkSpec, other: &LinkSpec) -> bool {
    (one.a, one.b) == (other.a, other.b) || (one.a, one.b) == (other.b, other.a)
}

fn one(node: &Node<'_>) -> Option<LinkSpec> {
    let both = impairments(node, &Impairments::default());
    let direction =
        |name| node.child(name).map_or_else(|| both.clone(), |child| impairments(&child, &both));
    // Unknown nodes between the braces are reported by reading all of them.
    let _ = node.children();
    let (forward, backward) = (direction("forward"), direction("backward"));
    let (Host(a), Host(b)) = (node.arg(0)?, node.arg(1)?);
    if a == b {
        node.wrong(node.arg_span(1), "a link joins two hosts", "the same host");
    }
    Some(LinkSpec { a, b, forward, backward })
}

/// The impairments of a node; what it does not give is as in `base`.
fn impairments(node: &Node<'_>, base: &Impairments) -> Impairments {
    let limit: u32 = node.prop_or("limit", base.limit);
    let mtu: u32 = node.prop_or("mtu", base.mtu);
    if mtu < SMALLEST_MTU {
        let problem = Problem::at(node.prop_span("mtu"), format!("an mtu of {mtu} is too small"))
            .label(format!("at least {SMALLEST_MTU}"));
        node.report(problem.help("RFC 791 §3.1: every link carries 68 octets"));
    }
    let distribution = node.prop("distribution").map_or(base.distribution, |OneOf(word)| word);
    if node.has("distribution") && !node.has("jitter") && base.jitter.is_zero() {
        let problem = Problem::at(node.prop_span("distribution"), "nothing varies".to_owned());
        node.report(problem.label("without `jitter`").help("add jitter=\"2ms\""));
    }
    Impairments {
        delay: node.prop_or("delay", base.delay),
        jitter: node.prop_or("jitter", base.jitter),
        distribution,
        loss: loss(node).unwrap_or(base.loss),
        duplicate: node.prop_or("duplicate", base.duplicate),
        reorder: node.prop_or("reorder", base.reorder),
        corrupt: node.prop_or("corrupt", base.corrupt),
        rate: node.prop("rate").map(|Rate(bits)| bits).or(base.rate),
        limit,
        mark: node.prop_or("mark", base.mark),
        mark_above: mark_above(node).or(base.mark_above),
        mtu,
        too_big: node.prop("icmp").map_or(base.too_big, |OneOf(word)| word),
        lifetime: node.prop("lifetime").or(base.lifetime),
    }
}

/// Packets wait for a rate only.
fn mark_above(node: &Node<'_>) -> Option<u32> {
    let threshold = node.prop("mark-above")?;
    if !node.has("rate") {
        let problem = Problem::at(node.prop_span("mark-above"), "nothing waits".to_owned());
        node.report(problem.label("without `rate`").help("add rate=\"10Mbit\""));
    }
    Some(threshold)
}

/// Two models of loss at once would hide each other.
fn loss(node: &Node<'_>) -> Option<Loss> {
    let bursts = node.child("gilbert-elliott").map(|child| gilbert_elliott(&child));
    if bursts.is_some() && node.has("loss") {
        let message = "`loss` and `gilbert-elliott` exclude each other";
        node.wrong(node.prop_span("loss"), message, "one of them");
    }
    bursts.or_else(|| node.prop("loss").map(Loss::Bernoulli))
}

/// netem's `gemodel`: by default everything is lost in the bad state and nothing in the good.
fn gilbert_elliott(node: &Node<'_>) -> Loss {
    let needed = |name| node.required(name).unwrap_or_default();
    Loss::GilbertElliott {
        p: needed("p"),
        r: needed("r"),
        bad_loss: node.prop_or("bad-loss", Probability::ALWAYS),
        good_loss: node.prop_or("good-loss", Probability::NEVER),
    }
}

/// All middleboxes. Each sits on a link between its two sides.
pub(super) fn middleboxes(nodes: &[Node<'_>], links: &[Node<'_>]) -> Vec<MiddleboxSpec> {
    let mut boxes: Vec<MiddleboxSpec> = Vec::new();
    for node in nodes {
        let Some(found) = middlebox(node) else { continue };
        if boxes.iter().any(|other| other.name == found.name) {
            let message = format!("there are two middleboxes `{}`", found.name);
            node.wrong(node.arg_span(0), &message, "the second");
        }
        let sides = [found.inside, found.outside];
        if boxes.iter().any(|other| sides.contains(&other.inside) && sides.contains(&other.outside))
        {
            node.wrong(node.head_span(), "this link has a middlebox already", "the second");
        }
        // The nodes are read again here, because links that are wrong are left out of the list.
        let joined = links.iter().any(|link| {
            let ends = [0, 1].map(|index| link.arg::<Host>(index).map(|Host(host)| host));
            sides.iter().all(|side| ends.contains(&Some(*side)))
        });
        if !joined || found.inside == found.outside {
            let problem = Problem::at(node.head_span(), "there is no link to sit on".to_owned());
            let hint = "`inside` and `outside` name the two hosts of a `link`";
            node.report(problem.label("between these hosts").help(hint));
        }
        boxes.push(found);
    }
    boxes
}

/// One middlebox. Without `nat` it only watches.
fn middlebox(node: &Node<'_>) -> Option<MiddleboxSpec> {
    let (inside, outside) = (node.required("inside"), node.required("outside"));
    let flows = flows(node);
    let nat: Option<IpAddr> = node.prop("nat");
    Some(MiddleboxSpec {
        name: node.arg(0)?,
        inside: inside.map(|Host(host)| host)?,
        outside: outside.map(|Host(host)| host)?,
        kind: nat.map_or(MiddleboxKind::Transparent, |address| MiddleboxKind::Nat { address }),
        flows: flows?,
    })
}

/// What it makes of flows: as the system that `profile` names, but for what is given.
fn flows(node: &Node<'_>) -> Option<Flows> {
    let system: Option<OneOf<System>> = node.prop("profile");
    let base = match system {
        Some(OneOf(system)) => system.flows(),
        // A wrong profile has been reported.
        None if node.has("profile") => Flows::fast_l4(),
        None => Flows::forgotten_after(node.required("idle-timeout")?),
    };
    Some(Flows {
        idle_timeout: node.prop_or("idle-timeout", base.idle_timeout),
        on_timeout: node.prop("on-timeout").map_or(base.on_timeout, |OneOf(word)| word),
        close_timeout: node.prop("close-timeout").or(base.close_timeout),
        beginning: node.prop("begins-with").map_or(base.beginning, |OneOf(word)| word),
        unknown: node.prop("unknown").map_or(base.unknown, |OneOf(word)| word),
    })
}

/// The systems whose figures a middlebox can have.
#[derive(Clone, Copy, Debug)]
enum System {
    FastL4,
    AwsNlb,
    AzureLb,
    Conntrack,
}

impl System {
    const fn flows(self) -> Flows {
        match self {
            Self::FastL4 => Flows::fast_l4(),
            Self::AwsNlb => Flows::aws_nlb(),
            Self::AzureLb => Flows::azure_lb(),
            Self::Conntrack => Flows::conntrack(),
        }
    }
}

impl Choice for System {
    const WHAT: &'static str = "profile of a middlebox";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("fastL4", Self::FastL4),
        ("aws-nlb", Self::AwsNlb),
        ("azure-lb", Self::AzureLb),
        ("conntrack", Self::Conntrack),
    ];
}

impl Choice for OnTimeout {
    const WHAT: &'static str = "way with flows that were idle for too long";
    const WORDS: &'static [(&'static str, Self)] =
        &[("silence", Self::Silence), ("reset", Self::Reset)];
}

impl Choice for Beginning {
    const WHAT: &'static str = "beginning of a flow";
    const WORDS: &'static [(&'static str, Self)] =
        &[("syn", Self::Syn), ("any-segment", Self::AnySegment)];
}
