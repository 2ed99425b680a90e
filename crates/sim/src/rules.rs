//! Fault rules: which packets they are about, and what they decide.

use std::time::Duration;

use twomsl_tcp::wire::{Flags, Segment};
use twomsl_tcp::{Instant, TcpState};

use crate::life::{Life, LifeId};
use crate::live::Live;
use crate::plan::Plan;
use crate::random::{Purpose, derive};
use crate::spec::{Acks, FaultVerdict, HostIndex, Matcher, Nth, PayloadMatch, Repeated, Rewrite};

/// What the rules decide about a packet. Rules are named by their place.
#[derive(Clone, Debug)]
pub(crate) enum Judgment {
    /// No rule is about it, or one lets it pass.
    Nothing,
    /// It is gone.
    Drop(u32),
    /// It waits for a release.
    Hold(u32),
    /// It goes on, but not as if nothing were. Boxed: rare, and larger than the others.
    Treat(Box<Treatment>),
}

/// What a rule does to a packet that goes on.
#[derive(Clone, Debug)]
pub(crate) struct Treatment {
    pub(crate) rule: u32,
    pub(crate) delay: Duration,
    /// It does not arrive before this.
    pub(crate) until: Instant,
    /// The draw for the bit to flip.
    pub(crate) flip: Option<u64>,
    pub(crate) rewrite: Option<Rewrite>,
    pub(crate) copies: u32,
    /// Between the copies.
    pub(crate) spacing: Duration,
}

impl Treatment {
    /// Nothing is done.
    pub(crate) const NONE: Self = Self {
        rule: u32::MAX,
        delay: Duration::ZERO,
        until: Instant::ZERO,
        flip: None,
        rewrite: None,
        copies: 0,
        spacing: Duration::ZERO,
    };
}

/// A packet as rules see it, at the moment it is sent.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) from: u32,
    /// None when there is no route.
    pub(crate) to: Option<u32>,
    pub(crate) mark: LifeId,
    /// Where it is among the packets on their way.
    pub(crate) place: u32,
}

impl Live {
    /// Asks the rules in order, and the conditions about packets. The first rule that matches
    /// decides, and no later one sees the packet.
    #[inline]
    pub(crate) fn judge(&mut self, plan: &Plan, seen: &Seen) -> Judgment {
        if !plan.looks_at_packets {
            return Judgment::Nothing;
        }
        self.judge_by_rules(plan, seen)
    }

    /// The same where there are rules or conditions about packets.
    fn judge_by_rules(&mut self, plan: &Plan, seen: &Seen) -> Judgment {
        if plan.watched.sends {
            self.check_sends(plan, seen);
        }
        for (place, rule) in plan.spec.faults.iter().enumerate() {
            if !self.matches(&rule.matcher, seen) {
                continue;
            }
            // A match counts for this rule even if its range is not reached: "the 2nd FIN"
            // counts the first.
            self.matched[place] += 1;
            if rule.nth.is_none_or(|nth| covers(nth, self.matched[place])) {
                return self.judgment(place as u32, &rule.verdict);
            }
        }
        Judgment::Nothing
    }

    /// What a verdict means for this packet.
    fn judgment(&self, rule: u32, verdict: &FaultVerdict) -> Judgment {
        let none = Treatment { rule, ..Treatment::NONE };
        let treatment = match verdict {
            FaultVerdict::Pass => return Judgment::Nothing,
            FaultVerdict::Drop => return Judgment::Drop(rule),
            FaultVerdict::Hold(_) => return Judgment::Hold(rule),
            FaultVerdict::Delay(delay) => Treatment { delay: *delay, ..none },
            FaultVerdict::DelayUntil(until) => Treatment { until: *until, ..none },
            FaultVerdict::Duplicate { copies, delay } => {
                Treatment { copies: *copies, spacing: *delay, ..none }
            }
            FaultVerdict::Corrupt => {
                let words = [u64::from(rule), u64::from(self.matched[rule as usize])];
                Treatment { flip: Some(derive(self.seed, Purpose::RuleBit, &words)), ..none }
            }
            FaultVerdict::Rewrite(rewrite) => Treatment { rewrite: Some(rewrite.clone()), ..none },
        };
        Judgment::Treat(Box::new(treatment))
    }

