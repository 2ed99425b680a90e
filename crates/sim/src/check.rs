//! Whether a specification makes sense, before anything is built from it.

use crate::SpecError;
use crate::spec::{
    Choice, Condition, FaultVerdict, Forged, Forgery, HostIndex, Impairments, IncidentAction,
    Matcher, SeqSpec, Step, Trigger, WorldSpec,
};

/// The smallest MTU that IPv4 allows a link to have (RFC 791).
const MIN_MTU: u32 = 68;

/// Looks at every part of a specification.
pub(crate) fn check(spec: &WorldSpec) -> Result<(), SpecError> {
    hosts(spec)?;
    links(spec)?;
    middleboxes(spec)?;
    for role in &spec.roles {
        known(spec, role.host, "a role")?;
        steps(spec, &role.steps)?;
    }
    faults(spec)?;
    spec.forgeries.iter().try_for_each(|forgery| forged(spec, forgery))?;
    spec.incidents.iter().try_for_each(|incident| {
        trigger(spec, &incident.trigger)?;
        action(spec, &incident.action)
    })?;
    spec.remarks.iter().try_for_each(|remark| {
        trigger(spec, &remark.trigger)?;
        remark.tables.iter().try_for_each(|host| known(spec, *host, "a remark"))
    })
}

/// Hosts have names of their own, and few enough for the trace to number them.
fn hosts(spec: &WorldSpec) -> Result<(), SpecError> {
    if spec.hosts.len() > usize::from(u16::MAX) {
        return fail("there are more than 65535 hosts");
    }
    for (place, host) in spec.hosts.iter().enumerate() {
        // Quadratic, but only for those who have thousands of hosts, once for each plan.
        if spec.hosts[..place].iter().any(|other| other.name == host.name) {
            return fail(format!("two hosts are named `{}`", host.name));
        }
    }
    Ok(())
}

/// A link joins two different hosts, and no two links join the same: routes are direct, so a
/// second link would never be used.
fn links(spec: &WorldSpec) -> Result<(), SpecError> {
    for (place, link) in spec.links.iter().enumerate() {
        known(spec, link.a, "a link")?;
        known(spec, link.b, "a link")?;
        let names = || format!("{} and {}", spec.hosts[link.a].name, spec.hosts[link.b].name);
        if link.a == link.b {
            return fail(format!("a link connects {} with itself", spec.hosts[link.a].name));
        }
        let same = |other: &crate::spec::LinkSpec| {
            (other.a, other.b) == (link.a, link.b) || (other.b, other.a) == (link.a, link.b)
        };
        if spec.links[..place].iter().any(same) {
            return fail(format!("there are two links between {}", names()));
        }
        impairments(&link.forward, names)?;
        impairments(&link.backward, names)?;
    }
    Ok(())
}

/// Impairments that would let nothing through for ever.
fn impairments(impairments: &Impairments, names: impl Fn() -> String) -> Result<(), SpecError> {
    if impairments.rate == Some(0) {
        return fail(format!("the link between {} has a rate of zero", names()));
    }
    if impairments.mtu < MIN_MTU {
        return fail(format!("the link between {} has an MTU below {MIN_MTU}", names()));
    }
    Ok(())
}

/// A box stands on a link, alone.
fn middleboxes(spec: &WorldSpec) -> Result<(), SpecError> {
    for (place, middlebox) in spec.middleboxes.iter().enumerate() {
        let what = format!("middlebox `{}`", middlebox.name);
        known(spec, middlebox.inside, &what)?;
        known(spec, middlebox.outside, &what)?;
        let (a, b) = (middlebox.inside, middlebox.outside);
        let between = |x: HostIndex, y: HostIndex| (x, y) == (a, b) || (y, x) == (a, b);
        if !spec.links.iter().any(|link| between(link.a, link.b)) {
            return fail(format!("{what} is on a link that does not exist"));
        }
        if spec.middleboxes[..place].iter().any(|other| between(other.inside, other.outside)) {
            return fail(format!("{what} is the second on its link"));
        }
    }
    Ok(())
}

/// The hosts that steps name, within loops and tasks too.
fn steps(spec: &WorldSpec, list: &[Step]) -> Result<(), SpecError> {
    list.iter().try_for_each(|step| match step {
        Step::Connect { host, .. } | Step::BecomeActive { host, .. } | Step::Relay { host, .. } => {
            known(spec, *host, "`connect`")
        }
        Step::Wait(wait) => condition(spec, wait),
        Step::Repeat { steps: inner, .. }
        | Step::Serve { steps: inner, .. }
        | Step::Spawn { steps: inner, .. } => steps(spec, inner),
        _ => Ok(()),
    })
}

