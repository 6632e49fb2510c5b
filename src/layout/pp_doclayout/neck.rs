//! The neck of PP-DocLayout, that of RT-DETR: mixes the maps of three strides with each other; for V3 it also
//! makes the prototype maps of masks.
//!
//! Source: docs/reference.md, "Hybrid encoder" and "Masks of PP-DocLayoutV3".

use super::config::{LEVELS, LayoutConfig, MaskConfig};
use crate::onnx::checkpoint::CheckpointError;
use crate::onnx::graph::Value;
use crate::onnx::layers::{Activation, ConvShape, Layers};

/// Maps `[batch, encoder_hidden, height, width]` at strides 8, 16 and 32, from the backbone's maps.
pub(super) fn neck(
    net: &mut Layers<'_>,
    maps: &[Value],
    config: &LayoutConfig,
) -> Result<Vec<Value>, CheckpointError> {
    let hidden = config.encoder_hidden;
    let mut levels = Vec::with_capacity(LEVELS);
    for (level, map) in maps.iter().enumerate() {
        let key = format!("model.encoder_input_proj.{level}");
        let shape = ConvShape::same(config.backbone.outputs[level + 1], hidden, 1);
        let norm = format!("{key}.1");
        let weights = net.conv_weights(
            &format!("{key}.0"),
            false,
            Some((&norm, config.norm_epsilon)),
            shape,
        )?;
        levels.push(net.conv(&key, map, &weights, Activation::Linear));
    }
    for (index, level) in config.attended_levels.iter().enumerate() {
        levels[*level] = attended(net, index, *level, &levels[*level], config)?;
    }
    // Top-down path: each map is upsampled and merged into the next finer one.
    let mut tops = vec![levels[LEVELS - 1].clone()];
    for step in 0..LEVELS - 1 {
        let key = format!("model.encoder.lateral_convs.{step}");
        tops[step] = unit(
            net,
            &key,
            &tops[step],
            ConvShape::same(hidden, hidden, 1),
            config,
        )?;
        let key = format!("model.encoder.fpn_blocks.{step}");
        tops.push(block(
            net,
            &key,
            [&tops[step], &levels[LEVELS - 2 - step]],
            true,
            LEVELS - 2 - step,
            config,
        )?);
    }
    tops.reverse();
    // Bottom-up path.
    let mut maps = vec![tops[0].clone()];
    for step in 0..LEVELS - 1 {
        let key = format!("model.encoder.downsample_convs.{step}");
        let half = ConvShape::same(hidden, hidden, 3).with_stride(2);
        let down = unit(net, &key, &maps[step], half, config)?;
        let key = format!("model.encoder.pan_blocks.{step}");
        maps.push(block(
            net,
            &key,
            [&down, &tops[step + 1]],
            false,
            step + 1,
            config,
        )?);
    }
    Ok(maps)
}

/// `key.conv`, `key.norm` and SiLU.
fn unit(
    net: &mut Layers<'_>,
    key: &str,
    x: &Value,
    shape: ConvShape,
    config: &LayoutConfig,
) -> Result<Value, CheckpointError> {
    let norm = format!("{key}.norm");
    let weights = net.conv_weights(
        &format!("{key}.conv"),
        false,
        Some((&norm, config.norm_epsilon)),
        shape,
    )?;
    Ok(net.conv(key, x, &weights, Activation::Silu))
}

