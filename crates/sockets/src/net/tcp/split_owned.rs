//! Halves that own their stream together.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{error, fmt};

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};

use super::{reading_half, reads, writes, writing_half};
use crate::net::TcpStream;

/// The reading half of a stream: see [`TcpStream::into_split`].
#[derive(Debug)]
pub struct OwnedReadHalf {
    stream: Arc<TcpStream>,
}

/// The writing half of a stream: see [`TcpStream::into_split`]. Dropping it ends writing, unless
/// it is [forgotten](Self::forget).
#[derive(Debug)]
pub struct OwnedWriteHalf {
    stream: Arc<TcpStream>,
    at_drop: AtDrop,
}

/// What dropping a writing half does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtDrop {
    EndWriting,
    Nothing,
}

/// The halves are of two streams. It gives them back.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

pub(crate) fn split_owned(stream: TcpStream) -> (OwnedReadHalf, OwnedWriteHalf) {
    let stream = Arc::new(stream);
    let read = OwnedReadHalf { stream: Arc::clone(&stream) };
    (read, OwnedWriteHalf { stream, at_drop: AtDrop::EndWriting })
}

fn reunite(read: OwnedReadHalf, write: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
    if !Arc::ptr_eq(&read.stream, &write.stream) {
        return Err(ReuniteError(read, write));
    }
    write.forget();
    Ok(Arc::into_inner(read.stream).expect("two halves hold a stream, and one is gone"))
}

impl OwnedReadHalf {
    /// Makes one stream of its two halves again.
    ///
    /// # Errors
    /// When the other half is another stream's.
    pub fn reunite(self, other: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
        reunite(self, other)
    }

    fn stream(&self) -> &TcpStream {
        &self.stream
    }

    reading_half!();
}

impl OwnedWriteHalf {
    /// Makes one stream of its two halves again.
    ///
    /// # Errors
    /// When the other half is another stream's.
    pub fn reunite(self, other: OwnedReadHalf) -> Result<TcpStream, ReuniteError> {
        reunite(other, self)
    }

    /// Drops it without ending writing.
    pub fn forget(mut self) {
        self.at_drop = AtDrop::Nothing;
    }

    fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn end_writing(mut self: Pin<&mut Self>) -> io::Result<()> {
        let ended = self.stream.shut_down_writing();
        if ended.is_ok() {
            self.at_drop = AtDrop::Nothing;
        }
        ended
    }

    writing_half!();
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if self.at_drop == AtDrop::EndWriting {
            self.stream.end_writing_later();
        }
    }
}

reads!(OwnedReadHalf);
writes!(OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tried to reunite halves that are not from the same socket")
    }
}

impl error::Error for ReuniteError {}
