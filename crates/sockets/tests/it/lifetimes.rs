//! Laboratories, faults and simulations come and go in any order.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use twomsl_sockets::net::{TcpListener, TcpStream};
use twomsl_sockets::spec::{FaultVerdict, Impairments};
use twomsl_sockets::{Faults, Lab, Recording};
use twomsl_tcp::wire::Flags;

use crate::{echo, simulation};

const CLIENT: &str = "client";
const SERVER: &str = "server";

fn slow(milliseconds: u64) -> Impairments {
    Impairments::delay(Duration::from_millis(milliseconds))
}

/// A simulation in which the first SYN is lost: how often the rule has matched.
fn syns_of_one_simulation() -> turmoil::Result<u32> {
    let installed = Faults::new()
        .rule(FaultVerdict::Drop, |packets| packets.from(CLIENT).flags(Flags::SYN).nth(1))
        .install()?;
    let mut sim = simulation(1);
    sim.host(SERVER, echo);
    sim.client(CLIENT, async {
        let mut stream = TcpStream::connect("server:7").await?;
        stream.write_all(b"x").await?;
        stream.read_u8().await?;
        Ok(())
    });
    sim.run()?;
    Ok(installed.matched()[0])
}

#[test]
fn without_a_lab_faults_are_for_the_next_simulation_of_the_thread() -> turmoil::Result {
    let first = syns_of_one_simulation()?;
    assert!(first > 0);
    assert_eq!(syns_of_one_simulation()?, first);
    Ok(())
}

/// What befalls segments of the client when of three faults these were taken away, in this order.
fn left_after(removed: &[usize]) -> Impairments {
    let lab = Lab::new(1, Recording::Off);
    lab.network(|network| {
        let profile = twomsl_sockets::Profile::linux;
        let (client, server) =
            (network.add_host(CLIENT, profile()), network.add_host(SERVER, profile()));
        network.impair(client, server, slow(1));
    });
    let install = |delay| Faults::new().one_way(CLIENT, SERVER, slow(delay)).install().ok();
    let mut installed = [10, 20, 30].map(install);
    for place in removed {
        installed[*place] = None;
    }
    lab.network(|network| {
        let host = |name| network.host(name).unwrap();
        let (client, server) = (host(CLIENT), host(SERVER));
        network.impairments(client, server)
    })
}

#[test]
fn faults_can_be_taken_away_in_any_order() {
    assert_eq!(left_after(&[]), slow(30));
    assert_eq!(left_after(&[0]), slow(30));
    assert_eq!(left_after(&[2]), slow(20));
    assert_eq!(left_after(&[1, 2]), slow(10));
    assert_eq!(left_after(&[0, 1]), slow(30));
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(left_after(&order), slow(1), "{order:?}");
    }
}

/// Connects once a second.
async fn connect_thrice() -> turmoil::Result {
    for _ in 0..3 {
        TcpStream::connect("server:7").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

#[test]
fn a_simulation_goes_on_when_its_lab_is_finished() -> turmoil::Result {
    let mut sim = simulation(1);
    let lab = Lab::new(1, Recording::Trace);
    sim.host(SERVER, echo);
    sim.client(CLIENT, connect_thrice());
    for _ in 0..500 {
        sim.step()?;
    }
    assert!(!lab.finish().records.is_empty());
    sim.run()
}

#[test]
fn a_host_that_speaks_to_itself_is_one_host() -> turmoil::Result {
    let lab = Lab::new(1, Recording::Off);
    let mut sim = simulation(1);
    sim.client("alone", async {
        let listener = TcpListener::bind("0.0.0.0:7").await?;
        for name in ["localhost:7", "127.0.0.1:7", "0.0.0.0:7"] {
            let _stream = TcpStream::connect(name).await?;
            listener.accept().await?;
        }
        Ok(())
    });
    sim.run()?;
    assert_eq!(lab.network(|network| network.hosts()), 1);
    Ok(())
}

/// Hosts with these addresses in place of names.
fn with_addresses(sim: &mut turmoil::Sim<'_>, server: &'static str, client: &'static str) {
    let host: std::net::IpAddr = server.parse().unwrap();
    sim.host(server, || async {
        let listener = TcpListener::bind("[::]:7").await?;
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(b"x").await?;
        std::future::pending().await
    });
    sim.client(client, async move {
        let mut stream = TcpStream::connect((host, 7)).await?;
        assert_eq!(stream.read_u8().await?, b'x');
        Ok(())
    });
}

#[test]
fn hosts_can_have_addresses_in_place_of_names() -> turmoil::Result {
    for (server, client) in [("2001:db8::1", "2001:db8::2"), ("10.0.0.1", "10.0.0.2")] {
        let mut sim = simulation(1);
        with_addresses(&mut sim, server, client);
        sim.run()?;
    }
    Ok(())
}
