//! The fields of `/layout-parsing`.

use super::fields::{Fields, Parsing};
use crate::serve::spool::AnswerOptions;
use serde_json::{Map, Value, json};

/// Switches with the parameters that they set.
const SWITCHES: [(&str, &str); 6] = [
    ("useDocOrientationClassify", "use_doc_orientation_classify"),
    ("useDocUnwarping", "use_doc_unwarping"),
    ("useLayoutDetection", "use_layout_detection"),
    ("useChartRecognition", "use_chart_recognition"),
    ("useSealRecognition", "use_seal_recognition"),
    ("useOcrForImageBlock", "use_ocr_for_image_block"),
];

/// Reads all fields. `as_recorded`: with the reference's faults; `visualizes`: what holds without `visualize`.
pub(super) fn read<'a>(
    fields: &mut Fields<'a>,
    as_recorded: bool,
    visualizes: bool,
) -> Parsing<'a> {
    let mut settings = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            settings.insert(name.into(), value);
        }
    };
    let (file, is_pdf) = fields.file();
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
    if let (Some(least), Some(most), true) = (least, most, fields.is_sound())
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
            pretty,
            show_formula_number,
            ..AnswerOptions::default()
        },
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
    use crate::serve::openapi;

    fn message(body: &str) -> String {
        let error = Fields::of(body.as_bytes()).and_then(|mut fields| {
            read(&mut fields, false, true);
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
        let parsing = read(&mut fields, false, true);
        fields.checked().unwrap();
        assert!(!parsing.answer.visualize);
        assert_eq!(parsing.settings["temperature"], 0.5);
        assert_eq!(parsing.settings["max_new_tokens"], 7);
    }

    #[test]
    fn what_is_read_is_what_is_described() {
        let mut fields = Fields::of(b"{}").unwrap();
        read(&mut fields, false, true);
        let mut described = openapi::names(openapi::LAYOUT_PARSING);
        described.sort_unstable();
        assert_eq!(fields.asked(), described);
    }
}
