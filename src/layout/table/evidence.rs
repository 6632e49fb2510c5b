//! Evidence of tables: what is drawn on a page that may divide one, and the lines of text with their gaps.

use super::fields::without_fields;
use super::rules::{Rule, groups, merged, share};
use super::thresholds::drawn::*;
use super::trace::Trace;
use crate::deadline;
use crate::geometry::Rect;
use crate::lines::Segment;

/// Most shaded areas, those that touch joined, whose borders are looked at: a sheet of 30 by 50 cells.
const MAX_SHADES: usize = 1500;

/// Most areas before one that it is compared with: those of some rows or columns.
const MAX_BESIDE: usize = 600;

/// All that is known of a page before tables are looked for.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    /// The text of the page.
    pub segments: &'a [Segment],
    /// Size of body text in pixels.
    pub body: f32,
    /// How much of the text has a font with equal widths: such text may be a table, or only a listing.
    pub fixed_pitch: FixedPitch,
    /// Horizontal lines and borders of shaded areas, from top to bottom.
    pub horizontal: Vec<Rule>,
    /// Vertical ones, from left to right.
    pub vertical: Vec<Rule>,
    /// Tables that tags describe: there is no other one there.
    pub taken: Vec<Rect>,
    /// Collects what is considered; off unless it is set.
    pub trace: Trace,
}

impl<'a> Evidence<'a> {
    /// Collects the lines of a page of `size` (width and height in pixels): rulings, and borders of filled areas with text.
    pub(crate) fn new(
        segments: &'a [Segment],
        rulings: &[Rect],
        fills: &[(Rect, [u8; 3])],
        size: (f32, f32),
        body: f32,
    ) -> Self {
        let is_level = |r: &&Rect| r.width() >= r.height();
        // Lines as thick as bars.
        let bars = fills.iter().filter(|(area, color)| {
            let (short, long) = (
                area.width().min(area.height()),
                area.width().max(area.height()),
            );
            *color != [255; 3] && short < BAR * body && long > BAR_LENGTH * short
        });
        let lines = rulings.iter().chain(bars.map(|(area, _)| area));
        let (level, upright): (Vec<&Rect>, Vec<&Rect>) = lines.partition(is_level);
        let level: Vec<Rule> = level.into_iter().map(|r| Rule::level(r, true)).collect();
        let drawn: Vec<Rule> = upright
            .into_iter()
            .map(|r| Rule::upright(r, true))
            .collect();
        let shades = shades(fills, segments, size, &drawn, body);
        let mut edges = edges(&shades);
        // Beside a line that is drawn the end of the colour says nothing.
        edges.retain(|edge| {
            deadline::check();
            let (rules, at, along) = match is_level(&edge) {
                true => (&level, edge.center_y(), edge.center_x()),
                false => (&drawn, edge.center_x(), edge.center_y()),
            };
            let is_beside = |r: &Rule| (r.at - at).abs() < body && r.from <= along && along <= r.to;
            !rules.iter().any(is_beside)
        });
        let (level_edges, upright_edges): (Vec<Rect>, Vec<Rect>) =
            edges.into_iter().partition(|edge| is_level(&edge));
        let (level, drawn) = without_fields(level, drawn, segments, body);
        let level = level
            .into_iter()
            .chain(level_edges.iter().map(|r| Rule::level(r, false)));
        let upright = drawn
            .into_iter()
            .chain(upright_edges.iter().map(|r| Rule::upright(r, false)));
        Self {
            segments,
            body,
            fixed_pitch: FixedPitch::of(segments),
            horizontal: merged(level),
            vertical: merged(upright),
            taken: Vec::new(),
            trace: Trace::default(),
        }
    }

    /// Leaves an area out: its lines say nothing about what is beside it.
    pub(crate) fn take(&mut self, area: Rect) {
        let own = area.expanded(self.body, self.body);
        let is_in = |across: (f32, f32), along: (f32, f32), rule: &Rule| {
            let is_at = across.0 < rule.at && rule.at < across.1;
            is_at && along.0 < rule.from && rule.to < along.1
        };
        let (x, y) = ((own.x1, own.x2), (own.y1, own.y2));
        self.horizontal.retain(|rule| !is_in(y, x, rule));
        self.vertical.retain(|rule| !is_in(x, y, rule));
        self.taken.push(area);
    }

