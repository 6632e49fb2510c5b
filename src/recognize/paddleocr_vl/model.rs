//! The networks of a folder together: pictures and words in, steps of the scheduler out.

use super::config::Config;
use super::decoder::{Decoder, Embeddings, Next, Packed, heads};
use super::image::Patches;
use super::positions::{TextRotary, prompt_positions};
use super::prompt::Prompts;
use super::vision::Vision;
use super::{is_known_unused, released_name};
use crate::kernels::attention::{PAGE, Row};
use crate::onnx::checkpoint::Checkpoint;
use crate::onnx::packs::Packs;
use crate::onnx::projection::Keep;
use crate::onnx::{OnnxError, Runtime};
use crate::recognize::scheduler::{Followers, StepRow, Steps};
use std::path::Path;
use std::sync::Arc;

/// How the networks are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelOptions<'a> {
    /// How the decoder keeps its weights.
    pub decoder: Keep,
    /// How the vision encoder does.
    pub vision: Keep,
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
    pub fn load(folder: &Path, runtime: &Runtime, options: ModelOptions<'_>) -> Result<Model, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let checkpoint = Checkpoint::open(folder).map_err(|e| text(&e))?.with_names(released_name);
        if checkpoint.config.model_type() != super::config::MODEL_TYPE {
            return Err(checkpoint.config.of_another_network("PaddleOCR-VL").to_string());
        }
        let config = Config::read(folder, &checkpoint.config).map_err(|e| text(&e))?;
        let prompts = Prompts::read(folder, &config, options.is_first_version).map_err(|e| text(&e))?;
        let page_bytes = heads(&config.text).page_bytes();
        let pages = (options.memory / page_bytes).max(1);
        // Asked for and given back at once: what the system cannot give ends the program where it is taken.
        if Vec::<u8>::new().try_reserve_exact(pages * page_bytes).is_err() {
            return Err(format!(
                "there are no {} MB of memory for the recognizer's cache: lower --memory",
                options.memory >> 20
            ));
        }
        let own = runtime.takes_own_kernels();
        let kind = format!("{:?}-{:?}", options.decoder, options.vision).to_lowercase();
        let is_quantized = options.decoder != Keep::Exact || options.vision != Keep::Exact;
        let store = options.store.filter(|_| is_quantized);
        let packs = store.map(|folder| Packs::open(folder, &checkpoint, &kind));
        let vision = Vision::read(&checkpoint, &config, options.vision, &[], own, packs.as_ref())
            .map_err(|e| text(&e))?;
        let vision = vision(runtime).map_err(|e| text(&e))?;
        let decoder = Decoder::read(&checkpoint, &config, options.decoder, &[], pages, packs.as_ref())
            .map_err(|e| text(&e))?;
        packs.into_iter().for_each(Packs::save);
        let decoder = decoder(runtime).map_err(|e| text(&e))?;
        let rotary = TextRotary::new(&config.text);
        let hidden = config.text.hidden_size;
        let left = checkpoint.unused().into_iter().map(str::to_string);
        let (ignored, unknown) = left.partition(|name| is_known_unused(name));
        Ok(Model {
            prompts: Arc::new(prompts),
            encoder: Encoder { vision, embeddings: decoder.embeddings().clone(), config: config.clone() },
            decoder: DecoderSteps { decoder, rotary, pages, hidden },
            used: checkpoint.used(),
            ignored,
            unknown,
            config,
        })
    }
}

/// From pictures and words to prompts of the decoder.
pub struct Encoder {
    vision: Vision,
    embeddings: Embeddings,
    config: Config,
}

impl Encoder {
    /// Looks at a picture and puts it in its place among the tokens `ids`.
    pub fn encode(&mut self, patches: Patches, ids: &[u32]) -> Result<Prompt, OnnxError> {
        let merged = patches.grid.map(|n| n / self.config.vision.merge_size);
        let picture = self.vision.encode(patches)?;
        let hidden = self.config.text.hidden_size;
        let mut pieces = picture.chunks_exact(hidden);
        let mut embeddings = Vec::with_capacity(ids.len() * hidden);
        for id in ids {
            // As many pieces as placeholders: both follow from the size of the picture.
            let piece = if *id == self.config.image_token { pieces.next() } else { None };
            match piece {
                Some(piece) => embeddings.extend_from_slice(piece),
                None => self.embeddings.embed(*id, &mut embeddings),
            }
        }
        let (positions, delta) = prompt_positions(ids, self.config.image_token, merged);
        Ok(Prompt { embeddings, positions, delta })
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

/// The decoder as a model of the scheduler.
pub struct DecoderSteps {
    decoder: Decoder,
    rotary: TextRotary,
    pages: usize,
    hidden: usize,
}

impl Steps for DecoderSteps {
    type Prompt = Prompt;

    fn prompt_tokens(&self, prompt: &Prompt) -> usize {
        prompt.positions.len()
    }

    fn pages(&self) -> usize {
        self.pages
    }

    fn page_tokens(&self) -> usize {
        PAGE
    }

    fn step(&mut self, rows: &[StepRow<'_, Prompt>]) -> Result<Vec<Followers>, String> {
        let mut call = Packed::default();
        let mut wants_logits = false;
        for row in rows {
            let Prompt { embeddings, positions, delta } = row.prompt;
            let first = call.embeddings.len() / self.hidden;
            let (prompt, length) = (positions.len(), positions.len() + row.tokens.len());
            call.embeddings.extend_from_slice(&embeddings[row.past.min(prompt) * self.hidden..]);
            for token in row.past.saturating_sub(prompt)..row.tokens.len() {
                self.decoder.embeddings().embed(row.tokens[token], &mut call.embeddings);
            }
            let later = (row.past.max(prompt)..length).map(|number| [number as i64 + delta; 3]);
            let places: Vec<[i64; 3]> =
                positions[row.past.min(prompt)..].iter().copied().chain(later).collect();
            call.rotary.extend(&self.rotary.at(&places));
            let tokens = first..first + length - row.past;
            call.wanted.extend(tokens.end - row.wanted..tokens.end);
            call.rows.push(Row { tokens, past: row.past, pages: row.pages.to_vec() });
            wants_logits |= row.wants_logits;
        }
        let fail = |error: OnnxError| error.to_string();
        let (next, logits) = match wants_logits {
            true => self.decoder.run_for_logits(call).map_err(fail)?,
            false => (self.decoder.run(call).map_err(fail)?, Vec::new()),
        };
        let vocabulary = logits.len() / next.len().max(1);
        let mut at = 0;
        let each = rows.iter().map(|row| {
            let own = &next[at..at + row.wanted];
            at += row.wanted;
            let logits = if row.wants_logits { &logits[(at - 1) * vocabulary..at * vocabulary] } else { &[] };
            let pair = |next: &Next| (next.id, next.log_probability);
            Followers { next: own.iter().map(pair).collect(), logits: logits.to_vec() }
        });
        Ok(each.collect())
    }
}
