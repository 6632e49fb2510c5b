//! Columns: the separators that leave the fewest gaps inside cells and cut the fewest pieces.
//!
//! Every gap of a line that no separator runs through costs its weight; every separator costs something, and more
//! where it cuts through text. Vertical lines make a separator cheaper. The set of least cost is found by dynamic
//! programming from left to right.

use super::super::evidence::Evidence;
use super::super::pieces::{Gap, TextLine, gaps};
use super::super::rules::{Rule, between};
use super::super::thresholds::columns::*;
use super::super::thresholds::drawn::SNAP;
use super::doubt::{self, Side};
use crate::deadline;
use crate::geometry::Rect;

/// Most places that are considered.
const MAX_CANDIDATES: usize = 160;
/// Most gaps that are counted; the others are beyond any table.
const MAX_GAPS: usize = 20_000;

/// A place where columns may be separated.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    at: f32,
    /// Price of a separator there.
    cost: f32,
    /// Weight of the gaps there, for choosing among many.
    support: f32,
}

/// Separators of the columns within an area, from left to right, without its sides; and what they cost.
pub(super) fn separators(evidence: &Evidence, lines: &[TextLine], area: &Rect) -> (Vec<Side>, f32) {
    let mut gaps: Vec<Gap> = lines.iter().flat_map(gaps).take(MAX_GAPS).collect();
    gaps.sort_by(|a, b| a.from.total_cmp(&b.from));
    // In a table of boxes the lines tell where columns are.
    let is_boxed = between(&evidence.vertical, area.x1 + SNAP, area.x2 - SNAP)
        .iter()
        .any(|rule| rule.to.min(area.y2) - rule.from.max(area.y1) > BOXED * area.height());
    let mut candidates = rivers(lines, &gaps, is_boxed);
    add_drawn(evidence, lines, area, &mut candidates);
    if candidates.len() > MAX_CANDIDATES {
        candidates.sort_by(|a, b| b.support.total_cmp(&a.support));
        candidates.truncate(MAX_CANDIDATES);
    }
    candidates.sort_by(|a, b| a.at.total_cmp(&b.at));
    let (chosen, cost) = cheapest(&candidates, &gaps);
    (sides(&chosen, &gaps), cost)
}

/// The separators chosen, each with its confidence: by what the columns would cost without it.
fn sides(chosen: &[Candidate], gaps: &[Gap]) -> Vec<Side> {
    let mut only = vec![0.0f32; chosen.len()];
    for gap in gaps {
        let first = chosen.partition_point(|candidate| candidate.at < gap.from);
        let last = chosen.partition_point(|candidate| candidate.at < gap.to);
        if last == first + 1 {
            only[first] += gap.weight;
        }
    }
    let sides = chosen.iter().zip(only).map(|(candidate, only)| Side {
        at: candidate.at,
        confidence: doubt::confidence((only - candidate.cost).max(0.0)),
    });
    sides.collect()
}

/// Cost of cutting through a piece: little for a line of one piece, which is a heading over all columns.
fn crossing_cost(line: &TextLine) -> f32 {
    match line.pieces.len() {
        1 => LONE_CROSSING,
        _ => CROSSING,
    }
}

