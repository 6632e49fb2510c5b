//! Layers of networks, with their weights from a [`Checkpoint`].
//!
//! Batch norms and parallel branches of convolutions are folded into one convolution in double precision and
//! rounded once. Shapes are `[batch, channels, height, width]` for maps and `[batch, tokens, width]` for
//! tokens.

mod convolution;

pub(crate) use convolution::{ConvShape, ConvWeights};

use super::checkpoint::{Checkpoint, CheckpointError};
use super::graph::{Attr, Element, Graph, Value};
use super::packs::Packs;
use crate::kernels::linear::Scratch;
use crate::kernels::winograd;
use std::sync::{Arc, Mutex};

/// A network under construction, and the checkpoint with its weights.
pub(crate) struct Layers<'c> {
    /// The network.
    pub graph: Graph,
    /// The checkpoint with its weights.
    pub checkpoint: &'c Checkpoint,
    /// `true` if our own kernels may be used: on the CPU only.
    pub(super) own_kernels: bool,
    /// Scratch memory of the convolution chains.
    chain_scratch: Arc<Mutex<winograd::ConvScratch>>,
    /// Scratch memory of the linear layers.
    pub(super) linear_scratch: Arc<Mutex<Scratch>>,
    /// Quantized weights cached by an earlier run.
    pub(super) packs: Option<&'c Packs>,
    /// Element type of the computation.
    pub element: Element,
}

/// An activation function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// Identity.
    Linear,
    /// max(0, x).
    Relu,
    /// x * sigmoid(x).
    Silu,
    /// x * Phi(x), with the exact error function.
    Gelu,
    /// x * clip(x / 6 + 0.5, 0, 1).
    HardSwish,
}

impl<'c> Layers<'c> {
    /// An empty network over a checkpoint.
    pub(crate) fn new(graph: Graph, checkpoint: &'c Checkpoint) -> Self {
        Layers {
            graph,
            checkpoint,
            own_kernels: false,
            chain_scratch: Arc::default(),
            linear_scratch: Arc::default(),
            packs: None,
            element: Element::F32,
        }
    }

    /// The same with our own kernels if these may be used: on the CPU only.
    pub(crate) fn with_own_kernels(self, own_kernels: bool) -> Self {
        Layers {
            own_kernels,
            ..self
        }
    }

    /// The same with quantized weights cached by an earlier run.
    pub(crate) fn with_packs(self, packs: Option<&'c Packs>) -> Self {
        Layers { packs, ..self }
    }

    /// The same with another floating-point type, which applies to linear layers, norms and attention only.
    pub(crate) fn with_element(self, element: Element) -> Self {
        Layers { element, ..self }
    }

    /// Applies an activation function.
    pub(crate) fn activation(&mut self, at: &str, x: &Value, activation: Activation) -> Value {
        match activation {
            Activation::Linear => x.clone(),
            Activation::Relu => self.graph.op("Relu", at, &[x], &[]),
            Activation::Gelu => self.graph.op("Gelu", at, &[x], &[]),
            Activation::HardSwish => self.graph.op("HardSwish", at, &[x], &[]),
            Activation::Silu => {
                self.graph
                    .contrib("QuickGelu", at, &[x], &[("alpha", Attr::Float(1.0))])
            }
        }
    }

    /// `x @ weight^T + bias` of the linear layer `key`, `[.., from]` to `[.., to]`.
    pub(crate) fn linear(
        &mut self,
        key: &str,
        x: &Value,
        from: usize,
        to: usize,
    ) -> Result<Value, CheckpointError> {
        let y = self.linear_without_bias(key, x, from, to)?;
        let bias = self.vector(&format!("{key}.bias"), to)?;
        Ok(self.graph.op("Add", key, &[&y, &bias], &[]))
    }

    /// `x @ weight^T` of the linear layer `key`.
    pub(crate) fn linear_without_bias(
        &mut self,
        key: &str,
        x: &Value,
        from: usize,
        to: usize,
    ) -> Result<Value, CheckpointError> {
        let name = format!("{key}.weight");
        // The kernel packs the weight itself, in either layout, so it can stay in the mapped file.
        let weights = self.checkpoint.weights(&name, &[to, from], self.element)?;
        let weight = self.graph.weight(&name, &[to, from], weights);
        Ok(self.graph.contrib(
            "FusedMatMul",
            key,
            &[x, &weight],
            &[("transB", Attr::Int(1))],
        ))
    }

    /// A vector of the checkpoint.
    pub(crate) fn vector(&mut self, key: &str, length: usize) -> Result<Value, CheckpointError> {
        self.tensor(key, &[length])
    }

    /// A tensor of the checkpoint.
    pub(crate) fn tensor(&mut self, key: &str, shape: &[usize]) -> Result<Value, CheckpointError> {
        let weights = self.checkpoint.weights(key, shape, self.element)?;
        Ok(self.graph.weight(key, shape, weights))
    }

