//! Weights of linear layers as the kernels read them: in panels of 32 outputs, exact or quantized.
//!
//! | form | bits per weight | error |
//! |---|---|---|
//! | [`WeightFormat::Bf16`] | 16 | none if the checkpoint holds bfloat16 |
//! | [`WeightFormat::F32`] | 32 | none |
//! | [`WeightFormat::Int8`] | 8.5: integers -127 to 127 and a scale for every 32 | half a quantization step |
//! | [`WeightFormat::Int4`] | 4.5: integers -8 to 7 and a scale for every 32 | half a quantization step |
//!
//! Scales are bfloat16 and rounded before the weights are quantized with them, so their rounding adds no
//! error.

use super::math::rounded;
use memmap2::Mmap;
use rayon::prelude::*;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Outputs of a panel.
pub(crate) const PANEL: usize = 32;
/// Lanes of a register: half a panel.
pub(super) const LANES: usize = 16;
/// Inputs that share a scale.
pub(crate) const BLOCK: usize = 32;
/// Offsets that make quantized weights non-negative.
pub(super) const INT8_OFFSET: i32 = 128;
pub(super) const INT4_OFFSET: i32 = 8;

/// Storage format of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeightFormat {
    /// bfloat16.
    Bf16,
    /// Single precision.
    F32,
    /// Eight bits, and a scale for every 32 weights.
    Int8,
    /// Four bits, and a scale for every 32 weights.
    Int4,
}

impl WeightFormat {
    /// `true` if inputs are quantized as well.
    pub(super) fn is_quantized(self) -> bool {
        matches!(self, WeightFormat::Int8 | WeightFormat::Int4)
    }

    /// Size in bytes of a panel's weights, without its scales.
    pub(super) fn panel_bytes(self, from: usize) -> usize {
        let padded = from.next_multiple_of(BLOCK) * PANEL;
        match self {
            WeightFormat::Bf16 => from * PANEL * 2,
            WeightFormat::F32 => from * PANEL * 4,
            WeightFormat::Int8 => padded,
            WeightFormat::Int4 => padded / 2,
        }
    }

    /// Size in bytes of a panel's scales.
    pub(super) fn factor_bytes(self, from: usize) -> usize {
        if self.is_quantized() {
            from.div_ceil(BLOCK) * PANEL * 2
        } else {
            0
        }
    }

    /// Size in bytes of a packed layer.
    pub(crate) fn bytes(self, from: usize, to: usize) -> usize {
        to.div_ceil(PANEL) * (self.panel_bytes(from) + self.factor_bytes(from))
    }
}

/// Bytes, in memory or in a mapped file.
#[derive(Clone)]
pub enum Bytes {
    /// In memory.
    Owned(Arc<Vec<u8>>),
    /// In a mapped file.
    Mapped(Arc<Mmap>, Range<usize>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Owned(bytes) => bytes,
            Bytes::Mapped(map, range) => &map[range.clone()],
        }
    }
}

/// Packs a layer of `to` outputs with `from` weights each; `row` writes the weights of one output.
///
/// All panels come first, then the scales of all panels. Outputs beyond `to` are zero-padded, and so are
/// inputs beyond `from` in quantized forms.
pub(crate) fn pack(
    form: WeightFormat,
    from: usize,
    to: usize,
    row: &(dyn Fn(usize, &mut [f32]) + Sync),
) -> Bytes {
    let panels = to.div_ceil(PANEL);
    let (weights, factors) = (form.panel_bytes(from), form.factor_bytes(from));
    let mut bytes = vec![0u8; panels * (weights + factors)];
    let (all_weights, all_factors) = bytes.split_at_mut(panels * weights);
    let mut no_factors = vec![[0u8; 0]; panels];
    let factor_parts: Vec<&mut [u8]> = match factors {
        0 => no_factors
            .iter_mut()
            .map(|part| part.as_mut_slice())
            .collect(),
        _ => all_factors.chunks_exact_mut(factors).collect(),
    };
    all_weights
        .par_chunks_exact_mut(weights)
        .zip(factor_parts)
        .enumerate()
        .for_each(|(panel, (weights, factors))| {
            let mut rows = vec![0f32; PANEL * from];
            for (i, values) in rows.chunks_exact_mut(from).enumerate() {
                if panel * PANEL + i < to {
                    row(panel * PANEL + i, values);
                }
            }
            match form {
                WeightFormat::F32 => pack_f32(&rows, from, weights),
                WeightFormat::Bf16 => pack_bf16(&rows, from, weights),
                WeightFormat::Int8 | WeightFormat::Int4 => {
                    pack_quantized(form, &rows, from, weights, factors)
                }
            }
        });
    Bytes::Owned(Arc::new(bytes))
}

fn pack_f32(rows: &[f32], from: usize, to: &mut [u8]) {
    for (k, line) in to.chunks_exact_mut(PANEL * 4).enumerate() {
        for (n, place) in line.chunks_exact_mut(4).enumerate() {
            place.copy_from_slice(&rows[n * from + k].to_le_bytes());
        }
    }
}

