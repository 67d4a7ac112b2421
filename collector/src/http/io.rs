//! Byte counting and the one stream type below hyper.
//!
//! Owns [`Metered`], which counts what passes through it. It stands twice in a connection: around
//! the socket, where it sees every byte of the wire, TLS included, and above TLS, where it tells
//! how much of a request was handed over. Never knows what the bytes are.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that went over one or more connections.
///
/// Sessions that share one `Traffic` add up in it.
#[derive(Debug, Default)]
pub struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Traffic {
    /// Bytes handed to the kernel, handshakes and retries included.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes taken from the kernel.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

/// A byte stream that a connection may stand on: TCP, TLS, or TLS inside TLS.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A [`Transport`] of any kind. One pointer call per read or write is nothing beside the syscall.
pub(super) type BoxTransport = Box<dyn Transport>;

/// A stream that counts what passes through it.
pub(super) struct Metered<T> {
    inner: T,
    traffic: Arc<Traffic>,
    holds_write_errors: bool,
}

impl<T> Metered<T> {
    pub(super) fn new(inner: T, traffic: Arc<Traffic>) -> Self {
        Self { inner, traffic, holds_write_errors: false }
    }

    /// A stream on which a write never fails because the peer closed.
    ///
    /// A server may refuse a large request ahead of its end and close. hyper drops a connection at
    /// the first failed write, and the 413 that stands ready to be read with it. So the write is
    /// left pending instead: whoever reads at the same time, as hyper does, finds the answer, or
    /// else the end of the stream, which is the same news.
    pub(super) fn holding_write_errors(inner: T, traffic: Arc<Traffic>) -> Self {
        Self { inner, traffic, holds_write_errors: true }
    }

    pub(super) fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    fn count_sent(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(written)) = result {
            self.traffic.sent.fetch_add(*written as u64, Ordering::Relaxed);
        }
    }

    fn hold<R>(&self, result: Poll<io::Result<R>>, cx: &Context<'_>) -> Poll<io::Result<R>> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match &result {
            Poll::Ready(Err(e))
                if self.holds_write_errors
                    && matches!(e.kind(), BrokenPipe | ConnectionAborted | ConnectionReset) =>
            {
                // The socket is readable now or will be at the next turn of the event loop; until
                // then the task comes back here.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => result,
        }
    }
}

impl<T: Transport> Metered<T> {
    /// True when the idle stream is open and the peer has said nothing.
    ///
    /// Anything readable between two requests ends its use: an end of file, or bytes that answer
    /// no request. Under TLS this also takes in the session tickets that came late.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0u8; 1];
        let mut cx = Context::from_waker(std::task::Waker::noop());
        Pin::new(&mut self.inner).poll_read(&mut cx, &mut ReadBuf::new(&mut byte)).is_pending()
    }
}

impl<T: Transport> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.traffic.received.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        result
    }
}

impl<T: Transport> AsyncWrite for Metered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.count_sent(&result);
        self.hold(result, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.count_sent(&result);
        self.hold(result, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.hold(result, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
