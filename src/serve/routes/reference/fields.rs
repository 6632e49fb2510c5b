//! The fields of the reference's requests: types, ranges and the messages about them. All faults of a request
//! are told together, in the order of the fields.

use crate::serve::error::ApiError;
use crate::serve::json_size::MOST_FIELD;
use crate::serve::spool::AnswerOptions;
use crate::writer::python_json;
use axum::http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Settings by the name of the parameter.
pub(super) type Settings = Map<String, Value>;

/// A request that is refused, with these words.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_request", message)
}

/// A request, and what is wrong with it.
pub(super) struct Fields<'a> {
    values: BTreeMap<String, &'a RawValue>,
    errors: Vec<Value>,
    /// The fields that were looked for.
    #[cfg(test)]
    asked: std::cell::RefCell<std::collections::BTreeSet<String>>,
}

/// Most faults of a request that are told.
const MOST_ERRORS: usize = 100;
/// Most entries of a list of texts.
const MOST_TEXTS: usize = 1000;

/// Where fields stand in messages.
const BODY: &str = "body";

/// JSON text as Python writes it: a blank after separators, other characters than ASCII escaped.
fn python_text(errors: &[Value]) -> String {
    let quoted = |value: &Value| {
        let text = value.to_string();
        let mut ascii = String::with_capacity(text.len());
        for c in text.chars() {
            match c.is_ascii() {
                true => ascii.push(c),
                false => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        ascii.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
        }
        ascii
    };
    let entry = |error: &Value| {
        let keys = ["type", "loc", "msg"];
        let pairs = keys.map(|key| format!("\"{key}\": {}", quoted(&error[key])));
        format!("{{{}}}", pairs.join(", "))
    };
    let entries: Vec<String> = errors.iter().map(entry).collect();
    format!("[{}]", entries.join(", "))
}

impl<'a> Fields<'a> {
    /// The fields of a body. Fails if it is no JSON object.
    pub(super) fn of(body: &'a [u8]) -> Result<Fields<'a>, ApiError> {
        let parsed = serde_json::from_slice::<BTreeMap<String, &'a RawValue>>(body);
        let refused = |kind: &str, loc: String, message: &str| {
            let error = json!({"type": kind, "loc": loc, "msg": message});
            invalid(python_text(&[error]))
        };
        match parsed {
            Ok(values) => Ok(Fields {
                values,
                errors: Vec::new(),
                #[cfg(test)]
                asked: Default::default(),
            }),
            Err(_) if body.is_empty() => Err(refused("missing", BODY.into(), "Field required")),
            Err(error) if error.is_data() && serde_json::from_slice::<&RawValue>(body).is_ok() => {
                let message = "Input should be a valid dictionary or object to extract fields from";
                Err(refused("model_attributes_type", BODY.into(), message))
            }
            Err(error) => {
                // Its offset from 0, as Python tells it.
                let lines = body
                    .split(|b| *b == b'\n')
                    .take(error.line().saturating_sub(1));
                let before: usize = lines.map(|line| line.len() + 1).sum();
                let offset = before + error.column().saturating_sub(1);
                let loc = format!("{BODY}[{offset}]");
                Err(refused("json_invalid", loc, "JSON decode error"))
            }
        }
    }

    /// `logId`, if it is one.
    pub(super) fn log_id(&self) -> Option<String> {
        let raw = self.given("logId")?.get();
        let raw = (raw.len() <= MOST_FIELD).then_some(raw)?;
        serde_json::from_str(raw).ok()
    }

    /// `true` if nothing was wrong so far.
    pub(super) fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }

    /// Fails if anything is wrong.
    pub(super) fn checked(&self) -> Result<(), ApiError> {
        match self.errors.is_empty() {
            true => Ok(()),
            false => Err(invalid(python_text(&self.errors))),
        }
    }

    /// Something is wrong with a field.
    pub(super) fn wrong(&mut self, kind: &str, field: &str, message: impl Into<String>) {
        // Enough to learn from.
        if self.errors.len() >= MOST_ERRORS {
            return;
        }
        let loc = match field {
            "" => BODY.to_string(),
            field => format!("{BODY}.{field}"),
        };
        self.errors
            .push(json!({"type": kind, "loc": loc, "msg": message.into()}));
    }

    pub(super) fn wrong_value(&mut self, field: &str, what: &str) {
        self.wrong("value_error", field, format!("Value error, {what}"));
    }

    /// A field as it stands in the body, null included.
    fn given(&self, field: &str) -> Option<&'a RawValue> {
        #[cfg(test)]
        self.asked.borrow_mut().insert(field.into());
        self.values.get(field).copied()
    }

    /// The names that were looked for, in the order of the alphabet.
    #[cfg(test)]
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.borrow().iter().cloned().collect()
    }

    /// A field as it stands in the body; `None` if it is absent or null.
    pub(super) fn raw(&self, field: &str) -> Option<&'a RawValue> {
        let raw = self.given(field)?;
        (raw.get() != "null").then_some(raw)
    }

    /// A field that is not long; it is wrong if it is, or cannot be read.
    pub(super) fn value(&mut self, field: &str) -> Option<Value> {
        let text = self.raw(field)?.get();
        if text.len() > MOST_FIELD {
            let message = format!("Input should have at most {MOST_FIELD} bytes of JSON");
            self.wrong("too_long", field, message);
            return None;
        }
        match serde_json::from_str(text) {
            Ok(value) => Some(value),
            Err(_) => {
                let message = "Input should be JSON that can be represented: numbers within the range of 64-bit floats, \
                               texts of whole characters, at most 127 lists and objects within each other";
                self.wrong("json_invalid", field, message);
                None
            }
        }
    }

    /// A required text, as it stands in the body.
    pub(super) fn required_text(&mut self, field: &str) -> Option<&'a RawValue> {
        match self.given(field) {
            None => {
                self.wrong("missing", field, "Field required");
                None
            }
            Some(raw) if !raw.get().starts_with('"') => {
                self.wrong("string_type", field, "Input should be a valid string");
                None
            }
            Some(raw) => Some(raw),
        }
    }

    /// `file` and `fileType`: the file, and whether it is a PDF, if that is told.
    pub(super) fn file(&mut self) -> (Option<&'a RawValue>, Option<bool>) {
        let file = self.required_text("file");
        let is_pdf = self.value("fileType").and_then(|kind| {
            let is_pdf = match kind.as_u64() {
                Some(0) => Some(true),
                Some(1) => Some(false),
                _ => None,
            };
            if is_pdf.is_none() {
                self.wrong("literal_error", "fileType", "Input should be 0 or 1");
            }
            is_pdf
        });
        (file, is_pdf)
    }

    /// A switch, with the words that Python's validation takes.
    pub(super) fn bool(&mut self, field: &str) -> Option<bool> {
        let value = self.value(field)?;
        let word = match &value {
            Value::Bool(on) => return Some(*on),
            Value::String(word) => word.to_lowercase(),
            Value::Number(number) => match number.as_f64() {
                Some(1.0) => return Some(true),
                Some(0.0) => return Some(false),
                _ => String::new(),
            },
            _ => {
                self.wrong("bool_type", field, "Input should be a valid boolean");
                return None;
            }
        };
        match word.as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
            _ => {
                let message = "Input should be a valid boolean, unable to interpret input";
                self.wrong("bool_parsing", field, message);
                None
            }
        }
    }

    /// A number that `fits`, else a message that it `must be` so.
    pub(super) fn number(&mut self, field: &str, fits: fn(f64) -> bool, must: &str) -> Option<f64> {
        let value = self.value(field)?;
        let number = match &value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let Some(number) = number else {
            let (kind, message) = match value {
                Value::String(_) => (
                    "float_parsing",
                    "Input should be a valid number, unable to parse string as a number",
                ),
                _ => ("float_type", "Input should be a valid number"),
            };
            self.wrong(kind, field, message);
            return None;
        };
        if !fits(number) {
            let got = python_json::to_string(&number.into());
            self.wrong_value(field, &format!("`{field}` must be {must}; got: {got}"));
            return None;
        }
        Some(number)
    }

    /// A whole number above 0.
    pub(super) fn count(&mut self, field: &str) -> Option<u64> {
        let value = self.value(field)?;
        let number = match &value {
            Value::Number(number) => number.as_i64().or_else(|| {
                let whole = number.as_f64().filter(|n| n.fract() == 0.0)?;
                Some(whole as i64)
            }),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match (number, value) {
            (Some(number), _) if number > 0 => Some(number as u64),
            (Some(_), _) => {
                self.wrong("greater_than", field, "Input should be greater than 0");
                None
            }
            (None, Value::String(_)) => {
                let message =
                    "Input should be a valid integer, unable to parse string as an integer";
                self.wrong("int_parsing", field, message);
                None
            }
            (None, Value::Number(_)) => {
                let message =
                    "Input should be a valid integer, got a number with a fractional part";
                self.wrong("int_from_float", field, message);
                None
            }
            (None, _) => {
                self.wrong("int_type", field, "Input should be a valid integer");
                None
            }
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, field: &str) -> Option<Vec<String>> {
        let value = self.value(field)?;
        let Value::Array(list) = value else {
            self.wrong("list_type", field, "Input should be a valid list");
            return None;
        };
        if list.len() > MOST_TEXTS {
            let message = format!("List should have at most {MOST_TEXTS} items after validation");
            self.wrong("too_long", field, message);
            return None;
        }
        let mut texts = Vec::new();
        for (at, text) in list.into_iter().enumerate() {
            match text {
                Value::String(text) => texts.push(text),
                _ => {
                    let loc = format!("{field}[{at}]");
                    self.wrong("string_type", &loc, "Input should be a valid string");
                }
            }
        }
        Some(texts)
    }

    /// A number between 0 and 1, or such numbers by class.
    pub(super) fn threshold(&mut self) -> Option<Value> {
        let field = "layoutThreshold";
        match self.value(field)? {
            Value::Object(classes) => {
                let fits = |v: &Value| v.as_f64().is_some_and(|v| (0.0..=1.0).contains(&v));
                if let Some(bad) = classes.values().find(|v| !fits(v)) {
                    let got = python_json::to_string(bad);
                    let what = format!("`{field}` must be between 0 and 1 inclusive; got: {got}");
                    self.wrong_value(field, &what);
                    return None;
                }
                Some(classes.into())
            }
            _ => {
                let fits = |v: f64| (0.0..=1.0).contains(&v);
                self.number(field, fits, "between 0 and 1 inclusive")
                    .map(Value::from)
            }
        }
    }

    /// A number above 0, a pair of them, or either by class.
    pub(super) fn unclip(&mut self, as_recorded: bool) -> Option<Value> {
        let field = "layoutUnclipRatio";
        let fits = |v: &Value| v.as_f64().is_some_and(|v| v > 0.0);
        match self.value(field)? {
            // The reference cannot read a pair.
            Value::Array(pair) if as_recorded => {
                let got = if pair.len() == 2 { "tuple" } else { "list" };
                let what = format!("`{field}` must be a number or two numbers; got: {got}");
                self.wrong_value(field, &what);
                None
            }
            Value::Array(pair) => match pair.len() == 2 && pair.iter().all(fits) {
                true => Some(pair.into()),
                false => {
                    let what = format!("`{field}` must be two numbers > 0");
                    self.wrong_value(field, &what);
                    None
                }
            },
            Value::Object(classes) => Some(classes.into()),
            _ => self.number(field, |v| v > 0.0, "> 0").map(Value::from),
        }
    }

    /// One of these words, or one by class.
    pub(super) fn merge_mode(&mut self) -> Option<Value> {
        let field = "layoutMergeBboxesMode";
        let is_mode = |v: &Value| matches!(v.as_str(), Some("large" | "small" | "union"));
        let value = self.value(field)?;
        let bad = match &value {
            Value::Object(classes) => classes.values().find(|v| !is_mode(v)).cloned(),
            word => (!is_mode(word)).then(|| word.clone()),
        };
        let Some(bad) = bad else {
            return Some(value);
        };
        let got = bad.as_str().map_or_else(|| bad.to_string(), String::from);
        let what = format!("`{field}` must be one of: large, small, union; got: {got}");
        self.wrong_value(field, &what);
        None
    }

    pub(super) fn word(&mut self, field: &str, words: &[&str], message: &str) -> Option<String> {
        let value = self.value(field)?;
        match value.as_str() {
            Some(word) if words.contains(&word) => Some(word.into()),
            _ => {
                self.wrong("literal_error", field, message);
                None
            }
        }
    }

    /// `outputFormats`; `true` if a Word document is asked for.
    pub(super) fn docx(&mut self) -> bool {
        let formats = self.texts("outputFormats").unwrap_or_default();
        if let Some(other) = formats.iter().find(|format| *format != "docx") {
            let what =
                format!("Unsupported `outputFormats` entry '{other}'. Supported values: ['docx']");
            self.wrong_value("outputFormats", &what);
        }
        !formats.is_empty()
    }

    /// `logId` is a text.
    pub(super) fn check_log_id(&mut self) {
        if self.value("logId").is_some_and(|id| !id.is_string()) {
            self.wrong("string_type", "logId", "Input should be a valid string");
        }
    }
}

/// A request to parse a file.
pub(super) struct Parsing<'a> {
    /// The file: its address, or its bytes in base64.
    pub file: Option<&'a RawValue>,
    /// Its kind, if it is told.
    pub is_pdf: Option<bool>,
    /// Settings of the job.
    pub settings: Settings,
    /// Form of the answer.
    pub answer: AnswerOptions,
}