/// Rules count from one, upwards.
fn faults(spec: &WorldSpec) -> Result<(), SpecError> {
    for fault in &spec.faults {
        matcher(spec, &fault.matcher)?;
        if let Some(nth) = fault.nth
            && (nth.first == 0 || nth.first > nth.last)
        {
            return fail(format!(
                "fault `{}` counts from {} to {}",
                fault.text, nth.first, nth.last
            ));
        }
    }
    spec.schedule.iter().try_for_each(|choice| scheduled(spec, choice))
}

/// A schedule is about packets that exist, and does to them what a network can do.
fn scheduled(spec: &WorldSpec, choice: &Choice) -> Result<(), SpecError> {
    use FaultVerdict as Verdict;
    known(spec, choice.from, "a schedule")?;
    let able = matches!(
        choice.verdict,
        Verdict::Drop
            | Verdict::Corrupt
            | Verdict::Duplicate { .. }
            | Verdict::Delay(_)
            | Verdict::DelayUntil(_)
    );
    if choice.packet == 0 || !able {
        return fail(format!("a schedule cannot have `{}`", choice.text));
    }
    Ok(())
}

/// A forged segment speaks of hosts that exist.
fn forged(spec: &WorldSpec, forgery: &Forgery) -> Result<(), SpecError> {
    trigger(spec, &forgery.trigger)?;
    known(spec, forgery.from, "a forged segment")?;
    known(spec, forgery.to, "a forged segment")?;
    let ack = match forgery.what {
        Forged::Segment { ack, .. } => ack,
        Forged::Icmp(_) => None,
    };
    [Some(forgery.seq), ack].into_iter().flatten().try_for_each(|seq| match seq {
        SeqSpec::Relative { host, .. } => known(spec, host, "a forged segment"),
        SeqSpec::Absolute(_) => Ok(()),
    })
}

/// A time is always right; a condition may name hosts.
fn trigger(spec: &WorldSpec, trigger: &Trigger) -> Result<(), SpecError> {
    match trigger {
        Trigger::At(_) => Ok(()),
        Trigger::When { condition: when, .. } => condition(spec, when),
    }
}

/// The hosts that a condition names.
fn condition(spec: &WorldSpec, condition: &Condition) -> Result<(), SpecError> {
    match condition {
        Condition::State { host, .. } | Condition::ReadBytes { host, .. } => {
            known(spec, *host, "a condition")
        }
        Condition::Sent { matcher: packets, .. } => matcher(spec, packets),
    }
}

/// The hosts that a matcher names.
fn matcher(spec: &WorldSpec, matcher: &Matcher) -> Result<(), SpecError> {
    let hosts = [matcher.from, matcher.to, matcher.state.map(|(host, _)| host)];
    hosts.into_iter().flatten().try_for_each(|host| known(spec, host, "a match of packets"))
}

/// An incident befalls a host that exists; a release is of a name that some rule holds under, for
/// otherwise it is surely misspelt.
fn action(spec: &WorldSpec, action: &IncidentAction) -> Result<(), SpecError> {
    match action {
        IncidentAction::Crash(host)
        | IncidentAction::Reboot(host)
        | IncidentAction::Pause(host)
        | IncidentAction::Resume(host)
        | IncidentAction::LinkDown(host)
        | IncidentAction::LinkUp(host) => known(spec, *host, "an incident"),
        IncidentAction::Release(name) => {
            let holds = |verdict: &FaultVerdict| matches!(verdict, FaultVerdict::Hold(held) if held == name);
            if spec.faults.iter().any(|fault| holds(&fault.verdict)) {
                return Ok(());
            }
            fail(format!("no fault holds packets under the name `{name}` that is released"))
        }
    }
}

/// Whether a host of this number exists. `who` begins the message.
fn known(spec: &WorldSpec, host: HostIndex, who: &str) -> Result<(), SpecError> {
    let count = spec.hosts.len();
    if host < count {
        return Ok(());
    }
    fail(format!("{who} names host number {host}, but there are only {count}"))
}

/// An error with this message.
fn fail<T>(message: impl Into<String>) -> Result<T, SpecError> {
    Err(SpecError(message.into()))
}
