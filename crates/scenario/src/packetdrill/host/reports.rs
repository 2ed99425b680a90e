//! The error queue of Linux' sockets (`MSG_ERRQUEUE`): what was sent without a copy and is free
//! again, and when what was sent left the machine or was acknowledged.

use std::collections::VecDeque;

use twomsl_tcp::{Instant, Readiness};

use super::super::symbols::{
    IP_RECVERR, IPV6_RECVERR, MSG_ERRQUEUE, MSG_TRUNC, SCM_TIMESTAMPING, SCM_TSTAMP_ACK,
    SCM_TSTAMP_SCHED, SCM_TSTAMP_SND, SO_EE_CODE_ZEROCOPY_COPIED, SO_EE_ORIGIN_TIMESTAMPING,
    SO_EE_ORIGIN_ZEROCOPY, SO_TIMESTAMPING, SO_ZEROCOPY, SOF_TIMESTAMPING_OPT_ID,
    SOF_TIMESTAMPING_OPT_ID_TCP, SOF_TIMESTAMPING_OPT_TSONLY, SOF_TIMESTAMPING_SOFTWARE,
    SOF_TIMESTAMPING_TX_ACK, SOF_TIMESTAMPING_TX_SCHED, SOF_TIMESTAMPING_TX_SOFTWARE, SOL_IP,
    SOL_IPV6, SOL_SOCKET,
};
use super::super::system::{ControlMessage, Errno, Reply, ReplyOutput};
use super::Host;
use super::files::{Domain, Socket};

/// What a socket will report, and what it has to report.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// Octets that were written so far.
    written: u64,
    /// The number of the next write without a copy (`sk_zckey`).
    next: u32,
    /// What numbers of octets count from (`sk_tskey`).
    base: u64,
    marks: Vec<Mark>,
    ready: VecDeque<Report>,
}

/// Something is to be reported when the octet before `end` has come so far.
#[derive(Clone, Copy, Debug)]
struct Mark {
    end: u64,
    until: Progress,
    report: Report,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Sent,
    Acknowledged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Report {
    /// These writes, from the first to the last, are done with their memory.
    ZeroCopy(u32, u32),
    /// `SCM_TSTAMP_…`, the number of the octet, and when.
    Stamp { kind: i64, key: u32, at: Instant },
}

impl Reports {
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// `SO_TIMESTAMPING` is set: from where octets are counted.
    pub(super) fn count_from(&mut self, flags: i64, unacknowledged: usize) {
        let acknowledged = self.written.saturating_sub(unacknowledged as u64);
        let all = flags & SOF_TIMESTAMPING_OPT_ID_TCP != 0;
        self.base = if all { self.written } else { acknowledged };
    }

    /// `skb_zerocopy_notify_extend`: what follows is one report.
    fn push(&mut self, report: Report) {
        if let (Some(Report::ZeroCopy(_, last)), Report::ZeroCopy(first, new)) =
            (self.ready.back_mut(), report)
            && *last == first.wrapping_sub(1)
        {
            *last = new;
        } else {
            self.ready.push_back(report);
        }
    }

    /// What has happened by now; whether anything has.
    fn collect(&mut self, now: Instant, sent: u64, acknowledged: u64) -> bool {
        let has_come = |mark: &Mark| match mark.until {
            Progress::Sent => mark.end <= sent,
            Progress::Acknowledged => mark.end <= acknowledged,
        };
        let (done, left): (Vec<_>, Vec<_>) = self.marks.drain(..).partition(has_come);
        self.marks = left;
        for mark in &done {
            self.push(match mark.report {
                Report::Stamp { kind, key, .. } => Report::Stamp { kind, key, at: now },
                copy @ Report::ZeroCopy(..) => copy,
            });
        }
        !done.is_empty()
    }
}

/// What is to be reported of a write.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    /// `MSG_ZEROCOPY`
    pub(super) zero_copy: bool,
    /// `SOF_TIMESTAMPING_TX_…`, where the call says them itself.
    pub(super) stamps: Option<i64>,
}

/// `SOF_TIMESTAMPING_TX_RECORD_MASK`, and the reports that its bits stand for.
const STAMPS: [(i64, i64, Progress); 3] = [
    (SOF_TIMESTAMPING_TX_SCHED, SCM_TSTAMP_SCHED, Progress::Sent),
    (SOF_TIMESTAMPING_TX_SOFTWARE, SCM_TSTAMP_SND, Progress::Sent),
    (SOF_TIMESTAMPING_TX_ACK, SCM_TSTAMP_ACK, Progress::Acknowledged),
];

/// What a time stamp has in place of an error.
const NO_MESSAGE: u32 = Errno::ENOMSG.0.cast_unsigned();

impl Socket {
    /// The stack has more octets.
    pub(super) fn count_written(&mut self, octets: usize) {
        self.reports.written += octets as u64;
    }