/// CSP block over two concatenated maps: two paths, one through RepVGG blocks, whose two branches are folded
/// into one convolution.
///
/// `level` is the result's. With `grows` the first map has half its height and width and is upsampled to it.
fn block(
    net: &mut Layers<'_>,
    key: &str,
    maps: [&Value; 2],
    grows: bool,
    level: usize,
    config: &LayoutConfig,
) -> Result<Value, CheckpointError> {
    let (hidden, inner) = (config.encoder_hidden, config.block_hidden);
    let size = config.level_sizes()[level];
    let deep = joined_unit(net, &format!("{key}.conv1"), maps, grows, config)?;
    let mut bottlenecks = Vec::with_capacity(3);
    for bottleneck in 0..3 {
        let key = format!("{key}.bottlenecks.{bottleneck}");
        let branch = |name: &str, kernel| {
            let norm = format!("{key}.{name}.norm");
            let shape = ConvShape::same(inner, inner, kernel);
            net.conv_weights(
                &format!("{key}.{name}.conv"),
                false,
                Some((&norm, config.norm_epsilon)),
                shape,
            )
        };
        bottlenecks.push(branch("conv1", 3)?.plus(&branch("conv2", 1)?));
    }
    let deep = net.silu_chain(&format!("{key}.bottlenecks"), &deep, &bottlenecks, size);
    let shallow = joined_unit(net, &format!("{key}.conv2"), maps, grows, config)?;
    let sum = net.graph.op("Add", key, &[&deep, &shallow], &[]);
    if inner == hidden {
        return Ok(sum);
    }
    unit(
        net,
        &format!("{key}.conv3"),
        &sum,
        ConvShape::same(inner, hidden, 1),
        config,
    )
}

/// `key.conv`, `key.norm` and SiLU over two concatenated maps, as the sum of two convolutions. A 1x1
/// convolution commutes with upsampling, so it runs before it, at a quarter of the work.
fn joined_unit(
    net: &mut Layers<'_>,
    key: &str,
    [first, second]: [&Value; 2],
    grows: bool,
    config: &LayoutConfig,
) -> Result<Value, CheckpointError> {
    let (hidden, inner) = (config.encoder_hidden, config.block_hidden);
    let norm = format!("{key}.norm");
    let shape = ConvShape::same(2 * hidden, inner, 1);
    let weights = net.conv_weights(
        &format!("{key}.conv"),
        false,
        Some((&norm, config.norm_epsilon)),
        shape,
    )?;
    let mut a = net.conv(
        key,
        first,
        &weights.of_channels(0..hidden),
        Activation::Linear,
    );
    if grows {
        a = net.upsample(key, &a, false);
    }
    let b = net.conv(
        key,
        second,
        &weights.of_channels(hidden..2 * hidden),
        Activation::Linear,
    );
    let sum = net.graph.op("Add", key, &[&b, &a], &[]);
    Ok(net.activation(key, &sum, Activation::Silu))
}

/// Self-attention over all cells of a map.
fn attended(
    net: &mut Layers<'_>,
    index: usize,
    level: usize,
    map: &Value,
    config: &LayoutConfig,
) -> Result<Value, CheckpointError> {
    let hidden = config.encoder_hidden;
    let [height, width] = config.level_sizes()[level];
    let key = format!("model.encoder.encoder.{index}");
    let positions = sine_positions(height, width, hidden, config.temperature);
    let positions = net
        .graph
        .floats(&key, &[1, height * width, hidden], positions);
    let mut x = net.tokens(&key, map, hidden);
    for layer in 0..config.encoder_layers {
        let key = format!("{key}.layers.{layer}");
        let placed = net
            .graph
            .op("Add", &format!("{key}.positions"), &[&x, &positions], &[]);
        let attention = format!("{key}.self_attn");
        let q = net.linear(&format!("{attention}.q_proj"), &placed, hidden, hidden)?;
        let k = net.linear(&format!("{attention}.k_proj"), &placed, hidden, hidden)?;
        let v = net.linear(&format!("{attention}.v_proj"), &x, hidden, hidden)?;
        let y = net.attention(&attention, [&q, &k, &v], config.encoder_heads, None);
        let y = net.linear(&format!("{attention}.out_proj"), &y, hidden, hidden)?;
        let y = net.graph.op("Add", &attention, &[&x, &y], &[]);
        x = net.layer_norm(
            &format!("{key}.self_attn_layer_norm"),
            &y,
            hidden,
            config.epsilon,
        )?;
        let y = net.linear(&format!("{key}.fc1"), &x, hidden, config.encoder_ffn)?;
        let y = net.activation(&key, &y, Activation::Gelu);
        let y = net.linear(&format!("{key}.fc2"), &y, config.encoder_ffn, hidden)?;
        let y = net.graph.op("Add", &key, &[&x, &y], &[]);
        x = net.layer_norm(
            &format!("{key}.final_layer_norm"),
            &y,
            hidden,
            config.epsilon,
        )?;
    }
    let channels_first = net.transpose(&key, &x, &[0, 2, 1]);
    Ok(net.reshape(
        &key,
        &channels_first,
        &[0, hidden as i64, height as i64, width as i64],
    ))
}

