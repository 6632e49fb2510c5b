//! The decoder of PP-DocLayout, that of RT-DETR: the most promising cells of the maps become queries, which
//! attention layers turn into classes and boxes, in V3 also into masks and a reading order.
//!
//! Source: docs/reference.md, "Query selection and decoder" and "Masks of PP-DocLayoutV3". Letters in shapes:
//! B pages, N cells of all levels, Q queries, d width, L levels, P points, h heads.

use super::config::{LEVELS, LayoutConfig, MaskConfig, Version};
use crate::onnx::checkpoint::CheckpointError;
use crate::onnx::graph::{Attr, Dim, Element, Value};
use crate::onnx::layers::{Activation, ConvShape, ConvWeights, Layers};

/// Name of the batch dimension.
pub(super) const BATCH: Dim = Dim::Named("batch");
/// Nearest to 0 and 1 that a coordinate comes before its logit is taken (RT-DETR's `inverse_sigmoid`).
const LOGIT_EPSILON: f32 = 1e-5;
/// Anchors have their middle between this and one minus this (RT-DETR's `generate_anchors`).
const ANCHOR_EPSILON: f32 = 1e-2;
/// Side of an anchor at the first level, as a share of the page.
const ANCHOR_SIDE: f32 = 0.05;

/// Adds query selection, decoder layers and heads. Outputs: `logits` `[B, Q, classes]`, `boxes` `[B, Q, 4]`
/// (centre, width and height as fractions of the page), and for V3 `order_logits` `[B, Q, Q]` (only the part
/// above the diagonal is meaningful), `mask_queries` `[B, Q, prototypes]` and `mask_maps`.
pub(super) fn decoder(
    net: &mut Layers<'_>,
    maps: &[Value],
    mask_maps: Option<(&Value, MaskConfig)>,
    config: &LayoutConfig,
) -> Result<(), CheckpointError> {
    let (d, queries) = (config.d_model, config.queries);
    let memory = memory(net, maps, config)?;
    let (mut hidden, chosen) = select_queries(net, &memory, config)?;
    let dims = |width: usize| [BATCH, Dim::Fixed(queries), Dim::Fixed(width)];
    let mut reference = match mask_maps {
        Some((maps, masks)) => {
            let mask_queries = mask_queries(net, &hidden, masks, config)?;
            let boxes = boxes_of_masks(net, &mask_queries, maps, masks, config);
            let unactivated = logit(net, "init_reference_points", &boxes);
            net.graph
                .tap("init_reference_points", &unactivated, &dims(4));
            sigmoid(net, "init_reference_points", &unactivated)
        }
        None => {
            let boxes = net.mlp("model.enc_bbox_head", &hidden, &[d, d, d, 4])?;
            let places = config.level_sizes().iter().map(|[h, w]| h * w).sum();
            let anchors = net
                .graph
                .floats("anchors", &[places, 4], anchor_logits(config));
            let anchors = net.graph.op(
                "Gather",
                "anchors",
                &[&anchors, &chosen],
                &[("axis", Attr::Int(0))],
            );
            let unactivated = net.graph.op("Add", "anchors", &[&boxes, &anchors], &[]);
            net.graph
                .tap("init_reference_points", &unactivated, &dims(4));
            sigmoid(net, "init_reference_points", &unactivated)
        }
    };
    let mut steps = Vec::new();
    for layer in 0..config.decoder_layers {
        hidden = decoder_layer(net, layer, &hidden, &reference, &memory, config)?;
        let key = match config.version {
            Version::V2 => format!("model.decoder.bbox_embed.{layer}"),
            Version::V3 => "model.enc_bbox_head".to_string(),
        };
        let change = net.mlp(&key, &hidden, &[d, d, d, 4])?;
        let at = format!("model.decoder.layers.{layer}.reference");
        let before = logit(net, &at, &reference);
        let moved = net.graph.op("Add", &at, &[&change, &before], &[]);
        reference = sigmoid(net, &at, &moved);
        let is_last = layer + 1 == config.decoder_layers;
        if net.graph.is_tapped("intermediate_logits") || is_last {
            let logits = class_logits(net, layer, &hidden, config)?;
            steps.push((logits, reference.clone()));
        }
    }
    tap_steps(net, &steps, config);
    net.graph.tap("last_hidden_state", &hidden, &dims(d));
    let (logits, boxes) = steps.last().expect("the last layer is there");
    net.graph
        .output("logits", logits, Element::F32, &dims(config.classes));
    net.graph.output("boxes", boxes, Element::F32, &dims(4));
    if let Some((maps, masks)) = mask_maps {
        order_output(net, &hidden, config)?;
        let mask_queries = mask_queries(net, &hidden, masks, config)?;
        net.graph.output(
            "mask_queries",
            &mask_queries,
            Element::F32,
            &dims(masks.prototypes),
        );
        let [height, width] = config.mask_size().map(Dim::Fixed);
        let dims = [BATCH, Dim::Fixed(masks.prototypes), height, width];
        net.graph.output("mask_maps", maps, Element::F32, &dims);
    }
    Ok(())
}

