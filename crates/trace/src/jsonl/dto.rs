//! The records as JSON. The model itself knows nothing of serde, so that its shape can change
//! without changing the lines.

use serde::Serialize;
use twomsl_tcp::wire;
use twomsl_tcp::{Cause, Instant, SocketError, StateChange, Status, TimerChange, TimerKind};

use super::packet::Packet;
use crate::model::{self, Author, Decider, Fate, HostId, PacketId, SCHEMA_VERSION, SocketRef};
use crate::words;

/// The first line.
#[derive(Serialize)]
pub(super) struct About<'a> {
    schema: u32,
    title: &'a str,
    seed: u64,
    hosts: Vec<Host<'a>>,
    paths: Vec<Path<'a>>,
}

/// A host; further lines call it by its name.
#[derive(Serialize)]
struct Host<'a> {
    name: &'a str,
    profile: &'a str,
    addresses: Vec<String>,
}

/// A link, in netem's words for either direction.
#[derive(Serialize)]
struct Path<'a> {
    a: String,
    b: String,
    forward: &'a str,
    backward: &'a str,
}

/// Any further line. Flat, so that a filter needs no path into it.
#[derive(Serialize)]
pub(super) struct Record<'a> {
    at_ns: u64,
    #[serde(flatten)]
    event: Event<'a>,
}

/// A socket's name, unique in the whole trace.
#[derive(Serialize)]
struct Socket {
    host: String,
    boot: u32,
    id: u64,
}

/// What happened, told apart by the field `event`. What does not apply is left out rather than
/// null: most fields of most lines would be.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event<'a> {
    Call {
        host: String,
        task: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        socket: Option<Socket>,
        call: &'a str,
    },
    Returned {
        host: String,
        task: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        socket: Option<Socket>,
        call: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        octets: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'static str>,
    },
    Sent {
        packet: u64,
        host: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        socket: Option<Socket>,
        reason: String,
        #[serde(flatten)]
        content: Packet,
    },
    Forged {
        packet: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        #[serde(flatten)]
        content: Packet,
    },
    Injected {
        packet: u64,
        by: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        middlebox: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        #[serde(flatten)]
        content: Packet,
    },
    Fate {
        packet: u64,
        fate: &'static str,
        by: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        arrives_ns: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        copy: Option<u64>,
        #[serde(flatten)]
        content: Option<Packet>,
    },
    Arrived {
        packet: u64,
        host: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        socket: Option<Socket>,
        verdict: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rfc: Option<&'static str>,
    },
    State {
        socket: Socket,
        from: &'static str,
        to: &'static str,
        cause: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        timer: Option<&'static str>,
    },
    Timer {
        socket: Socket,
        timer: &'static str,
        change: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        deadline_ns: Option<u64>,
    },
    Incident {
        host: String,
        action: &'static str,
    },
    Table {
        host: String,
        sockets: Vec<Row>,
    },
    Remark {
        text: &'a str,
    },
    Violation {
        invariant: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        socket: Option<Socket>,
        text: &'a str,
    },
}

/// A line of a socket table.
#[derive(Serialize)]
struct Row {
    id: u64,
    state: &'static str,
    since_ns: u64,
    local: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<String>,
    receive_queue: u32,
    send_queue: u32,
    timers: Vec<Deadline>,
    retransmits: u32,
    holder: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Detail>,
}

/// A running timer.
#[derive(Serialize)]
struct Deadline {
    timer: &'static str,
    deadline_ns: u64,
}

/// The variables of RFC 9293 §3.3.1 under their names.
#[derive(Serialize)]
struct Detail {
    iss: u32,
    snd_una: u32,
    snd_nxt: u32,
    snd_wnd: u32,
    irs: u32,
    rcv_nxt: u32,
    rcv_wnd: u32,
    congestion_window: u32,
    slow_start_threshold: u32,
    mss: u32,
    srtt_ns: u64,
    rto_ns: u64,
}

impl<'a> About<'a> {
    pub(super) fn of(about: &'a model::About) -> Self {
        let host = |host: &'a model::HostInfo| Host {
            name: &host.name,
            profile: &host.profile,
            addresses: host.addresses.iter().map(ToString::to_string).collect(),
        };
        let path = |path: &'a model::PathInfo| Path {
            a: about.name(path.a),
            b: about.name(path.b),
            forward: &path.forward,
            backward: &path.backward,
        };
        Self {
            schema: SCHEMA_VERSION,
            title: &about.title,
            seed: about.seed,
            hosts: about.hosts.iter().map(host).collect(),
            paths: about.paths.iter().map(path).collect(),
        }
    }
}

impl<'a> Record<'a> {
    pub(super) fn of(about: &model::About, record: &'a model::Record) -> Self {
        let event = Names(about).event(&record.event);
        Self { at_ns: record.at.as_nanos(), event }
    }
}

/// Knows the names of hosts.
struct Names<'n>(&'n model::About);

