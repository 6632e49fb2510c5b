//! The vision encoder and the projector: patches of a picture to representations of its tokens.

use super::config::Config;
use super::image::Patches;
use super::positions::{merge_order, table_taps, vision_rotary};
use crate::kernels::linear::Finish;
use crate::onnx::checkpoint::{Checkpoint, CheckpointError};
use crate::onnx::graph::{Attr, Dim, Element, Graph, Value};
use crate::onnx::layers::{Activation, Layers};
use crate::onnx::network::{Array, Network};
use crate::onnx::packs::Packs;
use crate::onnx::projection::{Keep, Projection};
use crate::onnx::{OnnxError, Runtime};

/// Of the projector's norm, which the configuration does not name.
const PROJECTOR_EPS: f32 = 1e-5;
/// Where the keys of the encoder and the projector begin.
const ENCODER: &str = "visual.vision_model";
const PROJECTOR: &str = "mlp_AR";

/// The network.
pub struct Vision {
    network: Network,
    config: Config,
}

/// Tensors by name that were asked for.
pub type Taps = Vec<(String, Vec<f32>)>;

impl Vision {
    /// Reads the weights; what comes back makes the session.
    ///
    /// `taps`: tensors inside the network that [`Vision::run`] will be asked for: `vision_embeddings`,
    /// `vision_layer_<n>`, `vision_output`.
    pub fn read(
        checkpoint: &Checkpoint,
        config: &Config,
        keep: Keep,
        taps: &[String],
        own_kernels: bool,
        packs: Option<&Packs>,
    ) -> Result<impl FnOnce(&Runtime) -> Result<Vision, OnnxError> + use<>, CheckpointError> {
        let graph = Graph::new("the vision encoder of PaddleOCR-VL").with_taps(taps);
        let mut net = Layers::new(graph, checkpoint).with_own_kernels(own_kernels).with_packs(packs);
        build(&mut net, config, keep)?;
        let (graph, config) = (net.graph, config.clone());
        Ok(move |runtime: &Runtime| Ok(Vision { network: graph.build(runtime)?, config }))
    }

    /// Representations of a picture's tokens, `[tokens, width of the decoder]`.
    pub fn encode(&mut self, patches: Patches) -> Result<Vec<f32>, OnnxError> {
        self.run(patches, &[]).map(|(tokens, _)| tokens)
    }

    /// The same with tensors inside the network.
    pub fn run(&mut self, patches: Patches, taps: &[String]) -> Result<(Vec<f32>, Taps), OnnxError> {
        let vision = &self.config.vision;
        let (grid, count) = (patches.grid, patches.count());
        let (places, shares) = table_taps(vision, grid);
        let rotary = vision_rotary(vision, grid);
        let pairs = rotary.cosines.len() / count;
        let inputs = vec![
            ("patches", Array::F32(vec![count, vision.patch_numbers()], patches.values)),
            ("places", Array::I64(vec![count, 4], places)),
            ("shares", Array::F32(vec![count, 4, 1], shares)),
            ("cosines", Array::F32(vec![count, pairs], rotary.cosines)),
            ("sines", Array::F32(vec![count, pairs], rotary.sines)),
            ("numbers", Array::I64(vec![1, count], (0..count as i64).collect())),
            ("merge_order", Array::I64(vec![count], merge_order(vision.merge_size, grid))),
        ];
        self.network.run(inputs, |outputs| {
            let read = |name: &str| outputs.f32(name).map(|(_, values)| values.to_vec());
            let taps = taps.iter().map(|name| Ok((name.clone(), read(name)?))).collect::<Result<_, _>>()?;
            Ok((read("image_embeds")?, taps))
        })
    }
}

