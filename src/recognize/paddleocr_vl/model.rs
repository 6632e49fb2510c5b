//! The networks of a model folder: pictures and prompts in, steps of the scheduler out.

use super::config::VlModelConfig;
use super::decoder::{Decoder, Embeddings, Next, Packed, heads};
use super::image::Patches;
use super::positions::{TextRotary, prompt_positions};
use super::prompt::Prompts;
use super::slot_decoder::{SlotDecoder, SlotOptions, token_bytes};
use super::vision::{Computing, Vision};
use super::{is_known_unused, released_name};
use crate::fault::{Fault, Reason};
use crate::kernels::attention::{PAGE, Row};
use crate::onnx::checkpoint::Checkpoint;
use crate::onnx::graph::Element;
use crate::onnx::packs::Packs;
use crate::onnx::projection::Quantization;
use crate::onnx::slots::AttentionKernel;
use crate::onnx::{OnnxError, Runtime};
use crate::recognize::scheduler::kv_cache::{self, CacheLayout};
use crate::recognize::scheduler::{Predictions, StepRow, Steps};
use std::path::Path;
use std::sync::Arc;

/// Requested slots of the KV cache; there are fewer, or shorter ones, if memory does not suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// Number of blocks that decode together.
    pub count: usize,
    /// Longest sequence in tokens, prompt and answer.
    pub longest: usize,
    /// Length in tokens that most sequences stay below.
    pub common: usize,
}

/// Implementation of the networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernels {
    /// Our own kernels, on the CPU.
    Own {
        /// Storage of the decoder's weights.
        decoder: Quantization,
        /// Storage of the vision encoder's weights.
        vision: Quantization,
    },
    /// ONNX Runtime's operators, for a GPU.
    Standard {
        /// Floating-point type.
        element: Element,
        /// Implementation of attention; in single precision [`AttentionKernel::Fused`] works on the CPU only.
        attention_kernel: AttentionKernel,
        /// Requested slots.
        slots: Slots,
    },
}

/// Options for loading the networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelOptions<'a> {
    /// Implementation.
    pub kernels: Kernels,
    /// Bytes for the KV cache.
    pub memory: usize,
    /// `true` if a folder without a chat template is of version 1.0.
    pub is_first_version: bool,
    /// Folder that caches quantized weights between runs; `None` for no cache.
    pub store: Option<&'a Path>,
}

/// The loaded networks.
pub struct Model {
    /// Configuration.
    pub config: VlModelConfig,
    /// Tokenizer and prompt template.
    pub prompts: Arc<Prompts>,
    /// Vision encoder, which makes prompts.
    pub encoder: Encoder,
    /// The decoder and its cache.
    pub decoder: DecoderSteps,
    /// Number of checkpoint tensors that are used.
    pub used: usize,
    /// Tensors that are known to be unused.
    pub ignored: Vec<String>,
    /// Tensors that the network does not know.
    pub unknown: Vec<String>,
}

impl Model {
    /// Loads a folder. Errors name the file and the remedy.
    pub fn load(
        folder: &Path,
        runtime: &Runtime,
        options: ModelOptions<'_>,
    ) -> Result<Model, Fault> {
        let checkpoint = Checkpoint::open(folder)?.with_names(released_name);
        if checkpoint.config.model_type() != super::config::MODEL_TYPE {
            let other = checkpoint.config.of_another_network("PaddleOCR-VL");
            return Err(other.into());
        }
        let config = VlModelConfig::read(folder, &checkpoint.config)?;
        let prompts = Prompts::read(folder, &config, options.is_first_version)?;
        let (vision, decoder) = match options.kernels {
            Kernels::Own { decoder, vision } => {
                own_networks(&checkpoint, &config, runtime, options, [decoder, vision])?
            }
            Kernels::Standard {
                element,
                attention_kernel,
                slots,
            } => {
                let budget = options.memory / token_bytes(&config.text, element);
                let buckets =
                    kv_cache::slots_within(budget, slots.count, slots.longest, slots.common);
                let slots = SlotOptions {
                    element,
                    buckets,
                    attention_kernel,
                };
                standard_networks(&checkpoint, &config, runtime, slots)?
            }
        };
        let rotary = TextRotary::new(&config.text);
        let left = checkpoint.unused().into_iter().map(str::to_string);
        let (ignored, unknown) = left.partition(|name| is_known_unused(name));
        Ok(Model {
            prompts: Arc::new(prompts),
            encoder: Encoder {
                vision,
                embeddings: decoder.embeddings().clone(),
                config: config.clone(),
            },
            decoder: DecoderSteps { decoder, rotary },
            used: checkpoint.used(),
            ignored,
            unknown,
            config,
        })
    }
}

