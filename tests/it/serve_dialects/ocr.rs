//! `/ocr` with a JSON body: the reference's OCR pipeline, on the path that the PP-OCR service has its forms at.

use super::client::{Answer, Server};
use super::{PAGE_TEXT, page, scanned};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

fn ask(server: &Server, file: &[u8], more: Value) -> Answer {
    let mut body = json!({"file": BASE64_STANDARD.encode(file)});
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    server.post_json("/ocr", &body)
}

fn texts(page: &Value) -> String {
    let texts = page["prunedResult"]["rec_texts"].as_array().unwrap().iter();
    texts
        .map(|text| text.as_str().unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Checks what clients rely on: lists of one length, boxes that are those of the corners.
#[track_caller]
fn check(page: &Value) {
    let result = &page["prunedResult"];
    let list = |name: &str| {
        result[name]
            .as_array()
            .unwrap_or_else(|| panic!("{name}: {result}"))
    };
    let count = list("rec_texts").len();
    for name in ["rec_scores", "rec_polys", "rec_boxes"] {
        assert_eq!(list(name).len(), count, "{name}");
    }
    assert_eq!(
        list("dt_polys").len(),
        list("textline_orientation_angles").len()
    );
    for (poly, bbox) in list("rec_polys").iter().zip(list("rec_boxes")) {
        assert_eq!(
            (&poly[0], &poly[2]),
            (&json!([bbox[0], bbox[1]]), &json!([bbox[2], bbox[3]]))
        );
    }
    let scores = list("rec_scores")
        .iter()
        .map(|score| score.as_f64().unwrap());
    assert!(scores.into_iter().all(|score| (0.0..=1.0).contains(&score)));
    assert_eq!(result["text_type"], "general");
    assert_eq!(result["text_det_params"]["limit_type"], "min");
    assert_eq!(result["model_settings"]["use_doc_preprocessor"], false);
}

#[test]
fn json_on_the_path_of_the_pp_ocr_service_is_the_references_pipeline() {
    let server = Server::ready(&[]);
    let answer = ask(
        &server,
        &page("png"),
        json!({"fileType": 1, "logId": "mine"}),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(
        (&answer["logId"], &answer["errorCode"], &answer["errorMsg"]),
        (&json!("mine"), &json!(0), &json!("Success"))
    );
    let info = json!({"width": 600, "height": 240, "type": "image"});
    assert_eq!(answer["result"]["dataInfo"], info);
    let found = &answer["result"]["ocrResults"][0];
    check(found);
    assert_eq!(texts(found), PAGE_TEXT);
    for (field, size) in [("ocrImage", (1200, 240)), ("inputImage", (600, 240))] {
        let picture = BASE64_STANDARD
            .decode(found[field].as_str().unwrap())
            .unwrap();
        let picture = image::load_from_memory(&picture).unwrap();
        assert_eq!((picture.width(), picture.height()), size, "{field}");
    }
    // A PDF is read as its picture, whether or not it has a text layer.
    for file in [page("pdf"), scanned()] {
        let more = json!({"fileType": 0, "visualize": false, "textRecScoreThresh": 0.5});
        let answer = ask(&server, &file, more).json();
        assert_eq!(answer["result"]["dataInfo"]["type"], "pdf", "{answer}");
        let found = &answer["result"]["ocrResults"][0];
        check(found);
        assert_eq!(texts(found), PAGE_TEXT);
        assert!(found["ocrImage"].is_null() && found["inputImage"].is_null());
        assert_eq!(found["prunedResult"]["text_rec_score_thresh"], 0.5);
    }
    // Nothing is that sure.
    let answer = ask(
        &server,
        &page("png"),
        json!({"fileType": 1, "textRecScoreThresh": 1.0}),
    );
    let found = answer.json()["result"]["ocrResults"][0].clone();
    check(&found);
    assert_eq!(texts(&found), "");
    assert_eq!(
        found["prunedResult"]["dt_polys"].as_array().unwrap().len(),
        2
    );
    // The same path, as a form.
    let form = server.post("/ocr", &[("file", Some("a.png"), &page("png"))]);
    assert_eq!((form.status, form.text()), (200, PAGE_TEXT));
}

#[test]
fn failures_have_the_shape_of_the_body_that_was_sent() {
    let server = Server::ready(&["--api-keys-file", "keys"]);
    let key = [("content-type", "application/json"), ("x-api-key", "first")];
    let png = BASE64_STANDARD.encode(page("png"));
    let wrong = |body: &str, status: u16, word: &str| {
        let answer = server.send("POST", "/ocr", &key, body.as_bytes());
        let body = answer.json();
        assert_eq!(
            (answer.status, &body["errorCode"]),
            (status, &json!(status)),
            "{body}"
        );
        assert!(body["errorMsg"].as_str().unwrap().contains(word), "{body}");
        assert!(body["logId"].is_string() && body["result"].is_null());
    };
    wrong("{}", 422, "body.file");
    wrong("{no", 422, "json_invalid");
    wrong(
        r#"{"file": "aGVsbG8="}"#,
        422,
        "File type cannot be determined",
    );
    wrong(
        r#"{"file": "aGVsbG8=", "fileType": 0}"#,
        422,
        "Invalid input file",
    );
    wrong(
        r#"{"file": "aGVsbG8=", "fileType": 1}"#,
        422,
        "Invalid input file",
    );
    let with =
        |field: &str, value: Value| json!({"file": png, "fileType": 1, field: value}).to_string();
    wrong(&with("returnWordBox", json!(true)), 422, "boxes of lines");
    wrong(
        &with("textDetLimitType", json!("large")),
        422,
        "'min' or 'max'",
    );
    wrong(
        &with("useDocUnwarping", json!(true)),
        500,
        "the input params for model settings",
    );
    let keyless = server.post_json("/ocr", &json!({"file": png}));
    assert_eq!(
        (keyless.status, &keyless.json()["errorCode"]),
        (401, &json!(401))
    );
    let form = server.post("/ocr", &[]);
    assert_eq!(form.status, 401);
    assert!(form.json()["detail"].is_string());
}
