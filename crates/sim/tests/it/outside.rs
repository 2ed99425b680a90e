//! Networks whose hosts are driven from outside: the same TCP, rules and invariants as in a world.

use std::time::Duration;

use bytes::Bytes;
use twomsl_sim::spec::{
    FaultRule, FaultVerdict, Flows, HostIndex, Impairments, Loss, Matcher, MiddleboxKind,
    MiddleboxSpec, Nth, Probability, UnknownFlow, Urgent,
};
use twomsl_sim::{Carrier, Network, Plug, Recording};
use twomsl_tcp::wire::Flags;
use twomsl_tcp::{Instant, Profile, Readiness, Shutdown, SocketError, SocketId, TcpState, Verdict};
use twomsl_trace::{Decider, Event, Fate};

use TcpState as S;

const CLIENT: HostIndex = 0;
const SERVER: HostIndex = 1;

/// A carrier that takes ten milliseconds, and runs both hosts.
struct Driver {
    network: Network,
    now: Instant,
    /// When each parcel is there, in the order of handing over.
    carried: Vec<(Instant, u64)>,
    /// Parcels that the carrier loses, by their place among all.
    loses: Vec<usize>,
    handed: usize,
    listener: Option<SocketId>,
}

impl Driver {
    fn new() -> Self {
        let mut network = Network::new(7, Recording::Trace);
        for (name, address) in [("client", [10, 0, 0, 1]), ("server", [10, 0, 0, 2])] {
            let host = network.add_host(name, Profile::linux());
            network.add_address(host, address.into());
        }
        Self {
            network,
            now: Instant::ZERO,
            carried: Vec::new(),
            loses: Vec::new(),
            handed: 0,
            listener: None,
        }
    }

    /// Gives every host its turn, and lets time jump, until `done` or nothing is left to happen.
    fn run(&mut self, mut done: impl FnMut(&mut Network, Instant) -> bool) {
        for _ in 0..10_000 {
            for host in [CLIENT, SERVER] {
                let (now, handed) = (self.now, &mut self.handed);
                let (carried, loses) = (&mut self.carried, &self.loses);
                self.network.turn(now, host, |parcel| {
                    *handed += 1;
                    if !loses.contains(handed) {
                        carried.push((now + Duration::from_millis(10), parcel.number));
                    }
                });
            }
            if done(&mut self.network, self.now) {
                return;
            }
            let Some(next) = self.next() else { return };
            self.now = next.max(self.now);
            let due = |(at, _): &(Instant, u64)| *at <= self.now;
            for (_, number) in self.carried.extract_if(.., |parcel| due(parcel)).collect::<Vec<_>>()
            {
                self.network.arrive(self.now, number);
            }
        }
        panic!("it never ends");
    }

    fn next(&mut self) -> Option<Instant> {
        let hosts = [CLIENT, SERVER].into_iter().filter_map(|host| self.network.next_due(host));
        let hosts: Vec<_> = hosts.collect();
        self.carried.iter().map(|(at, _)| *at).chain(hosts).min()
    }

    /// Listens, connects, and accepts.
    fn connect(&mut self) -> (SocketId, SocketId) {
        let to = "10.0.0.2:80".parse().unwrap();
        let listener =
            self.network.call(self.now, SERVER, |stack, now| stack.listen(now, to, 5, None));
        self.listener = Some(listener.unwrap());
        self.connect_again()
    }

    /// Connects to the same listener, and accepts.
    fn connect_again(&mut self) -> (SocketId, SocketId) {
        let (now, listener) = (self.now, self.listener.unwrap());
        let client = self
            .network
            .call(now, CLIENT, |stack, now| {
                stack.connect(now, None, "10.0.0.2:80".parse().unwrap(), None)
            })
            .unwrap();
        let mut server = None;
        self.run(|network, now| {
            server = network.call(now, SERVER, |stack, now| stack.accept(now, listener)).ok();
            server.is_some()
        });
        (client, server.expect("the handshake comes to its end"))
    }

    fn states(&self, host: HostIndex) -> Vec<TcpState> {
        let of_host = |event: &Event| match event {
            Event::State { socket, change } if usize::from(socket.host.0) == host => {
                Some(change.to)
            }
            _ => None,
        };
        self.network.trace().records.iter().filter_map(|record| of_host(&record.event)).collect()
    }

