//! The stories that the snapshots show.

use std::net::{IpAddr, SocketAddr};

use twomsl_tcp::wire::{
    Body, Ecn, Flags, Icmp, IcmpKind, Packet, Quote, SackBlocks, SeqNum, TcpOption,
};
use twomsl_tcp::{
    Cause, Detail, Holder, SendReason, SocketError, Status, TcpState, TimerChange, TimerKind,
    Verdict,
};
use twomsl_trace::{Action, Author, Decider, Event, Fate, HostId, PacketId, SocketRef};

use crate::support::{CLIENT, CLIENT_ISN, SERVER, Seg, Story, address, millis, rule, seg, socket};

const SYN: Flags = Flags::SYN;
const ACK: Flags = Flags::ACK;
const SYN_ACK: Flags = Flags::SYN.union(Flags::ACK);
const FIN_ACK: Flags = Flags::FIN.union(Flags::ACK);
const PSH_ACK: Flags = Flags::PSH.union(Flags::ACK);
const RST: Flags = Flags::RST;

const fn client() -> SocketRef {
    socket_of(CLIENT, 1)
}

const fn server() -> SocketRef {
    socket_of(SERVER, 2)
}

const fn listener() -> SocketRef {
    socket_of(SERVER, 1)
}

const fn socket_of(host: HostId, number: u64) -> SocketRef {
    SocketRef { host, boot: 0, id: twomsl_tcp::SocketId::from_number(number) }
}

/// Sends a segment now and lets it arrive, accepted, 10 ms later.
fn exchange(story: &mut Story, at: u64, socket: SocketRef, seg: Seg, reason: SendReason) {
    let to = if seg.from == CLIENT { SERVER } else { CLIENT };
    let packet = story.at(at).send(socket, seg, reason);
    story.at(at + 10).arrive(packet, to, Verdict::Accepted);
}

/// The handshake, 0 to 30 ms.
pub fn open(story: &mut Story) {
    use TcpState::{Closed, Established, Listen, SynReceived, SynSent};
    story.at(0).call(SERVER, "listen(80)").state(listener(), Closed, Listen, Cause::Listen);
    story.call(SERVER, "accept()");
    story.call(CLIENT, "connect(server:80)").state(client(), Closed, SynSent, Cause::Connect);
    exchange(story, 0, client(), seg(CLIENT, SYN, 0, 0), SendReason::New);
    story.state(server(), Listen, SynReceived, Cause::Syn);
    exchange(
        story,
        10,
        server(),
        Seg { window: 65160, ..seg(SERVER, SYN_ACK, 0, 1) },
        SendReason::New,
    );
    story.state(client(), SynSent, Established, Cause::SynAck);
    story.returned(CLIENT, "connect", Ok(None));
    exchange(story, 20, client(), seg(CLIENT, ACK, 1, 1), SendReason::Ack);
    story.state(server(), SynReceived, Established, Cause::AckOfSyn);
    story.returned(SERVER, "accept", Ok(None));
}

