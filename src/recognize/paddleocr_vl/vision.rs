//! The vision encoder and the projector: patches of a picture in, embeddings of its tokens out.
//!
//! With our own kernels it encodes one picture at a time, because batching gains a CPU nothing. With ONNX
//! Runtime's operators, for a GPU, it encodes a batch of pictures of similar size, padded to the largest.

use super::config::VlModelConfig;
use super::image::Patches;
use super::positions::{merge_order, table_taps, vision_rotary};
use crate::kernels::linear::Finish;
use crate::onnx::checkpoint::{Checkpoint, CheckpointError};
use crate::onnx::graph::{Attr, Dim, Element, Graph, Value};
use crate::onnx::layers::{Activation, Layers};
use crate::onnx::network::{Array, Network};
use crate::onnx::packs::Packs;
use crate::onnx::projection::{Projection, Quantization, key_lengths};
use crate::onnx::residual::{Norm, ResidualStream};
use crate::onnx::{OnnxError, Runtime};

/// Epsilon of the projector's norm, which the configuration does not contain.
const PROJECTOR_EPS: f32 = 1e-5;
/// Prefixes of the checkpoint keys of encoder and projector.
const ENCODER: &str = "visual.vision_model";
const PROJECTOR: &str = "mlp_AR";

/// The network.
pub struct Vision {
    network: Network,
    config: VlModelConfig,
    is_batched: bool,
    /// Most patches of a batch, padding included.
    most_patches: usize,
}

/// Implementation of the encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Computing {
    /// One picture at a time in single precision, with our own kernels if allowed.
    Single {
        /// Storage of the weights.
        quantization: Quantization,
        /// `true` if our own kernels may be used: on the CPU only.
        own_kernels: bool,
    },
    /// Batches of pictures by ONNX Runtime's operators, in a floating-point type.
    Batched(Element),
}

/// Most patches of a batch, padding included; a single picture may have more.
const MOST_PATCHES: usize = 1 << 14;

/// Bytes that a patch takes in a run, by width and byte of an element: 49 measured over two at real size, with the memory
/// that ONNX Runtime 1.31 asks for.
const PATCH_BYTES: usize = 28;

/// Side in patches of the largest square picture.
fn largest_side(config: &VlModelConfig) -> usize {
    let vision = &config.vision;
    let step = vision.patch_size * vision.merge_size;
    let side = (config.image.limits[1] as f64).sqrt() as usize / step;
    side.max(1) * vision.merge_size
}

/// Bytes of GPU memory for a run over the largest picture, and for one over the largest batch, besides the weights.
pub(super) fn work_bytes(config: &VlModelConfig, element: Element) -> [usize; 2] {
    let side = largest_side(config);
    let each = config.vision.hidden_size * PATCH_BYTES * element.bytes();
    // Sizes below that are lost in rounding.
    [side * side, MOST_PATCHES].map(|patches| (patches * each).max(32 << 20))
}

/// Intermediate tensors by name.
pub type Intermediates = Vec<(String, Vec<f32>)>;

impl Vision {
    /// Reads the weights; the returned function creates the session.
    ///
    /// `taps`: intermediate tensors that [`Vision::run`] will be asked for: `vision_embeddings`,
    /// `vision_layer_<n>`, `vision_output`.
    pub fn read(
        checkpoint: &Checkpoint,
        config: &VlModelConfig,
        computing: Computing,
        taps: &[String],
        packs: Option<&Packs>,
    ) -> Result<impl FnOnce(&Runtime) -> Result<Vision, OnnxError> + use<>, CheckpointError> {
        let graph = Graph::new("the vision encoder of PaddleOCR-VL").with_taps(taps);
        let net = Layers::new(graph, checkpoint).with_packs(packs);
        let (quantization, mut net) = match computing {
            Computing::Single {
                quantization,
                own_kernels,
            } => (quantization, net.with_own_kernels(own_kernels)),
            Computing::Batched(element) => (Quantization::Exact, net.with_element(element)),
        };
        let is_batched = matches!(computing, Computing::Batched(_));
        build(&mut net, config, quantization, is_batched)?;
        let (graph, config) = (net.graph, config.clone());
        Ok(move |runtime: &Runtime| {
            Ok(Vision {
                network: graph.build(runtime)?,
                config,
                is_batched,
                most_patches: MOST_PATCHES,
            })
        })
    }