/// Places where more gaps than pieces lie above each other.
fn rivers(lines: &[TextLine], gaps: &[Gap], is_boxed: bool) -> Vec<Candidate> {
    // Change of the gaps' weight and of the crossing cost at a place.
    let mut events: Vec<(f32, f32, f32)> = Vec::new();
    for gap in gaps {
        events.push((gap.from, gap.weight, 0.0));
        events.push((gap.to, -gap.weight, 0.0));
    }
    for line in lines {
        let cost = crossing_cost(line);
        for piece in &line.pieces {
            events.push((piece.bbox.x1, 0.0, cost));
            events.push((piece.bbox.x2, 0.0, -cost));
        }
    }
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut support, mut crossing) = (0.0f32, 0.0f32);
    let mut stretches: Vec<(f32, f32, f32, f32)> = Vec::new();
    for pair in events.windows(2) {
        support += pair[0].1;
        crossing += pair[0].2;
        if pair[1].0 - pair[0].0 > NARROWEST {
            stretches.push((pair[0].0, pair[1].0, support, crossing));
        }
    }
    let net = |at: usize| stretches[at].2 - stretches[at].3;
    let is_peak = |at: &usize| {
        let (at, own) = (*at, net(*at));
        let is_over = |other: Option<usize>| {
            other
                .filter(|o| *o < stretches.len())
                .is_none_or(|o| net(o) <= own)
        };
        stretches[at].2 >= LEAST_SUPPORT
            && own > 0.0
            && is_over(at.checked_sub(1))
            && is_over(Some(at + 1))
    };
    let mut found: Vec<Candidate> = (0..stretches.len())
        .filter(is_peak)
        .map(|at| {
            let (from, to, support, crossing) = stretches[at];
            Candidate {
                at: (from + to) / 2.0,
                cost: SEPARATOR + crossing,
                support,
            }
        })
        .collect();
    if is_boxed {
        return found;
    }
    for (from, to, ..) in stretches.iter().filter(|stretch| stretch.3 <= 0.0) {
        let one_sided = one_sided(lines, *from, *to);
        if one_sided == 0 {
            continue;
        }
        let saved = ONE_SIDED * one_sided as f32;
        match found.iter_mut().find(|c| *from < c.at && c.at < *to) {
            Some(candidate) => candidate.cost -= saved,
            None => found.push(Candidate {
                at: (from + to) / 2.0,
                cost: SEPARATOR - saved,
                support: saved,
            }),
        }
    }
    found
}

/// Number of lines, on the side that has fewer, with text on one side only of a stretch that nothing cuts.
fn one_sided(lines: &[TextLine], from: f32, to: f32) -> usize {
    if lines
        .iter()
        .any(|line| to - from < ONE_SIDED_WIDTH * line.size)
    {
        return 0;
    }
    let pieces = || lines.iter().flat_map(|line| &line.pieces);
    let at = |a: f32, b: f32| (a - b).abs() < NARROWEST;
    // The text beside the stretch: what stands above or below the pieces that end and begin there.
    let left = pieces()
        .filter(|p| at(p.bbox.x2, from))
        .map(|p| p.bbox.x1)
        .fold(from, f32::min);
    let right = pieces()
        .filter(|p| at(p.bbox.x1, to))
        .map(|p| p.bbox.x2)
        .fold(to, f32::max);
    let (mut only_left, mut only_right) = (0, 0);
    for line in lines {
        let pieces = || line.pieces.iter().filter(|p| !p.is_turned);
        let is_left = pieces().any(|p| p.bbox.x2 > left && p.bbox.x2 < from + NARROWEST);
        let is_right = pieces().any(|p| p.bbox.x1 < right && p.bbox.x1 > to - NARROWEST);
        only_left += usize::from(is_left && !is_right);
        only_right += usize::from(is_right && !is_left);
    }
    only_left.min(only_right)
}

