//! PP-DocLayoutV2's second network: the reading order of the detections above their class's threshold.
//!
//! Source: docs/reference.md, "Reading order of PP-DocLayoutV2". The reference runs it on all queries, with
//! those below the threshold as padding. Padding tokens do not attend to each other and have equal inputs, so
//! one stands for all of them here: a page of 20 blocks takes 23 tokens instead of 302, with the same result.

use super::config::ReadingOrderConfig;
use super::decoder::{BATCH, pointer};
use crate::onnx::checkpoint::{Checkpoint, CheckpointError};
use crate::onnx::graph::{Attr, Dim, Element, Graph, Value};
use crate::onnx::layers::{Activation, Layers};
use crate::onnx::network::{Array, Network};
use crate::onnx::{OnnxError, Runtime};

const TOKENS: Dim = Dim::Named("tokens");
/// Smallest side of a box in relations.
const MIN_SIDE: f32 = 1e-3;
/// Added to sides before they are divided by.
const SIDE_EPSILON: f32 = 1e-5;
/// Attention mask: the value added to the scores of masked tokens.
const MASKED: f32 = -1e4;
/// Largest coordinate; the tables of the embedding hold them all.
pub(crate) const COORDINATES: f32 = 1000.0;

/// The detections of a page whose order is wanted, and its number of queries.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderRequest {
    /// `[x1, y1, x2, y2]` from 0 to 1000.
    pub boxes: Vec<[f32; 4]>,
    /// Block kind of each, by the configuration's `class_order`.
    pub kinds: Vec<i64>,
    /// Number of all queries.
    pub queries: usize,
}

/// The network, ready to run.
pub struct ReadingOrder {
    network: Network,
    config: ReadingOrderConfig,
}

impl ReadingOrder {
    /// Builds the network from a checkpoint of PP-DocLayoutV2.
    pub fn build(
        checkpoint: &Checkpoint,
        config: &ReadingOrderConfig,
        name: &str,
    ) -> Result<impl FnOnce(&Runtime) -> Result<ReadingOrder, OnnxError> + use<>, CheckpointError>
    {
        let mut net = Layers::new(Graph::new(format!("{name}, reading order")), checkpoint);
        graph(&mut net, config)?;
        let (graph, config) = (net.graph, config.clone());
        Ok(move |runtime: &Runtime| {
            Ok(ReadingOrder {
                network: graph.build(runtime)?,
                config,
            })
        })
    }

    /// Order logits of all pairs of queries of each page, `queries` x `queries`, requested ones first: the
    /// score that the first of a pair comes before the second. Only the part above the diagonal is
    /// meaningful.
    pub fn run(&mut self, pages: &[OrderRequest]) -> Result<Vec<Vec<f32>>, OnnxError> {
        let tokens = pages
            .iter()
            .map(|page| page.boxes.len() + 3)
            .max()
            .unwrap_or(0);
        let inputs = inputs(pages, tokens, &self.config);
        self.network.run(inputs, |outputs| {
            let (_, logits) = outputs.f32("order_logits")?;
            let of_page = logits.chunks_exact(tokens * tokens);
            Ok(pages
                .iter()
                .zip(of_page)
                .map(|(page, logits)| spread(page, logits, tokens))
                .collect())
        })
    }
}

/// Expands the tokens' scores to all queries. Tokens: the start, the boxes, the end, which takes the place of
/// the first query left out, and one padding token for all other queries.
fn spread(page: &OrderRequest, logits: &[f32], tokens: usize) -> Vec<f32> {
    let token = |query: usize| 1 + query.min(page.boxes.len() + 1);
    let pairs = (0..page.queries).flat_map(|i| (0..page.queries).map(move |j| (i, j)));
    pairs
        .map(|(i, j)| logits[token(i) * tokens + token(j)])
        .collect()
}