    /// `true` if an area reaches over one that was left out.
    pub(super) fn is_taken(&self, area: &Rect) -> bool {
        let is_over = |own: &Rect| own.share_inside(area) > OVER_TAKEN;
        self.taken.iter().any(is_over)
    }

    /// Notes the lines in its trace.
    pub(crate) fn note_rules(&self) {
        self.trace.note(|trace| {
            let level = |r: &Rule| (Rect::new(r.from, r.at, r.to, r.at), r.is_line);
            let upright = |r: &Rule| (Rect::new(r.at, r.from, r.at, r.to), r.is_line);
            trace.rules.extend(self.horizontal.iter().map(level));
            trace.rules.extend(self.vertical.iter().map(upright));
        });
    }

    /// Share of `from..to` that horizontal lines near `y` cover.
    pub(super) fn level_share(&self, y: f32, from: f32, to: f32) -> f32 {
        share(&self.horizontal, y, from, to, false)
    }

    /// `true` if horizontal lines near `y` are drawn for a border from `from` to `to`.
    pub(super) fn has_level(&self, y: f32, from: f32, to: f32) -> bool {
        self.level_share(y, from, to) >= BORDER_SHARE
    }

    /// `true` if vertical lines near `x` are drawn for a border from `from` to `to`.
    pub(super) fn has_upright(&self, x: f32, from: f32, to: f32) -> bool {
        share(&self.vertical, x, from, to, false) >= BORDER_SHARE
    }

    /// The same for ruling lines alone, without borders of shaded areas.
    pub(super) fn has_upright_line(&self, x: f32, from: f32, to: f32) -> bool {
        share(&self.vertical, x, from, to, true) >= BORDER_SHARE
    }

    /// Groups of lines that meet, as `(horizontal, vertical)`.
    pub(super) fn groups(&self) -> Vec<(Vec<Rule>, Vec<Rule>)> {
        groups(&self.horizontal, &self.vertical)
    }
}

/// How much of the text of a page has a font with equal widths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FixedPitch {
    /// All but a number of a page: a typewriter or a printer wrote it.
    All,
    /// Nearly all; other fonts tell that the page is one of a book or an article.
    Most,
    /// Listings, or nothing.
    Some,
}

impl FixedPitch {
    fn of(segments: &[Segment]) -> Self {
        let letters = |is_fixed: bool| -> usize {
            let own = segments.iter().filter(|s| s.style.fixed_pitch == is_fixed);
            let words = own.flat_map(|s| &s.words);
            let chars = words.flat_map(|word| word.text.chars());
            chars.filter(|c| c.is_alphabetic()).count()
        };
        let (fixed, other) = (letters(true), letters(false));
        match (
            other <= OTHER_LETTERS,
            fixed as f32 > MOST_FIXED * other as f32,
        ) {
            (true, true) => FixedPitch::All,
            (false, true) => FixedPitch::Most,
            (_, false) => FixedPitch::Some,
        }
    }
}

/// Filled areas that may be cells, rows or heads: those with text that are no ground of the page and no mark of words.
fn shades(
    fills: &[(Rect, [u8; 3])],
    segments: &[Segment],
    (width, height): (f32, f32),
    upright: &[Rule],
    body: f32,
) -> Vec<(Rect, [u8; 3])> {
    let joined = joined_shades(fills);
    if joined.len() > MAX_SHADES {
        return Vec::new();
    }
    let is_shade = |(area, color): &&(Rect, [u8; 3])| {
        let has_text = || {
            segments
                .iter()
                .any(|s| area.contains(s.bbox.center_x(), s.bbox.center_y()))
        };
        *color != [255; 3]
            && area.area() < SHADE_SHARE * width * height
            && area.width() > SNAP
            && area.height() > SNAP
            && has_text()
    };
    let cells: Vec<(Rect, [u8; 3])> = joined.into_iter().filter(|s| is_shade(&s)).collect();
    let sides = |x: f32| {
        let shades = cells
            .iter()
            .filter(|(area, _)| (area.x1 - x).abs() < SNAP || (area.x2 - x).abs() < SNAP);
        let rules = upright.iter().filter(|rule| (rule.at - x).abs() < SNAP);
        shades.count() + rules.count()
    };
    // A mark that is smaller than its cell has sides of its own.
    let is_cell = |area: &Rect| {
        area.width() > MARK_WIDTH * body
            || area.height() > MARK_HEIGHT * body
            || [area.x1, area.x2].iter().all(|x| sides(*x) > 1)
    };
    // The ground of a paragraph within a cell that has the same colour shows nothing.
    let is_seen = |(area, color): &&(Rect, [u8; 3])| {
        is_cell(area)
            && !cells.iter().any(|(other, c)| {
                c == color
                    && other.area() > area.area()
                    && area.share_inside(&other.expanded(1.0, 1.0)) > INSIDE_SHADE
            })
    };
    cells.iter().filter(is_seen).copied().collect()
}

