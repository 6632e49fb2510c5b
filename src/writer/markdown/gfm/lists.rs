//! Lists: bullets, numbers and check boxes as Markdown has them; any other mark of an item stays part of its text.

use super::inline::{LabelOf, Place, paragraph};
use crate::document::inline::{Inline, TextRun};
use crate::document::{ListItem, Paragraph};

/// Bullets of pages.
const BULLETS: [&str; 16] = [
    "-", "*", "+", "\u{2022}", "\u{2023}", "\u{2043}", "\u{2219}", "\u{25aa}", "\u{25ab}",
    "\u{25cb}", "\u{25cf}", "\u{25e6}", "\u{2013}", "\u{2014}", "\u{b7}", "\u{25a0}",
];
/// Check boxes of pages, and whether they are checked.
const BOXES: [(&str, bool); 6] = [
    ("\u{2610}", false),
    ("\u{2611}", true),
    ("\u{2612}", true),
    ("[ ]", false),
    ("[x]", true),
    ("[X]", true),
];
/// Most digits of a number of an item.
const MOST_DIGITS: usize = 9;
/// Depth below which items stand beside each other: indents of endless nesting would grow with its square.
const MAX_DEPTH: usize = 12;

/// An item and its place: paragraphs of a list may stand in several blocks.
pub(super) struct Item<'a> {
    /// The item.
    pub item: &'a ListItem,
    /// The labels of footnotes in its block.
    pub label: LabelOf<'a>,
}

/// The last number of a list, the character behind it on the page, and the one that was written.
pub(super) type LastNumber = Option<(u64, char, char)>;

/// A list as Markdown. Items with nothing between them are tight. `last` is that of a list right above it, and then its own.
pub(super) fn list(items: &[Item], last: &mut LastNumber) -> String {
    let mut out = String::new();
    if !items.is_empty() {
        write(items, Level::default(), last, &mut out);
    }
    out.truncate(out.trim_end().len());
    out
}

/// `true` for a mark of an item that is a bullet.
pub(in crate::writer) fn is_bullet(mark: &str) -> bool {
    BULLETS.contains(&mark)
}

/// What stands before an item.
enum Mark<'a> {
    Bullet,
    Box(bool),
    Number(u64, char),
    /// Text that Markdown has no mark for.
    Other(&'a str),
}

fn mark(item: &ListItem) -> Mark<'_> {
    let Some(mark) = item.marker.as_deref().map(str::trim) else {
        return Mark::Bullet;
    };
    if mark.is_empty() || is_bullet(mark) {
        return Mark::Bullet;
    }
    if let Some((_, checked)) = BOXES.iter().find(|(text, _)| *text == mark) {
        return Mark::Box(*checked);
    }
    let digits = mark.bytes().take_while(u8::is_ascii_digit).count();
    let number = mark[..digits].parse();
    match (number, &mark[digits..]) {
        (Ok(number), end @ ("." | ")")) if digits <= MOST_DIGITS => {
            Mark::Number(number, if end == "." { '.' } else { ')' })
        }
        _ => Mark::Other(mark),
    }
}

/// What begins an item; numbers that do not count on from the one before start a new list, since only its first one is read.
fn begin(mark: &Mark, last: &mut LastNumber) -> String {
    let Mark::Number(number, end) = mark else {
        *last = None;
        return match mark {
            Mark::Box(true) => "- [x] ".into(),
            Mark::Box(false) => "- [ ] ".into(),
            Mark::Bullet | Mark::Other(_) | Mark::Number(..) => "- ".into(),
        };
    };
    let used = match *last {
        Some((before, given, used)) if given == *end && before + 1 == *number => used,
        // Another character than the last one's starts a list.
        Some((_, _, '.')) => ')',
        Some(_) => '.',
        None => *end,
    };
    *last = Some((*number, *end, used));
    format!("{number}{used} ")
}

/// Where items stand.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    /// Blanks before them.
    indent: usize,
    depth: usize,
    /// They are under a paragraph, and not under a bullet alone.
    is_under_text: bool,
}

fn write(items: &[Item], level: Level, last: &mut LastNumber, out: &mut String) {
    for (at, Item { item, label }) in items.iter().enumerate() {
        let mark = mark(item);
        let begin = begin(&mark, last);
        let inner = level.indent
            + match mark {
                Mark::Number(..) => begin.len(),
                _ => "- ".len(),
            };
        let texts = texts(item, &mark, *label);
        // Without a blank line, what has no text or another number than 1 goes on with the paragraph above it.
        let is_first_of_others = at == 0 && matches!(mark, Mark::Number(number, _) if number != 1);
        let follows_text = at > 0 || level.is_under_text;
        if follows_text && (texts.is_empty() || is_first_of_others) {
            blank_line(out);
        }
        out.push_str(&" ".repeat(level.indent));
        match texts.is_empty() {
            true => out.extend([begin.trim_end(), "\n"]),
            false => out.push_str(&begin),
        }
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            for (line_at, line) in text.split('\n').enumerate() {
                if at > 0 || line_at > 0 {
                    out.push_str(&" ".repeat(inner));
                }
                out.extend([line, "\n"]);
            }
        }
        let below = item.items.iter();
        let below: Vec<Item> = below
            .map(|item| Item {
                item,
                label: *label,
            })
            .collect();
        let below_level = Level {
            indent: if level.depth < MAX_DEPTH {
                inner
            } else {
                level.indent
            },
            depth: level.depth + 1,
            is_under_text: !texts.is_empty(),
        };
        write(&below, below_level, &mut None, out);
    }
}

fn blank_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
}

/// The paragraphs of an item, with a mark that is text before the first.
fn texts(item: &ListItem, mark: &Mark, label: LabelOf) -> Vec<String> {
    let mut paragraphs: Vec<Paragraph> = item.paragraphs.clone();
    if let Mark::Other(mark) = mark {
        let run = TextRun {
            text: format!("{mark} "),
            ..TextRun::default()
        };
        if paragraphs.is_empty() {
            paragraphs.push(Vec::new());
        }
        paragraphs[0].insert(0, Inline::Text(run));
    }
    let texts = paragraphs.iter();
    let texts = texts.map(|text| paragraph(text, Place::Block, label));
    texts.filter(|text| !text.is_empty()).collect()
}
