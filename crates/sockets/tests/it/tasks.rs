//! Whose task is whose, and who has to wait for whom.

use std::io::ErrorKind;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::Instant;
use twomsl_sockets::net::{TcpListener, TcpStream};
use twomsl_sockets::{Lab, Recording, sockets};
use twomsl_trace::{Event, HostId};

use crate::{ask, echo, simulation, ticking};

/// Where a connection to the server comes from, as the server sees it.
async fn seen_from() -> std::io::Result<std::net::IpAddr> {
    let mut stream = TcpStream::connect("server:7").await?;
    stream.write_all(b"x").await?;
    stream.read_u8().await?;
    Ok(stream.local_addr()?.ip())
}

/// Several hosts at once, each with tasks of every kind: a task has its host's address.
#[test]
fn a_task_belongs_to_the_host_that_spawned_it() -> turmoil::Result {
    let mut sim = simulation(3);
    sim.host("server", echo);
    for name in ["red", "green", "blue"] {
        sim.client(name, async move {
            let own = turmoil::lookup(name);
            for _ in 0..5 {
                let spawned = tokio::spawn(seen_from());
                let local = spawn_local(seen_from());
                let nested = tokio::spawn(async { tokio::spawn(seen_from()).await? });
                let mut other = LocalSet::new();
                other.spawn_local(async move { assert_eq!(seen_from().await.unwrap(), own) });
                assert_eq!(seen_from().await?, own);
                assert_eq!(spawned.await??, own);
                assert_eq!(local.await??, own);
                assert_eq!(nested.await??, own);
                (&mut other).await;
            }
            Ok(())
        });
    }
    sim.run()
}

/// The trace numbers tasks in the order of their first calls.
#[test]
fn calls_are_told_by_task() -> turmoil::Result {
    let lab = Lab::new(0, Recording::Trace);
    let mut sim = simulation(3);
    sim.host("server", echo);
    sim.client("client", async {
        let first = tokio::spawn(seen_from());
        seen_from().await?;
        first.await??;
        Ok(())
    });
    sim.run()?;
    let trace = lab.finish();
    let client = trace.about.hosts.iter().position(|host| host.name == "client").unwrap();
    let mut connects: Vec<_> = trace
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Call { host: HostId(host), task, call, .. }
                if usize::from(*host) == client && call == "connect(server:7)" =>
            {
                Some(*task)
            }
            _ => None,
        })
        .collect();
    connects.sort_unstable();
    assert_eq!(connects, [0, 1]);
    Ok(())
}

/// Turmoil's queue for a host is full: what does not fit is lost, and TCP sends it again.
#[test]
fn datagrams_that_do_not_fit_are_lost_segments() -> turmoil::Result {
    let lab = Lab::new(0, Recording::Trace);
    let latency = Duration::from_millis(5);
    let mut sim = turmoil::Builder::new()
        .rng_seed(1)
        .simulation_duration(Duration::from_secs(100))
        .min_message_latency(latency)
        .max_message_latency(latency)
        .udp_capacity(2)
        .build();
    sim.host("server", echo);
    for name in 0..8 {
        sim.client(format!("client{name}"), async {
            seen_from().await?;
            Ok(())
        });
    }
    sim.run()?;
    assert_eq!(lab.violations(), []);
    let trace = lab.finish();
    let repeated = trace.records.iter().filter(|record| {
        use twomsl_tcp::SendReason::Retransmission;
        matches!(record.event, Event::Sent { reason: Retransmission, .. })
    });
    assert!(repeated.count() > 0);
    Ok(())
}

/// Nobody answers: the SYN is repeated as often as Linux does, and then it is over.
#[test]
fn connecting_to_a_host_that_is_gone_times_out() -> turmoil::Result {
    let mut sim = ticking(20, 20);
    sim.host("server", echo);
    sim.client("client", async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        let error = TcpStream::connect("server:7").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let waited = start.elapsed().as_secs();
        assert!((60..=200).contains(&waited), "{waited} s");
        Ok(())
    });
    sim.step()?;
    sim.crash("server");
    sim.run()
}

/// What an application had written before it died is not sent by its death.
#[test]
fn a_crash_sends_nothing() -> turmoil::Result {
    let lab = Lab::new(0, Recording::Trace);
    let mut sim = ticking(20, 20);
    sim.host("server", || async {
        let listener = TcpListener::bind("0.0.0.0:7").await?;
        let (stream, _) = listener.accept().await?;
        // Halves in tasks of both kinds, which are dropped in an order of tokio's own.
        let (read, write) = stream.into_split();
        tokio::spawn(async move {
            let _held = read;
            std::future::pending::<()>().await;
        });
        spawn_local(async move {
            let _held = write;
            std::future::pending::<()>().await;
        });
        std::future::pending().await
    });
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        let end = tokio::time::timeout(Duration::from_secs(30), stream.read_u8());
        assert!(end.await.is_err(), "nobody tells the client");
        Ok(())
    });
    for _ in 0..100 {
        sim.step()?;
    }
    let before = lab.trace().records.len();
    sim.crash("server");
    sim.run()?;
    let trace = lab.finish();
    let sent = trace.records[before..]
        .iter()
        .filter(|record| matches!(record.event, Event::Sent { host: HostId(0), .. }));
    assert_eq!(sent.count(), 0);
    Ok(())
}