    /// `true` if it encodes batches of pictures.
    pub fn is_batched(&self) -> bool {
        self.is_batched
    }

    /// What arranges pictures for it, in another thread if need be.
    pub fn arranger(&self) -> Arranger {
        Arranger {
            config: self.config.clone(),
            most_patches: self.is_batched.then_some(self.most_patches),
        }
    }

    /// Embeddings of the tokens of several pictures, `[tokens, width of the decoder]` each; only if it encodes batches.
    pub fn encode_batch(&mut self, batch: Batch) -> Result<Vec<Vec<f32>>, OnnxError> {
        let Batch { counts, inputs } = batch;
        let hidden = self.config.text.hidden_size;
        let squares = self.config.vision.merge_size * self.config.vision.merge_size;
        self.network.run_for(inputs, &["image_embeds"], |outputs| {
            let mut rest = outputs.f32("image_embeds")?.1;
            let each = counts.iter().map(|count| {
                let (own, others) = rest.split_at(count / squares * hidden);
                rest = others;
                own.to_vec()
            });
            Ok(each.collect())
        })
    }

    /// Encodes the largest batch once: whatever the device lacks for it, in kernels or in memory, shows before there is a
    /// page. Batches become smaller if there is too little memory; fails if there is too little for the largest
    /// picture.
    pub fn try_out(&mut self) -> Result<(), OnnxError> {
        let side = largest_side(&self.config);
        let picture = Patches {
            values: vec![0.0; side * side * self.config.vision.patch_numbers()],
            grid: [side; 2],
        };
        let mut pictures = (self.most_patches / (side * side)).max(1);
        loop {
            let batch = self.arranger().arrange(&vec![&picture; pictures]);
            match self.encode_batch(batch) {
                Err(OnnxError::OutOfMemory { .. }) if pictures > 1 => {
                    pictures /= 2;
                    self.most_patches = pictures * side * side;
                }
                ended => return ended.map(|_| ()),
            }
        }
    }

    /// Embeddings of a picture's tokens, `[tokens, width of the decoder]`.
    pub fn encode(&mut self, patches: Patches) -> Result<Vec<f32>, OnnxError> {
        match self.is_batched {
            true => self
                .encode_batch(self.arranger().arrange(&[&patches]))
                .map(|mut all| all.pop().unwrap_or_default()),
            false => self.run(patches, &[]).map(|(tokens, _)| tokens),
        }
    }

    /// The same with intermediate tensors; only if it encodes one picture at a time.
    pub fn run(
        &mut self,
        patches: Patches,
        taps: &[String],
    ) -> Result<(Vec<f32>, Intermediates), OnnxError> {
        let vision = &self.config.vision;
        let (grid, count) = (patches.grid, patches.count());
        let (places, shares) = table_taps(vision, grid);
        let rotary = vision_rotary(vision, grid);
        let pairs = rotary.cosines.len() / count;
        let inputs = vec![
            (
                "patches",
                Array::F32(vec![count, vision.patch_numbers()], patches.values),
            ),
            ("places", Array::I64(vec![count, 4], places)),
            ("shares", Array::F32(vec![count, 4, 1], shares)),
            ("cosines", Array::F32(vec![count, pairs], rotary.cosines)),
            ("sines", Array::F32(vec![count, pairs], rotary.sines)),
            (
                "numbers",
                Array::I64(vec![1, count], (0..count as i64).collect()),
            ),
            (
                "merge_order",
                Array::I64(vec![count], merge_order(vision.merge_size, grid)),
            ),
        ];
        self.network.run(inputs, |outputs| {
            let read = |name: &str| outputs.f32(name).map(|(_, values)| values.to_vec());
            let taps = taps
                .iter()
                .map(|name| Ok((name.clone(), read(name)?)))
                .collect::<Result<_, _>>()?;
            Ok((read("image_embeds")?, taps))
        })
    }
}

