//! The decoder with ONNX Runtime's operators, for a GPU: the KV cache is divided into slots of fixed lengths
//! and never leaves the device.
//!
//! A packed call becomes calls of two kinds. All single-token rows in slots of one length decode together, in
//! steps over the first 1, 2, 4, 8, ... slots: shapes and buffers are always the same, so that each is
//! captured once as a CUDA graph and replayed from then on. Rows of several tokens (prompts and drafted runs)
//! run alone, except that prompts of similar length run together, in a cache of their own
//! ([`prefill`](super::prefill)).
//!
//! All steps are bound to their buffers when the decoder is made, and captured before the first block
//! ([`SlotDecoder::capture`]): nothing is allocated or captured while blocks are under way.

use super::config::{TextConfig, VlModelConfig};
use super::decoder::{Embeddings, Next, Packed};
use super::prefill::{Move, PromptCache};
use super::slot_graph;
use super::slot_plan::{Place, TOGETHER, Together, plan, slot_of, step_sizes, wanted_places};
use crate::kernels::attention::Row;
use crate::onnx::buffers::{Buffer, Call};
use crate::onnx::checkpoint::{Checkpoint, CheckpointError};
use crate::onnx::cuda::budget::LIBRARY_WORK;
use crate::onnx::graph::{Element, Graph};
use crate::onnx::layers::Layers;
use crate::onnx::network::{Array, Network, RunOutputs};
use crate::onnx::slots::{AttentionKernel, CachePorts, OPSET, SlotHeads, place_arrays};
use crate::onnx::{OnnxError, Runtime};
use crate::recognize::scheduler::kv_cache::Bucket;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// GPU memory of the buffers of all steps.
const STEP_BYTES: usize = 16 << 20;

/// The network with its cache.
pub struct SlotDecoder {
    /// Calls of all decode steps, by bucket and number of slots. Dropped before the network that they belong to.
    steps: BTreeMap<(usize, usize), Call>,
    /// Buffers of the steps of each bucket.
    step_buffers: Vec<StepBuffers>,
    caches: Vec<BucketCache>,
    /// For prompts that run together.
    prompt_cache: PromptCache,
    network: Network,
    attention_kernel: AttentionKernel,
    heads: SlotHeads,
    ports: Vec<CachePorts>,
    buckets: Vec<Bucket>,
    /// Number of tokens in each slot.
    lengths: Vec<usize>,
    embeddings: Embeddings,
    half_head: usize,
    vocabulary: usize,
}

/// KV cache of all layers for the slots of a bucket.
struct BucketCache {
    layers: Vec<[Arc<Buffer>; 2]>,
    /// Allocated length of a slot in tokens.
    length: usize,
}

/// Buffers of the decode steps of a bucket, each with an entry for every slot: a step over fewer slots has the first
/// entries.
struct StepBuffers {
    tokens: Arc<Buffer>,
    numbers: Arc<Buffer>,
    wanted: Arc<Buffer>,
    places: Vec<(&'static str, Arc<Buffer>)>,
    next: Arc<Buffer>,
}

/// Floating-point type and slots of the decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotOptions {
    /// Floating-point type.
    pub element: Element,
    /// The slots.
    pub buckets: Vec<Bucket>,
    /// Implementation of attention; on CUDA [`AttentionKernel::Fused`] needs half precision.
    pub attention_kernel: AttentionKernel,
}

/// Bytes that a token of a prompt takes in a run, by hidden size and byte of an element: 45 measured over two at real
/// size, with the memory that ONNX Runtime 1.31 asks for.
const RUN_BYTES: usize = 24;
/// Bytes that a logit takes in a step: in two precisions, and its probability.
const LOGIT_BYTES: usize = 12;

/// Bytes of GPU memory for the runs of the decoder, besides weights and cache.
pub(super) fn work_bytes(text: &TextConfig, element: Element, slots: usize) -> usize {
    TOGETHER * text.hidden_size * RUN_BYTES * element.bytes()
        + slots * text.vocab_size * LOGIT_BYTES
}

/// Bytes of GPU memory of the buffers besides the slots: those of all steps, and the cache of prompts that run together.
pub(super) fn buffer_bytes(text: &TextConfig, element: Element) -> usize {
    STEP_BYTES + TOGETHER * token_bytes(text, element)
}

/// Bytes of KV cache per token.
pub fn token_bytes(text: &TextConfig, element: Element) -> usize {
    2 * text.layers * text.key_value_heads * text.head_dim * element.bytes()
}

