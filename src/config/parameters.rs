//! The settings that a run may be given by name, in one table ([`PARAMETERS`]): name, place in the settings, kind of value,
//! what it is about, and help.
//!
//! The command line makes its flags, environment variables, help, completions and manual page of it
//! ([`crate::cli`]), the pipeline its check of what it accepts. A new setting is one more entry here, and one line where its
//! value is read.

mod table;

pub use table::PARAMETERS;

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the value of a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A dotted key of the settings, which YAML files have as well.
    Key(&'static str),
    /// An argument of the reference's `predict` call, which has no key (docs/reference.md, "Flags and configuration").
    Predict,
    /// Nothing but the run itself.
    Run,
}

/// Kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// `true` or `false`; a flag alone is `true`.
    Bool,
    /// A whole number.
    Int,
    /// A whole number from 0.
    Count,
    /// A number.
    Float,
    /// A number of bytes, with K, M or G for powers of 1024.
    Size,
    /// A share such as `2%`, kept as 0 to 1.
    Percent,
    /// A text.
    Text,
    /// A text that is nobody's business, such as a key.
    Secret,
    /// One of some words.
    OneOf(&'static [&'static str]),
    /// One of some words, in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// Several texts.
    Texts,
    /// A folder.
    Folder,
}

/// What a parameter is about; a pipeline takes those of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Reading documents and writing results: every pipeline.
    Documents,
    /// Layout detection by a network, and the networks of document preprocessing.
    Networks,
    /// A recognizer that sees pictures of blocks.
    Recognizer,
    /// The recognizer that runs in this process.
    OwnRecognizer,
    /// Recognition servers.
    Server,
}

/// Headings of the help.
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
}

impl Heading {
    /// As help shows it.
    pub fn text(self) -> &'static str {
        match self {
            Heading::InputAndOutput => "Input and output",
            Heading::Pipeline => "Pipeline",
            Heading::LineRecognition => "Line recognition",
            Heading::PaddleOcrVl => "PaddleOCR-VL pipelines",
            Heading::Running => "Running",
        }
    }
}

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, with underscores; the flag has hyphens.
    pub name: &'static str,
    /// An older name, still accepted.
    pub alias: Option<&'static str>,
    /// Where its value goes.
    pub place: Place,
    /// The kind of its value.
    pub kind: ValueKind,
    /// What it is about.
    pub about: About,
    /// Values that ask for nothing: pipelines without the part take them.
    pub neutral: &'static [&'static str],
    /// Where help shows it.
    pub heading: Heading,
    /// The word for its value in help.
    pub value_name: &'static str,
    /// What it does, with its default.
    pub help: &'static str,
}

/// The parameter of a name.
pub fn parameter(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

/// The key that a parameter sets. The reference's own parameters that are not in the table are keys themselves.
pub fn key_of(name: &str) -> &str {
    match parameter(name).map(|parameter| parameter.place) {
        Some(Place::Key(key)) => key,
        _ => name,
    }
}

/// Values by the names of their parameters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters {
    values: Map<String, Value>,
    /// Folders as they were given: in the settings they are text, and names may have any bytes.
    folders: BTreeMap<String, PathBuf>,
}

impl Parameters {
    /// Gives a parameter a value of its kind.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_string(), value.into());
    }

    /// Gives a parameter a folder.
    pub fn set_folder(&mut self, name: &str, folder: PathBuf) {
        self.values
            .insert(name.to_string(), crate::shown::name(&folder).into());
        self.folders.insert(name.to_string(), folder);
    }

    /// The value of a parameter, where one was given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        debug_assert!(parameter(name).is_some(), "{name} is in the table");
        self.values.get(name)
    }

    /// Whether a value was given.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A value that is true or false.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// A value that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A value that is a whole number from 0.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.get(name)?.as_u64()
    }

    /// A value that is a number.
    pub fn float(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    /// A folder.
    pub fn folder(&self, name: &str) -> Option<&Path> {
        self.folders.get(name).map(PathBuf::as_path)
    }

    /// The values of one kind of place, by name.
    pub fn at(&self, wanted: impl Fn(Place) -> bool) -> Map<String, Value> {
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

    /// The first parameter, in the order of the table, that has a value which is not neutral, and is about something that
    /// `takes` says no to.
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
    use crate::config::schema;

    #[test]
    fn every_parameter_has_one_name_a_help_and_a_key_that_exists() {
        for (at, parameter) in PARAMETERS.iter().enumerate() {
            let name = parameter.name;
            assert!(!name.is_empty() && !parameter.help.is_empty(), "{name}");
            assert!(
                PARAMETERS[..at].iter().all(|before| before.name != name),
                "{name} stands twice"
            );
            if let Place::Key(key) = parameter.place {
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
