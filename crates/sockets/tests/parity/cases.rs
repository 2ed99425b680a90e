//! The cases. `net` is the module under test, `run` runs a case in its world.
//!
//! Long because it is one list, included twice: a file beside it would be included by neither.

use std::future::{Future, poll_fn};
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest, ReadBuf};
use tokio::task::spawn_local;

use super::net::tcp::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};
use super::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use super::run;

/// A free port of this host, and somebody who listens there.
pub(super) async fn listener() -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Both ends of a connection.
pub(super) async fn pair() -> std::io::Result<(TcpStream, TcpStream)> {
    let (listener, address) = listener().await?;
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    Ok((client?, accepted?.0))
}

/// Lets what is under way arrive.
pub(super) async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Polls once, for nobody.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

// ---- Opening ----

#[test]
fn both_ends_know_each_other() {
    run(async {
        let (listener, address) = listener().await?;
        assert!(address.port() != 0 && address.ip() == Ipv4Addr::LOCALHOST);
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (client, (server, peer)) = (client?, accepted?);
        assert_eq!(client.peer_addr()?, address);
        assert_eq!(server.local_addr()?, address);
        assert_eq!(client.local_addr()?, peer);
        assert_eq!(server.peer_addr()?, peer);
        assert!(client.take_error()?.is_none());
        assert!(format!("{client:?} {listener:?}").contains(&address.to_string()));
        Ok(())
    });
}

