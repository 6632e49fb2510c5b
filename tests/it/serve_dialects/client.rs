//! A server process, and a client that asks it.

use crate::support::{Folder, SAME_EVERYWHERE};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Time for a server to start.
pub const START: Duration = Duration::from_secs(120);

/// A server of its own.
pub struct Server {
    child: Child,
    pub address: String,
    pub folder: Folder,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub location: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    #[track_caller]
    pub fn is_error(&self, status: u16, detail: impl Into<Value>) {
        let body = self.json();
        assert_eq!(
            (self.status, &body["detail"]),
            (status, &detail.into()),
            "{body}"
        );
    }
}

/// A part of a form: its name, the name of its file if it is one, and its content.
pub type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

fn form(parts: &[Part]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\""));
        let file = file.unwrap_or_default();
        let head =
            format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cut--\r\n");
    body
}

impl Server {
    pub fn start(arguments: &[&str]) -> Server {
        let folder = Folder::new();
        if arguments.contains(&"--api-keys-file") {
            folder.write("keys", "first\nsecond\n");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_docparse"));
        command.env_clear().env("HOME", folder.path());
        command.envs(SAME_EVERYWHERE);
        command.current_dir(folder.path());
        command.env("PADDLE_OCR_MODEL_DIR", "/models/of/paddle");
        command.args(["serve", "--port", "0", "--spool", "spool"]);
        command.args(arguments).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("the server says where it is").unwrap();
            if let Some((_, address)) = line.split_once("listening at ") {
                break address.trim().to_string();
            }
        };
        // Nobody reads it any more, but it must have somewhere to go.
        std::thread::spawn(move || lines.for_each(drop));
        Server {
            child,
            address,
            folder,
        }
    }

    pub fn ready(arguments: &[&str]) -> Server {
        let server = Server::start(arguments);
        let began = Instant::now();
        while server.get("/readyz").status != 200 {
            assert!(began.elapsed() < START, "the server is never ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build();
        let agent = ureq::Agent::new_with_config(config);
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match method {
            "GET" => agent.run(request.body(()).unwrap()),
            _ => agent.run(request.body(body).unwrap()),
        }
        .unwrap_or_else(|error| panic!("{path}: {error}"));
        let header = |name: &str| {
            let value = response.headers().get(name);
            value
                .map_or("", |value| value.to_str().unwrap())
                .to_string()
        };
        Answer {
            status: response.status().as_u16(),
            kind: header("content-type"),
            location: header("location"),
            bytes: response.body_mut().read_to_vec().unwrap(),
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, parts: &[Part]) -> Answer {
        self.post_as("", path, parts)
    }

    pub fn post_as(&self, key: &str, path: &str, parts: &[Part]) -> Answer {
        let kind = "multipart/form-data; boundary=cut";
        let headers = [("content-type", kind), ("x-api-key", key)];
        self.send("POST", path, &headers, &form(parts))
    }

    pub fn post_json(&self, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send("POST", path, &headers, body.to_string().as_bytes())
    }

    /// Tells the server to end.
    pub fn terminate(&self) {
        let pid = self.child.id().cast_signed();
        // SAFETY: the process is ours, and was not waited for.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }

    /// The result of a task, once it has ended.
    pub fn result(&self, task: &Value) -> Answer {
        let id = task["task_id"].as_str().unwrap();
        let status = self.get(&format!("/v1/status/poll/{id}?wait=60"));
        assert_ne!(status.json()["task_status"], "started");
        self.get(&format!("/v1/result/{id}"))
    }
}
