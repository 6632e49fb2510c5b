//! UVDoc from a checkpoint: predicts a mesh that maps each point of the flat page to a point of the
//! photographed page.
//!
//! The network sees the page downscaled; the page itself is sampled with the mesh outside the graph
//! ([`Pixels::warp`](crate::raster::Pixels::warp)), on all cores and in bytes: an operator of the graph would
//! hold the full page several times in single precision, 200 MB for a page of 2000x2800 pixels.
//!
//! Source: docs/reference.md, "UVDoc unwarping network" and "Page unwarping".

use crate::fault::{Fault, Reason};
use crate::onnx::checkpoint::{Checkpoint, CheckpointError, ModelConfig};
use crate::onnx::graph::{Attr, Dim, Element, Graph, Value};
use crate::onnx::layers::{Activation, ConvShape, Layers};
use crate::onnx::network::{Array, Network, PortInfo};
use crate::onnx::{OnnxError, Runtime};
use crate::raster::{Mesh, Pixels, aligned_taps};

/// Value of `model_type` in `config.json`.
pub(crate) const MODEL_TYPE: &str = "uvdoc";
/// Height and width of the network's input (UVDoc's constants; `preprocessor_config.json` of the release).
pub(crate) const INPUT: [usize; 2] = [712, 488];
/// Most pixels of a page given to the exported model. It holds the page several times in single precision: at
/// about 100 bytes a pixel this is 4 GB.
const MOST_EXPORTED: usize = 40_000_000;
/// Epsilon of the batch norms.
const EPSILON: f64 = 1e-5;
const BATCH: Dim = Dim::Named("batch");

/// Architecture read from `config.json`. A stage is a list of blocks: channels in and out, dilation, `true`
/// if it halves the map.
struct UvdocConfig {
    kernel: usize,
    head: Vec<[usize; 2]>,
    stages: Vec<Vec<(usize, usize, usize, bool)>>,
    /// Chains of convolutions: channels and dilation of each.
    bridges: Vec<Vec<[usize; 2]>>,
    connector: [usize; 2],
    positions: [[usize; 2]; 2],
}

impl UvdocConfig {
    fn read(config: &ModelConfig) -> Result<Self, CheckpointError> {
        if config.model_type() != MODEL_TYPE {
            return Err(config.of_another_network("UVDoc"));
        }
        if config.get_or("padding_mode", "reflect".to_string())? != "reflect" {
            return Err(config.bad("padding_mode", "is not `reflect`"));
        }
        if config.get_or("hidden_act", "prelu".to_string())? != "prelu" {
            return Err(config.bad("hidden_act", "is not `prelu`"));
        }
        let backbone = config.section("backbone_config");
        let stage = |from: usize, to: usize, blocks: usize, halves: bool| {
            let first = (from, to, 1, halves);
            std::iter::once(first)
                .chain((1..blocks).map(|_| (to, to, 3, false)))
                .collect::<Vec<_>>()
        };
        let stages = || {
            vec![
                stage(32, 32, 3, false),
                stage(32, 64, 4, true),
                stage(64, 128, 6, true),
            ]
        };
        let dilations: [&[usize]; 6] = [&[1], &[2], &[5], &[8, 3, 2], &[12, 7, 4], &[18, 12, 6]];
        let bridges = || {
            dilations
                .iter()
                .map(|chain| chain.iter().map(|d| [128, *d]).collect())
                .collect::<Vec<_>>()
        };
        Ok(UvdocConfig {
            kernel: backbone.count("kernel_size", 5)?,
            head: backbone.get_or("resnet_head", vec![[3, 32], [32, 32]])?,
            stages: backbone.get("resnet_configs")?.unwrap_or_else(stages),
            bridges: backbone.get("stage_configs")?.unwrap_or_else(bridges),
            connector: config.get_or("bridge_connector", [128, 128])?,
            positions: config.get_or("out_point_positions2D", [[128, 32], [32, 2]])?,
        })
    }
}

/// The unwarping network, ready to run.
pub struct Unwarper {
    network: Network,
    form: PortForm,
}

/// Kind of model, by its inputs and outputs.
enum PortForm {
    /// Built from a checkpoint: downscaled page in, mesh out.
    Mesh,
    /// The publisher's model file: full-size page in, flat page out. Names of input and output.
    Exported(String, String),
}

impl Unwarper {
    /// Reads the weights of a checkpoint; the returned function creates the session.
    pub fn read(
        checkpoint: &Checkpoint,
    ) -> Result<impl FnOnce(&Runtime) -> Result<Self, OnnxError> + use<>, CheckpointError> {
        let config = UvdocConfig::read(&checkpoint.config)?;
        let name = format!("UVDoc of `{}`", checkpoint.folder().display());
        let mut net = Layers::new(Graph::new(name), checkpoint);
        graph(&mut net, &config)?;
        let graph = net.graph;
        Ok(move |runtime: &Runtime| {
            Ok(Unwarper {
                network: graph.build(runtime)?,
                form: PortForm::Mesh,
            })
        })
    }

