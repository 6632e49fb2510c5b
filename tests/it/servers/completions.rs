//! A recognition server in the test's own process, which answers or misbehaves as it is told.

use super::super::http::{Request, say, serve};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request for a completion.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) headers: Request,
    pub(super) body: Value,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.header(name)
    }
}

/// An answer of the server, or its misbehaviour.
pub(super) enum Reply {
    /// Says this after a while.
    Says(u16, &'static str, String, Duration),
    /// StopSignals the connection in the middle of the answer.
    Cut,
    /// Says nothing.
    Silent,
    /// A byte now and then, without end.
    Endless,
}

pub(super) fn says(text: &str) -> Reply {
    Reply::Says(200, "", answer(text), Duration::ZERO)
}

pub(super) fn status(status: u16) -> Reply {
    Reply::Says(
        status,
        "",
        json!({"error": {"message": "refused"}}).to_string(),
        Duration::ZERO,
    )
}

pub(super) fn answer(text: &str) -> String {
    let choice =
        json!({"message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    json!({"choices": [choice], "usage": {"completion_tokens": 7}}).to_string()
}

pub(super) struct Server {
    pub(super) url: String,
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
    pub(super) most_at_once: Arc<AtomicUsize>,
}

impl Server {
    /// Serves one model, `PaddleOCR-VL-1.6-0.9B`; `behave` is given how many completions were asked for before.
    pub(super) fn start(behave: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Server {
        Server::with_models(&["PaddleOCR-VL-1.6-0.9B"], behave)
    }

    pub(super) fn with_models(
        models: &[&str],
        behave: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let models = json!({"data": models.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()})
            .to_string();
        let (asked, most_at_once) = (
            Arc::<Mutex<Vec<Asked>>>::default(),
            Arc::<AtomicUsize>::default(),
        );
        let (at_once, record, most) = (AtomicUsize::default(), asked.clone(), most_at_once.clone());
        let address = serve(move |request, stream| {
            if request.path == "/v1/models" {
                say(stream, 200, "", models.as_bytes());
                return true;
            }
            let body = serde_json::from_slice(&request.body).unwrap_or_default();
            let one = Asked {
                path: request.path.clone(),
                headers: request.clone(),
                body,
            };
            let before = {
                let mut asked = record.lock().unwrap();
                asked.push(one.clone());
                asked.len() - 1
            };
            let now = at_once.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            reply(stream, behave(before, &one), &at_once)
        });
        Server {
            url: format!("http://{address}/v1"),
            asked,
            most_at_once,
        }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Performs a reply; `true` if the connection goes on.
pub(super) fn reply(stream: &mut TcpStream, reply: Reply, at_once: &AtomicUsize) -> bool {
    let goes_on = match reply {
        Reply::Says(status, headers, body, wait) => {
            std::thread::sleep(wait);
            // Before it is said: the next request may come at once.
            at_once.fetch_sub(1, Ordering::SeqCst);
            say(stream, status, headers, body.as_bytes());
            return true;
        }
        Reply::Cut => {
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"choices\": [");
            false
        }
        Reply::Silent => {
            std::thread::sleep(Duration::from_secs(20));
            false
        }
        Reply::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            while stream.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
            false
        }
    };
    at_once.fetch_sub(1, Ordering::SeqCst);
    goes_on
}
