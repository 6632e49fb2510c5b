//! How large JSON may be where it becomes values in memory, which take up to a hundred times the bytes of their text.
//! Everything here looks at text, and builds nothing that grows with it.

use super::error::ApiError;
use axum::http::StatusCode;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

/// Most bytes of a body besides the contents of its files.
pub(crate) const MOST_BESIDES: usize = 1 << 20;
/// Most bytes of a field that is read whole.
pub(crate) const MOST_FIELD: usize = 64 << 10;
/// Most bytes of a field's name that are shown.
const MOST_SHOWN: usize = 100;
/// Fields whose texts are contents of files.
const CONTENTS: [&str; 3] = ["file", "content", "base64_string"];

/// Bytes in memory of a value, with what lists and maps hold in reserve, and what an object needs besides its members.
const VALUE: usize = 160;
const OBJECT: usize = 512;

/// A piece of a JSON text: a string with its quotes, or another byte than a blank.
enum Piece<'a> {
    Text(&'a [u8]),
    Mark(u8),
}

/// The pieces of a JSON text. What is no JSON has some pieces, too.
struct Pieces<'a>(&'a [u8]);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let start = self.0.iter().position(|b| !b.is_ascii_whitespace())?;
        let rest = &self.0[start..];
        if rest[0] != b'"' {
            self.0 = &rest[1..];
            return Some(Piece::Mark(rest[0]));
        }
        let mut end = 1;
        while let Some(at) = rest[end..].iter().position(|b| matches!(b, b'"' | b'\\')) {
            end += at + 1;
            if rest[end - 1] == b'"' {
                break;
            }
            // The byte after a backslash ends nothing.
            end = (end + 1).min(rest.len());
        }
        if rest[end - 1] != b'"' {
            end = rest.len();
        }
        self.0 = &rest[end..];
        Some(Piece::Text(&rest[..end]))
    }
}

/// The most memory in bytes that the values of a JSON text take, and their number.
pub(crate) fn memory(text: &str) -> (usize, usize) {
    let (mut values, mut objects) = (1, 0);
    for piece in Pieces(text.as_bytes()) {
        match piece {
            Piece::Mark(b',' | b'[') => values += 1,
            Piece::Mark(b'{') => (values, objects) = (values + 1, objects + 1),
            _ => {}
        }
    }
    (text.len() + values * VALUE + objects * OBJECT, values)
}

