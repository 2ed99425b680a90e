//! Drives the shared object as a program in C would: a handshake, data, timers, errors, a close,
//! and calls that wait on a thread of their own.
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::library::{Machine, SharedObject, errno};
use twomsl_scenario::packetdrill::system::{
    Errno, Order, PollEntry, Progress, ReplyOutput, Request, System,
};
use twomsl_tcp::wire::{Flags, Options, Packet, Segment, SeqNum, TcpOption};
use twomsl_tcp::{Instant, TcpState};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 1));
const REMOTE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const PORT: u16 = 8080;
const PEER_PORT: u16 = 40_000;
/// The peer's initial sequence number.
const PEER_ISN: u32 = 1_000;

// ---- A connection, from the handshake to the close ----

#[test]
fn a_server_takes_a_connection_and_closes_it() {
    let machine = Machine::new("").unwrap();
    let mut peer = Peer::to(&machine, PORT);
    let connection = peer.connects_to_a_listener();

    peer.sends(b"\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(ok(&machine, &Request::Read { fd: connection, length: 100 }), 10);
    assert_eq!(ok(&machine, &Request::Write { fd: connection, length: 500 }), 500);
    let data = peer.receives_with(Flags::PSH);
    assert_eq!((machine.now(), data.payload.len()), (Instant::ZERO, 500));
    assert_eq!(data.ack, SeqNum::new(PEER_ISN + 11), "it acknowledges what was read");
    assert!(data.payload.iter().all(|octet| *octet == 0));
    peer.acknowledges();

    peer.closes();
    assert_eq!(ok(&machine, &Request::Read { fd: connection, length: 100 }), 0, "end of file");
    assert_eq!(ok(&machine, &Request::Close { fd: connection }), 0);
    let fin = peer.receives_with(Flags::FIN);
    assert_eq!(fin.payload.len(), 0);
    assert_eq!(machine.administer(&Order::CountInState(TcpState::LastAck)), Ok(1));
    peer.acknowledges();
    assert_eq!(machine.administer(&Order::CountInState(TcpState::LastAck)), Ok(0));
    assert_eq!(failed(&machine, &Request::Read { fd: connection, length: 1 }), libc::EBADF);
}

#[test]
fn a_client_connects_without_waiting() {
    let machine = Machine::new("").unwrap();
    let fd = socket(&machine);
    let flags = i64::from(libc::O_RDWR | libc::O_NONBLOCK);
    let set = Request::Fcntl { fd, command: libc::F_SETFL, argument: Some(flags) };
    assert_eq!(ok(&machine, &set), 0);
    assert_eq!(ok(&machine, &Request::Fcntl { fd, command: libc::F_GETFL, argument: None }), flags);

    let connect = Request::Connect { fd, address: SocketAddr::new(REMOTE, PEER_PORT) };
    assert_eq!(failed(&machine, &connect), libc::EINPROGRESS);
    let (_, syn) = machine.receive().unwrap();
    let syn = syn.segment().unwrap();
    assert_eq!((syn.flags, syn.dst_port), (Flags::SYN, PEER_PORT));
    let entries = vec![PollEntry { fd, events: libc::POLLOUT }];
    let poll = Request::Poll { entries, timeout: 0 };
    assert_eq!(machine.call(&poll).unwrap().output, ReplyOutput::Polled(vec![0]));

    let mut peer = Peer::to(&machine, syn.src_port);
    peer.expected = syn.seq_end();
    peer.send(Flags::SYN | Flags::ACK, &[]);
    let (_, ack) = peer.receives();
    assert_eq!(ack.segment().unwrap().flags, Flags::ACK);
    assert_eq!(machine.call(&poll).unwrap().output, ReplyOutput::Polled(vec![libc::POLLOUT]));
}

// ---- Time ----

#[test]
fn what_is_not_acknowledged_is_sent_again_when_its_timer_is_due() {
    let machine = Machine::new("net.ipv4.tcp_early_retrans=0,profile=linux").unwrap();
    let mut peer = Peer::to(&machine, PORT);
    let fd = peer.connects_to_a_listener();
    machine.sleep(Duration::from_secs(1));
    assert_eq!(machine.now(), Instant::from_millis(1_000));
    assert_eq!(ok(&machine, &Request::Write { fd, length: 100 }), 100);
    // A round trip that took no time makes the least timeout there is, and then twice as much.
    let times: Vec<_> =
        std::iter::from_fn(|| machine.receive()).take(4).map(|(at, _)| at).collect();
    assert_eq!(times, [1_000, 1_200, 1_600, 2_400].map(Instant::from_millis));
    assert_eq!(machine.now(), Instant::from_millis(2_400), "the clock went with the packets");
}

#[test]
fn the_clock_waits_for_a_packet_no_longer_than_the_flag_says() {
    let machine = Machine::new("receive_limit=30").unwrap();
    assert_eq!(machine.receive(), None);
    assert_eq!(machine.now(), Instant::from_millis(30_000));
}

#[test]
fn who_asks_for_the_time_again_and_again_sees_it_pass() {
    let machine = Machine::new("").unwrap();
    let until = Instant::from_millis(1);
    let questions = (0..10_000).find(|_| machine.now() >= until);
    assert!(questions.is_some(), "a program that spins until an event would never come to it");
    assert_eq!(machine.now() - until, Duration::from_micros(1));
}

// ---- Calls that wait ----

#[test]
fn an_accept_waits_on_its_thread_until_a_connection_is_there() {
    let machine = Arc::new(Machine::new("idle=0").unwrap());
    let listener = listener(&machine);
    let (of_thread, accept) = (Arc::clone(&machine), Request::Accept { fd: listener, flags: 0 });
    let thread = thread::spawn(move || {
        let reply = of_thread.call(&accept).unwrap();
        (reply, of_thread.now())
    });
    wait_until(|| machine.waiting_calls() == 1);

    machine.sleep(Duration::from_millis(100));
    let mut peer = Peer::to(&machine, PORT);
    peer.shakes_hands();
    // The thread asks for the time at some moment of this second; it is told when its call returned.
    machine.sleep(Duration::from_secs(1));
    let (reply, at) = thread.join().unwrap();
    assert_eq!(at, Instant::from_millis(100));
    assert!(reply.result.is_ok());
    let address = SocketAddr::new(REMOTE, PEER_PORT);
    assert_eq!(reply.output, ReplyOutput::Address(Some(address)));
}

#[test]
fn the_clock_goes_by_itself_when_everybody_waits() {
    let machine = Machine::new("idle=1000").unwrap();
    let mut peer = Peer::to(&machine, PORT);
    let fd = peer.connects_to_a_listener();
    let time = libc::timeval { tv_sec: 0, tv_usec: 250_000 };
    let value = [time.tv_sec.to_ne_bytes(), time.tv_usec.to_ne_bytes()].concat();
    let (level, name) = (libc::SOL_SOCKET, libc::SO_RCVTIMEO);
    assert_eq!(ok(&machine, &Request::SetSocketOption { fd, level, name, value }), 0);
    assert_eq!(failed(&machine, &Request::Read { fd, length: 1 }), libc::EAGAIN);
    assert_eq!(machine.now(), Instant::from_millis(250));
    // What waits for nothing that could come still waits; what is sent meanwhile is not lost.
    assert_eq!(ok(&machine, &Request::Write { fd, length: 10 }), 10);
    assert_eq!(failed(&machine, &Request::Read { fd, length: 1 }), libc::EAGAIN);
    let times: Vec<_> = (0..2).map(|_| machine.receive().unwrap().0).collect();
    assert_eq!(times, [250, 450].map(Instant::from_millis));
}

#[test]
fn the_clock_stands_still_while_a_thread_is_on_its_way_into_a_call() {
    let machine = Arc::new(Machine::new("grace=0").unwrap());
    let fd = socket(&machine);
    let (asked, has_asked) = std::sync::mpsc::channel();
    let of_thread = Arc::clone(&machine);
    let thread = thread::spawn(move || {
        // As packetdrill: it asks for the time, tells the main thread to go on, and calls.
        asked.send(of_thread.now()).unwrap();
        thread::sleep(Duration::from_millis(50));
        of_thread.call(&Request::Connect { fd, address: SocketAddr::new(REMOTE, PEER_PORT) })
    });
    has_asked.recv().unwrap();
    let (at, syn) = machine.receive().unwrap();
    assert_eq!((at, syn.segment().unwrap().flags), (Instant::ZERO, Flags::SYN));
    let reset = syn.segment().unwrap().answering_reset();
    machine.inject(&Packet::tcp(REMOTE, LOCAL, reset));
    assert_eq!(thread.join().unwrap().unwrap().result, Err(Errno(libc::ECONNREFUSED)));
}

#[test]
fn a_machine_that_is_freed_sends_waiting_threads_away() {
    struct Userdata(*mut std::ffi::c_void);
    // SAFETY: the machine is freed only when the call has its share of it.
    unsafe impl Send for Userdata {}
    let machine = Machine::new("").unwrap();
    let listener = listener(&machine);
    let (accept, userdata) = (machine.interface.accept, Userdata(machine.interface.userdata));
    let thread = thread::spawn(move || {
        let userdata = userdata;
        // SAFETY: as above.
        let result =
            unsafe { accept(userdata.0, listener, std::ptr::null_mut(), std::ptr::null_mut()) };
        (result, errno())
    });
    wait_until(|| machine.waiting_calls() == 1);
    drop(machine);
    assert_eq!(thread.join().unwrap(), (-1, Errno(libc::EINTR)));
}

#[test]
fn a_call_that_waits_is_seen_through_the_trait_as_well() {
    let mut system = SharedObject::new(Machine::new("").unwrap());
    let Progress::Done(reply) = system.call(Request::Socket {
        domain: libc::AF_INET,
        kind: libc::SOCK_STREAM,
        protocol: 0,
    }) else {
        panic!("a socket is made at once");
    };
    let fd = reply.result.unwrap() as i32;
    let connect = Request::Connect { fd, address: SocketAddr::new(REMOTE, PEER_PORT) };
    let Progress::Waits(call) = system.call(connect) else { panic!("nobody has answered") };
    let (at, syn) = system.sent().unwrap();
    assert_eq!((at, system.sent()), (Instant::ZERO, None));
    assert_eq!(system.advance(Instant::from_millis(500)), Instant::from_millis(500));
    // The SYN goes again after a second, and no packet is passed over.
    assert_eq!(system.advance(Instant::from_millis(9_000)), Instant::from_millis(1_000));
    assert_eq!(system.sent().unwrap().0, Instant::from_millis(1_000));
    system.inject(Packet::tcp(REMOTE, LOCAL, syn.segment().unwrap().answering_reset()));
    let finished = system.finished().unwrap();
    assert_eq!((finished.call, finished.at), (call, Instant::from_millis(1_000)));
    assert_eq!(finished.reply.result, Err(Errno(libc::ECONNREFUSED)));
    assert_eq!(system.unmapped(), [""; 0]);
}

// ---- Errors ----

#[test]
fn errors_are_minus_one_and_the_number_in_errno() {
    let machine = Machine::new("").unwrap();
    let fd = socket(&machine);
    let address = SocketAddr::new(LOCAL, PORT);
    for (request, error) in [
        (Request::Close { fd: 99 }, libc::EBADF),
        (Request::Write { fd, length: 1 }, libc::EPIPE),
        (Request::Read { fd, length: 1 }, libc::ENOTCONN),
        (Request::Shutdown { fd, how: libc::SHUT_WR }, libc::ENOTCONN),
        (Request::Accept { fd, flags: 0 }, libc::EINVAL),
        (Request::Socket { domain: 99, kind: 1, protocol: 0 }, libc::EAFNOSUPPORT),
        (Request::Fcntl { fd: 99, command: libc::F_GETFL, argument: None }, libc::EBADF),
        (
            Request::Bind { fd, address: SocketAddr::new([224, 0, 0, 1].into(), 1) },
            libc::EADDRNOTAVAIL,
        ),
    ] {
        assert_eq!(failed(&machine, &request), error, "{request:?}");
    }
    assert_eq!(ok(&machine, &Request::Bind { fd, address }), 0);
    assert_eq!(
        failed(&machine, &Request::Bind { fd: socket(&machine), address }),
        libc::EADDRINUSE
    );
}

#[test]
fn pointers_that_point_nowhere_are_refused() {
    use std::ptr::{null, null_mut};
    let machine = Machine::new("").unwrap();
    let fd = socket(&machine);
    let (of, this) = (&machine.interface, machine.interface.userdata);
    let (mut storage, mut length) = ([0_u8; 2], 0);
    storage.copy_from_slice(&99_u16.to_ne_bytes());
    // SAFETY: null pointers are what this is about; the others are good.
    let results = unsafe {
        let family = storage.as_ptr().cast();
        [
            ((of.bind)(this, fd, null(), 16), errno(), libc::EFAULT),
            ((of.bind)(this, fd, null(), 1), errno(), libc::EINVAL),
            ((of.bind)(this, fd, family, 2), errno(), libc::EAFNOSUPPORT),
            ((of.getsockopt)(this, fd, 1, 4, null_mut(), null_mut()), errno(), libc::EFAULT),
            ((of.setsockopt)(this, fd, 1, 2, null(), 4), errno(), libc::EFAULT),
            ((of.poll)(this, null_mut(), 1, 0), errno(), libc::EFAULT),
            ((of.pipe)(this, null_mut()), errno(), libc::EFAULT),
            ((of.epoll_create)(this, 0), errno(), libc::EINVAL),
            (
                (of.netdev_receive)(this, null_mut(), &raw mut length, null_mut()),
                errno(),
                libc::EFAULT,
            ),
            ((of.gettimeofday)(this, null_mut(), null_mut()), errno(), libc::EFAULT),
            ((of.socket)(null_mut(), 2, 1, 0), errno(), libc::EFAULT),
        ]
    };
    for (index, (result, error, expected)) in results.into_iter().enumerate() {
        assert_eq!((result, error), (-1, Errno(expected)), "the call at {index}");
    }
}

#[test]
fn what_is_no_packet_is_lost_without_a_word() {
    let machine = Machine::new("receive_limit=1").unwrap();
    listener(&machine);
    let peer = Peer::to(&machine, PORT);
    let mut octets = peer.packet(Flags::SYN, &[]).emit().unwrap();
    octets[30] ^= 1;
    for damaged in [&octets[..], &octets[..10], &[], &[0x55; 40]] {
        machine.inject_octets(damaged);
        assert_eq!(machine.receive(), None);
    }
}

#[test]
fn flags_that_make_no_sense_make_a_machine_that_refuses_everything() {
    for flags in ["profile=solaris", "colour=red", "net.ipv4.tcp_colour=1"] {
        assert!(Machine::new(flags).is_none(), "{flags}");
    }
}

#[test]
fn flags_choose_profile_addresses_and_sysctls() {
    let flags = "profile=linux,ip=10.0.0.1,net.ipv4.tcp_timestamps=0,net.ipv4.tcp_sack=0";
    let machine = Machine::new(flags).unwrap();
    let fd = socket(&machine);
    let address = SocketAddr::new(LOCAL, PORT);
    assert_eq!(failed(&machine, &Request::Bind { fd, address }), libc::EADDRNOTAVAIL);
    let address = SocketAddr::new([10, 0, 0, 1].into(), PORT);
    assert_eq!(ok(&machine, &Request::Bind { fd, address }), 0);
    assert_eq!(ok(&machine, &Request::Listen { fd, backlog: 1 }), 0);
    let mut syn = Peer::to(&machine, PORT).packet(Flags::SYN, &[]).segment().unwrap().clone();
    syn.options.push(TcpOption::SackPermitted).unwrap();
    syn.options.push(TcpOption::Timestamps { value: 100, echo: 0 }).unwrap();
    machine.inject(&Packet::tcp(REMOTE, address.ip(), syn));
    let (_, answer) = machine.receive().unwrap();
    let options = answer.segment().unwrap().options;
    assert!(options.mss().is_some());
    assert_eq!((options.timestamps(), options.sack_permitted()), (None, false));
}

#[test]
fn a_machine_without_addresses_takes_those_that_are_used() {
    for (ip, peer, domain) in [
        ("192.168.77.8", "192.0.2.1", libc::AF_INET),
        ("fd3d:a0b:17d6::77", "2001:db8::1", libc::AF_INET6),
        ("::ffff:192.168.77.8", "::ffff:192.0.2.1", libc::AF_INET6),
    ] {
        let (ip, peer): (IpAddr, IpAddr) = (ip.parse().unwrap(), peer.parse().unwrap());
        let machine = Machine::new("").unwrap();
        let open = Request::Socket { domain, kind: libc::SOCK_STREAM, protocol: 0 };
        let listener = ok(&machine, &open) as i32;
        let address = SocketAddr::new(ip, PORT);
        assert_eq!(ok(&machine, &Request::Bind { fd: listener, address }), 0, "{ip}");
        assert_eq!(ok(&machine, &Request::Listen { fd: listener, backlog: 1 }), 0);

        let (on_the_wire, from) = (ip.to_canonical(), peer.to_canonical());
        let mut script = Peer::to(&machine, PORT);
        let syn = script.packet(Flags::SYN, &[]).segment().unwrap().clone();
        script.next = syn.seq_end();
        machine.inject(&Packet::tcp(from, on_the_wire, syn));
        let (_, answer) = script.receives();
        assert_eq!((answer.src, answer.dst), (on_the_wire, from));
        let ack = script.packet(Flags::ACK, &[]).segment().unwrap().clone();
        machine.inject(&Packet::tcp(from, on_the_wire, ack));
        let accepted = machine.call(&Request::Accept { fd: listener, flags: 0 }).unwrap();
        let address = SocketAddr::new(peer, PEER_PORT);
        assert_eq!(accepted.output, ReplyOutput::Address(Some(address)), "in the socket's family");
    }
}

// ---- The other end ----

/// What answers the machine. It counts for itself what it has sent and seen.
struct Peer<'a> {
    machine: &'a Machine,
    /// The machine's port.
    port: u16,
    next: SeqNum,
    /// The machine's next sequence number.
    expected: SeqNum,
}

