//! `epoll`, pipes, and what moves text between files.

use super::super::super::symbols::{
    EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN,
    EPOLLONESHOT, EPOLLOUT, EPOLLRDHUP, MSG_DONTWAIT, MSG_MORE, POLLHUP, POLLIN, SO_SNDBUF,
};
use super::super::super::system::EpollEvent;
use super::*;

impl Bench {
    fn epoll(&mut self) -> i32 {
        self.result(Request::EpollCreate { flags: 0 }).expect("there is one") as i32
    }

    fn watches(&mut self, epoll: i32, operation: i64, fd: i32, events: i64) -> Result<i64, Errno> {
        let event = Some(EpollEvent { events: events.cast_unsigned() as u32, data: 0 });
        self.result(Request::EpollControl { epoll, operation: operation as i32, fd, event })
    }

    /// The events of an epoll that watches one file; 0 for none.
    fn ready(&mut self, epoll: i32) -> i64 {
        match self.call(Request::EpollWait { epoll, most: 8, timeout: 0 }).output {
            ReplyOutput::Ready(ready) => ready.iter().map(|event| i64::from(event.events)).sum(),
            output => panic!("{output:?}"),
        }
    }

    fn pipe(&mut self) -> (i32, i32) {
        match self.call(Request::Pipe { flags: 0 }).output {
            ReplyOutput::Pipe(read, write) => (read, write),
            output => panic!("{output:?}"),
        }
    }
}

#[test]
fn a_level_is_told_each_time_and_an_edge_once() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let (level, edge) = (bench.epoll(), bench.epoll());
    assert_eq!(bench.watches(level, EPOLL_CTL_ADD, fd, EPOLLIN), Ok(0));
    assert_eq!(bench.watches(edge, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLET), Ok(0));
    assert_eq!((bench.ready(level), bench.ready(edge)), (0, EPOLLOUT));
    assert_eq!((bench.ready(level), bench.ready(edge)), (0, 0));
    bench.gets(Flags::ACK, 1, 1, 300);
    assert_eq!((bench.ready(level), bench.ready(edge)), (EPOLLIN, EPOLLIN | EPOLLOUT));
    assert_eq!((bench.ready(level), bench.ready(edge)), (EPOLLIN, 0));
    bench.gets(Flags::ACK, 301, 1, 300);
    assert_eq!(bench.ready(edge), EPOLLIN | EPOLLOUT, "another edge");
    assert_eq!(bench.reads(fd, 1000), Ok(600));
    assert_eq!((bench.ready(level), bench.ready(edge)), (0, 0));
}

#[test]
fn one_shot_is_told_once_until_it_is_changed() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let epoll = bench.epoll();
    let events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
    assert_eq!(bench.watches(epoll, EPOLL_CTL_ADD, fd, events), Ok(0));
    bench.gets(Flags::FIN | Flags::ACK, 1, 1, 0);
    assert_eq!(bench.ready(epoll), EPOLLIN | EPOLLRDHUP);
    bench.gets(Flags::RST, 2, 0, 0);
    assert_eq!(bench.ready(epoll), 0);
    assert_eq!(bench.watches(epoll, EPOLL_CTL_MOD, fd, events), Ok(0));
    assert_eq!(bench.ready(epoll), EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

#[test]
fn an_epoll_waits() {
    let mut bench = Bench::linux();
    let listener = bench.listener();
    let epoll = bench.epoll();
    assert_eq!(bench.watches(epoll, EPOLL_CTL_ADD, listener, EPOLLIN), Ok(0));
    let call = bench.waits(Request::EpollWait { epoll, most: 1, timeout: -1 });
    bench.peer_connects();
    assert_eq!(bench.returned(call), Some(Ok(1)));
}

#[test]
fn an_epoll_refuses_what_makes_no_sense() {
    let mut bench = Bench::linux();
    let (fd, epoll) = (bench.socket(), bench.epoll());
    let watch = |bench: &mut Bench, operation, fd| bench.watches(epoll, operation, fd, EPOLLIN);
    assert_eq!(watch(&mut bench, EPOLL_CTL_MOD, fd), Err(Errno::ENOENT));
    assert_eq!(watch(&mut bench, EPOLL_CTL_DEL, fd), Err(Errno::ENOENT));
    assert_eq!(watch(&mut bench, EPOLL_CTL_ADD, fd), Ok(0));
    assert_eq!(watch(&mut bench, EPOLL_CTL_ADD, fd), Err(Errno::EEXIST));
    assert_eq!(watch(&mut bench, EPOLL_CTL_ADD, 77), Err(Errno::EBADF));
    assert_eq!(watch(&mut bench, EPOLL_CTL_ADD, epoll), Err(Errno::EINVAL));
    assert_eq!(watch(&mut bench, EPOLL_CTL_DEL, fd), Ok(0));
    let wait = Request::EpollWait { epoll, most: 0, timeout: 0 };
    assert_eq!(bench.result(wait), Err(Errno::EINVAL));
    assert_eq!(bench.result(Request::Listen { fd: epoll, backlog: 1 }), Err(Errno::ENOTSOCK));
}

/// Room that comes back is an edge for who was told that there is none.
#[test]
fn room_is_an_edge_once_it_was_missed() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let epoll = bench.epoll();
    assert_eq!(bench.sets(fd, (SOL_SOCKET, SO_SNDBUF), &4000_i32.to_le_bytes()), Ok(0));
    assert_eq!(bench.watches(epoll, EPOLL_CTL_ADD, fd, EPOLLOUT | EPOLLET), Ok(0));
    assert_eq!(bench.ready(epoll), EPOLLOUT);
    let send = Request::Send { fd, length: 9000, flags: MSG_DONTWAIT as i32 };
    assert_eq!(bench.result(send), Ok(8000));
    bench.gets(Flags::ACK, 1, 1001, 0);
    assert_eq!(bench.ready(epoll), 0);
    bench.gets(Flags::ACK, 1, 8001, 0);
    assert_eq!(bench.ready(epoll), EPOLLOUT);
}

