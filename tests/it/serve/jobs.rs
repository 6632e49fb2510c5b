//! `/v1/jobs`: what may be ordered and how, what is answered, and what nobody may get.

use super::server::{Server, example, form, long_pdf};
use base64::Engine;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::TcpStream;

fn outputs(job: &Value, file: usize) -> Vec<&str> {
    let outputs = job["files"][file]["outputs"].as_array().unwrap();
    outputs
        .iter()
        .map(|o| o["name"].as_str().unwrap())
        .collect()
}

fn id(job: &Value) -> &str {
    job["id"].as_str().unwrap()
}

#[test]
fn a_result_is_what_the_command_line_writes() {
    let server = Server::start(&[]);
    let report = example("report.pdf");
    let job = server.order("name=report.pdf&wait=60&formats=md,json", &report);
    let job = job.expect(200).json();
    assert_eq!(
        (&job["state"], &job["page_count"]),
        (&json!("done"), &json!(2))
    );
    let path = server.folder.write("report.pdf", &report);
    let arguments = [
        "-i",
        path.to_str().unwrap(),
        "-o",
        "out",
        "--formats",
        "md,json",
    ];
    server.folder.run(&arguments).expect(0);
    let result = format!("/v1/jobs/{}/result", id(&job));
    for name in outputs(&job, 0) {
        let ours = server.get(&format!("{result}/{name}")).expect(200);
        let theirs = std::fs::read(server.folder.path().join("out").join(name)).unwrap();
        match name.ends_with(".json") {
            // It has the path as it was given.
            true => {
                let pages = |bytes: &[u8]| -> Value {
                    let mut value: Value = serde_json::from_slice(bytes).unwrap();
                    for page in value["pages"].as_array_mut().unwrap() {
                        page["input_path"] = Value::Null;
                    }
                    value["pages"].clone()
                };
                assert_eq!(pages(&ours.body), pages(&theirs));
            }
            false => assert_eq!(ours.body, theirs, "{name}"),
        }
    }
    let mut zip = zip::ZipArchive::new(Cursor::new(server.get(&result).expect(200).body)).unwrap();
    let names = zip.file_names().map(|name| name.unwrap().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    let mut expected = outputs(&job, 0);
    expected.sort_unstable();
    assert_eq!(names, expected);
    let mut markdown = String::new();
    zip.by_name("report.md")
        .unwrap()
        .read_to_string(&mut markdown)
        .unwrap();
    assert!(markdown.contains("Tidal Observations"));
}

#[test]
fn files_come_as_form_as_json_and_as_body() {
    let server = Server::start(&[]);
    let (letter, scan) = (long_pdf(2), example("report.pdf"));
    let (kind, body) = form(&[
        ("file", Some("a.pdf"), &letter),
        ("files", Some("a.pdf"), &scan),
        ("formats", None, b"md"),
        ("pages", None, b"2"),
        ("settings", None, br#"{"page_breaks": "comment"}"#),
    ]);
    let job = server.ask(
        "POST",
        "/v1/jobs?wait=60",
        &[("content-type", &kind)],
        &body,
    );
    let job = job.expect(200).json();
    assert_eq!(job["state"], "done", "{job}");
    // Equal names do not meet.
    let markdown = |job: &Value, file: usize| {
        let name = outputs(job, file)
            .into_iter()
            .find(|n| n.ends_with(".md"))
            .unwrap();
        server
            .get(&format!("/v1/jobs/{}/result/{name}", id(job)))
            .expect(200)
            .text()
    };
    let first = markdown(&job, 0);
    assert!(
        first.contains("page 2 of") && !first.contains("page 1 of"),
        "{first}"
    );
    assert!(first.contains("<!--") && !markdown(&job, 1).contains("page 2 of"));
    let encoded = base64::engine::general_purpose::STANDARD.encode(&letter);
    let order = json!({"files": [{"name": "b.pdf", "content": encoded}], "formats": ["md"]});
    let headers = [("content-type", "application/json")];
    let sent = server.ask(
        "POST",
        "/v1/jobs?wait=60",
        &headers,
        order.to_string().as_bytes(),
    );
    let sent = sent.expect(200).json();
    assert!(markdown(&sent, 0).contains("page 1 of"));
    assert_eq!(sent["files"][0]["size"], letter.len());
}

#[test]
fn what_makes_no_sense_is_told_by_its_name() {
    let server = Server::start(&["--max-upload-size", "100K", "--max-document-pages", "3"]);
    let check = |query: &str, bytes: &[u8], status: u16, code: &str, word: &str| {
        let answer = server.order(query, bytes);
        let error = &answer.json()["error"];
        assert_eq!(
            (answer.status, error["code"].as_str()),
            (status, Some(code)),
            "{error}"
        );
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
        assert_eq!(error["request_id"], answer.header("x-request-id"));
        error["limit"].clone()
    };
    let page = long_pdf(1);
    check("formats=poem", &page, 422, "bad_settings", "poem");
    check("pages=2-1", &page, 422, "bad_settings", "2-1");
    check("settings={", &page, 422, "bad_settings", "settings");
    let setting = "settings=%7B%22vl_rec_server_url%22:%22http://x%22%7D";
    check(setting, &page, 422, "bad_settings", "vl_rec_server_url");
    let limit = check("", &vec![0; 200_000], 413, "too_large", "--max-upload-size");
    assert_eq!(limit["value"], 102_400);
    let limit = check("", &long_pdf(4), 413, "too_large", "--max-document-pages");
    assert_eq!(limit["variable"], "DOCPARSE_MAX_DOCUMENT_PAGES");
    // Fewer are asked for.
    server
        .order("pages=1-2&formats=md", &long_pdf(4))
        .expect(202);
    let url = r#"{"files": [{"url": "http://127.0.0.1/"}]}"#;
    let kind = [("content-type", "application/json")];
    server
        .ask("POST", "/v1/jobs", &kind, url.as_bytes())
        .expect(403);
    server
        .ask("POST", "/v1/jobs", &kind, b"{nonsense")
        .expect(400);
    server.get("/v1/jobs/none").expect(404);
    server
        .get(&format!("/v1/jobs/{}", "0".repeat(44)))
        .expect(404);
}

#[test]
fn a_damaged_file_fails_with_its_reason_and_the_others_go_on() {
    let server = Server::start(&[]);
    let (kind, body) = form(&[
        ("file", Some("bad.pdf"), b"%PDF-1.4 and nothing more"),
        ("file", Some("good.pdf"), &long_pdf(1)),
        ("formats", None, b"md"),
    ]);
    let job = server.ask(
        "POST",
        "/v1/jobs?wait=60",
        &[("content-type", &kind)],
        &body,
    );
    let job = job.expect(200).json();
    assert_eq!(job["state"], "partial", "{job}");
    assert_eq!(job["files"][0]["state"], "failed");
    assert_eq!(job["files"][0]["errors"][0]["code"], "damaged");
    assert_eq!(job["files"][1]["state"], "done");
    let job = server
        .order("wait=60", b"neither this nor that")
        .expect(200)
        .json();
    assert_eq!(job["state"], "failed");
    assert_eq!(job["error"]["code"], "unsupported", "{job}");
    server
        .get(&format!("/v1/jobs/{}/result", id(&job)))
        .expect(404);
}

#[test]
fn equal_orders_are_one_job() {
    let server = Server::start(&[]);
    let page = long_pdf(1);
    let first = server.order("formats=md&name=a.pdf", &page).json();
    let again = server.order("formats=md&name=a.pdf", &page).json();
    assert_eq!(first["id"], again["id"]);
    for other in [
        "formats=json&name=a.pdf",
        "formats=md&name=b.pdf",
        "formats=md&name=a.pdf&pages=1",
    ] {
        assert_ne!(
            server.order(other, &page).json()["id"],
            first["id"],
            "{other}"
        );
    }
    let key = [
        ("idempotency-key", "k"),
        ("content-type", "application/pdf"),
    ];
    let ask = |bytes: &[u8]| server.ask("POST", "/v1/jobs?formats=md", &key, bytes);
    let keyed = ask(&page).json();
    assert_eq!(ask(&page).json()["id"], keyed["id"]);
    ask(&long_pdf(2)).expect(409);
}

#[test]
fn no_key_sees_the_job_of_another() {
    let folder = std::sync::Arc::new(crate::support::Folder::new());
    folder.write("keys", "# two people\nfirst\nsecond\n");
    let server = Server::in_folder(folder, &["--api-keys-file", "keys"]);
    server.wait_ready();
    let page = long_pdf(1);
    let order = |key: &str| {
        server.ask(
            "POST",
            "/v1/jobs?wait=60&formats=md",
            &[("x-api-key", key)],
            &page,
        )
    };
    order("third").expect(401);
    server.get("/v1/jobs").expect(401);
    let first = order("first").expect(200).json();
    let second = order("second").expect(200).json();
    assert_ne!(first["id"], second["id"]);
    let path = format!("/v1/jobs/{}", id(&first));
    for ending in ["", "/pages", "/events", "/result", "/result/document.md"] {
        let path = format!("{path}{ending}");
        let ask = |bearer| server.ask("GET", &path, &[("authorization", bearer)], b"");
        ask("Bearer second").expect(404);
        ask("Bearer first").expect(200);
    }
    server
        .ask("DELETE", &path, &[("x-api-key", "second")], b"")
        .expect(404);
    let list = server
        .ask("GET", "/v1/jobs", &[("x-api-key", "second")], b"")
        .json();
    assert_eq!(list["jobs"].as_array().unwrap().len(), 1);
    let log = server.log();
    assert!(!log.contains("first") && !log.contains("second"), "{log}");
}

#[test]
fn pages_come_as_they_are_finished_and_again_when_they_are_final() {
    let server = Server::start(&[]);
    let job = server.order("formats=md", &long_pdf(40)).expect(202).json();
    let stream = server
        .get(&format!("/v1/jobs/{}/pages", id(&job)))
        .expect(200);
    assert_eq!(stream.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = stream
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let pages = |provisional: bool| -> Vec<u64> {
        let lines = lines
            .iter()
            .filter(|line| line["provisional"] == provisional);
        lines.map(|line| line["page"].as_u64().unwrap()).collect()
    };
    let all: Vec<u64> = (1..=40).collect();
    assert_eq!((pages(true), pages(false)), (all.clone(), all));
    assert!(lines[0]["markdown"].as_str().unwrap().contains("page 1 of"));
    assert_eq!(lines[0]["blocks"][0]["block_label"], "text");
    let markdown = server
        .get(&format!("/v1/jobs/{}/pages?format=md", id(&job)))
        .text();
    assert_eq!(markdown.matches("This is page").count(), 40);
    let events = server.get(&format!("/v1/jobs/{}/events", id(&job))).text();
    let end = events.rsplit("event: end\ndata: ").next().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(end.trim()).unwrap()["state"],
        "done"
    );
}

#[test]
fn a_stream_begins_before_the_job_has_ended() {
    let server = Server::start(&["--threads", "1"]);
    let job = server.order("formats=md", &long_pdf(600)).json();
    let address = server.url.trim_start_matches("http://").to_string();
    let mut stream = TcpStream::connect(&address).unwrap();
    let request = format!(
        "GET /v1/jobs/{}/pages HTTP/1.1\r\nHost: x\r\n\r\n",
        id(&job)
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines();
    let page = lines.find(|line| line.as_ref().unwrap().contains("\"page\":1,"));
    assert!(page.is_some());
    let now = server.get(&format!("/v1/jobs/{}", id(&job))).json();
    assert_eq!(now["state"], "running", "{now}");
}

#[test]
fn a_job_can_be_cancelled_and_removed() {
    let server = Server::start(&["--concurrency", "1"]);
    let running = server.order("formats=md", &long_pdf(2000)).json();
    let waiting = server.order("formats=md", &long_pdf(3)).json();
    let path = |job: &Value| format!("/v1/jobs/{}", id(job));
    server.until("running", || {
        server.get(&path(&running)).json()["state"] == "running"
    });
    let cancelled = server
        .ask("DELETE", &path(&waiting), &[], b"")
        .expect(200)
        .json();
    assert_eq!(cancelled["state"], "canceled");
    let cancelled = server
        .ask("DELETE", &path(&running), &[], b"")
        .expect(200)
        .json();
    assert_eq!(cancelled["state"], "canceled");
    // The engine is free at once.
    let next = server
        .order("formats=md&wait=20", &long_pdf(1))
        .expect(200)
        .json();
    assert_eq!(next["state"], "done");
    server
        .ask("DELETE", &format!("{}?purge=true", path(&next)), &[], b"")
        .expect(200);
    server.get(&path(&next)).expect(404);
    let spool = server.folder.path().join("spool/jobs");
    assert!(!spool.join(id(&next)).exists() && spool.join(id(&running)).exists());
}

#[test]
fn settings_of_one_job_are_not_those_of_another() {
    let server = Server::start(&[]);
    let page = long_pdf(2);
    let order = |style: &str, i: usize| {
        let settings = format!("settings=%7B%22page_breaks%22:%22{style}%22%7D");
        let query = format!("formats=md&name=same.pdf&{settings}&wait=60");
        // A job of its own each time.
        let number = i.to_string();
        let headers = [("idempotency-key", number.as_str())];
        let job = server
            .ask("POST", &format!("/v1/jobs?{query}"), &headers, &page)
            .expect(200)
            .json();
        let text = server
            .get(&format!("/v1/jobs/{}/result/same.md", id(&job)))
            .expect(200)
            .text();
        (text.contains("<!--"), text.contains("\n---\n"))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..24)
            .map(|i| scope.spawn(move || (i, order(["comment", "rule"][i % 2], i))))
            .collect();
        for thread in threads {
            let (i, marks) = thread.join().unwrap();
            assert_eq!(marks, (i % 2 == 0, i % 2 == 1), "{i}");
        }
    });
}

#[test]
fn names_of_clients_reach_no_path() {
    let server = Server::start(&[]);
    let outside = server.folder.path().join("outside.md");
    for name in [
        "../outside.pdf",
        "..%2F..%2Foutside.pdf",
        "%2Ftmp%2Foutside.pdf",
        "..",
        "a%00b.pdf",
    ] {
        let job = server.order(&format!("wait=60&formats=md&name={name}"), &long_pdf(1));
        let job = job.expect(200).json();
        assert_eq!(job["state"], "done", "{job}");
        let name = outputs(&job, 0)[0];
        assert!(!name.contains('/') && !name.starts_with('.'), "{name}");
        for other in [
            "../request.json",
            "..%2Frequest.json",
            "%2Fetc%2Fpasswd",
            "../../../../keys",
        ] {
            let answer = server.get(&format!("/v1/jobs/{}/result/{other}", id(&job)));
            assert_eq!(answer.status, 404, "{other}");
        }
    }
    assert!(!outside.exists());
}
