//! Addresses of pictures in answers of the reference's routes.

use super::server::{Answer, Server, example};
use crate::support::Folder;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::io::Cursor;
use std::sync::Arc;

const JSON: (&str, &str) = ("content-type", "application/json");

/// A server that gives addresses, with the keys `first` and `second`.
fn giving(section: &str, flags: &[&str]) -> Server {
    let folder = Arc::new(Folder::new());
    folder.write("keys", "first\nsecond\n");
    folder.write("own.yaml", section);
    let flags = [&["--api-keys-file", "keys", "--config", "own.yaml"], flags].concat();
    let server = Server::in_folder(folder, &flags);
    server.wait_ready();
    server
}

fn parse(server: &Server, more: Value, headers: &[(&str, &str)]) -> Answer {
    let mut body = json!({"file": BASE64_STANDARD.encode(example("report.pdf")), "fileType": 0});
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    let key = ("x-api-key", "first");
    let headers = [&[JSON, key], headers].concat();
    server.ask(
        "POST",
        "/layout-parsing",
        &headers,
        body.to_string().as_bytes(),
    )
}

/// The path and query of an address that begins with `base`.
#[track_caller]
fn path<'a>(address: &'a Value, base: &str) -> &'a str {
    let address = address.as_str().unwrap();
    address.strip_prefix(base).expect(address)
}

/// All addresses of an answer.
fn addresses(answer: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    for page in answer["result"]["layoutParsingResults"].as_array().unwrap() {
        all.extend(
            page["markdown"]["images"]
                .as_object()
                .unwrap()
                .values()
                .cloned(),
        );
        all.extend(page["outputImages"].as_object().unwrap().values().cloned());
        all.push(page["inputImage"].clone());
        all.push(page["exports"]["docx"]["content"].clone());
    }
    all
}

#[test]
fn pictures_are_fetched_by_their_addresses_without_a_key() {
    let server = giving("Serving: {return_urls: true}", &[]);
    let base = &server.url;
    let answer = parse(&server, json!({"outputFormats": ["docx"]}), &[])
        .expect(200)
        .json();
    let all = addresses(&answer);
    assert!(all.len() > 8, "{all:?}");
    for address in &all {
        let path = path(address, base);
        let file = server.get(path).expect(200);
        let start: &[u8] = if path.contains(".docx") {
            b"PK"
        } else {
            b"\xff\xd8"
        };
        assert!(file.body.starts_with(start), "{path}");
        let (bare, query) = path.split_once('?').unwrap();
        server.get(bare).expect(401);
        server
            .ask("GET", bare, &[("x-api-key", "first")], b"")
            .expect(200);
        server
            .ask("GET", bare, &[("x-api-key", "second")], b"")
            .expect(404);
        // Opens its own file only.
        server.get(&format!("{bare}x?{query}")).expect(403);
        server.get(&format!("{path}0")).expect(403);
    }
    let path = path(&all[0], base);
    server
        .ask("GET", path, &[("x-api-key", "second")], b"")
        .expect(200);
    let (job, query) = (
        path.split("/result/").next().unwrap(),
        path.split('?').nth(1).unwrap(),
    );
    for other in ["", "/result", "/pages", "/events"] {
        server.get(&format!("{job}{other}?{query}")).expect(401);
    }
    server
        .ask("DELETE", &format!("{job}?{query}"), &[], b"")
        .expect(401);
    assert!(!server.log().contains("signature"), "{}", server.log());

    // Results that are joined keep the addresses, and the Word document has the pictures behind them.
    let pages = answer["result"]["layoutParsingResults"].as_array().unwrap();
    let pages = pages.iter().map(|page| {
        json!({"prunedResult": page["prunedResult"], "markdownImages": page["markdown"]["images"]})
    });
    let order = json!({"pages": pages.collect::<Vec<_>>(), "concatenatePages": true, "outputFormats": ["docx"]});
    let headers = [JSON, ("x-api-key", "first")];
    let joined = server.ask(
        "POST",
        "/restructure-pages",
        &headers,
        order.to_string().as_bytes(),
    );
    let joined = joined.expect(200).json()["result"]["layoutParsingResults"][0].clone();
    let images = joined["markdown"]["images"].as_object().unwrap();
    assert!(!images.is_empty() && images.values().all(|image| all.contains(image)));
    let word = joined["exports"]["docx"]["content"].as_str().unwrap();
    let word = BASE64_STANDARD.decode(word).unwrap();
    let word = zip::ZipArchive::new(Cursor::new(word)).unwrap();
    let media = word
        .file_names()
        .filter(|name| name.as_ref().unwrap().contains("media/"));
    assert_eq!(media.count(), images.len());
}

