//! Schema of configurations: every allowed key with the type of its value.

use serde_json::Value;

/// Types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
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

impl Kind {
    /// `true` if a value is of this type.
    pub fn accepts(self, value: &Value) -> bool {
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
            Kind::Bool => value.is_boolean(),
            Kind::Int => value.is_i64(),
            Kind::Float => value.is_number(),
            Kind::Text => value.is_string(),
            Kind::OptionalText => value.is_string() || value.is_null(),
            Kind::Texts => value
                .as_array()
                .is_some_and(|a| a.iter().all(Value::is_string)),
            Kind::NumberOrByClass => value.is_number() || by_class(&Value::is_number),
            Kind::Ratio => {
                value.is_number() || pair(value) || by_class(&|v| v.is_number() || pair(v))
            }
            Kind::TextOrByClass => value.is_string() || by_class(&Value::is_string),
            Kind::Size => value.is_null() || size(value).is_some(),
            Kind::Any => true,
        }
    }

    /// Description of valid values, for messages.
    pub fn describe(self) -> &'static str {
        match self {
            Kind::Bool => "true or false",
            Kind::Int => "a whole number",
            Kind::Float => "a number",
            Kind::Text => "a text",
            Kind::OptionalText => "a text or null",
            Kind::Texts => "a list of texts",
            Kind::NumberOrByClass => "a number, or numbers by class id",
            Kind::Ratio => "a number, a pair of numbers, or either by class id",
            Kind::TextOrByClass => "a text, or texts by class id",
            Kind::Size => "a size such as 8G or 500M, or null",
            Kind::Any => "anything",
        }
    }
}

/// All keys as dotted paths: those of the reference first, then those of `lite`.
pub const KEYS: &[(&str, Kind)] = &[
    ("pipeline_name", Kind::Text),
    ("batch_size", Kind::Int),
    ("use_queues", Kind::Bool),
    ("use_doc_preprocessor", Kind::Bool),
    ("use_layout_detection", Kind::Bool),
    ("use_chart_recognition", Kind::Bool),
    ("use_seal_recognition", Kind::Bool),
    ("use_ocr_for_image_block", Kind::Bool),
    ("format_block_content", Kind::Bool),
    ("merge_layout_blocks", Kind::Bool),
    ("layout_prep_cpu_workers", Kind::Int),
    ("markdown_ignore_labels", Kind::Texts),
    ("engine", Kind::OptionalText),
    ("engine_config", Kind::Any),
    ("use_hpip", Kind::Bool),
    ("hpi_config", Kind::Any),
    ("SubModules.LayoutDetection.module_name", Kind::Text),
    ("SubModules.LayoutDetection.model_name", Kind::Text),
    ("SubModules.LayoutDetection.model_dir", Kind::OptionalText),
    ("SubModules.LayoutDetection.batch_size", Kind::Int),
    (
        "SubModules.LayoutDetection.threshold",
        Kind::NumberOrByClass,
    ),
    ("SubModules.LayoutDetection.layout_nms", Kind::Bool),
    (
        "SubModules.LayoutDetection.layout_unclip_ratio",
        Kind::Ratio,
    ),
    (
        "SubModules.LayoutDetection.layout_merge_bboxes_mode",
        Kind::TextOrByClass,
    ),
    ("SubModules.LayoutDetection.engine", Kind::OptionalText),
    ("SubModules.LayoutDetection.engine_config", Kind::Any),
    ("SubModules.LayoutDetection.use_hpip", Kind::Bool),
    ("SubModules.LayoutDetection.hpi_config", Kind::Any),
    ("SubModules.VLRecognition.module_name", Kind::Text),
    ("SubModules.VLRecognition.model_name", Kind::Text),
    ("SubModules.VLRecognition.model_dir", Kind::OptionalText),
    ("SubModules.VLRecognition.batch_size", Kind::Int),
    ("SubModules.VLRecognition.engine", Kind::OptionalText),
    ("SubModules.VLRecognition.engine_config", Kind::Any),
    ("SubModules.VLRecognition.use_hpip", Kind::Bool),
    ("SubModules.VLRecognition.hpi_config", Kind::Any),
    ("SubModules.VLRecognition.genai_config.backend", Kind::Text),
    (
        "SubModules.VLRecognition.genai_config.server_url",
        Kind::OptionalText,
    ),
    (
        "SubModules.VLRecognition.genai_config.max_concurrency",
        Kind::Int,
    ),
    (
        "SubModules.VLRecognition.genai_config.client_kwargs",
        Kind::Any,
    ),
    ("SubPipelines.DocPreprocessor.pipeline_name", Kind::Text),
    ("SubPipelines.DocPreprocessor.batch_size", Kind::Int),
    (
        "SubPipelines.DocPreprocessor.use_doc_orientation_classify",
        Kind::Bool,
    ),
    ("SubPipelines.DocPreprocessor.use_doc_unwarping", Kind::Bool),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.module_name",
        Kind::Text,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.model_name",
        Kind::Text,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.model_dir",
        Kind::OptionalText,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.batch_size",
        Kind::Int,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocUnwarping.module_name",
        Kind::Text,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocUnwarping.model_name",
        Kind::Text,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocUnwarping.model_dir",
        Kind::OptionalText,
    ),
    (
        "SubPipelines.DocPreprocessor.SubModules.DocUnwarping.batch_size",
        Kind::Int,
    ),
    ("Serving", Kind::Any),
    ("text_layer", Kind::Text),
    ("max_page_pixels", Kind::Int),
    ("page_timeout", Kind::Int),
    ("worker_memory", Kind::Int),
    ("memory_limit", Kind::Size),
    ("SubModules.LineDetection.model_name", Kind::Text),
    ("SubModules.LineDetection.det_limit_side_len", Kind::Int),
    ("SubModules.LineDetection.det_limit_type", Kind::Text),
    ("SubModules.LineDetection.det_db_thresh", Kind::Float),
    ("SubModules.LineDetection.det_db_box_thresh", Kind::Float),
    ("SubModules.LineDetection.det_db_unclip_ratio", Kind::Float),
    ("SubModules.LineRecognition.model_name", Kind::Text),
    ("SubModules.LineRecognition.rec_batch_num", Kind::Int),
    ("SubModules.LineRecognition.drop_score", Kind::Float),
    (
        "SubModules.LineRecognition.use_textline_orientation",
        Kind::Bool,
    ),
];