/// One level of the decoder's memory: a map of the neck and the convolution that every use of it begins with.
/// The convolution is never computed by itself: it is folded into the linear layers that follow it directly.
struct MemoryLevel {
    map: Value,
    projection: ConvWeights,
}

fn memory(
    net: &Layers<'_>,
    maps: &[Value],
    config: &LayoutConfig,
) -> Result<Vec<MemoryLevel>, CheckpointError> {
    let levels = maps.iter().enumerate().map(|(level, map)| {
        let key = format!("model.decoder_input_proj.{level}");
        let shape = ConvShape::same(config.encoder_hidden, config.d_model, 1);
        let norm = format!("{key}.1");
        let norm = Some((norm.as_str(), config.norm_epsilon));
        let projection = net.conv_weights(&format!("{key}.0"), false, norm, shape)?;
        Ok(MemoryLevel {
            map: map.clone(),
            projection,
        })
    });
    levels.collect()
}

/// The cells with the highest score of any class: their encoder output, `[B, Q, d]`, and their indices.
fn select_queries(
    net: &mut Layers<'_>,
    memory: &[MemoryLevel],
    config: &LayoutConfig,
) -> Result<(Value, Value), CheckpointError> {
    let (d, queries) = (config.d_model, config.queries);
    let at = "model.enc_output";
    // Cells too near the edge are zero before the linear layer, so only its bias is left.
    let linear = net.linear_as_conv("model.enc_output.0", d, d)?;
    let (linear, bias) = linear.without_bias();
    let flat: Vec<Value> = memory
        .iter()
        .map(|level| {
            let map = net.conv(
                at,
                &level.map,
                &linear.after(&level.projection),
                Activation::Linear,
            );
            net.reshape(at, &map, &[0, d as i64, -1])
        })
        .collect();
    let joined = net.concat(at, &flat.iter().collect::<Vec<_>>(), 2);
    let tokens = net.transpose(at, &joined, &[0, 2, 1]);
    let valid: Vec<f32> = anchors(config)
        .into_iter()
        .map(|anchor| if anchor.is_some() { 1.0 } else { 0.0 })
        .collect();
    let valid = net.graph.floats(at, &[1, valid.len(), 1], valid);
    let tokens = net.graph.op("Mul", at, &[&tokens, &valid], &[]);
    let bias = net.graph.floats(at, &[d], bias);
    let x = net.graph.op("Add", at, &[&tokens, &bias], &[]);
    let x = net.layer_norm("model.enc_output.1", &x, d, config.epsilon)?;
    let scores = net.linear("model.enc_score_head", &x, d, config.classes)?;
    let axis = net.graph.ints(at, &[-1]);
    let best = net.graph.op(
        "ReduceMax",
        at,
        &[&scores, &axis],
        &[("keepdims", Attr::Int(0))],
    );
    let count = net.graph.ints(at, &[queries as i64]);
    let chosen = net
        .graph
        .op_many("TopK", at, &[&best, &count], &[("axis", Attr::Int(-1))], 2)[1]
        .clone();
    let index = net.reshape(at, &chosen, &[0, queries as i64, 1]);
    let pick = |net: &mut Layers<'_>, x: &Value| {
        net.graph.op(
            "GatherND",
            at,
            &[x, &index],
            &[("batch_dims", Attr::Int(1))],
        )
    };
    let hidden = pick(net, &x);
    if net.graph.is_tapped("enc_topk_logits") {
        let logits = pick(net, &scores);
        let dims = [BATCH, Dim::Fixed(queries), Dim::Fixed(config.classes)];
        net.graph.tap("enc_topk_logits", &logits, &dims);
    }
    Ok((hidden, chosen))
}

