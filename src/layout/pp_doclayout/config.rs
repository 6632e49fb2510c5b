//! Configuration of a PP-DocLayout checkpoint; missing values have the defaults of its classes (transformers
//! 5.23, `PPDocLayoutV2Config`, `PPDocLayoutV3Config`, `HGNetV2Config`).

use crate::onnx::checkpoint::{CheckpointError, ModelConfig};
use std::path::Path;

/// Version of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// PP-DocLayoutV2: boxes, and a second network for the reading order.
    V2,
    /// PP-DocLayoutV3: boxes, masks and reading order from one network.
    V3,
}

impl Version {
    /// The version for a configuration's `model_type`.
    pub fn of(config: &ModelConfig) -> Option<Version> {
        match config.model_type() {
            "pp_doclayout_v2" => Some(Version::V2),
            "pp_doclayout_v3" => Some(Version::V3),
            _ => None,
        }
    }

    /// The model's name.
    pub fn name(self) -> &'static str {
        match self {
            Version::V2 => "PP-DocLayoutV2",
            Version::V3 => "PP-DocLayoutV3",
        }
    }
}

/// Stages of the backbone.
pub(crate) const STAGES: usize = 4;
/// Feature levels of neck and decoder, at strides 8, 16 and 32.
pub(crate) const LEVELS: usize = 3;

/// The backbone, HGNetV2; the defaults are the sizes of HGNetV2-L.
#[derive(Debug, Clone, PartialEq)]
pub struct BackboneConfig {
    /// Channels of the picture, within the stem, and after it.
    pub stem: [usize; 3],
    /// Input channels of each stage.
    pub inputs: Vec<usize>,
    /// Channels of the layers within each stage.
    pub mids: Vec<usize>,
    /// Output channels of each stage.
    pub outputs: Vec<usize>,
    /// Number of blocks of each stage.
    pub blocks: Vec<usize>,
    /// Number of layers per block.
    pub layers: Vec<usize>,
    /// Kernel size.
    pub kernels: Vec<usize>,
    /// `true` if the stage begins by halving the map.
    pub downsamples: Vec<bool>,
    /// `true` if its layers are a 1x1 convolution and a depthwise one.
    pub is_light: Vec<bool>,
}

impl BackboneConfig {
    fn read(config: &ModelConfig) -> Result<Self, CheckpointError> {
        let flags = |key: &str, default: [bool; STAGES]| -> Result<Vec<bool>, CheckpointError> {
            let flags: Vec<bool> = config.get_or(key, default.to_vec())?;
            if flags.len() == STAGES {
                Ok(flags)
            } else {
                Err(config.bad(key, "must have four entries"))
            }
        };
        let stem = config.counts("stem_channels", &[3, 32, 48])?;
        Ok(BackboneConfig {
            stem: [stem[0], stem[1], stem[2]],
            inputs: config.counts("stage_in_channels", &[48, 128, 512, 1024])?,
            mids: config.counts("stage_mid_channels", &[48, 96, 192, 384])?,
            outputs: config.counts("stage_out_channels", &[128, 512, 1024, 2048])?,
            blocks: config.counts("stage_num_blocks", &[1, 1, 3, 1])?,
            layers: config.counts("stage_numb_of_layers", &[6; STAGES])?,
            kernels: config.counts("stage_kernel_size", &[3, 3, 5, 5])?,
            downsamples: flags("stage_downsample", [false, true, true, true])?,
            is_light: flags("stage_light_block", [false, false, true, true])?,
        })
    }
}

/// Sizes of V3's masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskConfig {
    /// Channels of the scale heads, and of their sum.
    pub channels: [usize; 2],
    /// Number of prototype maps that masks are combined from.
    pub prototypes: usize,
}

/// V2's reading-order network.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingOrderConfig {
    /// Width of a token's hidden state.
    pub hidden: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width between the two linear layers of the feed-forward network.
    pub ffn: usize,
    /// Number of layers.
    pub layers: usize,
    /// Width of the embedding of a coordinate.
    pub coordinate: usize,
    /// Width of the embedding of a width or height.
    pub shape: usize,
    /// Number of block kinds.
    pub classes: usize,
    /// Entries of the coordinate table.
    pub coordinates: usize,
    /// Entries of the position table.
    pub positions: usize,
    /// Entries of the token table.
    pub words: usize,
    /// Entries of the token type table.
    pub types: usize,
    /// Width of the pointer's queries and keys.
    pub pointer: usize,
    /// Token ids: padding, start, end, block.
    pub tokens: [i64; 4],
    /// Width of the encoding of a relation between boxes.
    pub relation: usize,
    /// Base frequency of that encoding.
    pub relation_theta: f64,
    /// Scale of relations before encoding.
    pub relation_scale: f32,
    /// Epsilon of the layer norms.
    pub epsilon: f32,
    /// Score of each class from which a detection takes part.
    pub class_thresholds: Vec<f32>,
    /// Block kind of each class.
    pub class_order: Vec<i64>,
}

