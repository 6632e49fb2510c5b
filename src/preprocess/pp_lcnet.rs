//! PP-LCNet_x1_0_doc_ori from a checkpoint: classifies the rotation of a page.
//!
//! Source: docs/reference.md, "PP-LCNet orientation classifier"; defaults from `PPLCNetConfig` of
//! transformers 5.23.

use super::{ORIENTATION_SIDE, orientation_size, orientation_value};
use crate::fault::{Fault, Reason};
use crate::onnx::checkpoint::{Checkpoint, CheckpointError, ModelConfig};
use crate::onnx::graph::{Attr, Dim, Element, Graph, Value};
use crate::onnx::layers::{Activation, ConvShape, Layers};
use crate::onnx::network::{Array, Network};
use crate::onnx::{OnnxError, Runtime};
use crate::raster::Pixels;
use std::path::Path;

/// Value of `model_type` in `config.json`.
pub(crate) const MODEL_TYPE: &str = "pp_lcnet";
/// Angle of each class in degrees.
pub(crate) const DEGREES: [u32; 4] = [0, 90, 180, 270];
/// Epsilon of the batch norms.
const EPSILON: f64 = 1e-5;
const BATCH: Dim = Dim::Named("batch");

/// Depthwise and pointwise convolution: kernel, channels in and out before scaling, stride,
/// squeeze-excitation.
type BlockSpec = (usize, usize, usize, usize, bool);

/// The blocks of PP-LCNet, stage by stage.
const STAGES: [&[BlockSpec]; 5] = [
    &[(3, 16, 32, 1, false)],
    &[(3, 32, 64, 2, false), (3, 64, 64, 1, false)],
    &[(3, 64, 128, 2, false), (3, 128, 128, 1, false)],
    &[
        (3, 128, 256, 2, false),
        (5, 256, 256, 1, false),
        (5, 256, 256, 1, false),
        (5, 256, 256, 1, false),
        (5, 256, 256, 1, false),
        (5, 256, 256, 1, false),
    ],
    &[(5, 256, 512, 2, true), (5, 512, 512, 1, true)],
];

/// Architecture read from `config.json`.
struct LcnetConfig {
    scale: f64,
    stages: Vec<Vec<BlockSpec>>,
    stem_channels: usize,
    stem_stride: usize,
    reduction: usize,
    class_expand: usize,
    divisor: usize,
    /// Factor `1 - dropout` on the features: the exported model keeps it at inference.
    kept: f32,
}

impl LcnetConfig {
    fn read(config: &ModelConfig) -> Result<Self, CheckpointError> {
        if config.model_type() != MODEL_TYPE {
            return Err(config.of_another_network("PP-LCNet_x1_0_doc_ori"));
        }
        if config.get_or("hidden_act", "hardswish".to_string())? != "hardswish" {
            return Err(config.bad("hidden_act", "is not `hardswish`"));
        }
        let stages: Option<Vec<Vec<BlockSpec>>> = config.get("block_configs")?;
        Ok(LcnetConfig {
            scale: config.get_or("scale", 1.0)?,
            stages: stages.unwrap_or_else(|| STAGES.iter().map(|s| s.to_vec()).collect()),
            stem_channels: config.count("stem_channels", 16)?,
            stem_stride: config.count("stem_stride", 2)?,
            reduction: config.count("reduction", 4)?,
            class_expand: config.count("class_expand", 1280)?,
            divisor: config.count("divisor", 8)?,
            kept: 1.0 - config.get_or("hidden_dropout_prob", 0.2f32)?,
        })
    }

    /// Channels after scaling: a multiple of the divisor, at least nine tenths of the scaled number.
    fn channels(&self, channels: usize) -> usize {
        let wanted = channels as f64 * self.scale;
        let rounded = (wanted + self.divisor as f64 / 2.0) as usize / self.divisor * self.divisor;
        let channels = rounded.max(self.divisor);
        if (channels as f64) < 0.9 * wanted {
            channels + self.divisor
        } else {
            channels
        }
    }
}

/// The orientation classifier, ready to run.
pub struct OrientationClassifier {
    network: Network,
    input: String,
    output: String,
}

impl OrientationClassifier {
    /// Reads the weights of a checkpoint; the returned function creates the session.
    pub fn read(
        checkpoint: &Checkpoint,
        taps: &[String],
    ) -> Result<impl FnOnce(&Runtime) -> Result<Self, OnnxError> + use<>, CheckpointError> {
        let config = LcnetConfig::read(&checkpoint.config)?;
        let name = format!("PP-LCNet of `{}`", checkpoint.folder().display());
        let mut net = Layers::new(Graph::new(name).with_taps(taps), checkpoint);
        graph(&mut net, &config)?;
        let graph = net.graph;
        Ok(move |runtime: &Runtime| {
            let network = graph.build(runtime)?;
            Ok(OrientationClassifier {
                network,
                input: "image".into(),
                output: "logits".into(),
            })
        })
    }