/// The anchor of every cell, `[x, y, width, height]` as fractions of the page; `None` too near the edge.
fn anchors(config: &LayoutConfig) -> Vec<Option<[f32; 4]>> {
    let mut anchors = Vec::new();
    for (level, [height, width]) in config.level_sizes().into_iter().enumerate() {
        let side = ANCHOR_SIDE * 2f32.powi(level as i32);
        for y in 0..height {
            for x in 0..width {
                let anchor = [
                    (x as f32 + 0.5) / width as f32,
                    (y as f32 + 0.5) / height as f32,
                    side,
                    side,
                ];
                let fits = anchor
                    .iter()
                    .all(|v| *v > ANCHOR_EPSILON && *v < 1.0 - ANCHOR_EPSILON);
                anchors.push(fits.then_some(anchor));
            }
        }
    }
    anchors
}

/// Logits of the anchors, `[N, 4]`; for invalid anchors the largest float, whose sigmoid is one.
fn anchor_logits(config: &LayoutConfig) -> Vec<f32> {
    let logit = |v: f32| (v / (1.0 - v)).ln();
    anchors(config)
        .into_iter()
        .flat_map(|anchor| anchor.map_or([f32::MAX; 4], |a| a.map(logit)))
        .collect()
}

/// 1 / (1 + exp(-x)), composed of operators: the runtime's Sigmoid has an error of 1e-7, too much for boxes
/// at the edge of the page, which the next layer converts back to logits.
fn sigmoid(net: &mut Layers<'_>, at: &str, x: &Value) -> Value {
    let at = format!("{at}.sigmoid");
    let one = net.graph.floats(&at, &[], vec![1.0]);
    let negative = net.graph.op("Neg", &at, &[x], &[]);
    let power = net.graph.op("Exp", &at, &[&negative], &[]);
    let sum = net.graph.op("Add", &at, &[&power, &one], &[]);
    net.graph.op("Div", &at, &[&one, &sum], &[])
}

/// ln(x / (1 - x)), with both kept above zero.
fn logit(net: &mut Layers<'_>, at: &str, x: &Value) -> Value {
    let at = format!("{at}.logit");
    let one = net.graph.floats(&at, &[], vec![1.0]);
    let rest = net.graph.op("Sub", &at, &[&one, x], &[]);
    let above = net.with_number("Max", &at, x, LOGIT_EPSILON);
    let rest = net.with_number("Max", &at, &rest, LOGIT_EPSILON);
    let ratio = net.graph.op("Div", &at, &[&above, &rest], &[]);
    net.graph.op("Log", &at, &[&ratio], &[])
}

fn class_logits(
    net: &mut Layers<'_>,
    layer: usize,
    hidden: &Value,
    config: &LayoutConfig,
) -> Result<Value, CheckpointError> {
    let (d, classes) = (config.d_model, config.classes);
    match config.version {
        Version::V2 => net.linear(
            &format!("model.decoder.class_embed.{layer}"),
            hidden,
            d,
            classes,
        ),
        Version::V3 => {
            let x = net.layer_norm("model.decoder_norm", hidden, d, config.epsilon)?;
            net.linear("model.enc_score_head", &x, d, classes)
        }
    }
}

