//! Samples of TIFF rows: differences undone, and numbers of any size as levels of 8 bits.

use super::layout::{Colors, Format, Layout};
use half::f16;
use tiff::tags::Predictor;

/// Sizes in bits that grey samples may have within larger ones.
const DEPTHS: [u32; 7] = [8, 10, 12, 14, 16, 24, 32];

/// How numbers become levels from 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// Their upper 8 bits.
    Top,
    /// As they are, at most 255; numbers where 0 is white are turned round before.
    Clip,
    /// Linear between the number that is 0 and the one that is 255.
    Between(f64, f64),
}

impl Scale {
    /// The scale that follows from the layout alone; `None` if it depends on the numbers.
    pub(super) fn of_layout(layout: &Layout, as_reference: bool) -> Option<Scale> {
        let is_gray = matches!(layout.colors, Colors::Gray { .. });
        match (layout.format, layout.bits) {
            (Format::Unsigned, 8) => Some(Scale::Top),
            (Format::Unsigned, 16) if !is_gray => Some(Scale::Top),
            (Format::Unsigned, 16) if as_reference => Some(Scale::Clip),
            (Format::Unsigned, 16 | 32 | 64) => None,
            (Format::Unsigned, bits) => Some(Scale::Between(0.0, most(bits))),
            (Format::Signed, 8) if matches!(layout.colors, Colors::Lab { .. }) => Some(Scale::Top),
            (Format::Signed | Format::Float, _) => None,
        }
    }

    /// The scale for numbers from `low` to `high`.
    ///
    /// Unsigned numbers are as large as the smallest usual size that holds them; others are from 0 to 1, 255 or
    /// 65535 if they fit, and else spread over all levels.
    pub(super) fn of_range(format: Format, low: f64, high: f64) -> Scale {
        if low > high {
            return Scale::Between(0.0, 1.0); // no number at all
        }
        if format == Format::Unsigned {
            let depth = DEPTHS.into_iter().find(|bits| high <= most(*bits));
            return Scale::Between(0.0, depth.map_or(high, most));
        }
        let tops = match format {
            Format::Float => &[1.0, 255.0, 65535.0][..],
            _ => &[255.0][..],
        };
        match tops.iter().find(|top| low >= 0.0 && high <= **top) {
            Some(top) => Scale::Between(0.0, *top),
            None => Scale::Between(low, high),
        }
    }
}

/// The largest number of so many bits.
fn most(bits: u32) -> f64 {
    (2f64).powi(bits as i32) - 1.0
}

/// Undoes the predictor in a row of a chunk, and brings its bytes in the order of this machine.
///
/// `samples`: samples of a pixel in the row. Fails on a predictor that does not go with the samples.
pub(super) fn unpredict(row: &mut Vec<u8>, layout: &Layout) -> Result<(), &'static str> {
    let samples = layout.chunk_samples();
    let bytes = layout.bits as usize / 8;
    match (layout.predictor, layout.format, layout.bits) {
        (Predictor::FloatingPoint, Format::Float, _) => {
            undo_floats(row, bytes, samples);
            return Ok(());
        }
        (Predictor::FloatingPoint, ..) => return Err("its predictor is for floating point"),
        (Predictor::Horizontal, _, 8 | 16 | 32 | 64) => {}
        (Predictor::Horizontal, ..) => return Err("its predictor needs whole bytes"),
        _ => {}
    }
    // The machines that docparse runs on have the low byte first.
    if layout.is_big_endian && matches!(layout.bits, 16 | 32 | 64) {
        row.chunks_exact_mut(bytes).for_each(<[u8]>::reverse);
    }
    if layout.predictor == Predictor::Horizontal {
        match layout.bits {
            8 => (samples..row.len()).for_each(|i| row[i] = row[i].wrapping_add(row[i - samples])),
            _ => undo_differences(row, bytes, samples),
        }
    }
    Ok(())
}

/// Numbers of several bytes, each the difference from the pixel before.
fn undo_differences(row: &mut [u8], bytes: usize, samples: usize) {
    let number = |row: &[u8], at: usize| {
        let mut whole = [0u8; 8];
        whole[..bytes].copy_from_slice(&row[at..at + bytes]);
        u64::from_le_bytes(whole)
    };
    let step = bytes * samples;
    for at in (step..(row.len() + 1).saturating_sub(bytes)).step_by(bytes) {
        let sum = number(row, at).wrapping_add(number(row, at - step));
        row[at..at + bytes].copy_from_slice(&sum.to_le_bytes()[..bytes]);
    }
}

/// Floating point: all high bytes of the row, then all next ones, as differences (Adobe's technical note 3).
fn undo_floats(row: &mut Vec<u8>, bytes: usize, samples: usize) {
    (samples..row.len()).for_each(|i| row[i] = row[i].wrapping_add(row[i - samples]));
    let count = row.len() / bytes;
    let mut numbers = Vec::with_capacity(row.len());
    for i in 0..count {
        // High byte first in the file; this machine has the low one first.
        numbers.extend((0..bytes).rev().map(|byte| row[byte * count + i]));
    }
    numbers.resize(row.len(), 0);
    *row = numbers;
}

