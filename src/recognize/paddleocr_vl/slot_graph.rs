//! The graph of the decoder with ONNX Runtime's operators, over a KV cache of slots.
//!
//! Inputs: `tokens`, `[batch, tokens, hidden + head]`: embedding, cosines and sines of each token; `numbers`, the tokens' rows
//! in these tables; `wanted`, the tokens whose next one is wanted; the positions of [`place_arrays`], and the cache.
//! Outputs: `next`, `[wanted, 2]` (token, log-probability), `logits`, and the cache.
//!
//! [`place_arrays`]: crate::onnx::slots::place_arrays

use super::config::TextConfig;
use super::decoder::{DECODER, decoder_layer, head};
use crate::onnx::checkpoint::CheckpointError;
use crate::onnx::graph::{Dim, Element, Value};
use crate::onnx::layers::Layers;
use crate::onnx::projection::Quantization;
use crate::onnx::residual::ResidualStream;
use crate::onnx::slots::{AttentionKernel, CachePorts, SlotHeads};

/// Adds the decoder to a graph; returns the names of each layer's cache.
pub(super) fn build(
    net: &mut Layers<'_>,
    text: &TextConfig,
    heads: SlotHeads,
    attention_kernel: AttentionKernel,
) -> Result<Vec<CachePorts>, CheckpointError> {
    let (hidden, half) = (text.hidden_size, text.head_dim / 2);
    let (batch, tokens) = (Dim::Named("batch"), Dim::Named("tokens"));
    let element = net.element;
    let input = net.graph.input(
        "tokens",
        Element::F32,
        &[batch, tokens, Dim::Fixed(hidden + 2 * half)],
    );
    let numbers = net.graph.input("numbers", Element::I64, &[batch, tokens]);
    let wanted = net
        .graph
        .input("wanted", Element::I64, &[Dim::Named("wanted")]);
    let places = net.slot_places(attention_kernel, heads);
    let mut parts = net.split(DECODER, &input, &[hidden as i64, half as i64, half as i64]);
    if element != Element::F32 {
        parts = parts
            .iter()
            .map(|part| net.graph.cast(DECODER, part, element))
            .collect();
    }
    let [cosines, sines] =
        [1, 2].map(|part| net.reshape(DECODER, &parts[part], &[-1, half as i64]));
    let widths = [text.heads, text.key_value_heads, text.key_value_heads]
        .map(|n| (n * text.head_dim) as i64);
    let mut ports = Vec::new();
    let mut attend = |net: &mut Layers<'_>, at: &str, layer: usize, projected: &Value| {
        let parts = net.split(at, projected, &widths);
        let query = net.turned(at, &parts[0], [&numbers, &cosines, &sines]);
        let key = net.turned(at, &parts[1], [&numbers, &cosines, &sines]);
        let (attended, own) = net.slot_attention(at, layer, [&query, &key, &parts[2]], &places);
        ports.push(own);
        attended
    };
    let mut x = ResidualStream::new(parts[0].clone());
    for layer in 0..text.layers {
        decoder_layer(net, text, Quantization::Exact, layer, &mut x, &mut attend)?;
    }
    let x = net.settled(DECODER, &mut x);
    let rows = net.reshape(DECODER, &x, &[-1, hidden as i64]);
    let x = net.graph.op("Gather", DECODER, &[&rows, &wanted], &[]);
    let logits = head(net, text, Quantization::Exact, &x)?;
    let rows = Dim::Named("wanted");
    let next = net.standard_choice("next", &logits);
    net.graph
        .output("next", &next, Element::F32, &[rows, Dim::Fixed(2)]);
    let logits = net.graph.cast("logits", &logits, Element::F32);
    net.graph.output(
        "logits",
        &logits,
        Element::F32,
        &[rows, Dim::Fixed(text.vocab_size)],
    );
    Ok(ports)
}
