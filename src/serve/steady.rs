//! Clients that are too slow to be waited for: bodies that only drip, forms whose parts never begin, and readers that
//! do not read. Each would hold a connection, and something in memory, for as long as it likes.

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_core::Stream;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// Least bytes of a body a second, once the patience for a pause is over.
const LEAST_RATE: u64 = 1024;
/// Bytes of a form that are read ahead of those that take them.
const AHEAD: usize = 256 << 10;
/// Most bytes of a form that are none of a part's content: its heads, and what stands between.
const MOST_HEADS: usize = 1 << 20;

/// A body that has to come at some rate.
struct Paced {
    body: BodyDataStream,
    began: Instant,
    bytes: u64,
    patience: Duration,
}

impl Stream for Paced {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(Pin::new(&mut self.body).poll_next(context));
        Poll::Ready(match next {
            None => None,
            Some(Err(error)) => Some(Err(io::Error::other(error))),
            Some(Ok(piece)) => {
                self.bytes += piece.len() as u64;
                let time = self.began.elapsed();
                let is_slow = time > self.patience && self.bytes < time.as_secs() * LEAST_RATE;
                Some(match is_slow {
                    true => Err(io::ErrorKind::TimedOut.into()),
                    false => Ok(piece),
                })
            }
        })
    }
}

/// A body that breaks off if it only drips.
pub(crate) fn paced(body: Body, patience: Duration) -> Body {
    Body::from_stream(Paced {
        body: body.into_data_stream(),
        began: Instant::now(),
        bytes: 0,
        patience,
    })
}

/// `true` for the error of a body that came too slowly.
pub(crate) fn is_slow(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(cause) = error {
        let io = cause.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        error = cause.source();
    }
    false
}

/// Bytes of a form that came, and that nobody has taken yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Untaken(Arc<AtomicUsize>);

impl Untaken {
    /// Somebody took so many.
    pub(crate) fn take(&self, bytes: usize) {
        let less = |untaken: usize| Some(untaken.saturating_sub(bytes));
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// A part has begun: what came before it is taken.
    pub(crate) fn begin_part(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The body of a form. Whoever reads forms takes all that has come, and would go on taking in search of a boundary.
struct OfForm {
    body: BodyDataStream,
    untaken: Untaken,
    has_paused: bool,
}

impl Stream for OfForm {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let untaken = self.untaken.0.load(Ordering::Relaxed);
        if untaken > AHEAD && !self.has_paused {
            // The reader looks at what it has first.
            self.has_paused = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if untaken > MOST_HEADS {
            let what = "the form has too much between its parts";
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::InvalidData, what))));
        }
        let next = std::task::ready!(Pin::new(&mut self.body).poll_next(context));
        self.has_paused = false;
        Poll::Ready(next.map(|piece| {
            let piece = piece.map_err(io::Error::other)?;
            self.untaken.0.fetch_add(piece.len(), Ordering::Relaxed);
            Ok(piece)
        }))
    }
}

/// The body of a form, bounded between its parts.
pub(crate) fn of_form(body: Body, untaken: &Untaken) -> Body {
    Body::from_stream(OfForm {
        body: body.into_data_stream(),
        untaken: untaken.clone(),
        has_paused: false,
    })
}

/// A connection whose client has to read.
pub(crate) struct SteadyStream {
    stream: TcpStream,
    patience: Duration,
    until: Option<Pin<Box<Sleep>>>,
}

impl SteadyStream {
    /// Breaks off once the client has taken nothing for so long.
    pub(crate) fn new(stream: TcpStream, patience: Duration) -> SteadyStream {
        SteadyStream {
            stream,
            patience,
            until: None,
        }
    }

    fn judged<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let patience = self.patience;
        let sleep = || Box::pin(tokio::time::sleep(patience));
        let until = self.until.get_or_insert_with(sleep);
        std::task::ready!(std::future::Future::poll(until.as_mut(), context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for SteadyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for SteadyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judged(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judged(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