/// Adds the vertical lines of an area; they replace the places beside them.
fn add_drawn(
    evidence: &Evidence,
    lines: &[TextLine],
    area: &Rect,
    candidates: &mut Vec<Candidate>,
) {
    let inside = between(&evidence.vertical, area.x1 + SNAP, area.x2 - SNAP);
    // Lines that no text stands between are one: double lines, and the sides of two shaded cells.
    let are_one = |left: f32, right: f32| {
        let is_near = right - left < NARROW_COLUMN * evidence.body;
        let is_text = |x: f32| left < x && x < right;
        let mut pieces = lines.iter().flat_map(|line| &line.pieces);
        right - left < SNAP || is_near && !pieces.any(|p| is_text(p.bbox.center_x()))
    };
    let mut groups: Vec<Vec<Rule>> = Vec::new();
    for rule in inside {
        let is_beyond = rule.to.min(area.y2) - rule.from.max(area.y1) <= 0.0;
        if is_beyond || are_one(area.x1, rule.at) || are_one(rule.at, area.x2) {
            continue;
        }
        let is_same = |group: &Vec<Rule>| are_one(group[0].at, rule.at);
        match groups.last_mut() {
            Some(group) if is_same(group) => group.push(*rule),
            _ => groups.push(vec![*rule]),
        }
    }
    for group in groups {
        deadline::check();
        let at = group.iter().map(|rule| rule.at).sum::<f32>() / group.len() as f32;
        let is_beside = |line: &&TextLine| {
            let y = line.bbox.center_y();
            group.iter().any(|rule| rule.from <= y && y <= rule.to)
        };
        let beside = lines.iter().filter(is_beside).count();
        // A line of a row of its own, with a border to the rows that are divided, is one cell of several columns.
        let is_drawn = |from: f32, to: f32| {
            let mut sides = [area.x1, area.x2].into_iter();
            sides.all(|x| evidence.has_upright(x, from, to))
        };
        let is_closed = |line: &TextLine| {
            let y = line.bbox.center_y();
            let has_border = |rule: &Rule| {
                let end = if rule.to < y { rule.to } else { rule.from };
                let (from, to) = (end.min(y), end.max(y));
                let mut borders = between(&evidence.horizontal, from - SNAP, to + SNAP).iter();
                borders.any(|level| level.from < at - SNAP && at + SNAP < level.to)
                    && is_drawn(from, to)
            };
            group.iter().all(has_border)
        };
        let crossing: f32 = lines
            .iter()
            .filter(|line| !is_beside(line))
            .filter(|line| {
                let cuts = |x1: f32, x2: f32| x1 < at && at < x2;
                line.pieces.iter().any(|p| cuts(p.bbox.x1, p.bbox.x2))
            })
            .filter(|line| !is_closed(line))
            .map(crossing_cost)
            .sum();
        let drawn = DRAWN + DRAWN_LINE * beside as f32;
        candidates.push(Candidate {
            at,
            cost: SEPARATOR + crossing - drawn,
            support: drawn,
        });
    }
}

/// The candidates whose cost, with the gaps that they leave, is least.
fn cheapest(candidates: &[Candidate], gaps: &[Gap]) -> (Vec<Candidate>, f32) {
    let count = candidates.len();
    let place = |at: usize| match at {
        0 => f32::NEG_INFINITY,
        _ => candidates
            .get(at - 1)
            .map_or(f32::INFINITY, |candidate| candidate.at),
    };
    // Places 1 to count are candidates, 0 and count + 1 the sides.
    let mut best = vec![(f32::INFINITY, 0usize); count + 2];
    best[0].0 = 0.0;
    for left in 0..=count {
        deadline::check();
        if best[left].0 == f32::INFINITY {
            continue;
        }
        // Weight of the gaps right of `left` that end before a place.
        let first = gaps.partition_point(|gap| gap.from < place(left));
        let mut ending = vec![0.0f32; count + 2];
        for gap in &gaps[first..] {
            let end = candidates.partition_point(|candidate| candidate.at < gap.to) + 1;
            ending[end.max(left + 1)] += gap.weight;
        }
        let mut inside = 0.0;
        for right in left + 1..=count + 1 {
            inside += ending[right];
            let price = candidates.get(right - 1).map_or(0.0, |c| c.cost);
            let total = best[left].0 + inside + price;
            if total < best[right].0 {
                best[right] = (total, left);
            }
        }
    }
    let mut chosen = Vec::new();
    let mut at = best[count + 1].1;
    while at > 0 {
        chosen.push(candidates[at - 1]);
        at = best[at].1;
    }
    chosen.reverse();
    (chosen, best[count + 1].0)
}
