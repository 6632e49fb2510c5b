//! Orders that nobody should take as they are: too large together, with fields that mean nothing, or keys and names that
//! cannot be used.

use super::server::{Server, error, is_clean, long_pdf};
use crate::support::{Folder, root};
use base64::Engine;
use serde_json::{Value, json};
use std::io::{Cursor, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn encoded(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Orders files by their names and contents.
fn order(server: &Server, query: &str, files: &[(&str, &[u8])]) -> super::server::Answer {
    let files: Vec<Value> = files
        .iter()
        .map(|(name, bytes)| json!({"name": name, "content": encoded(bytes)}))
        .collect();
    let body = json!({"files": files, "formats": ["md"]}).to_string();
    server.ask("POST", &format!("/v1/jobs{query}"), &JSON, body.as_bytes())
}

#[test]
fn files_in_json_count_together() {
    let server = Server::start(&["--max-upload-size", "1M"]);
    let mut large = long_pdf(1);
    large.resize(600_000, b'\n');
    order(&server, "?wait=60", &[("a.pdf", &large)]).expect(200);
    let refused = order(&server, "", &[("a.pdf", &large), ("b.pdf", &large)]);
    let (status, code, message) = error(&refused);
    assert_eq!((status, code.as_str()), (413, "too_large"), "{message}");
    assert!(
        message.contains("together") && message.contains("--max-upload-size"),
        "{message}"
    );
    assert_eq!(refused.json()["error"]["limit"]["name"], "max_upload_size");
    assert!(is_clean(&server));
}

#[test]
fn fields_that_mean_nothing_are_told() {
    let server = Server::start(&[]);
    let content = encoded(&long_pdf(1));
    let file = json!({"name": "a.pdf", "content": content});
    let long = "x".repeat(100 << 10);
    for (body, named) in [
        (json!({"files": [file], "format": ["md"]}), "`format`"),
        (json!({"files": [file], "priority": 1}), "`priority`"),
        (
            json!({"files": [{"content": content, "filename": "a.pdf"}]}),
            "`filename`",
        ),
        (json!({"files": [file], &long: 1}), "`xxx"),
    ] {
        let answer = server.ask("POST", "/v1/jobs", &JSON, body.to_string().as_bytes());
        let (status, code, message) = error(&answer);
        assert_eq!((status, code.as_str()), (400, "bad_request"), "{message}");
        assert!(
            message.contains("unknown field") && message.contains(named),
            "{message}"
        );
        assert!(message.len() < 1000, "{}", message.len());
    }
    assert!(is_clean(&server));
    // The others ignore what they do not know, as their originals do.
    let body = json!({"file": content, "fileType": 0, "priority": 1});
    server
        .ask(
            "POST",
            "/layout-parsing",
            &JSON,
            body.to_string().as_bytes(),
        )
        .expect(200);
}

/// The status of an order with these lines of a head.
fn with_head(server: &Server, lines: &[&[u8]]) -> (u16, String) {
    let body = long_pdf(1);
    let mut head =
        b"POST /v1/jobs?formats=md HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".to_vec();
    for line in lines {
        head.extend_from_slice(line);
        head.extend_from_slice(b"\r\n");
    }
    write!(head, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.write_all(&[head, body].concat()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

#[test]
fn a_key_that_cannot_be_used_is_told() {
    let server = Server::start(&[]);
    let plain = b"Idempotency-Key: order-1".as_slice();
    assert_eq!(with_head(&server, &[plain]).0, 202);
    for lines in [
        &["Idempotency-Key: bestellung-\u{fc}1".as_bytes()][..],
        &[b"Idempotency-Key: bestellung-\xfc1"],
        &[b"Idempotency-Key:"],
        &[plain, b"Idempotency-Key: order-2"],
    ] {
        let (status, answer) = with_head(&server, lines);
        assert_eq!(status, 400, "{answer}");
        assert!(answer.contains("`Idempotency-Key`"), "{answer}");
    }
}

#[test]
fn results_have_names_that_any_system_can_hold() {
    let server = Server::start(&[]);
    let names = [
        "con.pdf",
        "a:b.pdf",
        "a_b.pdf",
        "A_B.pdf",
        "what?.pdf",
        "tail. .pdf",
    ];
    let pages: Vec<Vec<u8>> = (1..=names.len()).map(long_pdf).collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&pages)
        .map(|(name, page)| (*name, page.as_slice()))
        .collect();
    let job = order(&server, "?wait=60", &files).expect(200).json();
    assert_eq!(job["state"], "done", "{job}");
    let result = job["links"]["result"].as_str().unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(server.get(result).expect(200).body)).unwrap();
    let mut held = std::collections::BTreeSet::new();
    for index in 0..zip.len() {
        let name = zip.by_index(index).unwrap().name().unwrap().into_owned();
        let stem = name.split('.').next().unwrap().to_lowercase();
        assert!(stem != "con" && !name.contains([':', '?']), "{name}");
        assert!(!name.contains(". ."), "{name}");
        assert!(held.insert(name.to_lowercase()), "{name} is there twice");
    }
    assert_eq!(held.len(), names.len());
    // Clients see their own names, each with its files.
    for (index, file) in job["files"].as_array().unwrap().iter().enumerate() {
        assert_eq!(file["name"], names[index]);
        let output = file["outputs"][0]["name"].as_str().unwrap();
        let text = server.get(&format!("{result}/{output}")).expect(200).text();
        assert!(text.contains(&format!("page {} of", index + 1)), "{text}");
    }
}

#[test]
fn pages_of_the_reference_have_names_that_no_other_file_has() {
    let server = Server::start(&["--compat"]);
    let picture = std::fs::read(root().join("src/serve/selftest/page.png")).unwrap();
    // The first page of one has the name of the other.
    let pdf = long_pdf(2);
    let files = [("a_0.png", picture.as_slice()), ("a.pdf", pdf.as_slice())];
    let job = order(&server, "?wait=60", &files).expect(200).json();
    assert_eq!(job["state"], "done", "{job}");
    let outputs = |file: usize| -> Vec<&str> {
        let outputs = job["files"][file]["outputs"].as_array().unwrap();
        outputs
            .iter()
            .map(|o| o["name"].as_str().unwrap())
            .collect()
    };
    assert_eq!(outputs(0), ["a_0-2.md"]);
    assert_eq!(outputs(1), ["a_0.md", "a_1.md"]);
    let result = job["links"]["result"].as_str().unwrap();
    let zip = zip::ZipArchive::new(Cursor::new(server.get(result).expect(200).body)).unwrap();
    assert_eq!(zip.len(), 3);
    let text = server.get(&format!("{result}/a_0.md")).expect(200).text();
    assert!(text.contains("page 1 of"), "{text}");
}

#[test]
fn documents_of_a_job_keep_their_pictures() {
    let folder = Arc::new(Folder::new());
    // A page with a picture, whose place is its name.
    let boxes = json!([[14, 0.9, 10, 10, 90, 60, 0]]);
    let case =
        json!({"pipeline_version": "v1.6", "pages": [{"raw_boxes": boxes}], "vlm_answers": {}});
    folder.write("case.json", case.to_string());
    let server = Server::in_folder(folder, &["--compat", "--replay", "case.json"]);
    server.wait_ready();
    let page = |gray: u8| [b"P5 100 100 255\n".to_vec(), vec![gray; 10_000]].concat();
    let (dark, light) = (page(20), page(230));
    let files = [
        ("dark.pgm", dark.as_slice()),
        ("light.pgm", light.as_slice()),
    ];
    let job = order(&server, "?wait=60", &files).expect(200).json();
    assert_eq!(job["state"], "done", "{job}");
    let result = job["links"]["result"].as_str().unwrap();
    let mut shades = Vec::new();
    for name in ["dark", "light"] {
        let text = server
            .get(&format!("{result}/{name}.md"))
            .expect(200)
            .text();
        let path = format!("imgs/{name}/img_in_image_box_10_10_90_60.jpg");
        assert!(text.contains(&path), "{text}");
        let jpeg = server.get(&format!("{result}/{path}")).expect(200).body;
        let picture = image::load_from_memory(&jpeg).unwrap().to_luma8();
        shades.push(picture.get_pixel(40, 20)[0]);
    }
    assert!(shades[0] < 60 && shades[1] > 190, "{shades:?}");
    // One document alone has the reference's names.
    let job = order(&server, "?wait=60", &files[..1]).expect(200).json();
    let outputs = job["files"][0]["outputs"].as_array().unwrap();
    let is_named = |name: &str| outputs.iter().any(|output| output["name"] == name);
    assert!(is_named("imgs/img_in_image_box_10_10_90_60.jpg"), "{job}");
}