impl ReadingOrderConfig {
    fn read(config: &ModelConfig, classes: usize) -> Result<Self, CheckpointError> {
        let inner = config.section("reading_order_config");
        let thresholds: Vec<f32> = config.get_or("class_thresholds", vec![0.5; classes])?;
        if thresholds.len() != classes {
            return Err(config.bad("class_thresholds", format!("must have {classes} entries")));
        }
        let kinds = inner.count("num_classes", 20)?;
        let order: Vec<i64> = config.get_or("class_order", (0..classes as i64).collect())?;
        if order.len() != classes || order.iter().any(|kind| !(0..kinds as i64).contains(kind)) {
            return Err(config.bad(
                "class_order",
                format!("must have {classes} entries below {kinds}"),
            ));
        }
        let token = |key: &str, default: i64| inner.get_or(key, default);
        Ok(ReadingOrderConfig {
            hidden: inner.count("hidden_size", 512)?,
            heads: inner.count("num_attention_heads", 8)?,
            ffn: inner.count("intermediate_size", 2048)?,
            layers: inner.count("num_hidden_layers", 6)?,
            coordinate: inner.count("coordinate_size", 171)?,
            shape: inner.count("shape_size", 170)?,
            classes: kinds,
            coordinates: inner.count("max_2d_position_embeddings", 1024)?,
            positions: inner.count("max_position_embeddings", 514)?,
            words: inner.count("vocab_size", 4)?,
            types: inner.count("type_vocab_size", 1)?,
            pointer: inner.count("global_pointer_head_size", 64)?,
            tokens: [
                token("pad_token_id", 1)?,
                token("start_token_id", 0)?,
                token("end_token_id", 2)?,
                token("pred_token_id", 3)?,
            ],
            relation: inner.count("relation_bias_embed_dim", 16)?,
            relation_theta: inner.get_or("relation_bias_theta", 10000.0)?,
            relation_scale: inner.get_or("relation_bias_scale", 100.0)?,
            epsilon: inner.get_or("layer_norm_eps", 1e-5)?,
            class_thresholds: thresholds,
            class_order: order,
        })
    }
}

/// Configuration of a layout network.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutConfig {
    /// Version.
    pub version: Version,
    /// Height and width of the network's input.
    pub input: [usize; 2],
    /// Backbone.
    pub backbone: BackboneConfig,
    /// Channels of the neck.
    pub encoder_hidden: usize,
    /// Channels within its blocks.
    pub block_hidden: usize,
    /// Attention layers per attended level.
    pub encoder_layers: usize,
    /// Levels that attention runs on.
    pub attended_levels: Vec<usize>,
    /// Width between the two linear layers of the neck's feed-forward network.
    pub encoder_ffn: usize,
    /// Attention heads of the neck.
    pub encoder_heads: usize,
    /// Temperature of the sine position embedding.
    pub temperature: f64,
    /// Width of the queries.
    pub d_model: usize,
    /// Width between the two linear layers of the decoder's feed-forward network.
    pub decoder_ffn: usize,
    /// Attention heads of the decoder.
    pub decoder_heads: usize,
    /// Layers of the decoder.
    pub decoder_layers: usize,
    /// Sampling points per head and level.
    pub points: usize,
    /// Number of queries.
    pub queries: usize,
    /// Number of classes.
    pub classes: usize,
    /// Width of the queries and keys of V3's pointer.
    pub pointer: usize,
    /// Epsilon of the batch norms.
    pub norm_epsilon: f64,
    /// Epsilon of the layer norms.
    pub epsilon: f32,
    /// V3's mask head.
    pub masks: Option<MaskConfig>,
    /// V2's reading-order network.
    pub reading_order: Option<ReadingOrderConfig>,
}

