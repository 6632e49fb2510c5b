//! Exchanges with the reference's service, sent to a server of this build. Its networks were stand-ins that found the
//! same four regions on every page and read the same texts; [`case`] records those.

use super::Context;
use super::compare::{Checked, exactly, same_text, text};
use crate::raster::Pixels;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pdf_writer::{Pdf, Rect, Ref};
use serde_json::{Value, json};
use std::io::Cursor;

/// Size of the pages in pixels.
const SIZE: (usize, usize) = (300, 200);
/// Pages of documents with several.
const PAGES: usize = 2;

/// An exchange: method, path and body to status and answer.
pub(crate) type Exchange<'a> = dyn Fn(&str, &str, &[u8]) -> Result<(u16, Vec<u8>), String> + 'a;

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
    let body = match &v["request"] {
        Value::Null => Vec::new(),
        Value::String(raw) => raw.clone().into_bytes(),
        request => {
            let mut request = request.clone();
            let is_pdf = request["fileType"] == 0;
            fill(&mut request, is_pdf)?;
            request.to_string().into_bytes()
        }
    };
    let (status, answer) = (context.exchange)(text(&v["method"]), text(&v["path"]), &body)?;
    let answer: Value =
        serde_json::from_slice(&answer).map_err(|error| format!("no JSON: {error}"))?;
    let told = |error: String| format!("{}: {error}", text(&v["note"]));
    exactly("status", &v["status"], status)
        .map_err(|error| told(format!("{error}: {}", text(&answer["errorMsg"]))))?;
    same("response", &v["response"], &answer).map_err(told)
}

/// Puts files and pictures into the places of a request that only name them.
fn fill(value: &mut Value, is_pdf: bool) -> Result<(), String> {
    match value {
        Value::Object(map) => map.values_mut().try_for_each(|v| fill(v, is_pdf)),
        Value::Array(list) => list.iter_mut().try_for_each(|v| fill(v, is_pdf)),
        Value::String(word) => {
            let bytes = match word.as_str() {
                "<base64 of PNG>" => page().to_png().map_err(|error| error.to_string())?,
                "<base64 of JPEG>" => page().to_jpeg(90).map_err(|error| error.to_string())?,
                "<base64 of bytes>" if is_pdf => pdf(),
                "<base64 of bytes>" => tiff().map_err(|error| error.to_string())?,
                _ => return Ok(()),
            };
            *word = STANDARD.encode(bytes);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn page() -> Pixels {
    Pixels::white(SIZE.0, SIZE.1)
}

/// A PDF with empty pages, which are rendered at two pixels a point.
fn pdf() -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree) = (Ref::new(1), Ref::new(2));
    let pages: Vec<Ref> = (0..PAGES as i32).map(|i| Ref::new(3 + i)).collect();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree)
        .kids(pages.iter().copied())
        .count(PAGES as i32);
    for page in pages {
        let size = Rect::new(0.0, 0.0, SIZE.0 as f32 / 2.0, SIZE.1 as f32 / 2.0);
        pdf.page(page).parent(tree).media_box(size);
    }
    pdf.finish()
}

fn tiff() -> Result<Vec<u8>, tiff::TiffError> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes)?;
    for _ in 0..PAGES {
        let (width, height) = (SIZE.0 as u32, SIZE.1 as u32);
        encoder.write_image::<tiff::encoder::colortype::RGB8>(width, height, &page().data)?;
    }
    Ok(bytes.into_inner())
}

/// The first difference; texts that a recording only names may be any of their kind.
fn same(path: &str, expected: &Value, got: &Value) -> Checked {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            if let Some(key) = b.keys().find(|key| !a.contains_key(*key)) {
                // The other service's keys stand beside the reference's in this one answer.
                if a.get("errorMsg").is_none_or(|told| told != "Healthy") {
                    return Err(format!("{path}.{key}: not expected"));
                }
            }
            a.iter().try_for_each(|(key, value)| match b.get(key) {
                Some(got) => same(&format!("{path}.{key}"), value, got),
                None => Err(format!("{path}.{key}: missing")),
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .try_for_each(|(i, (a, b))| same(&format!("{path}[{i}]"), a, b)),
        (Value::String(a), Value::String(b)) => match a.as_str() {
            "<uuid>" => is_so(path, "a UUID", is_uuid(b)),
            "<base64 of JPEG>" => is_so(path, "a JPEG", starts(b, &[0xFF, 0xD8, 0xFF])),
            "<base64 of ZIP>" => is_so(path, "a ZIP", starts(b, b"PK\x03\x04")),
            "<timestamp>_<4 digits>.docx" => is_so(path, "such a name", is_export(b)),
            _ => same_text(path, a, b),
        },
        _ => exactly(path, expected, got.clone()),
    }
}

fn is_so(path: &str, what: &str, is_so: bool) -> Checked {
    match is_so {
        true => Ok(()),
        false => Err(format!("{path}: not {what}")),
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let is_digit = |c: char| c == '-' || c.is_ascii_hexdigit();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(is_digit)
}

fn starts(encoded: &str, bytes: &[u8]) -> bool {
    STANDARD
        .decode(encoded)
        .is_ok_and(|all| all.starts_with(bytes))
}

fn is_export(name: &str) -> bool {
    let parts = name
        .strip_suffix(".docx")
        .and_then(|name| name.split_once('_'));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    parts.is_some_and(|(time, number)| are_digits(time) && are_digits(number) && number.len() == 4)
}
