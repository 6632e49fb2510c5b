//! Areas between horizontal lines of equal extent: the bands between neighbouring lines that hold rows of a table.

use super::evidence::Evidence;
use super::judge::{self, is_prose, unless};
use super::pieces::{TextLine, lines};
use super::reason::{Reason, Verdict};
use super::rules::Rule;
use super::thresholds::drawn::SNAP;
use super::thresholds::framed;
use super::trace::{Considered, Origin};
use crate::deadline;
use crate::geometry::Rect;
use crate::layout::captions::caption_kind;

/// Areas between horizontal lines of equal extent that contain rows of several pieces.
pub(super) fn frames(evidence: &Evidence, free: &[usize]) -> Vec<Rect> {
    let body = evidence.body;
    let rules: Vec<&Rule> = evidence
        .horizontal
        .iter()
        .filter(|r| r.to - r.from > framed::RULE_WIDTH * body)
        .collect();
    let mut used = vec![false; rules.len()];
    let mut found = Vec::new();
    for i in 0..rules.len() {
        deadline::check();
        if used[i] {
            continue;
        }
        let same = |r: &Rule| {
            (r.from - rules[i].from).abs() < framed::RULE_SNAP * body
                && (r.to - rules[i].to).abs() < framed::RULE_SNAP * body
        };
        let group: Vec<usize> = (i..rules.len())
            .filter(|&j| !used[j] && same(rules[j]))
            .collect();
        group.iter().for_each(|&j| used[j] = true);
        let mut open: Option<Rect> = None;
        // Lower end of a band that is a row of titles.
        let mut head: Option<f32> = None;
        // Bars with a heading each, and the sections between them, are a form.
        let (mut own, mut headings, mut bands) = (Vec::new(), 0, 0);
        let mut refused: Vec<(Rect, Reason)> = Vec::new();
        for pair in group.windows(2) {
            deadline::check();
            let (top, bottom) = (rules[pair[0]], rules[pair[1]]);
            let between = Rect {
                x1: top.from.min(bottom.from),
                y1: top.at,
                x2: top.to.max(bottom.to),
                y2: bottom.at,
            };
            let inside = texts_in(evidence, &between, free);
            let rows = lines(evidence, &inside);
            let is_bars = !top.is_line && !bottom.is_line;
            bands += usize::from(is_bars);
            headings += usize::from(is_bars && inside.len() == 1);
            // The space between two boxes, not a row without text.
            let is_closed = |from: f32, to: f32| {
                let sides = [between.x1, between.x2];
                sides.iter().all(|x| evidence.has_upright(*x, from, to))
            };
            let is_gap = open.as_ref().is_some_and(|above| {
                inside.is_empty()
                    && between.height() > framed::BOX_GAP * body
                    && is_closed(above.y1, above.y2)
                    && !is_closed(between.y1, between.y2)
            });
            let follows_head = head.is_some_and(|y| (y - between.y1).abs() < SNAP);
            head = is_head(&rows).then_some(between.y2);
            let verdict = unless(is_gap, Reason::BoxGap)
                .and_then(|()| is_tabular(evidence, &between, &inside, &rows, follows_head));
            match verdict {
                Ok(()) => open = Some(open.map_or(between, |o| o.union(&between))),
                Err(reason) => {
                    own.extend(open.take());
                    add_band(&mut refused, between, reason);
                }
            }
        }
        own.extend(open);
        match headings * 3 <= bands {
            true => found.extend(own),
            false => refused.extend(own.into_iter().map(|area| (area, Reason::FormBars))),
        }
        for (area, reason) in refused {
            let bands = || Considered::bare(Origin::Between, area, Some(reason));
            evidence.trace.consider(bands);
        }
    }
    found
}

/// Adds a band that is no table; those below each other that are none for the same reason are one area.
fn add_band(refused: &mut Vec<(Rect, Reason)>, band: Rect, reason: Reason) {
    match refused.last_mut() {
        Some((area, same)) if *same == reason && area.y2 == band.y1 => *area = area.union(&band),
        _ => refused.push((band, reason)),
    }
}

/// The segments in a band.
fn texts_in(evidence: &Evidence, band: &Rect, free: &[usize]) -> Vec<usize> {
    let is_in = |i: &&usize| {
        let bbox = &evidence.segments[**i].bbox;
        band.contains(bbox.center_x(), bbox.center_y())
    };
    free.iter().filter(is_in).copied().collect()
}

/// `true` if the lines of a band are one row of several short pieces.
fn is_head(rows: &[TextLine]) -> bool {
    let [row] = rows else { return false };
    row.pieces.len() >= 2
        && row
            .pieces
            .iter()
            .all(|piece| piece.words.len() <= framed::TITLE_WORDS)
}

/// Whether the text between two lines, `inside` in lines `rows`, forms rows of a table. Below a row of titles rows may
/// wrap: fewer of their lines have several pieces.
fn is_tabular(
    evidence: &Evidence,
    between: &Rect,
    inside: &[usize],
    rows: &[TextLine],
    follows_head: bool,
) -> Verdict {
    let (segments, body) = (evidence.segments, evidence.body);
    // Text that extends beyond the rules is not framed by them.
    let around = between.expanded(body, body);
    let is_beyond = inside
        .iter()
        .any(|&i| segments[i].bbox.share_inside(&around) < framed::TEXT_WITHIN);
    unless(is_beyond, Reason::TextBeyond)?;
    if rows.is_empty() {
        let is_row = between.height() < framed::EMPTY_HEIGHT * body;
        return unless(!is_row, Reason::EmptyBand);
    }
    let multi = rows.iter().filter(|r| r.pieces.len() >= 2).count();
    let is_listing = multi * 2 < rows.len() && judge::is_listing(evidence, inside);
    unless(is_listing, Reason::Listing)?;
    let bullets = inside.iter().filter(|&&i| {
        segments[i]
            .plain_text()
            .starts_with(['•', '▪', '●', '■', '☐', '☑', '☒'])
    });
    // A list, or a page's design around lists.
    unless(bullets.count() >= framed::LIST_BULLETS, Reason::List)?;
    let few_several = Reason::FewSeveral(multi, rows.len());
    let is_tall = between.height() > framed::TALL_FRAME * body;
    let fills_tall = framed::TALL_FRAME_ROWS.is_reached(multi, rows.len());
    unless(is_tall && !fills_tall, few_several)?;
    unless(rows.iter().any(is_caption), Reason::Caption)?;
    // Columns of text between two rules of the page.
    unless(is_prose(evidence, inside), Reason::Prose)?;
    let narrow = rows
        .iter()
        .all(|r| r.bbox.width() < framed::NARROW_ROW * between.width());
    let needed = match follows_head {
        true => framed::WRAPPED_ROWS,
        false => framed::SEVERAL_ROWS,
    };
    let is_row = needed.is_reached(multi, rows.len()) || (rows.len() == 1 && narrow);
    unless(!is_row, few_several)
}

/// `true` if a line begins the caption of another table or figure.
fn is_caption(line: &TextLine) -> bool {
    let words = line.pieces.iter().flat_map(|piece| &piece.words);
    let words: Vec<&str> = words.map(|(_, word)| word.text.as_str()).collect();
    caption_kind(&words.join(" ")).is_some()
}
