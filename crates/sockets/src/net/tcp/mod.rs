//! `tokio::net::tcp`: the halves of streams.

mod split;
mod split_owned;

pub(crate) use split::split;
pub use split::{ReadHalf, WriteHalf};
pub(crate) use split_owned::split_owned;
pub use split_owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};

/// The methods of every reading half: those of the stream. `$stream` is where it is.
macro_rules! reading_half {
    () => {
        /// See [`TcpStream::poll_peek`].
        pub fn poll_peek(
            &mut self,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<usize>> {
            self.stream().poll_peek(cx, buf)
        }

        /// See [`TcpStream::peek`].
        ///
        /// # Errors
        /// Those of [`TcpStream::peek`].
        pub async fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.stream().peek(buf).await
        }

        /// See [`TcpStream::ready`].
        ///
        /// # Errors
        /// Those of [`TcpStream::ready`].
        pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
            self.stream().ready(interest).await
        }

        /// See [`TcpStream::readable`].
        ///
        /// # Errors
        /// Those of [`TcpStream::readable`].
        pub async fn readable(&self) -> io::Result<()> {
            self.stream().readable().await
        }

        /// See [`TcpStream::try_read`].
        ///
        /// # Errors
        /// Those of [`TcpStream::try_read`].
        pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
            self.stream().try_read(buf)
        }

        /// See [`TcpStream::try_read_vectored`].
        ///
        /// # Errors
        /// Those of [`TcpStream::try_read_vectored`].
        pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
            self.stream().try_read_vectored(bufs)
        }

        /// See [`TcpStream::try_read_buf`].
        ///
        /// # Errors
        /// Those of [`TcpStream::try_read_buf`].
        pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
            self.stream().try_read_buf(buf)
        }

        /// See [`TcpStream::peer_addr`].
        ///
        /// # Errors
        /// Those of [`TcpStream::peer_addr`].
        pub fn peer_addr(&self) -> io::Result<SocketAddr> {
            self.stream().peer_addr()
        }

        /// See [`TcpStream::local_addr`].
        ///
        /// # Errors
        /// Those of [`TcpStream::local_addr`].
        pub fn local_addr(&self) -> io::Result<SocketAddr> {
            self.stream().local_addr()
        }
    };
}

/// The same of every writing half.
macro_rules! writing_half {
    () => {
        /// See [`TcpStream::ready`].
        ///
        /// # Errors
        /// Those of [`TcpStream::ready`].
        pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
            self.stream().ready(interest).await
        }

        /// See [`TcpStream::writable`].
        ///
        /// # Errors
        /// Those of [`TcpStream::writable`].
        pub async fn writable(&self) -> io::Result<()> {
            self.stream().writable().await
        }

        /// See [`TcpStream::try_write`].
        ///
        /// # Errors
        /// Those of [`TcpStream::try_write`].
        pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
            self.stream().try_write(buf)
        }

        /// See [`TcpStream::try_write_vectored`].
        ///
        /// # Errors
        /// Those of [`TcpStream::try_write_vectored`].
        pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            self.stream().try_write_vectored(bufs)
        }

        /// See [`TcpStream::peer_addr`].
        ///
        /// # Errors
        /// Those of [`TcpStream::peer_addr`].
        pub fn peer_addr(&self) -> io::Result<SocketAddr> {
            self.stream().peer_addr()
        }

        /// See [`TcpStream::local_addr`].
        ///
        /// # Errors
        /// Those of [`TcpStream::local_addr`].
        pub fn local_addr(&self) -> io::Result<SocketAddr> {
            self.stream().local_addr()
        }
    };
}

/// What a reading half is for.
macro_rules! reads {
    ($half:ty) => {
        impl AsyncRead for $half {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                self.stream().poll_read_into(cx, buf)
            }
        }

        impl AsRef<TcpStream> for $half {
            fn as_ref(&self) -> &TcpStream {
                self.stream()
            }
        }
    };
}

/// What a writing half is for, but for its end.
macro_rules! writes {
    ($half:ty) => {
        impl AsyncWrite for $half {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.stream().poll_write_from(cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.stream().poll_write_from_all(cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.end_writing())
            }
        }

        impl AsRef<TcpStream> for $half {
            fn as_ref(&self) -> &TcpStream {
                self.stream()
            }
        }
    };
}

use {reading_half, reads, writes, writing_half};
