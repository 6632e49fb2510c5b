//! The networks of a folder together: pictures and words in, steps of the scheduler out.

use super::config::Config;
use super::decoder::{Decoder, Embeddings, Next, Packed, heads};
use super::image::Patches;
use super::positions::{TextRotary, prompt_positions};
use super::prompt::Prompts;
use super::slot_decoder::{SlotDecoder, SlotOptions, token_bytes};
use super::vision::{Computing, Vision};
use super::{is_known_unused, released_name};
use crate::kernels::attention::{PAGE, Row};
use crate::onnx::checkpoint::Checkpoint;
use crate::onnx::graph::Element;
use crate::onnx::packs::Packs;
use crate::onnx::projection::Keep;
use crate::onnx::slots::Way;
use crate::onnx::{OnnxError, Runtime};
use crate::recognize::scheduler::room::{self, Division};
use crate::recognize::scheduler::{Followers, StepRow, Steps};
use std::path::Path;
use std::sync::Arc;

/// Slots that are wanted for sequences; there are fewer, or shorter ones, where memory does not allow them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// Blocks that decode together.
    pub count: usize,
    /// Tokens of the longest sequence, prompt and answer.
    pub longest: usize,
    /// Tokens that most sequences stay below.
    pub common: usize,
}

/// How the networks compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernels {
    /// With kernels of our own, on the CPU.
    Own {
        /// How the decoder keeps its weights.
        decoder: Keep,
        /// How the vision encoder does.
        vision: Keep,
    },
    /// With ONNX Runtime's operators, made for a GPU.
    Standard {
        /// The kind of floating-point numbers.
        element: Element,
        /// How attention is computed; [`Way::Fused`] in single precision on the CPU only.
        way: Way,
        /// The slots that are wanted.
        slots: Slots,
    },
}

/// How the networks are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelOptions<'a> {
    /// How they compute.
    pub kernels: Kernels,
    /// Bytes for keys and values.
    pub memory: usize,
    /// Whether a folder without a chat template is of version 1.0.
    pub is_first_version: bool,
    /// Where quantized weights are kept from one run to the next; `None`: nowhere.
    pub store: Option<&'a Path>,
}

/// The loaded networks.
pub struct Model {
    /// What the folder says.
    pub config: Config,
    /// Words to tokens and back.
    pub prompts: Arc<Prompts>,
    /// From pictures to prompts.
    pub encoder: Encoder,
    /// The decoder with its cache.
    pub decoder: DecoderSteps,
    /// Tensors of the checkpoint that are used.
    pub used: usize,
    /// Tensors that have no use, as they should.
    pub ignored: Vec<String>,
    /// Tensors that there is no place for.
    pub unknown: Vec<String>,
}

