//! PP-DocLayoutV2 and V3 from a checkpoint: page pictures in, rows of boxes out.
//!
//! [`PpDocLayout`] holds the sessions: one network for detection (`hgnet_v2`, `neck`, `decoder`), and for V2
//! a second one for the reading order (`reading_order`) of the first one's detections. `decode` converts
//! their outputs to the rows of the exported models.

pub(crate) mod config;
pub(crate) mod decode;
mod decoder;
mod hgnet_v2;
mod neck;
pub(crate) mod reading_order;

use super::pixel_values;
use super::postprocess::{RawLayout, Threshold};
use crate::onnx::checkpoint::{Checkpoint, CheckpointError, Tensors};
use crate::onnx::graph::{Dim, Element, Graph};
use crate::onnx::layers::Layers;
use crate::onnx::network::{Array, Network};
use crate::onnx::{OnnxError, Runtime};
use crate::raster::Pixels;
use config::{LayoutConfig, Version};
use decode::{DetectorOutput, MaskAnswer};
use decoder::BATCH;
use reading_order::ReadingOrder;

/// A layout network, ready to run.
pub struct PpDocLayout {
    /// Configuration.
    pub config: LayoutConfig,
    detector: Network,
    reading_order: Option<ReadingOrder>,
    taps: Vec<String>,
}

/// A tensor's name in the released files, given that in transformers (docs/reference.md, "Hybrid encoder").
pub fn released_name(name: &str) -> String {
    name.replace("encoder.aifi.", "encoder.encoder.")
        .replace(".mlp.fc", ".fc")
        .replace(".self_attn.o_proj.", ".self_attn.out_proj.")
}

/// Prefixes of tensors that inference does not use: those of training, heads of layers before the last (in V3
/// some files store the encoder's heads again), and tables that the released reading-order network does not
/// use.
const UNUSED: [&str; 7] = [
    "model.denoising_class_embed.",
    "model.decoder.class_embed.",
    "model.decoder.bbox_embed.",
    "model.decoder_order_head.",
    "reading_order.encoder.rel_pos_x_bias.",
    "reading_order.encoder.rel_pos_y_bias.",
    "reading_order.encoder.rel_pos_bias.",
];

/// `true` for tensors that the network does not use.
pub(crate) fn is_known_unused(name: &str) -> bool {
    UNUSED.iter().any(|start| name.starts_with(start))
}

impl PpDocLayout {
    /// Reads the weights of a checkpoint; the returned function creates the sessions.
    ///
    /// `taps` names intermediate values that [`PpDocLayout::run`] returns as well. `own_kernels` as in
    /// [`Runtime::takes_own_kernels`].
    pub fn read(
        checkpoint: &Checkpoint,
        taps: &[String],
        own_kernels: bool,
    ) -> Result<impl FnOnce(&Runtime) -> Result<PpDocLayout, OnnxError> + use<>, CheckpointError>
    {
        let config = LayoutConfig::read(&checkpoint.config, checkpoint.folder())?;
        let name = format!(
            "{} of `{}`",
            config.version.name(),
            checkpoint.folder().display()
        );
        let graph = Graph::new(name.clone()).with_taps(taps);
        let mut net = Layers::new(graph, checkpoint).with_own_kernels(own_kernels);
        detector(&mut net, &config)?;
        let graph = net.graph;
        let order = config.reading_order.as_ref();
        let order = order
            .map(|order| ReadingOrder::build(checkpoint, order, &name))
            .transpose()?;
        let taps = taps.to_vec();
        Ok(move |runtime: &Runtime| {
            Ok(PpDocLayout {
                config,
                detector: graph.build(runtime)?,
                reading_order: order.map(|build| build(runtime)).transpose()?,
                taps,
            })
        })
    }