impl<'a> Peer<'a> {
    fn to(machine: &'a Machine, port: u16) -> Self {
        Self { machine, port, next: SeqNum::new(PEER_ISN), expected: SeqNum::new(0) }
    }

    /// Has the machine listen and accept; the new descriptor.
    fn connects_to_a_listener(&mut self) -> i32 {
        let listener = listener(self.machine);
        self.shakes_hands();
        let fd = ok(self.machine, &Request::Accept { fd: listener, flags: 0 });
        assert_ne!(fd, i64::from(listener));
        fd as i32
    }

    fn shakes_hands(&mut self) {
        self.send(Flags::SYN, &[]);
        let answer = self.receives_with(Flags::SYN | Flags::ACK);
        assert_eq!(answer.ack, SeqNum::new(PEER_ISN + 1));
        self.acknowledges();
    }

    fn sends(&mut self, text: &'static [u8]) {
        self.send(Flags::ACK | Flags::PSH, text);
    }

    fn closes(&mut self) {
        self.send(Flags::ACK | Flags::FIN, &[]);
    }

    fn acknowledges(&mut self) {
        self.send(Flags::ACK, &[]);
    }

    fn send(&mut self, flags: Flags, text: &'static [u8]) {
        let packet = self.packet(flags, text);
        self.next = packet.segment().unwrap().seq_end();
        self.machine.inject(&packet);
    }

