//! Pipes, and what moves text between files: `splice`, `sendfile`. Text is zeros, so that a pipe
//! is a number of octets.

use std::collections::BTreeMap;

use super::super::symbols::{
    MSG_DONTWAIT, MSG_MORE, O_NONBLOCK, POLLERR, POLLHUP, SPLICE_F_MORE, SPLICE_F_NONBLOCK,
};
use super::super::system::{Errno, Reply, ReplyOutput};
use super::files::{Blocking, File};
use super::polling::{READABLE, WRITABLE};
use super::reading::Reading;
use super::waiting::{Limit, Pending};
use super::writing::Writing;
use super::{Host, count};

/// A pipe of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PipeId(u32);

#[derive(Debug, Default)]
pub(super) struct Pipes {
    all: BTreeMap<PipeId, Pipe>,
    made: u32,
}

#[derive(Debug)]
struct Pipe {
    octets: usize,
    reader: End,
    writer: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Closed,
}

/// `PIPE_DEF_BUFFERS` pages.
const CAPACITY: usize = 16 * 4096;

impl Pipes {
    fn make(&mut self) -> PipeId {
        let id = PipeId(self.made);
        self.made += 1;
        self.all.insert(id, Pipe { octets: 0, reader: End::Open, writer: End::Open });
        id
    }

    pub(super) fn close(&mut self, file: &File) {
        match file {
            File::PipeRead(id, _) => {
                if let Some(pipe) = self.all.get_mut(id) {
                    pipe.reader = End::Closed;
                }
            }
            File::PipeWrite(id, _) => {
                if let Some(pipe) = self.all.get_mut(id) {
                    pipe.writer = End::Closed;
                }
            }
            _ => {}
        }
    }

    /// Octets in it.
    pub(super) fn filled(&self, id: PipeId) -> usize {
        self.all.get(&id).map_or(0, |pipe| pipe.octets)
    }

    /// Octets it has room for.
    pub(super) fn room(&self, id: PipeId) -> usize {
        CAPACITY.saturating_sub(self.filled(id))
    }

    pub(super) fn put(&mut self, id: PipeId, octets: usize) {
        if let Some(pipe) = self.all.get_mut(&id) {
            pipe.octets += octets;
        }
    }

    pub(super) fn take(&mut self, id: PipeId, octets: usize) {
        if let Some(pipe) = self.all.get_mut(&id) {
            pipe.octets = pipe.octets.saturating_sub(octets);
        }
    }

    pub(super) fn has_reader(&self, id: PipeId) -> bool {
        self.all.get(&id).is_some_and(|pipe| pipe.reader == End::Open)
    }

    pub(super) fn has_writer(&self, id: PipeId) -> bool {
        self.all.get(&id).is_some_and(|pipe| pipe.writer == End::Open)
    }

    /// `pipe_poll` of either end.
    pub(super) fn readable(&self, id: PipeId) -> i64 {
        let text = if self.filled(id) > 0 { READABLE } else { 0 };
        text | if self.has_writer(id) { 0 } else { POLLHUP }
    }

    pub(super) fn writable(&self, id: PipeId) -> i64 {
        let room = if self.room(id) > 0 { WRITABLE } else { 0 };
        room | if self.has_reader(id) { 0 } else { POLLERR }
    }
}

impl Host {
    pub(super) fn pipe(&mut self, flags: i32) -> Reply {
        let nonblock = i64::from(flags) & O_NONBLOCK != 0;
        let blocking = if nonblock { Blocking::No } else { Blocking::Yes };
        let id = self.files.pipes.make();
        let read = self.files.open(File::PipeRead(id, blocking));
        let write = self.files.open(File::PipeWrite(id, blocking));
        Reply { result: Ok(0), output: ReplyOutput::Pipe(read, write) }
    }

    /// `do_splice`: one of the two is a pipe; what the other one is decides who waits.
    pub(super) fn begin_splice(
        &mut self,
        from: i32,
        to: i32,
        length: usize,
        flags: i32,
    ) -> Result<(Pending, Limit), Errno> {
        let flags = i64::from(flags);
        let mut how = if flags & SPLICE_F_NONBLOCK != 0 { MSG_DONTWAIT } else { 0 };
        match (self.files.get(from)?, self.files.get(to)?) {
            (File::Socket(_), File::PipeWrite(pipe, _)) => {
                if !self.files.pipes.has_reader(*pipe) {
                    return Err(Errno::EPIPE);
                }
                let length = length.min(self.files.pipes.room(*pipe));
                self.begin_read(Reading::into_pipe(from, length, how, *pipe))
            }
            (File::PipeRead(pipe, _), File::Socket(_)) => {
                let filled = self.files.pipes.filled(*pipe);
                if filled == 0 && self.files.pipes.has_writer(*pipe) && length > 0 {
                    return Err(Errno::EAGAIN);
                }
                if flags & SPLICE_F_MORE != 0 {
                    how |= MSG_MORE;
                }
                self.begin_write(Writing::from_pipe(to, length.min(filled), how, *pipe))
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// A file that was opened has text without end.
    pub(super) fn begin_send_file(
        &mut self,
        to: i32,
        from: i32,
        length: usize,
    ) -> Result<(Pending, Limit), Errno> {
        match self.files.get(from)? {
            File::Source => self.begin_write(Writing::of_file(to, length)),
            _ => Err(Errno::EINVAL),
        }
    }

    /// `pipe_read`: it takes what is there.
    pub(super) fn read_pipe(&mut self, pipe: PipeId, length: usize) -> Option<Result<i64, Errno>> {
        let octets = self.files.pipes.filled(pipe).min(length);
        self.files.pipes.take(pipe, octets);
        if octets > 0 || !self.files.pipes.has_writer(pipe) {
            return Some(Ok(count(octets)));
        }
        None
    }

    /// `pipe_write`: how much of it there was room for.
    pub(super) fn write_pipe(&mut self, pipe: PipeId, length: usize) -> Result<usize, Errno> {
        if !self.files.pipes.has_reader(pipe) {
            return Err(Errno::EPIPE);
        }
        let octets = self.files.pipes.room(pipe).min(length);
        self.files.pipes.put(pipe, octets);
        Ok(octets)
    }
}
