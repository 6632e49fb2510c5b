//! Tests of the recognizer with weights of the real sizes and any values. What it reads with the real ones is compared with
//! ONNX Runtime by the tests of scans.

use super::*;
use crate::kernels::one_after_the_other;

fn numbers(count: usize, seed: usize, scale: f32) -> Vec<f32> {
    let mut state = seed as u64 * 7919 + 12345;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * scale
    };
    (0..count).map(|_| next()).collect()
}

fn recognizer() -> LineRecognizer {
    let weights = |name: &str, count: usize| {
        let is_positive = name.ends_with(".w_2") || name.starts_with("batch_norm");
        let mut values = numbers(count, name.len() * 31 + count, 0.2);
        if is_positive {
            values.iter_mut().for_each(|v| *v = v.abs() + 0.5);
        }
        Some(values)
    };
    LineRecognizer::new(&weights).unwrap()
}

fn read(
    recognizer: &LineRecognizer,
    input: &[f32],
    width: usize,
    parallel: Parallel<'_>,
) -> Vec<f32> {
    let lines = input.len() / (3 * HEIGHT * width);
    let mut output = vec![f32::NAN; lines * LineRecognizer::steps(width) * 2];
    recognizer.run(input, width, &mut output, parallel);
    output
}

#[test]
fn a_line_is_the_same_alone_beside_others_and_on_any_number_of_threads() {
    let (recognizer, width) = (recognizer(), 70);
    let input = numbers(3 * 3 * HEIGHT * width, 1, 1.0);
    let together = read(&recognizer, &input, width, &one_after_the_other);
    assert_eq!(together.len(), 3 * 9 * 2);
    assert!(together.chunks_exact(2).all(|s| s[1] > 0.0 && s[1] <= 1.0));
    let backwards = |count: usize, job: &(dyn Fn(usize) + Sync)| (0..count).rev().for_each(job);
    for (line, together) in input
        .chunks_exact(3 * HEIGHT * width)
        .zip(together.chunks_exact(9 * 2))
    {
        assert_eq!(read(&recognizer, line, width, &backwards), together);
    }
    let threads = |count: usize, job: &(dyn Fn(usize) + Sync)| {
        std::thread::scope(|scope| {
            for thread in 0..3 {
                scope.spawn(move || (thread..count).step_by(3).for_each(job));
            }
        });
    };
    assert_eq!(read(&recognizer, &input, width, &threads), together);
}

#[test]
fn lines_of_any_width_are_read() {
    let recognizer = recognizer();
    for width in [0, 1, 4, 5, 7, 8, 9, 17, 63] {
        let output = read(
            &recognizer,
            &numbers(3 * HEIGHT * width, 2, 1.0),
            width.max(1),
            &one_after_the_other,
        );
        assert!(output.iter().all(|v| v.is_finite()), "{width}");
    }
    assert_eq!([5, 7, 8, 320].map(LineRecognizer::steps), [1, 1, 1, 40]);
}

#[test]
fn a_missing_tensor_is_named() {
    let weights = |name: &str, count: usize| (name != "linear_5.b_0").then(|| vec![0.0; count]);
    assert_eq!(
        LineRecognizer::new(&weights).err().as_deref(),
        Some("linear_5.b_0")
    );
}
