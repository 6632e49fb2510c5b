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

/// What the addresses of a server begin with: `http` or `https`, a host, and perhaps a path, without a slash at the end.
pub(super) fn parse_public_url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let is_plain = |c: char| c.is_ascii_graphic() && !"?#@\"<>\\".contains(c);
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with(['/', ':']) && rest.chars().all(is_plain) => {
            Ok(text.into())
        }
        _ => Err("expected an address such as https://example.org/docs, without user, query and fragment".into()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_have_a_scheme_and_a_host() {
        for (given, expected) in [
            ("https://a.example/", "https://a.example"),
            ("http://[::1]:8080/x/y", "http://[::1]:8080/x/y"),
        ] {
            assert_eq!(parse_public_url(given).as_deref(), Ok(expected));
        }
        for wrong in [
            "",
            "a.example",
            "ftp://a",
            "https://",
            "https:///x",
            "https://:80",
            "https://a b",
            "https://u@a",
            "https://a?x",
            "https://a#x",
        ] {
            assert!(parse_public_url(wrong).is_err(), "{wrong}");
        }
    }
}
