//! Sampling, for requests that ask for more than greedy decoding.

use rand_mt::Mt64;
use std::collections::BTreeSet;

/// Sampling parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Temperature: logits are divided by it; 0 for greedy decoding.
    pub temperature: f64,
    /// Nucleus sampling: only the likeliest tokens that together have this probability are considered.
    pub top_p: f64,
    /// Repetition penalty: logits of earlier tokens are divided by it, or multiplied if negative.
    pub repetition_penalty: f64,
}

impl Sampling {
    /// Parameters of a request; `None` if they amount to greedy decoding.
    pub fn of(
        temperature: Option<f64>,
        top_p: Option<f64>,
        penalty: Option<f64>,
    ) -> Option<Sampling> {
        let sampling = Sampling {
            temperature: temperature.unwrap_or(0.0),
            top_p: top_p.unwrap_or(1.0),
            repetition_penalty: penalty.unwrap_or(1.0),
        };
        (sampling.temperature > 0.0 || sampling.repetition_penalty != 1.0).then_some(sampling)
    }

    /// Samples a token after `before`; its log-probability is that of the unmodified logits.
    pub fn choose(&self, logits: &[f32], before: &[u32], random: &mut Mt64) -> (u32, f32) {
        let mut scores: Vec<f64> = logits.iter().map(|v| f64::from(*v)).collect();
        for id in before.iter().collect::<BTreeSet<_>>() {
            if let Some(score) = scores.get_mut(*id as usize) {
                let penalty = self.repetition_penalty;
                *score = if *score > 0.0 {
                    *score / penalty
                } else {
                    *score * penalty
                };
            }
        }
        let id = if self.temperature > 0.0 {
            self.draw(&scores, random)
        } else {
            largest(&scores)
        };
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = logits.iter().map(|v| f64::from(v - most).exp()).sum();
        (id as u32, logits[id] - most - total.ln() as f32)
    }

    fn draw(&self, scores: &[f64], random: &mut Mt64) -> usize {
        let most = scores[largest(scores)];
        let mut shares: Vec<(usize, f64)> = scores
            .iter()
            .map(|s| ((s - most) / self.temperature).exp())
            .enumerate()
            .collect();
        let total: f64 = shares.iter().map(|(_, share)| share).sum();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut sum = 0.0;
        let considered = shares.iter().take_while(|(_, share)| {
            let is_in = sum < self.top_p * total;
            sum += share;
            is_in
        });
        let considered: Vec<&(usize, f64)> = considered.collect();
        // A double holds 53 bits.
        let number = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let mut rest = number * considered.iter().map(|(_, share)| share).sum::<f64>();
        let found = considered.iter().find(|(_, share)| {
            rest -= share;
            rest < 0.0
        });
        found.or(considered.first()).map_or(0, |(id, _)| *id)
    }
}

/// Index of the largest; ties go to the first.
fn largest(scores: &[f64]) -> usize {
    scores.iter().enumerate().fold(
        0,
        |best, (i, score)| if *score > scores[best] { i } else { best },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_for_is_greedy() {
        assert_eq!(Sampling::of(None, None, None), None);
        assert_eq!(Sampling::of(Some(0.0), Some(0.5), Some(1.0)), None);
        assert!(Sampling::of(Some(0.7), None, None).is_some());
    }

    #[test]
    fn a_penalty_turns_away_from_what_was_said() {
        let sampling = Sampling::of(None, None, Some(2.0)).unwrap();
        let mut random = Mt64::new(1);
        assert_eq!(sampling.choose(&[1.0, 3.0, 2.0], &[], &mut random).0, 1);
        assert_eq!(sampling.choose(&[1.0, 3.0, 2.0], &[1], &mut random).0, 2);
        let (_, log) = sampling.choose(&[0.0, 0.0], &[], &mut random);
        assert!((log + std::f32::consts::LN_2).abs() < 1e-6);
    }

    #[test]
    fn draws_follow_the_shares_and_the_seed() {
        let sampling = Sampling::of(Some(1.0), Some(0.9), None).unwrap();
        let logits = [3.0f32.ln(), 1.0f32.ln(), 0.01f32.ln()];
        let draw = |seed: u64| {
            let mut random = Mt64::new(seed);
            (0..1000)
                .map(|_| sampling.choose(&logits, &[], &mut random).0)
                .collect::<Vec<_>>()
        };
        let drawn = draw(7);
        let count = |id: u32| drawn.iter().filter(|d| **d == id).count();
        // The third has less than the tenth that nucleus sampling drops.
        assert!(
            (700..800).contains(&count(0)) && count(1) > 200 && count(2) == 0,
            "{}",
            count(0)
        );
        assert_eq!(drawn, draw(7));
        assert_ne!(drawn, draw(8));
    }
}
