//! Drop caps: large initials over several lines belong to the first word of the first of them.

use super::super::thresholds::drop_caps::*;
use super::RawWord;
use crate::deadline;
use crate::lines::Direction;
use std::collections::HashSet;

/// Joins every initial with its word, whose box keeps its height.
pub(super) fn join(words: &mut Vec<RawWord>) {
    let mut sizes: Vec<f32> = words.iter().map(|word| word.size).collect();
    sizes.sort_by(f32::total_cmp);
    let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
    let is_letter = |word: &RawWord| {
        let letters = word.text.chars().filter(|c| c.is_uppercase()).count();
        letters == 1
            && word.size > SIZE * usual
            && word.text.chars().count() <= MAX_CHARS
            && word.direction == Direction::Horizontal
    };
    let letters: Vec<usize> = (0..words.len()).filter(|i| is_letter(&words[*i])).collect();
    let mut joined: Vec<(usize, usize)> = Vec::new();
    if letters.len() > MOST_CAPS {
        return;
    }
    for cap in letters {
        deadline::check();
        if let Some(word) = first_word(words, cap) {
            joined.push((cap, word));
        }
    }
    if joined.is_empty() {
        return;
    }
    let known: HashSet<String> = words.iter().map(|word| word.text.to_lowercase()).collect();
    for &(cap, word) in &joined {
        let rest = words[word].text.to_lowercase();
        // "A" and "I" are words themselves: what follows is one too if it stands elsewhere.
        let is_apart = matches!(words[cap].text.as_str(), "A" | "I" | "O") && {
            let others = words
                .iter()
                .enumerate()
                .any(|(i, w)| i != word && w.text.to_lowercase() == rest);
            others && !known.contains(&format!("{}{rest}", words[cap].text.to_lowercase()))
        };
        let text = match is_apart {
            true => format!("{} {}", words[cap].text, words[word].text),
            false => format!("{}{}", words[cap].text, words[word].text),
        };
        words[word].bbox.x1 = words[cap].bbox.x1.min(words[word].bbox.x1);
        words[word].text = text;
    }
    let caps: HashSet<usize> = joined.into_iter().map(|(cap, _)| cap).collect();
    let mut at = 0;
    words.retain(|_| {
        at += 1;
        !caps.contains(&(at - 1))
    });
}

/// The first word beside an initial, if it is one: several lines start right after it, none before.
fn first_word(words: &[RawWord], cap: usize) -> Option<usize> {
    let initial = &words[cap];
    let beside = |word: &RawWord| {
        let gap = word.bbox.x1 - initial.bbox.x2;
        word.direction == Direction::Horizontal
            && word.size * SIZE < initial.size
            && gap > -OVERLAP * word.size
            && gap < INDENTED_GAP * word.size
            && word.bbox.center_y() > initial.bbox.y1
            && word.bbox.center_y() < initial.bbox.y2
    };
    let mut found: Vec<usize> = (0..words.len())
        .filter(|i| *i != cap && beside(&words[*i]))
        .collect();
    found.sort_by(|&a, &b| words[a].bbox.y1.total_cmp(&words[b].bbox.y1));
    // Words of one line count once.
    let mut lines = 0;
    let mut bottom = f32::NEG_INFINITY;
    for &i in &found {
        if words[i].bbox.center_y() > bottom {
            lines += 1;
            bottom = words[i].bbox.y2;
        }
    }
    let first = found.first().copied()?;
    // The first line may have the indent of a paragraph.
    let is_near = |i: &usize| words[*i].bbox.x1 - initial.bbox.x2 < GAP * words[*i].size;
    if !found.iter().any(is_near) {
        return None;
    }
    let is_letter = words[first]
        .text
        .chars()
        .next()
        .is_some_and(char::is_alphabetic);
    (lines >= MIN_LINES && is_letter).then_some(first)
}
