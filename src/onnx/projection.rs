//! Linear layers with large matrices, by our own kernel on the CPU and by ONNX Runtime elsewhere, and the
//! operators of a decoder around them.

use super::checkpoint::{CheckpointError, MappedMatrix};
use super::graph::{Attr, Element, Value, Weights};
use super::layers::{Activation, Layers};
use super::operators::{CachedAttention, GreedyChoice, LinearLayer};
use crate::kernels::attention::Cache;
use crate::kernels::linear::{Finish, Linear};
use crate::kernels::quantize::{PANEL, WeightFormat, pack};
use std::sync::{Arc, Mutex};

/// Storage of a layer's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantization {
    /// As in the checkpoint.
    Exact,
    /// Eight bits (see [`WeightFormat::Int8`]); CPU only.
    Int8,
    /// Four bits (see [`WeightFormat::Int4`]); CPU only.
    Int4,
}

/// Linear layers over one input; their outputs are concatenated.
pub(crate) struct Projection<'a> {
    /// Checkpoint keys (`key.weight`, and `key.bias` with `has_bias`) and number of outputs of each.
    pub keys: &'a [(String, usize)],
    /// Number of inputs.
    pub from: usize,
    /// `true` if the layers have biases.
    pub has_bias: bool,
    /// Epilogue. With [`Finish::SiluGate`] there are two layers: gates and values.
    pub finish: Finish,
    /// Storage of the weights.
    pub quantization: Quantization,
}

