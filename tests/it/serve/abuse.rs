//! What clients may do wrong, on purpose or not, without harm to the others.

use super::server::{Server, form, long_pdf, names};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn forms_are_as_large_as_uploads_may_be() {
    let server = Server::start(&["--max-upload-size", "8M"]);
    let mut large = long_pdf(1);
    // Bytes after the end of a PDF are nothing.
    large.resize(5 << 20, b'\n');
    let (kind, body) = form(&[("file", Some("a.pdf"), &large), ("formats", None, b"md")]);
    let headers = [("content-type", kind.as_str())];
    let job = server
        .ask("POST", "/v1/jobs?wait=60", &headers, &body)
        .expect(200)
        .json();
    assert_eq!(job["files"][0]["size"], large.len());
    let (kind, body) = form(&[("file", Some("a.pdf"), &vec![0; 9 << 20])]);
    let headers = [("content-type", kind.as_str())];
    let refused = server.ask("POST", "/v1/jobs", &headers, &body).expect(413);
    assert_eq!(refused.json()["error"]["limit"]["name"], "max_upload_size");
    assert!(names(&server.folder.path().join("spool/incoming")).is_empty());
}

#[test]
fn forms_of_heads_and_texts_end() {
    let server = Server::start(&[]);
    let kind = [("content-type", "multipart/form-data; boundary=boundary")];
    // A part whose head never ends, what never becomes a part, and more parts and texts than anybody needs.
    let head = [b"--boundary\r\nx-a: ".as_slice(), &vec![b'a'; 4 << 20]].concat();
    let before = vec![b'-'; 4 << 20];
    let texts =
        "--boundary\r\ncontent-disposition: form-data; name=\"formats\"\r\n\r\nmd\r\n".repeat(5000);
    for body in [head, before, texts.into_bytes()] {
        server.ask("POST", "/v1/jobs", &kind, &body).expect(400);
    }
}

#[test]
fn few_of_many_faults_are_told() {
    let server = Server::start(&[]);
    let kind = [("content-type", "application/json")];
    let many: Vec<u32> = vec![1; 200_000];
    let pages: Vec<_> = vec![json!({}); 4000];
    for (path, body) in [
        (
            "/layout-parsing",
            json!({"file": "AAAA", "fileType": 0, "markdownIgnoreLabels": many}),
        ),
        (
            "/layout-parsing",
            json!({"file": "AAAA", "fileType": 0, "outputFormats": many}),
        ),
        ("/restructure-pages", json!({"pages": pages})),
    ] {
        let answer = server
            .ask("POST", path, &kind, body.to_string().as_bytes())
            .expect(422);
        assert!(answer.body.len() < 50_000, "{path}: {}", answer.body.len());
    }
}

#[test]
fn probes_are_answered_when_all_connections_are_taken() {
    let server = Server::start(&["--max-connections", "8", "--read-timeout", "30"]);
    let address = server.url.trim_start_matches("http://");
    // Connections of before have ended.
    std::thread::sleep(Duration::from_millis(500));
    let stuck: Vec<TcpStream> = (0..12)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx";
            stream.write_all(head).unwrap();
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    for probe in ["/livez", "/readyz", "/metrics", "/health"] {
        server.get(probe).expect(200);
    }
    assert_ne!(server.get("/v1/jobs").expect(429).header("retry-after"), "");
    assert!(begun.elapsed() < Duration::from_secs(10));
    drop(stuck);
    server.until("free", || server.get("/v1/jobs").status == 200);
}

#[test]
fn probes_are_answered_beside_connections_that_say_nothing() {
    let server = Server::start(&["--max-connections", "8"]);
    let address = server.url.trim_start_matches("http://");
    // More than the ordinary places and those kept for probes.
    let silent: Vec<TcpStream> = (0..60)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let begun = Instant::now();
    server.get("/livez").expect(200);
    assert!(begun.elapsed() < Duration::from_secs(10));
    drop(silent);
}