/// Both networks with our own kernels.
fn own_networks(
    checkpoint: &Checkpoint,
    config: &VlModelConfig,
    runtime: &Runtime,
    options: ModelOptions<'_>,
    [decoder, vision]: [Quantization; 2],
) -> Result<(Vision, AnyDecoder), Fault> {
    let page_bytes = heads(&config.text).page_bytes();
    let pages = (options.memory / page_bytes).max(1);
    // Reserved and released at once, to report a lack of memory here: later it would end the program.
    if Vec::<u8>::new()
        .try_reserve_exact(pages * page_bytes)
        .is_err()
    {
        let message = format!(
            "there are no {} MB of memory for the recognizer's cache: lower `kv_cache`",
            options.memory >> 20
        );
        return Err(Fault::new(Reason::OutOfMemory, message));
    }
    let kind = format!("{decoder:?}-{vision:?}").to_lowercase();
    let is_quantized = decoder != Quantization::Exact || vision != Quantization::Exact;
    let store = options.store.filter(|_| is_quantized);
    let packs = store.map(|folder| Packs::open(folder, checkpoint, &kind));
    let computing = Computing::Single {
        quantization: vision,
        own_kernels: runtime.takes_own_kernels(),
    };
    let vision = Vision::read(checkpoint, config, computing, &[], packs.as_ref())?;
    let vision = vision(runtime)?;
    let decoder = Decoder::read(checkpoint, config, decoder, &[], pages, packs.as_ref())?;
    packs.into_iter().for_each(Packs::save);
    let decoder = decoder(runtime)?;
    Ok((
        vision,
        AnyDecoder::Paged {
            decoder: Box::new(decoder),
            pages,
        },
    ))
}

/// Both networks with ONNX Runtime's operators.
fn standard_networks(
    checkpoint: &Checkpoint,
    config: &VlModelConfig,
    runtime: &Runtime,
    slots: SlotOptions,
) -> Result<(Vision, AnyDecoder), Fault> {
    let computing = Computing::Batched(slots.element);
    let vision = Vision::read(checkpoint, config, computing, &[], None)?;
    let vision = vision(&runtime.on_gpu(false))?;
    // Attention from plain operators reads shapes on the CPU, which a CUDA graph cannot capture.
    let captures = slots.attention_kernel == AttentionKernel::Fused;
    let decoder = SlotDecoder::read(checkpoint, config, slots)?;
    let decoder = decoder(&runtime.on_gpu(captures))?;
    Ok((vision, AnyDecoder::Slots(Box::new(decoder))))
}

/// Vision encoder with token embeddings: makes prompts for the decoder.
pub struct Encoder {
    vision: Vision,
    embeddings: Embeddings,
    config: VlModelConfig,
}

impl Encoder {
    /// `true` if it encodes several pictures at once, and so on a device of its own.
    pub fn takes_several(&self) -> bool {
        self.vision.is_batched()
    }

    /// Groups pictures, given their numbers of patches, into batches of indices.
    pub fn batches(&self, counts: &[usize]) -> Vec<Vec<usize>> {
        self.vision.batches(counts)
    }

    /// Encodes a picture and inserts it among the tokens `ids`.
    pub fn encode(&mut self, patches: Patches, ids: &[u32]) -> Result<EncodedPrompt, OnnxError> {
        let grid = patches.grid;
        let picture = self.vision.encode(patches)?;
        Ok(self.prompt(grid, &picture, ids))
    }

    /// The same for several pictures at once.
    pub fn encode_all(
        &mut self,
        shown: Vec<(Patches, Vec<u32>)>,
    ) -> Result<Vec<EncodedPrompt>, OnnxError> {
        let (patches, ids): (Vec<Patches>, Vec<Vec<u32>>) = shown.into_iter().unzip();
        let grids: Vec<[usize; 2]> = patches.iter().map(|patches| patches.grid).collect();
        let pictures = self.vision.encode_all(patches)?;
        let each = grids.into_iter().zip(&pictures).zip(&ids);
        Ok(each
            .map(|((grid, picture), ids)| self.prompt(grid, picture, ids))
            .collect())
    }

    fn prompt(&self, grid: [usize; 2], picture: &[f32], ids: &[u32]) -> EncodedPrompt {
        let merged = grid.map(|n| n / self.config.vision.merge_size);
        let hidden = self.config.text.hidden_size;
        let mut pieces = picture.chunks_exact(hidden);
        let mut embeddings = Vec::with_capacity(ids.len() * hidden);
        for id in ids {
            // There are as many picture tokens as placeholders: both follow from the size of the picture.
            let piece = if *id == self.config.image_token {
                pieces.next()
            } else {
                None
            };
            match piece {
                Some(piece) => embeddings.extend_from_slice(piece),
                None => self.embeddings.embed(*id, &mut embeddings),
            }
        }
        let (positions, delta) = prompt_positions(ids, self.config.image_token, merged);
        EncodedPrompt {
            embeddings,
            positions,
            delta,
        }
    }
}

