//! Attention over a KV cache of slots with fixed lengths, by ONNX Runtime's operators: a slot is contiguous
//! memory for one whole sequence, written in place.
//!
//! In half precision one fused operator does it; CUDA has it for half precision only. In single precision it
//! is composed of plain operators: slower, but exact enough to compare with.

use super::graph::{Attr, Dim, Element, Value};
use super::layers::Layers;
use super::network::Array;

/// Sizes of a layer's attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotHeads {
    /// Query heads.
    pub query: usize,
    /// Key and value heads.
    pub key_value: usize,
    /// Size of each head.
    pub size: usize,
}

impl SlotHeads {
    /// Query heads that share a key head.
    fn group(&self) -> usize {
        self.query / self.key_value
    }
}

/// Implementation of the attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttentionKernel {
    /// `GroupQueryAttention`.
    Fused,
    /// `TensorScatter`, products and a softmax.
    Plain,
}

/// ONNX operator set required by [`AttentionKernel::Plain`].
pub(crate) const OPSET: u32 = 24;

/// Inputs of a network that give the tokens' positions in their slots.
pub(crate) struct SlotPositions {
    attention_kernel: AttentionKernel,
    heads: SlotHeads,
    inputs: Vec<Value>,
}

/// Names of a layer's cache inputs and outputs, each keys and values.
#[derive(Debug, Clone)]
pub(crate) struct CachePorts {
    /// The cache before the call.
    pub past: [String; 2],
    /// The same memory with the new tokens added.
    pub present: [String; 2],
}

impl Layers<'_> {
    /// Adds the position inputs; see [`place_arrays`].
    pub(crate) fn slot_places(
        &mut self,
        attention_kernel: AttentionKernel,
        heads: SlotHeads,
    ) -> SlotPositions {
        let (batch, graph) = (Dim::Named("batch"), &mut self.graph);
        let inputs = match attention_kernel {
            AttentionKernel::Fused => {
                vec![
                    graph.input("lengths", Element::I32, &[batch]),
                    graph.input("total", Element::I32, &[]),
                ]
            }
            AttentionKernel::Plain => vec![
                graph.input("first", Element::I64, &[batch]),
                graph.input("places", Element::I64, &[batch, Dim::Named("queries")]),
                graph.input("keys", Element::I64, &[Dim::Named("length")]),
            ],
        };
        SlotPositions {
            attention_kernel,
            heads,
            inputs,
        }
    }

    /// Attention over queries and keys (after rotary embedding) and values `[batch, tokens, heads * size]`.
    pub(crate) fn slot_attention(
        &mut self,
        at: &str,
        layer: usize,
        [query, key, value]: [&Value; 3],
        places: &SlotPositions,
    ) -> (Value, CachePorts) {
        let SlotHeads {
            query: queries,
            key_value,
            size,
        } = places.heads;
        let dims = [
            Dim::Named("batch"),
            Dim::Fixed(key_value),
            Dim::Named("length"),
            Dim::Fixed(size),
        ];
        let element = self.element;
        let names = ["key", "value"].map(|kind| format!("past_{kind}_{layer}"));
        let past = names
            .clone()
            .map(|name| self.graph.input(&name, element, &dims));
        let (attended, present) = match places.attention_kernel {
            AttentionKernel::Fused => {
                let [lengths, total] = [&places.inputs[0], &places.inputs[1]];
                let inputs = [query, key, value, &past[0], &past[1], lengths, total];
                let attributes = [
                    ("num_heads", Attr::Int(queries as i64)),
                    ("kv_num_heads", Attr::Int(key_value as i64)),
                ];
                let mut made =
                    self.graph
                        .contrib_many("GroupQueryAttention", at, &inputs, &attributes, 3);
                let present = [made.remove(1), made.remove(1)];
                (made.remove(0), present)
            }
            AttentionKernel::Plain => {
                let [key, value] = [(key, &past[0]), (value, &past[1])].map(|(new, past)| {
                    let new = self.reshape(at, new, &[0, 0, key_value as i64, size as i64]);
                    let new = self.transpose(at, &new, &[0, 2, 1, 3]);
                    self.graph
                        .op("TensorScatter", at, &[past, &new, &places.inputs[0]], &[])
                });
                (
                    self.plain_attention(at, query, [&key, &value], places),
                    [key, value],
                )
            }
        };
        let present = present.map(|value| self.graph.output_in_place(&value, element, &dims));
        (
            attended,
            CachePorts {
                past: names,
                present,
            },
        )
    }

    fn plain_attention(
        &mut self,
        at: &str,
        query: &Value,
        [key, value]: [&Value; 2],
        places: &SlotPositions,
    ) -> Value {
        let heads = places.heads;
        let (shared, group, size) = (
            heads.key_value as i64,
            heads.group() as i64,
            heads.size as i64,
        );
        // Queries that share a key head become consecutive: [batch, shared, group * tokens, size].
        let split = self.reshape(at, query, &[0, 0, shared, group, size]);
        let turned = self.transpose(at, &split, &[0, 2, 3, 1, 4]);
        let rows = self.reshape(at, &turned, &[0, shared, -1, size]);
        let attributes = [
            ("transB", Attr::Int(1)),
            ("alpha", Attr::Float((heads.size as f32).sqrt().recip())),
        ];
        let scores = self
            .graph
            .contrib("FusedMatMul", at, &[&rows, key], &attributes);
        let own = self.reshape(at, &places.inputs[1], &[0, 1, -1, 1]);
        let is_seen = self
            .graph
            .op("LessOrEqual", at, &[&places.inputs[2], &own], &[]);
        let never = self.graph.floats(at, &[], vec![f32::MIN]);
        let scores = self
            .graph
            .op("Where", at, &[&is_seen, &scores, &never], &[]);
        let shares = self
            .graph
            .op("Softmax", at, &[&scores], &[("axis", Attr::Int(-1))]);
        let sums = self.graph.op("MatMul", at, &[&shares, value], &[]);
        // Back to the order of the tokens; as many as the queries had.
        let shape = self.graph.op("Shape", at, &[query], &[]);
        let [first, behind, end] = [0, 1, 2].map(|n| self.graph.ints(at, &[n]));
        let batch = self.graph.op("Slice", at, &[&shape, &first, &behind], &[]);
        let tokens = self.graph.op("Slice", at, &[&shape, &behind, &end], &[]);
        let parts = [shared, group].map(|n| self.graph.ints(at, &[n]));
        let last = self.graph.ints(at, &[size]);
        let wanted = self.concat(at, &[&batch, &parts[0], &parts[1], &tokens, &last], 0);
        let split = self.graph.op("Reshape", at, &[&sums, &wanted], &[]);
        let turned = self.transpose(at, &split, &[0, 3, 1, 2, 4]);
        self.reshape(at, &turned, &[0, 0, shared * group * size])
    }
}

