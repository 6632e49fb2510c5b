//! `docparse conform`: recorded exchanges of three services, said to a server of ours and to one that is wrong.

use super::http;
use super::serve::server::Server;
use super::support::Folder;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// Recordings that a server without `--compat` and with the embedded pipeline answers in another way, and why.
const OTHERWISE: &[(&str, &str)] = &[
    // This pipeline has no network for the layout that could be left out.
    ("no layout detection", "layout_det_res: not expected"),
    // Pairs work here.
    ("unclip pair", "expected 422, got 200"),
];

fn conform(arguments: &[&str], code: i32) -> String {
    let arguments = [&["conform"], arguments].concat();
    Folder::new().run(&arguments).expect(code).stdout
}

#[test]
fn our_server_speaks_as_the_others_do() {
    let server = Server::start(&[]);
    let table = conform(
        &[&server.url, "--dialect", "ppocr", "--dialect", "docling"],
        0,
    );
    let lines: Vec<&str> = table.lines().collect();
    for (name, count) in [("ppocr", 45), ("docling", 53)] {
        let total = format!("{name}: same {count}, differs 0, not offered 0");
        assert!(
            lines.contains(&name) && lines.contains(&total.as_str()),
            "{table}"
        );
    }
    assert_eq!(lines.len(), 45 + 53 + 4);

    let printed = conform(&["--json", &server.url, "--dialect", "reference"], 1);
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&report["agrees"], &report["url"]),
        (&false.into(), &server.url.clone().into())
    );
    let reference = &report["dialects"][0];
    let rows = reference["exchanges"].as_array().unwrap();
    assert_eq!((rows.len(), &reference["same"]), (40, &38.into()));
    let others: Vec<&Value> = rows.iter().filter(|row| row["outcome"] != "same").collect();
    assert_eq!(others.len(), OTHERWISE.len(), "{others:?}");
    for (row, (name, difference)) in others.iter().zip(OTHERWISE) {
        assert_eq!(
            (&row["outcome"], &row["name"]),
            (&"differs".into(), &(*name).into())
        );
        let told = row["difference"].as_str().unwrap();
        assert!(told.contains(difference), "{told}");
    }
}

#[test]
fn a_wrong_server_is_told_where_it_is_wrong() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = seen.clone();
    let address = http::serve(move |request, stream| {
        let key = [request.header("authorization"), request.header("x-api-key")].join(" ");
        seeing.lock().unwrap().push(key);
        let json = "Content-Type: application/json\r\n";
        match request.path.as_str() {
            "/" => {
                let body = r#"{"status": "ok", "message": "PaddleOCR API v2.0 is running",
                    "model_dir": "/m", "cache_dir": "/c"}"#;
                http::say(stream, 200, json, body.as_bytes());
            }
            "/health" => http::say(stream, 200, json, b"{\"status\": \"bad\\u001b[2J\"}"),
            "/system/info" => http::say(stream, 200, json, b"not JSON"),
            "/docs" => http::say(stream, 302, "Location: http://elsewhere.invalid/\r\n", b""),
            "/ocr" => http::say(stream, 200, "Content-Type: text/plain\r\n", b"one page"),
            "/ocr/debug" => return false,
            _ => http::say(stream, 404, json, b"{}"),
        }
        true
    });
    let url = format!("http://{address}/");
    let arguments = [
        "--dialect",
        "ppocr",
        "--api-key",
        "secret",
        "--timeout",
        "20",
    ];
    let table = conform(&[&[url.as_str()], &arguments[..]].concat(), 1);
    let row = |begin: &str| {
        let found = table.lines().map(str::trim_start).find(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.join(" ").starts_with(begin)
        });
        found
            .unwrap_or_else(|| panic!("no `{begin}` in {table}"))
            .to_string()
    };
    row("same GET / what it is");
    row("same POST /ocr text of a picture");
    assert!(row("differs GET /health health: ").contains("body"));
    assert!(row("differs GET /system/info").contains("no JSON"));
    assert!(row("differs GET /docs").contains("status: expected 200, got 302"));
    assert!(row("differs POST /ocr a picture without text").contains("got \"one page\""));
    row("differs POST /ocr/debug lines of a picture: ");
    row("not offered POST /ocr/json facts about a picture");
    row("ppocr: same 3, differs ");
    assert!(!table.contains('\x1b') && !table.contains("secret"));
    let keys = std::mem::take(&mut *seen.lock().unwrap());
    assert!(keys.len() >= 45 && keys.iter().all(|key| key == "Bearer secret secret"));

    // What needs a task that was never there is not offered either.
    let printed = conform(&[&url, "--dialect", "docling", "--json"], 1);
    let report: Value = serde_json::from_str(&printed).unwrap();
    let docling = &report["dialects"][0];
    assert_eq!(docling["same"], 0);
    let rows = docling["exchanges"].as_array().unwrap();
    let of_tasks = rows
        .iter()
        .filter(|row| row["path"].as_str().unwrap().contains("{task}"));
    assert!(of_tasks.clone().count() == 6);
    assert!(of_tasks.clone().all(|row| row["outcome"] == "not offered"));
}

#[test]
fn a_server_that_is_not_there_is_no_table() {
    let run = |arguments: &[&str]| Folder::new().run(&[&["conform"], arguments].concat());
    for wrong in [
        &[][..],
        &["nothing"],
        &["ftp://a"],
        &["http://a/?b"],
        &["http://a", "--dialect", "b"],
    ] {
        let ran = run(wrong).expect(2);
        assert!(
            ran.stdout.is_empty() && ran.stderr.contains("error: "),
            "{}",
            ran.stderr
        );
    }
    let nobody = format!("http://{}", http::nobody());
    let ran = run(&[&nobody]).expect(1);
    assert!(
        ran.stdout.is_empty() && ran.stderr.contains("does not answer"),
        "{}",
        ran.stderr
    );
}
