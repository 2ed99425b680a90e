//! More cases: several tasks on one socket, readiness that was cleared, and calls that few
//! programs make. As in `cases.rs`, each runs in both worlds.

use std::io::{ErrorKind, IoSliceMut};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::cases::{listener, pair, settle};
use super::net::{TcpListener, TcpSocket, TcpStream};
use super::run;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(3);
/// After which a call that did not return counts as waiting.
const A_WHILE: Duration = Duration::from_millis(300);

// ---- Text ----

#[test]
fn a_read_into_many_buffers_joins_segments_without_gaps() {
    run(async {
        let (client, mut server) = pair().await?;
        server.set_nodelay(true)?;
        for _ in 0..3 {
            server.write_all(b"abc").await?;
            settle().await;
        }
        client.readable().await?;
        let (mut first, mut second) = ([0; 4], [0; 8]);
        let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(client.try_read_vectored(&mut buffers)?, 9);
        assert_eq!((&first, &second), (b"abca", b"bcabc\0\0\0"));
        Ok(())
    });
}

// ---- Several tasks ----

#[test]
fn two_tasks_accept_from_one_listener() {
    run(async {
        let (listener, address) = listener().await?;
        let listener = Arc::new(listener);
        let accept = || {
            let listener = Arc::clone(&listener);
            tokio::spawn(async move { listener.accept().await.map(|(stream, _)| stream) })
        };
        let tasks = [accept(), accept()];
        settle().await;
        let _first = TcpStream::connect(address).await?;
        settle().await;
        let _second = TcpStream::connect(address).await?;
        for task in tasks {
            timeout(PATIENCE, task).await???;
        }
        Ok(())
    });
}

/// The task that was woken for a connection may be gone before it takes it.
#[test]
fn a_connection_waits_for_another_task_when_one_gives_up() {
    run(async {
        let (listener, address) = listener().await?;
        let listener = Arc::new(listener);
        let stays = Arc::clone(&listener);
        let stays = spawn_local(async move { stays.accept().await.map(drop) });
        let goes = spawn_local(async move { listener.accept().await.map(drop) });
        settle().await;
        let _client = TcpStream::connect(address).await?;
        goes.abort();
        timeout(PATIENCE, stays).await???;
        Ok(())
    });
}

#[test]
fn a_connection_that_was_reset_in_the_queue_is_accepted() {
    run(async {
        let (listener, address) = listener().await?;
        let client = TcpStream::connect(address).await?;
        settle().await;
        client.set_zero_linger()?;
        drop(client);
        settle().await;
        let (mut server, _) = timeout(PATIENCE, listener.accept()).await??;
        let error = server.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        Ok(())
    });
}

// ---- Readiness ----

/// A change of one direction tells of the other, too, as `epoll` does.
#[test]
fn readiness_of_both_directions_that_was_cleared_comes_back() {
    run(async {
        let (client, mut server) = pair().await?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let mut buffer = [0; 4];
        client.ready(both).await?;
        let nothing = client.try_io(both, || client.try_read(&mut buffer));
        assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
        server.write_all(b"x").await?;
        settle().await;
        client.readable().await?;
        assert_eq!(client.try_read(&mut buffer)?, 1);
        timeout(PATIENCE, client.writable()).await??;
        Ok(())
    });
}

#[test]
fn readiness_tells_of_text_that_another_task_has_read_since() {
    run(async {
        let (client, mut server) = pair().await?;
        let (mut read, write) = client.into_split();
        let reading = spawn_local(async move { read.read_u8().await.map(|_| read) });
        let waiting =
            spawn_local(async move { write.ready(Interest::READABLE).await.map(|_| write) });
        settle().await;
        server.write_all(b"x").await?;
        let _read = timeout(PATIENCE, reading).await???;
        let _write = timeout(PATIENCE, waiting).await???;
        Ok(())
    });
}

