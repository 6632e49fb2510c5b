//! Layout detection without a network: from characters or lines, ruling lines, shapes and pictures.
//!
//! In: a prepared page. Out: regions in reading order, each with the segments it was made from. Steps of
//! [`GeometricDetector::detect`]: drawn tables, tables between rules, figures; then the rest of the text is
//! cut into zones (`columns`), and each zone's lines become tables of aligned segments or paragraphs
//! (`paragraphs`) with labels ([`labels`]).

mod bookmarks;
mod columns;
mod contents;
mod figures;
mod flow;
pub(crate) mod headings;
pub(crate) mod labels;
mod line;
mod panels;
mod paragraphs;
mod pieces;
mod prose;
mod seen;
mod tables;
mod tagged;
mod tagged_grid;
mod tagged_places;
mod tagged_tables;
#[cfg(test)]
mod tests;
mod thresholds;

use super::picture::{PictureNetworks, Seen};
use super::postprocess::LayoutOptions;
use super::table::{self, Evidence};
use super::{LayoutDetector, LayoutError, Region};
use crate::deadline;
use crate::document::{Label, TextSource};
use crate::geometry::Rect;
use crate::lines::{Direction, PreparedPage, Segment, Shift};
use columns::Zone;
use flow::ColumnItem;
use labels::PageShape;
use line::Line;
use std::collections::HashSet;
use std::iter::Peekable;
pub(crate) use tables::trace_tables;
use tagged::Tags;
use thresholds::columns::{RULE_DISTANCE, RULE_SHARE, RULE_THICKNESS};
use thresholds::paragraphs::EARLY_END;
use thresholds::{footnotes, listings, margins, scores};

/// The detector of the embedded default.
#[derive(Default)]
pub(crate) struct GeometricDetector {
    /// Networks that look at pictures of pages, if there are some.
    pub pictures: Option<PictureNetworks>,
}

impl LayoutDetector for GeometricDetector {
    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        _: &LayoutOptions,
    ) -> Result<Vec<Vec<Region>>, LayoutError> {
        pages.iter().map(|page| self.regions(page)).collect()
    }
}

impl GeometricDetector {
    fn regions(&mut self, page: &PreparedPage) -> Result<Vec<Region>, LayoutError> {
        let Some(pictures) = &mut self.pictures else {
            return Ok(regions(page));
        };
        let seen = pictures.see(page)?;
        let mut layout = PageLayout::new(page);
        layout.seen = Some(&seen);
        let mut regions = layout.regions();
        pictures.improve_tables(page, &mut regions)?;
        Ok(regions)
    }
}

/// Detects the regions of a page, in reading order.
pub fn regions(page: &PreparedPage) -> Vec<Region> {
    PageLayout::new(page).regions()
}

/// Content of a zone: a text segment, or something that is already a region.
enum Content {
    Text(usize),
    Float(usize),
    /// A rule across the page, which separates what is above it from what is below.
    Rule(Rect),
}

/// State of a page during detection.
struct PageLayout<'a> {
    page: &'a PreparedPage,
    segments: &'a [Segment],
    body: f32,
    evidence: Evidence<'a>,
    /// `true` if most of the text has a font with equal widths.
    fixed_pitch: bool,
    tags: Option<Tags>,
    /// `true` for segments that already belong to a region.
    taken: Vec<bool>,
    /// Tables, figures and other regions that are read as a unit.
    floats: Vec<Region>,
    /// Vertical position of the rule above the footnotes, once tables and figures are known.
    footnote_rule: Option<f32>,
    /// What was seen in the page's picture.
    seen: Option<&'a Seen>,
}

impl<'a> PageLayout<'a> {
    fn new(page: &'a PreparedPage) -> Self {
        let segments = &page.text.segments;
        let body = page.text.body_size_or_default();
        Self {
            page,
            segments,
            body,
            evidence: Evidence::new(
                segments,
                &page.rulings,
                &page.fills,
                (page.width as f32, page.height as f32),
                body,
            ),
            fixed_pitch: {
                let chars = |s: &&Segment| s.char_count() as f32;
                let fixed = segments.iter().filter(|s| s.style.fixed_pitch);
                let fixed: f32 = fixed.map(|s| chars(&s)).sum();
                fixed > listings::BODY_SHARE * segments.iter().map(|s| chars(&s)).sum::<f32>()
            },
            tags: Tags::new(&page.structure, segments),
            taken: vec![false; segments.len()],
            floats: Vec::new(),
            footnote_rule: None,
            seen: None,
        }
    }