/// Makes batches of pictures.
#[derive(Debug, Clone)]
pub struct Arranger {
    config: VlModelConfig,
    /// Most patches of a batch, padding included; `None` if each picture is encoded alone.
    most_patches: Option<usize>,
}

/// Pictures as inputs of the network, padded to the largest.
pub struct Batch {
    /// Patches of each picture.
    counts: Vec<usize>,
    inputs: Vec<(&'static str, Array)>,
}

impl Arranger {
    /// Groups pictures, given their numbers of patches, into batches of indices.
    pub fn batches(&self, counts: &[usize]) -> Vec<Vec<usize>> {
        match self.most_patches {
            Some(most) => batches(counts, most),
            None => (0..counts.len()).map(|picture| vec![picture]).collect(),
        }
    }

    /// A batch of pictures.
    pub fn arrange(&self, pictures: &[&Patches]) -> Batch {
        let vision = &self.config.vision;
        let counts: Vec<usize> = pictures.iter().map(|picture| picture.count()).collect();
        let (batch, padded) = (counts.len(), counts.iter().copied().max().unwrap_or(0));
        let (numbers, pairs) = (
            vision.patch_numbers(),
            vision.hidden_size / vision.heads / 2,
        );
        let mut patches = vec![0.0; batch * padded * numbers];
        let (mut places, mut shares) = (vec![0; batch * padded * 4], vec![0.0; batch * padded * 4]);
        let (mut cosines, mut sines) = (
            vec![0.0; batch * padded * pairs],
            vec![0.0; batch * padded * pairs],
        );
        let mut order = Vec::new();
        for (at, picture) in pictures.iter().enumerate() {
            let first = at * padded;
            let fill = |to: &mut [f32], values: &[f32], each: usize| {
                to[first * each..][..values.len()].copy_from_slice(values);
            };
            fill(&mut patches, &picture.values, numbers);
            let (own_places, own_shares) = table_taps(vision, picture.grid);
            places[first * 4..][..own_places.len()].copy_from_slice(&own_places);
            fill(&mut shares, &own_shares, 4);
            let rotary = vision_rotary(vision, picture.grid);
            fill(&mut cosines, &rotary.cosines, pairs);
            fill(&mut sines, &rotary.sines, pairs);
            order.extend(
                merge_order(vision.merge_size, picture.grid)
                    .iter()
                    .map(|n| n + first as i64),
            );
        }
        let lengths = key_lengths(&counts, padded);
        let inputs = vec![
            ("patches", Array::F32(vec![batch, padded, numbers], patches)),
            ("places", Array::I64(vec![batch, padded, 4], places)),
            ("shares", Array::F32(vec![batch, padded, 4, 1], shares)),
            ("cosines", Array::F32(vec![batch * padded, pairs], cosines)),
            ("sines", Array::F32(vec![batch * padded, pairs], sines)),
            (
                "numbers",
                Array::I64(vec![batch, padded], (0..(batch * padded) as i64).collect()),
            ),
            ("merge_order", Array::I64(vec![order.len()], order)),
            ("lengths", Array::I32(vec![lengths.len()], lengths)),
        ];
        Batch { counts, inputs }
    }
}

/// Groups pictures by size, largest first: a batch takes those not much smaller than its first, up to a total
/// number of patches.
fn batches(counts: &[usize], most_patches: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|picture| std::cmp::Reverse(counts[*picture]));
    let mut all: Vec<Vec<usize>> = Vec::new();
    for picture in order {
        match all.last_mut() {
            Some(batch)
                if counts[picture] * 8 >= counts[batch[0]] * 7
                    && counts[batch[0]] * (batch.len() + 1) <= most_patches =>
            {
                batch.push(picture)
            }
            _ => all.push(vec![picture]),
        }
    }
    all
}

