//! Boxes of text, told from drawings: which shapes only frame or shade text that is to be read.
//!
//! In: shapes, ruling lines and pieces of text of a page. Out: whether a shape is the background of its text
//! ([`Surroundings::background`]) and whether a group of shapes is a box of text ([`Surroundings::content`]).
//! The evidence is one and the same: the pieces inside are put into stacks of lines, and a stack *runs* if its
//! lines are set as text (or as code), not as labels. What runs is text wherever most words of a shape run and
//! their lines take up a fair part of it; a shape that a line or an arrow leads to is a node of a diagram, whose
//! words are labels. A shape whose few words do not run is a box of text only if nothing else is drawn in it.

use super::thresholds::panels::*;
use crate::deadline;
use crate::geometry::Rect;
use crate::lines::{Direction, Segment, is_cjk, is_hangul};

/// Lines of text below one another, as far as they touch.
#[derive(Debug)]
struct Stack {
    /// Indices of its pieces.
    pieces: Vec<usize>,
    bbox: Rect,
    /// Extents of the lines, from top to bottom.
    lines: Vec<Rect>,
    words: f32,
    size: f32,
    /// Lines in a font with equal widths.
    fixed: usize,
    /// Lines that start with a bullet.
    items: usize,
}

impl Stack {
    fn start(index: usize, segment: &Segment) -> Self {
        let mut stack = Stack {
            pieces: Vec::new(),
            bbox: segment.bbox,
            lines: Vec::new(),
            words: 0.0,
            size: segment.style.font_size,
            fixed: 0,
            items: 0,
        };
        stack.push(index, segment);
        stack
    }

    /// Adds a line.
    fn push(&mut self, index: usize, segment: &Segment) {
        self.pieces.push(index);
        self.bbox = self.bbox.union(&segment.bbox);
        self.lines.push(segment.bbox);
        self.words += words_of(segment);
        self.fixed += usize::from(segment.style.fixed_pitch);
        let first = segment.words.first().and_then(|w| w.text.chars().next());
        self.items += usize::from(first.is_some_and(|c| "•◦▪▫■□●○‣⁃➢➤✓✔–".contains(c)));
    }

    /// Adds a piece beside the last line.
    fn extend(&mut self, index: usize, segment: &Segment) {
        self.pieces.push(index);
        self.bbox = self.bbox.union(&segment.bbox);
        if let Some(last) = self.lines.last_mut() {
            *last = last.union(&segment.bbox);
        }
        self.words += words_of(segment);
    }

    /// `true` if a piece stands in the last line of the stack.
    fn goes_on_with(&self, segment: &Segment) -> bool {
        self.lines.last().is_some_and(|last| {
            let gap = (segment.bbox.x1 - last.x2).max(last.x1 - segment.bbox.x2);
            let reach = if segment.style.fixed_pitch {
                CODE_GAP
            } else {
                WORD_GAP
            };
            let least = last.height().min(segment.bbox.height());
            segment.bbox.overlap_y(last) > SAME_LINE * least && gap < reach * self.size
        })
    }

    /// `true` if a piece is the next line of the stack.
    fn is_followed_by(&self, segment: &Segment) -> bool {
        self.lines.last().is_some_and(|last| {
            let leading = segment.bbox.center_y() - last.center_y();
            let least = self.bbox.width().min(segment.bbox.width());
            let size = segment.style.font_size;
            let most = if segment.style.fixed_pitch {
                CODE_LEADING
            } else {
                LEADING
            };
            (0.0..most * self.size.max(size)).contains(&leading)
                && segment.bbox.overlap_x(&self.bbox) > SAME_LINE * least
                && (size - self.size).abs() < SAME_SIZE * self.size.max(size)
        })
    }

