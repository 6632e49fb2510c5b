//! Lays the characters of a line that was read along those of a layer, of which some are unknown.

use super::thresholds::align::*;

/// A character of the layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slot {
    /// The character; `None` if it is unknown.
    pub known: Option<char>,
    /// Where it begins and ends along the line, in heights of the line.
    pub stretch: (f32, f32),
}

/// What was read for the unknown characters of a line.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Aligned {
    /// For each slot the characters that were read there; only those of unknown ones count.
    pub texts: Vec<String>,
    /// Number of known letters and digits of the layer, and how many of them were read as such.
    pub known: usize,
    /// See `known`.
    pub equal: usize,
}

/// How a slot or a character that was read came to its place.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    /// Nothing before.
    Start,
    /// A slot for which this many characters were read.
    Slot(usize),
    /// A character that was read for no slot.
    Extra,
}

/// Aligns at least cost: known characters with equal ones, unknown ones with up to [`MOST_LETTERS`] that were
/// read about where they stand.
///
/// `read`: characters and their middles in heights of the line. Time and memory are the product of both
/// lengths.
pub(super) fn align(slots: &[Slot], read: &[(char, f32)]) -> Aligned {
    let (rows, columns) = (slots.len() + 1, read.len() + 1);
    let mut costs = vec![f32::INFINITY; rows * columns];
    let mut steps = vec![Step::Start; rows * columns];
    costs[0] = 0.0;
    for i in 0..rows {
        for j in 0..columns {
            let at = i * columns + j;
            let here = costs[at];
            let mut offer = |to: usize, cost: f32, step: Step| {
                if here + cost < costs[to] {
                    (costs[to], steps[to]) = (here + cost, step);
                }
            };
            if j < read.len() {
                offer(at + 1, EXTRA, Step::Extra);
            }
            let Some(slot) = slots.get(i) else {
                continue;
            };
            let most = if slot.known.is_some() {
                1
            } else {
                MOST_LETTERS
            };
            for count in 0..=most.min(read.len() - j) {
                let cost = slot_cost(slot, &read[j..j + count]);
                offer(at + columns + count, cost, Step::Slot(count));
            }
        }
    }
    let mut aligned = Aligned {
        texts: vec![String::new(); slots.len()],
        ..Aligned::default()
    };
    let (mut i, mut j) = (slots.len(), read.len());
    while (i, j) != (0, 0) {
        match steps[i * columns + j] {
            Step::Slot(count) => {
                (i, j) = (i - 1, j - count);
                let text: String = read[j..j + count].iter().map(|(c, _)| *c).collect();
                if let Some(known) = slots[i].known.filter(|c| c.is_alphanumeric()) {
                    aligned.known += 1;
                    aligned.equal +=
                        usize::from(text.chars().eq([known]) || are_alike(known, &text));
                }
                aligned.texts[i] = text;
            }
            Step::Extra => j -= 1,
            Step::Start => break,
        }
    }
    aligned
}

/// `true` for one character that is the known one in another case.
fn are_alike(known: char, text: &str) -> bool {
    let mut letters = text.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return false;
    };
    known.to_lowercase().eq(letter.to_lowercase())
}

fn slot_cost(slot: &Slot, read: &[(char, f32)]) -> f32 {
    let (from, to) = slot.stretch;
    let off = |(_, at): &(char, f32)| (from - at).max(at - to).clamp(0.0, 1.0) * OFF;
    let place: f32 = read.iter().map(off).sum();
    match (slot.known, read) {
        (Some(_), []) => MISSED,
        (Some(known), [(c, _), ..]) if known == *c => place,
        (Some(known), [(c, _), ..]) if known.to_lowercase().eq(c.to_lowercase()) => {
            place + OTHER_CASE
        }
        (Some(_), _) => place + OTHER,
        (None, []) => UNREAD,
        (None, read) => place + FURTHER * (read.len() - 1) as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line in which every character is half a height wide; `#` is unknown and as wide as the number behind.
    fn slots(text: &str, wide: f32) -> Vec<Slot> {
        let mut x = 0.0;
        text.chars()
            .filter(|c| *c != ' ')
            .map(|c| {
                let width = if c == '#' { wide } else { 0.5 };
                x += width;
                Slot {
                    known: (c != '#').then_some(c),
                    stretch: (x - width, x),
                }
            })
            .collect()
    }

    fn read(text: &str, length: f32) -> Vec<(char, f32)> {
        let chars: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
        let step = length / chars.len() as f32;
        let place = |(at, c): (usize, char)| (c, (at as f32 + 0.5) * step);
        chars.into_iter().enumerate().map(place).collect()
    }

    #[track_caller]
    fn check(layer: &str, wide: f32, line: &str, expected: &[&str]) {
        let slots = slots(layer, wide);
        let length = slots.last().unwrap().stretch.1;
        let aligned = align(&slots, &read(line, length));
        let unknown = slots.iter().zip(&aligned.texts);
        let texts: Vec<&str> = unknown
            .filter(|(slot, _)| slot.known.is_none())
            .map(|(_, text)| text.as_str())
            .collect();
        assert_eq!(texts, expected, "{layer} / {line}");
    }

    #[test]
    fn unknown_characters_take_what_stands_between_known_ones() {
        check("the o#ce", 1.5, "the office", &["ffi"]);
        check("#irk #roene#eld", 0.5, "Dirk Groeneveld", &["D", "G", "v"]);
        check("n##t", 0.5, "next", &["e", "x"]);
    }

    #[test]
    fn misread_letters_do_not_move_the_others() {
        check("h#rbour", 0.5, "harb0ur", &["a"]);
        check("the h#rbour", 0.5, "he harbour", &["a"]);
    }

    #[test]
    fn agreement_is_counted() {
        let aligned = align(&slots("h#rbour", 0.5), &read("harb0uR", 3.5));
        assert_eq!((aligned.known, aligned.equal), (6, 5));
        assert_eq!(align(&[], &read("ab", 1.0)), Aligned::default());
        assert_eq!(align(&slots("a#", 0.5), &[]).texts, ["", ""]);
    }
}
