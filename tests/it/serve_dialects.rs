//! `docparse serve` as the clients of two other services speak to it: the PP-OCR service, and docling's.

mod client;
mod ocr;
mod socket;

use super::support::{assemble, example, root};
use client::{Part, START, Server};
use serde_json::{Value, json};
use std::io::{Cursor, Read};
use std::time::{Duration, Instant};

/// A page with two lines, as `pdf` or `png`.
fn page(ending: &str) -> Vec<u8> {
    let path = match ending {
        "pdf" => "src/serve/selftest/page.pdf",
        _ => "src/proof/exchanges/page.png",
    };
    std::fs::read(root().join(path)).unwrap()
}

/// A PDF whose only page is a picture.
fn scanned() -> Vec<u8> {
    let picture = image::load_from_memory(&page("png")).unwrap().to_luma8();
    let (width, height) = picture.dimensions();
    // Hexadecimal, since objects are texts.
    let digits: String = picture
        .as_raw()
        .iter()
        .map(|gray| format!("{gray:02x}"))
        .collect();
    let content = format!("{} 0 0 {} 0 0 cm /I Do", width / 2, height / 2);
    assemble(&[
        "<< /Type /Catalog /Pages 2 0 R >>".into(),
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>".into(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {} {}] /Contents 4 0 R \
             /Resources << /XObject << /I 5 0 R >> >> >>",
            width / 2,
            height / 2
        ),
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ),
        format!(
            "<< /Type /XObject /Subtype /Image /Width {width} /Height {height} \
             /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /ASCIIHexDecode \
             /Length {} >>\nstream\n{digits}\nendstream",
            digits.len()
        ),
    ])
}

/// What the picture of the self-test says.
const PAGE_TEXT: &str = "docparse self-test One page through the whole engine.";

fn no_file(name: &str) -> Value {
    json!([{"type": "missing", "loc": ["body", name], "msg": "Field required", "input": null}])
}