    /// Whether all that a matcher asks for holds. An ICMP message matches nothing.
    pub(crate) fn matches(&self, matcher: &Matcher, seen: &Seen) -> bool {
        let packet = self.flights.packet(seen.place);
        let Some(segment) = packet.segment() else { return false };
        let host = |wanted: Option<HostIndex>, is: Option<u32>| {
            wanted.is_none_or(|wanted| is == Some(wanted as u32))
        };
        segment.flags.contains(matcher.flags)
            && !segment.flags.intersects(matcher.without)
            && host(matcher.from, Some(seen.from))
            && host(matcher.to, seen.to)
            && matcher.src_port.is_none_or(|port| port == segment.src_port)
            && matcher.dst_port.is_none_or(|port| port == segment.dst_port)
            && matcher.ecn.is_none_or(|ecn| ecn == packet.ecn)
            && matcher.after.is_none_or(|after| self.now >= after)
            && matcher.before.is_none_or(|before| self.now < before)
            && self.matches_history(matcher, seen, segment)
    }

    /// The part of a matcher that asks what was before.
    fn matches_history(&self, matcher: &Matcher, seen: &Seen, segment: &Segment) -> bool {
        let life = self.lives.get(seen.mark);
        matcher.acks.is_none_or(|acks| self.acknowledges(acks, life, segment))
            && matcher.payload.is_none_or(|payload| carries(payload, life, segment))
            && matcher.repeated.is_none_or(|wanted| wanted == repeated(life, segment))
            && matcher
                .state
                .is_none_or(|(host, state)| self.state_at(host as u32, seen, segment) == state)
    }

    /// What a segment acknowledges, by the numbers of the life whose SYN its sender took.
    fn acknowledges(&self, acks: Acks, life: Option<&Life>, segment: &Segment) -> bool {
        let peer = life.and_then(|life| self.lives.get(life.peer));
        let Some((peer, true)) = peer.map(|peer| (peer, segment.flags.contains(Flags::ACK))) else {
            return false;
        };
        let Some(iss) = peer.sequence.iss else { return false };
        match acks {
            Acks::Syn => segment.ack == iss + 1,
            Acks::Fin => peer.sequence.fin.is_some_and(|fin| segment.ack.after(fin)),
            Acks::Text(octets) => segment.ack.at_or_after(iss + 1 + octets),
        }
    }

    /// The state, at one end, of the connection that a packet belongs to.
    fn state_at(&self, host: u32, seen: &Seen, segment: &Segment) -> TcpState {
        if host == seen.from
            && let Some(life) = self.lives.get(seen.mark)
        {
            return life.state;
        }
        match self.lives.other_end(seen.mark) {
            Some(life) if life.host == host && self.is_alive(life) => life.state,
            _ => self.state_of_ports(host, seen, segment),
        }
    }

    /// Whether a life's host has not crashed since.
    fn is_alive(&self, life: &Life) -> bool {
        self.hosts[life.host as usize].boot == life.boot
    }

    /// The same by ports, for packets whose other end is not known: a first SYN, a reset for an
    /// unknown connection. Looks at all sockets, but only for rules that ask for a state.
    fn state_of_ports(&self, host: u32, seen: &Seen, segment: &Segment) -> TcpState {
        let (local, remote) = if host == seen.from {
            (segment.src_port, segment.dst_port)
        } else {
            (segment.dst_port, segment.src_port)
        };
        let sockets = self.hosts[host as usize].stack.sockets();
        let mut listener = TcpState::Closed;
        for socket in sockets.filter(|socket| socket.local.port() == local) {
            match socket.remote {
                Some(end) if end.port() == remote => return socket.state,
                None => listener = socket.state,
                Some(_) => {}
            }
        }
        listener
    }
}

/// Whether the count of a match is in a rule's range.
const fn covers(nth: Nth, count: u32) -> bool {
    nth.first <= count && count <= nth.last
}

/// Whether a segment carries what is asked for.
fn carries(wanted: PayloadMatch, life: Option<&Life>, segment: &Segment) -> bool {
    match wanted {
        PayloadMatch::Empty => segment.payload.is_empty(),
        PayloadMatch::Some => !segment.payload.is_empty(),
        PayloadMatch::Octet(place) => {
            let Some(iss) = life.and_then(|life| life.sequence.iss) else { return false };
            // Text begins after the SYN, be that in this segment or in an earlier one.
            let syn = u32::from(segment.flags.contains(Flags::SYN));
            let first = u64::from((segment.seq + syn).since(iss + 1));
            (first..first + segment.payload.len() as u64).contains(&place)
        }
    }
}

/// Whether a segment begins with octets (or a SYN or FIN) that were sent before. One without
/// any is never a repetition.
fn repeated(life: Option<&Life>, segment: &Segment) -> Repeated {
    let sent = life.filter(|life| life.sequence.iss.is_some());
    let again = sent.is_some_and(|life| segment.seq.before(life.sequence.sent_end));
    if again && segment.seq_len() > 0 { Repeated::Yes } else { Repeated::No }
}
