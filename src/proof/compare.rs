//! Comparison of values: exact, except for numbers with a given tolerance.

use crate::geometry::{Point, Rect};
use serde_json::Value;

/// Tolerance in pixels of polygon points.
pub(super) const POINT_TOLERANCE: f64 = 1e-3;
/// Tolerance of area ratios.
pub(super) const RATIO_TOLERANCE: f64 = 1e-6;

/// The first difference of two values, with its path; integers and floats are compared alike.
pub(super) fn same(
    path: &str,
    expected: &Value,
    got: &Value,
    tolerance: f64,
) -> Result<(), String> {
    match (expected, got) {
        (Value::Number(a), Value::Number(b)) => {
            let (x, y) = (
                a.as_f64().unwrap_or(f64::NAN),
                b.as_f64().unwrap_or(f64::NAN),
            );
            let equal = if tolerance > 0.0 {
                (x - y).abs() <= tolerance
            } else {
                x == y
            };
            if equal {
                Ok(())
            } else {
                Err(format!("{path}: expected {a}, got {b}"))
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return Err(format!(
                    "{path}: expected {} entries, got {}: {}",
                    a.len(),
                    b.len(),
                    short(got)
                ));
            }
            a.iter()
                .zip(b)
                .enumerate()
                .try_for_each(|(i, (a, b))| same(&format!("{path}[{i}]"), a, b, tolerance))
        }
        (Value::Object(a), Value::Object(b)) => {
            if let Some(key) = b.keys().find(|k| !a.contains_key(*k)) {
                return Err(format!("{path}.{key}: not expected"));
            }
            a.iter().try_for_each(|(key, value)| {
                // Tolerances apply to points and ratios only.
                let tolerance = if key.ends_with("polygon_points") {
                    POINT_TOLERANCE
                } else {
                    tolerance
                };
                match b.get(key) {
                    Some(got) => same(&format!("{path}.{key}"), value, got, tolerance),
                    None => Err(format!("{path}.{key}: missing")),
                }
            })
        }
        (a, b) if a == b => Ok(()),
        (a, b) => Err(format!("{path}: expected {}, got {}", short(a), short(b))),
    }
}

/// Outcome of a comparison; the error says what differs.
pub(super) type Checked = Result<(), String>;

/// The first difference of two values, without tolerance.
pub(super) fn exactly(path: &str, expected: &Value, got: impl Into<Value>) -> Result<(), String> {
    same(path, expected, &got.into(), 0.0)
}

/// The first difference of two texts, shown with its surroundings.
pub(super) fn same_text(path: &str, expected: &str, got: &str) -> Result<(), String> {
    if expected == got {
        return Ok(());
    }
    let at = expected
        .chars()
        .zip(got.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let around = |text: &str| {
        text.chars()
            .skip(at.saturating_sub(30))
            .take(90)
            .collect::<String>()
    };
    Err(format!(
        "{path}: at character {at} expected {:?}, got {:?}",
        around(expected),
        around(got)
    ))
}

/// A value, shortened for a message.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Parses a bounding box of a vector.
pub(super) fn rect(value: &Value) -> Rect {
    let n = numbers(value);
    let at = |i: usize| n.get(i).copied().unwrap_or(0.0) as f32;
    Rect {
        x1: at(0),
        y1: at(1),
        x2: at(2),
        y2: at(3),
    }
}

/// Parses a polygon of a vector.
pub(super) fn polygon(value: &Value) -> Vec<Point> {
    let number = |v: &Value| v.as_f64().unwrap_or(0.0) as f32;
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|p| Point {
            x: number(&p[0]),
            y: number(&p[1]),
        })
        .collect()
}

/// A list of numbers.
pub(super) fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|v| v.as_f64().unwrap_or(f64::NAN))
        .collect()
}

/// An integer; 0 if missing.
pub(super) fn whole(value: &Value) -> usize {
    value.as_u64().unwrap_or(0) as usize
}

/// A string; empty if missing.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}
