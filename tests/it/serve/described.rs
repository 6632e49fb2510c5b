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
    let png = std::fs::read(crate::support::root().join("src/serve/selftest/page.png")).unwrap();
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