    /// The client says hello and closes; the server reads to the end and closes.
    fn hello_and_close(&mut self, (client, server): (SocketId, SocketId)) {
        let hello = Bytes::from_static(b"hello");
        let sent = self.network.send(self.now, CLIENT, client, &hello, Urgent::No);
        assert_eq!(sent, Ok(5));
        self.network.close(self.now, CLIENT, client).unwrap();
        let mut read = Vec::new();
        self.run(|network, now| {
            match network.receive(now, SERVER, server, 100, |piece| read.extend_from_slice(&piece))
            {
                Ok(0) => network.close(now, SERVER, server).is_ok(),
                Ok(_) => false,
                Err(error) => {
                    assert_eq!(error, SocketError::WouldBlock);
                    false
                }
            }
        });
        assert_eq!(read, b"hello");
        self.run(|_, _| false);
        assert_eq!(self.network.violations(), []);
    }
}

fn drop_first_fin() -> FaultRule {
    FaultRule {
        text: "drop FIN from client, 1st".to_owned(),
        matcher: Matcher { from: Some(CLIENT), flags: Flags::FIN, ..Matcher::default() },
        nth: Some(Nth { first: 1, last: 1 }),
        verdict: FaultVerdict::Drop,
    }
}

#[test]
fn a_connection_lives_and_dies_as_in_a_world() {
    let mut driver = Driver::new();
    let sockets = driver.connect();
    driver.hello_and_close(sockets);
    // The server closes at once, so that its FIN carries the ACK of the client's.
    assert_eq!(
        driver.states(CLIENT),
        [S::SynSent, S::Established, S::FinWait1, S::TimeWait, S::Closed]
    );
    assert_eq!(
        driver.states(SERVER),
        [S::Listen, S::SynReceived, S::Established, S::CloseWait, S::LastAck, S::Closed]
    );
    // 30 ms for the handshake and the close, and TIME-WAIT.
    assert!(driver.now >= Instant::from_millis(60_030), "{}", driver.now);
    assert_eq!((driver.network.totals(CLIENT).written, driver.network.totals(SERVER).read), (5, 5));
}

#[test]
fn a_rule_drops_a_fin_and_can_be_removed() {
    let mut driver = Driver::new();
    let rule = driver.network.add_fault(drop_first_fin());
    let sockets = driver.connect();
    driver.hello_and_close(sockets);
    assert_eq!(driver.network.matched(rule), 2, "the FIN, and the same again");
    let dropped = driver.network.trace().records.iter().find_map(|record| match &record.event {
        Event::Fate { fate: Fate::Dropped, by: Decider::Rule { number, .. }, .. } => Some(*number),
        _ => None,
    });
    assert_eq!(dropped, Some(1));

    driver.network.remove_fault(driver.now, rule);
    driver.now += Duration::from_secs(100);
    let sockets = driver.connect_again();
    driver.hello_and_close(sockets);
    assert_eq!(driver.network.matched(rule), 2, "what was removed matches nothing");
}

#[test]
fn what_the_carrier_loses_is_sent_again_and_is_seen_to_be_lost() {
    let mut driver = Driver::new();
    driver.loses = vec![1];
    let sockets = driver.connect();
    assert!(driver.now >= Instant::from_millis(1_000), "the SYN is sent again after a second");
    driver.hello_and_close(sockets);
    driver.network.end(driver.now + Duration::from_secs(1));
    let lost = driver.network.trace().records.iter().filter(|record| {
        matches!(record.event, Event::Fate { fate: Fate::Dropped, by: Decider::Carrier, .. })
    });
    assert_eq!(lost.count(), 1);
}

#[test]
fn loss_in_one_direction_is_the_same_for_the_same_seed() {
    let run = || {
        let mut driver = Driver::new();
        let half = Probability::from_parts_per_billion(500_000_000).unwrap();
        let lossy = Impairments { loss: Loss::Bernoulli(half), ..Impairments::default() };
        driver.network.impair(CLIENT, SERVER, lossy);
        let sockets = driver.connect();
        driver.hello_and_close(sockets);
        driver.network.trace().clone()
    };
    let trace = run();
    let lost = trace.records.iter().filter(|record| {
        matches!(record.event, Event::Fate { by: Decider::Impairment("loss"), .. })
    });
    assert!(lost.count() > 0);
    assert!(trace == run());
}

#[test]
fn a_host_that_crashed_answers_with_a_reset_when_it_is_back() {
    let mut driver = Driver::new();
    let (client, _) = driver.connect();
    driver.network.crash(driver.now, SERVER);
    driver.network.reboot(driver.now, SERVER);
    let hello = Bytes::from_static(b"hello");
    driver.network.send(driver.now, CLIENT, client, &hello, Urgent::No).unwrap();
    let mut failed = false;
    driver.run(|network, _| {
        failed |= network
            .take_ready()
            .any(|ready| ready.readiness == Readiness::Failed(SocketError::ConnectionReset));
        failed
    });
    assert!(failed);
    let verdicts = driver.network.trace().records.iter().filter_map(|record| match record.event {
        Event::Arrived { verdict, .. } => Some(verdict),
        _ => None,
    });
    assert!(verdicts.collect::<Vec<_>>().contains(&Verdict::NoConnection));
}

