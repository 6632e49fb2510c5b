//! Merging neighbouring text blocks into one crop (docs/reference.md, "Merging neighbouring text blocks").

use crate::document::Label;
use crate::geometry::Rect;
use crate::layout::Region;

/// Alignment of a crop with the stack above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Left edges.
    Left,
    /// Right edges.
    Right,
    /// Centres.
    Center,
}

impl Align {
    /// The alignment's name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Align::Left => "left",
            Align::Right => "right",
            Align::Center => "center",
        }
    }
}

/// A block after merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MergedBlock {
    /// Position before merging.
    pub index: usize,
    /// Positions of the blocks whose areas its crop stacks, itself first; empty if its area went to another.
    pub members: Vec<usize>,
    /// Alignment of each member after the first.
    pub aligns: Vec<Align>,
    /// Position before merging of the group's first block.
    pub group_id: Option<usize>,
}

impl MergedBlock {
    /// A block without a group.
    pub(crate) fn alone(index: usize) -> Self {
        MergedBlock {
            index,
            members: vec![index],
            aligns: Vec::new(),
            group_id: None,
        }
    }
}

/// Tolerance in pixels within which edges count as aligned.
const SAME_EDGE: f32 = 5.0;
/// Largest gap at a column break, as a share of the wider block's width, and between lines, of the higher
/// block's height.
const COLUMN_GAP: f32 = 0.3;
const LINE_GAP: f32 = 0.5;
/// Ratio of height to width from which a stack is too tall to be read as one crop.
const TOO_HIGH: f32 = 3.0;

/// Merges text blocks that continue each other; blocks of labels for which `stays_alone` is `true` are never
/// merged.
///
/// A group takes the place of its first block; blocks that lay between its members follow it.
pub(crate) fn merge_blocks(
    regions: &[Region],
    stays_alone: &dyn Fn(Label) -> bool,
) -> Vec<MergedBlock> {
    let (alone, mergeable): (Vec<usize>, Vec<usize>) =
        (0..regions.len()).partition(|i| stays_alone(regions[*i].label));
    let obstacles: Vec<Rect> = alone.iter().map(|i| regions[*i].bbox).collect();
    let mut groups: Vec<(Vec<usize>, Vec<Align>)> = Vec::new();
    let mut previous: Option<usize> = None;
    for &i in &mergeable {
        let align = previous.and_then(|p| continues(&regions[p], &regions[i], &obstacles));
        match (align, groups.last_mut()) {
            (Some(align), Some((members, aligns))) => {
                members.push(i);
                aligns.push(align);
            }
            _ => groups.push((vec![i], Vec::new())),
        }
        previous = Some(i);
    }
    let mut out = Vec::with_capacity(regions.len());
    let mut groups = groups.into_iter().peekable();
    let mut alone = alone.into_iter().peekable();
    while let Some(next) = groups
        .peek()
        .map(|g| g.0[0])
        .into_iter()
        .chain(alone.peek().copied())
        .min()
    {
        if alone.next_if_eq(&next).is_some() {
            out.push(MergedBlock::alone(next));
        } else if let Some((members, aligns)) = groups.next() {
            out.extend(group(regions, members, aligns));
        }
    }
    out
}

/// The blocks of a group: the first owns the stacked crop, unless that would be too tall.
fn group(regions: &[Region], members: Vec<usize>, aligns: Vec<Align>) -> Vec<MergedBlock> {
    let width = members
        .iter()
        .map(|i| regions[*i].bbox.width())
        .fold(0.0, f32::max);
    let height: f32 = members.iter().map(|i| regions[*i].bbox.height()).sum();
    if width <= 0.0 || height / width >= TOO_HIGH {
        return members.into_iter().map(MergedBlock::alone).collect();
    }
    let group_id = members.first().copied();
    let others = members[1..].to_vec();
    let first = MergedBlock {
        index: members[0],
        members,
        aligns,
        group_id,
    };
    let given = others.into_iter().map(|index| MergedBlock {
        members: Vec::new(),
        group_id,
        ..MergedBlock::alone(index)
    });
    std::iter::once(first).chain(given).collect()
}

/// Alignment of a block that continues the previous one; `None` if it does not.
fn continues(previous: &Region, block: &Region, obstacles: &[Rect]) -> Option<Align> {
    let (p, b) = (&previous.bbox, &block.bbox);
    if previous.label != Label::Text || block.label != Label::Text {
        return None;
    }
    if p.overlap_x(b) <= 0.0 {
        let column_break =
            b.x1 > p.x2 && b.y1 < p.y2 && b.x1 - p.x2 < COLUMN_GAP * p.width().max(b.width());
        return column_break.then_some(Align::Center);
    }
    let left = (p.x1 - b.x1).abs() <= SAME_EDGE;
    let right = (p.x2 - b.x2).abs() <= SAME_EDGE;
    let below = b.y2 >= p.y1 && (b.y1 - p.y2).abs() < LINE_GAP * p.height().max(b.height());
    let around = p.union(b);
    let beside_obstacle = obstacles
        .iter()
        .any(|o| around.intersection(o).area() > 0.0);
    if !below || left == right || !beside_obstacle {
        return None;
    }
    Some(if left { Align::Left } else { Align::Right })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(x1: f32, y1: f32, x2: f32, y2: f32) -> Region {
        Region::new(Label::Text, Rect::new(x1, y1, x2, y2), 0.9)
    }

    fn merge(regions: &[Region]) -> Vec<(usize, usize)> {
        let merged = merge_blocks(regions, &|label| label == Label::Image);
        merged.iter().map(|b| (b.index, b.members.len())).collect()
    }

    #[test]
    fn text_goes_on_in_the_next_column() {
        let blocks = [
            text(0.0, 100.0, 100.0, 200.0),
            text(110.0, 0.0, 210.0, 150.0),
        ];
        assert_eq!(merge(&blocks), [(0, 2), (1, 0)]);
        let far = [
            text(0.0, 100.0, 100.0, 200.0),
            text(140.0, 0.0, 240.0, 150.0),
        ];
        assert_eq!(merge(&far), [(0, 1), (1, 1)]);
    }

    #[test]
    fn text_runs_around_a_picture_which_then_follows() {
        let picture = Region::new(Label::Image, Rect::new(60.0, 50.0, 100.0, 100.0), 0.9);
        let blocks = [
            text(0.0, 0.0, 100.0, 48.0),
            picture,
            text(0.0, 50.0, 58.0, 100.0),
        ];
        assert_eq!(merge(&blocks), [(0, 2), (2, 0), (1, 1)]);
        assert_eq!(
            merge(&[blocks[0].clone(), blocks[2].clone()]),
            [(0, 1), (1, 1)]
        );
    }

    #[test]
    fn stacks_that_would_be_too_high_stay_apart() {
        let blocks = [text(0.0, 100.0, 50.0, 200.0), text(55.0, 0.0, 105.0, 150.0)];
        assert_eq!(merge(&blocks), [(0, 1), (1, 1)]);
    }
}
