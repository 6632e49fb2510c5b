//! `/v1/status/ws/{id}`: the state of a task of docling's service, and every change of it, over a WebSocket (RFC 6455).
//!
//! Each message is a JSON text, `{"message", "task", "error"}`. The first is a `connection`, and an `update` follows at once, after
//! every change, and after every message of the client. Once the task has ended, the server closes. An `error` says why there is
//! no task.

use super::docling::{own_task, task};
use crate::serve::error::ApiError;
use crate::serve::health::Phase;
use crate::serve::keys::Owner;
use crate::serve::request::Place;
use crate::serve::state::Server;
use crate::serve::wait;
use axum::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most bytes of a message of the client, which nobody reads.
const MOST_MESSAGE: usize = 4 << 10;
/// Interval of pings. A client that has said nothing from one to the next, not even a pong, is gone.
const PING: Duration = Duration::from_secs(20);
/// Time for a client to close, too.
const CLOSE: Duration = Duration::from_secs(2);

/// The query of a socket.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct SocketQuery {
    /// The API key, as pages in browsers cannot set headers of a WebSocket.
    pub api_key: Option<String>,
}

/// Tells a task's state until it has ended.
pub(crate) async fn status(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    place: Option<Extension<Place>>,
    Path(id): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|_| {
        let what =
            "this address speaks WebSocket; without it, ask for /v1/status/poll/{id}?wait=SECONDS";
        ApiError::new(StatusCode::UPGRADE_REQUIRED, "bad_request", what)
    })?;
    let upgrade = upgrade
        .max_message_size(MOST_MESSAGE)
        .max_frame_size(MOST_MESSAGE);
    Ok(upgrade.on_upgrade(async move |socket| {
        // It counts as a connection as long as it is open.
        let _place = place;
        // A client that goes is nothing to tell.
        let _ = tell(socket, &server, &owner, &id).await;
    }))
}

async fn tell(
    mut socket: WebSocket,
    server: &Arc<Server>,
    owner: &Owner,
    id: &str,
) -> Result<(), axum::Error> {
    let mut waiter = None;
    let mut told = None;
    let (mut pinged, mut is_there) = (Instant::now(), true);
    let mut is_asked = false;
    loop {
        let (task, is_final) = match state(server, owner, id).await {
            Ok(state) => state,
            Err(error) => {
                let message = json!({"message": "error", "task": null, "error": error.message});
                socket.send(text(&message)).await?;
                return close(socket, close_code::NORMAL).await;
            }
        };
        // Only for tasks that are there: who waits is remembered by their number.
        let waiter = waiter.get_or_insert_with(|| server.notices.wait(id));
        if told.is_none() {
            socket.send(message("connection", &task)).await?;
        }
        if is_asked || told.as_ref() != Some(&task) {
            socket.send(message("update", &task)).await?;
            told = Some(task);
        }
        if is_final {
            return close(socket, close_code::NORMAL).await;
        }
        if server.health.phase() == Phase::Draining {
            return close(socket, close_code::AWAY).await;
        }
        is_asked = false;
        tokio::select! {
            () = wait::change(waiter) => {}
            said = socket.recv() => {
                is_there = true;
                match said {
                    None => return Ok(()),
                    Some(Err(error)) => return Err(error),
                    Some(Ok(Message::Text(_) | Message::Binary(_))) => is_asked = true,
                    Some(Ok(_)) => {}
                }
            }
        }
        if pinged.elapsed() >= PING {
            if !is_there {
                return Ok(());
            }
            (pinged, is_there) = (Instant::now(), false);
            socket.send(Message::Ping(Bytes::new())).await?;
        }
    }
}

/// The task, and whether it has ended.
async fn state(server: &Arc<Server>, owner: &Owner, id: &str) -> Result<(Value, bool), ApiError> {
    let status = own_task(server, owner, id).await?;
    Ok((task(server, &status).await?, status.state.is_final()))
}

fn message(kind: &str, task: &Value) -> Message {
    text(&json!({"message": kind, "task": task, "error": null}))
}

fn text(message: &Value) -> Message {
    Message::Text(message.to_string().into())
}

/// Closes a socket, and waits a moment for the client to do so.
async fn close(mut socket: WebSocket, code: u16) -> Result<(), axum::Error> {
    let reason = "".into();
    let frame = CloseFrame { code, reason };
    socket.send(Message::Close(Some(frame))).await?;
    let said = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(CLOSE, said).await;
    Ok(())
}