    /// `true` if the lines are set as text: sentences, items of a list or code. Labels have few words a line, and
    /// are centred where they have more.
    fn runs(&self) -> bool {
        let count = self.lines.len();
        let slack = EDGE_SLACK * self.size;
        let starts = |x: f32| {
            self.lines
                .iter()
                .filter(|l| (l.x1 - x).abs() < slack)
                .count()
        };
        let at_left = starts(self.bbox.x1);
        if self.fixed * 2 > count {
            let from_left = self.lines[0].x1 - self.bbox.x1 < slack;
            return count >= LEAST_LINES && (from_left || at_left >= LEAST_LINES);
        }
        if self.items >= LEAST_LINES {
            return true;
        }
        let has_edge = at_left >= LEAST_LINES && at_left as f32 >= LEFT_SHARE * count as f32;
        let least = match has_edge {
            true if count >= MANY_LINES => MANY_WORDS,
            true => LINE_WORDS,
            false => FREE_WORDS,
        };
        self.words >= TEXT_WORDS && self.words >= least * count as f32
    }
}

/// Words of a piece, without numbers, signs and the share of formulas; scripts without spaces have two characters a word.
fn words_of(segment: &Segment) -> f32 {
    let chars = segment.words.iter().flat_map(|w| w.text.chars());
    let wide = chars.filter(|c| is_cjk(*c) || is_hangul(*c)).count();
    let words = segment.words.iter();
    let words = words
        .filter(|w| w.text.contains(char::is_alphabetic))
        .count();
    (words as f32 * (1.0 - segment.style.math)).max(wide as f32 / 2.0)
}

/// Stacks of the level pieces among `inside`.
fn stacks(inside: &[usize], segments: &[Segment]) -> Vec<Stack> {
    let is_level = |i: &usize| segments[*i].direction == Direction::Horizontal;
    let mut sorted: Vec<usize> = inside.iter().copied().filter(is_level).collect();
    sorted.sort_by(|&a, &b| {
        let (a, b) = (&segments[a].bbox, &segments[b].bbox);
        let by_line = a.center_y().total_cmp(&b.center_y());
        by_line.then(a.x1.total_cmp(&b.x1))
    });
    let mut stacks: Vec<Stack> = Vec::new();
    for i in sorted {
        let piece = &segments[i];
        if let Some(stack) = stacks.iter_mut().rev().find(|s| s.goes_on_with(piece)) {
            stack.extend(i, piece);
        } else if let Some(stack) = stacks.iter_mut().rev().find(|s| s.is_followed_by(piece)) {
            stack.push(i, piece);
        } else {
            stacks.push(Stack::start(i, piece));
        }
    }
    stacks
}

/// What a box has of running text.
#[derive(Debug, Default)]
struct Reading {
    /// Share of its words that run.
    share: f32,
    /// Share of its area that their lines take up.
    cover: f32,
    /// The same of all lines, whether they run or not.
    all: f32,
    /// Extent of all text.
    text: Rect,
}

impl Reading {
    fn of(bbox: &Rect, stacks: &[Stack]) -> Self {
        let all: f32 = stacks.iter().map(|s| s.words).sum();
        let (mut words, mut area) = (0.0, 0.0);
        for stack in stacks.iter().filter(|s| s.runs()) {
            words += stack.words;
            area += stack.bbox.intersection(bbox).area();
        }
        Reading {
            share: words / all.max(1.0),
            cover: area / bbox.area().max(1.0),
            all: stacks.iter().map(|s| s.bbox.area()).sum::<f32>() / bbox.area().max(1.0),
            text: Rect::union_all(stacks.iter().map(|s| &s.bbox)).unwrap_or_default(),
        }
    }
}

/// What a shape is to the text on it.
pub(super) enum Background {
    /// None, or a part of a drawing.
    No,
    /// A filled rectangle whose text is too little or too scattered to be told from labels.
    OfLabels,
    /// The text is read: all of its pieces, and those that run.
    OfText(Vec<usize>, Vec<usize>),
}

