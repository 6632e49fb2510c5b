//! Tests of layers of eight bits against plain loops over the same levels.

use super::*;

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed * 7919 + 12345;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

type Run = unsafe fn(&Int8Layer, &QuantizedRows, Range<usize>, Finish, &Places);

/// The forms that this machine can run.
fn forms() -> Vec<Run> {
    let mut forms: Vec<Run> = vec![run_portable];
    #[cfg(target_arch = "x86_64")]
    if is_fast() {
        forms.push(x86::run_vnni);
        if x86::has_amx() {
            forms.push(x86::run_amx);
        }
    }
    forms
}

fn run(
    form: Run,
    layer: &Int8Layer,
    rows: &QuantizedRows,
    finish: Finish,
    residual: Option<&[f32]>,
) -> Vec<f32> {
    let mut output = vec![f32::NAN; JOB_ROWS * layer.to];
    let to = output.as_mut_ptr();
    let places = Places {
        output: std::array::from_fn(|row| to.wrapping_add(row * layer.to)),
        residual: residual
            .map(|r| std::array::from_fn(|row| r.as_ptr().wrapping_add(row * layer.to))),
    };
    // SAFETY: there is room for all rows, and the machine has the instructions.
    unsafe { form(layer, rows, 0..layer.panels(), finish, &places) };
    output.truncate(rows.count * layer.to);
    output
}

/// Products of the dequantized rows and weights in double precision.
fn wanted(layer: &Int8Layer, rows: &QuantizedRows, finish: Finish) -> Vec<f64> {
    let bytes = padded(layer.from);
    let mut wanted = Vec::new();
    for row in 0..rows.count {
        for n in 0..layer.to {
            let first = n / LANES * LANES * bytes + n % LANES * 4;
            let mut sum = f64::from(layer.bias[n]);
            let step = f64::from(layer.steps[n]);
            for k in 0..layer.from {
                let x = f64::from(rows.levels[row * bytes + k]) * f64::from(rows.steps[row]);
                let at = first + k / 4 * GROUP + k % 4;
                let weight = f64::from(layer.weights[at]) * step;
                sum += (x + f64::from(rows.least[row])) * weight;
                let mean = f64::from(rows.mean_levels[k]) * f64::from(rows.mean_step);
                let rest = f64::from(layer.rests[at]) * step / f64::from(REST);
                sum += (mean + f64::from(rows.mean_least)) * rest;
            }
            wanted.push(match finish {
                Finish::Plain => sum,
                Finish::Relu => sum.max(0.0),
                Finish::Gelu => f64::from(gelu(sum as f32)),
            });
        }
    }
    wanted
}

#[test]
fn every_form_computes_what_a_plain_loop_does() {
    for (from, to, count) in [(96, 192, 96), (120, 70, 49), (27, 24, 1), (864, 48, 30)] {
        let layer = Int8Layer::new(&numbers(from * to, 1), &numbers(to, 2), from, to);
        let input = numbers(from * count, 3);
        let mut rows = QuantizedRows::new();
        rows.fill(&Windows::dense(&input, from), 0..count);
        let residual = numbers(JOB_ROWS * to, 4);
        for finish in [Finish::Plain, Finish::Relu, Finish::Gelu] {
            let wanted = wanted(&layer, &rows, finish);
            for (number, form) in forms().into_iter().enumerate() {
                let plain = run(form, &layer, &rows, finish, None);
                let added = run(form, &layer, &rows, finish, Some(&residual));
                for (i, wanted) in wanted.iter().enumerate() {
                    let what = format!("form {number}, {from} to {to}, {finish:?}: {i}");
                    assert!((f64::from(plain[i]) - wanted).abs() < 1e-4, "{what}");
                    assert_eq!(added[i], plain[i] + residual[i], "{what}");
                }
            }
        }
    }
}

#[test]
fn vnni_and_amx_give_the_same_bits() {
    let (from, to, count) = (192, 96, 29);
    let layer = Int8Layer::new(&numbers(from * to, 1), &numbers(to, 2), from, to);
    let input = numbers(from * count, 3);
    let mut rows = QuantizedRows::new();
    rows.fill(&Windows::dense(&input, from), 0..count);
    let results = forms().into_iter().skip(1);
    let results: Vec<_> = results
        .map(|form| run(form, &layer, &rows, Finish::Gelu, None))
        .collect();
    assert!(results.iter().all(|other| *other == results[0]));
}

#[test]
fn rounding_of_weights_does_not_move_rows_that_are_alike() {
    let (from, to, count) = (192, 64, 70);
    let weights = numbers(from * to, 1);
    let layer = Int8Layer::new(&weights, &vec![0.0; to], from, to);
    // Rows that differ by a twentieth of what they have in common.
    let (common, noise) = (numbers(from, 3), numbers(from * count, 4));
    let input: Vec<f32> = (0..from * count)
        .map(|i| common[i % from] + 0.05 * noise[i])
        .collect();
    let mut rows = QuantizedRows::new();
    rows.fill(&Windows::dense(&input, from), 0..count);
    for form in forms() {
        let got = run(form, &layer, &rows, Finish::Plain, None);
        for n in 0..to {
            // The mean of the errors over the rows, which rounding of activations leaves near zero.
            let error: f64 = (0..count)
                .map(|row| {
                    let x = &input[row * from..(row + 1) * from];
                    let weights = &weights[n * from..(n + 1) * from];
                    let products = x
                        .iter()
                        .zip(weights)
                        .map(|(x, w)| f64::from(*x) * f64::from(*w));
                    f64::from(got[row * to + n]) - products.sum::<f64>()
                })
                .sum();
            let error = error / count as f64;
            assert!(error.abs() < 0.012, "{n}: {error}");
        }
    }
}

#[test]
fn rows_are_quantized_alike_with_and_without_instructions() {
    // Windows of two by two pixels with five channels in lines of four pixels.
    let data = numbers(3 * 4 * 5, 5);
    let windows = Windows {
        data: &data,
        first: 0,
        width: 3,
        step: 5,
        line: 20,
        runs: 2,
        length: 10,
        stride: 20,
    };
    let (mut rows, mut portable) = (QuantizedRows::new(), QuantizedRows::new());
    rows.fill(&windows, 0..6);
    portable.fill(&windows, 0..6);
    portable.mean.fill(0.0);
    fill_portable(&mut portable, &windows, 0..6);
    assert_eq!(rows.levels, portable.levels);
    assert_eq!((rows.steps, rows.least), (portable.steps, portable.least));
    for (row, first) in [0, 5, 10, 20, 25, 30].into_iter().enumerate() {
        let values = [&data[first..first + 10], &data[first + 20..first + 30]].concat();
        for (k, value) in values.iter().enumerate() {
            let level = f32::from(rows.levels[row * GROUP + k]);
            let back = level * rows.steps[row] + rows.least[row];
            assert!((back - value).abs() <= rows.steps[row] * 0.501, "{row} {k}");
        }
    }
    rows.fill(&Windows::dense(&[0.5; 20], 20), 0..1);
    assert_eq!(
        (rows.steps[0], rows.least[0], rows.levels[3]),
        (0.0, 0.5, 0)
    );
}
