//! Expected answers: JSON in which placeholders stand for what differs from server to server.
//!
//! | placeholder | stands for |
//! | --- | --- |
//! | `<anything>` | any value |
//! | `<text>`, `<number>`, `<whole number>`, `<true or false>`, `<object>` | any value of this type |
//! | `<any text>` within a text | any characters, or none |
//! | `<uuid>`, `<base64 of JPEG>`, `<base64 of ZIP>`, `<timestamp>_<4 digits>.docx` | a text of this form |
//! | `{"<list of>": x}` | a list, each entry of which is x |
//! | `{"<one of>": [x, y]}` | one of them |
//! | `"<more>"` as the last entry of a list, or `"<more>": true` in an object | further entries or keys |
//! | a key that ends in `?` | a key that may be left out |

use crate::proof::compare::{Checked, exactly, same_text, short};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Further entries of a list, or keys of an object.
pub(super) const MORE: &str = "<more>";
/// Any characters within a text.
const ANY_TEXT: &str = "<any text>";

/// The first difference of an answer from what is expected.
pub(super) fn same(path: &str, expected: &Value, got: &Value) -> Checked {
    match (expected, got) {
        (Value::Object(a), _) if a.contains_key("<list of>") => each(path, &a["<list of>"], got),
        (Value::Object(a), _) if a.contains_key("<one of>") => one_of(path, &a["<one of>"], got),
        (Value::Object(a), Value::Object(b)) => same_objects(path, a, b),
        (Value::Array(a), Value::Array(b)) => same_lists(path, a, b),
        (Value::String(a), _) => match placeholder(path, a, got) {
            Some(checked) => checked,
            None => match got {
                Value::String(b) => same_text(path, a, b),
                _ => exactly(path, expected, got.clone()),
            },
        },
        _ => exactly(path, expected, got.clone()),
    }
}

fn same_objects(path: &str, expected: &Map<String, Value>, got: &Map<String, Value>) -> Checked {
    let is_known = |key: &str| expected.contains_key(key) || expected.contains_key(&optional(key));
    if !expected.contains_key(MORE)
        && let Some(key) = got.keys().find(|key| !is_known(key))
    {
        return Err(format!("{path}.{key}: not expected"));
    }
    let keys = expected.iter().filter(|(key, _)| *key != MORE);
    keys.map(|(key, value)| match key.strip_suffix('?') {
        Some(name) => (name, value, true),
        None => (key.as_str(), value, false),
    })
    .try_for_each(|(key, value, may_be_left_out)| match got.get(key) {
        Some(got) => same(&format!("{path}.{key}"), value, got),
        None if may_be_left_out => Ok(()),
        None => Err(format!("{path}.{key}: missing")),
    })
}

fn optional(key: &str) -> String {
    format!("{key}?")
}

fn same_lists(path: &str, expected: &[Value], got: &[Value]) -> Checked {
    let (first, has_more) = match expected.split_last() {
        Some((last, first)) if last == MORE => (first, true),
        _ => (expected, false),
    };
    if got.len() < first.len() || (got.len() > first.len() && !has_more) {
        let (count, shown) = (got.len(), short(&got.into()));
        let wanted = first.len();
        return Err(format!(
            "{path}: expected {wanted} entries, got {count}: {shown}"
        ));
    }
    let pairs = first.iter().zip(got).enumerate();
    pairs
        .into_iter()
        .try_for_each(|(i, (a, b))| same(&format!("{path}[{i}]"), a, b))
}

fn each(path: &str, expected: &Value, got: &Value) -> Checked {
    let Value::Array(list) = got else {
        return Err(format!("{path}: expected a list, got {}", short(got)));
    };
    let mut entries = list.iter().enumerate();
    entries.try_for_each(|(i, got)| same(&format!("{path}[{i}]"), expected, got))
}

fn one_of(path: &str, expected: &Value, got: &Value) -> Checked {
    let all = expected.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut checked = all.iter().map(|one| same(path, one, got));
    match checked.any(|one| one.is_ok()) {
        true => Ok(()),
        false => {
            let (all, got) = (short(expected), short(got));
            Err(format!("{path}: expected one of {all}, got {got}"))
        }
    }
}