/// DESIGN's own story: the ACK of the server's FIN is lost.
pub fn lost_last_ack() -> Story {
    use TcpState::{CloseWait, Closed, Established, FinWait1, FinWait2, LastAck, TimeWait};
    let mut story = Story::new("Lost last ACK");
    let s = &mut story;
    open(s);
    let text = seg(CLIENT, PSH_ACK, 1, 1).text(b"hello");
    s.at(30).call(CLIENT, "write(5)");
    exchange(s, 30, client(), text, SendReason::New);
    s.returned(SERVER, "read", Ok(Some(5)));
    exchange(s, 40, server(), Seg { window: 65155, ..seg(SERVER, ACK, 1, 6) }, SendReason::Ack);
    s.call(CLIENT, "close()").state(client(), Established, FinWait1, Cause::Close);
    exchange(s, 50, client(), seg(CLIENT, FIN_ACK, 6, 1), SendReason::New);
    s.state(server(), Established, CloseWait, Cause::Fin);
    let ack = Seg { window: 65155, ..seg(SERVER, ACK, 1, 7) };
    let acked = s.send(server(), ack, SendReason::Ack);
    s.returned(SERVER, "read", Ok(Some(0))).call(SERVER, "close()");
    s.state(server(), CloseWait, LastAck, Cause::Close);
    let fin = Seg { window: 65155, ..seg(SERVER, FIN_ACK, 1, 7) };
    let packet = s.send(server(), fin, SendReason::New);
    s.at(70).arrive(acked, CLIENT, Verdict::Accepted);
    s.state(client(), FinWait1, FinWait2, Cause::AckOfFin);
    s.arrive(packet, CLIENT, Verdict::Accepted);
    s.state(client(), FinWait2, TimeWait, Cause::Fin);
    s.timer(client(), TimerKind::TimeWait, TimerChange::Set(millis(60_070)));
    let last = s.sent(Some(client()), seg(CLIENT, ACK, 7, 2), SendReason::Ack);
    s.fate(last, Fate::Dropped, rule(1, "drop ACK of FIN from client, 1st"));
    let again = s.at(270).send(server(), fin, SendReason::Retransmission);
    s.at(280).arrive(again, CLIENT, Verdict::TimeWaitFin);
    s.timer(client(), TimerKind::TimeWait, TimerChange::Restarted(millis(60_280)));
    exchange(s, 280, client(), seg(CLIENT, ACK, 7, 2), SendReason::Ack);
    s.state(server(), LastAck, Closed, Cause::AckOfFin);
    s.at(60_280).timer(client(), TimerKind::TimeWait, TimerChange::Fired);
    s.state(client(), TimeWait, Closed, Cause::Timeout(TimerKind::TimeWait));
    story
}

/// Everything the network can do to a packet, one after another, on an open connection.
pub fn mishaps() -> Story {
    let mut story = Story::new("Mishaps");
    let s = &mut story;
    open(s);
    let text = |seq, text| seg(CLIENT, PSH_ACK, seq, 1).text(text);
    // Delayed by a rule; overtaken by the next one.
    let slow = s.at(100).sent(Some(client()), text(1, b"one"), SendReason::New);
    s.fate(slow, Fate::Delayed, rule(1, "delay text from client by 30ms, 1st"));
    s.fate(slow, Fate::Delivered { at: millis(140) }, Decider::Link);
    let fast = s.at(105).send(client(), text(4, b"two"), SendReason::New);
    s.at(115).arrive(fast, SERVER, Verdict::OutOfOrder);
    let duplicate = s.send(server(), seg(SERVER, ACK, 1, 1), SendReason::DuplicateAck);
    s.at(125).arrive(duplicate, CLIENT, Verdict::Accepted);
    s.at(140).arrive(slow, SERVER, Verdict::Accepted);
    exchange(s, 140, server(), seg(SERVER, ACK, 1, 7), SendReason::Ack);
    // Duplicated.
    let original = s.at(200).send(client(), text(7, b"three"), SendReason::New);
    let copy = s.next_packet();
    s.fate(original, Fate::Duplicated { copy }, Decider::Impairment("duplicate"));
    s.fate(copy, Fate::Delivered { at: millis(212) }, Decider::Link);
    s.at(210).arrive(original, SERVER, Verdict::Accepted);
    s.at(212).arrive(copy, SERVER, Verdict::OldDuplicate);
    exchange(s, 212, server(), seg(SERVER, ACK, 1, 12), SendReason::DuplicateAck);
    // Corrupted, then sent again.
    let flipped = s.at(300).send(client(), text(12, b"four"), SendReason::New);
    s.fate(flipped, Fate::Corrupted, Decider::Impairment("corrupt"));
    s.at(310).arrive(flipped, SERVER, Verdict::BadChecksum);
    let repeated = s.at(500).sent(Some(client()), text(12, b"four"), SendReason::Retransmission);
    s.fate(repeated, Fate::Dropped, Decider::Impairment("loss"));
    // Held and never released; answered by nothing.
    let held = s.at(900).sent(Some(client()), text(12, b"four"), SendReason::Retransmission);
    s.fate(held, Fate::Held, rule(2, "hold text from client as \"four\""));
    // Rewritten.
    let zero = s.at(1000).sent(Some(server()), seg(SERVER, ACK, 1, 12), SendReason::KeepAlive);
    let content = Seg { window: 0, ..seg(SERVER, ACK, 9, 12) }.packet();
    s.fate(zero, Fate::Rewritten { content }, rule(3, "rewrite seq+8 window=0"));
    s.fate(zero, Fate::Delivered { at: millis(1010) }, Decider::Link);
    s.at(1010).arrive(zero, CLIENT, Verdict::Accepted);
    s.timer(client(), TimerKind::Persist, TimerChange::Set(millis(1210)));
    // Forged, and challenged.
    let packet = s.next_packet();
    let content = seg(CLIENT, RST, 1000, 0).packet();
    s.at(1100).record(Event::Injected { packet, by: Author::Forger, from: Some(CLIENT), content });
    s.at(1110).arrive(packet, SERVER, Verdict::RstChallenged);
    let challenge = s.sent(Some(server()), seg(SERVER, ACK, 1, 12), SendReason::ChallengeAck);
    let by = rule(4, "drop everything that comes from the server after this very long story");
    s.fate(challenge, Fate::Dropped, by);
    s.at(1200).incident(SERVER, Action::Crashed);
    s.at(1300).incident(SERVER, Action::Rebooted);
    let probe = s.at(1310).send(client(), seg(CLIENT, ACK, 11, 1), SendReason::WindowProbe);
    s.at(1320).arrive(probe, SERVER, Verdict::NoConnection);
    let reset = s.sent(None, seg(SERVER, RST, 1, 0), SendReason::Reset);
    s.fate(reset, Fate::Delivered { at: millis(1330) }, Decider::Link);
    s.at(1330).arrive(reset, CLIENT, Verdict::Accepted);
    s.state(client(), TcpState::Established, TcpState::Closed, Cause::Rst);
    s.returned(CLIENT, "write", Err(SocketError::ConnectionReset));
    let text = "an octet of an older incarnation was accepted".to_owned();
    s.record(Event::Violation { invariant: 4, socket: Some(client()), text });
    story
}

