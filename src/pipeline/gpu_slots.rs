//! How many blocks are decoded together on a GPU, and how long their slots are.

use crate::onnx::Gpu;
use crate::recognize::paddleocr_vl::model::Slots;

/// Default number of slots on a GPU: blocks that are decoded together.
const GPU_SLOTS: usize = 64;
/// The same on a GPU without flash attention, whose steps take time by the length of all slots.
const GPU_SLOTS_WITHOUT_FLASH: usize = 16;
/// Tokens that most blocks stay below, including image and answer.
const COMMON_TOKENS: usize = 2048;
/// The same on a GPU without flash attention: more blocks start again in a longer slot.
const COMMON_TOKENS_WITHOUT_FLASH: usize = 1024;

/// Slots of the KV cache for a GPU, as many as were asked for or as suit it, for sequences of up to `longest` tokens.
pub(super) fn of(gpu: &Gpu, asked: Option<usize>, longest: usize) -> Slots {
    let (count, common) = match gpu.has_flash_attention() {
        true => (GPU_SLOTS, COMMON_TOKENS),
        false => (GPU_SLOTS_WITHOUT_FLASH, COMMON_TOKENS_WITHOUT_FLASH),
    };
    let count = asked.unwrap_or(count);
    Slots {
        count,
        longest,
        common,
        most_long: match gpu.has_flash_attention() {
            true => count,
            false => count.div_ceil(4),
        },
    }
}
