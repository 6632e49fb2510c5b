//! Requests to and responses from a server: OpenAI chat completions, in the dialect of each kind of server
//! (docs/reference.md, "Recognition servers").

use crate::fault::{Fault, Reason};
use crate::net::clean_text;
use crate::plan::{PixelLimits, Request};
use crate::raster::{Pixels, RasterError};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// vLLM.
    Vllm,
    /// SGLang.
    Sglang,
    /// FastDeploy.
    FastDeploy,
    /// MLX-VLM.
    MlxVlm,
    /// llama.cpp.
    LlamaCpp,
}

/// JPEG quality of crops, the default of Pillow.
const JPEG_QUALITY: u8 = 75;
/// Token limit of an answer if the request sets none.
const MAX_TOKENS: u64 = 8192;

impl Dialect {
    /// The dialect of a backend's name.
    pub fn from_backend(name: &str) -> Option<Dialect> {
        Some(match name {
            "vllm-server" => Dialect::Vllm,
            "sglang-server" => Dialect::Sglang,
            "fastdeploy-server" => Dialect::FastDeploy,
            "mlx-vlm-server" => Dialect::MlxVlm,
            "llama-cpp-server" => Dialect::LlamaCpp,
            _ => return None,
        })
    }

    /// A crop as a data URL.
    ///
    /// llama.cpp gets PNG, the others JPEG with subsampled chroma.
    pub fn image_url(self, crop: &Pixels) -> Result<String, RasterError> {
        let (kind, bytes) = match self {
            Dialect::LlamaCpp => ("png", crop.to_png()?),
            _ => ("jpeg", crop.to_jpeg(JPEG_QUALITY)?),
        };
        let mut url = format!("data:image/{kind};base64,");
        BASE64_STANDARD.encode_string(&bytes, &mut url);
        Ok(url)
    }

    /// Name of the parameter that limits tokens.
    fn limit_key(self) -> &'static str {
        match self {
            Dialect::MlxVlm | Dialect::LlamaCpp => "max_tokens",
            _ => "max_completion_tokens",
        }
    }

    /// The body of a request about a crop.
    pub fn body(
        self,
        model: &str,
        image_url: String,
        prompt: &str,
        arguments: &Arguments,
    ) -> Value {
        let content = json!([
            {"type": "image_url", "image_url": {"url": image_url}},
            {"type": "text", "text": prompt},
        ]);
        let mut body = Map::new();
        let mut set = |key: &str, value: Value| drop(body.insert(key.to_string(), value));
        set("model", model.into());
        set("messages", json!([{"role": "user", "content": content}]));
        set(
            self.limit_key(),
            arguments.max_new_tokens.unwrap_or(MAX_TOKENS).into(),
        );
        // FastDeploy accepts no temperature of 0; temperature 1 with `top_p` 0 is the same.
        let (temperature, top_p) = match self {
            Dialect::FastDeploy => (1, Some(0)),
            _ => (0, None),
        };
        set(
            "temperature",
            arguments
                .temperature
                .map_or(temperature.into(), Value::from),
        );
        if let Some(top_p) = arguments.top_p.map(Value::from).or(top_p.map(Value::from)) {
            set("top_p", top_p);
        }
        if let Some(skip) = arguments.skip_special_tokens {
            set("skip_special_tokens", skip.into());
        }
        if let Some(penalty) = arguments.repetition_penalty {
            set("repetition_penalty", penalty.into());
        }
        if let (Dialect::Vllm, Some(PixelLimits { min, max })) = (self, arguments.limits) {
            set(
                "mm_processor_kwargs",
                json!({"min_pixels": min, "max_pixels": max}),
            );
        }
        Value::Object(body)
    }
}

/// Parameters of a request besides the picture; those not set are left to the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Arguments {
    /// Most tokens of the answer.
    pub max_new_tokens: Option<u64>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling: probability mass.
    pub top_p: Option<f64>,
    /// Penalty on repeated tokens.
    pub repetition_penalty: Option<f64>,
    /// `true` if special tokens, such as those of locations, are left out of the answer.
    pub skip_special_tokens: Option<bool>,
    /// Limits of the crop's pixels after resizing; sent to vLLM only.
    pub limits: Option<PixelLimits>,
}