/// Ten milliseconds are the link's here, and the carrier's count as nothing: the handshake and the
/// close take as long as in a world.
#[test]
fn a_carrier_that_keeps_time_adds_none() {
    let mut driver = Driver::new();
    driver.network.set_carrier(Carrier::KeepsTime(Duration::from_millis(10)));
    for (from, to) in [(CLIENT, SERVER), (SERVER, CLIENT)] {
        driver.network.impair(from, to, Impairments::delay(Duration::from_millis(12)));
    }
    let sockets = driver.connect();
    assert_eq!(driver.now, Instant::from_millis(36));
    driver.hello_and_close(sockets);
    assert!(driver.network.is_quiet());
    driver.network.check_quiet();
    assert_eq!(driver.network.violations(), []);
}

#[test]
fn a_box_forgets_an_idle_flow_until_it_is_taken_away() {
    let mut driver = Driver::new();
    let balancer = MiddleboxSpec {
        name: "balancer".to_owned(),
        inside: CLIENT,
        outside: SERVER,
        kind: MiddleboxKind::Transparent,
        flows: Flows {
            unknown: UnknownFlow::Reset,
            ..Flows::forgotten_after(Duration::from_secs(60))
        },
    };
    let balancer = driver.network.add_middlebox(balancer).unwrap();
    let (client, _) = driver.connect();
    driver.now += Duration::from_secs(61);
    let hello = Bytes::from_static(b"hello");
    driver.network.send(driver.now, CLIENT, client, &hello, Urgent::No).unwrap();
    driver.run(|network, _| {
        network.take_ready().any(|ready| matches!(ready.readiness, Readiness::Failed(_)))
    });
    assert_eq!(driver.states(CLIENT).last(), Some(&S::Closed));

    driver.network.remove_middlebox(balancer);
    let sockets = driver.connect_again();
    driver.now += Duration::from_secs(61);
    driver.hello_and_close(sockets);
}

#[test]
fn a_link_that_is_unplugged_loses_what_is_sent() {
    let mut driver = Driver::new();
    driver.network.plug(driver.now, SERVER, Plug::Out);
    let to = "10.0.0.2:80".parse().unwrap();
    driver
        .network
        .call(driver.now, CLIENT, |stack, now| stack.connect(now, None, to, None))
        .unwrap();
    // Two SYNs are lost: the first, and the one a second later.
    driver.run(|_, now| now >= Instant::from_millis(1_000));
    driver.network.plug(driver.now, SERVER, Plug::In);
    // Nobody listens there: the repeated SYN, which gets through, is refused.
    driver.run(|_, _| false);
    assert_eq!(driver.states(CLIENT), [S::SynSent, S::Closed]);
    assert_eq!(driver.now, Instant::from_millis(2_020));
}

#[test]
fn packets_to_the_host_itself_need_no_carrier() {
    let mut driver = Driver::new();
    let to = "10.0.0.1:80".parse().unwrap();
    driver.network.call(driver.now, CLIENT, |stack, now| stack.listen(now, to, 5, None)).unwrap();
    let socket =
        driver.network.call(driver.now, CLIENT, |stack, now| stack.connect(now, None, to, None));
    driver.run(|_, _| true);
    let state = driver.network.stack(CLIENT).status(socket.unwrap()).unwrap().state;
    assert_eq!((state, driver.handed), (TcpState::Established, 0));
}

#[test]
fn shutting_down_one_direction_ends_the_other_ends_reading() {
    let mut driver = Driver::new();
    let (client, server) = driver.connect();
    driver.network.shutdown(driver.now, CLIENT, client, Shutdown::Write).unwrap();
    let mut ended = false;
    driver.run(|network, now| {
        ended |= network.receive(now, SERVER, server, 10, drop) == Ok(0);
        ended
    });
    assert!(ended);
    assert_eq!(driver.network.violations(), []);
}

/// Nothing that was asked for is not the end of the file, which has not come.
#[test]
fn a_read_of_no_octets_breaks_no_invariant() {
    let mut driver = Driver::new();
    let (client, server) = driver.connect();
    let (network, now) = (&mut driver.network, driver.now);
    network.send(now, CLIENT, client, &Bytes::from_static(b"hello"), Urgent::No).unwrap();
    driver.run(|network, _| network.take_ready().any(|ready| ready.socket == server));
    let (network, now) = (&mut driver.network, driver.now);
    let nothing = network.receive(now, SERVER, server, 0, |_| panic!("nothing was asked for"));
    assert_eq!(nothing, Ok(0));
    assert_eq!(network.violations(), []);
}
