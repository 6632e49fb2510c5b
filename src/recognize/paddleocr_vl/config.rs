//! Configuration of a PaddleOCR-VL folder: network sizes, special tokens, image preprocessing.

use crate::onnx::checkpoint::{CheckpointError, ModelConfig};
use std::path::Path;

/// `model_type` in `config.json`.
pub const MODEL_TYPE: &str = "paddleocr_vl";

/// Sizes of the vision encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct VisionConfig {
    /// Width of a patch's hidden state.
    pub hidden_size: usize,
    /// Width between the two linear layers of the MLP.
    pub intermediate_size: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Colour channels.
    pub channels: usize,
    /// Side of the position embedding table, in patches.
    pub table_side: usize,
    /// Side of the squares of patches that are merged into one token.
    pub merge_size: usize,
    /// Epsilon of the layer norms.
    pub layer_norm_eps: f32,
}

impl VisionConfig {
    /// Number of values of a patch's pixels.
    pub fn patch_numbers(&self) -> usize {
        self.channels * self.patch_size * self.patch_size
    }

    /// Factor that both sides of a resized picture are multiples of, in pixels.
    pub fn factor(&self) -> usize {
        self.patch_size * self.merge_size
    }
}

/// Sizes of the decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct TextConfig {
    /// Width of a token's hidden state.
    pub hidden_size: usize,
    /// Width between the linear layers of the MLP.
    pub intermediate_size: usize,
    /// Number of layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub key_value_heads: usize,
    /// Size of a head.
    pub head_dim: usize,
    /// Vocabulary size.
    pub vocab_size: usize,
    /// Longest sequence in tokens.
    pub max_positions: usize,
    /// Epsilon of the RMS norms.
    pub rms_norm_eps: f32,
    /// Base of the rotary position embedding.
    pub rope_theta: f64,
    /// Numbers of rotary pairs for time, height and width.
    pub mrope_section: [usize; 3],
}

/// Image preprocessing.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageConfig {
    /// Mean of each channel, subtracted.
    pub mean: [f32; 3],
    /// Standard deviation of each channel, divided by.
    pub std: [f32; 3],
    /// Factor on the 8-bit levels, applied first.
    pub rescale: f32,
    /// Minimum and maximum number of pixels, if a request sets none.
    pub limits: [u64; 2],
}

/// Configuration of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct VlModelConfig {
    /// The vision encoder.
    pub vision: VisionConfig,
    /// The decoder.
    pub text: TextConfig,
    /// Image preprocessing.
    pub image: ImageConfig,
    /// Placeholder token for one merged patch of the picture.
    pub image_token: u32,
    /// Tokens that end an answer.
    pub eos: Vec<u32>,
}

impl VlModelConfig {
    /// Reads `config.json` (flat as released, or nested as transformers saves it), `generation_config.json`
    /// and `preprocessor_config.json`.
    pub fn read(folder: &Path, config: &ModelConfig) -> Result<VlModelConfig, CheckpointError> {
        let text = if config.has("text_config") {
            config.section("text_config")
        } else {
            config.clone()
        };
        let vision = vision(&config.section("vision_config"))?;
        let generation = folder.join("generation_config.json");
        let generation = if generation.exists() {
            ModelConfig::read(generation)?
        } else {
            text.clone()
        };
        let eos = match eos(&generation)? {
            list if list.is_empty() => eos(&text)?,
            list => list,
        };
        if eos.is_empty() {
            return Err(text.bad("eos_token_id", "is missing: nothing would end an answer"));
        }
        let image = image(folder, &vision)?;
        Ok(VlModelConfig {
            text: decoder(&text)?,
            vision,
            image,
            image_token: config.need("image_token_id")?,
            eos,
        })
    }
}