/// Position inputs of a call: `pasts`, number of tokens already in each slot; `counts`, number of new ones;
/// all padded to `tokens`; `length` is that of the slots.
pub(crate) fn place_arrays(
    attention_kernel: AttentionKernel,
    heads: SlotHeads,
    (pasts, counts): (&[usize], &[usize]),
    tokens: usize,
    length: usize,
) -> Vec<(&'static str, Array)> {
    let batch = pasts.len();
    match attention_kernel {
        AttentionKernel::Fused => {
            let last = pasts
                .iter()
                .zip(counts)
                .map(|(past, count)| (past + count - 1) as i32)
                .collect();
            // A decode step passes the slots' length: a captured run must not depend on how full they are.
            let is_new = pasts.iter().all(|past| *past == 0) && tokens > 1;
            let total = match (is_new, tokens) {
                (true, _) => tokens,
                (false, 1) => length,
                (false, _) => pasts[0] + tokens,
            };
            vec![
                ("lengths", Array::I32(vec![batch], last)),
                ("total", Array::I32(vec![], vec![total as i32])),
            ]
        }
        AttentionKernel::Plain => {
            let first = pasts.iter().map(|past| *past as i64).collect();
            let places = pasts.iter().flat_map(|past| {
                let own = move || (0..tokens).map(move |token| (past + token) as i64);
                (0..heads.group()).flat_map(move |_| own())
            });
            vec![
                ("first", Array::I64(vec![batch], first)),
                (
                    "places",
                    Array::I64(vec![batch, heads.group() * tokens], places.collect()),
                ),
                (
                    "keys",
                    Array::I64(vec![length], (0..length as i64).collect()),
                ),
            ]
        }
    }
}
