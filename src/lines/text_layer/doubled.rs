//! Characters that are printed twice at nearly the same place: shadows, and bold letters made of thin ones.

use super::super::thresholds::doubled::*;
use crate::input::pdf::page::{PdfChar, PdfPage};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Key of a cell of the page, with the character in it.
type Cell = (u32, i32, i32);

/// Middle and font size of a character that was seen, and its run.
struct Seen {
    x: f32,
    y: f32,
    em: f32,
    run: u32,
}

/// For each character of the layer, `true` if an equal one stands before it in the layer, at nearly the same
/// place and in nearly the same size. Time is linear in the number of characters.
pub(super) fn doubled(content: &PdfPage) -> Vec<bool> {
    let mut seen: HashMap<Cell, Vec<Seen>> = HashMap::new();
    content
        .chars
        .iter()
        .map(|c| is_doubled(c, content, &mut seen))
        .collect()
}

fn is_doubled(c: &PdfChar, content: &PdfPage, seen: &mut HashMap<Cell, Vec<Seen>>) -> bool {
    let Some(run) = content.runs.get(c.run as usize).filter(|run| run.visible) else {
        return false;
    };
    if char::from_u32(c.code).is_none_or(char::is_whitespace) {
        return false;
    }
    let [x1, y1, x2, y2] = c.bbox;
    let (x, y) = ((x1 + x2) / 2.0, (y1 + y2) / 2.0);
    let em = if run.size > 0.5 { run.size } else { y2 - y1 };
    let reach = (SHIFT * em).min(CELL);
    // Narrow letters lie near to each other.
    let reach_x = reach.min(WIDTH * (x2 - x1).abs());
    let cell = |v: f32| (v / CELL).floor() as i32;
    let cells = |v: f32| cell(v - reach)..=cell(v + reach);
    for (column, row) in cells(x).flat_map(|column| cells(y).map(move |row| (column, row))) {
        let key = (c.code, column, row);
        let near = seen.get(&key).into_iter().flatten().any(|other| {
            let (dx, dy) = ((x - other.x).abs(), (y - other.y).abs());
            // The letters of a ligature have one box.
            let is_ligature = c.run == other.run && dx == 0.0 && dy == 0.0;
            !is_ligature && dx <= reach_x && dy <= reach && (em - other.em).abs() <= SAME * em
        });
        if near {
            return true;
        }
    }
    let this = Seen {
        x,
        y,
        em,
        run: c.run,
    };
    match seen.entry((c.code, cell(x), cell(y))) {
        Entry::Vacant(entry) => drop(entry.insert(vec![this])),
        // More letters of one kind do not fit into a cell, unless nobody can read them.
        Entry::Occupied(entry) if entry.get().len() >= MOST_IN_CELL => {}
        Entry::Occupied(mut entry) => entry.get_mut().push(this),
    }
    false
}
