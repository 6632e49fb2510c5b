//! Schema of configurations: every allowed key with the type of its value.

use serde_json::Value;

/// Types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueType {
    /// `true` or `false`.
    Bool,
    /// `true`, `false` or null.
    OptionalBool,
    /// An integer.
    Int,
    /// A number.
    Float,
    /// A string.
    Text,
    /// A string or null.
    OptionalText,
    /// A list of strings.
    Texts,
    /// A number, or numbers by class id.
    NumberOrByClass,
    /// A number, a pair of numbers, or either by class id.
    Ratio,
    /// A string, or strings by class id.
    TextOrByClass,
    /// A number of bytes, with K, M or G for powers of 1024, or null.
    Size,
    /// Anything: settings of the reference's engines that docparse lacks, accepted for compatibility.
    Any,
}

impl ValueType {
    /// `true` if a value is of this type.
    pub(crate) fn accepts(self, value: &Value) -> bool {
        let by_class = |inner: &dyn Fn(&Value) -> bool| {
            value.as_object().is_some_and(|map| {
                map.iter()
                    .all(|(k, v)| k.parse::<u32>().is_ok() && inner(v))
            })
        };
        let pair = |v: &Value| {
            v.as_array()
                .is_some_and(|a| a.len() == 2 && a.iter().all(Value::is_number))
        };
        match self {
            ValueType::Bool => value.is_boolean(),
            ValueType::OptionalBool => value.is_boolean() || value.is_null(),
            ValueType::Int => value.is_i64(),
            ValueType::Float => value.is_number(),
            ValueType::Text => value.is_string(),
            ValueType::OptionalText => value.is_string() || value.is_null(),
            ValueType::Texts => value
                .as_array()
                .is_some_and(|a| a.iter().all(Value::is_string)),
            ValueType::NumberOrByClass => value.is_number() || by_class(&Value::is_number),
            ValueType::Ratio => {
                value.is_number() || pair(value) || by_class(&|v| v.is_number() || pair(v))
            }
            ValueType::TextOrByClass => value.is_string() || by_class(&Value::is_string),
            ValueType::Size => value.is_null() || size(value).is_some(),
            ValueType::Any => true,
        }
    }

    /// Description of valid values, for messages.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            ValueType::Bool => "true or false",
            ValueType::OptionalBool => "true, false or null",
            ValueType::Int => "a whole number",
            ValueType::Float => "a number",
            ValueType::Text => "a text",
            ValueType::OptionalText => "a text or null",
            ValueType::Texts => "a list of texts",
            ValueType::NumberOrByClass => "a number, or numbers by class id",
            ValueType::Ratio => "a number, a pair of numbers, or either by class id",
            ValueType::TextOrByClass => "a text, or texts by class id",
            ValueType::Size => "a size such as 8G or 500M, or null",
            ValueType::Any => "anything",
        }
    }
}