/// A transfer of `segments` full segments, acknowledged every other time.
pub fn transfer(segments: u32) -> Story {
    const FULL: &[u8] = &[b'x'; 1460];
    let mut story = Story::new("Transfer");
    let s = &mut story;
    open(s);
    s.at(30).call(CLIENT, "write(65536)");
    for index in 0..segments {
        let at = 40 + u64::from(index) * 20;
        let text = seg(CLIENT, ACK, 1 + index * 1460, 1).text(FULL);
        exchange(s, at, client(), text, SendReason::New);
        s.returned(SERVER, "read", Ok(Some(1460)));
        if index % 2 == 1 {
            let ack =
                Seg { window: 60000 + index as u16, ..seg(SERVER, ACK, 1, 1 + (index + 1) * 1460) };
            exchange(s, at + 10, server(), ack, SendReason::Ack);
        }
    }
    let last = seg(CLIENT, PSH_ACK, 1 + segments * 1460, 1).text(b"the end");
    exchange(s, 5000, client(), last, SendReason::New);
    story
}

/// Two lives of one 4-tuple; text of the first lands in the second.
pub fn two_lives() -> Story {
    use TcpState::{Closed, Established, SynSent};
    let mut story = Story::new("Old data in a new incarnation");
    let s = &mut story;
    open(s);
    let old =
        s.at(30).sent(Some(client()), seg(CLIENT, PSH_ACK, 1, 1).text(b"old"), SendReason::New);
    s.fate(old, Fate::Delayed, rule(1, "delay text from client until 2.035s, 1st"));
    s.at(40).call(CLIENT, "abort()").state(client(), Established, Closed, Cause::Abort);
    exchange(s, 40, client(), seg(CLIENT, RST, 4, 0), SendReason::Reset);
    s.state(server(), Established, Closed, Cause::Rst);
    let (second, accepted) = (socket(CLIENT, 7), socket(SERVER, 8));
    let life = |seg: Seg| Seg { isns: (5_000_000, 6_000_000), ..seg };
    s.at(2000).call(CLIENT, "connect(server:80)").state(second, Closed, SynSent, Cause::Connect);
    exchange(s, 2000, second, life(seg(CLIENT, SYN, 0, 0)), SendReason::New);
    s.state(accepted, TcpState::Listen, TcpState::SynReceived, Cause::Syn);
    exchange(s, 2010, accepted, life(seg(SERVER, SYN_ACK, 0, 1)), SendReason::New);
    s.state(second, SynSent, Established, Cause::SynAck);
    exchange(s, 2020, second, life(seg(CLIENT, ACK, 1, 1)), SendReason::Ack);
    s.state(accepted, TcpState::SynReceived, Established, Cause::AckOfSyn);
    s.at(2035).arrive(old, SERVER, Verdict::OutsideWindow);
    exchange(s, 2035, accepted, life(seg(SERVER, ACK, 1, 1)), SendReason::DuplicateAck);
    story
}

