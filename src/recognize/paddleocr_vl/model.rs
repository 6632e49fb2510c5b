//! The networks of a model folder: pictures and prompts in, steps of the scheduler out.

use super::config::VlModelConfig;
use super::decoder::{Decoder, Embeddings, Next, Packed, heads};
use super::image::Patches;
use super::positions::{TextRotary, prompt_positions};
use super::prompt::Prompts;
use super::slot_decoder::{SlotDecoder, SlotOptions, buffer_bytes, token_bytes};
use super::vision::{Arranger, Batch, Computing, Vision};
use super::{is_known_unused, released_name, slot_decoder, vision};
use crate::fault::{Fault, Reason};
use crate::kernels::attention::{PAGE, Row};
use crate::onnx::checkpoint::Checkpoint;
use crate::onnx::cuda::budget::LIBRARY_WORK;
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
    /// Most slots that are made for the longest sequence, at least one.
    pub most_long: usize,
}

impl Slots {
    /// Tokens of all slots if there is memory for every one.
    fn tokens(&self) -> usize {
        let long = self.most_long.clamp(1, self.count.max(1));
        (self.count.max(1) - long) * self.common.min(self.longest) + long * self.longest
    }
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
                let budget = budget.min(slots.tokens());
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

/// Division of a limited GPU memory among the parts of the recognizer, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GpuParts {
    /// For the runs of the vision encoder, besides its weights. Its batches follow from it.
    vision: usize,
    /// For the KV cache.
    cache: usize,
}

/// What the recognizer needs of a GPU's memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GpuNeeds {
    /// The weights.
    weights: usize,
    /// A run of the vision encoder over the largest picture.
    picture: usize,
    /// One over the largest batch.
    batch: usize,
    /// The runs of the decoder, and its buffers.
    decoder: usize,
}

impl GpuNeeds {
    fn of(folder: &Path, config: &VlModelConfig, element: Element, slots: usize) -> GpuNeeds {
        // Files hold two bytes per weight.
        let file = std::fs::metadata(folder.join("model.safetensors"));
        let weights = file.map_or(0, |file| file.len() as usize) / 2 * element.bytes();
        let [picture, batch] = vision::work_bytes(config, element);
        GpuNeeds {
            weights,
            picture,
            batch,
            decoder: slot_decoder::work_bytes(&config.text, element, slots)
                + buffer_bytes(&config.text, element),
        }
    }

    /// Divides `left` bytes; `None` if they do not suffice.
    fn divide(&self, left: usize) -> Option<GpuParts> {
        let sessions = 2 * LIBRARY_WORK;
        let left = left.checked_sub(self.weights + self.decoder + sessions)?;
        let vision = (left / 4).clamp(self.picture, self.batch.max(self.picture));
        let cache = left.checked_sub(vision)?;
        Some(GpuParts { vision, cache })
    }
}

/// Bytes for the KV cache that `left` bytes of GPU memory leave beside everything else; the error has the bytes that
/// everything else takes.
pub(crate) fn gpu_cache(
    folder: &Path,
    (element, slots): (Element, usize),
    left: usize,
) -> Result<Result<usize, usize>, Fault> {
    let checkpoint = Checkpoint::open(folder)?;
    let config = VlModelConfig::read(folder, &checkpoint.config)?;
    let needs = GpuNeeds::of(folder, &config, element, slots);
    let least = needs.weights + needs.decoder + needs.picture + 2 * LIBRARY_WORK;
    Ok(needs.divide(left).map(|parts| parts.cache).ok_or(least))
}

