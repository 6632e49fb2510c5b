//! Settings that can be given to a run by name, in one table ([`PARAMETERS`]): name, place in the settings,
//! type of value, the part they concern, and help text.
//!
//! The command line derives its flags, environment variables, help, completions and manual page from it
//! ([`crate::cli`]), and the pipeline its check of accepted parameters. A new setting is one more entry here,
//! and one line where its value is read.

mod table;

pub(crate) use table::PARAMETERS;

use super::schema;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Destination of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// A dotted key of the settings, which YAML files can set as well.
    Key(&'static str),
    /// An argument of the reference's `predict`, without a key (docs/reference.md, "Flags and
    /// configuration").
    Predict,
    /// Only the run itself.
    Run,
    /// A setting of the program around the pipeline, read by the command line; [`crate::ParserOptions`] and
    /// the engine have their own options for it. It takes priority over its key in settings files, if there
    /// is one.
    Program {
        /// The key.
        key: Option<&'static str>,
    },
    /// Nowhere: it is taken so that command lines of the reference go on working.
    Nowhere,
}

/// Types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// `true` or `false`; a flag alone is `true`.
    Bool,
    /// A flag without a value.
    Switch {
        /// The switch that it takes back, if that was given before it.
        undoes: Option<&'static str>,
    },
    /// An integer.
    Int,
    /// A non-negative integer.
    Count,
    /// A whole number between two, which are in it.
    Within(u64, u64),
    /// A number.
    Float,
    /// A number of bytes, with K, M or G for powers of 1024.
    Size,
    /// A percentage such as `2%`, stored as 0 to 1.
    Percent,
    /// A string.
    Text,
    /// A secret string, such as a key.
    Secret,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words, in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// A list of strings.
    Texts,
    /// A text that may be given several times.
    Repeated,
    /// A folder.
    Folder,
}

/// Part of the program that a parameter concerns; a pipeline accepts those of its own parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Reading documents and writing results: every pipeline.
    Documents,
    /// Layout detection by a network, and the networks of document preprocessing.
    Networks,
    /// A recognizer that reads crops of blocks, local or on a server.
    Recognizer,
    /// The recognizer that runs in this process.
    OwnRecognizer,
    /// Recognition servers.
    Server,
}

impl About {
    /// The pipelines that take it.
    pub fn pipelines(self) -> &'static str {
        match self {
            About::Documents => "all",
            About::Networks => "v1, v1.5, v1.6",
            About::Recognizer => "v1, v1.5, v1.6, where blocks are looked at",
            About::OwnRecognizer => "v1, v1.5, v1.6, with the recognizer in this process",
            About::Server => "v1, v1.5, v1.6, with a server",
        }
    }
}

/// Headings of the help text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    /// Input and output.
    InputAndOutput,
    /// Pipeline.
    Pipeline,
    /// Line recognition.
    LineRecognition,
    /// PaddleOCR-VL pipelines.
    PaddleOcrVl,
    /// Running.
    Running,
    /// Accepted without effect.
    Ignored,
}

impl Heading {
    /// In the order of the help.
    pub const ALL: [Heading; 6] = [
        Heading::InputAndOutput,
        Heading::Pipeline,
        Heading::LineRecognition,
        Heading::PaddleOcrVl,
        Heading::Running,
        Heading::Ignored,
    ];

    /// The text of the heading.
    pub const fn text(self) -> &'static str {
        match self {
            Heading::InputAndOutput => "Input and output",
            Heading::Pipeline => "Pipeline",
            Heading::LineRecognition => "Line recognition",
            Heading::PaddleOcrVl => "PaddleOCR-VL pipelines",
            Heading::Running => "Running",
            Heading::Ignored => "Accepted without effect",
        }
    }
}

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Name, with underscores; the flag has hyphens.
    pub name: &'static str,
    /// An older name that is still accepted.
    pub alias: Option<&'static str>,
    /// Destination of the value.
    pub place: Destination,
    /// Type of the value.
    pub kind: ValueKind,
    /// Part of the program concerned.
    pub about: About,
    /// Values that request nothing: pipelines without the part accept them.
    pub neutral: &'static [&'static str],
    /// Heading in the help text.
    pub heading: Heading,
    /// Placeholder for the value in the help text.
    pub value_name: &'static str,
    /// Help text, with the default.
    pub help: &'static str,
}

impl Parameter {
    /// The key that files of settings have for it.
    pub fn key(&self) -> Option<&'static str> {
        match self.place {
            Destination::Key(key) => Some(key),
            Destination::Program { key } => key,
            Destination::Predict | Destination::Run | Destination::Nowhere => None,
        }
    }
}