/// Keepalive that an application asks for: probes find out that the peer is gone.
#[test]
fn keepalive_notices_a_host_that_is_gone() -> turmoil::Result {
    use twomsl_sockets::SocketOption;
    let mut sim = ticking(20, 20);
    sim.host("server", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        stream.set_option(SocketOption::KeepAlive(true))?;
        stream.set_option(SocketOption::KeepIdle(Duration::from_secs(10)))?;
        stream.set_option(SocketOption::KeepInterval(Duration::from_secs(2)))?;
        stream.set_option(SocketOption::KeepCount(3))?;
        let start = Instant::now();
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        // 10 s of silence, then three probes two seconds apart.
        assert_eq!(start.elapsed().as_secs(), 16);
        Ok(())
    });
    for _ in 0..100 {
        sim.step()?;
    }
    sim.crash("server");
    sim.run()
}

/// Ports run out in TIME-WAIT, as they do in life, and come back.
#[test]
fn ports_run_out_and_come_back() -> turmoil::Result {
    use twomsl_sockets::Profile;
    let lab = Lab::new(0, Recording::Off);
    lab.set_profile(
        "client",
        Profile { first_port: 50_000, last_port: 50_009, ..Profile::linux() },
    )?;
    let mut sim = ticking(20, 20);
    sim.host("server", echo);
    sim.client("client", async {
        for _ in 0..10 {
            drop(TcpStream::connect("server:7").await?);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(sockets("client")?.len(), 10);
        let error = TcpStream::connect("server:7").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        tokio::time::sleep(Duration::from_secs(61)).await;
        TcpStream::connect("server:7").await?;
        Ok(())
    });
    sim.run()
}

/// The backlog is full: turmoil's own TCP would panic, ours lets clients try again.
#[test]
fn a_full_backlog_makes_clients_wait() -> turmoil::Result {
    use twomsl_sockets::net::TcpSocket;
    let mut sim = simulation(1);
    sim.host("server", || async {
        let socket = TcpSocket::new_v4()?;
        socket.bind("0.0.0.0:7".parse()?)?;
        let listener = socket.listen(2)?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        loop {
            let (mut stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                let question = stream.read_u8().await?;
                stream.write_u8(question).await
            });
        }
    });
    for name in 0..10 {
        sim.client(format!("client{name}"), async {
            let mut stream = TcpStream::connect("server:7").await?;
            // The client speaks first: when the SYN queue is full, Linux answers with cookies and
            // keeps nothing in mind, and only what the client says brings the cookie again.
            stream.write_u8(b'x').await?;
            assert_eq!(stream.read_u8().await?, b'x');
            Ok(())
        });
    }
    sim.run()
}

/// Turmoil as it comes: every burst has a latency of its own, up to 100 ms, so that bursts
/// overtake each other; and links that break at random.
#[test]
fn random_latencies_and_broken_links_cost_time_but_no_text() -> turmoil::Result {
    for seed in 0..10 {
        let lab = Lab::new(seed, Recording::Off);
        let mut sim = turmoil::Builder::new()
            .rng_seed(seed)
            .simulation_duration(Duration::from_secs(600))
            .tick_duration(Duration::from_millis(5))
            .fail_rate(0.05)
            .repair_rate(0.5)
            .build();
        sim.host("server", echo);
        sim.client("client", async {
            let text: Vec<u8> = (0..200_000_u32).map(|place| (place % 251) as u8).collect();
            assert!(ask(&text).await? == text);
            Ok(())
        });
        sim.run()?;
        assert_eq!(lab.violations(), [], "seed {seed}");
    }
    Ok(())
}

/// A subscriber of the application's own is not in the way of ours, nor ours in its way.
#[test]
fn applications_may_log() -> turmoil::Result {
    let log = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let writer = std::sync::Arc::clone(&log);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || Log(std::sync::Arc::clone(&writer)))
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut sim = simulation(1);
        sim.host("server", echo);
        sim.client("client", async {
            assert_eq!(seen_from().await?, turmoil::lookup("client"));
            tracing::info!("all is well");
            Ok(())
        });
        sim.run()
    })?;
    let log = String::from_utf8(log.lock().unwrap().clone())?;
    assert!(log.contains("all is well"), "{log}");
    assert!(!log.contains("Leave multicast group"), "{log}");
    Ok(())
}

/// A place for log lines.
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A waker that owns a stream, as that of a task does whose last handle it is.
struct Owner(#[expect(dead_code, reason = "it is dropped")] TcpStream);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

/// A waker that is replaced, or is no longer needed, may be the last to hold a socket: dropping
/// that one must find nothing locked.
#[test]
fn a_replaced_waker_may_own_a_socket() {
    let (done, result) = std::sync::mpsc::channel();
    // On a thread of its own: what is wrong here is a deadlock.
    std::thread::spawn(move || {
        let mut sim = simulation(1);
        sim.host("server", echo);
        sim.client("client", async {
            let stream = TcpStream::connect("server:7").await?;
            let owner = async || {
                let owned = TcpStream::connect("server:7").await?;
                std::io::Result::Ok(Waker::from(Arc::new(Owner(owned))))
            };
            let poll_once = |waker: Waker| stream.poll_read_ready(&mut Context::from_waker(&waker));
            assert!(poll_once(owner().await?).is_pending());
            assert!(poll_once(Waker::noop().clone()).is_pending());

            let mut reading = Box::pin(stream.readable());
            let mut poll_once =
                |waker: Waker| reading.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(poll_once(owner().await?).is_pending());
            assert!(poll_once(owner().await?).is_pending());
            drop(reading);
            Ok(())
        });
        // Nobody listens after a failure of the test.
        let _ = done.send(sim.run().is_ok());
    });
    assert_eq!(result.recv_timeout(Duration::from_secs(60)), Ok(true), "a deadlock");
}
