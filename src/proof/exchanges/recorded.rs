//! Exchanges recorded with the reference's service. They were recorded with stand-ins for its networks, so there are two
//! ways to compare: [`same`] with a server that has the same stand-ins, and [`alike`] with servers that really read.

use super::client::{Answer, Request};
use super::files::Files;
use super::pattern::{self, MORE, placeholder};
use crate::proof::compare::{Checked, exactly, short, text};
use serde_json::{Map, Value};

/// Keys that say something about a page or block that need not be there: they may be null, left out, or added.
const NOT_ALWAYS: &[&str] = &[
    "block_order",
    "block_polygon_points",
    "doc_preprocessor_res",
    // Pages and blocks that failed, which our server lists.
    "errors",
    "global_block_id",
    "global_group_id",
    "group_id",
    "order",
    "page_count",
    "polygon_points",
    "spotting_res",
];

/// The request of a recording.
pub(crate) fn request(recording: &Value, files: &Files) -> Result<Request, String> {
    let body = match &recording["request"] {
        Value::Null => Vec::new(),
        Value::String(raw) => raw.clone().into_bytes(),
        request => {
            let mut request = request.clone();
            files.fill(&mut request)?;
            request.to_string().into_bytes()
        }
    };
    Ok(Request {
        method: text(&recording["method"]).into(),
        path: text(&recording["path"]).into(),
        kind: "application/json".into(),
        body,
    })
}

/// The first difference from a recording; texts that it only names may be any of their kind.
pub(crate) fn same(recording: &Value, answer: &Answer) -> Checked {
    let got = same_status(recording, answer)?;
    let mut expected = recording["response"].clone();
    // The other service's keys stand beside the reference's in this one answer.
    if expected["errorMsg"] == "Healthy" {
        expected[MORE] = true.into();
    }
    pattern::same("response", &expected, &got)
}

/// The first difference from a recording for which the pages did not look the same: a result need have the same structure
/// only, an answer without a result is compared exactly.
pub(crate) fn alike(recording: &Value, answer: &Answer) -> Checked {
    let expected = &recording["response"];
    let Some(result) = expected.get("result") else {
        return same(recording, answer);
    };
    let got = same_status(recording, answer)?;
    let outer = |value: &Value| {
        let mut value = value.clone();
        if let Some(map) = value.as_object_mut() {
            map.entry("result")
                .and_modify(|result| *result = true.into());
        }
        value
    };
    pattern::same("response", &outer(expected), &outer(&got))?;
    same_structure("response.result", result, &got["result"])
}

/// The answer's JSON, if the status is the recorded one.
fn same_status(recording: &Value, answer: &Answer) -> Result<Value, String> {
    let got: Result<Value, _> = serde_json::from_slice(&answer.body);
    let told = got.as_ref().map(|got| text(&got["errorMsg"]));
    let told = told.unwrap_or_default();
    exactly("status", &recording["status"], answer.status)
        .map_err(|error| format!("{error}: {told}"))?;
    got.map_err(|error| format!("no JSON: {error}"))
}

/// The first difference in structure: the same keys and types; of lists the first entries are compared.
fn same_structure(path: &str, expected: &Value, got: &Value) -> Checked {
    match (expected, got) {
        (Value::Null, _) => Ok(()),
        (Value::Object(a), Value::Object(b)) if has_names(a) || has_names(b) => {
            match (a.values().next(), b.values().next()) {
                (Some(a), Some(b)) => same_structure(&format!("{path}.*"), a, b),
                _ => Ok(()),
            }
        }
        (Value::Object(a), Value::Object(b)) => same_keys(path, a, b),
        (Value::Array(a), Value::Array(b)) => match (a.first(), b.first()) {
            (Some(a), Some(b)) => same_structure(&format!("{path}[0]"), a, b),
            _ => Ok(()),
        },
        (Value::String(a), Value::String(_)) => placeholder(path, a, got).unwrap_or(Ok(())),
        (Value::Number(_), Value::Number(_)) | (Value::Bool(_), Value::Bool(_)) => Ok(()),
        _ => Err(format!(
            "{path}: expected the like of {}, got {}",
            short(expected),
            short(got)
        )),
    }
}

