//! A line of text as the recognizer reads it.

use serde::{Deserialize, Serialize};

/// The text of a line.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct LineText {
    /// The characters.
    pub text: String,
    /// Mean probability of its characters, 0 to 1.
    pub confidence: f32,
    /// Position of each character as a fraction of the crop's width, 0 to 1.
    pub positions: Vec<f32>,
    /// `true` if it was not read because it is too long to be a line.
    pub is_too_long: bool,
}
