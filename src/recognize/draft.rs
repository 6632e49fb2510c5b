//! Speculative decoding: draft tokens that are likely to come next, proposed for verification in one call.
//!
//! A draft never changes an answer: only those proposed tokens are accepted that the model itself would
//! choose. It only affects how many tokens one call settles.

/// Initial and largest number of tokens in a proposal.
const FIRST: usize = 4;
const MOST: usize = 32;
/// Consecutive answer tokens that must match the draft for it to resume behind them.
const ANCHOR: usize = 2;
/// Distance, from the position where the draft was left, within which a match is searched.
const AHEAD: usize = 64;
/// Consecutive proposals without an accepted token after which the draft pauses until a longer match.
const PATIENCE: u32 = 2;
/// Consecutive answer tokens that must match for a paused draft to resume.
const LONG_ANCHOR: usize = 6;

/// A draft and the answer's position in it.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    tokens: Vec<u32>,
    /// Position of the next token; `None` if unknown.
    at: Option<usize>,
    /// Position at which the draft was left.
    left: usize,
    size: usize,
    failures: u32,
    accepted: usize,
}

impl Draft {
    /// A draft of tokens; an empty one proposes nothing.
    pub fn new(tokens: Vec<u32>) -> Self {
        let at = (!tokens.is_empty()).then_some(0);
        Draft {
            tokens,
            at,
            left: 0,
            size: FIRST,
            failures: 0,
            accepted: 0,
        }
    }

    /// `true` if there is no draft.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Number of accepted tokens.
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// The draft's next tokens, at most `most`.
    pub fn propose(&self, most: usize) -> &[u32] {
        match self.at {
            Some(at) => &self.tokens[at..(at + self.size.min(most)).min(self.tokens.len())],
            None => &[],
        }
    }

    /// Updates the draft after verification: number of proposed tokens, how many of them were accepted
    /// (`right`), and the whole answer so far.
    pub fn observe(&mut self, proposed: usize, right: usize, said: &[u32]) {
        self.accepted += right;
        if proposed > 0 {
            self.failures = if right == 0 { self.failures + 1 } else { 0 };
            self.size = if right == proposed {
                (self.size * 2).min(MOST)
            } else {
                (right + 1).clamp(2, MOST)
            };
        }
        let Some(last) = said.last() else { return };
        if let Some(at) = self.at {
            // The model's own next token comes after the accepted ones.
            let next = at + right;
            if self.tokens.get(next) == Some(last) {
                self.at = Some(next + 1).filter(|at| *at < self.tokens.len());
                self.left = next + 1;
                return;
            }
            self.left = next;
        }
        self.at = self.anchor(said);
    }

    /// Position behind the next occurrence of the answer's last tokens in the draft.
    fn anchor(&self, said: &[u32]) -> Option<usize> {
        let length = if self.failures >= PATIENCE {
            LONG_ANCHOR
        } else {
            ANCHOR
        };
        let tail = said.len().checked_sub(length).map(|start| &said[start..])?;
        let start = self.left.saturating_sub(length);
        let end = (self.left + AHEAD).min(self.tokens.len());
        let found = self.tokens[start.min(end)..end]
            .windows(length)
            .position(|window| window == tail)?;
        Some(start + found + length).filter(|at| *at < self.tokens.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Generates `answer` with the help of a draft; returns the number of calls.
    fn calls(answer: &[u32], draft: Vec<u32>) -> usize {
        let mut draft = Draft::new(draft);
        let mut said: Vec<u32> = Vec::new();
        let mut calls = 0;
        while said.len() < answer.len() {
            let proposal = draft.propose(MOST).to_vec();
            let rest = &answer[said.len()..];
            let right = proposal
                .iter()
                .zip(rest)
                .take_while(|(a, b)| a == b)
                .count();
            let new = (right + 1).min(rest.len());
            said.extend(&rest[..new]);
            draft.observe(proposal.len(), right.min(new), &said);
            calls += 1;
        }
        assert_eq!(said, answer);
        calls
    }

    fn answer() -> Vec<u32> {
        (0..400u32).map(|i| i * 7919 % 1000).collect()
    }

    #[test]
    fn a_right_draft_takes_few_calls() {
        assert!(calls(&answer(), answer()) < 20);
        let no_draft = calls(&answer(), Vec::new());
        assert_eq!(no_draft, 400);
    }

    #[test]
    fn mistakes_are_stepped_over() {
        let mut noisy = answer();
        (25..400).step_by(50).for_each(|i| noisy[i] = 5000);
        let with_noise = calls(&answer(), noisy);
        assert!(with_noise < 80, "{with_noise}");
        // An inserted token, then three missing ones.
        let mut shifted = answer();
        shifted.insert(40, 5000);
        shifted.drain(200..203);
        let with_shifts = calls(&answer(), shifted);
        assert!(with_shifts < 50, "{with_shifts}");
    }

    #[test]
    fn a_wrong_draft_is_given_up() {
        let mut draft = Draft::new(vec![5000; 300]);
        let mut proposed = 0;
        for said in 1..=200 {
            let count = draft.propose(MOST).len();
            proposed += count;
            draft.observe(count, 0, &answer()[..said]);
        }
        assert!(proposed <= 2 * FIRST, "{proposed}");
    }
}
