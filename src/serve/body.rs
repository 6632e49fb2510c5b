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

/// Pieces as they come out of a channel.
struct Pieces(Receiver<io::Result<Bytes>>);

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// A body, and where its pieces go.
pub(crate) fn channel() -> (Sender<io::Result<Bytes>>, Body) {
    let (sender, receiver) = mpsc::channel(AHEAD);
    (sender, Body::from_stream(Pieces(receiver)))
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
    let (sender, body) = channel();
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