/// Outputs of every layer, `[B, layers, Q, ..]`, if tapped.
fn tap_steps(net: &mut Layers<'_>, steps: &[(Value, Value)], config: &LayoutConfig) {
    if !net.graph.is_tapped("intermediate_logits") {
        return;
    }
    let mut stack = |name: &str, values: Vec<&Value>, width: usize| {
        let shape = [0, 1, config.queries as i64, width as i64];
        let parts: Vec<Value> = values
            .into_iter()
            .map(|v| net.reshape(name, v, &shape))
            .collect();
        let joined = net.concat(name, &parts.iter().collect::<Vec<_>>(), 1);
        let dims = [
            BATCH,
            Dim::Fixed(steps.len()),
            Dim::Fixed(config.queries),
            Dim::Fixed(width),
        ];
        net.graph.tap(name, &joined, &dims);
    };
    stack(
        "intermediate_logits",
        steps.iter().map(|s| &s.0).collect(),
        config.classes,
    );
    stack(
        "intermediate_reference_points",
        steps.iter().map(|s| &s.1).collect(),
        4,
    );
}

fn decoder_layer(
    net: &mut Layers<'_>,
    layer: usize,
    hidden: &Value,
    reference: &Value,
    memory: &[MemoryLevel],
    config: &LayoutConfig,
) -> Result<Value, CheckpointError> {
    let d = config.d_model;
    let key = format!("model.decoder.layers.{layer}");
    let position = net.mlp("model.decoder.query_pos_head", reference, &[4, 2 * d, d])?;
    let placed = net.graph.op(
        "Add",
        &format!("{key}.positions"),
        &[hidden, &position],
        &[],
    );
    let attention = format!("{key}.self_attn");
    let q = net.linear(&format!("{attention}.q_proj"), &placed, d, d)?;
    let k = net.linear(&format!("{attention}.k_proj"), &placed, d, d)?;
    let v = net.linear(&format!("{attention}.v_proj"), hidden, d, d)?;
    let y = net.attention(&attention, [&q, &k, &v], config.decoder_heads, None);
    let y = net.linear(&format!("{attention}.out_proj"), &y, d, d)?;
    let y = net.graph.op("Add", &attention, &[hidden, &y], &[]);
    let x = net.layer_norm(
        &format!("{key}.self_attn_layer_norm"),
        &y,
        d,
        config.epsilon,
    )?;
    let placed = net
        .graph
        .op("Add", &format!("{key}.positions"), &[&x, &position], &[]);
    let y = deformable_attention(
        net,
        &format!("{key}.encoder_attn"),
        &placed,
        reference,
        memory,
        config,
    )?;
    let y = net.graph.op("Add", &key, &[&x, &y], &[]);
    let x = net.layer_norm(
        &format!("{key}.encoder_attn_layer_norm"),
        &y,
        d,
        config.epsilon,
    )?;
    let y = net.linear(&format!("{key}.fc1"), &x, d, config.decoder_ffn)?;
    let y = net.activation(&key, &y, Activation::Relu);
    let y = net.linear(&format!("{key}.fc2"), &y, config.decoder_ffn, d)?;
    let y = net.graph.op("Add", &key, &[&x, &y], &[]);
    net.layer_norm(&format!("{key}.final_layer_norm"), &y, d, config.epsilon)
}

