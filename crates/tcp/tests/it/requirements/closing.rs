//! RFC 9293 §3.5.3 and §3.6: resets and closing.

use twomsl_tcp::{Profile, Readiness, SocketError, TcpState};

use crate::harness::packets::{ACK, FIN, RST, Shape as _, segment};
use crate::harness::scene::{IRS, Scene, staged};

#[test]
fn an_application_hears_whether_its_connection_was_closed_or_aborted() {
    // MUST-12.
    let closed = {
        let mut lab = Scene::LastAck.with(staged(Profile::rfc9293()));
        let nxt = lab.detail().snd_nxt;
        lab.arrive(segment(ACK, IRS + 2, nxt)).1.told()
    };
    assert_eq!(closed, [Readiness::Closed]);
    let aborted = {
        let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
        lab.arrive(segment(RST, IRS + 1, 0)).1.told()
    };
    assert_eq!(aborted, [Readiness::Failed(SocketError::ConnectionReset)]);
    // A reader knows, too: the end of the file, or an error.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    lab.arrive(segment(FIN | ACK, IRS + 1, lab.detail().snd_nxt));
    assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut [0; 8]), Ok(0));
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    lab.arrive(segment(RST, IRS + 1, 0));
    let read = lab.stack.receive(lab.now, lab.socket(), &mut [0; 8]);
    assert_eq!(read, Err(SocketError::ConnectionReset));
}

#[test]
fn a_reset_with_text_is_a_reset() {
    // SHLD-2: the text says why, for people; it is not the application's.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    let (arrival, effects) = lab.arrive(segment(RST, IRS + 1, 0).text(b"out of memory"));
    assert_eq!((arrival.text, lab.state()), (0, TcpState::Closed));
    assert_eq!(effects.told(), [Readiness::Failed(SocketError::ConnectionReset)]);
}
