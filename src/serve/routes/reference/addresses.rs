//! Addresses of pictures in answers. A job has written the names of its files where base64 would stand; each request gets
//! addresses of its own, since they depend on how the client reached the server and on when they end.

use crate::document::Page;
use crate::serve::error::ApiError;
use crate::serve::routes::results::results;
use crate::serve::state::Server;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

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

/// The bytes of the pictures that Word documents of a request show: those behind addresses of this server's own files,
/// and those in base64. Nothing is asked for over the network.
pub(super) struct Pictures<'a> {
    server: &'a Server,
    /// Files that were looked for, by job and name.
    files: HashMap<(String, String), Option<Arc<[u8]>>>,
    /// Bytes that documents may still take.
    left: u64,
}

impl<'a> Pictures<'a> {
    pub(super) fn new(server: &'a Server) -> Self {
        Pictures {
            server,
            files: HashMap::new(),
            left: server.options.limits.max_upload_size,
        }
    }

    /// Gives the blocks of pages their pictures. `images` has addresses or base64 by path; what no block shows is not looked
    /// at. Fails if the pictures of all documents are larger together than the files of a request may be.
    pub(super) fn put_into(
        &mut self,
        pages: &mut [Page],
        images: &Map<String, Value>,
    ) -> Result<(), ApiError> {
        // Blocks may share a picture.
        let mut known: HashMap<String, Option<Arc<[u8]>>> = HashMap::new();
        let blocks = pages.iter_mut().flat_map(|page| &mut page.blocks);
        for picture in blocks.filter_map(|block| block.picture.as_mut()) {
            if let Some(bytes) = known.get(&picture.path) {
                picture.jpeg = bytes.clone();
                continue;
            }
            let given = images.get(&picture.path).and_then(Value::as_str);
            let bytes = match given {
                Some(given) => self.bytes(given)?,
                None => None,
            };
            picture.jpeg = bytes.clone();
            known.insert(picture.path.clone(), bytes);
        }
        Ok(())
    }

    /// The bytes of a picture; `None` if it is none of this server, nor base64.
    fn bytes(&mut self, given: &str) -> Result<Option<Arc<[u8]>>, ApiError> {
        let Some(named) = self.server.links.read(given) else {
            let bytes = STANDARD.decode(given).ok();
            self.take(bytes.as_ref().map_or(0, Vec::len) as u64)?;
            return Ok(bytes.map(Arc::from));
        };
        if !named.is_signed {
            return Ok(None);
        }
        let key = (named.id, named.name);
        if let Some(bytes) = self.files.get(&key).cloned() {
            // Each document has a picture once more.
            self.take(bytes.as_ref().map_or(0, |bytes| bytes.len()) as u64)?;
            return Ok(bytes);
        }
        let bytes = match self.opened(&key.0, &key.1) {
            Some((file, size)) => {
                self.take(size)?;
                let mut bytes = Vec::new();
                file.take(size).read_to_end(&mut bytes).ok().map(|_| bytes)
            }
            None => None,
        };
        let bytes: Option<Arc<[u8]>> = bytes.map(Arc::from);
        self.files.insert(key, bytes.clone());
        Ok(bytes)
    }

    /// A file of a result, and its bytes.
    fn opened(&self, id: &str, name: &str) -> Option<(File, u64)> {
        let status = self.server.spool.status(id).ok()??;
        let (folder, names) = results(self.server, &status).ok()?;
        let name = names.into_iter().find(|known| known == name)?;
        let file = File::open(folder.join(name)).ok()?;
        let size = file.metadata().ok()?.len();
        Some((file, size))
    }

    fn take(&mut self, bytes: u64) -> Result<(), ApiError> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            let what = format_args!("the pictures of the documents are too large together");
            ApiError::too_large(&self.server.options.limits, "max_upload_size", what)
        })?;
        Ok(())
    }
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
