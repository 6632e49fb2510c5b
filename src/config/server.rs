//! The settings of recognition servers.

use super::{ConfigError, Settings};
use crate::net::{Origin, RetryRules, is_address, shown_address};
use crate::recognize::server::client::{ApiKey, ClientOptions, ModelName};
use crate::recognize::server::protocol::Dialect;
use serde_json::{Map, Value};
use std::time::Duration;

/// Section of the settings.
const SECTION: &str = "SubModules.VLRecognition";
/// Default number of requests in flight (docs/reference.md, "Recognition servers").
const IN_FLIGHT: u64 = 200;
/// Limit on requests in flight: each has a thread.
const MOST_IN_FLIGHT: u64 = 4096;
/// Default time limit of an attempt, in seconds.
const TIMEOUT: f64 = 600.0;

/// Recognition by servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Options of the client.
    pub client: ClientOptions,
    /// Limit on requests in flight, to all servers together.
    pub requests_in_flight: usize,
}

impl ServerConfig {
    /// The servers in the settings; `None` if the recognizer runs locally.
    pub fn new(settings: &Settings) -> Result<Option<ServerConfig>, ConfigError> {
        let get = |key: &str| {
            settings
                .get(&format!("{SECTION}.{key}"))
                .filter(|value| !value.is_null())
        };
        let backend = get("genai_config.backend")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some(dialect) = Dialect::from_backend(backend) else {
            return Ok(None);
        };
        let bad = |key: &str, expected: &str, value: &Value| ConfigError::Range {
            key: format!("{SECTION}.genai_config.{key}"),
            expected: expected.to_string(),
            value: value.to_string(),
        };
        let url = get("genai_config.server_url").cloned().unwrap_or_default();
        let urls: Vec<String> = url
            .as_str()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .map(String::from)
            .collect();
        let is_url = |url: &String| is_address(url) && Origin::of(url).is_some();
        if !urls.iter().all(is_url) {
            let expected = "the address of a server such as http://localhost:8118/v1, or several separated by commas";
            let shown: Vec<String> = urls.iter().map(|url| shown_address(url)).collect();
            let shown = url.as_str().map_or(url.clone(), |_| shown.join(",").into());
            return Err(bad("server_url", expected, &shown));
        }
        let count = get("genai_config.max_concurrency")
            .cloned()
            .unwrap_or(IN_FLIGHT.into());
        let in_flight = count
            .as_u64()
            .filter(|count| (1..=MOST_IN_FLIGHT).contains(count));
        let in_flight = in_flight.ok_or_else(|| {
            bad(
                "max_concurrency",
                &format!("from 1 to {MOST_IN_FLIGHT}"),
                &count,
            )
        })?;
        let name = get("model_name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_string();
        let kwargs = get("genai_config.client_kwargs")
            .cloned()
            .unwrap_or(Value::Object(Map::new()));
        let kwargs = kwargs
            .as_object()
            .ok_or_else(|| bad("client_kwargs", "keys with values", &kwargs))?;
        let mut client = ClientOptions {
            dialect,
            urls,
            model: ModelName::Named(name),
            key: ApiKey::new(None),
            headers: Vec::new(),
            timeout: Duration::from_secs_f64(TIMEOUT),
            deadline: None,
            rules: RetryRules::default(),
            connections: in_flight as usize,
        };
        for (key, value) in kwargs {
            let wrong = |expected: &str| Err(bad(&format!("client_kwargs.{key}"), expected, value));
            match (key.as_str(), value) {
                ("model_name", Value::String(name)) => {
                    client.model = ModelName::Named(name.clone())
                }
                ("model_name", Value::Null) => client.model = ModelName::First,
                ("api_key", Value::String(key)) => client.key = ApiKey::new(Some(key.clone())),
                ("api_key" | "timeout" | "max_retries" | "default_headers", Value::Null) => {}
                ("timeout", value) => {
                    match value
                        .as_f64()
                        .filter(|seconds| (0.001..=1e6).contains(seconds))
                    {
                        Some(seconds) => client.timeout = Duration::from_secs_f64(seconds),
                        None => return wrong("seconds above 0"),
                    }
                }
                ("max_retries", value) => match value.as_u64().filter(|count| *count <= 100) {
                    Some(retries) => {
                        client.rules = RetryRules {
                            retries: retries as u32,
                        }
                    }
                    None => return wrong("from 0 to 100"),
                },
                ("default_headers", Value::Object(headers)) => {
                    for (name, value) in headers {
                        match value.as_str().filter(|value| is_header(name, value)) {
                            Some(value) => client.headers.push((name.clone(), value.to_string())),
                            None => {
                                return Err(bad(
                                    "client_kwargs.default_headers",
                                    "names with texts",
                                    &name.as_str().into(),
                                ));
                            }
                        }
                    }
                }
                ("model_name" | "api_key", _) => {
                    return Err(bad(
                        &format!("client_kwargs.{key}"),
                        "a text",
                        &"(hidden)".into(),
                    ));
                }
                _ => {
                    return wrong(
                        "none of model_name, api_key, timeout, max_retries, default_headers",
                    );
                }
            }
        }
        Ok(Some(ServerConfig {
            client,
            requests_in_flight: in_flight as usize,
        }))
    }
}

/// `true` if the header's name and value are valid.
fn is_header(name: &str, value: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.!#$%&'*+^`|~".contains(c);
    !name.is_empty() && name.chars().all(is_name) && value.chars().all(|c| !c.is_control())
}

#[cfg(test)]
mod tests {
    use super::super::Pipeline;
    use super::*;
    use serde_json::json;