#[test]
fn the_end_of_the_file_cannot_be_cleared() {
    run(async {
        let (client, server) = pair().await?;
        drop(server);
        client.readable().await?;
        let nothing =
            client.try_io(Interest::READABLE, || Err::<(), _>(ErrorKind::WouldBlock.into()));
        assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
        let ready = timeout(PATIENCE, client.ready(Interest::READABLE)).await??;
        assert!(ready.is_read_closed());
        Ok(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn who_waits_for_urgent_text_hears_of_the_end() {
    run(async {
        let (client, server) = pair().await?;
        spawn_local(async move {
            settle().await;
            drop(server);
        });
        let ready = timeout(PATIENCE, client.ready(Interest::PRIORITY)).await??;
        assert!(ready.is_read_closed() && !ready.is_writable());
        Ok(())
    });
}

#[test]
fn who_waits_for_an_error_hears_of_a_reset() {
    run(async {
        let (client, server) = pair().await?;
        spawn_local(async move {
            settle().await;
            server.set_zero_linger().map(|()| drop(server))
        });
        assert!(timeout(PATIENCE, client.ready(Interest::ERROR)).await??.is_error());
        Ok(())
    });
}

/// Writing counts as closed when reading is over, too: `EPOLLHUP`.
#[test]
fn the_end_of_writing_shows_when_both_directions_have_ended() {
    run(async {
        let (mut client, server) = pair().await?;
        client.shutdown().await?;
        let ready = client.ready(Interest::WRITABLE).await?;
        assert!(ready.is_writable() && !ready.is_write_closed());
        drop(server);
        settle().await;
        let ready = client.ready(Interest::WRITABLE).await?;
        assert!(ready.is_write_closed());
        Ok(())
    });
}

// ---- Calls of no octets ----

#[test]
fn a_read_of_no_octets_waits_for_text() {
    run(async {
        let (mut client, mut server) = pair().await?;
        assert_eq!(client.try_read(&mut []).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(timeout(A_WHILE, client.read(&mut [])).await.is_err());
        server.write_all(b"x").await?;
        settle().await;
        assert_eq!(timeout(PATIENCE, client.read(&mut [])).await??, 0);
        assert_eq!(timeout(PATIENCE, client.peek(&mut [])).await??, 0);
        assert_eq!(client.read_u8().await?, b'x');
        drop(server);
        client.readable().await?;
        assert_eq!(timeout(PATIENCE, client.read(&mut [])).await??, 0);
        Ok(())
    });
}

#[test]
fn a_write_of_no_octets_waits_for_room() {
    run(async {
        let (mut client, _server) = pair().await?;
        assert_eq!(client.write(b"").await?, 0);
        let much = vec![0; 65536];
        // Full for good: what was written has moved on to the peer as far as it goes, and no
        // buffer grows any more.
        let mut in_vain = 0;
        while in_vain < 20 {
            if client.try_write(&much).is_ok() {
                in_vain = 0;
            } else {
                in_vain += 1;
                settle().await;
            }
        }
        assert!(timeout(A_WHILE, client.write(b"")).await.is_err());
        Ok(())
    });
}

// ---- Addresses ----

#[test]
fn a_socket_of_the_other_family_does_not_connect() {
    run(async {
        let six = TcpListener::bind("[::1]:0").await?;
        assert!(TcpSocket::new_v4()?.connect(six.local_addr()?).await.is_err());
        let (_four, address) = listener().await?;
        let error = TcpSocket::new_v6()?.connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        Ok(())
    });
}

#[test]
fn nobody_can_listen_on_port_zero() {
    run(async {
        let error = TcpStream::connect("127.0.0.1:0").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn the_port_of_a_client_is_not_reused() {
    run(async {
        let (client, server) = pair().await?;
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        let error = socket.bind(client.local_addr()?).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        // Unlike that of a server, which had it from a listener that allows it.
        socket.bind(server.local_addr()?)?;
        Ok(())
    });
}