    /// A write is over: remembers what is to be reported of its last octet (`tcp_tx_timestamp`,
    /// `msg_zerocopy_realloc`).
    pub(super) fn note_written(&mut self, wishes: Wishes) {
        let flags = i64::from(self.settings.remembered(SOL_SOCKET, SO_TIMESTAMPING));
        let zero_copy = wishes.zero_copy && self.settings.remembered(SOL_SOCKET, SO_ZEROCOPY) != 0;
        let reports = &mut self.reports;
        let (end, stamps) = (reports.written, wishes.stamps.unwrap_or(flags));
        let numbered = flags & SOF_TIMESTAMPING_OPT_ID != 0;
        let key = if numbered { (end - 1).wrapping_sub(reports.base) as u32 } else { 0 };
        for (bit, kind, until) in STAMPS {
            if stamps & bit != 0 {
                let report = Report::Stamp { kind, key, at: Instant::ZERO };
                reports.marks.push(Mark { end, until, report });
            }
        }
        if zero_copy {
            let report = Report::ZeroCopy(reports.next, reports.next);
            reports.next = reports.next.wrapping_add(1);
            reports.marks.push(Mark { end, until: Progress::Acknowledged, report });
        }
    }

    /// A time stamp comes with the text it is of, which nobody has room for, unless
    /// `SOF_TIMESTAMPING_OPT_TSONLY` leaves it out.
    fn truncated(&self, report: Report) -> i64 {
        let flags = i64::from(self.settings.remembered(SOL_SOCKET, SO_TIMESTAMPING));
        let stamp = matches!(report, Report::Stamp { .. });
        if stamp && flags & SOF_TIMESTAMPING_OPT_TSONLY == 0 { MSG_TRUNC } else { 0 }
    }

    /// The control messages of a report.
    fn messages(&self, report: Report) -> Vec<ControlMessage> {
        let flags = i64::from(self.settings.remembered(SOL_SOCKET, SO_TIMESTAMPING));
        let (level, kind) = match self.domain {
            Domain::V4 => (SOL_IP, IP_RECVERR),
            Domain::V6 => (SOL_IPV6, IPV6_RECVERR),
        };
        let error = |data: Vec<u8>| ControlMessage { level: level as i32, kind: kind as i32, data };
        match report {
            Report::ZeroCopy(first, last) => {
                // A network device like that of packetdrill copies what it is given.
                let code = SO_EE_CODE_ZEROCOPY_COPIED;
                vec![error(extended_error(0, SO_EE_ORIGIN_ZEROCOPY, code, first, last))]
            }
            Report::Stamp { kind, key, at } => {
                let origin = SO_EE_ORIGIN_TIMESTAMPING;
                let error = error(extended_error(NO_MESSAGE, origin, 0, octet(kind).into(), key));
                let (level, kind) = (SOL_SOCKET as i32, SCM_TIMESTAMPING as i32);
                let stamp = ControlMessage { level, kind, data: times(at) };
                let shown = flags & SOF_TIMESTAMPING_SOFTWARE != 0;
                if shown { vec![stamp, error] } else { vec![error] }
            }
        }
    }
}

/// `struct sock_extended_err`
fn extended_error(errno: u32, origin: i64, code: i64, info: u32, data: u32) -> Vec<u8> {
    let mut octets = errno.to_le_bytes().to_vec();
    octets.extend([octet(origin), 0, octet(code), 0]);
    octets.extend(info.to_le_bytes());
    octets.extend(data.to_le_bytes());
    octets
}

fn octet(number: i64) -> u8 {
    number.cast_unsigned() as u8
}

/// Three `struct timespec`, of which software fills in the first.
fn times(at: Instant) -> Vec<u8> {
    let (seconds, nanos) = (at.as_nanos() / 1_000_000_000, at.as_nanos() % 1_000_000_000);
    let mut octets = [seconds.to_le_bytes(), nanos.to_le_bytes()].concat();
    octets.resize(48, 0);
    octets
}

impl Host {
    /// `inet_recv_error`: the oldest report.
    pub(super) fn read_report(&mut self, fd: i32) -> Result<Reply, Errno> {
        let socket = self.files.socket_mut(fd)?;
        let report = socket.reports.ready.pop_front().ok_or(Errno::EAGAIN)?;
        let control = self.files.socket(fd)?.messages(report);
        let flags = (MSG_ERRQUEUE | self.files.socket(fd)?.truncated(report)) as i32;
        let output = ReplyOutput::Message { flags, control, name: None };
        Ok(Reply { result: Ok(0), output })
    }

    /// Puts into the error queues what has happened by now.
    pub(super) fn collect_reports(&mut self) {
        let mut told = Vec::new();
        for socket in self.files.sockets_mut() {
            if socket.reports.marks.is_empty() {
                continue;
            }
            let Some(id) = socket.connection() else { continue };
            let (unacknowledged, unsent) = self.stack.unacknowledged(id);
            let reports = &mut socket.reports;
            let sent = reports.written.saturating_sub(unsent as u64);
            let acknowledged = reports.written.saturating_sub(unacknowledged as u64);
            if reports.collect(self.now, sent, acknowledged) {
                told.push(id);
            }
        }
        for id in told {
            // `sk_error_report` wakes whoever watches.
            self.wake_watches(id, Readiness::Closed);
        }
    }
}