    /// Wraps the publisher's model file after checking its input and output.
    pub fn exported(network: Network) -> Result<Self, Fault> {
        let (inputs, outputs) = (network.inputs(), network.outputs());
        match (inputs.as_slice(), outputs.as_slice()) {
            ([input], [output]) if output.shape.last().is_none_or(|n| [-1, 4].contains(n)) => {
                let (input, output) = (input.name.clone(), output.name.clone());
                Ok(OrientationClassifier {
                    network,
                    input,
                    output,
                })
            }
            _ => {
                let message = format!(
                    "an orientation classifier has one input and one output of 4 classes, this model has {} and {}",
                    inputs.len(),
                    outputs.len()
                );
                Err(Fault::new(Reason::Model, message))
            }
        }
    }

    /// Loads the publisher's model file; the fault names it.
    pub(crate) fn of_file(file: &Path, runtime: &Runtime) -> Result<Self, Fault> {
        let network = runtime.network(file).map_err(Fault::from);
        let classifier = network.and_then(OrientationClassifier::exported);
        classifier.map_err(|fault| fault.within(format!("`{}`", file.display())))
    }

    /// Scores of the four classes for an input `[1, 3, 224, 224]` made by [`pixel_values`], and the
    /// intermediate values named by `taps`.
    pub fn run(
        &mut self,
        pixels: Vec<f32>,
        taps: &[&str],
    ) -> Result<(Vec<f32>, Vec<Vec<f32>>), OnnxError> {
        let side = ORIENTATION_SIDE;
        let image = Array::F32(vec![1, 3, side, side], pixels);
        self.network.run(vec![(&self.input, image)], |outputs| {
            let inner = taps.iter().map(|tap| Ok(outputs.f32(tap)?.1.to_vec()));
            Ok((
                outputs.f32(&self.output)?.1.to_vec(),
                inner.collect::<Result<_, OnnxError>>()?,
            ))
        })
    }

    /// Angle in degrees, counter-clockwise, that turns a page upright.
    pub fn classify(&mut self, page: &Pixels) -> Result<u32, OnnxError> {
        let (scores, _) = self.run(pixel_values(page), &[])?;
        let best = (0..DEGREES.len().min(scores.len()))
            .fold(0, |best, i| if scores[i] > scores[best] { i } else { best });
        Ok(DEGREES[best])
    }
}

/// Input of the classifier: `[3, 224, 224]`, channels R, G, B, normalized (docs/reference.md, "Page
/// orientation").
pub fn pixel_values(page: &Pixels) -> Vec<f32> {
    let (width, height) = orientation_size(page.width, page.height);
    let side = ORIENTATION_SIDE;
    // Only the middle is resampled: all of a page of 1x20000 pixels would become 256x5120000.
    let middle = |length: usize| {
        let start = length.saturating_sub(side) / 2;
        start..start + side
    };
    let resampled = page.resize_bilinear_part((width, height), middle(width), middle(height));
    let mut values = vec![0.0; 3 * side * side];
    for y in 0..side {
        for x in 0..side {
            let pixel = orientation_value(&resampled, x, y);
            (0..3).for_each(|c| values[(c * side + y) * side + x] = pixel[c]);
        }
    }
    values
}

