//! Weights that are denormal numbers, set to zero before a model is loaded.
//!
//! Training leaves weights of channels that do nothing at values below the smallest normal float (1.2e-38). They change no
//! result, but processors multiply them a hundred times slower than other numbers: a tenth of the weights of PP-OCRv6's line
//! detector are denormal, and take two thirds of its time.

use super::model_file::{ModelFile, names_other_files};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest file that is looked at; larger ones are none of the small networks.
const MOST_BYTES: u64 = 128 << 20;

/// A model file with its denormal weights set to zero; `None` if there are none, or if the file cannot be read so: then it
/// is loaded as it is, which says what is wrong with it.
pub(super) fn without_denormals(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > MOST_BYTES || names_other_files(&bytes) != Some(false) {
        return None;
    }
    zeroed(&mut bytes)?.then_some(bytes)
}

/// Sets denormal weights of a model file to zero, in place; `true` if there were any, `None` if it is no model file.
fn zeroed(file: &mut [u8]) -> Option<bool> {
    let start = file.as_ptr().addr();
    let place = |data: &[u8]| {
        let at = data.as_ptr().addr().checked_sub(start)?;
        Some(at..at.checked_add(data.len())?)
    };
    let places: Option<Vec<_>> = ModelFile::read(file)?.all_floats().map(place).collect();
    let mut has_changed = false;
    for place in places? {
        for weight in file.get_mut(place)?.as_chunks_mut::<4>().0 {
            if f32::from_le_bytes(*weight).is_subnormal() {
                *weight = [0; 4];
                has_changed = true;
            }
        }
    }
    Some(has_changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes of a message.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
    }

    /// A model with one initializer of single precision (`element` 1) or another type.
    fn model(element: u8, weights: &[f32]) -> Vec<u8> {
        let data: Vec<u8> = weights.iter().flat_map(|w| w.to_le_bytes()).collect();
        let tensor = [&[2 << 3, element][..], &field(8, b"w"), &field(9, &data)].concat();
        field(7, &field(5, &tensor))
    }

    #[test]
    fn only_denormal_weights_become_zero() {
        let mut file = model(1, &[1.0, 1e-40, -1e-42, 0.0, f32::MIN_POSITIVE]);
        assert_eq!(zeroed(&mut file), Some(true));
        assert_eq!(file, model(1, &[1.0, 0.0, 0.0, 0.0, f32::MIN_POSITIVE]));
        assert_eq!(zeroed(&mut file), Some(false));
    }

    #[test]
    fn tensors_without_raw_data_are_passed_over() {
        let tensor = [&[2 << 3, 1][..], &field(8, b"w")].concat();
        let mut file = [model(1, &[1e-40]), field(7, &field(5, &tensor))].concat();
        assert_eq!(zeroed(&mut file), Some(false), "the later `w` counts");
        assert_eq!(zeroed(&mut model(1, &[])), Some(false));
    }

    #[test]
    fn integers_that_look_like_denormals_stay() {
        let mut file = model(6, &[1e-40]); // int32
        assert_eq!(zeroed(&mut file), Some(false));
        assert_eq!(zeroed(&mut [0xff, 0xff]), None);
    }
}