/// Three hosts in a row; the outer ones talk past the one in the middle.
pub fn three_hosts() -> Story {
    let mut story = Story::with_hosts("Three hosts", &["client", "server", "archive"]);
    let s = &mut story;
    open(s);
    let archive = HostId(2);
    s.at(50).call(archive, "listen(9000)");
    let packet: PacketId = s.next_packet();
    let mut content = seg(CLIENT, SYN, 0, 0).packet();
    content.dst = address(archive);
    let socket = Some(socket(CLIENT, 5));
    let reason = SendReason::New;
    s.record(Event::Sent { packet, host: CLIENT, socket, reason, content });
    s.at(60).arrive(packet, archive, Verdict::Accepted);
    s.call(SERVER, "write(12)").call(archive, "accept()");
    story
}

/// A moment at which both hosts have sockets of several kinds.
pub fn tables() -> Story {
    let mut story = Story::new("Tables");
    let s = &mut story;
    let retransmission = (TimerKind::Retransmission, millis(700));
    let persist = (TimerKind::Persist, millis(900));
    let waiting = Status {
        receive_queue: 0,
        send_queue: 7,
        timers: vec![retransmission, persist],
        retransmits: 2,
        holder: Holder::Orphan,
        ..status(SERVER, 3, TcpState::LastAck)
    };
    let listener = Status {
        receive_queue: 1,
        send_queue: 128,
        remote: None,
        ..status(SERVER, 1, TcpState::Listen)
    };
    let unaccepted =
        Status { holder: Holder::Listener, ..status(SERVER, 2, TcpState::Established) };
    let six = Status {
        local: "[::]:443".parse().unwrap(),
        remote: None,
        ..status(SERVER, 4, TcpState::Listen)
    };
    let sockets =
        vec![listener, unaccepted, waiting, status(SERVER, 5, TcpState::SynReceived), six];
    s.at(500).record(Event::Table { host: SERVER, sockets });
    let quiet = Status {
        timers: vec![(TimerKind::TimeWait, millis(60_070))],
        holder: Holder::Orphan,
        ..status(CLIENT, 1, TcpState::TimeWait)
    };
    s.record(Event::Table { host: CLIENT, sockets: vec![quiet] });
    story
}

fn status(host: HostId, number: u64, state: TcpState) -> Status {
    let (client, server) = (address(CLIENT), address(SERVER));
    let client = SocketAddr::new(client, 49151 + number as u16);
    let server = SocketAddr::new(server, 80);
    let (local, remote) = if host == CLIENT { (client, server) } else { (server, client) };
    let detail = Detail {
        iss: 1000,
        snd_una: 1001,
        snd_nxt: 1008,
        snd_wnd: 64240,
        irs: 2000,
        rcv_nxt: 2001,
        rcv_wnd: 65160,
        congestion_window: 14600,
        slow_start_threshold: u32::MAX,
        mss: 1460,
        srtt: 20_000_000,
        rto: 220_000_000,
    };
    Status {
        socket: socket_of(host, number).id,
        state,
        since: millis(70),
        local,
        remote: Some(remote),
        receive_queue: 5,
        send_queue: 0,
        timers: Vec::new(),
        retransmits: 0,
        holder: Holder::Application,
        detail: (state == TcpState::Established).then_some(detail),
    }
}