/// Deformable attention, `[B, Q, d]`: heads sample a few points of each level, relative to the query's box.
fn deformable_attention(
    net: &mut Layers<'_>,
    key: &str,
    query: &Value,
    reference: &Value,
    memory: &[MemoryLevel],
    config: &LayoutConfig,
) -> Result<Value, CheckpointError> {
    let (d, heads, points) = (config.d_model, config.decoder_heads, config.points);
    let [head, samples] = [d / heads, LEVELS * points];
    let [q, h, s] = [config.queries, heads, samples].map(|n| n as i64);
    let offsets = net.linear(
        &format!("{key}.sampling_offsets"),
        query,
        d,
        heads * samples * 2,
    )?;
    let offsets = net.reshape(key, &offsets, &[0, q, h, s, 2]);
    let weights = net.linear(
        &format!("{key}.attention_weights"),
        query,
        d,
        heads * samples,
    )?;
    let weights = net.reshape(key, &weights, &[0, q, h, s]);
    let weights = net
        .graph
        .op("Softmax", key, &[&weights], &[("axis", Attr::Int(-1))]);
    let weights = net.transpose(key, &weights, &[0, 2, 1, 3]);
    let weights = net.reshape(key, &weights, &[-1, 1, q, s]); // [B h, 1, Q, L P]
    // Sampling positions from -1 to 1, as GridSample expects: 2 (xy + offset / P * wh * 0.5) - 1.
    let [xy, wh] = [(0, 2), (2, 4)].map(|(start, end)| {
        let part = net.last(key, reference, start, end);
        net.reshape(key, &part, &[0, q, 1, 1, 2])
    });
    let wh = net.with_number("Mul", key, &wh, 1.0 / points as f32);
    let xy = net.with_number("Mul", key, &xy, 2.0);
    let xy = net.with_number("Sub", key, &xy, 1.0);
    let grid = net.graph.op("Mul", key, &[&offsets, &wh], &[]);
    let grid = net.graph.op("Add", key, &[&grid, &xy], &[]);
    let grid = net.transpose(key, &grid, &[0, 2, 1, 3, 4]);
    let grid = net.reshape(key, &grid, &[-1, q, s, 2]); // [B h, Q, L P, 2]
    let split = [
        ("axis", Attr::Int(2)),
        ("num_outputs", Attr::Int(LEVELS as i64)),
    ];
    let grids = net.graph.op_many("Split", key, &[&grid], &split, LEVELS);
    let values = net.linear_as_conv(&format!("{key}.value_proj"), d, d)?;
    let attributes = [
        ("mode", Attr::Text("linear")),
        ("padding_mode", Attr::Text("zeros")),
        ("align_corners", Attr::Int(0)),
    ];
    let mut sampled = Vec::with_capacity(LEVELS);
    for (level, [height, width]) in config.level_sizes().into_iter().enumerate() {
        let at = format!("{key}.{level}");
        let values = values.after(&memory[level].projection);
        let value = net.conv(&at, &memory[level].map, &values, Activation::Linear);
        let shape = [-1, head as i64, height as i64, width as i64];
        let value = net.reshape(&at, &value, &shape); // [B h, d / h, height, width]
        sampled.push(
            net.graph
                .op("GridSample", &at, &[&value, &grids[level]], &attributes),
        ); // [B h, d / h, Q, P]
    }
    let sampled = net.concat(key, &sampled.iter().collect::<Vec<_>>(), 3);
    let weighted = net.graph.op("Mul", key, &[&sampled, &weights], &[]);
    let axis = net.graph.ints(key, &[-1]);
    let sum = net.graph.op(
        "ReduceSum",
        key,
        &[&weighted, &axis],
        &[("keepdims", Attr::Int(0))],
    );
    let sum = net.reshape(key, &sum, &[-1, d as i64, q]);
    let sum = net.transpose(key, &sum, &[0, 2, 1]);
    net.linear(&format!("{key}.output_proj"), &sum, d, d)
}

/// Mask coefficients of the prototype maps, `[B, Q, prototypes]`.
fn mask_queries(
    net: &mut Layers<'_>,
    hidden: &Value,
    masks: MaskConfig,
    config: &LayoutConfig,
) -> Result<Value, CheckpointError> {
    let d = config.d_model;
    let x = net.layer_norm("model.decoder_norm", hidden, d, config.epsilon)?;
    net.mlp("model.mask_query_head", &x, &[d, d, d, masks.prototypes])
}

