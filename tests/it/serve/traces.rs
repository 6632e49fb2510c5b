//! The trace of a request (W3C Trace Context): in the log lines of its job, and in whatever is asked of others for it.

use super::server::{Server, long_pdf};
use crate::http::{Request, say, serve};
use crate::support::Folder;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

const TRACE: &str = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
const STATE: &str = "vendor=1,other=x";

type Got = Arc<Mutex<Vec<Request>>>;

/// A machine that has a file, takes webhooks, and recognizes; what it was asked.
fn other() -> (SocketAddr, Got) {
    let got = Got::default();
    let kept = got.clone();
    let at = serve(move |request, stream| {
        kept.lock().unwrap().push(request.clone());
        match request.path.as_str() {
            "/moved.pdf" => say(stream, 302, "Location: /a.pdf\r\n", b""),
            "/a.pdf" => say(stream, 200, "", &long_pdf(1)),
            "/v1/models" => {
                let models = json!({"data": [{"id": "PaddleOCR-VL-1.6-0.9B"}]});
                say(stream, 200, "", models.to_string().as_bytes());
            }
            "/v1/chat/completions" => {
                let choice = json!({"message": {"content": "docparse"}, "finish_reason": "stop"});
                say(
                    stream,
                    200,
                    "",
                    json!({"choices": [choice]}).to_string().as_bytes(),
                );
            }
            _ => say(stream, 200, "", b""),
        }
        true
    });
    (at, got)
}

/// The records of the log about something, as objects.
fn records(server: &Server, message: &str) -> Vec<Value> {
    let log = server.log();
    let records = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    records
        .filter(|record: &Value| record["message"] == message)
        .collect()
}

fn server(flags: &[&str]) -> Server {
    let folder = Arc::new(Folder::new());
    folder.write("secret", "a secret of tests");
    let server = Server::in_folder(folder, &[&["--log-format", "json"], flags].concat());
    server.wait_ready();
    server
}

#[test]
fn a_trace_goes_through_log_fetches_and_webhooks() {
    let (at, got) = other();
    let hosts = at.to_string();
    let server = server(&[
        "--allow-url-fetch",
        "--allow-private-urls",
        "--url-fetch-ports",
        "0",
        "--webhook-hosts",
        &hosts,
        "--webhook-secret-file",
        "secret",
    ]);
    let order = |headers: &[(&str, &str)], file: &str| {
        let headers = [&[("content-type", "application/json")], headers].concat();
        let body = json!({
            "files": [{"url": format!("http://{at}/{file}")}],
            "formats": ["md"],
            "webhook": format!("http://{at}/hook"),
        });
        let path = "/v1/jobs?wait=60";
        let job = server.ask("POST", path, &headers, body.to_string().as_bytes());
        job.expect(200).json()["id"].as_str().unwrap().to_string()
    };
    let headers = [("traceparent", TRACE), ("tracestate", STATE)];
    let id = order(&headers, "moved.pdf");
    server.until("told", || records(&server, "webhook").len() == 1);
    let paths: Vec<String> = got.lock().unwrap().iter().map(|r| r.path.clone()).collect();
    assert_eq!(paths, ["/moved.pdf", "/a.pdf", "/hook"]);
    for request in got.lock().unwrap().iter() {
        assert_eq!(request.header("traceparent"), TRACE, "{}", request.path);
        assert_eq!(request.header("tracestate"), STATE, "{}", request.path);
    }
    for message in ["fetched", "ordered", "job ended", "webhook"] {
        let found = records(&server, message);
        assert_eq!(found.len(), 1, "{message}: {found:?}");
        assert_eq!(found[0]["fields"]["trace"], TRACE, "{message}");
        if message != "fetched" {
            assert_eq!(found[0]["fields"]["job"], *id, "{message}");
        }
    }
    // No trace, or none that is valid: nothing is made up.
    for (count, value) in [(2, "00-0123"), (3, "")] {
        got.lock().unwrap().clear();
        let headers: &[(&str, &str)] = match value {
            "" => &[("tracestate", STATE)],
            value => &[("traceparent", value), ("tracestate", STATE)],
        };
        // Another file name is another order.
        order(headers, &format!("a.pdf?{count}"));
        server.until("told", || records(&server, "webhook").len() == count);
        for request in got.lock().unwrap().iter() {
            assert_eq!(request.header("traceparent"), "");
            assert_eq!(request.header("tracestate"), "");
        }
    }
}

#[test]
fn servers_that_recognize_are_told_the_trace() {
    let (at, got) = other();
    let url = format!("http://{at}/v1");
    let server = server(&[
        "--use-layout-detection",
        "false",
        "--device",
        "cpu",
        "--vl-rec-backend",
        "vllm-server",
        "--vl-rec-server-url",
        &url,
    ]);
    let headers = [
        ("content-type", "application/pdf"),
        ("traceparent", TRACE),
        ("tracestate", STATE),
    ];
    let path = "/v1/jobs?wait=60&formats=md";
    let job = server.ask("POST", path, &headers, &long_pdf(2));
    assert_eq!(job.expect(200).json()["state"], "done", "{}", server.log());
    let got = got.lock().unwrap();
    let asked: Vec<&Request> = got
        .iter()
        .filter(|request| request.path.ends_with("/completions"))
        .collect();
    let traced = |request: &&&Request| request.header("traceparent") == TRACE;
    // Those without are of the self-test.
    assert_eq!(asked.iter().filter(traced).count(), 2, "{}", asked.len());
    let states = asked.iter().filter(|r| r.header("tracestate") == STATE);
    assert_eq!(states.count(), 2);
}
