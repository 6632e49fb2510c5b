//! What the texts of a table's cells denote: numbers, amounts of money, percentages and dates, each with the number format
//! that shows it as it is printed. All else is text.
//!
//! A text is read by its form alone (`amount`, `date`). What is open then is settled by the other cells (`columns`): which
//! of `.` and `,` is the decimal sign, the order of day and month, whether digits are a name, whether brackets are a sign.
//! What stays open stays text.

mod amount;
mod columns;
mod date;
#[cfg(test)]
mod tests;
mod thresholds;

pub(super) use columns::{DecimalSigns, header_rows, read};

/// The value of a cell and its number format.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    /// The number, or the day.
    pub content: Content,
    /// The number format, in the notation of workbooks: `.` is the decimal sign and `,` between thousands, which programs
    /// show as their language has them.
    pub format: String,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Content {
    /// A number; a percentage is divided by 100.
    Number(f64),
    /// Year, month and day.
    Date(u16, u8, u8),
}
