//! Exchanges with the reference's service, sent to a server of this build. Its networks were stand-ins that found the
//! same four regions on every page and read the same texts; [`case`] records those.

use super::Context;
use super::compare::{Checked, text};
use crate::proof::exchanges::{Files, recorded};
use serde_json::{Value, json};

/// Size of the pages in pixels.
const SIZE: (usize, usize) = (300, 200);
/// Pages of documents with several.
const PAGES: usize = 2;

/// What the stand-ins for the networks say.
pub(crate) fn case() -> Value {
    let page = json!({"raw_boxes": [
        [17, 0.9, 20, 10, 200, 30, 1],
        [22, 0.9, 20, 40, 280, 90, 2],
        [14, 0.8, 20, 100, 140, 180, 3],
        [21, 0.85, 150, 100, 280, 180, 4],
    ]});
    json!({
        "pipeline_version": "v1.6",
        "pages": vec![page; PAGES],
        "vlm_answers": {
            "table": "<fcel>a<fcel>b<nl>",
            "paragraph_title": "served text",
            "text": "served text",
            "image": "served text",
        },
    })
}

/// Checks an exchange.
pub(super) fn exchange(v: &Value, context: &Context) -> Checked {
    let files = Files::white(SIZE.0, SIZE.1, PAGES);
    let request = recorded::request(v, &files)?;
    let answer = (context.exchange)(&request)?;
    recorded::same(v, &answer).map_err(|error| format!("{}: {error}", text(&v["note"])))
}
