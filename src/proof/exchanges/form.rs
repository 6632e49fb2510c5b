//! Forms as the body of a request (`multipart/form-data`).

/// Between the parts; no file of ours contains it.
const BOUNDARY: &str = "docparse-conform-4c1f9a7e";

/// A part of a form.
#[derive(Debug)]
pub(super) struct Part {
    pub name: String,
    /// `None` for a text.
    pub file_name: Option<String>,
    pub content: Vec<u8>,
}

/// Media type and body of a form.
pub(super) fn form(parts: &[Part]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for part in parts {
        let name = &part.name;
        let file = part.file_name.as_ref();
        let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: {BYTES}"));
        let file = file.unwrap_or_default();
        let head = format!("Content-Disposition: form-data; name=\"{name}\"{file}");
        body.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

/// Media type of files; their names tell the kind.
const BYTES: &str = "application/octet-stream";