/// Two copies of a SYN whose connection is long over reach the listener.
pub fn ghost_of_an_old_syn() -> Story {
    use TcpState::{Closed, Listen, SynReceived, SynSent};
    let mut story = Story::new("Ghost of an old SYN");
    let s = &mut story;
    s.at(0).call(SERVER, "listen(80)").state(listener(), Closed, Listen, Cause::Listen);
    s.call(CLIENT, "connect(server:80)").state(client(), Closed, SynSent, Cause::Connect);
    let syn = s.sent(Some(client()), seg(CLIENT, SYN, 0, 0), SendReason::New);
    let copies = [s.next_packet(), s.next_packet()];
    for copy in copies {
        s.fate(syn, Fate::Duplicated { copy }, rule(1, "duplicate SYN twice"));
    }
    s.fate(syn, Fate::Dropped, Decider::Impairment("loss"));
    s.at(20).call(CLIENT, "abort()").state(client(), SynSent, Closed, Cause::Abort);
    for (index, copy) in (0..).zip(copies) {
        let at = 5000 + 1000 * index;
        let ghost = socket(SERVER, 2 + index);
        s.at(at).arrive(copy, SERVER, Verdict::Accepted);
        s.state(ghost, Listen, SynReceived, Cause::Syn);
        let isns = (CLIENT_ISN, 1_000_000 + index as u32);
        let answer = Seg { isns, ..seg(SERVER, SYN_ACK, 0, 1) };
        let answer = s.send(ghost, answer, SendReason::New);
        s.at(at + 10).arrive(answer, CLIENT, Verdict::NoConnection);
        let reset = Seg { isns, ..seg(CLIENT, RST, 1, 0) };
        let reset = s.sent(None, reset, SendReason::Reset);
        s.fate(reset, Fate::Delivered { at: millis(at + 20) }, Decider::Link);
        s.at(at + 20).arrive(reset, SERVER, Verdict::Accepted);
        s.state(ghost, SynReceived, Listen, Cause::Rst);
    }
    story
}

/// Nine segments at once, of which jitter turns the order; the ninth is lost.
pub fn jitter() -> Story {
    const TEXT: &[u8] = &[0; 100];
    let mut story = Story::new("Jitter");
    let s = &mut story;
    open(s);
    s.at(100);
    let text = |index: u32| seg(CLIENT, ACK, 1 + index * 100, 1).text(TEXT);
    let packets: Vec<_> = (0..8).map(|i| s.send(client(), text(i), SendReason::New)).collect();
    let lost = s.sent(Some(client()), text(8), SendReason::New);
    s.fate(lost, Fate::Dropped, Decider::Impairment("loss"));
    let late = s.send(client(), text(9), SendReason::New);
    let last = s.send(client(), text(10), SendReason::New);
    // 1 overtakes 0; the last overtakes the one before it.
    for (at, index) in [(109, 1), (110, 0), (110, 2), (110, 3), (111, 4), (111, 5), (111, 6)] {
        let verdict = if index == 1 { Verdict::OutOfOrder } else { Verdict::Accepted };
        s.at(at).arrive(packets[index], SERVER, verdict);
    }
    s.at(112).arrive(packets[7], SERVER, Verdict::Accepted);
    s.at(113).arrive(last, SERVER, Verdict::OutOfOrder);
    s.at(114).arrive(late, SERVER, Verdict::OutOfOrder);
    story
}

/// Every option that Linux sends, a scaled window, and a gap that SACK reports.
pub fn options() -> Story {
    let mut story = Story::new("Options");
    let s = &mut story;
    let stamps = TcpOption::Timestamps { value: 1000, echo: 0 };
    let scale = TcpOption::WindowScale(7);
    let syn = [TcpOption::SackPermitted, stamps, TcpOption::NoOperation, scale];
    let edge = |offset| SeqNum::new(CLIENT_ISN) + offset;
    let blocks = SackBlocks::new(&[(edge(101), edge(201)), (edge(301), edge(401))]).unwrap();
    let gap = [TcpOption::NoOperation, TcpOption::NoOperation, TcpOption::Sack(blocks)];
    for (host, content) in [
        (CLIENT, with(seg(CLIENT, SYN, 0, 0), &syn)),
        (SERVER, with(seg(SERVER, SYN_ACK, 0, 1), &syn)),
        (CLIENT, with(Seg { window: 502, ..seg(CLIENT, ACK, 1, 1) }, &[stamps])),
        (SERVER, with(Seg { window: 510, ..seg(SERVER, ACK, 1, 1) }, &gap)),
    ] {
        arrives(s, host, content, Verdict::Accepted);
    }
    story
}

