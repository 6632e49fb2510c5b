//! Vectors of requests to recognition servers and of retries.

use super::Context;
use super::compare::exactly;
use crate::config::server::ServerConfig;
use crate::config::{Pipeline, Settings};
use crate::net::{RetryRules, is_passing};
use crate::plan::PixelLimits;
use crate::raster::Pixels;
use crate::recognize::server::client::ModelName;
use crate::recognize::server::protocol::{Arguments, Dialect, completion};
use serde_json::{Value, json};

use super::compare::Checked;
pub(super) fn server_requests(v: &Value, _: &Context) -> Checked {
    if let Some(status) = v["failure_status"].as_u64() {
        let attempts = if is_passing(status as u16) {
            RetryRules::default().retries + 1
        } else {
            1
        };
        return exactly("attempts", &v["attempts"], attempts);
    }
    if v.get("null_content_result").is_some() {
        let answer = json!({"choices": [{"message": {"content": null}}]}).to_string();
        let content = completion(answer.as_bytes())
            .map_err(|e| e.to_string())?
            .content;
        return exactly("content", &v["null_content_result"], content);
    }
    request(v)
}

fn request(v: &Value) -> Checked {
    let section = "SubModules.VLRecognition";
    let mut settings = Settings::defaults(Pipeline::V16);
    let mut set =
        |key: &str, value: &Value| settings.set(&format!("{section}.{key}"), value.clone());
    let path = v["path"].as_str().unwrap_or_default();
    let url = format!("http://host{}", path.trim_end_matches("/chat/completions"));
    set("model_name", &v["vl_rec_model_name"]);
    set("genai_config.backend", &v["backend"]);
    set("genai_config.server_url", &url.as_str().into());
    if !v["client_kwargs"].is_null() {
        set("genai_config.client_kwargs", &v["client_kwargs"]);
    }
    let server = ServerConfig::new(&settings)
        .map_err(|e| e.to_string())?
        .ok_or("no server is asked")?;
    let client = server.client;
    exactly("method", &v["method"], "POST")?;
    let asked = format!("{}/chat/completions", client.urls[0]);
    exactly("path", &v["path"], asked.trim_start_matches("http://host"))?;
    exactly(
        "authorization",
        &v["authorization"],
        client.key.authorization(),
    )?;
    let model = match &client.model {
        ModelName::Named(name) => name.as_str(),
        // The first model that the server lists.
        ModelName::First => v["body"]["model"].as_str().unwrap_or_default(),
    };
    let url = client
        .dialect
        .image_url(&picture())
        .map_err(|e| e.to_string())?;
    let (kind, data) = url
        .split_once("base64,")
        .ok_or("the picture is not in base64")?;
    let given = &v["arguments"];
    let pair = given["min_pixels"]
        .as_u64()
        .zip(given["max_pixels"].as_u64());
    let arguments = Arguments {
        max_new_tokens: given["max_new_tokens"].as_u64(),
        temperature: given["temperature"].as_f64(),
        top_p: given["top_p"].as_f64(),
        repetition_penalty: given["repetition_penalty"].as_f64(),
        skip_special_tokens: given["skip_special_tokens"].as_bool(),
        limits: pair.map(|(min, max)| PixelLimits { min, max }),
    };
    let prompt = v["body"]["messages"][0]["content"][1]["text"]
        .as_str()
        .unwrap_or_default();
    let body = client
        .dialect
        .body(model, format!("{kind}base64,<base64>"), prompt, &arguments);
    // Compared as text, because the order of keys matters.
    exactly("body", &v["body"].to_string().into(), body.to_string())?;
    picture_sent(v, client.dialect, data)
}

/// Checks that the picture is encoded as by the reference.
fn picture_sent(v: &Value, dialect: Dialect, data: &str) -> Checked {
    use base64::Engine;
    let bytes = base64::prelude::BASE64_STANDARD
        .decode(data)
        .map_err(|e| e.to_string())?;
    let format = match bytes.as_slice() {
        [0xff, 0xd8, ..] => "JPEG",
        [0x89, b'P', b'N', b'G', ..] => "PNG",
        _ => "neither JPEG nor PNG",
    };
    exactly("image_format", &v["image_format"], format)?;
    if dialect == Dialect::LlamaCpp {
        return Ok(());
    }
    // Subsampled chroma: luma has twice its resolution in both directions.
    let frame = segment(&bytes, 0xc0).ok_or("the JPEG has no frame")?;
    exactly("sampling of brightness", &0x22.into(), frame[7])?;
    if let Some(wanted) = v
        .get("jpeg_quantisation_table_0")
        .filter(|table| !table.is_null())
    {
        let table = segment(&bytes, 0xdb)
            .filter(|table| table.len() > 64)
            .ok_or("the JPEG has no table")?;
        let mut natural = [0u8; 64];
        ZIGZAG
            .iter()
            .zip(&table[1..])
            .for_each(|(place, value)| natural[*place] = *value);
        exactly("jpeg_quantisation_table_0", wanted, natural.to_vec())?;
    }
    Ok(())
}

/// The first segment with this marker in a JPEG, without its length.
fn segment(bytes: &[u8], marker: u8) -> Option<&[u8]> {
    let mut rest = bytes.get(2..)?;
    loop {
        let [0xff, found, high, low, ..] = *rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if found == marker {
            return rest.get(4..2 + length);
        }
        rest = rest.get(2 + length..)?;
    }
}

/// Positions of a quantization table's values, in storage order.
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// An arbitrary picture.
fn picture() -> Pixels {
    let (width, height) = (64, 48);
    let data = (0..width * height)
        .flat_map(|i| [4, (i % 200) as u8, 83])
        .collect();
    Pixels {
        width,
        height,
        data,
    }
}
