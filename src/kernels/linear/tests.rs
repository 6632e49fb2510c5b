//! Tests of linear layers against a double-precision reference.

use super::*;
use crate::kernels::one_after_the_other;
use crate::kernels::quantize::pack;

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    let mut state = seed as u64 * 7919 + 12345;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    // Values that bfloat16 represents exactly.
    (0..count)
        .map(|_| f32::from_bits(next().to_bits() & 0xffff_0000))
        .collect()
}

fn layer(form: WeightFormat, from: usize, to: usize, finish: Finish) -> (Linear, Vec<f32>) {
    let weights = numbers(from * to, 1);
    let row = |n: usize, out: &mut [f32]| out.copy_from_slice(&weights[n * from..(n + 1) * from]);
    let bytes = pack(form, from, to, &row);
    (
        Linear {
            from,
            to,
            outputs: to,
            form,
            weights: bytes,
            bias: numbers(to, 2),
            finish,
        },
        weights,
    )
}

fn run(layer: &Linear, input: &[f32], residual: Option<&[f32]>) -> Vec<f32> {
    let mut output = vec![f32::NAN; input.len() / layer.from * layer.outputs];
    layer.run(
        input,
        residual,
        &mut output,
        &mut Scratch::default(),
        &one_after_the_other,
    );
    output
}

/// Largest absolute error, relative to the largest value.
fn error(layer: &Linear, weights: &[f32], input: &[f32]) -> f64 {
    let got = run(layer, input, None);
    let (mut worst, mut largest) = (0f64, 0f64);
    for (row, got) in input
        .chunks_exact(layer.from)
        .zip(got.chunks_exact(layer.to))
    {
        for (n, got) in got.iter().enumerate() {
            let weights = &weights[n * layer.from..(n + 1) * layer.from];
            let sum: f64 = row
                .iter()
                .zip(weights)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum();
            let wanted = sum + f64::from(layer.bias[n]);
            worst = worst.max((f64::from(*got) - wanted).abs());
            largest = largest.max(wanted.abs());
        }
    }
    worst / largest
}

#[test]
fn sums_agree_with_double_precision() {
    for (from, to, rows) in [(64, 96, 1), (70, 45, 7), (200, 33, 13), (33, 64, 100)] {
        let input = numbers(from * rows, 3);
        for (form, allowed) in [
            (WeightFormat::Bf16, 1e-6),
            (WeightFormat::F32, 1e-6),
            (WeightFormat::Int8, 0.02),
            (WeightFormat::Int4, 0.2),
        ] {
            let (layer, weights) = layer(form, from, to, Finish::Plain);
            let error = error(&layer, &weights, &input);
            assert!(
                error < allowed,
                "{form:?} {from}x{to}, {rows} rows: {error}"
            );
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_others() {
    let (from, rows) = (100, 61);
    let input = numbers(from * rows, 4);
    for form in [
        WeightFormat::Bf16,
        WeightFormat::F32,
        WeightFormat::Int8,
        WeightFormat::Int4,
    ] {
        let (layer, _) = layer(form, from, 80, Finish::GeluTanh);
        let together = run(&layer, &input, None);
        for count in [1, 2, 5, 6, 11, 12, 48] {
            let alone = run(&layer, &input[from..from * (1 + count)], None);
            assert_eq!(alone, together[80..80 * (1 + count)], "{form:?} {count}");
        }
    }
}

#[test]
fn the_portable_form_agrees() {
    let (from, rows) = (96, 9);
    let input = numbers(from * rows, 5);
    for form in [
        WeightFormat::Bf16,
        WeightFormat::F32,
        WeightFormat::Int8,
        WeightFormat::Int4,
    ] {
        let (layer, _) = layer(form, from, 64, Finish::Plain);
        let mut scratch = Scratch::default();
        let inputs = layer.packed(&input, rows, &mut scratch, &one_after_the_other);
        let mut output = vec![0f32; rows * 64];
        let job = PanelJob {
            inputs,
            rows: 0..rows,
            panels: 0..2,
            residual: None,
            output: SharedBuffer(output.as_mut_ptr()),
        };
        // SAFETY: the job covers the whole result.
        unsafe { job_portable::<false>(&layer, &job) };
        let got = run(&layer, &input, None);
        let worst = got
            .iter()
            .zip(&output)
            .map(|(a, b)| (a - b).abs())
            .fold(0f32, f32::max);
        assert!(worst < 1e-5, "{form:?}: {worst}");
    }
}

#[test]
fn gates_and_residuals() {
    let (from, rows) = (32, 3);
    let (plain, _) = layer(WeightFormat::F32, from, 64, Finish::Plain);
    let gated = Linear {
        finish: Finish::SiluGate,
        outputs: 32,
        weights: plain.weights.clone(),
        bias: plain.bias.clone(),
        ..plain
    };
    let plain = Linear {
        finish: Finish::Plain,
        outputs: 64,
        weights: gated.weights.clone(),
        bias: gated.bias.clone(),
        ..gated
    };
    let input = numbers(from * rows, 6);
    let residual = numbers(32 * rows, 7);
    let (sums, got) = (
        run(&plain, &input, None),
        run(&gated, &input, Some(&residual)),
    );
    for row in 0..rows {
        for n in 0..32 {
            // Panels hold 16 gates, then 16 values.
            let at = row * 64 + n / 16 * 32 + n % 16;
            let (gate, value) = (sums[at], sums[at + 16]);
            let wanted = gate / (1.0 + (-gate).exp()) * value + residual[row * 32 + n];
            assert!((got[row * 32 + n] - wanted).abs() < 1e-5);
        }
    }
}

#[test]
fn the_largest_logit_is_chosen_with_its_probability() {
    let mut logits = numbers(3 * 1000, 8);
    logits[700] = 9.0;
    logits[900] = 9.0;
    logits[1000 + 999] = 5.0;
    let mut output = [0f32; 6];
    choose(&logits, 1000, &mut output, &one_after_the_other);
    assert_eq!((output[0], output[2]), (700.0, 999.0));
    for (row, logits) in logits.chunks_exact(1000).enumerate() {
        let total: f64 = logits.iter().map(|v| f64::from(*v).exp()).sum();
        let wanted = f64::from(logits[output[row * 2] as usize]) - total.ln();
        assert!((f64::from(output[row * 2 + 1]) - wanted).abs() < 1e-5);
    }
}
