//! How a model's answer to a block came about.

use serde::{Deserialize, Serialize};

/// Statistics of a recognizer's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Number of generated tokens.
    pub token_count: usize,
    /// Mean log-probability of the tokens; `None` if a server does not report it.
    pub mean_log_probability: Option<f32>,
    /// Log-probability of the least likely token.
    pub min_log_probability: Option<f32>,
    /// Reason why generation ended.
    pub finish_reason: FinishReason,
    /// Milliseconds from the start of the crop's vision encoding to the last token.
    pub milliseconds: f64,
    /// Share of the tokens that were drafted and accepted, 0 to 1; `None` without a draft.
    pub drafted_share: Option<f32>,
}

/// Reason why generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum FinishReason {
    /// The model produced its end token.
    Eos,
    /// The token limit or the end of the KV cache was reached.
    Length,
    /// Runaway repetition.
    Repetition,
    /// The time limit was reached.
    Timeout,
}
