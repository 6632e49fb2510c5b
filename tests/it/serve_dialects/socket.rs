//! The WebSocket that tells the state of a task of docling's service.

use super::client::Server;
use super::page;
use crate::serve::server::long_pdf;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::error::Error;
use tungstenite::{Message, WebSocket};

type Socket = WebSocket<TcpStream>;

/// Opens a socket; the status of a refusal.
fn open(server: &Server, path: &str) -> Result<Socket, u16> {
    let at = server.address.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(at).unwrap();
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).unwrap();
    match tungstenite::client(format!("ws://{at}/v1/status/ws/{path}"), stream) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(Error::Http(answer))) => {
            Err(answer.status().as_u16())
        }
        Err(error) => panic!("{error}"),
    }
}

/// The next message; the code of the end.
fn next(socket: &mut Socket) -> Result<Value, u16> {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return Err(frame.unwrap().code.into()),
            _ => {}
        }
    }
}

fn convert(server: &Server, key: &str, bytes: &[u8]) -> String {
    let files = [("files", Some("a.pdf"), bytes)];
    let task = server.post_as(key, "/v1/convert/file/async", &files).json();
    task["task_id"].as_str().unwrap().to_string()
}

#[test]
fn a_task_is_told_until_it_has_ended() {
    let server = Server::ready(&[]);
    let id = convert(&server, "", &page("pdf"));
    let mut socket = open(&server, &id).unwrap();
    let mut messages = Vec::new();
    let end = loop {
        match next(&mut socket) {
            Ok(message) => messages.push(message),
            Err(code) => break code,
        }
    };
    assert_eq!(end, 1000);
    let kinds: Vec<&str> = messages
        .iter()
        .map(|message| message["message"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[..2], ["connection", "update"]);
    assert!(kinds[2..].iter().all(|kind| *kind == "update"), "{kinds:?}");
    for message in &messages {
        assert_eq!(
            (&message["task"]["task_id"], &message["error"]),
            (&json!(id), &Value::Null)
        );
    }
    let last = &messages.last().unwrap()["task"];
    assert_eq!(last["task_status"], "success");
    assert_eq!(*last, server.get(&format!("/v1/status/poll/{id}")).json());
    // Of one that has ended, too.
    let mut again = open(&server, &id).unwrap();
    for kind in ["connection", "update"] {
        let message = json!({"message": kind, "task": last, "error": null});
        assert_eq!(next(&mut again), Ok(message));
    }
    assert_eq!(next(&mut again), Err(1000));
    let mut none = open(&server, &"0".repeat(44)).unwrap();
    let message = json!({"message": "error", "task": null, "error": "Task not found."});
    assert_eq!((next(&mut none), next(&mut none)), (Ok(message), Err(1000)));
    // Without a WebSocket there is another way.
    let told = server.get(&format!("/v1/status/ws/{id}"));
    assert_eq!(told.status, 426);
    assert!(told.text().contains("/v1/status/poll/"), "{}", told.text());
}

#[test]
fn a_client_asks_at_any_time_and_the_server_ends() {
    let server = Server::ready(&["--concurrency", "1", "--max-connections", "4"]);
    convert(&server, "", &long_pdf(3000));
    let id = convert(&server, "", &page("pdf"));
    let mut socket = open(&server, &id).unwrap();
    for kind in ["connection", "update"] {
        assert_eq!(next(&mut socket).unwrap()["message"], kind);
    }
    for _ in 0..3 {
        socket.send(Message::text("?")).unwrap();
        let told = next(&mut socket).unwrap();
        assert_eq!(told["task"]["task_status"], "pending", "{told}");
    }
    // Sockets are connections like others.
    let mut more = Vec::new();
    let refused = loop {
        match open(&server, &id) {
            Ok(another) => more.push(another),
            Err(status) => break status,
        }
        assert!(more.len() < 4, "there are 4 connections");
    };
    assert_eq!(refused, 429);
    server.terminate();
    assert_eq!(next(&mut socket), Err(1001));
}

#[test]
fn a_key_may_stand_in_the_query_of_a_socket() {
    let server = Server::ready(&["--api-keys-file", "keys"]);
    let id = convert(&server, "first", &page("pdf"));
    for refused in [id.clone(), format!("{id}?api_key=none")] {
        assert_eq!(open(&server, &refused).err(), Some(401));
    }
    let mut own = open(&server, &format!("{id}?api_key=first")).unwrap();
    assert_eq!(next(&mut own).unwrap()["message"], "connection");
    let mut foreign = open(&server, &format!("{id}?api_key=second")).unwrap();
    assert_eq!(next(&mut foreign).unwrap()["error"], "Task not found.");
    // Nowhere else.
    let poll = server.get(&format!("/v1/status/poll/{id}?api_key=first"));
    assert_eq!(poll.status, 401);
}
