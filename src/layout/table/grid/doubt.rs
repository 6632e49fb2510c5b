//! How sure the decisions are that make a grid.

/// A side of columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Side {
    /// Its position.
    pub at: f32,
    /// How surely columns are separated there, 0 to 1.
    pub confidence: f32,
}

/// The confidence, 0.5 to 1, of a decision for which so much spoke more than against.
pub(super) fn confidence(margin: f32) -> f32 {
    1.0 / (1.0 + (-margin.abs()).exp())
}