    fn regions(&mut self) -> Vec<Region> {
        self.find_tables();
        self.find_figures();
        let beside = self.find_turned();
        self.footnote_rule = self.find_footnote_rule();
        let right_to_left =
            self.segments.iter().filter(|s| s.right_to_left).count() * 2 > self.segments.len();
        let contents: Vec<Content> = self
            .free()
            .into_iter()
            .map(Content::Text)
            .chain((0..self.floats.len()).map(Content::Float))
            .chain(self.separators().map(Content::Rule))
            .collect();
        let items: Vec<ColumnItem> = contents
            .iter()
            .map(|content| match content {
                Content::Text(i) => ColumnItem::of_text(&self.segments[*i]),
                Content::Float(i) => ColumnItem {
                    bbox: self.floats[*i].bbox,
                    ..ColumnItem::default()
                },
                Content::Rule(bbox) => ColumnItem {
                    bbox: *bbox,
                    ..ColumnItem::default()
                },
            })
            .collect();
        let is_table = |zone: &[usize]| {
            let rows = table::rows(&self.contents_of(zone, &contents).0, self.segments);
            !table::find_open(&self.evidence, &rows).is_empty()
        };
        let is_listing = |zone: &[usize]| {
            table::is_listing(&self.evidence, &self.contents_of(zone, &contents).0)
        };
        let mut regions = Vec::new();
        let mut zones = columns::zones(&items, self.body, right_to_left, &is_table, &is_listing);
        if self.page.text.source == TextSource::Lines
            && let Some(better) =
                prose::zones(&items, &zones, &self.page.rulings, self.body, right_to_left)
        {
            zones = better;
        }
        for zone in zones {
            deadline::check();
            self.read_zone(&zone, &contents, &mut regions);
        }
        regions.extend(beside);
        contents::relabel(&mut regions, self.segments);
        pieces::join(&mut regions);
        match &self.tags {
            Some(tags) => tagged::reorder(regions, tags, self.segments),
            None => regions,
        }
    }

    fn free(&self) -> Vec<usize> {
        (0..self.segments.len())
            .filter(|i| !self.taken[*i])
            .collect()
    }