impl Names<'_> {
    /// One arm for each kind of event, so that a new kind cannot be forgotten here.
    fn event<'a>(&self, event: &'a model::Event) -> Event<'a> {
        use model::Event as E;
        match event {
            E::Call { host, task, socket, call } => {
                let (host, socket) = (self.host(*host), self.maybe(*socket));
                Event::Call { host, task: *task, socket, call }
            }
            E::Returned { host, task, socket, call, result } => Event::Returned {
                host: self.host(*host),
                task: *task,
                socket: self.maybe(*socket),
                call,
                octets: result.ok().flatten(),
                error: result.err().map(SocketError::name),
            },
            E::Sent { packet, host, socket, reason, content } => Event::Sent {
                packet: packet.0,
                host: self.host(*host),
                socket: self.maybe(*socket),
                reason: words::kebab(reason),
                content: Packet::of(content),
            },
            E::Injected { packet, by, from, content } => self.injected(*packet, by, *from, content),
            E::Fate { packet, fate, by } => fate_event(*packet, fate, by),
            E::Arrived { packet, host, socket, verdict } => Event::Arrived {
                packet: packet.0,
                host: self.host(*host),
                socket: self.maybe(*socket),
                verdict: words::kebab(verdict),
                note: verdict.note().map(|note| note.text),
                rfc: verdict.note().map(|note| note.rfc),
            },
            E::State { socket, change } => self.state(*socket, *change),
            E::Timer { socket, timer, change } => self.timer(*socket, *timer, *change),
            E::Incident { host, action } => {
                Event::Incident { host: self.host(*host), action: words::action(*action) }
            }
            E::Table { host, sockets } => {
                let sockets = sockets.iter().map(Row::of).collect();
                Event::Table { host: self.host(*host), sockets }
            }
            E::Remark { text } => Event::Remark { text },
            E::Violation { invariant, socket, text } => {
                Event::Violation { invariant: *invariant, socket: self.maybe(*socket), text }
            }
        }
    }

    /// Only what pretends to come from a host is forged; a middlebox and the network speak for
    /// themselves, although a reset of a box has the address of the other end.
    fn injected<'a>(
        &self,
        packet: PacketId,
        by: &'a Author,
        from: Option<HostId>,
        content: &wire::Packet,
    ) -> Event<'a> {
        let (packet, content) = (packet.0, Packet::of(content));
        let from = from.map(|from| self.host(from));
        let (by, middlebox) = match by {
            Author::Forger => return Event::Forged { packet, from, content },
            Author::Middlebox(name) => ("middlebox", Some(name.as_str())),
            Author::Network => ("network", None),
        };
        Event::Injected { packet, by, middlebox, from, content }
    }

    /// The timer stands apart from the cause, so that causes stay a small set of words.
    fn state(&self, socket: SocketRef, change: StateChange) -> Event<'static> {
        let timer = match change.cause {
            Cause::Timeout(timer) => Some(timer.name()),
            _ => None,
        };
        let (from, to) = (change.from.name(), change.to.name());
        let (socket, cause) = (self.socket(socket), words::kebab(&change.cause));
        Event::State { socket, from, to, cause, timer }
    }

    /// Only a timer that runs has a deadline.
    fn timer(&self, socket: SocketRef, timer: TimerKind, change: TimerChange) -> Event<'static> {
        let deadline = match change {
            TimerChange::Set(deadline) | TimerChange::Restarted(deadline) => Some(deadline),
            TimerChange::Stopped | TimerChange::Fired => None,
        };
        Event::Timer {
            socket: self.socket(socket),
            timer: timer.name(),
            change: words::kebab(&change),
            deadline_ns: deadline.map(Instant::as_nanos),
        }
    }

    /// Names instead of numbers: lines are read by people too.
    fn host(&self, host: HostId) -> String {
        self.0.name(host)
    }

    fn socket(&self, socket: SocketRef) -> Socket {
        Socket { host: self.host(socket.host), boot: socket.boot, id: socket.id.number() }
    }

    /// Listeners' resets and calls before the first socket have none.
    fn maybe(&self, socket: Option<SocketRef>) -> Option<Socket> {
        socket.map(|socket| self.socket(socket))
    }
}

/// A fate has fields of its own only where it says more than its name.
fn fate_event(packet: PacketId, fate: &Fate, by: &Decider) -> Event<'static> {
    let (name, arrives, copy, content) = match fate {
        Fate::Delivered { at } => ("delivered", Some(at.as_nanos()), None, None),
        Fate::Dropped => ("dropped", None, None, None),
        Fate::Held => ("held", None, None, None),
        Fate::Duplicated { copy } => ("duplicated", None, Some(copy.0), None),
        Fate::Rewritten { content } => ("rewritten", None, None, Some(Packet::of(content))),
        Fate::Corrupted => ("corrupted", None, None, None),
        Fate::Delayed => ("delayed", None, None, None),
    };
    let rule = match by {
        Decider::Rule { number, .. } => Some(*number),
        _ => None,
    };
    Event::Fate {
        packet: packet.0,
        fate: name,
        by: words::decider(by),
        rule,
        arrives_ns: arrives,
        copy,
        content,
    }
}

impl Row {
    fn of(status: &Status) -> Self {
        let deadline = |(timer, deadline): &(TimerKind, Instant)| Deadline {
            timer: timer.name(),
            deadline_ns: deadline.as_nanos(),
        };
        Self {
            id: status.socket.number(),
            state: status.state.name(),
            since_ns: status.since.as_nanos(),
            local: status.local.to_string(),
            remote: status.remote.map(|remote| remote.to_string()),
            receive_queue: status.receive_queue,
            send_queue: status.send_queue,
            timers: status.timers.iter().map(deadline).collect(),
            retransmits: status.retransmits,
            holder: words::kebab(&status.holder),
            detail: status.detail.map(Detail::of),
        }
    }
}

impl Detail {
    const fn of(detail: twomsl_tcp::Detail) -> Self {
        Self {
            iss: detail.iss,
            snd_una: detail.snd_una,
            snd_nxt: detail.snd_nxt,
            snd_wnd: detail.snd_wnd,
            irs: detail.irs,
            rcv_nxt: detail.rcv_nxt,
            rcv_wnd: detail.rcv_wnd,
            congestion_window: detail.congestion_window,
            slow_start_threshold: detail.slow_start_threshold,
            mss: detail.mss,
            srtt_ns: detail.srtt,
            rto_ns: detail.rto,
        }
    }
}
