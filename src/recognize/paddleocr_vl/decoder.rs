//! The decoder: token embeddings in, next tokens out, with a KV cache.
//!
//! One call takes tokens of any number of sequences, packed consecutively: whole prompts, parts of prompts,
//! single tokens and drafted runs side by side. This one computes with our own kernels on the CPU;
//! [`slot_decoder`](super::slot_decoder) is the same network for a GPU.

use super::config::{TextConfig, VlModelConfig};
use super::positions::Rotary;
use super::vision::Intermediates;
use crate::kernels::attention::{Cache, Heads, Row};
use crate::kernels::linear::Finish;
use crate::onnx::checkpoint::{Checkpoint, CheckpointError, MappedMatrix};
use crate::onnx::graph::{Dim, Element, Graph, Value};
use crate::onnx::layers::Layers;
use crate::onnx::network::{Array, Network};
use crate::onnx::packs::Packs;
use crate::onnx::projection::{Projection, Quantization};
use crate::onnx::residual::{Norm, ResidualStream};
use crate::onnx::{OnnxError, Runtime};
use std::sync::{Arc, Mutex, PoisonError};

/// Prefix of the decoder's checkpoint keys.
pub(super) const DECODER: &str = "model";

/// The network and its cache.
pub struct Decoder {
    network: Network,
    cache: Arc<Mutex<Cache>>,
    embeddings: Embeddings,
    half_head: usize,
}

/// Token embedding table.
#[derive(Clone)]
pub struct Embeddings {
    table: MappedMatrix,
    hidden: usize,
}

impl Embeddings {
    /// Reads the table.
    pub fn read(checkpoint: &Checkpoint, text: &TextConfig) -> Result<Embeddings, CheckpointError> {
        let shape = [text.vocab_size, text.hidden_size];
        let table = checkpoint.matrix(&format!("{DECODER}.embed_tokens.weight"), shape)?;
        Ok(Embeddings {
            table,
            hidden: text.hidden_size,
        })
    }

    /// Width of an embedding.
    pub fn width(&self) -> usize {
        self.hidden
    }

    /// Appends a token's embedding to `to`.
    pub fn embed(&self, id: u32, to: &mut Vec<f32>) {
        let at = to.len();
        to.resize(at + self.hidden, 0.0);
        self.table.row(id as usize, &mut to[at..]);
    }
}

/// Tokens of a call, packed.
#[derive(Debug, Clone, Default)]
pub struct Packed {
    /// Token embeddings, `[tokens, hidden]`.
    pub embeddings: Vec<f32>,
    /// Rotary positions of the tokens.
    pub rotary: Rotary,
    /// The sequences that the tokens belong to.
    pub rows: Vec<Row>,
    /// Indices of the tokens whose next token is wanted.
    pub wanted: Vec<usize>,
}

/// Prediction after a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Next {
    /// The likeliest token.
    pub id: u32,
    /// Its log-probability.
    pub log_probability: f32,
}

/// Sizes of the decoder's attention.
pub fn heads(config: &TextConfig) -> Heads {
    Heads {
        layers: config.layers,
        query: config.heads,
        key_value: config.key_value_heads,
        size: config.head_dim,
    }
}

impl Decoder {
    /// Reads the weights; the returned function creates the session with a KV cache of a number of pages.
    ///
    /// `taps`: intermediate tensors that [`Decoder::run_tapped`] will be asked for: `decoder_layer_<n>`.
    pub fn read(
        checkpoint: &Checkpoint,
        config: &VlModelConfig,
        quantization: Quantization,
        taps: &[String],
        pages: usize,
        packs: Option<&Packs>,
    ) -> Result<impl FnOnce(&Runtime) -> Result<Decoder, OnnxError> + use<>, CheckpointError> {
        let text = &config.text;
        let embeddings = Embeddings::read(checkpoint, text)?;
        let cache = Arc::new(Mutex::new(Cache::new(heads(text), pages)));
        let graph = Graph::new("the decoder of PaddleOCR-VL").with_taps(taps);
        let mut net = Layers::new(graph, checkpoint)
            .with_own_kernels(true)
            .with_packs(packs);
        build(&mut net, text, quantization, &cache)?;
        let half_head = text.head_dim / 2;
        let graph = net.graph;
        Ok(move |runtime: &Runtime| {
            let network = graph.build(runtime)?;
            Ok(Decoder {
                network,
                cache,
                embeddings,
                half_head,
            })
        })
    }

