//! Tokenization of prompts, and decoding of answers.

use super::config::VlModelConfig;
use crate::fault::{Fault, Reason};
use crate::onnx::checkpoint::CheckpointError;
use minijinja::Environment;
use minijinja::value::Serde;
use serde_json::{Map, Value, json};
use std::path::Path;
use tokenizers::Tokenizer;

/// Ends of prompts for folders without a template: version 1.0, and later ones.
const ENDINGS: [&str; 2] = ["Assistant: ", "Assistant:\n"];
/// Text of the released templates, for folders without one.
const BEGIN: &str = "<|begin_of_sentence|>User: <|IMAGE_START|>";
const END: &str = "<|IMAGE_END|>";

/// Tokenizer and prompt template.
pub struct Prompts {
    tokenizer: Tokenizer,
    template: Template,
    image_token: u32,
    placeholder: String,
}

enum Template {
    /// The folder's chat template, with the special tokens that it may name.
    Chat(Box<Environment<'static>>, Map<String, Value>),
    /// No template: the end of prompts.
    Ending(&'static str),
}

impl Prompts {
    /// Reads `tokenizer.json` and the chat template of a folder. `is_first_version`: version of the model if
    /// there is no template.
    pub fn read(
        folder: &Path,
        config: &VlModelConfig,
        is_first_version: bool,
    ) -> Result<Prompts, CheckpointError> {
        let path = folder.join("tokenizer.json");
        let damaged = |reason: String| CheckpointError::Damaged {
            path: path.clone(),
            reason,
        };
        let bytes = std::fs::read(&path).map_err(|source| CheckpointError::Read {
            path: path.clone(),
            source,
        })?;
        let tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| damaged(e.to_string()))?;
        let placeholder = tokenizer.id_to_token(config.image_token).ok_or_else(|| {
            damaged(format!(
                "it has no token {}, config.json's image_token_id",
                config.image_token
            ))
        })?;
        let template = match chat_template(folder)? {
            Some((path, text)) => {
                let mut environment = Environment::new();
                environment.add_template_owned("chat", text).map_err(|e| {
                    CheckpointError::Damaged {
                        path,
                        reason: format!("{e:#}"),
                    }
                })?;
                Template::Chat(Box::new(environment), special_tokens(folder)?)
            }
            None => Template::Ending(""),
        };
        let prompts = Prompts {
            tokenizer,
            template,
            image_token: config.image_token,
            placeholder,
        };
        Ok(match prompts.template {
            Template::Chat(..) => prompts,
            Template::Ending(_) => prompts.without_template(is_first_version),
        })
    }

    /// The same with the fixed prompt of a folder without a template.
    pub fn without_template(self, is_first_version: bool) -> Prompts {
        Prompts {
            template: Template::Ending(ENDINGS[usize::from(!is_first_version)]),
            ..self
        }
    }

    /// Tokens of a prompt about a picture of `image_tokens` tokens.
    pub fn encode(&self, words: &str, image_tokens: usize) -> Result<Vec<u32>, Fault> {
        let text = self.text(words)?;
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(|e| wrong(format!("the prompt: {e}")))?;
        let ids = encoding.get_ids();
        let places: Vec<usize> = (0..ids.len())
            .filter(|i| ids[*i] == self.image_token)
            .collect();
        let [place] = places.as_slice() else {
            return Err(wrong(format!(
                "the chat template names the picture {} times instead of once",
                places.len()
            )));
        };
        let picture = std::iter::repeat_n(self.image_token, image_tokens);
        Ok(ids[..*place]
            .iter()
            .copied()
            .chain(picture)
            .chain(ids[place + 1..].iter().copied())
            .collect())
    }

    /// The prompt's text, with one placeholder for the picture.
    fn text(&self, words: &str) -> Result<String, Fault> {
        match &self.template {
            Template::Ending(ending) => {
                Ok(format!("{BEGIN}{}{END}{words}\n{ending}", self.placeholder))
            }
            Template::Chat(environment, tokens) => {
                let content = json!([{"type": "image"}, {"type": "text", "text": words}]);
                let messages = json!([{"role": "user", "content": content}]);
                let template = environment
                    .get_template("chat")
                    .map_err(|e| wrong(format!("{e:#}")))?;
                let mut values = tokens.clone();
                values.insert("messages".into(), messages);
                values.insert("add_generation_prompt".into(), true.into());
                template
                    .render(Serde(values))
                    .map_err(|e| wrong(format!("the chat template: {e:#}")))
            }
        }
    }

    /// Decodes an answer.
    pub fn decode(&self, ids: &[u32], skip_special_tokens: bool) -> Result<String, Fault> {
        self.tokenizer
            .decode(ids, skip_special_tokens)
            .map_err(|e| wrong(format!("the answer's tokens: {e}")))
    }

    /// Tokenizes text that may occur in an answer.
    pub fn encode_answer(&self, words: &str) -> Vec<u32> {
        self.tokenizer
            .encode(words, false)
            .map(|e| e.get_ids().to_vec())
            .unwrap_or_default()
    }
}

/// The fault of a tokenizer or template that does not do what it should.
fn wrong(message: String) -> Fault {
    Fault::new(Reason::Model, message)
}

/// Path and text of a folder's chat template, from any of its possible places.
fn chat_template(folder: &Path) -> Result<Option<(std::path::PathBuf, String)>, CheckpointError> {
    let path = folder.join("chat_template.jinja");
    if path.exists() {
        let text = std::fs::read_to_string(&path).map_err(|source| CheckpointError::Read {
            path: path.clone(),
            source,
        })?;
        return Ok(Some((path, text)));
    }
    for name in ["chat_template.json", "tokenizer_config.json"] {
        let path = folder.join(name);
        if let Some(text) = json_file(&path)?
            .get("chat_template")
            .and_then(Value::as_str)
        {
            return Ok(Some((path, text.to_string())));
        }
    }
    Ok(None)
}

/// Special tokens by name, such as `bos_token`.
fn special_tokens(folder: &Path) -> Result<Map<String, Value>, CheckpointError> {
    let file = json_file(&folder.join("tokenizer_config.json"))?;
    let named = file
        .into_iter()
        .filter(|(name, _)| name.ends_with("_token"));
    // A token is a string, or an object that contains it.
    let words = named.filter_map(|(name, value)| {
        let word = value
            .as_str()
            .or_else(|| value.get("content").and_then(Value::as_str))?;
        Some((name, word.into()))
    });
    Ok(words.collect())
}

/// A JSON file; empty if it does not exist.
fn json_file(path: &Path) -> Result<Map<String, Value>, CheckpointError> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Map::new()),
        Err(source) => Err(CheckpointError::Read {
            path: path.into(),
            source,
        }),
        Ok(text) => serde_json::from_slice(&text).map_err(|e| CheckpointError::Damaged {
            path: path.into(),
            reason: e.to_string(),
        }),
    }
}