impl SlotDecoder {
    /// Reads the weights; the returned function creates the session and the cache.
    ///
    /// If GPU memory has a limit, the session gets for its runs what cache and weights leave of it.
    pub fn read(
        checkpoint: &Checkpoint,
        config: &VlModelConfig,
        options: SlotOptions,
    ) -> Result<impl FnOnce(&Runtime) -> Result<SlotDecoder, OnnxError> + use<>, CheckpointError>
    {
        let text = config.text.clone();
        let embeddings = Embeddings::read(checkpoint, &text)?;
        let graph = Graph::new("the decoder of PaddleOCR-VL");
        // Only plain attention has an operator of the newer set, of which not every ONNX Runtime has kernels on CUDA.
        let graph = match options.attention_kernel {
            AttentionKernel::Plain => graph.with_opset(OPSET),
            AttentionKernel::Fused => graph,
        };
        let mut net = Layers::new(graph, checkpoint).with_element(options.element);
        let heads = SlotHeads {
            query: text.heads,
            key_value: text.key_value_heads,
            size: text.head_dim,
        };
        let ports = slot_graph::build(&mut net, &text, heads, options.attention_kernel)?;
        let graph = net.graph;
        Ok(move |runtime: &Runtime| {
            let runtime = match runtime.gpu_memory_left() {
                Some(left) => {
                    let slots = options.buckets.iter();
                    let cache = slots.map(|b| b.slots * (b.tokens + 1)).sum::<usize>()
                        * token_bytes(&text, options.element);
                    let buffers = buffer_bytes(&text, options.element);
                    let others = graph.weight_bytes() + cache + LIBRARY_WORK + buffers;
                    runtime.with_gpu_work(left.saturating_sub(others))
                }
                None => runtime.clone(),
            };
            let network = graph.build(&runtime)?;
            let SlotOptions {
                element,
                buckets,
                attention_kernel,
            } = options;
            let cache = |bucket: &Bucket| {
                // One place more than tokens: idle slots of a step write there.
                let length = bucket.tokens + 1;
                let shape = [bucket.slots, heads.key_value, length, heads.size];
                let pair = |_| {
                    Ok([
                        network.buffer(element, &shape)?,
                        network.buffer(element, &shape)?,
                    ])
                };
                let layers = (0..text.layers)
                    .map(pair)
                    .collect::<Result<_, OnnxError>>()?;
                Ok(BucketCache { layers, length })
            };
            let caches = buckets
                .iter()
                .map(cache)
                .collect::<Result<_, OnnxError>>()?;
            let lengths = vec![0; buckets.iter().map(|bucket| bucket.slots).sum()];
            let prompt_cache = PromptCache::new(&network, element, heads, text.layers)?;
            let mut decoder = SlotDecoder {
                prompt_cache,
                steps: BTreeMap::new(),
                step_buffers: Vec::new(),
                caches,
                network,
                attention_kernel,
                heads,
                ports,
                buckets,
                lengths,
                embeddings,
                half_head: text.head_dim / 2,
                vocabulary: text.vocab_size,
            };
            decoder.make_step_buffers()?;
            decoder.bind_steps(true)?;
            Ok(decoder)
        })
    }

