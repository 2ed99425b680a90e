//! Segments and ICMP errors out of nothing.

use bytes::Bytes;
use twomsl_tcp::Instant;
use twomsl_tcp::wire::{Icmp, Options, Packet, Quote, Segment, SeqNum};
use twomsl_trace::Author;

use crate::bits::moved;
use crate::errors;
use crate::flight::Via;
use crate::life::Life;
use crate::live::Live;
use crate::plan::Plan;
use crate::spec::{Forged, Forgery, PortSpec, SeqSpec, SeqVariable};

impl Live {
    /// A forged segment is due. It arrives after the delay of the link, at once where there is
    /// none, untouched by anything else.
    pub(crate) fn forge(&mut self, plan: &Plan, place: u32) {
        let forgery = &plan.spec.forgeries[place as usize];
        let (from, to) = (forgery.from as u32, forgery.to as u32);
        let Some(packet) = self.forged(plan, forgery) else {
            tracing::warn!(
                target: "twomsl",
                at = %self.now,
                forgery = place,
                "there is no connection to forge a segment of"
            );
            return;
        };
        let (via, delay) = match plan.path(from, to) {
            Some(path) => (Via::Path(path), plan.paths[path as usize].delay),
            None => (Via::Loopback, 0),
        };
        let at = Instant::from_nanos(self.now.as_nanos().saturating_add(delay));
        self.inject(packet, (Author::Forger, Some(from)), to, via, at);
    }

    /// The packet, with ports and numbers looked up now. None when there is no such connection.
    fn forged(&self, plan: &Plan, forgery: &Forgery) -> Option<Packet> {
        let (from, to) = (forgery.from as u32, forgery.to as u32);
        let dst = plan.remote_address(from, to);
        let src = plan.local_address(from, dst);
        let src_port = self.forged_port(forgery.src_port, from, to)?;
        let dst_port = self.forged_port(forgery.dst_port, to, from)?;
        let seq = self.forged_number(forgery.seq, forgery)?;
        let (ack, flags, window, payload) = match &forgery.what {
            Forged::Segment { ack, flags, window, payload } => (*ack, *flags, *window, payload),
            Forged::Icmp(kind) => {
                // What it quotes went the other way.
                let (src_port, dst_port) = (dst_port, src_port);
                let quote = Quote { src: dst, dst: src, src_port, dst_port, seq };
                return Some(errors::message(src, Icmp { kind: *kind, quote }));
            }
        };
        let ack = match ack {
            Some(ack) => self.forged_number(ack, forgery)?,
            None => SeqNum::new(0),
        };
        let (urgent, options, payload) = (0, Options::NONE, Bytes::clone(payload));
        let segment =
            Segment { src_port, dst_port, seq, ack, flags, window, urgent, options, payload };
        Some(Packet::tcp(src, dst, segment))
    }

    /// A port of the end at `host` of its newest connection with `other`. Before the first
    /// segment has come only the other end knows it.
    fn forged_port(&self, port: PortSpec, host: u32, other: u32) -> Option<u16> {
        match port {
            PortSpec::Number(port) => Some(port),
            PortSpec::Live => {
                let ends = |host, other| self.newest(host, other)?.ends;
                let own = ends(host, other).map(|ends| ends.local_port);
                own.or_else(|| ends(other, host).map(|ends| ends.remote_port))
            }
        }
    }

    /// A sequence number: given, or by a variable of the newest connection at either end.
    fn forged_number(&self, number: SeqSpec, forgery: &Forgery) -> Option<SeqNum> {
        match number {
            SeqSpec::Absolute(number) => Some(SeqNum::new(number)),
            SeqSpec::Relative { host, variable, offset } => {
                let other = if host == forgery.from { forgery.to } else { forgery.from };
                let life = self.newest(host as u32, other as u32)?;
                Some(moved(self.variable(life, variable)?, Some(offset)))
            }
        }
    }

    /// The newest connection of `host` with `other`, dead or alive.
    fn newest(&self, host: u32, other: u32) -> Option<&Life> {
        let between = |life: &&Life| {
            life.host == host && life.ends.is_some_and(|ends| ends.remote_host == other)
        };
        self.lives.newest_first().find(between)
    }

    /// A variable of a connection: from its stack while that remembers it, else as it was last
    /// seen on the wire.
    fn variable(&self, life: &Life, variable: SeqVariable) -> Option<SeqNum> {
        let host = &self.hosts[life.host as usize];
        let status = host.stack.status(life.socket).ok().filter(|_| host.boot == life.boot);
        if let Some(detail) = status.and_then(|status| status.detail) {
            return Some(SeqNum::new(match variable {
                SeqVariable::Iss => detail.iss,
                SeqVariable::SndUna => detail.snd_una,
                SeqVariable::SndNxt => detail.snd_nxt,
                SeqVariable::Irs => detail.irs,
                SeqVariable::RcvNxt => detail.rcv_nxt,
                SeqVariable::RcvEnd => detail.rcv_nxt.wrapping_add(detail.rcv_wnd),
            }));
        }
        match variable {
            SeqVariable::Iss => life.sequence.iss,
            SeqVariable::SndUna | SeqVariable::SndNxt => Some(life.sequence.sent_end),
            SeqVariable::Irs => life.sequence.irs,
            SeqVariable::RcvNxt | SeqVariable::RcvEnd => life.sequence.acked,
        }
    }
}