/// `image` `[batch, 3, 224, 224]` to `logits` `[batch, 4]`.
fn graph(net: &mut Layers<'_>, config: &LcnetConfig) -> Result<(), CheckpointError> {
    let side = Dim::Fixed(ORIENTATION_SIDE);
    let image = net
        .graph
        .input("image", Element::F32, &[BATCH, Dim::Fixed(3), side, side]);
    let mut channels = config.channels(config.stem_channels);
    let stem = ConvShape::same(3, channels, 3).with_stride(config.stem_stride);
    let mut x = unit(net, "encoder.convolution", &image, stem)?;
    for (stage, blocks) in config.stages.iter().enumerate() {
        for (layer, (kernel, from, to, stride, squeezes)) in blocks.iter().enumerate() {
            let key = format!("encoder.blocks.{stage}.layers.{layer}");
            let (from, to) = (config.channels(*from), config.channels(*to));
            let deep = ConvShape::same(from, from, *kernel)
                .with_stride(*stride)
                .depthwise();
            x = unit(net, &format!("{key}.depthwise_convolution"), &x, deep)?;
            if *squeezes {
                let key = format!("{key}.squeeze_excitation_module.convolutions");
                x = squeeze_excitation(net, &key, &x, from, from / config.reduction)?;
            }
            x = unit(
                net,
                &format!("{key}.pointwise_convolution"),
                &x,
                ConvShape::same(from, to, 1),
            )?;
            channels = to;
        }
    }
    net.graph.tap(
        "encoder",
        &x,
        &[
            BATCH,
            Dim::Fixed(channels),
            Dim::Named("rows"),
            Dim::Named("columns"),
        ],
    );
    let x = net.graph.op("GlobalAveragePool", "head", &[&x], &[]);
    let expand = ConvShape::same(channels, config.class_expand, 1);
    let weights = net.conv_weights("last_convolution", false, None, expand)?;
    let x = net.conv("last_convolution", &x, &weights, Activation::HardSwish);
    let x = net.with_number("Mul", "head", &x, config.kept);
    let x = net.reshape("head", &x, &[0, config.class_expand as i64]);
    let logits = net.linear("head", &x, config.class_expand, DEGREES.len())?;
    net.graph.output(
        "logits",
        &logits,
        Element::F32,
        &[BATCH, Dim::Fixed(DEGREES.len())],
    );
    Ok(())
}

fn unit(
    net: &mut Layers<'_>,
    key: &str,
    x: &Value,
    shape: ConvShape,
) -> Result<Value, CheckpointError> {
    let weights = net.unit_weights(key, false, EPSILON, shape)?;
    Ok(net.conv(key, x, &weights, Activation::HardSwish))
}

/// Scales each channel by a gate that is computed from the means of all channels.
fn squeeze_excitation(
    net: &mut Layers<'_>,
    key: &str,
    x: &Value,
    channels: usize,
    squeezed: usize,
) -> Result<Value, CheckpointError> {
    let means = net.graph.op("GlobalAveragePool", key, &[x], &[]);
    let down = net.conv_weights(
        &format!("{key}.0"),
        true,
        None,
        ConvShape::same(channels, squeezed, 1),
    )?;
    let y = net.conv(key, &means, &down, Activation::Relu);
    let up = net.conv_weights(
        &format!("{key}.2"),
        true,
        None,
        ConvShape::same(squeezed, channels, 1),
    )?;
    let y = net.conv(key, &y, &up, Activation::Linear);
    let y = net.graph.op(
        "HardSigmoid",
        key,
        &[&y],
        &[
            ("alpha", Attr::Float(1.0 / 6.0)),
            ("beta", Attr::Float(0.5)),
        ],
    );
    Ok(net.graph.op("Mul", key, &[x, &y], &[]))
}

#[cfg(test)]
mod released;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_stay_multiples_of_the_divisor() {
        let config = |scale| LcnetConfig {
            scale,
            stages: Vec::new(),
            stem_channels: 16,
            stem_stride: 2,
            reduction: 4,
            class_expand: 1280,
            divisor: 8,
            kept: 0.8,
        };
        assert_eq!(
            [16, 32, 512].map(|n| config(1.0).channels(n)),
            [16, 32, 512]
        );
        assert_eq!([16, 32, 64].map(|n| config(0.25).channels(n)), [8, 8, 16]);
        // 0.35 x 32 = 11.2 would round to 8, which is less than nine tenths of it.
        assert_eq!(config(0.35).channels(32), 16);
    }

    #[test]
    fn the_middle_is_made_without_the_rest() {
        let page = |width: usize, height: usize| {
            let data = (0..width * height * 3)
                .map(|i| (i * i * 7919 % 251) as u8)
                .collect();
            Pixels {
                width,
                height,
                data,
            }
        };
        for page in [
            page(300, 200),
            page(90, 333),
            page(1, 20_000),
            page(50_000, 2),
        ] {
            let values = pixel_values(&page);
            assert_eq!(values.len(), 3 * 224 * 224);
            if page.width > 2 && page.height > 2 {
                let (width, height) = orientation_size(page.width, page.height);
                let whole = page.resize_bilinear(width, height);
                let value = orientation_value(&whole, 100, 7);
                assert!((0..3).all(|c| values[(c * 224 + 7) * 224 + 100] == value[c]));
            }
        }
    }

    #[test]
    fn an_input_has_the_page_middle() {
        let page = Pixels {
            width: 512,
            height: 256,
            data: vec![255; 512 * 256 * 3],
        };
        let values = pixel_values(&page);
        assert_eq!(values.len(), 3 * 224 * 224);
        assert!((values[0] - (1.0 - 0.485) / 0.229).abs() < 1e-6);
    }
}