/// Bounding boxes of each mask's cells above zero, `[B, Q, 4]` (centre, width, height as fractions of the
/// page); zeros for an empty mask.
fn boxes_of_masks(
    net: &mut Layers<'_>,
    mask_queries: &Value,
    maps: &Value,
    masks: MaskConfig,
    config: &LayoutConfig,
) -> Value {
    let at = "mask_boxes";
    let [height, width] = config.mask_size();
    let q = config.queries as i64;
    let flat = net.reshape(at, maps, &[0, masks.prototypes as i64, -1]);
    let logits = net.graph.op("MatMul", at, &[mask_queries, &flat], &[]);
    let logits = net.reshape(at, &logits, &[0, q, height as i64, width as i64]);
    // Along each axis: the first row or column with a cell above zero, and the one after the last.
    let ends = [(2, width), (3, height)].map(|(other, length)| {
        let axis = net.graph.ints(at, &[other]);
        let most = net.graph.op(
            "ReduceMax",
            at,
            &[&logits, &axis],
            &[("keepdims", Attr::Int(0))],
        );
        let is_on = net.with_number("Greater", at, &most, 0.0);
        let on = net.graph.op("Cast", at, &[&is_on], &[("to", Attr::Int(1))]);
        let places = net
            .graph
            .floats(at, &[length], (0..length).map(|i| i as f32).collect());
        let beyond = net.graph.floats(at, &[], vec![length as f32]);
        let last_axis = net.graph.ints(at, &[-1]);
        let kept = net.graph.op("Mul", at, &[&on, &places], &[]);
        let last = net.graph.op("ReduceMax", at, &[&kept, &last_axis], &[]);
        let last = net.with_number("Add", at, &last, 1.0);
        let kept = net.graph.op("Where", at, &[&is_on, &places, &beyond], &[]);
        let first = net.graph.op("ReduceMin", at, &[&kept, &last_axis], &[]);
        let any = net.graph.op("ReduceMax", at, &[&on, &last_axis], &[]);
        [first, last].map(|end| {
            let end = net.graph.op("Mul", at, &[&end, &any], &[]);
            net.with_number("Div", at, &end, length as f32)
        })
    });
    let middle = |net: &mut Layers<'_>, [first, last]: &[Value; 2]| {
        let sum = net.graph.op("Add", at, &[first, last], &[]);
        net.with_number("Div", at, &sum, 2.0)
    };
    let extent = |net: &mut Layers<'_>, [first, last]: &[Value; 2]| {
        net.graph.op("Sub", at, &[last, first], &[])
    };
    let (x, y) = (middle(net, &ends[0]), middle(net, &ends[1]));
    let (w, h) = (extent(net, &ends[0]), extent(net, &ends[1]));
    net.concat(at, &[&x, &y, &w, &h], -1)
}

/// V3's pointer: logits that one query comes before another.
fn order_output(
    net: &mut Layers<'_>,
    hidden: &Value,
    config: &LayoutConfig,
) -> Result<(), CheckpointError> {
    let d = config.d_model;
    let x = net.layer_norm("model.decoder_norm", hidden, d, config.epsilon)?;
    let key = format!("model.decoder_order_head.{}", config.decoder_layers - 1);
    let x = net.linear(&key, &x, d, d)?;
    let logits = pointer(
        net,
        "model.decoder_global_pointer.dense",
        &x,
        d,
        config.pointer,
    )?;
    let queries = Dim::Fixed(config.queries);
    net.graph.output(
        "order_logits",
        &logits,
        Element::F32,
        &[BATCH, queries, queries],
    );
    Ok(())
}

/// Scores of all pairs of tokens, `[B, tokens, tokens]`, from the linear layer `key`.
pub(super) fn pointer(
    net: &mut Layers<'_>,
    key: &str,
    x: &Value,
    from: usize,
    width: usize,
) -> Result<Value, CheckpointError> {
    let both = net.linear(key, x, from, 2 * width)?;
    let query = net.last(key, &both, 0, width as i64);
    let query = net.with_number("Div", key, &query, (width as f32).sqrt());
    let token = net.last(key, &both, width as i64, 2 * width as i64);
    Ok(net.graph.contrib(
        "FusedMatMul",
        key,
        &[&query, &token],
        &[("transB", Attr::Int(1))],
    ))
}