/// The network's inputs: a batch of pages, shorter ones padded with masked tokens.
fn inputs(
    pages: &[OrderRequest],
    tokens: usize,
    config: &ReadingOrderConfig,
) -> Vec<(&'static str, Array)> {
    let [pad, start, end, block] = config.tokens;
    let mut ids = Vec::new();
    let mut positions = Vec::new();
    let mut corners: Vec<[f32; 4]> = Vec::new();
    let mut kinds = Vec::new();
    let mut has_kind = Vec::new();
    let mut bias = Vec::new();
    for page in pages {
        let live = page.boxes.len() + 2;
        for token in 0..tokens {
            let inner = token.checked_sub(1).filter(|i| *i < page.boxes.len());
            ids.push(if token == 0 {
                start
            } else if inner.is_some() {
                block
            } else if token + 1 == live {
                end
            } else {
                pad
            });
            positions.push(if token < live {
                token as i64 + 1 + pad
            } else {
                pad
            });
            corners.push(inner.map_or([0.0; 4], |i| page.boxes[i]));
            // Queries that are left out have the kind of class 0; the start and any token after the last
            // query have none.
            kinds.push(inner.map_or(config.class_order[0], |i| page.kinds[i]));
            has_kind.push(if token > 0 && token <= page.queries {
                1.0
            } else {
                0.0
            });
            bias.push(if token < live { 0.0 } else { MASKED });
        }
    }
    let shape = || vec![pages.len(), tokens];
    let with = |n: usize| vec![pages.len(), tokens, n];
    let column = |column: usize| corners.iter().map(|c| c[column] as i64).collect::<Vec<_>>();
    let side = |from: usize, to: usize| {
        let largest = config.coordinates as i64 - 1;
        corners
            .iter()
            .map(|c| (c[to] as i64 - c[from] as i64).clamp(0, largest))
            .collect::<Vec<_>>()
    };
    vec![
        ("ids", Array::I64(shape(), ids)),
        ("positions", Array::I64(shape(), positions)),
        ("left", Array::I64(shape(), column(0))),
        ("top", Array::I64(shape(), column(1))),
        ("right", Array::I64(shape(), column(2))),
        ("bottom", Array::I64(shape(), column(3))),
        ("height", Array::I64(shape(), side(1, 3))),
        ("width", Array::I64(shape(), side(0, 2))),
        ("kinds", Array::I64(shape(), kinds)),
        ("has_kind", Array::F32(with(1), has_kind)),
        ("boxes", Array::F32(with(4), corners.concat())),
        ("mask", Array::F32(vec![pages.len(), 1, 1, tokens], bias)),
    ]
}

fn graph(net: &mut Layers<'_>, config: &ReadingOrderConfig) -> Result<(), CheckpointError> {
    let hidden = config.hidden;
    let mut x = embeddings(net, config)?;
    let boxes = net
        .graph
        .input("boxes", Element::F32, &[BATCH, TOKENS, Dim::Fixed(4)]);
    let one = Dim::Fixed(1);
    let mask = net
        .graph
        .input("mask", Element::F32, &[BATCH, one, one, TOKENS]);
    let relations = relations(net, &boxes, config)?;
    let bias = net
        .graph
        .op("Add", "reading_order.bias", &[&relations, &mask], &[]);
    for layer in 0..config.layers {
        let key = format!("reading_order.encoder.layer.{layer}");
        let part = |net: &mut Layers<'_>, name: &str| {
            net.linear(&format!("{key}.attention.self.{name}"), &x, hidden, hidden)
        };
        let (q, k, v) = (part(net, "query")?, part(net, "key")?, part(net, "value")?);
        let y = net.attention(&key, [&q, &k, &v], config.heads, Some(&bias));
        let y = net.linear(&format!("{key}.attention.output.dense"), &y, hidden, hidden)?;
        let y = net
            .graph
            .op("Add", &format!("{key}.attention"), &[&y, &x], &[]);
        let y = net.layer_norm(
            &format!("{key}.attention.output.norm"),
            &y,
            hidden,
            config.epsilon,
        )?;
        let z = net.linear(&format!("{key}.intermediate.dense"), &y, hidden, config.ffn)?;
        let z = net.activation(&format!("{key}.intermediate"), &z, Activation::Gelu);
        let z = net.linear(&format!("{key}.output.dense"), &z, config.ffn, hidden)?;
        let z = net
            .graph
            .op("Add", &format!("{key}.output"), &[&z, &y], &[]);
        x = net.layer_norm(&format!("{key}.output.norm"), &z, hidden, config.epsilon)?;
    }
    let logits = pointer(
        net,
        "reading_order.relative_head.dense",
        &x,
        hidden,
        config.pointer,
    )?;
    net.graph.output(
        "order_logits",
        &logits,
        Element::F32,
        &[BATCH, TOKENS, TOKENS],
    );
    Ok(())
}