#[test]
fn a_request_is_sent_to_one_host() {
    let server = Server::start(&[]);
    let address = server.url.trim_start_matches("http://");
    let ask = |path: &str, hosts: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for path in ["/livez", "/v1/jobs", "/nowhere"] {
        let answer = ask(path, "Host: a.example\r\nhost: b.example\r\n");
        assert!(answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        assert!(answer.contains("more than one `Host`"), "{answer}");
    }
    assert!(ask("/livez", "Host: a.example\r\n").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_result_stays_until_somebody_has_got_it() {
    let server = Server::start(&["--single-use-results"]);
    let job = server.parse_a_page();
    let path = job["links"]["result"].as_str().unwrap();
    server.ask("HEAD", path, &[], b"").expect(200);
    // Asked for, and gone before a byte was read.
    let mut gone = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    write!(gone, "HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    drop(gone);
    std::thread::sleep(Duration::from_millis(300));
    server.get(path).expect(200);
    server.until("gone", || server.get(path).status == 404);
}

#[test]
fn a_damaged_job_costs_itself_only() {
    let server = Server::start(&[]);
    let job = server.parse_a_page();
    let id = job["id"].as_str().unwrap();
    let folder = server.folder.path().join("spool/jobs").join(id);
    std::fs::write(folder.join("outcome.json"), "").unwrap();
    let path = format!("/v1/jobs/{id}");
    assert_eq!(server.get(&path).expect(200).json()["state"], "failed");
    // The same order is another job now.
    let again = server.parse_a_page();
    assert_eq!(again["state"], "done");
    assert_ne!(again["id"], job["id"]);
    server
        .ask("DELETE", &format!("{path}?purge=true"), &[], b"")
        .expect(200);
    server.get(&path).expect(404);
}

#[test]
fn a_server_without_its_spool_ends() {
    let server = Server::start(&[]);
    std::fs::remove_dir_all(server.folder.path().join("spool")).unwrap();
    assert_eq!(server.ended(), Some(1));
}

#[test]
fn queries_that_cannot_be_read_are_told_like_other_faults() {
    let server = Server::start(&[]);
    for path in ["/v1/jobs?limit=-1", "/v1/jobs?limit=x"] {
        let error = server.get(path).expect(400).json();
        assert_eq!(error["error"]["code"], "bad_request", "{path}");
    }
}

#[test]
fn small_bodies_of_many_values_are_refused_before_they_are_read() {
    let server = Server::start(&["--max-files", "2"]);
    let kind = [("content-type", "application/json")];
    let ask = |path: &str, body: &str| server.ask("POST", path, &kind, body.as_bytes());
    let many = |unit: &str, bytes: usize| format!("[{}0]", unit.repeat(bytes / unit.len()));
    let long = many("{\"\":0},", 2 << 20);
    for (path, field, body) in [
        (
            "/ocr",
            "visualize",
            format!("{{\"file\":\"x\",\"visualize\":{long}}}"),
        ),
        (
            "/ocr",
            "other",
            format!("{{\"file\":\"x\",\"other\":{long}}}"),
        ),
        (
            "/layout-parsing",
            "layoutThreshold",
            format!("{{\"file\":\"x\",\"layoutThreshold\":{long}}}"),
        ),
        (
            "/restructure-pages",
            "logId",
            format!("{{\"pages\":[],\"logId\":{long}}}"),
        ),
        (
            "/v1/jobs",
            "settings",
            format!("{{\"files\":[],\"settings\":{{\"x\":{long}}}}}"),
        ),
        ("/v1/jobs", "files", format!("{{\"files\":{long}}}")),
        (
            "/v1/convert/source",
            "options",
            format!("{{\"sources\":[],\"options\":{{\"x\":{long}}}}}"),
        ),
        (
            "/v1/convert/source",
            "sources",
            format!("{{\"sources\":{long}}}"),
        ),
    ] {
        let answer = ask(path, &body).expect(413).text();
        assert!(
            answer.contains(field) && answer.contains("1048576"),
            "{path}: {answer}"
        );
    }
    // What is within the limit of a body, and beyond that of a field.
    let wide = many("0,", 100_000);
    let file = r#"{"content":"aGVsbG8=","name":"a.txt"}"#;
    for (path, field, status, body) in [
        (
            "/layout-parsing",
            "layoutThreshold",
            422,
            format!("{{\"file\":\"x\",\"layoutThreshold\":{wide}}}"),
        ),
        (
            "/v1/jobs",
            "settings",
            413,
            format!("{{\"files\":[{file}],\"settings\":{{\"x\":{wide}}}}}"),
        ),
        (
            "/v1/jobs",
            "--max-files",
            413,
            format!("{{\"files\":[{file},{file},{file},0]}}"),
        ),
        (
            "/v1/convert/source",
            "options",
            413,
            format!(
                "{{\"sources\":[{{\"kind\":\"file\",\"base64_string\":\"aGVsbG8=\",\"filename\":\"a.pdf\"}}],\"options\":{{\"x\":{wide}}}}}"
            ),
        ),
    ] {
        let answer = ask(path, &body).expect(status).text();
        assert!(answer.contains(field), "{path}: {answer}");
    }
}

#[test]
fn pages_that_take_too_much_memory_are_refused_before_they_are_read() {
    let server = Server::start(&["--memory-limit", "1G"]);
    let kind = [("content-type", "application/json")];
    let ask = |body: &str| server.ask("POST", "/restructure-pages", &kind, body.as_bytes());
    let page_with = |list: &str| {
        let zeros = "0,".repeat(400_000);
        format!(r#"{{"prunedResult":{{"{list}":[{zeros}0]}}}}"#)
    };
    let page = page_with("other");
    let pages = |count: usize| format!("{{\"pages\":[{}]}}", vec![page.as_str(); count].join(","));
    ask(&pages(1)).expect(200);
    // Blocks take more than other values.
    let blocks = format!("{{\"pages\":[{}]}}", page_with("parsing_res_list"));
    for body in [pages(4), blocks] {
        let refused = ask(&body).expect(413).json();
        let message = refused["errorMsg"].as_str().unwrap();
        assert!(message.contains("--memory-limit"), "{message}");
    }
}