/// What else options and IP headers tell: a cookie, congestion, text that came twice, and a
/// segment from long ago.
pub fn marks() -> Story {
    let mut story = Story::new("Marks");
    let s = &mut story;
    let stamp = |value| TcpOption::Timestamps { value, echo: 7 };
    let asks = SYN.union(Flags::ECE).union(Flags::CWR);
    let syn = [TcpOption::FastOpen(b"12345678"), TcpOption::Unknown { kind: 30, data: b"x" }];
    arrives(s, CLIENT, with(seg(CLIENT, asks, 0, 0), &syn), Verdict::Accepted);
    let agrees = SYN_ACK.union(Flags::ECE);
    let asked = [TcpOption::FastOpen(b"")];
    arrives(s, SERVER, with(seg(SERVER, agrees, 0, 1), &asked), Verdict::Accepted);
    // A queue marks the text, and the receiver echoes the mark.
    let mut text = with(seg(CLIENT, PSH_ACK, 1, 1).text(b"hello"), &[stamp(1000)]);
    text.ecn = Ecn::Ect0;
    let marked = s.next_packet();
    sets_out(s, marked, CLIENT, text.clone());
    let content = Packet { ecn: Ecn::Ce, ..text };
    s.fate(marked, Fate::Rewritten { content }, Decider::Impairment("limit"));
    s.at(10).arrive(marked, SERVER, Verdict::Accepted);
    arrives(s, SERVER, seg(SERVER, ACK.union(Flags::ECE), 1, 6).packet(), Verdict::Accepted);
    let mut reduced = seg(CLIENT, PSH_ACK.union(Flags::CWR), 6, 1).text(b"more").packet();
    reduced.ecn = Ecn::Ect1;
    arrives(s, CLIENT, reduced, Verdict::Accepted);
    // The same octets came twice, below the acknowledgment and beyond a hole.
    let edge = |offset| SeqNum::new(CLIENT_ISN) + offset;
    for blocks in [
        vec![(edge(6), edge(10))],
        vec![(edge(20), edge(25)), (edge(15), edge(30)), (edge(40), edge(50))],
    ] {
        let blocks = TcpOption::Sack(SackBlocks::new(&blocks).unwrap());
        let ack = with(seg(SERVER, ACK, 1, 10), &[stamp(9), blocks]);
        arrives(s, SERVER, ack, Verdict::Accepted);
    }
    let old = with(seg(CLIENT, PSH_ACK, 10, 1).text(b"old"), &[stamp(900)]);
    arrives(s, CLIENT, old, Verdict::OldTimestamp);
    story
}