#[test]
fn a_port_has_one_listener() {
    run(async {
        let (listener, address) = listener().await?;
        assert_eq!(TcpListener::bind(address).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        let all = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
        assert_eq!(TcpListener::bind(all).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(listener);
        TcpListener::bind(address).await?;
        Ok(())
    });
}

#[test]
fn nobody_listens_where_a_listener_was() {
    run(async {
        let (listener, address) = listener().await?;
        drop(listener);
        let error = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn an_address_of_somebody_else_is_not_available() {
    run(async {
        let error = TcpListener::bind("192.0.2.1:80").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        Ok(())
    });
}

#[test]
fn addresses_come_in_many_forms() {
    run(async {
        let (_listener, address) = listener().await?;
        let port = address.port();
        TcpStream::connect(address).await?;
        TcpStream::connect(&address).await?;
        TcpStream::connect(address.to_string()).await?;
        TcpStream::connect(address.to_string().as_str()).await?;
        TcpStream::connect(("127.0.0.1", port)).await?;
        TcpStream::connect(("127.0.0.1".to_string(), port)).await?;
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        TcpStream::connect((address.ip(), port)).await?;
        TcpStream::connect(&[address][..]).await?;
        TcpStream::connect(format!("localhost:{port}")).await?;
        TcpStream::connect(("0.0.0.0", port)).await?;
        assert!(lookup_host(("127.0.0.1", port)).await?.any(|found| found == address));
        Ok(())
    });
}

#[test]
fn what_is_no_address_is_invalid() {
    run(async {
        for nonsense in ["nonsense", "127.0.0.1:many", ":"] {
            let error = TcpStream::connect(nonsense).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{nonsense}: {error}");
        }
        let nowhere: &[SocketAddr] = &[];
        let error = TcpStream::connect(nowhere).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        Ok(())
    });
}

#[test]
fn connecting_tries_one_address_after_the_other() {
    run(async {
        let (gone, dead) = listener().await?;
        drop(gone);
        let (_listener, address) = listener().await?;
        let stream = TcpStream::connect(&[dead, address][..]).await?;
        assert_eq!(stream.peer_addr()?, address);
        let error = TcpStream::connect(&[dead, dead][..]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn accepting_can_be_polled_and_given_up() {
    run(async {
        let (listener, address) = listener().await?;
        {
            let mut accepting = pin!(listener.accept());
            assert!(poll_once(accepting.as_mut()).is_pending());
        }
        let first = TcpStream::connect(address).await?;
        let second = TcpStream::connect(address).await?;
        let (_, peer) = poll_fn(|cx| listener.poll_accept(cx)).await?;
        assert_eq!(peer, first.local_addr()?);
        let (_, peer) = listener.accept().await?;
        assert_eq!(peer, second.local_addr()?);
        Ok(())
    });
}

// ---- Text ----

#[test]
fn text_goes_both_ways_and_ends() {
    run(async {
        let (mut client, mut server) = pair().await?;
        client.write_all(b"question").await?;
        let mut text = [0; 8];
        server.read_exact(&mut text).await?;
        assert_eq!(&text, b"question");
        server.write_all(b"answer").await?;
        server.shutdown().await?;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await?;
        assert_eq!(answer, "answer");
        assert_eq!(client.read(&mut text).await?, 0, "the end stays the end");
        client.write_all(b"more").await?;
        drop(client);
        let mut more = String::new();
        server.read_to_string(&mut more).await?;
        assert_eq!(more, "more");
        Ok(())
    });
}

#[test]
fn an_end_too_early_is_unexpected() {
    run(async {
        let (mut client, mut server) = pair().await?;
        server.write_all(b"abc").await?;
        drop(server);
        let error = client.read_exact(&mut [0; 4]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        Ok(())
    });
}

#[test]
fn megabytes_pass_through_small_buffers() {
    run(async {
        let (mut client, mut server) = pair().await?;
        let text: Vec<u8> = (0..3_000_000_u32).map(|place| (place % 253) as u8).collect();
        let sent = text.clone();
        let writer = spawn_local(async move {
            client.write_all(&sent).await?;
            client.shutdown().await
        });
        let (mut received, mut buffer) = (Vec::new(), [0; 777]);
        loop {
            match server.read(&mut buffer).await? {
                0 => break,
                octets => received.extend_from_slice(&buffer[..octets]),
            }
        }
        writer.await??;
        assert!(received == text);
        Ok(())
    });
}

#[test]
fn peeking_takes_nothing() {
    run(async {
        let (client, mut server) = pair().await?;
        server.write_all(b"hello").await?;
        let mut buffer = [0; 16];
        assert_eq!(client.peek(&mut buffer).await?, 5);
        assert_eq!(client.peek(&mut buffer[..2]).await?, 2);
        assert_eq!(client.try_read(&mut buffer)?, 5);
        assert_eq!(&buffer[..5], b"hello");
        let mut space = ReadBuf::new(&mut buffer);
        let peeked = poll_fn(|cx| Poll::Ready(client.poll_peek(cx, &mut space))).await;
        assert!(peeked.is_pending());
        drop(server);
        let mut buffer = [0; 16];
        assert_eq!(client.peek(&mut buffer).await?, 0);
        Ok(())
    });
}

// ---- Readiness ----

#[test]
fn trying_to_read_does_not_wait() {
    run(async {
        let (client, mut server) = pair().await?;
        let mut buffer = [0; 16];
        // Tokio does not know before it has tried.
        assert_eq!(client.try_read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        server.write_all(b"hello").await?;
        client.readable().await?;
        assert_eq!(client.try_read(&mut buffer[..3])?, 3);
        assert_eq!(client.try_read(&mut buffer[..3])?, 2);
        assert_eq!(client.try_read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(server);
        client.readable().await?;
        assert_eq!(client.try_read(&mut buffer)?, 0);
        Ok(())
    });
}

#[test]
fn buffers_may_be_many() {
    run(async {
        let (client, server) = pair().await?;
        client.writable().await?;
        let words = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two three")];
        assert_eq!(client.try_write_vectored(&words)?, 13);
        server.readable().await?;
        let (mut a, mut b) = ([0; 5], [0; 5]);
        let mut places = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
        assert_eq!(server.try_read_vectored(&mut places)?, 10);
        assert_eq!((&a, &b), (b"one t", b"wo th"));
        let mut rest = Vec::with_capacity(2);
        assert_eq!(server.try_read_buf(&mut rest)?, 2);
        assert_eq!(server.try_read_buf(&mut rest)?, 1);
        assert_eq!(rest, b"ree");
        Ok(())
    });
}

#[test]
fn a_full_buffer_blocks_the_writer_until_the_reader_reads() {
    run(async {
        let (client, mut server) = pair().await?;
        client.writable().await?;
        let mut written = 0_u64;
        loop {
            match client.try_write(&[7; 4096]) {
                Ok(octets) => written += octets as u64,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    // What is under way makes room: only the reader's window is left in the end.
                    let more = tokio::time::timeout(Duration::from_millis(300), client.writable());
                    if more.await.is_err() {
                        break;
                    }
                }
            }
        }
        let reader = spawn_local(async move {
            let mut buffer = vec![0; 1 << 16];
            let mut read = 0;
            while read < written {
                read += server.read(&mut buffer).await? as u64;
            }
            std::io::Result::Ok(server)
        });
        client.writable().await?;
        assert!(client.try_write(b"x")? > 0);
        reader.await??;
        Ok(())
    });
}

#[test]
fn readiness_has_its_flags() {
    run(async {
        let (client, mut server) = pair().await?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let ready = client.ready(both).await?;
        assert!(ready.is_writable() && !ready.is_read_closed());
        server.write_all(b"hello").await?;
        let ready = client.ready(Interest::READABLE).await?;
        assert!(ready.is_readable() && !ready.is_writable());
        drop(server);
        settle().await;
        let ready = client.ready(both).await?;
        assert!(ready.is_readable() && ready.is_read_closed() && ready.is_writable());
        Ok(())
    });
}

#[test]
fn readiness_can_be_polled() {
    run(async {
        let (client, mut server) = pair().await?;
        poll_fn(|cx| client.poll_write_ready(cx)).await?;
        assert!(client.try_read(&mut [0; 1]).is_err());
        let pending = poll_fn(|cx| Poll::Ready(client.poll_read_ready(cx))).await;
        assert!(pending.is_pending());
        server.write_all(b"x").await?;
        poll_fn(|cx| client.poll_read_ready(cx)).await?;
        assert_eq!(client.try_read(&mut [0; 2])?, 1);
        Ok(())
    });
}

#[test]
fn many_may_wait_for_one_socket() {
    run(async {
        let (client, mut server) = pair().await?;
        let waiting = async {
            tokio::join!(client.readable(), client.readable(), client.ready(Interest::READABLE))
        };
        let writing = async {
            settle().await;
            server.write_all(b"x").await
        };
        let ((first, second, third), written) = tokio::join!(waiting, writing);
        first?;
        second?;
        written?;
        assert!(third?.is_readable());
        Ok(())
    });
}

#[test]
fn io_of_ones_own_waits_for_readiness() {
    run(async {
        let (client, mut server) = pair().await?;
        let mut buffer = [0; 8];
        let read = client.try_io(Interest::READABLE, || client.try_read(&mut buffer));
        assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
        spawn_local(async move {
            settle().await;
            server.write_all(b"own").await.map(|()| server)
        });
        let octets = client.async_io(Interest::READABLE, || client.try_read(&mut buffer)).await?;
        assert_eq!(&buffer[..octets], b"own");
        Ok(())
    });
}

/// Readiness that was not enough does not count again: tokio clears it.
#[test]
fn waiting_for_more_than_there_is_waits_for_a_change() {
    run(async {
        let (client, mut server) = pair().await?;
        server.write_all(b"12").await?;
        spawn_local(async move {
            settle().await;
            server.write_all(b"34").await?;
            settle().await;
            server.write_all(b"5").await.map(|()| server)
        });
        let mut changes = 0;
        let mut seen = [0; 8];
        let four = client
            .async_io(Interest::READABLE, || {
                changes += 1;
                match peek_now(&client, &mut seen)? {
                    octets if octets < 4 => Err(ErrorKind::WouldBlock.into()),
                    octets => Ok(octets),
                }
            })
            .await?;
        assert!(four == 4 && changes <= 3, "{four} octets after {changes} looks");
        loop {
            client.readable().await?;
            let five = client.try_io(Interest::READABLE, || {
                changes += 1;
                match peek_now(&client, &mut seen)? {
                    octets if octets < 5 => Err(ErrorKind::WouldBlock.into()),
                    octets => Ok(octets),
                }
            });
            match five {
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                Ok(octets) => break assert_eq!(octets, 5),
            }
        }
        assert!(changes <= 6, "{changes} looks");
        Ok(())
    });
}

/// What there is to read, without waiting.
fn peek_now(stream: &TcpStream, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut buffer = ReadBuf::new(buffer);
    match stream.poll_peek(&mut Context::from_waker(Waker::noop()), &mut buffer) {
        Poll::Ready(octets) => octets,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

// ---- Halves ----

#[test]
fn halves_work_at_the_same_time() {
    run(async {
        let (mut client, server) = pair().await?;
        let echo = spawn_local(async move {
            let (mut read, mut write) = server.into_split();
            tokio::io::copy(&mut read, &mut write).await
        });
        let (mut read, mut write) = client.split();
        let mut answer = [0; 5];
        let writing = write.write_all(b"hello");
        tokio::try_join!(writing, read.read_exact(&mut answer))?;
        assert_eq!(&answer, b"hello");
        assert_eq!(read.peer_addr()?, write.peer_addr()?);
        assert_eq!(read.local_addr()?, write.local_addr()?);
        write.shutdown().await?;
        assert_eq!(read.read(&mut answer).await?, 0, "the echo has seen the end");
        assert_eq!(echo.await??, 5);
        client.peer_addr().unwrap_err();
        Ok(())
    });
}

#[test]
fn halves_are_reunited_with_their_own() {
    run(async {
        let (client, server) = pair().await?;
        let (read, write) = client.into_split();
        let (other_read, other_write) = server.into_split();
        let ReuniteError(read, other_write) = read.reunite(other_write).unwrap_err();
        let error = other_write.reunite(read).unwrap_err();
        assert_eq!(error.to_string(), "tried to reunite halves that are not from the same socket");
        let ReuniteError(read, other_write): ReuniteError = error;
        let halves: (OwnedReadHalf, OwnedWriteHalf) = (read, write);
        let mut client = halves.0.reunite(halves.1)?;
        let mut server = other_write.reunite(other_read)?;
        client.write_all(b"whole").await?;
        let mut text = [0; 5];
        server.read_exact(&mut text).await?;
        assert_eq!(&text, b"whole");
        Ok(())
    });
}

#[test]
fn a_writing_half_ends_writing_when_it_goes() {
    run(async {
        let (client, mut server) = pair().await?;
        let (mut read, write) = client.into_split();
        drop(write);
        assert_eq!(server.read(&mut [0; 1]).await?, 0);
        server.write_all(b"still").await?;
        let mut text = [0; 5];
        read.read_exact(&mut text).await?;
        assert_eq!(&text, b"still");
        Ok(())
    });
}

#[test]
fn a_writing_half_that_is_forgotten_ends_nothing() {
    run(async {
        let (client, mut server) = pair().await?;
        let (read, write) = client.into_split();
        write.forget();
        let mut octet = [0; 1];
        let end = tokio::time::timeout(Duration::from_millis(200), server.read(&mut octet));
        assert!(end.await.is_err());
        drop(read);
        assert_eq!(server.read(&mut octet).await?, 0);
        Ok(())
    });
}

#[test]
fn halves_have_the_methods_of_the_stream() {
    run(async {
        let (client, server) = pair().await?;
        let (mut read, write) = client.into_split();
        let (other_read, other_write) = server.into_split();
        other_write.writable().await?;
        assert_eq!(other_write.try_write(b"abc")?, 3);
        let words = [IoSlice::new(b"de"), IoSlice::new(b"f")];
        assert_eq!(other_write.try_write_vectored(&words)?, 3);
        settle().await;
        assert!(read.ready(Interest::READABLE).await?.is_readable());
        read.readable().await?;
        let mut buffer = [0; 8];
        assert_eq!(read.peek(&mut buffer).await?, 6);
        assert_eq!(read.try_read(&mut buffer[..2])?, 2);
        assert_eq!(read.try_read_vectored(&mut [IoSliceMut::new(&mut buffer[..2])])?, 2);
        assert_eq!(read.try_read_buf(&mut Vec::with_capacity(8))?, 2);
        assert!(write.ready(Interest::WRITABLE).await?.is_writable());
        assert_eq!(other_read.peer_addr()?, write.local_addr()?);
        let whole: &TcpStream = read.as_ref();
        assert_eq!(whole.local_addr()?, write.as_ref().local_addr()?);
        Ok(())
    });
}

// ---- Closing ----

#[test]
fn nothing_is_written_after_the_end() {
    run(async {
        let (mut client, mut server) = pair().await?;
        client.shutdown().await?;
        client.shutdown().await?;
        let error = client.write_all(b"late").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(server.read(&mut [0; 1]).await?, 0);
        Ok(())
    });
}

#[test]
fn a_close_without_linger_resets() {
    run(async {
        let (mut client, server) = pair().await?;
        server.set_zero_linger()?;
        assert_eq!(server.linger()?, Some(Duration::ZERO));
        drop(server);
        let error = client.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(client.read(&mut [0; 1]).await?, 0, "it is told once");
        assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(client.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
        client.shutdown().await?;
        Ok(())
    });
}

#[test]
fn an_error_can_be_taken_before_it_is_met() {
    run(async {
        let (client, server) = pair().await?;
        server.set_zero_linger()?;
        drop(server);
        settle().await;
        let ready = client.ready(Interest::READABLE | Interest::ERROR).await?;
        assert!(ready.is_readable());
        let error = client.take_error()?.expect("the connection was reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(client.take_error()?.is_none());
        assert_eq!(client.try_read(&mut [0; 1])?, 0);
        Ok(())
    });
}

#[test]
fn a_close_with_unread_text_resets() {
    run(async {
        let (mut client, server) = pair().await?;
        client.write_all(b"nobody reads this").await?;
        settle().await;
        drop(server);
        let error = client.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        Ok(())
    });
}

/// The peer has closed in order. The first write is answered with a reset, of which the second
/// hears.
#[test]
fn writing_to_a_peer_that_has_gone_breaks() {
    run(async {
        let (mut client, server) = pair().await?;
        drop(server);
        settle().await;
        client.write_all(b"first").await?;
        settle().await;
        let error = client.write_all(b"second").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        Ok(())
    });
}

#[test]
fn connections_in_the_queue_die_with_their_listener() {
    run(async {
        let (listener, address) = listener().await?;
        let mut client = TcpStream::connect(address).await?;
        settle().await;
        drop(listener);
        let error = client.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        Ok(())
    });
}

// ---- Options ----

#[test]
fn a_stream_has_its_options() {
    run(async {
        let (client, server) = pair().await?;
        assert!(!client.nodelay()?);
        client.set_nodelay(true)?;
        assert!(client.nodelay()? && !server.nodelay()?);
        assert_eq!(client.linger()?, None);
        assert_eq!(client.ttl()?, 64);
        client.set_ttl(63)?;
        assert_eq!((client.ttl()?, server.ttl()?), (63, 64));
        assert_eq!(client.set_ttl(256).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(client.set_ttl(0).unwrap_err().kind(), ErrorKind::InvalidInput);
        Ok(())
    });
}

#[test]
fn a_socket_takes_its_options_along() {
    run(async {
        let (listener, address) = listener().await?;
        let socket = TcpSocket::new_v4()?;
        socket.set_nodelay(true)?;
        socket.set_keepalive(true)?;
        socket.set_reuseaddr(true)?;
        socket.set_zero_linger()?;
        assert!(socket.nodelay()? && socket.keepalive()? && socket.reuseaddr()?);
        assert_eq!(socket.linger()?, Some(Duration::ZERO));
        assert!(socket.take_error()?.is_none());
        assert_eq!(socket.local_addr()?, "0.0.0.0:0".parse()?);
        socket.bind("127.0.0.1:0".parse()?)?;
        let local = socket.local_addr()?;
        assert_ne!(local.port(), 0);
        assert_eq!(socket.bind(local).unwrap_err().kind(), ErrorKind::InvalidInput);
        let stream = socket.connect(address).await?;
        assert_eq!(stream.local_addr()?, local);
        assert!(stream.nodelay()?);
        assert_eq!(listener.accept().await?.1, local);
        Ok(())
    });
}

#[test]
fn a_bound_socket_keeps_its_port() {
    run(async {
        let first = TcpSocket::new_v4()?;
        first.bind("127.0.0.1:0".parse()?)?;
        let address = first.local_addr()?;
        let second = TcpSocket::new_v4()?;
        assert_eq!(second.bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(first);
        second.bind(address)?;
        let listener = second.listen(8)?;
        assert_eq!(listener.local_addr()?, address);
        TcpStream::connect(address).await?;
        Ok(())
    });
}

#[test]
fn a_listener_restarts_while_old_connections_linger() {
    run(async {
        let (listener, address) = listener().await?;
        let client = TcpStream::connect(address).await?;
        let (server, _) = listener.accept().await?;
        // The server's end goes to TIME-WAIT.
        drop(server);
        settle().await;
        drop(client);
        settle().await;
        drop(listener);
        let strict = TcpSocket::new_v4()?;
        strict.set_reuseaddr(false)?;
        assert_eq!(strict.bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
        TcpListener::bind(address).await?;
        Ok(())
    });
}

#[test]
fn a_socket_of_the_other_family_does_not_bind() {
    run(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind("[::1]:0".parse()?).unwrap_err();
        Ok(())
    });
}

#[test]
fn a_listener_has_its_options() {
    run(async {
        let (listener, _) = listener().await?;
        assert_eq!(listener.ttl()?, 64);
        listener.set_ttl(64)?;
        Ok(())
    });
}

// ---- Tasks ----

/// What a work-stealing runtime asks of its tasks.
#[test]
fn everything_can_wander_between_threads() {
    fn wanders<T: Send + Sync + Unpin + 'static>() {}
    fn future_wanders<F: Future + Send>(future: F) -> F {
        future
    }
    wanders::<TcpListener>();
    wanders::<TcpStream>();
    wanders::<TcpSocket>();
    wanders::<OwnedReadHalf>();
    wanders::<OwnedWriteHalf>();
    run(async {
        let (listener, address) = future_wanders(listener()).await?;
        let accepting = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            stream.write_all(b"spawned").await
        });
        let mut stream = future_wanders(TcpStream::connect(address)).await?;
        future_wanders(stream.readable()).await?;
        let mut text = String::new();
        future_wanders(stream.read_to_string(&mut text)).await?;
        assert_eq!(text, "spawned");
        accepting.await??;
        Ok(())
    });
}

#[test]
fn a_connection_attempt_can_be_given_up() {
    run(async {
        let (listener, address) = listener().await?;
        {
            let mut connecting = pin!(TcpStream::connect(address));
            assert!(poll_once(connecting.as_mut()).is_pending());
        }
        let client = TcpStream::connect(address).await?;
        loop {
            // The one that was given up may have got as far as the queue.
            if listener.accept().await?.1 == client.local_addr()? {
                return Ok(());
            }
        }
    });
}