fn build(
    net: &mut Layers<'_>,
    config: &VlModelConfig,
    quantization: Quantization,
    is_batched: bool,
) -> Result<(), CheckpointError> {
    let vision = &config.vision;
    let (width, count) = (vision.hidden_size, Dim::Named("patches"));
    let numbers = vision.patch_numbers();
    let pairs = Dim::Fixed(width / vision.heads / 2);
    let (element, graph) = (net.element, &mut net.graph);
    let batch = if is_batched {
        vec![Dim::Named("pictures")]
    } else {
        Vec::new()
    };
    let of_patches = |dims: &[Dim]| [&batch, &[count][..], dims].concat();
    let float = |graph: &mut Graph, name: &str, dims: &[Dim]| {
        let input = graph.input(name, Element::F32, dims);
        if element == Element::F32 {
            input
        } else {
            graph.cast(ENCODER, &input, element)
        }
    };
    let patches = float(graph, "patches", &of_patches(&[Dim::Fixed(numbers)]));
    let places = graph.input("places", Element::I64, &of_patches(&[Dim::Fixed(4)]));
    let shares = float(
        graph,
        "shares",
        &of_patches(&[Dim::Fixed(4), Dim::Fixed(1)]),
    );
    let rows = if is_batched {
        Dim::Named("rows")
    } else {
        count
    };
    let cosines = float(graph, "cosines", &[rows, pairs]);
    let sines = float(graph, "sines", &[rows, pairs]);
    let first = if is_batched {
        Dim::Named("pictures")
    } else {
        Dim::Fixed(1)
    };
    let places_of = graph.input("numbers", Element::I64, &[first, count]);
    let kept = if is_batched {
        Dim::Named("kept")
    } else {
        count
    };
    let order = graph.input("merge_order", Element::I64, &[kept]);
    let lengths =
        is_batched.then(|| graph.input("lengths", Element::I32, &[Dim::Named("lengths")]));

    let embeddings = format!("{ENCODER}.embeddings");
    let key = format!("{embeddings}.patch_embedding.weight");
    // A convolution over a single patch is a linear layer.
    let shape = [width, vision.channels, vision.patch_size, vision.patch_size];
    let weights = net.checkpoint.weights(&key, &shape, net.element)?;
    let weight = net.graph.weight(&key, &[width, numbers], weights);
    let x = net.graph.contrib(
        "FusedMatMul",
        &embeddings,
        &[&patches, &weight],
        &[("transB", Attr::Int(1))],
    );
    let bias = net.vector(&format!("{embeddings}.patch_embedding.bias"), width)?;
    let x = net.graph.op("Add", &embeddings, &[&x, &bias], &[]);
    let cells = vision.table_side * vision.table_side;
    let table = net.tensor(
        &format!("{embeddings}.position_embedding.weight"),
        &[cells, width],
    )?;
    let taken = net.graph.op("Gather", &embeddings, &[&table, &places], &[]);
    let weighted = net.graph.op("Mul", &embeddings, &[&taken, &shares], &[]);
    let axes = net.graph.ints(&embeddings, &[-2]);
    let position = net.graph.op(
        "ReduceSum",
        &embeddings,
        &[&weighted, &axes],
        &[("keepdims", Attr::Int(0))],
    );
    let x = net.graph.op("Add", &embeddings, &[&x, &position], &[]);
    let dims = [count, Dim::Fixed(width)];
    net.graph.tap("vision_embeddings", &x, &dims);
    let mut x = ResidualStream::new(x);
    for layer in 0..vision.layers {
        let positions = [&places_of, &cosines, &sines];
        encoder_layer(
            net,
            config,
            quantization,
            layer,
            &mut x,
            positions,
            lengths.as_ref(),
        )?;
        net.tap_stream(&format!("vision_layer_{layer}"), &mut x, &dims);
    }
    let norm = Norm::Layer {
        epsilon: vision.layer_norm_eps,
    };
    let x = net.normed(&format!("{ENCODER}.post_layernorm"), &mut x, width, norm)?;
    net.graph.tap("vision_output", &x, &dims);

    let x = net.layer_norm(&format!("{PROJECTOR}.pre_norm"), &x, width, PROJECTOR_EPS)?;
    let x = if is_batched {
        net.reshape(PROJECTOR, &x, &[-1, width as i64])
    } else {
        x
    };
    let x = net.graph.op("Gather", PROJECTOR, &[&x, &order], &[]);
    let merged = width * vision.merge_size * vision.merge_size;
    let x = net.reshape(PROJECTOR, &x, &[-1, merged as i64]);
    let linear = |net: &mut Layers<'_>, key: &str, x: &Value, to: usize| {
        let keys = [(format!("{PROJECTOR}.{key}"), to)];
        let projection = Projection {
            keys: &keys,
            from: merged,
            has_bias: true,
            finish: Finish::Plain,
            quantization,
        };
        net.projection(&keys[0].0, x, &projection, None)
    };
    let x = linear(net, "linear_1", &x, merged)?;
    let x = net.activation(PROJECTOR, &x, Activation::Gelu);
    let hidden = config.text.hidden_size;
    let x = linear(net, "linear_2", &x, hidden)?;
    let x = if element == Element::F32 {
        x
    } else {
        net.graph.cast(PROJECTOR, &x, Element::F32)
    };
    net.graph.output(
        "image_embeds",
        &x,
        Element::F32,
        &[Dim::Named("tokens"), Dim::Fixed(hidden)],
    );
    Ok(())
}