#[test]
fn pipes_pass_octets_on() {
    let mut bench = Bench::linux();
    let (read, write) = bench.pipe();
    assert_eq!(bench.writes(write, 100), Ok(100));
    assert_eq!(bench.polls(read, POLLIN), POLLIN);
    assert_eq!(bench.reads(read, 60), Ok(60));
    assert_eq!(bench.reads(read, 60), Ok(40));
    let call = bench.waits(Request::Read { fd: read, length: 60 });
    assert_eq!(bench.writes(write, 10), Ok(10));
    assert_eq!(bench.returned(call), Some(Ok(10)));
    let call = bench.waits(Request::Write { fd: write, length: 70_000 });
    assert_eq!(bench.reads(read, 10_000), Ok(10_000));
    assert_eq!(bench.returned(call), Some(Ok(70_000)));
    bench.closes(write);
    assert_eq!(bench.reads(read, 100_000), Ok(60_000));
    assert_eq!((bench.reads(read, 100), bench.polls(read, POLLIN)), (Ok(0), POLLHUP));
    assert_eq!(bench.result(Request::Listen { fd: read, backlog: 1 }), Err(Errno::ENOTSOCK));
}

#[test]
fn text_moves_between_a_connection_and_a_pipe() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let (read, write) = bench.pipe();
    let splice = |from, to, length| Request::Splice { from, to, length, flags: 0 };
    let call = bench.waits(splice(fd, write, 1000));
    bench.gets(Flags::ACK, 1, 1, 300);
    assert_eq!(bench.returned(call), Some(Ok(300)));
    let _ack = bench.answer();
    assert_eq!(bench.result(splice(read, fd, 1000)), Ok(300));
    assert_eq!(bench.answer().payload.len(), 300);
    assert_eq!(bench.result(splice(read, fd, 1000)), Err(Errno::EAGAIN));
    bench.closes(write);
    assert_eq!(bench.result(splice(read, fd, 1000)), Ok(0));
    assert_eq!(bench.result(splice(fd, fd, 1000)), Err(Errno::EINVAL));
}

#[test]
fn a_file_is_sent() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let path = "/dev/zero".to_owned();
    let from = bench.result(Request::Open { path, flags: 0 }).expect("it opens") as i32;
    let send = Request::SendFile { to: fd, from, offset: Some(0), length: 700 };
    assert_eq!(bench.result(send), Ok(700));
    assert_eq!(bench.answer().payload.len(), 700);
    let send = Request::SendFile { to: fd, from: fd, offset: None, length: 700 };
    assert_eq!(bench.result(send), Err(Errno::EINVAL));
}

/// What does not fill a segment waits for more, and no longer than for the next write.
#[test]
fn more_that_follows_goes_with_what_was_held_back() {
    let mut bench = Bench::linux();
    let (_, fd) = bench.accepted();
    let send = Request::Send { fd, length: 300, flags: MSG_MORE as i32 };
    assert_eq!(bench.result(send), Ok(300));
    assert!(bench.is_silent());
    assert_eq!(bench.writes(fd, 100), Ok(100));
    assert_eq!(bench.answer().payload.len(), 400);
}