/// For the engines of the reference.
const ENGINES: &str = "for the reference's engines";
/// Numbers of things at once.
const AT_ONCE: &str = "how much is done at once follows from memory and threads";
/// Names of modules.
const NAMES: &str = "modules are known by their places";
/// Its service.
const SERVICE: &str = "for the reference's service";

/// Keys that files of the reference have and nothing here reads, with the reason. They are accepted, so that such a file works, and
/// told.
pub const UNUSED: &[(&str, &str)] = &[
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
    ("Serving", SERVICE),
];

/// Why nothing reads a key, if that is so.
pub fn unused(key: &str) -> Option<&'static str> {
    let found = UNUSED.iter().find(|(unused, _)| *unused == key);
    found.map(|(_, reason)| *reason)
}

/// Number of bytes of a value of [`Kind::Size`].
pub fn size(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => parse_size(text).ok().map(|bytes| bytes as u64),
        number => number.as_u64().filter(|bytes| *bytes > 0),
    }
}

/// Parses a number of bytes, with K, M or G for powers of 1024.
pub fn parse_size(text: &str) -> Result<usize, String> {
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
pub fn kind_of(path: &str) -> Option<Kind> {
    KEYS.iter()
        .find(|(key, kind)| {
            let below = path
                .strip_prefix(key)
                .is_some_and(|rest| rest.starts_with('.'));
            path == *key || (*kind == Kind::Any && below)
        })
        .map(|(_, kind)| *kind)
}

/// `true` if the path is a proper prefix of keys.
pub fn is_section(path: &str) -> bool {
    KEYS.iter().any(|(key, _)| {
        key.strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// The most similar known key, as a suggestion; `None` if there is none.
pub fn nearest(path: &str) -> Option<&'static str> {
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
        assert!(Kind::Size.accepts(&json!(null)) && !Kind::Size.accepts(&json!("much")));
    }
}