    /// Token embedding table.
    pub fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }

    /// Predicts the next token after each wanted one.
    pub fn run(&mut self, call: Packed) -> Result<Vec<Next>, OnnxError> {
        self.call(call, &[]).map(|(next, _)| next)
    }

    /// The same with the logits, `[wanted, vocabulary]`.
    pub fn run_for_logits(&mut self, call: Packed) -> Result<(Vec<Next>, Vec<f32>), OnnxError> {
        let (next, mut taps) = self.call(call, &["logits".to_string()])?;
        Ok((next, taps.remove(0).1))
    }

    /// The same with intermediate tensors.
    pub fn run_tapped(
        &mut self,
        call: Packed,
        taps: &[String],
    ) -> Result<(Vec<Next>, Intermediates), OnnxError> {
        self.call(call, taps)
    }

    fn call(
        &mut self,
        call: Packed,
        taps: &[String],
    ) -> Result<(Vec<Next>, Intermediates), OnnxError> {
        let Packed {
            embeddings,
            rotary,
            rows,
            wanted,
        } = call;
        let hidden = self.embeddings.hidden;
        let tokens = embeddings.len() / hidden;
        self.cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .begin(rows);
        let wanted: Vec<i64> = wanted.into_iter().map(|n| n as i64).collect();
        let inputs = vec![
            ("embeddings", Array::F32(vec![tokens, hidden], embeddings)),
            (
                "cosines",
                Array::F32(vec![tokens, self.half_head], rotary.cosines),
            ),
            (
                "sines",
                Array::F32(vec![tokens, self.half_head], rotary.sines),
            ),
            ("wanted", Array::I64(vec![wanted.len()], wanted)),
        ];
        let names: Vec<&str> = std::iter::once("next")
            .chain(taps.iter().map(String::as_str))
            .collect();
        self.network.run_for(inputs, &names, |outputs| {
            let (_, next) = outputs.f32("next")?;
            let pairs = next.as_chunks::<2>().0.iter();
            let next = pairs
                .map(|[id, log]| Next {
                    id: *id as u32,
                    log_probability: *log,
                })
                .collect();
            let read = |name: &String| Ok((name.clone(), outputs.f32(name)?.1.to_vec()));
            Ok((next, taps.iter().map(read).collect::<Result<_, _>>()?))
        })
    }

    /// Cached keys and values of a sequence in a layer, `[heads, tokens, size]`.
    pub fn cached(&self, layer: usize, pages: &[u32], tokens: usize) -> [Vec<f32>; 2] {
        self.cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(layer, pages, tokens)
    }
}

fn build(
    net: &mut Layers<'_>,
    text: &TextConfig,
    quantization: Quantization,
    cache: &Arc<Mutex<Cache>>,
) -> Result<(), CheckpointError> {
    let (hidden, tokens) = (text.hidden_size, Dim::Named("tokens"));
    let half_head = Dim::Fixed(text.head_dim / 2);
    let graph = &mut net.graph;
    let embeddings = graph.input("embeddings", Element::F32, &[tokens, Dim::Fixed(hidden)]);
    let cosines = graph.input("cosines", Element::F32, &[tokens, half_head]);
    let sines = graph.input("sines", Element::F32, &[tokens, half_head]);
    let wanted = graph.input("wanted", Element::I64, &[Dim::Named("wanted")]);
    let queries = text.heads * text.head_dim;
    let mut attend = |net: &mut Layers<'_>, at: &str, layer: usize, projected: &Value| {
        net.cached_attention(at, [projected, &cosines, &sines], cache, layer, queries)
    };
    let mut x = ResidualStream::new(embeddings);
    for layer in 0..text.layers {
        decoder_layer(net, text, quantization, layer, &mut x, &mut attend)?;
        let name = format!("decoder_layer_{layer}");
        net.tap_stream(&name, &mut x, &[tokens, Dim::Fixed(hidden)]);
    }
    let x = net.settled(DECODER, &mut x);
    let x = net.graph.op("Gather", DECODER, &[&x, &wanted], &[]);
    let logits = head(net, text, quantization, &x)?;
    let rows = Dim::Named("wanted");
    net.graph.output(
        "logits",
        &logits,
        Element::F32,
        &[rows, Dim::Fixed(text.vocab_size)],
    );
    let next = net.choice("next", &logits);
    net.graph
        .output("next", &next, Element::F32, &[rows, Dim::Fixed(2)]);
    Ok(())
}

