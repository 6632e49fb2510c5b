//! Scalar functions that compilers vectorize.
//!
//! `FMA` allows fused multiply-add; on a machine without the instruction it would become a library call.

/// `a * b + c`.
#[inline(always)]
pub(super) fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// 1.5 * 2^23: added to a number below 2^22, it leaves the nearest integer in the lowest bits, ties to even.
pub(super) const WHOLE: f32 = 12_582_912.0;

/// The nearest integer of a number below 2^22, ties to even; `round_ties_even` would be a call on machines without the
/// instruction.
#[inline(always)]
pub(super) fn rounded(value: f32) -> f32 {
    (value + WHOLE) - WHOLE
}

/// Exponential as a power of two times a polynomial; relative error below 2e-7 (Cephes mathematical library,
/// `expf`). The argument is clamped to -87..=88.
#[inline(always)]
pub(super) fn exp<const FMA: bool>(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = mul_add::<FMA>(x, std::f32::consts::LOG2_E, WHOLE);
    let whole = shifted - WHOLE;
    // ln 2 in two parts; products of the first with integers are exact.
    let rest = mul_add::<FMA>(whole, -0.693_359_4, x);
    let rest = mul_add::<FMA>(whole, 2.121_944_4e-4, rest);
    let mut sum = 1.987_569_1e-4;
    for factor in [
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        sum = mul_add::<FMA>(sum, rest, factor);
    }
    let value = mul_add::<FMA>(sum, rest * rest, rest) + 1.0;
    value * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// x / (1 + exp(-x)).
#[inline(always)]
pub(super) fn silu<const FMA: bool>(x: f32) -> f32 {
    x / (1.0 + exp::<FMA>(-x))
}

/// GELU, tanh approximation.
#[inline(always)]
pub(super) fn gelu_tanh<const FMA: bool>(x: f32) -> f32 {
    // (1 + tanh(u)) / 2 is the logistic function of 2 u; the factor is 2 sqrt(2 / pi).
    let twice = 1.595_769 * mul_add::<FMA>(0.044_715 * x * x, x, x);
    x / (1.0 + exp::<FMA>(-twice))
}

/// (Normal distribution - 1/2) / x as a polynomial in x^2, minimax for |x| <= 4.2; highest power first.
pub(super) const GELU: [f32; 10] = [
    -2.306_594_4e-12,
    2.495_054_4e-10,
    -1.216_570_6e-8,
    3.568_770_2e-7,
    -7.116_468_6e-6,
    1.035_452_1e-4,
    -1.148_413e-3,
    9.898_749e-3,
    -6.641_823e-2,
    3.989_18e-1,
];

/// GELU: `x` times the normal distribution, which counts as constant beyond 4.2. Error below 2e-5, or below
/// 2e-5 of `x` if that is more.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    let z = x.clamp(-4.2, 4.2);
    let square = z * z;
    let sum = GELU[1..]
        .iter()
        .fold(GELU[0], |sum, factor| sum * square + factor);
    x * (sum * z + 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_exact_to_the_last_places() {
        for step in -8700..=8800 {
            let x = step as f32 / 100.0;
            let wanted = f64::from(x).exp();
            for value in [exp::<true>(x), exp::<false>(x)] {
                assert!(
                    (f64::from(value) / wanted - 1.0).abs() < 3e-7,
                    "{x}: {value} for {wanted}"
                );
            }
        }
        assert_eq!(exp::<true>(0.0), 1.0);
        assert!(exp::<true>(-1000.0) < 1e-37);
    }

    #[test]
    fn gelu_agrees_with_the_normal_distribution() {
        // From tables of the distribution.
        for (x, distribution) in [
            (0.0f32, 0.5),
            (0.5, 0.691_462_5),
            (1.0, 0.841_344_7),
            (2.0, 0.977_249_87),
            (3.0, 0.998_650_1),
            (4.0, 0.999_968_33),
            (6.0, 1.0),
        ] {
            for (x, wanted) in [(x, x * distribution), (-x, -x * (1.0 - distribution))] {
                let allowed = 2e-5 * f32::max(1.0, x.abs());
                assert!((gelu(x) - wanted).abs() < allowed, "{x}: {}", gelu(x));
            }
        }
    }

    #[test]
    fn activations_agree_with_their_definitions() {
        for step in -400..=400 {
            let x = f64::from(step) / 40.0;
            let silu_of = x / (1.0 + (-x).exp());
            let gelu_of = 0.5
                * x
                * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
            assert!((f64::from(silu::<true>(x as f32)) - silu_of).abs() < 2e-6);
            assert!((f64::from(gelu_tanh::<true>(x as f32)) - gelu_of).abs() < 2e-6);
        }
    }
}