/// All keys as dotted paths: those of the reference first, then those of `lite`.
pub(crate) const KEYS: &[(&str, ValueType)] = &[
    ("pipeline_name", ValueType::Text),
    ("batch_size", ValueType::Int),
    ("use_queues", ValueType::Bool),
    ("use_doc_preprocessor", ValueType::Bool),
    ("use_layout_detection", ValueType::Bool),
    ("use_chart_recognition", ValueType::Bool),
    ("use_seal_recognition", ValueType::Bool),
    ("use_ocr_for_image_block", ValueType::Bool),
    ("format_block_content", ValueType::Bool),
    ("merge_layout_blocks", ValueType::Bool),
    ("layout_prep_cpu_workers", ValueType::Int),
    ("markdown_ignore_labels", ValueType::Texts),
    ("engine", ValueType::OptionalText),
    ("engine_config", ValueType::Any),
    ("use_hpip", ValueType::Bool),
    ("hpi_config", ValueType::Any),
    ("SubModules.LayoutDetection.module_name", ValueType::Text),
    ("SubModules.LayoutDetection.model_name", ValueType::Text),
    (
        "SubModules.LayoutDetection.model_dir",
        ValueType::OptionalText,
    ),
    ("SubModules.LayoutDetection.batch_size", ValueType::Int),
    (
        "SubModules.LayoutDetection.threshold",
        ValueType::NumberOrByClass,
    ),
    ("SubModules.LayoutDetection.layout_nms", ValueType::Bool),
    (
        "SubModules.LayoutDetection.layout_unclip_ratio",
        ValueType::Ratio,
    ),
    (
        "SubModules.LayoutDetection.layout_merge_bboxes_mode",
        ValueType::TextOrByClass,
    ),
    ("SubModules.LayoutDetection.engine", ValueType::OptionalText),
    ("SubModules.LayoutDetection.engine_config", ValueType::Any),
    ("SubModules.LayoutDetection.use_hpip", ValueType::Bool),
    ("SubModules.LayoutDetection.hpi_config", ValueType::Any),
    ("SubModules.VLRecognition.module_name", ValueType::Text),
    ("SubModules.VLRecognition.model_name", ValueType::Text),
    (
        "SubModules.VLRecognition.model_dir",
        ValueType::OptionalText,
    ),
    ("SubModules.VLRecognition.batch_size", ValueType::Int),
    ("SubModules.VLRecognition.engine", ValueType::OptionalText),
    ("SubModules.VLRecognition.engine_config", ValueType::Any),
    ("SubModules.VLRecognition.use_hpip", ValueType::Bool),
    ("SubModules.VLRecognition.hpi_config", ValueType::Any),
    (
        "SubModules.VLRecognition.genai_config.backend",
        ValueType::Text,
    ),
    (
        "SubModules.VLRecognition.genai_config.server_url",
        ValueType::OptionalText,
    ),
    (
        "SubModules.VLRecognition.genai_config.max_concurrency",
        ValueType::Int,
    ),
    (
        "SubModules.VLRecognition.genai_config.client_kwargs",
        ValueType::Any,
    ),
    (
        "SubPipelines.DocPreprocessor.pipeline_name",
        ValueType::Text,
    ),
    ("SubPipelines.DocPreprocessor.batch_size", ValueType::Int),
    (
        "SubPipelines.DocPreprocessor.use_doc_orientation_classify",
        ValueType::Bool,
    ),
    (
        "SubPipelines.DocPreprocessor.use_doc_unwarping",
        ValueType::Bool,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.module_name",
        ValueType::Text,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.model_name",
        ValueType::Text,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.model_dir",
        ValueType::OptionalText,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.batch_size",
        ValueType::Int,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocUnwarping.module_name",
        ValueType::Text,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocUnwarping.model_name",
        ValueType::Text,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocUnwarping.model_dir",
        ValueType::OptionalText,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocUnwarping.batch_size",
        ValueType::Int,
    ),
    ("Serving.visualize", ValueType::Bool),
    ("Serving.return_urls", ValueType::OptionalBool),
    ("Serving.extra.file_storage", ValueType::Any),
    ("Serving.extra.url_expires_in", ValueType::Int),
    ("Serving.extra.return_img_urls", ValueType::Bool),
    ("Serving.extra.max_num_input_imgs", ValueType::Any),
    ("Serving.extra.max_output_img_size", ValueType::Any),
    ("markdown_style", ValueType::Text),
    ("page_breaks", ValueType::Text),
    ("front_matter", ValueType::Bool),
    ("embed_images", ValueType::Bool),
    ("text_layer", ValueType::Text),
    ("hidden_text", ValueType::Text),
    ("animation_frames", ValueType::Text),
    ("max_page_pixels", ValueType::Int),
    ("page_timeout", ValueType::Int),
    ("worker_memory", ValueType::Int),
    ("memory_limit", ValueType::Size),
    ("SubModules.LineDetection.model_name", ValueType::Text),
    (
        "SubModules.LineDetection.det_limit_side_len",
        ValueType::Int,
    ),
    ("SubModules.LineDetection.det_limit_type", ValueType::Text),
    ("SubModules.LineDetection.det_db_thresh", ValueType::Float),
    (
        "SubModules.LineDetection.det_db_box_thresh",
        ValueType::Float,
    ),
    (
        "SubModules.LineDetection.det_db_unclip_ratio",
        ValueType::Float,
    ),
    ("SubModules.LineRecognition.model_name", ValueType::Text),
    ("SubModules.LineRecognition.rec_batch_num", ValueType::Int),
    ("SubModules.LineRecognition.precision", ValueType::Text),
    ("SubModules.LineRecognition.model_dirs", ValueType::Texts),
    ("SubModules.LineRecognition.drop_score", ValueType::Float),
    (
        "SubModules.LineRecognition.use_textline_orientation",
        ValueType::Bool,
    ),
    ("SubModules.PageOrientation.model_name", ValueType::Text),
    (
        "SubModules.PageOrientation.use_page_orientation",
        ValueType::Bool,
    ),
    ("SubModules.PageLayout.model_name", ValueType::Text),
    ("SubModules.PageLayout.use_page_layout", ValueType::Bool),
    ("SubModules.TableStructure.model_name", ValueType::Text),
    (
        "SubModules.TableStructure.use_table_structure",
        ValueType::Bool,
    ),
];