fn vision(config: &ModelConfig) -> Result<VisionConfig, CheckpointError> {
    supported(config, "hidden_act", &["gelu_pytorch_tanh"])?;
    let patch_size = config.need_count("patch_size")?;
    let read = VisionConfig {
        hidden_size: config.need_count("hidden_size")?,
        intermediate_size: config.need_count("intermediate_size")?,
        layers: config.need_count("num_hidden_layers")?,
        heads: config.need_count("num_attention_heads")?,
        patch_size,
        channels: config.count("num_channels", 3)?,
        table_side: config.need_count("image_size")? / patch_size,
        merge_size: config.count("spatial_merge_size", 2)?,
        layer_norm_eps: config.get_or("layer_norm_eps", 1e-6)?,
    };
    // Half of a head is rotated by the row and half by the column, each in pairs.
    if !read.hidden_size.is_multiple_of(read.heads * 4) {
        return Err(config.bad(
            "num_attention_heads",
            "must divide hidden_size into heads of a multiple of four",
        ));
    }
    if read.channels != 3 {
        return Err(config.bad("num_channels", "must be 3"));
    }
    Ok(read)
}

fn decoder(config: &ModelConfig) -> Result<TextConfig, CheckpointError> {
    supported(config, "hidden_act", &["silu"])?;
    if config.get_or("use_bias", false)? {
        return Err(config.bad("use_bias", "must be false"));
    }
    // Both names occur, and in the second form the base is there as well.
    let rope = ["rope_parameters", "rope_scaling"].map(|key| config.section(key));
    let rope = if config.has("rope_parameters") {
        &rope[0]
    } else {
        &rope[1]
    };
    for key in ["rope_type", "type"] {
        supported(rope, key, &["default", "mrope"])?;
    }
    let theta = match rope.get("rope_theta")? {
        Some(theta) => theta,
        None => config.need("rope_theta")?,
    };
    let hidden_size = config.need_count("hidden_size")?;
    let heads = config.need_count("num_attention_heads")?;
    let read = TextConfig {
        hidden_size,
        intermediate_size: config.need_count("intermediate_size")?,
        layers: config.need_count("num_hidden_layers")?,
        heads,
        key_value_heads: config.count("num_key_value_heads", heads)?,
        head_dim: config.count("head_dim", (hidden_size / heads).max(1))?,
        vocab_size: config.need_count("vocab_size")?,
        max_positions: config.count("max_position_embeddings", 131_072)?,
        rms_norm_eps: config.get_or("rms_norm_eps", 1e-5)?,
        rope_theta: theta,
        mrope_section: rope.need("mrope_section")?,
    };
    if read.mrope_section.iter().sum::<usize>() * 2 != read.head_dim {
        return Err(rope.bad(
            "mrope_section",
            format!("must add up to half of head_dim, {}", read.head_dim / 2),
        ));
    }
    if !read.heads.is_multiple_of(read.key_value_heads) {
        return Err(config.bad("num_key_value_heads", "must divide num_attention_heads"));
    }
    Ok(read)
}

/// Checks that a value, if given, is one of those that this network supports.
fn supported(config: &ModelConfig, key: &str, words: &[&str]) -> Result<(), CheckpointError> {
    match config.get::<String>(key)? {
        Some(word) if !words.contains(&word.as_str()) => Err(config.bad(
            key,
            format!("is `{word}`, and only {} can be run", words.join(", ")),
        )),
        _ => Ok(()),
    }
}

/// The end tokens: a number, or several.
fn eos(config: &ModelConfig) -> Result<Vec<u32>, CheckpointError> {
    let key = "eos_token_id";
    match config.get::<serde_json::Value>(key)? {
        None => Ok(Vec::new()),
        Some(serde_json::Value::Array(_)) => config.need(key),
        Some(_) => Ok(vec![config.need(key)?]),
    }
}