/// Refuses a body with too much besides the contents of its files. `apart` are fields of the body that are bounded in
/// another way, and do not count.
pub(crate) fn check_body(body: &[u8], apart: &[&str]) -> Result<(), ApiError> {
    let is_named = |names: &[&str], quoted: &[u8]| {
        let name = quoted.get(1..quoted.len().saturating_sub(1));
        names.iter().any(|known| name == Some(known.as_bytes()))
    };
    let mut pieces = Pieces(body).peekable();
    // Other bodies are refused before anything is built.
    if !matches!(pieces.peek(), Some(Piece::Mark(b'{' | b'['))) {
        return Ok(());
    }
    let (mut size, mut depth) = (0, 0_usize);
    let (mut field, mut name): (&[u8], &[u8]) = (b"", b"");
    let mut is_value = false;
    while let Some(piece) = pieces.next() {
        let length = match piece {
            Piece::Text(text) if matches!(pieces.peek(), Some(Piece::Mark(b':'))) => {
                name = text;
                if depth == 1 {
                    field = text;
                }
                text.len()
            }
            Piece::Text(_) if is_value && is_named(&CONTENTS, name) => 0,
            Piece::Text(text) => text.len(),
            Piece::Mark(_) => 1,
        };
        match piece {
            Piece::Mark(b'{' | b'[') => depth += 1,
            Piece::Mark(b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_value = matches!(piece, Piece::Mark(b':'));
        let is_apart = depth > 0 && is_named(apart, field);
        size += if is_apart { 0 } else { length };
        if size > MOST_BESIDES {
            let field = String::from_utf8_lossy(&field[..field.len().min(MOST_SHOWN)]);
            let field = field.trim_matches('"');
            return Err(too_large(format!(
                "the body has more than {MOST_BESIDES} bytes besides the contents of its files, which `{field}` goes beyond; \
                 leave out what is no field of the request"
            )));
        }
    }
    Ok(())
}

fn too_large(message: String) -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

/// A field that is an object.
pub(crate) fn object(name: &str, text: &str) -> Result<Map<String, Value>, ApiError> {
    if text.len() > MOST_FIELD {
        let length = text.len();
        let message = format!("`{name}` has {length} bytes; at most {MOST_FIELD} are taken");
        return Err(too_large(message));
    }
    serde_json::from_str(text)
        .map_err(|error| ApiError::settings(format!("`{name}` is not a JSON object: {error}")))
}

/// The first entries of a list, as they stand in the text: `most` and no more. Fails for what is no list.
pub(crate) fn first_of(list: &RawValue, most: usize) -> serde_json::Result<Vec<&RawValue>> {
    struct First(usize);

    impl<'de> Visitor<'de> for First {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut first = Vec::new();
            while first.len() < self.0 {
                match list.next_element()? {
                    Some(entry) => first.push(entry),
                    None => return Ok(first),
                }
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(first)
        }
    }

    serde_json::Deserializer::from_str(list.get()).deserialize_seq(First(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_of_files_may_be_long_and_nothing_else() {
        let long = "A\\\"".repeat(MOST_BESIDES / 3 + 1);
        let many = "{\"\":0},".repeat(MOST_BESIDES / 6);
        for body in [
            format!(r#"{{"file": "{long}", "visualize": true}}"#),
            format!(r#"{{"files": [{{"name": "a", "content": "{long}"}}]}}"#),
            format!(r#"{{"sources": [{{"base64_string":"{long}"}}]}}"#),
            format!(r#"{{"pages": [{many}0], "docx": "\\"}}"#),
            // No object, so nothing is built of it.
            long.clone(),
        ] {
            assert_eq!(check_body(body.as_bytes(), &["pages"]), Ok(()));
        }
        for (field, value) in [
            ("visualize", format!("\"{long}\"")),
            ("settings", format!("[{many}0]")),
            ("files", format!("[{many}0]")),
            ("file", format!("[\"{long}\"]")),
            ("files", format!("[{{\"url\": \"{long}\"}}]")),
            ("more", format!("{{\"pages\": [{many}0]}}")),
        ] {
            let body = format!(r#"{{"pages": [], "{field}": {value}, "last": 0}}"#);
            let refused = check_body(body.as_bytes(), &["pages"]).unwrap_err();
            assert_eq!(refused.status, 413, "{field}");
            let is_told = [format!("`{field}`"), MOST_BESIDES.to_string()];
            assert!(is_told.iter().all(|told| refused.message.contains(told)));
        }
        let names: String = (0..MOST_BESIDES / 6)
            .map(|i| format!("\"{i:x}\":0,"))
            .collect();
        let body = format!("{{{names}\"file\":\"\"}}");
        assert_eq!(check_body(body.as_bytes(), &[]).unwrap_err().status, 413);
        for broken in [
            "{\"",
            "{\"a",
            "{\"a\\",
            "{\"a\\\"",
            "[{",
            "{\"file\":\"",
            "}]{",
        ] {
            assert_eq!(check_body(broken.as_bytes(), &[]), Ok(()), "{broken}");
        }
    }

    #[test]
    fn memory_is_told_by_what_becomes_a_value() {
        assert_eq!(memory("7").1, 1);
        let text = r#"{"a": [1, 2, {"b,[{": "c\"[,"}], "d": "x"}"#;
        assert!((6..10).contains(&memory(text).1), "{}", memory(text).1);
        let many = format!("[{}0]", "{\"\":0},".repeat(1000));
        assert!(memory(&many).0 > 1000 * (OBJECT + VALUE));
        let long = format!("\"{}\"", "a".repeat(1000));
        assert!(memory(&long).0 < 1500);
    }

    #[test]
    fn of_lists_the_first_entries_are_kept() {
        let list = |text: &str| RawValue::from_string(text.into()).unwrap();
        let of = |text: &str| first_of(&list(text), 2).map(|first| first.len()).ok();
        assert_eq!(of("[]"), Some(0));
        assert_eq!(of("[1, {}, 3, 4]"), Some(2));
        assert_eq!(of("{}"), None);
        let wide = format!("{{\"a\": [{}0]}}", "0,".repeat(MOST_FIELD));
        assert_eq!(object("settings", &wide).unwrap_err().status, 413);
        assert_eq!(object("settings", "[]").unwrap_err().status, 422);
        assert_eq!(object("settings", "{}"), Ok(Map::new()));
    }
}
