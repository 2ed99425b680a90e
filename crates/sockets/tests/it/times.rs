//! Long after the last event it is later than that event.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};
use twomsl_sockets::net::TcpStream;
use twomsl_sockets::spec::{FaultVerdict, Impairments, PayloadMatch};
use twomsl_sockets::{Faults, Lab, Recording, SocketOption, netstat};
use twomsl_trace::Event;

use crate::{echo, simulation};

/// A client that connects, and then does nothing for a minute.
async fn idle_client() -> turmoil::Result {
    let _stream = TcpStream::connect("server:7").await?;
    sleep(Duration::from_secs(60)).await;
    Ok(())
}

#[test]
fn a_crash_is_written_down_when_it_happens() -> turmoil::Result {
    let lab = Lab::new(1, Recording::Trace);
    let mut sim = simulation(1);
    sim.host("server", echo);
    sim.client("client", idle_client());
    while sim.elapsed() < Duration::from_secs(30) {
        sim.step()?;
    }
    sim.crash("server");
    sim.run()?;
    let trace = lab.finish();
    let crashes = trace.records.iter().filter(|it| matches!(it.event, Event::Incident { .. }));
    let times: Vec<_> = crashes.map(|record| record.at).collect();
    assert_eq!(times, [twomsl_tcp::Instant::from_millis(30_000)]);
    Ok(())
}

#[test]
fn socket_tables_show_what_is_left_of_a_timer_now() -> turmoil::Result {
    let lab = Lab::new(1, Recording::Off);
    let mut sim = simulation(1);
    sim.host("server", echo);
    sim.client("client", async {
        let stream = TcpStream::connect("server:7").await?;
        stream.set_option(SocketOption::KeepAlive(true))?;
        let before = netstat("client")?;
        sleep(Duration::from_secs(60)).await;
        let idle = netstat("client")?;
        assert_ne!(idle, before);
        stream.nodelay()?;
        // A call brings the network up to date: it was before.
        assert_eq!(netstat("client")?, idle);
        sleep(Duration::from_secs(60)).await;
        Ok(())
    });
    while sim.elapsed() < Duration::from_secs(30) {
        sim.step()?;
    }
    let early = lab.netstat("client")?;
    while sim.elapsed() < Duration::from_secs(50) {
        sim.step()?;
    }
    assert_ne!(lab.netstat("client")?, early);
    sim.run()
}

#[test]
fn what_is_released_takes_the_time_of_the_link_from_then_on() -> turmoil::Result {
    let _lab = Lab::new(1, Recording::Off);
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let delay = Impairments::delay(Duration::from_millis(50));
        let _slow = Faults::new().one_way("client", "server", delay).install()?;
        let mut stream = TcpStream::connect("server:7").await?;
        let held = Faults::new()
            .rule(FaultVerdict::Hold("later".into()), |packets| {
                packets.from("client").payload(PayloadMatch::Some)
            })
            .install()?;
        stream.write_all(b"x").await?;
        sleep(Duration::from_millis(150)).await;
        let start = Instant::now();
        held.release("later");
        stream.read_u8().await?;
        // 50 of the link and 10 of turmoil on the way there, 10 on the way back.
        assert!(start.elapsed() >= Duration::from_millis(70), "{:?}", start.elapsed());
        Ok(())
    });
    sim.run()
}
