//! Connections between hosts, in the small.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use twomsl_sockets::net::{TcpListener, TcpStream};

use crate::{ask, echo, simulation};

#[test]
fn what_is_written_is_read_and_the_end_of_the_file_follows() -> turmoil::Result {
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        assert_eq!(stream.peer_addr()?, "192.168.0.1:7".parse()?);
        assert_eq!(stream.local_addr()?.ip(), turmoil::lookup("client"));
        stream.write_all(b"hello").await?;
        stream.shutdown().await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        assert_eq!(answer, "hello");
        Ok(())
    });
    sim.run()
}

/// A handshake is one round trip for the client.
#[test]
fn connecting_takes_a_round_trip() -> turmoil::Result {
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let start = Instant::now();
        let first = TcpStream::connect("server:7").await?;
        assert_eq!(start.elapsed(), Duration::from_millis(20));
        let start = Instant::now();
        let second = TcpStream::connect(("server", 7)).await?;
        assert_eq!(start.elapsed(), Duration::from_millis(20));
        assert_ne!(first.local_addr()?, second.local_addr()?);
        Ok(())
    });
    sim.run()
}

#[test]
fn a_mebibyte_comes_back_whole() -> turmoil::Result {
    let mut sim = simulation(1);
    sim.host("server", echo);
    sim.client("client", async {
        let text: Vec<u8> = (0..1 << 20).map(|place: u32| (place % 251) as u8).collect();
        assert!(ask(&text).await? == text);
        Ok(())
    });
    sim.run()
}

/// Nobody listens: the host's stack answers with a reset.
#[test]
fn a_port_without_a_listener_refuses() -> turmoil::Result {
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let error = TcpStream::connect("server:8").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
    sim.run()
}

#[test]
fn a_host_talks_to_itself_by_localhost_and_by_its_name() -> turmoil::Result {
    let mut sim = simulation(10);
    sim.client("client", async {
        tokio::task::spawn_local(echo());
        tokio::task::yield_now().await;
        for address in ["127.0.0.1:7", "localhost:7", "client:7", "0.0.0.0:7"] {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(b"hello").await?;
            stream.shutdown().await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            assert_eq!(answer, "hello", "{address}");
        }
        Ok(())
    });
    sim.run()
}

/// A partition in the middle: TCP sends again what was lost, and the answer comes after all.
#[test]
fn a_partition_is_survived() -> turmoil::Result {
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        turmoil::partition("client", "server");
        stream.write_all(b"hello").await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        turmoil::repair("client", "server");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        assert_eq!(&answer, b"hello");
        Ok(())
    });
    sim.run()
}

/// The crash takes the stack; the new one knows nothing of the connection.
#[test]
fn a_host_that_comes_back_resets_old_connections() -> turmoil::Result {
    let mut sim = simulation(10);
    sim.host("server", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        stream.write_all(b"anybody there?").await?;
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        // And the new one serves.
        let mut stream = TcpStream::connect("server:7").await?;
        stream.write_all(b"x").await?;
        assert_eq!(stream.read_u8().await?, b'x');
        Ok(())
    });
    while sim.elapsed() < Duration::from_secs(1) {
        sim.step()?;
    }
    sim.crash("server");
    sim.step()?;
    sim.bounce("server");
    sim.run()
}

/// A SYN that finds nobody awake is sent again.
#[test]
fn a_client_may_come_before_its_server() -> turmoil::Result {
    let mut sim = simulation(10);
    sim.client("client", async {
        let start = Instant::now();
        TcpStream::connect("server:7").await?;
        assert!(start.elapsed() > Duration::from_secs(1));
        Ok(())
    });
    sim.host("server", || async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        echo().await
    });
    sim.run()
}

#[test]
fn ipv6_networks_work_as_well() -> turmoil::Result {
    let mut sim = turmoil::Builder::new().ip_version(turmoil::IpVersion::V6).build();
    sim.host("server", || async {
        let listener = TcpListener::bind("[::]:7").await?;
        let (mut stream, peer) = listener.accept().await?;
        assert!(peer.is_ipv6());
        stream.write_all(b"six").await?;
        Ok(())
    });
    sim.client("client", async {
        let mut answer = String::new();
        TcpStream::connect("server:7").await?.read_to_string(&mut answer).await?;
        assert_eq!(answer, "six");
        Ok(())
    });
    sim.run()
}