/// A prompt after vision encoding.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedPrompt {
    /// `[tokens, hidden]`.
    embeddings: Vec<f32>,
    positions: Vec<[i64; 3]>,
    /// Rope delta: position of a later token minus its index.
    delta: i64,
}

impl EncodedPrompt {
    /// Input of the decoder, `[tokens, hidden]`.
    pub fn embeddings(&self) -> &[f32] {
        &self.embeddings
    }
}

/// The decoder as a model of the scheduler.
pub struct DecoderSteps {
    decoder: AnyDecoder,
    rotary: TextRotary,
}

/// Either implementation of the decoder.
enum AnyDecoder {
    Paged { decoder: Box<Decoder>, pages: usize },
    Slots(Box<SlotDecoder>),
}

impl AnyDecoder {
    fn embeddings(&self) -> &Embeddings {
        match self {
            AnyDecoder::Paged { decoder, .. } => decoder.embeddings(),
            AnyDecoder::Slots(decoder) => decoder.embeddings(),
        }
    }

    /// Predictions after each wanted token, and the logits if wanted.
    fn run(
        &mut self,
        call: Packed,
        wants_logits: bool,
    ) -> Result<(Vec<Next>, Vec<f32>), OnnxError> {
        match self {
            AnyDecoder::Paged { decoder, .. } if wants_logits => decoder.run_for_logits(call),
            AnyDecoder::Paged { decoder, .. } => Ok((decoder.run(call)?, Vec::new())),
            AnyDecoder::Slots(decoder) => decoder.run(&call, wants_logits),
        }
    }
}

impl Steps for DecoderSteps {
    type Prompt = EncodedPrompt;

    fn prompt_tokens(&self, prompt: &EncodedPrompt) -> usize {
        prompt.positions.len()
    }

    fn cache_layout(&self) -> CacheLayout {
        match &self.decoder {
            AnyDecoder::Paged { pages, .. } => CacheLayout::Pages {
                count: *pages,
                tokens: PAGE,
            },
            AnyDecoder::Slots(decoder) => CacheLayout::Slots(decoder.buckets().to_vec()),
        }
    }

    fn release(&mut self, pages: &[u32]) {
        if let AnyDecoder::Slots(decoder) = &mut self.decoder {
            pages.iter().for_each(|slot| decoder.release(*slot));
        }
    }

    fn step(&mut self, rows: &[StepRow<'_, EncodedPrompt>]) -> Result<Vec<Predictions>, Fault> {
        let hidden = self.decoder.embeddings().width();
        let mut call = Packed::default();
        let mut wants_logits = false;
        for row in rows {
            let EncodedPrompt {
                embeddings,
                positions,
                delta,
            } = row.prompt;
            let first = call.embeddings.len() / hidden;
            let (prompt, length) = (positions.len(), positions.len() + row.tokens.len());
            call.embeddings
                .extend_from_slice(&embeddings[row.past.min(prompt) * hidden..]);
            for token in row.past.saturating_sub(prompt)..row.tokens.len() {
                self.decoder
                    .embeddings()
                    .embed(row.tokens[token], &mut call.embeddings);
            }
            let later = (row.past.max(prompt)..length).map(|number| [number as i64 + delta; 3]);
            let places: Vec<[i64; 3]> = positions[row.past.min(prompt)..]
                .iter()
                .copied()
                .chain(later)
                .collect();
            call.rotary.extend(&self.rotary.at(&places));
            let tokens = first..first + length - row.past;
            call.wanted.extend(tokens.end - row.wanted..tokens.end);
            call.rows.push(Row {
                tokens,
                past: row.past,
                pages: row.pages.to_vec(),
            });
            wants_logits |= row.wants_logits;
        }
        let (next, logits) = self.decoder.run(call, wants_logits)?;
        let vocabulary = logits.len() / next.len().max(1);
        let mut at = 0;
        let each = rows.iter().map(|row| {
            let own = &next[at..at + row.wanted];
            at += row.wanted;
            let logits = if row.wants_logits {
                &logits[(at - 1) * vocabulary..at * vocabulary]
            } else {
                &[]
            };
            let pair = |next: &Next| (next.id, next.log_probability);
            Predictions {
                next: own.iter().map(pair).collect(),
                logits: logits.to_vec(),
            }
        });
        Ok(each.collect())
    }
}
