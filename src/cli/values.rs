//! Names and values of flags that clap has no parser for.

use crate::config::Pipeline;
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;

/// The words that the reference takes for true and false, in any case.
pub(super) fn parse_bool(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "t" | "y" | "1" => Ok(true),
        "false" | "no" | "f" | "n" | "0" => Ok(false),
        _ => Err("expected true, yes, t, y, 1 or false, no, f, n, 0".into()),
    }
}

/// A percentage, with or without its sign, as 0 to 1.
pub(super) fn parse_percent(text: &str) -> Result<f64, String> {
    let number = text
        .trim()
        .trim_end_matches('%')
        .trim_end()
        .parse::<f64>()
        .ok();
    let share = number
        .filter(|percent| (0.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0);
    share.ok_or_else(|| "expected a share such as 2%".into())
}

/// The name of a setting's flag.
pub(super) fn flag_name(key: &str) -> String {
    key.replace('_', "-")
}

/// Form of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(crate) enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

/// Values of `--pipeline-version`.
pub(super) fn pipeline_versions() -> PossibleValuesParser {
    let versions = Pipeline::ALL.map(Pipeline::version);
    PossibleValuesParser::new(std::iter::once("auto").chain(versions))
}