    /// Horizontal rules over most of the width of the text, outside of tables and figures.
    fn separators(&self) -> impl Iterator<Item = Rect> + '_ {
        let text = Rect::union_all(self.segments.iter().map(|s| &s.bbox)).unwrap_or_default();
        let is_wide = move |r: &&Rect| {
            r.height() < RULE_THICKNESS * self.body
                && r.overlap_x(&text) > RULE_SHARE * text.width()
        };
        let is_free = |r: &&Rect| {
            let in_float = |float: &Region| r.near(&float.bbox, RULE_DISTANCE * self.body);
            !self.floats.iter().any(in_float)
        };
        self.page
            .rulings
            .iter()
            .filter(is_wide)
            .filter(is_free)
            .copied()
    }

    fn find_figures(&mut self) {
        let found: Vec<Rect> = self.floats.iter().map(|f| f.bbox).collect();
        let mut alternatives = tagged::alternative_texts(&self.page.structure).into_iter();
        for figure in figures::find(self.page, &self.taken, &found, self.body) {
            let label = if figure.is_chart {
                Label::Chart
            } else {
                Label::Image
            };
            figure.segments.iter().for_each(|&i| self.taken[i] = true);
            let mut region = Region::new(label, figure.bbox, scores::FIGURE);
            region.lines = figure.segments.iter().map(|i| vec![*i]).collect();
            region.alt = alternatives.next();
            self.floats.push(region);
        }
    }

    /// Regions of text that is not horizontal. Vertical text has a place in the reading order, rotated text
    /// has none.
    fn find_turned(&mut self) -> Vec<Region> {
        let mut aside: Vec<Region> = Vec::new();
        let mut vertical: Vec<usize> = Vec::new();
        for i in self.free() {
            let segment = &self.segments[i];
            match segment.direction {
                Direction::Horizontal => continue,
                Direction::Vertical => vertical.push(i),
                Direction::Turned => {
                    let near = aside
                        .last_mut()
                        .filter(|r| r.bbox.near(&segment.bbox, self.body));
                    match near {
                        Some(region) => {
                            region.bbox = region.bbox.union(&segment.bbox);
                            // Rotated words come one by one, in writing order.
                            region.lines[0].push(i);
                        }
                        None => {
                            let mut region =
                                Region::new(Label::AsideText, segment.bbox, scores::ASIDE);
                            region.lines = vec![vec![i]];
                            aside.push(region);
                        }
                    }
                }
            }
            self.taken[i] = true;
        }
        // Columns of vertical text are read from right to left.
        vertical.sort_by(|&a, &b| {
            self.segments[b]
                .bbox
                .center_x()
                .total_cmp(&self.segments[a].bbox.center_x())
        });
        for i in vertical {
            let bbox = self.segments[i].bbox;
            let near = self.floats.last_mut().filter(|r| {
                r.label == Label::VerticalText
                    && r.bbox.near(&bbox, self.body)
                    && r.bbox.overlap_y(&bbox) > margins::VERTICAL_OVERLAP * bbox.height()
            });
            match near {
                Some(region) => {
                    region.bbox = region.bbox.union(&bbox);
                    region.lines.push(vec![i]);
                }
                None => {
                    let mut region = Region::new(Label::VerticalText, bbox, scores::VERTICAL);
                    region.lines = vec![vec![i]];
                    self.floats.push(region);
                }
            }
        }
        aside
    }

    /// Turns the contents of a zone into regions, in reading order.
    fn read_zone(&self, zone: &Zone, contents: &[Content], out: &mut Vec<Region>) {
        let (mut texts, mut floats) = self.contents_of(&zone.items, contents);
        let rows = table::rows(&texts, self.segments);
        for found in table::find_open(&self.evidence, &rows) {
            texts.retain(|i| !found.segments.contains(i));
            floats.push(tables::region(found, self.segments));
        }
        floats.sort_by(|a, b| {
            a.bbox
                .y1
                .total_cmp(&b.bbox.y1)
                .then(a.bbox.x1.total_cmp(&b.bbox.x1))
        });
        let mut floats = floats.into_iter().peekable();
        if zone.pieces.is_empty() {
            self.read_texts(&texts, &mut floats, out);
        }
        let left: HashSet<usize> = texts.into_iter().collect();
        for piece in &zone.pieces {
            // Only a table that was found just now may be between pieces; figures come in their own pieces.
            let own = self.contents_of(piece, contents).0;
            let own: Vec<usize> = own.into_iter().filter(|i| left.contains(i)).collect();
            self.read_texts(&own, &mut floats, out);
        }
        out.extend(floats);
    }

    /// Segments and floats among items.
    fn contents_of(&self, items: &[usize], contents: &[Content]) -> (Vec<usize>, Vec<Region>) {
        let (mut texts, mut floats) = (Vec::new(), Vec::new());
        for item in items {
            match &contents[*item] {
                Content::Text(i) => texts.push(*i),
                Content::Float(i) => floats.push(self.floats[*i].clone()),
                Content::Rule(_) => {}
            }
        }
        (texts, floats)
    }

    /// Turns segments into regions, from top to bottom, with the floats that begin above them.
    fn read_texts(
        &self,
        texts: &[usize],
        floats: &mut Peekable<impl Iterator<Item = Region>>,
        out: &mut Vec<Region>,
    ) {
        let tags = |mcid: i32| self.tags.as_ref().and_then(|t| t.element(mcid));
        let mut lines = paragraphs::lines_of(texts, self.segments, &tags);
        bookmarks::mark(&mut lines, &self.page.bookmarks, self.body);
        if let Some(seen) = self.seen {
            seen::mark(&mut lines, &seen.titles);
        }
        let bounds = Rect::union_all(lines.iter().map(|l| &l.bbox)).unwrap_or_default();
        let shape = PageShape {
            body: self.body,
            height: self.page.height as f32,
            recognized: self.page.text.source == TextSource::Lines,
            fixed_pitch: self.fixed_pitch,
            has_listings: self.evidence.fixed_pitch != table::FixedPitch::All,
            zone: (bounds.x1, bounds.x2),
            footnote_rule: self.footnote_rule,
        };
        let mut run: Vec<Line> = Vec::new();
        for line in lines {
            while floats
                .peek()
                .is_some_and(|f| f.bbox.y1 < line.bbox.center_y())
            {
                self.read_lines(std::mem::take(&mut run), &shape, out);
                out.extend(floats.next());
            }
            run.push(line);
        }
        self.read_lines(run, &shape, out);
    }

    /// Turns consecutive lines into regions.
    fn read_lines(&self, lines: Vec<Line>, shape: &PageShape, out: &mut Vec<Region>) {
        let mut rest = Vec::new();
        for line in lines {
            match self.margin_line(&line, shape) {
                Some(parts) => {
                    self.read_paragraphs(std::mem::take(&mut rest), shape, out);
                    out.extend(parts);
                }
                None => rest.push(line),
            }
        }
        self.read_paragraphs(rest, shape, out);
    }

    fn read_paragraphs(&self, lines: Vec<Line>, shape: &PageShape, out: &mut Vec<Region>) {
        for block in paragraphs::paragraphs(lines, shape.recognized, shape.fixed_pitch) {
            let (label, score) = labels::label(&block, shape);
            if label == Label::Footnote {
                for note in self.notes_of(block) {
                    out.push(text_region(label, score, &note));
                }
            } else if label == Label::DisplayFormula {
                self.push_formula(&block, score, out);
            } else {
                let mut region = text_region(label, score, &block);
                region.style.is_open = block.last().is_some_and(|line| fills(line, shape));
                out.push(region);
            }
        }
    }

    /// The footnotes of a block: each begins with a raised mark.
    fn notes_of(&self, block: Vec<Line>) -> Vec<Vec<Line>> {
        let is_marked = |line: &Line| {
            let first = line.segments.first().and_then(|i| self.segments.get(*i));
            let word = first.and_then(|segment| segment.words.first());
            word.is_some_and(|word| {
                let is_figure = word.text.len() <= footnotes::MARK_DIGITS
                    && word.text.bytes().all(|b| b.is_ascii_digit());
                word.shift == Shift::Super && (is_figure || "*∗†‡§¶".contains(&word.text))
            })
        };
        let mut notes: Vec<Vec<Line>> = Vec::new();
        for line in block {
            match notes.last_mut() {
                Some(note) if !is_marked(&line) => note.push(line),
                _ => notes.push(vec![line]),
            }
        }
        notes
    }

    /// Splits the outermost line of a page, a running header or footer, if it has a page number beside other
    /// text.
    fn margin_line(&self, line: &Line, shape: &PageShape) -> Option<Vec<Region>> {
        let slack = margins::SAME_LINE * self.body;
        let top = self
            .segments
            .iter()
            .all(|s| s.bbox.y1 >= line.bbox.y1 - slack || s.direction != Direction::Horizontal);
        let bottom = self
            .segments
            .iter()
            .all(|s| s.bbox.y2 <= line.bbox.y2 + slack || s.direction != Direction::Horizontal);
        let outside = (top && line.bbox.y2 < margins::OUTER_SHARE * shape.height)
            || (bottom && line.bbox.y1 > (1.0 - margins::OUTER_SHARE) * shape.height);
        // A running header may repeat the title of the section that begins below it.
        let is_distinct = line.bold || line.size > thresholds::headings::SIZE * self.body;
        if !outside || line.is_heading() && is_distinct || line.seen_title.is_some() {
            return None;
        }
        let is_number = |i: &usize| labels::is_page_number(&self.segments[*i].plain_text());
        let is_header =
            top && line.bbox.y2 < margins::HEADER_SHARE * shape.height && self.is_set_apart(line);
        let seen = self.seen.filter(|_| !is_distinct);
        let seen = seen.and_then(|seen| seen::margin(seen, line, (top, bottom)));
        if let Some(label) = seen.or(is_header.then_some(Label::Header))
            && !line.segments.iter().any(is_number)
        {
            let inner = Line::new(line.segments.clone(), self.segments, &|_| None);
            return Some(vec![text_region(label, scores::HEADER, &[inner])]);
        }
        let number = line.segments.iter().position(is_number)?;
        if number != 0 && number + 1 != line.segments.len() {
            return None;
        }
        if number == 0 && self.is_numbered_heading(line) {
            return None;
        }
        let part = |label: Label, indices: Vec<usize>| {
            let inner = Line::new(indices, self.segments, &|_| None);
            text_region(label, scores::NUMBERED_MARGIN, &[inner])
        };
        let mut others = line.segments.clone();
        let number = others.remove(number);
        let mut parts = Vec::new();
        if !others.is_empty() {
            parts.push(part(
                if top { Label::Header } else { Label::Footer },
                others,
            ));
        }
        parts.push(part(Label::Number, vec![number]));
        Some(parts)
    }

    /// `true` if a line that begins with a number is a heading with its number, not a header with a page number.
    fn is_numbered_heading(&self, line: &Line) -> bool {
        let [first, second, ..] = line.segments[..] else {
            return false;
        };
        let (number, title) = (&self.segments[first], &self.segments[second]);
        let size = title.style.font_size;
        let is_near = title.bbox.x1 - number.bbox.x2 < margins::HEADING_NUMBER_GAP * size;
        let is_alike = (number.style.font_size - size).abs() < margins::SAME_SIZE * size
            && number.style.bold == title.style.bold;
        let is_distinct = title.style.bold || size > thresholds::headings::SIZE * self.body;
        is_near && is_alike && is_distinct
    }

    /// `true` if a line at the top is separated from the text: by a rule over most of the page, or because it
    /// has segments at both ends of the page and nothing in between.
    fn is_set_apart(&self, line: &Line) -> bool {
        let width = self.page.width as f32;
        let ruled = self.page.rulings.iter().any(|r| {
            let below = margins::RULE_BELOW;
            r.width() > margins::RULE_WIDTH * width
                && (below.start * self.body..below.end * self.body)
                    .contains(&(r.center_y() - line.bbox.y2))
        });
        let spread = line.segments.len() == 2 && {
            let (a, b) = (
                &self.segments[line.segments[0]].bbox,
                &self.segments[line.segments[1]].bbox,
            );
            (b.x1 - a.x2).max(a.x1 - b.x2) > margins::HEADER_GAP * width
        };
        ruled || spread
    }

    /// Vertical position of the short rule above the footnotes, if the page has one.
    fn find_footnote_rule(&self) -> Option<f32> {
        let (width, height) = (self.page.width as f32, self.page.height as f32);
        let short = |r: &&Rect| {
            r.height() < footnotes::RULE_THICKNESS * self.body
                && r.width() > footnotes::RULE_MIN_WIDTH * self.body
                && r.width() < footnotes::RULE_MAX_WIDTH * width
                && r.y1 > footnotes::RULE_PLACE * height
        };
        let alone = |r: &&Rect| {
            let others = self
                .page
                .rulings
                .iter()
                .filter(|o| o.near(r, footnotes::RULE_ALONE * self.body))
                .count();
            others == 1 && !self.floats.iter().any(|f| r.near(&f.bbox, self.body))
        };
        let lowest = self
            .page
            .rulings
            .iter()
            .filter(short)
            .filter(alone)
            .max_by(|a, b| a.y1.total_cmp(&b.y1))?;
        // There must be text right below it.
        let below = |s: &&Segment| {
            s.bbox.y1 > lowest.y1 - footnotes::RULE_OVERLAP * self.body
                && s.bbox.y1 - lowest.y2 < footnotes::RULE_TEXT_GAP * self.body
                && s.bbox.overlap_x(lowest) > 0.0
        };
        self.segments.iter().find(below).map(|_| lowest.center_y())
    }

    /// Adds a formula, and its number if one of its lines ends with one.
    fn push_formula(&self, block: &[Line], score: f32, out: &mut Vec<Region>) {
        let mut block = block.to_vec();
        let mut number = None;
        let several = block.len() > 1;
        for line in &mut block {
            let texts: Vec<String> = line
                .segments
                .iter()
                .map(|i| self.segments[*i].plain_text())
                .collect();
            if (texts.len() > 1 || several)
                && let Some(at) = labels::formula_number(&texts)
            {
                number = Some(line.segments.remove(at));
                line.bbox = Rect::union_all(line.segments.iter().map(|i| &self.segments[*i].bbox))
                    .unwrap_or(line.bbox);
            }
        }
        block.retain(|line| !line.segments.is_empty());
        out.push(text_region(Label::DisplayFormula, score, &block));
        if let Some(i) = number {
            let line = Line::new(vec![i], self.segments, &|_| None);
            out.push(text_region(Label::FormulaNumber, score, &[line]));
        }
    }
}

/// `true` if a line reaches the end of its zone, so that the next word may not have fitted.
fn fills(line: &Line, shape: &PageShape) -> bool {
    let (left, right) = shape.zone;
    let room = match line.right_to_left {
        true => line.bbox.x1 - left,
        false => right - line.bbox.x2,
    };
    room <= EARLY_END * (right - left)
}

fn text_region(label: Label, score: f32, lines: &[Line]) -> Region {
    let bbox = Rect::union_all(lines.iter().map(|l| &l.bbox)).unwrap_or_default();
    let mut region = Region::new(label, bbox, score);
    region.style = labels::style(lines);
    region.lines = lines.iter().map(|l| l.segments.clone()).collect();
    region
}