    fn with(changes: &[(&str, Value)]) -> Result<Option<ServerConfig>, ConfigError> {
        let mut settings = Settings::defaults(Pipeline::V16);
        for (key, value) in changes {
            settings.set(&format!("{SECTION}.genai_config.{key}"), value.clone());
        }
        ServerConfig::new(&settings)
    }

    #[test]
    fn settings_become_options() {
        assert_eq!(with(&[]).unwrap(), None);
        let backend = ("backend", json!("vllm-server"));
        let url = ("server_url", json!("http://a/v1, https://b:1/v1"));
        let server = with(&[backend.clone(), url.clone()]).unwrap().unwrap();
        assert_eq!(server.requests_in_flight, 200);
        assert_eq!(server.client.urls, ["http://a/v1", "https://b:1/v1"]);
        assert_eq!(
            server.client.model,
            ModelName::Named("PaddleOCR-VL-1.6-0.9B".into())
        );
        assert_eq!(server.client.key.authorization(), "Bearer null");
        let kwargs = json!({"model_name": null, "api_key": "secret", "timeout": 2.5, "max_retries": 0,
            "default_headers": {"X-Team": "a"}});
        let server = with(&[backend.clone(), url.clone(), ("client_kwargs", kwargs)])
            .unwrap()
            .unwrap();
        assert_eq!(
            (server.client.model, server.client.rules.retries),
            (ModelName::First, 0)
        );
        assert_eq!(server.client.timeout, Duration::from_millis(2500));
        assert_eq!(
            server.client.headers,
            [("X-Team".to_string(), "a".to_string())]
        );
        assert!(!format!("{:?}", server.client.key).contains("secret"));
    }

    #[test]
    fn wrong_settings_name_their_key() {
        let backend = ("backend", json!("sglang-server"));
        let url = ("server_url", json!("http://a/v1"));
        let says = |changes: &[(&str, Value)], word: &str| {
            let error = with(&[&[backend.clone(), url.clone()], changes].concat())
                .unwrap_err()
                .to_string();
            assert!(error.contains(word), "{error}");
        };
        says(&[("server_url", json!(null))], "server_url");
        says(
            &[("server_url", json!("localhost:8118"))],
            "such as http://localhost:8118/v1",
        );
        says(&[("server_url", json!("http://a/v1,"))], "server_url");
        says(&[("max_concurrency", json!(0))], "from 1 to");
        says(
            &[("client_kwargs", json!({"retries": 3}))],
            "client_kwargs.retries",
        );
        says(
            &[("client_kwargs", json!({"default_headers": {"a b": "c"}}))],
            "default_headers",
        );
        says(
            &[("client_kwargs", json!({"timeout": -1}))],
            "seconds above 0",
        );
    }
}