/// Language model head: final norm and projection to logits.
pub(super) fn head(
    net: &mut Layers<'_>,
    text: &TextConfig,
    quantization: Quantization,
    x: &Value,
) -> Result<Value, CheckpointError> {
    let x = net.rms_norm(
        &format!("{DECODER}.norm"),
        x,
        text.hidden_size,
        text.rms_norm_eps,
    )?;
    let head = match net.checkpoint.has("lm_head.weight") {
        true => "lm_head".to_string(),
        // Tied weights: the embedding table is the output projection.
        false => format!("{DECODER}.embed_tokens"),
    };
    let keys = [(head, text.vocab_size)];
    let from = text.hidden_size;
    let projection = Projection {
        keys: &keys,
        from,
        has_bias: false,
        finish: Finish::Plain,
        quantization,
    };
    net.projection("lm_head", &x, &projection, None)
}

/// Attention of a layer, given a key prefix, the layer's index and its concatenated queries, keys and values.
pub(super) type Attend<'a> = dyn FnMut(&mut Layers<'_>, &str, usize, &Value) -> Value + 'a;

/// x += o(attention(norm1(x))); x += down(silu(gate(norm2(x))) * up(norm2(x))).
pub(super) fn decoder_layer(
    net: &mut Layers<'_>,
    text: &TextConfig,
    quantization: Quantization,
    layer: usize,
    x: &mut ResidualStream,
    attend: &mut Attend<'_>,
) -> Result<(), CheckpointError> {
    let at = format!("{DECODER}.layers.{layer}");
    let (hidden, inner) = (text.hidden_size, text.intermediate_size);
    let norm = Norm::RootMeanSquare {
        epsilon: text.rms_norm_eps,
    };
    let (queries, keys) = (
        text.heads * text.head_dim,
        text.key_value_heads * text.head_dim,
    );
    let keys_of = |parts: &[(&str, usize)]| -> Vec<(String, usize)> {
        let full = |(key, to): &(&str, usize)| (format!("{at}.{key}"), *to);
        parts.iter().map(full).collect()
    };
    let linear = |keys, from, finish| Projection {
        keys,
        from,
        has_bias: false,
        finish,
        quantization,
    };
    let normed = net.normed(&format!("{at}.input_layernorm"), x, hidden, norm)?;
    let parts = keys_of(&[
        ("self_attn.q_proj", queries),
        ("self_attn.k_proj", keys),
        ("self_attn.v_proj", keys),
    ]);
    let qkv = linear(&parts, hidden, Finish::Plain);
    let projected = net.projection(&format!("{at}.qkv"), &normed, &qkv, None)?;
    let attended = attend(net, &at, layer, &projected);
    let parts = keys_of(&[("self_attn.o_proj", hidden)]);
    let out = linear(&parts, queries, Finish::Plain);
    net.add_projection(&format!("{at}.out"), &attended, &out, x)?;
    let normed = net.normed(&format!("{at}.post_attention_layernorm"), x, hidden, norm)?;
    let parts = keys_of(&[("mlp.gate_proj", inner), ("mlp.up_proj", inner)]);
    let gate_up = linear(&parts, hidden, Finish::SiluGate);
    let between = net.projection(&format!("{at}.gate_up"), &normed, &gate_up, None)?;
    let parts = keys_of(&[("mlp.down_proj", hidden)]);
    let down = linear(&parts, inner, Finish::Plain);
    net.add_projection(&format!("{at}.down"), &between, &down, x)
}
