//! Places of labels: none lies over another one.

/// Most places that are tried for a label above the wanted one, and below it; beyond that it may lie over another one.
const MOST_STEPS: usize = 200;

/// A label's box in points, y upward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LabelBox {
    /// Left side.
    pub x: f32,
    /// Lower side.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl LabelBox {
    fn overlaps(&self, other: &LabelBox) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }
}

/// Places of labels, in their order: each where it is wanted if that is free, else as many of its heights above as needed, or
/// below if there is no room. What is below is more often the head of a table, which must be seen. All lie between 0 and
/// `size` (width, height) where they fit.
pub(super) fn stacked(wanted: &[LabelBox], size: (f32, f32)) -> Vec<LabelBox> {
    let mut placed: Vec<LabelBox> = Vec::with_capacity(wanted.len());
    for label in wanted {
        let highest = (size.1 - label.height).max(0.0);
        let start = LabelBox {
            x: label.x.min(size.0 - label.width).max(0.0),
            y: label.y.clamp(0.0, highest),
            ..*label
        };
        let above = (0..MOST_STEPS).map(|n| n as f32);
        let below = (1..MOST_STEPS).map(|n| -(n as f32));
        let mut moved = above.chain(below).map(|step| LabelBox {
            y: start.y + step * label.height,
            ..start
        });
        let is_free = |label: &LabelBox| {
            (0.0..=highest).contains(&label.y) && !placed.iter().any(|other| other.overlaps(label))
        };
        placed.push(moved.find(is_free).unwrap_or(start));
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(x: f32, y: f32) -> LabelBox {
        LabelBox {
            x,
            y,
            width: 50.0,
            height: 8.0,
        }
    }

    /// Lower sides of labels on a page of 100 x 100 points.
    fn places(wanted: &[LabelBox]) -> Vec<(f32, f32)> {
        let placed = stacked(wanted, (100.0, 100.0));
        placed.iter().map(|label| (label.x, label.y)).collect()
    }

    #[test]
    fn labels_at_one_place_are_stacked_above_and_at_the_upper_end_below() {
        let heights = |y: f32| {
            let placed = places(&[label(10.0, y); 3]);
            placed.iter().map(|(_, y)| *y).collect::<Vec<_>>()
        };
        assert_eq!(heights(40.0), [40.0, 48.0, 56.0]);
        assert_eq!(heights(80.0), [80.0, 88.0, 72.0]);
    }

    #[test]
    fn labels_beside_each_other_stay_and_none_leaves_the_page() {
        let wanted = [label(0.0, 98.0), label(50.0, 98.0), label(90.0, -5.0)];
        assert_eq!(places(&wanted), [(0.0, 92.0), (50.0, 92.0), (50.0, 0.0)]);
    }

    #[test]
    fn more_labels_than_have_room_are_all_placed() {
        assert_eq!(places(&[label(0.0, 0.0); 40]).len(), 40);
    }
}