#[test]
fn pictures_behind_addresses_count_as_often_as_they_are_shown() {
    let server = giving("Serving: {return_urls: true}", &["--max-upload-size", "1M"]);
    let headers = [JSON, ("x-api-key", "first")];
    let answer = parse(&server, json!({}), &[]).expect(200).json();
    let page = &answer["result"]["layoutParsingResults"][0];
    let address = &page["inputImage"];
    let size = server
        .get(path(address, &server.url))
        .expect(200)
        .body
        .len();
    let ask = |shown: usize, named: usize| {
        let path = |i: usize| format!("a_{i}_0_9_9.jpg");
        let images = (0..named).map(|i| (path(i), address.clone()));
        let images: serde_json::Map<_, _> = images.collect();
        let blocks =
            (0..shown).map(|i| json!({"block_label": "image", "block_bbox": [i, 0, 9, 9]}));
        let page = json!({
            "prunedResult": {"parsing_res_list": blocks.collect::<Vec<_>>()}, "markdownImages": images,
        });
        let order =
            json!({"pages": [page], "outputFormats": ["docx"], "returnMarkdownImages": false});
        let order = order.to_string();
        server.ask("POST", "/restructure-pages", &headers, order.as_bytes())
    };
    let most = (1 << 20) / size;
    // Named only, as often as anybody likes.
    ask(1, most + 100).expect(200);
    let refused = ask(most + 1, most + 1).expect(413).json();
    let message = refused["errorMsg"].as_str().unwrap();
    assert!(message.contains("--max-upload-size"), "{message}");
}

#[test]
fn addresses_end_and_begin_as_they_are_told() {
    let section = "Serving: {visualize: false, return_urls: true, extra: {url_expires_in: 1}}";
    let server = giving(section, &[]);
    let headers = [("host", "docs.example:81"), ("x-forwarded-proto", "https")];
    let answer = parse(&server, json!({}), &headers).expect(200).json();
    let page = &answer["result"]["layoutParsingResults"][0];
    assert!(page["inputImage"].is_null(), "{page}");
    let image = page["markdown"]["images"]
        .as_object()
        .unwrap()
        .values()
        .next();
    let path = path(image.unwrap(), "https://docs.example:81").to_string();
    server.until("ended", || server.get(&path).status == 403);
    // A later answer of the same job has later addresses.
    let again = parse(&server, json!({}), &headers).expect(200).json();
    assert_ne!(again["result"], answer["result"]);
    let odd = parse(&server, json!({}), &[("host", "a/b")])
        .expect(400)
        .json();
    assert!(
        odd["errorMsg"].as_str().unwrap().contains("public_url"),
        "{odd}"
    );

    let set = giving(
        "Serving: {return_urls: false}",
        &[
            "--return-urls",
            "--public-url",
            "https://public.example/docs/",
        ],
    );
    let answer = parse(&set, json!({"outputFormats": ["docx"]}), &headers)
        .expect(200)
        .json();
    for address in addresses(&answer) {
        set.get(path_of(&address)).expect(200);
    }
    assert_eq!(
        set.ask("GET", "/v1/capabilities", &[("x-api-key", "first")], b"")
            .json()["return_urls"],
        true
    );
}

fn path_of(address: &Value) -> &str {
    path(address, "https://public.example/docs")
}

#[test]
fn storages_that_nobody_writes_to_are_refused_at_the_start() {
    let folder = Folder::new();
    let serve = |section: &str, flags: &[&str]| {
        folder.write("own.yaml", section);
        let arguments = [
            "serve", "--port", "0", "--spool", "spool", "--config", "own.yaml",
        ];
        folder
            .run(&[&arguments[..], flags].concat())
            .expect(2)
            .stderr
    };
    let bos = serve(
        "Serving: {return_urls: true, extra: {file_storage: {type: bos, ak: hidden}}}",
        &[],
    );
    assert!(bos.contains("`bos`") && bos.contains("hint: "), "{bos}");
    assert!(!bos.contains("hidden"), "{bos}");
    let zero = serve("Serving: {extra: {url_expires_in: 0}}", &[]);
    assert!(zero.contains("Serving.extra.url_expires_in"), "{zero}");
    let url = serve("", &["--public-url", "docs.example"]);
    assert!(url.contains("https://example.org/docs"), "{url}");
}