#[test]
fn the_pp_ocr_service_answers_in_its_own_words() {
    let server = Server::start(&[]);
    let early = server.post("/ocr", &[("file", Some("a.png"), &page("png"))]);
    let info = server.get("/system/info");
    if server.get("/readyz").status == 503 {
        early.is_error(503, "OCR服务未就绪");
        assert_eq!(
            (info.status, &info.json()["ocr_ready"]),
            (200, &json!(false))
        );
    }
    let began = Instant::now();
    loop {
        // Asked first: the server may get ready between the two.
        let health = server.get("/health").status;
        if server.get("/readyz").status == 200 {
            break;
        }
        assert_eq!(health, 503);
        assert!(began.elapsed() < START, "the server is never ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    let about = server.get("/").json();
    assert_eq!(about["message"], "PaddleOCR API v2.0 is running");
    assert_eq!(about["model_dir"], "/models/of/paddle");
    assert_eq!(about["cache_dir"], "/app/cache");
    let health = server.get("/health").json();
    assert_eq!(health["ocr_ready"], true);
    assert_eq!(health["errorCode"], 0);
    assert_eq!(
        health["supported_formats"]["图片格式"],
        "jpg, jpeg, png, bmp, tiff, gif, webp"
    );
    assert_eq!(health["endpoints"]["/ocr"], "返回纯文本识别结果");
    let info = server.get("/system/info").json();
    assert_eq!(info["paths"]["base_dir"], "/app");
    assert_eq!(info["system"]["paddle_version"], "unknown");
    assert_eq!(info["models"]["det_model"], true);

    let all = "jpg, jpeg, png, bmp, tiff, gif, webp, pdf";
    let tif: &[Part] = &[("file", Some("a.b.TIF"), b"x")];
    server
        .post("/ocr", tif)
        .is_error(400, format!("不支持的文件格式: tif,支持的格式: {all}"));
    server
        .post("/ocr/json", tif)
        .is_error(400, "不支持的文件格式: tif");
    for name in ["a.pdf", "a.txt", "pdf"] {
        server
            .post("/ocr/debug", &[("file", Some(name), b"x")])
            .is_error(400, "调试模式仅支持图片文件");
    }
    for path in ["/ocr", "/ocr/json", "/ocr/debug"] {
        server.post(path, &[]).is_error(422, no_file("file"));
        server
            .post(path, &[("files", Some("a.png"), &page("png"))])
            .is_error(422, no_file("file"));
        if path != "/ocr" {
            let json = server.post_json(path, &json!({"file": "x"}));
            json.is_error(422, no_file("file"));
        }
        let text = server.post(path, &[("file", None, b"x")]).json();
        assert_eq!(text["detail"][0]["type"], "value_error");
        server.get(path).is_error(405, "Method Not Allowed");
    }
    // It ends before its first row.
    let broken = &page("png")[..60];
    for (path, name, content, status, start) in [
        ("/ocr", "a.pdf", &b"no PDF"[..], 400, "PDF处理失败: "),
        ("/ocr/json", "a.png", broken, 400, "图片处理失败: "),
        ("/ocr/debug", "a.png", broken, 500, "调试处理失败: "),
    ] {
        let answer = server.post(path, &[("file", Some(name), content)]);
        let body = answer.json();
        let detail = body["detail"].as_str().unwrap();
        assert_eq!(answer.status, status, "{body}");
        assert!(detail.starts_with(start), "{detail}");
    }
}

#[test]
fn the_pp_ocr_service_reads_pictures_and_pdfs() {
    let server = Server::ready(&[]);
    let read = |path: &str, name: &str, content: &[u8]| {
        let answer = server.post(path, &[("file", Some(name), content)]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    };
    let text = read("/ocr", "a.PNG", &page("png"));
    assert_eq!(text.kind, "text/plain; charset=utf-8");
    assert_eq!(text.text(), PAGE_TEXT);
    let value = read("/ocr/json", "page.png", &page("png")).json();
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    let expected = [
        "success",
        "filename",
        "file_type",
        "text",
        "text_length",
        "processing_time",
        "has_content",
    ];
    assert_eq!(keys, expected);
    assert_eq!(value["file_type"], "png");
    assert_eq!(value["text_length"], PAGE_TEXT.chars().count());
    let debug = read("/ocr/debug", "page.png", &page("png")).json();
    assert_eq!(debug["image_size"], "600x240");
    assert_eq!(debug["raw_result_count"], 2);
    assert_eq!(debug["filtered_text"], PAGE_TEXT);
    let first = &debug["raw_results"][0];
    assert_eq!(
        (&first["index"], &first["text_length"]),
        (&json!(0), &json!(18))
    );
    assert_eq!(first["bbox"].as_array().unwrap().len(), 4);

    let own = "docparse self-test\nOne page through the whole engine.";
    assert_eq!(read("/ocr", "page.pdf", &page("pdf")).text(), own);
    let scan = read("/ocr", "scan.pdf", &scanned());
    assert_eq!(scan.text(), format!("--- 第1页 ---\n{own}"));
    let mut white = Vec::new();
    image::GrayImage::from_pixel(300, 100, image::Luma([255]))
        .write_to(&mut Cursor::new(&mut white), image::ImageFormat::Png)
        .unwrap();
    assert_eq!(read("/ocr", "white.png", &white).text(), "未识别到文本内容");
    let empty = read("/ocr/json", "white.png", &white).json();
    assert_eq!(
        (&empty["text"], &empty["has_content"]),
        (&json!(""), &json!(false))
    );

    // Equal names, different contents, at the same time.
    std::thread::scope(|scope| {
        let picture = scope.spawn(|| read("/ocr", "same.pdf", &scanned()));
        let text = scope.spawn(|| read("/ocr", "same.pdf", &page("pdf")));
        assert!(picture.join().unwrap().text().starts_with("--- "));
        assert_eq!(text.join().unwrap().text(), own);
    });
}

#[test]
fn docling_clients_get_what_they_ask_for() {
    let server = Server::ready(&[]);
    let report = std::fs::read(example("report.pdf")).unwrap();
    let answer = server.post(
        "/v1/convert/file",
        &[
            ("to_formats", None, b"md"),
            ("to_formats", None, b"json"),
            ("to_formats", None, b"text"),
            ("to_formats", None, b"html"),
            ("to_formats", None, b"doctags"),
            ("md_page_break_placeholder", None, b"<cut>"),
            ("some_new_option", None, b"x"),
            ("files", Some("report.pdf"), &report),
        ],
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let value = answer.json();
    assert_eq!(
        (&value["status"], &value["errors"]),
        (&json!("success"), &json!([]))
    );
    assert!(value["processing_time"].as_f64().unwrap() > 0.0);
    let document = &value["document"];
    assert_eq!(document["filename"], "report.pdf");
    let markdown = document["md_content"].as_str().unwrap();
    assert_eq!(markdown.matches("<cut>").count(), 1);
    assert_eq!(markdown.matches("<!-- image -->").count(), 1);
    assert_eq!(markdown.matches("<!-- formula-not-decoded -->").count(), 2);
    assert!(!markdown.contains("imgs/") && !markdown.contains("<!-- page"));
    let html = document["html_content"].as_str().unwrap();
    assert!(html.contains("<!-- image -->") && !html.contains("<img"));
    let text = document["text_content"].as_str().unwrap();
    assert!(text.starts_with("Tidal Observations at Twelve Harbours\n\n"));
    let tags = document["doctags_content"].as_str().unwrap();
    assert!(tags.contains("<page_break>") && tags.contains("<ched>Harbour<ched>Range<lcel>"));
    let docling = &document["json_content"];
    assert_eq!(docling["schema_name"], "DoclingDocument");
    assert_eq!(docling["tables"][0]["data"]["num_rows"], 7);
    assert_eq!(
        docling["tables"][0]["captions"].as_array().unwrap().len(),
        1
    );
    assert_eq!(docling["pictures"].as_array().unwrap().len(), 1);
    assert_eq!(docling["pages"].as_object().unwrap().len(), 2);
    assert_eq!(
        refs_lead_somewhere(docling),
        docling["texts"].as_array().unwrap().len()
    );

    // The same by JSON, with its pictures, of one page.
    let base64 = {
        use base64::Engine;
        base64::prelude::BASE64_STANDARD.encode(&report)
    };
    let source = json!({"kind": "file", "filename": "report.pdf", "base64_string": base64});
    let options = json!({"to_formats": ["md", "json"], "image_export_mode": "embedded", "page_range": [1, 1]});
    let order = json!({"options": options, "sources": [source]});
    let value = server.post_json("/v1/convert/source", &order).json();
    let document = &value["document"];
    let markdown = document["md_content"].as_str().unwrap();
    assert_eq!(markdown.matches("](data:image/jpeg;base64,").count(), 3);
    let image = &document["json_content"]["pictures"][0]["image"];
    assert!(
        image["uri"]
            .as_str()
            .unwrap()
            .starts_with("data:image/jpeg;base64,")
    );
    assert_eq!(
        document["json_content"]["pages"].as_object().unwrap().len(),
        1
    );
    let order = json!({"sources": [source], "target": {"kind": "inbody"}});
    let task = server.post_json("/v1/convert/source/async", &order);
    assert_eq!(task.status, 200);
    let value = server.result(&task.json()).json();
    assert!(value["document"]["md_content"].is_string());
    assert!(value["document"]["json_content"].is_null());
}

/// Checks that every reference in a document leads to an item whose parent or owner refers back; counts the texts found.
fn refs_lead_somewhere(document: &Value) -> usize {
    let mut waiting = vec![("#/body".to_string(), document["body"].clone())];
    let mut texts = 0;
    while let Some((own, item)) = waiting.pop() {
        texts += usize::from(own.starts_with("#/texts/"));
        for child in item["children"].as_array().unwrap() {
            let pointer = child["$ref"].as_str().unwrap();
            let child = document.pointer(&pointer[1..]).expect(pointer);
            assert_eq!(child["parent"]["$ref"], own.as_str());
            assert_eq!(child["self_ref"], pointer);
            waiting.push((pointer.to_string(), child.clone()));
        }
    }
    texts
}

#[test]
fn docling_clients_are_told_what_is_wrong() {
    let server = Server::ready(&[]);
    let png: Part = ("files", Some("a.png"), &page("png"));
    let wrong = |parts: &[Part], field: &str| {
        let answer = server.post("/v1/convert/file", parts);
        let body = answer.json();
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(body["detail"][0]["loc"], json!(["body", field]), "{body}");
    };
    wrong(&[], "files");
    wrong(&[png, ("to_formats", None, b"docx")], "to_formats");
    wrong(
        &[png, ("image_export_mode", None, b"x")],
        "image_export_mode",
    );
    wrong(&[png, ("page_range", None, b"2,1")], "page_range");
    wrong(
        &[
            png,
            ("do_ocr", None, b"false"),
            ("force_ocr", None, b"true"),
        ],
        "force_ocr",
    );
    // Clients that read this go on with another target.
    let stored = server.post(
        "/v1/convert/file/async",
        &[png, ("target_type", None, b"presigned_url")],
    );
    assert_eq!(stored.status, 422);
    let detail = stored.json()["detail"].as_str().unwrap().to_string();
    assert!(detail.contains("artifact storage to be configured"));
    let only_pdf = server.post("/v1/convert/file", &[png, ("from_formats", None, b"pdf")]);
    only_pdf.is_error(422, "File format not allowed: a.png");
    let called = server.post(
        "/v1/convert/file",
        &[png, ("callbacks", None, b"http://localhost/")],
    );
    assert_eq!(called.status, 403);
    for (order, status) in [
        (json!({"sources": []}), 422),
        (json!({"sources": [{"kind": "s3"}]}), 422),
        (json!({"sources": [{"kind": "file", "filename": "a"}]}), 422),
        (json!({"options": {}}), 422),
        (
            json!({"sources": [{"kind": "http", "url": "http://localhost/a.pdf"}]}),
            403,
        ),
    ] {
        let answer = server.post_json("/v1/convert/source", &order);
        assert_eq!(answer.status, status, "{order}: {}", answer.text());
        assert!(!answer.json()["detail"].is_null());
    }
    // A document that cannot be read is an answer.
    let broken = server.post("/v1/convert/file", &[("files", Some("b.pdf"), b"no PDF")]);
    let value = broken.json();
    assert_eq!((broken.status, &value["status"]), (200, &json!("failure")));
    assert_eq!(value["document"]["filename"], "b.pdf");
    assert_eq!(value["errors"][0]["component_type"], "document_backend");
    let task = server.post(
        "/v1/convert/file/async",
        &[("files", Some("c.png"), &page("png")[..60])],
    );
    let result = server.result(&task.json()).json();
    assert_eq!(result["status"], "failure");
    assert_eq!(result["errors"][0]["page_no"], 1);
    for (method, path, word) in [
        ("POST", "/v1/chunk/hybrid/file", "json_content"),
        (
            "POST",
            "/v1/chunk/hierarchical/source/async",
            "json_content",
        ),
        ("POST", "/v1/convert/source/batch", "/v1/convert/source"),
        ("GET", "/v1/other", "Not Found"),
    ] {
        let answer = server.send(method, path, &[], b"");
        let detail = answer.json()["detail"].as_str().unwrap().to_string();
        assert_eq!(answer.status, 404, "{path}");
        assert!(detail.contains(word), "{path}: {detail}");
    }
    let none = "0".repeat(44);
    for path in ["poll/x", &format!("poll/{none}")] {
        server
            .get(&format!("/v1/status/{path}"))
            .is_error(404, "Task not found.");
    }
    server
        .get(&format!("/v1/result/{none}"))
        .is_error(404, "Task not found.");
}

fn names_in(zip: &zip::ZipArchive<Cursor<Vec<u8>>>) -> Vec<String> {
    let names = zip.file_names().map(|name| name.unwrap().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn several_documents_come_in_a_zip() {
    let server = Server::ready(&[]);
    let answer = server.post(
        "/v1/convert/file",
        &[
            ("files", Some("a.pdf"), &page("pdf")),
            ("files", Some("a.png"), &page("png")),
            ("files", Some("broken.pdf"), b"no PDF"),
            ("to_formats", None, b"md,json"),
        ],
    );
    assert_eq!(
        (answer.status, answer.kind.as_str()),
        (200, "application/zip")
    );
    let mut zip = zip::ZipArchive::new(Cursor::new(answer.bytes)).unwrap();
    let names = names_in(&zip);
    assert_eq!(names.len(), 5, "{names:?}");
    assert!(names.contains(&"errors.json".to_string()));
    let mut failed = String::new();
    zip.by_name("errors.json")
        .unwrap()
        .read_to_string(&mut failed)
        .unwrap();
    assert!(failed.contains("broken.pdf"));
    let mut texts = 0;
    for name in names.iter().filter(|name| name.ends_with(".md")) {
        let mut text = String::new();
        zip.by_name(name)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        texts += text.matches("docparse self-test").count();
    }
    assert_eq!(texts, 2);
    let pdf: Part = (
        "files",
        Some("report.pdf"),
        &std::fs::read(example("report.pdf")).unwrap(),
    );
    let one = server.post(
        "/v1/convert/file",
        &[
            pdf,
            ("target_type", None, b"zip"),
            ("image_export_mode", None, b"referenced"),
        ],
    );
    let zip = zip::ZipArchive::new(Cursor::new(one.bytes)).unwrap();
    let names = names_in(&zip).into_iter();
    let pictures = names.filter(|name| name.starts_with("imgs/report/"));
    assert_eq!(pictures.count(), 3);
}

#[test]
fn tasks_belong_to_the_key_that_ordered_them() {
    let server = Server::ready(&["--api-keys-file", "keys"]);
    let parts: &[Part] = &[("files", Some("same.png"), &page("png"))];
    for path in ["/v1/convert/file", "/ocr", "/ocr/json"] {
        let answer = server.post_as("wrong", path, parts);
        assert_eq!(answer.status, 401);
        assert!(answer.json()["detail"].is_string());
    }
    let task = server
        .post_as("first", "/v1/convert/file/async", parts)
        .json();
    let id = task["task_id"].as_str().unwrap();
    assert_eq!(task["task_type"], "convert");
    for path in [format!("/v1/status/poll/{id}"), format!("/v1/result/{id}")] {
        let other = server.send("GET", &path, &[("x-api-key", "second")], b"");
        other.is_error(404, "Task not found.");
        assert_eq!(server.get(&path).status, 401);
    }
    let path = format!("/v1/status/poll/{id}?wait=60");
    let own = server
        .send("GET", &path, &[("x-api-key", "first")], b"")
        .json();
    assert_eq!(own["task_status"], "success");
    assert_eq!(own["task_meta"]["num_succeeded"], 1);
    // The other key's job of the same file is another one.
    let again = server
        .post_as("second", "/v1/convert/file/async", parts)
        .json();
    assert_ne!(again["task_id"], id);
    let text = server.post_as(
        "second",
        "/ocr",
        &[("file", Some("same.png"), &page("png"))],
    );
    assert_eq!(text.text(), PAGE_TEXT);
}

#[test]
fn whoever_waits_too_long_is_told_where_the_work_is() {
    let server = Server::ready(&["--sync-timeout", "0"]);
    let ocr = server.post("/ocr", &[("file", Some("a.png"), &page("png"))]);
    assert_eq!(ocr.status, 202);
    let job = ocr.json()["job"].as_str().unwrap().to_string();
    assert_eq!(ocr.location, job);
    assert!(ocr.json()["detail"].is_string());
    let began = Instant::now();
    while server.get(&job).json()["state"] != "done" {
        assert!(began.elapsed() < START, "the job never ends");
        std::thread::sleep(Duration::from_millis(20));
    }
    let converted = server.post(
        "/v1/convert/file",
        &[("files", Some("a.png"), &page("png"))],
    );
    assert_eq!(converted.status, 202);
    let task = converted.json();
    let id = task["task_id"].as_str().unwrap();
    assert_eq!(converted.location, format!("/v1/status/poll/{id}"));
    assert!(matches!(
        task["task_status"].as_str(),
        Some("pending" | "started")
    ));
    let began = Instant::now();
    while server.get(&converted.location).json()["task_status"] != "success" {
        assert!(began.elapsed() < START, "the task never ends");
        std::thread::sleep(Duration::from_millis(20));
    }
    let result = server.get(&format!("/v1/result/{id}")).json();
    let markdown = result["document"]["md_content"].as_str().unwrap();
    assert!(markdown.starts_with("# docparse self-test"));
    assert!(server.folder.path().join("spool/jobs").join(id).is_dir());
}