/// Both networks with ONNX Runtime's operators. On a GPU each kind of call is tried out.
fn standard_networks(
    checkpoint: &Checkpoint,
    config: &VlModelConfig,
    runtime: &Runtime,
    slots: SlotOptions,
) -> Result<(Vision, AnyDecoder), Fault> {
    let computing = Computing::Batched(slots.element);
    let vision = Vision::read(checkpoint, config, computing, &[], None)?;
    let mut on_gpu = runtime.on_gpu(false);
    if let Some(left) = runtime.gpu_memory_left() {
        let count = slots.buckets.iter().map(|bucket| bucket.slots).sum();
        let needs = GpuNeeds::of(checkpoint.folder(), config, slots.element, count);
        let parts = needs.divide(left);
        on_gpu = on_gpu.with_gpu_work(parts.map_or(needs.picture, |parts| parts.vision));
    }
    let mut vision = vision(&on_gpu)?;
    // Attention from plain operators reads shapes on the CPU, which a CUDA graph cannot capture.
    let captures = slots.attention_kernel == AttentionKernel::Fused;
    let decoder = SlotDecoder::read(checkpoint, config, slots)?;
    let mut decoder = decoder(&runtime.on_gpu(captures))?;
    if runtime.uses_gpu() {
        vision.try_out()?;
        decoder.try_out()?;
    }
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

    /// What arranges pictures in batches.
    pub fn arranger(&self) -> Arranger {
        self.vision.arranger()
    }

    /// Encodes a picture and inserts it among the tokens `ids`.
    pub fn encode(&mut self, patches: Patches, ids: &[u32]) -> Result<EncodedPrompt, OnnxError> {
        let grid = patches.grid;
        let picture = self.vision.encode(patches)?;
        Ok(self.prompt(grid, &picture, ids))
    }

    /// The same for a batch of pictures, given the size of each in patches and its tokens.
    pub fn encode_batch(
        &mut self,
        batch: Batch,
        shown: &[([usize; 2], &[u32])],
    ) -> Result<Vec<EncodedPrompt>, OnnxError> {
        let pictures = self.vision.encode_batch(batch)?;
        let each = shown.iter().zip(&pictures);
        Ok(each
            .map(|((grid, ids), picture)| self.prompt(*grid, picture, ids))
            .collect())
    }

    /// The same for pictures that are to be arranged; each is encoded alone if it does not take several.
    pub fn encode_all(
        &mut self,
        shown: Vec<(Patches, Vec<u32>)>,
    ) -> Result<Vec<EncodedPrompt>, OnnxError> {
        if !self.takes_several() {
            let each = shown.into_iter();
            return each
                .map(|(patches, ids)| self.encode(patches, &ids))
                .collect();
        }
        let pictures: Vec<&Patches> = shown.iter().map(|(patches, _)| patches).collect();
        let batch = self.arranger().arrange(&pictures);
        let shown: Vec<([usize; 2], &[u32])> = shown
            .iter()
            .map(|(patches, ids)| (patches.grid, ids.as_slice()))
            .collect();
        self.encode_batch(batch, &shown)
    }

    /// A prompt of tokens alone, without a picture.
    pub(crate) fn text_prompt(&self, ids: &[u32]) -> EncodedPrompt {
        self.prompt([0, 0], &[], ids)
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

impl DecoderSteps {
    /// Prepares for the steps of this thread: on a GPU they are captured now, while nothing else runs.
    pub fn prepare(&mut self) -> Result<(), OnnxError> {
        match &mut self.decoder {
            AnyDecoder::Paged { .. } => Ok(()),
            AnyDecoder::Slots(decoder) => decoder.capture(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_for_the_longest_sequence_are_limited() {
        let slots = Slots {
            count: 16,
            longest: 6400,
            common: 1024,
            most_long: 4,
        };
        let planned = |slots: Slots, memory: usize| {
            let budget = memory.min(slots.tokens());
            let buckets = kv_cache::slots_within(budget, slots.count, slots.longest, slots.common);
            buckets
                .iter()
                .map(|bucket| (bucket.slots, bucket.tokens))
                .collect::<Vec<_>>()
        };
        assert_eq!(planned(slots, usize::MAX), [(12, 1024), (4, 6400)]);
        let all = Slots {
            most_long: 16,
            ..slots
        };
        assert_eq!(planned(all, usize::MAX), [(16, 6400)]);
        // Less memory than that makes fewer long ones, as ever.
        assert_eq!(planned(slots, 22_000), [(15, 1024), (1, 6400)]);
    }

    #[test]
    fn parts_of_a_gpu_never_exceed_what_is_left() {
        let needs = GpuNeeds {
            weights: 1830 << 20,
            picture: 360 << 20,
            batch: 1200 << 20,
            decoder: 280 << 20,
        };
        let sessions = 2 * LIBRARY_WORK;
        for megabytes in [3000, 4000, 8000, 16_000, 140_000] {
            let left = megabytes << 20;
            let parts = needs.divide(left).unwrap();
            let all = needs.weights + needs.decoder + sessions + parts.vision + parts.cache;
            assert_eq!(all, left, "{megabytes} MB");
            assert!(parts.vision >= needs.picture && parts.vision <= needs.batch);
            assert!(parts.cache > left / 10, "{megabytes} MB");
        }
        assert_eq!(needs.divide(2500 << 20), None);
        assert_eq!(needs.divide(0), None);
    }
}