/// Whether a value has the form that a text names; `None` if the text names no form.
pub(super) fn placeholder(path: &str, expected: &str, got: &Value) -> Option<Checked> {
    let text = got.as_str();
    let is_so = match expected {
        "<anything>" => true,
        "<text>" => got.is_string(),
        "<number>" => got.is_number(),
        "<whole number>" => got.is_u64() || got.is_i64(),
        "<true or false>" => got.is_boolean(),
        "<object>" => got.is_object(),
        "<uuid>" => text.is_some_and(is_uuid),
        "<base64 of JPEG>" => text.is_some_and(|text| starts(text, &[0xFF, 0xD8, 0xFF])),
        "<base64 of ZIP>" => text.is_some_and(|text| starts(text, b"PK\x03\x04")),
        "<timestamp>_<4 digits>.docx" => text.is_some_and(is_export),
        pattern if pattern.contains(ANY_TEXT) => text.is_some_and(|text| fits(pattern, text)),
        _ => return None,
    };
    let differs = || format!("{path}: expected {expected}, got {}", short(got));
    Some(is_so.then_some(()).ok_or_else(differs))
}

/// Whether a text fits a pattern with any text in it.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces: Vec<&str> = pattern.split(ANY_TEXT).collect();
    let last = pieces.pop().unwrap_or_default();
    let mut pieces = pieces.into_iter();
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn placeholders_stand_for_what_they_say() {
        let fits = |expected: Value, got: Value| {
            let checked = same("a", &expected, &got);
            assert_eq!(checked, Ok(()), "{expected} {got}");
        };
        fits(json!("<anything>"), json!(null));
        fits(json!(["<text>", "<number>", "<more>"]), json!(["", 1.5, 2]));
        fits(json!(["<whole number>", "<more>"]), json!([3]));
        fits(json!({"a": 1, "b?": "<text>"}), json!({"a": 1.0}));
        fits(json!({"a": 1, "<more>": true}), json!({"a": 1, "b": 2}));
        fits(json!({"<list of>": ["<number>"]}), json!([[1], [2]]));
        fits(json!({"<list of>": ["<number>"]}), json!([]));
        fits(json!({"<one of>": [null, "<object>"]}), json!({}));
        fits(json!("a: <any text>"), json!("a: "));
        fits(json!("<any text>b<any text>"), json!("abc"));
        fits(json!("<any text>, <any text>."), json!("x, y, z."));
    }

    #[test]
    fn differences_are_told_with_their_places() {
        let differs = |expected: Value, got: Value, told: &str| {
            let difference = same("a", &expected, &got).unwrap_err();
            assert!(difference.starts_with(told), "{difference}");
        };
        differs(
            json!({"b": 1}),
            json!({"b": 1, "c": 2}),
            "a.c: not expected",
        );
        differs(json!({"b": 1}), json!({}), "a.b: missing");
        differs(
            json!({"b?": "<text>"}),
            json!({"b": 1}),
            "a.b: expected <text>, got 1",
        );
        differs(
            json!([1, "<more>"]),
            json!([]),
            "a: expected 1 entries, got 0",
        );
        differs(json!([1]), json!([1, 2]), "a: expected 1 entries, got 2");
        differs(
            json!({"<list of>": 1}),
            json!([1, 2]),
            "a[1]: expected 1, got 2",
        );
        differs(json!({"<list of>": 1}), json!({}), "a: expected a list");
        differs(
            json!({"<one of>": [1, 2]}),
            json!(3),
            "a: expected one of [1,2], got 3",
        );
        differs(
            json!("x<any text>y"),
            json!("xz"),
            "a: expected x<any text>y",
        );
        differs(
            json!("<whole number>"),
            json!(1.5),
            "a: expected <whole number>",
        );
        differs(json!("<uuid>"), json!("1-2"), "a: expected <uuid>");
    }
}
