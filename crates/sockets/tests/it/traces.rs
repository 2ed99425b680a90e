//! What is written down of a simulation, and what can be looked at while it runs.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use twomsl_sockets::net::TcpStream;
use twomsl_sockets::spec::{Impairments, Loss, Probability};
use twomsl_sockets::{Faults, Lab, Profile, Recording, netstat, sockets};
use twomsl_tcp::TcpState;
use twomsl_trace::{Action, Event, Trace, jsonl, ladder, tcpdump};

use crate::{echo, simulation};

/// One request over a bad link.
fn story(seed: u64) -> Trace {
    let lab = Lab::new(seed, Recording::Trace);
    lab.set_title("Echo over a bad link");
    let loss = Loss::Bernoulli(Probability::from_parts_per_billion(100_000_000).unwrap());
    let bad = Impairments { loss, ..Impairments::default() };
    let _faults = Faults::new().both_ways("client", "server", bad).install().unwrap();
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        stream.write_all(&vec![b'x'; 20_000]).await?;
        stream.shutdown().await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        assert_eq!(answer.len(), 20_000);
        Ok(())
    });
    sim.run().unwrap();
    assert_eq!(lab.violations(), []);
    lab.finish()
}

#[test]
fn the_same_seed_gives_the_same_trace_in_every_byte() {
    let once = jsonl::render(&story(5));
    assert!(once == jsonl::render(&story(5)));
    assert!(once != jsonl::render(&story(6)));
    // On another thread, too.
    assert!(once == std::thread::spawn(|| jsonl::render(&story(5))).join().unwrap());
}

#[test]
fn a_simulation_renders_like_any_other() {
    let lab = Lab::new(0, Recording::Trace);
    lab.set_title("Hello");
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        stream.write_all(b"hello").await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        drop(stream);
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(())
    });
    sim.run().unwrap();
    let trace = lab.finish();
    insta::assert_snapshot!(ladder::plain(&trace, ladder::Form::default()));
    insta::assert_snapshot!("tcpdump", tcpdump::render(&trace));
}

#[test]
fn sockets_can_be_looked_at_at_any_moment() -> turmoil::Result {
    let lab = Lab::new(0, Recording::Off);
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let missing = netstat("nobody").unwrap_err();
        assert!(missing.to_string().contains("no host `nobody`"), "{missing}");
        let stream = TcpStream::connect("server:7").await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(stream);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let states: Vec<_> = sockets("client")?.iter().map(|socket| socket.state).collect();
        assert_eq!(states, [TcpState::TimeWait]);
        insta::assert_snapshot!(netstat("client")?);
        insta::assert_snapshot!("netstat_server", netstat("server")?);
        Ok(())
    });
    sim.run()?;
    // And from outside, when it is over.
    assert_eq!(lab.netstat("client")?.lines().count(), 2);
    Ok(())
}

/// What turmoil loses is seen to be lost.
#[test]
fn a_partition_shows_in_the_trace() -> turmoil::Result {
    let lab = Lab::new(0, Recording::Trace);
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        turmoil::partition("client", "server");
        stream.write_all(b"x").await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        turmoil::repair("client", "server");
        assert_eq!(stream.read_u8().await?, b'x');
        Ok(())
    });
    sim.run()?;
    let ladder = ladder::plain(&lab.finish(), ladder::Form::default());
    assert!(ladder.contains("lost in turmoil"), "{ladder}");
    Ok(())
}

#[test]
fn held_segments_arrive_when_turmoil_releases_them() -> turmoil::Result {
    let lab = Lab::new(0, Recording::Trace);
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        turmoil::hold("client", "server");
        stream.write_all(b"x").await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        turmoil::release("client", "server");
        assert_eq!(stream.read_u8().await?, b'x');
        Ok(())
    });
    sim.run()?;
    assert_eq!(lab.violations(), []);
    Ok(())
}

#[test]
fn a_crash_and_a_bounce_are_incidents_of_one_host() -> turmoil::Result {
    let lab = Lab::new(0, Recording::Trace);
    lab.set_profile("server", Profile::rfc9293())?;
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        stream.write_all(b"x").await?;
        assert!(stream.read_u8().await.is_err());
        Ok(())
    });
    for _ in 0..100 {
        sim.step()?;
    }
    sim.crash("server");
    assert!(lab.netstat("server").is_err());
    sim.bounce("server");
    sim.run()?;
    assert_eq!(lab.violations(), []);
    let trace = lab.finish();
    let names: Vec<_> = trace.about.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["server", "client"]);
    assert_eq!(trace.about.hosts[0].profile, "rfc9293");
    let actions = trace.records.iter().filter_map(|record| match record.event {
        Event::Incident { host, action } => Some((host.0, action)),
        _ => None,
    });
    assert_eq!(actions.collect::<Vec<_>>(), [(0, Action::Crashed), (0, Action::Rebooted)]);
    Ok(())
}

/// Simulations on one thread, one after the other and while the first still exists, do not mix.
#[test]
fn simulations_of_one_thread_do_not_mix() -> turmoil::Result {
    let mut builder = turmoil::Builder::new();
    let latency = Duration::from_millis(5);
    builder.min_message_latency(latency).max_message_latency(latency);
    let mut finished = Vec::new();
    for _ in 0..3 {
        // Of one builder, so that turmoil gives them the same epoch and the same addresses.
        let mut sim = builder.build();
        sim.host("server", echo);
        sim.client("client", async {
            let mut stream = TcpStream::connect("server:7").await?;
            stream.write_all(b"x").await?;
            assert_eq!(stream.read_u8().await?, b'x');
            assert_eq!(sockets("client")?.len(), 1);
            Ok(())
        });
        sim.run()?;
        finished.push(sim);
    }
    Ok(())
}

/// A host that says something, after a while.
async fn late(wait: u64) -> turmoil::Result {
    tokio::time::sleep(Duration::from_millis(wait)).await;
    let mut stream = TcpStream::connect("server:7").await?;
    stream.write_all(b"x").await?;
    assert_eq!(stream.read_u8().await?, b'x');
    Ok(())
}

/// Two simulations in turns on one thread: hosts that come late find their own.
#[test]
fn simulations_that_run_in_turns_do_not_mix() -> turmoil::Result {
    let mut sims = [simulation(5), simulation(5)];
    for sim in &mut sims {
        sim.host("server", echo);
        sim.client("soon", late(1));
        sim.client("late", late(50));
        sim.step()?;
    }
    for _ in 0..200 {
        for sim in &mut sims {
            sim.step()?;
        }
    }
    for sim in &mut sims {
        assert!(sim.step()?, "all clients are done");
    }
    Ok(())
}

/// Of the same epoch they cannot be told apart, and say so.
#[test]
fn simulations_of_one_epoch_in_turns_are_told_to_differ() -> turmoil::Result {
    let mut builder = turmoil::Builder::new();
    let latency = Duration::from_millis(5);
    builder.min_message_latency(latency).max_message_latency(latency);
    let mut sims = [builder.build(), builder.build()];
    for sim in &mut sims {
        sim.host("server", echo);
        sim.client("late", late(50));
        sim.step()?;
    }
    for _ in 0..200 {
        for sim in &mut sims {
            if let Err(error) = sim.step() {
                assert!(error.to_string().contains("two simulations of the same epoch"), "{error}");
                return Ok(());
            }
        }
    }
    panic!("the first simulation has lost its server to the second one");
}