fn build(net: &mut Layers<'_>, config: &Config, keep: Keep) -> Result<(), CheckpointError> {
    let vision = &config.vision;
    let (width, count) = (vision.hidden_size, Dim::Named("patches"));
    let numbers = vision.patch_numbers();
    let pairs = Dim::Fixed(width / vision.heads / 2);
    let graph = &mut net.graph;
    let patches = graph.input("patches", Element::F32, &[count, Dim::Fixed(numbers)]);
    let places = graph.input("places", Element::I64, &[count, Dim::Fixed(4)]);
    let shares = graph.input("shares", Element::F32, &[count, Dim::Fixed(4), Dim::Fixed(1)]);
    let cosines = graph.input("cosines", Element::F32, &[count, pairs]);
    let sines = graph.input("sines", Element::F32, &[count, pairs]);
    let places_of = graph.input("numbers", Element::I64, &[Dim::Fixed(1), count]);
    let order = graph.input("merge_order", Element::I64, &[count]);

    let embeddings = format!("{ENCODER}.embeddings");
    let key = format!("{embeddings}.patch_embedding.weight");
    // A convolution over a single patch is a linear layer.
    let shape = [width, vision.channels, vision.patch_size, vision.patch_size];
    let weights = net.checkpoint.weights(&key, &shape)?;
    let weight = net.graph.weight(&key, &[width, numbers], weights);
    let x = net.graph.contrib("FusedMatMul", &embeddings, &[&patches, &weight], &[("transB", Attr::Int(1))]);
    let bias = net.vector(&format!("{embeddings}.patch_embedding.bias"), width)?;
    let x = net.graph.op("Add", &embeddings, &[&x, &bias], &[]);
    let cells = vision.table_side * vision.table_side;
    let table = net.tensor(&format!("{embeddings}.position_embedding.weight"), &[cells, width])?;
    let taken = net.graph.op("Gather", &embeddings, &[&table, &places], &[]);
    let weighted = net.graph.op("Mul", &embeddings, &[&taken, &shares], &[]);
    let axes = net.graph.ints(&embeddings, &[1]);
    let position = net.graph.op("ReduceSum", &embeddings, &[&weighted, &axes], &[("keepdims", Attr::Int(0))]);
    let mut x = net.graph.op("Add", &embeddings, &[&x, &position], &[]);
    let dims = [count, Dim::Fixed(width)];
    net.graph.tap("vision_embeddings", &x, &dims);
    for layer in 0..vision.layers {
        x = encoder_layer(net, config, keep, layer, &x, [&places_of, &cosines, &sines])?;
        net.graph.tap(&format!("vision_layer_{layer}"), &x, &dims);
    }
    let x = net.layer_norm(&format!("{ENCODER}.post_layernorm"), &x, width, vision.layer_norm_eps)?;
    net.graph.tap("vision_output", &x, &dims);

    let x = net.layer_norm(&format!("{PROJECTOR}.pre_norm"), &x, width, PROJECTOR_EPS)?;
    let x = net.graph.op("Gather", PROJECTOR, &[&x, &order], &[]);
    let merged = width * vision.merge_size * vision.merge_size;
    let x = net.reshape(PROJECTOR, &x, &[-1, merged as i64]);
    let linear = |net: &mut Layers<'_>, key: &str, x: &Value, to: usize| {
        let keys = [(format!("{PROJECTOR}.{key}"), to)];
        let projection =
            Projection { keys: &keys, from: merged, has_bias: true, finish: Finish::Plain, keep };
        net.projection(&keys[0].0, x, &projection, None)
    };
    let x = linear(net, "linear_1", &x, merged)?;
    let x = net.activation(PROJECTOR, &x, Activation::Gelu);
    let hidden = config.text.hidden_size;
    let x = linear(net, "linear_2", &x, hidden)?;
    net.graph.output("image_embeds", &x, Element::F32, &[Dim::Named("tokens"), Dim::Fixed(hidden)]);
    Ok(())
}

/// x += out(attention(norm1(x))); x += fc2(gelu(fc1(norm2(x)))).
fn encoder_layer(
    net: &mut Layers<'_>,
    config: &Config,
    keep: Keep,
    layer: usize,
    x: &Value,
    positions: [&Value; 3],
) -> Result<Value, CheckpointError> {
    let vision = &config.vision;
    let width = vision.hidden_size;
    let at = format!("{ENCODER}.encoder.layers.{layer}");
    let eps = vision.layer_norm_eps;
    let linear = |net: &mut Layers<'_>, parts: &[&str], x: &Value, sizes: [usize; 2], finish, residual| {
        let keys: Vec<(String, usize)> = parts.iter().map(|key| (format!("{at}.{key}"), sizes[1])).collect();
        let projection = Projection { keys: &keys, from: sizes[0], has_bias: true, finish, keep };
        net.projection(&keys[0].0, x, &projection, residual)
    };
    let square = [width, width];
    let normed = net.layer_norm(&format!("{at}.layer_norm1"), x, width, eps)?;
    let parts = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
    let projected = linear(net, &parts, &normed, square, Finish::Plain, None)?;
    let attended = net.full_attention(&at, &projected, positions, vision.heads, width);
    let x = linear(net, &["self_attn.out_proj"], &attended, square, Finish::Plain, Some(x))?;
    let normed = net.layer_norm(&format!("{at}.layer_norm2"), &x, width, eps)?;
    let inner = vision.intermediate_size;
    let between = linear(net, &["mlp.fc1"], &normed, [width, inner], Finish::GeluTanh, None)?;
    linear(net, &["mlp.fc2"], &between, [inner, width], Finish::Plain, Some(&x))
}