    fn packet(&self, flags: Flags, text: &'static [u8]) -> Packet {
        let mut options = Options::NONE;
        if flags.contains(Flags::SYN) {
            options.push(TcpOption::MaximumSegmentSize(1_460)).unwrap();
        }
        let has_ack = flags.contains(Flags::ACK);
        Packet::tcp(
            REMOTE,
            LOCAL,
            Segment {
                src_port: PEER_PORT,
                dst_port: self.port,
                seq: self.next,
                ack: if has_ack { self.expected } else { SeqNum::new(0) },
                flags,
                window: 65_535,
                urgent: 0,
                options,
                payload: text.into(),
            },
        )
    }

    /// The next packet.
    fn receives(&mut self) -> (Instant, Packet) {
        let (at, packet) = self.machine.receive().expect("a packet");
        self.expected = packet.segment().unwrap().seq_end();
        (at, packet)
    }

    /// The next segment with these flags.
    fn receives_with(&mut self, flags: Flags) -> Segment {
        loop {
            let (_, packet) = self.receives();
            let segment = packet.segment().unwrap();
            if segment.has(flags) {
                return segment.clone();
            }
        }
    }
}

// ---- Calls ----

fn socket(machine: &Machine) -> i32 {
    let (domain, kind) = (libc::AF_INET, libc::SOCK_STREAM);
    ok(machine, &Request::Socket { domain, kind, protocol: libc::IPPROTO_TCP }) as i32
}

fn listener(machine: &Machine) -> i32 {
    let fd = socket(machine);
    let address = SocketAddr::new(LOCAL, PORT);
    assert_eq!(ok(machine, &Request::Bind { fd, address }), 0);
    assert_eq!(ok(machine, &Request::Listen { fd, backlog: 5 }), 0);
    fd
}

/// The value of a call that works.
fn ok(machine: &Machine, request: &Request) -> i64 {
    let reply = machine.call(request).expect("the interface has this call");
    reply.result.unwrap_or_else(|error| panic!("{request:?}: {error:?}"))
}

/// The error of a call that does not.
fn failed(machine: &Machine, request: &Request) -> i32 {
    let reply = machine.call(request).expect("the interface has this call");
    reply.result.expect_err("it works").0
}

/// Waits for another thread, which is about to do it.
fn wait_until(condition: impl Fn() -> bool) {
    let tries = 10_000;
    let happened = (0..tries).any(|_| {
        thread::sleep(Duration::from_millis(1));
        condition()
    });
    assert!(happened, "it does not happen");
}