/// Looks up the rows of table `key` for input `name`.
fn embedding(
    net: &mut Layers<'_>,
    key: &str,
    name: &'static str,
    rows: usize,
    width: usize,
) -> Result<Value, CheckpointError> {
    let index = net.graph.input(name, Element::I64, &[BATCH, TOKENS]);
    looked_up(net, key, &index, rows, width)
}

fn looked_up(
    net: &mut Layers<'_>,
    key: &str,
    index: &Value,
    rows: usize,
    width: usize,
) -> Result<Value, CheckpointError> {
    let table = net.tensor(&format!("{key}.weight"), &[rows, width])?;
    Ok(net
        .graph
        .op("Gather", key, &[&table, index], &[("axis", Attr::Int(0))]))
}

/// Sum of the tokens' embeddings, `[B, tokens, hidden]`.
fn embeddings(net: &mut Layers<'_>, config: &ReadingOrderConfig) -> Result<Value, CheckpointError> {
    let hidden = config.hidden;
    let prefix = "reading_order.embeddings";
    let add =
        |net: &mut Layers<'_>, a: &Value, b: &Value| net.graph.op("Add", prefix, &[a, b], &[]);
    let x = embedding(
        net,
        &format!("{prefix}.word_embeddings"),
        "ids",
        config.words,
        hidden,
    )?;
    // All tokens have token type 0.
    let key = format!("{prefix}.token_type_embeddings");
    let types = net.tensor(&format!("{key}.weight"), &[config.types, hidden])?;
    let first = net.graph.ints(&key, &[0]);
    let kind = net
        .graph
        .op("Gather", &key, &[&types, &first], &[("axis", Attr::Int(0))]);
    let x = add(net, &x, &kind);
    let key = format!("{prefix}.position_embeddings");
    let position = embedding(net, &key, "positions", config.positions, hidden)?;
    let x = add(net, &x, &position);
    let mut parts = Vec::with_capacity(6);
    let tables = [
        ("x", "left", config.coordinate),
        ("y", "top", config.coordinate),
        ("x", "right", config.coordinate),
        ("y", "bottom", config.coordinate),
        ("h", "height", config.shape),
        ("w", "width", config.shape),
    ];
    for (table, name, width) in tables {
        let key = format!("{prefix}.{table}_position_embeddings");
        parts.push(embedding(net, &key, name, config.coordinates, width)?);
    }
    let places = net.concat(prefix, &parts.iter().collect::<Vec<_>>(), -1);
    let width = 4 * config.coordinate + 2 * config.shape;
    let places = net.linear(&format!("{prefix}.spatial_proj"), &places, width, hidden)?;
    let x = add(net, &x, &places);
    let kinds = embedding(
        net,
        "reading_order.label_embeddings",
        "kinds",
        config.classes,
        hidden,
    )?;
    let kinds = net.linear(
        "reading_order.label_features_projection",
        &kinds,
        hidden,
        hidden,
    )?;
    let has_kind = net
        .graph
        .input("has_kind", Element::F32, &[BATCH, TOKENS, Dim::Fixed(1)]);
    let kinds = net.graph.op("Mul", prefix, &[&kinds, &has_kind], &[]);
    let x = add(net, &x, &kinds);
    net.layer_norm(&format!("{prefix}.norm"), &x, hidden, config.epsilon)
}