    /// Runs the networks on consecutive pictures of pages, each from [`pixel_values`].
    ///
    /// Returns the output for each page, and the tapped values of the whole batch.
    pub fn run(
        &mut self,
        pixels: Vec<f32>,
        pages: usize,
    ) -> Result<(Vec<DetectorOutput>, Tensors), OnnxError> {
        let [height, width] = self.config.input;
        let image = Array::F32(vec![pages, 3, height, width], pixels);
        let (config, taps) = (&self.config, &self.taps);
        let (mut answers, tensors) = self.detector.run(vec![("image", image)], |outputs| {
            let part = |name: &str, page: usize| -> Result<Vec<f32>, OnnxError> {
                let (shape, data) = outputs.f32(name)?;
                let size = shape[1..].iter().product::<usize>();
                Ok(data[page * size..(page + 1) * size].to_vec())
            };
            let mut answers = Vec::with_capacity(pages);
            for page in 0..pages {
                let mut answer = DetectorOutput {
                    queries: config.queries,
                    classes: config.classes,
                    logits: part("logits", page)?,
                    boxes: part("boxes", page)?,
                    ..DetectorOutput::default()
                };
                if let Some(masks) = config.masks {
                    answer.order_logits = part("order_logits", page)?;
                    answer.masks = Some(MaskAnswer {
                        queries: part("mask_queries", page)?,
                        maps: part("mask_maps", page)?,
                        prototypes: masks.prototypes,
                        size: config.mask_size(),
                    });
                }
                answers.push(answer);
            }
            let mut tensors = Tensors::new();
            for tap in taps {
                let (shape, data) = outputs.f32(tap)?;
                tensors.insert(tap.clone(), (shape, data.to_vec()));
            }
            Ok((answers, tensors))
        })?;
        if let Some((network, config)) = self
            .reading_order
            .as_mut()
            .zip(self.config.reading_order.as_ref())
        {
            let requests: Vec<_> = answers
                .iter_mut()
                .map(|answer| answer.partition(config))
                .collect();
            let orders = network.run(&requests)?;
            answers
                .iter_mut()
                .zip(orders)
                .for_each(|(answer, order)| answer.order_logits = order);
        }
        Ok((answers, tensors))
    }

    /// V2's reading-order network.
    pub fn reading_order(&mut self) -> Option<&mut ReadingOrder> {
        self.reading_order.as_mut()
    }

    /// Stops profiling of the detection network and returns the path of its file.
    pub fn end_profile(&mut self) -> Result<String, OnnxError> {
        self.detector.end_profile()
    }

    /// The rows of boxes of each page, for post-processing.
    pub fn detect(
        &mut self,
        pages: &[&Pixels],
        threshold: &Threshold,
    ) -> Result<Vec<RawLayout>, OnnxError> {
        let [height, width] = self.config.input;
        let pixels: Vec<f32> = pages
            .iter()
            .flat_map(|page| pixel_values(page, width, height))
            .collect();
        let (answers, _) = self.run(pixels, pages.len())?;
        let with_votes = self.config.version == Version::V2;
        let rows = |(page, answer): (&&Pixels, DetectorOutput)| {
            answer.rows(page.width, page.height, threshold, with_votes)
        };
        Ok(pages.iter().zip(answers).map(rows).collect())
    }
}

/// The detection network: `image` `[batch, 3, height, width]` to the outputs of [`decoder::decoder`].
fn detector(net: &mut Layers<'_>, config: &LayoutConfig) -> Result<(), CheckpointError> {
    let [height, width] = config.input.map(Dim::Fixed);
    let channels = Dim::Fixed(config.backbone.stem[0]);
    let image = net
        .graph
        .input("image", Element::F32, &[BATCH, channels, height, width]);
    let maps = hgnet_v2::backbone(net, "model.backbone.model", &image, &config.backbone)?;
    let dims = |channels: usize, stride: usize| {
        let [h, w] = config.input.map(|side| Dim::Fixed(side / stride));
        [BATCH, Dim::Fixed(channels), h, w]
    };
    // Taps are numbered like the network's own outputs: V2 does not use the first map.
    let first = if config.version == Version::V2 { 1 } else { 0 };
    for (i, map) in maps.iter().enumerate().skip(first) {
        let dims = dims(config.backbone.outputs[i], 4 << i);
        net.graph
            .tap(&format!("backbone_{}", i - first), map, &dims);
    }
    let levels = neck::neck(net, &maps[1..], config)?;
    for (level, map) in levels.iter().enumerate() {
        net.graph.tap(
            &format!("encoder_{level}"),
            map,
            &dims(config.encoder_hidden, 8 << level),
        );
    }
    let mask_maps = match config.masks {
        Some(masks) => {
            let maps = neck::mask_maps(net, &levels, &maps[0], &masks, config)?;
            net.graph
                .tap("mask_feat", &maps, &dims(masks.prototypes, 4));
            Some((maps, masks))
        }
        None => None,
    };
    decoder::decoder(
        net,
        &levels,
        mask_maps.as_ref().map(|(maps, masks)| (maps, *masks)),
        config,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_transformers_are_those_of_the_released_files() {
        let cases = [
            (
                "model.encoder.aifi.0.layers.0.mlp.fc1.weight",
                "model.encoder.encoder.0.layers.0.fc1.weight",
            ),
            (
                "model.decoder.layers.3.mlp.fc2.bias",
                "model.decoder.layers.3.fc2.bias",
            ),
            (
                "model.decoder.layers.0.self_attn.o_proj.bias",
                "model.decoder.layers.0.self_attn.out_proj.bias",
            ),
            (
                "model.decoder.layers.0.encoder_attn.output_proj.bias",
                "model.decoder.layers.0.encoder_attn.output_proj.bias",
            ),
        ];
        for (given, released) in cases {
            assert_eq!(released_name(given), released);
            assert_eq!(released_name(released), released);
        }
    }
}