impl Layers<'_> {
    /// Computes `[.., outputs]` from `x[.., from]`; `residual` is added to the result.
    pub(crate) fn projection(
        &mut self,
        at: &str,
        x: &Value,
        projection: &Projection<'_>,
        residual: Option<&Value>,
    ) -> Result<Value, CheckpointError> {
        match self.own_kernels {
            true => self.own_projection(at, x, projection, residual),
            false => self.standard_projection(at, x, projection, residual),
        }
    }

    fn own_projection(
        &mut self,
        at: &str,
        x: &Value,
        projection: &Projection<'_>,
        residual: Option<&Value>,
    ) -> Result<Value, CheckpointError> {
        let Projection {
            keys,
            from,
            has_bias,
            finish,
            quantization,
        } = *projection;
        let (mut matrices, mut biases) = (Vec::new(), Vec::new());
        for (key, to) in keys {
            matrices.push((
                self.checkpoint
                    .matrix(&format!("{key}.weight"), [*to, from])?,
                *to,
            ));
            if has_bias {
                biases.push(self.checkpoint.f32(&format!("{key}.bias"), &[*to])?);
            }
        }
        let form = match quantization {
            Quantization::Int8 => WeightFormat::Int8,
            Quantization::Int4 => WeightFormat::Int4,
            Quantization::Exact if matrices.iter().all(|(matrix, _)| matrix.is_bf16()) => {
                WeightFormat::Bf16
            }
            Quantization::Exact => WeightFormat::F32,
        };
        let rows = rows(&matrices, finish);
        let to = rows.len();
        let fill = |n: usize, out: &mut [f32]| {
            if let Some((matrix, row)) = rows[n] {
                matrices[matrix].0.row(row, out);
            }
        };
        let pack = || pack(form, from, to, &fill);
        let weights = match self.packs.filter(|_| quantization != Quantization::Exact) {
            Some(packs) => packs.get_or(at, form.bytes(from, to), pack),
            None => pack(),
        };
        let bias = match has_bias {
            true => rows
                .iter()
                .map(|place| place.map_or(0.0, |(matrix, row)| biases[matrix][row]))
                .collect(),
            false => Vec::new(),
        };
        let outputs = if finish == Finish::SiluGate {
            keys[0].1
        } else {
            to
        };
        let layer = Linear {
            from,
            to,
            outputs,
            form,
            weights,
            bias,
            finish,
        };
        let kernel = LinearLayer {
            layer,
            has_residual: residual.is_some(),
            scratch: self.linear_scratch.clone(),
        };
        let inputs: Vec<&Value> = std::iter::once(x).chain(residual).collect();
        Ok(self.graph.own("Linear", at, &inputs, kernel))
    }

    fn standard_projection(
        &mut self,
        at: &str,
        x: &Value,
        projection: &Projection<'_>,
        residual: Option<&Value>,
    ) -> Result<Value, CheckpointError> {
        let (product, bias) = self.product(at, x, projection)?;
        let finished = match (projection.finish, bias) {
            (Finish::GeluTanh, bias) => {
                let inputs: Vec<&Value> = std::iter::once(&product).chain(&bias).collect();
                self.graph.contrib("FastGelu", at, &inputs, &[])
            }
            (Finish::Plain, None) => product,
            (Finish::Plain, Some(bias)) => self.graph.op("Add", at, &[&product, &bias], &[]),
            (Finish::SiluGate, bias) => {
                let joined = match bias {
                    Some(bias) => self.graph.op("Add", at, &[&product, &bias], &[]),
                    None => product,
                };
                let widths: Vec<i64> = projection.keys.iter().map(|(_, to)| *to as i64).collect();
                let parts = self.split(at, &joined, &widths);
                let gates = self.activation(at, &parts[0], Activation::Silu);
                self.graph.op("Mul", at, &[&gates, &parts[1]], &[])
            }
        };
        Ok(match residual {
            Some(residual) => self.graph.op("Add", at, &[&finished, residual], &[]),
            None => finished,
        })
    }

    /// `x` times the weights of linear layers, and their biases, which are still to be added; by ONNX Runtime's
    /// operators.
    pub(super) fn product(
        &mut self,
        at: &str,
        x: &Value,
        projection: &Projection<'_>,
    ) -> Result<(Value, Option<Value>), CheckpointError> {
        let Projection {
            keys,
            from,
            has_bias,
            ..
        } = *projection;
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for (key, to) in keys {
            let (weight, bias) = (format!("{key}.weight"), format!("{key}.bias"));
            weights.push(
                self.checkpoint
                    .weights(&weight, &[*to, from], self.element)?,
            );
            if has_bias {
                biases.push(self.checkpoint.weights(&bias, &[*to], self.element)?);
            }
        }
        let to = keys.iter().map(|(_, to)| to).sum();
        let weight = self.graph.weight(
            &format!("{at}.weight"),
            &[to, from],
            Weights::stacked(weights),
        );
        let product = self.graph.contrib(
            "FusedMatMul",
            at,
            &[x, &weight],
            &[("transB", Attr::Int(1))],
        );
        let bias = has_bias.then(|| {
            let name = format!("{at}.bias");
            self.graph.weight(&name, &[to], Weights::stacked(biases))
        });
        Ok((product, bias))
    }

    /// Attention of a layer over the paged KV cache, on the CPU (see [`Cache::run`]).
    pub(crate) fn cached_attention(
        &mut self,
        at: &str,
        inputs: [&Value; 3],
        cache: &Arc<Mutex<Cache>>,
        layer: usize,
        width: usize,
    ) -> Value {
        self.graph.own(
            "CachedAttention",
            at,
            &inputs,
            CachedAttention {
                cache: cache.clone(),
                layer,
                width,
            },
        )
    }

    /// Full (unmasked) attention over `[.., 3 * width]`: queries, keys and values with equally many heads.
    ///
    /// `numbers`, `[batch, tokens]`, are the tokens' rows in the tables of cosines and sines. Without
    /// `lengths` the input is one picture, `[tokens, 3 * width]`; with them (see [`key_lengths`]) a batch of
    /// pictures, `[batch, tokens, 3 * width]`.
    pub(crate) fn full_attention(
        &mut self,
        at: &str,
        projected: &Value,
        [numbers, cosines, sines]: [&Value; 3],
        lengths: Option<&Value>,
        heads: usize,
        width: usize,
    ) -> Value {
        let mut parts = self.split(at, projected, &[width as i64; 3]);
        if lengths.is_none() {
            parts = parts
                .iter()
                .map(|part| self.reshape(at, part, &[1, -1, width as i64]))
                .collect();
        }
        let (query, key) = (
            self.turned(at, &parts[0], [numbers, cosines, sines]),
            self.turned(at, &parts[1], [numbers, cosines, sines]),
        );
        let Some(lengths) = lengths else {
            let attended = self.attention(at, [&query, &key, &parts[2]], heads, None);
            return self.reshape(at, &attended, &[-1, width as i64]);
        };
        let inputs = [&query, &key, &parts[2], &Value::absent(), lengths];
        self.graph.contrib(
            "MultiHeadAttention",
            at,
            &inputs,
            &[("num_heads", Attr::Int(heads as i64))],
        )
    }

    /// Applies rotary position embedding to queries or keys: the halves of each head form the rotated pairs.
    pub(crate) fn turned(
        &mut self,
        at: &str,
        x: &Value,
        [numbers, cosines, sines]: [&Value; 3],
    ) -> Value {
        self.graph
            .contrib("RotaryEmbedding", at, &[x, numbers, cosines, sines], &[])
    }

    /// Splits the last dimension.
    pub(crate) fn split(&mut self, at: &str, x: &Value, widths: &[i64]) -> Vec<Value> {
        let sizes = self.graph.ints(at, widths);
        self.graph.op_many(
            "Split",
            at,
            &[x, &sizes],
            &[("axis", Attr::Int(-1))],
            widths.len(),
        )
    }

    /// [`Layers::choice`] by ONNX Runtime's operators; logits of any element type.
    pub(crate) fn standard_choice(&mut self, at: &str, logits: &Value) -> Value {
        let logits = self.graph.cast(at, logits, Element::F32);
        let axis = ("axis", Attr::Int(-1));
        let id = self.graph.op(
            "ArgMax",
            at,
            &[&logits],
            &[axis.clone(), ("keepdims", Attr::Int(1))],
        );
        let id = self.graph.cast(at, &id, Element::F32);
        let axes = self.graph.ints(at, &[-1]);
        let largest = self.graph.op("ReduceMax", at, &[&logits, &axes], &[]);
        // Log-probability of the largest: -ln(sum of exp(x - largest)).
        let below = self.graph.op("Sub", at, &[&logits, &largest], &[]);
        let powers = self.graph.op("Exp", at, &[&below], &[]);
        let sum = self.graph.op("ReduceSum", at, &[&powers, &axes], &[]);
        let log = self.graph.op("Log", at, &[&sum], &[]);
        let log = self.graph.op("Neg", at, &[&log], &[]);
        self.concat(at, &[&id, &log], -1)
    }

    /// Greedy choice: the largest logit of each row, `[rows, vocabulary]` to `[rows, 2]` (index,
    /// log-probability); CPU only.
    pub(crate) fn choice(&mut self, at: &str, logits: &Value) -> Value {
        self.graph.own("Choice", at, &[logits], GreedyChoice)
    }

    /// Root-mean-square norm over the last dimension.
    pub(crate) fn rms_norm(
        &mut self,
        key: &str,
        x: &Value,
        width: usize,
        epsilon: f32,
    ) -> Result<Value, CheckpointError> {
        let scale = self.vector(&format!("{key}.weight"), width)?;
        let attributes = [
            ("axis", Attr::Int(-1)),
            ("epsilon", Attr::Float(epsilon)),
            ("stash_type", Attr::Int(1)),
        ];
        Ok(self.graph.op(
            "SimplifiedLayerNormalization",
            key,
            &[x, &scale],
            &attributes,
        ))
    }
}

