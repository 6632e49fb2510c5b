//! HGNetV2, the backbone of PP-DocLayout: a picture in, four maps out.
//!
//! Source: docs/reference.md, "HGNetV2 backbone"; weights are named as in the released files.

use super::config::{BackboneConfig, STAGES};
use crate::onnx::checkpoint::CheckpointError;
use crate::onnx::graph::{Attr, Value};
use crate::onnx::layers::{Activation, ConvShape, Layers};

/// Epsilon of its batch norms (frozen, so the configuration does not name it).
const EPSILON: f64 = 1e-5;

/// Maps `[batch, channels, height, width]` at strides 4, 8, 16, 32 of a picture `[batch, 3, height, width]`.
pub(super) fn backbone(
    net: &mut Layers<'_>,
    key: &str,
    image: &Value,
    config: &BackboneConfig,
) -> Result<Vec<Value>, CheckpointError> {
    let mut x = stem(net, &format!("{key}.embedder"), image, config)?;
    let mut maps = Vec::with_capacity(STAGES);
    for stage in 0..STAGES {
        x = stage_of(
            net,
            &format!("{key}.encoder.stages.{stage}"),
            &x,
            config,
            stage,
        )?;
        maps.push(x.clone());
    }
    Ok(maps)
}

/// Convolution, batch norm and activation.
fn unit(
    net: &mut Layers<'_>,
    key: &str,
    x: &Value,
    shape: ConvShape,
    activation: Activation,
) -> Result<Value, CheckpointError> {
    let weights = net.unit_weights(key, false, EPSILON, shape)?;
    Ok(net.conv(key, x, &weights, activation))
}

/// The stem, which reduces height and width to a quarter.
fn stem(
    net: &mut Layers<'_>,
    key: &str,
    image: &Value,
    config: &BackboneConfig,
) -> Result<Value, CheckpointError> {
    let [channels, middle, out] = config.stem;
    let relu = Activation::Relu;
    // Zero padding at the bottom and right keeps the size under 2x2 kernels.
    let pads = [0, 0, 1, 1];
    let x = unit(
        net,
        &format!("{key}.stem1"),
        image,
        ConvShape::same(channels, middle, 3).with_stride(2),
        relu,
    )?;
    let a = ConvShape::same(middle, middle / 2, 2).with_pads(pads);
    let a = unit(net, &format!("{key}.stem2a"), &x, a, relu)?;
    let b = ConvShape::same(middle / 2, middle, 2).with_pads(pads);
    let b = unit(net, &format!("{key}.stem2b"), &a, b, relu)?;
    // Values after ReLU are not negative, so the pool may ignore its padding.
    let pool = [
        ("kernel_shape", Attr::Ints(vec![2, 2])),
        ("strides", Attr::Ints(vec![1, 1])),
        ("pads", Attr::Ints(pads.iter().map(|n| *n as i64).collect())),
    ];
    let pooled = net
        .graph
        .op("MaxPool", &format!("{key}.pool"), &[&x], &pool);
    // A convolution over two concatenated maps, computed as the sum of two convolutions.
    let stem3 = format!("{key}.stem3");
    let weights = net.unit_weights(
        &stem3,
        false,
        EPSILON,
        ConvShape::same(2 * middle, middle, 3).with_stride(2),
    )?;
    let first = net.conv(
        &stem3,
        &pooled,
        &weights.of_channels(0..middle),
        Activation::Linear,
    );
    let second = net.conv(
        &stem3,
        &b,
        &weights.of_channels(middle..2 * middle),
        Activation::Linear,
    );
    let sum = net.graph.op("Add", &stem3, &[&second, &first], &[]);
    let x = net.activation(&stem3, &sum, relu);
    unit(
        net,
        &format!("{key}.stem4"),
        &x,
        ConvShape::same(middle, out, 1),
        relu,
    )
}

fn stage_of(
    net: &mut Layers<'_>,
    key: &str,
    x: &Value,
    config: &BackboneConfig,
    stage: usize,
) -> Result<Value, CheckpointError> {
    let mut x = x.clone();
    let inputs = config.inputs[stage];
    if config.downsamples[stage] {
        let shape = ConvShape::same(inputs, inputs, 3)
            .with_stride(2)
            .depthwise();
        x = unit(
            net,
            &format!("{key}.downsample"),
            &x,
            shape,
            Activation::Linear,
        )?;
    }
    for block in 0..config.blocks[stage] {
        let channels = if block == 0 {
            inputs
        } else {
            config.outputs[stage]
        };
        let y = block_of(
            net,
            &format!("{key}.blocks.{block}"),
            &x,
            channels,
            config,
            stage,
        )?;
        x = if block == 0 {
            y
        } else {
            net.graph
                .op("Add", &format!("{key}.blocks.{block}"), &[&y, &x], &[])
        };
    }
    Ok(x)
}

/// Sequential layers; the outputs of all are aggregated.
fn block_of(
    net: &mut Layers<'_>,
    key: &str,
    x: &Value,
    channels: usize,
    config: &BackboneConfig,
    stage: usize,
) -> Result<Value, CheckpointError> {
    let (middle, out, kernel) = (
        config.mids[stage],
        config.outputs[stage],
        config.kernels[stage],
    );
    let mut parts = vec![x.clone()];
    let mut from = channels;
    for layer in 0..config.layers[stage] {
        let key = format!("{key}.layers.{layer}");
        let last = parts.last().expect("the block's input is there").clone();
        let y = if config.is_light[stage] {
            let point = ConvShape::same(from, middle, 1);
            let y = unit(
                net,
                &format!("{key}.conv1"),
                &last,
                point,
                Activation::Linear,
            )?;
            let deep = ConvShape::same(middle, middle, kernel).depthwise();
            unit(net, &format!("{key}.conv2"), &y, deep, Activation::Relu)?
        } else {
            unit(
                net,
                &key,
                &last,
                ConvShape::same(from, middle, kernel),
                Activation::Relu,
            )?
        };
        parts.push(y);
        from = middle;
    }
    let all = channels + config.layers[stage] * middle;
    let joined = net.concat(key, &parts.iter().collect::<Vec<_>>(), 1);
    let squeezed = ConvShape::same(all, out / 2, 1);
    let y = unit(
        net,
        &format!("{key}.aggregation.0"),
        &joined,
        squeezed,
        Activation::Relu,
    )?;
    unit(
        net,
        &format!("{key}.aggregation.1"),
        &y,
        ConvShape::same(out / 2, out, 1),
        Activation::Relu,
    )
}
