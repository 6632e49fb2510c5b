//! The decoder with ONNX Runtime's operators, for a GPU: the KV cache is divided into slots of fixed lengths
//! and never leaves the device.
//!
//! A packed call becomes calls of two kinds. All single-token rows in slots of one length decode together, in
//! steps over the first 1, 2, 4, 8, ... slots: shapes and buffers are always the same, so that each is
//! captured once as a CUDA graph and replayed from then on. Rows of several tokens (prompts and drafted runs)
//! run alone, except that prompts in neighbouring slots can run together.

use super::config::{TextConfig, VlModelConfig};
use super::decoder::{DECODER, Embeddings, Next, Packed, decoder_layer, head};
use crate::kernels::attention::Row;
use crate::onnx::buffers::{Buffer, Call};
use crate::onnx::checkpoint::{Checkpoint, CheckpointError};
use crate::onnx::graph::{Dim, Element, Graph, Value};
use crate::onnx::layers::Layers;
use crate::onnx::network::{Array, Network, RunOutputs};
use crate::onnx::projection::Quantization;
use crate::onnx::slots::{AttentionKernel, CachePorts, OPSET, SlotHeads, place_arrays};
use crate::onnx::{OnnxError, Runtime};
use crate::recognize::scheduler::kv_cache::{Bucket, bucket_of};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Most tokens, padding included, of prompts that run together.
const TOGETHER: usize = 4096;