    /// Linear layers `key.layers.0`, `.1`, ... with ReLU between; `widths` from first input to last output.
    pub(crate) fn mlp(
        &mut self,
        key: &str,
        x: &Value,
        widths: &[usize],
    ) -> Result<Value, CheckpointError> {
        let mut x = x.clone();
        for (layer, pair) in widths.windows(2).enumerate() {
            let name = format!("{key}.layers.{layer}");
            x = self.linear(&name, &x, pair[0], pair[1])?;
            if layer + 2 < widths.len() {
                x = self.activation(&name, &x, Activation::Relu);
            }
        }
        Ok(x)
    }

    /// Layer norm over the last dimension.
    pub(crate) fn layer_norm(
        &mut self,
        key: &str,
        x: &Value,
        width: usize,
        epsilon: f32,
    ) -> Result<Value, CheckpointError> {
        let scale = self.vector(&format!("{key}.weight"), width)?;
        let bias = self.vector(&format!("{key}.bias"), width)?;
        let attributes = [("axis", Attr::Int(-1)), ("epsilon", Attr::Float(epsilon))];
        Ok(self
            .graph
            .op("LayerNormalization", key, &[x, &scale, &bias], &attributes))
    }

    /// Multi-head attention over projected queries, keys and values, `[batch, tokens, width]` each.
    ///
    /// `bias`, `[batch or 1, heads or 1, queries, keys]`, is added to the scores.
    pub(crate) fn attention(
        &mut self,
        at: &str,
        [query, key, value]: [&Value; 3],
        heads: usize,
        bias: Option<&Value>,
    ) -> Value {
        let absent = Value::absent();
        let mut inputs = vec![query, key, value];
        if let Some(bias) = bias {
            inputs.extend([&absent, &absent, bias]);
        }
        self.graph.contrib(
            "MultiHeadAttention",
            at,
            &inputs,
            &[("num_heads", Attr::Int(heads as i64))],
        )
    }

    /// `x` reshaped; -1 infers a dimension from the others, 0 keeps one.
    pub(crate) fn reshape(&mut self, at: &str, x: &Value, shape: &[i64]) -> Value {
        let shape = self.graph.ints(at, shape);
        self.graph.op("Reshape", at, &[x, &shape], &[])
    }

    /// `x` with its dimensions permuted.
    pub(crate) fn transpose(&mut self, at: &str, x: &Value, order: &[i64]) -> Value {
        self.graph.op(
            "Transpose",
            at,
            &[x],
            &[("perm", Attr::Ints(order.to_vec()))],
        )
    }

    /// A feature map `[batch, channels, height, width]` as tokens `[batch, height * width, channels]`.
    pub(crate) fn tokens(&mut self, at: &str, map: &Value, channels: usize) -> Value {
        let flat = self.reshape(at, map, &[0, channels as i64, -1]);
        self.transpose(at, &flat, &[0, 2, 1])
    }

    /// Values concatenated along a dimension.
    pub(crate) fn concat(&mut self, at: &str, parts: &[&Value], axis: i64) -> Value {
        self.graph
            .op("Concat", at, parts, &[("axis", Attr::Int(axis))])
    }

    /// Slice `start` to `end` of the last dimension.
    pub(crate) fn last(&mut self, at: &str, x: &Value, start: i64, end: i64) -> Value {
        let bounds = [start, end, -1].map(|n| self.graph.ints(at, &[n]));
        self.graph
            .op("Slice", at, &[x, &bounds[0], &bounds[1], &bounds[2]], &[])
    }

    /// A binary operator on `x` and a scalar: `Add`, `Mul`, `Div`, `Greater`, ...
    pub(crate) fn with_number(
        &mut self,
        kind: &'static str,
        at: &str,
        x: &Value,
        number: f32,
    ) -> Value {
        let number = self.graph.floats(at, &[], vec![number]);
        self.graph.op(kind, at, &[x, &number], &[])
    }

    /// Upsamples by two: nearest neighbour, or bilinear with half-pixel centres.
    pub(crate) fn upsample(&mut self, at: &str, x: &Value, bilinear: bool) -> Value {
        let scales = self.graph.floats(at, &[4], vec![1.0, 1.0, 2.0, 2.0]);
        let (mode, transform) = if bilinear {
            ("linear", "half_pixel")
        } else {
            ("nearest", "asymmetric")
        };
        let attributes = [
            ("mode", Attr::Text(mode)),
            ("coordinate_transformation_mode", Attr::Text(transform)),
            ("nearest_mode", Attr::Text("floor")),
        ];
        self.graph
            .op("Resize", at, &[x, &Value::absent(), &scales], &attributes)
    }
}
