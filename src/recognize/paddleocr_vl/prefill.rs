//! A cache beside the slots, in which prompts run together whose slots are anywhere; then their keys and values are copied
//! into the slots. A prompt that runs alone needs none: it runs in its slot.

use super::slot_plan::TOGETHER;
use crate::onnx::OnnxError;
use crate::onnx::buffers::{Blocks, Buffer, Call};
use crate::onnx::graph::Element;
use crate::onnx::network::Network;
use crate::onnx::slots::{CachePorts, SlotHeads};
use std::sync::Arc;

/// Keys and values of prompts, each `[prompts, heads, tokens, size]` with up to [`TOGETHER`] tokens in all.
pub(super) struct PromptCache {
    layers: Vec<[Arc<Buffer>; 2]>,
    heads: SlotHeads,
}

/// A prompt's keys and values are copied from here to there.
pub(super) struct Move {
    /// Number of the prompt among those that ran together.
    pub prompt: usize,
    /// Its slot within the bucket.
    pub slot: usize,
    /// Its number of tokens.
    pub tokens: usize,
}

impl PromptCache {
    /// A cache for a network of so many layers.
    pub(super) fn new(
        network: &Network,
        element: Element,
        heads: SlotHeads,
        layers: usize,
    ) -> Result<PromptCache, OnnxError> {
        let shape = [heads.key_value * TOGETHER * heads.size];
        let pair = |_| {
            Ok([
                network.buffer(element, &shape)?,
                network.buffer(element, &shape)?,
            ])
        };
        let layers = (0..layers).map(pair).collect::<Result<_, OnnxError>>()?;
        Ok(PromptCache { layers, heads })
    }

    /// Binds it as the cache of a call over `prompts` of `tokens` each.
    pub(super) fn bind(
        &self,
        call: &mut Call,
        ports: &[CachePorts],
        prompts: usize,
        tokens: usize,
    ) -> Result<(), OnnxError> {
        let shape = [prompts, self.heads.key_value, tokens, self.heads.size];
        for (ports, buffers) in ports.iter().zip(&self.layers) {
            for (at, buffer) in buffers.iter().enumerate() {
                call.in_place([&ports.past[at], &ports.present[at]], buffer, &shape)?;
            }
        }
        Ok(())
    }

    /// Begins to copy the keys and values of a prompt, padded to `padded` tokens, to a slot of `length`.
    pub(super) fn copy_to(
        &self,
        slots: &[[Arc<Buffer>; 2]],
        length: usize,
        moved: &Move,
        padded: usize,
    ) -> Result<(), OnnxError> {
        let SlotHeads {
            key_value, size, ..
        } = self.heads;
        let blocks = |number: usize, tokens: usize| Blocks {
            first: number * key_value * tokens * size,
            step: tokens * size,
        };
        for (to, from) in slots.iter().flatten().zip(self.layers.iter().flatten()) {
            to.copy_blocks(
                blocks(moved.slot, length),
                (from, blocks(moved.prompt, padded)),
                moved.tokens * size,
                key_value,
            )?;
        }
        Ok(())
    }

    /// Waits for the copies.
    pub(super) fn copied(&self) -> Result<(), OnnxError> {
        self.layers[0][0].copied()
    }
}