/// What a group of shapes is with the text on it.
pub(super) enum Content {
    /// A figure with its labels.
    Drawing,
    /// A figure behind these pieces of text, which are read.
    DrawingBehind(Vec<usize>),
    /// A box of text.
    Text,
}

/// What is drawn and written on a page, as far as it tells boxes of text.
pub(super) struct Surroundings<'a> {
    pub segments: &'a [Segment],
    /// Pieces outside of tables.
    pub free: &'a [usize],
    /// Filled rectangles.
    pub fills: &'a [Rect],
    /// Other shapes.
    pub drawn: &'a [Rect],
    pub rulings: &'a [Rect],
    /// Body font size in pixels.
    pub body: f32,
}

impl Surroundings<'_> {
    /// Stacks of the text that lies in a box.
    fn stacks_on(&self, bbox: &Rect) -> Vec<Stack> {
        let lies = |i: &&usize| self.segments[**i].bbox.share_inside(bbox) > HELD;
        let inside: Vec<usize> = self.free.iter().filter(lies).copied().collect();
        stacks(&inside, self.segments)
    }

    /// Whether a shape is no more than the background of its text. A filled rectangle is one whatever the text; other
    /// forms may be drawings with labels in them.
    pub(super) fn background(&self, shape: &Rect, is_fill: bool) -> Background {
        let stacks = self.stacks_on(shape);
        let reading = Reading::of(shape, &stacks);
        let has_room = || {
            reading.share >= RUNNING_SHARE
                && reading.cover >= LOOSE_COVER
                && self.is_framed(&reading.text, shape)
        };
        let is_read = reading.cover >= COVER || has_room();
        if stacks.is_empty() || !is_read && !is_fill || self.is_node(shape, &stacks) {
            return Background::No;
        }
        if !is_read {
            return Background::OfLabels;
        }
        let pieces = |s: &Stack| s.pieces.clone();
        let runs = stacks.iter().filter(|s| s.runs());
        Background::OfText(
            stacks.iter().flat_map(pieces).collect(),
            runs.flat_map(pieces).collect(),
        )
    }

    /// What a group of shapes with the pieces `inside` is: a box of text if its text runs and takes up a fair part of it,
    /// or if it is all that is drawn within its frame and the group stands `alone`.
    pub(super) fn content(&self, bbox: &Rect, inside: &[usize], alone: bool) -> Content {
        let stacks = stacks(inside, self.segments);
        if stacks.is_empty() {
            return Content::Drawing;
        }
        let reading = Reading::of(bbox, &stacks);
        let in_group = |shape: &&Rect| shape.share_inside(bbox) > HELD;
        let shapes = self.drawn.iter().chain(self.fills);
        let members: Vec<&Rect> = shapes.filter(in_group).collect();
        let is_read = reading.share >= RUNNING_SHARE;
        let runs = || stacks.iter().filter(|s| s.runs());
        let content = if is_read && reading.cover >= COVER
            || alone && self.is_frame(bbox, inside, &stacks, &members)
        {
            Content::Text
        } else if is_read && runs().map(|s| s.words).sum::<f32>() >= PAGE_WORDS {
            Content::DrawingBehind(runs().flat_map(|s| s.pieces.clone()).collect())
        } else {
            return Content::Drawing;
        };
        let has_nodes = members.iter().any(|m| {
            let labels = self.stacks_on(m);
            !labels.is_empty() && self.is_node(m, &labels)
        });
        if has_nodes { Content::Drawing } else { content }
    }

    /// `true` if shapes are no more than the frame of the few words in it, with bars, shadows and icons.
    fn is_frame(&self, bbox: &Rect, inside: &[usize], stacks: &[Stack], members: &[&Rect]) -> bool {
        let text = Rect::union_all(stacks.iter().map(|s| &s.bbox)).unwrap_or_default();
        let holds_text = |m: &Rect| {
            let holds_title = m.width() > TITLE_WIDTH * bbox.width()
                && stacks.iter().any(|s| s.bbox.share_inside(m) > HELD);
            text.share_inside(&m.expanded(1.0, 1.0)) > HELD || holds_title
        };
        let bare = || members.iter().filter(|m| !holds_text(m));
        let touches = |m: &Rect| {
            let common = |s: &Stack| s.bbox.intersection(m).area();
            stacks
                .iter()
                .any(|s| common(s) >= TOUCH * m.area().max(1.0))
        };
        let edge = STRIP * self.body;
        let is_strip = |m: &Rect| {
            let (short, long) = (m.width().min(m.height()), m.width().max(m.height()));
            short < edge && long > STRIP_LENGTH * short
        };
        // Shadows have corners of their own.
        let is_corner = |m: &Rect| {
            let at_side = m.x1 - bbox.x1 < edge || bbox.x2 - m.x2 < edge;
            let at_end = m.y1 - bbox.y1 < edge || bbox.y2 - m.y2 < edge;
            at_side && at_end && m.width().max(m.height()) < 2.0 * edge
        };
        let pieces = bare().filter(|m| !is_strip(m) && !is_corner(m));
        let icon = Rect::union_all(pieces.copied()).unwrap_or_default();
        let is_border =
            !bare().any(|m| touches(m)) && icon.width().max(icon.height()) < ICON * self.body;
        // Most words in one column, without gaps: labels are scattered.
        let Some(main) = stacks.iter().max_by(|a, b| a.words.total_cmp(&b.words)) else {
            return false;
        };
        let in_column = stacks.iter().filter(|s| s.bbox.overlap_x(&main.bbox) > 0.0);
        let in_column: f32 = in_column.map(|s| s.words).sum();
        let all: f32 = stacks.iter().map(|s| s.words).sum();
        let mut reach = stacks[0].bbox.y2;
        let is_column = in_column >= RUNNING_SHARE * all
            && stacks.iter().all(|stack| {
                let follows = stack.bbox.y1 - reach < STACK_GAP * self.body;
                reach = reach.max(stack.bbox.y2);
                follows
            });
        let has_words = inside.iter().any(|i| {
            let words = &self.segments[*i].words;
            words
                .iter()
                .any(|w| w.text.chars().filter(|c| c.is_alphabetic()).count() >= WORD_LETTERS)
        });
        is_column && has_words && self.is_framed(&text, bbox) && is_border
    }

    /// `true` if text is set within a box as in a frame: from its upper left corner, or in its middle.
    fn is_framed(&self, text: &Rect, bbox: &Rect) -> bool {
        let most = PADDING * self.body;
        let sets = |before: f32, after: f32| before < most || (before - after).abs() < most;
        sets(text.x1 - bbox.x1, bbox.x2 - text.x2) && sets(text.y1 - bbox.y1, bbox.y2 - text.y2)
    }

    /// `true` if a line or an arrow leads to a shape from outside, as to the boxes of a diagram. What lies along a whole
    /// side, or at a corner, is a piece of a frame.
    fn is_node(&self, shape: &Rect, labels: &[Stack]) -> bool {
        deadline::check();
        // Shapes with much room or several texts are panels of the page.
        let covered = Reading::of(shape, labels).all;
        if labels.len() > NODE_STACKS || covered < NODE_COVER && !labels.is_empty() {
            return false;
        }
        let turned = |r: &Rect| Rect::new(r.y1, r.x1, r.y2, r.x2);
        let touches = shape.expanded(CONTACT, CONTACT);
        let leads = |line: &Rect, most: f32| {
            touches.near(line, 0.0)
                && (self.leads_across(line, shape, most)
                    || self.leads_across(&turned(line), &turned(shape), most))
        };
        // Lines in a neighbouring shape divide that one.
        let is_within = |line: &Rect, other: &Rect| {
            let other = other.expanded(CONTACT, CONTACT);
            line.union(&other) == other && shape.share_inside(&other) < HELD
        };
        let bare = |line: &&Rect| {
            let holds = |i: &usize| self.segments[*i].bbox.share_inside(line) > HELD;
            let mut others = self.drawn.iter().chain(self.fills).filter(|o| o != line);
            !self.free.iter().any(holds) && !others.any(|other| is_within(line, other))
        };
        let is_bar = |f: &&Rect| f.width().min(f.height()) < STRIP * self.body;
        let straight = self.rulings.iter().chain(self.fills.iter().filter(is_bar));
        let mut lines = straight.filter(|line| leads(line, LEAD_SIDE));
        // Slanted and bent lines fill no more of their box than straight ones.
        let mut bent = self.drawn.iter().filter(|line| leads(line, BENT_SIDE));
        lines.any(|line| bare(&line)) || bent.any(|line| bare(&line))
    }

    /// `true` if a line leads to the left or right side of a shape that it touches. `most` is the largest height of it,
    /// relative to the shape's.
    fn leads_across(&self, line: &Rect, shape: &Rect, most: f32) -> bool {
        let corner = CORNER * shape.height();
        let thin = line.height() < most * shape.height();
        let along = (line.y1 - shape.y1).abs() < corner && (line.y2 - shape.y2).abs() < corner;
        let at_side = line.y2 > shape.y1 + corner && line.y1 < shape.y2 - corner;
        let sides = [
            (shape.x1 - line.x1, line.x2 - shape.x1),
            (line.x2 - shape.x2, shape.x2 - line.x1),
        ];
        let leads_out =
            |&(out, within): &(f32, f32)| out > LEAD * self.body && within < 2.0 * CONTACT;
        thin && at_side && !along && sides.iter().any(leads_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::Word;

    /// A line of text, ten pixels to a letter.
    fn line(x: f32, y: f32, text: &str) -> Segment {
        let mut left = x;
        let words = text.split(' ').map(|word| {
            let right = left + 10.0 * word.chars().count() as f32;
            let bbox = Rect::new(left, y, right, y + 22.0);
            left = right + 6.0;
            Word::of(bbox, word)
        });
        Segment::of(words.collect(), 20.0)
    }

    fn code(x: f32, y: f32, text: &str) -> Segment {
        let mut piece = line(x, y, text);
        piece.style.fixed_pitch = true;
        piece
    }

    struct Page {
        segments: Vec<Segment>,
        drawn: Vec<Rect>,
        rulings: Vec<Rect>,
    }

    impl Page {
        fn check<T>(&self, ask: impl Fn(&Surroundings) -> T) -> T {
            let free: Vec<usize> = (0..self.segments.len()).collect();
            ask(&Surroundings {
                segments: &self.segments,
                free: &free,
                fills: &[],
                drawn: &self.drawn,
                rulings: &self.rulings,
                body: 20.0,
            })
        }

        fn is_panel(&self) -> bool {
            self.check(|page| {
                matches!(
                    page.background(&self.drawn[0], false),
                    Background::OfText(..)
                )
            })
        }

        fn is_box_of_text(&self) -> bool {
            let all: Vec<usize> = (0..self.segments.len()).collect();
            let group = Rect::union_all(&self.drawn).unwrap();
            self.check(|page| matches!(page.content(&group, &all, true), Content::Text))
        }
    }

    fn page(segments: Vec<Segment>, drawn: &[Rect]) -> Page {
        Page {
            segments,
            drawn: drawn.to_vec(),
            rulings: Vec::new(),
        }
    }

    const FRAME: Rect = Rect {
        x1: 0.0,
        y1: 0.0,
        x2: 500.0,
        y2: 100.0,
    };

    #[test]
    fn text_runs_and_labels_do_not() {
        let runs = |lines: Vec<Segment>| {
            let all: Vec<usize> = (0..lines.len()).collect();
            let stacks = stacks(&all, &lines);
            assert_eq!(stacks.len(), 1);
            stacks[0].runs()
        };
        assert!(runs(vec![line(
            0.0,
            0.0,
            "do not pull the chain across rails"
        )]));
        assert!(runs(vec![
            line(0.0, 0.0, "the chain is"),
            line(0.0, 24.0, "sixty-six feet long")
        ]));
        assert!(runs(vec![
            code(0.0, 0.0, "for s in sacks {"),
            code(40.0, 24.0, "grind(s)"),
            code(0.0, 72.0, "}")
        ]));
        assert!(runs(vec![
            line(0.0, 0.0, "• Ropes"),
            line(0.0, 24.0, "• Hooks")
        ]));
        // A formula, and names in the boxes of a diagram.
        let mut formula = line(0.0, 0.0, "P ( U ) × P ( V ) → P ( X )");
        formula.style.math = 0.8;
        assert!(!runs(vec![formula]));
        assert!(!runs(vec![line(0.0, 0.0, "Brake wheel")]));
        assert!(!runs(vec![
            line(30.0, 0.0, "Encoder"),
            line(0.0, 24.0, "12 layers each")
        ]));
        assert!(!runs(vec![
            line(20.0, 0.0, "identify the best"),
            line(0.0, 24.0, "candidate models of all")
        ]));
        assert!(!runs(vec![code(0.0, 0.0, "main()")]));
    }

    #[test]
    fn a_frame_around_running_text_is_its_background() {
        let text = || {
            vec![
                line(20.0, 20.0, "never touch the stones while the sails turn"),
                line(20.0, 44.0, "and keep a lamp"),
            ]
        };
        assert!(page(text(), &[FRAME]).is_panel());
        // A line that leads to it makes it a node of a diagram.
        let mut node = page(text(), &[FRAME]);
        node.rulings.push(Rect::new(500.0, 50.0, 560.0, 51.0));
        assert!(!node.is_panel());
        // Its own border leads nowhere.
        let mut framed = page(text(), &[FRAME]);
        framed.rulings.push(Rect::new(0.0, 100.0, 500.0, 101.0));
        framed.rulings.push(Rect::new(500.0, 0.0, 501.0, 130.0));
        assert!(framed.is_panel());
        // The legend within a curve.
        let curve = Rect::new(0.0, 0.0, 500.0, 700.0);
        let legend = vec![line(200.0, 60.0, "height of the water at the pier")];
        assert!(!page(legend, &[curve]).is_panel());
    }

    #[test]
    fn a_few_words_in_a_frame_are_text_if_nothing_else_is_drawn() {
        let words = || vec![line(50.0, 39.0, "Press start")];
        assert!(page(words(), &[FRAME]).is_box_of_text());
        let icon = Rect::new(10.0, 35.0, 40.0, 65.0);
        let shadow = Rect::new(500.0, 5.0, 506.0, 105.0);
        assert!(page(words(), &[FRAME, icon, shadow]).is_box_of_text());
        let drawing = Rect::new(250.0, 5.0, 480.0, 95.0);
        assert!(!page(words(), &[FRAME, drawing]).is_box_of_text());
        let symbol = vec![line(230.0, 39.0, "x1")];
        assert!(!page(symbol, &[FRAME]).is_box_of_text());
    }

    #[test]
    fn boxes_with_lines_between_them_are_a_diagram() {
        let left = Rect::new(0.0, 0.0, 300.0, 60.0);
        let right = Rect::new(400.0, 0.0, 700.0, 60.0);
        let text = |x: f32| {
            [
                line(x, 6.0, "records found by search"),
                line(x, 30.0, "of all of the catalogues"),
            ]
        };
        let all = || [text(20.0), text(420.0)].concat();
        assert!(page(all(), &[left, right]).is_box_of_text());
        let mut diagram = page(all(), &[left, right]);
        diagram.rulings.push(Rect::new(300.0, 30.0, 400.0, 31.0));
        assert!(!diagram.is_box_of_text());
    }
}
