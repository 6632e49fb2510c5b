//! Numbers that look random and are always the same, as inputs.

/// Numbers from -1 to 1: a linear congruence with the constants of Numerical Recipes.
pub(super) fn noise(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_spread_around_zero_and_always_the_same() {
        let values = noise(10_000);
        assert_eq!(values, noise(10_000));
        assert!(values.iter().all(|value| value.abs() <= 1.0));
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.05, "{mean}");
    }
}