/// x += out(attention(norm1(x))); x += fc2(gelu(fc1(norm2(x)))).
fn encoder_layer(
    net: &mut Layers<'_>,
    config: &VlModelConfig,
    quantization: Quantization,
    layer: usize,
    x: &mut ResidualStream,
    positions: [&Value; 3],
    lengths: Option<&Value>,
) -> Result<(), CheckpointError> {
    let vision = &config.vision;
    let width = vision.hidden_size;
    let at = format!("{ENCODER}.encoder.layers.{layer}");
    let norm = Norm::Layer {
        epsilon: vision.layer_norm_eps,
    };
    let keys_of = |parts: &[&str], to: usize| -> Vec<(String, usize)> {
        parts
            .iter()
            .map(|key| (format!("{at}.{key}"), to))
            .collect()
    };
    let linear = |keys, from, finish| Projection {
        keys,
        from,
        has_bias: true,
        finish,
        quantization,
    };
    let normed = net.normed(&format!("{at}.layer_norm1"), x, width, norm)?;
    let keys = keys_of(
        &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
        width,
    );
    let qkv = linear(&keys, width, Finish::Plain);
    let projected = net.projection(&keys[0].0, &normed, &qkv, None)?;
    let attended = net.full_attention(&at, &projected, positions, lengths, vision.heads, width);
    let keys = keys_of(&["self_attn.out_proj"], width);
    let out = linear(&keys, width, Finish::Plain);
    net.add_projection(&keys[0].0, &attended, &out, x)?;
    let normed = net.normed(&format!("{at}.layer_norm2"), x, width, norm)?;
    let inner = vision.intermediate_size;
    let keys = keys_of(&["mlp.fc1"], inner);
    let fc1 = linear(&keys, width, Finish::GeluTanh);
    let between = net.projection(&keys[0].0, &normed, &fc1, None)?;
    let keys = keys_of(&["mlp.fc2"], width);
    let fc2 = linear(&keys, inner, Finish::Plain);
    net.add_projection(&keys[0].0, &between, &fc2, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_similar_size_are_looked_at_together() {
        let counts = [100, 660, 2560, 640, 90, 600, 88, 580];
        assert_eq!(
            batches(&counts, 10_000),
            [vec![2], vec![1, 3, 5, 7], vec![0, 4, 6]]
        );
        // 660 * 3 would exceed the limit.
        assert_eq!(
            batches(&counts, 1_500),
            [vec![2], vec![1, 3], vec![5, 7], vec![0, 4, 6]]
        );
        assert_eq!(batches(&[], 10), Vec::<Vec<usize>>::new());
    }
}
