//! Addresses of pictures in answers. A job has written the names of its files where base64 would stand; each request gets
//! addresses of its own, since they depend on how the client reached the server and on when they end.

use crate::serve::routes::results::results;
use crate::serve::state::Server;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};

/// The lists of pages that an answer may have.
const PAGES: [&str; 2] = ["layoutParsingResults", "ocrResults"];

/// Writes an answer, with addresses in place of names. Of the pages, one is read at a time.
pub(super) fn write(
    text: &[u8],
    out: &mut impl Write,
    address: &dyn Fn(&str) -> String,
) -> io::Result<()> {
    let answer: BTreeMap<&str, &RawValue> = serde_json::from_slice(text)?;
    // Pages first, as they were written.
    let (pages, rest): (Vec<_>, Vec<_>) =
        answer.into_iter().partition(|(key, _)| PAGES.contains(key));
    let mut before = "{";
    for (key, value) in pages {
        write!(out, "{before}\"{key}\":[")?;
        let list: Vec<&RawValue> = serde_json::from_str(value.get())?;
        for (at, page) in list.into_iter().enumerate() {
            if at > 0 {
                out.write_all(b",")?;
            }
            let mut page: Value = serde_json::from_str(page.get())?;
            each_file(&mut page, &mut |name| *name = address(name));
            serde_json::to_writer(&mut *out, &page)?;
        }
        out.write_all(b"]")?;
        before = ",";
    }
    for (key, value) in rest {
        write!(out, "{before}\"{key}\":{}", value.get())?;
        before = ",";
    }
    out.write_all(b"}")
}

/// What stands in a page's answer for files: texts at these places.
fn each_file(page: &mut Value, change: &mut dyn FnMut(&mut String)) {
    let places = [
        "/markdown/images",
        "/outputImages",
        "/inputImage",
        "/exports/docx/content",
        "/ocrImage",
        "/docPreprocessingImage",
    ];
    for place in places {
        match page.pointer_mut(place) {
            Some(Value::String(name)) => change(name),
            Some(Value::Object(names)) => {
                for name in names.values_mut() {
                    if let Value::String(name) = name {
                        change(name);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Pictures by path, with the bytes of this server's own files in place of their addresses. Nothing is asked for over the
/// network: other addresses stay as they are.
pub(super) fn resolved(server: &Server, images: &Map<String, Value>) -> Map<String, Value> {
    let resolve = |(path, given): (&String, &Value)| {
        let bytes = given.as_str().and_then(|address| own_file(server, address));
        let value = bytes.map_or_else(|| given.clone(), |bytes| STANDARD.encode(bytes).into());
        (path.clone(), value)
    };
    images.iter().map(resolve).collect()
}

/// The bytes of a file of a result by an address that opens it.
fn own_file(server: &Server, address: &str) -> Option<Vec<u8>> {
    let named = server.links.read(address).filter(|named| named.is_signed)?;
    let status = server.spool.status(&named.id).ok()??;
    let (folder, names) = results(server, &status).ok()?;
    let name = names.into_iter().find(|name| *name == named.name)?;
    fs::read(folder.join(name)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_of_files_become_addresses_and_nothing_else_changes() {
        let page = |of: &dyn Fn(&str) -> String| {
            json!({
                "prunedResult": {"inputImage": "i", "markdown": {"images": {"x": "y"}}, "score": 0.1},
                "markdown": {"text": "![](imgs/a.jpg)", "images": {"imgs/a.jpg": of("a.jpg")}},
                "outputImages": {"layout_det_res": of("l.jpg")},
                "inputImage": of("i.jpg"),
                "exports": {"docx": {"content": of("d.docx"), "fileName": "d.docx"}},
            })
        };
        let answer = |page: Value| json!({"layoutParsingResults": [page, {"inputImage": null}], "dataInfo": {"a": 1}});
        let names = answer(page(&|name| name.into()));
        let mut out = Vec::new();
        write(names.to_string().as_bytes(), &mut out, &|name| {
            format!("at/{name}")
        })
        .unwrap();
        let expected = answer(page(&|name| format!("at/{name}")));
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), expected);
        assert!(out.starts_with(b"{\"layoutParsingResults\":[{\"prunedResult\""));
    }
}
