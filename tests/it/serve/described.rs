//! What `/openapi.json` says of answers, against the answers of a server.

use super::server::{Server, example, form};
use serde_json::{Value, json};

/// Checks that an object has the described keys, and no others.
#[track_caller]
fn check(description: &Value, method: &str, path: &str, answer: &Value) {
    let operation = &description["paths"][path][method];
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    fits(schema, answer, path);
}

#[track_caller]
fn fits(schema: &Value, value: &Value, place: &str) {
    let Some(described) = schema["properties"].as_object() else {
        if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
            list.iter().for_each(|item| fits(items, item, place));
        }
        return;
    };
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("{place}: {value}"));
    for name in object.keys() {
        assert!(
            described.contains_key(name),
            "{place}: `{name}` is not described"
        );
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            object.contains_key(name.as_str().unwrap()),
            "{place}: {name} is not there"
        );
    }
    for (name, value) in object {
        fits(&described[name], value, &format!("{place}.{name}"));
    }
}

fn example_page() -> Vec<u8> {
    std::fs::read(crate::support::root().join("src/serve/selftest/page.png")).unwrap()
}

#[test]
fn answers_have_the_fields_that_are_described() {
    let server = Server::start(&[]);
    let description = server.get("/openapi.json").expect(200).json();
    let job = server.order("wait=60&pages=1&formats=md,json", &example("report.pdf"));
    let job = job.expect(200).json();
    check(&description, "post", "/v1/jobs", &job);
    check(
        &description,
        "get",
        "/v1/jobs",
        &server.get("/v1/jobs").json(),
    );
    let id = job["id"].as_str().unwrap();
    check(
        &description,
        "get",
        "/v1/status/poll/{id}",
        &server.get(&format!("/v1/status/poll/{id}")).json(),
    );
    check(
        &description,
        "get",
        "/v1/result/{id}",
        &server.get(&format!("/v1/result/{id}")).json(),
    );
    let png = example_page();
    let (kind, body) = form(&[("file", Some("a.png"), &png)]);
    for path in ["/ocr/json", "/ocr/debug"] {
        let answer = server.ask("POST", path, &[("content-type", &kind)], &body);
        check(&description, "post", path, &answer.expect(200).json());
    }
    let wrong = json!({"file": "x"}).to_string();
    for path in ["/ocr", "/layout-parsing"] {
        let answer = server.ask(
            "POST",
            path,
            &[("content-type", "application/json")],
            wrong.as_bytes(),
        );
        check(&description, "post", path, &answer.expect(422).json());
    }
    // Bodies: what must be there, and what is nested.
    let body = |path: &str, kind: &str| {
        description["paths"][path]["post"]["requestBody"]["content"][kind]["schema"].clone()
    };
    let order = body("/v1/jobs", "application/json");
    assert_eq!(order["required"], json!(["files"]));
    assert_eq!(
        order["properties"]["files"]["items"]["properties"]["url"]["type"],
        "string"
    );
    assert!(
        order["properties"]["webhook"]["description"]
            .as_str()
            .unwrap()
            .contains("told")
    );
    let form = body("/v1/convert/file", "multipart/form-data");
    assert_eq!(form["properties"]["files"]["items"]["format"], "binary");
    assert_eq!(form["properties"]["do_ocr"]["type"], "boolean");
    assert_eq!(
        body("/ocr", "application/json")["required"],
        json!(["file"])
    );
}

/// What is described is what is done with a field that no body has.
#[test]
fn unknown_fields_are_refused_where_the_description_says_so() {
    let server = Server::start(&[]);
    let description = server.get("/openapi.json").expect(200).json();
    let file = json!("AAAA");
    let strict = json!(false);
    let one_of = json!({"type": "array", "items": {"type": "string", "format": "binary"}});
    for (path, body) in [
        (
            "/v1/jobs",
            json!({"files": [{"name": "a", "content": file}]}),
        ),
        ("/layout-parsing", json!({"file": file, "fileType": 1})),
        (
            "/restructure-pages",
            json!({"pages": [{"prunedResult": {}}]}),
        ),
        ("/ocr", json!({"file": file, "fileType": 1})),
        (
            "/v1/convert/source/async",
            json!({"sources": [{"kind": "file", "filename": "a.png", "base64_string": file}]}),
        ),
    ] {
        let bodies = &description["paths"][path]["post"]["requestBody"]["content"];
        let schema = &bodies["application/json"]["schema"];
        let ask = |body: &Value| {
            let headers = [("content-type", "application/json")];
            let answer = server.ask("POST", path, &headers, body.to_string().as_bytes());
            answer.text()
        };
        // With an odd field in the body, and in the entries of its list.
        let mut odd = vec![(schema.clone(), body.clone())];
        odd[0].1["odd_field"] = json!(1);
        let lists = body.as_object().unwrap().iter();
        for (name, _) in lists.filter(|(_, value)| value.is_array()) {
            let mut body = body.clone();
            body[name][0]["odd_field"] = json!(1);
            odd.push((schema["properties"][name]["items"].clone(), body));
        }
        for (schema, body) in odd {
            let is_told = ask(&body).contains("odd_field");
            let is_strict = schema["additionalProperties"] == strict;
            assert_eq!(is_told, is_strict, "{path}: {body}");
        }
    }
    // Files may have any name in a form, and texts may not.
    let form_of = |path: &str| {
        let bodies = &description["paths"][path]["post"]["requestBody"]["content"];
        bodies["multipart/form-data"]["schema"]["additionalProperties"].clone()
    };
    assert_eq!(form_of("/v1/jobs"), one_of);
    let ask = |path: &str, part: (&str, Option<&str>, &[u8])| {
        let png = example_page();
        let (kind, body) = form(&[("files", Some("a.png"), &png), part]);
        server.ask("POST", path, &[("content-type", &kind)], &body)
    };
    let text: (&str, _, &[u8]) = ("odd_field", None, b"x");
    assert!(
        ask("/v1/jobs", text)
            .expect(422)
            .text()
            .contains("odd_field")
    );
    ask("/v1/jobs", ("odd_field", Some("b.png"), &example_page())).expect(202);
    assert_eq!(form_of("/v1/convert/file/async"), Value::Null);
    ask("/v1/convert/file/async", text).expect(200);
}