/// Filled areas with those of one colour joined that touch side by side or one below the other: the shaded cells of a row,
/// with text or not, and the strips of a cell.
fn joined_shades(fills: &[(Rect, [u8; 3])]) -> Vec<(Rect, [u8; 3])> {
    let is_near = |a: f32, b: f32| (a - b).abs() < SHADE_GAP;
    // In the order of their ends, what an area joins is among the last ones.
    let join = |areas: Vec<(Rect, [u8; 3])>, is_next: &dyn Fn(&Rect, &Rect) -> bool| {
        let mut out: Vec<(Rect, [u8; 3])> = Vec::new();
        for (area, color) in areas {
            deadline::check();
            let mut before = out.iter_mut().rev().take(MAX_BESIDE);
            match before.find(|(other, c)| *c == color && is_next(other, &area)) {
                Some((other, _)) => *other = other.union(&area),
                None => out.push((area, color)),
            }
        }
        out
    };
    let mut areas: Vec<(Rect, [u8; 3])> = fills.to_vec();
    areas.sort_by(|(a, _), (b, _)| a.x1.total_cmp(&b.x1).then(a.y1.total_cmp(&b.y1)));
    let mut areas = join(areas, &|a, b| {
        is_near(a.y1, b.y1) && is_near(a.y2, b.y2) && b.x1 - a.x2 < SHADE_GAP
    });
    areas.sort_by(|(a, _), (b, _)| a.y1.total_cmp(&b.y1).then(a.x1.total_cmp(&b.x1)));
    join(areas, &|a, b| {
        is_near(a.x1, b.x1) && is_near(a.x2, b.x2) && (b.y1 - a.y2).abs() < SHADE_GAP
    })
}

/// Borders of shaded areas that can be seen: not those between two areas of one colour that touch.
fn edges(shades: &[(Rect, [u8; 3])]) -> Vec<Rect> {
    let mut found = Vec::new();
    for (i, (area, color)) in shades.iter().enumerate() {
        deadline::check();
        let others = || {
            shades
                .iter()
                .enumerate()
                .filter(move |(j, (_, c))| *j != i && c == color)
                .map(|(_, (other, _))| other)
        };
        let beside = |a: f32, b: f32| (a - b).abs() < SHADE_GAP;
        let is_level = |other: &Rect| other.overlap_y(area) > INSIDE_SHADE * area.height();
        let is_above = |other: &Rect| other.overlap_x(area) > INSIDE_SHADE * area.width();
        if !others().any(|o| beside(o.x2, area.x1) && is_level(o)) {
            found.push(Rect::new(area.x1, area.y1, area.x1, area.y2));
        }
        if !others().any(|o| beside(o.x1, area.x2) && is_level(o)) {
            found.push(Rect::new(area.x2, area.y1, area.x2, area.y2));
        }
        if !others().any(|o| beside(o.y2, area.y1) && is_above(o)) {
            found.push(Rect::new(area.x1, area.y1, area.x2, area.y1));
        }
        if !others().any(|o| beside(o.y1, area.y2) && is_above(o)) {
            found.push(Rect::new(area.x1, area.y2, area.x2, area.y2));
        }
    }
    found
}
