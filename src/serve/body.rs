//! Bodies that are made while they are sent.

use axum::body::Body;
use bytes::Bytes;
use futures_core::Stream;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Pieces that wait to be sent.
const AHEAD: usize = 8;
/// Size of a piece in bytes.
const PIECE: usize = 64 << 10;

/// What happens once a body was sent.
pub(crate) type OnSent = Box<dyn FnOnce() + Send + Sync>;

/// Pieces as they come out of a channel.
struct Pieces {
    receiver: Receiver<io::Result<Bytes>>,
    is_whole: bool,
    /// Called once all of them were taken to be sent.
    on_sent: Option<OnSent>,
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = std::task::ready!(self.receiver.poll_recv(context));
        match &piece {
            Some(Err(_)) => self.is_whole = false,
            Some(Ok(_)) => {}
            None if self.is_whole => {
                if let Some(on_sent) = self.on_sent.take() {
                    tokio::task::spawn_blocking(on_sent);
                }
            }
            None => {}
        }
        Poll::Ready(piece)
    }
}

/// A body, and where its pieces go.
pub(crate) fn channel() -> (Sender<io::Result<Bytes>>, Body) {
    channel_then(None)
}

fn channel_then(on_sent: Option<OnSent>) -> (Sender<io::Result<Bytes>>, Body) {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let pieces = Pieces {
        receiver,
        is_whole: true,
        on_sent,
    };
    (sender, Body::from_stream(pieces))
}

/// Writes into a body, on a thread that may block.
pub(crate) struct BodyWriter {
    sender: Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        // The client is gone.
        let gone = |_| io::ErrorKind::BrokenPipe.into();
        self.sender.blocking_send(Ok(piece)).map_err(gone)
    }
}

/// A body that is written by a function on a thread that may block. If it fails, the body breaks off, so that the client
/// sees it.
pub(crate) fn written(
    write: impl FnOnce(&mut BodyWriter) -> io::Result<()> + Send + 'static,
) -> Body {
    written_then(write, None)
}

/// The same; `on_sent` is called if the body was sent whole, on a thread that may block. Not for HEAD, which sends none.
pub(crate) fn written_then(
    write: impl FnOnce(&mut BodyWriter) -> io::Result<()> + Send + 'static,
    on_sent: Option<OnSent>,
) -> Body {
    let (sender, body) = channel_then(on_sent);
    tokio::task::spawn_blocking(move || {
        let mut writer = BodyWriter {
            sender,
            piece: Vec::with_capacity(PIECE),
        };
        if let Err(error) = write(&mut writer).and_then(|()| writer.flush()) {
            drop(writer.sender.blocking_send(Err(error)));
        }
    });
    body
}