/// Whether the keys are names of files, which differ from page to page.
fn has_names(map: &Map<String, Value>) -> bool {
    map.keys().any(|key| key.contains('/'))
}

fn same_keys(path: &str, expected: &Map<String, Value>, got: &Map<String, Value>) -> Checked {
    let need_not = |key: &str| NOT_ALWAYS.contains(&key);
    let added = got
        .keys()
        .find(|key| !expected.contains_key(*key) && !need_not(key));
    if let Some(key) = added {
        return Err(format!("{path}.{key}: not expected"));
    }
    expected.iter().try_for_each(|(key, value)| {
        let path = format!("{path}.{key}");
        match got.get(key) {
            Some(Value::Null) | None if need_not(key) || value.is_null() => Ok(()),
            Some(got) => same_structure(&path, value, got),
            None => Err(format!("{path}: missing")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: Value) -> Answer {
        Answer {
            status,
            kind: "application/json".into(),
            body: body.to_string().into_bytes(),
        }
    }

    #[track_caller]
    fn check(result: Value, difference: Option<&str>) {
        let recorded = json!({"pages": [{"text": "a", "order": 1, "images": {"imgs/a.jpg": "<base64 of JPEG>"}}]});
        let whole = |result| json!({"logId": "x", "result": result, "errorCode": 0});
        let recording = json!({"status": 200, "response": whole(recorded)});
        let checked = alike(&recording, &answer(200, whole(result)));
        assert_eq!(checked.err().as_deref(), difference);
    }

    #[test]
    fn results_have_the_same_structure() {
        let images = json!({"imgs/b.jpg": "/9j/"});
        check(
            json!({"pages": [{"text": "other", "order": 2, "images": images}, 7]}),
            None,
        );
        check(
            json!({"pages": [{"text": "", "order": null, "images": {}}], "errors": []}),
            None,
        );
        check(json!({"pages": []}), None);
        check(
            json!({"pages": {}}),
            Some(
                "response.result.pages: expected the like of \
             [{\"text\":\"a\",\"order\":1,\"images\":{\"imgs/a.jpg\":\"<base64 of JPEG>\"}}], got {}",
            ),
        );
        check(
            json!({"pages": [{"text": "", "images": images, "looks": 1}]}),
            Some("response.result.pages[0].looks: not expected"),
        );
        check(
            json!({"pages": [{"order": 1, "images": {}}]}),
            Some("response.result.pages[0].text: missing"),
        );
        check(
            json!({"pages": [{"text": "", "images": {"imgs/b.jpg": "AAAA"}}]}),
            Some("response.result.pages[0].images.*: expected <base64 of JPEG>, got \"AAAA\""),
        );
    }

    #[test]
    fn failures_are_the_same_to_the_letter() {
        let response = json!({"logId": "<uuid>", "errorCode": 404, "errorMsg": "Not Found"});
        let recording = json!({"status": 404, "response": response});
        let mut got = json!({"logId": "x", "errorCode": 404, "errorMsg": "Not found"});
        let wrong = alike(&recording, &answer(404, got.clone())).unwrap_err();
        assert_eq!(wrong, "response.logId: expected <uuid>, got \"x\"");
        got["logId"] = "4d0bb4d5-0000-4000-8000-000000000000".into();
        let wrong = alike(&recording, &answer(404, got.clone())).unwrap_err();
        assert!(
            wrong.starts_with("response.errorMsg: at character 4"),
            "{wrong}"
        );
        let wrong = alike(&recording, &answer(500, got)).unwrap_err();
        assert_eq!(wrong, "status: expected 404, got 500: Not found");
    }
}