/// A segment with more options.
fn with(seg: Seg, options: &[TcpOption<'_>]) -> Packet {
    let mut packet = seg.packet();
    let Body::Tcp(segment) = &mut packet.body else { unreachable!("a segment") };
    for option in options {
        segment.options.push(*option).unwrap();
    }
    packet
}

/// A packet of the one connection sets out.
fn sets_out(story: &mut Story, packet: PacketId, host: HostId, content: Packet) {
    let socket = Some(if host == CLIENT { client() } else { server() });
    let reason = SendReason::New;
    story.record(Event::Sent { packet, host, socket, reason, content });
}

/// A packet of the one connection is sent, and arrives at the same moment.
fn arrives(story: &mut Story, host: HostId, content: Packet, verdict: Verdict) {
    let packet = story.next_packet();
    sets_out(story, packet, host, content);
    let to = if host == CLIENT { SERVER } else { CLIENT };
    story.arrive(packet, to, verdict);
}

/// Both hosts send to themselves; then a SYN that nobody sent makes a connection.
pub fn odd_ends() -> Story {
    let mut story = Story::new("Odd ends");
    let s = &mut story;
    for host in [CLIENT, SERVER] {
        let mut content = seg(host, SYN, 0, 0).packet();
        content.dst = content.src;
        let packet = s.next_packet();
        let socket = Some(socket(host, 9));
        s.record(Event::Sent { packet, host, socket, reason: SendReason::New, content });
        s.arrive(packet, host, Verdict::Accepted);
    }
    let far = |seg: Seg| Seg { isns: (CLIENT_ISN / 2, 77), port: 50000, ..seg };
    for (packet, content) in [
        (s.next_packet(), far(seg(CLIENT, SYN, 0, 0)).packet()),
        (s.next_packet(), far(seg(CLIENT, SYN, 1 << 30, 0)).packet()),
    ] {
        s.at(20).record(Event::Injected { packet, by: Author::Forger, from: None, content });
    }
    s.at(30).arrive(PacketId(3), SERVER, Verdict::Accepted);
    s.state(server(), TcpState::Listen, TcpState::SynReceived, Cause::Syn);
    let answer = s.send(server(), far(seg(SERVER, SYN_ACK, 0, 1)), SendReason::New);
    s.at(300).arrive(answer, CLIENT, Verdict::NoConnection);
    s.arrive(PacketId(4), SERVER, Verdict::SynQueueFull);
    story
}

/// Two packets that no host sent and nobody forged: a reset of a box between the two, and an
/// ICMP error of the host's own network.
pub fn nobodys() -> Story {
    let mut story = Story::new("No host sent it");
    let s = &mut story;
    let syn = seg(CLIENT, SYN, 0, 0);
    let sent = s.sent(Some(client()), syn, SendReason::New);
    s.fate(sent, Fate::Dropped, Decider::Middlebox("balancer: idle flow forgotten".to_owned()));
    let reset = (Author::Middlebox("balancer".to_owned()), Some(SERVER));
    let quote = syn.packet();
    let icmp = Icmp { kind: IcmpKind::HostUnreachable, quote: quote_of(&quote) };
    let message = Packet { body: Body::Icmp(icmp), dst: quote.src, ..quote };
    let packets = [(reset, seg(SERVER, RST, 1, 0).packet()), ((Author::Network, None), message)];
    for ((by, from), content) in packets {
        let packet = s.next_packet();
        s.record(Event::Injected { packet, by, from, content });
        s.at(20).arrive(packet, CLIENT, Verdict::Accepted);
    }
    story
}

/// What an ICMP error quotes of a segment.
fn quote_of(packet: &Packet) -> Quote {
    let segment = packet.segment().expect("a segment");
    Quote {
        src: packet.src,
        dst: packet.dst,
        src_port: segment.src_port,
        dst_port: segment.dst_port,
        seq: segment.seq,
    }
}

/// A translated connection: the server never sees the client's own address.
pub fn translated() -> Story {
    let mut story = Story::new("Translated");
    let s = &mut story;
    let outside: IpAddr = [192, 0, 2, 1].into();
    let nat = || Decider::Middlebox("nat: translated".to_owned());
    let inside = |seg: Seg| (seg.packet(), CLIENT, SERVER, client());
    let returning = |seg: Seg| {
        let mut packet = seg.packet();
        packet.dst = outside;
        (packet, SERVER, CLIENT, server())
    };
    let steps = [
        inside(seg(CLIENT, SYN, 0, 0)),
        returning(seg(SERVER, SYN_ACK, 0, 1)),
        inside(seg(CLIENT, ACK, 1, 1)),
        inside(seg(CLIENT, PSH_ACK, 1, 1).text(b"hello")),
    ];
    for (time, (content, host, to, socket)) in (0..).zip(steps) {
        let packet = s.next_packet();
        let mut rewritten = content.clone();
        if host == CLIENT {
            rewritten.src = outside;
        } else {
            rewritten.dst = address(CLIENT);
        }
        let (socket, reason) = (Some(socket), SendReason::New);
        s.at(10 * time).record(Event::Sent { packet, host, socket, reason, content });
        s.fate(packet, Fate::Rewritten { content: rewritten }, nat());
        s.at(10 * time + 10).arrive(packet, to, Verdict::Accepted);
    }
    story
}
