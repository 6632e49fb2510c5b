//! The section `Serving` of a file of settings: what the reference's service reads there, for `docparse serve`.

use super::{ConfigError, Settings};
use serde_json::Value;

/// Settings of the service's answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServingConfig {
    /// Answers show drawings and the page's picture, unless a request says otherwise.
    pub visualize: bool,
    /// Answers have addresses of pictures in place of base64.
    pub return_urls: bool,
    /// Seconds until such an address ends, at least 1; `None`: it lives as long as the result.
    pub url_expires_in: Option<u64>,
    /// Kind of the storage that pictures are to be put into (`memory`, `file_system`, `bos`), if one is asked for.
    pub file_storage: Option<String>,
}

/// Longest life of an address in seconds, 100 years: the sum with a time stays a number.
const MOST_SECONDS: u64 = 100 * 366 * 86_400;

impl ServingConfig {
    /// Reads the section. Fails on values out of range; what a storage can do is for the service to judge.
    pub(super) fn of(settings: &Settings) -> Result<ServingConfig, ConfigError> {
        let get = |key: &str| settings.get(key).filter(|value| !value.is_null());
        let is_on = |key: &str| get(key).and_then(Value::as_bool);
        // The second one is the key's former name.
        let urls = is_on("Serving.return_urls").or(is_on("Serving.extra.return_img_urls"));
        let refused = |key: &str, expected: String, value: &Value| ConfigError::Range {
            key: key.into(),
            expected,
            value: value.to_string(),
        };
        let key = "Serving.extra.url_expires_in";
        let url_expires_in = match get(key) {
            None => None,
            Some(value) if value.as_i64() == Some(-1) => None,
            Some(value) => {
                let seconds = value
                    .as_u64()
                    .filter(|n| (1..=MOST_SECONDS).contains(n))
                    .ok_or_else(|| {
                        let expected = format!(
                            "a number of seconds from 1 to {MOST_SECONDS}, or -1 for as long as the result lives"
                        );
                        refused(key, expected, value)
                    })?;
                Some(seconds)
            }
        };
        let key = "Serving.extra.file_storage";
        let file_storage = match get(key) {
            None => None,
            Some(value) => {
                let kind = value.get("type").and_then(Value::as_str);
                let expected = || "a mapping with the key `type`".to_string();
                Some(kind.ok_or_else(|| refused(key, expected(), value))?.into())
            }
        };
        Ok(ServingConfig {
            visualize: is_on("Serving.visualize").unwrap_or(true),
            return_urls: urls.unwrap_or(false),
            url_expires_in,
            file_storage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ServingConfig, String> {
        let settings = Settings::parse(text, "x.yaml").map_err(|error| error.to_string())?;
        ServingConfig::of(&settings).map_err(|error| error.to_string())
    }

    #[test]
    fn the_section_is_read_with_its_defaults_and_its_former_names() {
        let none = ServingConfig {
            visualize: true,
            return_urls: false,
            url_expires_in: None,
            file_storage: None,
        };
        assert_eq!(read(""), Ok(none.clone()));
        assert_eq!(
            read("Serving: {return_urls: null, extra: null}"),
            Ok(none.clone())
        );
        let text = "Serving: {visualize: false, return_urls: true, extra: {url_expires_in: 60, file_storage: {type: memory}}}";
        let all = ServingConfig {
            visualize: false,
            return_urls: true,
            url_expires_in: Some(60),
            file_storage: Some("memory".into()),
        };
        assert_eq!(read(text), Ok(all));
        let old = read("Serving: {extra: {return_img_urls: true, url_expires_in: -1}}");
        assert_eq!(
            old,
            Ok(ServingConfig {
                return_urls: true,
                ..none
            })
        );
    }

    #[test]
    fn what_it_cannot_be_is_told() {
        for (text, word) in [
            ("Serving: {return_urls: sometimes}", "true, false or null"),
            (
                "Serving: {return_url: true}",
                "did you mean `Serving.return_urls`",
            ),
            ("Serving: {extra: {url_expires_in: 0}}", "-1 for as long"),
            ("Serving: {extra: {file_storage: memory}}", "the key `type`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
