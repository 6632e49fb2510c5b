//! The file name in a `Content-Disposition` (RFC 6266), as data: it is cleaned before it is used.

use percent_encoding::percent_decode_str;

/// The file name; `filename*` is preferred.
pub(crate) fn file_name(header: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(header);
    let mut plain = None;
    let mut rest = text.split_once(';')?.1;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value_of(after);
        match name.trim().to_ascii_lowercase().as_str() {
            "filename*" => {
                if let Some(name) = extended(&value) {
                    return Some(name);
                }
            }
            "filename" => plain = plain.or(Some(value)),
            _ => {}
        }
        let Some((_, next)) = after.split_once(';') else {
            break;
        };
        rest = next;
    }
    plain.filter(|name| !name.is_empty())
}

/// A value, quoted or not, and what comes after it.
fn value_of(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_string(), &text[end..]);
    };
    let mut value = String::new();
    let mut is_escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if is_escaped => {
                // Windows servers write paths without escaping them.
                if !matches!(c, '"' | '\\') {
                    value.push('\\');
                }
                value.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => return (value, &quoted[at + 1..]),
            _ => value.push(c),
        }
    }
    (value, "")
}

/// `UTF-8''%c3%a4.pdf`, decoded.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    let name = match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok()?,
        "iso-8859-1" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => return None,
    };
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn names_are_found_as_servers_write_them() {
        for (header, name) in [
            ("attachment; filename=a.pdf", Some("a.pdf")),
            ("attachment; filename=\"a; b.pdf\"; x=y", Some("a; b.pdf")),
            ("inline;FileName = \"a\\\"b.pdf\"", Some("a\"b.pdf")),
            ("x; filename=\"C:\\d\\b.pdf\"", Some("C:\\d\\b.pdf")),
            (
                "x; filename=\"a.pdf\"; filename*=UTF-8''%c3%a4.pdf",
                Some("\u{e4}.pdf"),
            ),
            ("x; filename*=iso-8859-1'en'%e4.pdf", Some("\u{e4}.pdf")),
            ("x; filename*=UTF-8''%ff; filename=b", Some("b")),
            ("x; filename=\u{e4}.pdf", Some("\u{e4}.pdf")),
            ("x; filename=\"open", Some("open")),
            ("attachment", None),
            ("attachment; filename", None),
            ("attachment; filename=\"\"", None),
            ("", None),
            (";;;=;=", None),
        ] {
            assert_eq!(file_name(header.as_bytes()).as_deref(), name, "{header}");
        }
    }
}
