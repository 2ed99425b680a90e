//! Every user call in every state (RFC 9293 §3.10.1–3.10.6): one table per call, in the order
//! of the states. A row says what the call answers, what it sends, and where it leads.

use twomsl_tcp::{Profile, Shutdown, SocketError, SocketId, SocketOption, TcpState};

use crate::harness::lab::{Effects, Lab};
use crate::harness::packets::{ours, theirs};
use crate::harness::scene::{Scene, staged};

/// The scenes in which there is a socket to call on, with CLOSED last: a connection that is over
/// while the application still holds it.
fn row(scene: Scene, call: impl Fn(&mut Lab, SocketId) -> String) -> String {
    let mut lab = match scene {
        // A reset has ended the connection, and the application was told.
        Scene::Closed => {
            let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
            let rst = crate::harness::packets::segment(
                crate::harness::packets::RST,
                crate::harness::scene::IRS + 1,
                0,
            );
            lab.arrive(rst);
            lab.stack.take_error(lab.socket());
            lab
        }
        _ => scene.with(staged(Profile::rfc9293())),
    };
    // The listener of SYN-RECEIVED and TIME-WAIT is not what is called.
    let socket = lab.socket.or(lab.listener).expect("there is a socket");
    let answer = call(&mut lab, socket);
    let effects = lab.effects();
    let state = lab.stack.status(socket).map_or(TcpState::Closed, |status| status.state);
    let before = scene.state();
    let moved = if state == before { String::new() } else { format!(" → {state}") };
    format!("{:24}{answer}{}{moved}", format!("{scene:?}"), sent(&effects))
}

fn sent(effects: &Effects) -> String {
    let sent = effects.brief();
    if sent.is_empty() { String::new() } else { format!(", sends {}", sent.join(" and ")) }
}

fn answer<T: std::fmt::Debug>(result: Result<T, SocketError>) -> String {
    match result {
        Ok(value) => format!("ok {value:?}").replace(" ()", ""),
        Err(error) => error.name().to_string(),
    }
}

fn table(call: impl Fn(&mut Lab, SocketId) -> String + Copy) -> String {
    let rows: Vec<_> = Scene::ALL.into_iter().map(|scene| row(scene, call)).collect();
    rows.join("\n")
}

#[test]
fn open_active_on_the_tuple_of_a_connection() {
    // §3.10.1: "error: connection already exists" while there is one.
    insta::assert_snapshot!(table(|lab, _| {
        answer(lab.stack.connect(lab.now, Some(ours()), theirs(), None).map(|_| ()))
    }));
}

#[test]
fn open_active_on_a_socket() {
    // §3.10.1: a listener becomes active; anything else exists already.
    insta::assert_snapshot!(table(|lab, socket| {
        let mut remote = theirs();
        remote.set_port(1);
        answer(lab.stack.connect_listener(lab.now, socket, remote))
    }));
}

#[test]
fn open_passive_on_the_port_of_a_connection() {
    insta::assert_snapshot!(table(|lab, _| {
        answer(lab.stack.listen(lab.now, ours(), 1, None).map(|_| ()))
    }));
}

#[test]
fn send() {
    // §3.10.2: queued before ESTABLISHED; "error: connection closing" once CLOSE was called.
    insta::assert_snapshot!(table(|lab, socket| {
        answer(lab.stack.send(lab.now, socket, b"0123456789"))
    }));
}

#[test]
fn receive() {
    // §3.10.3; the end of the file is what sockets call "error: connection closing".
    insta::assert_snapshot!(table(|lab, socket| {
        answer(lab.stack.receive(lab.now, socket, &mut [0; 10]))
    }));
}

#[test]
fn close_of_the_writing_side() {
    // §3.10.4
    insta::assert_snapshot!(table(|lab, socket| {
        answer(lab.stack.shutdown(lab.now, socket, Shutdown::Write))
    }));
}

#[test]
fn close_twice() {
    // §3.10.4: "as long as a second FIN is not emitted".
    insta::assert_snapshot!(table(|lab, socket| {
        let first = answer(lab.stack.shutdown(lab.now, socket, Shutdown::Write));
        lab.effects();
        let second = answer(lab.stack.shutdown(lab.now, socket, Shutdown::Write));
        format!("{first}, then {second}")
    }));
}

#[test]
fn close_of_the_reading_side() {
    // Not in the RFC: nothing is sent, nothing changes.
    insta::assert_snapshot!(table(|lab, socket| {
        answer(lab.stack.shutdown(lab.now, socket, Shutdown::Read))
    }));
}

#[test]
fn close_of_the_socket() {
    insta::assert_snapshot!(table(|lab, socket| answer(lab.stack.close(lab.now, socket))));
}

#[test]
fn abort() {
    // §3.10.5
    insta::assert_snapshot!(table(|lab, socket| answer(lab.stack.abort(lab.now, socket))));
}

#[test]
fn status() {
    // §3.10.6
    insta::assert_snapshot!(table(|lab, socket| {
        answer(
            lab.stack.status(socket).map(|status| {
                (status.state, status.send_queue, status.receive_queue, status.holder)
            }),
        )
    }));
}

#[test]
fn accept() {
    // Only a listener can.
    insta::assert_snapshot!(table(|lab, socket| {
        answer(lab.stack.accept(lab.now, socket).map(|_| ()))
    }));
}

#[test]
fn set_option() {
    insta::assert_snapshot!(table(|lab, socket| {
        answer(lab.stack.set_option(lab.now, socket, SocketOption::NoDelay(true)))
    }));
}

#[test]
fn no_call_works_on_a_socket_that_was_given_back() {
    for scene in Scene::ALL {
        // Without a socket, or with one that the listener still holds, there is nothing to give.
        if matches!(scene, Scene::Closed | Scene::SynReceivedPassive) {
            continue;
        }
        let mut lab = scene.with(staged(Profile::linux()));
        let socket = lab.socket.or(lab.listener).expect("there is a socket");
        assert_eq!(lab.stack.close(lab.now, socket), Ok(()), "{scene:?}");
        let gone = Err(SocketError::BadSocket);
        assert_eq!(lab.stack.send(lab.now, socket, b"x"), gone, "{scene:?}");
        assert_eq!(lab.stack.receive(lab.now, socket, &mut [0]), gone, "{scene:?}");
        let gone = Err(SocketError::BadSocket);
        assert_eq!(lab.stack.shutdown(lab.now, socket, Shutdown::Both), gone, "{scene:?}");
        assert_eq!(lab.stack.close(lab.now, socket), gone, "{scene:?}");
        assert_eq!(lab.stack.abort(lab.now, socket), gone, "{scene:?}");
    }
}