/// Sine position embedding of cells, `[height * width, channels]`: sine and cosine of row, then of column.
fn sine_positions(height: usize, width: usize, channels: usize, temperature: f64) -> Vec<f32> {
    let quarter = channels / 4;
    let omega: Vec<f64> = (0..quarter)
        .map(|j| 1.0 / temperature.powf(j as f64 / quarter as f64))
        .collect();
    let mut positions = Vec::with_capacity(height * width * channels);
    for y in 0..height {
        for x in 0..width {
            for place in [y, x] {
                positions.extend(omega.iter().map(|w| (place as f64 * w).sin() as f32));
                positions.extend(omega.iter().map(|w| (place as f64 * w).cos() as f32));
            }
        }
    }
    positions
}

/// Prototype maps of masks `[batch, prototypes, height / 4, width / 4]`, from the neck's maps and the
/// backbone's map at stride 4.
pub(super) fn mask_maps(
    net: &mut Layers<'_>,
    levels: &[Value],
    fine: &Value,
    masks: &MaskConfig,
    config: &LayoutConfig,
) -> Result<Value, CheckpointError> {
    let [middle, out] = masks.channels;
    let silu = |net: &mut Layers<'_>, key: &str, x: &Value, shape: ConvShape| {
        let norm = format!("{key}.normalization");
        let weights = net.conv_weights(
            &format!("{key}.convolution"),
            false,
            Some((&norm, config.norm_epsilon)),
            shape,
        )?;
        Ok::<_, CheckpointError>(net.conv(key, x, &weights, Activation::Silu))
    };
    let head = "model.encoder.mask_feature_head";
    let mut sum = None;
    for (level, map) in levels.iter().enumerate() {
        let mut x = map.clone();
        // Every upsampling step up to stride 8 has its own convolution; stride 8 has one without upsampling.
        for step in 0..level.max(1) {
            let channels = if step == 0 {
                config.encoder_hidden
            } else {
                middle
            };
            let key = format!("{head}.scale_heads.{level}.layers.{}", 2 * step);
            x = silu(net, &key, &x, ConvShape::same(channels, middle, 3))?;
            if level > 0 {
                x = net.upsample(&key, &x, true);
            }
        }
        sum = Some(match sum {
            None => x,
            Some(sum) => net.graph.op("Add", head, &[&sum, &x], &[]),
        });
    }
    let sum = sum.expect("there are three levels");
    let x = silu(
        net,
        &format!("{head}.output_conv"),
        &sum,
        ConvShape::same(middle, out, 3),
    )?;
    let x = net.upsample(&format!("{head}.output_conv"), &x, true);
    let lateral = ConvShape::same(config.backbone.outputs[0], out, 3);
    let fine = silu(net, "model.encoder.encoder_mask_lateral", fine, lateral)?;
    let x = net.graph.op(
        "Add",
        "model.encoder.encoder_mask_lateral",
        &[&x, &fine],
        &[],
    );
    let x = silu(
        net,
        "model.encoder.encoder_mask_output.base_conv",
        &x,
        ConvShape::same(out, out, 3),
    )?;
    let last = "model.encoder.encoder_mask_output.conv";
    let weights = net.conv_weights(last, true, None, ConvShape::same(out, masks.prototypes, 1))?;
    Ok(net.conv(last, &x, &weights, Activation::Linear))
}
