//! Looking at a socket (RFC 9293 §3.10.6) changes nothing that its peer could notice.

use twomsl_tcp::{Profile, Prospect, Readiness, SocketError, SocketOption, TcpState};

use super::{profiles, s};
use crate::harness::pair::{Client, Pair, Server};

/// What `peek` shows of the server's text.
fn peek(pair: &mut Pair, limit: usize) -> Result<Vec<u8>, SocketError> {
    let socket = pair.socket(Server);
    let mut shown = Vec::new();
    let octets =
        pair.host(Server).stack.peek(socket, limit, |piece| shown.extend_from_slice(piece))?;
    assert_eq!(octets, shown.len());
    Ok(shown)
}

#[test]
fn peeking_leaves_the_text_for_the_reader() {
    for profile in profiles() {
        let mut pair = Pair::connected(&profile);
        pair.option(Client, SocketOption::NoDelay(true));
        assert_eq!(peek(&mut pair, 9), Err(SocketError::WouldBlock));
        pair.send(Client, b"one ").unwrap();
        pair.send(Client, b"two").unwrap();
        pair.run(s(1));
        let segments = pair.ladder().len();
        assert_eq!(peek(&mut pair, 6), Ok(b"one tw".to_vec()), "over two segments");
        assert_eq!(peek(&mut pair, 9), Ok(b"one two".to_vec()));
        assert_eq!(peek(&mut pair, 0), Ok(Vec::new()));
        assert_eq!(pair.ladder().len(), segments, "no window moved");
        pair.shutdown(Client);
        pair.run(s(1));
        let socket = pair.socket(Server);
        assert_eq!(pair.host(Server).stack.read_prospect(socket), Ok(Prospect::Last));
        assert_eq!(pair.text(Server), b"one two");
        assert_eq!(peek(&mut pair, 9), Ok(Vec::new()), "the end of the file");
    }
}

#[test]
fn a_prospect_of_waiting_ends_with_one_event() {
    let mut pair = Pair::connected(&Profile::linux());
    let socket = pair.socket(Server);
    assert_eq!(pair.host(Server).stack.read_prospect(socket), Ok(Prospect::Wait));
    pair.send(Client, b"hello").unwrap();
    pair.run(s(1));
    assert!(pair.told(Server).contains(&Readiness::Readable));
    let stack = &mut pair.host(Server).stack;
    assert_eq!(stack.read_prospect(socket), Ok(Prospect::Now));
    assert_eq!(stack.write_prospect(socket), Ok(Prospect::Now));
}

#[test]
fn a_full_send_buffer_is_a_prospect_of_waiting() {
    let mut pair = Pair::connected(&Profile::linux());
    pair.cut(Client);
    while pair.send(Client, &[0; 4096]).is_ok() {}
    let socket = pair.socket(Client);
    assert_eq!(pair.host(Client).stack.write_prospect(socket), Ok(Prospect::Wait));
    pair.mend();
    pair.run(s(5));
    assert!(pair.told(Client).contains(&Readiness::Writable));
    assert_eq!(pair.host(Client).stack.write_prospect(socket), Ok(Prospect::Now));
}

/// An error stays pending for as long as it is only looked at.
#[test]
fn the_end_is_a_prospect_of_not_waiting() {
    let mut pair = Pair::connected(&Profile::linux());
    let (client, server) = (pair.socket(Client), pair.socket(Server));
    pair.option(Client, SocketOption::Linger(Some(std::time::Duration::ZERO)));
    pair.close(Client);
    pair.run(s(1));
    let stack = &mut pair.host(Server).stack;
    assert_eq!(stack.state(server), Some(TcpState::Closed));
    assert_eq!(stack.read_prospect(server), Ok(Prospect::Over));
    assert_eq!(stack.write_prospect(server), Ok(Prospect::Over));
    for _ in 0..2 {
        assert_eq!(stack.pending_error(server), Some(SocketError::ConnectionReset));
        assert_eq!(stack.peek(server, 9, |_| {}), Err(SocketError::ConnectionReset));
    }
    assert_eq!(stack.take_error(server), Some(SocketError::ConnectionReset));
    assert_eq!(stack.peek(server, 9, |_| {}), Ok(0));
    let stack = &mut pair.host(Client).stack;
    assert_eq!(stack.state(client), None, "its owner has closed it");
    assert_eq!(stack.read_prospect(client), Err(SocketError::BadSocket));
    assert_eq!(stack.ends(client), Err(SocketError::BadSocket));
    assert!(stack.options(client).is_err());
}

#[test]
fn both_ends_of_a_socket_and_its_options() {
    let mut pair = Pair::connected(&Profile::linux());
    pair.option(Server, SocketOption::NoDelay(true));
    let (client, server) = (pair.socket(Client), pair.socket(Server));
    let service = pair.service();
    let (local, remote) = pair.host(Server).stack.ends(server).unwrap();
    assert_eq!(local, service);
    assert_eq!(pair.host(Client).stack.ends(client), Ok((remote.unwrap(), Some(local))));
    assert!(pair.host(Server).stack.options(server).unwrap().no_delay);
    assert!(!pair.host(Client).stack.options(client).unwrap().no_delay);
}