/// Two outputs half a panel apart share 32 bits, so that a shift and a mask convert them to single precision.
fn pack_bf16(rows: &[f32], from: usize, to: &mut [u8]) {
    let bits = |n: usize, k: usize| (to_bf16(rows[n * from + k])) as u32;
    for (k, line) in to.chunks_exact_mut(PANEL * 2).enumerate() {
        for (n, place) in line.chunks_exact_mut(4).enumerate() {
            place.copy_from_slice(&(bits(n, k) | bits(n + LANES, k) << 16).to_le_bytes());
        }
    }
}

/// Layout: the two halves of a panel; in each, blocks of 32 inputs; in these, groups of four inputs for each
/// of 16 outputs. With four bits two groups share their bytes, the first in the low nibbles.
fn pack_quantized(
    form: WeightFormat,
    rows: &[f32],
    from: usize,
    weights: &mut [u8],
    factors: &mut [u8],
) {
    let blocks = from.div_ceil(BLOCK);
    let half_bytes = weights.len() / 2;
    let mut levels = [0u8; BLOCK];
    for n in 0..PANEL {
        let (half, lane) = (n / LANES, n % LANES);
        for block in 0..blocks {
            let range = n * from + block * BLOCK..n * from + ((block + 1) * BLOCK).min(from);
            let factor = quantized(form, &rows[range], &mut levels);
            let at = ((half * blocks + block) * LANES + lane) * 2;
            factors[at..at + 2].copy_from_slice(&factor.to_le_bytes());
            for (k, level) in levels.iter().enumerate() {
                let (group, place) = (k / 4, lane * 4 + k % 4);
                match form {
                    WeightFormat::Int8 => {
                        weights[half * half_bytes + block * 512 + group * 64 + place] = *level;
                    }
                    _ => {
                        let at = half * half_bytes + block * 256 + group / 2 * 64 + place;
                        weights[at] |= if group % 2 == 0 { *level } else { *level << 4 };
                    }
                }
            }
        }
    }
}

/// Quantizes the weights of a block, with offset; the result is the scale as bfloat16.
fn quantized(form: WeightFormat, values: &[f32], levels: &mut [u8; BLOCK]) -> u16 {
    let largest = values
        .iter()
        .copied()
        .fold(0f32, |a, v| if v.abs() > a.abs() { v } else { a });
    let (factor, offset, least, most) = match form {
        // Rounded up, so that the largest stays in range.
        WeightFormat::Int8 => (up_to_bf16(largest.abs() / 127.0), INT8_OFFSET, -127, 127),
        // The largest magnitude becomes -8, whatever its sign: one step more than with 7.
        _ => (to_bf16(largest / -8.0), INT4_OFFSET, -8, 7),
    };
    let step = from_bf16(factor);
    let inverse = if step == 0.0 { 0.0 } else { 1.0 / step };
    levels.fill(offset as u8);
    for (level, value) in levels.iter_mut().zip(values) {
        let whole = rounded(value * inverse) as i32;
        *level = (whole.clamp(least, most) + offset) as u8;
    }
    factor
}

/// Rounds to the nearest bfloat16, ties to even.
pub(crate) fn to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// Rounds up to bfloat16; for non-negative numbers.
fn up_to_bf16(value: f32) -> u16 {
    (value.to_bits().saturating_add(0xffff) >> 16) as u16
}

/// The same value in single precision (exact).
pub(crate) fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bfloat16_is_rounded_to_the_nearest() {
        for bits in [0u16, 1, 0x3f80, 0x4049, 0x7f7f, 0xbf80] {
            assert_eq!(to_bf16(from_bf16(bits)), bits);
        }
        assert_eq!(to_bf16(f32::from_bits(0x3f80_8000)), 0x3f80);
        assert_eq!(to_bf16(f32::from_bits(0x3f81_8000)), 0x3f82);
        assert!(from_bf16(to_bf16(f32::NAN)).is_nan());
        assert!(from_bf16(up_to_bf16(0.3)) >= 0.3 && from_bf16(up_to_bf16(1.0)) == 1.0);
    }

    #[test]
    fn quantized_weights_are_off_by_half_a_step_at_most() {
        let values: Vec<f32> = (0..BLOCK)
            .map(|i| ((i * 37 % 23) as f32 - 11.0) * 0.013)
            .collect();
        for (form, offset) in [
            (WeightFormat::Int8, INT8_OFFSET),
            (WeightFormat::Int4, INT4_OFFSET),
        ] {
            let mut levels = [0; BLOCK];
            let step = from_bf16(quantized(form, &values, &mut levels));
            for (level, value) in levels.iter().zip(&values) {
                let back = (i32::from(*level) - offset) as f32 * step;
                // With four bits, values opposite to the largest are clamped at 7 steps; the scale is
                // rounded.
                let allowed = if form == WeightFormat::Int8 {
                    0.5001
                } else {
                    1.05
                } * step.abs();
                assert!(
                    (back - value).abs() <= allowed,
                    "{form:?}: {value} became {back}"
                );
            }
        }
        let mut levels = [0; BLOCK];
        assert_eq!(quantized(WeightFormat::Int8, &[0.0; 5], &mut levels), 0);
        assert_eq!(levels, [128; BLOCK]);
    }
}