    /// Wraps the publisher's model file after checking its input and output.
    pub fn exported(network: Network) -> Result<Self, Fault> {
        let (inputs, outputs) = (network.inputs(), network.outputs());
        let is_picture = |port: &PortInfo| {
            port.element == Some(Element::F32)
                && port.shape.len() == 4
                && [-1, 3].contains(&port.shape[1])
        };
        match (inputs.as_slice(), outputs.as_slice()) {
            ([input], [output]) if is_picture(input) && is_picture(output) => {
                let form = PortForm::Exported(input.name.clone(), output.name.clone());
                Ok(Unwarper { network, form })
            }
            _ => Err(Fault::new(
                Reason::Model,
                "an unwarping model has one picture as input and one as output, this one has not",
            )),
        }
    }

    /// Predicts the mesh of a page.
    pub fn mesh(&mut self, page: &Pixels) -> Result<Mesh, OnnxError> {
        let [height, width] = INPUT;
        let image = Array::F32(vec![1, 3, height, width], pixel_values(page, width, height));
        self.network.run(vec![("image", image)], |outputs| {
            let (shape, data) = outputs.f32("mesh")?;
            let (rows, columns) = (shape[2], shape[3]);
            let (x, y) = data.split_at(rows * columns);
            Ok(Mesh {
                columns,
                rows,
                places: x.iter().zip(y).map(|(x, y)| [*x, *y]).collect(),
            })
        })
    }

    /// The unwarped page, of the same size.
    pub fn unwarp(&mut self, page: &Pixels) -> Result<Pixels, OnnxError> {
        let PortForm::Exported(input, output) = &self.form else {
            return Ok(page.warp(&self.mesh(page)?));
        };
        let (width, height) = (page.width, page.height);
        if width * height > MOST_EXPORTED {
            let reason = format!(
                "a page of {width}x{height} pixels is too large for the exported model, which takes at most {MOST_EXPORTED} pixels; use a checkpoint of UVDoc, or leave out `use_doc_unwarping`"
            );
            return Err(OnnxError::Run {
                model: "the unwarping model".into(),
                reason,
            });
        }
        let blue_first = [2, 1, 0]
            .into_iter()
            .flat_map(|c| page.data.iter().skip(c).step_by(3));
        let image = Array::F32(
            vec![1, 3, height, width],
            blue_first.map(|v| f32::from(*v) / 255.0).collect(),
        );
        self.network.run(vec![(input, image)], |outputs| {
            let (shape, data) = outputs.f32(output)?;
            if shape != [1, 3, height, width] {
                let reason =
                    format!("it made a picture of {shape:?} of a page of {width}x{height}");
                return Err(OnnxError::Run {
                    model: "the unwarping model".into(),
                    reason,
                });
            }
            let plane = width * height;
            // Truncated to an integer level; values out of range wrap around in the reference and clamp here.
            let level = |i: usize| (data[(2 - i % 3) * plane + i / 3] * 255.0) as u8;
            Ok(Pixels {
                width,
                height,
                data: (0..plane * 3).map(level).collect(),
            })
        })
    }
}

/// Input of the network: `[3, height, width]`, channels B, G, R, values 0 to 1, resampled bilinearly with
/// aligned corners, in single precision throughout.
fn pixel_values(page: &Pixels, width: usize, height: usize) -> Vec<f32> {
    let (columns, rows) = (
        aligned_taps(width, page.width),
        aligned_taps(height, page.height),
    );
    let level =
        |x: usize, y: usize, c: usize| f32::from(page.data[(y * page.width + x) * 3 + c]) / 255.0;
    let mut values = Vec::with_capacity(3 * width * height);
    for c in [2, 1, 0] {
        for (top, bottom, v) in &rows {
            for (left, right, u) in &columns {
                let upper = (1.0 - u) * level(*left, *top, c) + u * level(*right, *top, c);
                let lower = (1.0 - u) * level(*left, *bottom, c) + u * level(*right, *bottom, c);
                values.push((1.0 - v) * upper + v * lower);
            }
        }
    }
    values
}

