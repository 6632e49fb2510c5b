//! Drafts of answers: tokens that are likely to come, proposed for verification in one call.
//!
//! A draft never changes an answer: of what is proposed only those tokens are kept that the model itself says. It only
//! says how many tokens a call may settle.

/// Tokens of a proposal at first, and at most.
const FIRST: usize = 4;
const MOST: usize = 32;
/// Said tokens in a row that must stand in the draft for it to be taken up again there.
const ANCHOR: usize = 2;
/// How far ahead of the place where it was left the draft is searched.
const AHEAD: usize = 64;
/// Proposals in a row without a right token after which the draft is given up, until more of it is said.
const PATIENCE: u32 = 2;
/// Said tokens in a row that a draft that was given up must hold.
const LONG_ANCHOR: usize = 6;

/// A draft, and where in it the answer stands.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    tokens: Vec<u32>,
    /// The place of the next token; `None` where it is not known.
    at: Option<usize>,
    /// Where the draft was left.
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

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Tokens of it that were right.
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// What is likely to come, `most` tokens at most.
    pub fn propose(&self, most: usize) -> &[u32] {
        match self.at {
            Some(at) => &self.tokens[at..(at + self.size.min(most)).min(self.tokens.len())],
            None => &[],
        }
    }

    /// Hears what came: how many tokens were proposed, how many of these were right, and all that was said so far.
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
            // Behind the right ones one more token was said.
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

    /// The place behind the next tokens of the draft that are those said last.
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

    /// Says `answer` with the help of a draft; returns the calls it takes.
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
        // A token too much here, three too few there.
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