    /// Token embedding table.
    pub fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }

    /// The slots by length.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Marks a slot as free.
    pub fn release(&mut self, slot: u32) {
        self.lengths[slot as usize] = 0;
    }

    /// Predicts the next token after each wanted one, with the logits, `[wanted, vocabulary]`, if wanted.
    ///
    /// The `pages` of a row name its slot.
    pub fn run(
        &mut self,
        call: &Packed,
        wants_logits: bool,
    ) -> Result<(Vec<Next>, Vec<f32>), OnnxError> {
        let mut next = vec![
            Next {
                id: 0,
                log_probability: 0.0
            };
            call.wanted.len()
        ];
        let vocabulary = if wants_logits { self.vocabulary } else { 0 };
        let mut logits = vec![0.0; next.len() * vocabulary];
        for together in plan(&call.rows, &self.buckets) {
            let wanted = wanted_places(call, &together);
            let (found, own) = match &together.place {
                Place::Slots { bucket, .. } if together.tokens == 1 && !wants_logits => {
                    (self.step(call, *bucket, &together, &wanted)?, Vec::new())
                }
                _ => self.one_off(call, &together, &wanted, wants_logits)?,
            };
            for (at, ((number, _), found)) in wanted.iter().zip(found).enumerate() {
                next[*number] = found;
                let to = &mut logits[number * vocabulary..(number + 1) * vocabulary];
                to.copy_from_slice(&own[at * vocabulary..(at + 1) * vocabulary]);
            }
            for row in together.rows.iter().flatten().map(|row| &call.rows[*row]) {
                self.lengths[row.pages[0] as usize] = row.past + row.tokens.len();
            }
        }
        Ok((next, logits))
    }

    /// Inputs of a call, padded: embedding, cosines and sines of each token.
    fn tokens(&self, call: &Packed, together: &Together) -> Vec<f32> {
        let (hidden, half) = (self.embeddings.width(), self.half_head);
        let width = hidden + 2 * half;
        let mut tokens = vec![0.0; together.rows.len() * together.tokens * width];
        for (slot, row) in together.rows.iter().enumerate() {
            let range = row.map_or(0..0, |row| call.rows[row].tokens.clone());
            for (at, token) in range.enumerate() {
                let start = (slot * together.tokens + at) * width;
                let to = &mut tokens[start..start + width];
                to[..hidden]
                    .copy_from_slice(&call.embeddings[token * hidden..(token + 1) * hidden]);
                let own = token * half..(token + 1) * half;
                to[hidden..hidden + half].copy_from_slice(&call.rotary.cosines[own.clone()]);
                to[hidden + half..].copy_from_slice(&call.rotary.sines[own]);
            }
        }
        tokens
    }

    /// Positions of the tokens in their slots.
    fn places(&self, call: &Packed, together: &Together) -> Vec<(&'static str, Array)> {
        let (first, length) = match &together.place {
            Place::Slots { bucket, slots } => {
                let before = self.buckets[..*bucket].iter().map(|bucket| bucket.slots);
                (
                    before.sum::<usize>() + slots.start,
                    self.caches[*bucket].length,
                )
            }
            // Of prompts there is none without a row.
            Place::Beside => (0, together.tokens),
        };
        let of = |(at, row): (usize, &Option<usize>)| match row {
            Some(row) => (call.rows[*row].past, call.rows[*row].tokens.len()),
            // After the slot's last token, so that none is overwritten.
            None => (self.lengths[first + at], 1),
        };
        let (pasts, counts): (Vec<usize>, Vec<usize>) =
            together.rows.iter().enumerate().map(of).unzip();
        place_arrays(
            self.attention_kernel,
            self.heads,
            (&pasts, &counts),
            together.tokens,
            length,
        )
    }

    /// Binds the cache of a bucket's slots, to be written in place.
    fn bind_cache(
        &self,
        call: &mut Call,
        bucket: usize,
        slots: &Range<usize>,
    ) -> Result<(), OnnxError> {
        for (ports, buffers) in self.ports.iter().zip(&self.caches[bucket].layers) {
            for (at, buffer) in buffers.iter().enumerate() {
                call.input(&ports.past[at], buffer, slots.clone())?;
                call.output(&ports.present[at], buffer, slots.clone())?;
            }
        }
        Ok(())
    }

    /// Runs a call whose shape is not repeated.
    fn one_off(
        &mut self,
        packed: &Packed,
        together: &Together,
        wanted: &[(usize, usize)],
        wants_logits: bool,
    ) -> Result<(Vec<Next>, Vec<f32>), OnnxError> {
        let mut call = self.network.call(None)?;
        let (batch, tokens) = (together.rows.len(), together.tokens);
        let width = self.embeddings.width() + 2 * self.half_head;
        call.array(
            "tokens",
            Array::F32(vec![batch, tokens, width], self.tokens(packed, together)),
        )?;
        let (numbers, wanted) = (
            numbers(batch, tokens),
            wanted.iter().map(|(_, at)| *at as i64).collect(),
        );
        call.array("numbers", numbers)?;
        call.array("wanted", i64_row(wanted))?;
        for (name, array) in self.places(packed, together) {
            call.array(name, array)?;
        }
        call.output_to_cpu("next")?;
        if wants_logits {
            call.output_to_cpu("logits")?;
        }
        match &together.place {
            Place::Slots { bucket, slots } => self.bind_cache(&mut call, *bucket, slots)?,
            Place::Beside => self
                .prompt_cache
                .bind(&mut call, &self.ports, batch, tokens)?,
        }
        let found = self
            .network
            .run_call(&mut call, |outputs: &RunOutputs<'_>| {
                let logits = if wants_logits {
                    outputs.f32("logits")?.1.to_vec()
                } else {
                    Vec::new()
                };
                Ok((pairs(outputs.f32("next")?.1), logits))
            })?;
        if together.place == Place::Beside {
            self.move_to_slots(packed, together)?;
        }
        Ok(found)
    }

    /// Copies the keys and values of prompts that ran beside the slots to theirs.
    fn move_to_slots(&self, packed: &Packed, together: &Together) -> Result<(), OnnxError> {
        for (prompt, row) in together.rows.iter().flatten().enumerate() {
            let row = &packed.rows[*row];
            let (bucket, slot) = slot_of(&self.buckets, row.pages[0]);
            let cache = &self.caches[bucket];
            let moved = Move {
                prompt,
                slot,
                tokens: row.tokens.len(),
            };
            self.prompt_cache
                .copy_to(&cache.layers, cache.length, &moved, together.tokens)?;
        }
        self.prompt_cache.copied()
    }

    /// Runs a decode step, which is bound once and repeated.
    fn step(
        &mut self,
        packed: &Packed,
        bucket: usize,
        together: &Together,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Next>, OnnxError> {
        let key = (bucket, together.rows.len());
        let (tokens, places) = (self.tokens(packed, together), self.places(packed, together));
        let buffers = &self.step_buffers[bucket];
        buffers.tokens.write(&tokens)?;
        for (name, buffer) in &buffers.places {
            match places.iter().find(|(other, _)| other == name) {
                Some((_, Array::I32(_, values))) => buffer.write(values)?,
                Some((_, Array::I64(_, values))) => buffer.write(values)?,
                _ => {}
            }
        }
        let call = self.steps.get_mut(&key).expect("all sizes are bound");
        self.network.run_call(call, |_| Ok(()))?;
        let next = pairs(&buffers.next.read_f32(together.rows.len())?);
        Ok(wanted.iter().map(|(_, at)| next[*at]).collect())
    }

    /// Makes the buffers of all decode steps, and writes those that never change.
    fn make_step_buffers(&mut self) -> Result<(), OnnxError> {
        let width = self.embeddings.width() + 2 * self.half_head;
        for (bucket, size) in self.buckets.iter().enumerate() {
            let slots = size.slots;
            let buffer = |element, shape: &[usize]| self.network.buffer(element, shape);
            let fixed = |values: Array| -> Result<Arc<Buffer>, OnnxError> {
                let Array::I64(shape, values) = values else {
                    unreachable!("rows of whole numbers")
                };
                let buffer = buffer(Element::I64, &shape)?;
                buffer.write(&values)?;
                Ok(buffer)
            };
            let mut places = Vec::new();
            for (name, array) in self.places(&Packed::default(), &Together::idle(bucket, slots)) {
                if let Some((element, shape)) = placed(&array) {
                    places.push((name, buffer(element, shape)?));
                }
            }
            let buffers = StepBuffers {
                tokens: buffer(Element::F32, &[slots, 1, width])?,
                numbers: fixed(numbers(slots, 1))?,
                wanted: fixed(i64_row((0..slots as i64).collect()))?,
                places,
                next: buffer(Element::F32, &[slots, 2])?,
            };
            self.step_buffers.push(buffers);
        }
        Ok(())
    }

    /// Binds the decode steps over all numbers of slots.
    fn bind_steps(&mut self, captured: bool) -> Result<(), OnnxError> {
        let mut steps = BTreeMap::new();
        for (bucket, size) in self.buckets.iter().enumerate() {
            for slots in step_sizes(size.slots) {
                // Numbers from 1 on, each for one step only.
                let number = captured.then_some(steps.len() + 1);
                steps.insert((bucket, slots), self.bound_step(number, bucket, slots)?);
            }
        }
        self.steps = steps;
        Ok(())
    }

    /// A decode step over the first slots of a bucket, bound to its buffers.
    fn bound_step(
        &self,
        number: Option<usize>,
        bucket: usize,
        slots: usize,
    ) -> Result<Call, OnnxError> {
        let mut call = self.network.call(number)?;
        let buffers = &self.step_buffers[bucket];
        call.input("tokens", &buffers.tokens, 0..slots)?;
        call.input("numbers", &buffers.numbers, 0..slots)?;
        call.input("wanted", &buffers.wanted, 0..slots)?;
        for (name, array) in self.places(&Packed::default(), &Together::idle(bucket, slots)) {
            let buffer = buffers.places.iter().find(|(other, _)| *other == name);
            match (placed(&array), buffer) {
                (Some((_, shape)), Some((_, buffer))) => call.input(name, buffer, 0..shape[0])?,
                // A constant scalar, which the CPU reads.
                _ => call.array(name, array)?,
            }
        }
        self.bind_cache(&mut call, bucket, &(0..slots))?;
        call.output("next", &buffers.next, 0..slots)?;
        Ok(call)
    }

    /// Captures all decode steps as CUDA graphs for this thread, which is to run them; does nothing where runs are not
    /// captured. Idle slots are all that the steps compute.
    ///
    /// A capture that fails for a reason of its own is no error: the steps then run uncaptured, slower.
    pub fn capture(&mut self) -> Result<(), OnnxError> {
        if !self.network.captures() {
            return Ok(());
        }
        // The largest first, so that the session's memory grows once.
        let sizes: Vec<(usize, usize)> = self.steps.keys().rev().copied().collect();
        for (bucket, slots) in sizes {
            if self.steps[&(bucket, slots)].is_captured() {
                continue;
            }
            let idle = Together::idle(bucket, slots);
            match self.step(&Packed::default(), bucket, &idle, &[]) {
                Ok(_) => {}
                Err(error @ (OnnxError::Lost { .. } | OnnxError::OutOfMemory { .. })) => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(%error, "decode steps cannot be captured and will be slower");
                    return self.bind_steps(false);
                }
            }
        }
        Ok(())
    }

    /// Runs the largest calls of every kind once, uncaptured: whatever the device lacks for them, in kernels or in
    /// memory, shows before there is a page. The cache is left as if nothing had run.
    pub fn try_out(&mut self) -> Result<(), OnnxError> {
        for (bucket, size) in self.buckets.clone().into_iter().enumerate() {
            let idle = Together::idle(bucket, size.slots);
            let all: Vec<(usize, usize)> = (0..size.slots).map(|at| (at, at)).collect();
            self.one_off(&Packed::default(), &idle, &all, false)?;
            let first: usize = self.buckets[..bucket].iter().map(|b| b.slots).sum();
            let tokens = size.tokens.min(TOGETHER);
            self.try_prompts(first, 1, tokens)?;
            if size.slots > 1 {
                self.try_prompts(first, 2, size.tokens.min(TOGETHER / 2))?;
            }
        }
        Ok(())
    }

    /// Runs blank prompts of `tokens` each for the slots from `first` on.
    fn try_prompts(&mut self, first: usize, count: usize, tokens: usize) -> Result<(), OnnxError> {
        let all = count * tokens;
        let row = |prompt: usize| Row {
            tokens: prompt * tokens..(prompt + 1) * tokens,
            past: 0,
            pages: vec![(first + prompt) as u32],
        };
        let mut packed = Packed {
            embeddings: vec![0.0; all * self.embeddings.width()],
            rows: (0..count).map(row).collect(),
            wanted: vec![all - 1],
            ..Packed::default()
        };
        packed.rotary.cosines = vec![1.0; all * self.half_head];
        packed.rotary.sines = vec![0.0; all * self.half_head];
        for together in plan(&packed.rows, &self.buckets) {
            let wanted = wanted_places(&packed, &together);
            self.one_off(&packed, &together, &wanted, true)?;
        }
        Ok(())
    }
}

/// Type and shape of an array that a step has in a buffer; `None` for a scalar, which the CPU reads.
fn placed(array: &Array) -> Option<(Element, &[usize])> {
    let (element, shape) = match array {
        Array::I32(shape, _) => (Element::I32, shape),
        Array::I64(shape, _) => (Element::I64, shape),
        Array::F32(shape, _) => (Element::F32, shape),
    };
    (!shape.is_empty()).then_some((element, shape))
}

fn numbers(batch: usize, tokens: usize) -> Array {
    Array::I64(vec![batch, tokens], (0..(batch * tokens) as i64).collect())
}

fn i64_row(values: Vec<i64>) -> Array {
    Array::I64(vec![values.len()], values)
}

fn pairs(values: &[f32]) -> Vec<Next> {
    let pairs = values.as_chunks::<2>().0.iter();
    pairs
        .map(|[id, log]| Next {
            id: *id as u32,
            log_probability: *log,
        })
        .collect()
}