impl Model {
    /// Loads a folder. The error names the file and what to do.
    pub fn load(
        folder: &Path,
        runtime: &Runtime,
        options: ModelOptions<'_>,
    ) -> Result<Model, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let checkpoint = Checkpoint::open(folder)
            .map_err(|e| text(&e))?
            .with_names(released_name);
        if checkpoint.config.model_type() != super::config::MODEL_TYPE {
            return Err(checkpoint
                .config
                .of_another_network("PaddleOCR-VL")
                .to_string());
        }
        let config = Config::read(folder, &checkpoint.config).map_err(|e| text(&e))?;
        let prompts =
            Prompts::read(folder, &config, options.is_first_version).map_err(|e| text(&e))?;
        let (vision, decoder) = match options.kernels {
            Kernels::Own { decoder, vision } => {
                own_networks(&checkpoint, &config, runtime, options, [decoder, vision])?
            }
            Kernels::Standard {
                element,
                way,
                slots,
            } => {
                let budget = options.memory / token_bytes(&config.text, element);
                let buckets = room::slots_within(budget, slots.count, slots.longest, slots.common);
                let slots = SlotOptions {
                    element,
                    buckets,
                    way,
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

/// Both networks with kernels of our own.
fn own_networks(
    checkpoint: &Checkpoint,
    config: &Config,
    runtime: &Runtime,
    options: ModelOptions<'_>,
    [decoder, vision]: [Keep; 2],
) -> Result<(Vision, AnyDecoder), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let page_bytes = heads(&config.text).page_bytes();
    let pages = (options.memory / page_bytes).max(1);
    // Asked for and given back at once: what the system cannot give ends the program where it is taken.
    if Vec::<u8>::new()
        .try_reserve_exact(pages * page_bytes)
        .is_err()
    {
        return Err(format!(
            "there are no {} MB of memory for the recognizer's cache: lower --kv-cache",
            options.memory >> 20
        ));
    }
    let kind = format!("{decoder:?}-{vision:?}").to_lowercase();
    let is_quantized = decoder != Keep::Exact || vision != Keep::Exact;
    let store = options.store.filter(|_| is_quantized);
    let packs = store.map(|folder| Packs::open(folder, checkpoint, &kind));
    let computing = Computing::Single {
        keep: vision,
        own_kernels: runtime.takes_own_kernels(),
    };
    let vision =
        Vision::read(checkpoint, config, computing, &[], packs.as_ref()).map_err(|e| text(&e))?;
    let vision = vision(runtime).map_err(|e| text(&e))?;
    let decoder = Decoder::read(checkpoint, config, decoder, &[], pages, packs.as_ref())
        .map_err(|e| text(&e))?;
    packs.into_iter().for_each(Packs::save);
    let decoder = decoder(runtime).map_err(|e| text(&e))?;
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
    config: &Config,
    runtime: &Runtime,
    slots: SlotOptions,
) -> Result<(Vision, AnyDecoder), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let computing = Computing::Batched(slots.element);
    let vision = Vision::read(checkpoint, config, computing, &[], None).map_err(|e| text(&e))?;
    let vision = vision(&runtime.on_gpu(false)).map_err(|e| text(&e))?;
    // What is put together from plain operators takes sizes from the CPU, which a captured run could not.
    let captures = slots.way == Way::Fused;
    let decoder = SlotDecoder::read(checkpoint, config, slots).map_err(|e| text(&e))?;
    let decoder = decoder(&runtime.on_gpu(captures)).map_err(|e| text(&e))?;
    Ok((vision, AnyDecoder::Slots(Box::new(decoder))))
}

/// From pictures and words to prompts of the decoder.
pub struct Encoder {
    vision: Vision,
    embeddings: Embeddings,
    config: Config,
}

impl Encoder {
    /// Whether it looks at several pictures at once, and so on a device of its own.
    pub fn takes_several(&self) -> bool {
        self.vision.is_batched()
    }

    /// Divides pictures of numbers of patches, by their places, into those that are looked at together.
    pub fn batches(&self, counts: &[usize]) -> Vec<Vec<usize>> {
        self.vision.batches(counts)
    }

    /// Looks at a picture and puts it in its place among the tokens `ids`.
    pub fn encode(&mut self, patches: Patches, ids: &[u32]) -> Result<Prompt, OnnxError> {
        let grid = patches.grid;
        let picture = self.vision.encode(patches)?;
        Ok(self.prompt(grid, &picture, ids))
    }

    /// The same with several pictures at once.
    pub fn encode_all(
        &mut self,
        shown: Vec<(Patches, Vec<u32>)>,
    ) -> Result<Vec<Prompt>, OnnxError> {
        let (patches, ids): (Vec<Patches>, Vec<Vec<u32>>) = shown.into_iter().unzip();
        let grids: Vec<[usize; 2]> = patches.iter().map(|patches| patches.grid).collect();
        let pictures = self.vision.encode_all(patches)?;
        let each = grids.into_iter().zip(&pictures).zip(&ids);
        Ok(each
            .map(|((grid, picture), ids)| self.prompt(grid, picture, ids))
            .collect())
    }

    fn prompt(&self, grid: [usize; 2], picture: &[f32], ids: &[u32]) -> Prompt {
        let merged = grid.map(|n| n / self.config.vision.merge_size);
        let hidden = self.config.text.hidden_size;
        let mut pieces = picture.chunks_exact(hidden);
        let mut embeddings = Vec::with_capacity(ids.len() * hidden);
        for id in ids {
            // As many pieces as placeholders: both follow from the size of the picture.
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
        Prompt {
            embeddings,
            positions,
            delta,
        }
    }
}

/// A prompt, its picture looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// `[tokens, hidden]`.
    embeddings: Vec<f32>,
    positions: Vec<[i64; 3]>,
    /// What numbers of later tokens are off their positions.
    delta: i64,
}

impl Prompt {
    /// What the decoder sees, `[tokens, hidden]`.
    pub fn embeddings(&self) -> &[f32] {
        &self.embeddings
    }
}

/// The decoder as a model of the scheduler.
pub struct DecoderSteps {
    decoder: AnyDecoder,
    rotary: TextRotary,
}

/// Either form of the decoder.
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

    /// What follows each wanted token, and their logits where these are wanted.
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
    type Prompt = Prompt;

    fn prompt_tokens(&self, prompt: &Prompt) -> usize {
        prompt.positions.len()
    }

    fn division(&self) -> Division {
        match &self.decoder {
            AnyDecoder::Paged { pages, .. } => Division::Pages {
                count: *pages,
                tokens: PAGE,
            },
            AnyDecoder::Slots(decoder) => Division::Slots(decoder.buckets().to_vec()),
        }
    }

    fn release(&mut self, pages: &[u32]) {
        if let AnyDecoder::Slots(decoder) = &mut self.decoder {
            pages.iter().for_each(|slot| decoder.release(*slot));
        }
    }

    fn step(&mut self, rows: &[StepRow<'_, Prompt>]) -> Result<Vec<Followers>, String> {
        let hidden = self.decoder.embeddings().width();
        let mut call = Packed::default();
        let mut wants_logits = false;
        for row in rows {
            let Prompt {
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
        let fail = |error: OnnxError| error.to_string();
        let (next, logits) = self.decoder.run(call, wants_logits).map_err(fail)?;
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
            Followers {
                next: own.iter().map(pair).collect(),
                logits: logits.to_vec(),
            }
        });
        Ok(each.collect())
    }
}
