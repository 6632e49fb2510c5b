//! Throughput of the client of recognition servers: crops of 600x100 pixels, 200 requests in flight, against a server in a
//! process of its own that answers after half a second.
//!
//! `cargo bench --bench servers`. What 200 requests in flight allow is 400 answers a second.

#![allow(missing_docs, clippy::print_stdout)]

use docparse::document::Label;
use docparse::internals::geometry::Rect;
use docparse::internals::layout::Region;
use docparse::internals::lines::PreparedPage;
use docparse::internals::net::RetryRules;
use docparse::internals::plan::{Request, RequestOptions};
use docparse::internals::raster::Pixels;
use docparse::internals::recognize::server::client::{ApiKey, ClientOptions, ModelName};
use docparse::internals::recognize::server::protocol::Dialect;
use docparse::internals::recognize::server::{ServerRecognizer, StopSignals};
use docparse::internals::recognize::{BlockRequest, Recognizer, Ticket};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const IN_FLIGHT: usize = 200;
const BLOCKS: usize = 4000;
const WAIT: Duration = Duration::from_millis(500);

fn main() {
    if std::env::args().any(|argument| argument == "--serve") {
        return serve();
    }
    let program = std::env::current_exe().unwrap();
    let mut server = Command::new(program)
        .arg("--serve")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut url)
        .unwrap();
    let options = ClientOptions {
        dialect: Dialect::Vllm,
        urls: vec![url.trim().to_string()],
        model: ModelName::Named("PaddleOCR-VL-1.6-0.9B".into()),
        key: ApiKey::new(None),
        headers: Vec::new(),
        timeout: Duration::from_secs(60),
        deadline: None,
        rules: RetryRules::default(),
        connections: IN_FLIGHT,
    };
    let mut recognizer = ServerRecognizer::new(options, IN_FLIGHT, StopSignals::default()).unwrap();
    let (to_recognizer, requests) = crossbeam_channel::unbounded();
    for block in 0..BLOCKS {
        to_recognizer.send(request(block)).unwrap();
    }
    drop(to_recognizer);
    let (answers, answered) = crossbeam_channel::unbounded();
    let (start, before) = (Instant::now(), cpu_seconds());
    recognizer.run(requests, answers).unwrap();
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - before);
    assert_eq!(
        answered
            .iter()
            .filter(|answer| answer.result.is_ok())
            .count(),
        BLOCKS
    );
    let _ = server.kill();
    let _ = server.wait();
    let (rate, allowed) = (
        BLOCKS as f64 / seconds,
        IN_FLIGHT as f64 / WAIT.as_secs_f64(),
    );
    println!("{BLOCKS} crops of 600x100 pixels, {IN_FLIGHT} in flight, answers after {WAIT:?}");
    println!(
        "{rate:.1} a second, {:.3} of what is possible; {:.2} cores",
        rate / allowed,
        cpu / seconds
    );
}

/// A crop with something like text on it.
fn request(block: usize) -> BlockRequest {
    let (width, height) = (600, 100);
    let value = |at: usize| {
        if (at / 7 + at / width / 3 + block).is_multiple_of(4) {
            30
        } else {
            240
        }
    };
    let data = (0..width * height).flat_map(|at| [value(at); 3]).collect();
    let region = Region::new(Label::Text, Rect::new(0.0, 0.0, 600.0, 100.0), 1.0);
    BlockRequest {
        ticket: Ticket { page: 0, block },
        document: Arc::default(),
        page: Arc::new(PreparedPage::blank(0, 700, 900)),
        region: Arc::new(region),
        request: Arc::new(Request::of(Label::Text, &RequestOptions::default())),
        crop: Some(Arc::new(Pixels {
            width,
            height,
            data,
        })),
        draft: None,
        time_left: None,
        time_spent: Arc::default(),
    }
}

/// Seconds of processors that this process has used.
fn cpu_seconds() -> f64 {
    // SAFETY: the structure is plain numbers, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &mut usage), 0);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Answers every request after a while, on as many connections as come.
fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}/v1", listener.local_addr().unwrap());
    for stream in listener.incoming().flatten() {
        std::thread::Builder::new()
            .stack_size(256 << 10)
            .spawn(move || answer_all(stream))
            .unwrap();
    }
}

fn answer_all(stream: TcpStream) {
    let mut reader = BufReader::with_capacity(64 << 10, stream);
    let mut body = Vec::new();
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body).unwrap();
        std::thread::sleep(WAIT);
        let text = r#"{"choices": [{"message": {"content": "text"}, "finish_reason": "stop"}]}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        if reader.get_mut().write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}