/// `image` `[batch, 3, 712, 488]` to `mesh` `[batch, 2, rows, columns]`: x, then y, from -1 to 1.
fn graph(net: &mut Layers<'_>, config: &UvdocConfig) -> Result<(), CheckpointError> {
    let [height, width] = INPUT.map(Dim::Fixed);
    let mut x = net.graph.input(
        "image",
        Element::F32,
        &[BATCH, Dim::Fixed(3), height, width],
    );
    for (layer, [from, to]) in config.head.iter().enumerate() {
        let shape = ConvShape::same(*from, *to, config.kernel).with_stride(2);
        x = unit(
            net,
            &format!("backbone.resnet.resnet_head.{layer}"),
            &x,
            shape,
            false,
            Activation::Relu,
        )?;
    }
    for (stage, blocks) in config.stages.iter().enumerate() {
        for (layer, block) in blocks.iter().enumerate() {
            let key = format!("backbone.resnet.resnet_down.{stage}.layers.{layer}");
            x = residual(net, &key, &x, config.kernel, *block)?;
        }
    }
    let mut parts = Vec::with_capacity(config.bridges.len());
    for (bridge, chain) in config.bridges.iter().enumerate() {
        let mut y = x.clone();
        for (block, [channels, dilation]) in chain.iter().enumerate() {
            let key = format!("backbone.bridge.bridge.{bridge}.blocks.{block}");
            let shape = ConvShape::same(*channels, *channels, 3).with_dilation(*dilation);
            y = unit(net, &key, &y, shape, false, Activation::Relu)?;
        }
        parts.push(y);
    }
    let joined = net.concat("backbone.bridge", &parts.iter().collect::<Vec<_>>(), 1);
    let [from, to] = config.connector;
    let connector = ConvShape::same(from * parts.len(), to, 1);
    let x = unit(
        net,
        "head.bridge_connector",
        &joined,
        connector,
        false,
        Activation::Relu,
    )?;
    let key = "head.out_point_positions2D";
    let [down, up] = config.positions;
    let shape = ConvShape::same(down[0], down[1], config.kernel);
    let x = mirrored(net, key, &x, &shape);
    let norm = format!("{key}.conv_down.normalization");
    let weights = net.conv_weights(
        &format!("{key}.conv_down.convolution"),
        false,
        Some((&norm, EPSILON)),
        shape.with_pads([0; 4]),
    )?;
    let x = net.conv(key, &x, &weights, Activation::Linear);
    let slope = net.vector(&format!("{key}.conv_down.activation.weight"), 1)?;
    let x = net.graph.op("PRelu", key, &[&x, &slope], &[]);
    let shape = ConvShape::same(up[0], up[1], config.kernel);
    let x = mirrored(net, key, &x, &shape);
    let weights = net.conv_weights(
        &format!("{key}.conv_up"),
        true,
        None,
        shape.with_pads([0; 4]),
    )?;
    let mesh = net.conv(key, &x, &weights, Activation::Linear);
    let dims = [
        BATCH,
        Dim::Fixed(up[1]),
        Dim::Named("rows"),
        Dim::Named("columns"),
    ];
    net.graph.output("mesh", &mesh, Element::F32, &dims);
    Ok(())
}

/// Reflection padding by half the kernel's reach.
fn mirrored(net: &mut Layers<'_>, at: &str, x: &Value, shape: &ConvShape) -> Value {
    let reach = (shape.kernel / 2) as i64;
    let pads = net
        .graph
        .ints(at, &[0, 0, reach, reach, 0, 0, reach, reach]);
    net.graph
        .op("Pad", at, &[x, &pads], &[("mode", Attr::Text("reflect"))])
}

fn unit(
    net: &mut Layers<'_>,
    key: &str,
    x: &Value,
    shape: ConvShape,
    has_bias: bool,
    activation: Activation,
) -> Result<Value, CheckpointError> {
    let weights = net.unit_weights(key, has_bias, EPSILON, shape)?;
    Ok(net.conv(key, x, &weights, activation))
}

fn residual(
    net: &mut Layers<'_>,
    key: &str,
    x: &Value,
    kernel: usize,
    (from, to, dilation, halves): (usize, usize, usize, bool),
) -> Result<Value, CheckpointError> {
    let stride = if halves { 2 } else { 1 };
    let start = ConvShape::same(from, to, kernel)
        .with_stride(stride)
        .with_dilation(dilation);
    let y = unit(
        net,
        &format!("{key}.conv_start"),
        x,
        start,
        true,
        Activation::Relu,
    )?;
    let last = ConvShape::same(to, to, kernel).with_dilation(dilation);
    let y = unit(
        net,
        &format!("{key}.conv_final"),
        &y,
        last,
        true,
        Activation::Linear,
    )?;
    let skipped = match halves {
        true => {
            let shape = ConvShape::same(from, to, kernel).with_stride(stride);
            unit(
                net,
                &format!("{key}.conv_down"),
                x,
                shape,
                true,
                Activation::Linear,
            )?
        }
        false => x.clone(),
    };
    let sum = net.graph.op("Add", key, &[&y, &skipped], &[]);
    Ok(net.activation(key, &sum, Activation::Relu))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_of_the_input_are_those_of_the_page() {
        let mut page = Pixels::white(3, 2);
        page.data[0] = 0; // red of the top left corner
        let values = pixel_values(&page, 5, 3);
        let red = &values[2 * 15..];
        assert_eq!([red[0], red[1], red[2], red[5]], [0.0, 0.5, 1.0, 0.5]);
        assert_eq!(values[..15], [1.0; 15]);
    }
}