fn image(folder: &Path, vision: &VisionConfig) -> Result<ImageConfig, CheckpointError> {
    // Newer versions of transformers write it to the file of the whole processor.
    let (path, other) = (
        folder.join("preprocessor_config.json"),
        folder.join("processor_config.json"),
    );
    let config = match !path.exists() && other.exists() {
        true => ModelConfig::read(other)?.section("image_processor"),
        false => ModelConfig::read(path)?,
    };
    let (patch, merge) = (vision.patch_size, vision.merge_size);
    for (key, value) in [("patch_size", patch), ("merge_size", merge)] {
        if config.count(key, value)? != value {
            return Err(config.bad(key, format!("must be {value}, as config.json has it")));
        }
    }
    // Pillow's code for bicubic.
    if config.get_or("resample", 3u32)? != 3 {
        return Err(config.bad("resample", "must be 3 (bicubic)"));
    }
    let size = config.section("size");
    let limit = |key: &str, edge: &str| match config.get(key)? {
        Some(limit) => Ok(limit),
        None => size.need(edge),
    };
    Ok(ImageConfig {
        mean: config.need("image_mean")?,
        std: config.need("image_std")?,
        rescale: config.get_or("rescale_factor", 1.0 / 255.0)?,
        limits: [
            limit("min_pixels", "shortest_edge")?,
            limit("max_pixels", "longest_edge")?,
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn flat() -> Value {
        json!({
            "model_type": "paddleocr_vl", "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3,
            "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 640, "hidden_act": "silu",
            "rope_theta": 500000, "rope_scaling": {"mrope_section": [4, 6, 6], "type": "default"}, "eos_token_id": 2,
            "image_token_id": 9, "vision_config": {"hidden_size": 96, "intermediate_size": 200, "num_hidden_layers": 3,
            "num_attention_heads": 4, "patch_size": 14, "image_size": 84, "hidden_act": "gelu_pytorch_tanh"}
        })
    }

    fn read(config: &Value, generation: Option<Value>) -> Result<VlModelConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, value: &Value| {
            std::fs::write(folder.path().join(name), value.to_string()).unwrap()
        };
        write("config.json", config);
        write(
            "preprocessor_config.json",
            &json!({"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
            "size": {"shortest_edge": 10, "longest_edge": 20}}),
        );
        if let Some(generation) = generation {
            write("generation_config.json", &generation);
        }
        let config = ModelConfig::read(folder.path().join("config.json")).unwrap();
        VlModelConfig::read(folder.path(), &config).map_err(|e| e.to_string())
    }

    #[test]
    fn flat_and_nested_files_say_the_same() {
        let flat = flat();
        let mut nested = json!({"model_type": "paddleocr_vl", "image_token_id": 9});
        let mut text = flat.as_object().unwrap().clone();
        nested["vision_config"] = text.remove("vision_config").unwrap();
        text.remove("rope_scaling");
        text.remove("rope_theta");
        text.insert(
            "rope_parameters".into(),
            json!({"mrope_section": [4, 6, 6], "rope_theta": 500000.0}),
        );
        nested["text_config"] = text.into();
        let (a, b) = (read(&flat, None).unwrap(), read(&nested, None).unwrap());
        assert_eq!(a, b);
        assert_eq!(
            (a.eos, a.image.limits, a.vision.table_side),
            (vec![2], [10, 20], 6)
        );
    }

    #[test]
    fn several_tokens_may_end_an_answer() {
        let eos = |generation| read(&flat(), Some(generation)).unwrap().eos;
        assert_eq!(eos(json!({"eos_token_id": [5, 6]})), [5, 6]);
        assert_eq!(eos(json!({"eos_token_id": 7})), [7]);
        assert_eq!(eos(json!({})), [2]);
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for (key, value, word) in [
            ("hidden_act", json!("relu"), "relu"),
            ("use_bias", json!(true), "use_bias"),
            (
                "rope_scaling",
                json!({"mrope_section": [4, 6, 5]}),
                "mrope_section",
            ),
            ("num_key_value_heads", json!(3), "num_key_value_heads"),
            ("head_dim", json!("x"), "head_dim"),
        ] {
            let mut config = flat();
            config[key] = value;
            let error = read(&config, None).unwrap_err();
            assert!(
                error.contains(word) && error.contains("config.json"),
                "{error}"
            );
        }
    }
}