impl LayoutConfig {
    /// Reads the configuration of a checkpoint in `folder`.
    pub fn read(config: &ModelConfig, folder: &Path) -> Result<Self, CheckpointError> {
        let version = Version::of(config)
            .ok_or_else(|| config.of_another_network("PP-DocLayoutV2 or PP-DocLayoutV3"))?;
        only(config, "normalize_before", false)?;
        only(config, "learn_initial_query", false)?;
        only(config, "activation_function", "silu".to_string())?;
        only(config, "encoder_activation_function", "gelu".to_string())?;
        only(config, "decoder_activation_function", "relu".to_string())?;
        only(config, "num_feature_levels", LEVELS)?;
        only(config, "feat_strides", vec![8, 16, 32])?;
        let encoder_hidden = config.count("encoder_hidden_dim", 256)?;
        let expansion: f64 = config.get_or("hidden_expansion", 1.0)?;
        let names: Option<serde_json::Map<String, serde_json::Value>> = config.get("id2label")?;
        let classes = names.map_or(25, |names| names.len());
        let is_v3 = version == Version::V3;
        if is_v3 {
            only(config, "mask_enhanced", true)?;
        }
        let mask_channels = config.counts("mask_feature_channels", &[64, 64])?;
        let attended: Vec<usize> = config.get_or("encode_proj_layers", vec![LEVELS - 1])?;
        if attended.iter().any(|level| *level >= LEVELS) {
            return Err(config.bad("encode_proj_layers", "names a level that is not there"));
        }
        Ok(LayoutConfig {
            version,
            input: input_size(folder)?,
            backbone: BackboneConfig::read(&config.section("backbone_config"))?,
            encoder_hidden,
            block_hidden: (encoder_hidden as f64 * expansion) as usize,
            encoder_layers: config.count("encoder_layers", 1)?,
            attended_levels: attended,
            encoder_ffn: config.count("encoder_ffn_dim", 1024)?,
            encoder_heads: config.count("encoder_attention_heads", 8)?,
            temperature: config.get_or("positional_encoding_temperature", 10000.0)?,
            d_model: config.count("d_model", 256)?,
            decoder_ffn: config.count("decoder_ffn_dim", 1024)?,
            decoder_heads: config.count("decoder_attention_heads", 8)?,
            decoder_layers: config.count("decoder_layers", 6)?,
            points: config.count("decoder_n_points", 4)?,
            queries: config.count("num_queries", 300)?,
            classes,
            pointer: config.count("global_pointer_head_size", 64)?,
            norm_epsilon: config.get_or("batch_norm_eps", 1e-5)?,
            epsilon: config.get_or("layer_norm_eps", 1e-5)?,
            masks: match is_v3 {
                true => Some(MaskConfig {
                    channels: [mask_channels[0], mask_channels[1]],
                    prototypes: config.count("num_prototypes", 32)?,
                }),
                false => None,
            },
            reading_order: if is_v3 {
                None
            } else {
                Some(ReadingOrderConfig::read(config, classes)?)
            },
        })
    }

    /// Height and width of the map at each level.
    pub fn level_sizes(&self) -> [[usize; 2]; LEVELS] {
        [8, 16, 32].map(|stride| self.input.map(|side| side / stride))
    }

    /// Height and width of V3's masks.
    pub fn mask_size(&self) -> [usize; 2] {
        self.input.map(|side| side / 4)
    }
}

/// Rejects a configuration value that this code does not support.
fn only<T>(config: &ModelConfig, key: &str, supported: T) -> Result<(), CheckpointError>
where
    T: serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    match config.get::<T>(key)? {
        Some(value) if value != supported => Err(config.bad(
            key,
            format!("is `{value:?}`; only `{supported:?}` is supported"),
        )),
        _ => Ok(()),
    }
}

/// Input size `[height, width]`: `size` in the folder's `preprocessor_config.json`, else that of the
/// published models.
fn input_size(folder: &Path) -> Result<[usize; 2], CheckpointError> {
    let path = folder.join("preprocessor_config.json");
    if !path.exists() {
        return Ok([super::super::NETWORK_SIDE; 2]);
    }
    let config = ModelConfig::read(path)?;
    let size = config.section("size");
    let default = super::super::NETWORK_SIDE;
    let input = [
        size.count("height", default)?,
        size.count("width", default)?,
    ];
    // The deepest map must have whole cells, and those above exactly twice as many.
    if input.iter().any(|side| side % 32 != 0) {
        return Err(config.bad("size", "must be multiples of 32"));
    }
    Ok(input)
}