/// Key lengths for a batch of pictures padded to the same number of tokens: the real length of each, then the
/// start offsets of queries and of keys. In this form ONNX Runtime's attention needs no matrix of all scores.
pub(crate) fn key_lengths(counts: &[usize], padded: usize) -> Vec<i32> {
    let starts = || (0..=counts.len()).map(|picture| (picture * padded) as i32);
    counts
        .iter()
        .map(|count| *count as i32)
        .chain(starts())
        .chain(starts())
        .collect()
}

/// Source (matrix, row) of each row of the packed matrix; `None` for zero padding.
///
/// Gates and values alternate, half a panel each, so that both of a pair are computed together.
fn rows(matrices: &[(MappedMatrix, usize)], finish: Finish) -> Vec<Option<(usize, usize)>> {
    if finish != Finish::SiluGate {
        let all = matrices.iter().enumerate();
        return all
            .flat_map(|(matrix, (_, to))| (0..*to).map(move |row| Some((matrix, row))))
            .collect();
    }
    let (half, width) = (PANEL / 2, matrices[0].1);
    let panels = width.div_ceil(half);
    let row = |n: usize| {
        let (panel, place) = (n / PANEL, n % PANEL);
        let row = panel * half + place % half;
        (row < width).then_some((place / half, row))
    };
    (0..panels * PANEL).map(row).collect()
}
