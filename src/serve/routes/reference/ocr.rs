//! `/ocr` with a JSON body: the reference's OCR pipeline. The job is that of any other route; its answer has the lines of
//! each page, with boxes and scores.

use super::fields::{Fields, Parsing};
use super::parsing;
use crate::serve::keys::Owner;
use crate::serve::request::RequestId;
use crate::serve::spool::AnswerOptions;
use crate::serve::state::Server;
use axum::extract::Request;
use axum::response::Response;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Reads the lines of a file.
pub(crate) async fn ocr(
    server: &Arc<Server>,
    owner: &Owner,
    RequestId(request_id): RequestId,
    request: Request,
) -> Response {
    parsing::answered(server, owner, request, request_id, |fields, server| {
        read(fields, server.options.visualize)
    })
    .await
}

/// Switches that set a parameter of the job.
const SWITCHES: [(&str, &str); 2] = [
    ("useDocOrientationClassify", "use_doc_orientation_classify"),
    ("useDocUnwarping", "use_doc_unwarping"),
];

/// Reads all fields; `visualizes` holds without `visualize`.
///
/// The parameters of line detection are those of the server, whose network all jobs share: requests may name them, and the
/// answer says which were used.
fn read<'a>(fields: &mut Fields<'a>, visualizes: bool) -> Parsing<'a> {
    let (file, is_pdf) = fields.file();
    let mut settings = Map::new();
    for (field, name) in SWITCHES {
        if let Some(on) = fields.bool(field) {
            settings.insert(name.into(), on.into());
        }
    }
    fields.bool("useTextlineOrientation");
    fields.count("textDetLimitSideLen");
    let message = "Input should be 'min' or 'max'";
    fields.word("textDetLimitType", &["min", "max"], message);
    let is_share = |value: f64| (0.0..=1.0).contains(&value);
    let between = "between 0 and 1 inclusive";
    fields.number("textDetThresh", is_share, between);
    fields.number("textDetBoxThresh", is_share, between);
    fields.number("textDetUnclipRatio", |value| value > 0.0, "> 0");
    let score = fields.number("textRecScoreThresh", is_share, between);
    if fields.bool("returnWordBox") == Some(true) {
        let what = "`returnWordBox` is not available: this server has boxes of lines";
        fields.wrong_value("returnWordBox", what);
    }
    let visualize = fields.bool("visualize").unwrap_or(visualizes);
    fields.check_log_id();
    // Clients want boxes and scores, which only reading the page's picture gives.
    settings.insert("text_layer".into(), Value::from("never"));
    Parsing {
        file,
        is_pdf,
        settings,
        answer: AnswerOptions {
            visualize,
            pretty: true,
            ocr: Some(score.unwrap_or(0.0) as f32),
            ..AnswerOptions::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::openapi;

    fn told(body: &str) -> String {
        let mut fields = Fields::of(body.as_bytes()).unwrap();
        read(&mut fields, true);
        fields
            .checked()
            .err()
            .map_or(String::new(), |error| error.message)
    }

    #[test]
    fn fields_are_checked_also_where_they_have_no_effect() {
        let all = r#"{"file": "x", "fileType": 0, "useDocUnwarping": false, "useTextlineOrientation": true,
            "textDetLimitSideLen": 64, "textDetLimitType": "min", "textDetThresh": 0.3, "textDetBoxThresh": "0.6",
            "textDetUnclipRatio": 1.5, "textRecScoreThresh": 0, "returnWordBox": false, "visualize": null, "other": 1}"#;
        assert_eq!(told(all), "");
        for (field, value) in [
            ("fileType", "2"),
            ("textDetLimitSideLen", "0"),
            ("textDetLimitType", "\"some\""),
            ("textDetThresh", "1.5"),
            ("textDetUnclipRatio", "0"),
            ("textRecScoreThresh", "-1"),
            ("returnWordBox", "true"),
            ("visualize", "7"),
            // What JSON may say and no value can hold.
            ("textDetThresh", "1e999"),
            ("visualize", "\"\\ud800\""),
            ("logId", "\"\\ud800\""),
            (
                "visualize",
                &format!("{}{}", "[".repeat(200), "]".repeat(200)),
            ),
            ("visualize", &format!("[{}0]", "0,".repeat(40_000))),
        ] {
            let message = told(&format!(r#"{{"file": "x", "{field}": {value}}}"#));
            assert!(
                message.contains(&format!("body.{field}")),
                "{field}: {message}"
            );
        }
        assert!(told("{}").contains("body.file"));
    }

    #[test]
    fn what_is_read_is_what_is_described() {
        let mut fields = Fields::of(b"{}").unwrap();
        read(&mut fields, true);
        let mut described = openapi::names(openapi::OCR);
        described.sort_unstable();
        assert_eq!(fields.asked(), described);
    }
}