/// The list of settings for people, as Markdown.
pub fn reference() -> String {
    let mut text = String::from(
        "# Settings\n\n\
         Names of settings, their flags, and the keys of files of settings (dots stand for sections). Flags are set in the environment as\n\
         `DOCPARSE_<NAME>`, too. Flags that are about the command line itself (inputs, where results go, messages) are in\n\
         `docparse --help`.\n",
    );
    for heading in Heading::ALL {
        let columns = "| setting | flag | key in files | pipelines | what it does |";
        text.push_str(&format!(
            "\n## {}\n\n{columns}\n| --- | --- | --- | --- | --- |\n",
            heading.text()
        ));
        for parameter in PARAMETERS.iter().filter(|p| p.heading == heading) {
            let (name, flag) = (parameter.name, parameter.name.replace('_', "-"));
            let key = parameter.key().map(|key| format!("`{key}`"));
            text.push_str(&format!(
                "| `{name}` | `--{flag}` | {} | {} | {} |\n",
                key.unwrap_or_default(),
                parameter.about.pipelines(),
                parameter.help,
            ));
        }
    }
    text.push_str("\n## Keys of files without a flag\n\n| key | value |\n| --- | --- |\n");
    let has_flag = |key: &str| PARAMETERS.iter().any(|p| p.key() == Some(key));
    let keys = schema::KEYS.iter();
    for (key, kind) in keys.filter(|(key, _)| !has_flag(key) && schema::unused(key).is_none()) {
        text.push_str(&format!("| `{key}` | {} |\n", kind.describe()));
    }
    text.push_str(
        "\n## Keys of files that change nothing\n\n\
         Files of the reference have them. They are accepted, and named in a note.\n\n\
         | key | why |\n| --- | --- |\n",
    );
    for (key, why) in schema::UNUSED {
        text.push_str(&format!("| `{key}` | {why} |\n"));
    }
    text
}

/// The parameter with this name.
pub(crate) fn parameter(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

/// The key that a parameter sets. The reference's own parameters that are not in the table are keys
/// themselves.
pub(crate) fn key_of(name: &str) -> &str {
    match parameter(name).map(|parameter| parameter.place) {
        Some(Destination::Key(key)) => key,
        _ => name,
    }
}

/// Values by parameter name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters {
    values: Map<String, Value>,
    /// Folders with their original bytes: the settings hold them as text.
    folders: BTreeMap<String, PathBuf>,
}

impl Parameters {
    /// Sets a value of the parameter's type.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_string(), value.into());
    }

    /// Sets a folder.
    pub fn set_folder(&mut self, name: &str, folder: PathBuf) {
        self.values
            .insert(name.to_string(), crate::shown::name(&folder).into());
        self.folders.insert(name.to_string(), folder);
    }

    /// The value of a parameter, if given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        debug_assert!(parameter(name).is_some(), "{name} is in the table");
        self.values.get(name)
    }

    /// `true` if a value was given.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A boolean value.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// A string value.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A non-negative integer value.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.get(name)?.as_u64()
    }

    /// A number.
    pub fn float(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    /// `true` if a switch was given.
    pub fn is_on(&self, name: &str) -> bool {
        self.bool(name) == Some(true)
    }

    /// Values of a list of strings.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let list = self
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        list.filter_map(|text| text.as_str().map(String::from))
            .collect()
    }

    /// A folder.
    pub fn folder(&self, name: &str) -> Option<&Path> {
        self.folders.get(name).map(PathBuf::as_path)
    }

    /// The values of parameters with a certain place, by name.
    pub fn at(&self, wanted: impl Fn(Destination) -> bool) -> Map<String, Value> {
        let is_wanted =
            |name: &str| parameter(name).is_some_and(|parameter| wanted(parameter.place));
        let values = self
            .values
            .iter()
            .filter(|(name, value)| !value.is_null() && is_wanted(name));
        values
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The first parameter, in table order, that has a non-neutral value and concerns a part that `takes`
    /// rejects.
    pub fn first_not_taken(&self, takes: impl Fn(About) -> bool) -> Option<&'static Parameter> {
        let is_neutral = |parameter: &Parameter, value: &Value| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_lowercase);
            parameter.neutral.contains(&text.as_str())
        };
        PARAMETERS.iter().find(|parameter| {
            let value = self
                .values
                .get(parameter.name)
                .filter(|value| !value.is_null());
            value.is_some_and(|value| !takes(parameter.about) && !is_neutral(parameter, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_one_name_a_help_and_a_key_that_exists() {
        for (at, parameter) in PARAMETERS.iter().enumerate() {
            let name = parameter.name;
            assert!(!name.is_empty() && !parameter.help.is_empty(), "{name}");
            assert!(
                PARAMETERS[..at].iter().all(|before| before.name != name),
                "{name} stands twice"
            );
            if let Some(key) = parameter.key() {
                assert!(schema::kind_of(key).is_some(), "{name}: no key {key}");
            }
            let words: &[&str] = match parameter.kind {
                ValueKind::OneOf(words) | ValueKind::OneOfAnyCase(words) => words,
                ValueKind::Bool => &["true", "false"],
                _ => &[],
            };
            assert!(
                parameter.neutral.iter().all(|value| words.contains(value)),
                "{name}"
            );
        }
    }

    #[test]
    fn what_a_pipeline_has_no_part_for_is_found_unless_it_asks_for_nothing() {
        let mut given = Parameters::default();
        given.set("use_chart_recognition", false);
        given.set("prompt_label", "OCR");
        given.set("text_layer", "never");
        let lite = |about| about == About::Documents;
        assert_eq!(given.first_not_taken(lite), None);
        given.set("temperature", 0.5);
        given.set("layout_nms", true);
        assert_eq!(
            given.first_not_taken(lite).map(|p| p.name),
            Some("layout_nms")
        );
        assert_eq!(
            given
                .first_not_taken(|about| about != About::Recognizer)
                .map(|p| p.name),
            Some("temperature")
        );
    }

    #[test]
    fn folders_keep_their_bytes() {
        use std::os::unix::ffi::OsStringExt;
        let folder = PathBuf::from(std::ffi::OsString::from_vec(b"models-\xe9".to_vec()));
        let mut given = Parameters::default();
        given.set_folder("vl_rec_model_dir", folder.clone());
        assert_eq!(given.folder("vl_rec_model_dir"), Some(folder.as_path()));
        assert!(given.text("vl_rec_model_dir").is_some());
    }
}
