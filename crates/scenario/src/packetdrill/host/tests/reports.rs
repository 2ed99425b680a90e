//! The error queue, and what comes beside the text.

use super::super::super::symbols::{
    MSG_ERRQUEUE, MSG_ZEROCOPY, POLLERR, SO_TIMESTAMPING, SO_ZEROCOPY, SOF_TIMESTAMPING_OPT_ID,
    SOF_TIMESTAMPING_SOFTWARE, SOF_TIMESTAMPING_TX_ACK, SOF_TIMESTAMPING_TX_SOFTWARE, SOL_TCP,
    TCP_INQ,
};
use super::super::super::system::ControlMessage;
use super::*;

impl Bench {
    fn message(&mut self, fd: i32, flags: i64) -> (Result<i64, Errno>, Vec<ControlMessage>) {
        let (lengths, flags) = (vec![1000], flags as i32);
        let reply = self.call(Request::ReceiveMessage { fd, lengths, control: 512, flags });
        match reply.output {
            ReplyOutput::Message { control, .. } => (reply.result, control),
            _ => (reply.result, Vec::new()),
        }
    }

    fn sends_without_copy(&mut self, fd: i32, length: usize) {
        let flags = MSG_ZEROCOPY as i32;
        assert_eq!(
            self.result(Request::Send { fd, length, flags }),
            Ok(super::super::count(length))
        );
    }
}

/// `ee_info` and `ee_data` of an extended error.
fn range(message: &ControlMessage) -> (u32, u32) {
    let word =
        |place: usize| u32::from_le_bytes(message.data[place..place + 4].try_into().unwrap());
    (word(8), word(12))
}

#[test]
fn memory_is_free_again_when_all_of_it_is_acknowledged() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    bench.sends_without_copy(fd, 100);
    assert_eq!(bench.sets(fd, (SOL_SOCKET, SO_ZEROCOPY), &[1, 0, 0, 0]), Ok(0));
    for _ in 0..3 {
        bench.sends_without_copy(fd, 500);
    }
    assert_eq!(bench.message(fd, MSG_ERRQUEUE).0, Err(Errno::EAGAIN));
    bench.gets(Flags::ACK, 1, 300, 0);
    assert_eq!((bench.polls(fd, 0), bench.message(fd, MSG_ERRQUEUE).0), (0, Err(Errno::EAGAIN)));
    bench.gets(Flags::ACK, 1, 1101, 0);
    assert_eq!(bench.polls(fd, 0), POLLERR);
    let (result, control) = bench.message(fd, MSG_ERRQUEUE);
    assert_eq!((result, range(&control[0])), (Ok(0), (0, 1)), "two in one report");
    bench.gets(Flags::RST, 1, 0, 0);
    let (_, control) = bench.message(fd, MSG_ERRQUEUE);
    assert_eq!(range(&control[0]), (2, 2), "what was thrown away is free, too");
}

#[test]
fn stamps_tell_when_octets_left_and_were_acknowledged() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let flags = SOF_TIMESTAMPING_SOFTWARE
        | SOF_TIMESTAMPING_OPT_ID
        | SOF_TIMESTAMPING_TX_SOFTWARE
        | SOF_TIMESTAMPING_TX_ACK;
    let flags = (flags as i32).to_le_bytes();
    assert_eq!(bench.sets(fd, (SOL_SOCKET, SO_TIMESTAMPING), &flags), Ok(0));
    bench.pass(Duration::from_millis(1500));
    assert_eq!(bench.writes(fd, 100), Ok(100));
    let (_, control) = bench.message(fd, MSG_ERRQUEUE);
    assert_eq!(control[0].data[..16], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0x65, 0xcd, 0x1d, 0, 0, 0, 0]);
    assert_eq!(range(&control[1]), (0, 99), "SCM_TSTAMP_SND of the last octet");
    bench.pass(Duration::from_millis(20));
    bench.gets(Flags::ACK, 1, 101, 0);
    let (_, control) = bench.message(fd, MSG_ERRQUEUE);
    assert_eq!(range(&control[1]), (2, 99), "SCM_TSTAMP_ACK");
    assert_eq!(bench.message(fd, MSG_ERRQUEUE).0, Err(Errno::EAGAIN));
    let fresh = bench.socket();
    assert_eq!(bench.sets(fresh, (SOL_SOCKET, SO_TIMESTAMPING), &flags), Err(Errno::EINVAL));
}

#[test]
fn what_is_left_to_read_is_told_beside_the_text() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    bench.gets(Flags::ACK, 1, 1, 1400);
    assert_eq!(bench.message(fd, 0), (Ok(1000), Vec::new()));
    assert_eq!(bench.sets(fd, (SOL_TCP, TCP_INQ), &[1, 0, 0, 0]), Ok(0));
    bench.gets(Flags::FIN | Flags::ACK, 1401, 1, 700);
    let (result, control) = bench.message(fd, 0);
    assert_eq!((result, control[0].data.as_slice()), (Ok(1000), [101, 0, 0, 0].as_slice()));
}