/// For the engines of the reference.
const ENGINES: &str = "for the reference's engines";
/// Numbers of things at once.
const AT_ONCE: &str = "how much is done at once follows from memory and threads";
/// Names of modules.
const NAMES: &str = "modules are known by their places";
/// The section that only the service reads.
const SERVICE: &str = "Serving.";

/// Keys that files of the reference have and nothing here reads, with the reason. They are accepted, so that such a file works, and
/// told.
pub(crate) const UNUSED: &[(&str, &str)] = &[
    ("batch_size", AT_ONCE),
    ("use_queues", AT_ONCE),
    ("layout_prep_cpu_workers", AT_ONCE),
    ("engine", ENGINES),
    ("engine_config", ENGINES),
    ("use_hpip", ENGINES),
    ("hpi_config", ENGINES),
    ("SubModules.LayoutDetection.module_name", NAMES),
    ("SubModules.LayoutDetection.engine", ENGINES),
    ("SubModules.LayoutDetection.engine_config", ENGINES),
    ("SubModules.LayoutDetection.use_hpip", ENGINES),
    ("SubModules.LayoutDetection.hpi_config", ENGINES),
    ("SubModules.VLRecognition.module_name", NAMES),
    ("SubModules.VLRecognition.batch_size", AT_ONCE),
    ("SubModules.VLRecognition.engine", ENGINES),
    ("SubModules.VLRecognition.engine_config", ENGINES),
    ("SubModules.VLRecognition.use_hpip", ENGINES),
    ("SubModules.VLRecognition.hpi_config", ENGINES),
    ("SubPipelines.DocPreprocessor.pipeline_name", NAMES),
    ("SubPipelines.DocPreprocessor.batch_size", AT_ONCE),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.module_name",
        NAMES,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.batch_size",
        AT_ONCE,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocUnwarping.module_name",
        NAMES,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocUnwarping.batch_size",
        AT_ONCE,
    ),
    (
        "Serving.extra.max_num_input_imgs",
        "all pages are parsed; the service refuses documents that are too long",
    ),
    (
        "Serving.extra.max_output_img_size",
        "pictures of answers have at most 2000 pixels a side",
    ),
];

/// `true` for keys that only the service reads.
pub(crate) fn is_of_service(key: &str) -> bool {
    key.starts_with(SERVICE)
}

/// Why nothing reads a key, if that is so.
pub(crate) fn unused(key: &str) -> Option<&'static str> {
    let found = UNUSED.iter().find(|(unused, _)| *unused == key);
    found.map(|(_, reason)| *reason)
}

/// Number of bytes of a value of [`ValueType::Size`].
pub(crate) fn size(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => parse_size(text).ok().map(|bytes| bytes as u64),
        number => number.as_u64().filter(|bytes| *bytes > 0),
    }
}

/// Parses a number of bytes, with K, M or G for powers of 1024.
pub(crate) fn parse_size(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1usize << 30),
        _ => (text, 1),
    };
    let bytes = digits
        .parse::<usize>()
        .ok()
        .filter(|n| *n > 0)
        .and_then(|n| n.checked_mul(unit));
    bytes.ok_or_else(|| "expected a size such as 8G, 500M or 1000000".into())
}

/// Type of a key; `None` if there is no such key. Keys below one of type `Any` are of that type too.
pub(crate) fn kind_of(path: &str) -> Option<ValueType> {
    KEYS.iter()
        .find(|(key, kind)| {
            let below = path
                .strip_prefix(key)
                .is_some_and(|rest| rest.starts_with('.'));
            path == *key || (*kind == ValueType::Any && below)
        })
        .map(|(_, kind)| *kind)
}

/// `true` if the path is a proper prefix of keys.
pub(crate) fn is_section(path: &str) -> bool {
    KEYS.iter().any(|(key, _)| {
        key.strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// The most similar known key, as a suggestion; `None` if there is none.
pub(crate) fn nearest(path: &str) -> Option<&'static str> {
    let distance = |key: &str| edit_distance(&path.to_lowercase(), &key.to_lowercase());
    let best = KEYS.iter().map(|(key, _)| (distance(key), *key)).min()?;
    (best.0 <= 3).then_some(best.1)
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("8G"), Ok(8 << 30));
        assert_eq!(
            (parse_size("500m"), parse_size("12")),
            (Ok(500 << 20), Ok(12))
        );
        for bad in ["", "G", "0", "-1", "1T", "99999999999999999999G"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        assert_eq!(
            (size(&json!("2G")), size(&json!(4096)), size(&json!(0))),
            (Some(2 << 30), Some(4096), None)
        );
        assert!(ValueType::Size.accepts(&json!(null)) && !ValueType::Size.accepts(&json!("much")));
    }
}
