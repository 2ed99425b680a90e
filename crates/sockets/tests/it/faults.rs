//! Faults of scenario files between real applications.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use twomsl_sockets::net::TcpStream;
use twomsl_sockets::spec::{FaultVerdict, Impairments, Loss, PayloadMatch, Probability};
use twomsl_sockets::{Faults, Lab, Recording};
use twomsl_tcp::wire::Flags;
use twomsl_trace::{Decider, Event, Fate, Trace};

use crate::{ask, echo, simulation};

fn percent(percent: u32) -> Probability {
    Probability::from_parts_per_billion(percent * 10_000_000).unwrap()
}

fn lossy(percentage: u32) -> Impairments {
    Impairments { loss: Loss::Bernoulli(percent(percentage)), ..Impairments::default() }
}

/// How many packets this befell.
fn dropped(trace: &Trace, by: impl Fn(&Decider) -> bool) -> usize {
    let is_it = |event: &Event| matches!(event, Event::Fate { fate: Fate::Dropped, by: who, .. } if by(who));
    trace.records.iter().filter(|record| is_it(&record.event)).count()
}

/// How long it takes to connect.
async fn connecting() -> std::io::Result<Duration> {
    let start = Instant::now();
    TcpStream::connect("server:7").await?;
    Ok(start.elapsed())
}

#[test]
fn with_five_percent_lost_all_text_comes_back() -> turmoil::Result {
    for seed in 0..20 {
        let lab = Lab::new(seed, Recording::Trace);
        let _faults = Faults::new().both_ways("client", "server", lossy(5)).install()?;
        let mut sim = simulation(1);
        sim.host("server", echo);
        sim.client("client", async {
            let text: Vec<u8> = (0..50_000_u32).map(|place| (place % 251) as u8).collect();
            assert!(ask(&text).await? == text);
            Ok(())
        });
        sim.run()?;
        assert_eq!(lab.violations(), []);
        assert!(dropped(&lab.finish(), |by| *by == Decider::Impairment("loss")) > 0, "{seed}");
    }
    Ok(())
}

/// One direction only: what the client says is lost, what it hears is not.
#[test]
fn loss_has_a_direction() -> turmoil::Result {
    let lab = Lab::new(1, Recording::Trace);
    let _faults = Faults::new().one_way("client", "server", lossy(30)).install()?;
    let mut sim = simulation(1);
    sim.host("server", echo);
    sim.client("client", async {
        assert_eq!(ask(b"hello").await?, b"hello");
        Ok(())
    });
    sim.run()?;
    let trace = lab.finish();
    let mut from = Vec::new();
    for record in &trace.records {
        if let Event::Fate { packet, fate: Fate::Dropped, by: Decider::Impairment(_) } =
            &record.event
        {
            from.extend(trace.records.iter().filter_map(|record| match &record.event {
                Event::Sent { packet: sent, host, .. } if sent == packet => Some(host.0),
                _ => None,
            }));
        }
    }
    let client = trace.about.hosts.iter().position(|host| host.name == "client").unwrap();
    assert!(!from.is_empty() && from.iter().all(|host| usize::from(*host) == client), "{from:?}");
    Ok(())
}

/// The first SYN is dropped by name: connecting takes as long as the timer of its repetition.
#[test]
fn a_rule_picks_a_single_segment_until_it_is_removed() -> turmoil::Result {
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let rule = Faults::new()
            .rule(FaultVerdict::Drop, |packets| packets.from("client").flags(Flags::SYN).nth(1))
            .install()?;
        assert_eq!(connecting().await?, Duration::from_millis(1020));
        assert_eq!(rule.matched(), [2]);
        drop(rule);

        let all = Faults::new()
            .rule(FaultVerdict::Drop, |packets| packets.from("client").flags(Flags::SYN))
            .install()?;
        let never = TcpStream::connect("server:7");
        assert!(tokio::time::timeout(Duration::from_secs(5), never).await.is_err());
        all.remove();
        assert_eq!(connecting().await?, Duration::from_millis(20));
        Ok(())
    });
    sim.run()
}

#[test]
fn what_a_rule_holds_waits_for_its_release() -> turmoil::Result {
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        let held = Faults::new()
            .rule(FaultVerdict::Hold("later".into()), |packets| {
                packets.from("client").payload(PayloadMatch::Some)
            })
            .install()?;
        stream.write_all(b"x").await?;
        tokio::time::sleep(Duration::from_millis(150)).await;
        let start = Instant::now();
        held.release("later");
        assert_eq!(stream.read_u8().await?, b'x');
        assert_eq!(start.elapsed(), Duration::from_millis(20));
        Ok(())
    });
    sim.run()
}

/// A delay of a link comes on top of turmoil's latency, and ends with its guard.
#[test]
fn a_delay_is_added_while_it_is_installed() -> turmoil::Result {
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let delay = Impairments::delay(Duration::from_millis(50));
        let slow = Faults::new().one_way("server", "client", delay).install()?;
        assert_eq!(connecting().await?, Duration::from_millis(70));
        drop(slow);
        assert_eq!(connecting().await?, Duration::from_millis(20));
        Ok(())
    });
    sim.run()
}

#[test]
fn duplicates_reordering_and_flipped_bits_are_nothing_to_an_application() -> turmoil::Result {
    let lab = Lab::new(3, Recording::Off);
    let bad = Impairments {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(15),
        duplicate: percent(10),
        reorder: percent(10),
        corrupt: percent(5),
        ..Impairments::default()
    };
    let _faults = Faults::new().both_ways("client", "server", bad).install()?;
    let mut sim = simulation(1);
    sim.host("server", echo);
    sim.client("client", async {
        let text: Vec<u8> = (0..200_000_u32).map(|place| (place % 251) as u8).collect();
        assert!(ask(&text).await? == text);
        Ok(())
    });
    sim.run()?;
    assert_eq!(lab.violations(), []);
    Ok(())
}

#[test]
fn a_fault_for_a_host_that_does_not_exist_is_refused_inside_a_simulation() -> turmoil::Result {
    let mut sim = simulation(1);
    sim.host("server", echo);
    sim.client("client", async {
        let error = Faults::new().one_way("client", "sever", lossy(1)).install().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let rule = Faults::new().rule(FaultVerdict::Drop, |packets| packets.from("cleint"));
        let error = rule.install().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("cleint"), "{error}");
        assert_eq!(ask(b"hello").await?, b"hello");
        Ok(())
    });
    sim.run()
}