/// A sample of a row as a number.
pub(super) fn number(row: &[u8], at: usize, layout: &Layout) -> f64 {
    let bytes = layout.bits as usize / 8;
    let slice = || row.get(at * bytes..(at + 1) * bytes).unwrap_or(&[0; 8]);
    let whole = || {
        let mut whole = [0u8; 8];
        whole[..bytes].copy_from_slice(&slice()[..bytes]);
        u64::from_le_bytes(whole)
    };
    match (layout.format, layout.bits) {
        (Format::Float, 16) => f16::from_bits(whole() as u16).to_f64(),
        (Format::Float, 32) => f32::from_bits(whole() as u32).into(),
        (Format::Float, _) => f64::from_bits(whole()),
        (Format::Signed, 8) => (whole() as i8).into(),
        (Format::Signed, 16) => (whole() as i16).into(),
        (Format::Signed, _) => (whole() as i32).into(),
        (Format::Unsigned, 8 | 16 | 32 | 64) => whole() as f64,
        (Format::Unsigned, bits) => packed(row, at, bits as usize) as f64,
    }
}

/// A sample of any number of bits, packed from the high bits on.
fn packed(row: &[u8], at: usize, bits: usize) -> u64 {
    let start = at * bits;
    (start..start + bits).fold(0, |value, bit| {
        let byte = row.get(bit / 8).copied().unwrap_or(0);
        value << 1 | u64::from(byte >> (7 - bit % 8) & 1)
    })
}

/// Writes the levels of a row's first `count` samples.
pub(super) fn levels(row: &[u8], count: usize, layout: &Layout, scale: Scale, out: &mut Vec<u8>) {
    out.clear();
    let is_inverted = layout.colors == Colors::Gray { is_inverted: true };
    match (scale, layout.bits) {
        (Scale::Top, 8) => out.extend(row.iter().take(count)),
        (Scale::Top, _) => out.extend(row.chunks_exact(2).take(count).map(|sample| sample[1])),
        (Scale::Clip, _) => {
            let value = |sample: &[u8]| u16::from_le_bytes([sample[0], sample[1]]);
            let turned = |value: u16| if is_inverted { u16::MAX - value } else { value };
            let samples = row.chunks_exact(2).take(count);
            out.extend(samples.map(|sample| turned(value(sample)).min(255) as u8));
            return;
        }
        (Scale::Between(low, high), 1) if (low, high) == (0.0, 1.0) => {
            let bit = |i: usize| row.get(i / 8).copied().unwrap_or(0) >> (7 - i % 8) & 1;
            out.extend((0..count).map(|i| bit(i) * 255));
        }
        (Scale::Between(low, high), _) => {
            let span = (high - low).max(f64::MIN_POSITIVE);
            let level = |value: f64| ((value - low) / span * 255.0).round().clamp(0.0, 255.0) as u8;
            out.extend((0..count).map(|i| level(number(row, i, layout))));
        }
    }
    if is_inverted {
        out.iter_mut().for_each(|level| *level = 255 - *level);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_samples_of_any_size() {
        let row = [0b1010_1100, 0b0101_0011, 0b1111_0000];
        let all = |bits: usize, count| {
            (0..count)
                .map(|at| packed(&row, at, bits))
                .collect::<Vec<_>>()
        };
        assert_eq!(all(1, 4), [1, 0, 1, 0]);
        assert_eq!(all(2, 4), [2, 2, 3, 0]);
        assert_eq!(all(4, 3), [10, 12, 5]);
        assert_eq!(all(12, 2), [0xac5, 0x3f0]);
    }

    #[test]
    fn differences_of_two_bytes() {
        let mut row = vec![1, 0, 2, 0, 0xff, 0xff, 1, 1];
        undo_differences(&mut row, 2, 2);
        assert_eq!(row, [1, 0, 2, 0, 0, 0, 3, 1]);
    }

    #[test]
    fn gray_is_scaled_by_what_its_numbers_need() {
        let of = |format, low, high| Scale::of_range(format, low, high);
        assert_eq!(of(Format::Unsigned, 3.0, 200.0), Scale::Between(0.0, 255.0));
        assert_eq!(
            of(Format::Unsigned, 3.0, 4000.0),
            Scale::Between(0.0, 4095.0)
        );
        assert_eq!(of(Format::Float, 0.0, 0.9), Scale::Between(0.0, 1.0));
        assert_eq!(of(Format::Float, -2.0, 3.0), Scale::Between(-2.0, 3.0));
        assert_eq!(of(Format::Signed, -9.0, 9.0), Scale::Between(-9.0, 9.0));
    }
}
