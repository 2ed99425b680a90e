//! What cannot work says why.

use std::cell::RefCell;
use std::io::{Error, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use twomsl_sockets::Profile;
use twomsl_sockets::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

use crate::{echo, simulation};

#[track_caller]
fn says(error: &Error, kind: ErrorKind, words: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn outside_a_simulation_there_are_no_sockets() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let words = "no turmoil simulation here";
    runtime.block_on(async {
        let error = TcpListener::bind("0.0.0.0:80").await.unwrap_err();
        says(&error, ErrorKind::Other, words);
        let error = TcpStream::connect("10.0.0.1:80").await.unwrap_err();
        says(&error, ErrorKind::Other, words);
        let error = TcpStream::connect("server:80").await.unwrap_err();
        says(&error, ErrorKind::Other, words);
    });
    says(&TcpSocket::new_v4().unwrap_err(), ErrorKind::Other, words);
    says(&twomsl_sockets::start(Profile::linux()).unwrap_err(), ErrorKind::Other, words);
}

/// A thread of the host's runtime is not the thread that turmoil runs the host on.
#[test]
fn a_blocking_thread_is_outside() -> turmoil::Result {
    let mut sim = simulation(1);
    sim.client("client", async {
        let error = tokio::task::spawn_blocking(TcpSocket::new_v4).await?.unwrap_err();
        says(&error, ErrorKind::Other, "on the thread that runs it");
        Ok(())
    });
    sim.run()
}

#[test]
fn a_host_that_does_not_exist_is_not_found() -> turmoil::Result {
    let mut sim = simulation(1);
    sim.client("client", async {
        let error = TcpStream::connect("nobody:80").await.unwrap_err();
        says(&error, ErrorKind::NotFound, "nobody");
        let error = TcpStream::connect("10.9.9.9:80").await.unwrap_err();
        says(&error, ErrorKind::HostUnreachable, "no route to host");
        Ok(())
    });
    sim.run()
}

#[test]
fn an_address_in_use_is_refused_also_across_tasks() -> turmoil::Result {
    let mut sim = simulation(1);
    sim.client("client", async {
        let _first = TcpListener::bind("0.0.0.0:80").await?;
        let second = tokio::spawn(TcpListener::bind("0.0.0.0:80")).await?;
        says(&second.unwrap_err(), ErrorKind::AddrInUse, "address already in use");
        Ok(())
    });
    sim.run()
}

#[test]
fn the_address_of_another_host_is_not_available() -> turmoil::Result {
    let mut sim = simulation(1);
    sim.host("server", echo);
    sim.client("client", async {
        let error = TcpListener::bind("server:80").await.unwrap_err();
        says(&error, ErrorKind::AddrNotAvailable, "cannot assign requested address");
        TcpListener::bind("client:80").await?;
        Ok(())
    });
    sim.run()
}

/// A socket is found in the hands of another host's task, by way of what both share in the test.
#[test]
fn a_socket_stays_with_its_host() -> turmoil::Result {
    let mut sim = simulation(1);
    let shared = Rc::new(RefCell::new(None));
    let (given, taken) = (Rc::clone(&shared), shared);
    sim.host("server", echo);
    sim.client("giver", async move {
        let stream = TcpStream::connect("server:7").await?;
        *given.borrow_mut() = Some(stream);
        Ok(())
    });
    sim.client("taker", async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut stream = taken.take().expect("it was left there");
        let words = "this socket belongs to giver, but was used by a task of another host";
        says(&stream.write_all(b"x").await.unwrap_err(), ErrorKind::Other, words);
        says(&stream.read_u8().await.unwrap_err(), ErrorKind::Other, words);
        says(&stream.readable().await.unwrap_err(), ErrorKind::Other, words);
        Ok(())
    });
    sim.run()
}

/// The test keeps a socket of a host that crashes, and uses it on the host's next life.
#[test]
fn a_socket_does_not_outlive_its_host() -> turmoil::Result {
    let mut sim = simulation(1);
    let shared = Rc::new(RefCell::new(None::<TcpStream>));
    let kept = Rc::clone(&shared);
    sim.host("server", echo);
    sim.host("client", move || {
        let kept = Rc::clone(&kept);
        async move {
            let Some(mut stream) = kept.take() else {
                *kept.borrow_mut() = Some(TcpStream::connect("server:7").await?);
                return std::future::pending().await;
            };
            let error = stream.write_all(b"x").await.unwrap_err();
            says(&error, ErrorKind::ConnectionAborted, "client has crashed");
            drop(stream);
            // The host itself is well.
            TcpStream::connect("server:7").await?;
            Ok(())
        }
    });
    for _ in 0..20 {
        sim.step()?;
    }
    sim.crash("client");
    sim.bounce("client");
    for _ in 0..20 {
        sim.step()?;
    }
    assert!(!sim.is_host_running("client"), "its second life has ended well");
    Ok(())
}

/// Nothing is left of a simulation that is over, though a socket of it is.
#[test]
fn a_socket_does_not_outlive_its_simulation() -> turmoil::Result {
    let shared = Rc::new(RefCell::new(None));
    for _ in 0..2 {
        let kept = Rc::clone(&shared);
        let mut sim = simulation(1);
        sim.host("server", echo);
        sim.client("client", async move {
            if let Some(mut old) = kept.take() {
                let old: &mut TcpStream = &mut old;
                let error = old.write_all(b"x").await.unwrap_err();
                says(&error, ErrorKind::ConnectionAborted, "its simulation is over");
            }
            *kept.borrow_mut() = Some(TcpStream::connect("server:7").await?);
            Ok(())
        });
        sim.run()?;
    }
    // Dropped last, where there is no simulation at all.
    drop(shared);
    Ok(())
}

#[test]
fn the_port_of_segments_is_taken() -> turmoil::Result {
    let mut sim = simulation(1);
    sim.client("client", async {
        let _mine = UdpSocket::bind("0.0.0.0:6").await?;
        let error = TcpListener::bind("0.0.0.0:80").await.unwrap_err();
        says(&error, ErrorKind::AddrInUse, "segments travel between UDP ports 6");
        Ok(())
    });
    sim.run()
}

#[test]
fn a_stack_starts_once() -> turmoil::Result {
    let mut sim = simulation(1);
    sim.client("client", async {
        twomsl_sockets::start(Profile::rfc9293())?;
        let error = twomsl_sockets::start(Profile::linux()).unwrap_err();
        says(&error, ErrorKind::AlreadyExists, "before the first socket");
        Ok(())
    });
    sim.run()
}

#[test]
fn what_has_no_place_in_a_simulation_is_unsupported() -> turmoil::Result {
    let mut sim = simulation(1);
    sim.host("server", echo);
    sim.client("client", async {
        let socket = TcpSocket::new_v4()?;
        let words = "there is no operating system below";
        says(&socket.set_reuseport(true).unwrap_err(), ErrorKind::Unsupported, words);
        says(&socket.bind_device(Some(b"eth0")).unwrap_err(), ErrorKind::Unsupported, words);
        let stream = TcpStream::connect("server:7").await?;
        says(&stream.quickack().unwrap_err(), ErrorKind::Unsupported, words);
        says(&stream.into_std().unwrap_err(), ErrorKind::Unsupported, words);
        Ok(())
    });
    sim.run()
}