/// Relative position bias of boxes, added to the attention scores: `[B, heads, tokens, tokens]`, rows are
/// sources and columns targets.
fn relations(
    net: &mut Layers<'_>,
    boxes: &Value,
    config: &ReadingOrderConfig,
) -> Result<Value, CheckpointError> {
    let at = "reading_order.encoder.rel_bias_module";
    let [low, high] = [(0, 2), (2, 4)].map(|(start, end)| net.last(at, boxes, start, end));
    let size = net.graph.op("Sub", at, &[&high, &low], &[]);
    let size = net.with_number("Max", at, &size, MIN_SIDE);
    let size = net.with_number("Add", at, &size, SIDE_EPSILON);
    let middle = net.graph.op("Add", at, &[&low, &high], &[]);
    let middle = net.with_number("Mul", at, &middle, 0.5);
    let (source_axis, target_axis) = (net.graph.ints(at, &[2]), net.graph.ints(at, &[1]));
    let source =
        |net: &mut Layers<'_>, x: &Value| net.graph.op("Unsqueeze", at, &[x, &source_axis], &[]);
    let (middle_source, size_source) = (source(net, &middle), source(net, &size));
    let target =
        |net: &mut Layers<'_>, x: &Value| net.graph.op("Unsqueeze", at, &[x, &target_axis], &[]);
    let (middle_target, size_target) = (target(net, &middle), target(net, &size));
    let apart = net
        .graph
        .op("Sub", at, &[&middle_source, &middle_target], &[]);
    let apart = net.graph.op("Abs", at, &[&apart], &[]);
    let apart = net.graph.op("Div", at, &[&apart, &size_source], &[]);
    let apart = net.with_number("Add", at, &apart, 1.0);
    let larger = net.graph.op("Div", at, &[&size_source, &size_target], &[]);
    let features = net.concat(at, &[&apart, &larger], -1);
    let features = net.graph.op("Log", at, &[&features], &[]); // [B, tokens, tokens, 4]
    let features = net.with_number("Mul", at, &features, config.relation_scale);
    let axis = net.graph.ints(at, &[-1]);
    let features = net.graph.op("Unsqueeze", at, &[&features, &axis], &[]);
    let half = config.relation / 2;
    let frequencies: Vec<f32> = (0..half)
        .map(|j| 1.0 / (config.relation_theta as f32).powf(2.0 * j as f32 / half as f32))
        .collect();
    let frequencies = net.graph.floats(at, &[half], frequencies);
    let angles = net.graph.op("Mul", at, &[&features, &frequencies], &[]);
    let sine = net.graph.op("Sin", at, &[&angles], &[]);
    let cosine = net.graph.op("Cos", at, &[&angles], &[]);
    let waves = net.concat(at, &[&sine, &cosine], -1); // [B, tokens, tokens, 4, relation]
    let width = 4 * config.relation;
    // Merges the last two dimensions.
    let waves = net.reshape(at, &waves, &[0, 0, 0, width as i64]);
    let weights = net.checkpoint.f32(
        &format!("{at}.pos_proj.weight"),
        &[config.heads, width, 1, 1],
    )?;
    let weight = net.graph.floats(at, &[config.heads, width], weights);
    let y = net.graph.contrib(
        "FusedMatMul",
        at,
        &[&waves, &weight],
        &[("transB", Attr::Int(1))],
    );
    let bias = net.vector(&format!("{at}.pos_proj.bias"), config.heads)?;
    let y = net.graph.op("Add", at, &[&y, &bias], &[]);
    Ok(net.transpose(at, &y, &[0, 3, 1, 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_padding_token_stands_for_all_queries_left_out() {
        // Two of four queries take part: start, two boxes, end, padding.
        let page = OrderRequest {
            boxes: vec![[0.0; 4]; 2],
            kinds: vec![1, 2],
            queries: 4,
        };
        let logits: Vec<f32> = (0..25).map(|i| i as f32).collect();
        let all = spread(&page, &logits, 5);
        assert_eq!(all[..4], [6.0, 7.0, 8.0, 9.0], "boxes, end, padding");
        assert_eq!(all[12..], [21.0, 22.0, 23.0, 24.0]);
        let more = OrderRequest { queries: 5, ..page };
        assert_eq!(
            spread(&more, &logits, 5)[20..],
            [21.0, 22.0, 23.0, 24.0, 24.0]
        );
    }
}