impl Arguments {
    /// The parameters of a block's request.
    pub fn of(request: &Request) -> Arguments {
        Arguments {
            max_new_tokens: Some(request.max_new_tokens),
            temperature: request.temperature,
            top_p: request.top_p,
            repetition_penalty: request.repetition_penalty,
            skip_special_tokens: Some(request.skip_special_tokens),
            limits: Some(request.limits),
        }
    }
}

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Completion {
    /// The text; `None` if the server sent `null`.
    pub content: Option<String>,
    /// Number of tokens of the text, if the server reports it.
    pub token_count: Option<usize>,
    /// `true` if the token limit ended it.
    pub is_cut: bool,
}

/// The fault of an answer that makes no sense.
fn bad(message: impl Into<String>) -> Fault {
    Fault::new(Reason::Server, message)
}

/// Parses the body of an answer.
pub(crate) fn completion(body: &[u8]) -> Result<Completion, Fault> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|e| bad(format!("the server's answer is no JSON: {e}")))?;
    if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
        let told = message_of(error);
        return Err(bad(format!("the server answers with an error: {told}")));
    }
    let choice = value.get("choices").and_then(|choices| choices.get(0));
    let choice = choice.ok_or_else(|| bad("the server's answer has no `choices`"))?;
    let content = match choice
        .get("message")
        .and_then(|message| message.get("content"))
    {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => {
            let other = shortened(&other.to_string());
            return Err(bad(format!("the server's `content` is no text: {other}")));
        }
    };
    let tokens = value
        .get("usage")
        .and_then(|usage| usage.get("completion_tokens"))
        .and_then(Value::as_u64);
    let is_cut = choice.get("finish_reason").and_then(Value::as_str) == Some("length");
    Ok(Completion {
        content,
        token_count: tokens.map(|n| n as usize),
        is_cut,
    })
}

/// Names of a server's models, from its answer to `/models`.
pub(crate) fn models(body: &[u8]) -> Result<Vec<String>, Fault> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|e| bad(format!("its list of models is no JSON: {e}")))?;
    let list = value
        .get("data")
        .and_then(Value::as_array)
        .ok_or_else(|| bad("its list of models has no `data`"))?;
    Ok(list
        .iter()
        .filter_map(|model| Some(model.get("id")?.as_str()?.to_string()))
        .collect())
}

/// A server's error message, shortened.
pub(crate) fn error_message(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            let error = ["error", "detail", "message"]
                .iter()
                .find_map(|key| value.get(*key));
            message_of(error.unwrap_or(&value))
        }
        Err(_) => shortened(String::from_utf8_lossy(body).trim()),
    }
}

fn message_of(error: &Value) -> String {
    let text = error.get("message").unwrap_or(error);
    shortened(
        &text
            .as_str()
            .map_or_else(|| text.to_string(), str::to_string),
    )
}

/// A server's words, shortened and on one line.
fn shortened(text: &str) -> String {
    clean_text(text, 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_faults_told() {
        let answer = br#"{"choices": [{"message": {"content": "a"}, "finish_reason": "length"}], "usage": {"completion_tokens": 3}}"#;
        let expected = Completion {
            content: Some("a".into()),
            token_count: Some(3),
            is_cut: true,
        };
        assert_eq!(completion(answer), Ok(expected));
        assert_eq!(
            completion(br#"{"choices": [{"message": {"content": null}}]}"#)
                .unwrap()
                .content,
            None
        );
        let fault = |body: &str| completion(body.as_bytes()).unwrap_err().message;
        assert!(fault("<html>").contains("no JSON"));
        assert!(fault("{}").contains("no `choices`"));
        assert!(fault(r#"{"choices": [{"message": {"content": [1]}}]}"#).contains("no text"));
        assert!(fault(r#"{"error": {"message": "busy"}}"#).ends_with("busy"));
        assert_eq!(error_message(br#"{"detail": "gone"}"#), "gone");
        assert_eq!(error_message(b"Bad Gateway\n"), "Bad Gateway");
        assert_eq!(error_message(b"{\"detail\": \"a\\u001b[31mb\"}"), "a [31mb");
        assert!(error_message(&[b'x'; 5000]).len() < 400);
        assert_eq!(
            models(br#"{"data": [{"id": "m"}, {"id": "n"}]}"#).unwrap(),
            ["m", "n"]
        );
    }
}
