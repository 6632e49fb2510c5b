//! The fields of the reference's requests: types, ranges and the messages about them. All faults of a request
//! are told together, in the order of the fields.

use crate::serve::error::ApiError;
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
        serde_json::from_str(self.values.get("logId")?.get()).ok()
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

    fn wrong_value(&mut self, field: &str, what: &str) {
        self.wrong("value_error", field, format!("Value error, {what}"));
    }

    /// A field as it stands in the body; `None` if it is absent or null.
    pub(super) fn raw(&self, field: &str) -> Option<&'a RawValue> {
        let raw = *self.values.get(field)?;
        (raw.get() != "null").then_some(raw)
    }

    /// A field that is not long.
    fn value(&self, field: &str) -> Option<Value> {
        serde_json::from_str(self.raw(field)?.get()).ok()
    }

    /// A required text, as it stands in the body.
    pub(super) fn required_text(&mut self, field: &str) -> Option<&'a RawValue> {
        match self.values.get(field) {
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
    fn number(&mut self, field: &str, fits: fn(f64) -> bool, must: &str) -> Option<f64> {
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
    fn count(&mut self, field: &str) -> Option<u64> {
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
    fn texts(&mut self, field: &str) -> Option<Vec<String>> {
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
    fn threshold(&mut self) -> Option<Value> {
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
    fn unclip(&mut self, as_recorded: bool) -> Option<Value> {
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
    fn merge_mode(&mut self) -> Option<Value> {
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

    fn word(&mut self, field: &str, words: &[&str], message: &str) -> Option<String> {
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

/// Switches with the parameters that they set.
const SWITCHES: [(&str, &str); 6] = [
    ("useDocOrientationClassify", "use_doc_orientation_classify"),
    ("useDocUnwarping", "use_doc_unwarping"),
    ("useLayoutDetection", "use_layout_detection"),
    ("useChartRecognition", "use_chart_recognition"),
    ("useSealRecognition", "use_seal_recognition"),
    ("useOcrForImageBlock", "use_ocr_for_image_block"),
];

impl<'a> Parsing<'a> {
    /// Reads all fields. `as_recorded`: with the reference's faults; `visualizes`: what holds without `visualize`.
    pub(super) fn of(fields: &mut Fields<'a>, as_recorded: bool, visualizes: bool) -> Parsing<'a> {
        let mut settings = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                settings.insert(name.into(), value);
            }
        };
        let file = fields.required_text("file");
        let is_pdf = fields.value("fileType").and_then(|kind| {
            let is_pdf = match kind.as_u64() {
                Some(0) => Some(true),
                Some(1) => Some(false),
                _ => None,
            };
            if is_pdf.is_none() {
                fields.wrong("literal_error", "fileType", "Input should be 0 or 1");
            }
            is_pdf
        });
        for (field, name) in SWITCHES {
            set(name, fields.bool(field).map(Value::from));
        }
        // Classes are compared as numbers with texts there, so none is ever found: the default holds.
        let threshold = fields.threshold().map(|value| match value {
            Value::Object(_) if as_recorded => json!(0.5),
            value => value,
        });
        set("layout_threshold", threshold);
        // It cannot be turned off for a single call.
        set(
            "layout_nms",
            fields.bool("layoutNms").filter(|on| *on).map(Value::from),
        );
        let by_class = |value: Value| (!(as_recorded && value.is_object())).then_some(value);
        set(
            "layout_unclip_ratio",
            fields.unclip(as_recorded).and_then(by_class),
        );
        set(
            "layout_merge_bboxes_mode",
            fields.merge_mode().and_then(by_class),
        );
        let shapes = ["rect", "quad", "poly", "auto"];
        let message = "Input should be 'rect', 'quad', 'poly' or 'auto'";
        let shape = fields.word("layoutShapeMode", &shapes, message);
        set("layout_shape_mode", shape.map(Value::from));
        set("prompt_label", prompt_label(fields).map(Value::from));
        let format = fields.bool("formatBlockContent");
        set("format_block_content", format.map(Value::from));
        let number = |value: Option<f64>| value.map(Value::from);
        let penalty = fields.number("repetitionPenalty", |v| v > 0.0, "> 0");
        set("repetition_penalty", number(penalty));
        let temperature = fields.number("temperature", |v| v >= 0.0, "\u{2265} 0");
        set("temperature", number(temperature));
        let top_p = fields.number("topP", |v| v > 0.0 && v <= 1.0, "> 0 and \u{2264} 1");
        set("top_p", number(top_p));
        let (least, most) = (fields.count("minPixels"), fields.count("maxPixels"));
        set("min_pixels", least.map(Value::from));
        set("max_pixels", most.map(Value::from));
        set(
            "max_new_tokens",
            fields.count("maxNewTokens").map(Value::from),
        );
        let merge = fields.bool("mergeLayoutBlocks");
        set("merge_layout_blocks", merge.map(Value::from));
        let ignored = fields.texts("markdownIgnoreLabels");
        set("markdown_ignore_labels", ignored.map(Value::from));
        let mut on = |field: &str, default: bool| fields.bool(field).unwrap_or(default);
        let pretty = on("prettifyMarkdown", true);
        let show_formula_number = on("showFormulaNumber", false);
        let return_markdown_images = on("returnMarkdownImages", true);
        let restructures = on("restructurePages", false);
        let steps = (on("mergeTables", true), on("relevelTitles", true));
        let docx = fields.docx();
        let visualize = fields.bool("visualize").unwrap_or(visualizes);
        fields.check_log_id();
        if let (Some(least), Some(most), true) = (least, most, fields.errors.is_empty())
            && least > most
        {
            let what = format!("`minPixels` ({least}) cannot be greater than `maxPixels` ({most})");
            fields.wrong_value("", &what);
        }
        Parsing {
            file,
            is_pdf,
            settings,
            answer: AnswerOptions {
                visualize,
                return_markdown_images,
                restructure: restructures.then_some(steps),
                docx,
                is_pdf: false,
                pretty,
                show_formula_number,
                as_files: false,
            },
        }
    }
}

/// What the whole page is read as where no layout is detected.
fn prompt_label(fields: &mut Fields) -> Option<String> {
    let labels = ["ocr", "formula", "table", "chart", "seal", "spotting"];
    let given = fields.value("promptLabel")?;
    let word = given
        .as_str()
        .map_or_else(|| given.to_string(), String::from);
    if labels.contains(&word.as_str()) {
        return Some(word);
    }
    let known = labels.join(", ");
    let what = format!("`promptLabel` must be one of: {known}; got: {word}");
    fields.wrong_value("promptLabel", &what);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> String {
        let error = Fields::of(body.as_bytes()).and_then(|mut fields| {
            Parsing::of(&mut fields, false, true);
            fields.checked()
        });
        error.err().map_or(String::new(), |error| error.message)
    }

    #[test]
    fn faults_are_told_together_in_the_order_of_the_fields() {
        let told = message(r#"{"fileType": "x", "topP": 2, "useDocUnwarping": "perhaps"}"#);
        let told: Value = serde_json::from_str(&told).unwrap();
        let places: Vec<&str> = told
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["loc"].as_str().unwrap())
            .collect();
        assert_eq!(
            places,
            [
                "body.file",
                "body.fileType",
                "body.useDocUnwarping",
                "body.topP"
            ]
        );
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        assert!(message("{not json").contains("\"body[1]\""));
        assert!(message("{\n\"file\": }").contains("json_invalid"));
        assert!(message("[]").contains("model_attributes_type"));
        assert!(message("").contains("missing"));
    }

    #[test]
    fn values_are_taken_as_python_takes_them() {
        let body = r#"{"file": "x", "fileType": 1, "visualize": "no", "temperature": "0.5", "maxNewTokens": 7.0}"#;
        let mut fields = Fields::of(body.as_bytes()).unwrap();
        let parsing = Parsing::of(&mut fields, false, true);
        fields.checked().unwrap();
        assert!(!parsing.answer.visualize);
        assert_eq!(parsing.settings["temperature"], 0.5);
        assert_eq!(parsing.settings["max_new_tokens"], 7);
    }
}