/// The network with its cache.
pub struct SlotDecoder {
    // Dropped before the network that it belongs to.
    steps: BTreeMap<(usize, usize), BoundStep>,
    /// Number of steps created.
    captured: usize,
    caches: Vec<BucketCache>,
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

/// A decode step over the first slots of a bucket, bound to its buffers.
struct BoundStep {
    call: Call,
    tokens: Arc<Buffer>,
    places: Vec<(&'static str, Arc<Buffer>)>,
    next: Arc<Buffer>,
}

/// Rows of neighbouring slots that run together, padded to the longest.
#[derive(Debug, PartialEq, Eq)]
struct Together {
    bucket: usize,
    /// Slots within the bucket.
    slots: Range<usize>,
    /// Index in the packed call of the row in each slot; `None` for an idle slot.
    rows: Vec<Option<usize>>,
    /// Tokens that each row is padded to.
    tokens: usize,
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

/// Bytes of KV cache per token.
pub fn token_bytes(text: &TextConfig, element: Element) -> usize {
    2 * text.layers * text.key_value_heads * text.head_dim * element.bytes()
}

impl SlotDecoder {
    /// Reads the weights; the returned function creates the session and the cache.
    pub fn read(
        checkpoint: &Checkpoint,
        config: &VlModelConfig,
        options: SlotOptions,
    ) -> Result<impl FnOnce(&Runtime) -> Result<SlotDecoder, OnnxError> + use<>, CheckpointError>
    {
        let text = config.text.clone();
        let embeddings = Embeddings::read(checkpoint, &text)?;
        let graph = Graph::new("the decoder of PaddleOCR-VL").with_opset(OPSET);
        let mut net = Layers::new(graph, checkpoint).with_element(options.element);
        let heads = SlotHeads {
            query: text.heads,
            key_value: text.key_value_heads,
            size: text.head_dim,
        };
        let ports = build(&mut net, &text, heads, options.attention_kernel)?;
        let graph = net.graph;
        Ok(move |runtime: &Runtime| {
            let network = graph.build(runtime)?;
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
            Ok(SlotDecoder {
                steps: BTreeMap::new(),
                captured: 0,
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
            })
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
            let (found, own) = match together.tokens == 1 && !wants_logits {
                true => (self.step(call, &together, &wanted)?, Vec::new()),
                false => self.one_off(call, &together, &wanted, wants_logits)?,
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
        let mut tokens = vec![0.0; together.slots.len() * together.tokens * width];
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
        let first: usize = self.buckets[..together.bucket]
            .iter()
            .map(|bucket| bucket.slots)
            .sum();
        let of = |(at, row): (usize, &Option<usize>)| match row {
            Some(row) => (call.rows[*row].past, call.rows[*row].tokens.len()),
            // After the slot's last token, so that none is overwritten.
            None => (self.lengths[first + together.slots.start + at], 1),
        };
        let (pasts, counts): (Vec<usize>, Vec<usize>) =
            together.rows.iter().enumerate().map(of).unzip();
        let length = self.caches[together.bucket].length;
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
        let (batch, tokens) = (together.slots.len(), together.tokens);
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
        self.bind_cache(&mut call, together.bucket, &together.slots)?;
        self.network
            .run_call(&mut call, |outputs: &RunOutputs<'_>| {
                let logits = if wants_logits {
                    outputs.f32("logits")?.1.to_vec()
                } else {
                    Vec::new()
                };
                Ok((pairs(outputs.f32("next")?.1), logits))
            })
    }

    /// Runs a decode step, which is bound once and repeated.
    fn step(
        &mut self,
        packed: &Packed,
        together: &Together,
        wanted: &[(usize, usize)],
    ) -> Result<Vec<Next>, OnnxError> {
        let key = (together.bucket, together.slots.len());
        let (tokens, places) = (self.tokens(packed, together), self.places(packed, together));
        let mut step = match self.steps.remove(&key) {
            Some(step) => step,
            None => self.new_step(key, &places)?,
        };
        step.tokens.write(&tokens)?;
        for (name, buffer) in &step.places {
            match places.iter().find(|(other, _)| other == name) {
                Some((_, Array::I32(_, values))) => buffer.write(values)?,
                Some((_, Array::I64(_, values))) => buffer.write(values)?,
                _ => {}
            }
        }
        self.network.run_call(&mut step.call, |_| Ok(()))?;
        let next = pairs(&step.next.read_f32()?);
        self.steps.insert(key, step);
        Ok(wanted.iter().map(|(_, at)| next[*at]).collect())
    }

    /// Buffers and bindings of a decode step over the first slots of a bucket.
    fn new_step(
        &mut self,
        (bucket, slots): (usize, usize),
        places: &[(&'static str, Array)],
    ) -> Result<BoundStep, OnnxError> {
        // Never the number of another step, even a failed one: its buffers are gone.
        self.captured += 1;
        let mut call = self.network.call(Some(self.captured))?;
        let width = self.embeddings.width() + 2 * self.half_head;
        let tokens = self.network.buffer(Element::F32, &[slots, 1, width])?;
        call.input("tokens", &tokens, 0..slots)?;
        let fixed = |values: Array| -> Result<Arc<Buffer>, OnnxError> {
            let Array::I64(shape, values) = values else {
                unreachable!("rows of whole numbers")
            };
            let buffer = self.network.buffer(Element::I64, &shape)?;
            buffer.write(&values)?;
            Ok(buffer)
        };
        call.input("numbers", &fixed(numbers(slots, 1))?, 0..slots)?;
        call.input(
            "wanted",
            &fixed(i64_row((0..slots as i64).collect()))?,
            0..slots,
        )?;
        let mut bound = Vec::new();
        for (name, array) in places {
            let (element, shape) = match array {
                Array::I32(shape, _) if !shape.is_empty() => (Element::I32, shape),
                Array::I64(shape, _) => (Element::I64, shape),
                // A constant scalar, which the CPU reads.
                array => {
                    call.array(name, array.clone())?;
                    continue;
                }
            };
            let buffer = self.network.buffer(element, shape)?;
            call.input(name, &buffer, 0..shape[0])?;
            bound.push((*name, buffer));
        }
        self.bind_cache(&mut call, bucket, &(0..slots))?;
        let next = self.network.buffer(Element::F32, &[slots, 2])?;
        call.output("next", &next, 0..slots)?;
        Ok(BoundStep {
            call,
            tokens,
            places: bound,
            next,
        })
    }
}

/// The wanted tokens of rows that run together: index among all wanted ones, position in the padded output.
fn wanted_places(call: &Packed, together: &Together) -> Vec<(usize, usize)> {
    let place = |(number, token): (usize, &usize)| {
        together.rows.iter().enumerate().find_map(|(slot, row)| {
            let own = &call.rows[(*row)?].tokens;
            own.contains(token)
                .then(|| (number, slot * together.tokens + token - own.start))
        })
    };
    call.wanted.iter().enumerate().filter_map(place).collect()
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

/// Groups rows into calls (see the module documentation).
fn plan(rows: &[Row], buckets: &[Bucket]) -> Vec<Together> {
    // Sorted by slot: bucket, slot within it, row.
    let mut placed: Vec<(usize, usize, usize)> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let bucket = bucket_of(buckets, row.pages[0]);
        let first: usize = buckets[..bucket].iter().map(|bucket| bucket.slots).sum();
        placed.push((bucket, row.pages[0] as usize - first, number));
    }
    placed.sort_unstable();
    let mut all: Vec<Together> = Vec::new();
    for (bucket, size) in buckets.iter().enumerate() {
        let own = placed.iter().filter(|(of, _, _)| *of == bucket);
        let (single, several): (Vec<_>, Vec<_>) =
            own.partition(|(_, _, row)| rows[*row].tokens.len() == 1);
        if let Some((_, last, _)) = single.last() {
            let count = (last + 1).next_power_of_two().min(size.slots);
            let mut in_slots = vec![None; count];
            single
                .iter()
                .for_each(|(_, slot, row)| in_slots[*slot] = Some(*row));
            all.push(Together {
                bucket,
                slots: 0..count,
                rows: in_slots,
                tokens: 1,
            });
        }
        let mut open: Option<Together> = None;
        for (_, slot, row) in several {
            let tokens = rows[row].tokens.len();
            if let Some(group) = &mut open
                && rows[row].past == 0
                && group.rows.iter().flatten().all(|row| rows[*row].past == 0)
                && group.slots.end == slot
                && is_worth_padding(group, tokens)
            {
                group.slots.end += 1;
                group.rows.push(Some(row));
                group.tokens = group.tokens.max(tokens);
            } else {
                all.extend(open.take());
                open = Some(Together {
                    bucket,
                    slots: slot..slot + 1,
                    rows: vec![Some(row)],
                    tokens,
                });
            }
        }
        all.extend(open);
    }
    all
}

/// `true` if prompts are so similar in length, and so short, that padding costs less than separate calls.
fn is_worth_padding(group: &Together, tokens: usize) -> bool {
    let (short, long) = (group.tokens.min(tokens), group.tokens.max(tokens));
    long * (group.rows.len() + 1) <= TOGETHER && short * 4 >= long * 3
}

fn build(
    net: &mut Layers<'_>,
    text: &TextConfig,
    heads: SlotHeads,
    attention_kernel: AttentionKernel,
) -> Result<Vec<CachePorts>, CheckpointError> {
    let (hidden, half) = (text.hidden_size, text.head_dim / 2);
    let (batch, tokens) = (Dim::Named("batch"), Dim::Named("tokens"));
    let element = net.element;
    let input = net.graph.input(
        "tokens",
        Element::F32,
        &[batch, tokens, Dim::Fixed(hidden + 2 * half)],
    );
    let numbers = net.graph.input("numbers", Element::I64, &[batch, tokens]);
    let wanted = net
        .graph
        .input("wanted", Element::I64, &[Dim::Named("wanted")]);
    let places = net.slot_places(attention_kernel, heads);
    let mut parts = net.split(DECODER, &input, &[hidden as i64, half as i64, half as i64]);
    if element != Element::F32 {
        parts = parts
            .iter()
            .map(|part| net.graph.cast(DECODER, part, element))
            .collect();
    }
    let [cosines, sines] =
        [1, 2].map(|part| net.reshape(DECODER, &parts[part], &[-1, half as i64]));
    let widths = [text.heads, text.key_value_heads, text.key_value_heads]
        .map(|n| (n * text.head_dim) as i64);
    let mut ports = Vec::new();
    let mut attend = |net: &mut Layers<'_>, at: &str, layer: usize, projected: &Value| {
        let parts = net.split(at, projected, &widths);
        let query = net.turned(at, &parts[0], [&numbers, &cosines, &sines]);
        let key = net.turned(at, &parts[1], [&numbers, &cosines, &sines]);
        let (attended, own) = net.slot_attention(at, layer, [&query, &key, &parts[2]], &places);
        ports.push(own);
        attended
    };
    let mut x = parts[0].clone();
    for layer in 0..text.layers {
        x = decoder_layer(net, text, Quantization::Exact, layer, &x, &mut attend)?;
    }
    let rows = net.reshape(DECODER, &x, &[-1, hidden as i64]);
    let x = net.graph.op("Gather", DECODER, &[&rows, &wanted], &[]);
    let logits = head(net, text, Quantization::Exact, &x)?;
    let rows = Dim::Named("wanted");
    let next = net.standard_choice("next", &logits);
    net.graph
        .output("next", &next, Element::F32, &[rows, Dim::Fixed(2)]);
    let logits = net.graph.cast("logits", &logits, Element::F32);
    net.graph.output(
        "logits",
        &logits,
        Element::F32,
        &[rows, Dim::Fixed(text.vocab_size)],
    );
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(slot: u32, past: usize, tokens: Range<usize>) -> Row {
        Row {
            tokens,
            past,
            pages: vec![slot],
        }
    }

    #[test]
    fn single_tokens_decode_together_and_prompts_with_their_neighbours() {
        let buckets = [
            Bucket {
                slots: 6,
                tokens: 100,
            },
            Bucket {
                slots: 3,
                tokens: 400,
            },
        ];
        let rows = [
            row(4, 9, 0..1),
            row(0, 30, 1..2),
            // Two similar prompts in neighbouring slots, a much shorter one, and a drafted run.
            row(2, 0, 2..42),
            row(1, 0, 42..80),
            row(3, 0, 80..85),
            row(5, 7, 85..95),
            row(7, 200, 95..96),
        ];
        let planned = plan(&rows, &buckets);
        let together = |bucket, slots: Range<usize>, rows: &[Option<usize>], tokens| Together {
            bucket,
            slots,
            rows: rows.to_vec(),
            tokens,
        };
        assert_eq!(
            planned,
            [
                together(0, 0..6, &[Some(1), None, None, None, Some(0), None], 1),
                together(0, 1..3, &[Some(3), Some(2)], 40),
                together(0, 3..4, &[Some(4)], 5),
                together(0, 5..6, &[Some(5)], 10),
                together(1, 0..2, &[None, Some(6)], 1),
            ]
        );
    }
}
