//! A server for a test, and what is said to it.

use crate::support::{Folder, SAME_EVERYWHERE, root};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use ureq::tls::TlsConfig;

/// Longest time that a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A running server.
pub struct Server {
    pub folder: Arc<Folder>,
    pub url: String,
    process: Child,
    log: Arc<Mutex<String>>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

impl Server {
    /// A server with a folder of its own, ready.
    pub fn start(flags: &[&str]) -> Server {
        let server = Server::in_folder(Arc::new(Folder::new()), flags);
        server.wait_ready();
        server
    }

    /// A server in a folder that others may share; its port is open.
    pub fn in_folder(folder: Arc<Folder>, flags: &[&str]) -> Server {
        Server::with_environment(folder, flags, &[])
    }

    /// The same, with variables of the environment.
    pub fn with_environment(
        folder: Arc<Folder>,
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docparse"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOCPARSE_")) {
            command.env_remove(name);
        }
        let mut process = command
            .args(["serve", "--port", "0", "--spool", "spool"])
            .args(flags)
            .env("HOME", folder.path())
            .envs(SAME_EVERYWHERE)
            .envs(variables.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let mut url = String::new();
        while url.is_empty() {
            let mut line = String::new();
            let count = lines.read_line(&mut line).unwrap();
            assert!(count > 0, "the server has ended: {}", log.lock().unwrap());
            if let Some((_, address)) = line.split_once("listening at ") {
                let end = |c: char| c.is_whitespace() || c == '"';
                url = address.split(end).next().unwrap().to_string();
            }
            log.lock().unwrap().push_str(&line);
        }
        let rest = log.clone();
        std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
                rest.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Server {
            folder,
            url,
            process,
            log,
        }
    }

    pub fn wait_ready(&self) {
        self.until("ready", || self.get("/readyz").status == 200);
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            let log = || self.log();
            assert!(begun.elapsed() < PATIENCE, "not {what}: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn pid(&self) -> i32 {
        self.process.id() as i32
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: a plain call about a child that has not been waited for.
        unsafe { libc::kill(self.pid(), signal) };
    }

    /// Waits for the end; the exit code.
    pub fn ended(mut self) -> Option<i32> {
        let status = self.process.wait().unwrap();
        status.code()
    }

    /// Sends a request.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            // What certificates are shown is looked at in `tls.rs`.
            .tls_config(TlsConfig::builder().disable_verification(true).build())
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        let url = format!("{}{path}", self.url);
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = agent.run(request.body(body).unwrap()).unwrap();
        let mut body = Vec::new();
        let _ = response.body_mut().as_reader().read_to_end(&mut body);
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    /// Orders a file as the body of the request.
    pub fn order(&self, query: &str, bytes: &[u8]) -> Answer {
        let headers = [("content-type", "application/octet-stream")];
        self.ask("POST", &format!("/v1/jobs?{query}"), &headers, bytes)
    }

    /// Parses a document of one page; the job.
    pub fn parse_a_page(&self) -> Value {
        let answer = self.order("wait=60&formats=md", &long_pdf(1));
        answer.expect(200).json()
    }

    /// A job once it has ended.
    pub fn finished(&self, id: &str) -> Value {
        let begun = Instant::now();
        loop {
            let job = self
                .get(&format!("/v1/jobs/{id}?wait=10"))
                .expect(200)
                .json();
            if !matches!(job["state"].as_str(), Some("queued" | "running")) {
                return job;
            }
            assert!(begun.elapsed() < PATIENCE, "{job} {}", self.log());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Parts of a form: name, file name if it is a file, content.
pub fn form(parts: &[(&str, Option<&str>, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file_name, content) in parts {
        let file = file_name
            .map(|name| format!("; filename=\"{name}\""))
            .unwrap_or_default();
        let head =
            format!("--boundary\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--boundary--\r\n");
    ("multipart/form-data; boundary=boundary".into(), body)
}

pub fn example(name: &str) -> Vec<u8> {
    std::fs::read(root().join("examples/documents").join(name)).unwrap()
}

/// A PDF of so many pages, each with its number on it.
pub fn long_pdf(pages: usize) -> Vec<u8> {
    let kids: Vec<String> = (0..pages).map(|i| format!("{} 0 R", 4 + 2 * i)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {pages} >>",
            kids.join(" ")
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_string(),
    ];
    for page in 1..=pages {
        // At another height each time: what stands in one place on every page is a running line.
        let y = 200 + page * 53 % 400;
        let content = format!("BT /F 14 Tf 72 {y} Td (This is page {page} of the document.) Tj ET");
        let number = objects.len() + 2;
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number} 0 R \
             /Resources << /Font << /F 3 0 R >> >> >>"
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    crate::support::assemble(&objects)
}

/// Names in a folder, or none.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect()
}

/// The error of an answer: status, code, message.
pub fn error(answer: &Answer) -> (u16, String, String) {
    let error = &answer.json()["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_string();
    (answer.status, text("code"), text("message"))
}

/// Nothing of a request that was refused lies about.
pub fn is_clean(server: &Server) -> bool {
    names(&server.folder.path().join("spool/incoming")).is_empty()
}
